#include "cli/checkup.h"

#include <stdarg.h>
#include <stdio.h>

#include "mail/date.h"

#include "base/banned.h"

static const char *const words[] = { "ok", "warning", "critical" };
static const char *const shouted[] = { "OK", "WARNING", "CRITICAL" };

void checkup_problem(struct checkup *checkup, enum checkup_level level, const char *format, ...)
{
    va_list args;

    if (level > checkup->level)
        checkup->level = level;
    if (checkup->count < CHECKUP_PROBLEMS) {
        struct checkup_problem *problem = &checkup->problems[checkup->count];
        problem->level = level;
        va_start(args, format);
        vsnprintf(problem->text, sizeof problem->text, format, args);
        va_end(args);
    }
    checkup->count++;
}

static void add_figure(struct checkup *checkup, const char *format, ...) PRINTF_LIKE(2, 3);
static void add_figure(struct checkup *checkup, const char *format, ...)
{
    size_t len = strlen(checkup->figures);
    va_list args;

    va_start(args, format);
    vsnprintf(checkup->figures + len, sizeof checkup->figures - len, format, args);
    va_end(args);
}

/* ---- the daemon and the queue ---- */

/* "4 minutes": whole ones, of the largest unit of which there is one. */
static void age_words(uint64_t ms, char *ret_text, size_t room)
{
    static const struct {
        uint64_t seconds;
        const char *word;
    } units[] = { { 86400, "day" }, { 3600, "hour" }, { 60, "minute" }, { 1, "second" } };
    uint64_t seconds = ms / 1000;
    size_t at = 0;

    while (at + 1 < COUNT(units) && seconds < units[at].seconds)
        at++;
    uint64_t count = seconds / units[at].seconds;
    snprintf(ret_text, room, "%llu %s%s", (unsigned long long)count, units[at].word, count == 1 ? "" : "s");
}

static void look_for_daemon(struct checkup *checkup, const struct checkup_queue *queue)
{
    if (queue->daemon)
        return;
    if (queue->waiting)
        checkup_problem(checkup, CHECKUP_CRITICAL, "no daemon runs that would try the waiting messages again");
    else
        checkup_problem(checkup, queue->needs_daemon ? CHECKUP_CRITICAL : CHECKUP_WARNING, "no daemon runs");
}

void checkup_queue(struct checkup *checkup, const struct checkup_queue *queue)
{
    char age[40], count[40] = "nothing waits";

    look_for_daemon(checkup, queue);
    age_words(queue->age, age, sizeof age);
    if (queue->waiting == 1)
        snprintf(count, sizeof count, "1 message waits");
    else if (queue->waiting)
        snprintf(count, sizeof count, "%llu messages wait", (unsigned long long)queue->waiting);
    snprintf(checkup->summary, sizeof checkup->summary, "the daemon runs, %s%s%s", count,
             queue->waiting ? ", the oldest for " : "", queue->waiting ? age : "");
    add_figure(checkup, " waiting=%llu", (unsigned long long)queue->waiting);
    if (!queue->waiting)
        return;
    add_figure(checkup, " oldest=%llus;%llu;%llu", (unsigned long long)(queue->age / 1000),
               (unsigned long long)(queue->warn_age / 1000), (unsigned long long)(queue->critical_age / 1000));
    if (queue->age >= queue->warn_age)
        checkup_problem(checkup, queue->age >= queue->critical_age ? CHECKUP_CRITICAL : CHECKUP_WARNING,
                        "%s, the oldest for %s", count, age);
}

/* ---- the disk ---- */

void checkup_disk(struct checkup *checkup, const struct space *space, unsigned reserve_percent)
{
    const struct space room = { .bytes = space->bytes, .bytes_free = space->bytes_free };
    unsigned long long percent = space->bytes ? space->bytes_free * 100 / space->bytes : 0;

    add_figure(checkup, " disk_free=%llu%%", percent);
    if (!space->bytes_free)
        checkup_problem(checkup, CHECKUP_CRITICAL, "the disk is full, and no mail is taken");
    else if (space_is_short(space, reserve_percent))
        checkup_problem(checkup, CHECKUP_CRITICAL,
                        space_is_short(&room, reserve_percent)
                            ? "the disk is full: less than %u %% is free, and no mail is taken"
                            : "the disk is full: less than %u %% of its files are free, and no mail is taken",
                        reserve_percent);
    else if (space_is_short(space, 2 * reserve_percent))
        checkup_problem(checkup, CHECKUP_WARNING, "the disk is nearly full: below %u %% free no mail is taken",
                        reserve_percent);
}

/* ---- accounts ---- */

void checkup_account(struct checkup *checkup, const char *name, const struct health_report *report,
                     const char *parked)
{
    HELD(buf) day = BUF(40);

    if (parked || report->health == HEALTH_LOST) {
        const char *why = parked ? parked : report->because;
        checkup_problem(checkup, CHECKUP_CRITICAL, "%s can't send%s%s", name, *why ? ": " : "", why);
        return;
    }
    if (report->health != HEALTH_ENDING)
        return;
    date_add_rfc3339(&day, report->until / 1000);
    buf_cut(&day, strlen("2026-01-01"));
    checkup_problem(checkup, CHECKUP_WARNING, "%s works until %s%s%s", name, buf_text(&day),
                    *report->because ? ": " : "", report->because);
}

/* ---- said ---- */

void checkup_line(const struct checkup *checkup, struct buf *out)
{
    size_t shown = checkup->count < CHECKUP_PROBLEMS ? checkup->count : CHECKUP_PROBLEMS;
    const char *between = ": ";

    buf_add(out, shouted[checkup->level]);
    if (!checkup->count)
        buf_addf(out, ": %s", checkup->summary);
    for (unsigned level = CHECKUP_CRITICAL; level > CHECKUP_OK; level--)
        for (size_t i = 0; i < shown; i++)
            if (checkup->problems[i].level == level) {
                buf_addf(out, "%s%s", between, checkup->problems[i].text);
                between = "; ";
            }
    if (shown < checkup->count)
        buf_addf(out, "; and %zu more", checkup->count - shown);
    if (*checkup->figures)
        buf_addf(out, " |%s", checkup->figures);
}

void checkup_json(const struct checkup *checkup, struct buf *out)
{
    struct json json = json_to(out);

    json_open(&json, NULL, '{');
    json_text(&json, "health", words[checkup->level]);
    json_open(&json, "problems", '[');
    for (size_t i = 0; i < checkup->count && i < CHECKUP_PROBLEMS; i++) {
        json_open(&json, NULL, '{');
        json_text(&json, "level", words[checkup->problems[i].level]);
        json_text(&json, "text", checkup->problems[i].text);
        json_close(&json);
    }
    json_close(&json);
    json_close(&json);
}
