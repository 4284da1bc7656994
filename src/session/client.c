#include "session/client.h"

#include "base/alloc.h"
#include "mail/envelope.h"
#include "net/timer.h"
#include "session/observe.h"
#include "session/salt.h"

#include "base/banned.h"

enum {
    PIECE = 32 * 1024,               /* of a body, read at a time */
    HANDSHAKE_MS = 60 * 1000,        /* where nobody said otherwise */
    CONNECT_MS = 30 * 1000,          /* the system calls five times in it, the last time after 15 s */
    CONNECT_BY_PROXY_MS = 60 * 1000, /* which calls in turn, and may have to find a way first */
    HELLO_MAX = 64,                  /* the longest address literal, and more */
};

struct session {
    struct loop *loop;
    const struct session_plan *plan;
    struct session_events events;
    void *who;
    struct smtp_plan machine_plan;
    struct smtp_client *client;
    struct tls_context *context;
    struct dial *dial;
    struct stream *stream;
    struct timer *timer;
    struct salt *salting;
    char hello[HELLO_MAX];         /* where the plan has no name for us */
    struct buf heard;              /* for the observer: a line that is not whole yet */
    struct secret *password;       /* kept only while SCRAM may want it salted */
    struct session_body body;
    uint64_t body_sent, body_size;
    uint64_t verified;             /* when the server's certificate was last checked in full */
    uint64_t give_up;              /* of the whole */
    uint64_t stepped;              /* when the peer or we last got on */
    uint64_t line_sent;            /* stream_sent() when the machine was last driven */
    uint64_t line_arrived;         /* stream_arrived() when somebody last asked; UINT64_MAX: nobody */
    bool asked, told_ready, in_transaction, shaking, woken, last_look, leaving, over, ticket_kept;
};

static void drive(struct session *s);

/* ---- endings ---- */

static void take_evidence(const struct session *s, enum stage stage, const struct err *err,
                          struct evidence *ret)
{
    *ret = (struct evidence){
        .stage = stage,
        .err = *err,
        .mechanism = s->client ? smtp_client_mechanism(s->client) : NULL,
        .host = s->plan->host,
        .port = s->plan->port,
        .security = security_word(s->plan->security),
    };
    if (s->password) /* a server may say what it was given */
        secret_hide_err(&ret->err, s->password);
}

/* The last thing a function does: the session may be gone afterwards. */
static void tell_failed(struct session *s, enum stage stage, const struct err *err)
{
    struct evidence evidence;

    s->over = true;
    timer_set(s->timer, UINT64_MAX);
    take_evidence(s, stage, err, &evidence);
    err_in(&evidence.err, "%s:%u", s->plan->host, s->plan->port);
    s->events.failed(s->who, &evidence);
}

/* The machine needs nothing any more: a transaction's outcomes are told, else why it failed. */
static void tell_over(struct session *s)
{
    const struct smtp_outcome *failure = smtp_client_failure(s->client);

    s->over = true;
    timer_set(s->timer, UINT64_MAX);
    if (s->in_transaction) {
        s->in_transaction = false;
        s->events.sent(s->who);
    } else if (failure) {
        tell_failed(s, failure->stage, &failure->err);
    } else if (s->leaving) {
        s->events.left(s->who);
    }
}

/* ---- time ---- */

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t after(uint64_t now, uint64_t ms, uint64_t otherwise)
{
    return now + (ms ? ms : otherwise);
}

uint64_t session_dial_patience(const struct session_plan *plan)
{
    uint64_t wanted = plan->dial_timeout_ms ? plan->dial_timeout_ms : plan->connect_timeout_ms;

    return wanted ? wanted : plan->proxy ? CONNECT_BY_PROXY_MS : CONNECT_MS;
}

static void set_timer(struct session *s)
{
    uint64_t reply = s->shaking ? after(s->stepped, s->plan->connect_timeout_ms, HANDSHAKE_MS)
                                : smtp_client_deadline(s->client);

    if (s->plan->connect_timeout_ms && reply != UINT64_MAX)
        reply = sooner(reply, s->stepped + s->plan->connect_timeout_ms);
    s->line_sent = s->stream ? stream_sent(s->stream) : 0;
    s->line_arrived = UINT64_MAX;
    s->last_look = false;
    timer_set(s->timer, sooner(reply, s->give_up));
}

/* Does the line get on, since the machine was last driven or this was last asked? A large piece leaves
 * bit by bit, and nothing is heard of it until it is gone; and what the system has taken may take
 * minutes to arrive, all the while that we wait for a reply to it. */
static bool line_moves(struct session *s)
{
    uint64_t sent = stream_sent(s->stream), arrived = stream_arrived(s->stream);
    bool first_look = s->line_arrived == UINT64_MAX;
    bool moves = sent > s->line_sent || (first_look ? arrived < sent : arrived > s->line_arrived);

    s->line_arrived = arrived;
    return moves;
}

/* Out of patience, unless the line got on meanwhile: then a reply has as long again; and so has the
 * whole, where what moves is a body. */
static void rang(void *who)
{
    struct session *s = who;
    struct err err = { 0 };
    uint64_t now = loop_now(s->loop);

    if (s->over || !s->client)
        return;
    if (s->woken) {
        s->woken = false;
        drive(s);
        return;
    }
    if (line_moves(s) && now < smtp_client_deadline(s->client)) {
        uint64_t arrived = s->line_arrived;
        s->stepped = now;
        if (now >= s->give_up && s->in_transaction)
            s->give_up = now + s->plan->timeout_ms;
        set_timer(s);
        s->line_arrived = arrived;
        return;
    }
    if (!s->last_look) { /* we may be what is late: what came meanwhile is read first */
        s->last_look = true;
        timer_set(s->timer, now + 1);
        return;
    }
    if (s->shaking) {
        err_found(&err, ERR_TLS, "tls:timeout", "the TLS handshake got no answer in time");
        smtp_client_broken(s->client, &err);
    } else {
        smtp_client_expired(s->client);
    }
    drive(s);
}

/* ---- the line ---- */

static void came(void *who, struct span bytes)
{
    struct session *s = who;

    if (s->over)
        return;
    s->stepped = loop_now(s->loop);
    observe_input(&s->plan->observer, &s->heard, smtp_client_stage(s->client), bytes, s->password,
                  s->stepped);
    smtp_client_recv(s->client, bytes, s->stepped);
    drive(s);
}

static void writable(void *who)
{
    struct session *s = who;

    if (s->over)
        return;
    s->stepped = loop_now(s->loop);
    drive(s);
}

static void ended(void *who, const struct err *why)
{
    struct session *s = who;

    if (s->over)
        return;
    observe_end(&s->plan->observer, &s->heard, smtp_client_stage(s->client), s->password,
                loop_now(s->loop));
    if (why->kind == ERR_NONE)
        smtp_client_closed(s->client);
    else
        smtp_client_broken(s->client, why);
    drive(s);
}

/* ---- tickets ---- */

static struct ticket_use ticket_use(const struct session *s)
{
    return (struct ticket_use){ s->plan->host, s->plan->port, s->plan->user };
}

/* Once the line has proven good. With TLS 1.3 the ticket comes with the server's first words, or later. */
static void keep_ticket(struct session *s)
{
    struct tls *tls = s->stream ? stream_tls(s->stream) : NULL;
    struct ticket_use use = ticket_use(s);
    HELD(buf) bytes = BUF(SECRET_MAX);

    if (!s->plan->tickets || s->ticket_kept || !s->told_ready || !tls || !tls_ticket(tls, &bytes))
        return;
    struct ticket ticket = { secret_take(&bytes), s->verified };
    s->ticket_kept = true;
    if (ticket.bytes)
        tickets_keep(s->plan->tickets, &use, ticket, loop_now(s->loop));
}

/* The bytes are the callee's; NULL: there is none. */
static struct secret *take_ticket(struct session *s)
{
    struct ticket_use use = ticket_use(s);
    struct ticket ticket;

    if (!s->plan->tickets || !tickets_take(s->plan->tickets, &use, loop_now(s->loop), &ticket))
        return NULL;
    s->verified = ticket.verified;
    return ticket.bytes;
}

/* ---- what the machine needs ---- */

static void note_tls(struct session *s, bool good)
{
    const struct session_observer *observer = &s->plan->observer;
    struct tls_description about;

    if ((!observer->saw && !observer->shook) || !session_tls(s, &about))
        return;
    if (good)
        observe_note(observer, STAGE_TLS, loop_now(s->loop), "%s, %s%s", about.version, about.cipher,
                     about.resumed ? ", resumed" : "");
    if (observer->shook)
        observer->shook(observer->who, &about, loop_now(s->loop));
}

static void secured(void *who, const struct err *why)
{
    struct session *s = who;
    unsigned char binding[TLS_BINDING_LEN];

    s->shaking = false;
    s->stepped = loop_now(s->loop);
    note_tls(s, why->kind == ERR_NONE);
    if (why->kind != ERR_NONE) {
        smtp_client_broken(s->client, why);
    } else {
        bool bound = tls_channel_binding(stream_tls(s->stream), binding);
        if (!tls_resumed(stream_tls(s->stream)))
            s->verified = s->stepped;
        smtp_client_secured(s->client,
                            bound ? (struct span){ (char *)binding, sizeof binding } : SPAN_NONE,
                            s->stepped);
    }
    drive(s);
}

/* False: it could not begin, and the machine knows. */
static bool shake_hands(struct session *s)
{
    struct err err = { 0 };
    OWN(tls) tls = NULL;
    OWN(secret) ticket = take_ticket(s);

    if (!tls_client(s->context, s->plan->host, secret_bytes(ticket), &tls, &err)) {
        smtp_client_broken(s->client, &err);
        return false;
    }
    s->shaking = true;
    s->stepped = loop_now(s->loop);
    stream_secure(s->stream, GIVE(tls), secured, s);
    set_timer(s);
    return true;
}

static void salted(void *who, const struct secret *key)
{
    struct session *s = who;
    struct err err = { 0 };

    s->salting = NULL;
    if (key) {
        smtp_client_key(s->client, key, loop_now(s->loop));
    } else {
        err_found(&err, ERR_SIGNIN, "auth:no-common-mechanism",
                  "the password holds characters that SCRAM can't carry");
        smtp_client_broken(s->client, &err);
    }
    drive(s);
}

/* False: it could not begin, and the machine knows. */
static bool salt(struct session *s)
{
    const struct sasl_salting how = smtp_client_salting(s->client);
    struct err err = { 0 };

    if (salt_start(s->loop, &how, secret_bytes(s->password), salted, s, &s->salting, &err))
        return true;
    smtp_client_broken(s->client, &err);
    return false;
}

static void send_piece(struct session *s)
{
    char piece[PIECE];
    size_t len = 0;
    struct err err = { 0 };

    if (!s->body.read(s->body.of, piece, sizeof piece, &len, &err)) {
        smtp_client_body_failed(s->client, &err);
        return;
    }
    s->body_sent += len;
    bool last = len == 0 || (s->body_size && s->body_sent >= s->body_size);
    smtp_client_body(s->client, (struct span){ piece, len }, last, loop_now(s->loop));
    if (s->events.progress)
        s->events.progress(s->who, s->body_sent, s->body_size);
}

/* One password serves all mechanisms of a session: it is asked for once, and kept until signed in. */
static bool give_credential(struct session *s)
{
    if (s->password)
        smtp_client_credential(s->client, s->password, loop_now(s->loop));
    return s->password != NULL;
}

static void want_credential(struct session *s)
{
    if (s->asked)
        return;
    s->asked = true;
    s->events.credential(s->who, smtp_client_mechanism(s->client));
}

static void tell_ready(struct session *s)
{
    secret_free(GIVE(s->password));
    if (s->in_transaction) {
        s->in_transaction = false;
        s->events.sent(s->who);
    } else if (!s->told_ready) {
        s->told_ready = true;
        keep_ticket(s);
        s->events.ready(s->who);
    }
}

/* Hands the machine's output to the line; true when all of it was taken. */
static bool flush(struct session *s)
{
    for (;;) {
        struct span output = smtp_client_output(s->client);
        uint64_t now = loop_now(s->loop);
        size_t taken = output.len ? stream_write(s->stream, output) : 0;
        if (taken == 0)
            return output.len == 0;
        observe_output(&s->plan->observer, smtp_client_stage(s->client),
                       span_cut(output, 0, taken), now);
        smtp_client_wrote(s->client, taken, now);
    }
}

/* Serves one need; true when the machine should be asked again at once. Events are told last: after
 * one the session may be gone. */
static bool serve(struct session *s, enum smtp_need need)
{
    switch (need) {
    case SMTP_NEED_BYTES:
        return false;
    case SMTP_NEED_BODY:
        send_piece(s);
        return true;
    case SMTP_NEED_TLS:
        return !s->shaking && !shake_hands(s);
    case SMTP_NEED_KEY:
        if (s->password)
            return !s->salting && !salt(s);
        want_credential(s);
        return false;
    case SMTP_NEED_CREDENTIAL:
        if (give_credential(s))
            return true;
        want_credential(s);
        return false;
    case SMTP_NEED_ENVELOPE:
        tell_ready(s);
        return false;
    case SMTP_NEED_NOTHING:
        tell_over(s);
        return false;
    }
    return false;
}

static void drive(struct session *s)
{
    for (;;) {
        bool flushed = flush(s);
        enum smtp_need need = smtp_client_need(s->client);

        set_timer(s);
        if (!flushed && (need == SMTP_NEED_BODY || need == SMTP_NEED_TLS))
            return; /* writable() goes on */
        if (!serve(s, need))
            return;
    }
}

/* ---- the call ---- */

static enum smtp_security machine_security(enum security security)
{
    return security == SECURITY_TLS        ? SMTP_SECURITY_TLS
           : security == SECURITY_STARTTLS ? SMTP_SECURITY_STARTTLS
                                           : SMTP_SECURITY_NONE;
}

/* In the clear only within the machine, or where the plan allows it and nothing secret will go. */
static bool check_plaintext(const struct session *s, struct err *err)
{
    if (s->plan->security != SECURITY_NONE || stream_is_loopback(s->stream) ||
        (s->plan->allow_plaintext && !s->plan->mechanisms))
        return true;
    return err_set(err, ERR_CONFIG, "security = none would send in clear text to another machine");
}

/* What RFC 5321 (4.1.4) wants of a machine without a full name: where it is. A proxy hides that. */
static const char *own_place(struct session *s)
{
    HELD(buf) text = BUF(sizeof s->hello - 1);
    struct ip ip;

    if (s->plan->proxy || !stream_own_ip(s->stream, &ip))
        return "[127.0.0.1]";
    buf_add(&text, ip.family == 6 ? "[IPv6:" : "[");
    ip_write(&text, ip);
    buf_add(&text, "]");
    if (text.full)
        return "[127.0.0.1]";
    memcpy(s->hello, buf_text(&text), text.len + 1);
    return s->hello;
}

static bool begin(struct session *s, struct err *err)
{
    const struct session_plan *plan = s->plan;

    s->machine_plan = (struct smtp_plan){
        .hello = plan->hello ? plan->hello : own_place(s),
        .security = machine_security(plan->security),
        .mechanisms = plan->probe ? 0 : plan->mechanisms,
        .credential = plan->sign_in_with,
        .user = plan->user,
        .host = plan->host,
        .port = plan->port,
        .long_initial = plan->long_initial,
        .clear_password = stream_is_loopback(s->stream),
        .pipelining = plan->pipelining,
    };
    s->stepped = loop_now(s->loop);
    s->client = smtp_client_new(&s->machine_plan, s->stepped, err);
    return s->client && check_plaintext(s, err);
}

static void dialled(void *who, struct stream *stream, const struct err *why)
{
    static const struct stream_events events = { came, writable, ended };
    struct session *s = who;
    struct err err = { 0 };

    if (!stream) {
        bool name = why->fact && strncmp(why->fact, "name:", 5) == 0;
        tell_failed(s, name ? STAGE_RESOLVE : STAGE_CONNECT, why);
        return;
    }
    s->stream = stream;
    observe_note(&s->plan->observer, STAGE_CONNECT, loop_now(s->loop), "connected to %s",
                 stream_peer(stream));
    if (!begin(s, &err)) {
        tell_failed(s, STAGE_LOCAL, &err);
        return;
    }
    stream_on(stream, &events, s);
    drive(s);
}

bool session_open(struct loop *loop, const struct session_plan *plan,
                  const struct session_events *events, void *who, struct session **ret_session,
                  struct err *err)
{
    OWN(session) s = NEW(session);
    uint64_t now = loop_now(loop);
    const struct tls_client_plan trust = {
        .ca_file = plan->ca_file,
        .pin = plan->tls_pin,
        .certificate_file = plan->client_certificate,
        .key_file = plan->client_key,
        .protocol = "smtp",
    };

    if (!s)
        return err_no_memory(err);
    s->loop = loop;
    s->plan = plan;
    s->events = *events;
    s->who = who;
    s->heard = (struct buf)BUF(OBSERVE_LINE_MAX);
    s->give_up = plan->timeout_ms ? now + plan->timeout_ms : UINT64_MAX;
    s->timer = timer_new(loop, rang, s);
    if (!s->timer)
        return err_no_memory(err);
    if (plan->security != SECURITY_NONE && !tls_client_context(&trust, &s->context, err))
        return false;
    const struct dial_plan call = {
        .host = plan->host,
        .port = plan->port,
        .detours = plan->detours,
        .proxy = plan->proxy,
        .resolver = plan->resolver,
        .source_address = plan->source_address,
        .short_packets = plan->short_packets,
        .deadline = sooner(now + session_dial_patience(plan), s->give_up),
    };
    if (!dial_start(loop, &call, dialled, s, &s->dial, err))
        return false;
    *ret_session = GIVE(s);
    return true;
}

/* Goes on at the next turn of the loop, so that nothing is told from within a call. */
static void wake(struct session *s)
{
    s->woken = true;
    timer_set(s->timer, loop_now(s->loop));
}

void session_credential(struct session *s, struct secret *secret)
{
    secret_free(s->password);
    s->password = secret;
    if (!s->over)
        wake(s);
}

void session_no_credential(struct session *s, const struct err *why)
{
    if (s->over)
        return;
    smtp_client_broken(s->client, why);
    wake(s);
}

void session_send(struct session *s, const struct envelope *envelope, size_t first, size_t count,
                  const struct session_body *body)
{
    s->body = *body;
    s->body_sent = 0;
    s->body_size = envelope->size;
    s->in_transaction = true;
    smtp_client_send(s->client, envelope, first, count, loop_now(s->loop));
    wake(s);
}

void session_rehearse(struct session *s, const struct envelope *envelope, bool last)
{
    s->in_transaction = true;
    smtp_client_rehearse(s->client, envelope, last, loop_now(s->loop));
    wake(s);
}

void session_leave(struct session *s)
{
    s->leaving = true;
    smtp_client_quit(s->client, loop_now(s->loop));
    wake(s);
}

/* ---- what was learnt ---- */

size_t session_recipients_fit(const struct session *s, const struct envelope *envelope, size_t first)
{
    return smtp_client_recipients_fit(s->client, envelope, first);
}

void session_outcome(const struct session *s, size_t recipient, struct smtp_outcome *ret_outcome)
{
    smtp_client_outcome(s->client, recipient, ret_outcome);
}

void session_evidence(const struct session *s, const struct smtp_outcome *outcome,
                      struct evidence *ret_evidence)
{
    take_evidence(s, outcome->stage, &outcome->err, ret_evidence);
}

bool session_open_still(const struct session *s)
{
    return !s->over;
}

size_t session_transactions_left(const struct session *s)
{
    return smtp_client_transactions_left(s->client);
}

const struct smtp_extensions *session_extensions(const struct session *s)
{
    return smtp_client_extensions(s->client);
}

const char *session_mechanism(const struct session *s)
{
    return s->client ? smtp_client_mechanism(s->client) : NULL;
}

unsigned session_tries(const struct session *s)
{
    return s->client ? smtp_client_tries(s->client) : 0;
}

bool session_signed_in(const struct session *s)
{
    return s->client && smtp_client_signed_in(s->client);
}

struct span session_greeting(const struct session *s)
{
    return s->client ? smtp_client_greeting(s->client) : SPAN_NONE;
}

bool session_tls(const struct session *s, struct tls_description *ret_description)
{
    struct tls *tls = s->stream ? stream_tls(s->stream) : NULL;

    if (tls)
        tls_describe(tls, ret_description);
    return tls != NULL;
}

const struct dial_attempt *session_attempts(const struct session *s, size_t *ret_count)
{
    *ret_count = 0;
    return s->dial ? dial_attempts(s->dial, ret_count) : NULL;
}

const char *session_peer(const struct session *s)
{
    return s->stream ? stream_peer(s->stream) : NULL;
}

/* ---- the end ---- */

void session_finish(struct session *s)
{
    if (!s->over && s->client && smtp_client_need(s->client) == SMTP_NEED_ENVELOPE) {
        smtp_client_quit(s->client, loop_now(s->loop));
        flush(s);
    }
    keep_ticket(s);
    /* Where nothing waits to leave, nobody waits: the server's "221" changes nothing. */
    if (s->stream && stream_pending(s->stream))
        stream_finish(GIVE(s->stream));
    session_free(s);
}

void session_free(struct session *s)
{
    if (!s)
        return;
    keep_ticket(s);
    salt_abandon(s->salting);
    stream_free(s->stream);
    dial_free(s->dial);
    timer_free(s->timer);
    smtp_client_free(s->client);
    tls_context_free(s->context);
    secret_free(s->password);
    buf_done(&s->heard);
    mem_free(s);
}
