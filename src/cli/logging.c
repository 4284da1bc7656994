#include "cli/logging.h"

#include "cli/world.h"
#include "mail/date.h"
#include "mail/status.h"
#include "os/clock.h"
#include "os/log_to.h"

#include "base/banned.h"

enum { FIELDS_MAX = 12 };

/* -- [log] -- */

static const char *const to_words[] = { "stderr", "journal", "syslog", NULL };
static const char *const format_words[] = { "text", "json", NULL };

/* A word's number is its place, from 1. */
_Static_assert(LOGGING_STDERR == 1 && LOGGING_SYSLOG == 3, "as in to_words");
_Static_assert(LOG_AS_TEXT == 0 && LOG_AS_JSON == 1, "as in format_words");

static const struct setting settings[LOGGING_SETTINGS] = {
    { "to", SETTING_WORD, offsetof(struct logging_settings, to), .words = to_words,
      .doc = "where outpost serve tells of its work; default: the journal where systemd reads standard error, else stderr" },
    { "format", SETTING_WORD, offsetof(struct logging_settings, format), .words = format_words, .fallback = "text",
      .doc = "a line an event with fields, or a JSON object" },
};

static const struct setting_kind log_kind = {
    .kind = "log", .settings = settings, .count = COUNT(settings), .doc = "what is told of the daemon's work, and where",
};

const struct config_part log_part = {
    .kind = &log_kind,
    .size = sizeof(struct logging_settings),
    .origins = offsetof(struct logging_settings, origins),
};

/* -- its beginning -- */

static void direct(struct log *log, unsigned to)
{
    struct err err = { 0 };

    if (to == LOGGING_SYSLOG)
        log_to_syslog(log);
    else if (to == LOGGING_JOURNAL && !log_to_journal(log, &err))
        log_event(log, LOG_AT_WARN, "log", log_text("result", "to standard error"), log_text("why", err.text));
    else if (!to && log_stderr_is_journal())
        (void)!log_to_journal(log, NULL); /* which reads standard error all the same */
}

struct log logging_begin(struct cli *cli)
{
    const struct config *config = cli_config(cli, NULL);
    const struct logging_settings *is = config ? config_section(config, &log_part, NULL) : NULL;
    struct log log = {
        .most = cli->verbose ? LOG_AT_DEBUG : cli->quiet ? LOG_AT_WARN : LOG_AT_INFO,
        .format = cli->json ? LOG_AS_JSON : is ? (enum log_format)(is->format - 1) : LOG_AS_TEXT,
        .clock = &clock_system,
        .write = log_to_stderr,
    };

    direct(&log, is ? is->to : LOGGING_STDERR);
    return log;
}

/* -- what the relay does -- */

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
