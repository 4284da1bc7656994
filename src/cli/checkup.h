/* Is all well? Said in one line, as monitors read it, with 0, 1 or 2 for their exit status. Pure.
 *
 *     struct checkup checkup = { .count = 0 };
 *     checkup_queue(&checkup, &queue);
 *     checkup_disk(&checkup, &space, 5);
 *     checkup_account(&checkup, account->name, &report, NULL);
 *     checkup_line(&checkup, &line);
 *
 *     OK: the daemon runs, 3 messages wait, the oldest for 4 minutes | waiting=3 oldest=240s;3600;86400 disk_free=45%
 *     CRITICAL: live can't send: nobody has signed in; no daemon runs | waiting=0 disk_free=45%
 *
 * What stands behind the bar are figures, in the form of Nagios' plugins.
 */
#ifndef OUTPOST_CLI_CHECKUP_H
#define OUTPOST_CLI_CHECKUP_H

#include "account/health.h"
#include "base/json.h"
#include "os/space.h"

enum checkup_level { CHECKUP_OK, CHECKUP_WARNING, CHECKUP_CRITICAL }; /* the exit status, too */

enum { CHECKUP_PROBLEMS = 32, CHECKUP_TEXT_MAX = 300 };

struct checkup { /* begins as { .count = 0 } */
    struct checkup_problem {
        enum checkup_level level;
        char text[CHECKUP_TEXT_MAX];
    } problems[CHECKUP_PROBLEMS];
    size_t count; /* of problems that were found; those beyond CHECKUP_PROBLEMS are only counted */
    enum checkup_level level; /* of the worst */
    char summary[CHECKUP_TEXT_MAX], figures[CHECKUP_TEXT_MAX];
};

/* One more problem, in one line. */
void checkup_problem(struct checkup *checkup, enum checkup_level level, const char *format, ...) PRINTF_LIKE(3, 4);

struct checkup_queue {
    bool daemon;       /* one runs */
    bool needs_daemon; /* nothing goes without: devices and other users hand in by it */
    uint64_t waiting;  /* messages */
    uint64_t age;      /* of the oldest of them, ms */
    uint64_t warn_age, critical_age;
};
void checkup_queue(struct checkup *checkup, const struct checkup_queue *queue);

/* Below the reserve nothing is taken any more: critical; below twice the reserve it will soon be so. */
void checkup_disk(struct checkup *checkup, const struct space *space, unsigned reserve_percent);

/* `parked`: why it is parked, in words; NULL where it is not. */
void checkup_account(struct checkup *checkup, const char *name, const struct health_report *report,
                     const char *parked);

void checkup_line(const struct checkup *checkup, struct buf *out);
/* {"health":"critical","problems":[{"level","text"}]} */
void checkup_json(const struct checkup *checkup, struct buf *out);

#endif
