#include "relay/https_message.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/str.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/header.h"

#include "base/banned.h"

enum { FRONT_MAX = 1024 * 1024, PIECE = 16 * 1024, BASE64_IN = 3, BASE64_OUT = 4 };

/* ---- whom the header names ---- */

static bool is_named(const struct address_list *named, const char *address)
{
    for (size_t i = 0; i < named->count; i++)
        if (address_same(span_of(named->at[i].wire), span_of(address)))
            return true;
    return false;
}

static bool is_wanted(const struct transport_message *message, const char *address)
{
    const struct recipient *recipients = message->envelope->recipients + message->first;

    for (size_t i = 0; i < message->count; i++)
        if (address_same(span_of(recipients[i].address), span_of(address)))
            return true;
    return false;
}

static bool collect(struct span header, const char *const names[], struct address_list *list,
                    struct err *err)
{
    struct scan scan = scan_of(header);
    struct header_field field;

    while (header_next(&scan, &field))
        if (header_listed(field.name, names) && !address_list_parse(field.value, NULL, list, err))
            return err_in(err, "%.*s", SPAN_ARG(field.name));
    return true;
}

static bool check_named(const struct transport_message *message, const struct address_list *named,
                        struct err *err)
{
    for (size_t i = 0; i < named->count; i++)
        if (!is_wanted(message, named->at[i].wire))
            return err_found(err, ERR_DATA, "https:recipients",
                             "this way it would go to everybody whom To and Cc name, and %s is not to get it",
                             named->at[i].wire);
    return true;
}

static void add_unnamed(const struct transport_message *message, const struct address_list *named,
                        struct buf *bcc)
{
    const struct recipient *recipients = message->envelope->recipients + message->first;
    HELD(buf) value = BUF(FRONT_MAX);

    for (size_t i = 0; i < message->count; i++) {
        if (is_named(named, recipients[i].address))
            continue;
        buf_add(&value, value.len ? ", " : "");
        buf_add(&value, recipients[i].address);
    }
    if (value.len)
        header_fold(bcc, "Bcc", buf_span(&value));
    bcc->full |= value.full;
}

/* ---- from whom ---- */

struct senders {
    const struct https_api *api;
    const struct account *account;
    struct address own; /* the account's address as it goes on the wire */
};

static bool check_sender(const struct senders *senders, const char *sender, const char *what,
                         struct err *err)
{
    struct span wire = span_of(sender);

    if (span_is_word(wire, senders->own.wire) ||
        (senders->api->aliases && account_may_send_as(senders->account, wire)))
        return true;
    return err_found(err, ERR_DATA, "sender:foreign",
                     "this way it would go out as %s, and the %s is %s", senders->own.wire, what,
                     *sender ? sender : "<>");
}

static bool check_from(const struct senders *senders, struct span header, struct err *err)
{
    static const char *const names[] = { "From", NULL };
    HELD(address_list) list = { 0 };

    if (!collect(header, names, &list, err))
        return false;
    if (list.count == 0)
        return err_found(err, ERR_DATA, "message:header", "the message has no From");
    for (size_t i = 0; i < list.count; i++)
        if (!check_sender(senders, list.at[i].wire, "address in From", err))
            return false;
    return true;
}

static bool check_senders(const struct https_api *api, const struct account *account,
                          const char *sender, struct span header, struct err *err)
{
    struct senders senders = { .api = api, .account = account };

    if (!address_parse(span_of(account->address), &senders.own, err))
        return err_in(err, "account %s", account->name);
    bool good = check_sender(&senders, sender, "sender", err) && check_from(&senders, header, err);
    address_done(&senders.own);
    return good;
}

/* ---- may it go? ---- */

static bool check_count(const struct https_api *api, const struct account *account,
                        const struct transport_message *message, struct err *err)
{
    uint64_t most = account->limits.recipients_per_message;

    return !most || message->count <= most ||
           err_found(err, ERR_LIMIT, "recipients:too-many",
                     "it has %zu recipients; %s takes %llu in one message, and this way it can't be split",
                     message->count, api->name, (unsigned long long)most);
}

bool https_header_fits(const struct https_api *api, const struct account *account,
                       const struct transport_message *message, struct span header, struct buf *bcc,
                       struct err *err)
{
    static const char *const names[] = { "To", "Cc", "Bcc", NULL };
    HELD(address_list) named = { 0 };

    if (!check_senders(api, account, message->envelope->sender, header, err) ||
        !check_count(api, account, message, err) || !collect(header, names, &named, err) ||
        !check_named(message, &named, err))
        return false;
    add_unnamed(message, &named, bcc);
    if (bcc->full)
        return err_no_memory(err);
    return !bcc->len || !header_has(header, "Bcc") ||
           err_found(err, ERR_DATA, "https:recipients",
                     "its Bcc does not name everybody who is to get it, and there can't be a second one");
}

/* As far as the empty line, or the limit. */
static bool read_header(const struct transport_message *message, struct buf *out, struct err *err)
{
    size_t len = 1;

    while (len && span_find_text(buf_span(out), "\r\n\r\n") == out->len) {
        char *room = buf_room(out, PIECE);
        if (!room)
            return out->len + PIECE > out->ceiling
                       ? err_found(err, ERR_LIMIT, "message:header", "the header is too large")
                       : err_no_memory(err);
        if (!message->body.read(message->body.of, out->len, room, PIECE, &len, err))
            return false;
        buf_wrote(out, len);
    }
    size_t end = span_find_text(buf_span(out), "\r\n\r\n");
    buf_cut(out, end == out->len ? end : end + 2);
    return true;
}

bool https_message_begin(const struct https_api *api, const struct account *account,
                         const struct transport_message *message, struct https_message *ret,
                         struct err *err)
{
    HELD(buf) header = BUF(HEADER_BLOCK_MAX + 2 * PIECE);

    *ret = (struct https_message){ .api = api, .message = message, .front = BUF(FRONT_MAX) };
    if (!read_header(message, &header, err) ||
        !https_header_fits(api, account, message, buf_span(&header), &ret->front, err))
        return false;
    ret->mime = ret->front.len + message->envelope->size;
    ret->size = api->base64 ? BASE64_LEN(ret->mime) : ret->mime;
    return ret->size <= api->most ||
           err_found(err, ERR_LIMIT, "size:too-big",
                     "the message makes a request of %llu octets, and %s takes %llu",
                     (unsigned long long)ret->size, api->name, (unsigned long long)api->most);
}

void https_message_done(struct https_message *m)
{
    buf_done(&m->front);
}

/* ---- the request's body ---- */

static bool read_once(const struct https_message *m, uint64_t at, char *into, size_t room,
                      size_t *ret_len, struct err *err)
{
    struct span front = at < m->front.len ? span_from(buf_span(&m->front), (size_t)at) : SPAN_NONE;

    if (!front.len)
        return m->message->body.read(m->message->body.of, at - m->front.len, into, room, ret_len, err);
    *ret_len = front.len < room ? front.len : room;
    memcpy(into, front.at, *ret_len);
    return true;
}

/* All that is asked for, less only at the message's end. */
static bool read_full(const struct https_message *m, uint64_t at, char *into, size_t room,
                      size_t *ret_len, struct err *err)
{
    size_t len = 1;

    room = at >= m->mime ? 0 : room < m->mime - at ? room : (size_t)(m->mime - at);
    for (*ret_len = 0; *ret_len < room; *ret_len += len) {
        if (!read_once(m, at + *ret_len, into + *ret_len, room - *ret_len, &len, err))
            return false;
        if (len == 0)
            return err_set(err, ERR_IO, "the message ends before it should");
    }
    return true;
}

static bool read_base64(const struct https_message *m, uint64_t at, char *into, size_t room,
                        size_t *ret_len, struct err *err)
{
    HELD(buf) text = BUF(BASE64_LEN(PIECE));
    char raw[PIECE / BASE64_IN * BASE64_IN];
    size_t skip = (size_t)(at % BASE64_OUT), want = (room + skip + BASE64_OUT - 1) / BASE64_OUT * BASE64_IN, len;

    if (!read_full(m, at / BASE64_OUT * BASE64_IN, raw, want < sizeof raw ? want : sizeof raw, &len, err))
        return false;
    base64_encode(&text, (struct span){ raw, len });
    if (text.full)
        return err_no_memory(err);
    struct span piece = span_cut(span_from(buf_span(&text), skip), 0, room);
    if (piece.len)
        memcpy(into, piece.at, piece.len);
    *ret_len = piece.len;
    str_wipe(raw, sizeof raw);
    return true;
}

bool https_message_read(const struct https_message *m, uint64_t at, char *into, size_t room,
                        size_t *ret_len, struct err *err)
{
    if (m->api->base64)
        return read_base64(m, at, into, room, ret_len, err);
    return read_full(m, at, into, room, ret_len, err);
}
