/* What tokens say (RFC 7519), signed by the sandbox's key. */
#include "base/base64.h"
#include "base/str.h"
#include "sandbox/issuer_int.h"
#include "sandbox/scope.h"

#include "base/banned.h"

enum {
    CLAIMS_MAX = 16 * 1024,
    PADDING = 1100, /* real ones have 1.5 to 3 KB, and lines of AUTH with them */
};

static bool add_signed(const struct issuer *issuer, struct span claims, struct buf *out)
{
    static const char head[] = "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"sandbox\"}";
    HELD(buf) signature = BUF(1024);
    HELD(buf) text = BUF(SECRET_MAX);

    base64url_encode(&text, span_of(head));
    buf_add_char(&text, '.');
    base64url_encode(&text, claims);
    if (text.full || !crypto_sign(issuer->key, CRYPTO_ES256, buf_span(&text), &signature, NULL))
        return false;
    buf_add_span(out, buf_span(&text));
    buf_add_char(out, '.');
    base64url_encode(out, buf_span(&signature));
    return !out->full;
}

/* A name that stays the same, and tells no address. */
static void add_subject(struct json *json, const struct issuer *issuer, size_t user)
{
    HELD(buf) text = BUF(64);
    unsigned char hash[CRYPTO_SHA256_LEN];

    if (crypto_sha256(span_of(issuer->users[user].username), hash, NULL))
        base64url_encode(&text, (struct span){ (const char *)hash, sizeof hash });
    json_text(json, "sub", buf_text(&text));
}

static void open_claims(struct json *json, const struct issuer *issuer, const struct visit *visit,
                        const char *audience, uint64_t made)
{
    HELD(buf) name = BUF(ISSUER_NAME_MAX);

    issuer_add_name(issuer, visit, false, &name);
    json_open(json, NULL, '{');
    json_text(json, "iss", buf_text(&name));
    json_text(json, "aud", audience);
    json_number(json, "iat", made / 1000);
    json_number(json, "nbf", made / 1000);
    json_number(json, "exp", (made + issuer->access_life_ms) / 1000);
}

/* An address under each name that the provider is known to give it. */
static void add_addresses(struct json *json, const struct issuer *issuer, size_t user)
{
    const struct words claims = issuer->profile->oauth.username_claims;
    HELD(buf) name = BUF(ISSUER_NAME_MAX);

    issuer_name(issuer, user, &name);
    for (size_t i = 0; i < claims.count; i++)
        json_text(json, claims.at[i], buf_text(&name));
}

bool token_add_identity(const struct issuer *issuer, const struct visit *visit,
                        const struct identity_right *right, struct span scope, struct buf *out)
{
    HELD(buf) claims = BUF(CLAIMS_MAX);
    struct json json = json_to(&claims);

    open_claims(&json, issuer, visit, right->client, visit->moment->now);
    add_subject(&json, issuer, right->user);
    if (right->nonce[0])
        json_text(&json, "nonce", right->nonce);
    if (scope_has(scope, "email") || scope_has(scope, "profile"))
        add_addresses(&json, issuer, right->user);
    if (scope_has(scope, "profile"))
        json_text(&json, "name", "Sandbox User");
    json_close(&json);
    return !claims.full && add_signed(issuer, buf_span(&claims), out);
}

static bool seal(struct identity_access *access, struct span text)
{
    unsigned char hash[CRYPTO_SHA256_LEN];

    if (!crypto_sha256(text, hash, NULL))
        return false;
    identity_seal(access, hash);
    return true;
}

bool token_add_access(const struct issuer *issuer, const struct visit *visit,
                      struct identity_access *access, struct buf *out)
{
    HELD(buf) claims = BUF(CLAIMS_MAX);
    HELD(buf) resource = BUF(IDENTITY_SCOPE);
    HELD(buf) padding = BUF(PADDING);
    struct json json = json_to(&claims);
    size_t start = out->len;

    scope_resource(span_of(access->scope), &resource);
    while (padding.len < PADDING)
        buf_add_char(&padding, 'A');
    open_claims(&json, issuer, visit, resource.len ? buf_text(&resource) : access->client, access->made);
    json_text(&json, "jti", access->id);
    json_text(&json, "appid", access->client);
    json_text(&json, access->user == IDENTITY_NOBODY ? "roles" : "scp", access->scope);
    if (access->user != IDENTITY_NOBODY) {
        add_subject(&json, issuer, access->user);
        add_addresses(&json, issuer, access->user);
    }
    json_text(&json, "padding", buf_text(&padding));
    json_close(&json);
    return !claims.full && add_signed(issuer, buf_span(&claims), out) &&
           seal(access, span_from(buf_span(out), start));
}
