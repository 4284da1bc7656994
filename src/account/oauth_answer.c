#include "account/oauth_answer.h"

#include "base/alloc.h"
#include "base/json_read.h"
#include "base/str.h"
#include "net/url.h"

#include "base/banned.h"

enum {
    DEVICE_INTERVAL_MS = 5000, /* RFC 8628, 3.2 */
    DEVICE_LIFE_MS = 15 * 60 * 1000,
    DEVICE_INTERVAL_MOST = 60, /* seconds; who wants more is taken at less */
    LIFE_MOST = 10 * 366 * 86400, /* seconds */
};

/* ---- refusals ---- */

static const struct {
    const char *error, *fact;
    enum oauth_outcome outcome;
    enum err_kind kind;
} refusals[] = {
    { "invalid_grant",              "oauth:invalid-grant",       OAUTH_SIGNED_OUT, ERR_SIGNIN },
    { "interaction_required",       "oauth:interaction-required", OAUTH_SIGNED_OUT, ERR_SIGNIN },
    { "login_required",             "oauth:interaction-required", OAUTH_SIGNED_OUT, ERR_SIGNIN },
    { "account_selection_required", "oauth:interaction-required", OAUTH_SIGNED_OUT, ERR_SIGNIN },
    { "consent_required",           "oauth:consent-required",    OAUTH_SIGNED_OUT, ERR_SIGNIN },
    { "invalid_client",             "oauth:invalid-client",      OAUTH_REFUSED,    ERR_CONFIG },
    { "unauthorized_client",        "oauth:invalid-client",      OAUTH_REFUSED,    ERR_CONFIG },
    { "invalid_request",            "oauth:invalid-request",     OAUTH_REFUSED,    ERR_CONFIG },
    { "unsupported_grant_type",     "oauth:invalid-request",     OAUTH_REFUSED,    ERR_CONFIG },
    { "unsupported_response_type",  "oauth:invalid-request",     OAUTH_REFUSED,    ERR_CONFIG },
    { "invalid_scope",              "oauth:invalid-scope",       OAUTH_REFUSED,    ERR_CONFIG },
    { "invalid_target",             "oauth:invalid-scope",       OAUTH_REFUSED,    ERR_CONFIG },
    { "temporarily_unavailable",    "oauth:busy",                OAUTH_NOT_NOW,    ERR_LATER  },
    { "server_error",               "oauth:busy",                OAUTH_NOT_NOW,    ERR_LATER  },
    { "access_denied",              "oauth:declined",            OAUTH_DECLINED,   ERR_SIGNIN },
    { "expired_token",              "oauth:device-expired",      OAUTH_TOO_LATE,   ERR_SIGNIN },
    { "authorization_pending",      "oauth:pending",             OAUTH_PENDING,    ERR_LATER  },
    { "slow_down",                  "oauth:pending",             OAUTH_SLOW_DOWN,  ERR_LATER  },
};

/* The others that are told from here and elsewhere in the room. */
static const char *const more_facts[] = {
    "oauth:refused",   "oauth:no-metadata", "oauth:other-issuer",  "oauth:page",     "oauth:not-found",
    "oauth:malformed", "oauth:tenant",      "oauth:scope-withheld", "oauth:no-sign-in",
    "https:unreachable", "name:not-found",  "name:failure",        "disk:full",      "clock:wrong",
};

const char *oauth_fact(struct span fact)
{
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (span_is(fact, refusals[i].fact))
            return refusals[i].fact;
    for (size_t i = 0; i < COUNT(more_facts); i++)
        if (span_is(fact, more_facts[i]))
            return more_facts[i];
    return NULL;
}

static size_t find_refusal(const struct oauth_way *way, struct span error)
{
    if (span_is(error, way->declined))
        error = SPAN("access_denied");
    for (size_t i = 0; i < COUNT(refusals); i++)
        if (span_is(error, refusals[i].error))
            return i;
    return COUNT(refusals);
}

static void keep_words(struct span error, struct span suberror, struct span description, struct err *err)
{
    HELD(buf) words = BUF(4096);

    buf_add_span(&words, span_cut(error, 0, 100));
    if (suberror.len) {
        buf_add(&words, " (");
        buf_add_span(&words, span_cut(suberror, 0, 100));
        buf_add(&words, ")");
    }
    if (description.len) {
        buf_add(&words, ": ");
        buf_add_span(&words, span_cut(description, 0, ERR_TEXT_MAX));
    }
    err_said(err, buf_span(&words));
}

static enum oauth_outcome refuse(const struct oauth_way *way, struct span error, struct span suberror,
                                 struct span description, struct err *err)
{
    size_t i = find_refusal(way, error);
    bool known = i < COUNT(refusals);

    err_found(err, known ? refusals[i].kind : ERR_SIGNIN, known ? refusals[i].fact : "oauth:refused",
              "the sign-in server refused");
    keep_words(error, suberror, description, err);
    return known ? refusals[i].outcome : OAUTH_REFUSED;
}

enum oauth_outcome oauth_refusal(const struct oauth_way *way, struct span error, struct span description,
                                 struct err *err)
{
    return refuse(way, error, SPAN_NONE, description, err);
}

/* One of the provider's own numbers that mean "not now"? */
static bool is_busy_code(const struct oauth_way *way, const struct json_value *root)
{
    const struct json_value *codes = json_member(root, "error_codes");
    uint64_t code, busy;

    for (size_t i = 0; i < json_count(codes); i++)
        for (size_t j = 0; json_as_number(json_element(codes, i), &code) && j < way->busy_codes.count; j++)
            if (str_to_u64(span_of(way->busy_codes.at[j]), 0, UINT64_MAX, &busy) && code == busy)
                return true;
    return false;
}

static enum oauth_outcome not_now(struct oauth_reply reply, struct err *err)
{
    if (err->kind == ERR_NONE)
        err_found(err, ERR_LATER, "oauth:busy", "the sign-in server says: not now (HTTP status %u)", reply.status);
    err->kind = ERR_LATER;
    err->fact = "oauth:busy";
    return OAUTH_NOT_NOW;
}

static bool is_busy_status(unsigned status)
{
    return status == 408 || status == 429 || status >= 500;
}

/* An error, told as RFC 6749, 5.2 wants it. Whatever it says, a server that is in trouble means "not now". */
static enum oauth_outcome read_refusal(const struct oauth_way *way, struct oauth_reply reply,
                                       const struct json_value *root, struct err *err)
{
    enum oauth_outcome outcome = refuse(way, json_text_at(root, "error"), json_text_at(root, "suberror"),
                                        json_text_at(root, "error_description"), err);
    bool waits = outcome == OAUTH_PENDING || outcome == OAUTH_SLOW_DOWN;

    if (!waits && (is_busy_status(reply.status) || is_busy_code(way, root)))
        return not_now(reply, err);
    return outcome;
}

/* No JSON, or none of ours: a block page, a wrong address, a server that is down. */
static enum oauth_outcome strange(struct oauth_reply reply, const char *fact, const char *why,
                                  struct err *err)
{
    if (is_busy_status(reply.status))
        return not_now(reply, err);
    if (reply.status == 404 || reply.status == 405 || reply.status == 410)
        fact = "oauth:not-found";
    err_found(err, ERR_PROTOCOL, fact, "the sign-in server's answer is none: %s (HTTP status %u)", why,
              reply.status);
    return OAUTH_STRANGE;
}

/* OAUTH_GIVEN: a JSON object that is no error is in *ret_tree. */
static enum oauth_outcome read_answer(const struct oauth_way *way, struct oauth_reply reply,
                                      struct json_tree **ret_tree, struct err *err)
{
    struct err why = { 0 };

    *err = (struct err){ 0 };
    if (!json_read(reply.body, OAUTH_ANSWER_MAX, ret_tree, &why)) {
        if (why.kind != ERR_MEMORY)
            return strange(reply, "oauth:page", why.text, err);
        *err = why;
        return OAUTH_NOT_NOW;
    }
    const struct json_value *root = json_root(*ret_tree);
    if (json_text_at(root, "error").len)
        return read_refusal(way, reply, root, err);
    if (reply.status / 100 != 2)
        return strange(reply, "oauth:malformed", "an error without a name", err);
    return OAUTH_GIVEN;
}

/* ---- tokens ---- */

void oauth_tokens_done(struct oauth_tokens *tokens)
{
    secret_free(tokens->access);
    secret_free(tokens->refresh);
    secret_free(tokens->id_token);
    mem_free(tokens->scope);
    *tokens = (struct oauth_tokens){ 0 };
}

/* Printable ASCII without blanks (RFC 6749, A.12; RFC 6750, 2.1): it goes into a header, and to SASL. */
static bool is_token(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    return text.len && text.len <= OAUTH_TOKEN_MAX;
}

/* NULL stays where there is none; false: one that is none. */
static bool take_token(const struct json_value *root, const char *key, struct secret **ret_token,
                       bool *memory)
{
    struct span text = json_text_at(root, key);

    if (!text.len)
        return true;
    if (!is_token(text))
        return false;
    *ret_token = secret_new(text);
    *memory |= !*ret_token;
    return true;
}

/* Seconds, as a number or, at some, as text. */
static uint64_t seconds_at(const struct json_value *root, const char *key)
{
    uint64_t seconds = 0;

    if (!json_number_at(root, key, &seconds) &&
        !str_to_u64(json_text_at(root, key), 0, UINT64_MAX, &seconds))
        return 0;
    return seconds > LIFE_MOST ? LIFE_MOST : seconds;
}

static bool is_bearer(const struct json_value *root)
{
    struct span type = json_text_at(root, "token_type");

    return !type.at || span_is_word(type, "bearer");
}

static enum oauth_outcome take_tokens(const struct json_value *root, struct oauth_reply reply,
                                      struct oauth_tokens *tokens, struct err *err)
{
    struct span scope = json_text_at(root, "scope");
    bool memory = false;

    if (!is_bearer(root))
        return strange(reply, "oauth:malformed", "its token is no bearer token", err);
    if (!take_token(root, "access_token", &tokens->access, &memory) ||
        !take_token(root, "refresh_token", &tokens->refresh, &memory) ||
        !take_token(root, "id_token", &tokens->id_token, &memory))
        return strange(reply, "oauth:malformed", "its token can be none", err);
    if (scope.len && !(tokens->scope = str_copy_span(scope)))
        memory = true;
    if (memory) {
        err_no_memory(err);
        return OAUTH_NOT_NOW;
    }
    if (!tokens->access)
        return strange(reply, "oauth:malformed", "there is no token in it", err);
    tokens->life_ms = seconds_at(root, "expires_in") * 1000;
    tokens->refresh_life_ms = seconds_at(root, "refresh_token_expires_in") * 1000;
    if (!tokens->refresh_life_ms)
        tokens->refresh_life_ms = seconds_at(root, "refresh_expires_in") * 1000;
    return OAUTH_GIVEN;
}

enum oauth_outcome oauth_answer_tokens(const struct oauth_way *way, struct oauth_reply reply,
                                       struct oauth_tokens *ret_tokens, struct err *err)
{
    OWN(json_tree) tree = NULL;
    enum oauth_outcome outcome = read_answer(way, reply, &tree, err);

    *ret_tokens = (struct oauth_tokens){ 0 };
    if (outcome == OAUTH_GIVEN)
        outcome = take_tokens(json_root(tree), reply, ret_tokens, err);
    if (outcome != OAUTH_GIVEN)
        oauth_tokens_done(ret_tokens);
    return outcome;
}

/* ---- device codes ---- */

void oauth_device_done(struct oauth_device *device)
{
    secret_free(device->code);
    *device = (struct oauth_device){ 0 };
}

static bool take_text(char *to, size_t room, struct span text)
{
    if (text.len >= room)
        return false;
    memcpy(to, text.at ? text.at : "", text.len);
    to[text.len] = '\0';
    return true;
}

static bool take_page(char *to, size_t room, struct span url)
{
    struct url parts;

    return url_parse(url, &parts, NULL) && take_text(to, room, url);
}

static enum oauth_outcome take_device(const struct oauth_way *way, const struct json_value *root,
                                      struct oauth_reply reply, struct oauth_device *device, struct err *err)
{
    struct span page = json_text_at(root, "verification_uri"), user_code = json_text_at(root, "user_code");
    uint64_t interval = seconds_at(root, "interval");
    bool memory = false;

    if (!page.at)
        page = json_text_at(root, "verification_url"); /* Google's, from before there was a RFC */
    if (!take_token(root, "device_code", &device->code, &memory) || (!device->code && !memory) ||
        !user_code.len || !take_text(device->user_code, sizeof device->user_code, user_code))
        return strange(reply, "oauth:malformed", "there is no device code in it", err);
    if (!take_page(device->page, sizeof device->page, page))
        return strange(reply, "oauth:malformed", "the page to open has no https address", err);
    if (memory) {
        err_no_memory(err);
        return OAUTH_NOT_NOW;
    }
    if (!take_page(device->page_complete, sizeof device->page_complete,
                   json_text_at(root, "verification_uri_complete")))
        device->page_complete[0] = '\0';
    device->life_ms = seconds_at(root, "expires_in") * 1000;
    if (!device->life_ms)
        device->life_ms = way->device_expires_ms ? way->device_expires_ms : DEVICE_LIFE_MS;
    device->interval_ms = (interval > DEVICE_INTERVAL_MOST ? DEVICE_INTERVAL_MOST : interval) * 1000;
    if (!device->interval_ms)
        device->interval_ms = way->device_interval_ms ? way->device_interval_ms : DEVICE_INTERVAL_MS;
    return OAUTH_GIVEN;
}

enum oauth_outcome oauth_answer_device(const struct oauth_way *way, struct oauth_reply reply,
                                       struct oauth_device *ret_device, struct err *err)
{
    OWN(json_tree) tree = NULL;
    enum oauth_outcome outcome = read_answer(way, reply, &tree, err);

    *ret_device = (struct oauth_device){ 0 };
    if (outcome == OAUTH_GIVEN)
        outcome = take_device(way, json_root(tree), reply, ret_device, err);
    if (outcome != OAUTH_GIVEN)
        oauth_device_done(ret_device);
    return outcome;
}

/* ---- revocation ---- */

enum oauth_outcome oauth_answer_revoked(const struct oauth_way *way, struct oauth_reply reply, struct err *err)
{
    OWN(json_tree) tree = NULL;

    *err = (struct err){ 0 };
    if (reply.status == 200 || reply.status == 204)
        return OAUTH_GIVEN;
    enum oauth_outcome outcome = read_answer(way, reply, &tree, err);
    return outcome == OAUTH_GIVEN ? strange(reply, "oauth:malformed", "it does not say that it is revoked", err)
                                  : outcome;
}

/* ---- scopes ---- */

static bool tells_who_only(struct span scope)
{
    static const char *const words[] = { "openid", "email", "profile", "offline_access", ".default" };

    scope = span_from(scope, span_find_last(scope, '/') < scope.len ? span_find_last(scope, '/') + 1 : 0);
    for (size_t i = 0; i < COUNT(words); i++)
        if (span_is(scope, words[i]))
            return true;
    return false;
}

/* "https://outlook.office.com/SMTP.Send" and "https://outlook.office365.com/SMTP.Send" are one; but
 * "https://mail.google.com/" has no last word. */
static bool same_scope(struct span a, struct span b)
{
    size_t in_a = span_find_last(a, '/'), in_b = span_find_last(b, '/');
    struct span last_a = span_from(a, in_a < a.len ? in_a + 1 : 0), last_b = span_from(b, in_b < b.len ? in_b + 1 : 0);

    return span_equal(a, b) || (last_a.len && span_equal_word(last_a, last_b));
}

static bool has_scope(struct span list, struct span scope)
{
    struct span word;

    while (span_split(&list, ' ', &word))
        if (word.len && same_scope(word, scope))
            return true;
    return false;
}

bool oauth_scope_granted(const char *asked, const char *granted_or_null, struct err *err)
{
    struct span rest = span_of(asked), scope;

    while (granted_or_null && span_split(&rest, ' ', &scope)) {
        if (!scope.len || tells_who_only(scope) || has_scope(span_of(granted_or_null), scope))
            continue;
        err_found(err, ERR_SIGNIN, "oauth:scope-withheld", "the sign-in worked, but sending mail was not agreed to");
        return false;
    }
    return true;
}

/* ---- what a name tells ---- */

static bool has_one_of(struct span scope, const char *const *parts, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (span_find_word(scope, parts[i]) < scope.len)
            return true;
    return false;
}

bool oauth_scope_may_send(struct span granted)
{
    static const char *const sending[] = { "smtp", "send", "submi", "compose" };
    static const char *const others[] = { "imap", "pop", "read", "calendar", "contact", "people", "drive", "files", "address", "phone" };
    struct span scope;
    bool any = false;

    while (span_split(&granted, ' ', &scope)) {
        any |= scope.len > 0;
        if (scope.len && !tells_who_only(scope) &&
            (has_one_of(scope, sending, COUNT(sending)) || !has_one_of(scope, others, COUNT(others))))
            return true;
    }
    return !any;
}
