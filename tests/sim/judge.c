#include "judge.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "books.h"
#include "clockwork.h"
#include "disk.h"
#include "letters.h"
#include "queue/store_int.h"
#include "relay/relay.h"

enum {
    PAGE = 64,
    PARKINGS_MAX = 400,
    ON_THE_WAY_MS = 2 * SECOND, /* between the count and the wire */
    NOTICED_WITHIN_MS = 40 * MINUTE, /* a lease that nobody has any more may have to run out, twice */
    MENDED_WITHIN_MS = 6 * MINUTE, /* what the queue could not be told of a parked account, it is told again */
};

/* A time for which an account was parked, as far as that is durable. */
struct parking {
    uint64_t from, to; /* to 0: it lasts */
};

static struct {
    struct store *store;
    struct parkings {
        struct parking at[PARKINGS_MAX];
        size_t count;
        bool begins, ends; /* by the next commit */
        uint64_t when;
    } parkings[PARTIES];
} judge;

/* What a letter's people look like in the store. */
static struct finding {
    bool there;
    uint64_t id;
    struct store_row_recipient is; /* texts are gone */
    bool held_lost, held;
    unsigned unknowns; /* times that something of its message became unknown */
} found[PEOPLE_MAX];

static struct report {
    uint64_t of;       /* the message it is about */
    enum store_state state;
    unsigned unknowns;
} reports[PEOPLE_MAX];
static size_t report_count;

static uint64_t now(void)
{
    return sim_now() + books.leapt;
}

void judge_begin(void)
{
    memset(&judge, 0, sizeof judge);
}

/* Parked time ------------------------------------------------------------------------------------------------------ */

static struct parkings *parkings_of(const char *account)
{
    const struct party *party = books_party(account);

    return party ? &judge.parkings[party - books.parties] : NULL;
}

static bool lasts(const struct parkings *parkings)
{
    return parkings->count && !parkings->at[parkings->count - 1].to;
}

static uint64_t parked_since(const char *lane, uint64_t since)
{
    const struct parkings *parkings = parkings_of(lane);
    uint64_t sum = 0;

    for (size_t i = 0; parkings && i < parkings->count; i++) {
        uint64_t from = parkings->at[i].from > since ? parkings->at[i].from : since;
        uint64_t to = parkings->at[i].to ? parkings->at[i].to : now();
        sum += to > from ? to - from : 0;
    }
    return sum;
}

void judge_committed(void)
{
    for (unsigned i = 0; i < PARTIES; i++) {
        struct parkings *parkings = &judge.parkings[i];
        if (parkings->begins && !lasts(parkings) && parkings->count < PARKINGS_MAX)
            parkings->at[parkings->count++] = (struct parking){ .from = now() };
        if (parkings->ends && lasts(parkings))
            parkings->at[parkings->count - 1].to = parkings->when;
        parkings->begins = parkings->ends = false;
    }
}

void judge_forget(void)
{
    for (unsigned i = 0; i < PARTIES; i++)
        judge.parkings[i].begins = judge.parkings[i].ends = false;
}

/* Failures --------------------------------------------------------------------------------------------------------- */

/* By the provider's word, or when its time was over: how old it is at most, and its deadline at the earliest, is known
 * here. */
static void judge_failure(unsigned number)
{
    const struct person *person = &books.people[number];
    const struct letter *letter = &books.letters[person->letter];
    uint64_t began = letters_first(letter);
    uint64_t age = now() - began - parked_since(letter->lane, began);
    bool late = letter->by_ms && now() - began >= letter->by_ms;

    if (!person->refused)
        sim_count(late ? SIM_LATE : SIM_AGED);
    if (!person->refused && !late && age < books.give_up_ms)
        sim_broken("r%u of letter %u is given up after %llu s, and its time is %llu s", number, person->letter,
                   (unsigned long long)(age / SECOND), (unsigned long long)(books.give_up_ms / SECOND));
}

void judge_saw(const struct relay_event *event)
{
    struct parkings *parkings = event->account ? parkings_of(event->account) : NULL;

    if (event->kind == RELAY_EVENT_UNKNOWN)
        sim_count(SIM_UNKNOWNS);
    if (event->kind == RELAY_EVENT_FAILED && books_person(span_of(event->recipient)) != UINT_MAX)
        judge_failure(books_person(span_of(event->recipient)));
    if (event->kind == RELAY_EVENT_PARKED)
        sim_count(SIM_PARKINGS);
    if (event->kind == RELAY_EVENT_PARKED && parkings)
        parkings->begins = true, parkings->ends = false;
    if (event->kind == RELAY_EVENT_TROUBLE && parkings && !event->id && lasts(parkings) &&
        now() - parkings->at[parkings->count - 1].from < MINUTE)
        parkings->at[parkings->count - 1].from = now() + MENDED_WITHIN_MS;
    if (event->kind == RELAY_EVENT_UNPARKED && parkings)
        parkings->ends = true, parkings->begins = false, parkings->when = now();
}

/* The store -------------------------------------------------------------------------------------------------------- */

static uint64_t queue_time; /* any: nothing that is looked at depends on it */

static unsigned count_unknowns(uint64_t id)
{
    struct store_story story = { 0 };
    unsigned count = 0;

    if (!store_show(judge.store, id, 0, 1, queue_time, &story, NULL))
        return 0;
    for (size_t i = 0; i < story.event_count; i++)
        count += story.events[i].kind == STORE_EVENT_UNKNOWN || story.events[i].kind == STORE_EVENT_LOST;
    store_story_done(&story);
    return count;
}

static void take_row(const struct store_row *row)
{
    unsigned unknowns = count_unknowns(row->id);

    if (row->report_of) {
        if (report_count < PEOPLE_MAX)
            reports[report_count++] = (struct report){ row->report_of, row->recipients[0].state, unknowns };
        return;
    }
    for (size_t i = 0; i < row->recipient_count; i++) {
        unsigned number = books_person(span_of(row->recipients[i].address));
        if (number == UINT_MAX) {
            sim_broken("message %llu is to %s, whom nobody wrote to", (unsigned long long)row->id,
                       row->recipients[i].address);
            continue;
        }
        if (found[number].there)
            sim_broken("r%u of letter %u is there twice: in message %llu and in %llu", number,
                       books.people[number].letter, (unsigned long long)found[number].id, (unsigned long long)row->id);
        found[number] = (struct finding){
            .there = true,
            .id = row->id,
            .is = row->recipients[i],
            .held = row->state == STORE_HELD,
            .held_lost = row->state == STORE_HELD && span_is(span_of(row->held_text), store_text_lost),
            .unknowns = unknowns,
        };
    }
}

static bool look(void)
{
    const struct store_filter all = { .states = (1u << STORE_STATE_COUNT) - 1 };
    struct store_cursor cursor = { 0 };
    struct err err = { 0 };
    bool ok = store_begin(judge.store, &err) && store_job_begin(judge.store, &err);

    memset(found, 0, sizeof found);
    report_count = 0;
    while (ok && !cursor.end) {
        struct store_rows rows = { 0 };
        ok = store_list(judge.store, &all, &cursor, PAGE, PAGE, queue_time, &rows, &err);
        for (size_t i = 0; ok && i < rows.count; i++)
            take_row(&rows.at[i]);
        store_rows_done(&rows);
    }
    ok = ok && store_job_end(judge.store, true, &err);
    store_abort(judge.store);
    if (!ok)
        sim_broken("the store can't be looked at: %s", err.text);
    return ok;
}

/* Both ways: what was promised is there, and nothing else. */
static void judge_promises(void)
{
    for (unsigned i = 0; i < books.person_count; i++) {
        const struct person *person = &books.people[i];
        bool open = letters_is_open(&books.letters[person->letter]);
        if (person->promised && !found[i].there)
            sim_broken("r%u of letter %u was promised and is lost", i, person->letter);
        if (person->told_no && (!found[i].there || found[i].is.state != STORE_FAILED))
            sim_broken("r%u of letter %u: its sender heard that it failed, and it is %s", i, person->letter,
                       found[i].there ? store_state_word(found[i].is.state) : "nowhere");
        if (found[i].there && !person->promised && !person->maybe && !person->told_no && !open)
            sim_broken("r%u of letter %u was refused, and is there", i, person->letter);
    }
}

static void judge_takings(void)
{
    for (unsigned i = 0; i < books.person_count; i++) {
        const struct person *person = &books.people[i];
        const struct finding *finding = &found[i];
        if (person->taken > 1 && (!finding->there || !finding->is.unsure || person->taken > 1 + finding->unknowns))
            sim_broken("r%u of letter %u was taken %u times, and was unknown %u times", i, person->letter, person->taken,
                       finding->is.unsure ? finding->unknowns : 0);
        if (person->taken > 1 && books.calm)
            sim_broken("r%u of letter %u was taken %u times, and nothing cut off a delivery", i, person->letter,
                       person->taken);
        if (finding->there && finding->is.state == STORE_DELIVERED && !person->taken)
            sim_broken("r%u of letter %u is called delivered, and nobody took it", i, person->letter);
        if (finding->there && finding->is.state == STORE_FAILED && person->taken && !finding->is.unsure)
            sim_broken("r%u of letter %u is called failed, and was taken", i, person->letter);
    }
}

/* Of each failure once, and of each time that it waits for a person, unknown; but for what became of the report itself. */
static void judge_reports(bool in_the_end)
{
    for (unsigned i = 0; i < books.person_count; i++) {
        unsigned twice = found[i].is.unsure ? found[i].unknowns : 0, failed = 0;
        for (size_t k = 0; k < report_count; k++)
            if (found[i].there && reports[k].of == found[i].id) {
                twice += reports[k].unknowns;
                failed += reports[k].state == STORE_FAILED;
            }
        if (books.people[i].told > 1 + twice)
            sim_broken("%u reports about r%u arrived, and %u were unknown", books.people[i].told, i, twice);
        const struct person *person = &books.people[i];
        bool has_it_still = person->maybe && letters_waited(&books.letters[person->letter]);
        if (in_the_end && found[i].there && found[i].is.state == STORE_FAILED && !person->told && !person->told_no &&
            !has_it_still && !failed)
            sim_broken("nobody was told that r%u failed", i);
    }
}

static void judge_store(void)
{
    if (!look())
        return;
    judge_promises();
    judge_takings();
    judge_reports(false);
}

/* It waits for something; for a person only while it is held, or not known to have arrived. */
static bool waits(const struct finding *finding)
{
    enum store_state state = finding->is.state;

    return finding->there && !finding->held && (state == STORE_QUEUED || state == STORE_DEFERRED);
}

static void judge_lateness(void)
{
    if (!look())
        return;
    for (unsigned i = 0; i < books.person_count; i++) {
        const struct letter *letter = &books.letters[books.people[i].letter];
        uint64_t taken = letters_taken(letter), age = now() - taken, time = books.give_up_ms + NOTICED_WITHIN_MS;
        if (!waits(&found[i]) || !books.people[i].promised)
            continue;
        if (letter->by_ms && age > letter->by_ms + NOTICED_WITHIN_MS)
            sim_broken("r%u of letter %u waits, and its deadline is over", i, books.people[i].letter);
        if (age > time && age - parked_since(letter->lane, taken) > time)
            sim_broken("r%u of letter %u waits, and its time is over", i, books.people[i].letter);
    }
}

void judge_watch(uint64_t up_for)
{
    if (up_for > NOTICED_WITHIN_MS)
        disk_look(judge_lateness);
}

void judge_look_at(struct store *store)
{
    judge.store = store;
    disk_look(judge_store);
}

/* The limits ------------------------------------------------------------------------------------------------------- */

static int by_time(const void *a, const void *b)
{
    const struct taking *one = a, *other = b;

    return one->at < other->at ? -1 : one->at > other->at;
}

/* In every stretch of this length. */
static void judge_limit(const struct party *party, uint64_t most, uint64_t length, bool counts_recipients)
{
    uint64_t sum = 0;

    for (size_t last = 0, first = 0; most && last < books.taking_count; last++) {
        const struct taking *taking = &books.takings[last];
        if (taking->party != party)
            continue;
        sum += counts_recipients ? taking->recipients : 1;
        for (; books.takings[first].at + length - ON_THE_WAY_MS <= taking->at; first++)
            if (books.takings[first].party == party)
                sum -= counts_recipients ? books.takings[first].recipients : 1;
        if (sum > most) {
            sim_broken("%s took %llu %s within %llu s, and allows %llu", party->name, (unsigned long long)sum,
                       counts_recipients ? "recipients" : "messages", (unsigned long long)(length / SECOND),
                       (unsigned long long)most);
            return;
        }
    }
}

static void judge_limits(void)
{
    qsort(books.takings, books.taking_count, sizeof books.takings[0], by_time);
    for (unsigned i = 0; i < PARTIES; i++) {
        const struct party *party = &books.parties[i];
        judge_limit(party, party->per_minute, MINUTE, false);
        judge_limit(party, party->per_hour, HOUR, false);
        judge_limit(party, party->recipients_per_day, DAY, true);
    }
}

/* The end ---------------------------------------------------------------------------------------------------------- */

static bool is_end(const struct finding *finding)
{
    enum store_state state = finding->is.state;

    return !finding->there || state == STORE_DELIVERED || state == STORE_FAILED;
}

bool judge_all_over(void)
{
    bool over = true;

    disk_look(judge_store);
    for (unsigned i = 0; i < books.person_count; i++)
        over &= is_end(&found[i]) && (found[i].is.state != STORE_FAILED || !(found[i].is.wanted & ~found[i].is.told));
    for (size_t i = 0; i < report_count; i++)
        over &= reports[i].state == STORE_DELIVERED || reports[i].state == STORE_FAILED;
    return over;
}

void judge_end(void)
{
    disk_look(judge_store);
    judge_limits();
    judge_reports(true);
    for (unsigned i = 0; i < books.person_count; i++)
        if (!is_end(&found[i]))
            sim_broken("r%u of letter %u is %s for ever", i, books.people[i].letter,
                       store_state_word(found[i].is.state));
    for (unsigned i = 0; i < books.person_count; i++)
        if (books.people[i].taken > 1)
            sim_count(SIM_TWICE);
    for (unsigned i = 0; i < books.person_count; i++)
        if (books.people[i].told)
            sim_count(SIM_REPORTS);
    for (unsigned i = 0; i < books.person_count; i++)
        sim_trace("r%u: %s, taken %u times", i, found[i].there ? store_state_word(found[i].is.state) : "nowhere",
                  books.people[i].taken);
}
