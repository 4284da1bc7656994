#include "session/server.h"

#include "base/alloc.h"
#include "net/timer.h"
#include "os/clock.h"

#include "base/banned.h"

enum {
    LAST_WORD_MS = 30 * 1000,  /* that a client has to make room for our last word */
    UNREAD_MAX = 16 * 1024,    /* octets of ours that wait for the client, beside the machine's own */
    EARLY_MAX = STREAM_READ_MAX,
};

struct session_server {
    struct loop *loop;
    struct stream *stream; /* NULL: it is over */
    struct timer *timer;
    const struct session_server_plan *plan;
    struct smtp_server *machine;
    struct session_server_events events;
    void *who;
    bool turning;    /* turn() is at work: whoever answers from within is heard by it */
    bool told;       /* the question or piece at hand was told */
    bool shaking;    /* hands */
    bool in_message; /* SMTP_ASK_BEGIN was answered with yes */
    bool cut;        /* the line is to go dead */
    struct buf early; /* what was read before us, and not looked at yet */
    char peer[80];
};

static void turn(struct session_server *session);

/* The last thing a function does: the session may be gone afterwards. */
static void tell_over(struct session_server *session, const struct err *why)
{
    timer_set(session->timer, UINT64_MAX);
    if (session->in_message) {
        session->in_message = false;
        session->events.dropped(session->who, session);
    }
    session->events.over(session->who, session, why);
}

/* A client that does not read must not have its replies heaped up here: the machine stops at some, and so
 * does what it is read. */
static void write_out(struct session_server *session)
{
    while (stream_pending(session->stream) < UNREAD_MAX) {
        size_t taken = stream_write(session->stream, smtp_server_output(session->machine));
        if (!taken)
            return;
        smtp_server_wrote(session->machine, taken, loop_now(session->loop));
    }
}

static void secured(void *who, const struct err *err)
{
    struct session_server *session = who;
    unsigned char binding[TLS_BINDING_LEN];
    struct span bound = SPAN_NONE;

    session->shaking = false;
    if (err->kind != ERR_NONE) {
        stream_free(GIVE(session->stream));
        tell_over(session, err);
        return;
    }
    if (tls_channel_binding(stream_tls(session->stream), binding))
        bound = (struct span){ (const char *)binding, sizeof binding };
    smtp_server_secured(session->machine, bound, loop_now(session->loop));
    turn(session);
}

static void begin_tls(struct session_server *session)
{
    struct tls *tls = NULL;

    if (session->shaking || smtp_server_output(session->machine).len)
        return;
    if (!session->plan->tls || !tls_server(session->plan->tls, &tls, NULL)) {
        session->cut = true;
        return;
    }
    session->shaking = true;
    tls_feed(tls, buf_span(&session->early)); /* what it made of that shows in its state */
    buf_done(&session->early);
    stream_secure(session->stream, tls, secured, session);
    stream_read(session->stream, true);
}

/* Tells of the question or the piece at hand, once. */
static void tell(struct session_server *session, enum smtp_server_need need)
{
    if (session->told)
        return;
    session->told = true;
    if (need == SMTP_SERVER_QUESTION)
        session->events.asked(session->who, session, smtp_server_question(session->machine));
    else
        session->events.body(session->who, session, smtp_server_body(session->machine));
}

/* Does what the machine needs, until it waits for somebody. True: it is over. */
static bool serve(struct session_server *session)
{
    for (;;) {
        write_out(session);
        enum smtp_server_need need = smtp_server_need(session->machine);
        if (session->in_message && !smtp_server_in_message(session->machine)) {
            session->in_message = false;
            session->events.dropped(session->who, session);
        }
        if (session->cut)
            return true;
        if (need == SMTP_SERVER_CLOSE)
            return smtp_server_output(session->machine).len == 0;
        if (need == SMTP_SERVER_TLS) {
            begin_tls(session);
            return session->cut;
        }
        if (need != SMTP_SERVER_QUESTION && need != SMTP_SERVER_BODY) {
            stream_read(session->stream, need == SMTP_SERVER_BYTES &&
                                             smtp_server_output(session->machine).len == 0);
            return false;
        }
        tell(session, need);
        if (session->told && !session->cut) {
            stream_read(session->stream, false); /* most answers come from within, and it goes on being read */
            return false;
        }
    }
}

/* The same, and sets the clock for whatever is waited for. */
static bool serve_and_wait(struct session_server *session)
{
    session->turning = true;
    bool over = serve(session);
    session->turning = false;
    if (over || session->told)
        timer_set(session->timer, UINT64_MAX);
    else if (smtp_server_need(session->machine) == SMTP_SERVER_CLOSE)
        timer_set(session->timer, loop_now(session->loop) + LAST_WORD_MS);
    else
        timer_set(session->timer, smtp_server_deadline(session->machine));
    return over;
}

static void turn(struct session_server *session)
{
    static const struct err none;

    if (session->turning || !session->stream || !serve_and_wait(session))
        return;
    if (session->cut)
        stream_free(GIVE(session->stream));
    else
        stream_finish(GIVE(session->stream));
    tell_over(session, &none);
}

/* -- what the line and the clock say -- */

/* What was read before us comes first. */
static void use_early(struct session_server *session)
{
    struct buf early = session->early;

    session->early = (struct buf)BUF(EARLY_MAX);
    if (early.len)
        smtp_server_recv(session->machine, buf_span(&early), loop_now(session->loop));
    buf_done(&early);
}

static void came(void *who, struct span bytes)
{
    struct session_server *session = who;

    use_early(session);
    smtp_server_recv(session->machine, bytes, loop_now(session->loop));
    turn(session);
}

static void writable(void *who)
{
    turn(who);
}

static void ended(void *who, const struct err *why)
{
    struct session_server *session = who;

    stream_free(GIVE(session->stream));
    tell_over(session, why);
}

static void rang(void *who)
{
    struct session_server *session = who;

    if (!session->stream)
        return;
    if (session->early.len)
        use_early(session);
    else if (session->shaking || smtp_server_need(session->machine) == SMTP_SERVER_CLOSE)
        session->cut = true;
    else if (!session->cut)
        smtp_server_expired(session->machine);
    turn(session);
}

/* -- answers -- */

static void answered(struct session_server *session)
{
    session->told = false;
    turn(session);
}

void session_server_answer(struct session_server *session, const struct smtp_answer *answer)
{
    enum smtp_question question = smtp_server_question(session->machine);

    if (!session->told)
        return;
    if (question == SMTP_ASK_BEGIN)
        session->in_message = answer->yes;
    if (question == SMTP_ASK_KEEP)
        session->in_message = false;
    session->told = false;
    smtp_server_answer(session->machine, answer, loop_now(session->loop));
    answered(session);
}

void session_server_password(struct session_server *session, const struct secret *password)
{
    if (!session->told)
        return;
    smtp_server_password(session->machine, password, loop_now(session->loop));
    answered(session);
}

void session_server_stored_key(struct session_server *session, const struct sasl_stored_key *key)
{
    if (!session->told)
        return;
    smtp_server_stored_key(session->machine, key, loop_now(session->loop));
    answered(session);
}

void session_server_body_kept(struct session_server *session)
{
    if (!session->told)
        return;
    smtp_server_body_kept(session->machine, loop_now(session->loop));
    answered(session);
}

void session_server_body_lost(struct session_server *session, const struct smtp_answer *answer)
{
    if (!session->told)
        return;
    smtp_server_body_lost(session->machine, answer, loop_now(session->loop));
    answered(session);
}

void session_server_shut(struct session_server *session, const char *enhanced, const char *text)
{
    smtp_server_shut(session->machine, enhanced, text);
    answered(session);
}

void session_server_cut(struct session_server *session)
{
    session->cut = true;
    timer_set(session->timer, loop_now(session->loop));
}

/* -- birth and death -- */

static bool begin(struct session_server *session, struct span early, struct err *err)
{
    const struct session_server_plan *plan = session->plan;
    uint64_t now = loop_now(session->loop);

    if (plan->clock)
        smtp_server_tell_wall(session->machine, clock_wall(plan->clock) / 1000, now);
    buf_add_span(&session->early, early);
    if (session->early.full)
        return err_no_memory(err);
    if (serve_and_wait(session))
        return err_set(err, ERR_TLS, "no TLS for a caller");
    if (session->early.len) /* the greeting goes first, and nobody is told of anything within this call */
        timer_set(session->timer, now);
    return true;
}

bool session_serve_from(struct loop *loop, struct stream *stream, const struct session_server_plan *plan,
                        bool tls_first, struct span early, const struct session_server_events *events, void *who,
                        struct session_server **ret_session, struct err *err)
{
    static const struct stream_events line = { came, writable, ended };
    OWN(stream) taken = stream;
    OWN(session_server) session = NEW(session_server);

    if (!session)
        return err_no_memory(err);
    session->loop = loop;
    session->plan = plan;
    session->events = *events;
    session->who = who;
    session->early = (struct buf)BUF(EARLY_MAX);
    session->timer = timer_new(loop, rang, session);
    if (!session->timer)
        return err_no_memory(err);
    session->machine = smtp_server_new(&plan->smtp, tls_first, loop_now(loop), err);
    if (!session->machine)
        return false;
    size_t len = strlen(stream_peer(taken));
    memcpy(session->peer, stream_peer(taken), len < sizeof session->peer ? len : 0);
    session->stream = GIVE(taken);
    stream_on(session->stream, &line, session);
    if (!begin(session, early, err))
        return false;
    *ret_session = GIVE(session);
    return true;
}

bool session_serve(struct loop *loop, struct stream *stream, const struct session_server_plan *plan,
                   const struct session_server_events *events, void *who,
                   struct session_server **ret_session, struct err *err)
{
    return session_serve_from(loop, stream, plan, plan->tls_first, SPAN_NONE, events, who, ret_session, err);
}

void session_server_free(struct session_server *session)
{
    if (!session)
        return;
    stream_free(session->stream);
    buf_done(&session->early);
    timer_free(session->timer);
    smtp_server_free(session->machine);
    mem_free(session);
}

struct smtp_server *session_server_machine(struct session_server *session)
{
    return session->machine;
}

const char *session_server_peer(const struct session_server *session)
{
    return session->peer;
}
