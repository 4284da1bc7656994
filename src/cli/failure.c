#include "cli/failure.h"

#include <stdio.h>
#include <unistd.h>

#include "cli/world.h"
#include "cli/print.h"
#include "cli/topics.h"

#include "base/banned.h"

static const struct {
    const char *who, *words;
} actors[] = {
    { "provider",      "only the provider can change this"         },
    { "org-admin",     "your organisation's mail administrator"    },
    { "server-admin",  "whoever runs the mail server"              },
    { "you:account",   "you, in your account with the provider"    },
    { "you:settings",  "you, in outpost's settings"                },
    { "you:machine",   "you, on this machine"                      },
    { "you:message",   "you, in the message"                       },
    { "you:behaviour", "you, by sending less or more slowly"       },
    { "network",       "whoever runs this network"                 },
    { "wait",          "nobody: it passes by itself"               },
};

const char *failure_who_words(const char *who, bool pasted)
{
    if (pasted && strcmp(who, "you:settings") == 0)
        return "you, in the settings of the program that sends";
    for (size_t i = 0; i < COUNT(actors); i++)
        if (strcmp(actors[i].who, who) == 0)
            return actors[i].words;
    return who;
}

/* A refusal's status depends on where it came: 4yz is "not now" anywhere in SMTP. */
int failure_status(const struct evidence *evidence)
{
    const struct err *err = &evidence->err;

    if (err->kind != ERR_REPLY || evidence->stage == STAGE_HTTPS)
        return err_exit_status(err->kind);
    if (err->reply >= 400 && err->reply < 500)
        return err_exit_status(ERR_LATER);
    if (evidence->stage == STAGE_AUTH || evidence->stage == STAGE_TOKEN)
        return err_exit_status(ERR_SIGNIN);
    return err_exit_status(evidence->stage == STAGE_RCPT ? ERR_RECIPIENT : ERR_REPLY);
}

/* The catalogue tells of every command there will ever be; this program shows the steps that it can
 * take itself. A step that runs another's command, or none, is always shown. */
static bool step_is_ours(const char *step)
{
    struct span rest = span_of(step), word;
    const struct command *command;
    size_t used;

    rest = span_from(rest, span_find_text(rest, ": outpost "));
    if (rest.len == 0)
        return true;
    char words[2][24] = { "", "" };
    span_split(&rest, ' ', &word);
    span_split(&rest, ' ', &word);
    for (size_t i = 0; i < 2 && span_split(&rest, ' ', &word); i++)
        snprintf(words[i], sizeof words[i], "%.*s", SPAN_ARG(word));
    command = command_find(2, (const char *const[]){ words[0], words[1] }, &used);
    if (!command || (used == 1 && command->operands_most == 0 && words[1][0] >= 'a'))
        return false; /* of a family ("account"), but none of its commands */
    if (strcmp(command->name, "help") == 0 && !topic_find(words[1]) &&
        !command_find(1, (const char *const[]){ words[1] }, &used))
        return false; /* a page that is not written */
    rest = span_from(span_of(step), span_find_text(span_of(step), ": outpost "));
    while (span_split(&rest, ' ', &word))
        if (span_starts(word, "--") && word.len > 2 && !option_find(command, span_from(word, 2)))
            return false;
    return true;
}

size_t failure_steps(const struct knowledge *know, const struct verdict *verdict,
                     const struct evidence *evidence, const char **ret_steps)
{
    const char *all[FAILURE_STEPS_MAX];
    size_t count = cause_fixes(know, verdict->cause, evidence->provider, evidence->pasted, all, FAILURE_STEPS_MAX);
    size_t kept = 0;

    for (size_t i = 0; i < count; i++)
        if (step_is_ours(all[i]))
            ret_steps[kept++] = all[i];
    return kept;
}

size_t failure_steps_of(struct cli *cli, const struct cause *cause, struct span account, const char **ret_steps)
{
    const struct knowledge *know = failure_knowledge(cli);
    const struct config *config = cli_config(cli, NULL);
    const struct verdict verdict = { .cause = cause };
    struct evidence evidence = { .provider = NULL };

    for (size_t i = 0; config && i < config->account_count; i++)
        if (span_is(account, config->accounts[i]->name) && config->accounts[i]->profile)
            evidence.provider = config->accounts[i]->profile->id;
    return know ? failure_steps(know, &verdict, &evidence, ret_steps) : 0;
}

/* What another program's words mean is told of that program. */
static const char *title_of(const struct cause *cause, const struct evidence *evidence)
{
    return evidence->pasted ? cause->elsewhere_title : cause->title;
}

static const char *meaning_of(const struct cause *cause, const struct evidence *evidence)
{
    return evidence->pasted ? cause->elsewhere_meaning : cause->meaning;
}

static void evidence_text(struct buf *out, const struct err *err)
{
    if (err->said[0] && err->reply)
        buf_addf(out, "%u ", err->reply);
    buf_add(out, err->said[0] ? err->said : err->text);
}

void failure_members(struct json *json, const struct knowledge *know, const struct verdict *verdict,
                     const struct evidence *evidence)
{
    const struct cause *cause = verdict->cause;
    const char *steps[FAILURE_STEPS_MAX];
    size_t count = failure_steps(know, verdict, evidence, steps);
    HELD(buf) text = BUF(2 * ERR_TEXT_MAX);

    json_text(json, "cause", cause->id);
    json_open(json, "also", '[');
    for (size_t i = 0; i < verdict->also_count; i++)
        json_text(json, NULL, verdict->also[i]->id);
    json_close(json);
    json_bool(json, "guess", verdict->guess);
    json_text(json, "title", title_of(cause, evidence));
    json_text(json, "meaning", meaning_of(cause, evidence));
    json_open(json, "fix", '[');
    for (size_t i = 0; i < count; i++)
        json_text(json, NULL, steps[i]);
    json_close(json);
    json_text(json, "who", cause->who);
    json_text(json, "takes", cause->takes);
    json_text(json, "scope", scope_word(verdict->scope));
    json_text(json, "retry", retry_word(verdict->retry));
    json_text(json, "provider", evidence->provider);
    json_text(json, "stage", stage_word(evidence->stage));
    evidence_text(&text, &evidence->err);
    json_text(json, "evidence", buf_text(&text));
}

void failure_explain(const struct cli *cli, bool to_stderr, const struct knowledge *know,
                     const struct verdict *verdict, const struct evidence *evidence)
{
    const struct cause *cause = verdict->cause;
    struct page page = page_to(cli, to_stderr);
    const char *steps[FAILURE_STEPS_MAX];
    size_t count = failure_steps(know, verdict, evidence, steps);
    char number[32];

    page_heading(&page, title_of(cause, evidence));
    page_text(&page, "", meaning_of(cause, evidence));
    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof number, "%zu. ", i + 1);
        page_text(&page, number, steps[i]);
    }
    page_pair(&page, "Who", failure_who_words(cause->who, evidence->pasted));
    page_pair(&page, "Takes", cause->takes);
    if (verdict->guess)
        page_pair(&page, "Sure?", "a guess: what was said is not known, only what it speaks of, its place and its code");
    for (size_t i = 0; i < verdict->also_count; i++)
        page_pair(&page, i ? "" : "Or", title_of(verdict->also[i], evidence));
}

/* Without memory there is no knowledge to judge by, and no need of it. */
static const char *cause_of(const struct verdict *verdict, const struct evidence *evidence)
{
    if (verdict)
        return verdict->cause->id;
    return evidence->err.kind == ERR_MEMORY ? "out_of_memory" : NULL;
}

static void line_to_stderr(const struct evidence *evidence, const struct verdict *verdict)
{
    const struct err *err = &evidence->err;

    fflush(stdout); /* what was said before stands before it */
    fprintf(stderr, "outpost: %s", err->text);
    if (err->reply)
        fprintf(stderr, err->said[0] ? ": %u %s" : ": %u", err->reply, err->said);
    else if (err->said[0])
        fprintf(stderr, ": %s", err->said);
    if (cause_of(verdict, evidence))
        fprintf(stderr, " (%s)", cause_of(verdict, evidence));
    fputc('\n', stderr);
}

static void failure_json(const struct knowledge *know, const struct verdict *verdict,
                         const struct evidence *evidence)
{
    HELD(buf) text = BUF(64 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    if (verdict) {
        failure_members(&json, know, verdict, evidence);
    } else {
        json_text(&json, "cause", cause_of(NULL, evidence));
        json_text(&json, "evidence", evidence->err.text);
    }
    json_close(&json);
    if (!say_json(&text) && text.full)
        puts("{\"cause\":\"out_of_memory\"}");
}

const struct knowledge *failure_knowledge(struct cli *cli)
{
    const struct knowledge *know = cli_knowledge(cli, NULL);

    return know ? know : cli_built_in(cli, NULL);
}

static const struct knowledge *judge(struct cli *cli, const struct evidence *evidence,
                                     struct verdict *verdict)
{
    const struct knowledge *know = failure_knowledge(cli);

    return know && classify(know, evidence, verdict) ? know : NULL;
}

/* Of a mistyped line the way out stands in the line itself. */
static bool is_explained(const struct cli *cli, const struct evidence *evidence)
{
    return !cli->json && !cli->quiet && isatty(STDERR_FILENO) && evidence->err.kind != ERR_USAGE;
}

void failure_tell(struct cli *cli, const struct evidence *evidence)
{
    struct verdict verdict;
    const struct knowledge *know = judge(cli, evidence, &verdict);

    line_to_stderr(evidence, know ? &verdict : NULL);
    if (know && is_explained(cli, evidence))
        failure_explain(cli, true, know, &verdict, evidence);
}

int fail(struct cli *cli, const struct evidence *evidence)
{
    struct verdict verdict;

    failure_tell(cli, evidence);
    if (cli->json) {
        const struct knowledge *know = judge(cli, evidence, &verdict);
        failure_json(know, know ? &verdict : NULL, evidence);
    }
    return failure_status(evidence);
}

int fail_here(struct cli *cli, const struct err *err)
{
    struct evidence evidence = { .stage = STAGE_LOCAL, .err = *err };
    return fail(cli, &evidence);
}
