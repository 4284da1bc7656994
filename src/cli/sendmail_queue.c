/* sendmail -bp and -q: the queue, as other programs look at it. The list has the form that Postfix's has: it is the one
 * that monitors and scripts read. */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/asking.h"
#include "cli/failure.h"
#include "cli/sendmail_modes.h"
#include "cli/starting.h"
#include "mail/date.h"
#include "net/unix_talk.h"
#include "os/clock.h"

#include "base/banned.h"

enum { SHOWN_MAX = 300 };

/* ---- the list ---- */

struct listing {
    struct cli *cli;
    uint64_t count, bytes;
};

static void add_shown(struct buf *out, struct span text)
{
    str_printable(out, text, SHOWN_MAX);
}

/* "Wed Nov 25 21:14:33", of this machine's zone. */
static void add_arrival(struct buf *out, struct span rfc3339)
{
    uint64_t seconds;
    HELD(buf) date = BUF(60);

    if (!rfc3339.at || !date_read_rfc3339(rfc3339, &seconds))
        return;
    date_add_asctime(&date, seconds + (uint64_t)(int64_t)(clock_zone_minutes(seconds * 1000) * 60));
    buf_add_span(out, span_cut(buf_span(&date), 0, 19)); /* without the year */
}

/* Why it waits, in the words of whoever said so. */
static void add_why(struct buf *out, const struct json_value *row, const struct json_value *recipient)
{
    static const char *const keys[] = { "reply", "text", "cause" };

    if (json_text_at(row, "held_text").at)
        add_shown(out, json_text_at(row, "held_text"));
    else if (json_text_at(row, "parked_because").at)
        buf_addf(out, "the account can't send: %.*s", SPAN_ARG(json_text_at(row, "parked_because")));
    for (size_t i = 0; i < COUNT(keys) && !out->len; i++)
        if (json_text_at(recipient, keys[i]).at)
            add_shown(out, json_text_at(recipient, keys[i]));
}

static char mark_of(struct span state)
{
    return span_is(state, "sending") ? '*' : span_is(state, "held") ? '!' : ' ';
}

static void list_row(void *who, const struct json_value *row, struct span text)
{
    const struct json_value *recipients = json_member(row, "recipients");
    struct listing *listing = who;
    HELD(buf) arrival = BUF(60), from = BUF(2000), number = BUF(40);
    uint64_t id = 0, size = 0, all = 0;

    (void)text;
    if (!json_number_at(row, "id", &id) || !json_number_at(row, "size", &size))
        return;
    if (!listing->count++)
        printf("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n");
    listing->bytes += size;
    add_arrival(&arrival, json_text_at(row, "created"));
    add_shown(&from, json_text_at(row, "from"));
    buf_addf(&number, "%llu%c", (unsigned long long)id, mark_of(json_text_at(row, "state")));
    printf("%-11s %8llu %-20s %s\n", buf_text(&number), (unsigned long long)size, buf_text(&arrival),
           from.len ? buf_text(&from) : "MAILER-DAEMON");
    for (size_t i = 0; i < json_count(recipients); i++) {
        const struct json_value *recipient = json_element(recipients, i);
        HELD(buf) why = BUF(4000), address = BUF(2000);
        add_why(&why, row, recipient);
        add_shown(&address, json_text_at(recipient, "address"));
        if (why.len)
            printf("%*s(%s)\n", 78 - (int)why.len > 2 ? 76 - (int)why.len : 0, "", buf_text(&why));
        printf("%41s%s\n", "", buf_text(&address));
    }
    if (json_number_at(row, "recipient_count", &all) && all > json_count(recipients))
        printf("%41sand %llu more\n", "", (unsigned long long)(all - json_count(recipients)));
    printf("\n");
}

static void take_role(void *who, const struct json_value *status, struct span text)
{
    bool *daemon = who;

    (void)text;
    *daemon = span_is(json_text_at(json_member(status, "daemon"), "role"), "daemon");
}

/* Where it is so: what waits has nobody who would try it again. */
static void tell_alone(struct cli *cli)
{
    static const struct asking_events events = { .line = take_role };
    uint64_t matched, sending;
    bool daemon = true;
    struct err err = { 0 };

    if (asking(cli, SPAN("{\"verb\":\"status\"}"), &events, &daemon, &matched, &sending, &err) && !daemon)
        printf("queued; nothing will retry it until: outpost service enable\n");
}

/* Is somebody there who answers questions, if not at this door? */
static bool is_reached(struct cli *cli, struct err *err)
{
    char *path = place_socket(cli_place(cli, NULL), "control");
    int talk = -1;
    struct err why = { 0 };
    bool good = path ? unix_talk_open(path, &talk, &why) : err_no_memory(&why);

    mem_free(path);
    if (good)
        close(talk);
    else
        *err = why;
    return good || why.sys == EACCES;
}

int sendmail_list(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags)
{
    static const struct asking_events events = { .line = list_row };
    struct listing listing = { .cli = cli };
    uint64_t matched, sending;
    struct err err = { 0 };

    (void)plan, (void)flags;
    if (!asking(cli, SPAN("{\"verb\":\"queue list\"}"), &events, &listing, &matched, &sending, &err))
        return fail_here(cli, &err);
    if (!listing.count) {
        printf("Mail queue is empty\n");
        return 0;
    }
    printf("-- %llu Kbytes in %llu Request%s.\n", (unsigned long long)((listing.bytes + 1023) / 1024),
           (unsigned long long)listing.count, listing.count == 1 ? "" : "s");
    tell_alone(cli);
    return 0;
}

/* ---- what waits is tried ---- */

int sendmail_wake(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags)
{
    bool system_scope = plan->place->scope == PLACE_SYSTEM; /* there nobody stands in for the daemon */
    uint64_t matched = 0, sending;
    struct err err = { 0 };
    int said = -1;

    (void)flags;
    if ((system_scope && !is_reached(cli, &err)) ||
        !asking(cli, SPAN("{\"verb\":\"queue retry\",\"all\":true}"), NULL, NULL, &matched, &sending, &err))
        return fail_here(cli, &err);
    if (system_scope || !matched)
        return 0;
    /* ERR_LATER: somebody was there, and does it. */
    if (!starting_standin(plan->words, clock_now(&clock_system) + CARRIER_REACH_MS, &said, &err) &&
        err.kind != ERR_LATER)
        return fail_here(cli, &err);
    if (said >= 0)
        close(said);
    return 0;
}
