#include "mail/mime.h"

#include "base/str.h"
#include "mail/address.h"
#include "mail/words.h"

#include "base/banned.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static bool is_token(char c)
{
    return (unsigned char)c > ' ' && c != 127 && !strchr("()<>@,;:\\\"[]?=", c);
}

/* Blanks, and comments however deep. */
static void cfws_skip(struct scan *scan)
{
    size_t depth = 0;

    for (; !scan_end(scan); scan->at++) {
        char c = scan_peek(scan);
        if (c == '(')
            depth++;
        else if (c == ')' && depth)
            depth--;
        else if (c == '\\' && depth)
            scan->at++;
        else if (!depth && !is_blank(c))
            return;
    }
    if (scan->at > scan->all.len)
        scan->at = scan->all.len;
}

struct span mime_word(struct scan *value)
{
    struct span word = SPAN_NONE;

    cfws_skip(value);
    if (!scan_while(value, is_token, &word))
        return SPAN_NONE;
    return word;
}

static void quoted_take(struct scan *value, struct buf *says)
{
    while (!scan_end(value) && !scan_char(value, '"')) {
        if (scan_peek(value) == '\\')
            value->at++;
        if (!scan_end(value) && scan_peek(value) != '\r' && scan_peek(value) != '\n')
            buf_add_char(says, scan_peek(value));
        if (!scan_end(value))
            value->at++;
    }
}

bool mime_param(struct scan *value, struct span *ret_name, struct buf *says)
{
    struct span skipped, word;

    while (scan_until(value, ';', &skipped)) {
        struct span name = mime_word(value);
        cfws_skip(value);
        if (name.len == 0 || !scan_char(value, '='))
            continue;
        cfws_skip(value);
        buf_clear(says);
        if (scan_char(value, '"'))
            quoted_take(value, says);
        else if (scan_while(value, is_token, &word))
            buf_add_span(says, word);
        *ret_name = name;
        return true;
    }
    return false;
}

/* The value on one line and in UTF-8. */
static void value_to_utf8(struct buf *out, struct span value)
{
    HELD(buf) line = BUF(HEADER_BLOCK_MAX);

    header_unfold(&line, value);
    out->full |= line.full;
    if (str_is_utf8(buf_span(&line))) {
        buf_add_span(out, buf_span(&line));
        return;
    }
    for (size_t i = 0; i < line.len; i++) {
        unsigned char c = (unsigned char)line.at[i];
        if (c >= 128)
            buf_add_char(out, (char)(0xC0 | c >> 6));
        buf_add_char(out, (char)(c >= 128 ? 0x80 | (c & 0x3F) : c));
    }
}

static const char *const address_fields[] = { "From",     "Sender", "Reply-To", "To",         "Cc",
                                              "Bcc",      "Resent-From", "Resent-Sender",
                                              "Resent-To", "Resent-Cc", "Resent-Bcc", NULL };
static const char *const parameter_fields[] = { "Content-Type", "Content-Disposition", NULL };

static bool addresses_to_ascii(struct buf *out, struct span value, struct err *err)
{
    HELD(address_list) list = { 0 };

    if (!address_list_parse(value, "x", &list, err))
        return false;
    for (size_t i = 0; i < list.count; i++) {
        const struct address *address = &list.at[i];
        HELD(buf) name = BUF(HEADER_BLOCK_MAX);
        if (address->smtputf8)
            return err_found(err, ERR_DATA, "smtputf8:not-offered",
                             "address %zu has letters that only a server with SMTPUTF8 takes", i + 1);
        words_decode(&name, span_of(address->name));
        out->full |= name.full;
        buf_add(out, i ? ", " : "");
        address_add(out, buf_span(&name),
                    address->qualified ? address_local(address) : span_of(address->wire));
    }
    return true;
}

/* RFC 2231, 4: name*=utf-8''%C3%BC */
static void param_to_ascii(struct buf *out, struct span name, struct span says)
{
    bool ascii = str_is_ascii(says);

    buf_add(out, "; ");
    buf_add_span(out, name);
    buf_add(out, ascii ? "=\"" : "*=utf-8''");
    for (size_t i = 0; i < says.len; i++) {
        char c = says.at[i];
        if (ascii)
            buf_addf(out, "%s%c", c == '"' || c == '\\' ? "\\" : "", c);
        else if (str_is_alpha(c) || str_is_digit(c) || c == '.' || c == '-' || c == '_')
            buf_add_char(out, c);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
    buf_add(out, ascii ? "\"" : "");
}

static void params_to_ascii(struct buf *out, struct span value)
{
    struct scan scan = scan_of(value);
    HELD(buf) says = BUF(HEADER_BLOCK_MAX);
    struct span name;

    struct span word = mime_word(&scan);
    if (str_is_ascii(word))
        buf_add_span(out, word);
    while (mime_param(&scan, &name, &says)) {
        out->full |= says.full;
        if (str_is_ascii(name))
            param_to_ascii(out, name, buf_span(&says));
    }
}

bool mime_field_to_ascii(struct buf *out, const struct header_field *field, struct err *err)
{
    HELD(buf) utf8 = BUF(2 * HEADER_BLOCK_MAX), ascii = BUF(8 * HEADER_BLOCK_MAX);

    if (str_is_ascii(field->whole)) {
        buf_add_span(out, field->whole);
        return true;
    }
    value_to_utf8(&utf8, field->value);
    if (header_listed(field->name, address_fields)) {
        if (!addresses_to_ascii(&ascii, buf_span(&utf8), err))
            return err_in(err, "%.*s", SPAN_ARG(field->name));
    } else if (header_listed(field->name, parameter_fields)) {
        params_to_ascii(&ascii, buf_span(&utf8));
    } else {
        words_encode_text(&ascii, buf_span(&utf8));
    }
    HELD(buf) name = BUF(HEADER_LINE_MAX);
    buf_add_span(&name, field->name);
    if (utf8.full || ascii.full || name.full)
        return err_no_memory(err);
    header_fold(out, buf_text(&name), buf_span(&ascii));
    return true;
}

bool mime_header_to_ascii(struct buf *out, struct span block, struct err *err)
{
    struct scan scan = scan_of(block);
    struct header_field field;

    while (header_next(&scan, &field))
        if (!mime_field_to_ascii(out, &field, err))
            return false;
    return !out->full || err_no_memory(err);
}
