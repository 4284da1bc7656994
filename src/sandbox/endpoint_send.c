#include "sandbox/endpoint_send.h"

#include "base/base64.h"
#include "base/form.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/str.h"
#include "mail/address.h"
#include "mail/header.h"
#include "sandbox/scope.h"

#include "base/banned.h"

enum { MB = 1024 * 1024 };

static const uint64_t body_most[] = {
    [SEND_BASE64] = 4 * MB, [SEND_JSON] = 5 * MB, [SEND_AS_IT_IS] = 35 * MB,
};

uint64_t send_body_most(enum send_form form)
{
    return body_most[form];
}

/* ---- addresses ---- */

/* Each path, with one segment that names the mailbox. */
static const struct {
    const char *api, *front, *back;
    enum send_form form;
} paths[] = {
    { "graph", "/v1.0/",                 "/sendMail",      SEND_BASE64   }, /* me */
    { "graph", "/v1.0/users/",           "/sendMail",      SEND_BASE64   },
    { "gmail", "/gmail/v1/users/",       "/messages/send", SEND_JSON     },
    { "gmail", "/upload/gmail/v1/users/", "/messages/send", SEND_AS_IT_IS },
};

static bool find_path(const struct issuer *issuer, struct span path, size_t *ret_at, struct span *ret_who)
{
    const char *api = issuer->profile->http_api;

    for (size_t i = 0; api && i < COUNT(paths); i++) {
        size_t front = strlen(paths[i].front), back = strlen(paths[i].back);
        struct span who = span_cut(path, front, path.len - (path.len > back ? back : path.len));
        if (strcmp(paths[i].api, api) != 0 || !span_starts(path, paths[i].front) ||
            path.len <= front + back || !span_is(span_from(path, path.len - back), paths[i].back) ||
            span_find(who, '/') < who.len)
            continue;
        *ret_at = i;
        *ret_who = who;
        return true;
    }
    return false;
}

enum send_form send_form_of(const struct issuer *issuer, const struct serve_request *request)
{
    const char *host = issuer->profile->http_api_host;
    struct span who;
    size_t at;
    bool local;

    if (!issuer_knows_host(issuer, request, &local) ||
        !(local || (host && serve_host_is(request, host, 443))))
        return SEND_NOTHING;
    return find_path(issuer, request->path, &at, &who) ? paths[at].form : SEND_NOTHING;
}

/* ---- who may ---- */

/* Percent signs read, and '+' as it is: addresses have it. */
static bool read_segment(struct span segment, struct buf *out)
{
    HELD(buf) form = BUF(4 * ISSUER_NAME_MAX);

    buf_add(&form, "who=");
    for (size_t i = 0; i < segment.len; i++) {
        if (segment.at[i] == '+' || segment.at[i] == '&')
            form_escape(&form, span_cut(segment, i, i + 1));
        else
            buf_add_char(&form, segment.at[i]);
    }
    return form_value(buf_span(&form), "who", out) == FORM_ONE;
}

/* `who` is "me", or a mailbox; an application's token is good for every mailbox, and for no "me". */
static enum api_refusal find_mailbox(const struct issuer *issuer, struct span who, size_t owner, size_t *ret_user)
{
    HELD(buf) name = BUF(ISSUER_NAME_MAX);

    *ret_user = owner;
    if (span_is(who, "me"))
        return owner == IDENTITY_NOBODY ? API_REQUEST : API_REFUSALS;
    if (!read_segment(who, &name))
        return API_REQUEST;
    *ret_user = issuer_find_user(issuer, buf_span(&name));
    if (*ret_user == IDENTITY_NOBODY)
        return API_MAILBOX;
    return owner == IDENTITY_NOBODY || owner == *ret_user ? API_REFUSALS : API_USER;
}

static enum api_refusal check_token(const struct issuer *issuer, const struct serve_request *request,
                                    uint64_t now, size_t *ret_owner)
{
    struct span value = serve_header(request, "Authorization");

    if (!span_starts_word(value, "Bearer "))
        return API_NO_TOKEN;
    switch (issuer_check_token(issuer, span_trim(span_from(value, strlen("Bearer "))), SCOPE_HTTPS, now,
                               ret_owner)) {
    case TOKEN_GOOD:
    case TOKEN_ENDS_SOON:
        return API_REFUSALS;
    case TOKEN_POWERLESS:
        return issuer->profile->oauth.one_resource ? API_BAD_TOKEN : API_PERMISSION;
    default:
        return API_BAD_TOKEN;
    }
}

static const struct {
    enum scenario scenario;
    enum api_refusal refusal;
} troubles[] = {
    { SCENARIO_THROTTLED, API_THROTTLED },
    { SCENARIO_DAILY_LIMIT, API_DAILY },
    { SCENARIO_ACCOUNT_SUSPENDED, API_SUSPENDED },
    { SCENARIO_NO_MAILBOX, API_MAILBOX },
};

static enum api_refusal check_form(const struct serve_request *request, enum send_form form)
{
    static const char *const types[] = { [SEND_BASE64] = "text/plain", [SEND_JSON] = "application/json",
                                         [SEND_AS_IT_IS] = "message/rfc822" };
    struct span type = serve_header(request, "Content-Type");
    HELD(buf) upload = BUF(64);

    if (request->method != SERVE_POST || !span_starts_word(type, types[form]))
        return API_REQUEST;
    if (form == SEND_AS_IT_IS && (form_value(request->query, "uploadType", &upload) != FORM_ONE ||
                                  !span_is(buf_span(&upload), "media")))
        return API_REQUEST;
    if (request->body_len != UINT64_MAX && request->body_len > body_most[form])
        return API_TOO_LARGE;
    return API_REFUSALS;
}

enum api_refusal send_read_head(const struct issuer *issuer, const struct serve_request *request,
                                enum send_form form, uint64_t now, struct send_order *ret_order)
{
    struct span who = SPAN_NONE;
    size_t at = 0, owner = IDENTITY_NOBODY;
    enum api_refusal no = check_token(issuer, request, now, &owner);

    *ret_order = (struct send_order){ form, owner };
    for (size_t i = 0; no == API_REFUSALS && i < COUNT(troubles); i++)
        if (scenario_is_on(issuer->scenarios, troubles[i].scenario))
            no = troubles[i].refusal;
    if (no == API_REFUSALS && find_path(issuer, request->path, &at, &who))
        no = find_mailbox(issuer, who, owner, &ret_order->user);
    return no == API_REFUSALS ? check_form(request, form) : no;
}

/* ---- the message ---- */

/* Senders may break the lines. */
static bool decode_base64(struct span body, struct buf *out)
{
    HELD(buf) text = BUF(4 * MB);

    for (size_t i = 0; i < body.len; i++)
        if (body.at[i] != '\r' && body.at[i] != '\n')
            buf_add_char(&text, body.at[i]);
    return !text.full && base64_decode(out, buf_span(&text));
}

/* Padding is taken, too. */
static bool decode_raw(struct span body, struct buf *out)
{
    OWN(json_tree) tree = NULL;

    if (!json_read(body, 5 * MB, &tree, NULL))
        return false;
    struct span raw = json_text_at(json_root(tree), "raw");
    while (raw.len && raw.at[raw.len - 1] == '=')
        raw.len--;
    return raw.len && base64url_decode(out, raw);
}

enum api_refusal send_decode(enum send_form form, struct span body, struct buf *out)
{
    bool good = form == SEND_BASE64 ? decode_base64(body, out) : decode_raw(body, out);

    return good && out->len ? API_REFUSALS : API_BASE64;
}

static bool add_recipients(struct span value, struct envelope *envelope)
{
    struct address_list list = { .at = NULL };
    bool good = address_list_parse(value, NULL, &list, NULL);

    for (size_t i = 0; good && i < list.count; i++)
        good = envelope_add(envelope, span_of(list.at[i].wire), NULL);
    address_list_done(&list);
    return good;
}

/* Is the message From the mailbox, as far as the provider looks? */
static bool is_own(const struct issuer *issuer, struct span value, size_t user)
{
    struct address_list list = { .at = NULL };
    bool own = issuer->profile->capabilities.sender_check == SENDER_CHECK_NONE;

    if (!own && address_list_parse(value, NULL, &list, NULL))
        own = list.count == 1 &&
              address_same(span_of(list.at[0].wire), span_of(issuer->users[user].username));
    address_list_done(&list);
    return own;
}

enum api_refusal send_address(const struct issuer *issuer, const struct send_order *order, struct span header,
                              struct envelope *envelope)
{
    static const char *const names[] = { "To", "Cc", "Bcc", NULL };
    struct scan scan = scan_of(header);
    struct header_field field;

    if (!envelope_set_sender(envelope, span_of(issuer->users[order->user].username), NULL))
        return API_SENDER;
    while (header_next(&scan, &field)) {
        if (header_listed(field.name, names) && !add_recipients(field.value, envelope))
            return API_RECIPIENTS;
        if (span_is_word(field.name, "From") && !is_own(issuer, field.value, order->user))
            return API_SENDER;
    }
    return envelope->count ? API_REFUSALS : API_RECIPIENTS;
}

void send_reply(enum send_form form, const struct identity_moment *moment, struct reply *reply)
{
    struct json json = json_to(&reply->body);
    HELD(buf) id = BUF(64);

    if (form == SEND_BASE64) {
        reply->status = 202;
        return;
    }
    for (size_t i = 0; i < 8; i++)
        buf_addf(&id, "%02x", moment->random[i]);
    reply->status = 200;
    reply->type = "application/json";
    json_open(&json, NULL, '{');
    json_text(&json, "id", buf_text(&id));
    json_text(&json, "threadId", buf_text(&id));
    json_open(&json, "labelIds", '[');
    json_text(&json, NULL, "SENT");
    json_close(&json);
    json_close(&json);
}
