#include "intake/passage.h"

#include "base/alloc.h"
#include "base/crypto.h"
#include "base/str.h"
#include "intake/aliases.h"
#include "intake/rewrite.h"
#include "intake/sender.h"
#include "mail/address.h"
#include "mail/filter.h"
#include "mail/header.h"
#include "mail/mime.h"

#include "base/banned.h"

struct passage {
    const struct intake_order *order;
    struct filter *filter;
    struct envelope *envelope;
    struct buf body; /* what the filter let through and is not handed on yet */
    bool header_out; /* the header is decided, and was handed on */
    char *message_id, *from;
    uint64_t size, longest_line;
    bool eightbit, silent;
    struct crypto_hash *hash; /* of what came in, where a key stands for it; NULL: none does */
    unsigned char digest[CRYPTO_SHA256_LEN];
    bool digested;
};

void passage_free(struct passage *passage)
{
    if (!passage)
        return;
    filter_free(passage->filter);
    crypto_hash_free(passage->hash);
    envelope_free(passage->envelope);
    buf_done(&passage->body);
    mem_free(passage->message_id);
    mem_free(passage->from);
    mem_free(passage);
}

bool passage_new(const struct intake_order *order, struct passage **ret_passage, struct err *err)
{
    OWN(passage) passage = NEW(passage);

    if (!passage)
        return err_no_memory(err);
    passage->order = order;
    passage->filter = filter_new();
    passage->envelope = envelope_new();
    passage->body = (struct buf)BUF(PASSAGE_OUT_MAX);
    if (!passage->filter || !passage->envelope)
        return err_no_memory(err);
    *ret_passage = GIVE(passage);
    return true;
}

static void put(struct passage *passage, struct buf *out, struct span bytes)
{
    buf_add_span(out, bytes);
    passage->size += bytes.len;
}

/* -- the envelope -- */

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
/* Mail for a name of this machine goes where its alias leads; the wishes for reports go along. */
static bool locals_follow(const struct intake_order *order, struct envelope *envelope, struct err *err)
{
    const struct alias_asker asker = {
        order->hostname, order->admin ? order->admin : order->account->address,
    };
    OWN(envelope) followed = envelope_new();

    if (!followed)
        return err_no_memory(err);
    for (size_t i = 0; i < envelope->count; i++) {
        const struct recipient *recipient = &envelope->recipients[i];
        struct span address = span_of(recipient->address);
        size_t at = span_find_last(address, '@');
        HELD(alias_found) found = { 0 };
        bool local = aliases_is_local(span_from(address, at + 1), order->hostname);
        if (local && !aliases_expand(order->aliases, &asker, span_cut(address, 0, at), &found, err))
            return false;
        for (size_t k = 0; k < (local ? found.count : 1); k++)
            if (!envelope_add_dsn(followed, local ? span_of(found.at[k]) : address, recipient->notify,
                                  span_of(recipient->orcpt), err))
                return false;
    }
    envelope_swap_recipients(envelope, followed);
    return true;
}

/* What SMTP's envelope said. */
static bool envelope_take(const struct envelope *from, struct envelope *envelope, struct err *err)
{
    for (size_t i = 0; i < from->count; i++)
        if (!envelope_add_dsn(envelope, span_of(from->recipients[i].address), from->recipients[i].notify,
                              span_of(from->recipients[i].orcpt), err))
            return false;
    envelope->smtputf8 |= from->smtputf8;
    envelope->ret = from->ret;
    return !from->envid || envelope_set_envid(envelope, span_of(from->envid), err);
}

static bool envelope_fill(const struct intake_order *order, struct span header,
                          const struct sender *sender, struct envelope *envelope, struct err *err)
{
    if (!recipients_take(order, envelope, err))
        return false;
    if (order->header_recipients &&
        !rewrite_take_recipients(header, order->hostname, order->notify, envelope, err))
        return false;
    if (order->envelope && !envelope_take(order->envelope, envelope, err))
        return false;
    if (order->aliases && !locals_follow(order, envelope, err))
        return false;
    if (envelope->count == 0)
        return err_found(err, ERR_DATA, "recipients:none", "the message has no recipient");
    if (order->envid && !envelope_set_envid(envelope, span_of(order->envid), err))
        return false;
    if (order->ret != RET_UNSAID)
        envelope->ret = order->ret;
    return envelope_set_sender(envelope, span_of(sender->envelope), err) &&
           key_take(order, header, envelope, err);
}

/* RFC 3834, 2: whoever answers by itself says so; and so do lists and their kin, in their way. What a program sends of
 * its own accord (auto-generated: cron) answers nobody, and its failure is somebody's business. */
static bool is_silent(struct span header)
{
    struct header_field field;

    if (header_has(header, "List-Id"))
        return true;
    if (!header_find(header, "Auto-Submitted", &field))
        return false;
    struct scan value = scan_of(field.value);
    struct span word = mime_word(&value);
    return !span_is_word(word, "no") && !span_is_word(word, "auto-generated");
}

/* The header has come whole: decide, and write what goes out. */
static bool header_take(struct passage *passage, struct buf *out, struct err *err)
{
    const struct intake_order *order = passage->order;
    struct span header = filter_header(passage->filter);
    HELD(sender) sender = { 0 };
    HELD(buf) block = BUF(8 * HEADER_BLOCK_MAX), message_id = BUF(HEADER_BLOCK_MAX);

    if (!sender_decide(order->account, order->hostname, header, order->sender, &sender, err) ||
        !envelope_fill(order, header, &sender, passage->envelope, err) ||
        !rewrite_header(order, header, &sender, passage->envelope, &block, &message_id, err))
        return false;

    passage->eightbit = !str_is_ascii(buf_span(&block));
    passage->longest_line = header_longest_line(buf_span(&block));
    passage->from = GIVE(sender.address);
    passage->message_id = buf_give(&message_id);
    passage->header_out = true;
    passage->silent = is_silent(header);
    put(passage, out, buf_span(&block));
    if (passage->envelope->key) {
        passage->hash = crypto_hash_new();
        if (!passage->hash)
            return err_no_memory(err);
        crypto_hash_add(passage->hash, header);
    }
    return passage->message_id || err_no_memory(err);
}

/* After some of the message went through the filter. */
static bool step(struct passage *passage, struct buf *out, struct err *err)
{
    const struct filter_facts *facts = filter_facts(passage->filter);

    /*= RFC 5321 4.1.1.4, 2.3.8: NUL is in no text, and what a server makes of it nobody knows. */
    if (facts->nul_at)
        return err_found(err, ERR_DATA, "message:nul", "the message has a NUL, at byte %llu",
                         (unsigned long long)facts->nul_at);
    if (!filter_in_body(passage->filter))
        return true;
    if (!passage->header_out && !header_take(passage, out, err))
        return false;
    put(passage, out, buf_span(&passage->body));
    if (passage->hash)
        crypto_hash_add(passage->hash, buf_span(&passage->body));
    buf_cut(&passage->body, 0);
    return !out->full || err_no_memory(err);
}

bool passage_feed(struct passage *passage, struct span piece, struct buf *out, struct err *err)
{
    buf_expect(&passage->body, piece.len);
    return filter_feed(passage->filter, piece, &passage->body, err) && step(passage, out, err);
}

bool passage_end(struct passage *passage, struct buf *out, struct err *err)
{
    const struct filter_facts *facts = filter_facts(passage->filter);

    if (facts->in == 0)
        return err_found(err, ERR_DATA, "message:empty", "the message is empty");
    if (!filter_end(passage->filter, &passage->body, err) || !step(passage, out, err))
        return false;
    passage->eightbit |= facts->body_8bit;
    if (facts->longest > passage->longest_line)
        passage->longest_line = facts->longest;
    passage->digested = passage->hash && crypto_hash_end(passage->hash, passage->digest);
    if (passage->hash && !passage->digested)
        return err_no_memory(err);
    passage->envelope->size = passage->size;
    passage->envelope->body = passage->eightbit ? BODY_8BIT : BODY_7BIT;
    return true;
}

/* -- what it tells -- */

struct passage_facts passage_facts(const struct passage *passage)
{
    return (struct passage_facts){
        .envelope = passage->envelope,
        .message_id = passage->message_id,
        .from = passage->from,
        .size = passage->size,
        .longest_line = passage->longest_line,
        .eightbit = passage->eightbit,
        .silent = passage->silent,
        .digest = passage->digested ? (struct span){ (const char *)passage->digest, sizeof passage->digest }
                                    : SPAN_NONE,
    };
}

struct envelope *passage_take_envelope(struct passage *passage)
{
    return GIVE(passage->envelope);
}

char *passage_take_message_id(struct passage *passage)
{
    return GIVE(passage->message_id);
}

char *passage_take_from(struct passage *passage)
{
    return GIVE(passage->from);
}
