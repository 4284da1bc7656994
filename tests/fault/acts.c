#include "acts.h"

#include <stdlib.h>

#include "support/check.h"

/* Chance from a seed ------------------------------------------------------------------------------------------ */

struct chance {
    uint64_t state;
};

static uint64_t draw(struct chance *chance, uint64_t below)
{
    chance->state ^= chance->state >> 12; /* xorshift64* */
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return (chance->state * 2685821657736338717u >> 33) % below;
}

static struct chance chance_of(uint64_t seed, unsigned step)
{
    struct chance chance = { (seed * 1000003 + step) * 0x9e3779b97f4a7c15u | 1 };

    for (int i = 0; i < 4; i++)
        draw(&chance, 2);
    return chance;
}

/* Who is there ------------------------------------------------------------------------------------------------ */

static const unsigned everything = (1u << STORE_STATE_COUNT) - 1;

/* The ids of what is there, in order: their places are the same for every keeper. */
static bool list_ids(struct store *store, unsigned states, uint64_t now, uint64_t *ids, size_t most, size_t *ret_count,
                     struct err *err)
{
    struct store_filter filter = { .states = states };
    struct store_cursor cursor = { 0 };
    bool ok = true;

    *ret_count = 0;
    while (ok && !cursor.end && *ret_count < most) {
        struct store_rows rows = { 0 };
        ok = store_list(store, &filter, &cursor, 50, 0, now, &rows, err);
        for (size_t i = 0; ok && i < rows.count && *ret_count < most; i++)
            ids[(*ret_count)++] = rows.at[i].id;
        store_rows_done(&rows);
    }
    return ok;
}

static bool pick(struct store *store, struct chance *chance, uint64_t now, uint64_t *ret_id, struct err *err)
{
    uint64_t ids[300], which = draw(chance, 1000);
    size_t count;

    if (!list_ids(store, 0, now, ids, COUNT(ids), &count, err))
        return false;
    *ret_id = count ? ids[which % count] : 0;
    return true;
}

/* Acts -------------------------------------------------------------------------------------------------------- */

struct act {
    struct player *player;
    struct chance *chance;
    uint64_t now;
    bool bare;
    struct lease *lost; /* out: another has it by now */
};

static const char *const accounts[] = { "live", "work", "route" };

static bool act_accept(struct act *act, struct err *err)
{
    static char text[3000];
    OWN(envelope) envelope = envelope_new();
    struct store_body body = { 0 };
    struct store_accepted accepted;
    size_t recipients = draw(act->chance, 4) ? 1 : 1 + draw(act->chance, 4);
    size_t most = draw(act->chance, 5) ? 3 : 30; /* more than are taken away at once */
    size_t pieces = draw(act->chance, 6) ? 0 : 1 + draw(act->chance, most);
    size_t len = 1 + draw(act->chance, sizeof text - 1);
    char fill = (char)('a' + draw(act->chance, 26));
    unsigned wishes = draw(act->chance, 4) ? 0 : draw(act->chance, 3) ? NOTIFY_DELAY : NOTIFY_NEVER;

    memset(text, fill, sizeof text);
    if (!envelope)
        return err_no_memory(err);
    if (!envelope_set_sender(envelope, SPAN("me@live.com"), err))
        return false;
    for (size_t i = 0; i < recipients; i++) {
        HELD(buf) address = BUF(64);
        buf_addf(&address, "r%zu%c@example.org", i, fill);
        if (!envelope_add_dsn(envelope, buf_span(&address), wishes, SPAN_NONE, err))
            return false;
    }
    if (draw(act->chance, 5) == 0 && !act->bare && !envelope_set_key(envelope, draw(act->chance, 2) ? SPAN("k1") : SPAN("k2"), err))
        return false;
    for (size_t i = 0; i < pieces && !act->bare; i++)
        if (!store_body_add(act->player->store, &body, (struct span){ text, 1 + len / 2 }, act->now, err))
            return false;
    struct store_order order = {
        .account = accounts[draw(act->chance, COUNT(accounts))], .submitter = draw(act->chance, 2) ? "uid:0" : "uid:1",
        .envelope = envelope, .content = envelope->key ? SPAN("same") : SPAN_NONE, .message_id = "<x@y>",
        .from = "me@live.com", .priority = draw(act->chance, 4) ? 0 : (int)draw(act->chance, 19) - 9,
        .not_before = draw(act->chance, 5) ? 0 : act->now + draw(act->chance, 200),
        .deadline = draw(act->chance, 6) ? 0 : act->now + draw(act->chance, 300),
        .deadline_tells = draw(act->chance, 2), .silent = draw(act->chance, 4) == 0,
        .body = body.pieces ? &body : NULL, .last = { text, len },
    };
    return store_accept(act->player->store, &order, act->now, &accepted, err);
}

/* A body that is begun and left behind. */
static bool act_abandon(struct act *act, struct err *err)
{
    struct store_body body = { 0 };

    return store_body_add(act->player->store, &body, SPAN("half a message"), act->now, err) &&
           store_body_add(act->player->store, &body, SPAN("more of it"), act->now, err);
}

static bool act_claim(struct act *act, struct err *err)
{
    struct player *player = act->player;
    struct store_claim claim = { .account = accounts[draw(act->chance, COUNT(accounts))],
                                 .by = draw(act->chance, 3) ? NULL : "live",
                                 .until = act->now + 20 + draw(act->chance, 100), .leaving = draw(act->chance, 3) == 0,
                                 .via = draw(act->chance, 2) ? "smtp" : "graph",
                                 .messages = 1 + draw(act->chance, 4), .recipients = 1 + draw(act->chance, 6),
                                 .bytes = draw(act->chance, 6000) };
    static const struct store_late old = { .give_up_ms = 400, .delay_ms = 150 };
    struct store_items items = { 0 };

    if (draw(act->chance, 4) == 0)
        claim.late = &old, claim.leaving = false;
    if (draw(act->chance, 3) == 0 && !pick(player->store, act->chance, act->now, &claim.first, err))
        return false;
    if (player->lease_count + claim.messages > ACTS_LEASES)
        return true;
    bool ok = store_claim(player->store, &claim, act->now, &items, err);
    for (size_t i = 0; ok && i < items.count; i++) {
        struct lease *lease = &player->leases[player->lease_count++];
        *lease = (struct lease){ .id = items.at[i].id, .lease = items.at[i].lease, .leaving = claim.leaving };
        for (; lease->count < items.at[i].envelope->count && lease->count < COUNT(lease->numbers); lease->count++)
            lease->numbers[lease->count] = items.at[i].recipients[lease->count].number;
    }
    store_items_done(&items);
    return ok;
}

static struct lease *some_lease(struct act *act)
{
    uint64_t which = draw(act->chance, ACTS_LEASES);

    return act->player->lease_count ? &act->player->leases[which % act->player->lease_count] : NULL;
}

static bool act_leaving(struct act *act, struct err *err)
{
    struct lease *lease = some_lease(act);
    bool one = draw(act->chance, 2);

    if (!lease || lease->leaving)
        return true;
    struct store_lease is = { .id = lease->id, .lease = lease->lease,
                              .recipients = one ? lease->numbers : NULL, .count = one ? 1 : 0 };
    return store_leaving(act->player->store, "live", &is, 1, act->now, err);
}

static bool act_extend(struct act *act, struct err *err)
{
    struct lease *lease = some_lease(act);

    if (!lease)
        return true;
    struct store_lease is = { .id = lease->id, .lease = lease->lease };
    return store_extend(act->player->store, &is, 1, act->now + 200, act->now, err);
}

static bool act_settle(struct act *act, struct err *err)
{
    static const enum store_state states[] = { STORE_DELIVERED, STORE_DELIVERED, STORE_DELIVERED, STORE_DEFERRED,
                                               STORE_FAILED, STORE_UNKNOWN, STORE_QUEUED };
    static const unsigned told = STORE_IN(STORE_DEFERRED) | STORE_IN(STORE_QUEUED);
    struct lease *lease = some_lease(act);
    struct store_outcome outcomes[4];
    bool all_alike = draw(act->chance, 2), part = draw(act->chance, 4) == 0, hold = draw(act->chance, 12) == 0;
    uint64_t first = draw(act->chance, COUNT(states));

    if (!lease)
        return true;
    size_t count = part && lease->count > 1 ? 1 : lease->count;
    for (size_t i = 0; i < count; i++) {
        enum store_state state = states[all_alike ? first : draw(act->chance, COUNT(states))];
        outcomes[i] = (struct store_outcome){
            .number = lease->numbers[i], .state = state,
            .next = state == STORE_UNKNOWN && draw(act->chance, 2) ? STORE_NEVER : act->now + draw(act->chance, 150),
            .reply = state == STORE_DELIVERED ? 250 : 450, .enhanced = { 4, 7, 139 },
            .cause = state == STORE_DELIVERED ? NULL : "greylisted", .text = "said so",
            .reports = state == STORE_FAILED ? REPORT_FAILURE : STORE_IN(state) & told && first >= 3 ? REPORT_DELAY : 0,
        };
    }
    struct store_settlement settlement = { lease->id, lease->lease, "live", outcomes, count,
                                           hold ? "too_many_recipients" : NULL, "because" };
    bool ok = store_settle(act->player->store, &settlement, act->now, err);
    bool lost = !ok && err->fact && strcmp(err->fact, "store:lease-lost") == 0;
    if (ok && count == lease->count)
        *lease = act->player->leases[--act->player->lease_count];
    else if (ok)
        memmove(lease->numbers, lease->numbers + 1, --lease->count * sizeof *lease->numbers);
    act->lost = lost ? lease : NULL;
    return ok;
}

static bool act_report(struct act *act, struct err *err)
{
    struct store_rows rows = { 0 };
    uint64_t next;
    uint32_t numbers[8];
    bool by_mail = draw(act->chance, 2);
    bool ok = store_reports(act->player->store, act->now, act->now + 100, 1, 4, &rows, &next, err);

    if (ok && rows.count) {
        struct store_told told = { .id = rows.at[0].id, .kinds = REPORT_FAILURE | REPORT_DELAY, .recipients = numbers,
                                   .how = "mailbox" };
        for (; told.count < rows.at[0].recipient_count; told.count++)
            numbers[told.count] = rows.at[0].recipients[told.count].number;
        OWN(envelope) envelope = envelope_new();
        struct store_order order = { .account = "live", .submitter = "outpost", .envelope = envelope, .silent = true,
                                     .tells = &told, .last = SPAN("it failed") };
        struct store_accepted accepted;
        ok = envelope ? envelope_add(envelope, SPAN("me@live.com"), err) : err_no_memory(err);
        ok = ok && (by_mail ? store_accept(act->player->store, &order, act->now, &accepted, err)
                            : store_told(act->player->store, &told, act->now, err));
    }
    store_rows_done(&rows);
    return ok;
}

static bool act_change(struct act *act, struct err *err)
{
    uint64_t id;
    struct store_filter filter = { 0 };
    struct store_cursor cursor = { 0 };
    struct store_changed changed = { 0 };
    enum store_verb verb = (enum store_verb)draw(act->chance, 4);

    if (!pick(act->player->store, act->chance, act->now, &id, err))
        return false;
    if (draw(act->chance, 3)) {
        filter.ids = &id;
        filter.id_count = 1;
    } else {
        filter.account = accounts[draw(act->chance, COUNT(accounts))];
        filter.states = draw(act->chance, 2) ? 0 : STORE_IN(STORE_DEFERRED) | STORE_IN(STORE_PARKED);
        if (verb == STORE_VERB_REMOVE)
            filter.to = "*a@example.org";
    }
    bool dry_run = draw(act->chance, 5) == 0;
    while (!cursor.end)
        if (!store_change(act->player->store, verb, &filter, &cursor, 50, dry_run, "uid:0", act->now, &changed, err))
            return false;
    return true;
}

static bool act_account(struct act *act, struct err *err)
{
    const char *name = accounts[draw(act->chance, COUNT(accounts))];

    switch (draw(act->chance, 4)) {
    case 0:
        return store_park(act->player->store, name, draw(act->chance, 2) ? "auth_bad_credentials" : "account_locked", "535",
                          act->now, err);
    case 1:
        return store_unpark(act->player->store, name, act->now, err);
    case 2:
        return store_park_told(act->player->store, name, act->now, err);
    default:
        return store_mark_put(act->player->store, "limit", name, draw(act->chance, 3) ? SPAN("used") : SPAN_NONE, err);
    }
}

static bool act_sweep(struct act *act, struct err *err)
{
    struct store_sweep sweep = {
        .unknown_next = draw(act->chance, 2) ? STORE_NEVER : act->now + 50,
        .bodies_before = act->now > 100 ? act->now - 100 : 0,
        .history_before = act->now > 400 ? act->now - 400 : 0,
        .most = 1000,
    };
    bool more;

    return store_sweep(act->player->store, &sweep, act->now, &more, err);
}

static const struct {
    bool (*run)(struct act *, struct err *);
    unsigned weight;
    bool bare;
} acts[] = {
    { act_accept, 20, false },
    { act_accept, 10, true },
    { act_claim, 25, false },
    { act_settle, 30, false },
    { act_leaving, 10, false },
    { act_extend, 3, false },
    { act_report, 8, false },
    { act_change, 8, false },
    { act_account, 6, false },
    { act_sweep, 5, false },
    { act_abandon, 3, false },
};

static size_t choose(struct chance *chance)
{
    uint64_t all = 0, at;

    for (size_t i = 0; i < COUNT(acts); i++)
        all += acts[i].weight;
    at = draw(chance, all);
    for (size_t i = 0;; i++) {
        if (at < acts[i].weight)
            return i;
        at -= acts[i].weight;
    }
}

/* Batches ------------------------------------------------------------------------------------------------------- */

static bool play_job(struct player *player, uint64_t seed, unsigned step, size_t job)
{
    struct chance chance = chance_of(seed, step * ACTS_JOBS + (unsigned)job);
    size_t which = choose(&chance);
    struct act act = { player, &chance, 1000 + step * 10, acts[which].bare, NULL };
    struct player before = *player;
    struct err err = { 0 };

    if (!(act.bare ? store_job_begin_bare : store_job_begin)(player->store, &err))
        return false;
    bool ok = acts[which].run(&act, &err);
    bool kept = store_job_end(player->store, ok, &err);
    if (!ok || !kept)
        *player = before;
    if (act.lost)
        *act.lost = player->leases[--player->lease_count];
    return ok && kept;
}

struct played play_batch(struct player *player, uint64_t seed, unsigned step, const struct played *only)
{
    struct chance chance = chance_of(seed ^ 0xabcdef, step);
    size_t jobs = 1 + draw(&chance, ACTS_JOBS);
    struct player before = *player;
    struct played played = { false, { false } };
    struct err err = { 0 };

    if ((only && !only->batch) || !store_begin(player->store, &err))
        return played;
    for (size_t i = 0; i < jobs; i++)
        if (!only || only->jobs[i])
            played.jobs[i] = play_job(player, seed, step, i);
    played.batch = store_commit(player->store, &err);
    if (!played.batch) {
        *player = before;
        return (struct played){ false, { false } };
    }
    if (played.batch && !store_rest(player->store, &err))
        return played; /* what can be put off, may fail */
    return played;
}

void play_rebirth(struct player *player, uint64_t now)
{
    struct store_sweep sweep = { .reborn = true, .unknown_next = now + 20, .most = 1000 };
    struct err err = { 0 };
    bool more;

    player->lease_count = 0;
    if (!store_begin(player->store, &err) || !store_job_begin(player->store, &err) ||
        !store_sweep(player->store, &sweep, now, &more, &err) || !store_job_end(player->store, true, &err) ||
        !store_commit(player->store, &err))
        fail_msg("%s", err.text);
}

/* In words ---------------------------------------------------------------------------------------------------- */

static void dump_time(struct buf *out, const char *name, uint64_t time)
{
    if (time == STORE_NEVER)
        buf_addf(out, " %s=never", name);
    else
        buf_addf(out, " %s=%llu", name, (unsigned long long)time);
}

static void dump_recipient(const struct store_row_recipient *is, struct buf *out)
{
    buf_addf(out, "  to %u %s %s %s notify=%u tries=%u reply=%u %u.%u.%u cause=%s text=%s by=%s wanted=%u told=%u", is->number,
             is->address, is->orcpt, store_state_word(is->state), is->notify, is->tries, is->reply, is->enhanced[0],
             is->enhanced[1], is->enhanced[2], is->cause, is->text, is->by, is->wanted, is->told);
    dump_time(out, "at", is->at);
    if (STORE_WAITING & STORE_IN(is->state))
        dump_time(out, "next", is->next);
    if (is->state == STORE_SENDING || is->state == STORE_LEAVING)
        buf_addf(out, " was=%s", store_state_word(is->was));
    buf_addf(out, "%s%s\n", is->state == STORE_LEAVING ? " (leaving)" : "", is->unsure ? " unsure" : "");
}

static uint64_t place_of(uint64_t id, const uint64_t *ids, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (ids[i] == id)
            return i + 1;
    return 0;
}

static void dump_event(const struct store_event *is, const uint64_t *ids, size_t count, struct buf *out)
{
    const char *text = is->text;
    uint64_t id;

    buf_addf(out, "  event %s %u+%u %u %u.%u.%u by=%s cause=%s", store_event_word(is->kind), is->first, is->count, is->reply,
             is->enhanced[0], is->enhanced[1], is->enhanced[2], is->by, is->cause);
    dump_time(out, "at", is->at);
    if (strncmp(text, "message ", 8) == 0) {
        id = strtoull(text + 8, NULL, 10);
        buf_addf(out, " text=message #%llu\n", (unsigned long long)place_of(id, ids, count));
    } else {
        buf_addf(out, " text=%s\n", text);
    }
}

/* What happened within one millisecond may be told in any order. */
static void sort_events(struct store_story *story)
{
    for (size_t i = 1; i < story->event_count; i++)
        for (size_t k = i; k && story->events[k - 1].at == story->events[k].at &&
                           story->events[k - 1].kind > story->events[k].kind; k--) {
            struct store_event event = story->events[k];
            story->events[k] = story->events[k - 1];
            story->events[k - 1] = event;
        }
}

static void dump_body(struct store *store, const struct store_row *row, struct buf *out)
{
    HELD(buf) body = BUF(1 << 20);
    struct err err = { 0 };

    for (uint32_t i = 0; i < row->pieces; i++)
        if (!store_body_read(store, row->id, i, &body, &err)) {
            buf_addf(out, "  body %s\n", err.fact ? err.fact : err.text);
            return;
        }
    buf_addf(out, "  body %zu octets, %c to %c\n", body.len, body.at[0], body.at[body.len - 1]);
}

static void dump_message(struct store *store, uint64_t id, uint64_t now, const uint64_t *ids, size_t count,
                         struct buf *out)
{
    struct store_story story = { 0 };
    struct err err = { 0 };

    if (!store_show(store, id, 0, 100, now, &story, &err)) {
        buf_addf(out, "message #%llu: %s\n", (unsigned long long)place_of(id, ids, count), err.text);
        store_story_done(&story);
        return;
    }
    const struct store_row *row = &story.rows.at[0];
    buf_addf(out, "message #%llu %s %s size=%llu %s %s from=%s id=%s envid=%s ret=%d body=%d %d %d %d priority=%d pieces=%u "
             "report_of=#%llu held=%s/%s/%s total=%zu", (unsigned long long)place_of(id, ids, count),
             store_state_word(row->state), row->account, (unsigned long long)row->size, row->submitter, row->sender, row->from,
             row->message_id, row->envid, (int)row->ret, (int)row->body, row->smtputf8, row->silent, row->deadline_tells,
             row->priority, row->pieces, (unsigned long long)place_of(row->report_of, ids, count), row->held_because,
             row->held_text, row->held_by, row->recipient_total);
    dump_time(out, "created", row->created);
    dump_time(out, "done", row->done);
    dump_time(out, "not_before", row->not_before);
    dump_time(out, "deadline", row->deadline);
    dump_time(out, "next", row->next);
    if (!row->done) /* of what is over it is of no use, and a keeper need not know */
        dump_time(out, "stood", row->stood);
    buf_add(out, "\n");
    for (size_t i = 0; i < row->recipient_count; i++)
        dump_recipient(&row->recipients[i], out);
    sort_events(&story);
    for (size_t i = 0; i < story.event_count; i++)
        dump_event(&story.events[i], ids, count, out);
    if (!row->done)
        dump_body(store, row, out);
    store_story_done(&story);
}

static void dump_account(struct store *store, const struct store_account *is, struct buf *out)
{
    HELD(buf) mark = BUF(100);
    struct err err = { 0 };

    buf_addf(out, "account %s %s %s", is->name, is->parked_because, is->parked_text);
    dump_time(out, "since", is->parked_since);
    dump_time(out, "told", is->parked_told);
    dump_time(out, "for", is->parked_for);
    dump_time(out, "oldest", is->oldest);
    dump_time(out, "due", is->next_due);
    for (enum store_state state = 0; state < STORE_STATE_COUNT; state++)
        buf_addf(out, " %llu", (unsigned long long)is->counts[state]);
    if (!store_mark_get(store, "limit", is->name, &mark, &err))
        buf_add(out, err.text);
    buf_addf(out, " mark=%s\n", buf_text(&mark));
}

void dump(struct store *store, uint64_t now, struct buf *out)
{
    uint64_t ids[600];
    struct store_accounts accounts_there = { 0 };
    struct err err = { 0 };

    if (!store_begin(store, &err) || !store_job_begin(store, &err))
        fail_msg("%s", err.text);
    size_t count;
    if (!list_ids(store, everything, now, ids, COUNT(ids), &count, &err))
        fail_msg("%s", err.text);
    for (size_t i = 1; i < count; i++) /* what is open stands before the history: in the order of ids */
        for (size_t k = i; k && ids[k - 1] > ids[k]; k--) {
            uint64_t id = ids[k];
            ids[k] = ids[k - 1];
            ids[k - 1] = id;
        }
    for (size_t i = 0; i < count; i++)
        dump_message(store, ids[i], now, ids, count, out);
    if (!store_accounts(store, NULL, now, &accounts_there, &err))
        fail_msg("%s", err.text);
    for (size_t i = 0; i < accounts_there.count; i++)
        dump_account(store, &accounts_there.at[i], out);
    store_accounts_done(&accounts_there);
    if (!store_job_end(store, true, &err) || !store_commit(store, &err))
        fail_msg("%s", err.text);
    assert_false(out->full);
}
