#include "mail/envelope.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "mail/address.h"

#include "base/banned.h"

enum { FIRST_ROOM = 8 };

struct envelope *envelope_new(void)
{
    OWN(envelope) envelope = NEW(envelope);

    if (!envelope || !(envelope->sender = str_copy("")))
        return NULL;
    return GIVE(envelope);
}

static void recipient_done(struct recipient *recipient)
{
    mem_free(recipient->address);
    mem_free(recipient->orcpt);
}

void envelope_free(struct envelope *envelope)
{
    if (!envelope)
        return;
    for (size_t i = 0; i < envelope->count; i++)
        recipient_done(&envelope->recipients[i]);
    mem_free(envelope->recipients);
    mem_free(envelope->index);
    mem_free(envelope->sender);
    mem_free(envelope->envid);
    mem_free(envelope->key);
    mem_free(envelope);
}

bool envelope_set_sender(struct envelope *envelope, struct span text, struct err *err)
{
    HELD(address) address = { 0 };

    if (text.len && !address_parse(text, &address, err))
        return false;
    char *sender = text.len ? GIVE(address.wire) : str_copy("");
    if (!sender)
        return err_no_memory(err);
    mem_free(envelope->sender);
    envelope->sender = sender;
    envelope->smtputf8 |= address.smtputf8;
    return true;
}

/* FNV-1a, ASCII case aside: equal addresses have equal hashes, and address_same() has the last word. */
static uint32_t hash_of(struct span text)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)str_lower(text.at[i])) * 16777619u;
    return hash;
}

/* The slot where the address is, or would be; a slot holds a recipient's place + 1, or 0. */
static size_t slot_of(const struct envelope *envelope, struct span address)
{
    size_t slot = hash_of(address) & (envelope->slots - 1);

    for (uint32_t held; (held = envelope->index[slot]); slot = (slot + 1) & (envelope->slots - 1))
        if (address_same(span_of(envelope->recipients[held - 1].address), address))
            break;
    return slot;
}

/* Room for one more, and an index at most half full. */
static bool grow(struct envelope *envelope)
{
    if (envelope->count < envelope->room)
        return true;

    size_t room = envelope->room ? envelope->room * 2 : FIRST_ROOM;
    uint32_t *index = mem_array(room * 2, sizeof *index);
    struct recipient *recipients = index ? mem_resize(envelope->recipients, room, sizeof *recipients)
                                         : NULL;
    if (!recipients) {
        mem_free(index);
        return false;
    }
    mem_free(envelope->index);
    envelope->index = index;
    envelope->slots = room * 2;
    envelope->recipients = recipients;
    envelope->room = room;
    for (size_t i = 0; i < envelope->count; i++)
        index[slot_of(envelope, span_of(recipients[i].address))] = (uint32_t)i + 1;
    return true;
}

static bool is_printable(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] < ' ' || text.at[i] > '~')
            return false;
    return true;
}

static bool dsn_is_good(unsigned notify, struct span orcpt, struct err *err)
{
    /*= RFC 3461 4.1
     *# ... the NEVER keyword MUST appear by itself.   */
    if ((notify & NOTIFY_NEVER) && notify != NOTIFY_NEVER)
        return err_set(err, ERR_DATA, "NOTIFY: \"never\" stands alone");
    if (orcpt.len > ENVELOPE_ORCPT_MAX || !is_printable(orcpt) ||
        (orcpt.len && span_find(orcpt, ';') == orcpt.len))
        return err_set(err, ERR_DATA, "ORCPT: want a type, \";\" and an address, printable, at most "
                                      "500 characters");
    return true;
}

bool envelope_add_dsn(struct envelope *envelope, struct span text, unsigned notify,
                      struct span orcpt, struct err *err)
{
    HELD(address) address = { 0 };

    if (!address_parse(text, &address, err) || !dsn_is_good(notify, orcpt, err))
        return false;
    if (!grow(envelope))
        return err_no_memory(err);

    size_t slot = slot_of(envelope, span_of(address.wire));
    if (envelope->index[slot])
        return true;
    if (envelope->count == ADDRESS_LIST_MAX)
        return err_found(err, ERR_LIMIT, "recipients:too-many", "more than %d recipients",
                         ADDRESS_LIST_MAX);

    struct recipient *recipient = &envelope->recipients[envelope->count];
    *recipient = (struct recipient){ .notify = notify, .smtputf8 = address.smtputf8 };
    if (orcpt.len && !(recipient->orcpt = str_copy_span(orcpt)))
        return err_no_memory(err);
    recipient->address = GIVE(address.wire);
    envelope->index[slot] = (uint32_t)++envelope->count;
    envelope->smtputf8 |= address.smtputf8;
    return true;
}

bool envelope_add(struct envelope *envelope, struct span address, struct err *err)
{
    return envelope_add_dsn(envelope, address, 0, SPAN_NONE, err);
}

/* A recipient's place, and that of the first of its domain. */
struct grouped {
    size_t domain, place;
};

static int compare_grouped(const void *a, const void *b)
{
    const struct grouped *one = a, *other = b;

    if (one->domain != other->domain)
        return one->domain < other->domain ? -1 : 1;
    return one->place < other->place ? -1 : one->place > other->place;
}

static struct span domain_of(const struct recipient *recipient)
{
    struct span address = span_of(recipient->address);

    return span_from(address, span_find_last(address, '@') + 1);
}

/* By a table of places + 1. */
static void number_domains(const struct envelope *envelope, size_t first, size_t count,
                           struct grouped *grouped, uint32_t *table)
{
    for (size_t i = 0; i < count; i++) {
        struct span domain = domain_of(&envelope->recipients[first + i]);
        size_t slot = hash_of(domain) & (envelope->slots - 1);
        while (table[slot] &&
               !span_equal_word(domain, domain_of(&envelope->recipients[table[slot] - 1])))
            slot = (slot + 1) & (envelope->slots - 1);
        if (!table[slot])
            table[slot] = (uint32_t)(first + i) + 1;
        grouped[i] = (struct grouped){ table[slot] - 1, first + i };
    }
}

bool envelope_by_domain(const struct envelope *envelope, size_t first, size_t count, size_t *ret_order,
                        struct err *err)
{
    uint32_t *table = mem_array(envelope->slots, sizeof *table);
    struct grouped *grouped = mem_array(count, sizeof *grouped);
    bool good = table && grouped;

    if (good) {
        number_domains(envelope, first, count, grouped, table);
        qsort(grouped, count, sizeof *grouped, compare_grouped);
        for (size_t i = 0; i < count; i++)
            ret_order[i] = grouped[i].place;
    }
    mem_free(table);
    mem_free(grouped);
    return good || err_no_memory(err);
}

static bool set_text(char **at, struct span text, size_t most, const char *what, struct err *err)
{
    if (text.len == 0 || text.len > most || !is_printable(text))
        return err_set(err, ERR_DATA, "%s: want 1 to %zu printable ASCII characters", what, most);
    char *copy = str_copy_span(text);
    if (!copy)
        return err_no_memory(err);
    mem_free(*at);
    *at = copy;
    return true;
}

void envelope_swap_recipients(struct envelope *envelope, struct envelope *other)
{
    const struct envelope kept = *envelope;

    envelope->recipients = other->recipients;
    envelope->count = other->count;
    envelope->room = other->room;
    envelope->index = other->index;
    envelope->slots = other->slots;
    other->recipients = kept.recipients;
    other->count = kept.count;
    other->room = kept.room;
    other->index = kept.index;
    other->slots = kept.slots;
}

bool envelope_set_envid(struct envelope *envelope, struct span envid, struct err *err)
{
    return set_text(&envelope->envid, envid, ENVELOPE_ENVID_MAX, "the envelope id", err);
}

bool envelope_set_key(struct envelope *envelope, struct span key, struct err *err)
{
    return set_text(&envelope->key, key, ENVELOPE_KEY_MAX, "the key", err);
}
