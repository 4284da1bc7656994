/* What became of mail and a person has to know, told once: failures, delays and last words that were wished for, as the
 * queue has marked them (store_reports()).
 *
 *   by mail        a report (mail/report.h) to the account's own address, or to [notify] reports_to; never to a foreign
 *                  sender. It goes into the queue like any message, by the same commit that takes the mark away: a
 *                  crash in between makes neither none nor two. From <> where the provider's profile says that this is
 *                  taken, else from the account; NOTIFY=NEVER
 *   by [notify]    (relay/notify.h) where mail can't or must not tell: of a report that failed itself, of a message from
 *                  <> or that answers by itself; where the account is gone, has no address or can't send now
 *
 * Where there is neither, the message stays in sight of `queue list` for as long as the history is kept, and then is
 * told to nobody.
 *
 *     notices_start(&plan, &notices, err)       what stands there is told
 *     notices_look(notices)                     something was marked: relay_event.reports
 *     notices_stop(notices)
 */
#ifndef OUTPOST_RELAY_NOTICE_H
#define OUTPOST_RELAY_NOTICE_H

#include "account/config.h"
#include "know/knowledge.h"
#include "os/clock.h"
#include "os/random.h"
#include "queue/queue.h"
#include "relay/transport.h"

struct notices;

struct notices_plan { /* borrowed, with all it points at, until notices_stop() */
    struct queue *queue;
    const struct config *config; /* with notify_part, queue_part and route_part */
    const struct knowledge *know;
    const struct transport_world *world; /* its loop is ours; names, trust and detours for the webhook */
    const struct disk *disk;
    const struct dice *dice;
    const struct clock *clock;
    const char *state;           /* the state directory, which is there */
    const char *host;            /* this machine's name */
    bool in_line;                /* the queue is (queue/queue.h): a test */
    /* Of this message people were told, `how` ("mail", or a key of [notify]); or not, and why: it is tried again.
     * May be NULL. */
    void (*saw)(void *who, uint64_t id, const char *how, const struct err *err);
    void *who;
};

MUST_USE bool notices_start(const struct notices_plan *plan, struct notices **ret_notices, struct err *err);
void notices_look(struct notices *notices); /* NULL is nothing */
/* At once; what was half told is told again. NULL is nothing. */
void notices_stop(struct notices *notices);

#endif
