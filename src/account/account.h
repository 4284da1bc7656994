/* An account: who sends, through which server, and with what. As a person wrote it, with what was left
 * out filled in from the provider's profile; each value remembers where it comes from.
 *
 *     OWN(account) account = NULL;
 *     if (!account_new(span_of("live"), &account, err) ||
 *         !account_set(account, "address", span_of("me@live.com"), err) ||
 *         !account_fill(account, know, err) ||
 *         !account_check(account, err))
 *         return false;
 */
#ifndef OUTPOST_ACCOUNT_ACCOUNT_H
#define OUTPOST_ACCOUNT_ACCOUNT_H

#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/settings.h"
#include "know/profile.h"
#include "smtp/sasl.h"

enum account_auth {
    ACCOUNT_AUTH_UNSET,
    ACCOUNT_AUTH_OAUTH,    /* we sign in and keep the tokens fresh */
    ACCOUNT_AUTH_TOKEN,    /* the secret is an access token, fetched by another program */
    ACCOUNT_AUTH_PASSWORD, /* the secret is a password or an app password */
    ACCOUNT_AUTH_NONE,
    ACCOUNT_AUTH_CERTIFICATE, /* by the certificate of the TLS handshake (AUTH EXTERNAL): no secret */
};

enum account_other_senders { /* when the message's sender is not this account's */
    OTHER_SENDERS_UNSET,
    OTHER_SENDERS_REWRITE,
    OTHER_SENDERS_REFUSE,
    OTHER_SENDERS_KEEP,
};

enum account_transport { /* the way out */
    TRANSPORT_UNSET,
    TRANSPORT_AUTO, /* SMTP; the provider's HTTPS where SMTP is blocked, switched off or refused */
    TRANSPORT_SMTP,
    TRANSPORT_GRAPH,
    TRANSPORT_GMAIL,
};

enum { ACCOUNT_SETTINGS_MAX = 48, ACCOUNT_NAME_MAX = SETTING_NAME_MAX };

/* Members are what their setting's type says (base/settings.h); the words are numbered from 1, so
 * 0 and NULL are "not set". After account_fill() `server`, `security` and `auth` are set, and `username`
 * but where `auth` is certificate or none. */
struct account {
    char *name; /* of the section: letters, digits and . _ - @ +, the first a letter or digit */

    char *address;      /* me@example.com */
    char *person;       /* the key `name`: shown before the address */
    char *provider;     /* a profile's id */
    struct setting_host server;
    unsigned security;  /* 1 + enum security; see account_security() */
    bool allow_plaintext;
    unsigned auth;      /* enum account_auth */
    struct setting_list mechanisms; /* SASL names, as written; see account_mechanisms() */
    char *username;
    char *secret;       /* where it is: "file", "keyring", ...; see account/secret.h */
    unsigned other_senders; /* enum account_other_senders */
    struct setting_list send_as; /* addresses and patterns ("*@example.org") */
    unsigned transport;          /* enum account_transport */
    char *ca_file, *tls_pin, *source_address;
    char *proxy; /* "socks5://HOST:PORT" to go through (net/dial.h) */
    char *client_certificate, *client_key; /* files (PEM) for the TLS handshake; both or none */
    char *client_id, *tenant, *issuer;     /* of the OAuth application */
    char *scope;        /* what it asks for to send mail; NULL: as the profile says */
    char *client_secret, *certificate;     /* what the application proves itself with: sources, as `secret` */
    struct profile_limits limits; /* what is 0 is not limited */
    unsigned pipeline;            /* 1 + enum profile_pipeline; see account_pipeline() */
    uint64_t pipeline_window;     /* messages in flight */

    const struct profile *profile; /* set by account_fill(); NULL: no profile is known. The knowledge's */
    struct setting_origin origins[ACCOUNT_SETTINGS_MAX]; /* one for each of account_kind.settings */
};

extern const struct setting_kind account_kind; /* the table behind it: for help, `config show` */

/* An account with nothing set but its name, which is checked. */
MUST_USE bool account_new(struct span name, struct account **ret_account, struct err *err);
void account_free(struct account *account);
OWNED(account);

/* Another that is the same, origins included. */
MUST_USE bool account_copy(const struct account *account, struct account **ret_copy, struct err *err);

/* ERR_CONFIG with the reason why a name won't do: it becomes a file's name. */
MUST_USE bool account_name_check(struct span name, struct err *err);
/* A name that will do, made from an address: "live" from "me@live.com"; NULL: no memory. */
MUST_USE char *account_name_from(struct span address);

/* Sets a key by its word in the configuration file; the value is read as it would be there. */
MUST_USE bool account_set(struct account *account, const char *key, struct span value, struct err *err);

/* Fills in what was left out. The profile is the one named by `provider`; else, where a server is named,
 * the one whose server that is; else the one of the address's domain. Where nothing tells the server:
 * ERR_CONFIG. Limits of the profile hold unless the account names its own. The knowledge must outlive
 * the account. */
MUST_USE bool account_fill(struct account *account, const struct knowledge *know, struct err *err);

/* Is it whole, and does it agree with itself? An address, a user name, plaintext only to this machine or
 * where it is allowed. ERR_CONFIG (config:bad), naming the file and line to mend. Of a filled account. */
MUST_USE bool account_check(const struct account *account, struct err *err);

/* May it sign in at all, as far as we know before anything is sent? A password at a provider that takes
 * none is refused here: ERR_SIGNIN, fact profile:no-passwords. So is `auth = oauth` without a client id
 * (ERR_CONFIG, oauth:client-id-missing) or a way to the token. Of a filled account. */
MUST_USE bool account_check_sendable(const struct account *account, struct err *err);

/* Of a filled account. */
enum security account_security(const struct account *account);
enum profile_pipeline account_pipeline(const struct account *account);
/* What it signs in with; of an account that does not, SASL_PASSWORD. */
enum sasl_credential account_credential(const struct account *account);
/* The SASL mechanisms that may be used, as bits of smtp/sasl.h: the account's own list, else the profile's,
 * else the usual ones; of these only what fits `auth`, so that an account that signs in with a token
 * never falls back to a password, nor the reverse. */
unsigned account_mechanisms(const struct account *account);

/* Is this address the account's own, or one of send_as? ASCII case aside. */
bool account_may_send_as(const struct account *account, struct span address);

/* Adds the section as a file would hold it: what was set by a person or account_set(), nothing that was
 * filled in. */
MUST_USE bool account_text(const struct account *account, struct buf *out, struct err *err);

#endif
