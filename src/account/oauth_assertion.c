/* The token that an application signs with its certificate's key, in place of a secret (RFC 7523, 3). */
#include "account/oauth_request.h"

#include "base/base64.h"
#include "base/json.h"

#include "base/banned.h"

enum { PART_MAX = 4096 };

static enum crypto_signature signature_of(const struct oauth_assertion *plan)
{
    return crypto_key_is_rsa(plan->key) ? plan->rsa : CRYPTO_ES256;
}

static void add_thumbprint(struct json *json, const char *key, const unsigned char *hash, size_t len)
{
    HELD(buf) text = BUF(64);

    base64url_encode(&text, (struct span){ (const char *)hash, len });
    json_text(json, key, buf_text(&text));
}

/* Microsoft tells the old pair, RS256 with x5t, from the new one, PS256 with x5t#S256. */
static void write_head(const struct oauth_assertion *plan, struct buf *out)
{
    struct json json = json_to(out);
    enum crypto_signature how = signature_of(plan);

    json_open(&json, NULL, '{');
    json_text(&json, "alg", crypto_signature_name(how));
    json_text(&json, "typ", "JWT");
    if (plan->certificate && how == CRYPTO_RS256)
        add_thumbprint(&json, "x5t", plan->certificate->sha1, CRYPTO_SHA1_LEN);
    if (plan->certificate)
        add_thumbprint(&json, "x5t#S256", plan->certificate->sha256, CRYPTO_SHA256_LEN);
    json_close(&json);
}

static void write_claims(const struct oauth_assertion *plan, struct buf *out)
{
    struct json json = json_to(out);
    uint64_t now = plan->wall / 1000;

    json_open(&json, NULL, '{');
    json_text(&json, "iss", plan->client_id);
    json_text(&json, "sub", plan->client_id);
    json_text(&json, "aud", plan->audience);
    add_thumbprint(&json, "jti", plan->random, sizeof plan->random);
    json_number(&json, "iat", now);
    json_number(&json, "nbf", now);
    json_number(&json, "exp", now + OAUTH_ASSERTION_LIFE_MS / 1000);
    json_close(&json);
}

bool oauth_assertion_make(const struct oauth_assertion *plan, struct secret **ret_assertion, struct err *err)
{
    HELD(buf) head = BUF(PART_MAX), claims = BUF(PART_MAX), token = BUF(4 * PART_MAX), signature = BUF(2048);

    write_head(plan, &head);
    write_claims(plan, &claims);
    base64url_encode(&token, buf_span(&head));
    buf_add_char(&token, '.');
    base64url_encode(&token, buf_span(&claims));
    if (head.full || claims.full || token.full)
        return err_set(err, ERR_LIMIT, "the client id or the endpoint's address is too long");
    if (!crypto_sign(plan->key, signature_of(plan), buf_span(&token), &signature, err))
        return false;
    buf_add_char(&token, '.');
    base64url_encode(&token, buf_span(&signature));
    struct secret *assertion = token.full ? NULL : secret_take(&token);
    if (!assertion)
        return err_no_memory(err);
    *ret_assertion = assertion;
    return true;
}
