#include "cli/logging.h"

#include "mail/date.h"
#include "mail/status.h"
#include "os/clock.h"

#include "base/banned.h"

enum { FIELDS_MAX = 12 };

struct log logging_begin(const struct cli *cli)
{
    return (struct log){
        .most = cli->verbose ? LOG_AT_DEBUG : cli->quiet ? LOG_AT_WARN : LOG_AT_INFO,
        .format = cli->json ? LOG_AS_JSON : LOG_AS_TEXT,
        .clock = &clock_system,
        .write = log_to_stderr,
    };
}

static enum log_level level_of(enum relay_event_kind kind)
{
    switch (kind) {
    case RELAY_EVENT_TROUBLE:
        return LOG_AT_ERROR;
    case RELAY_EVENT_FAILED:
    case RELAY_EVENT_UNKNOWN:
    case RELAY_EVENT_PARKED:
        return LOG_AT_WARN;
    default:
        return LOG_AT_INFO;
    }
}

/* What is not known is not written. */
struct fields {
    struct log_field at[FIELDS_MAX];
    size_t count;
};

static void add_text(struct fields *fields, const char *key, const char *text)
{
    if (text && *text)
        fields->at[fields->count++] = log_text(key, text);
}

static void add_number(struct fields *fields, const char *key, uint64_t number)
{
    if (number)
        fields->at[fields->count++] = log_number(key, number);
}

void logging_relay(struct log *log, const struct queue *queue, const struct relay_event *event)
{
    const struct err *err = event->evidence ? &event->evidence->err : NULL;
    struct fields fields = { .count = 0 };
    HELD(buf) until = BUF(40), enhanced = BUF(20);

    if (event->until && event->until != STORE_NEVER)
        date_add_rfc3339(&until, queue_to_wall(queue, event->until) / 1000);
    if (err && err->enhanced[0])
        buf_addf(&enhanced, "%u.%u.%u", err->enhanced[0], err->enhanced[1], err->enhanced[2]);
    add_number(&fields, "id", event->id);
    add_text(&fields, "account", event->account);
    add_text(&fields, "recipient", event->recipient);
    if (err && event->kind != RELAY_EVENT_DELIVERED)
        add_text(&fields, "stage", stage_word(event->evidence->stage));
    add_number(&fields, "reply", err ? err->reply : 0);
    add_text(&fields, "enhanced", buf_text(&enhanced));
    add_text(&fields, "said", err ? err->said[0] ? err->said : err->text : NULL);
    add_text(&fields, "cause", event->cause);
    add_text(&fields, "until", buf_text(&until));
    add_number(&fields, "ms", event->ms);
    log_fields(log, level_of(event->kind), relay_event_word(event->kind), fields.at, fields.count);
}
