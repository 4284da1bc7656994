#include "account/oauth_call.h"

#include "base/alloc.h"
#include "base/scan.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "net/url.h"

#include "base/banned.h"

struct oauth_call {
    struct fetch *fetch;
    struct oauth_form form;
    char url[URL_MAX + 1];
    const char *headers[4];
    oauth_called *done;
    void *who;
};

void oauth_call_cancel(struct oauth_call *call)
{
    if (!call)
        return;
    fetch_cancel(call->fetch);
    oauth_form_done(&call->form);
    mem_free(call);
}

uint64_t oauth_retry_after(struct span value)
{
    struct scan scan = scan_of(span_trim(value));
    uint64_t seconds, thousandths = 0, digit, worth = 100;

    if (!scan_number(&scan, 0, OAUTH_RETRY_AFTER_MOST_MS / 1000, &seconds))
        return scan_end(&scan) || scan_peek(&scan) < '0' || scan_peek(&scan) > '9' ? 0 : OAUTH_RETRY_AFTER_MOST_MS;
    if (scan_char(&scan, '.'))
        for (; worth && scan_peek(&scan) >= '0' && scan_peek(&scan) <= '9'; worth /= 10, scan.at++) {
            digit = (uint64_t)(scan_peek(&scan) - '0');
            thousandths += digit * worth;
        }
    return seconds * 1000 + thousandths;
}

/* What the line did says nothing of the sign-in. No sign-in server has more to say than there is room for: whoever did
 * was none, as with a page. */
static void as_not_now(struct err *err)
{
    if (err->kind == ERR_CERTIFICATE || err->kind == ERR_CONFIG || err->kind == ERR_MEMORY)
        return;
    if (err->kind == ERR_LIMIT) {
        err->kind = ERR_PROTOCOL;
        err->fact = "oauth:page";
        return;
    }
    if (err->kind != ERR_UNKNOWN)
        err->kind = ERR_LATER;
    err->fact = "https:unreachable";
}

static void came(void *who, const struct fetch_answer *answer, const struct err *why)
{
    struct oauth_call *call = who;
    struct oauth_call told = { .done = call->done, .who = call->who };
    struct oauth_reply reply = { 0 };
    uint64_t retry_after = 0;
    struct err err = { 0 };
    HELD(buf) body = BUF(0);

    if (answer) {
        body = *answer->body;
        *answer->body = (struct buf)BUF(0);
        reply = (struct oauth_reply){ answer->status, buf_span(&body) };
        retry_after = oauth_retry_after(fetch_header(answer->headers, "Retry-After"));
    } else {
        err = *why;
        as_not_now(&err);
    }
    call->fetch = NULL;
    oauth_call_cancel(call);
    told.done(told.who, answer ? &reply : NULL, retry_after, answer ? NULL : &err);
}

/* A private authority is the account's own only where its sign-in server is, too. */
static const char *ca_file_for(const struct credential_world *world, const struct account *account)
{
    return world->ca_file ? world->ca_file : account->issuer ? account->ca_file : NULL;
}

static bool begin(const struct credential_world *world, const struct account *account, const char *url,
                  struct oauth_call *call, bool once, uint64_t deadline, struct err *err)
{
    struct loop *loop = world->secrets.loop;
    uint64_t patience = loop_now(loop) + OAUTH_CALL_PATIENCE_MS;
    struct fetch_plan plan = {
        .url = call->url,
        .post = call->form.body.len > 0,
        .body = buf_span(&call->form.body),
        .headers = call->headers,
        .resolver = world->resolver,
        .detours = world->detours,
        .ca_file = ca_file_for(world, account),
        .proxy = world->proxy,
        .body_max = OAUTH_ANSWER_MAX,
        .deadline = deadline < patience ? deadline : patience,
        .once = once,
    };

    if (strlen(url) >= sizeof call->url)
        return err_found(err, ERR_CONFIG, "config:bad", "the sign-in server's address is too long");
    memcpy(call->url, url, strlen(url) + 1);
    return fetch_start(loop, &plan, came, call, &call->fetch, err);
}

static bool start(const struct credential_world *world, const struct account *account, const char *url,
                  struct oauth_form *form_or_null, bool once, uint64_t deadline, oauth_called *done,
                  void *who, struct oauth_call **ret_call, struct err *err)
{
    struct oauth_call *call = NEW(oauth_call);
    size_t count = 0;

    if (!call)
        return err_no_memory(err);
    call->done = done;
    call->who = who;
    call->headers[count++] = "Accept: application/json";
    if (form_or_null) {
        call->form = *form_or_null;
        *form_or_null = (struct oauth_form)OAUTH_FORM;
        call->headers[count++] = "Content-Type: application/x-www-form-urlencoded";
        if (call->form.authorization.len)
            call->headers[count++] = buf_text(&call->form.authorization);
    }
    if (!begin(world, account, url, call, once, deadline, err)) {
        oauth_call_cancel(call);
        return false;
    }
    *ret_call = call;
    return true;
}

bool oauth_call_post(const struct credential_world *world, const struct account *account, const char *url,
                     struct oauth_form *form, bool once, uint64_t deadline, oauth_called *done, void *who,
                     struct oauth_call **ret_call, struct err *err)
{
    return start(world, account, url, form, once, deadline, done, who, ret_call, err);
}

bool oauth_call_get(const struct credential_world *world, const struct account *account, const char *url,
                    uint64_t deadline, oauth_called *done, void *who, struct oauth_call **ret_call,
                    struct err *err)
{
    return start(world, account, url, NULL, false, deadline, done, who, ret_call, err);
}
