#include "cli/diagnosis.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/failure.h"
#include "cli/print.h"

#include "base/banned.h"

/* HEAD_LEN: state, rung, time; what comes behind wraps under itself */
enum { HEAD_LEN = 26, LINE_MAX_LEN = 400, LIVE_WIDTH = 76, JSON_MAX = 128 * 1024 };

static const char *state_word(enum doctor_state state)
{
    static const char *const words[] = { [STEP_OK] = "ok", [STEP_FAILED] = "FAILED", [STEP_SKIPPED] = "-" };

    return words[state];
}

/* What is worth a look, of each kind of step. */
static const char *gist(const struct doctor_step *step)
{
    static const char *const keys[] = { "reply", "error", "peer", "addresses", "mechanism", "version", "server", "said",
                                        "interface" };

    for (size_t i = 0; i < COUNT(keys); i++) {
        const char *value = doctor_step_detail(step, keys[i]);
        if (value)
            return value;
    }
    return "";
}

static void step_line(struct buf *line, const struct doctor_step *step)
{
    const char *alias = doctor_step_detail(step, "alias-of");

    buf_addf(line, "%-6s  %-8s ", state_word(step->state), doctor_rung_word(step->rung));
    if (step->state == STEP_SKIPPED)
        buf_addf(line, "%8s", "");
    else
        buf_addf(line, "%5llu ms", (unsigned long long)step->ms);
    if (gist(step)[0])
        buf_addf(line, "  %s", gist(step));
    if (alias)
        buf_addf(line, ", as %s", alias);
}

/* ---- as it comes ---- */

/* True: somebody is there to see it. */
static bool is_watched(const struct diagnosis_live *live)
{
    return live->cli->terminal && !live->cli->quiet && !live->cli->json;
}

static void live_line(struct diagnosis_live *live, struct buf *line)
{
    buf_cut(line, line->len < LIVE_WIDTH ? line->len : LIVE_WIDTH);
    say(live->cli, "  %s", buf_text(line));
    fflush(stdout);
    live->lines++;
}

void diagnosis_live_step(struct diagnosis_live *live, const struct doctor_step *step)
{
    HELD(buf) line = BUF(LINE_MAX_LEN);

    if (!is_watched(live))
        return;
    step_line(&line, step);
    live_line(live, &line);
}

void diagnosis_live_sight(struct diagnosis_live *live, const struct around_sight *sight)
{
    static const char *const words[] = {
        [AROUND_UNTRIED] = "-", [AROUND_WORKS] = "works", [AROUND_ANSWERS] = "answers", [AROUND_SILENT] = "silent",
        [AROUND_REFUSED] = "refused", [AROUND_NO_WAY] = "no way", [AROUND_NO_NAME] = "no name",
    };
    HELD(buf) line = BUF(LINE_MAX_LEN);

    if (!is_watched(live))
        return;
    buf_addf(&line, "  %-8s  %s:%u", words[sight->state], sight->host, (unsigned)sight->port);
    live_line(live, &line);
}

void diagnosis_live_end(struct diagnosis_live *live)
{
    if (live->lines)
        printf("\x1b[%zuA\x1b[J", live->lines);
    live->lines = 0;
}

/* ---- for people ---- */

static void tell_target(struct cli *cli, const struct patient *patient, const struct doctor_report *report)
{
    const struct around_target *target = report->target;
    HELD(buf) address = BUF(LINE_MAX_LEN), host = BUF(LINE_MAX_LEN);

    str_printable(&address, span_of(patient->account ? patient->account->name : patient->address), LINE_MAX_LEN);
    if (!target->host) {
        say(cli, "%s", address.len ? buf_text(&address) : "The configuration");
        return;
    }
    str_printable(&host, span_of(target->host), LINE_MAX_LEN); /* what somebody took for a name */
    say(cli, "%s%s%s:%u (%s)", buf_text(&address), address.len ? " at " : "", buf_text(&host), (unsigned)target->port,
        target->security == SECURITY_TLS        ? "TLS"
        : target->security == SECURITY_STARTTLS ? "STARTTLS"
                                                : "clear text");
}

static void tell_evidence(const struct evidence *evidence, struct page *page)
{
    HELD(buf) line = BUF(3 * ERR_TEXT_MAX);

    buf_add(&line, evidence->err.text);
    if (evidence->err.reply)
        buf_addf(&line, ": %u %s", (unsigned)evidence->err.reply, evidence->err.said);
    else if (evidence->err.said[0])
        buf_addf(&line, ": %s", evidence->err.said);
    page_pair(page, "Found", buf_text(&line));
}

static void tell_ladder(const struct cli *cli, const struct doctor_report *report)
{
    say(cli, "%s", "");
    for (size_t i = 0; i < report->step_count; i++) {
        struct page page = page_to(cli, false);
        HELD(buf) line = BUF(LINE_MAX_LEN);
        char lead[64];
        step_line(&line, &report->steps[i]);
        struct span text = buf_span(&line);
        if (text.len <= HEAD_LEN) {
            while (text.len && text.at[text.len - 1] == ' ')
                text.len--;
            say(cli, "  %.*s", SPAN_ARG(text));
            continue;
        }
        snprintf(lead, sizeof lead, "%.*s", HEAD_LEN, text.at);
        page_text(&page, lead, text.at + HEAD_LEN);
    }
}

static bool is_ours(const struct around_sight *sight)
{
    return sight->role == AROUND_PORT || sight->role == AROUND_OTHERWISE || sight->role == AROUND_SIBLING;
}

/* Said where it is so: settings are ours to change, after a question. */
static void tell_fix(struct cli *cli, const struct patient *patient, const struct knowledge *know,
                     const struct doctor_report *report)
{
    struct mending mending;

    if (!patient->account)
        return;
    mending_choose(patient->account, know, report, &mending);
    if (mending.count)
        say(cli, "\noutpost can change the account's settings so: outpost doctor %s --fix", patient->account->name);
}

static void tell_other_way(struct cli *cli, const struct patient *patient, const struct doctor_report *report)
{
    if (!report->https)
        return;
    say(cli, "\nThe account's other way, by HTTPS (%s), %s", report->https,
        !report->https_works ? "does not work either."
        : patient->account->transport == TRANSPORT_AUTO || patient->account->transport == TRANSPORT_UNSET
            ? "works: mail goes out by it where SMTP is shut."
            : "works.");
}

/* On a line of its own the command can be copied whole, however narrow the terminal is. */
static void tell_alternative(const struct cli *cli, const char *address, const struct around_sight *sight)
{
    say(cli, "  %s:%u (%s)", sight->host, (unsigned)sight->port, sight->security == SECURITY_TLS ? "TLS" : "STARTTLS");
    say(cli, "      outpost setup %s --server %s:%u --security %s", address, sight->host, (unsigned)sight->port,
        security_word(sight->security));
}

/* What differs least from the settings comes first. */
static void tell_alternatives(struct cli *cli, const struct patient *patient, const struct doctor_report *report)
{
    const char *address = patient->account         ? patient->account->address
                          : patient->address[0] ? patient->address
                                                : "ADDRESS";
    bool told = false;

    for (size_t i = 0; i < 2 * report->around->count; i++) {
        const struct around_sight *sight = &report->around->at[i % report->around->count];
        bool least = sight->role == AROUND_OTHERWISE;
        if (!is_ours(sight) || sight->state != AROUND_WORKS || least != (i < report->around->count))
            continue;
        if (!told)
            say(cli, "\nThis works from here:");
        told = true;
        tell_alternative(cli, address, sight);
    }
    tell_other_way(cli, patient, report);
}

static void tell_notes(struct cli *cli, const struct doctor_report *report)
{
    struct page page = page_to(cli, false);

    for (size_t i = 0; i < report->notes->count; i++)
        page_pair(&page, i ? "" : "Note", report->notes->at[i].text);
}

void diagnosis_tell(struct cli *cli, const struct patient *patient, const struct knowledge *know,
                    const struct doctor_report *report, const struct diagnosis_more *more)
{
    struct page page = page_to(cli, false);

    if (cli->quiet)
        return;
    tell_target(cli, patient, report);
    if (report->ok)
        page_heading(&page, "Nothing is wrong");
    else if (report->judged)
        failure_explain(cli, false, know, &report->verdict, &report->evidence);
    else
        page_heading(&page, "Something is wrong that has no name yet");
    if (report->judged)
        page_pair(&page, "Cause", report->verdict.cause->id);
    if (!report->ok)
        tell_evidence(&report->evidence, &page);
    tell_notes(cli, report);
    tell_ladder(cli, report);
    tell_alternatives(cli, patient, report);
    if (more->foreign)
        foreign_tell(cli, more->foreign, know, report);
    else if (!more->remedy)
        tell_fix(cli, patient, know, report);
}

/* ---- for programs ---- */

static void json_target(struct json *json, const struct patient *patient, const struct doctor_report *report)
{
    const struct around_target *target = report->target;

    json_open(json, "target", '{');
    json_text(json, "account", patient->account ? patient->account->name : NULL);
    json_text(json, "address", patient->account         ? patient->account->address
                               : patient->address[0] ? patient->address
                                                     : NULL);
    json_text(json, "host", target->host);
    if (target->host)
        json_number(json, "port", target->port);
    else
        json_none(json, "port");
    json_text(json, "security", target->host ? security_word(target->security) : NULL);
    json_text(json, "provider", target->profile ? target->profile->id : NULL);
    json_close(json);
}

static void json_ok(struct json *json, enum doctor_state state)
{
    if (state == STEP_SKIPPED)
        json_none(json, "ok");
    else
        json_bool(json, "ok", state == STEP_OK);
}

static void json_steps(struct json *json, const struct doctor_report *report)
{
    json_open(json, "steps", '[');
    for (size_t i = 0; i < report->step_count; i++) {
        const struct doctor_step *step = &report->steps[i];
        json_open(json, NULL, '{');
        json_text(json, "step", doctor_rung_word(step->rung));
        json_ok(json, step->state);
        json_number(json, "ms", step->ms);
        json_open(json, "detail", '{');
        if (step->fact)
            json_text(json, "fact", step->fact);
        for (size_t k = 0; k < step->detail_count; k++)
            json_text(json, step->details[k].key, step->details[k].value);
        json_close(json);
        json_close(json);
    }
    json_close(json);
}

static void json_found(struct json *json, const struct evidence *evidence)
{
    json_open(json, "found", '[');
    for (size_t i = 0; evidence->found && evidence->found[i]; i++)
        json_text(json, NULL, evidence->found[i]);
    json_close(json);
}

static void json_notes(struct json *json, const struct doctor_report *report)
{
    json_open(json, "notes", '[');
    for (size_t i = 0; i < report->notes->count; i++) {
        json_open(json, NULL, '{');
        json_text(json, "note", report->notes->at[i].word);
        json_text(json, "text", report->notes->at[i].text);
        json_close(json);
    }
    json_close(json);
}

static void json_alternatives(struct json *json, const struct patient *patient, const struct doctor_report *report)
{
    json_open(json, "alternatives", '[');
    for (size_t i = 0; i < report->around->count; i++) {
        const struct around_sight *sight = &report->around->at[i];
        if (!is_ours(sight) || sight->state == AROUND_UNTRIED)
            continue;
        json_open(json, NULL, '{');
        json_text(json, "host", sight->host);
        json_number(json, "port", sight->port);
        json_text(json, "security", security_word(sight->security));
        json_bool(json, "ok", sight->state == AROUND_WORKS);
        json_close(json);
    }
    if (report->https) {
        json_open(json, NULL, '{');
        json_text(json, "host", patient->account->profile->http_api_host);
        json_number(json, "port", 443);
        json_text(json, "security", "tls");
        json_bool(json, "ok", report->https_works);
        json_text(json, "transport", report->https);
        json_close(json);
    }
    json_close(json);
}

bool diagnosis_json(struct cli *cli, const struct patient *patient, const struct knowledge *know,
                    const struct doctor_report *report, const struct diagnosis_more *more)
{
    HELD(buf) text = BUF(JSON_MAX);
    struct json json = json_to(&text);
    (void)cli;

    json_open(&json, NULL, '{');
    json_bool(&json, "ok", report->ok);
    json_target(&json, patient, report);
    if (report->judged)
        failure_members(&json, know, &report->verdict, &report->evidence);
    else
        json_none(&json, "cause");
    json_found(&json, &report->evidence);
    json_steps(&json, report);
    json_alternatives(&json, patient, report);
    json_notes(&json, report);
    if (more->remedy)
        remedy_json(&json, patient->account, more->remedy);
    if (more->foreign)
        foreign_json(&json, more->foreign, know, report);
    json_close(&json);
    return say_json(&text);
}
