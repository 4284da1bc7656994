#include "account/oauth_request.h"

#include "base/base64.h"
#include "base/form.h"
#include "base/str.h"

#include "base/banned.h"

#define DEVICE_GRANT    "urn:ietf:params:oauth:grant-type:device_code"
#define JWT_ASSERTION   "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

static bool whole(const struct buf *text, struct err *err)
{
    return !text->full || err_set(err, ERR_LIMIT, "the request for a sign-in is too long, or memory ran out");
}

/* ---- the browser ---- */

static void write_random(char *to, size_t room, const unsigned char *random, size_t len)
{
    HELD(buf) text = BUF(64);

    base64url_encode(&text, (struct span){ (const char *)random, len });
    memcpy(to, buf_text(&text), text.len < room ? text.len : 0);
}

bool oauth_attempt_make(const unsigned char random[OAUTH_RANDOM_LEN], struct span redirect,
                        struct oauth_attempt *ret_attempt, struct err *err)
{
    struct oauth_attempt *attempt = ret_attempt;
    unsigned char hash[CRYPTO_SHA256_LEN];

    *attempt = (struct oauth_attempt){ 0 };
    if (redirect.len >= sizeof attempt->redirect)
        return err_found(err, ERR_CONFIG, "config:bad", "the redirect address is too long");
    memcpy(attempt->redirect, redirect.at, redirect.len);
    write_random(attempt->state, sizeof attempt->state, random, 16);
    write_random(attempt->nonce, sizeof attempt->nonce, random + 16, 16);
    write_random(attempt->verifier, sizeof attempt->verifier, random + 32, 32);
    if (!attempt->state[0] || !attempt->nonce[0] || !attempt->verifier[0])
        return err_no_memory(err);
    if (!crypto_sha256(span_of(attempt->verifier), hash, err))
        return false;
    write_random(attempt->challenge, sizeof attempt->challenge, hash, sizeof hash);
    return attempt->challenge[0] || err_no_memory(err);
}

void oauth_attempt_done(struct oauth_attempt *attempt)
{
    str_wipe(attempt, sizeof *attempt);
}

/* Does this NAME=VALUE of the profile's say it already? */
static bool has_extra(const struct oauth_way *way, const char *name)
{
    for (size_t i = 0; i < way->extra.count; i++) {
        struct span word = span_of(way->extra.at[i]);
        if (span_is(span_cut(word, 0, span_find(word, '=')), name))
            return true;
    }
    return false;
}

static void add_extra(struct buf *out, const struct oauth_way *way)
{
    for (size_t i = 0; i < way->extra.count; i++) {
        struct span word = span_of(way->extra.at[i]);
        size_t equals = span_find(word, '=');
        HELD(buf) name = BUF(256);
        buf_add_span(&name, span_cut(word, 0, equals));
        form_add(out, buf_text(&name), span_from(word, equals + 1));
    }
}

/* Without it some hand out no token that lasts (OpenID Connect Core, 11). */
static bool wants_consent(const struct oauth_way *way, const char *scope)
{
    return span_find_text(span_of(scope), "offline_access") < strlen(scope) && !way->one_resource &&
           !has_extra(way, "prompt");
}

bool oauth_request_browser(const struct oauth_way *way, const struct oauth_attempt *attempt,
                           const char *scope, const char *hint, struct buf *out, struct err *err)
{
    struct span base = span_of(way->authorize);

    buf_add_span(out, base);
    if (span_find(base, '?') == base.len)
        buf_add_char(out, '?');
    form_add_text(out, "response_type", "code");
    form_add_text(out, "client_id", way->client_id);
    form_add_text(out, "redirect_uri", attempt->redirect);
    form_add_text(out, "scope", scope);
    form_add_text(out, "state", attempt->state);
    if (way->pkce) {
        form_add_text(out, "code_challenge", attempt->challenge);
        form_add_text(out, "code_challenge_method", "S256");
    }
    if (span_find_text(span_of(scope), "openid") < strlen(scope))
        form_add_text(out, "nonce", attempt->nonce);
    form_add_text(out, "login_hint", hint);
    if (wants_consent(way, scope))
        form_add_text(out, "prompt", "consent");
    add_extra(out, way);
    return whole(out, err);
}

static bool has_word(struct span list, struct span word)
{
    struct span part;

    while (span_split(&list, ' ', &part))
        if (span_equal(part, word))
            return true;
    return false;
}

static void add_scopes(struct buf *out, const char *scopes)
{
    struct span rest = span_of(scopes), word;

    while (span_split(&rest, ' ', &word)) {
        if (!word.len || has_word(buf_span(out), word))
            continue;
        if (out->len)
            buf_add_char(out, ' ');
        buf_add_span(out, word);
    }
}

bool oauth_request_scope(const struct oauth_way *way, unsigned purposes, bool together, struct buf *out,
                         struct err *err)
{
    bool one_only = way->one_resource && !(together && way->consent_together);

    add_scopes(out, way->identity_scope);
    for (unsigned i = 0; i < CREDENTIAL_PURPOSES; i++) {
        if (!(purposes & 1u << i))
            continue;
        add_scopes(out, way->scopes[i]);
        if (one_only)
            break;
    }
    return whole(out, err);
}

/* ---- forms ---- */

void oauth_form_done(struct oauth_form *form)
{
    buf_done(&form->body);
    buf_done(&form->authorization);
}

/*= RFC 6749 2.3.1
 *# The client identifier is encoded using the "application/x-www-form-urlencoded" encoding algorithm per
 *# Appendix B, and the encoded value is used as the username; the client password is encoded using the
 *# same algorithm and used as the password.  */
static void add_basic(struct oauth_form *form, const char *client_id, const struct secret *secret)
{
    HELD(buf) pair = BUF(OAUTH_REQUEST_MAX);

    form_escape(&pair, span_of(client_id));
    buf_add_char(&pair, ':');
    form_escape(&pair, secret_bytes(secret));
    buf_add(&form->authorization, "Authorization: Basic ");
    base64_encode(&form->authorization, buf_span(&pair));
    form->authorization.full |= pair.full;
}

/* Who asks, at the end of every form. */
static bool sign(struct oauth_form *form, const struct oauth_way *way, const struct oauth_proof *proof,
                 struct err *err)
{
    if (proof->secret && way->basic)
        add_basic(form, way->client_id, proof->secret);
    else
        form_add_text(&form->body, "client_id", way->client_id);
    if (proof->secret && !way->basic)
        form_add_secret(&form->body, "client_secret", proof->secret);
    if (proof->assertion) {
        form_add_text(&form->body, "client_assertion_type", JWT_ASSERTION);
        form_add_secret(&form->body, "client_assertion", proof->assertion);
    }
    return whole(&form->body, err) && whole(&form->authorization, err);
}

static void add_scope(struct oauth_form *form, const char *scope)
{
    form_add_text(&form->body, "scope", scope && scope[0] ? scope : NULL);
}

bool oauth_request_code(const struct oauth_way *way, const struct oauth_proof *proof,
                        const struct oauth_attempt *attempt, const struct secret *code, const char *scope,
                        struct oauth_form *form, struct err *err)
{
    form_add_text(&form->body, "grant_type", "authorization_code");
    form_add_secret(&form->body, "code", code);
    form_add_text(&form->body, "redirect_uri", attempt->redirect);
    if (way->pkce)
        form_add_text(&form->body, "code_verifier", attempt->verifier);
    add_scope(form, way->one_resource ? scope : NULL); /* which of those agreed to; no other server asks */
    return sign(form, way, proof, err);
}

bool oauth_request_refresh(const struct oauth_way *way, const struct oauth_proof *proof,
                           const struct secret *refresh, const char *scope, struct oauth_form *form,
                           struct err *err)
{
    form_add_text(&form->body, "grant_type", "refresh_token");
    form_add_secret(&form->body, "refresh_token", refresh);
    add_scope(form, way->one_resource ? scope : NULL);
    return sign(form, way, proof, err);
}

bool oauth_request_device(const struct oauth_way *way, const struct oauth_proof *proof, const char *scope,
                          struct oauth_form *form, struct err *err)
{
    add_scope(form, scope);
    return sign(form, way, proof, err);
}

bool oauth_request_device_token(const struct oauth_way *way, const struct oauth_proof *proof,
                                const struct secret *device_code, struct oauth_form *form, struct err *err)
{
    form_add_text(&form->body, "grant_type", DEVICE_GRANT);
    form_add_secret(&form->body, "device_code", device_code);
    return sign(form, way, proof, err);
}

bool oauth_request_application(const struct oauth_way *way, const struct oauth_proof *proof,
                               const char *scope, struct oauth_form *form, struct err *err)
{
    form_add_text(&form->body, "grant_type", "client_credentials");
    add_scope(form, scope);
    return sign(form, way, proof, err);
}

bool oauth_request_revoke(const struct oauth_way *way, const struct oauth_proof *proof,
                          const struct secret *refresh, struct oauth_form *form, struct err *err)
{
    form_add_secret(&form->body, "token", refresh);
    form_add_text(&form->body, "token_type_hint", "refresh_token");
    return sign(form, way, proof, err);
}
