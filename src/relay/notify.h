/* Telling a person, by ways that don't hang on the account that is in trouble: the section [notify].
 *
 *   command   a program. It reads the text on its standard input; OUTPOST_EVENT, OUTPOST_ACCOUNT, OUTPOST_CAUSE and
 *             OUTPOST_SUBJECT are in its environment, so that nothing of it is ever a word of a command line
 *   webhook   an HTTPS POST of JSON: {"event","account","cause","subject","text","host","time"}; "text" has
 *             all there is to read, as chat programs want it
 *   mailbox   a mailbox file of this machine (mail/mbox.h)
 *
 * What is told once is not told again: state/notices remembers, for each way by itself, so that one which failed is
 * tried at the next occasion. Whoever tells says each time all that there is to tell; what is no longer among it
 * is over and forgotten, and will be told anew should it come back. Killed between telling and remembering,
 * a notice comes twice; never not at all.
 *
 *     const struct notice lost = { .event = "signin-lost", .account = "live", .about = cause, .subject = ... };
 *     notify_tell(&plan, &lost, 1, &notify, err)      -> told(...) for each way that was gone; done()
 */
#ifndef OUTPOST_RELAY_NOTIFY_H
#define OUTPOST_RELAY_NOTIFY_H

#include "account/config.h"
#include "net/dial.h"
#include "os/clock.h"
#include "os/random.h"

enum { NOTIFY_SETTINGS = 4 };

struct notify_settings { /* [notify]; NULL: not that way */
    char *command;
    char *webhook;
    char *mailbox;
    char *reports_to; /* the address that failure reports go to (relay/notice.h) */
    struct setting_origin origins[NOTIFY_SETTINGS];
};
extern const struct config_part notify_part;
/* Is there a way at all? reports_to is none: a report goes by an account. */
bool notify_has_ways(const struct notify_settings *settings);

/* Borrowed until done(). */
struct notice {
    const char *event;   /* "signin-ends": a word of letters, digits and hyphens */
    const char *account; /* NULL: no one account's */
    const char *cause;   /* of the catalogue; NULL: none */
    const char *about;   /* what makes it another event, though all the rest is the same: a day, a cause; NULL */
    const char *subject; /* one line */
    const char *text;    /* for people: lines with LF */
};

struct notify_plan { /* borrowed until done() */
    const struct notify_settings *settings;
    const char *source; /* who tells: "health". Each forgets of its own events only */
    const char *state;  /* the state directory, which is there */
    const char *host;   /* this machine's name */
    const struct disk *disk;
    const struct dice *dice;
    const struct clock *clock;
    struct loop *loop;
    struct resolver *resolver;
    struct dial_detours detours;
    const char *ca_file, *proxy;
    uint64_t deadline; /* of the loop, for all of it */
    /* By this way it was told now, or why not: then it is tried again the next time. `way` is the setting's key.
     * May be NULL. */
    void (*told)(void *who, const struct notice *notice, const char *way, const struct err *err);
    void (*done)(void *who); /* told once, never from within notify_tell() */
    void *who;
};

struct notify;

/* ERR_LATER where another process is telling just now: it knows the same. */
MUST_USE bool notify_tell(const struct notify_plan *plan, const struct notice *notices, size_t count,
                          struct notify **ret_notify, struct err *err);
/* Stops; `done` is not told. After done() it is gone already. NULL is nothing. */
void notify_cancel(struct notify *notify);

#endif
