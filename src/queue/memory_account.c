#include "queue/memory_int.h"

#include "base/banned.h"

static void count_messages(const struct memory *memory, struct store_account *account)
{
    const struct shelf *shelf = &memory->shelves[KIND_MESSAGE];

    account->next_due = STORE_NEVER;
    for (size_t i = 0; i < shelf->count; i++) {
        const struct store_row *row = &shelf->at[i]->message.row;
        if (row->done || !span_is(span_of(row->account), account->name))
            continue;
        account->counts[store_shown(row->state, account->parked_since != 0)]++;
        if (!account->oldest)
            account->oldest = row->created;
        if (row->next < account->next_due)
            account->next_due = row->next;
    }
}

bool memory_accounts(struct store *store, const char *name, uint64_t now, struct store_accounts *ret,
                            struct err *err)
{
    struct memory *memory = memory_of(store);
    const struct shelf *shelf = &memory->shelves[KIND_ACCOUNT];

    ret->at = pool_array(&ret->pool, shelf->count, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    for (size_t i = 0; i < shelf->count; i++) {
        const struct store_account *is = &shelf->at[i]->account;
        if (name && !span_is(span_of(is->name), name))
            continue;
        struct store_account *account = &ret->at[ret->count++];
        *account = *is;
        account->parked_for = memory_parked_for(is, now);
        count_messages(memory, account);
        if (!(account->name = memory_text(&ret->pool, is->name)) ||
            !(account->parked_because = memory_text(&ret->pool, is->parked_because)) ||
            !(account->parked_text = memory_text(&ret->pool, is->parked_text)))
            return err_no_memory(err);
    }
    return true;
}

bool memory_park(struct store *store, const char *name, const char *cause, const char *text,
                        uint64_t now, struct err *err)
{
    struct thing *thing = memory_account_edit(memory_of(store), name);

    if (!thing)
        return err_no_memory(err);
    struct store_account *account = &thing->account;
    if (!account->parked_since)
        account->parked_since = now;
    if (!span_is(span_of(account->parked_because), store_text(cause)))
        account->parked_told = 0;
    return ((account->parked_because = memory_text(&thing->pool, cause)) &&
            (account->parked_text = memory_text(&thing->pool, text))) ||
           err_no_memory(err);
}

bool memory_unpark(struct store *store, const char *name, uint64_t now, struct err *err)
{
    const struct thing *is = memory_account(memory_of(store), name);

    if (!is || !is->account.parked_since)
        return true;
    struct thing *thing = memory_edit(memory_of(store), is);
    if (!thing)
        return err_no_memory(err);
    struct store_account *account = &thing->account;
    account->parked_for = memory_parked_for(account, now);
    account->parked_since = account->parked_told = 0;
    account->parked_because = account->parked_text = "";
    store_tell_due(store, account->name, now);
    return true;
}

bool memory_park_told(struct store *store, const char *name, uint64_t now, struct err *err)
{
    const struct thing *is = memory_account(memory_of(store), name);
    struct thing *thing = is ? memory_edit(memory_of(store), is) : NULL;

    if (is && !thing)
        return err_no_memory(err);
    if (thing && thing->account.parked_since)
        thing->account.parked_told = now;
    return true;
}

static bool mark_name(struct buf *out, const char *kind, const char *name, struct err *err)
{
    buf_addf(out, "%zu:%s%s", strlen(kind), kind, name);
    return !out->full || err_no_memory(err);
}

bool memory_mark_put(struct store *store, const char *kind, const char *name, struct span bytes,
                            struct err *err)
{
    HELD(buf) key = BUF(3 * STORE_NAME_MAX);

    if (!mark_name(&key, kind, name, err))
        return false;
    const struct thing *is = memory_find(memory_of(store), KIND_MARK, 0, buf_text(&key));
    if (bytes.len == 0)
        return !is || memory_remove(memory_of(store), is) || err_no_memory(err);
    struct thing *thing = is ? memory_edit(memory_of(store), is)
                             : memory_add(memory_of(store), KIND_MARK, 0, buf_text(&key));
    if (!thing)
        return err_no_memory(err);
    thing->mark = (struct span){ pool_text(&thing->pool, bytes), bytes.len };
    return thing->mark.at || err_no_memory(err);
}

bool memory_mark_get(struct store *store, const char *kind, const char *name, struct buf *out,
                            struct err *err)
{
    HELD(buf) key = BUF(3 * STORE_NAME_MAX);

    if (!mark_name(&key, kind, name, err))
        return false;
    const struct thing *is = memory_find(memory_of(store), KIND_MARK, 0, buf_text(&key));
    if (is)
        buf_add_span(out, is->mark);
    return !out->full || err_no_memory(err);
}
