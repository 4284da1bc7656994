/* A message that intake made ready goes into the queue: its pieces first, then all of it by one accept. When `done`
 * says so, it is on stable storage.
 *
 *     const struct enqueue_plan plan = { .port = port, .account = "live", .submitter = "uid:1000" };
 *     if (!enqueue_start(&plan, GIVE(prepared), done, me, &enqueue, err)) ...
 */
#ifndef OUTPOST_INTAKE_ENQUEUE_H
#define OUTPOST_INTAKE_ENQUEUE_H

#include "base/crypto.h"
#include "intake/intake.h"
#include "queue/queue.h"

struct enqueue_plan { /* copied; the texts are borrowed until `done` */
    struct queue_port *port;
    const char *account;   /* an account's or a route's name */
    const char *submitter; /* "uid:1000", "user:scanner" */
    struct span content;   /* with a key: a digest of what was handed in */
    int priority;
    uint64_t not_before, deadline; /* the queue's time; 0: none */
    bool deadline_tells;
};

struct enqueue;

/* What an idempotency key stands for: a digest of the bytes that were handed in, from the file's front on. */
MUST_USE bool enqueue_digest(int fd, unsigned char ret_digest[CRYPTO_SHA256_LEN], struct err *err);

/* `accepted` or, where it is NULL, why: nothing of it is in the queue then. Called once, never from within. */
typedef void enqueued(void *who, const struct store_accepted *accepted, const struct err *why);

/* Takes what was prepared, in any case. */
MUST_USE bool enqueue_start(const struct enqueue_plan *plan, struct prepared *prepared, enqueued *done, void *who,
                            struct enqueue **ret_enqueue, struct err *err);
/* `done` is not called; what was added is swept. It may be accepted all the same, where the accept was on its way. */
void enqueue_abandon(struct enqueue *enqueue); /* NULL is nothing */

#endif
