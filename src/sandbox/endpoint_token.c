/* The token endpoint (RFC 6749, 3.2; RFC 8628, 3.4). */
#include "base/base64.h"
#include "sandbox/issuer_int.h"
#include "sandbox/scope.h"

#include "base/banned.h"

enum { GIVEN_MAX = 4096 /* of a code or refresh token: whoever brings a longer one has it from elsewhere */ };

/* ---- grants ---- */

struct grant_request {
    const struct issuer *issuer;
    const struct visit *visit;
    struct form form;
    struct client client;
    char scope[IDENTITY_SCOPE];
};

static const enum refusal of_code[] = {
    [IDENTITY_YES] = REFUSALS,          [IDENTITY_UNKNOWN] = REFUSAL_CODE,
    [IDENTITY_EXPIRED] = REFUSAL_CODE,  [IDENTITY_USED] = REFUSAL_CODE_USED,
    [IDENTITY_REVOKED] = REFUSAL_CODE,  [IDENTITY_UNPROVEN] = REFUSAL_CODE,
};

static enum refusal redeem_code(struct grant_request *request, struct identity_right *ret_right)
{
    char code[GIVEN_MAX], redirect[IDENTITY_NAME], verifier[IDENTITY_NAME];
    unsigned char hash[CRYPTO_SHA256_LEN];
    HELD(buf) challenge = BUF(64);

    form_take(&request->form, "code", code, sizeof code);
    form_take(&request->form, "redirect_uri", redirect, sizeof redirect);
    form_take(&request->form, "code_verifier", verifier, sizeof verifier);
    if (request->form.bad || !code[0] || !crypto_sha256(span_of(verifier), hash, NULL))
        return REFUSAL_REQUEST;
    if (verifier[0])
        base64url_encode(&challenge, (struct span){ (const char *)hash, sizeof hash });
    return of_code[identity_redeem_code(request->issuer->identity, span_of(code), span_of(request->client.id),
                                        span_of(redirect), buf_span(&challenge),
                                        request->visit->moment->now, ret_right)];
}

static const enum refusal of_device[] = {
    [IDENTITY_YES] = REFUSALS,
    [IDENTITY_UNKNOWN] = REFUSAL_DEVICE_CODE,
    [IDENTITY_EXPIRED] = REFUSAL_DEVICE_EXPIRED,
    [IDENTITY_USED] = REFUSAL_DEVICE_CODE,
    [IDENTITY_REVOKED] = REFUSAL_DEVICE_CODE,
    [IDENTITY_PENDING] = REFUSAL_PENDING,
    [IDENTITY_TOO_SOON] = REFUSAL_TOO_SOON,
    [IDENTITY_DECLINED] = REFUSAL_DECLINED,
};

static enum refusal redeem_device(struct grant_request *request, struct identity_right *ret_right)
{
    char code[GIVEN_MAX];

    form_take(&request->form, "device_code", code, sizeof code);
    if (request->form.bad || !code[0])
        return REFUSAL_REQUEST;
    return of_device[identity_redeem_device(request->issuer->identity, span_of(code),
                                            span_of(request->client.id), request->visit->moment->now,
                                            ret_right)];
}

static const enum refusal of_refresh[] = {
    [IDENTITY_YES] = REFUSALS,
    [IDENTITY_UNKNOWN] = REFUSAL_SIGNED_OUT,
    [IDENTITY_EXPIRED] = REFUSAL_SIGNED_OUT,
    [IDENTITY_USED] = REFUSAL_SIGNED_OUT,
    [IDENTITY_REVOKED] = REFUSAL_SIGNED_OUT,
    [IDENTITY_UNAGREED] = REFUSAL_UNAGREED,
};

static enum refusal redeem_refresh(struct grant_request *request, struct identity_right *ret_right)
{
    char token[GIVEN_MAX];

    form_take(&request->form, "refresh_token", token, sizeof token);
    if (scenario_is_on(request->issuer->scenarios, SCENARIO_CONSENT_REVOKED))
        return REFUSAL_SIGNED_OUT;
    if (request->form.bad || !token[0])
        return REFUSAL_REQUEST;
    return of_refresh[identity_redeem_refresh(request->issuer->identity, span_of(token),
                                              span_of(request->client.id), span_of(request->scope),
                                              request->visit->moment->now, ret_right)];
}

static enum refusal redeem_application(struct grant_request *request, struct identity_right *ret_right)
{
    const struct profile *profile = request->issuer->profile;

    if (!(profile->oauth.grants & GRANT_CLIENT))
        return REFUSAL_GRANT_TYPE;
    if (profile->oauth.tenant && issuer_is_tenant_of_many(request->visit->tenant))
        return REFUSAL_TENANT_OF_MANY;
    if (!request->client.proven)
        return REFUSAL_SECRET;
    if (!scope_powers(profile, span_of(request->scope)))
        return REFUSAL_SCOPE;
    return identity_application(span_of(request->client.id), span_of(request->scope), ret_right) == IDENTITY_YES
               ? REFUSALS
               : REFUSAL_REQUEST;
}

static const struct {
    const char *word;
    enum refusal (*redeem)(struct grant_request *request, struct identity_right *ret_right);
} grants[] = {
    { "authorization_code", redeem_code },
    { "refresh_token", redeem_refresh },
    { "urn:ietf:params:oauth:grant-type:device_code", redeem_device },
    { "client_credentials", redeem_application },
};

static enum refusal redeem(struct grant_request *request, struct identity_right *ret_right)
{
    char type[IDENTITY_NAME];

    form_take(&request->form, "grant_type", type, sizeof type);
    form_take(&request->form, "scope", request->scope, sizeof request->scope);
    if (request->form.bad || !type[0])
        return REFUSAL_REQUEST;
    for (size_t i = 0; i < COUNT(grants); i++)
        if (strcmp(grants[i].word, type) == 0)
            return grants[i].redeem(request, ret_right);
    return REFUSAL_GRANT_TYPE;
}

/* ---- what is given ---- */

/* Of what was agreed to, that of the first server that is named, and what belongs to none. */
static void first_resource(struct span scope, struct buf *out)
{
    HELD(buf) first = BUF(IDENTITY_SCOPE);
    struct span word;

    scope_resource(scope, &first);
    while (span_split(&scope, ' ', &word)) {
        HELD(buf) resource = BUF(IDENTITY_SCOPE);
        scope_resource(word, &resource);
        if (resource.len && !span_equal(buf_span(&resource), buf_span(&first)))
            continue;
        buf_add(out, out->len ? " " : "");
        buf_add_span(out, word);
    }
}

static enum refusal choose_scope(const struct grant_request *request, const struct identity_right *right,
                                 struct buf *out)
{
    struct span asked = span_of(request->scope), agreed = span_of(right->scope);

    if (!scope_is_within(asked, agreed))
        return REFUSAL_UNAGREED;
    if (asked.len)
        buf_add_span(out, asked);
    else if (request->issuer->profile->oauth.one_resource)
        first_resource(agreed, out);
    else
        buf_add_span(out, agreed);
    return request->issuer->profile->oauth.one_resource && !scope_is_one_resource(buf_span(out))
               ? REFUSAL_TWO_RESOURCES
               : REFUSALS;
}

static bool write_tokens(const struct grant_request *request, const struct identity_right *right,
                         struct span scope, struct reply *reply)
{
    const struct issuer *issuer = request->issuer;
    struct identity_issued issued;
    HELD(buf) access = BUF(TOKEN_TEXT_MAX);
    HELD(buf) identity = BUF(TOKEN_TEXT_MAX);
    bool personal = right->user != IDENTITY_NOBODY && scope_has(scope, "openid");

    identity_issue(issuer->identity, right, scope, request->visit->moment, &issued);
    if (!token_add_access(issuer, request->visit, issued.access, &access) ||
        (personal && !token_add_identity(issuer, request->visit, right, scope, &identity)))
        return false;
    struct json json = reply_begin_json(reply);
    json_text(&json, "token_type", "Bearer");
    json_span(&json, "scope", scope);
    json_number(&json, "expires_in", issuer->access_life_ms / 1000);
    json_text(&json, "access_token", buf_text(&access));
    if (issued.refresh)
        json_text(&json, "refresh_token", issued.refresh);
    if (personal)
        json_text(&json, "id_token", buf_text(&identity));
    json_close(&json);
    return true;
}

static void write_page(struct reply *reply)
{
    reply->status = 200;
    reply->type = "text/html";
    buf_add(&reply->body, "<!doctype html><title>Welcome to our network</title><p>Please sign in first.\n");
}

void endpoint_token(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct grant_request request = { .issuer = issuer, .visit = visit, .form = { visit->request->body, false } };
    struct identity_right right = { .user = IDENTITY_NOBODY };
    HELD(buf) scope = BUF(IDENTITY_SCOPE);
    enum refusal no;

    if (scenario_is_on(issuer->scenarios, SCENARIO_TOKEN_PAGE)) {
        write_page(reply);
        return;
    }
    if ((no = visit_refusal(issuer, visit)) != REFUSALS ||
        (no = client_read(issuer, visit, &request.form, &request.client)) != REFUSALS ||
        (no = redeem(&request, &right)) != REFUSALS)
        visit_refuse(issuer, visit, no, reply);
    else if (scenario_is_on(issuer->scenarios, SCENARIO_BLOCKED_BY_POLICY))
        visit_refuse(issuer, visit, REFUSAL_POLICY, reply);
    else if ((no = choose_scope(&request, &right, &scope)) != REFUSALS)
        visit_refuse(issuer, visit, no, reply);
    else if (!write_tokens(&request, &right, buf_span(&scope), reply))
        visit_refuse(issuer, visit, REFUSAL_BUSY, reply);
}
