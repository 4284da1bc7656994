/* outpost queue ...: what waits, why, and what would make it go. */
#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/asking.h"
#include "cli/failure.h"
#include "cli/handing.h"
#include "cli/input.h"
#include "cli/message.h"
#include "cli/print.h"

#include "base/banned.h"

enum { QUESTION_MAX = 60 * 1024 };

#define FILTERS                                                                                         \
    { 0, "account", OPTION_VALUE, "NAME", "only what goes by this account or route" },                  \
    { 0, "from", OPTION_VALUE, "PATTERN", "only from this sender; * stands for anything" },             \
    { 0, "to", OPTION_VALUE, "PATTERN", "only with such a recipient" },                                 \
    { 0, "cause", OPTION_VALUE, "ID", "only what waits for this cause" },                               \
    { 0, "older", OPTION_VALUE, "TIME", "only what was accepted longer ago: 30m, 2h, 5d" },             \
    { 0, "state", OPTION_MANY, "STATE", "only in this state: deferred, held, unknown ...; repeatable" }

static const struct option list_options[] = {
    FILTERS,
    { 0, "all", OPTION_FLAG, NULL, "what is over, too" },
};

static const struct option change_options[] = {
    FILTERS,
    { 0, "all", OPTION_FLAG, NULL, "every message" },
    { 'n', "dry-run", OPTION_FLAG, NULL, "say how many it would be, and do nothing" },
};

static const struct option remove_options[] = {
    FILTERS,
    { 0, "all", OPTION_FLAG, NULL, "every message" },
    { 'n', "dry-run", OPTION_FLAG, NULL, "say how many it would be, and do nothing" },
    { 'y', "yes", OPTION_FLAG, NULL, "don't ask" },
};

/* ---- the question ---- */

static bool add_ids(const struct cli *cli, struct json *json, struct err *err)
{
    uint64_t id;

    if (!cli->args.operand_count)
        return true;
    json_open(json, "ids", '[');
    for (size_t i = 0; i < cli->args.operand_count; i++) {
        if (!str_to_u64(span_of(cli->args.operands[i]), 1, UINT64_MAX, &id))
            return err_set(err, ERR_USAGE, "an ID is a number, as outpost queue shows it; not \"%.40s\"",
                           cli->args.operands[i]);
        json_number(json, NULL, id);
    }
    json_close(json);
    return true;
}

static bool add_older(const struct cli *cli, struct json *json, struct err *err)
{
    const char *older = arguments_text(&cli->args, "older");
    uint64_t ms;

    if (!older)
        return true;
    if (!setting_duration(span_of(older), &ms))
        return err_set(err, ERR_USAGE, "--older takes a time such as 30m, 2h or 5d, not \"%.40s\"", older);
    json_number(json, "older", ms);
    return true;
}

static bool write_question(const struct cli *cli, const char *verb, bool all, bool dry_run, struct buf *out,
                           struct err *err)
{
    static const char *const texts[] = { "account", "from", "to", "cause" };
    struct json json = json_to(out);
    const char *state;

    json_open(&json, NULL, '{');
    json_text(&json, "verb", verb);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (arguments_text(&cli->args, texts[i]))
            json_text(&json, texts[i], arguments_text(&cli->args, texts[i]));
    json_open(&json, "states", '[');
    for (size_t at = 0; (state = arguments_next(&cli->args, "state", &at));)
        json_text(&json, NULL, state);
    if (all && !arguments_has(&cli->args, "state") && strcmp(verb, "queue list") == 0) {
        static const char *const states[] = { "queued", "sending", "deferred", "held",   "parked",
                                              "unknown", "delivered", "failed", "removed" };
        for (size_t i = 0; i < COUNT(states); i++)
            json_text(&json, NULL, states[i]);
    }
    json_close(&json);
    json_bool(&json, "all", all);
    json_bool(&json, "dry_run", dry_run);
    if (!add_ids(cli, &json, err) || !add_older(cli, &json, err))
        return false;
    json_close(&json);
    return !out->full || err_set(err, ERR_USAGE, "that is more than can be asked for at once");
}

/* ---- list and show ---- */

static void list_line(void *who, const struct json_value *row, struct span text)
{
    struct cli *cli = who;

    if (cli->json)
        printf("%.*s\n", SPAN_ARG(text));
    else
        message_line(cli, row);
}

static void show_line(void *who, const struct json_value *story, struct span text)
{
    struct cli *cli = who;

    if (cli->json)
        printf("%.*s\n", SPAN_ARG(text));
    else
        message_story(cli, story);
}

static int run_list(struct cli *cli)
{
    static const struct asking_events events = { .line = list_line };
    HELD(buf) question = BUF(QUESTION_MAX);
    struct err err = { 0 };
    uint64_t matched = 0, sending;

    if (!write_question(cli, "queue list", arguments_has(&cli->args, "all"), false, &question, &err) ||
        !asking(cli, buf_span(&question), &events, cli, &matched, &sending, &err))
        return fail_here(cli, &err);
    if (!matched)
        say(cli, "Nothing waits.");
    return 0;
}

static int run_show(struct cli *cli)
{
    static const struct asking_events events = { .line = show_line };
    HELD(buf) question = BUF(QUESTION_MAX);
    struct err err = { 0 };
    uint64_t matched, sending;

    if (write_question(cli, "queue show", false, false, &question, &err) &&
        asking(cli, buf_span(&question), &events, cli, &matched, &sending, &err))
        return 0;
    if (!err.fact || strcmp(err.fact, "store:gone") != 0)
        return fail_here(cli, &err);
    note(cli, "There is no message %s.", cli->args.operands[0]);
    return 1;
}

/* ---- change ---- */

struct change {
    const char *verb, *did, *would;
    bool delivers; /* what it lets go is tried at once, also where no daemon runs */
};

static bool confirmed(struct cli *cli, uint64_t count)
{
    HELD(buf) question = BUF(200);

    buf_addf(&question, "Remove %llu message%s? Nobody will be told.", (unsigned long long)count,
             count == 1 ? "" : "s");
    return input_yes(cli, buf_text(&question));
}

static bool ask_change(struct cli *cli, const struct change *change, bool dry_run, uint64_t *ret_matched,
                       uint64_t *ret_sending, struct err *err)
{
    HELD(buf) question = BUF(QUESTION_MAX);

    return write_question(cli, change->verb, arguments_has(&cli->args, "all"), dry_run, &question, err) &&
           asking(cli, buf_span(&question), NULL, NULL, ret_matched, ret_sending, err);
}

static void tell_change(struct cli *cli, const char *what, uint64_t matched, uint64_t sending)
{
    HELD(buf) text = BUF(200);
    struct json json = json_to(&text);

    if (cli->json) {
        json_open(&json, NULL, '{');
        json_number(&json, "matched", matched);
        json_number(&json, "sending", sending);
        json_close(&json);
        say_json(&text);
        return;
    }
    say(cli, "%llu message%s %s%s.", (unsigned long long)matched, matched == 1 ? "" : "s", what,
        sending ? "; some are being sent this moment, and only what comes back unsent is concerned" : "");
}

static int run_change(struct cli *cli, const struct change *change)
{
    bool dry_run = arguments_has(&cli->args, "dry-run");
    bool asks = strcmp(change->verb, "queue remove") == 0 && !arguments_has(&cli->args, "yes");
    uint64_t matched = 0, sending = 0;
    struct err err = { 0 };

    if (asks && !dry_run && !cli->may_ask) {
        err_set(&err, ERR_USAGE, "removing messages wants to be confirmed: add --yes");
        return fail_here(cli, &err);
    }
    if ((dry_run || asks) && !ask_change(cli, change, true, &matched, &sending, &err))
        return fail_here(cli, &err);
    if (dry_run) {
        tell_change(cli, change->would, matched, sending);
        return matched ? 0 : 1;
    }
    if (asks && (!matched || !confirmed(cli, matched))) {
        say(cli, matched ? "Nothing was removed." : "There is no such message.");
        return 1;
    }
    if (!ask_change(cli, change, false, &matched, &sending, &err) ||
        (matched && change->delivers && !handing_deliver(cli, &err)))
        return fail_here(cli, &err);
    if (matched || cli->json)
        tell_change(cli, change->did, matched, sending);
    else
        say(cli, "There is no such message.");
    return matched ? 0 : 1;
}

#define CHANGE(word, did_, would_, delivers_)                                                 \
    static int run_##word(struct cli *cli)                                         \
    {                                                                              \
        static const struct change change = { "queue " #word, did_, would_, delivers_ };\
        return run_change(cli, &change);                                           \
    }

CHANGE(retry, "tried again", "would be tried again now", true)
CHANGE(hold, "held", "would be held", false)
CHANGE(release, "released", "would be released", true)
CHANGE(remove, "removed", "would be removed", false)

/* ---- the rows ---- */

enum { IDS_MOST = 5000 };

const struct command command_queue = {
    .name = "queue",
    .takes = "",
    .does = "list what waits, why, and when it is tried next",
    .options = list_options,
    .option_count = COUNT(list_options),
    .run = run_list,
};

const struct command command_queue_list = {
    .name = "queue list",
    .takes = "",
    .does = "the same as queue",
    .options = list_options,
    .option_count = COUNT(list_options),
    .run = run_list,
};

const struct command command_queue_show = {
    .name = "queue show",
    .takes = "ID",
    .does = "tell a message's whole story",
    .operands_least = 1,
    .operands_most = 1,
    .run = run_show,
};

#define CHANGE_COMMAND(word, does_, options_)       \
    const struct command command_queue_##word = {   \
        .name = "queue " #word,                     \
        .takes = "[ID...]",                         \
        .does = does_,                              \
        .options = options_,                        \
        .option_count = COUNT(options_),            \
        .operands_most = IDS_MOST,                  \
        .run = run_##word,                          \
    }

CHANGE_COMMAND(retry, "try waiting mail again now", change_options);
CHANGE_COMMAND(hold, "keep mail back until it is released", change_options);
CHANGE_COMMAND(release, "let go of held mail, and try what is unknown again", change_options);
CHANGE_COMMAND(remove, "take mail out of the queue; nobody is told", remove_options);
