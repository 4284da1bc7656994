/* deliver = while-waiting: the message is in the queue, and the client hears what became of it there. Only where
 * nothing else of the account waits, and for as long as clients wait; then it is the queue's word after all.
 *
 * While somebody waits here, nobody else need tell of a failure (queue_follow_answers()): the client does. One that
 * has gone without an answer has its message still.
 */
#include "gateway/gateway_int.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

enum {
    WAIT_MS = 25 * 1000,
    AGAIN_MS = 1000, /* to ask a store that is in trouble */
    SHOWN = 100, /* recipients looked at; of more only the whole message's state */
};

struct waiting {
    struct guest *guest;
    uint64_t id;
    struct queue_follow *follow; /* NULL: not any more, what is found now is the last word */
    struct timer *timer;
    struct looking *looking; /* NULL: the store is asked nothing */
    struct queue_ask *ask;
    bool again; /* something became of it since it was asked */
};

struct looking { /* the store's thread's own while it is asked */
    struct waiting *waiting; /* for whoever is told; abandoned, nobody is */
    uint64_t id;
    struct store_story story;
};

/* ---- what became of it ---- */

struct ending { /* recipients by what became of them */
    size_t delivered, failed, open;
    const struct store_row_recipient *first; /* the first that failed; else the first delivered; NULL */
};

static struct ending count(const struct store_row *row)
{
    struct ending ending = { 0 };

    for (size_t i = 0; i < row->recipient_count; i++) {
        const struct store_row_recipient *one = &row->recipients[i];
        ending.delivered += one->state == STORE_DELIVERED;
        ending.failed += one->state == STORE_FAILED;
        ending.open += one->state == STORE_QUEUED || one->state == STORE_SENDING || one->state == STORE_LEAVING;
        if ((one->state == STORE_DELIVERED && !ending.first) || (one->state == STORE_FAILED && ending.failed == 1))
            ending.first = one;
    }
    if (row->recipient_total > row->recipient_count && !row->done)
        ending.open++;
    return ending;
}

static void give_answer(struct waiting *waiting, const char *cause, const struct smtp_answer *answer)
{
    struct guest *guest = waiting->guest;

    waiting_forget(guest);
    if (answer->yes)
        session_server_answer(guest->session, answer);
    else
        guest_refuse(guest, STAGE_END, cause, answer);
    if (guest->gateway->drains)
        guest_drain_if_there(guest->gateway, guest);
}

static void give_queues_word(struct waiting *waiting)
{
    char text[60];

    snprintf(text, sizeof text, "Queued as %llu", (unsigned long long)waiting->id);
    give_answer(waiting, NULL, &(struct smtp_answer){ true, 250, "2.0.0", text });
}

/* The server's own words, where it said a fitting number; ours, where the failure was found on this side. */
static void give_providers_word(struct waiting *waiting, const struct store_row_recipient *of, bool yes)
{
    unsigned first = yes ? 2 : 5, usual = yes ? 250 : 554;
    char enhanced[24];
    bool has = of->enhanced[0] == first;

    snprintf(enhanced, sizeof enhanced, "%u.%u.%u", first, has ? of->enhanced[1] : 0U, has ? of->enhanced[2] : 0U);
    const struct smtp_answer answer = {
        .yes = yes,
        .code = yes || of->reply / 100 != first ? (uint16_t)usual : of->reply,
        .enhanced = enhanced,
        .text = *of->text ? of->text : yes ? "Sent" : "Not delivered",
    };
    give_answer(waiting, of->cause, &answer);
}

static void judge(struct waiting *waiting, const struct store_row *row)
{
    struct ending ending = count(row);

    if (ending.open && row->state != STORE_PARKED && row->state != STORE_HELD && waiting->follow)
        return; /* to be told of more */
    if (ending.first && ending.failed == row->recipient_total)
        give_providers_word(waiting, ending.first, false);
    else if (ending.first && ending.delivered == row->recipient_total)
        give_providers_word(waiting, ending.first, true);
    else
        give_queues_word(waiting); /* what failed of it is told by a report */
}

/* ---- looking ---- */

static bool run_look(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct looking *looking = data;

    return store_show(store, looking->id, 0, SHOWN, now, &looking->story, err);
}

static void look(struct waiting *waiting);

/* A store that is in trouble: what failed may have been left to us to tell, and a yes would hide it. */
static void look_later(struct waiting *waiting)
{
    timer_set(waiting->timer, loop_now(waiting->guest->gateway->world.loop) + AGAIN_MS); /* give_up() */
}

static bool is_gone(const struct err *err)
{
    return err->fact && strcmp(err->fact, "store:gone") == 0;
}

static void looked(void *data, const struct err *err)
{
    struct looking *looking = data;
    struct waiting *waiting = looking->waiting;
    bool again = waiting->again;

    waiting->looking = NULL;
    waiting->ask = NULL;
    waiting->again = false;
    if (err->kind != ERR_NONE && !is_gone(err))
        look_later(waiting);
    else if (err->kind != ERR_NONE || !looking->story.rows.count)
        give_queues_word(waiting); /* it was accepted, and a person took it away meanwhile */
    else if (again)
        look(waiting);
    else
        judge(waiting, &looking->story.rows.at[0]);
}

static void drop(void *data)
{
    struct looking *looking = data;

    store_story_done(&looking->story);
    mem_free(looking);
}

static void look(struct waiting *waiting)
{
    struct looking *looking = waiting->looking ? NULL : NEW(looking);

    if (waiting->looking) {
        waiting->again = true;
        return;
    }
    if (looking) {
        *looking = (struct looking){ .waiting = waiting, .id = waiting->id };
        /* Not early: what is seen may be of the same batch, and a client's last word is not said before the commit. */
        const struct queue_job job = { .run = run_look, .done = looked, .drop = drop, .data = looking };
        waiting->looking = looking;
        if (queue_ask(waiting->guest->gateway->world.port, &job, &waiting->ask, NULL))
            return;
        waiting->looking = NULL;
        mem_free(looking);
    }
    look_later(waiting);
}

static void changed(void *who, uint64_t id)
{
    (void)id;
    look(who);
}

/* From here on others tell of its failure; what it is by now is to be known first. */
static void give_up(void *who)
{
    struct waiting *waiting = who;

    queue_unfollow(GIVE(waiting->follow));
    look(waiting);
}

/* ---- beginning and end ---- */

bool waiting_is_fit(struct store *store, const char *account, uint64_t now, bool *ret_is, struct err *err)
{
    struct store_accounts accounts = { 0 };
    bool ok = store_accounts(store, account, now, &accounts, err);
    uint64_t waits = 0;

    for (size_t i = 0; ok && i < accounts.count; i++) {
        waits += accounts.at[i].parked_since != 0;
        for (size_t k = 0; k < STORE_STATE_COUNT; k++)
            waits += accounts.at[i].counts[k];
    }
    *ret_is = waits == 0;
    store_accounts_done(&accounts);
    return ok;
}

bool waiting_begin(struct guest *guest, uint64_t id)
{
    struct gateway_world *world = &guest->gateway->world;
    struct waiting *waiting = NEW(waiting);

    if (!waiting)
        return false;
    *waiting = (struct waiting){ .guest = guest, .id = id, .timer = timer_new(world->loop, give_up, waiting) };
    guest->waiting = waiting;
    if (!waiting->timer || !queue_follow(world->port, id, changed, waiting, &waiting->follow, NULL)) {
        waiting_forget(guest);
        return false;
    }
    queue_follow_answers(waiting->follow);
    timer_set(waiting->timer, loop_now(world->loop) + (world->wait_ms ? world->wait_ms : WAIT_MS));
    look(waiting);
    return true;
}

void waiting_hurry(struct guest *guest)
{
    if (guest->waiting)
        timer_set(guest->waiting->timer, 0);
}

void waiting_forget(struct guest *guest)
{
    struct waiting *waiting = GIVE(guest->waiting);

    if (!waiting)
        return;
    queue_unfollow(waiting->follow);
    queue_abandon(waiting->ask);
    timer_free(waiting->timer);
    mem_free(waiting);
}
