#include "discover/discover_int.h"

#include "base/banned.h"

/* What a domain's submission server is called by custom; asked for, so that only names that are there
 * become candidates. */
static const char *const prefixes[] = { "smtp.", "mail.", "" };

static const struct {
    uint16_t port;
    enum security security;
} ways[] = {
    { 465, SECURITY_TLS },
    { 587, SECURITY_STARTTLS },
};

static void on_addresses(void *who, const struct resolve_addresses *answer, const struct err *err)
{
    struct look *look = who;

    look->question = NULL;
    for (size_t i = 0; answer && i < COUNT(ways); i++) {
        struct candidate candidate = { .port = ways[i].port, .security = ways[i].security };
        memcpy(candidate.host, look->host, sizeof candidate.host);
        look_found(look, &candidate);
    }
    look_end(look, err);
}

void from_guess(struct discover *discover)
{
    for (size_t i = 0; i < COUNT(prefixes); i++) {
        HELD(buf) host = BUF(CANDIDATE_HOST_MAX - 1);
        struct err err = { 0 };

        buf_add(&host, prefixes[i]);
        buf_add_span(&host, discover->domain);
        if (host.full)
            continue;
        struct look *look = look_begin(discover, SOURCE_GUESS, "A, AAAA %s", buf_text(&host));
        if (!look)
            return;
        memcpy(look->host, buf_text(&host), host.len + 1);
        if (!resolve_addresses(discover->plan.resolver, buf_span(&host), discover->plan.deadline,
                               on_addresses, look, &look->question, &err))
            look_end(look, &err);
    }
}
