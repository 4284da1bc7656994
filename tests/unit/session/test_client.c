#include "support/check.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "base/str.h"
#include "mail/envelope.h"
#include "net/listen.h"
#include "net/timer.h"
#include "session/client.h"
#include "support/alloc_fails.h"
#include "support/identity.h"

#define HOST "smtp.example.org"
#define MESSAGE "Subject: hi\r\n\r\n.hello\r\n"

/* ---- a server that follows a table: what begins so is answered so ---- */

enum trick {
    HONEST,
    CUTS,    /* hangs up instead of answering the line that begins with `at` */
    STALLS,  /* says nothing to it */
    INJECTS, /* says more than it should behind its "220" to STARTTLS */
};

struct peer {
    struct listener *listener;
    struct stream *stream;
    struct tls_context *context;
    bool implicit;
    enum trick trick;
    const char *at;       /* the line the trick is played on; "" the greeting */
    const char *offers;   /* behind 250-, lines with \r\n */
    struct buf in, heard; /* heard: every line that came, '\n' between; "{TLS}" where it began */
    size_t chunk_left;    /* of BDAT */
    bool in_data, knocked;
    size_t turns; /* how often it had to answer: a client's round trips */
};

static const struct {
    const char *begins, *reply;
} answers[] = {
    { "AUTH PLAIN AG1lAHNlY3JldA==", "235 2.7.0 welcome\r\n" },
    { "AUTH PLAIN AG1lAGh1bnRlcjI=", "535 5.7.8 hunter2 is wrong, as in AG1lAGh1bnRlcjI=, hunter%32\r\n" },
    { "AUTH ", "535 5.7.8 wrong\r\n" },
    { "MAIL ", "250 ok\r\n" },
    { "RCPT TO:<nobody@", "550 5.1.1 who?\r\n" },
    { "RCPT ", "250 ok\r\n" },
    { "DATA", "354 go on\r\n" },
    { ".", "250 2.0.0 taken\r\n" },
    { "QUIT", "221 bye\r\n" },
    { "RSET", "250 ok\r\n" },
};

static void peer_says(struct peer *peer, const char *text)
{
    if (peer->stream)
        stream_write(peer->stream, span_of(text));
}

static void peer_greets(struct peer *peer)
{
    if (peer->trick == STALLS && peer->at[0] == '\0')
        return;
    if (peer->trick == CUTS && peer->at[0] == '\0')
        stream_free(GIVE(peer->stream));
    peer_says(peer, "220 " HOST " ESMTP\r\n");
}

static void peer_secured(void *who, const struct err *why)
{
    struct peer *peer = who;

    if (why->kind != ERR_NONE)
        return;
    buf_add(&peer->heard, "{TLS}\n");
    peer->turns++;
    if (peer->implicit)
        peer_greets(peer);
}

static void peer_secures(struct peer *peer)
{
    struct tls *tls = NULL;
    struct err err;

    if (tls_server(peer->context, &tls, &err))
        stream_secure(peer->stream, tls, peer_secured, peer);
    else
        stream_free(GIVE(peer->stream));
}

static void peer_answers(struct peer *peer, struct span line)
{
    if (peer->in_data && !span_is(line, "."))
        return;
    peer->in_data = span_starts(line, "DATA");
    if (peer->trick == CUTS && span_starts(line, peer->at)) {
        stream_free(GIVE(peer->stream));
        return;
    }
    if (peer->trick == STALLS && span_starts(line, peer->at))
        return;
    if (span_starts(line, "EHLO ")) {
        peer_says(peer, "250-" HOST "\r\n");
        peer_says(peer, peer->offers);
        peer_says(peer, "250 HELP\r\n");
    } else if (span_starts(line, "STARTTLS")) {
        peer_says(peer, peer->trick == INJECTS ? "220 go\r\n250-" HOST "\r\n250 AUTH PLAIN\r\n"
                                               : "220 go\r\n");
        peer_secures(peer);
    }
    uint64_t chunk;
    if (span_starts(line, "BDAT ") && span_ends_word(line, " LAST") &&
        str_to_u64(span_cut(line, 5, line.len - 5), 0, 100000, &chunk))
        peer->chunk_left = (size_t)chunk;
    for (size_t i = 0; i < COUNT(answers); i++)
        if (span_starts(line, answers[i].begins)) {
            peer_says(peer, answers[i].reply);
            return;
        }
}

/* The chunk behind a BDAT, from *used on; true when it is there, or none is waited for. */
static bool peer_takes_chunk(struct peer *peer, size_t *used)
{
    if (!peer->chunk_left)
        return true;
    if (peer->in.len - *used < peer->chunk_left)
        return false;
    *used += peer->chunk_left;
    peer->chunk_left = 0;
    peer_answers(peer, SPAN("."));
    return true;
}

static void peer_read(void *who, struct span bytes)
{
    struct peer *peer = who;
    size_t used = 0;

    peer->turns++;
    buf_add_span(&peer->in, bytes);
    while (peer->stream && peer_takes_chunk(peer, &used)) {
        struct span rest = span_from(buf_span(&peer->in), used);
        size_t end = span_find(rest, '\n');
        if (end == rest.len)
            break;
        struct span line = span_trim(span_cut(rest, 0, end));
        used += end + 1;
        buf_add_span(&peer->heard, line);
        buf_add(&peer->heard, "\n");
        peer_answers(peer, line);
    }
    buf_drop_front(&peer->in, used);
    if (peer->in.full)
        stream_free(GIVE(peer->stream)); /* no memory */
}

static void peer_ended(void *who, const struct err *why)
{
    struct peer *peer = who;

    (void)why;
    stream_free(GIVE(peer->stream));
}

static void peer_came(void *who, struct stream *stream)
{
    static const struct stream_events events = { .read = peer_read, .ended = peer_ended };
    struct peer *peer = who;

    stream_free(peer->stream);
    peer->stream = stream;
    peer->knocked = true;
    stream_on(stream, &events, peer);
    if (peer->implicit)
        peer_secures(peer);
    else
        peer_greets(peer);
}

/* ---- whoever opens a session ---- */

static struct identity identity;
static struct loop *loop;
static struct tls_context *good;

struct talk {
    struct peer peer;
    struct session *session;
    const char *password;
    size_t body_at;
    bool over, ready, sent;
    struct evidence evidence;
    unsigned asked;
    uint64_t progress;
    struct envelope *envelope;
    struct buf seen; /* by the observer, a letter for who spoke in front */
};

static bool read_body(void *of, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct talk *talk = of;
    struct span rest = span_from(SPAN(MESSAGE), talk->body_at);
    struct span piece = span_cut(rest, 0, room < 7 ? room : 7);

    (void)err;
    if (piece.len)
        memcpy(into, piece.at, piece.len);
    talk->body_at += piece.len;
    *ret_len = piece.len;
    return true;
}

static void on_credential(void *who, const char *mechanism)
{
    struct talk *talk = who;
    static const struct err none = { .kind = ERR_SIGNIN, .fact = "secret:unreadable" };

    assert_string_equal(mechanism, "PLAIN");
    talk->asked++;
    struct secret *secret = talk->password ? secret_new(span_of(talk->password)) : NULL;
    if (secret)
        session_credential(talk->session, secret);
    else
        session_no_credential(talk->session, &none);
}

static void on_ready(void *who)
{
    struct talk *talk = who;

    talk->ready = true;
    if (talk->envelope)
        session_send(talk->session, talk->envelope, 0, talk->envelope->count,
                     &(struct session_body){ read_body, talk });
    else
        talk->over = true;
}

static void on_sent(void *who)
{
    struct talk *talk = who;

    talk->sent = talk->over = true;
}

static void on_failed(void *who, const struct evidence *evidence)
{
    struct talk *talk = who;

    talk->evidence = *evidence;
    talk->over = true;
}

static void on_progress(void *who, uint64_t sent, uint64_t size)
{
    struct talk *talk = who;

    (void)size;
    assert_true(sent >= talk->progress);
    talk->progress = sent;
}

static void on_sight(void *who, enum session_sight sight, enum stage stage, struct span text,
                     uint64_t now)
{
    struct talk *talk = who;

    (void)stage, (void)now;
    buf_add_char(&talk->seen, "*CS"[sight]);
    buf_add(&talk->seen, ": ");
    buf_add_span(&talk->seen, text);
    buf_add(&talk->seen, "\n");
}

static const struct session_events events = {
    .credential = on_credential,
    .ready = on_ready,
    .progress = on_progress,
    .sent = on_sent,
    .failed = on_failed,
};

enum { PATIENCE_MS = 500 };

static const char to_good[] = "a@example.net";

static struct envelope *envelope_to(const char *one, const char *other)
{
    OWN(envelope) envelope = envelope_new();
    struct err err;

    if (!envelope || !envelope_set_sender(envelope, SPAN("me@example.org"), &err) ||
        !envelope_add(envelope, span_of(one), &err) ||
        (other && !envelope_add(envelope, span_of(other), &err)))
        return NULL;
    envelope->size = sizeof MESSAGE - 1;
    return GIVE(envelope);
}

static void talk_begin_at(struct talk *talk, struct tls_context *context, enum security security, const char *address)
{
    struct err err;

    *talk = (struct talk){
        .password = "secret",
        .seen = BUF(1000000),
        .peer = { .context = context,
                  .implicit = security == SECURITY_TLS,
                  .at = "",
                  .offers = "250-STARTTLS\r\n250-PIPELINING\r\n250-AUTH PLAIN\r\n",
                  .in = BUF(100000),
                  .heard = BUF(100000) },
    };
    assert_true(listen_open(loop, &(struct listen_plan){ .address = address }, peer_came, &talk->peer,
                            &talk->peer.listener, &err));
}

static void talk_begin(struct talk *talk, struct tls_context *context, enum security security)
{
    talk_begin_at(talk, context, security, "127.0.0.1");
}

static void talk_end(struct talk *talk)
{
    session_free(GIVE(talk->session));
    stream_free(GIVE(talk->peer.stream));
    listener_free(GIVE(talk->peer.listener));
    buf_done(&talk->peer.in);
    buf_done(&talk->peer.heard);
    buf_done(&talk->seen);
    envelope_free(GIVE(talk->envelope));
}

struct setting {
    struct dial_detour detour;
    struct session_plan plan;
};

/* The name is smtp.example.org, the way leads to the peer. */
static void setting_make(struct setting *setting, const struct talk *talk, enum security security)
{
    *setting = (struct setting){
        .detour = { .to_host = "127.0.0.1", .to_port = listener_port(talk->peer.listener) },
        .plan = { .host = HOST,
                  .port = security == SECURITY_TLS ? 465 : 587,
                  .security = security,
                  .hello = "client.example.org",
                  .mechanisms = SASL_USUAL,
                  .user = "me",
                  .ca_file = identity.ca_file },
    };
    setting->plan.detours = (struct dial_detours){ &setting->detour, 1 };
}

static bool talk_run(struct talk *talk, const struct session_plan *plan, struct err *err)
{
    if (!session_open(loop, plan, &events, talk, &talk->session, err))
        return false;
    assert_false(talk->over);
    return loop_run_until(loop, &talk->over);
}

/* ---- the ways that lead to a 250 ---- */

static void test_sends(void **state)
{
    static const struct {
        const char *label;
        enum security security;
        const char *offers; /* beside STARTTLS */
        size_t turns;       /* of the server, TLS and every flight that it had to wait for; 0: any */
    } cases[] = {
        { "TLS, BDAT", SECURITY_TLS, "250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN\r\n", 4 },
        { "STARTTLS, BDAT", SECURITY_STARTTLS,
          "250-STARTTLS\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-AUTH PLAIN\r\n", 6 },
        { "TLS, DATA", SECURITY_TLS, "250-PIPELINING\r\n250-AUTH PLAIN\r\n", 0 },
        { "within the machine", SECURITY_NONE, "250-PIPELINING\r\n250-AUTH PLAIN\r\n", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct talk talk;
        struct setting setting;
        struct smtp_outcome outcome;
        struct err err = { 0 };

        talk_begin(&talk, good, cases[i].security);
        talk.peer.offers = cases[i].offers;
        talk.envelope = envelope_to(to_good, NULL);
        setting_make(&setting, &talk, cases[i].security);
        setting.plan.observer = (struct session_observer){ .saw = on_sight, .who = &talk };
        check_row(cases[i].label, talk_run(&talk, &setting.plan, &err));
        check_row(cases[i].label, talk.sent && talk.asked == 1);
        check_row(cases[i].label, strstr(buf_text(&talk.seen), "\nC: AUTH PLAIN ***\n"));
        check_row(cases[i].label, strstr(buf_text(&talk.seen), "\nS: 235 2.7.0 welcome\n"));
        check_row(cases[i].label, strstr(buf_text(&talk.seen), "\nC: RCPT TO:<a@example.net>\n"));
        check_row(cases[i].label, !strstr(buf_text(&talk.seen), "AG1l"));
        check_row(cases[i].label, !strstr(buf_text(&talk.seen), "hello"));
        session_outcome(talk.session, 0, &outcome);
        check_row(cases[i].label, outcome.fate == SMTP_FATE_TAKEN);
        check_row(cases[i].label, talk.progress == sizeof MESSAGE - 1);
        check_row(cases[i].label, session_signed_in(talk.session));
        check_row(cases[i].label, !cases[i].turns || talk.peer.turns == cases[i].turns);
        talk_end(&talk);
    }
}

static void test_says_goodbye(void **state)
{
    static const char want[] = "EHLO client.example.org\nSTARTTLS\n{TLS}\nEHLO client.example.org\n"
                               "AUTH PLAIN AG1lAHNlY3JldA==\nMAIL FROM:<me@example.org>\n"
                               "RCPT TO:<a@example.net>\nDATA\nSubject: hi\n\n..hello\n.\nQUIT\n";
    struct talk talk;
    struct setting setting;
    struct err err;

    (void)state;
    talk_begin(&talk, good, SECURITY_STARTTLS);
    talk.envelope = envelope_to(to_good, NULL);
    setting_make(&setting, &talk, SECURITY_STARTTLS);
    assert_true(talk_run(&talk, &setting.plan, &err));
    assert_true(talk.sent && session_open_still(talk.session));
    session_finish(GIVE(talk.session));
    while (talk.peer.stream)
        loop_turn(loop);
    assert_string_equal(buf_text(&talk.peer.heard), want);
    talk_end(&talk);
}

/* Where we have no name to say, it is where we are; through a proxy nobody is told. */
static void test_names_itself(void **state)
{
    static const struct {
        const char *label, *hello, *at, *said;
    } rows[] = {
        { "by a name", "client.example.org", "127.0.0.1", "EHLO client.example.org\n" },
        { "without one", NULL, "127.0.0.1", "EHLO [127.0.0.1]\n" },
        { "without one, by IPv6", NULL, "::1", "EHLO [IPv6:::1]\n" },
    };
    struct err err;

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct talk talk;
        struct setting setting;

        talk_begin_at(&talk, good, SECURITY_TLS, rows[i].at);
        talk.envelope = envelope_to(to_good, NULL);
        setting_make(&setting, &talk, SECURITY_TLS);
        snprintf(setting.detour.to_host, sizeof setting.detour.to_host, "%s", rows[i].at);
        setting.plan.hello = rows[i].hello;
        check_row(rows[i].label, talk_run(&talk, &setting.plan, &err) && talk.sent);
        check_row(rows[i].label, strstr(buf_text(&talk.peer.heard), rows[i].said));
        talk_end(&talk);
    }
}

/* A server that says what it was given does not get it into a log. */
static void test_hides_an_echo(void **state)
{
    struct talk talk;
    struct setting setting;
    struct err err;

    (void)state;
    talk_begin(&talk, good, SECURITY_TLS);
    talk.password = "hunter2";
    setting_make(&setting, &talk, SECURITY_TLS);
    setting.plan.observer = (struct session_observer){ .saw = on_sight, .who = &talk };
    assert_true(talk_run(&talk, &setting.plan, &err));
    assert_string_equal(talk.evidence.err.said, "*** is wrong, as in ***, ***");
    assert_non_null(strstr(buf_text(&talk.seen), "S: 535 5.7.8 *** is wrong, as in ***, ***\n"));
    talk_end(&talk);
}

/* Each recipient has its own outcome. */
static void test_mixed(void **state)
{
    struct talk talk;
    struct setting setting;
    struct smtp_outcome outcome;
    struct evidence evidence;
    struct err err;

    (void)state;
    talk_begin(&talk, good, SECURITY_TLS);
    talk.envelope = envelope_to("nobody@example.net", to_good);
    setting_make(&setting, &talk, SECURITY_TLS);
    assert_true(talk_run(&talk, &setting.plan, &err));
    session_outcome(talk.session, 0, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_REFUSED);
    assert_int_equal(outcome.err.reply, 550);
    session_evidence(talk.session, &outcome, &evidence);
    assert_int_equal(evidence.stage, STAGE_RCPT);
    assert_string_equal(evidence.host, HOST);
    assert_string_equal(evidence.mechanism, "PLAIN");
    session_outcome(talk.session, 1, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_TAKEN);
    talk_end(&talk);
}

static void test_probe(void **state)
{
    struct talk talk;
    struct setting setting;
    struct tls_description about;
    struct err err;
    size_t count;

    (void)state;
    talk_begin(&talk, good, SECURITY_STARTTLS);
    setting_make(&setting, &talk, SECURITY_STARTTLS);
    setting.plan.probe = true;
    assert_true(talk_run(&talk, &setting.plan, &err));
    assert_true(talk.ready && !talk.asked && !session_signed_in(talk.session));
    assert_string_equal(session_extensions(talk.session)->mechanisms[0], "PLAIN");
    assert_true(session_tls(talk.session, &about));
    assert_string_equal(about.version, "TLSv1.3");
    assert_null(session_attempts(talk.session, &count)[0].fact);
    assert_string_equal(buf_text(&talk.peer.heard), "EHLO client.example.org\nSTARTTLS\n{TLS}\n"
                                                    "EHLO client.example.org\n");
    talk_end(&talk);
}

/* A line to the same server, by the same account, goes on where the last one was: once for each ticket, and
 * checked all the same. */
static void test_resumed(void **state)
{
    static const struct {
        const char *label, *user;
        bool resumed;
    } rows[] = {
        { "the first", "me", false },
        { "the second", "me", true },
        { "by the ticket of the second", "me", true },
        { "another user", "you", false },
        { "the first user again", "me", true },
    };
    static const enum security kinds[] = { SECURITY_TLS, SECURITY_STARTTLS };
    (void)state;

    for (size_t k = 0; k < COUNT(kinds); k++) {
        OWN(tickets) tickets = tickets_new();
        for (size_t i = 0; i < COUNT(rows); i++) {
            struct talk talk;
            struct setting setting;
            struct tls_description about;
            struct err err;
            talk_begin(&talk, good, kinds[k]);
            setting_make(&setting, &talk, kinds[k]);
            setting.plan.probe = true;
            setting.plan.user = rows[i].user;
            setting.plan.tickets = tickets;
            check_row(rows[i].label, talk_run(&talk, &setting.plan, &err));
            check_row(rows[i].label, talk.ready && session_tls(talk.session, &about));
            check_row(rows[i].label, about.resumed == rows[i].resumed);
            session_finish(GIVE(talk.session));
            talk_end(&talk);
        }
    }
}

/* A line that came to nothing leaves no ticket. */
static void test_no_ticket(void **state)
{
    struct talk talk;
    struct setting setting;
    struct ticket ticket;
    struct err err;
    (void)state;
    OWN(tickets) tickets = tickets_new();

    talk_begin(&talk, good, SECURITY_TLS);
    talk.password = "wrong";
    setting_make(&setting, &talk, SECURITY_TLS);
    setting.plan.tickets = tickets;
    assert_true(talk_run(&talk, &setting.plan, &err));
    assert_int_equal(talk.evidence.stage, STAGE_AUTH);
    talk_end(&talk);
    assert_false(tickets_take(tickets, &(struct ticket_use){ HOST, 465, "me" }, loop_now(loop), &ticket));
}

/* A body that moves is not cut, however long it takes: here longer than the patience for a reply, and
 * for the whole, with megabytes waiting in the system when the last of it was handed over. */
enum { SLOW_SIZE = 6 * 1000 * 1000, SLOW_PATIENCE_MS = 1000, SLOW_STEP_MS = 15 };

struct slow {
    struct talk talk;
    struct timer *timer;
};

static void slow_step(void *who)
{
    struct slow *slow = who;
    struct stream *stream = slow->talk.peer.stream;

    if (!stream)
        return;
    stream_read(stream, true);
    timer_set(slow->timer, loop_now(loop) + SLOW_STEP_MS);
}

static void slow_read(void *who, struct span bytes)
{
    struct slow *slow = who;

    peer_read(&slow->talk.peer, bytes);
    if (slow->talk.peer.stream)
        stream_read(slow->talk.peer.stream, false);
}

static bool slow_body(void *of, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct talk *talk = of;
    size_t left = SLOW_SIZE - talk->body_at, len = left < room ? left : room;

    (void)err;
    for (size_t i = 0; i < len; i++)
        into[i] = "0123456789abcd\r\n"[(talk->body_at + i) % 16];
    talk->body_at += len;
    *ret_len = len;
    return true;
}

static void slow_ready(void *who)
{
    struct slow *slow = who;
    static const struct stream_events slowly = { .read = slow_read };

    stream_on(slow->talk.peer.stream, &slowly, slow);
    slow_step(slow);
    session_send(slow->talk.session, slow->talk.envelope, 0, 1,
                 &(struct session_body){ slow_body, &slow->talk });
}

/* Little waits at the peer's system, and so much at ours. */
static int narrow_listener(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), room = 200 * 1024;

    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

static void test_slow_but_moving(void **state)
{
    struct slow slow;
    struct setting setting;
    struct smtp_outcome outcome;
    struct err err;
    struct session_events slow_events = events;

    (void)state;
    slow_events.ready = slow_ready;
    talk_begin(&slow.talk, good, SECURITY_TLS);
    listener_free(slow.talk.peer.listener);
    assert_true(listen_open(loop, &(struct listen_plan){ .inherited = narrow_listener() }, peer_came,
                            &slow.talk.peer, &slow.talk.peer.listener, &err));
    slow.timer = timer_new(loop, slow_step, &slow);
    slow.talk.envelope = envelope_to(to_good, NULL);
    slow.talk.envelope->size = SLOW_SIZE;
    setting_make(&setting, &slow.talk, SECURITY_TLS);
    setting.plan.connect_timeout_ms = setting.plan.timeout_ms = SLOW_PATIENCE_MS;
    assert_true(session_open(loop, &setting.plan, &slow_events, &slow, &slow.talk.session, &err));
    uint64_t began = loop_now(loop);
    assert_true(loop_run_until(loop, &slow.talk.over));
    session_outcome(slow.talk.session, 0, &outcome);
    if (outcome.fate != SMTP_FATE_TAKEN)
        fail_msg("after %u ms: %s", (unsigned)(loop_now(loop) - began), outcome.err.text);
    assert_true(loop_now(loop) - began > SLOW_PATIENCE_MS);
    timer_free(slow.timer);
    talk_end(&slow.talk);
}

/* ---- the ways that don't ---- */

/* Nothing that was not verified ever hears who we are (C2, C9). */
static void test_not_trusted(void **state)
{
    static const struct {
        const char *label;
        enum identity_kind kind;
        const char *name, *fact;
    } cases[] = {
        { "another host's", IDENTITY_GOOD, "mail.example.net", "cert:hostname" },
        { "expired", IDENTITY_EXPIRED, HOST, "cert:expired" },
        { "not yet valid", IDENTITY_NOT_YET_VALID, HOST, "cert:not-yet-valid" },
        { "self-signed", IDENTITY_SELF_SIGNED, HOST, "cert:self-signed" },
        { "a stranger's", IDENTITY_OTHER_ISSUER, HOST, "cert:untrusted-issuer" },
    };

    (void)state;
    for (size_t i = 0; i < 2 * COUNT(cases); i++) {
        enum security security = i < COUNT(cases) ? SECURITY_TLS : SECURITY_STARTTLS;
        size_t n = i % COUNT(cases);
        OWN(tls_context) context = identity_server(&identity, cases[n].kind, cases[n].name, false);
        struct talk talk;
        struct setting setting;
        struct err err;

        talk_begin(&talk, context, security);
        setting_make(&setting, &talk, security);
        check_row(cases[n].label, talk_run(&talk, &setting.plan, &err));
        check_row(cases[n].label, !talk.ready && !talk.asked);
        check_row(cases[n].label, talk.evidence.stage == STAGE_TLS);
        check_row(cases[n].label, !strcmp(talk.evidence.err.fact, cases[n].fact));
        check_row(cases[n].label, talk.evidence.err.kind == ERR_CERTIFICATE);
        check_row(cases[n].label, !strcmp(talk.evidence.host, HOST));
        check_row(cases[n].label, !strstr(buf_text(&talk.peer.heard), "AUTH"));
        talk_end(&talk);
    }
}

static void test_refused(void **state)
{
    static const struct {
        const char *label;
        enum security security;
        enum trick trick;
        const char *at, *offers;
        bool other_way; /* the port speaks the other kind of TLS */
        const char *password;
        enum stage stage;
        const char *fact;
        uint16_t reply;
    } cases[] = {
        { "no STARTTLS", SECURITY_STARTTLS, HONEST, "", "250-AUTH PLAIN\r\n", false, "secret",
          STAGE_STARTTLS, "starttls:not-offered", 0 },
        { "words injected", SECURITY_STARTTLS, INJECTS, "", NULL, false, "secret", STAGE_STARTTLS,
          "starttls:injected", 0 },
        { "clear text on a TLS port", SECURITY_TLS, HONEST, "", NULL, true, "secret", STAGE_TLS,
          "tls:plaintext", 0 },
        { "no greeting on a TLS port", SECURITY_STARTTLS, HONEST, "", NULL, true, "secret",
          STAGE_GREETING, "greeting:timeout", 0 },
        { "a wrong password", SECURITY_TLS, HONEST, "", NULL, false, "wrong", STAGE_AUTH, NULL, 535 },
        { "no password to be had", SECURITY_TLS, HONEST, "", NULL, false, NULL, STAGE_AUTH,
          "secret:unreadable", 0 },
        { "no greeting", SECURITY_STARTTLS, STALLS, "", NULL, false, "secret", STAGE_GREETING,
          "greeting:timeout", 0 },
        { "EHLO unheard", SECURITY_TLS, STALLS, "EHLO", NULL, false, "secret", STAGE_EHLO,
          "line:timeout", 0 },
        { "AUTH unheard", SECURITY_TLS, STALLS, "AUTH", NULL, false, "secret", STAGE_AUTH,
          "line:timeout", 0 },
        { "cut before the greeting", SECURITY_STARTTLS, CUTS, "", NULL, false, "secret",
          STAGE_GREETING, "greeting:closed", 0 },
        { "cut before the greeting, inside TLS", SECURITY_TLS, CUTS, "", NULL, false, "secret",
          STAGE_GREETING, "greeting:closed", 0 },
        { "no sign-in", SECURITY_NONE, HONEST, "", "250-SIZE\r\n", false, "secret", STAGE_AUTH,
          "auth:not-offered", 0 },
        { "a sign-in inside TLS alone", SECURITY_NONE, HONEST, "", "250-STARTTLS\r\n", false, "secret",
          STAGE_AUTH, "auth:in-tls", 0 },
        { "cut at EHLO", SECURITY_TLS, CUTS, "EHLO", NULL, false, "secret", STAGE_EHLO,
          "line:closed", 0 },
        { "cut at STARTTLS", SECURITY_STARTTLS, CUTS, "STARTTLS", NULL, false, "secret",
          STAGE_STARTTLS, "line:closed", 0 },
        { "cut at AUTH", SECURITY_STARTTLS, CUTS, "AUTH", NULL, false, "secret", STAGE_AUTH,
          "line:closed", 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct talk talk;
        struct setting setting;
        struct err err;

        talk_begin(&talk, good, cases[i].security);
        talk.peer.trick = cases[i].trick;
        talk.peer.at = cases[i].at;
        talk.peer.offers = cases[i].offers ? cases[i].offers : talk.peer.offers;
        talk.peer.implicit ^= cases[i].other_way;
        talk.password = cases[i].password;
        setting_make(&setting, &talk, cases[i].security);
        setting.plan.connect_timeout_ms = PATIENCE_MS;
        check_row(cases[i].label, talk_run(&talk, &setting.plan, &err));
        check_row(cases[i].label, !talk.ready && !session_open_still(talk.session));
        check_row(cases[i].label, talk.evidence.stage == cases[i].stage);
        const char *fact = talk.evidence.err.fact;
        check_row(cases[i].label, fact && cases[i].fact ? !strcmp(fact, cases[i].fact)
                                                        : !cases[i].fact);
        check_row(cases[i].label, talk.evidence.err.reply == cases[i].reply);
        talk_end(&talk);
    }
}

/* What the line does in the middle of a transaction decides what is known of the message (C20). */
static void test_broken_transaction(void **state)
{
    static const struct {
        const char *label;
        enum trick trick;
        const char *at;
        enum smtp_fate fate;
    } cases[] = {
        { "cut at MAIL", CUTS, "MAIL", SMTP_FATE_LATER },
        { "cut at RCPT", CUTS, "RCPT", SMTP_FATE_LATER },
        { "cut at DATA", CUTS, "DATA", SMTP_FATE_LATER },
        { "cut at the final word", CUTS, ".", SMTP_FATE_UNKNOWN },
        { "silent at MAIL", STALLS, "MAIL", SMTP_FATE_LATER },
        { "silent at the final word", STALLS, ".", SMTP_FATE_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct talk talk;
        struct setting setting;
        struct smtp_outcome outcome;
        struct err err;

        talk_begin(&talk, good, SECURITY_TLS);
        talk.peer.trick = cases[i].trick;
        talk.peer.at = cases[i].at;
        talk.envelope = envelope_to(to_good, NULL);
        setting_make(&setting, &talk, SECURITY_TLS);
        setting.plan.connect_timeout_ms = PATIENCE_MS;
        check_row(cases[i].label, talk_run(&talk, &setting.plan, &err));
        check_row(cases[i].label, talk.sent && !session_open_still(talk.session));
        session_outcome(talk.session, 0, &outcome);
        check_row(cases[i].label, outcome.fate == cases[i].fate);
        talk_end(&talk);
    }
}

static void test_nobody_there(void **state)
{
    struct talk talk;
    struct setting setting;
    struct err err;
    size_t count;

    (void)state;
    talk_begin(&talk, good, SECURITY_TLS);
    setting_make(&setting, &talk, SECURITY_TLS);
    listener_free(GIVE(talk.peer.listener));
    loop_turn(loop);
    assert_true(talk_run(&talk, &setting.plan, &err));
    assert_int_equal(talk.evidence.stage, STAGE_CONNECT);
    assert_string_equal(talk.evidence.err.fact, "connect:refused");
    assert_string_equal(session_attempts(talk.session, &count)[0].fact, "connect:refused");
    assert_int_equal(count, 1);
    talk_end(&talk);
}

/* Freed at any turn: nothing more is told, and nothing is left. */
static void test_freed_anywhere(void **state)
{
    (void)state;
    for (int turns = 0;; turns++) {
        struct talk talk;
        struct setting setting;
        struct err err;

        talk_begin(&talk, good, SECURITY_STARTTLS);
        talk.envelope = envelope_to(to_good, NULL);
        setting_make(&setting, &talk, SECURITY_STARTTLS);
        assert_true(session_open(loop, &setting.plan, &events, &talk, &talk.session, &err));
        for (int n = 0; n < turns && !talk.over; n++)
            loop_turn(loop);
        bool sent = talk.sent;
        session_free(GIVE(talk.session));
        for (int n = 0; n < 5; n++)
            loop_turn(loop);
        assert_true(sent == talk.sent);
        talk_end(&talk);
        if (sent)
            break;
    }
}

/* Out of memory at the nth time it is asked for: an end of some kind, each time. */
static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct talk talk;
        struct setting setting;
        struct err err = { 0 };

        talk_begin(&talk, good, SECURITY_STARTTLS);
        talk.envelope = envelope_to(to_good, NULL);
        setting_make(&setting, &talk, SECURITY_STARTTLS);
        setting.plan.connect_timeout_ms = PATIENCE_MS;
        alloc_fail_at(n);
        bool ran = talk_run(&talk, &setting.plan, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(ran ? talk.over : err.kind != ERR_NONE);
        assert_true(failed || talk.sent);
        talk_end(&talk);
        if (!failed)
            break;
    }
}
static int setup(void **state)
{
    struct err err;

    (void)state;
    identity_make(&identity);
    good = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    return loop_new(&loop, &err) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    loop_free(loop);
    tls_context_free(good);
    identity_done(&identity);
    return 0;
}

static void test_patience(void **state)
{
    static const struct {
        const char *label;
        struct session_plan plan;
        uint64_t seconds;
    } cases[] = {
        { "nobody said anything", { .host = "mail.example.org" }, 30 },
        { "a proxy", { .proxy = "socks5://localhost:1080" }, 60 },
        { "told", { .connect_timeout_ms = 5000, .proxy = "socks5://localhost:1080" }, 5 },
        { "told, longer", { .connect_timeout_ms = 120000 }, 120 },
        { "for the connection alone", { .connect_timeout_ms = 120000, .dial_timeout_ms = 9000 }, 9 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_row(cases[i].label, session_dial_patience(&cases[i].plan) == 1000 * cases[i].seconds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_sends),
        cmocka_unit_test(test_says_goodbye),
        cmocka_unit_test(test_names_itself),
        cmocka_unit_test(test_hides_an_echo),
        cmocka_unit_test(test_mixed),
        cmocka_unit_test(test_resumed),
        cmocka_unit_test(test_no_ticket),
        cmocka_unit_test(test_probe),
        cmocka_unit_test(test_slow_but_moving),
        cmocka_unit_test(test_not_trusted),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_broken_transaction),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_freed_anywhere),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
