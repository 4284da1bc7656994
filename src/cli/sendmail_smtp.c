/* sendmail -bs: the machine of smtp/server.h on standard input and output. What it can't know - may it go there, is it
 * well formed - the owner says at the message's end. */
#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/mailing.h"
#include "cli/sendmail_modes.h"
#include "cli/world.h"
#include "gateway/submission.h"
#include "os/clock.h"
#include "smtp/server.h"

#include "base/banned.h"

enum { READ_MAX = 16 * 1024, OUT_MAX = SUBMISSION_HEAD_MAX + SUBMISSION_PIECE_MAX + 64 };

struct talk {
    const struct carrier_plan *plan;
    const struct sendmail_flags *flags;
    struct smtp_server *machine;
    struct carrier carrier;
    bool after_cr; /* the last byte that came was one */
};

static uint64_t now(void)
{
    return clock_now(&clock_system);
}

/* ---- the owner's words, as replies ---- */

static struct smtp_answer answer_of(const struct err *err)
{
    bool is_theirs = err->kind == ERR_DATA || err->kind == ERR_LIMIT || err->kind == ERR_RECIPIENT;

    return (struct smtp_answer){
        .code = err->kind == ERR_RECIPIENT ? 550 : is_theirs ? 554 : 451,
        .enhanced = err->kind == ERR_RECIPIENT ? "5.1.1" : is_theirs ? "5.6.0" : "4.3.0",
        .text = err->text,
    };
}

static void answer(struct talk *talk, bool good, const char *words, const struct err *err)
{
    const struct smtp_answer yes = { .yes = true, .code = words ? 250 : 0, .enhanced = words ? "2.0.0" : NULL,
                                     .text = words };
    const struct smtp_answer no = answer_of(err);

    smtp_server_answer(talk->machine, good ? &yes : &no, now());
}

/* ---- a message ---- */

static bool begin(struct talk *talk, struct err *err)
{
    const struct envelope *envelope = smtp_server_envelope(talk->machine);
    struct submission *said = NEW(submission);
    HELD(buf) out = BUF(OUT_MAX);

    if (!said)
        return err_no_memory(err);
    said->sender = envelope->sender;
    said->account = talk->flags->account;
    for (size_t i = 0; i < envelope->count && i < SUBMISSION_LISTS_MAX; i++)
        said->recipients[said->recipient_count++] = envelope->recipients[i].address;
    bool good = submission_write(said, &out, err) &&
                carrier_begin(talk->plan, buf_span(&out), &talk->carrier, err);
    mem_free(said);
    return good;
}

static void add_body(struct talk *talk)
{
    struct span body = smtp_server_body(talk->machine);
    struct err err = { 0 };
    HELD(buf) out = BUF(SUBMISSION_PIECE_MAX + 64);

    while (body.len) {
        struct span piece = span_cut(body, 0, SUBMISSION_PIECE_MAX);
        body = span_from(body, piece.len);
        buf_clear(&out);
        submission_write_piece(piece, &out);
        if (out.full ? err_no_memory(&err) : carrier_add(&talk->carrier, buf_span(&out), &err))
            continue;
        const struct smtp_answer no = answer_of(&err);
        carrier_done(&talk->carrier);
        smtp_server_body_lost(talk->machine, &no, now());
        return;
    }
    smtp_server_body_kept(talk->machine, now());
}

static void answer_question(struct talk *talk)
{
    HELD(buf) words = BUF(CARRIER_WORDS_MAX + 8);
    struct err err = { 0 };
    bool good;

    switch (smtp_server_question(talk->machine)) {
    case SMTP_ASK_SENDER:
    case SMTP_ASK_RECIPIENT:
        answer(talk, true, NULL, &err);
        return;
    case SMTP_ASK_BEGIN:
        answer(talk, begin(talk, &err), NULL, &err);
        return;
    case SMTP_ASK_KEEP:
        good = carrier_end(&talk->carrier, &words, &err);
        carrier_done(&talk->carrier);
        answer(talk, good, buf_text(&words), &err);
        return;
    case SMTP_ASK_SIGN_IN:
    case SMTP_ASK_KEY:
    case SMTP_ASK_CLIENT: /* none of it is offered */
        answer(talk, err_set(&err, ERR_INTERNAL, "nobody signs in here"), NULL, &err);
        return;
    }
}

/* ---- the conversation ---- */

/* False: the client is gone. */
static bool write_out(struct talk *talk)
{
    struct span out;

    while ((out = smtp_server_output(talk->machine)).len) {
        ssize_t len = write(STDOUT_FILENO, out.at, out.len);
        if (len < 0 && errno != EINTR)
            return false;
        if (len > 0)
            smtp_server_wrote(talk->machine, (size_t)len, now());
    }
    return true;
}

/* Programs of this machine may end lines as this machine does; there is no CHUNKING, whose octets are counted. */
static void take(struct talk *talk, struct span came)
{
    HELD(buf) lines = BUF(2 * READ_MAX);

    for (size_t i = 0; i < came.len; i++) {
        if (came.at[i] == '\n' && !talk->after_cr)
            buf_add_char(&lines, '\r');
        buf_add_char(&lines, came.at[i]);
        talk->after_cr = came.at[i] == '\r';
    }
    if (lines.full)
        smtp_server_shut(talk->machine, "4.3.0", "No memory is left");
    else
        smtp_server_recv(talk->machine, buf_span(&lines), now());
}

static bool read_in(struct talk *talk)
{
    struct pollfd one = { .fd = STDIN_FILENO, .events = POLLIN };
    uint64_t deadline = smtp_server_deadline(talk->machine), at = now();
    char piece[READ_MAX];

    if (at >= deadline) {
        smtp_server_expired(talk->machine);
        return true;
    }
    if (poll(&one, 1, deadline - at < 60000 ? (int)(deadline - at) : 60000) <= 0)
        return true;
    ssize_t len = read(STDIN_FILENO, piece, sizeof piece);
    if (len > 0)
        take(talk, (struct span){ piece, (size_t)len });
    return len > 0 || (len < 0 && errno == EINTR);
}

static void serve(struct talk *talk)
{
    while (write_out(talk)) {
        switch (smtp_server_need(talk->machine)) {
        case SMTP_SERVER_BYTES:
            if (!smtp_server_in_message(talk->machine))
                carrier_done(&talk->carrier); /* of one that was given up */
            if (!read_in(talk))
                return;
            break;
        case SMTP_SERVER_QUESTION:
            answer_question(talk);
            break;
        case SMTP_SERVER_BODY:
            add_body(talk);
            break;
        case SMTP_SERVER_ROOM:
            break; /* all was written */
        case SMTP_SERVER_TLS:
        case SMTP_SERVER_CLOSE:
            return;
        }
    }
}

int sendmail_smtp(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags)
{
    const struct smtp_server_plan offers = {
        .name = cli_hostname(cli),
        .clear = { .offered = SMTP_PIPELINING | SMTP_8BITMIME | SMTP_SMTPUTF8 | SMTP_ENHANCEDSTATUSCODES },
    };
    struct talk talk = { .plan = plan, .flags = flags, .carrier = CARRIER_NONE };
    struct err err = { 0 };

    talk.machine = smtp_server_new(&offers, false, now(), &err);
    if (!talk.machine)
        return mailing_fail(&err);
    serve(&talk);
    carrier_done(&talk.carrier);
    smtp_server_free(talk.machine);
    return 0;
}
