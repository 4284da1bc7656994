#include "session/observe.h"

#include "base/buf.h"
#include "base/scan.h"

#include "base/banned.h"

enum { SHOWN_MAX = 2 * OBSERVE_LINE_MAX };

static void see(const struct session_observer *observer, enum session_sight sight, enum stage stage,
                struct span text, uint64_t now)
{
    observer->saw(observer->who, sight, stage, text, now);
}

/* "AUTH PLAIN AGE..." shows as "AUTH PLAIN ***", and what answers a challenge as "***". */
static void see_sign_in(const struct session_observer *observer, struct span line, uint64_t now)
{
    HELD(buf) shown = BUF(100);
    struct span rest = line, verb, mechanism = SPAN_NONE;

    if (span_starts_word(line, "AUTH ") && span_split(&rest, ' ', &verb)) {
        span_split(&rest, ' ', &mechanism);
        buf_add(&shown, "AUTH ");
        buf_add_span(&shown, span_cut(mechanism, 0, 40));
        buf_add(&shown, rest.len ? " ***" : "");
    } else {
        buf_add(&shown, line.len ? "***" : "");
    }
    see(observer, SESSION_SAYS, STAGE_AUTH, buf_span(&shown), now);
}

static bool begins_body(struct span line)
{
    return span_starts_word(line, "BDAT ") || span_starts_word(line, "DATA");
}

void observe_output(const struct session_observer *observer, enum stage stage, struct span bytes,
                    uint64_t now)
{
    struct scan scan = scan_of(bytes);
    struct span line;

    if (!observer->saw || stage == STAGE_BODY || stage == STAGE_END)
        return;
    while (scan_line(&scan, &line)) {
        if (stage == STAGE_AUTH) {
            see_sign_in(observer, line, now);
            continue;
        }
        see(observer, SESSION_SAYS, stage, line, now);
        if (begins_body(line))
            return;
    }
}

static void see_heard(const struct session_observer *observer, enum stage stage, struct span line,
                      const struct secret *hidden, uint64_t now)
{
    HELD(buf) shown = BUF(SHOWN_MAX);

    if (span_starts(line, "334 ") && line.len > 4) {
        see(observer, SESSION_HEARS, stage, SPAN("334 ***"), now);
    } else if (hidden) {
        secret_hide(&shown, line, hidden);
        see(observer, SESSION_HEARS, stage, buf_span(&shown), now);
    } else {
        see(observer, SESSION_HEARS, stage, line, now);
    }
}

void observe_end(const struct session_observer *observer, struct buf *waiting, enum stage stage,
                 const struct secret *hidden, uint64_t now)
{
    if (observer->saw && waiting->len)
        see_heard(observer, stage, buf_span(waiting), hidden, now);
    buf_clear(waiting);
}

void observe_input(const struct session_observer *observer, struct buf *waiting, enum stage stage,
                   struct span bytes, const struct secret *hidden, uint64_t now)
{
    if (!observer->saw)
        return;
    for (size_t i = 0; i < bytes.len; i++) {
        if (bytes.at[i] == '\r')
            continue;
        if (bytes.at[i] != '\n')
            buf_add_char(waiting, bytes.at[i]);
        if (bytes.at[i] == '\n' || waiting->full || waiting->len == waiting->ceiling)
            observe_end(observer, waiting, stage, hidden, now);
    }
}

void observe_note(const struct session_observer *observer, enum stage stage, uint64_t now,
                  const char *format, ...)
{
    HELD(buf) text = BUF(1000);
    va_list args;

    if (!observer->saw)
        return;
    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    see(observer, SESSION_NOTES, stage, buf_span(&text), now);
}
