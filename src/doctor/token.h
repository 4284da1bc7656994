/* What an access token that was refused says of itself, where it is one that can be read (a JWT, RFC 9068): for whom,
 * for what, whose, until when. Nobody relies on that: its signature is not looked at. It is what tells apart the
 * eight causes of "535 5.7.3".
 */
#ifndef OUTPOST_DOCTOR_TOKEN_H
#define OUTPOST_DOCTOR_TOKEN_H

#include <stddef.h>
#include <stdint.h>

#include "account/credential.h"
#include "account/grant.h"
#include "know/profile.h"

enum { TOKEN_FACTS_MAX = 9, TOKEN_TENANT_LEN = 36 };

struct token_facts { /* of know/evidence.h, `found`: token:..., user:... */
    const char *at[TOKEN_FACTS_MAX];
    size_t count;
    uint64_t from, until; /* when it is good, seconds since 1970; 0: it does not say */
    char tenant[TOKEN_TENANT_LEN + 1]; /* whose it is, as an id of hexadecimal digits (a GUID); "" */
};

/* What it should be. */
struct token_wish {
    const char *scope, *app_scope; /* as in a profile; NULL: not known */
    const char *user;              /* to whom it should belong; NULL: not known */
    const char *address;           /* as whom mail is to be sent; NULL: not known */
    const char *tenant;            /* the mailbox's, as an id; NULL: not known */
    const char *foreign_tenant;    /* which is surely not the mailbox's; NULL: not known */
    const char *server_tenant;     /* the only one whose tokens the server takes; NULL: any */
    uint64_t wall;                 /* now, in milliseconds since 1970 */
};

/* Of this account at a server with this profile (NULL: not known), whose texts it borrows. Pure. */
void token_wish_for(const struct knowledge *know, const struct account *account, const struct profile *server,
                    uint64_t wall, struct token_wish *ret_wish);
/* Pure. Of a token that can't be read: nothing. */
void token_facts_read(const struct secret *token, const struct token_wish *wish, struct token_facts *ret_facts);

/* Pure. Adds what the sign-in server told of it beside the token: that it came just now, for what it is, whose it is. */
void token_facts_of_grant(const struct grant *grant, const struct token_wish *wish, struct token_facts *facts);

/* Fetches the account's token as for mail, and reads it and the grant that it is of. `done` is told once, perhaps before this returns. */
struct token_look;
MUST_USE bool token_look_start(const struct credential_world *world, const struct account *account,
                               const struct token_wish *wish, uint64_t deadline,
                               void (*done)(void *who, const struct token_facts *facts), void *who,
                               struct token_look **ret_look, struct err *err);
void token_look_free(struct token_look *look);
OWNED(token_look);

#endif
