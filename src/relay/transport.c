#include "relay/transport.h"

#include "base/alloc.h"
#include "net/loop.h"
#include "relay/transport_int.h"

#include "base/banned.h"

static struct loop *loop_of(const struct transport *t)
{
    return t->world->credentials.secrets.loop;
}

/* ---- for the kinds ---- */

const char *transport_provider(const struct transport *t)
{
    return t->account->profile ? t->account->profile->id : NULL;
}

const char *transport_cause(const struct transport *t, const struct evidence *evidence)
{
    const struct knowledge *know = t->world->know ? t->world->know(t->world->of) : NULL;
    struct verdict verdict;

    return know && classify(know, evidence, &verdict) ? verdict.cause->id : NULL;
}

uint64_t transport_time_left(const struct transport *t)
{
    uint64_t now = loop_now(loop_of(t));

    if (t->give_up == UINT64_MAX)
        return 0;
    return now < t->give_up ? t->give_up - now : 1;
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

void transport_ready(struct transport *t)
{
    t->events.ready(t->who);
}

void transport_sent(struct transport *t)
{
    t->sending = false;
    t->events.sent(t->who);
}

void transport_failed(struct transport *t, const struct evidence *why)
{
    t->sending = false;
    t->events.failed(t->who, why);
}

static void tell_soon(struct transport *t)
{
    timer_set(t->timer, loop_now(loop_of(t)));
}

void transport_sent_soon(struct transport *t)
{
    tell_soon(t);
}

void transport_fail_soon(struct transport *t, enum stage stage, const struct err *err)
{
    t->failed = true;
    t->failure = (struct evidence){ .stage = stage, .err = *err, .provider = transport_provider(t) };
    tell_soon(t);
}

static void rang(void *who)
{
    struct transport *t = who;

    if (t->failed)
        transport_failed(t, &t->failure);
    else
        transport_sent(t);
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
        .account = account,
        .kind = &transport_smtp,
        .events = *events,
        .who = who,
    };
    t->timer = timer_new(loop_of(t), rang, t);
    if (!t->timer)
        err_no_memory(err);
    count_time(t);
    if (!t->timer || !t->kind->open(t, err)) {
        transport_close(t);
        return false;
    }
    *ret_transport = t;
    return true;
}

void transport_send(struct transport *t, const struct transport_message *message)
{
    for (size_t i = 0; i < message->count; i++)
        message->outcomes[i] = (struct transport_outcome){ 0 };
    if (t->message.envelope) /* the first one shares the time with the opening */
        count_time(t);
    t->message = *message;
    t->sending = true;
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
