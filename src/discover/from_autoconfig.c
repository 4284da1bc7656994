#include "discover/autoconfig.h"
#include "discover/discover_int.h"

#include "base/banned.h"

enum { HTTP_OK = 200, HTTP_NOT_FOUND = 404 };

/* Letters, digits and a few signs as they are, the rest in percent (RFC 3986, 2.1). */
static void add_escaped(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.at[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     c == '-' || c == '.' || c == '_' || c == '~';
        buf_addf(out, plain ? "%c" : "%%%02X", c);
    }
}

static void take(struct look *look, struct span xml)
{
    struct autoconfig found;
    struct err err = { 0 };

    if (!autoconfig_parse(xml, look->discover->address, &found, &err)) {
        look_end(look, &err);
        return;
    }
    for (size_t i = 0; i < found.count; i++)
        look_found(look, &found.at[i]);
    look_end(look, NULL);
}

static void on_answer(void *who, const struct fetch_answer *answer, const struct err *why)
{
    struct look *look = who;
    struct err err = { 0 };

    look->fetch = NULL;
    if (answer && answer->status == HTTP_OK) {
        take(look, buf_span(answer->body));
        return;
    }
    if (answer && answer->status != HTTP_NOT_FOUND)
        err_set(&err, ERR_REPLY, "the web server answered %u", answer->status);
    else if (answer)
        err_set(&err, ERR_NAME, "the web server has no settings");
    look_end(look, answer ? &err : why);
}

/* A domain's web server may send us to where its settings are kept. What is there is still verified, and
 * still said by them. */
static bool may_follow(void *who, const char *host)
{
    (void)who, (void)host;
    return true;
}

/* Takes the URL out of `url`. */
static void fetch(struct discover *discover, enum candidate_source source, struct buf *url)
{
    const struct discover_plan *plan = &discover->plan;
    struct err err = { 0 };
    struct look *look = look_begin(discover, source, "%s", buf_text(url));

    if (!look)
        return;
    look->url = *url;
    *url = (struct buf)BUF(0);
    struct fetch_plan wish = {
        .url = buf_text(&look->url),
        .resolver = plan->resolver,
        .detours = plan->detours,
        .ca_file = plan->ca_file,
        .proxy = plan->proxy,
        .body_max = AUTOCONFIG_MAX,
        .deadline = plan->deadline,
        .public_only = true,
        .may_follow = may_follow,
    };
    if (look->url.full)
        err_no_memory(&err);
    if (look->url.full || !fetch_start(discover->loop, &wish, on_answer, look, &look->fetch, &err))
        look_end(look, &err);
}

static void ask_domain(struct discover *discover, enum candidate_source source, struct span domain,
                       struct span address)
{
    HELD(buf) asked = BUF(DISCOVER_URL_MAX), well_known = BUF(DISCOVER_URL_MAX);

    buf_add(&asked, "https://autoconfig.");
    buf_add_span(&asked, domain);
    buf_add(&asked, "/mail/config-v1.1.xml");
    if (address.len) {
        buf_add(&asked, "?emailaddress=");
        add_escaped(&asked, address);
    }
    fetch(discover, source, &asked);

    buf_add(&well_known, "https://");
    buf_add_span(&well_known, domain);
    buf_add(&well_known, "/.well-known/autoconfig/mail/config-v1.1.xml");
    fetch(discover, source, &well_known);
}

static void ask_database(struct discover *discover, enum candidate_source source, struct span domain)
{
    HELD(buf) url = BUF(DISCOVER_URL_MAX);

    buf_add(&url, "https://autoconfig.thunderbird.net/v1.1/");
    buf_add_span(&url, domain);
    fetch(discover, source, &url);
}

void from_autoconfig(struct discover *discover)
{
    ask_domain(discover, SOURCE_AUTOCONFIG, discover->domain, discover->address);
    ask_database(discover, SOURCE_ISPDB, discover->domain);
}

/* Strangers to the address: they are not told of it, nor of its domain. */
void from_autoconfig_of(struct discover *discover, const char *domain)
{
    ask_domain(discover, SOURCE_MX_AUTOCONFIG, span_of(domain), SPAN_NONE);
    ask_database(discover, SOURCE_MX_ISPDB, span_of(domain));
}
