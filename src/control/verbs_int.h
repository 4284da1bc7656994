/* A question while it is answered: for verbs.c and the files with the verbs. */
#ifndef OUTPOST_CONTROL_VERBS_INT_H
#define OUTPOST_CONTROL_VERBS_INT_H

#include "base/json.h"
#include "control/verbs.h"

struct control_asked {
    const struct control *control;
    struct control_caller caller;
    struct control_events events;
    void *who;
    const struct control_verb *verb;
    struct json_tree *question;
    struct buf line;        /* that is being written */
    struct queue_ask *ask;  /* under way */
    unsigned jobs;          /* the queue has not let go of */
    bool (*run)(struct control_asked *asked, struct store *store, uint64_t now, struct err *err);
    void (*ran)(struct control_asked *asked);
    bool abandoned, over, waits; /* waits: for room */
    struct err why; /* the question is none */
    struct store_rows rows; /* of a page; of a story */
    struct store_story story;
    struct store_accounts accounts;
    struct store_cursor cursor;
    struct store_changed changed;
    struct store_filter filter;
    uint64_t *ids;
    struct queue_follow *follow; /* the message of a story that lasts; NULL: none does */
    bool news;               /* of it, since it was looked at */
    struct buf mark;         /* a small thing that the store remembers */
    struct relay_loan *loan; /* what the caller has for as long as he stays; NULL: nothing */
};

struct control_verb {
    const char *name;
    enum control_for { FOR_GUESTS, FOR_MEMBERS, FOR_OWNERS } least; /* who else but those who may do all: nobody */
    void (*begin)(struct control_asked *asked);
};

extern const struct control_verb queue_list_verb, queue_show_verb, queue_hold_verb, queue_release_verb,
    queue_retry_verb, queue_remove_verb, status_verb, wake_verb, reload_verb, refusals_verb, today_verb, lend_verb;

/* Begins a line; what is written into it goes out with control_say(). */
struct json control_line(struct control_asked *asked);
void control_say(struct control_asked *asked);
/* The last line, and the end of `asked`. */
void control_done(struct control_asked *asked);
void control_fail(struct control_asked *asked, const struct err *err);
/* After the last line, where it was not told on the queue's way back: the memory goes. */
void control_let_go(struct control_asked *asked);
/* Asks the queue; `run` and `done` get `asked`. Where that fails, so does the question. While `run` runs, nobody else
 * touches `asked`. */
void control_queue(struct control_asked *asked,
                   bool (*run)(struct control_asked *asked, struct store *store, uint64_t now, struct err *err),
                   void (*done)(struct control_asked *asked));
/* The same once more, as soon as there is room for more lines. */
void control_queue_again(struct control_asked *asked);

/* show.c: rows and stories as JSON. Times become the wall's. */
/* `accounts` tells why an account is parked; NULL: nobody asks. */
void show_row(struct json *json, const struct queue *queue, const struct store_row *row,
              const struct store_accounts *accounts);
void show_story(struct json *json, const struct queue *queue, const struct store_story *story,
                const struct store_accounts *accounts);
void show_time(struct json *json, const char *key, const struct queue *queue, uint64_t time);

/* gateway_verbs.c: the member "listeners". */
void show_listeners(struct json *json, const struct control *control);

#endif
