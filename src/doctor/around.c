#include "doctor/around.h"

#include <stdio.h>

#include "base/alloc.h"
#include "net/loop.h"
#include "net/timer.h"
#include "session/client.h"

#include "base/banned.h"

/* One of them being asked: by a session as far as EHLO, or, for HTTPS, by a call alone. */
struct asked {
    struct around *around;
    struct around_sight *sight; /* NULL: not in use */
    struct session_plan plan;
    struct session *session;
    struct dial *dial;
};

struct around {
    struct loop *loop;
    const struct around_plan *plan;
    struct around_view *view;
    void (*changed)(void *who);
    void *who;
    struct asked asked[AROUND_MAX];
    size_t begun, over;
    struct timer *timer; /* tells by the loop's next turn what failed at once */
};

/* ---- what came of one ---- */

static enum around_state state_of(const char *fact)
{
    struct span text = span_of(fact);

    if (span_starts(text, "config:"))
        return AROUND_UNTRIED; /* nobody was called */
    if (span_starts(text, "name:"))
        return AROUND_NO_NAME;
    if (span_is(text, "connect:refused"))
        return AROUND_REFUSED;
    if (span_starts(text, "connect:unreachable") || span_is(text, "connect:denied"))
        return AROUND_NO_WAY;
    return AROUND_SILENT;
}

static void settle(struct asked *asked, enum around_state state, const char *fact)
{
    struct around *around = asked->around;

    asked->sight->state = state;
    asked->sight->fact = fact;
    asked->sight = NULL;
    asked->session = NULL;
    asked->dial = NULL;
    around->over++;
    timer_set(around->timer, loop_now(around->loop));
}

static void on_ready(void *who)
{
    struct asked *asked = who;

    session_finish(asked->session);
    settle(asked, AROUND_WORKS, NULL);
}

/* Never: a probe has nothing to sign in with. */
static void on_credential(void *who, const char *mechanism)
{
    struct asked *asked = who;
    struct err err;
    (void)mechanism;

    err_set(&err, ERR_SIGNIN, "nobody signs in here");
    session_no_credential(asked->session, &err);
}

static void on_failed(void *who, const struct evidence *evidence)
{
    struct asked *asked = who;
    bool answered = evidence->stage > STAGE_CONNECT;

    session_free(asked->session);
    settle(asked, answered ? AROUND_ANSWERS : state_of(evidence->err.fact), evidence->err.fact);
}

static void on_shook(void *who, const struct tls_description *shown, uint64_t now)
{
    struct asked *asked = who;
    (void)now;

    if (shown->chain_len)
        snprintf(asked->sight->issuer, sizeof asked->sight->issuer, "%s", shown->chain[0].issuer);
}

/* "connected to [2001:db8::1]:587" */
static void on_saw(void *who, enum session_sight sight, enum stage stage, struct span text, uint64_t now)
{
    struct asked *asked = who;
    (void)now;

    if (sight == SESSION_NOTES && stage == STAGE_CONNECT)
        asked->sight->by_ipv6 |= span_find(text, '[') < text.len;
}

static void dialled(void *who, struct stream *stream, const struct err *why)
{
    struct asked *asked = who;

    asked->sight->by_ipv6 = stream && stream_peer(stream)[0] == '[';
    dial_free(asked->dial);
    stream_free(stream);
    settle(asked, stream ? AROUND_WORKS : state_of(why->fact), stream ? NULL : why->fact);
}

/* ---- asking one ---- */

static bool is_ours(const struct around_sight *sight)
{
    return sight->role != AROUND_OTHER && sight->role != AROUND_WEB;
}

static bool ask_by_session(struct asked *asked, struct err *err)
{
    static const struct session_events events = { .credential = on_credential, .ready = on_ready, .failed = on_failed };
    const struct around_plan *plan = asked->around->plan;
    const struct around_sight *sight = asked->sight;
    bool ours = is_ours(sight), unpinned = sight->role == AROUND_UNPINNED;

    asked->plan = (struct session_plan){
        .host = sight->host,
        .port = sight->port,
        .security = sight->security,
        .hello = plan->hello,
        .probe = true,
        .ca_file = ours && (!unpinned || plan->tls_pin) ? plan->ca_file : plan->other_ca_file,
        .tls_pin = ours && !unpinned ? plan->tls_pin : NULL,
        .short_packets = sight->role == AROUND_SHORT,
        .source_address = plan->source_address,
        .proxy = plan->proxy,
        .resolver = plan->resolver,
        .detours = plan->detours,
        .connect_timeout_ms = plan->patience_ms,
        .timeout_ms = plan->patience_ms,
        .observer = { .saw = on_saw, .who = asked, .shook = on_shook },
    };
    return session_open(asked->around->loop, &asked->plan, &events, asked, &asked->session, err);
}

static bool ask_by_call(struct asked *asked, struct err *err)
{
    const struct around_plan *plan = asked->around->plan;
    const struct dial_plan call = {
        .host = asked->sight->host,
        .port = asked->sight->port,
        .detours = plan->detours,
        .proxy = plan->proxy,
        .resolver = plan->resolver,
        .source_address = plan->source_address,
        .deadline = loop_now(asked->around->loop) + plan->patience_ms,
    };

    return dial_start(asked->around->loop, &call, dialled, asked, &asked->dial, err);
}

static void ask(struct around *around, size_t at)
{
    struct asked *asked = &around->asked[at];
    struct err err = { 0 };

    asked->around = around;
    asked->sight = &around->view->at[at];
    bool good = asked->sight->role == AROUND_WEB ? ask_by_call(asked, &err) : ask_by_session(asked, &err);
    if (!good)
        settle(asked, err.fact ? state_of(err.fact) : AROUND_UNTRIED, err.fact);
}

/* ---- a life ---- */

static void rang(void *who)
{
    struct around *around = who;

    around->changed(around->who);
}

void around_more(struct around *around)
{
    while (around->begun < around->view->count)
        ask(around, around->begun++);
}

bool around_start(struct loop *loop, const struct around_plan *plan, struct around_view *view,
                  void (*changed)(void *who), void *who, struct around **ret_around, struct err *err)
{
    OWN(around) around = NEW(around);

    if (!around)
        return err_no_memory(err);
    *around = (struct around){ .loop = loop, .plan = plan, .view = view, .changed = changed, .who = who };
    around->timer = timer_new(loop, rang, around);
    if (!around->timer)
        return err_no_memory(err);
    around_more(around);
    *ret_around = GIVE(around);
    return true;
}

bool around_is_done(const struct around *around)
{
    return around->over == around->view->count;
}

void around_free(struct around *around)
{
    if (!around)
        return;
    for (size_t i = 0; i < AROUND_MAX; i++) {
        session_free(around->asked[i].session);
        dial_free(around->asked[i].dial);
    }
    timer_free(around->timer);
    mem_free(around);
}
