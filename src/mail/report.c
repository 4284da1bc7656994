#include "mail/report.h"

#include "base/str.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/header.h"
#include "mail/status.h"
#include "mail/words.h"

#include "base/banned.h"

enum { FIELD_MAX = 8 * 1024, SUBJECT_SHOWN = 100, SAID_SHOWN = 400, ADDRESS_SHOWN = 350, LINE_END = 74 };

static bool has(const char *text)
{
    return text && *text;
}

/* ---- text that is not ours ---- */

static uint32_t code_point(struct span letter)
{
    static const unsigned char first[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
    uint32_t point = (unsigned char)letter.at[0] & first[letter.len];

    for (size_t i = 1; i < letter.len; i++)
        point = point << 6 | ((unsigned char)letter.at[i] & 0x3f);
    return point;
}

/* Printable ASCII: other letters as \x{FC}, and so the characters of `hidden`; a control character is a blank. */
static void add_ascii(struct buf *out, struct span text, const char *hidden)
{
    while (text.len) {
        size_t len = str_utf8_len(text);
        char c = *text.at;
        if (len == 0)
            buf_add_char(out, '?');
        else if (len > 1 || strchr(hidden, c))
            buf_addf(out, "\\x{%02X}", (unsigned)code_point(span_cut(text, 0, len)));
        else
            buf_add_char(out, c < ' ' || c == 0x7f ? ' ' : c);
        text = span_from(text, len ? len : 1);
    }
}

static void add_field(struct buf *out, const char *name, const char *before, struct span text)
{
    HELD(buf) value = BUF(FIELD_MAX);

    buf_add(&value, before);
    add_ascii(&value, span_cut(text, 0, FIELD_MAX / 8), "");
    header_fold(out, name, buf_span(&value));
}

/* "rfc822; me@example.com", or RFC 6533's form of an address with other letters. */
static void add_address(struct buf *out, const char *name, const char *address)
{
    bool ascii = str_is_ascii(span_of(address));
    HELD(buf) value = BUF(FIELD_MAX);

    buf_add(&value, ascii ? "rfc822; " : "utf-8; ");
    add_ascii(&value, span_of(address), ascii ? "" : "\\+=");
    header_fold(out, name, buf_span(&value));
}

static void add_date(struct buf *out, const char *name, uint64_t seconds, int zone)
{
    if (!seconds)
        return;
    buf_addf(out, "%s: ", name);
    date_add(out, seconds, zone);
    buf_add(out, "\r\n");
}

/* ---- for people ---- */

/* Takes the next word; a command at the end is one, so that it can be copied. */
static bool next_word(struct span *text, struct span *ret_word)
{
    if (span_starts(*text, "outpost ")) {
        *ret_word = *text;
        *text = SPAN_NONE;
        return true;
    }
    return span_split(text, ' ', ret_word);
}

/* Words in lines, each `indent` blanks in; behind a line end that is there already. */
static void add_lines(struct buf *out, size_t indent, const char *before, struct span text)
{
    size_t column = 0;
    struct span word;

    while (next_word(&text, &word)) {
        if (!word.len)
            continue;
        if (column && column + 1 + word.len > LINE_END) {
            buf_add(out, "\r\n");
            column = 0;
        }
        if (!column) {
            buf_addf(out, "%*s%s", (int)(*before ? indent - strlen(before) : indent), "", before);
            before = "";
            column = indent;
        } else {
            buf_add_char(out, ' ');
            column++;
        }
        buf_add_span(out, word);
        column += word.len;
    }
    if (column)
        buf_add(out, "\r\n");
}

static void add_sentence(struct buf *out, const char *text)
{
    add_lines(out, 0, "", span_of(text));
}

static void add_shown(struct buf *out, size_t indent, const char *text, size_t most)
{
    HELD(buf) shown = BUF(FIELD_MAX);

    str_printable(&shown, span_of(text), most);
    add_lines(out, indent, "", buf_span(&shown));
}

static void add_answer(struct buf *out, const struct report_recipient *r)
{
    HELD(buf) answer = BUF(FIELD_MAX);

    if (r->reply)
        buf_addf(&answer, "%u ", r->reply);
    if (r->reply && r->enhanced[0]) {
        status_add(&answer, r->enhanced);
        buf_add_char(&answer, ' ');
    }
    if (has(r->said))
        buf_add(&answer, r->said);
    if (answer.len)
        add_shown(out, 4, buf_text(&answer), SAID_SHOWN);
}

static void add_story(struct buf *out, const struct report_story *story)
{
    buf_add(out, "\r\n");
    add_sentence(out, story->title);
    add_lines(out, 0, "", span_of(story->meaning));
    for (size_t i = 0; i < story->step_count; i++) {
        HELD(buf) number = BUF(16);
        buf_addf(&number, "%zu. ", i + 1);
        add_lines(out, 5, buf_text(&number), span_of(story->steps[i]));
    }
}

static bool came_before(const struct report *report, size_t at)
{
    for (size_t i = 0; i < at; i++)
        if (report->recipients[i].story == report->recipients[at].story)
            return true;
    return false;
}

/* Those of one cause, then the cause. */
static void add_group(struct buf *out, const struct report *report, const struct report_story *story)
{
    size_t count = 0;

    buf_add(out, "\r\n");
    for (size_t i = 0; i < report->count; i++) {
        const struct report_recipient *r = &report->recipients[i];
        if (r->story != story || count++ >= REPORT_SHOWN)
            continue;
        add_shown(out, 2, r->address, ADDRESS_SHOWN);
        add_answer(out, r);
    }
    if (count > REPORT_SHOWN)
        buf_addf(out, "  and %zu more, which the second part names\r\n", count - REPORT_SHOWN);
    if (story)
        add_story(out, story);
}

static bool is_unsure(const struct report *report)
{
    return report->action == ACTION_DELAYED && report->recipients[0].unsure;
}

static const char *opening(const struct report *report)
{
    if (report->action == ACTION_RELAYED)
        return "Your message was handed over for these recipients, to a server that does not tell what becomes of it. "
               "So this is the last word about it; it does not say that it was delivered.";
    if (report->action == ACTION_FAILED)
        return "Your message could not be delivered to these recipients. It will not be tried again.";
    if (is_unsure(report))
        return "Your message was sent to these recipients, and then no answer came: it may have arrived, or not. It is "
               "not sent again by itself.";
    return "Your message has not been delivered to these recipients yet. It is still tried; you need not send it again.";
}

static void add_closing(struct buf *out, const struct report *report)
{
    HELD(buf) line = BUF(FIELD_MAX);
    uint64_t until = report->action == ACTION_DELAYED ? report->recipients[0].until : 0;

    buf_add(out, "\r\n");
    if (until) {
        buf_add(&line, "It is given up at ");
        date_add(&line, until, report->zone_minutes);
        buf_add(&line, ".");
        add_sentence(out, buf_text(&line));
    }
    if (is_unsure(report))
        buf_addf(out, "To send it once more: outpost queue release %llu\r\n", (unsigned long long)report->id);
    buf_addf(out, "Its story, on %s: outpost queue show %llu\r\n", report->host, (unsigned long long)report->id);
}

static void add_people_part(struct buf *out, const struct report *report)
{
    HELD(buf) text = BUF(512 * 1024);

    add_sentence(&text, opening(report));
    for (size_t i = 0; i < report->count; i++)
        if (!came_before(report, i))
            add_group(&text, report, report->recipients[i].story);
    add_closing(&text, report);
    buf_addf(out, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: %s\r\n\r\n",
             str_is_ascii(buf_span(&text)) ? "7bit" : "8bit");
    buf_add_span(out, buf_span(&text));
    out->full |= text.full;
}

/* ---- for programs ---- */

static const char *const actions[] = {
    [ACTION_FAILED] = "failed", [ACTION_DELAYED] = "delayed", [ACTION_RELAYED] = "relayed",
};

/* The class follows what became of it and not the reply alone: 5.4.5 may mean "tomorrow". */
static void add_status(struct buf *out, enum report_action action, const struct report_recipient *r)
{
    uint16_t status[3] = { r->enhanced[0], r->enhanced[1], r->enhanced[2] };

    if (!status[0])
        status[0] = action == ACTION_FAILED ? 5 : 4;
    if (action == ACTION_DELAYED)
        status[0] = 4;
    if (action == ACTION_DELAYED && r->unsure && !status[1])
        status[1] = 4, status[2] = 2; /* RFC 3463: a bad connection */
    if (action == ACTION_FAILED && status[0] == 2)
        status[0] = 5;
    if (action == ACTION_RELAYED && status[0] != 2)
        status[0] = 2, status[1] = status[2] = 0;
    buf_add(out, "Status: ");
    status_add(out, status);
    buf_add(out, "\r\n");
}

/* RFC 3464, 2.3.6: "smtp" is what a server said, in its words. */
static void add_diagnostic(struct buf *out, const struct report_recipient *r)
{
    HELD(buf) before = BUF(64);

    if (!r->reply && !has(r->said))
        return;
    if (r->reply)
        buf_addf(&before, "smtp; %u ", r->reply);
    else
        buf_add(&before, "x-outpost; ");
    if (r->reply && r->enhanced[0]) {
        status_add(&before, r->enhanced);
        buf_add_char(&before, ' ');
    }
    add_field(out, "Diagnostic-Code", buf_text(&before), span_of(r->said));
}

static void add_recipient(struct buf *out, const struct report *report, const struct report_recipient *r)
{
    buf_add(out, "\r\n");
    if (has(r->orcpt))
        add_field(out, "Original-Recipient", "", span_of(r->orcpt));
    add_address(out, "Final-Recipient", r->address);
    buf_addf(out, "Action: %s\r\n", actions[report->action]);
    add_status(out, report->action, r);
    if (has(r->remote))
        add_field(out, "Remote-MTA", "dns; ", span_of(r->remote));
    add_diagnostic(out, r);
    add_date(out, "Last-Attempt-Date", r->tried, report->zone_minutes);
    if (report->action == ACTION_DELAYED)
        add_date(out, "Will-Retry-Until", r->until, report->zone_minutes);
}

static void add_programs_part(struct buf *out, const struct report *report)
{
    buf_add(out, "Content-Type: message/delivery-status\r\n\r\n");
    if (has(report->envid))
        add_field(out, "Original-Envelope-Id", "", span_of(report->envid));
    add_field(out, "Reporting-MTA", "dns; ", span_of(report->host));
    add_date(out, "Arrival-Date", report->arrived, report->zone_minutes);
    for (size_t i = 0; i < report->count; i++)
        add_recipient(out, report, &report->recipients[i]);
}

/* ---- what it is about ---- */

struct span report_header_of(struct span message)
{
    size_t end = span_find_text(message, "\r\n\r\n");

    if (span_starts(message, "\r\n"))
        return SPAN_NONE;
    if (end < message.len)
        return span_cut(message, 0, end + 2);
    size_t last = span_find_last(message, '\n');
    return last < message.len ? span_cut(message, 0, last + 1) : SPAN_NONE;
}

static void add_message_part(struct buf *out, const struct report *report)
{
    const char *type = report->whole ? report->smtputf8 ? "message/global" : "message/rfc822"
                       : report->smtputf8 ? "message/global-headers"
                                          : "text/rfc822-headers";

    buf_addf(out, "Content-Type: %s\r\nContent-Transfer-Encoding: %s\r\n\r\n", type,
             str_is_ascii(report->message) ? "7bit" : "8bit");
    buf_add_span(out, report->message);
    if (report->message.len && report->message.at[report->message.len - 1] != '\n')
        buf_add(out, "\r\n");
}

/* ---- the whole ---- */

static void add_hex(struct buf *out, const struct report *report)
{
    for (size_t i = 0; i < REPORT_RANDOM; i++)
        buf_addf(out, "%02x", report->random[i]);
}

void report_message_id(const struct report *report, struct buf *out)
{
    buf_add(out, "<");
    add_hex(out, report);
    buf_addf(out, ".report@%s>", report->host);
}

static void add_subject(struct buf *out, const struct report *report)
{
    static const char *const words[] = {
        [ACTION_FAILED] = "Not delivered", [ACTION_DELAYED] = "Not delivered yet", [ACTION_RELAYED] = "Handed over",
    };
    HELD(buf) decoded = BUF(HEADER_BLOCK_MAX), subject = BUF(FIELD_MAX);
    struct header_field field;

    buf_add(&subject, is_unsure(report) ? "Delivered or not, nobody knows" : words[report->action]);
    if (header_find(report->whole ? report_header_of(report->message) : report->message, "Subject", &field)) {
        HELD(buf) unfolded = BUF(HEADER_BLOCK_MAX);
        header_unfold(&unfolded, field.value);
        words_decode(&decoded, buf_span(&unfolded));
    }
    if (decoded.len) {
        buf_add(&subject, ": ");
        str_printable(&subject, buf_span(&decoded), SUBJECT_SHOWN);
    }
    header_fold_text(out, "Subject", buf_span(&subject));
}

/* Is it what may stand in a field of ours as it is? It came from the message's own header. */
static bool is_message_id(const char *text)
{
    size_t len = has(text) ? strlen(text) : 0;

    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return len > 2 && len < 250 && text[0] == '<' && text[len - 1] == '>';
}

static void add_boundary(struct buf *out, const struct report *report, const char *end)
{
    buf_add(out, "\r\n--");
    add_hex(out, report);
    buf_addf(out, "%s\r\n", end);
}

void report_write(const struct report *report, struct buf *out)
{
    buf_add(out, "From: ");
    address_add(out, SPAN("Mail delivery"), span_of(report->from));
    buf_addf(out, "\r\nTo: %s\r\n", report->to);
    add_subject(out, report);
    add_date(out, "Date", report->now, report->zone_minutes);
    buf_add(out, "Message-ID: ");
    report_message_id(report, out);
    buf_add(out, "\r\n");
    if (is_message_id(report->message_id))
        buf_addf(out, "In-Reply-To: %s\r\nReferences: %s\r\n", report->message_id, report->message_id);
    buf_add(out, "Auto-Submitted: auto-replied\r\nMIME-Version: 1.0\r\n"
                 "Content-Type: multipart/report; report-type=delivery-status;\r\n boundary=\"");
    add_hex(out, report);
    buf_add(out, "\"\r\n");
    add_boundary(out, report, "");
    add_people_part(out, report);
    add_boundary(out, report, "");
    add_programs_part(out, report);
    add_boundary(out, report, "");
    add_message_part(out, report);
    add_boundary(out, report, "--");
}
