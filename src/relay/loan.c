/* Connections that others borrow. */
#include "base/alloc.h"
#include "net/loop.h"
#include "relay/relay_int.h"

#include "base/banned.h"

struct relay_loan {
    struct sender *sender; /* NULL: the relay is gone */
    void (*told)(void *who, enum relay_lent lent);
    void *who;
    struct timer *timer;
    enum { LOAN_WAITS, LOAN_GRANTED, LOAN_LENT, LOAN_OVER } state; /* granted: and not yet told */
    struct relay_loan *next;
};

static bool holds(const struct relay_loan *loan)
{
    return loan->state != LOAN_OVER;
}

static bool has_line(const struct relay_loan *loan)
{
    return loan->state == LOAN_GRANTED || loan->state == LOAN_LENT;
}

static size_t count(const struct sender *sender, bool (*is)(const struct relay_loan *loan))
{
    size_t sum = 0;

    for (const struct relay_loan *loan = sender->loans; loan; loan = loan->next)
        sum += is(loan);
    return sum;
}

size_t loans_count(const struct sender *sender)
{
    return count(sender, holds);
}

/* Is there a line less than the account may have, or can one be had by hanging up? */
static bool make_room(struct sender *sender)
{
    return channels_open(sender) + count(sender, has_line) < sender->channel_most || channel_let_go(sender);
}

void loans_look(struct sender *sender)
{
    for (struct relay_loan *loan = sender->loans; loan; loan = loan->next) {
        if (loan->state != LOAN_WAITS || !make_room(sender))
            continue;
        loan->state = LOAN_GRANTED;
        timer_set(loan->timer, loop_now(sender->relay->loop));
    }
}

/* Nobody's any more: whoever waits for the line looks again. */
static void release(struct relay_loan *loan)
{
    struct sender *sender = loan->sender;
    struct relay_loan **at;

    loan->state = LOAN_OVER;
    loan->sender = NULL;
    if (!sender)
        return;
    for (at = &sender->loans; *at != loan;)
        at = &(*at)->next;
    *at = loan->next;
    loans_look(sender);
    relay_look(sender->relay, sender);
}

static void rang(void *who)
{
    struct relay_loan *loan = who;
    bool was_lent = loan->state == LOAN_LENT;

    if (loan->state == LOAN_GRANTED && loan->sender) {
        loan->state = LOAN_LENT;
        timer_set(loan->timer, loop_now(loan->sender->relay->loop) + RELAY_LOAN_MS);
        loan->told(loan->who, RELAY_LENT);
        return;
    }
    release(loan);
    loan->told(loan->who, was_lent ? RELAY_LOAN_OVER : RELAY_NONE_FREE);
}

static struct sender *find(struct relay *relay, struct span account)
{
    for (struct sender *sender = relay->senders; sender; sender = sender->next)
        if (span_is(account, sender->account->name))
            return sender;
    return NULL;
}

bool relay_borrow(struct relay *relay, struct span account, uint64_t patience_ms,
                  void (*told)(void *who, enum relay_lent lent), void *who, struct relay_loan **ret_loan,
                  struct err *err)
{
    struct sender *sender = find(relay, account);
    struct relay_loan *loan;

    if (!sender)
        return err_set(err, ERR_CONFIG, "there is no account of that name");
    loan = NEW(relay_loan);
    if (!loan || !(loan->timer = timer_new(relay->loop, rang, loan))) {
        mem_free(loan);
        return err_no_memory(err);
    }
    loan->sender = sender;
    loan->told = told;
    loan->who = who;
    loan->next = sender->loans;
    sender->loans = loan;
    timer_set(loan->timer, loop_now(relay->loop) + patience_ms);
    loans_look(sender);
    *ret_loan = loan;
    return true;
}

void relay_give_back(struct relay_loan *loan)
{
    if (!loan)
        return;
    release(loan);
    timer_free(loan->timer);
    mem_free(loan);
}

void loans_orphan(struct sender *sender)
{
    for (struct relay_loan *loan = sender->loans, *next; loan; loan = next) {
        next = loan->next;
        loan->sender = NULL;
        if (loan->state != LOAN_LENT)
            continue;
        loan->state = LOAN_OVER;
        timer_set(loan->timer, UINT64_MAX);
    }
    sender->loans = NULL;
}
