#include "relay/attempt.h"

#include "base/banned.h"

static enum scope scope_of(const struct attempt *a)
{
    if (a->verdict)
        return a->verdict->scope;
    return a->stage == STAGE_RCPT                           ? SCOPE_RECIPIENT
           : a->stage == STAGE_MAIL                         ? SCOPE_SENDER
           : a->stage >= STAGE_DATA && a->stage < STAGE_QUIT ? SCOPE_MESSAGE
                                                            : SCOPE_CONNECTION;
}

/* A guess knows the kind of trouble, but not whether it passes: there the server's digit is the better word. But to a
 * sign-in that is refused 5xx is said of everything: of a wrong password, and of a pause of ten minutes. */
static enum retry retry_of(const struct attempt *a)
{
    bool signing_in = a->stage == STAGE_AUTH && a->fate == SMTP_FATE_REFUSED;

    if (a->verdict && (!a->verdict->guess || signing_in))
        return a->verdict->retry;
    return a->fate == SMTP_FATE_REFUSED ? RETRY_NEVER : RETRY_LATER;
}

static uint64_t next_try(const struct attempt_policy *policy, const struct attempt *a, uint64_t hint_ms)
{
    const struct retry_case when = {
        .now = a->now,
        .created = a->created,
        .stood_ms = a->stood_ms,
        .tries = a->tries,
        .hint_ms = hint_ms,
        .random = a->random,
    };

    return retry_next(&policy->retry, &when);
}

/* Of what answers by itself, reports among it, nobody is told by mail; so its sender's wish has no meaning, and a person
 * hears of a failure by another way, if there is one. */
unsigned attempt_failure_reports(unsigned notify, bool silent)
{
    return silent || !notify || (notify & NOTIFY_FAILURE) ? REPORT_FAILURE : 0;
}

static struct meaning failed(const struct attempt *a)
{
    return (struct meaning){
        .state = STORE_FAILED, .next = STORE_NEVER, .reports = attempt_failure_reports(a->notify, a->silent),
    };
}

/* Who has no such recipient is not asked by way of others; what one provider won't carry, another may. */
static struct meaning refused(const struct attempt *a)
{
    struct meaning meaning = failed(a);

    meaning.elsewhere = a->fate == SMTP_FATE_REFUSED && a->line_up && scope_of(a) != SCOPE_RECIPIENT;
    return meaning;
}

static bool is_late(const struct attempt *a)
{
    return a->deadline && a->now >= a->deadline;
}

/* Once: that it is not there yet. */
static unsigned delay_reports(const struct attempt_policy *policy, const struct attempt *a)
{
    const struct retry_case age = { .now = a->now, .created = a->created, .stood_ms = a->stood_ms };
    bool wished = (a->notify & NOTIFY_DELAY) && retry_age(&age) >= policy->delay_ms;
    bool promised = is_late(a) && a->deadline_tells && !(a->notify & NOTIFY_NEVER);

    return (wished || promised) && !a->silent && !(a->told & REPORT_DELAY) ? REPORT_DELAY : 0;
}

static bool is_over(const struct attempt_policy *policy, const struct attempt *a)
{
    const struct retry_case age = { .now = a->now, .created = a->created, .stood_ms = a->stood_ms };

    return (is_late(a) && !a->deadline_tells) || retry_age(&age) >= policy->retry.give_up_ms;
}

struct meaning attempt_late(const struct attempt_policy *policy, const struct attempt *a, bool unsure)
{
    struct meaning meaning = { .state = STORE_QUEUED, .reports = delay_reports(policy, a) };

    if (!is_over(policy, a) || (unsure && (a->told & REPORT_FAILURE)))
        return meaning;
    if (!unsure)
        return failed(a);
    return (struct meaning){
        .state = STORE_UNKNOWN, .next = STORE_NEVER, .reports = a->notify & NOTIFY_NEVER ? 0 : REPORT_FAILURE,
    };
}

/* Later, unless its time is over. */
static struct meaning deferred(const struct attempt_policy *policy, const struct attempt *a, uint64_t hint_ms)
{
    uint64_t next = is_late(a) && !a->deadline_tells ? 0 : next_try(policy, a, hint_ms);

    return next ? (struct meaning){ .state = STORE_DEFERRED, .next = next, .reports = delay_reports(policy, a) }
                : failed(a);
}

/* RFC 3461, 5.2.2: who wished to hear of success hears of it from whoever knows more; where the next server takes no
 * such wishes, nobody will, and "relayed" is our last word. */
static struct meaning delivered(const struct attempt *a)
{
    bool last_word = (a->notify & NOTIFY_SUCCESS) && !a->wishes_passed && !a->silent;

    return (struct meaning){
        .state = STORE_DELIVERED, .next = STORE_NEVER, .reports = last_word ? REPORT_RELAYED : 0,
    };
}

static uint64_t line_wait(const struct attempt_policy *policy, const struct attempt *a)
{
    uint64_t wait = policy->line_first_ms;

    for (uint32_t i = 1; i < a->line_breaks && wait < policy->line_most_ms; i++)
        wait *= 2;
    if (wait > policy->line_most_ms)
        wait = policy->line_most_ms;
    return wait - wait / 4 + a->random % (wait / 4 + 1);
}

/* The line is down: for all of the account. A message that waited too long for it is given up. */
static struct meaning line_broke(const struct attempt_policy *policy, const struct attempt *a)
{
    struct meaning meaning = deferred(policy, a, 0);

    meaning.lane = LANE_WAITS;
    meaning.until = a->now + line_wait(policy, a);
    if (meaning.state == STORE_DEFERRED)
        meaning.next = meaning.until;
    return meaning;
}

static struct meaning account_failed(const struct attempt_policy *policy, const struct attempt *a)
{
    uint64_t hint = a->verdict ? a->verdict->wait_ms : 0;
    enum retry retry = retry_of(a);
    struct meaning meaning = { .state = STORE_QUEUED, .next = a->now, .lane = LANE_PARKED };

    if (retry == RETRY_LATER || retry == RETRY_NOW) {
        meaning.lane = LANE_BLOCKED;
        meaning.state = STORE_DEFERRED;
        meaning.next = meaning.until = a->now + (hint ? hint : policy->block_ms);
        meaning.reports = delay_reports(policy, a);
    }
    return meaning;
}

/* Never failed: it may have arrived. When its time is over a person decides. */
static struct meaning unknown(const struct attempt_policy *policy, const struct attempt *a)
{
    uint64_t next = policy->unknown_held ? 0 : next_try(policy, a, 0);

    return (struct meaning){
        .state = STORE_UNKNOWN,
        .next = next ? next : STORE_NEVER,
        .reports = !next && !(a->notify & NOTIFY_NEVER) ? REPORT_FAILURE : 0,
        .lane = LANE_WAITS,
        .until = a->now + line_wait(policy, a),
    };
}

struct meaning attempt_mean(const struct attempt_policy *policy, const struct attempt *a)
{
    enum retry retry = retry_of(a);

    if (a->fate == SMTP_FATE_TAKEN)
        return delivered(a);
    if (a->fate == SMTP_FATE_UNKNOWN)
        return unknown(policy, a);
    switch (scope_of(a)) {
    case SCOPE_ACCOUNT:
        return account_failed(policy, a);
    case SCOPE_CONNECTION:
        if (retry == RETRY_AFTER_FIX || retry == RETRY_NEVER) /* the way to the server: for a person to mend */
            return account_failed(policy, a);
        /* A server that stumbles over one message and goes on must not be kept from the others by it. */
        return a->line_up && a->stage >= STAGE_MAIL ? deferred(policy, a, a->verdict ? a->verdict->wait_ms : 0)
                                                    : line_broke(policy, a);
    case SCOPE_SENDER:
    case SCOPE_RECIPIENT:
    case SCOPE_MESSAGE:
        break;
    }
    /* Words alone don't make a 4yz final: "450 mailbox unavailable" is what a busy one is to say (RFC 5321, 4.2.3). */
    bool not_now = a->fate == SMTP_FATE_LATER && a->line_up;
    if ((retry == RETRY_NEVER || retry == RETRY_AFTER_FIX) && !not_now)
        return refused(a);
    return deferred(policy, a, retry == RETRY_NOW && a->tries <= 1 ? 1000 : a->verdict ? a->verdict->wait_ms : 0);
}
