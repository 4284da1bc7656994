#include "relay/transport.h"

#include "base/alloc.h"
#include "net/loop.h"
#include "relay/transport_int.h"

#include "base/banned.h"

enum { CREDENTIAL_PATIENCE_MS = 60 * 1000 };

static struct loop *loop_of(const struct transport *t)
{
    return t->credentials.secrets.loop;
}

/* ---- for the kinds ---- */

const char *transport_provider(const struct transport *t)
{
    return t->account->profile ? t->account->profile->id : NULL;
}

bool transport_verdict(const struct transport *t, const struct evidence *evidence, struct verdict *ret_verdict)
{
    const struct knowledge *know = t->world->know ? t->world->know(t->world->of) : NULL;

    return know && classify(know, evidence, ret_verdict);
}

const char *transport_cause(const struct transport *t, const struct evidence *evidence)
{
    struct verdict verdict;

    return transport_verdict(t, evidence, &verdict) ? verdict.cause->id : NULL;
}

uint64_t transport_time_left(const struct transport *t)
{
    uint64_t now = loop_now(loop_of(t));

    if (t->give_up == UINT64_MAX)
        return 0;
    return now < t->give_up ? t->give_up - now : 1;
}

uint64_t transport_credential_deadline(const struct transport *t)
{
    uint64_t left = transport_time_left(t), patience = CREDENTIAL_PATIENCE_MS;

    if (left && left - left / 8 < patience)
        patience = left - left / 8;
    return loop_now(loop_of(t)) + patience;
}

void transport_note(const struct transport *t, enum stage stage, const char *format, ...)
{
    const struct session_observer *observer = &t->world->observer;
    HELD(buf) text = BUF(2 * ERR_TEXT_MAX);
    va_list args;

    if (!observer->saw)
        return;
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    observer->saw(observer->who, SESSION_NOTES, stage, buf_span(&text), loop_now(loop_of(t)));
}

/* A kind that was moved to in the middle has a message waiting. */
void transport_ready(struct transport *t)
{
    if (t->sending) {
        t->kind->send(t);
    } else if (!t->told_ready) {
        t->told_ready = true;
        t->events.ready(t->who);
    }
}

void transport_sent(struct transport *t)
{
    t->sending = false;
    transport_went(t);
    t->events.sent(t->who);
}

void transport_failed(struct transport *t, const struct evidence *why)
{
    struct evidence told = *why;

    if (transport_moves(t, &told))
        return;
    t->sending = false;
    t->events.failed(t->who, &told);
}

static void tell_soon(struct transport *t, enum transport_news news)
{
    t->news = news;
    timer_set(t->timer, loop_now(loop_of(t)));
}

void transport_ready_soon(struct transport *t)
{
    tell_soon(t, NEWS_READY);
}

void transport_sent_soon(struct transport *t)
{
    tell_soon(t, NEWS_SENT);
}

void transport_fail_soon(struct transport *t, enum stage stage, const struct err *err)
{
    t->failure = (struct evidence){ .stage = stage, .err = *err, .provider = transport_provider(t) };
    tell_soon(t, NEWS_FAILED);
}

static void rang(void *who)
{
    struct transport *t = who;
    enum transport_news news = t->news;

    t->news = NEWS_NONE;
    if (news == NEWS_READY)
        transport_ready(t);
    else if (news == NEWS_SENT)
        transport_sent(t);
    else if (news == NEWS_FAILED)
        transport_failed(t, &t->failure);
}

/* ---- the face ---- */

static void count_time(struct transport *t)
{
    t->give_up = t->world->timeout_ms ? loop_now(loop_of(t)) + t->world->timeout_ms : UINT64_MAX;
}

bool transport_open(const struct transport_world *world, const struct account *account,
                    const struct transport_events *events, void *who, struct transport **ret_transport,
                    struct err *err)
{
    struct transport *t = NEW(transport);

    if (!t)
        return err_no_memory(err);
    *t = (struct transport){
        .world = world,
        .credentials = world->credentials,
        .account = account,
        .events = *events,
        .who = who,
    };
    if (account->proxy)
        t->credentials.proxy = account->proxy;
    t->timer = timer_new(loop_of(t), rang, t);
    if (!t->timer)
        err_no_memory(err);
    count_time(t);
    transport_choose(t);
    if (!t->timer || !t->kind->open(t, err)) {
        transport_close(t);
        return false;
    }
    *ret_transport = t;
    return true;
}

/* What may have gone out one way goes no other (its outcome is not known): two would be made of it. */
static void refuse_other_way(struct transport *t)
{
    struct transport_outcome outcome = { .fate = SMTP_FATE_REFUSED };

    err_found(&outcome.evidence.err, ERR_DATA, "https:tied",
              "it may have gone out by %s already, and this account goes by %s now", t->message.tied_to,
              t->kind->name);
    outcome.evidence.stage = STAGE_LOCAL;
    outcome.evidence.provider = transport_provider(t);
    for (size_t i = 0; i < t->message.count; i++)
        t->message.outcomes[i] = outcome;
    transport_sent_soon(t);
}

void transport_send(struct transport *t, const struct transport_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        message->outcomes[i] = (struct transport_outcome){ 0 };
    if (t->message.envelope) /* the first one shares the time with the opening */
        count_time(t);
    t->message = *message;
    t->sending = true;
    if (message->tied_to && strcmp(message->tied_to, t->kind->name) != 0)
        refuse_other_way(t);
    else
        t->kind->send(t);
}

const char *transport_name(const struct transport *t)
{
    return t->kind->name;
}

void transport_close(struct transport *t)
{
    if (!t)
        return;
    if (t->own)
        t->kind->close(t);
    timer_free(t->timer);
    mem_free(t);
}
