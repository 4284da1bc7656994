#include "cli/sent.h"

#include <stdio.h>

#include "base/str.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "os/file.h"

#include "base/banned.h"

enum { REPORT_MAX = 16 * 1024 * 1024, SHOWN_MESSAGE_MAX = 64 * 1024 * 1024 };

static const char *state_word(const struct sending *sending, size_t i)
{
    static const char *const words[] = {
        [SMTP_FATE_OPEN] = "failed",     [SMTP_FATE_TAKEN] = "delivered",
        [SMTP_FATE_LATER] = "deferred",  [SMTP_FATE_REFUSED] = "failed",
        [SMTP_FATE_UNKNOWN] = "unknown",
    };

    return sending->failed ? "failed" : words[sending->outcomes[i].fate];
}

static size_t count_fate(const struct sending *sending, enum smtp_fate fate)
{
    size_t count = 0;

    for (size_t i = 0; !sending->failed && i < sending->count; i++)
        count += sending->outcomes[i].fate == fate;
    return count;
}

static const char *outcome_word(const struct sending *sending)
{
    size_t taken = count_fate(sending, SMTP_FATE_TAKEN);

    if (count_fate(sending, SMTP_FATE_UNKNOWN))
        return "unknown";
    return taken == 0 ? "failed" : taken == sending->count ? "delivered" : "partial";
}

/* ---- for scripts ---- */

static void reply_text(struct buf *out, const struct err *err)
{
    if (err->reply)
        buf_addf(out, "%u %s", err->reply, err->said);
}

static void recipients_json(struct json *json, struct cli *cli, const struct prepared *prepared,
                            const struct sending *sending)
{
    const struct knowledge *know = failure_knowledge(cli);

    json_open(json, "recipients", '[');
    for (size_t i = 0; i < prepared->envelope->count; i++) {
        const struct evidence *evidence =
            sending->failed ? &sending->failure : &sending->outcomes[i].evidence;
        bool taken = !sending->failed && sending->outcomes[i].fate == SMTP_FATE_TAKEN;
        struct verdict verdict;
        HELD(buf) reply = BUF(2 * ERR_TEXT_MAX);
        reply_text(&reply, &evidence->err);
        json_open(json, NULL, '{');
        json_text(json, "address", prepared->envelope->recipients[i].address);
        json_text(json, "state", state_word(sending, i));
        json_text(json, "reply", reply.len ? buf_text(&reply) : NULL);
        json_text(json, "cause", !taken && know && classify(know, evidence, &verdict)
                                     ? verdict.cause->id
                                     : NULL);
        json_close(json);
    }
    json_close(json);
}

static void first_failure_json(struct json *json, struct cli *cli, const struct sending *sending)
{
    const struct knowledge *know = failure_knowledge(cli);
    const struct evidence *evidence = sending->failed ? &sending->failure : NULL;
    struct verdict verdict;

    for (size_t i = 0; !evidence && i < sending->count; i++)
        if (sending->outcomes[i].fate != SMTP_FATE_TAKEN)
            evidence = &sending->outcomes[i].evidence;
    if (!evidence || !know || !classify(know, evidence, &verdict))
        return;
    json_open(json, "failure", '{');
    failure_members(json, know, &verdict, evidence);
    json_close(json);
}

static bool tell_json(struct cli *cli, const struct account *account,
                      const struct prepared *prepared, const struct sending *sending)
{
    HELD(buf) text = BUF(REPORT_MAX);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_none(&json, "id");
    json_text(&json, "outcome", outcome_word(sending));
    json_text(&json, "account", account->name);
    json_text(&json, "message_id", prepared->message_id);
    json_text(&json, "transport", sending->transport);
    recipients_json(&json, cli, prepared, sending);
    first_failure_json(&json, cli, sending);
    json_close(&json);
    return say_json(&text);
}

/* ---- for people ---- */

static bool same_story(const struct sending *sending, size_t a, size_t b)
{
    const struct evidence *one = &sending->outcomes[a].evidence, *other = &sending->outcomes[b].evidence;

    return sending->outcomes[a].fate == sending->outcomes[b].fate && one->stage == other->stage &&
           one->err.reply == other->err.reply && strcmp(one->err.said, other->err.said) == 0 &&
           strcmp(one->err.text, other->err.text) == 0;
}

/* One failure is told once, however many recipients it has: their addresses stand in front. */
static void tell_failures(struct cli *cli, const struct prepared *prepared,
                          const struct sending *sending)
{
    for (size_t i = 0, next; i < sending->count; i = next) {
        struct evidence evidence = sending->outcomes[i].evidence;
        HELD(buf) who = BUF(400);
        for (next = i + 1; next < sending->count && same_story(sending, i, next);)
            next++;
        if (sending->outcomes[i].fate == SMTP_FATE_TAKEN)
            continue;
        str_printable(&who, span_of(prepared->envelope->recipients[i].address), 200);
        if (next - i > 1)
            buf_addf(&who, " and %zu more", next - i - 1);
        err_in(&evidence.err, "%s%s", buf_text(&who),
               sending->outcomes[i].fate == SMTP_FATE_UNKNOWN
                   ? ": it may have been delivered, or not: don't just send it again"
                   : "");
        failure_tell(cli, &evidence);
    }
}

static void tell_success(const struct cli *cli, const struct sending *sending)
{
    size_t taken = count_fate(sending, SMTP_FATE_TAKEN);

    for (size_t i = 0; i < sending->count; i++) {
        const struct evidence *evidence = &sending->outcomes[i].evidence;
        if (sending->outcomes[i].fate != SMTP_FATE_TAKEN)
            continue;
        say(cli, "Delivered to %zu recipient%s by %s: %u %s", taken, taken == 1 ? "" : "s",
            evidence->host, evidence->err.reply, evidence->err.said);
        return;
    }
}

int sent_tell(struct cli *cli, const struct account *account, const struct prepared *prepared,
              const struct sending *sending)
{
    if (cli->json && !tell_json(cli, account, prepared, sending))
        return err_exit_status(ERR_IO);
    if (sending->failed) {
        failure_tell(cli, &sending->failure);
    } else {
        tell_success(cli, sending);
        tell_failures(cli, prepared, sending);
    }
    return sending_status(sending);
}

/* ---- nothing is sent ---- */

static bool message_text(const struct prepared *prepared, struct buf *out, struct err *err)
{
    if (prepared->size > out->ceiling)
        return err_set(err, ERR_LIMIT, "the message is too large to be shown in JSON");
    char *room = buf_room(out, prepared->size);
    size_t len = 0;

    if (!room)
        return err_no_memory(err);
    if (!file_read_at(prepared->fd, 0, room, prepared->size, &len, err))
        return false;
    buf_wrote(out, len);
    return len == prepared->size || err_set(err, ERR_IO, "the message ends too early");
}

static bool dry_json(const struct account *account, const struct prepared *prepared,
                     struct err *err)
{
    HELD(buf) message = BUF(SHOWN_MESSAGE_MAX);
    HELD(buf) text = BUF((size_t)6 * SHOWN_MESSAGE_MAX);
    struct json json = json_to(&text);

    if (!message_text(prepared, &message, err))
        return false;
    json_open(&json, NULL, '{');
    json_text(&json, "account", account->name);
    json_text(&json, "from", prepared->envelope->sender);
    json_open(&json, "recipients", '[');
    for (size_t i = 0; i < prepared->envelope->count; i++)
        json_text(&json, NULL, prepared->envelope->recipients[i].address);
    json_close(&json);
    json_bool(&json, "smtputf8", prepared->envelope->smtputf8);
    json_number(&json, "size", prepared->size);
    json_span(&json, "message", buf_span(&message));
    json_close(&json);
    return say_json(&text) || err_set(err, ERR_IO, "writing to standard output");
}

/* A byte at a time there are no letters beyond ASCII, and one of them may be a command, too. */
static void put_byte(char byte, bool safely)
{
    bool plain = (unsigned char)byte >= 0x20 && (unsigned char)byte < 0x7f;

    if (safely && !plain && byte != '\n' && byte != '\t')
        printf("\\x%02x", (unsigned char)byte);
    else
        putchar(byte);
}

/* The message with line ends as files have them here; escapes in it are the message's own, so a terminal
 * gets it made safe. */
static bool copy_message(const struct cli *cli, const struct prepared *prepared, struct err *err)
{
    char piece[8 * 1024];

    size_t len = sizeof piece;

    for (uint64_t at = 0; len == sizeof piece; at += len) {
        if (!file_read_at(prepared->fd, at, piece, sizeof piece, &len, err))
            return false;
        for (size_t i = 0; i < len; i++)
            if (piece[i] != '\r')
                put_byte(piece[i], cli->terminal);
    }
    return true;
}

int sent_dry(struct cli *cli, const struct account *account, const struct prepared *prepared)
{
    const struct envelope *envelope = prepared->envelope;
    struct err err = { 0 };
    bool good = true;

    if (cli->json) {
        good = dry_json(account, prepared, &err);
    } else if (!cli->quiet) {
        say_heading(cli, "Not sent; this would go out by the account %s (%s:%u)", account->name,
                    account->server.name, account->server.port);
        say(cli, "From: %s", *envelope->sender ? envelope->sender : "<>");
        for (size_t i = 0; i < envelope->count; i++)
            say(cli, "To:   %s", envelope->recipients[i].address);
        say(cli, "Size: %llu bytes\n", (unsigned long long)prepared->size);
        good = copy_message(cli, prepared, &err);
    }
    if (good && (fflush(stdout) != 0 || ferror(stdout)))
        return err_exit_status(ERR_IO); /* to be seen was all it was for; main() tells */
    return good ? 0 : fail_here(cli, &err);
}
