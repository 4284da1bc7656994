#include "relay/notify_form.h"

#include "base/json.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/mbox.h"

#include "base/banned.h"

static const char *or_none(const char *text)
{
    return text ? text : "";
}

void notify_form_text(const struct notice *notice, struct buf *out)
{
    buf_addf(out, "%s\n\n%s", notice->subject, or_none(notice->text));
    if (out->len && out->at[out->len - 1] != '\n')
        buf_add_char(out, '\n');
}

static void add_line(struct buf *out, const char *value)
{
    for (; *value; value++)
        buf_add_char(out, *value == '\n' || *value == '\r' ? ' ' : *value);
}

void notify_form_variables(const struct notice *notice, struct buf *texts,
                           const char *variables[NOTIFY_VARIABLES + 1])
{
    const struct {
        const char *name, *value;
    } all[NOTIFY_VARIABLES] = {
        { "OUTPOST_EVENT", notice->event },
        { "OUTPOST_ACCOUNT", or_none(notice->account) },
        { "OUTPOST_CAUSE", or_none(notice->cause) },
        { "OUTPOST_SUBJECT", notice->subject },
    };
    size_t begins[NOTIFY_VARIABLES];

    for (size_t i = 0; i < NOTIFY_VARIABLES; i++) {
        begins[i] = texts->len;
        buf_addf(texts, "%s=", all[i].name);
        add_line(texts, all[i].value);
        buf_add_char(texts, '\0');
    }
    /* Only now, for the texts may have moved. */
    for (size_t i = 0; i < NOTIFY_VARIABLES; i++)
        variables[i] = texts->full ? NULL : texts->at + begins[i];
    variables[NOTIFY_VARIABLES] = NULL;
}

void notify_form_json(const struct notice *notice, const char *host, uint64_t seconds, struct buf *out)
{
    struct json json = json_to(out);
    HELD(buf) text = BUF(NOTIFY_TEXT_MAX), time = BUF(64);

    notify_form_text(notice, &text);
    date_add_rfc3339(&time, seconds);
    json_open(&json, NULL, '{');
    json_text(&json, "event", notice->event);
    json_text(&json, "account", notice->account);
    json_text(&json, "cause", notice->cause);
    json_text(&json, "subject", notice->subject);
    json_text(&json, "text", buf_text(&text));
    json_text(&json, "host", host);
    json_text(&json, "time", buf_text(&time));
    json_close(&json);
}

/* Auto-Submitted: nobody's out-of-office note is to answer it (RFC 3834, 5). */
void notify_form_mailbox(const struct notice *notice, const char *host, uint64_t seconds, uint64_t random,
                         struct buf *out)
{
    HELD(buf) message = BUF(2 * NOTIFY_TEXT_MAX), sender = BUF(400), value = BUF(NOTIFY_TEXT_MAX);

    buf_addf(&sender, "outpost@%s", host);
    buf_addf(&message, "From: outpost <%s>\r\nDate: ", buf_text(&sender));
    date_add(&message, seconds, 0);
    buf_addf(&message, "\r\nMessage-ID: <%016llx.notice@%s>\r\n", (unsigned long long)random, host);
    add_line(&value, notice->subject);
    header_fold_text(&message, "Subject", buf_span(&value));
    buf_add(&message, "Auto-Submitted: auto-generated\r\nMIME-Version: 1.0\r\n"
                      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    buf_add(&message, or_none(notice->text));
    mbox_add(out, buf_text(&sender), seconds, buf_span(&message));
}
