/* What a profile means for whoever plays the provider: names, EHLO's words, replies. The room's
 * own. */
#ifndef OUTPOST_SANDBOX_PROVIDER_H
#define OUTPOST_SANDBOX_PROVIDER_H

#include "base/pool.h"
#include "know/knowledge.h"
#include "know/profile.h"
#include "smtp/server.h"

enum { PROVIDER_NAMES_MAX = 64 };

/* A reply that the provider is known to give; code 0: none is known. */
struct provider_reply {
    uint16_t code;
    const char *enhanced, *text;
};

struct provider {
    const struct profile *profile;
    struct smtp_server_plan plan;
    const char *names[PROVIDER_NAMES_MAX + 1]; /* its hosts, old names too; NULL at the end */
    size_t name_count;
    struct provider_reply password_off; /* to any password; code 0: passwords are taken */
    struct provider_reply wrong;        /* to a wrong password */
    struct provider_reply wrong_token;  /* to a wrong token */
    struct provider_reply ends_soon;    /* to one that has not much life left, where that matters */
    struct provider_reply smtp_off[2];  /* while SMTP signs nobody in: the mailbox's switch, the tenant's */
    struct provider_reply not_owned;    /* to another's sender */
    struct pool pool;
};

/* ERR_CONFIG: nobody knows this provider. */
MUST_USE bool provider_make(const struct knowledge *know, const char *id,
                            struct provider *ret_provider, struct err *err);
void provider_done(struct provider *provider);

/* "535 5.7.8 words": taken apart, without what a server puts in brackets at the end. `pool`
 * keeps the texts; code 0: it is no reply, or there is no memory. */
struct provider_reply provider_reply(struct pool *pool, struct span text);

/* What a recipient wishes to become of it: "user+451-4.7.500@...". code 0: nothing. */
struct provider_reply provider_wish(struct pool *pool, const char *address);
bool provider_wishes_drop(const char *address); /* "user+drop-after-dot@..." */

#endif
