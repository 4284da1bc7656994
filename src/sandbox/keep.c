#include "sandbox/keep.h"

#include "base/json.h"
#include "mail/date.h"
#include "mail/envelope.h"

#include "base/banned.h"

enum { ENVELOPE_JSON_MAX = 1024 * 1024 };

/* The time, which of this run, and chance. */
static bool add_name(struct sandbox *sandbox, struct buf *out)
{
    uint32_t chance;

    if (!random_fill(sandbox->options->dice, &chance, sizeof chance, NULL))
        return false;
    buf_addf(out, "%llu.%llu_%08x.sandbox", (unsigned long long)sandbox_wall(sandbox) / 1000,
             (unsigned long long)++sandbox->names, (unsigned)chance);
    return !out->full;
}

bool keep_begin(struct sandbox *sandbox, struct maildir_message **ret_message)
{
    HELD(buf) name = BUF(128);

    return add_name(sandbox, &name) &&
           maildir_begin(sandbox->maildir, buf_text(&name), ret_message, NULL);
}

static const char *body_word(enum envelope_body body)
{
    return body == BODY_7BIT ? "7bit" : body == BODY_8BIT ? "8bitmime" : "binarymime";
}

static void write_facts(const struct sandbox *sandbox, const struct keep_facts *facts, struct buf *out)
{
    const struct envelope *envelope = facts->envelope;
    HELD(buf) date = BUF(40);
    struct json json = json_to(out);

    date_add_rfc3339(&date, sandbox_wall(sandbox) / 1000);
    json_open(&json, NULL, '{');
    json_text(&json, "from", envelope->sender);
    json_open(&json, "to", '[');
    for (size_t i = 0; i < envelope->count; i++)
        json_text(&json, NULL, envelope->recipients[i].address);
    json_close(&json);
    json_text(&json, "user", facts->user);
    json_text(&json, "hello", facts->hello);
    json_bool(&json, "tls", facts->tls);
    json_text(&json, "received", buf_text(&date));
    json_number(&json, "size", facts->size);
    json_text(&json, "body", body_word(envelope->body));
    json_bool(&json, "smtputf8", envelope->smtputf8);
    json_text(&json, "envid", envelope->envid);
    json_text(&json, "via", facts->via);
    json_close(&json);
    buf_add_char(out, '\n');
}

bool keep_end(struct sandbox *sandbox, struct maildir_message *message, const struct keep_facts *facts)
{
    HELD(buf) text = BUF(ENVELOPE_JSON_MAX);

    write_facts(sandbox, facts, &text);
    return !text.full && maildir_keep(message, buf_span(&text), NULL);
}
