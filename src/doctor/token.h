/* What an access token that was refused says of itself, where it is one that can be read (a JWT, RFC 9068): for whom,
 * for what, whose, until when. Nobody relies on that: its signature is not looked at. It is what tells apart the
 * eight causes of "535 5.7.3".
 */
#ifndef OUTPOST_DOCTOR_TOKEN_H
#define OUTPOST_DOCTOR_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "account/credential.h"

enum { TOKEN_FACTS_MAX = 5 };

struct token_facts { /* of know/evidence.h, `found`: token:..., user:... */
    const char *at[TOKEN_FACTS_MAX];
    size_t count;
    uint64_t from, until; /* when it is good, seconds since 1970; 0: it does not say */
};

/* What it should be. */
struct token_wish {
    const char *scope, *app_scope; /* as in a profile; NULL: not known */
    const char *user;              /* to whom it should belong; NULL: not known */
    const char *address;           /* as whom mail is to be sent; NULL: not known */
    uint64_t wall;                 /* now, in milliseconds since 1970 */
};

/* Pure. Of a token that can't be read: nothing. */
void token_facts_read(const struct secret *token, const struct token_wish *wish, struct token_facts *ret_facts);

/* Fetches the account's token as for mail, and reads it. `done` is told once, perhaps before this returns. */
struct token_look;
MUST_USE bool token_look_start(const struct credential_world *world, const struct account *account, uint64_t deadline,
                               void (*done)(void *who, const struct token_facts *facts), void *who,
                               struct token_look **ret_look, struct err *err);
void token_look_free(struct token_look *look);
OWNED(token_look);

#endif
