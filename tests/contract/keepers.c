#include "keepers.h"

#include "queue/sqlite.h"

static bool open_memory(struct scratch *scratch, struct store **ret_store, struct err *err)
{
    (void)scratch;
    return store_memory_open(ret_store, err);
}

static bool open_sqlite(struct scratch *scratch, struct store **ret_store, struct err *err)
{
    struct sqlite_options options = { .directory = scratch_path(scratch, "state"), .disk = &disk_system };
    struct store_opened opened;

    return store_sqlite_open(&options, ret_store, &opened, err);
}

const struct keeper keepers[] = {
    { "memory", open_memory, false },
    { "sqlite", open_sqlite, true },
};
const size_t keeper_count = COUNT(keepers);

void job_begins(struct store *store)
{
    struct err err = { 0 };

    if (!store_begin(store, &err) || !store_job_begin(store, &err))
        fail_msg("%s", err.text);
}

void job_ends(struct store *store, bool keep)
{
    struct err err = { 0 };

    if (!store_job_end(store, keep, &err) || !store_commit(store, &err))
        fail_msg("%s", err.text);
}

struct envelope *letter_envelope(const struct letter *letter)
{
    struct err err = { 0 };
    struct envelope *envelope = envelope_new();

    assert_true(envelope_set_sender(envelope, span_of(letter->sender ? letter->sender : "me@live.com"), &err));
    for (size_t i = 0; i < letter->recipients; i++) {
        HELD(buf) address = BUF(64);
        buf_addf(&address, "r%zu@example.org", i);
        assert_true(envelope_add(envelope, buf_span(&address), &err));
    }
    for (size_t i = 0; i < COUNT(letter->to) && letter->to[i]; i++)
        assert_true(envelope_add_dsn(envelope, span_of(letter->to[i]), letter->notify, SPAN_NONE, &err));
    if (envelope->count == 0)
        assert_true(envelope_add_dsn(envelope, SPAN("you@example.org"), letter->notify, SPAN_NONE, &err));
    if (letter->key)
        assert_true(envelope_set_key(envelope, span_of(letter->key), &err));
    return envelope;
}

struct store_order letter_order(const struct letter *letter, const struct envelope *envelope)
{
    return (struct store_order){
        .account = letter->account ? letter->account : "live",
        .submitter = letter->submitter ? letter->submitter : "uid:1000",
        .envelope = envelope,
        .content = span_of(letter->content ? letter->content : letter->key ? "digest" : NULL),
        .message_id = "<1@example.org>",
        .from = letter->from,
        .priority = letter->priority,
        .not_before = letter->not_before,
        .deadline = letter->deadline,
        .deadline_tells = letter->deadline_tells,
        .silent = letter->silent,
        .tells = letter->tells,
        .body = letter->body,
        .last = span_of(letter->text ? letter->text : "Subject: hello\r\n\r\nhello\r\n"),
    };
}

uint64_t post(struct store *store, const struct letter *letter, uint64_t now)
{
    OWN(envelope) envelope = letter_envelope(letter);
    struct store_order order = letter_order(letter, envelope);
    struct store_accepted accepted = { 0 };

    DO(store, store_accept(store, &order, now, &accepted, &err));
    assert_true(accepted.id > 0);
    return accepted.id;
}

void claim(struct store *store, uint64_t now, size_t most, struct store_items *ret_items)
{
    struct store_claim claim = { .account = "live", .until = now + 1000, .messages = most, .recipients = 1000,
                                 .bytes = 1 << 20 };

    DO(store, store_claim(store, &claim, now, ret_items, &err));
}

void settle(struct store *store, const struct store_item *item, enum store_state state, uint64_t next,
            uint64_t now)
{
    struct store_outcome outcome = { .number = item->recipients[0].number, .state = state, .next = next };
    struct store_settlement settlement = { item->id, item->lease, "live", &outcome, 1, NULL, NULL };

    DO(store, store_settle(store, &settlement, now, &err));
}

enum store_state state_of(struct store *store, uint64_t id, int number)
{
    struct store_story story = { 0 };

    DO(store, store_show(store, id, 0, 1000, 1, &story, &err));
    assert_int_equal(story.rows.count, 1);
    assert_true(number < (int)story.rows.at[0].recipient_count);
    enum store_state state = number < 0 ? story.rows.at[0].state : story.rows.at[0].recipients[number].state;
    store_story_done(&story);
    return state;
}

uint64_t next_of(struct store *store, uint64_t id)
{
    struct store_story story = { 0 };

    DO(store, store_show(store, id, 0, 0, 1, &story, &err));
    uint64_t next = story.rows.at[0].next;
    store_story_done(&story);
    return next;
}
