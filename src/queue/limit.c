#include "queue/limit.h"

#include "base/scan.h"

#include "base/banned.h"

static const struct {
    const char *word;
    uint64_t slot_ms, slots; /* a window is so many slots, and the one being filled */
} kinds[] = {
#define X(name, word, slot_ms, slots) { word, slot_ms, slots },
    LIMITS(X)
#undef X
};

const char *limit_word(enum limit_kind kind)
{
    return kinds[kind].word;
}

/* Windows ---------------------------------------------------------------------------------------------------- */

static uint32_t *used_in(struct limit_window *window, enum limit_kind kind, uint64_t slot)
{
    return &window->used[slot % (kinds[kind].slots + 1)];
}

/* What is older than a window is forgotten. */
static void advance(struct limit_window *window, enum limit_kind kind, uint64_t now)
{
    uint64_t slot = now / kinds[kind].slot_ms;
    uint64_t steps = slot - window->slot, slots = kinds[kind].slots + 1;

    for (uint64_t i = 0; i < steps && i < slots; i++)
        *used_in(window, kind, slot - i) = 0;
    window->slot = slot;
}

/* The same moment for a clock that runs behind: what was used stays used for as long as it would have. */
static void set_back(struct limit_window *window, enum limit_kind kind, uint64_t now)
{
    struct limit_window was = *window;

    window->slot = now / kinds[kind].slot_ms;
    for (uint64_t i = 0; i <= kinds[kind].slots; i++)
        *used_in(window, kind, window->slot - i) = *used_in(&was, kind, was.slot - i);
}

static uint64_t sum(struct limit_window *window, enum limit_kind kind)
{
    uint64_t sum = 0;

    for (uint64_t i = 0; i <= kinds[kind].slots; i++)
        sum += window->used[i];
    return sum;
}

/* When so much has been forgotten that `more` fits: at the end of the oldest slots, one after another. */
static uint64_t free_at(struct limit_window *window, enum limit_kind kind, uint64_t most, uint64_t more)
{
    uint64_t left = sum(window, kind), slots = kinds[kind].slots, i = 0;

    for (; i <= slots && left && left + more > most; i++)
        left -= *used_in(window, kind, window->slot - slots + i);
    return (window->slot + i) * kinds[kind].slot_ms;
}

/* The limit ---------------------------------------------------------------------------------------------------- */

static void look(struct limit *limit, uint64_t now)
{
    uint64_t back = limit->last > now ? limit->last - now : 0;

    for (enum limit_kind kind = 0; kind < LIMIT_WINDOWS; kind++)
        if (back)
            set_back(&limit->windows[kind], kind, now);
        else
            advance(&limit->windows[kind], kind, now);
    limit->blocked_until = limit->blocked_until > back ? limit->blocked_until - back : 0;
    limit->last = now;
}

static uint64_t cost(enum limit_kind kind, size_t recipients)
{
    return kind == LIMIT_RECIPIENTS ? recipients : 1;
}

struct limit_answer limit_ask(struct limit *limit, const struct limit_allowed *allowed, size_t recipients,
                              uint64_t now)
{
    struct limit_answer answer = { .yes = true };

    look(limit, now);
    if (limit->blocked_until > now)
        answer = (struct limit_answer){ false, LIMIT_BLOCKED, limit->blocked_until };
    for (enum limit_kind kind = 0; kind < LIMIT_WINDOWS; kind++) {
        struct limit_window *window = &limit->windows[kind];
        uint64_t most = allowed->most[kind], more = cost(kind, recipients), used = sum(window, kind);
        if (!most || used == 0 || used + more <= most)
            continue;
        uint64_t when = free_at(window, kind, most, more);
        if (answer.yes || when > answer.free_at) /* the one that takes longest */
            answer = (struct limit_answer){ false, kind, when };
    }
    return answer;
}

void limit_take(struct limit *limit, size_t recipients, uint64_t now)
{
    look(limit, now);
    for (enum limit_kind kind = 0; kind < LIMIT_WINDOWS; kind++) {
        uint32_t *used = used_in(&limit->windows[kind], kind, limit->windows[kind].slot);
        uint64_t more = cost(kind, recipients);
        *used = more > UINT32_MAX - *used ? UINT32_MAX : *used + (uint32_t)more;
    }
}

static void give_back(struct limit_window *window, enum limit_kind kind, uint64_t less, uint64_t taken)
{
    uint64_t slot = taken / kinds[kind].slot_ms;

    if (slot > window->slot)
        slot = window->slot;
    if (window->slot - slot > kinds[kind].slots)
        return; /* it does not count any more */
    uint32_t *used = used_in(window, kind, slot);
    *used -= less < *used ? (uint32_t)less : *used;
}

void limit_give_back(struct limit *limit, size_t recipients, uint64_t taken, uint64_t now)
{
    look(limit, now);
    for (enum limit_kind kind = 0; kind < LIMIT_WINDOWS; kind++)
        give_back(&limit->windows[kind], kind, cost(kind, recipients), taken);
}

void limit_block(struct limit *limit, uint64_t until)
{
    limit->blocked_until = until;
}

uint64_t limit_used(struct limit *limit, enum limit_kind kind, uint64_t now)
{
    look(limit, now);
    return sum(&limit->windows[kind], kind);
}

/* Kept ------------------------------------------------------------------------------------------------------- */

/* Nearly all are none, and it is written with each message. */
static void add_used(struct buf *out, uint32_t used)
{
    if (used)
        buf_addf(out, " %u", used);
    else
        buf_add(out, " 0");
}

/* "limit 1 LAST BLOCKED", and for each window its slot and what was used, newest first, without the zeros at the
 * end: " | SLOT USED USED..." */
void limit_write(const struct limit *limit, struct buf *out)
{
    buf_addf(out, "limit 1 %llu %llu", (unsigned long long)limit->last,
             (unsigned long long)limit->blocked_until);
    for (enum limit_kind kind = 0; kind < LIMIT_WINDOWS; kind++) {
        struct limit_window window = limit->windows[kind];
        uint64_t slots = kinds[kind].slots + 1, count = slots;
        while (count && *used_in(&window, kind, window.slot - (count - 1)) == 0)
            count--;
        buf_addf(out, " | %llu", (unsigned long long)window.slot);
        for (uint64_t i = 0; i < count; i++)
            add_used(out, *used_in(&window, kind, window.slot - i));
    }
}

static bool read_window(struct scan *scan, enum limit_kind kind, struct limit_window *window)
{
    uint64_t used;

    if (!scan_text(scan, " | ") || !scan_number(scan, 0, UINT64_MAX, &window->slot))
        return false;
    for (uint64_t i = 0; i <= kinds[kind].slots; i++) {
        struct scan before = *scan;
        if (!scan_char(scan, ' ') || !scan_number(scan, 0, UINT32_MAX, &used)) {
            *scan = before;
            break;
        }
        *used_in(window, kind, window->slot - i) = (uint32_t)used;
    }
    return true;
}

void limit_read(struct span text, struct limit *ret_limit)
{
    struct scan scan = scan_of(text);
    struct limit limit = { 0 };
    bool ok = scan_text(&scan, "limit 1 ") && scan_number(&scan, 0, UINT64_MAX, &limit.last) &&
              scan_char(&scan, ' ') && scan_number(&scan, 0, UINT64_MAX, &limit.blocked_until);

    for (enum limit_kind kind = 0; ok && kind < LIMIT_WINDOWS; kind++)
        ok = read_window(&scan, kind, &limit.windows[kind]);
    *ret_limit = ok && scan_end(&scan) ? limit : (struct limit){ 0 };
}
