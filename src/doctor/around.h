/* What is around a server that did not do: its other ports, its provider's other servers, the same port of
 * another big provider, HTTPS. All are asked at once, without any credential. What they show tells apart
 * what the failure alone can't: this port, this server, or the way out of this network? (doctor/findings.h)
 */
#ifndef OUTPOST_DOCTOR_AROUND_H
#define OUTPOST_DOCTOR_AROUND_H

#include "know/profile.h"
#include "net/cert.h"
#include "net/dial.h"

struct loop;

enum around_role {
    AROUND_PORT,      /* another port of this server */
    AROUND_OTHERWISE, /* this port, by the other kind of encryption */
    AROUND_SIBLING,   /* another server of the provider */
    AROUND_OTHER,     /* another provider, the same port */
    AROUND_WEB,       /* HTTPS of a provider: connected to only */
    AROUND_SHORT,     /* this port, with short packets alone */
    AROUND_UNPINNED,  /* this port, verified as without the account's pin, or, where it has none, without its CA file */
};

enum around_state {
    AROUND_UNTRIED,
    AROUND_WORKS,   /* over verified TLS, as far as the greeting and EHLO; of AROUND_WEB: it answers */
    AROUND_ANSWERS, /* somebody does, and something is wrong: see `fact` */
    AROUND_SILENT,  /* no answer at all */
    AROUND_REFUSED,
    AROUND_NO_WAY,  /* no route, or a firewall that says so */
    AROUND_NO_NAME,
};

struct around_sight {
    enum around_role role;
    char host[DIAL_HOST_MAX];
    uint16_t port;
    enum security security;
    enum around_state state;
    const char *fact; /* why it does not work; static, or NULL */
    bool by_ipv6;     /* that is how it was reached */
    char issuer[CERT_NAME_MAX]; /* of the certificate shown; "" */
};

enum { AROUND_MAX = 14 };

struct around_view {
    size_t count;
    struct around_sight at[AROUND_MAX];
};

struct around_target {
    const char *host;
    uint16_t port;
    enum security security;
    const struct profile *profile; /* whose server it is; NULL: not known */
    bool is_private;               /* on this machine or in the house: nobody outside tells of it */
    bool leads_home;               /* another's name, and all its addresses are this machine itself */
};

/* Who is to be asked about this target. Pure. */
void around_choose(const struct knowledge *know, const struct around_target *target, struct around_view *ret_view);
/* The same port by the other kind of encryption, where the target breaks off between the two. */
void around_add_otherwise(const struct around_target *target, struct around_view *view);

/* The same port once more: where it falls silent as soon as packets are long, and where it is not who the
 * account's own pin or CA file say. */
void around_add_short(const struct around_target *target, struct around_view *view);
void around_add_unpinned(const struct around_target *target, struct around_view *view);

/* ---- asking ---- */

struct around;

struct around_plan { /* borrowed, with all it points at, until the around is gone */
    const char *hello;
    const char *ca_file, *tls_pin, *source_address, *proxy; /* of the account, for its own servers */
    const char *other_ca_file;                              /* for everybody else's */
    struct resolver *resolver;
    struct dial_detours detours;
    uint64_t patience_ms; /* for each of them */
};

/* Fills in the view, which the caller keeps. `changed` is told when one has answered; never from within a call. */
MUST_USE bool around_start(struct loop *loop, const struct around_plan *plan, struct around_view *view,
                           void (*changed)(void *who), void *who, struct around **ret_around, struct err *err);
/* Those that were added since. */
void around_more(struct around *around);
bool around_is_done(const struct around *around);
void around_free(struct around *around);
OWNED(around);

#endif
