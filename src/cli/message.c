#include "cli/message.h"

#include "base/buf.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/world.h"
#include "mail/date.h"
#include "os/clock.h"

#include "base/banned.h"

enum { SHOWN_MAX = 300 };

void message_time(struct span rfc3339, struct buf *out)
{
    uint64_t seconds;

    if (!rfc3339.at || !date_read_rfc3339(rfc3339, &seconds))
        return;
    int minutes = clock_zone_minutes(seconds * 1000);
    HELD(buf) shifted = BUF(40);
    date_add_rfc3339(&shifted, seconds + (uint64_t)(int64_t)(minutes * 60));
    struct span text = buf_span(&shifted);
    buf_add_span(out, span_cut(text, 0, 10));
    buf_add(out, " ");
    buf_add_span(out, span_cut(text, 11, 19));
    buf_addf(out, " %c%02d%02d", minutes < 0 ? '-' : '+', (minutes < 0 ? -minutes : minutes) / 60,
             (minutes < 0 ? -minutes : minutes) % 60);
}

static void add_size(struct buf *out, uint64_t bytes)
{
    if (bytes < 1024)
        buf_addf(out, "%llu B", (unsigned long long)bytes);
    else if (bytes < 1024 * 1024)
        buf_addf(out, "%llu KB", (unsigned long long)((bytes + 512) / 1024));
    else
        buf_addf(out, "%llu.%llu MB", (unsigned long long)(bytes / 1048576),
                 (unsigned long long)(bytes % 1048576 * 10 / 1048576));
}

/* Foreign text, safe to show. */
static void add_shown(struct buf *out, struct span text)
{
    str_printable(out, text, SHOWN_MAX);
}

static bool is(struct span text, const char *word)
{
    return text.at && span_is(text, word);
}

/* ---- what would make it go ---- */

static void add_cause(struct cli *cli, struct span id, struct buf *out)
{
    const struct knowledge *know = cli_knowledge(cli, NULL);
    const struct cause *cause = know && id.at ? know_cause(know, id.at) : NULL;

    if (cause)
        buf_addf(out, "%s (%s)", cause->title, cause->id);
}

static void add_first_fix(struct cli *cli, const struct json_value *row, struct span id, struct buf *out)
{
    const struct knowledge *know = cli_knowledge(cli, NULL);
    const struct cause *cause = know && id.at ? know_cause(know, id.at) : NULL;
    const char *steps[FAILURE_STEPS_MAX];

    /* What passes by itself needs no advice. */
    if (cause && span_starts(span_of(cause->who), "you") &&
        failure_steps_of(cli, cause, json_text_at(row, "account"), steps))
        buf_addf(out, "; %s", steps[0]);
}

/* What its account waits for; with the account's own name in the step. */
static void add_parked(struct cli *cli, const struct json_value *row, struct buf *out)
{
    struct span because = json_text_at(row, "parked_because");
    const struct knowledge *know = cli_knowledge(cli, NULL);
    const struct cause *cause = know && because.at ? know_cause(know, because.at) : NULL;
    const char *steps[FAILURE_STEPS_MAX];

    if (cause)
        buf_addf(out, "its account can't send: %s (%s)", cause->title, cause->id);
    else
        buf_add(out, "its account can't send");
    if (!cause || !failure_steps_of(cli, cause, json_text_at(row, "account"), steps))
        return;
    struct span rest = span_of(steps[0]);
    size_t at = span_find_text(rest, " NAME");
    buf_add(out, "; ");
    buf_add_span(out, span_cut(rest, 0, at));
    if (at < rest.len) {
        buf_addf(out, " %.*s", SPAN_ARG(json_text_at(row, "account")));
        buf_add_span(out, span_from(rest, at + strlen(" NAME")));
    }
}

static void add_held(const struct json_value *row, uint64_t id, struct buf *out)
{
    if (json_text_at(row, "held_text").at) {
        add_shown(out, json_text_at(row, "held_text"));
        buf_add(out, "; ");
    }
    buf_addf(out, "it goes on with: outpost queue release %llu", (unsigned long long)id);
}

/* One sentence: why it is where it is, and what comes next. */
static void add_next(struct cli *cli, const struct json_value *row, const struct json_value *recipient,
                     struct buf *out)
{
    struct span state = json_text_at(recipient, "state"), whole = json_text_at(row, "state");
    uint64_t id = 0;
    HELD(buf) next = BUF(60);

    message_time(json_text_at(recipient, "next"), &next);
    if (!json_number_at(row, "id", &id))
        return;
    if (is(whole, "held"))
        add_held(row, id, out);
    else if (is(whole, "parked"))
        add_parked(cli, row, out);
    else if (is(state, "unknown") && !next.len)
        buf_addf(out, "it may have arrived; to send it once more: outpost queue release %llu",
                 (unsigned long long)id);
    else if (is(state, "sending"))
        buf_add(out, "it is being sent");
    else if (next.len)
        buf_addf(out, "it is tried again by itself at %s", buf_text(&next));
    else if (is(state, "queued"))
        buf_add(out, "it leaves as soon as it is its turn");
    if (is(state, "deferred") && !is(whole, "held") && !is(whole, "parked"))
        add_first_fix(cli, row, json_text_at(recipient, "cause"), out);
    if (is(whole, "failed"))
        buf_add(out, "its sender is to be told");
}

/* The same behind what stands there. */
static void add_next_to(struct cli *cli, const struct json_value *row, const struct json_value *recipient,
                        struct buf *out)
{
    HELD(buf) next = BUF(4096);

    add_next(cli, row, recipient, &next);
    if (next.len)
        buf_addf(out, "%s%s", out->len ? "; " : "", buf_text(&next));
}

/* ---- a line of the list ---- */

static void add_recipients(const struct json_value *row, struct buf *out)
{
    const struct json_value *recipients = json_member(row, "recipients");
    uint64_t count = 0;

    add_shown(out, json_text_at(json_element(recipients, 0), "address"));
    if (json_number_at(row, "recipient_count", &count) && count > 1)
        buf_addf(out, " and %llu more", (unsigned long long)(count - 1));
}

/* The recipient that tells most: one that failed to go, else the first. */
static const struct json_value *telling(const struct json_value *row)
{
    const struct json_value *recipients = json_member(row, "recipients");

    for (size_t i = 0; i < json_count(recipients); i++)
        if (json_text_at(json_element(recipients, i), "cause").at)
            return json_element(recipients, i);
    return json_element(recipients, 0);
}

void message_line(struct cli *cli, const struct json_value *row)
{
    const struct json_value *recipient = telling(row);
    HELD(buf) line = BUF(4096), why = BUF(8192), size = BUF(40), created = BUF(60);
    uint64_t id = 0, bytes = 0, tries = 0;

    if (!json_number_at(row, "id", &id) || !json_number_at(row, "size", &bytes))
        return;
    add_size(&size, bytes);
    message_time(json_text_at(row, "created"), &created);
    buf_addf(&line, "%-6llu %-9.*s %s  %7s  ", (unsigned long long)id, SPAN_ARG(json_text_at(row, "state")),
             buf_text(&created), buf_text(&size));
    add_shown(&line, json_text_at(row, "from"));
    buf_add(&line, " to ");
    add_recipients(row, &line);
    say(cli, "%s", buf_text(&line));
    add_cause(cli, json_text_at(recipient, "cause"), &why);
    if (json_number_at(recipient, "tries", &tries) && tries)
        buf_addf(&why, "%s%llu %s", why.len ? ", " : "", (unsigned long long)tries, tries == 1 ? "try" : "tries");
    add_next_to(cli, row, recipient, &why);
    if (why.len)
        say(cli, "       %s", buf_text(&why));
}

/* ---- the story ---- */

static void add_event(const struct json_value *story, const struct json_value *event, struct buf *out)
{
    const struct json_value *recipients = json_member(story, "recipients");
    uint64_t first = 0, count = 0;

    buf_addf(out, "%.*s", SPAN_ARG(json_text_at(event, "event")));
    if (json_number_at(event, "recipients", &count) && count && json_number_at(event, "recipient", &first)) {
        buf_add(out, " ");
        add_shown(out, json_text_at(json_element(recipients, (size_t)first), "address"));
        if (count > 1)
            buf_addf(out, " and %llu more", (unsigned long long)(count - 1));
    }
    if (json_text_at(event, "by").at && *json_text_at(event, "by").at) {
        buf_add(out, ", ");
        add_shown(out, json_text_at(event, "by"));
    }
    struct span words = json_text_at(event, "reply").at ? json_text_at(event, "reply") : json_text_at(event, "text");
    if (words.at && words.len) {
        buf_add(out, ": ");
        add_shown(out, words);
    }
    if (json_text_at(event, "cause").at)
        buf_addf(out, " (%.*s)", SPAN_ARG(json_text_at(event, "cause")));
}

static void pair(struct cli *cli, const char *name, struct span value)
{
    HELD(buf) shown = BUF(2000);

    if (!value.at || !value.len)
        return;
    add_shown(&shown, value);
    say(cli, "  %-10s %s", name, buf_text(&shown));
}

static void tell_recipient(struct cli *cli, const struct json_value *story, const struct json_value *recipient)
{
    HELD(buf) line = BUF(2000), why = BUF(8192);
    bool unsure;

    add_shown(&line, json_text_at(recipient, "address"));
    buf_addf(&line, ": %.*s", SPAN_ARG(json_text_at(recipient, "state")));
    if (is(json_text_at(recipient, "state"), "delivered") && json_bool_at(recipient, "unsure", &unsure) && unsure)
        buf_add(&line, ", maybe twice: of an earlier try nobody knows how it ended");
    say(cli, "  %s", buf_text(&line));
    add_cause(cli, json_text_at(recipient, "cause"), &why);
    add_next_to(cli, story, recipient, &why);
    if (why.len)
        say(cli, "    %s", buf_text(&why));
}

void message_story(struct cli *cli, const struct json_value *story)
{
    const struct json_value *events = json_member(story, "events");
    const struct json_value *recipients = json_member(story, "recipients");
    uint64_t id = 0;

    if (!json_number_at(story, "id", &id))
        return;
    say_heading(cli, "Message %llu: %.*s", (unsigned long long)id, SPAN_ARG(json_text_at(story, "state")));
    pair(cli, "From", json_text_at(story, "from"));
    pair(cli, "Account", json_text_at(story, "account"));
    pair(cli, "Message-ID", json_text_at(story, "message_id"));
    pair(cli, "Handed in", json_text_at(story, "submitter"));
    say(cli, "%s", "");
    for (size_t i = 0; i < json_count(recipients); i++)
        tell_recipient(cli, story, json_element(recipients, i));
    say(cli, "%s", "");
    for (size_t i = 0; i < json_count(events); i++) {
        HELD(buf) line = BUF(4096), at = BUF(60);
        message_time(json_text_at(json_element(events, i), "at"), &at);
        add_event(story, json_element(events, i), &line);
        say(cli, "  %s  %s", buf_text(&at), buf_text(&line));
    }
}
