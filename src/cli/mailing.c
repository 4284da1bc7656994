#include "cli/mailing.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "gateway/submission.h"
#include "os/log_system.h"

#include "base/banned.h"

enum {
    OUT_MAX = SUBMISSION_HEAD_MAX + SUBMISSION_PIECE_MAX + 64,
    SAID_MAX = 16 * 1024,
    TRIES_MOST = 3,
    SOON_MS = 2 * 1000,         /* so long the one that was started may have news of it */
    VERBOSE_MS = 5 * 60 * 1000, /* and so long for a person who asked for it */
    LINE_MOST = 2 * ERR_TEXT_MAX,
};

int mailing_fail(const struct err *err)
{
    HELD(buf) line = BUF(LINE_MOST);

    fprintf(stderr, "outpost: %s\n", err->text);
    buf_addf(&line, "uid %u, not queued: %s", (unsigned)getuid(), err->text);
    log_system_line(LOG_AT_ERROR, "sendmail", buf_span(&line));
    return err_exit_status(err->kind);
}

static void tell_passed_over(const struct sendmail_flags *flags)
{
    HELD(buf) line = BUF(LINE_MOST);

    if (!flags->passed_over_count)
        return;
    buf_addf(&line, "uid %u: passed over:", (unsigned)getuid());
    for (size_t i = 0; i < flags->passed_over_count; i++)
        buf_addf(&line, " %.60s", flags->passed_over[i]);
    log_system_line(LOG_AT_INFO, "sendmail", buf_span(&line));
}

/* ---- standard input ---- */

struct input {
    bool dots;       /* a dot alone on a line ends it */
    bool line_began; /* what came last did not end its line */
    bool over;
};

/* A terminal gives a line at a time. */
static bool is_end(const struct input *input, struct span came)
{
    return input->dots && !input->line_began && (span_is(came, ".\n") || span_is(came, ".\r\n"));
}

/* As much as there is room for, less only at the end. */
static bool read_input(struct input *input, char *into, size_t room, size_t *ret_len, struct err *err)
{
    *ret_len = 0;
    while (!input->over && *ret_len < room) {
        ssize_t len = read(STDIN_FILENO, into + *ret_len, room - *ret_len);
        if (len < 0 && errno == EINTR)
            continue;
        if (len < 0)
            return err_sys(err, ERR_INPUT, errno, "reading standard input");
        struct span came = { into + *ret_len, (size_t)len };
        input->over = len == 0 || is_end(input, came);
        if (input->over)
            break;
        input->line_began = came.at[came.len - 1] != '\n';
        *ret_len += came.len;
    }
    return true;
}

/* The next piece of the message as it goes over, behind what stands in `out`; none where all was read. */
static bool add_piece(struct input *input, struct buf *out, struct err *err)
{
    char piece[SUBMISSION_PIECE_MAX];
    size_t len;

    if (!read_input(input, piece, sizeof piece, &len, err))
        return false;
    if (len)
        submission_write_piece((struct span){ piece, len }, out);
    return !out->full || err_no_memory(err);
}

/* ---- the message ---- */

static bool add_lines(const struct sendmail_flags *flags, struct buf *out, struct err *err)
{
    struct submission *said = NEW(submission);

    if (!said)
        return err_no_memory(err);
    said->sender = flags->sender;
    said->name = flags->full_name;
    said->account = flags->account;
    said->envid = flags->envid;
    said->notify = flags->notify;
    said->ret = flags->ret;
    said->header_recipients = flags->header_recipients;
    said->recipient_count = flags->recipient_count;
    bool good = flags->recipient_count <= SUBMISSION_LISTS_MAX ||
                err_set(err, ERR_USAGE, "that is more recipients than are taken: %d", SUBMISSION_LISTS_MAX);
    if (good) {
        memcpy(said->recipients, flags->recipients, flags->recipient_count * sizeof *flags->recipients);
        good = submission_write(said, out, err);
    }
    mem_free(said);
    return good;
}

static bool carry(const struct carrier_plan *plan, struct input *input, struct buf *out, struct carrier *carrier,
                  struct buf *ret_words, struct err *err)
{
    if (!carrier_begin(plan, buf_span(out), carrier, err))
        return false;
    while (!input->over) {
        buf_clear(out);
        if (!add_piece(input, out, err) || !carrier_add(carrier, buf_span(out), err))
            return false;
    }
    return carrier_end(carrier, ret_words, err);
}

/* What is small is still here when an owner is gone with it, and is carried to the next. */
static bool hand_over(const struct carrier_plan *plan, const struct sendmail_flags *flags, struct carrier *carrier,
                      struct buf *ret_words, struct err *err)
{
    struct input input = { .dots = !flags->keeps_dots && isatty(STDIN_FILENO) };
    HELD(buf) out = BUF(OUT_MAX);

    if (!add_lines(flags, &out, err) || !add_piece(&input, &out, err))
        return false;
    bool whole = input.over;
    for (unsigned tries = 1;; tries++) {
        struct err why = { 0 };
        if (carry(plan, &input, &out, carrier, ret_words, &why))
            return true;
        if (whole && !carrier->ended && carrier->talk >= 0 && why.kind == ERR_LATER && tries < TRIES_MOST) {
            carrier_done(carrier);
            continue;
        }
        *err = why;
        return false;
    }
}

static void tell_done(const struct sendmail_flags *flags, struct carrier *carrier, const struct buf *words)
{
    HELD(buf) said = BUF(SAID_MAX);

    if (flags->verbose)
        fprintf(stderr, "outpost: %s\n", buf_text(words));
    carrier_listen(carrier, flags->verbose ? VERBOSE_MS : SOON_MS, &said);
    fputs(buf_text(&said), stderr);
}

int mailing_run(const struct carrier_plan *plan, const struct sendmail_flags *flags)
{
    struct carrier carrier = CARRIER_NONE;
    HELD(buf) words = BUF(CARRIER_WORDS_MAX + 8);
    struct err err = { 0 };

    tell_passed_over(flags);
    if (!flags->recipient_count && !flags->header_recipients) {
        err_set(&err, ERR_USAGE, "to whom? sendmail RCPT..., or -t for those of the header");
        return mailing_fail(&err);
    }
    bool good = hand_over(plan, flags, &carrier, &words, &err);
    if (good)
        tell_done(flags, &carrier, &words);
    carrier_done(&carrier);
    return good ? 0 : mailing_fail(&err);
}
