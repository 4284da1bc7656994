/* One line an event, with fields; and the one place that redacts.
 *
 *     log_event(&log, LOG_AT_INFO, "delivered", log_text("account", "live"), log_number("ms", 412));
 *
 *     2026-03-01T12:00:00.000Z info delivered account=live ms=412                       as text
 *     {"time":"2026-03-01T12:00:00.000Z","level":"info","event":"delivered",...}        as json
 *
 * Whatever a value holds, the line stays one line and safe for a terminal: control characters are
 * escaped, long values cut. Values of fields that are named like a secret (password, token, ...) are not
 * written at all, and in any value what follows AUTH, Bearer and the like is starred out, so that a
 * conversation may be logged as it was. Logging never fails: what can't be written is dropped.
 */
#ifndef OUTPOST_OS_LOG_H
#define OUTPOST_OS_LOG_H

#include <stdint.h>

#include "base/buf.h"
#include "os/clock.h"

enum log_level {
    LOG_AT_ERROR,
    LOG_AT_WARN,
    LOG_AT_INFO,
    LOG_AT_DEBUG, /* conversations, too */
};

enum log_format {
    LOG_AS_TEXT,
    LOG_AS_JSON,
};

struct log;
struct log_entry;

struct log {
    enum log_level most; /* what is chattier is dropped */
    enum log_format format;
    const struct clock *clock;
    void (*write)(struct log *, struct span line); /* the line with its LF */
    void *of;                                      /* the writer's own */
    /* In place of `write`, for who keeps time, level and fields apart: os/log_to.h. NULL: the line will do. */
    void (*put)(struct log *, const struct log_entry *entry);
};

struct log_field {
    const char *key;
    bool is_number;
    struct span text;
    uint64_t number;
};

/* An event as it may be shown: every value safe and without secrets. */
struct log_entry {
    enum log_level level;
    const char *event;
    struct span text; /* as the format says, without a line end; as text, without time and level, too */
    const struct log_field *fields; /* their `text` is filled in for numbers, too */
    size_t count;
};

static inline struct log_field log_span(const char *key, struct span text)
{
    return (struct log_field){ .key = key, .text = text };
}

static inline struct log_field log_text(const char *key, const char *text)
{
    return log_span(key, span_of(text));
}

static inline struct log_field log_number(const char *key, uint64_t number)
{
    return (struct log_field){ .key = key, .is_number = true, .number = number };
}

enum { LOG_FIELDS_MAX = 24 }; /* what is beyond is not written */

void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields, size_t count);

/* Fields are log_text(), log_span() and log_number(), one at least. */
#define log_event(log, level, event, ...)                                                        \
    log_fields((log), (level), (event), (const struct log_field[]){ __VA_ARGS__ },               \
               sizeof((const struct log_field[]){ __VA_ARGS__ }) / sizeof(struct log_field))

/* Adds the text with every credential in it starred out: "AUTH PLAIN AGEAYg==" becomes
 * "AUTH PLAIN ***". Nothing else is changed; it is not yet safe for a terminal. */
void log_redact(struct buf *out, struct span text);

#endif
