/* Names into addresses and records, on the loop, each question with a deadline.
 *
 * Addresses are asked of the system (getaddrinfo, on a thread), so that /etc/hosts, mDNS and
 * whatever else nsswitch knows are obeyed; or, where a server was named (--dns), of that one alone -
 * but for localhost and what ends so, which is this machine (RFC 6761, 6.3).
 * SRV, MX and TXT are always asked of the DNS. Answers are plain, bounded structs: what does not
 * pass as a host name is dropped, and so is what comes after the limits below. An answer is a hint
 * and no proof of anything (RFC 6186, 6).
 *
 * Each question calls `done` exactly once, from the loop and never from within the call that asked,
 * unless it was cancelled. The answer is good during that call only; where it is NULL, `err` says
 * why: name:not-found (no such name, or none of these records), name:failure (no answer, SERVFAIL,
 * or the deadline passed), name:malformed.
 */
#ifndef OUTPOST_NET_RESOLVE_H
#define OUTPOST_NET_RESOLVE_H

#include "net/host.h"

enum {
    RESOLVE_ADDRESSES_MAX = 32,
    RESOLVE_RECORDS_MAX = 16,
    RESOLVE_TEXT_MAX = 1024, /* of one TXT record, its strings joined; longer ones are dropped */
};

struct loop;
struct resolver;
struct resolve; /* a question under way */

struct resolver_plan {
    const char *server; /* "192.0.2.53:53", "[2001:db8::53]:53", port optional; NULL: the system's */
    uint64_t seed;      /* random, for the order among SRV records of one priority */
};

struct resolve_addresses {
    size_t count;
    struct ip at[RESOLVE_ADDRESSES_MAX]; /* in the order of RFC 6724, as far as the system gives it */
    char canonical[HOST_NAME_MAX_LEN + 1]; /* what the name is another name for (CNAME); "": nothing is known of that */
};

struct resolve_srv {
    uint16_t priority, weight, port;
    char target[HOST_NAME_MAX_LEN + 1]; /* lower case, without the trailing dot */
};

struct resolve_srvs {
    size_t count;
    bool refused; /* the one record's target is ".": there is decidedly no such service (RFC 2782) */
    struct resolve_srv at[RESOLVE_RECORDS_MAX]; /* in the order in which to try them */
};

struct resolve_mx {
    uint16_t preference;
    char target[HOST_NAME_MAX_LEN + 1]; /* as above */
};

struct resolve_mxs {
    size_t count;
    bool refused; /* the one record's target is ".": no mail here (RFC 7505) */
    struct resolve_mx at[RESOLVE_RECORDS_MAX]; /* the most preferred first */
};

struct resolve_texts {
    size_t count;
    char at[RESOLVE_RECORDS_MAX][RESOLVE_TEXT_MAX + 1];
};

typedef void resolve_addresses_done(void *data, const struct resolve_addresses *answer,
                                    const struct err *err);
typedef void resolve_srv_done(void *data, const struct resolve_srvs *answer, const struct err *err);
typedef void resolve_mx_done(void *data, const struct resolve_mxs *answer, const struct err *err);
typedef void resolve_text_done(void *data, const struct resolve_texts *answer, const struct err *err);

/* `plan` and its strings are needed during the call only. */
MUST_USE bool resolver_new(struct loop *loop, const struct resolver_plan *plan,
                           struct resolver **ret_resolver, struct err *err);
/* Cancels every question; may be called from within a `done`. The loop may have to turn a few more
 * times until all handles are closed. */
void resolver_free(struct resolver *resolver);
OWNED(resolver);

/* Ask. `host` is a name or an address; an address is its own answer. `deadline` is in the loop's
 * milliseconds. On failure (name:malformed, no memory) nothing was asked and `done` is not called.
 * *ret_resolve is good until `done` is called; it may be NULL where nobody will cancel. */
MUST_USE bool resolve_addresses(struct resolver *resolver, struct span host, uint64_t deadline,
                                resolve_addresses_done *done, void *data,
                                struct resolve **ret_resolve, struct err *err);
/* The same for a name that a person gave for this network, as --connect-to does: the system is asked first,
 * and a named server only where that knows no such name. */
MUST_USE bool resolve_local_addresses(struct resolver *resolver, struct span host, uint64_t deadline,
                                      resolve_addresses_done *done, void *data,
                                      struct resolve **ret_resolve, struct err *err);
MUST_USE bool resolve_srv(struct resolver *resolver, struct span name, uint64_t deadline,
                          resolve_srv_done *done, void *data, struct resolve **ret_resolve,
                          struct err *err);
MUST_USE bool resolve_mx(struct resolver *resolver, struct span name, uint64_t deadline,
                         resolve_mx_done *done, void *data, struct resolve **ret_resolve,
                         struct err *err);
MUST_USE bool resolve_text(struct resolver *resolver, struct span name, uint64_t deadline,
                           resolve_text_done *done, void *data, struct resolve **ret_resolve,
                           struct err *err);

/* `done` will not be called any more. NULL is no question. */
void resolve_cancel(struct resolve *resolve);

/* Puts records into the order of RFC 2782: lower priority first, and among equals a draw in
 * proportion to the weights. Pure: the same seed gives the same order. */
void resolve_srv_order(struct resolve_srvs *srvs, uint64_t seed);

#endif
