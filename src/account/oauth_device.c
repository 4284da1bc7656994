/* A code that a person types on another device (RFC 8628), and our asking whether that was done. */
#include "account/oauth_signin_int.h"

#include "base/obj.h"

#include "base/banned.h"

enum { SLOWER_MS = 5000, INTERVAL_MOST_MS = 60 * 1000 };

static bool poll_now(struct oauth_signin *signin, struct err *err);

static void expired(struct oauth_signin *signin)
{
    struct err err;

    err_found(&err, ERR_SIGNIN, "oauth:device-expired", "the code has run out before it was used");
    oauth_signin_fail(signin, &err);
}

static void polls(struct oauth_signin *signin)
{
    struct err err = { 0 };

    if (!poll_now(signin, &err))
        oauth_signin_fail(signin, &err);
}

static void poll_later(struct oauth_signin *signin, uint64_t least_ms)
{
    uint64_t when = oauth_signin_now(signin) + (least_ms > signin->interval_ms ? least_ms : signin->interval_ms);

    if (when < signin->ends)
        oauth_signin_wake(signin, when, polls);
    else
        oauth_signin_wake(signin, signin->ends, expired);
}

/*= RFC 8628 3.5
 *# slow_down: [...] the interval MUST be increased by 5 seconds for this and all subsequent requests.
 *#
 *# On encountering a connection timeout, clients MUST unilaterally reduce their polling frequency before
 *# retrying.  The use of an exponential backoff algorithm to achieve this [...] is RECOMMENDED.  */
static void slower(struct oauth_signin *signin, uint64_t interval_ms)
{
    signin->interval_ms = interval_ms < INTERVAL_MOST_MS ? interval_ms : INTERVAL_MOST_MS;
}

static void polled(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);
    HELD(oauth_tokens) tokens = { 0 };
    struct err err = { 0 };
    enum oauth_outcome outcome = OAUTH_NOT_NOW;

    signin->call = NULL;
    if (reply)
        outcome = oauth_answer_tokens(oauth_party_way(signin->party), *reply, &tokens, &err);
    else if (why->kind != ERR_LATER && why->kind != ERR_UNKNOWN) {
        err = *why; /* a certificate that is not right won't become so */
        outcome = OAUTH_STRANGE;
    }
    switch (outcome) {
    case OAUTH_GIVEN:
        oauth_signin_given(signin, &tokens);
        return;
    case OAUTH_PENDING:
        break;
    case OAUTH_SLOW_DOWN:
        slower(signin, signin->interval_ms + SLOWER_MS);
        break;
    case OAUTH_NOT_NOW:
        slower(signin, signin->interval_ms * 2);
        break;
    default:
        oauth_signin_fail(signin, &err);
        return;
    }
    poll_later(signin, retry_after);
}

static bool poll_now(struct oauth_signin *signin, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    struct oauth_proof proof = oauth_party_proof(signin->party);
    HELD(oauth_form) form = OAUTH_FORM;

    return oauth_request_device_token(way, &proof, signin->device.code, &form, err) &&
           oauth_signin_ask(signin, &form, false, polled, err);
}

static void tell(struct oauth_signin *signin)
{
    const struct oauth_device *device = &signin->device;
    struct oauth_signin_device told = {
        .user_code = device->user_code,
        .page = device->page,
        .page_complete = device->page_complete[0] ? device->page_complete : NULL,
        .expires_at = clock_wall(signin->plan.world->clock) + device->life_ms,
    };
    uint64_t now = oauth_signin_now(signin);

    signin->interval_ms = device->interval_ms;
    signin->ends = now + device->life_ms < signin->plan.deadline ? now + device->life_ms : signin->plan.deadline;
    poll_later(signin, 0);
    signin->events.device(signin->who, &told);
}

static void has_code(void *who, const struct oauth_reply *reply, uint64_t retry_after, const struct err *why)
{
    struct oauth_signin *signin = OBJ(oauth_signin, SIGNIN_MAGIC, who);
    struct err err = { 0 };

    (void)retry_after;
    signin->call = NULL;
    if (!reply)
        err = *why;
    else if (oauth_answer_device(oauth_party_way(signin->party), *reply, &signin->device, &err) == OAUTH_GIVEN) {
        tell(signin);
        return;
    }
    oauth_signin_fail(signin, &err);
}

bool oauth_device_begin(struct oauth_signin *signin, struct err *err)
{
    const struct oauth_way *way = oauth_party_way(signin->party);
    struct oauth_proof proof = oauth_party_proof(signin->party);
    HELD(oauth_form) form = OAUTH_FORM;
    HELD(buf) scope = BUF(OAUTH_URL_MAX);

    if (!way->device)
        return err_set(err, ERR_USAGE, "this provider has no sign-in by a code on another device");
    return oauth_request_scope(way, signin->purposes, false, &scope, err) &&
           oauth_request_device(way, &proof, buf_text(&scope), &form, err) &&
           oauth_call_post(signin->plan.world, signin->plan.account, way->device, &form, false,
                           signin->plan.deadline, has_code, signin, &signin->call, err);
}
