#include "intake/intake.h"

#include "base/alloc.h"
#include "base/str.h"
#include "intake/lower.h"
#include "intake/rewrite.h"
#include "intake/sender.h"
#include "intake/spool.h"
#include "mail/address.h"
#include "mail/filter.h"
#include "mail/header.h"

#include "base/banned.h"

/* A message on its way through. */
struct passage {
    const struct intake_order *order;
    struct prepared *prepared;
    struct filter *filter;
    struct spool spool;
    struct buf body; /* what the filter let through and is not spooled yet */
    bool header_out; /* the header is decided and spooled */
};

static void passage_done(struct passage *passage)
{
    filter_free(passage->filter);
    spool_done(&passage->spool);
    buf_done(&passage->body);
}

void prepared_free(struct prepared *prepared)
{
    if (!prepared)
        return;
    if (prepared->fd >= 0)
        prepared->disk->close(prepared->disk, prepared->fd);
    envelope_free(prepared->envelope);
    mem_free(prepared->message_id);
    mem_free(prepared->from);
    mem_free(prepared);
}

static bool recipients_take(const struct intake_order *order, struct envelope *envelope,
                            struct err *err)
{
    for (size_t i = 0; i < order->recipient_count; i++) {
        struct span text = span_of(order->recipients[i]);
        HELD(address_list) list = { 0 };
        if (!header_check_text("a recipient", text, err) ||
            !address_list_parse(text, order->hostname, &list, err)) {
            HELD(buf) shown = BUF(200);
            str_printable(&shown, text, 100);
            return err_in(err, "recipient \"%s\"", buf_text(&shown));
        }
        for (size_t k = 0; k < list.count; k++)
            if (!envelope_add_dsn(envelope, span_of(list.at[k].wire), order->notify, SPAN_NONE, err))
                return false;
    }
    return true;
}

static bool key_take(const struct intake_order *order, struct span header, struct envelope *envelope,
                     struct err *err)
{
    struct header_field field;

    if (order->key)
        return envelope_set_key(envelope, span_of(order->key), err);
    return !header_find(header, "X-Outpost-Key", &field) ||
           envelope_set_key(envelope, span_trim(field.value), err);
}

/* The whole envelope, from what was asked for and what the header says. */
static bool envelope_fill(const struct intake_order *order, struct span header,
                          const struct sender *sender, struct envelope *envelope, struct err *err)
{
    if (!recipients_take(order, envelope, err))
        return false;
    if (order->header_recipients &&
        !rewrite_take_recipients(header, order->hostname, order->notify, envelope, err))
        return false;
    if (envelope->count == 0)
        return err_found(err, ERR_DATA, "recipients:none", "the message has no recipient");
    if (order->envid && !envelope_set_envid(envelope, span_of(order->envid), err))
        return false;
    envelope->ret = order->ret;
    return envelope_set_sender(envelope, span_of(sender->envelope), err) &&
           key_take(order, header, envelope, err);
}

/* The header has come whole: decide, and write what goes out. */
static bool header_take(struct passage *passage, struct err *err)
{
    const struct intake_order *order = passage->order;
    struct span header = filter_header(passage->filter);
    struct prepared *prepared = passage->prepared;
    HELD(sender) sender = { 0 };
    HELD(buf) out = BUF(8 * HEADER_BLOCK_MAX), message_id = BUF(HEADER_BLOCK_MAX);

    if (!sender_decide(order->account, order->hostname, header, order->sender, &sender, err) ||
        !envelope_fill(order, header, &sender, prepared->envelope, err) ||
        !rewrite_header(order, header, &sender, prepared->envelope, &out, &message_id, err) ||
        !spool_add(&passage->spool, buf_span(&out), err))
        return false;

    prepared->eightbit = !str_is_ascii(buf_span(&out));
    prepared->longest_line = header_longest_line(buf_span(&out));
    prepared->from = GIVE(sender.address);
    prepared->message_id = buf_give(&message_id);
    passage->header_out = true;
    return prepared->message_id || err_no_memory(err);
}

/* After some of the message went through the filter. */
static bool step(struct passage *passage, struct err *err)
{
    const struct filter_facts *facts = filter_facts(passage->filter);

    /*= RFC 5321 4.1.1.4, 2.3.8: NUL is in no text, and what a server makes of it nobody knows. */
    if (facts->nul_at)
        return err_found(err, ERR_DATA, "message:nul", "the message has a NUL, at byte %llu",
                         (unsigned long long)facts->nul_at);
    if (!filter_in_body(passage->filter))
        return true;
    if (!passage->header_out && !header_take(passage, err))
        return false;
    if (!spool_add(&passage->spool, buf_span(&passage->body), err))
        return false;
    buf_clear(&passage->body);
    return true;
}

static bool feed(struct passage *passage, struct span bytes, struct err *err)
{
    return filter_feed(passage->filter, bytes, &passage->body, err) && step(passage, err);
}

static bool feed_all(struct passage *passage, struct err *err)
{
    const struct intake_order *order = passage->order;
    HELD(buf) piece = BUF(SPOOL_PIECE);
    char *room = buf_room(&piece, SPOOL_PIECE);
    size_t len = 0;

    if (!room)
        return err_no_memory(err);
    for (struct span rest = order->bytes, some; rest.len; rest = span_from(rest, some.len)) {
        some = span_cut(rest, 0, SPOOL_PIECE);
        if (!feed(passage, some, err))
            return false;
    }
    while (!order->bytes.at) {
        if (!spool_read(order->disk, order->fd, "the message", room, SPOOL_PIECE, &len, err))
            return false;
        if (len == 0)
            break;
        if (!feed(passage, (struct span){ room, len }, err))
            return false;
    }
    if (filter_facts(passage->filter)->in == 0)
        return err_found(err, ERR_DATA, "message:empty", "the message is empty");
    return filter_end(passage->filter, &passage->body, err) && step(passage, err);
}

/* What can go nowhere as it is, is encoded now: whatever the server, lines have at most 998 octets. */
static bool lines_shorten(const struct intake_order *order, struct prepared *prepared,
                          struct err *err)
{
    uint64_t longest = prepared->longest_line;
    int lowered;

    if (longest <= HEADER_LINE_MAX)
        return true;
    if (!message_lower(order->disk, order->directory, prepared->fd, &lowered, &prepared->size, err)) {
        if (err && err->fact && strcmp(err->fact, "eightbit:not-offered") == 0)
            err->fact = "line:too-long";
        return err_in(err, "the message has a line of %llu octets", (unsigned long long)longest);
    }
    order->disk->close(order->disk, prepared->fd);
    prepared->fd = lowered;
    prepared->eightbit = false;
    prepared->longest_line = HEADER_LINE_MAX;
    return true;
}

static bool body_finish(struct passage *passage, struct err *err)
{
    const struct filter_facts *facts = filter_facts(passage->filter);
    struct prepared *prepared = passage->prepared;

    if (!spool_give(&passage->spool, &prepared->fd, err))
        return false;
    prepared->size = passage->spool.size;
    prepared->eightbit |= facts->body_8bit;
    if (facts->longest > prepared->longest_line)
        prepared->longest_line = facts->longest;
    if (!lines_shorten(passage->order, prepared, err))
        return false;
    prepared->envelope->size = prepared->size;
    prepared->envelope->body = prepared->eightbit ? BODY_8BIT : BODY_7BIT;
    return true;
}

bool intake_prepare(const struct intake_order *order, struct prepared **ret_prepared, struct err *err)
{
    OWN(prepared) prepared = NEW(prepared);
    HELD(passage) passage = {
        .order = order,
        .spool = spool_begin(order->disk, order->directory),
        .body = BUF(4 * SPOOL_PIECE),
    };

    if (!prepared)
        return err_no_memory(err);
    prepared->disk = order->disk;
    prepared->fd = -1;
    prepared->envelope = envelope_new();
    passage.prepared = prepared;
    passage.filter = filter_new();
    if (!prepared->envelope || !passage.filter)
        return err_no_memory(err);
    if (!feed_all(&passage, err) || !body_finish(&passage, err))
        return false;

    *ret_prepared = GIVE(prepared);
    return true;
}
