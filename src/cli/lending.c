#include "cli/lending.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/json.h"
#include "cli/asking.h"
#include "control/verbs.h"
#include "mail/date.h"
#include "net/loop.h"
#include "net/stream.h"
#include "net/timer.h"

#include "base/banned.h"

enum { MARGIN_MS = 500, QUESTION_MAX = 4096 };

/* Both questions go at once, and are answered one after the other. */
struct asked {
    struct lending *lending;
    struct buf question, answer;
    unsigned ended; /* so many of them */
    bool connected, done;
};

/* ---- questions and answers ---- */

static void add_question(struct buf *out, const char *verb, const struct account *account, uint64_t patience_ms)
{
    struct json json = json_to(out);

    json_open(&json, NULL, '{');
    json_text(&json, "verb", verb);
    json_text(&json, "account", account->name);
    if (patience_ms)
        json_number(&json, "patience_ms", patience_ms);
    json_close(&json);
}

static void take_today(struct doctor_books *books, const struct json_value *line)
{
    struct span because = json_text_at(line, "because");

    if (!json_number_at(line, "sent_today", &books->sent) || !json_number_at(line, "limit_today", &books->limit))
        return;
    books->known = true;
    books->counts_recipients = span_is(json_text_at(line, "counts"), "recipients");
    if (!date_read_rfc3339(json_text_at(line, "limit_until"), &books->until))
        books->until = 0;
    if (because.len < sizeof books->because)
        snprintf(books->because, sizeof books->because, "%.*s", SPAN_ARG(because));
}

static void take_end(struct asked *asked, const struct json_value *line)
{
    struct doctor_books *books = &asked->lending->books;
    struct err err = { 0 };
    bool failed = control_failure(line, &err);

    asked->done = ++asked->ended == 2;
    if (asked->done && failed && err.kind == ERR_LATER)
        books->line = BOOKS_ALL_BUSY;
}

static void take_line(struct asked *asked, struct span text)
{
    OWN(json_tree) tree = NULL;
    bool is = false;

    if (!json_read(text, CONTROL_LINE_MAX, &tree, NULL)) {
        asked->done = true;
        return;
    }
    const struct json_value *line = json_root(tree);
    if (json_bool_at(line, "done", &is) && is) {
        take_end(asked, line);
    } else if (json_bool_at(line, "lent", &is) && is) {
        asked->lending->books.line = BOOKS_LENT;
        asked->done = true;
    } else {
        take_today(&asked->lending->books, line);
    }
}

/* ---- the process that runs ---- */

static void came(void *who, struct span bytes)
{
    struct asked *asked = who;
    struct span rest;
    size_t end;

    buf_add_span(&asked->answer, bytes);
    rest = buf_span(&asked->answer);
    while (!asked->done && (end = span_find(rest, '\n')) < rest.len) {
        take_line(asked, span_cut(rest, 0, end));
        rest = span_from(rest, end + 1);
    }
    buf_drop_front(&asked->answer, asked->answer.len - rest.len);
}

static void ended(void *who, const struct err *why)
{
    struct asked *asked = who;
    (void)why;

    asked->done = true;
}

static void dialled(void *who, struct stream *stream, const struct err *why)
{
    static const struct stream_events events = { came, NULL, ended };
    struct asked *asked = who;
    (void)why;

    asked->lending->stream = stream;
    asked->connected = stream != NULL;
    asked->done = !stream;
    if (!stream)
        return;
    stream_on(stream, &events, asked);
    asked->done = stream_write(stream, buf_span(&asked->question)) != asked->question.len;
}

static void rang(void *who)
{
    struct asked *asked = who;

    asked->done = true;
}

/* What comes later than that nobody reads; that the other end hangs up changes nothing any more. */
static void nothing_came(void *who, struct span bytes)
{
    (void)who, (void)bytes;
}

static void nothing_ended(void *who, const struct err *why)
{
    (void)who, (void)why;
}

static void ask_process(const struct network *network, const char *path, uint64_t patience_ms, struct asked *asked)
{
    static const struct stream_events quiet = { nothing_came, NULL, nothing_ended };
    const struct dial_plan plan = {
        .host = path, .resolver = network->resolver, .deadline = loop_now(network->loop) + patience_ms,
    };
    struct timer *timer = timer_new(network->loop, rang, asked);
    struct dial *dial = NULL;

    if (timer && dial_start(network->loop, &plan, dialled, asked, &dial, NULL)) {
        timer_set(timer, loop_now(network->loop) + patience_ms + MARGIN_MS);
        loop_run_until(network->loop, &asked->done);
    }
    dial_free(dial);
    timer_free(timer);
    if (asked->lending->stream)
        stream_on(asked->lending->stream, &quiet, asked->lending);
}

/* ---- its books ---- */

static void book_line(void *who, const struct json_value *line, struct span text)
{
    (void)text;
    take_today(who, line);
}

/* Only where there are any: looking into them makes none. */
static void read_books(struct cli *cli, const struct account *account, struct lending *lending)
{
    static const struct asking_events events = { .line = book_line };
    const struct place *place = cli_place(cli, NULL);
    HELD(buf) question = BUF(QUESTION_MAX);
    char *file = file_path(place->state, "queue.db");
    uint64_t matched, sending;
    struct err err;

    add_question(&question, "today", account, 0);
    if (file && file_exists(file) && !place_is_anothers(place) &&
        !asking(cli, buf_span(&question), &events, &lending->books, &matched, &sending, &err))
        lending->books.known = false;
    mem_free(file);
}

void lending_begin(struct cli *cli, const struct account *account, uint64_t patience_ms, struct lending *ret_lending)
{
    const struct network *network = cli_network(cli, NULL);
    const struct place *place = cli_place(cli, NULL);
    char *path = network && place ? place_socket(place, "control") : NULL;
    struct asked asked = { .lending = ret_lending, .question = BUF(2 * QUESTION_MAX), .answer = BUF(CONTROL_LINE_MAX) };

    *ret_lending = (struct lending){ 0 };
    add_question(&asked.question, "today", account, 0);
    buf_add(&asked.question, "\n");
    add_question(&asked.question, "lend", account, patience_ms);
    buf_add(&asked.question, "\n");
    if (path && file_exists(path))
        ask_process(network, path, patience_ms, &asked);
    if (path && !asked.connected)
        read_books(cli, account, ret_lending);
    mem_free(path);
    buf_done(&asked.question);
    buf_done(&asked.answer);
}

void lending_end(struct lending *lending)
{
    stream_free(GIVE(lending->stream));
}
