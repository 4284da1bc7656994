#include "cli/in_force.h"

#include "cli/asking.h"
#include "cli/message.h"
#include "cli/print.h"

#include "base/banned.h"

bool in_force_now(struct cli *cli)
{
    struct err err = { 0 };
    bool there;

    if (asking_process(cli, SPAN("{\"verb\":\"reload\"}"), NULL, NULL, &there, &err))
        return there;
    note(cli, "warning: outpost serve goes on with its old configuration: %s", err.text);
    return true;
}

/* ---- refusals ---- */

struct telling {
    struct cli *cli;
    struct json *json; /* NULL: to people */
    unsigned count;
};

static void tell_person(struct telling *telling, const struct json_value *refusal)
{
    struct span user = json_text_at(refusal, "user"), cause = json_text_at(refusal, "cause");
    uint64_t reply = 0;
    HELD(buf) line = BUF(2000), time = BUF(60);

    if (!telling->count++)
        say(telling->cli, "\nRefused last:");
    message_time(json_text_at(refusal, "time"), &time);
    buf_addf(&line, "  %s  %.*s", buf_text(&time), SPAN_ARG(json_text_at(refusal, "peer")));
    if (user.len)
        buf_addf(&line, " as %.*s", SPAN_ARG(user));
    buf_addf(&line, ", at %.*s: ", SPAN_ARG(json_text_at(refusal, "stage")));
    if (json_number_at(refusal, "reply", &reply))
        buf_addf(&line, "%llu ", (unsigned long long)reply);
    buf_addf(&line, "%.*s", SPAN_ARG(json_text_at(refusal, "text")));
    if (cause.len)
        buf_addf(&line, " (%.*s)", SPAN_ARG(cause));
    say(telling->cli, "%s", buf_text(&line));
}

static void tell_program(struct telling *telling, const struct json_value *refusal)
{
    static const char *const texts[] = { "time", "peer", "user", "stage", "cause", "text" };
    struct json *json = telling->json;
    uint64_t reply;

    if (!telling->count++)
        json_open(json, "refusals", '[');
    json_open(json, NULL, '{');
    for (size_t i = 0; i < COUNT(texts); i++) {
        struct span text = json_text_at(refusal, texts[i]);
        if (text.at)
            json_span(json, texts[i], text);
        else
            json_none(json, texts[i]);
    }
    if (json_number_at(refusal, "reply", &reply))
        json_number(json, "reply", reply);
    else
        json_none(json, "reply");
    json_close(json);
}

static void tell(void *who, const struct json_value *refusal, struct span text)
{
    struct telling *telling = who;

    (void)text;
    if (telling->json)
        tell_program(telling, refusal);
    else
        tell_person(telling, refusal);
}

/* False: there is nobody who could know. */
static bool ask(struct telling *telling, const char *kind, const char *name, struct err *err)
{
    static const struct asking_events events = { .line = tell };
    HELD(buf) question = BUF(4096);
    struct json json = json_to(&question);
    bool there;

    json_open(&json, NULL, '{');
    json_text(&json, "verb", "refusals");
    json_text(&json, kind, name);
    json_close(&json);
    if (!asking_process(telling->cli, buf_span(&question), &events, telling, &there, err))
        return false;
    return there || err_set(err, ERR_LATER, "outpost serve does not run, and nobody else listens");
}

void refusals_show(struct cli *cli, const char *kind, const char *name)
{
    struct telling telling = { .cli = cli };
    struct err err = { 0 };

    if (!ask(&telling, kind, name, &err))
        say(cli, "\nWhat was refused can't be told: %s.", err.text);
    else if (!telling.count)
        say(cli, "\nNothing was refused since outpost serve began.");
}

void refusals_member(struct cli *cli, struct json *json, const char *kind, const char *name)
{
    struct telling telling = { .cli = cli, .json = json };
    bool known = ask(&telling, kind, name, NULL);

    if (known && !telling.count++)
        json_open(json, "refusals", '[');
    if (telling.count)
        json_close(json);
    else
        json_none(json, "refusals");
}
