/* The pages that a person sees: signing in and agreeing (RFC 6749, 4.1.1), and typing a device's code (RFC
 * 8628, 3.3). Plain forms, no script. */
#include "base/base64.h"
#include "base/form.h"
#include "base/scan.h"
#include "base/str.h"
#include "sandbox/issuer_int.h"
#include "sandbox/scope.h"

#include "base/banned.h"

enum { FOUND = 302, BAD_REQUEST = 400, FORBIDDEN = 403, CHALLENGE_LEN = 43, LOCATION_MAX = 4096 };

/* ---- pages ---- */

static const char style[] =
    "body{font:1rem/1.5 system-ui,sans-serif;max-width:28rem;margin:3rem auto;padding:0 1rem;"
    "color:#222;background:#fff}h1{font-size:1.3rem}label,input,button{display:block;font:inherit}"
    "input{width:100%;box-sizing:border-box;padding:.4rem;margin:.2rem 0 1rem}"
    "button{display:inline-block;padding:.4rem 1.4rem;margin-right:1rem}.why{color:#a00}"
    "small{color:#555}";

/* No form-action: it would also forbid the redirect to the program that waits. */
static void add_page_headers(struct reply *reply)
{
    unsigned char hash[CRYPTO_SHA256_LEN];
    HELD(buf) text = BUF(64);

    if (crypto_sha256(span_of(style), hash, NULL))
        base64_encode(&text, (struct span){ (const char *)hash, sizeof hash });
    reply_header(reply, "Content-Security-Policy: default-src 'none'; style-src 'sha256-%s'; "
                        "frame-ancestors 'none'; base-uri 'none'", buf_text(&text));
    reply_header(reply, "Cache-Control: no-store");
    reply_header(reply, "Referrer-Policy: no-referrer");
    reply_header(reply, "X-Content-Type-Options: nosniff");
}

static void page_begin(const struct issuer *issuer, unsigned status, const char *title, struct reply *reply)
{
    struct buf *page = &reply->body;

    reply->status = status;
    reply->type = "text/html; charset=utf-8";
    add_page_headers(reply);
    buf_addf(page, "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>%s</title>\n"
                   "<style>%s</style>\n<h1>%s</h1>\n<p><small>", title, style, title);
    reply_html(page, span_of(issuer->profile->name));
    buf_add(page, ", as outpost's sandbox plays it: this is not the provider.</small></p>\n");
}

static void page_says(const struct issuer *issuer, unsigned status, const char *title, const char *text,
                      struct reply *reply)
{
    page_begin(issuer, status, title, reply);
    buf_add(&reply->body, "<p>");
    reply_html(&reply->body, span_of(text));
    buf_add(&reply->body, "</p>\n");
}

static void add_input(struct buf *page, const char *label, const char *name, const char *type, struct span value)
{
    buf_addf(page, "<label for=\"%s\">%s</label><input id=\"%s\" name=\"%s\" type=\"%s\" value=\"", name, label,
             name, name, type);
    reply_html(page, value);
    buf_add(page, "\">\n");
}

static void add_users(const struct issuer *issuer, struct buf *page)
{
    buf_add(page, "<p><small>Test users:");
    for (size_t i = 0; i < issuer->user_count; i++) {
        buf_add(page, i ? "; " : " ");
        reply_html(page, span_of(issuer->users[i].username));
        buf_add(page, ", password ");
        reply_html(page, span_of(issuer->users[i].password));
    }
    buf_add(page, "</small></p>\n");
}

/* The same at the end of both pages: who it is, what is asked for, and the choice. */
static void add_sign_in(const struct issuer *issuer, struct span user, struct span client, struct span scope,
                        struct buf *page)
{
    struct span word;

    add_input(page, "Email", "user", "email", user.len ? user : span_of(issuer->users[0].username));
    add_input(page, "Password", "password", "password", SPAN_NONE);
    if (client.len) {
        buf_add(page, "<p>The application <b>");
        reply_html(page, client);
        buf_add(page, "</b> asks for:</p>\n<ul>\n");
        while (span_split(&scope, ' ', &word)) {
            buf_add(page, "<li>");
            reply_html(page, word);
            buf_add(page, "</li>\n");
        }
        buf_add(page, "</ul>\n");
    }
    buf_add(page, "<button name=\"choice\" value=\"allow\">Allow</button>\n"
                  "<button name=\"choice\" value=\"deny\">Deny</button>\n</form>\n");
    add_users(issuer, page);
}

static void add_why(struct buf *page, const char *why)
{
    if (why)
        buf_addf(page, "<p class=\"why\" role=\"alert\">%s</p>\n", why);
}

/* ---- signing in ---- */

struct signing_in {
    char user[IDENTITY_NAME], password[IDENTITY_NAME], choice[16];
};

static void take_sign_in(struct form *form, struct signing_in *ret_signing_in)
{
    form_take(form, "user", ret_signing_in->user, sizeof ret_signing_in->user);
    form_take(form, "password", ret_signing_in->password, sizeof ret_signing_in->password);
    form_take(form, "choice", ret_signing_in->choice, sizeof ret_signing_in->choice);
}

static size_t check_sign_in(const struct issuer *issuer, const struct signing_in *by)
{
    size_t user = issuer_find_user(issuer, span_of(by->user));

    if (user == IDENTITY_NOBODY ||
        !str_equal_secret(span_of(by->password), span_of(issuer->users[user].password)))
        return IDENTITY_NOBODY;
    return user;
}

static const char wrong_password[] = "This is not a user's address and password.";

/* ---- the authorization page ---- */

/* The profile's, with any port where it has {port}. */
static bool is_redirect(const struct issuer *issuer, struct span address)
{
    const char *pattern = issuer->profile->oauth.redirect;
    struct span front = span_of(pattern), back;
    const char *const place = "{port}";
    uint64_t port;

    if (!pattern)
        return false;
    front = span_cut(front, 0, span_find_text(front, place));
    if (front.len == strlen(pattern))
        return span_equal(address, front);
    back = span_from(span_of(pattern), front.len + strlen(place));
    struct scan scan = scan_of(span_from(address, front.len));
    return span_equal(span_cut(address, 0, front.len), front) && scan_number(&scan, 1, 65535, &port) &&
           span_equal(scan_rest(&scan), back);
}

static void redirect(const struct issuer *issuer, const struct visit *visit, const struct identity_asked *asked,
                     const char *key, const char *value, const char *description, struct reply *reply)
{
    HELD(buf) to = BUF(LOCATION_MAX);
    HELD(buf) name = BUF(ISSUER_NAME_MAX);

    buf_addf(&to, "%s?", asked->redirect);
    form_add_text(&to, key, value);
    form_add_text(&to, "error_description", description);
    if (asked->state[0])
        form_add_text(&to, "state", asked->state);
    if (issuer->profile->oauth.issuer) {
        issuer_add_name(issuer, visit, false, &name);
        form_add_text(&to, "iss", buf_text(&name));
    }
    reply->status = FOUND;
    reply_header(reply, "Location: %s", buf_text(&to));
    reply_header(reply, "Cache-Control: no-store");
    reply_header(reply, "Referrer-Policy: no-referrer");
}

static void redirect_no(const struct issuer *issuer, const struct visit *visit,
                        const struct identity_asked *asked, enum refusal refusal, struct reply *reply)
{
    HELD(buf) words = BUF(1024);

    refusal_words(issuer->profile, refusal, &words);
    redirect(issuer, visit, asked, "error",
             refusal == REFUSAL_DECLINED ? "access_denied" : refusal_word(issuer->profile, refusal),
             buf_text(&words), reply);
}

static void page_refuses(const struct issuer *issuer, enum refusal refusal, struct reply *reply)
{
    HELD(buf) words = BUF(1024);

    refusal_words(issuer->profile, refusal, &words);
    page_says(issuer, BAD_REQUEST, "This can't be signed in to", buf_text(&words), reply);
}

/* Where refresh tokens are to be asked for, were they? */
static bool wants_lasting(const struct issuer *issuer, struct span scope, struct form *form)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    char access_type[16];

    form_take(form, "access_type", access_type, sizeof access_type);
    if (scope_has(span_of(oauth->scope), "offline_access"))
        return scope_has(scope, "offline_access");
    return !words_have(oauth->extra, "access_type=offline") || strcmp(access_type, "offline") == 0;
}

/* What the redirect can tell is told there; the rest, by a page (RFC 6749, 4.1.2.1). */
static enum refusal check_asked(const struct issuer *issuer, struct form *form, struct identity_asked *asked)
{
    char type[32], method[16];
    struct span challenge = span_of(asked->challenge);

    form_take(form, "response_type", type, sizeof type);
    form_take(form, "code_challenge_method", method, sizeof method);
    asked->lasting = wants_lasting(issuer, span_of(asked->scope), form);
    if (form->bad)
        return REFUSAL_REQUEST;
    if (strcmp(type, "code") != 0)
        return REFUSAL_RESPONSE_TYPE;
    if (challenge.len ? challenge.len != CHALLENGE_LEN || strcmp(method, "S256") != 0 : issuer->profile->oauth.pkce)
        return REFUSAL_PKCE;
    if (!asked->scope[0] || !issuer_knows_scope(issuer, span_of(asked->scope)))
        return REFUSAL_SCOPE;
    if (issuer->profile->oauth.one_resource && !issuer->profile->oauth.consent_together &&
        !scope_is_one_resource(span_of(asked->scope)))
        return REFUSAL_TWO_RESOURCES;
    return REFUSALS;
}

static enum refusal read_asked(const struct issuer *issuer, const struct visit *visit, struct form *form,
                               struct identity_asked *asked)
{
    form_take(form, "client_id", asked->client, sizeof asked->client);
    form_take(form, "redirect_uri", asked->redirect, sizeof asked->redirect);
    form_take(form, "scope", asked->scope, sizeof asked->scope);
    form_take(form, "state", asked->state, sizeof asked->state);
    form_take(form, "nonce", asked->nonce, sizeof asked->nonce);
    form_take(form, "code_challenge", asked->challenge, sizeof asked->challenge);
    if (!issuer_has_tenant(issuer, visit->tenant))
        return REFUSAL_TENANT;
    if (form->bad || !asked->client[0])
        return REFUSAL_REQUEST;
    if (scenario_is_on(issuer->scenarios, SCENARIO_UNKNOWN_CLIENT))
        return REFUSAL_CLIENT;
    return is_redirect(issuer, span_of(asked->redirect)) ? REFUSALS : REFUSAL_REDIRECT;
}

static void show_authorize(const struct issuer *issuer, const struct identity_asked *asked, const char *text,
                           struct span user, const char *why, struct reply *reply)
{
    struct buf *page = &reply->body;

    page_begin(issuer, 200, "Sign in", reply);
    add_why(page, why);
    buf_addf(page, "<form method=\"post\">\n<input type=\"hidden\" name=\"request\" value=\"%s\">\n", text);
    add_sign_in(issuer, user, span_of(asked->client), span_of(asked->scope), page);
}

static void ask(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->query };
    struct identity_asked asked = { .lasting = false };
    char hint[IDENTITY_NAME];
    HELD(buf) consent = BUF(IDENTITY_SCOPE);
    enum refusal no = read_asked(issuer, visit, &form, &asked);

    if (no != REFUSALS) {
        page_refuses(issuer, no, reply);
        return;
    }
    form_take(&form, "login_hint", hint, sizeof hint);
    no = check_asked(issuer, &form, &asked);
    if (no != REFUSALS) {
        redirect_no(issuer, visit, &asked, no, reply);
        return;
    }
    issuer_add_consent(issuer, span_of(asked.client), span_of(asked.scope), &consent);
    if (!identity_put(asked.scope, sizeof asked.scope, buf_span(&consent))) {
        page_refuses(issuer, REFUSAL_REQUEST, reply);
        return;
    }
    const char *text = identity_ask(issuer->identity, &asked, visit->moment);
    show_authorize(issuer, &asked, text, span_of(hint), NULL, reply);
}

static void decide(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    struct signing_in by;
    char request[IDENTITY_TEXT];

    form_take(&form, "request", request, sizeof request);
    take_sign_in(&form, &by);
    const struct identity_asked *found =
        form.bad ? NULL : identity_asked(issuer->identity, span_of(request), visit->moment->now);
    if (!found) {
        page_says(issuer, BAD_REQUEST, "This page is too old", "Begin again in the program that sent you here.",
                  reply);
        return;
    }
    const struct identity_asked asked = *found;
    if (strcmp(by.choice, "deny") == 0) {
        identity_decline(issuer->identity, span_of(request), visit->moment->now);
        redirect_no(issuer, visit, &asked, REFUSAL_DECLINED, reply);
        return;
    }
    size_t user = check_sign_in(issuer, &by);
    if (user == IDENTITY_NOBODY) {
        show_authorize(issuer, &asked, request, span_of(by.user), wrong_password, reply);
        return;
    }
    const char *code = identity_agree(issuer->identity, span_of(request), user, visit->moment);
    redirect(issuer, visit, &asked, "code", code, NULL, reply);
}

void endpoint_authorize(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    if (visit->request->method != SERVE_POST)
        ask(issuer, visit, reply);
    else if (visit_is_same_site(visit))
        decide(issuer, visit, reply);
    else
        page_says(issuer, FORBIDDEN, "Not from there", "Another site's page sent this.", reply);
}

/* ---- the device page ---- */

static void show_device(const struct issuer *issuer, const struct visit *visit, struct span code,
                        struct span user, const char *why, struct reply *reply)
{
    const struct identity_device *device =
        identity_device_typed(issuer->identity, code, visit->moment->now);
    struct buf *page = &reply->body;

    page_begin(issuer, 200, "Enter the code", reply);
    add_why(page, why);
    buf_add(page, "<form method=\"post\" action=\"/device\">\n");
    add_input(page, "Code that the device shows", "user_code", "text", code);
    add_sign_in(issuer, user, device ? span_of(device->client) : SPAN_NONE,
                device ? span_of(device->scope) : SPAN_NONE, page);
}

static void decide_device(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    struct signing_in by;
    char code[64];

    form_take(&form, "user_code", code, sizeof code);
    take_sign_in(&form, &by);
    size_t user = form.bad ? IDENTITY_NOBODY : check_sign_in(issuer, &by);
    bool yes = strcmp(by.choice, "deny") != 0;
    if (user == IDENTITY_NOBODY)
        show_device(issuer, visit, span_of(code), span_of(by.user), wrong_password, reply);
    else if (!identity_device_decide(issuer->identity, span_of(code), user, yes, visit->moment->now))
        show_device(issuer, visit, span_of(code), span_of(by.user), "No device waits with this code.", reply);
    else if (yes)
        page_says(issuer, 200, "Signed in", "The device goes on by itself; this page may be closed.", reply);
    else
        page_says(issuer, 200, "Declined", "The device is told so; this page may be closed.", reply);
}

void endpoint_device_page(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->query };
    char code[64];

    if (visit->request->method == SERVE_POST && visit_is_same_site(visit)) {
        decide_device(issuer, visit, reply);
    } else if (visit->request->method == SERVE_POST) {
        page_says(issuer, FORBIDDEN, "Not from there", "Another site's page sent this.", reply);
    } else {
        form_take(&form, "user_code", code, sizeof code);
        show_device(issuer, visit, span_of(form.bad ? "" : code), SPAN_NONE, NULL, reply);
    }
}
