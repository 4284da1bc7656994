/* A question as the files of net/resolve see it: resolve.c keeps it, its deadline and its
 * answer; resolve_system.c asks the system, resolve_dns.c the DNS.
 */
#ifndef OUTPOST_NET_RESOLVE_INT_H
#define OUTPOST_NET_RESOLVE_INT_H

#include "net/loop.h"
#include "net/resolve.h"

enum resolve_kind { RESOLVE_ADDRESSES, RESOLVE_SRV, RESOLVE_MX, RESOLVE_TEXT };

union resolve_answer {
    struct resolve_addresses addresses;
    struct resolve_srvs srvs;
    struct resolve_mxs mxs;
    struct resolve_texts texts;
};

/* Where an answer is to be put, and why there is none: exactly one of them before resolve_answered(). */
union resolve_answer *resolve_answer(struct resolve *resolve);
struct err *resolve_err(struct resolve *resolve);
/* It is there; `done` will be called at the loop's next turn. The asker's thing is gone with this call. */
void resolve_answered(struct resolve *resolve, bool ok);

/* A record's name, in lower case and without the dot at its end; or false: it is no host name. c-ares has the root as "". */
bool resolve_take_name(const char *from, char name[static HOST_NAME_MAX_LEN + 1]);
/* What the name that was asked for is another name for; told of another name alone. */
void resolve_add_canonical(struct resolve_addresses *addresses, const char *asked, const char *canonical);
/* Adds an address unless it is there already or the limit is reached. */
void resolve_add_address(struct resolve_addresses *addresses, const struct sockaddr *address);

/* ---- the system ---- */

struct lookup;

/* Addresses by getaddrinfo(). NULL and why; else resolve_answered() comes, later. */
struct lookup *lookup_ask(struct loop *loop, struct resolve *resolve, const char *name, struct err *err);
void lookup_forget(struct lookup *lookup); /* resolve_answered() does not come; NULL is nothing */

/* ---- the DNS ---- */

struct dns;
struct dns_question;

MUST_USE bool dns_new(struct loop *loop, const char *server_or_null, struct dns **ret_dns,
                      struct err *err);
void dns_free(struct dns *dns); /* never from within c-ares: answers go through the loop */

/* NULL: no memory. Else resolve_answered() comes, perhaps before this returns. */
struct dns_question *dns_ask(struct dns *dns, struct resolve *resolve, enum resolve_kind kind,
                             const char *name);
void dns_forget(struct dns_question *question); /* resolve_answered() does not come; NULL is nothing */

#endif
