/* The diagnosis for strangers. Nothing is deleted here from what is private: what is listed is all there is. */
#include <stdio.h>

#include "cli/diagnosis.h"
#include "cli/print.h"
#include "smtp/sasl.h"

#include "base/banned.h"

enum { SHARE_MAX = 32 * 1024 };

/* A provider's own, which everybody can read in its help pages; else a word for it. */
static const char *public_host(const struct around_target *target, const char *host)
{
    const struct profile *profile = target->profile;

    for (size_t i = 0; profile && profile->kind != PROFILE_BRIDGE && i < profile->server_count; i++)
        if (strcmp(profile->servers[i].host, host) == 0)
            return profile->servers[i].host;
    return "(a server)";
}

/* A word of a fixed list, whatever a server said. */
static const char *known_mechanism(const char *name)
{
    enum sasl_mechanism known;

    return name && sasl_from_name(span_of(name), &known) ? sasl_name(known) : NULL;
}

static void share_steps(struct json *json, const struct doctor_report *report)
{
    json_open(json, "steps", '[');
    for (size_t i = 0; i < report->step_count; i++) {
        const struct doctor_step *step = &report->steps[i];
        json_open(json, NULL, '{');
        json_text(json, "step", doctor_rung_word(step->rung));
        if (step->state == STEP_SKIPPED)
            json_none(json, "ok");
        else
            json_bool(json, "ok", step->state == STEP_OK);
        json_number(json, "ms", step->ms);
        json_text(json, "fact", step->fact);
        json_close(json);
    }
    json_close(json);
}

static void share_around(struct json *json, const struct doctor_report *report)
{
    static const char *const roles[] = { "port", "other security", "provider's server", "other provider", "https" };
    static const char *const states[] = { "untried", "works", "answers", "silent", "refused", "no way", "no name" };

    json_open(json, "around", '[');
    for (size_t i = 0; i < report->around->count; i++) {
        const struct around_sight *sight = &report->around->at[i];
        json_open(json, NULL, '{');
        json_text(json, "role", roles[sight->role]);
        json_number(json, "port", sight->port);
        json_text(json, "state", states[sight->state]);
        json_text(json, "fact", sight->fact);
        json_close(json);
    }
    json_close(json);
}

static void share_reply(struct json *json, const struct err *err)
{
    char enhanced[24] = "";

    if (err->enhanced[0])
        snprintf(enhanced, sizeof enhanced, "%u.%u.%u", (unsigned)err->enhanced[0], (unsigned)err->enhanced[1],
                 (unsigned)err->enhanced[2]);
    json_number(json, "reply", err->reply);
    json_text(json, "enhanced", enhanced[0] ? enhanced : NULL);
    json_text(json, "fact", err->fact);
}

static void share_members(struct json *json, const struct doctor_report *report)
{
    const struct around_target *target = report->target;

    json_text(json, "outpost", OUTPOST_VERSION);
    json_bool(json, "ok", report->ok);
    json_text(json, "cause", report->judged ? report->verdict.cause->id : NULL);
    json_bool(json, "guess", report->judged && report->verdict.guess);
    json_text(json, "provider", target->profile ? target->profile->id : NULL);
    if (target->host) { /* else there was nobody to look at */
        json_text(json, "host", public_host(target, target->host));
        json_number(json, "port", target->port);
        json_text(json, "security", security_word(target->security));
    }
    json_text(json, "stage", report->ok ? NULL : stage_word(report->evidence.stage));
    json_text(json, "mechanism", known_mechanism(report->evidence.mechanism));
    share_reply(json, &report->evidence.err);
    json_open(json, "found", '[');
    for (size_t i = 0; report->evidence.found && report->evidence.found[i]; i++)
        json_text(json, NULL, report->evidence.found[i]);
    json_close(json);
    json_open(json, "notes", '[');
    for (size_t i = 0; i < report->notes->count; i++)
        json_text(json, NULL, report->notes->at[i].word);
    json_close(json);
    share_steps(json, report);
    share_around(json, report);
    if (report->https)
        json_bool(json, report->https, report->https_works);
}

bool diagnosis_share(struct cli *cli, const struct doctor_report *report)
{
    HELD(buf) text = BUF(SHARE_MAX);
    struct json json = json_to(&text);
    (void)cli;

    json_open(&json, NULL, '{');
    share_members(&json, report);
    json_close(&json);
    return say_json(&text);
}
