/* What an attempt means: for the recipient, and for the account that tried. Pure, told the time.
 *
 * An account's trouble never fails a message: a sign-in that is lost, a quota that is used up, a line that is down
 * give the message back, and it is the account that waits. What concerns a sender, a recipient or the message
 * itself is settled for the recipient alone. The cause's own word on trying again counts (know/classify.h), and
 * not the first digit of a reply; that decides only where nobody knows more.
 */
#ifndef OUTPOST_RELAY_ATTEMPT_H
#define OUTPOST_RELAY_ATTEMPT_H

#include "know/classify.h"
#include "queue/retry.h"
#include "queue/store.h"
#include "smtp/client.h"

struct attempt_policy {
    struct retry_policy retry;  /* of a message */
    uint64_t line_first_ms, line_most_ms; /* how long an account waits after a broken line, doubling */
    uint64_t block_ms;          /* how long a used-up limit blocks where nobody says it */
    uint64_t delay_ms;          /* so old a message is delayed: who wished to be told of that, is */
    bool unknown_held;          /* what became unknown is for a person to decide */
};
#define ATTEMPT_USUAL { .retry = RETRY_USUAL, .line_first_ms = 15 * 1000, .line_most_ms = 10 * 60 * 1000, \
                        .block_ms = 5 * 60 * 1000, .delay_ms = 4 * 60 * 60 * 1000 }

struct attempt {
    enum smtp_fate fate;
    const struct verdict *verdict; /* NULL: no rule knows it, or it went well */
    enum stage stage;
    bool line_up;         /* the server answered, and did not hang up */
    uint64_t now, created, stood_ms; /* as in queue/retry.h; `created` is when it could have been sent first */
    uint32_t tries;       /* of this recipient, this one counted */
    uint32_t line_breaks; /* of the account, in a row, this one counted where it is one */
    uint64_t random;
    unsigned notify;      /* of enum envelope_notify */
    bool silent;          /* no mail is ever made about it (queue/store.h) */
    bool wishes_passed;   /* the server takes wishes for reports (DSN): what becomes of it from there on, it tells */
    unsigned told;        /* of enum store_report, wished for or done */
    uint64_t deadline;    /* 0: none; RFC 2852 */
    bool deadline_tells;  /* what is late is told of once, and goes on; else it is given up */
};

/* What becomes of the account. */
enum attempt_lane {
    LANE_GOES_ON,
    LANE_WAITS,  /* until `until`: its line is broken */
    LANE_BLOCKED, /* until `until`: its provider takes no more for now */
    LANE_PARKED, /* until a person mends it: nothing of it ages */
};

struct meaning {
    enum store_state state; /* for store_settle(): QUEUED where nothing was decided for this recipient */
    uint64_t next;
    unsigned reports;       /* of enum store_report */
    bool elsewhere;         /* failed, and another account's provider may see it differently */
    enum attempt_lane lane;
    uint64_t until;
};

/* Of enum store_report: is somebody to be told of a failure? */
unsigned attempt_failure_reports(unsigned notify, bool silent);

struct meaning attempt_mean(const struct attempt_policy *policy, const struct attempt *attempt);

/* What becomes of a recipient that waits for its turn, and that nobody tried now. Given up: it is FAILED, or, where an
 * earlier try may have delivered it (`unsure`), UNKNOWN for a person; once: a person who was asked and lets it go on is
 * obeyed. Else it is QUEUED, maybe to be told of. Of the attempt are asked: now, created, stood_ms, notify, silent, told,
 * deadline, deadline_tells. */
struct meaning attempt_late(const struct attempt_policy *policy, const struct attempt *attempt, bool unsure);

#endif
