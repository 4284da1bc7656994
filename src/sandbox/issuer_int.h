/* What the endpoints share. The room's own. */
#ifndef OUTPOST_SANDBOX_ISSUER_INT_H
#define OUTPOST_SANDBOX_ISSUER_INT_H

#include "sandbox/issuer.h"

/* ---- forms ---- */

struct form {
    struct span text;
    bool bad; /* a field was there twice, or longer than its room, or with a broken escape or a NUL */
};

/* The field's value, "" where there is none. */
void form_take(struct form *form, const char *key, char *into, size_t room);

/* ---- addresses ---- */

/* The parts of "https://HOST/FRONT{tenant}BACK"; false for what is no such address, or NULL. */
MUST_USE bool route_take_apart(const char *url, struct route *route);

/* Adds an address of the profile's, as the visitor is to know it; nothing for NULL. */
void issuer_add_url(const struct issuer *issuer, const struct visit *visit, const char *url, struct buf *out);
/* Adds one of the sandbox's own, "/device". */
void issuer_add_own_url(const struct issuer *issuer, const char *path, struct buf *out);
/* The issuer's name, as tokens have it; `as_pattern` leaves {tenantid} where many are meant. */
void issuer_add_name(const struct issuer *issuer, const struct visit *visit, bool as_pattern, struct buf *out);

bool issuer_has_tenant(const struct issuer *issuer, struct span tenant);
/* One that stands for many: "common". */
bool issuer_is_tenant_of_many(struct span tenant);

/* ---- scopes ---- */

/* Are all its words known at this provider? */
bool issuer_knows_scope(const struct issuer *issuer, struct span scope);
/* Adds what a person agrees to who is asked for this, and what was agreed to for this client before. Where only one
 * server's scopes can be asked for, and one sign-in is to serve several all the same, it is the application that is
 * agreed to: all of them; but for the scenario in which it is not. */
void issuer_add_consent(const struct issuer *issuer, struct span client, struct span scope, struct buf *out);

/* ---- texts of tokens ---- */

enum { TOKEN_TEXT_MAX = 16 * 1024 };

/* The text of an access token, which is then sealed; of an id_token. Either false: no memory. */
MUST_USE bool token_add_access(const struct issuer *issuer, const struct visit *visit,
                               struct identity_access *access, struct buf *out);
MUST_USE bool token_add_identity(const struct issuer *issuer, const struct visit *visit,
                                 const struct identity_right *right, struct span scope, struct buf *out);

/* ---- visits ---- */

/* Does the request come from a page of ours, or from no page at all? */
bool visit_is_same_site(const struct visit *visit);
/* Is anything wrong before it is looked at: the provider's mood, the tenant? REFUSALS: nothing. */
enum refusal visit_refusal(const struct issuer *issuer, const struct visit *visit);
void visit_refuse(const struct issuer *issuer, const struct visit *visit, enum refusal refusal,
                  struct reply *reply);

/* ---- applications ---- */

struct client {
    char id[IDENTITY_NAME];
    bool proven; /* by a secret, any one, or a signed token */
};

/* Who asks; REFUSALS: nothing is wrong with it. */
enum refusal client_read(const struct issuer *issuer, const struct visit *visit, struct form *form,
                         struct client *client);

/* ---- endpoints ---- */

void endpoint_authorize(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_token(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_device(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_device_page(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_revoke(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_introspect(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_metadata(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_keys(struct issuer *issuer, const struct visit *visit, struct reply *reply);

/* The sandbox's own. */
void endpoint_about(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_approve(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_scenario(struct issuer *issuer, const struct visit *visit, struct reply *reply);
void endpoint_clock(struct issuer *issuer, const struct visit *visit, struct reply *reply);

#endif
