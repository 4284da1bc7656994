/* A report on its way into the queue: the message it is about is read, the report is written and accepted, and its mark
 * taken away, all by one job. */
#ifndef OUTPOST_RELAY_NOTICE_MAIL_H
#define OUTPOST_RELAY_NOTICE_MAIL_H

#include "account/account.h"
#include "queue/queue.h"
#include "relay/notice_about.h"

struct mailing;

struct mailing_plan { /* borrowed until `done` */
    struct queue_port *port;
    const struct about *about;
    const struct account *account; /* by which it goes, and whose address it comes from */
    const char *to;                /* NULL: the same address */
    struct report report;          /* filled in by about_report(), with host, now, zone_minutes and random */
};

/* `err` NULL: it is in the queue, or somebody had been told before. The job is over when it is told, and so is what
 * it borrowed. Not from within mailing_start(). */
typedef void mailed(void *who, const struct err *err);

/* ERR_DATA address:malformed: nobody can be written to so. */
MUST_USE bool mailing_start(const struct mailing_plan *plan, mailed *done, void *who, struct err *err);

#endif
