/* The endpoints that programs call: tokens (RFC 6749, 3.2), devices (RFC 8628), revocation (RFC 7009),
 * introspection (RFC 7662). */
#include "base/base64.h"
#include "base/form.h"
#include "base/str.h"
#include "sandbox/assertion.h"
#include "sandbox/issuer_int.h"
#include "sandbox/scope.h"

#include "base/banned.h"

enum {
    TOKEN_TEXT_MAX = 16 * 1024,
    GIVEN_MAX = 4096, /* of a code or refresh token: whoever brings a longer one has it from elsewhere */
};

static void refuse(const struct issuer *issuer, const struct visit *visit, enum refusal refusal,
                   struct reply *reply)
{
    refusal_reply(issuer->profile, refusal, visit->moment, reply);
}

static struct json begin_json(struct reply *reply)
{
    struct json json = json_to(&reply->body);

    reply->status = 200;
    reply->type = "application/json";
    reply_keep_private(reply);
    json_open(&json, NULL, '{');
    return json;
}

/* ---- who asks ---- */

struct client {
    char id[IDENTITY_NAME];
    bool proven; /* by a secret, any one, or a signed token */
};

/* "Authorization: Basic": id and secret, each escaped as in a form (RFC 6749, 2.3.1). */
static void take_basic(const struct visit *visit, struct form *form, struct client *client)
{
    struct span value = serve_header(visit->request, "Authorization"), id;
    HELD(buf) pair = BUF(TOKEN_TEXT_MAX);
    HELD(buf) field = BUF(TOKEN_TEXT_MAX);

    if (!span_starts_word(value, "Basic "))
        return;
    if (!base64_decode(&pair, span_trim(span_from(value, strlen("Basic "))))) {
        form->bad = true;
        return;
    }
    struct span rest = buf_span(&pair);
    bool whole = span_split(&rest, ':', &id);
    buf_add(&field, "id=");
    buf_add_span(&field, id);
    struct form basic = { .text = buf_span(&field) };
    form_take(&basic, "id", client->id, sizeof client->id);
    form->bad |= basic.bad || !whole;
    client->proven = rest.len;
}

static enum refusal check_assertion(const struct issuer *issuer, const struct visit *visit,
                                    const char *assertion, struct client *client)
{
    HELD(buf) endpoint = BUF(ISSUER_NAME_MAX);

    issuer_add_url(issuer, visit, issuer->profile->oauth.token, &endpoint);
    client->proven = assertion_is_good(span_of(assertion), span_of(client->id), buf_span(&endpoint),
                                       visit->moment->now / 1000);
    return client->proven ? REFUSALS : REFUSAL_ASSERTION;
}

/* REFUSALS: nothing is wrong with it. */
static enum refusal read_client(const struct issuer *issuer, const struct visit *visit, struct form *form,
                                struct client *client)
{
    char secret[1024], assertion[ASSERTION_MAX], id[IDENTITY_NAME];

    *client = (struct client){ .proven = false };
    take_basic(visit, form, client);
    form_take(form, "client_id", id, sizeof id);
    form_take(form, "client_secret", secret, sizeof secret);
    form_take(form, "client_assertion", assertion, sizeof assertion);
    if (id[0] && client->id[0] && strcmp(id, client->id) != 0)
        form->bad = true;
    if (id[0])
        memcpy(client->id, id, sizeof id);
    if (form->bad || !client->id[0])
        return REFUSAL_REQUEST;
    if (scenario_is_on(issuer->scenarios, SCENARIO_UNKNOWN_CLIENT))
        return REFUSAL_CLIENT;
    client->proven |= secret[0] != '\0';
    if (assertion[0])
        return check_assertion(issuer, visit, assertion, client);
    if (!client->proven && scenario_is_on(issuer->scenarios, SCENARIO_CLIENT_NEEDS_SECRET))
        return REFUSAL_SECRET;
    return REFUSALS;
}

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
    struct json json = begin_json(reply);
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

static enum refusal check_weather(const struct issuer *issuer, const struct visit *visit)
{
    if (scenario_is_on(issuer->scenarios, SCENARIO_TOKEN_BUSY))
        return REFUSAL_BUSY;
    return issuer_has_tenant(issuer, visit->tenant) ? REFUSALS : REFUSAL_TENANT;
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
    if ((no = check_weather(issuer, visit)) != REFUSALS ||
        (no = read_client(issuer, visit, &request.form, &request.client)) != REFUSALS ||
        (no = redeem(&request, &right)) != REFUSALS)
        refuse(issuer, visit, no, reply);
    else if (scenario_is_on(issuer->scenarios, SCENARIO_BLOCKED_BY_POLICY))
        refuse(issuer, visit, REFUSAL_POLICY, reply);
    else if ((no = choose_scope(&request, &right, &scope)) != REFUSALS)
        refuse(issuer, visit, no, reply);
    else if (!write_tokens(&request, &right, buf_span(&scope), reply))
        refuse(issuer, visit, REFUSAL_BUSY, reply);
}

/* ---- devices ---- */

static void write_device(const struct issuer *issuer, const struct visit *visit,
                         const struct identity_device *device, struct reply *reply)
{
    HELD(buf) page = BUF(ISSUER_NAME_MAX);
    HELD(buf) complete = BUF(ISSUER_NAME_MAX);
    HELD(buf) message = BUF(2 * ISSUER_NAME_MAX);
    struct json json = begin_json(reply);

    issuer_add_own_url(issuer, "/device", &page);
    buf_addf(&complete, "%s?", buf_text(&page));
    form_add_text(&complete, "user_code", device->user_code);
    buf_addf(&message, "To sign in, open %s and enter the code %s.", buf_text(&page), device->user_code);
    json_text(&json, "device_code", device->code);
    json_text(&json, "user_code", device->user_code);
    json_text(&json, "verification_uri", buf_text(&page));
    if (!issuer->profile->oauth.tenant) /* where there are tenants there is none of these */
        json_text(&json, "verification_uri_complete", buf_text(&complete));
    json_number(&json, "expires_in", (device->expires - visit->moment->now) / 1000);
    json_number(&json, "interval", issuer->device_interval_ms / 1000);
    json_text(&json, "message", buf_text(&message));
    json_close(&json);
}

void endpoint_device(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    struct client client;
    char scope[IDENTITY_SCOPE];
    HELD(buf) consent = BUF(IDENTITY_SCOPE);
    enum refusal no;

    form_take(&form, "scope", scope, sizeof scope);
    if ((no = check_weather(issuer, visit)) != REFUSALS ||
        (no = read_client(issuer, visit, &form, &client)) != REFUSALS) {
        refuse(issuer, visit, no, reply);
        return;
    }
    if (!scope[0] || !issuer_knows_scope(issuer, span_of(scope))) {
        refuse(issuer, visit, REFUSAL_SCOPE, reply);
        return;
    }
    issuer_add_consent(issuer, span_of(scope), &consent);
    const struct identity_device *device =
        identity_device(issuer->identity, span_of(client.id), buf_span(&consent), visit->moment);
    if (!device) {
        refuse(issuer, visit, REFUSAL_REQUEST, reply);
        return;
    }
    write_device(issuer, visit, device, reply);
    if (scenario_is_on(issuer->scenarios, SCENARIO_AGREEABLE))
        (void)!identity_device_decide(issuer->identity, span_of(device->user_code), 0, true, visit->moment->now);
}

/* ---- what became of a token ---- */

/* A token that is not known is as good as revoked (RFC 7009, 2.2). */
void endpoint_revoke(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    char token[TOKEN_TEXT_MAX];
    unsigned char hash[IDENTITY_HASH];

    form_take(&form, "token", token, sizeof token);
    if (form.bad || !token[0]) {
        refuse(issuer, visit, REFUSAL_REQUEST, reply);
        return;
    }
    if (!identity_revoke_refresh(issuer->identity, span_of(token)) &&
        crypto_sha256(span_of(token), hash, NULL))
        identity_revoke_access(issuer->identity, hash);
    struct json json = begin_json(reply);
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
        refuse(issuer, visit, REFUSAL_REQUEST, reply);
        return;
    }
    if (crypto_sha256(span_of(token), hash, NULL))
        access = identity_access(issuer->identity, hash);
    bool active = access && visit->moment->now < access->expires;
    struct json json = begin_json(reply);
    json_bool(&json, "active", active);
    if (active)
        write_active(issuer, access, &json);
    json_close(&json);
}
