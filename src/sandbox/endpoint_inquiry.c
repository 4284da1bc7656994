/* What is to become of a token (RFC 7009), and what it is good for (RFC 7662). */
#include "sandbox/issuer_int.h"

#include "base/banned.h"

/* A token that is not known is as good as revoked (RFC 7009, 2.2). */
void endpoint_revoke(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    char token[TOKEN_TEXT_MAX];
    unsigned char hash[IDENTITY_HASH];

    form_take(&form, "token", token, sizeof token);
    if (form.bad || !token[0]) {
        visit_refuse(issuer, visit, REFUSAL_REQUEST, reply);
        return;
    }
    if (!identity_revoke_refresh(issuer->identity, span_of(token)) &&
        crypto_sha256(span_of(token), hash, NULL))
        identity_revoke_access(issuer->identity, hash);
    struct json json = reply_begin_json(reply);
    json_close(&json);
}

static void write_active(const struct issuer *issuer, const struct identity_access *access, struct json *json)
{
    HELD(buf) name = BUF(ISSUER_NAME_MAX);

    issuer_name(issuer, access->user, &name);
    json_text(json, "client_id", access->client);
    json_text(json, "scope", access->scope);
    json_text(json, "token_type", "Bearer");
    json_number(json, "iat", access->made / 1000);
    json_number(json, "exp", access->expires / 1000);
    if (access->user == IDENTITY_NOBODY)
        return;
    json_text(json, "username", buf_text(&name));
    json_text(json, "email", issuer->users[access->user].username);
}

void endpoint_introspect(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    char token[TOKEN_TEXT_MAX];
    unsigned char hash[IDENTITY_HASH];
    const struct identity_access *access = NULL;

    form_take(&form, "token", token, sizeof token);
    if (form.bad || !token[0]) {
        visit_refuse(issuer, visit, REFUSAL_REQUEST, reply);
        return;
    }
    if (crypto_sha256(span_of(token), hash, NULL))
        access = identity_access(issuer->identity, hash);
    bool active = access && visit->moment->now < access->expires;
    struct json json = reply_begin_json(reply);
    json_bool(&json, "active", active);
    if (active)
        write_active(issuer, access, &json);
    json_close(&json);
}
