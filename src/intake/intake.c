#include "intake/intake.h"

#include "base/alloc.h"
#include "intake/lower.h"
#include "intake/passage.h"
#include "intake/spool.h"
#include "mail/header.h"

#include "base/banned.h"

enum { OUT_MAX = PASSAGE_OUT_MAX + 2 * SPOOL_PIECE };

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

/* What came out goes to the spool. */
static bool spool_out(struct spool *spool, struct buf *out, struct err *err)
{
    if (!spool_add(spool, buf_span(out), err))
        return false;
    buf_cut(out, 0);
    return true;
}

static bool feed(struct passage *passage, struct span bytes, struct buf *out, struct spool *spool, struct err *err)
{
    return passage_feed(passage, bytes, out, err) && spool_out(spool, out, err);
}

static bool feed_all(const struct intake_order *order, struct passage *passage, struct spool *spool,
                     struct err *err)
{
    HELD(buf) piece = BUF(SPOOL_PIECE), out = BUF(OUT_MAX);
    char *room = buf_room(&piece, SPOOL_PIECE);
    size_t len = 0;

    if (!room)
        return err_no_memory(err);
    for (struct span rest = order->bytes, some; rest.len; rest = span_from(rest, some.len)) {
        some = span_cut(rest, 0, SPOOL_PIECE);
        if (!feed(passage, some, &out, spool, err))
            return false;
    }
    while (!order->bytes.at) {
        if (!spool_read(order->disk, order->fd, "the message", room, SPOOL_PIECE, &len, err))
            return false;
        if (len == 0)
            break;
        if (!feed(passage, (struct span){ room, len }, &out, spool, err))
            return false;
    }
    return passage_end(passage, &out, err) && spool_out(spool, &out, err);
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

static bool finish(const struct intake_order *order, struct passage *passage, struct spool *spool,
                   struct prepared *prepared, struct err *err)
{
    const struct passage_facts facts = passage_facts(passage);

    if (!spool_give(spool, &prepared->fd, err))
        return false;
    prepared->size = facts.size;
    prepared->eightbit = facts.eightbit;
    prepared->silent = facts.silent;
    prepared->longest_line = facts.longest_line;
    if (!lines_shorten(order, prepared, err))
        return false;
    prepared->envelope = passage_take_envelope(passage);
    prepared->message_id = passage_take_message_id(passage);
    prepared->from = passage_take_from(passage);
    prepared->envelope->size = prepared->size;
    prepared->envelope->body = prepared->eightbit ? BODY_8BIT : BODY_7BIT;
    return true;
}

bool intake_prepare(const struct intake_order *order, struct prepared **ret_prepared, struct err *err)
{
    struct spool spool = spool_begin(order->disk, order->directory);
    OWN(prepared) prepared = NEW(prepared);
    OWN(passage) passage = NULL;

    if (!prepared)
        return err_no_memory(err);
    prepared->disk = order->disk;
    prepared->fd = -1;
    bool ok = passage_new(order, &passage, err) && feed_all(order, passage, &spool, err) &&
              finish(order, passage, &spool, prepared, err);
    spool_done(&spool);
    if (!ok)
        return false;
    *ret_prepared = GIVE(prepared);
    return true;
}
