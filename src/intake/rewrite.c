#include "intake/rewrite.h"

#include "mail/address.h"
#include "mail/date.h"
#include "mail/mime.h"

#include "base/banned.h"

static const char *const plain_fields[] = { "To", "Cc", "Bcc", NULL };
static const char *const resent_fields[] = { "Resent-To", "Resent-Cc", "Resent-Bcc", NULL };

/* RFC 5322, 3.6.6: Resent- fields are about this sending, the others about an earlier one. */
static bool is_resent(struct span header)
{
    for (const char *const *name = resent_fields; *name; name++)
        if (header_has(header, *name))
            return true;
    return false;
}

bool rewrite_take_recipients(struct span header, const char *hostname, unsigned notify,
                             struct envelope *envelope, struct err *err)
{
    const char *const *fields = is_resent(header) ? resent_fields : plain_fields;
    struct scan scan = scan_of(header);
    struct header_field field;

    while (header_next(&scan, &field)) {
        HELD(address_list) list = { 0 };
        if (!header_listed(field.name, fields))
            continue;
        if (!address_list_parse(field.value, hostname, &list, err))
            return err_in(err, "%.*s", SPAN_ARG(field.name));
        for (size_t i = 0; i < list.count; i++)
            if (!envelope_add_dsn(envelope, span_of(list.at[i].wire), notify, SPAN_NONE, err))
                return false;
    }
    return true;
}

/* Copies an address field; where a bare name ends, "@hostname" is put in, and nothing else is touched. What
 * can't be parsed is somebody else's business: it goes as it came. */
static void qualify(struct buf *out, const struct header_field *field, const char *hostname)
{
    HELD(address_list) list = { 0 };
    struct err why = { 0 };
    size_t at = 0;

    if (!address_list_parse(field->value, hostname, &list, &why)) {
        out->full |= why.kind == ERR_MEMORY;
        buf_add_span(out, field->whole);
        return;
    }
    buf_add_span(out, field->name);
    buf_add_char(out, ':');
    for (size_t i = 0; i < list.count; i++) {
        if (!list.at[i].qualified)
            continue;
        buf_add_span(out, span_cut(field->value, at, list.at[i].end));
        buf_addf(out, "@%s", hostname);
        at = list.at[i].end;
    }
    buf_add_span(out, span_from(field->value, at));
    buf_add(out, "\r\n");
}

/* How many bytes at the front are the trace of earlier servers: it stays on top (RFC 5321, 4.4), and what we
 * add follows it, in front of what a person reads. */
static size_t trace_end(struct span header)
{
    static const char *const trace[] = { "Received", "Return-Path", "DKIM-Signature", "ARC-*",
                                         "Authentication-Results", "Received-SPF", "Resent-*", NULL };
    struct scan scan = scan_of(header);
    struct header_field field;
    size_t end = 0;

    while (header_next(&scan, &field) && header_listed(field.name, trace))
        end = scan.at;
    return end;
}

/* The fields that stay. */
static void fields_copy(const struct intake_order *order, struct span header,
                        const struct sender *sender, struct buf *out)
{
    static const char *const private_fields[] = { "Bcc", "Resent-Bcc", "Return-Path", "X-Outpost-*",
                                                  NULL };
    static const char *const address_fields[] = { "From",      "Sender",    "Reply-To",    "To",
                                                  "Cc",        "Resent-To", "Resent-From", "Resent-Cc",
                                                  "Resent-Sender", NULL };
    struct scan scan = scan_of(header);
    struct header_field field;

    while (header_next(&scan, &field)) {
        if (header_listed(field.name, private_fields) ||
            (sender->replace_from && span_is_word(field.name, "From")) ||
            (sender->drop_sender && span_is_word(field.name, "Sender")))
            continue;
        if (header_listed(field.name, address_fields))
            qualify(out, &field, order->hostname);
        else
            buf_add_span(out, field.whole);
    }
}

/* RFC 5322, 3.6.4. Where the account lives is no secret; the machine's name might be. */
static void message_id_make(const struct intake_order *order, const struct sender *sender,
                            struct buf *message_id)
{
    struct span address = span_of(sender->address);

    buf_add_char(message_id, '<');
    for (size_t i = 0; i < sizeof order->random; i++)
        buf_addf(message_id, "%02x", (unsigned)order->random[i]);
    buf_add_span(message_id, span_from(address, span_find_last(address, '@')));
    buf_add_char(message_id, '>');
}

static void received_add(const struct intake_order *order, struct buf *out)
{
    HELD(buf) value = BUF(HEADER_LINE_MAX);

    buf_addf(&value, "by %s (outpost, from %s); ", order->hostname, order->received_from);
    date_add(&value, order->wall, order->zone_minutes);
    out->full |= value.full;
    header_fold(out, "Received", buf_span(&value));
}

static void fields_add(const struct intake_order *order, struct span header,
                       const struct sender *sender, struct buf *out, struct buf *message_id)
{
    struct header_field field;

    if (!header_has(header, "Date")) {
        buf_add(out, "Date: ");
        date_add(out, order->wall, order->zone_minutes);
        buf_add(out, "\r\n");
    }
    if (sender->replace_from)
        header_fold(out, "From", buf_span(&sender->from));
    if (sender->reply_to.len)
        header_fold(out, "Reply-To", buf_span(&sender->reply_to));
    if (header_find(header, "Message-ID", &field)) {
        header_unfold(message_id, field.value);
        return;
    }
    message_id_make(order, sender, message_id);
    header_fold(out, "Message-ID", buf_span(message_id));
}

/* The block in ASCII; or as it is, where an address is not ASCII and SMTPUTF8 is needed anyhow. */
static bool to_ascii(struct span block, struct envelope *envelope, struct buf *ascii, struct err *err)
{
    struct err why = { 0 };

    if (mime_header_to_ascii(ascii, block, &why))
        return true;
    if (!why.fact || strcmp(why.fact, "smtputf8:not-offered") != 0) {
        if (err)
            *err = why;
        return false;
    }
    envelope->smtputf8 = true;
    buf_clear(ascii);
    buf_add_span(ascii, block);
    return !ascii->full || err_no_memory(err);
}

bool rewrite_header(const struct intake_order *order, struct span header, const struct sender *sender,
                    struct envelope *envelope, struct buf *out, struct buf *message_id,
                    struct err *err)
{
    static const char *const none[] = { NULL };
    HELD(buf) block = BUF(4 * HEADER_BLOCK_MAX), ascii = BUF(8 * HEADER_BLOCK_MAX);

    if (header_count(header, "Received") >= INTAKE_RECEIVED_MAX)
        return err_found(err, ERR_DATA, "message:loop",
                         "the message has passed %d servers already: it goes in a circle",
                         INTAKE_RECEIVED_MAX);
    if (order->received_from)
        received_add(order, &block);
    size_t trace = trace_end(header);
    fields_copy(order, span_cut(header, 0, trace), sender, &block);
    fields_add(order, header, sender, &block, message_id);
    fields_copy(order, span_from(header, trace), sender, &block);
    if (block.full || message_id->full)
        return err_no_memory(err);
    if (!to_ascii(buf_span(&block), envelope, &ascii, err))
        return false;
    header_copy_but(out, buf_span(&ascii), none);
    if (header_longest_line(buf_span(out)) > HEADER_LINE_MAX)
        return err_found(err, ERR_DATA, "line:too-long",
                         "a header line has over %d octets and no blank to fold it at",
                         HEADER_LINE_MAX);
    buf_add(out, "\r\n");
    return !out->full || err_no_memory(err);
}
