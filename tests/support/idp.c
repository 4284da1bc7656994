#include "support/check.h"

#include "support/idp.h"

#include <stdio.h>

#include "base/base64.h"
#include "base/crypto.h"
#include "base/form.h"
#include "base/json.h"
#include "base/str.h"
#include "net/resolve.h"

static void say(struct serve_request *request, unsigned status, const char *header, const char *body)
{
    const char *headers[] = { header, NULL };

    serve_answer(request, &(struct serve_answer){ .status = status, .type = "application/json",
                                                  .headers = header ? headers : NULL, .body = span_of(body) });
}

static void refuse(struct serve_request *request, const char *error)
{
    char body[200];

    snprintf(body, sizeof body, "{\"error\":\"%s\",\"error_description\":\"as the test wants it\"}", error);
    say(request, 400, NULL, body);
}

static bool field(struct span form, const char *key, char *to, size_t room)
{
    HELD(buf) value = BUF(8000);

    if (form_value(form, key, &value) != FORM_ONE || value.len >= room)
        return false;
    memcpy(to, buf_text(&value), value.len + 1);
    return true;
}

static void add_id_token(struct json *json, const char *claims)
{
    HELD(buf) token = BUF(8000);

    base64url_encode(&token, SPAN("{\"alg\":\"none\"}"));
    buf_add_char(&token, '.');
    base64url_encode(&token, span_of(claims));
    buf_add(&token, ".x");
    json_text(json, "id_token", buf_text(&token));
}

static void give(struct idp *idp, struct serve_request *request, bool with_refresh)
{
    HELD(buf) body = BUF(16000), text = BUF(100);
    struct json json = json_to(&body);

    json_open(&json, NULL, '{');
    buf_addf(&text, "A%u-%u", idp->serial, idp->tokens);
    json_text(&json, "access_token", buf_text(&text));
    json_text(&json, "token_type", "Bearer");
    json_number(&json, "expires_in", idp->life);
    if (with_refresh) {
        buf_clear(&text);
        buf_addf(&text, "R%u", idp->serial);
        json_text(&json, "refresh_token", buf_text(&text));
    }
    if (idp->scope)
        json_text(&json, "scope", idp->scope);
    if (idp->id_claims)
        add_id_token(&json, idp->id_claims);
    json_close(&json);
    say(request, 200, NULL, buf_text(&body));
}

static void refresh(struct idp *idp, struct serve_request *request)
{
    char token[32] = "";
    unsigned serial = 0;
    uint64_t number = 0;

    idp->refreshes++;
    if (field(request->body, "refresh_token", token, sizeof token) && token[0] == 'R' &&
        str_to_u64(span_of(token + 1), 0, 1000, &number))
        serial = (unsigned)number;
    bool old = serial != idp->serial;
    if (idp->rotation == IDP_STRICT && old)
        idp->dead = true;
    if (idp->dead || !serial || serial > idp->serial || (old && idp->rotation != IDP_ROTATES)) {
        refuse(request, "invalid_grant");
        return;
    }
    if (idp->rotation != IDP_KEEPS)
        idp->serial++;
    give(idp, request, idp->rotation != IDP_KEEPS);
}

/* RFC 7636, 4.6 */
static bool verifies(const struct idp *idp, struct span form)
{
    char verifier[64];
    unsigned char hash[CRYPTO_SHA256_LEN];
    HELD(buf) challenge = BUF(64);

    if (!field(form, "code_verifier", verifier, sizeof verifier) ||
        !crypto_sha256(span_of(verifier), hash, NULL))
        return false;
    base64url_encode(&challenge, (struct span){ (const char *)hash, sizeof hash });
    return strcmp(buf_text(&challenge), idp->challenge) == 0;
}

static void redeem(struct idp *idp, struct serve_request *request)
{
    char code[64], redirect[256];

    if (!field(request->body, "code", code, sizeof code) || !idp->code[0] || strcmp(code, idp->code) != 0 ||
        !field(request->body, "redirect_uri", redirect, sizeof redirect) ||
        strcmp(redirect, idp->redirect) != 0 || !verifies(idp, request->body)) {
        refuse(request, "invalid_grant");
        return;
    }
    idp->code[0] = '\0';
    idp->serial++;
    idp->dead = false;
    give(idp, request, true);
}

static void poll_device(struct idp *idp, struct serve_request *request)
{
    idp->devices++;
    if (idp->pending) {
        idp->pending--;
        refuse(request, "authorization_pending");
    } else if (idp->slow) {
        idp->slow = false;
        refuse(request, "slow_down");
    } else if (idp->declined) {
        refuse(request, idp->declined);
    } else {
        idp->serial++;
        give(idp, request, true);
    }
}

static void token(struct idp *idp, struct serve_request *request)
{
    char type[100] = "";

    idp->tokens++;
    buf_clear(&idp->seen);
    buf_add_span(&idp->seen, request->body);
    snprintf(idp->authorization, sizeof idp->authorization, "%.*s",
             SPAN_ARG(serve_header(request, "Authorization")));
    if (idp->silent) {
        idp->kept = request;
        return;
    }
    if (idp->status) {
        say(request, idp->status, idp->header, idp->body ? idp->body : "");
        return;
    }
    if (!field(request->body, "grant_type", type, sizeof type))
        refuse(request, "invalid_request");
    else if (strcmp(type, "refresh_token") == 0)
        refresh(idp, request);
    else if (strcmp(type, "authorization_code") == 0)
        redeem(idp, request);
    else if (strcmp(type, "client_credentials") == 0)
        give(idp, request, false);
    else if (strstr(type, "device_code"))
        poll_device(idp, request);
    else
        refuse(request, "unsupported_grant_type");
}

static void device(struct idp *idp, struct serve_request *request)
{
    char body[400];

    snprintf(body, sizeof body,
             "{\"device_code\":\"D1\",\"user_code\":\"WDJB-MJHT\",\"verification_uri\":\"" IDP_ISSUER "/go\","
             "\"verification_uri_complete\":\"" IDP_ISSUER "/go?c=WDJB-MJHT\",\"expires_in\":600,\"interval\":%u}",
             (unsigned)idp->interval);
    say(request, 200, NULL, body);
}

static void metadata(struct idp *idp, struct serve_request *request)
{
    idp->metadata++;
    say(request, 200, NULL, idp->no_basic
        ? "{\"issuer\":\"" IDP_ISSUER "\",\"token_endpoint\":\"" IDP_ISSUER "/token\","
          "\"authorization_endpoint\":\"" IDP_ISSUER "/auth\",\"device_authorization_endpoint\":\"" IDP_ISSUER "/device\","
          "\"token_endpoint_auth_methods_supported\":[\"none\",\"client_secret_post\"]}"
        : "{\"issuer\":\"" IDP_ISSUER "\",\"token_endpoint\":\"" IDP_ISSUER "/token\","
          "\"authorization_endpoint\":\"" IDP_ISSUER "/auth\",\"device_authorization_endpoint\":\"" IDP_ISSUER "/device\","
          "\"revocation_endpoint\":\"" IDP_ISSUER "/revoke\",\"authorization_response_iss_parameter_supported\":true}");
}

static void asked(void *who, struct serve_request *request)
{
    struct idp *idp = who;

    if (span_is(request->path, "/token")) {
        token(idp, request);
    } else if (span_is(request->path, "/device")) {
        device(idp, request);
    } else if (span_is(request->path, "/revoke")) {
        idp->revocations++;
        idp->dead = true;
        say(request, 200, NULL, "");
    } else if (span_is(request->path, "/.well-known/openid-configuration")) {
        metadata(idp, request);
    } else {
        say(request, 404, NULL, "<html>nothing here</html>");
    }
}

static uint64_t began(void *who, struct serve_request *request)
{
    (void)who;
    (void)request;
    return 64 * 1024;
}

static void dropped(void *who, struct serve_request *request)
{
    struct idp *idp = who;

    if (idp->kept == request)
        idp->kept = NULL;
}

void idp_start(struct idp *idp, struct loop *loop)
{
    static const struct serve_events events = { .began = began, .asked = asked, .dropped = dropped };
    struct err err = { 0 };

    *idp = (struct idp){ .loop = loop, .life = 3600, .serial = 1, .interval = 1, .seen = BUF(256 * 1024) };
    identity_make(&idp->identity);
    idp->identity.protocol = "http/1.1";
    idp->tls = identity_server(&idp->identity, IDENTITY_GOOD, "id.test", false);
    if (!serve_open(loop, &(struct serve_plan){ .where = { .address = "127.0.0.1" }, .tls = idp->tls }, &events,
                    idp, &idp->serve, &err))
        fail_msg("%s", err.text);
    idp->port = serve_port(idp->serve);
    idp->detour = (struct dial_detour){ .host = "id.test", .port = 443, .to_host = "127.0.0.1", .to_port = idp->port };
    assert_true(resolver_new(loop, &(struct resolver_plan){ NULL, 1 }, &idp->resolver, &err));
}

void idp_stop(struct idp *idp)
{
    serve_free(idp->serve);
    resolver_free(idp->resolver);
    tls_context_free(idp->tls);
    identity_done(&idp->identity);
    buf_done(&idp->seen);
}

void idp_agree(struct idp *idp, const char *url, struct buf *ret_back)
{
    struct span query = span_from(span_of(url), span_find(span_of(url), '?') + 1);
    char state[100];

    assert_true(field(query, "state", state, sizeof state));
    assert_true(field(query, "redirect_uri", idp->redirect, sizeof idp->redirect));
    if (!field(query, "code_challenge", idp->challenge, sizeof idp->challenge))
        idp->challenge[0] = '\0';
    snprintf(idp->code, sizeof idp->code, "C%u", idp->tokens);
    buf_add(ret_back, idp->redirect);
    buf_add_char(ret_back, '?');
    form_add_text(ret_back, "code", idp->code);
    form_add_text(ret_back, "state", state);
    form_add_text(ret_back, "iss", IDP_ISSUER);
    assert_false(ret_back->full);
}

struct credential_world idp_world(struct idp *idp, const struct secret_world *secrets, const struct clock *clock)
{
    return (struct credential_world){
        .secrets = *secrets,
        .clock = clock,
        .resolver = idp->resolver,
        .detours = { &idp->detour, 1 },
        .ca_file = idp->identity.ca_file,
    };
}
