/* Delivery reports (RFC 3464): the fields of each recipient, as they stand in the message's source.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "know/text_int.h"

#include "base/banned.h"

/* A header field with its folded lines; the cursor then stands behind it. */
static bool read_field(struct scan *scan, struct span *ret_name, struct buf *value)
{
    struct span line;

    buf_clear(value);
    if (!scan_line(scan, &line))
        return false;
    struct scan head = scan_of(line);
    if (!scan_until(&head, ':', ret_name)) {
        *ret_name = SPAN_NONE;
        return true;
    }
    buf_add_span(value, span_cut(span_trim(scan_rest(&head)), 0, 2048));
    while (scan_peek(scan) == ' ' || scan_peek(scan) == '\t') {
        if (!scan_line(scan, &line))
            break;
        buf_add_char(value, ' ');
        buf_add_span(value, span_cut(span_trim(line), 0, 2048));
    }
    return true;
}

/* What stands behind "rfc822;" or "smtp;". */
static struct span behind_type(struct span value)
{
    size_t at = span_find(value, ';');
    return at < value.len && at < 20 ? span_trim(span_from(value, at + 1)) : value;
}

static void keep(char *field, size_t room, struct span value)
{
    struct err safe = { 0 };

    err_said(&safe, value);
    snprintf(field, room, "%.*s", (int)room - 1, safe.said);
}

static void read_diagnostic(struct text_recipient *recipient, struct span value)
{
    struct scan scan = scan_of(value);
    struct evidence reply;

    if (text_next_reply(&scan, &reply)) {
        recipient->evidence = reply;
        return;
    }
    recipient->evidence.err = (struct err){ .kind = ERR_REPLY };
    err_said(&recipient->evidence.err, value);
}

/* The status stands in where the diagnostic code names none. */
static void finish(const struct evidence *around, struct text_recipient *recipient)
{
    struct err *err = &recipient->evidence.err;
    struct scan scan = scan_of(span_of(recipient->status));
    uint64_t part[3];

    if (!err->enhanced[0] && scan_number(&scan, 4, 5, &part[0]) && scan_char(&scan, '.') &&
        scan_number(&scan, 0, 7, &part[1]) && scan_char(&scan, '.') &&
        scan_number(&scan, 0, 999, &part[2])) {
        for (size_t i = 0; i < 3; i++)
            err->enhanced[i] = (uint16_t)part[i];
    }
    if (err->kind == ERR_NONE)
        err->kind = ERR_REPLY;
    text_add_circumstances(around, &recipient->evidence);
}

bool text_is_trace(struct span line)
{
    static const char *const names[] = {
        "Received:", "Received-SPF:", "Authentication-Results:", "DKIM-Signature:", "DomainKey-Signature:", "ARC-",
        "Return-Path:", "Message-ID:", "MIME-Version:", "Content-Type:", "Content-Transfer-Encoding:",
        "Content-Disposition:", "References:", "In-Reply-To:", "List-", "User-Agent:", "X-Mailer:", "X-Spam-",
        "X-MS-", "X-Microsoft-", "X-Forefront-", "X-Google-", "X-Originating-", "X-Received:", "X-Postfix-",
        "X-OriginatorOrg:", "Reporting-MTA:", "Received-From-MTA:", "Remote-MTA:", "Arrival-Date:",
        "Last-Attempt-Date:", "Original-Recipient:",
    };

    for (size_t i = 0; i < COUNT(names); i++)
        if (span_starts_word(line, names[i]))
            return true;
    return false;
}

static bool is_report(struct span text)
{
    return span_find_word(text, "\nFinal-Recipient:") < text.len ||
           span_starts_word(text, "Final-Recipient:");
}

static bool add_recipient(struct text_evidence *found, struct err *err)
{
    if (!found->recipients)
        found->recipients = mem_array(TEXT_RECIPIENTS_MAX, sizeof *found->recipients);
    if (!found->recipients)
        return err_no_memory(err);
    found->recipient_count++;
    return true;
}

bool text_recipients(const struct knowledge *know, struct span text, struct text_evidence *found,
                     struct err *err)
{
    struct scan scan = scan_of(text);
    struct evidence around = { .stage = STAGE_NONE };
    struct text_recipient *now = NULL;
    HELD(buf) field = BUF(64 * 1024);
    struct span name;

    if (!is_report(text))
        return true;
    while (read_field(&scan, &name, &field)) {
        struct span value = behind_type(buf_span(&field));
        if (span_is_word(name, "Final-Recipient")) {
            if (found->recipient_count == TEXT_RECIPIENTS_MAX)
                break;
            if (!add_recipient(found, err))
                return false;
            now = &found->recipients[found->recipient_count - 1];
            keep(now->address, sizeof now->address, value);
        } else if (now && span_is_word(name, "Action")) {
            keep(now->action, sizeof now->action, value);
        } else if (now && span_is_word(name, "Status")) {
            keep(now->status, sizeof now->status, value);
        } else if (now && span_is_word(name, "Diagnostic-Code")) {
            read_diagnostic(now, value);
        }
    }
    text_circumstances(know, text, &around);
    for (size_t i = 0; i < found->recipient_count; i++)
        finish(&around, &found->recipients[i]);
    return true;
}
