/* The asking: a token, a request that goes out once, and what its answer means. One message, one outcome for
 * all its recipients. Lines are kept by net/fetch. */
#include "account/grant.h"
#include "base/alloc.h"
#include "base/str.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "relay/https_message.h"
#include "relay/transport_int.h"

#include "base/banned.h"

enum {
    QUIET_MS = 2 * 60 * 1000, /* for a connection, and for an answer, where nobody said otherwise */
    TEXT_MAX = 4096,
    HEADERS = 4,
};

struct asker {
    struct transport *t;
    const struct https_api *api;
    const char *host;
    struct secret *token;  /* from the opening, for the first message; while one is under way */
    bool fresh_asked;      /* for this message... */
    enum smtp_fate fate;   /* ...after this answer */
    struct evidence answer;
    bool opening;
    struct credential_fetch *credential;
    struct fetch *fetch;
    struct https_message message;
    struct fetch_upload upload;
    struct buf url, authorization, type;
    const char *headers[HEADERS];
};

static struct loop *loop_of(const struct asker *a)
{
    return a->t->credentials.secrets.loop;
}

/* ---- endings ---- */

static void forget_token(struct asker *a)
{
    secret_free(GIVE(a->token));
    buf_clear(&a->authorization);
}

/* All have this outcome. The last thing a function does but for telling. */
static void settle(struct asker *a, enum smtp_fate fate, const struct evidence *why)
{
    struct transport_outcome outcome = { .fate = fate, .evidence = *why };

    outcome.evidence.provider = transport_provider(a->t);
    outcome.evidence.host = a->host;
    outcome.evidence.port = 443;
    for (size_t i = 0; i < a->t->message.count; i++)
        a->t->message.outcomes[i] = outcome;
    https_message_done(&a->message);
    forget_token(a);
}

static void give_up(struct asker *a, enum stage stage, const struct err *err)
{
    https_message_done(&a->message);
    forget_token(a);
    transport_fail_soon(a->t, stage, err);
}

/* ---- the token ---- */

static void post(struct asker *a);

static void token_came(void *who, struct secret *secret, const struct err *why)
{
    struct asker *a = who;

    a->credential = NULL;
    if (!secret) {
        give_up(a, STAGE_TOKEN, why);
        return;
    }
    secret_free(a->token);
    a->token = secret;
    if (a->opening) {
        a->opening = false;
        transport_ready_soon(a->t);
    } else {
        post(a);
    }
}

static void want_token(struct asker *a)
{
    struct err err = { 0 };

    if (!credential_fetch(&a->t->credentials, a->t->account, CREDENTIAL_HTTPS, NULL,
                          transport_credential_deadline(a->t), token_came, a, &a->credential, &err))
        give_up(a, STAGE_TOKEN, &err);
}

/* Another one than was refused; where there is no other, the refusal stands. */
static void fresh_came(void *who, struct secret *secret, const struct err *why)
{
    struct asker *a = who;

    a->credential = NULL;
    if (!secret) {
        give_up(a, STAGE_TOKEN, why);
        return;
    }
    bool same = str_equal_secret(secret_bytes(secret), secret_bytes(a->token));
    secret_free(a->token);
    a->token = secret;
    if (!same) {
        post(a);
        return;
    }
    settle(a, a->fate, &a->answer);
    transport_sent_soon(a->t);
}

static void want_fresh_token(struct asker *a)
{
    struct err err = { 0 };

    a->fresh_asked = true;
    transport_note(a->t, STAGE_TOKEN, "the token was refused: a fresh one is asked for");
    if (!credential_fetch(&a->t->credentials, a->t->account, CREDENTIAL_HTTPS, a->token,
                          transport_credential_deadline(a->t), fresh_came, a, &a->credential, &err))
        give_up(a, STAGE_TOKEN, &err);
}

/* ---- the request ---- */

static bool read_upload(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct asker *a = of;

    if (!https_message_read(&a->message, at, into, room, ret_len, err))
        return false;
    if (a->t->events.progress)
        a->t->events.progress(a->t->who, at + *ret_len, a->message.size);
    return true;
}

/* Where the line was when it failed, for the rules. */
static enum stage stage_of(const struct err *err)
{
    const char *fact = err->fact ? err->fact : "";

    return strncmp(fact, "name:", 5) == 0   ? STAGE_RESOLVE
           : strncmp(fact, "cert:", 5) == 0 ? STAGE_TLS
           : strncmp(fact, "tls:", 4) == 0  ? STAGE_TLS
                                            : STAGE_HTTPS;
}

/* What went wrong with the message itself, its reading, is its own outcome; what has left whole without an
 * answer is unknown; anything else means that nothing of it is anywhere. */
static void failed(struct asker *a, const struct err *err)
{
    const struct evidence unknown = { .stage = STAGE_HTTPS, .err = *err };
    const struct evidence unread = { .stage = STAGE_LOCAL, .err = *err };

    transport_note(a->t, STAGE_HTTPS, "%s", err->text);
    if (err->kind == ERR_UNKNOWN) {
        settle(a, SMTP_FATE_UNKNOWN, &unknown);
        transport_sent_soon(a->t);
    } else if (err->kind == ERR_IO || err->kind == ERR_INPUT) {
        settle(a, SMTP_FATE_LATER, &unread);
        transport_sent_soon(a->t);
    } else {
        give_up(a, stage_of(err), err);
    }
}

static void show_answer(const struct asker *a)
{
    const struct session_observer *observer = &a->t->world->observer;
    HELD(buf) line = BUF(2 * ERR_TEXT_MAX);

    if (!observer->saw)
        return;
    buf_addf(&line, "%u %s", a->answer.err.reply, a->answer.err.said);
    observer->saw(observer->who, SESSION_HEARS, STAGE_HTTPS, buf_span(&line), loop_now(loop_of(a)));
}

static void answered(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct asker *a = who;

    a->fetch = NULL;
    if (!answer) {
        failed(a, err);
        return;
    }
    const struct https_answer read = { answer->status, fetch_header(answer->headers, "Retry-After"),
                                       buf_span(answer->body) };
    a->fate = https_answer_read(a->api, &read, &a->answer);
    err_in(&a->answer.err, "%s", a->host);
    show_answer(a);
    if (answer->status == 401 && !a->fresh_asked) {
        want_fresh_token(a);
        return;
    }
    settle(a, a->fate, &a->answer);
    transport_sent_soon(a->t);
}

/* An application that signed in by itself has no mailbox of its own: it names the account's. */
static const char *mailbox_of(const struct asker *a)
{
    const struct account *account = a->t->account;
    OWN(grant) grant = NULL;

    if (account->auth != ACCOUNT_AUTH_OAUTH ||
        !grant_read(&a->t->credentials.secrets, account, &grant, NULL) || !grant->application)
        return NULL;
    return account->address;
}

static bool build_request(struct asker *a, struct err *err)
{
    buf_clear(&a->url);
    buf_clear(&a->type);
    buf_clear(&a->authorization);
    https_url(a->api, a->host, mailbox_of(a), &a->url);
    buf_addf(&a->type, "Content-Type: %s", a->api->type);
    buf_add(&a->authorization, "Authorization: Bearer ");
    buf_add_span(&a->authorization, secret_bytes(a->token));
    for (size_t i = 0; i < a->authorization.len; i++)
        if ((unsigned char)a->authorization.at[i] < ' ')
            return err_found(err, ERR_CONFIG, "secret:unreadable",
                             "the token holds what no token holds: a control character");
    a->headers[0] = buf_text(&a->authorization);
    a->headers[1] = buf_text(&a->type);
    a->headers[2] = "Accept: application/json";
    a->headers[3] = NULL;
    if (a->url.full || a->type.full || a->authorization.full)
        return err_no_memory(err);
    return true;
}

static uint64_t patience(const struct asker *a)
{
    uint64_t each = a->t->world->connect_timeout_ms, left = transport_time_left(a->t);

    if (!each)
        each = QUIET_MS;
    return left && left < each ? left : each;
}

static void show_request(const struct asker *a)
{
    const struct session_observer *observer = &a->t->world->observer;
    HELD(buf) line = BUF(TEXT_MAX + 200);

    if (!observer->saw)
        return;
    buf_addf(&line, "POST %s (%s, %llu octets)", buf_text(&a->url), a->api->type,
             (unsigned long long)a->message.size);
    observer->saw(observer->who, SESSION_SAYS, STAGE_HTTPS, buf_span(&line), loop_now(loop_of(a)));
}

static void post(struct asker *a)
{
    const struct credential_world *world = &a->t->credentials;
    struct err err = { 0 };

    if (!build_request(a, &err)) {
        give_up(a, STAGE_TOKEN, &err);
        return;
    }
    a->upload = (struct fetch_upload){ a->message.size, read_upload, a };
    const struct fetch_plan plan = {
        .url = buf_text(&a->url),
        .post = true,
        .once = true,
        .upload = &a->upload,
        .headers = a->headers,
        .resolver = world->resolver,
        .detours = world->detours,
        .ca_file = world->ca_file ? world->ca_file : a->t->account->ca_file,
        .proxy = world->proxy,
        .body_max = HTTPS_ANSWER_MAX,
        .deadline = UINT64_MAX,
        .quiet_ms = patience(a),
    };
    show_request(a);
    if (!fetch_start(loop_of(a), &plan, answered, a, &a->fetch, &err))
        give_up(a, STAGE_HTTPS, &err);
}

/* ---- the kind ---- */

static bool https_open(struct transport *t, struct err *err)
{
    const struct profile *profile = t->account->profile;
    struct asker *a = NEW(asker);

    if (!a)
        return err_no_memory(err);
    *a = (struct asker){
        .t = t,
        .api = t->kind->api,
        .host = t->kind->api->host,
        .opening = true,
        .url = BUF(TEXT_MAX),
        .type = BUF(TEXT_MAX),
        .authorization = BUF(2 * SECRET_MAX),
    };
    if (profile && profile->http_api && strcmp(profile->http_api, a->api->name) == 0)
        a->host = profile->http_api_host;
    t->own = a;
    want_token(a);
    return true;
}

static void https_send(struct transport *t)
{
    struct asker *a = t->own;
    struct err err = { 0 };

    a->fresh_asked = false;
    if (t->message.rehearsal) {
        const struct evidence why = { .stage = STAGE_LOCAL };
        settle(a, SMTP_FATE_LATER, &why);
        transport_sent_soon(t);
    } else if (!https_message_begin(a->api, t->account, &t->message, &a->message, &err)) {
        const struct evidence why = { .stage = STAGE_LOCAL, .err = err };
        bool for_good = err.kind == ERR_DATA || err.kind == ERR_LIMIT;
        settle(a, for_good ? SMTP_FATE_REFUSED : SMTP_FATE_LATER, &why);
        transport_sent_soon(t);
    } else if (a->token) {
        post(a);
    } else {
        want_token(a);
    }
}

static void https_close(struct transport *t)
{
    struct asker *a = t->own;

    credential_fetch_cancel(a->credential);
    fetch_cancel(a->fetch);
    https_message_done(&a->message);
    secret_free(a->token);
    buf_done(&a->url);
    buf_done(&a->type);
    buf_done(&a->authorization);
    mem_free(a);
}

const struct transport_kind transport_graph = { "graph", &https_graph, https_open, https_send, https_close };
const struct transport_kind transport_gmail = { "gmail", &https_gmail, https_open, https_send, https_close };
