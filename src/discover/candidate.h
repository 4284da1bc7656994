/* A candidate: one way by which mail of an address may be handed in, and who said so. And the list
 * of them: the best first, each way once, bounded. Pure.
 *
 * What is found is a hint until it is proven (discover/prove.h). Two things are settled here already:
 *   refused              the finding says clear text. It is kept to be shown, and never used.
 *   needs_confirmation   neither a profile nor the domain's own HTTPS named this host, and it does not
 *                        lie under the address's domain: DNS or a third party alone stands for it. A
 *                        person must have agreed before a credential goes there (RFC 6186, 6).
 */
#ifndef OUTPOST_DISCOVER_CANDIDATE_H
#define OUTPOST_DISCOVER_CANDIDATE_H

#include "base/span.h"
#include "know/profile.h"

/* Who said so, the most trusted first: the order of the list. */
#define CANDIDATE_SOURCES(X)                                                                   \
    X(GIVEN,         "given",         "named by the caller")                                   \
    X(PROFILE,       "profile",       "outpost's own list")                                    \
    X(PROFILE_MX,    "profile-mx",    "outpost's own list, for who takes its mail")            \
    X(SRV,           "srv",           "the domain's DNS (SRV)")                                \
    X(AUTOCONFIG,    "autoconfig",    "the domain's own web server")                           \
    X(ISPDB,         "ispdb",         "Thunderbird's database")                                \
    X(MX_AUTOCONFIG, "mx-autoconfig", "the web server of who takes its mail")                  \
    X(MX_ISPDB,      "mx-ispdb",      "Thunderbird's database, for who takes its mail")        \
    X(GUESS,         "guess",         "a guess by custom")

enum candidate_source {
#define X(name, word, words) SOURCE_##name,
    CANDIDATE_SOURCES(X)
#undef X
    SOURCE_COUNT
};

const char *candidate_source_word(enum candidate_source source);  /* "srv": of JSON */
const char *candidate_source_words(enum candidate_source source); /* for people */

/* How one signs in, as the configuration's `auth` says it. */
enum candidate_auth { CANDIDATE_OAUTH, CANDIDATE_PASSWORD, CANDIDATE_NONE, CANDIDATE_AUTHS };
const char *candidate_auth_word(enum candidate_auth auth); /* "oauth", "password", "none" */

enum {
    CANDIDATES_MAX = 24,
    CANDIDATE_HOST_MAX = 254,     /* with its NUL */
    CANDIDATE_USERNAME_MAX = 321, /* 64 + '@' + 255, and NUL */
};

struct candidate {
    char host[CANDIDATE_HOST_MAX]; /* lower case */
    uint16_t port;
    enum security security;
    enum candidate_auth auth[CANDIDATE_AUTHS]; /* the preferred first; none where it is not known */
    size_t auth_count;
    char username[CANDIDATE_USERNAME_MAX]; /* "" where only words are known: the profile's username_note */
    const struct profile *profile; /* of the provider the host belongs to; NULL: not known */
    enum candidate_source source;  /* the best that named it */
    unsigned sources;              /* bits, 1 << source: all that did */
    bool refused;
    bool needs_confirmation;
};

struct candidates {
    size_t count;
    struct candidate at[CANDIDATES_MAX]; /* the best first */
};

void candidate_add_auth(struct candidate *candidate, enum candidate_auth auth); /* once each */

/* Adds a finding of candidate->source behind those of as good a source; the same host, port and security
 * is one candidate, which keeps what its best source says. A host the provider has given up
 * (smtp.live.com) becomes the one it uses now. `refused`, `needs_confirmation` and, where it is NULL,
 * `profile` are filled in here; `know` may be NULL. False: not added, for it is not a host name, has
 * no port, or the list is full of better ones (a worse one makes room). */
bool candidates_add(struct candidates *candidates, const struct candidate *candidate,
                    struct span domain, const struct knowledge *know);

#endif
