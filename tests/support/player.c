#include "support/player.h"

#include "base/alloc.h"
#include "base/str.h"

struct stage_set {
    const struct dialogue *dialogue;
    struct playing how;
    struct smtp_client *client;
    const struct event *event;
    uint64_t now;
    size_t fed;     /* the server's bytes so far */
    size_t body_at; /* of the message, handed over */
    unsigned sent;  /* transactions begun */
    bool credential, body; /* can be had */
    struct buf *complaint;
};

size_t dialogue_server_bytes(const struct dialogue *dialogue)
{
    size_t bytes = 0;

    for (size_t i = 0; i < dialogue->event_count; i++)
        if (dialogue->events[i].kind == EVENT_SERVER)
            bytes += dialogue->events[i].text.len;
    return bytes;
}

static bool complain(struct stage_set *s, const char *what, struct span got, struct span want)
{
    buf_addf(s->complaint, "%s:%u: %s\n  got:  ", s->dialogue->name, s->event->line, what);
    str_printable(s->complaint, got, 2000);
    buf_add(s->complaint, "\n  want: ");
    str_printable(s->complaint, want, 2000);
    return false;
}

/* -- what the client needs, and gets -- */

static void give_key(struct stage_set *s)
{
    struct sasl_salting how = smtp_client_salting(s->client);
    OWN(secret) key = sasl_salt(&how, buf_span(&s->dialogue->secret));

    if (key)
        smtp_client_key(s->client, key, s->now);
    else
        smtp_client_broken(s->client, &(struct err){ .kind = ERR_MEMORY });
}

static void give_credential(struct stage_set *s)
{
    OWN(secret) secret = secret_new(buf_span(&s->dialogue->secret));

    if (secret)
        smtp_client_credential(s->client, secret, s->now);
    else
        smtp_client_broken(s->client, &(struct err){ .kind = ERR_MEMORY });
}

static void give_body(struct stage_set *s)
{
    struct span body = span_from(buf_span(&s->dialogue->body), s->body_at);
    struct span piece = span_cut(body, 0, s->how.bytewise && body.len < 4096 ? 1 : s->dialogue->piece);

    s->body_at += piece.len;
    smtp_client_body(s->client, piece, piece.len == body.len, s->now);
}

static void serve(struct stage_set *s)
{
    for (;;) {
        switch (smtp_client_need(s->client)) {
        case SMTP_NEED_CREDENTIAL:
            if (!s->credential)
                return;
            give_credential(s);
            break;
        case SMTP_NEED_KEY:
            give_key(s);
            break;
        case SMTP_NEED_BODY:
            if (!s->body)
                return;
            give_body(s);
            break;
        case SMTP_NEED_ENVELOPE:
            if (s->sent == s->dialogue->transactions || !s->dialogue->envelope->count)
                return;
            s->sent++;
            s->body_at = 0;
            if (s->dialogue->rehearsed) {
                smtp_client_rehearse(s->client, s->dialogue->envelope,
                                     s->dialogue->rehearsed_last && s->sent == s->dialogue->transactions, s->now);
                break;
            }
            smtp_client_send(s->client, s->dialogue->envelope, 0, s->dialogue->envelope->count,
                             s->now);
            break;
        default:
            return;
        }
    }
}

/* -- events -- */

static void feed(struct stage_set *s, struct span bytes)
{
    while (bytes.len) {
        size_t len = s->how.bytewise ? 1 : bytes.len;
        if (s->fed < s->how.cut && s->fed + len > s->how.cut)
            len = s->how.cut - s->fed;
        s->now += 10;
        smtp_client_recv(s->client, span_cut(bytes, 0, len), s->now);
        serve(s);
        s->fed += len;
        bytes = span_from(bytes, len);
    }
}

static void wrote(struct stage_set *s, size_t len)
{
    size_t step = s->how.bytewise && len < 4096 ? 1 : len;

    for (; len; len -= step) {
        smtp_client_wrote(s->client, step, s->now);
        serve(s);
    }
}

/* The client must have said this, but perhaps not at once: what is long comes as room is made. */
static bool expect(struct stage_set *s, struct span want)
{
    while (want.len) {
        struct span got = smtp_client_output(s->client);
        size_t len = got.len < want.len ? got.len : want.len;
        if (!len || memcmp(got.at, want.at, len) != 0)
            return complain(s, "the client said something else", got, want);
        wrote(s, len);
        want = span_from(want, len);
    }
    return true;
}

static bool expect_beginning(struct stage_set *s)
{
    struct span want = buf_span(&s->event->text), got = smtp_client_output(s->client);
    size_t line = span_find(got, '\n');

    if (line == got.len || got.len < want.len || memcmp(got.at, want.at, want.len) != 0)
        return complain(s, "the client said something else", got, want);
    wrote(s, line + 1);
    return true;
}

static bool expect_octets(struct stage_set *s)
{
    for (size_t left = s->event->octets; left;) {
        size_t len = smtp_client_output(s->client).len;
        if (!len)
            return complain(s, "the client said less", SPAN("nothing more"), SPAN_NONE);
        len = len < left ? len : left;
        wrote(s, len);
        left -= len;
    }
    return true;
}

static bool expire(struct stage_set *s)
{
    uint64_t deadline = smtp_client_deadline(s->client);

    if (deadline == UINT64_MAX || deadline <= s->now)
        return complain(s, "there is no deadline", SPAN_NONE, SPAN_NONE);
    s->now = deadline;
    smtp_client_expired(s->client);
    return true;
}

static bool shake_hands(struct stage_set *s)
{
    if (smtp_client_need(s->client) != SMTP_NEED_TLS)
        return complain(s, "no handshake is needed", SPAN_NONE, SPAN_NONE);
    smtp_client_secured(s->client,
                        s->dialogue->binding ? SPAN("0123456789abcdef0123456789abcdef") : SPAN_NONE,
                        s->now);
    return true;
}

static const struct err reset = { .kind = ERR_NETWORK, .fact = "line:reset", .text = "connection reset" };
static const struct err no_secret = { .kind = ERR_CONFIG,
                                      .fact = "secret:unreadable",
                                      .text = "no password is kept" };
static const struct err no_body = { .kind = ERR_INPUT, .text = "the file can't be read" };

/* -- outcomes -- */

static const char *const fates[] = { "open", "taken", "later", "refused", "unknown" };

static void show(struct buf *out, const char *what, const struct smtp_outcome *outcome)
{
    const struct err *err = &outcome->err;

    buf_addf(out, "=> %s at %s", what, stage_word(outcome->stage));
    if (err->reply)
        buf_addf(out, " %u", (unsigned)err->reply);
    if (err->enhanced[0])
        buf_addf(out, " %u.%u.%u", (unsigned)err->enhanced[0], (unsigned)err->enhanced[1],
                 (unsigned)err->enhanced[2]);
    if (err->fact)
        buf_addf(out, ", %s", err->fact);
    buf_addf(out, ": \"%s\"", err->text);
    if (err->reply && *err->said)
        buf_addf(out, " (%s)", err->said);
    buf_add_char(out, '\n');
}

static void show_recipients(struct stage_set *s, struct buf *out, bool *failure_shown)
{
    const struct smtp_outcome *failure = smtp_client_failure(s->client);
    const struct envelope *envelope = s->dialogue->envelope;

    for (size_t i = 0; s->sent && i < envelope->count; i++) {
        struct smtp_outcome outcome;
        HELD(buf) what = BUF(1000);
        smtp_client_outcome(s->client, i, &outcome);
        if (envelope->count > 1) {
            str_printable(&what, span_of(envelope->recipients[i].address), 400);
            buf_add_char(&what, ' ');
        }
        buf_add(&what, fates[outcome.fate]);
        show(out, buf_text(&what), &outcome);
        *failure_shown |= failure && strcmp(failure->err.text, outcome.err.text) == 0;
    }
}

static bool check_outcome(struct stage_set *s)
{
    const struct smtp_outcome *failure = smtp_client_failure(s->client);
    HELD(buf) got = BUF(1 << 16);
    bool failure_shown = false;

    show_recipients(s, &got, &failure_shown);
    if (failure && !failure_shown)
        show(&got, "over", failure);
    if (!got.len)
        buf_add(&got, smtp_client_need(s->client) == SMTP_NEED_NOTHING    ? "=> ended\n"
                      : smtp_client_need(s->client) == SMTP_NEED_ENVELOPE ? "=> ready\n"
                                                                          : "=> waiting\n");
    if (span_equal(buf_span(&got), buf_span(&s->event->text)))
        return true;
    buf_addf(s->complaint, "%s:%u: it ended otherwise\n  got:\n%s  want:\n%s", s->dialogue->name,
             s->event->line, buf_text(&got), buf_text(&s->event->text));
    return false;
}

static bool play_event(struct stage_set *s)
{
    switch (s->event->kind) {
    case EVENT_SERVER:
        feed(s, buf_span(&s->event->text));
        return true;
    case EVENT_CLIENT:
        return expect(s, buf_span(&s->event->text));
    case EVENT_CLIENT_BEGINS:
        return expect_beginning(s);
    case EVENT_CLIENT_OCTETS:
        return expect_octets(s);
    case EVENT_TLS:
        return shake_hands(s);
    case EVENT_HANGS_UP:
        smtp_client_closed(s->client);
        return true;
    case EVENT_RESETS:
        smtp_client_broken(s->client, &reset);
        return true;
    case EVENT_WAITS:
        return expire(s);
    case EVENT_NO_CREDENTIAL:
        smtp_client_broken(s->client, &no_secret);
        return true;
    case EVENT_NO_BODY:
        smtp_client_body_failed(s->client, &no_body);
        return true;
    case EVENT_QUITS:
        smtp_client_quit(s->client, s->now);
        return true;
    case EVENT_OUTCOME:
        return check_outcome(s);
    }
    return false;
}

static bool has(const struct dialogue *dialogue, enum event_kind kind)
{
    for (size_t i = 0; i < dialogue->event_count; i++)
        if (dialogue->events[i].kind == kind)
            return true;
    return false;
}

bool play(const struct dialogue *dialogue, const struct playing *how, struct buf *complaint)
{
    struct err err = { 0 };
    struct stage_set s = {
        .dialogue = dialogue,
        .how = *how,
        .now = 1000,
        .credential = !has(dialogue, EVENT_NO_CREDENTIAL),
        .body = !has(dialogue, EVENT_NO_BODY),
        .complaint = complaint,
        .event = dialogue->events,
    };
    bool good = true;
    OWN(smtp_client) client = smtp_client_new(&dialogue->plan, s.now, &err);

    if (!client) {
        buf_addf(complaint, "%s: the plan: %s", dialogue->name, err.text);
        return how->faulty && err.kind != ERR_NONE;
    }
    s.client = client;
    serve(&s);
    for (size_t i = 0; i < dialogue->event_count && (good || how->faulty); i++) {
        s.event = &dialogue->events[i];
        good = play_event(&s);
        serve(&s);
    }
    if (how->faulty)
        return true;
    if (good && smtp_client_output(client).len)
        return complain(&s, "the client said more", smtp_client_output(client), SPAN_NONE);
    return good;
}
