#include "cli/carrier.h"

#include <errno.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/absence.h"
#include "cli/starting.h"
#include "net/unix_talk.h"
#include "os/clock.h"

#include "base/banned.h"

enum {
    PAUSE_FIRST_MS = 10,
    PAUSE_LAST_MS = 200,
    PIECE_MS = 60 * 1000,   /* for an owner to go on reading */
    ANSWER_MS = 120 * 1000, /* for a commit, on the slowest of disks */
    REASON_MS = 1000,       /* for the reason, from one who hung up */
    ANSWER_MAX = 16 * 1024,
};

static uint64_t now(void)
{
    return clock_now(&clock_system);
}

/* ---- somebody who listens ---- */

static bool reach(const char *path, struct span first, uint64_t until, int *ret_talk, struct err *err)
{
    int talk = -1;

    if (!unix_talk_open(path, &talk, err))
        return false;
    if (!unix_talk_say(talk, first, until, err) || !unix_talk_heard(talk, until, err)) {
        close(talk);
        return false;
    }
    *ret_talk = talk;
    return true;
}

static bool is_nobody(const struct err *why)
{
    return why->sys == ENOENT || why->sys == ECONNREFUSED;
}

/* One who is about to leave, or has no place for another, hangs up: the next try finds another. */
static bool is_worth_a_try(const struct err *why)
{
    return is_nobody(why) || why->sys == EAGAIN || why->sys == EPIPE || why->sys == ECONNRESET || why->sys == 0;
}

static bool start(const struct carrier_plan *plan, struct carrier *carrier, uint64_t until, struct err *err)
{
    if (carrier->said >= 0)
        close(carrier->said);
    carrier->said = -1;
    return starting_standin(plan->words, until, &carrier->said, err);
}

static bool give_up(const struct place *place, const struct err *why, struct err *err)
{
    if (is_worth_a_try(why))
        return err_found(err, ERR_LATER, "daemon:unreachable",
                         "nobody takes mail within %d seconds: %s%s (daemon_unreachable)", CARRIER_REACH_MS / 1000,
                         why->text, absence_remedy(place, why->sys));
    if (err)
        *err = *why;
    return false;
}

static bool reach_in_time(const struct carrier_plan *plan, const char *path, struct span first,
                          struct carrier *carrier, struct err *err)
{
    uint64_t until = now() + CARRIER_REACH_MS;

    for (int pause = PAUSE_FIRST_MS;; pause = pause < PAUSE_LAST_MS ? pause * 2 : pause) {
        struct err why = { 0 };
        if (reach(path, first, until, &carrier->talk, &why))
            return true;
        if (is_nobody(&why) && plan->place->scope != PLACE_SYSTEM) {
            if (start(plan, carrier, until, &why))
                continue;
            if (why.kind != ERR_LATER) { /* it was told, and another time is no better */
                if (err)
                    *err = why;
                return false;
            }
        }
        if (now() >= until || !is_worth_a_try(&why))
            return give_up(plan->place, &why, err);
        poll(NULL, 0, pause);
    }
}

bool carrier_begin(const struct carrier_plan *plan, struct span first, struct carrier *carrier, struct err *err)
{
    char *path = place_socket(plan->place, "submit");
    bool good = path ? reach_in_time(plan, path, first, carrier, err) : err_no_memory(err);

    mem_free(path);
    return good;
}

/* ---- what is handed over ---- */

static bool strange(struct err *err)
{
    return err_set(err, ERR_PROTOCOL, "the outpost that runs here answers strangely; is it another version?");
}

static bool take_answer(int talk, uint64_t until, struct buf *answer, struct err *err)
{
    char piece[1024];
    size_t len = 0;

    while (span_find(buf_span(answer), '\n') == answer->len) {
        if (!unix_talk_listen(talk, piece, sizeof piece, until, &len, err))
            return false;
        if (len == 0)
            return err_found(err, ERR_LATER, "daemon:unreachable", "the outpost that runs here hung up");
        if (answer->full)
            return strange(err);
        buf_add_span(answer, (struct span){ piece, len });
    }
    return true;
}

static bool understand(const struct buf *answer, struct buf *ret_words, struct err *err)
{
    struct span line = span_cut(buf_span(answer), 0, span_find(buf_span(answer), '\n')), words;
    uint64_t status;

    if (!starting_status(line, &status, &words))
        return strange(err);
    if (status)
        return starting_failed(status, words, err);
    str_printable(ret_words, words, CARRIER_WORDS_MAX);
    return true;
}

/* Who refuses before the end hangs up, and has said why. */
static bool say(struct carrier *carrier, struct span bytes, struct err *err)
{
    HELD(buf) answer = BUF(ANSWER_MAX), words = BUF(CARRIER_WORDS_MAX + 8);
    struct err why = { 0 };

    if (unix_talk_say(carrier->talk, bytes, now() + PIECE_MS, &why))
        return true;
    if (!take_answer(carrier->talk, now() + REASON_MS, &answer, NULL)) {
        if (err)
            *err = why;
        return false;
    }
    return !understand(&answer, &words, err) ? false
                                             : err_set(err, ERR_PROTOCOL, "the outpost that runs here takes less than all");
}

bool carrier_add(struct carrier *carrier, struct span bytes, struct err *err)
{
    return say(carrier, bytes, err);
}

bool carrier_end(struct carrier *carrier, struct buf *ret_words, struct err *err)
{
    HELD(buf) answer = BUF(ANSWER_MAX);

    if (!unix_talk_heard(carrier->talk, now() + PIECE_MS, err) || !say(carrier, SPAN("0\n"), err))
        return false;
    carrier->ended = true;
    return (take_answer(carrier->talk, now() + ANSWER_MS, &answer, err) ||
            err_in(err, "it may have been queued, or not")) &&
           understand(&answer, ret_words, err);
}

/* ---- and afterwards ---- */

void carrier_listen(struct carrier *carrier, uint64_t ms, struct buf *ret_words)
{
    struct pollfd one = { .fd = carrier->said, .events = POLLIN };
    uint64_t until = now() + ms, at;
    char piece[512];

    while (one.fd >= 0 && (at = now()) < until) {
        if (poll(&one, 1, (int)(until - at)) <= 0)
            continue;
        ssize_t len = read(one.fd, piece, sizeof piece);
        if (len > 0)
            buf_add_span(ret_words, (struct span){ piece, (size_t)len });
        else if (len == 0 || errno != EINTR)
            return;
    }
}

void carrier_done(struct carrier *carrier)
{
    if (carrier->talk >= 0)
        close(carrier->talk);
    if (carrier->said >= 0)
        close(carrier->said);
    *carrier = (struct carrier)CARRIER_NONE;
}
