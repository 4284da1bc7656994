/* One rung of the ladder from a name to a server that takes mail: what was tried, what came of it, how long
 * it took. The words are those of --json.
 */
#ifndef OUTPOST_DOCTOR_STEP_H
#define OUTPOST_DOCTOR_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DOCTOR_RUNGS(X)                                          \
    X(RESOLVE,  "resolve",  "the server's name")                 \
    X(ROUTE,    "route",    "a way there")                       \
    X(CONNECT,  "connect",  "the connection")                    \
    X(TLS,      "tls",      "TLS and the certificate")           \
    X(BANNER,   "banner",   "the greeting")                      \
    X(EHLO,     "ehlo",     "what the server offers")            \
    X(STARTTLS, "starttls", "the change to TLS")                 \
    X(AUTH,     "auth",     "signing in")                        \
    X(SENDER,   "sender",   "sending as the account's address")  \
    X(HTTPS,    "https",    "the provider's HTTPS interface")    \
    X(MACHINE,  "machine",  "this machine's files and disk")         \
    X(LIMITS,   "limits",   "what the account may still send today") \
    X(DOMAIN,   "domain",   "whether the sender's domain vouches for it") \
    X(CLOCK,    "clock",    "this machine's clock")

enum doctor_rung {
#define X(name, word, words) RUNG_##name,
    DOCTOR_RUNGS(X)
#undef X
    RUNG_COUNT
};

const char *doctor_rung_word(enum doctor_rung rung);  /* "starttls" */
const char *doctor_rung_words(enum doctor_rung rung); /* "the change to TLS" */

enum doctor_state { STEP_OK, STEP_FAILED, STEP_SKIPPED };

enum { STEP_DETAILS_MAX = 6, STEP_VALUE_MAX = 240 };

struct doctor_detail {
    const char *key;            /* static: "peer", "issuer", ... */
    char value[STEP_VALUE_MAX]; /* safe to show, cut */
};

struct doctor_step {
    enum doctor_rung rung;
    enum doctor_state state;
    uint64_t ms;
    const char *fact; /* why it failed (know/evidence.h); static, or NULL */
    size_t detail_count;
    struct doctor_detail details[STEP_DETAILS_MAX];
};

/* The value of this detail; NULL: there is none. */
const char *doctor_step_detail(const struct doctor_step *step, const char *key);

#endif
