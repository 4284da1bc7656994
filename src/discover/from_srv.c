#include "discover/discover_int.h"

#include "base/banned.h"

enum { SMTPS_PORT = 465 };

/* RFC 8314, 3.3 (TLS from the first byte) before RFC 6186, 3.1 (STARTTLS). */
static const struct {
    const char *service;
    enum security security;
} services[] = {
    { "_submissions._tcp.", SECURITY_TLS },
    { "_submission._tcp.", SECURITY_STARTTLS },
};

static void on_srv(void *who, const struct resolve_srvs *answer, const struct err *err)
{
    struct look *look = who;

    look->question = NULL;
    for (size_t i = 0; answer && i < answer->count; i++) {
        const struct resolve_srv *srv = &answer->at[i];
        struct candidate candidate = { .port = srv->port, .security = look->security };
        /* Some publish the port of TLS as the other service; nobody speaks STARTTLS there. */
        if (srv->port == SMTPS_PORT)
            candidate.security = SECURITY_TLS;
        memcpy(candidate.host, srv->target, strlen(srv->target) + 1);
        look_found(look, &candidate);
    }
    look_end(look, err);
}

void from_srv(struct discover *discover)
{
    for (size_t i = 0; i < COUNT(services); i++) {
        HELD(buf) name = BUF(DISCOVER_ASKED_MAX);
        struct err err = { 0 };

        buf_add(&name, services[i].service);
        buf_add_span(&name, discover->domain);
        struct look *look = look_begin(discover, SOURCE_SRV, "SRV %s", buf_text(&name));
        if (!look)
            return;
        look->security = services[i].security;
        if (!resolve_srv(discover->plan.resolver, buf_span(&name), discover->plan.deadline, on_srv,
                         look, &look->question, &err))
            look_end(look, &err);
    }
}
