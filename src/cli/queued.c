#include "cli/queued.h"

#include "base/json.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/message.h"
#include "cli/print.h"
#include "cli/world.h"

#include "base/banned.h"

enum { REPORT_MAX = 1024 * 1024 };

static const struct json_value *recipients_of(const struct handed *handed)
{
    return json_member(json_root(handed->story), "recipients");
}

static size_t count_state(const struct handed *handed, const char *state)
{
    const struct json_value *recipients = recipients_of(handed);
    size_t count = 0;

    for (size_t i = 0; i < json_count(recipients); i++)
        count += span_is(json_text_at(json_element(recipients, i), "state"), state);
    return count;
}

static const char *outcome_of(const struct handed *handed)
{
    size_t all = json_count(recipients_of(handed)), delivered = count_state(handed, "delivered");
    size_t failed = count_state(handed, "failed");

    if (count_state(handed, "unknown"))
        return "unknown";
    if (all && delivered == all)
        return "delivered";
    if (all && failed == all)
        return "failed";
    return delivered ? "partial" : failed ? "partial" : "queued";
}

static int status_of(const struct handed *handed)
{
    size_t delivered = count_state(handed, "delivered"), failed = count_state(handed, "failed");

    if (count_state(handed, "unknown"))
        return err_exit_status(ERR_UNKNOWN);
    return !failed ? 0 : delivered ? err_exit_status(ERR_RECIPIENT) : err_exit_status(ERR_REPLY);
}

/* ---- for scripts ---- */

static void text_or_none(struct json *json, const char *key, struct span text)
{
    if (text.at)
        json_span(json, key, text);
    else
        json_none(json, key);
}

/* Its own; of what could not even be tried, that for which the account can't send. */
static struct span cause_of(const struct handed *handed, const struct json_value *recipient)
{
    struct span own = json_text_at(recipient, "cause");
    bool waits = span_is(json_text_at(json_root(handed->story), "state"), "parked");

    return own.at || !waits ? own : json_text_at(json_root(handed->story), "parked_because");
}

static bool tell_json(const struct handed *handed)
{
    const struct json_value *recipients = recipients_of(handed);
    HELD(buf) text = BUF(REPORT_MAX);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_number(&json, "id", handed->id);
    json_text(&json, "outcome", outcome_of(handed));
    json_text(&json, "account", handed->account);
    text_or_none(&json, "message_id", json_text_at(json_root(handed->story), "message_id"));
    json_bool(&json, "repeated", handed->repeated);
    json_open(&json, "recipients", '[');
    for (size_t i = 0; i < json_count(recipients); i++) {
        static const char *const keys[] = { "address", "state", "reply" };
        json_open(&json, NULL, '{');
        for (size_t k = 0; k < COUNT(keys); k++)
            text_or_none(&json, keys[k], json_text_at(json_element(recipients, i), keys[k]));
        text_or_none(&json, "cause", cause_of(handed, json_element(recipients, i)));
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
    return say_json(&text);
}

/* ---- for people ---- */

static void tell_delivered(const struct cli *cli, const struct handed *handed)
{
    const struct json_value *recipients = recipients_of(handed);
    size_t delivered = count_state(handed, "delivered");

    for (size_t i = 0; i < json_count(recipients); i++) {
        HELD(buf) reply = BUF(1000);
        if (!span_is(json_text_at(json_element(recipients, i), "state"), "delivered"))
            continue;
        str_printable(&reply, json_text_at(json_element(recipients, i), "reply"), 500);
        say(cli, "Delivered to %zu recipient%s by the account %s: %s", delivered, delivered == 1 ? "" : "s", handed->account,
            buf_text(&reply));
        return;
    }
}

/* A recipient that was refused, or about whom nothing is known: as `send --direct` tells it. */
static void tell_failed(struct cli *cli, const struct json_value *recipient)
{
    const struct knowledge *know = failure_knowledge(cli);
    struct span id = json_text_at(recipient, "cause");
    const struct cause *cause = know && id.at ? know_cause(know, id.at) : NULL;
    HELD(buf) address = BUF(400), words = BUF(1000);

    str_printable(&address, json_text_at(recipient, "address"), 200);
    str_printable(&words, json_text_at(recipient, "reply").at ? json_text_at(recipient, "reply")
                                                             : json_text_at(recipient, "text"), 500);
    note(cli, "outpost: %s: %s%s%s%s%s", buf_text(&address), buf_text(&words), cause ? " (" : "",
         cause ? cause->id : "", cause ? ")" : "",
         span_is(json_text_at(recipient, "state"), "unknown")
             ? ": it may have been delivered, or not; outpost queue says what comes next"
             : "");
}

static void tell_waiting(struct cli *cli, const struct handed *handed)
{
    const struct json_value *story = json_root(handed->story);
    struct span state = json_text_at(story, "state");
    bool waits = !story || count_state(handed, "queued") || count_state(handed, "deferred") ||
                 count_state(handed, "sending");

    if (!waits)
        return;
    say(cli, "Queued as %llu%s.", (unsigned long long)handed->id, handed->repeated ? ", as before" : "");
    if (story && (handed->owner || (!span_is(state, "queued") && !span_is(state, "sending"))))
        message_line(cli, story);
    if (handed->owner)
        note(cli, "Nothing will try it again by itself until outpost runs: %s (or: outpost queue retry %llu)",
             cli_daemon_command(cli), (unsigned long long)handed->id);
}

int queued_tell(struct cli *cli, const struct handed *handed)
{
    const struct json_value *recipients = recipients_of(handed);

    if (cli->json)
        return tell_json(handed) ? status_of(handed) : err_exit_status(ERR_IO);
    tell_delivered(cli, handed);
    for (size_t i = 0; i < json_count(recipients); i++) {
        struct span state = json_text_at(json_element(recipients, i), "state");
        if (span_is(state, "failed") || span_is(state, "unknown"))
            tell_failed(cli, json_element(recipients, i));
    }
    tell_waiting(cli, handed);
    return status_of(handed);
}
