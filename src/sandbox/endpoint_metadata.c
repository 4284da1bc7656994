/* What the provider says of itself: RFC 8414, OpenID Connect Discovery, and its keys (RFC 7517). */
#include "base/base64.h"
#include "sandbox/issuer_int.h"

#include "base/banned.h"

static void list(struct json *json, const char *key, const char *const *words)
{
    json_open(json, key, '[');
    for (; *words; words++)
        json_text(json, NULL, *words);
    json_close(json);
}

static void add_address(struct json *json, const struct issuer *issuer, const struct visit *visit,
                        const char *key, const char *url)
{
    HELD(buf) text = BUF(ISSUER_NAME_MAX);

    issuer_add_url(issuer, visit, url, &text);
    if (text.len)
        json_text(json, key, buf_text(&text));
}

static void add_own(struct json *json, const struct issuer *issuer, const char *key, const char *path)
{
    HELD(buf) text = BUF(ISSUER_NAME_MAX);

    issuer_add_own_url(issuer, path, &text);
    json_text(json, key, buf_text(&text));
}

static void add_abilities(struct json *json, const struct issuer *issuer)
{
    static const char *const codes[] = { "code", NULL };
    static const char *const challenges[] = { "S256", NULL };
    static const char *const subjects[] = { "public", NULL };
    static const char *const proofs[] = { "none", "client_secret_post", "client_secret_basic",
                                          "private_key_jwt", NULL };
    static const char *const signatures[] = { "RS256", "PS256", "ES256", NULL };
    static const char *const ours[] = { "ES256", NULL };
    const unsigned can = issuer->profile->oauth.grants;

    json_open(json, "grant_types_supported", '[');
    json_text(json, NULL, "authorization_code");
    json_text(json, NULL, "refresh_token");
    if (issuer->profile->oauth.device)
        json_text(json, NULL, "urn:ietf:params:oauth:grant-type:device_code");
    if (can & GRANT_CLIENT)
        json_text(json, NULL, "client_credentials");
    json_close(json);
    list(json, "response_types_supported", codes);
    list(json, "code_challenge_methods_supported", challenges);
    list(json, "subject_types_supported", subjects);
    list(json, "token_endpoint_auth_methods_supported", proofs);
    list(json, "token_endpoint_auth_signing_alg_values_supported", signatures);
    list(json, "id_token_signing_alg_values_supported", ours);
    json_bool(json, "authorization_response_iss_parameter_supported", issuer->profile->oauth.issuer != NULL);
}

void endpoint_metadata(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    struct json json = json_to(&reply->body);
    HELD(buf) name = BUF(ISSUER_NAME_MAX);

    if (!issuer_has_tenant(issuer, visit->tenant)) {
        refusal_reply(issuer->profile, REFUSAL_TENANT, visit->moment, reply);
        return;
    }
    issuer_add_name(issuer, visit, true, &name);
    reply->status = 200;
    reply->type = "application/json";
    json_open(&json, NULL, '{');
    json_text(&json, "issuer", buf_text(&name));
    add_address(&json, issuer, visit, "authorization_endpoint", oauth->authorize);
    add_address(&json, issuer, visit, "token_endpoint", oauth->token);
    add_address(&json, issuer, visit, "device_authorization_endpoint", oauth->device);
    add_address(&json, issuer, visit, "revocation_endpoint", oauth->revoke);
    add_own(&json, issuer, "introspection_endpoint", "/sandbox/introspect");
    add_own(&json, issuer, "jwks_uri", "/sandbox/keys");
    add_abilities(&json, issuer);
    json_close(&json);
}

static void add_number(struct json *json, const char *key, const unsigned char *bytes)
{
    HELD(buf) text = BUF(64);

    base64url_encode(&text, (struct span){ (const char *)bytes, CRYPTO_P256_HALF });
    json_text(json, key, buf_text(&text));
}

void endpoint_keys(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    unsigned char x[CRYPTO_P256_HALF], y[CRYPTO_P256_HALF];
    struct json json = json_to(&reply->body);
    (void)visit;

    if (!crypto_key_point(issuer->key, x, y, NULL))
        return;
    reply->status = 200;
    reply->type = "application/json";
    json_open(&json, NULL, '{');
    json_open(&json, "keys", '[');
    json_open(&json, NULL, '{');
    json_text(&json, "kty", "EC");
    json_text(&json, "crv", "P-256");
    json_text(&json, "use", "sig");
    json_text(&json, "alg", "ES256");
    json_text(&json, "kid", "sandbox");
    add_number(&json, "x", x);
    add_number(&json, "y", y);
    json_close(&json);
    json_close(&json);
    json_close(&json);
}

/* ---- what the command tells ---- */

static void tell(struct json *json, const struct issuer *issuer, const char *key, const char *url)
{
    HELD(buf) text = BUF(ISSUER_NAME_MAX);

    issuer_add_local_url(issuer, url, &text);
    if (text.len)
        json_text(json, key, buf_text(&text));
}

static void tell_oauth(const struct issuer *issuer, struct json *json)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;

    json_open(json, "oauth", '{');
    json_text(json, "client_id", "outpost-sandbox");
    json_text(json, "scope", oauth->scope);
    if (oauth->https_scope)
        json_text(json, "https_scope", oauth->https_scope);
    tell(json, issuer, "authorize", oauth->authorize);
    tell(json, issuer, "token", oauth->token);
    tell(json, issuer, "device", oauth->device);
    tell(json, issuer, "revoke", oauth->revoke);
    add_own(json, issuer, "introspect", "/sandbox/introspect");
    add_own(json, issuer, "metadata", "/.well-known/openid-configuration");
    json_close(json);
}

void issuer_tell(const struct issuer *issuer, struct json *json)
{
    const struct profile *profile = issuer->profile;

    json_open(json, "web", '{');
    add_own(json, issuer, "url", "");
    json_close(json);
    if (profile->oauth.token)
        tell_oauth(issuer, json);
    if (!profile->http_api)
        return;
    json_open(json, "api", '{');
    json_text(json, "kind", profile->http_api);
    add_own(json, issuer, "url", strcmp(profile->http_api, "gmail") == 0 ? "/gmail/v1/users/me/messages/send"
                                                                          : "/v1.0/me/sendMail");
    json_close(json);
}
