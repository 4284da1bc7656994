#include "relay/notify_health.h"

#include <stdio.h>

#include "mail/date.h"

#include "base/banned.h"

enum { DAY_LEN = 10 }; /* "2026-05-01" */

static void day_of(uint64_t wall_ms, char ret_day[DAY_LEN + 1])
{
    HELD(buf) date = BUF(64);

    date_add_rfc3339(&date, wall_ms / 1000);
    snprintf(ret_day, DAY_LEN + 1, "%.*s", SPAN_ARG(span_cut(buf_span(&date), 0, DAY_LEN)));
}

/* Once: the day of its end makes it one event, however often it is looked at before. */
static void ending(const struct account *account, const struct health_report *report, struct notify_health *h)
{
    char day[DAY_LEN + 1];

    day_of(report->until, day);
    snprintf(h->about, sizeof h->about, "%s", day);
    snprintf(h->subject, sizeof h->subject, "outpost: the sign-in of %s ends on %s", account->name, day);
    snprintf(h->text, sizeof h->text,
             "The account %s (%s) works until %s%s%s.\nFrom then on its mail waits.\n\n"
             "Sign in again before: outpost account login %s\n",
             account->name, account->address, day, *report->because ? ": " : "", report->because, account->name);
}

static void lost(const struct account *account, const struct health_report *report, struct notify_health *h)
{
    snprintf(h->about, sizeof h->about, "%.31s", report->fact ? report->fact : "");
    snprintf(h->subject, sizeof h->subject, "outpost: %s cannot send: a person must sign in", account->name);
    snprintf(h->text, sizeof h->text,
             "The account %s (%s) has lost its sign-in%s%s.\nIts mail waits, and nothing of it is lost.\n\n"
             "Sign in again: outpost account login %s\n",
             account->name, account->address, *report->because ? ": " : "", report->because, account->name);
}

bool notify_health(const struct account *account, const struct health_report *report,
                   struct notify_health *ret_health)
{
    bool is_lost = report->health == HEALTH_LOST;

    if (!is_lost && report->health != HEALTH_ENDING)
        return false;
    (is_lost ? lost : ending)(account, report, ret_health);
    ret_health->notice = (struct notice){
        .event = is_lost ? "signin-lost" : "signin-ends",
        .account = account->name,
        .about = ret_health->about,
        .subject = ret_health->subject,
        .text = ret_health->text,
    };
    return true;
}
