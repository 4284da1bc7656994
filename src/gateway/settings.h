/* Where the gateway listens, and who may sign in there: [listen NAME] and [user NAME]. A user's word stands
 * before the listener's, and that before the account's.
 *
 * The fences. A listener that others than this machine can reach lets in private networks only, unless
 * `allow` says who else; and what weakens it - passwords in the clear, TLS before 1.2, no TLS at all - is
 * taken only together with an `allow` that names networks. So nobody opens a hole by a single key.
 */
#ifndef OUTPOST_GATEWAY_SETTINGS_H
#define OUTPOST_GATEWAY_SETTINGS_H

#include "account/config.h"
#include "net/host.h"
#include "net/tls.h"

enum gateway_security {
    GATEWAY_STARTTLS = 1,
    GATEWAY_TLS,
    GATEWAY_AUTO, /* both on one port: who begins with TLS has it */
    GATEWAY_NONE,
};

enum gateway_line_ends { LINE_ENDS_STRICT = 1, LINE_ENDS_REPAIR };
enum gateway_deliver { DELIVER_QUEUED = 1, DELIVER_WHILE_WAITING };

/* The value of `account` that leaves it to the sender. */
#define LISTEN_BY_SENDER "by-sender"

enum { LISTEN_SETTINGS = 16, USER_SETTINGS = 4 };

/* [listen NAME]; checked when it was read. */
struct listen_settings {
    const char *name;
    char *address;     /* IP:PORT, localhost:PORT, *:PORT, unix:PATH; see listen_address() */
    unsigned security; /* enum gateway_security */
    struct setting_list allow;            /* empty: private */
    struct setting_list no_password_from; /* networks */
    bool plaintext_auth;
    bool scram_plus; /* offer SCRAM-SHA-256-PLUS, too (docs/decisions/0015) */
    char *tls_certificate, *tls_key; /* NULL: made at the first start */
    unsigned tls_minimum;            /* see listen_tls_minimum() */
    unsigned line_ends;              /* enum gateway_line_ends */
    char *account;          /* an account's name; "by-sender" */
    unsigned other_senders; /* enum account_other_senders; 0: the account's */
    unsigned deliver;       /* enum gateway_deliver */
    struct setting_list proxy_from, xclient_from;
    uint64_t message_size;  /* 0: as large as the account's provider takes */
    struct setting_origin origins[LISTEN_SETTINGS];
};

/* [user NAME] */
struct user_settings {
    const char *name;
    char *password;      /* account/password.h: the hash... */
    char *scram_sha_256; /* ...and SCRAM's keys; NULL: SCRAM is offered to nobody */
    struct setting_list accounts; /* that may be used; empty: all */
    unsigned other_senders;       /* enum account_other_senders; 0: the listener's */
    struct setting_origin origins[USER_SETTINGS];
};

extern const struct config_part listen_part, user_part;

/* Where it listens. */
struct listen_address {
    enum listen_where { LISTEN_AT_IP, LISTEN_AT_LOCALHOST, LISTEN_AT_ANY, LISTEN_AT_UNIX } where;
    struct ip ip;
    uint16_t port;    /* where none is written: 587, 465 with security = tls, 25 with none */
    const char *path; /* of a Unix socket; points into the settings */
};

/* False where the address is none; never so once it was checked. */
MUST_USE bool listen_address(const struct listen_settings *settings, struct listen_address *ret_address);
uint16_t listen_port(const struct listen_settings *settings); /* of the address; 0: it has none */
/* Can only this machine reach it? */
bool listen_is_local(const struct listen_settings *settings);
enum tls_version listen_tls_minimum(const struct listen_settings *settings);
const char *gateway_security_word(unsigned security); /* "starttls" */

/* May a caller from there come in? */
bool listen_allows(const struct listen_settings *settings, struct ip ip);
/* Is it in one of these networks? */
bool networks_have(const struct setting_list *networks, struct ip ip);
/* The weakened fences, to be told loudly: bits. */
enum listen_weakness {
    LISTEN_TAKES_PLAIN_PASSWORDS = 1,
    LISTEN_TAKES_OLD_TLS = 2,
    LISTEN_WITHOUT_TLS = 4,
    LISTEN_WITHOUT_PASSWORD = 8, /* from some networks */
    LISTEN_OPEN_TO_ALL = 16,
};
unsigned listen_weaknesses(const struct listen_settings *settings);
const char *listen_weakness_word(enum listen_weakness weakness); /* of one bit: "old-tls" */

#endif
