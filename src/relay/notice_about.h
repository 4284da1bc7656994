/* What of a message is to be told, sorted: one matter is one report. Pure.
 */
#ifndef OUTPOST_RELAY_NOTICE_ABOUT_H
#define OUTPOST_RELAY_NOTICE_ABOUT_H

#include "account/account.h"
#include "know/cause.h"
#include "mail/report.h"
#include "queue/store.h"
#include "relay/notify.h"

enum about_what {
    ABOUT_FAILED,
    ABOUT_UNKNOWN, /* it may have arrived, and a person decides */
    ABOUT_DELAYED,
    ABOUT_RELAYED,
    ABOUT_NOTHING, /* what was to be told is over: it arrived, or was taken away */
    ABOUT_WHATS,
};

/* Recipients of one message of whom the same is to be told; lives in the pool it was made in, and points into the row. */
struct about {
    const struct store_row *row;
    enum about_what what;
    const struct store_row_recipient **recipients;
    uint32_t *numbers; /* theirs */
    size_t count;
};

/* Adds what a row has to tell, at most ABOUT_WHATS. False: no memory. */
MUST_USE bool about_sort(const struct store_row *row, struct pool *pool, struct about *abouts, size_t *count);

/* For store_accept() and store_told(). */
struct store_told about_told(const struct about *about, const char *how);

/* May people be told by mail? Not of what answers by itself, came from <>, or is a report. */
bool about_goes_by_mail(const struct about *about);

/* How times of the queue are shown. */
struct about_time {
    int64_t to_wall;     /* milliseconds to be added */
    uint64_t give_up_ms; /* [queue] give_up_after */
};

/* The account by the name of who tried, or of whom it was accepted for; NULL: there is none of that name any more. */
struct about_accounts {
    const struct account *(*find)(const void *of, const char *name);
    const void *of;
};

/* Fills the report's action and recipients, with the words of their causes: the steps are those of the account's provider. */
MUST_USE bool about_report(const struct about *about, const struct knowledge *know, const struct about_time *time,
                           const struct about_accounts *accounts, struct pool *pool, struct report *ret_report);

/* The same for [notify]; `host` is named. */
MUST_USE bool about_notice(const struct about *about, const struct knowledge *know, const struct about_accounts *accounts,
                           const char *host, struct pool *pool, struct notice *ret_notice);

#endif
