/* What can be asked of whoever owns a state directory: one table of verbs, each a question in JSON and answers in
 * JSON lines. Whoever has the questions - a command in the same process, the control socket, a page - gets the
 * same answers.
 *
 *     {"verb":"queue list","states":["deferred"],"account":"live"}
 *     {"id":17,"account":"live",...}                                   any number of these
 *     {"done":true,"matched":1}                                        the last: or a failure object,
 *     {"done":true,"kind":..,"fact":..,"text":..}                      which the asker makes words of
 *
 * Who may: the owner of the directory and root everything; others see and change what they handed in themselves. Who
 * comes by the door where anybody hands in mail (a guest) may list, show and remove that, and no more.
 */
#ifndef OUTPOST_CONTROL_VERBS_H
#define OUTPOST_CONTROL_VERBS_H

#include "base/json_read.h"
#include "gateway/gateway.h"
#include "queue/queue.h"
#include "relay/relay.h"

enum { CONTROL_QUESTION_MAX = 64 * 1024, CONTROL_LINE_MAX = 1024 * 1024, CONTROL_SUBMITTER_MAX = 32 };

struct control { /* borrowed */
    struct queue *queue;
    struct queue_port *port;
    struct relay *relay;         /* NULL: nobody delivers */
    const struct gateway *gateway; /* NULL: nobody listens */
    const struct config *config;
    const char *role;            /* "daemon", or what the process is for */
    uint64_t started;            /* of the queue's time */
    /* Reads the configuration again; false: it is not good, and the old one stays. NULL: there is nothing to be read. */
    bool (*reload)(void *of, struct err *err);
    void *of;
};

struct control_caller {
    bool may_all;
    bool is_guest;
    char submitter[CONTROL_SUBMITTER_MAX]; /* "uid:1000": whose messages they are otherwise */
};

struct control_events {
    void (*line)(void *who, struct span json); /* without a line end */
    void (*done)(void *who);                   /* after the last line; once */
    /* May more lines come now? Where not, control_go_on() says so later. NULL: always. */
    bool (*room)(void *who);
    /* The answer lasts until the caller hangs up: that must be noticed from now on. NULL: he can't. */
    void (*lasts)(void *who);
};

struct control_asked;

/* Answers now or later, never from within. *ret_asked is good until done(). A question that is none is answered,
 * too. False: no memory; nothing is told. */
MUST_USE bool control_ask(const struct control *control, const struct control_caller *caller, struct span question,
                          const struct control_events *events, void *who, struct control_asked **ret_asked,
                          struct err *err);
void control_go_on(struct control_asked *asked); /* NULL is nothing */
/* Nothing more is told. NULL is nothing. */
void control_abandon(struct control_asked *asked);

/* The failure in a last line: false where it is none. */
bool control_failure(const struct json_value *last, struct err *ret_err);

#endif
