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

/* A cause that is named needs no evidence. */
static bool is_named(const struct text_evidence *found, struct verdict *ret_verdict)
{
    const struct cause *cause = found->named;

    if (cause)
        *ret_verdict = (struct verdict){ .cause = cause, .scope = cause->scope, .retry = cause->retry };
    return cause != NULL;
}

/* ---- what would tell more ---- */

enum { ASKS_MOST = 3, ASK_LEN = 400 };

struct asks {
    char at[ASKS_MOST][ASK_LEN];
    size_t count;
};

static void ask_server(struct asks *asks, const struct text_evidence *found, const char *lead)
{
    const char *host = found->host[0] ? found->host : "HOST";

    if (found->host[0] && found->port)
        snprintf(asks->at[asks->count++], ASK_LEN, "%soutpost doctor %s:%u", lead, host, (unsigned)found->port);
    else
        snprintf(asks->at[asks->count++], ASK_LEN, "%soutpost doctor %s", lead, host);
}

/* Where nothing is known, whatever could make it known; where several causes of the server's or of the way to it fit,
 * the look that parts them. */
static void ask(struct asks *asks, const struct text_evidence *found, const struct verdict *verdict)
{
    asks->count = 0;
    if (!verdict) {
        snprintf(asks->at[asks->count++], ASK_LEN, "%s", "Give all that was printed, the lines before the last too: outpost explain - <LOG");
        snprintf(asks->at[asks->count++], ASK_LEN, "%s",
                 "Name the moment (connect, tls, greeting, auth, mail, rcpt, end, token): outpost explain --stage auth TEXT");
        ask_server(asks, found, "Have the server looked at: ");
    } else if ((found->host[0] || verdict->guess) && verdict->also_count && verdict->scope == SCOPE_CONNECTION) {
        ask_server(asks, found, "");
    }
}

static void asks_json(struct json *json, const struct asks *asks)
{
    json_open(json, "ask", '[');
    for (size_t i = 0; i < asks->count; i++)
        json_text(json, NULL, asks->at[i]);
    json_close(json);
}

/* ---- */

static int tell_nothing(const struct cli *cli, const struct text_evidence *found)
{
    struct page page = page_to(cli, false);
    HELD(buf) text = BUF(16 * 1024);
    struct asks asks;
    char number[32];

    ask(&asks, found, NULL);
    if (cli->json) {
        struct json json = json_to(&text);
        json_open(&json, NULL, '{');
        json_none(&json, "cause");
        asks_json(&json, &asks);
        json_close(&json);
        return say_json(&text) ? 1 : err_exit_status(ERR_IO);
    }
    say(cli, "%s", "No failure to send mail is known by this text. If it is one, this would tell:");
    for (size_t i = 0; i < asks.count && !cli->quiet; i++) {
        snprintf(number, sizeof number, "%zu. ", i + 1);
        page_text(&page, number, asks.at[i]);
    }
    return 1;
}

static int tell_json(const struct knowledge *know, const struct verdict *verdict, const struct text_evidence *found,
                     const struct evidence *evidence)
{
    HELD(buf) text = BUF(256 * 1024);
    struct json json = json_to(&text);
    struct asks asks;

    ask(&asks, found, verdict);
    json_open(&json, NULL, '{');
    failure_members(&json, know, verdict, evidence);
    asks_json(&json, &asks);
    recipients_json(&json, know, found);
    json_close(&json);
    return say_json(&text) ? 0 : err_exit_status(ERR_IO);
}

static int tell(const struct cli *cli, const struct knowledge *know, const struct text_evidence *found,
                const struct evidence *evidence)
{
    struct verdict verdict;
    struct asks asks;

    if (!is_named(found, &verdict) && !classify(know, evidence, &verdict))
        return tell_nothing(cli, found);
    if (cli->json)
        return tell_json(know, &verdict, found, evidence);
    say(cli, "%s", verdict.cause->id);
    if (!cli->quiet)
        failure_explain(cli, false, know, &verdict, evidence);
    ask(&asks, found, &verdict);
    if (asks.count && !cli->quiet) {
        struct page page = page_to(cli, false);
        page_pair(&page, "Which?", asks.at[0]);
    }
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
    return tell(cli, know, found, &evidence);
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
