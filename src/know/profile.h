/* A profile: what is known of a provider before its server is asked. Hosts, sign-in, limits, what
 * its server can do; setup, sender, doctor and sandbox read the same. The files lie in
 * data/providers; data/providers/generic.ini tells every key. All text lives as long as the
 * knowledge it came from.
 */
#ifndef OUTPOST_KNOW_PROFILE_H
#define OUTPOST_KNOW_PROFILE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

struct knowledge;

/* A list of words, none of them empty; `at` may be NULL when count is 0. */
struct words {
    const char *const *at;
    size_t count;
};

bool words_have(struct words words, const char *word); /* ASCII case aside */

enum security { SECURITY_STARTTLS, SECURITY_TLS, SECURITY_NONE };
const char *security_word(enum security security); /* "starttls", "tls", "none" */
MUST_USE bool security_from_word(struct span word, enum security *ret_security);

struct profile_server {
    const char *host; /* may hold {region} or {domain}: profile_fill() */
    uint16_t port;
    enum security security;
};

enum profile_kind { PROFILE_MAILBOX, PROFILE_SERVICE, PROFILE_BRIDGE, PROFILE_GENERIC };
const char *profile_kind_word(enum profile_kind kind); /* as --json shows it: "mailbox" */

/* May the account's own password be used to send? */
enum profile_password {
    PASSWORD_TAKEN,
    PASSWORD_APP, /* only a password made for one program, on the page app_password_page */
    PASSWORD_OFF, /* none at all: OAuth, or nothing */
};

enum profile_username {
    USERNAME_ADDRESS,   /* me@example.com */
    USERNAME_LOCALPART, /* me */
    USERNAME_OTHER,     /* what username_note says; username_fixed where it is one word for all */
};

/* How deep commands may be pipelined there, when it is known. */
enum profile_pipeline { PIPELINE_AUTO, PIPELINE_TRANSACTIONS, PIPELINE_COMMANDS, PIPELINE_OFF };

/* When the server compares MAIL FROM and From with who signed in. */
enum profile_sender_check {
    SENDER_CHECK_UNKNOWN,
    SENDER_CHECK_NONE, /* it takes any, or puts the right one in */
    SENDER_CHECK_MAIL,
    SENDER_CHECK_RCPT,
    SENDER_CHECK_END,
};

enum oauth_grant { /* bits */
    GRANT_CODE = 1,
    GRANT_DEVICE = 2,
    GRANT_CLIENT = 4, /* client credentials: an application signs in, no person */
};

/* `token` is NULL where the provider has no OAuth for mail, or none that is known. URLs may hold
 * {tenant}; profile_fill() puts the tenant in. Scopes are separated by one space. */
struct profile_oauth {
    const char *issuer, *metadata, *authorize, *token, *device, *revoke; /* any may be NULL */
    const char *tenant;          /* the default for {tenant}; NULL: the URLs have none */
    struct words other_tenants;
    const char *tenant_id;         /* as tokens name it: the one that all its mailboxes are of; NULL: each has its own */
    const char *foreign_tenant_id; /* one that none of them is of; NULL: none is known */
    const char *client_id;       /* NULL until the project owns one */
    const char *scope;           /* to send by SMTP, refresh token included */
    const char *identity_scope;  /* to learn the person's address; NULL: none */
    const char *https_scope; /* to send by the provider's HTTPS API; NULL: the same as `scope` */
    const char *imap_scope, *pop_scope; /* to fetch mail, for other programs; NULL: the same as `scope` */
    const char *app_scope;       /* for GRANT_CLIENT */
    const char *https_app_scope; /* for GRANT_CLIENT and the HTTPS API; NULL: the same as app_scope */
    const char *redirect;        /* "http://localhost:{port}/" */
    struct words extra;          /* name=value, added to the authorization request */
    struct words username_claims; /* of the id_token: addresses to try as user name, in order */
    unsigned grants;             /* of oauth_grant */
    const char *device_declined; /* the error word for "the person said no"; NULL: access_denied */
    const char *assertion;       /* how a certificate signs for GRANT_CLIENT: "PS256"; NULL: "RS256" */
    struct words busy_codes;     /* numbers in error_codes that mean "not now", whatever the error's word */
    uint64_t device_interval_ms, device_expires_ms;
    uint64_t refresh_lifetime_ms; /* unused so long, a refresh token dies; 0: not known */
    uint64_t least_token_life_ms; /* tokens with less life left are refused; 0: not known */
    bool pkce;
    bool one_resource;     /* scope and https_scope never go in one request for a token... */
    bool consent_together; /* ...but a person may agree to both at once */
    bool issuer_varies;    /* answers name the issuer by the tenant's number, whatever was asked by */
    bool rotates;          /* each refresh gives a new refresh token... */
    bool old_stays_valid;  /* ...and the one before still works */
    bool registration_closed; /* no new client can be registered */
    struct words notes;       /* whole sentences for people */
};

struct profile_limits { /* 0: not known */
    uint64_t messages_per_minute, messages_per_hour, messages_per_day;
    uint64_t recipients_per_day, recipients_per_message;
    uint64_t connections, messages_per_connection;
    uint64_t message_size; /* bytes, as announced by the server */
    uint64_t block_ms;     /* a used-up quota blocks so long */
};

struct profile_capabilities {
    struct words ehlo;       /* lines of the reply to EHLO inside TLS: "SIZE 1000" */
    struct words ehlo_clear; /* before STARTTLS, where it is known */
    struct words greeting;   /* one of them, with * for anything, is in each of its greetings; empty: not known */
    enum profile_pipeline pipeline;
    enum profile_sender_check sender_check;
    bool long_initial_response; /* AUTH with a token longer than 512 octets is taken */
    bool error_challenge;       /* a refused token is told as 334 with base64 of JSON */
    bool null_sender;           /* MAIL FROM:<> is taken */
};

struct profile {
    const char *id, *name;
    const char *family; /* whose rules hold too: "microsoft"; NULL: none */
    enum profile_kind kind;
    struct words domains, domain_patterns, mx_suffixes, legacy_hosts, regions;
    const struct profile_server *servers; /* the best first */
    size_t server_count;
    struct words mechanisms; /* SASL names, the best first */
    struct words spf;        /* names that a domain's SPF record includes to let it send, the usual one first */
    struct words dkim;       /* selectors under which a domain publishes its keys; empty: each has one of its own */
    enum profile_username username;
    const char *username_fixed, *username_note;
    enum profile_password password;
    const char *password_since;    /* a date or NULL */
    const char *app_password_page; /* NULL: not known */
    const char *http_api;          /* "graph", "gmail" or NULL */
    const char *http_api_host;     /* "graph.microsoft.com" */
    struct profile_oauth oauth;
    struct profile_limits limits;
    struct profile_capabilities capabilities;
    struct words notes; /* whole sentences for people */
};

size_t know_profile_count(const struct knowledge *know);
const struct profile *know_profile_at(const struct knowledge *know, size_t at); /* by id, a to z */

/* Each returns NULL where nothing is known. */
const struct profile *know_profile(const struct knowledge *know, const char *id);
/* By the address's domain: exactly, then by pattern (hotmail.* at a country's ending,
 * *.onmicrosoft.com). */
const struct profile *know_profile_of_domain(const struct knowledge *know, struct span domain);
/* By the best MX host of the domain: the longest suffix that fits. */
const struct profile *know_profile_of_mx(const struct knowledge *know, struct span host);
/* By a submission server's name, one no longer to be used too. */
const struct profile *know_profile_of_host(const struct knowledge *know, struct span host);
/* May the greeting ("220 ...") be one of this provider's? Also where none is known. */
bool profile_greets(const struct profile *profile, struct span greeting);
bool profile_is_legacy_host(const struct profile *profile, struct span host);

/* Adds the text with {tenant}, {region}, {domain} or {port} in it replaced by the value. False, and
 * nothing added, where a value would be needed and is NULL or holds more than letters, digits, '.',
 * '-'. */
MUST_USE bool profile_fill(struct buf *out, const char *text, const char *value_or_null);

#endif
