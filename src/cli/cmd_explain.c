#include <stdio.h>

#include "base/str.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/world.h"
#include "cli/print.h"
#include "know/profile.h"
#include "know/text.h"

#include "base/banned.h"

static const struct option options[] = {
    { 0, "provider", OPTION_VALUE, "ID", "who said it: outlook.com, gmail, ... (outpost settings tells)" },
    { 0, "stage", OPTION_VALUE, "STAGE", "when: connect, tls, greeting, ehlo, auth, mail, rcpt, end, ..." },
    { 0, "mechanism", OPTION_VALUE, "NAME", "the sign-in that was tried: PLAIN, XOAUTH2, ..." },
    { 0, "port", OPTION_NUMBER, "PORT", "the port" },
    { 0, "security", OPTION_VALUE, "KIND", "starttls, tls or none" },
};

/* What was said beside the text sharpens what was read from it. */
static bool sharpen(const struct cli *cli, const struct knowledge *know, struct evidence *evidence,
                    struct err *err)
{
    const char *provider = arguments_text(&cli->args, "provider");
    const char *stage = arguments_text(&cli->args, "stage");
    const char *security = arguments_text(&cli->args, "security");
    enum security kind;

    if (provider && !know_profile(know, provider))
        return err_set(err, ERR_USAGE, "there is no provider \"%.40s\"; outpost settings ADDRESS "
                                       "tells a provider's id", provider);
    if (stage && !stage_from_word(span_of(stage), &evidence->stage))
        return err_set(err, ERR_USAGE, "--stage knows no \"%.40s\"; it takes resolve, connect, tls, "
                                       "greeting, ehlo, starttls, token, auth, mail, rcpt, data, "
                                       "body, end, https or local", stage);
    if (security && !security_from_word(span_of(security), &kind))
        return err_set(err, ERR_USAGE, "--security takes starttls, tls or none");
    if (provider)
        evidence->provider = provider;
    if (security)
        evidence->security = security_word(kind);
    if (arguments_has(&cli->args, "mechanism"))
        evidence->mechanism = arguments_text(&cli->args, "mechanism");
    evidence->port = (uint16_t)arguments_number(&cli->args, "port", evidence->port);
    return true;
}

static void recipients_json(struct json *json, const struct knowledge *know,
                            const struct text_evidence *found)
{
    struct verdict verdict;

    if (found->recipient_count == 0)
        return;
    json_open(json, "recipients", '[');
    for (size_t i = 0; i < found->recipient_count; i++) {
        const struct text_recipient *recipient = &found->recipients[i];
        bool known = classify(know, &recipient->evidence, &verdict);
        json_open(json, NULL, '{');
        json_text(json, "address", recipient->address);
        json_text(json, "action", recipient->action);
        json_text(json, "status", recipient->status);
        json_text(json, "cause", known ? verdict.cause->id : NULL);
        json_close(json);
    }
    json_close(json);
}

/* A cause that is called by its id needs no evidence. */
static bool is_named(const struct knowledge *know, struct span text, struct verdict *ret_verdict)
{
    HELD(buf) id = BUF(100);

    buf_add_span(&id, span_trim(text));
    const struct cause *cause = know_cause(know, buf_text(&id));
    if (cause)
        *ret_verdict = (struct verdict){ .cause = cause, .scope = cause->scope, .retry = cause->retry };
    return cause != NULL;
}

static int tell(const struct cli *cli, const struct knowledge *know, struct span said,
                const struct text_evidence *found, const struct evidence *evidence)
{
    struct verdict verdict;

    if (!is_named(know, said, &verdict) && !classify(know, evidence, &verdict)) {
        if (cli->json)
            puts("{\"cause\":null}");
        else
            say(cli, "Nothing in this text tells of a failure to send mail. If it does, name the "
                     "moment: outpost explain --stage auth TEXT");
        return 1;
    }
    if (cli->json) {
        HELD(buf) text = BUF(256 * 1024);
        struct json json = json_to(&text);
        json_open(&json, NULL, '{');
        failure_members(&json, know, &verdict, evidence);
        recipients_json(&json, know, found);
        json_close(&json);
        return say_json(&text) ? 0 : err_exit_status(ERR_IO);
    }
    say(cli, "%s", verdict.cause->id);
    if (!cli->quiet)
        failure_explain(cli, false, know, &verdict, evidence);
    for (size_t i = 0; i < found->recipient_count; i++)
        if (classify(know, &found->recipients[i].evidence, &verdict))
            say(cli, "  %-30s %-9s %-8s %s", found->recipients[i].address,
                found->recipients[i].action, found->recipients[i].status, verdict.cause->id);
    return 0;
}

static int run(struct cli *cli)
{
    struct err err = { 0 };
    HELD(buf) text = BUF(TEXT_MOST);
    OWN(text_evidence) found = NULL;
    const struct knowledge *know = cli_knowledge(cli, &err);

    if (!know || !input_words(cli, &text, &err) ||
        !text_read(know, buf_span(&text), &found, &err))
        return fail_here(cli, &err);
    struct evidence evidence = found->evidence;
    if (!sharpen(cli, know, &evidence, &err))
        return fail_here(cli, &err);
    return tell(cli, know, buf_span(&text), found, &evidence);
}

const struct command command_explain = {
    .name = "explain",
    .takes = "TEXT | -",
    .does = "tell what an error text means, who can mend it and how",
    .more = "TEXT is any reply, log line, bounce or error message, or a cause's id; \"-\" reads it from standard input.",
    .options = options,
    .option_count = COUNT(options),
    .operands_least = 1,
    .operands_most = 1000,
    .run = run,
};
