#include "os/log.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "base/json.h"
#include "base/str.h"

#include "base/banned.h"

enum { LINE_MOST = 16 * 1024, VALUE_MOST = 2048 };

static const char *const level_words[] = {
    [LOG_AT_ERROR] = "error",
    [LOG_AT_WARN] = "warn",
    [LOG_AT_INFO] = "info",
    [LOG_AT_DEBUG] = "debug",
};

/* Fields so named are never written, whatever they hold: a part of the key is enough. */
static const char *const secret_keys[] = {
    "password", "passwd", "passphrase", "secret", "token", "credential", "authorization", "code_verifier",
};

/* What announces a credential; how many words behind it are still no secret; and is it an announcement
 * only where '=' or ':' follows, for it is an ordinary word as well? */
static const struct announcement {
    const char *word;
    unsigned spared;
    bool assigned;
} announcements[] = {
    { "AUTH", 1, false }, /* the mechanism */
    { "Bearer", 0, false },
    { "auth=Bearer", 0, false },
    { "pass", 0, true },
    { "password", 0, true },
    { "access_token", 0, true },
    { "refresh_token", 0, true },
    { "client_secret", 0, true },
};

static bool ends_word(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '=' || c == ':' || c == '"' ||
           c == ',' || c == '&' || c == '\001';
}

/* How long the word at the front is; 0 where a separator stands there. "auth=Bearer" is one word. */
static size_t word_len(struct span text)
{
    size_t len = 0;

    if (span_starts_word(text, "auth=Bearer"))
        return strlen("auth=Bearer");
    while (len < text.len && !ends_word(text.at[len]))
        len++;
    return len;
}

/* Takes the separators at the front; those of a line's end are left, for nothing passes them. */
static struct span take_separators(struct buf *out, struct span *text)
{
    size_t len = 0;

    while (len < text->len && ends_word(text->at[len]) && text->at[len] != '\n' &&
           text->at[len] != '\r')
        len++;
    struct span taken = span_cut(*text, 0, len);
    buf_add_span(out, taken);
    *text = span_from(*text, len);
    return taken;
}

static void take_word(struct buf *out, struct span *text)
{
    size_t len = word_len(*text);

    buf_add_span(out, span_cut(*text, 0, len));
    *text = span_from(*text, len);
}

/* A credential goes on over '=' and ':', which end an ordinary word. */
static void hide_credential(struct buf *out, struct span *text)
{
    size_t len = 0;

    while (len < text->len && (!ends_word(text->at[len]) || text->at[len] == '=' || text->at[len] == ':'))
        len++;
    if (len)
        buf_add(out, "***");
    *text = span_from(*text, len);
}

static const struct announcement *announcement_of(struct span word)
{
    for (size_t i = 0; i < COUNT(announcements); i++)
        if (span_is_word(word, announcements[i].word))
            return &announcements[i];
    return NULL;
}

void log_redact(struct buf *out, struct span text)
{
    while (text.len) {
        const struct announcement *announced = announcement_of(span_cut(text, 0, word_len(text)));
        if (word_len(text) == 0) {
            buf_add_char(out, text.at[0]);
            text = span_from(text, 1);
            continue;
        }
        take_word(out, &text);
        for (unsigned n = 0; announced && n < announced->spared; n++) {
            take_separators(out, &text);
            take_word(out, &text);
        }
        if (!announced)
            continue;
        struct span between = take_separators(out, &text);
        if (!announced->assigned || span_find(between, '=') < between.len ||
            span_find(between, ':') < between.len)
            hide_credential(out, &text);
    }
}

static bool is_secret(const char *key)
{
    for (size_t i = 0; i < COUNT(secret_keys); i++)
        if (span_find_word(span_of(key), secret_keys[i]) < strlen(key))
            return true;
    return false;
}

/* The value as it may be shown: without secrets, without control characters, not too long. */
static void add_value(struct buf *out, const struct log_field *field)
{
    HELD(buf) redacted = BUF(LINE_MOST);

    if (is_secret(field->key)) {
        buf_add(out, "***");
        return;
    }
    log_redact(&redacted, span_cut(field->text, 0, VALUE_MOST));
    str_printable(out, buf_span(&redacted), VALUE_MOST);
}

static void add_time(struct buf *out, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm utc;
    char text[32];

    if (gmtime_r(&seconds, &utc) && strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc))
        buf_addf(out, "%s.%03uZ", text, (unsigned)(wall_ms % 1000));
}

/* Is the value one word that needs no quotes? */
static bool is_plain(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == ' ' || text.at[i] == '"' || text.at[i] == '=' || text.at[i] == '\\')
            return false;
    return text.len > 0;
}

static void add_quoted(struct buf *out, struct span text)
{
    if (is_plain(text)) {
        buf_add_span(out, text);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '"')
            buf_add_char(out, '\\');
        buf_add_char(out, text.at[i]);
    }
    buf_add_char(out, '"');
}

static void write_text(struct buf *line, struct span time, enum log_level level, const char *event,
                       const struct log_field *fields, size_t count)
{
    buf_addf(line, "%.*s %s ", SPAN_ARG(time), level_words[level]);
    str_printable(line, span_of(event), VALUE_MOST);
    for (size_t i = 0; i < count; i++) {
        HELD(buf) value = BUF(LINE_MOST);
        buf_addf(line, " %s=", fields[i].key);
        if (fields[i].is_number) {
            buf_addf(line, "%llu", (unsigned long long)fields[i].number);
            continue;
        }
        add_value(&value, &fields[i]);
        add_quoted(line, buf_span(&value));
    }
}

static void write_json(struct buf *line, struct span time, enum log_level level, const char *event,
                       const struct log_field *fields, size_t count)
{
    struct json json = json_to(line);

    json_open(&json, NULL, '{');
    json_span(&json, "time", time);
    json_text(&json, "level", level_words[level]);
    json_text(&json, "event", event);
    for (size_t i = 0; i < count; i++) {
        HELD(buf) value = BUF(LINE_MOST);
        if (fields[i].is_number) {
            json_number(&json, fields[i].key, fields[i].number);
            continue;
        }
        add_value(&value, &fields[i]);
        json_span(&json, fields[i].key, buf_span(&value));
    }
    json_close(&json);
}

void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields, size_t count)
{
    HELD(buf) time = BUF(64), line = BUF(LINE_MOST);

    if (level > log->most)
        return;
    add_time(&time, clock_wall(log->clock));
    (log->format == LOG_AS_JSON ? write_json : write_text)(&line, buf_span(&time), level, event, fields,
                                                           count);
    if (line.full) /* too long, or no memory: at least that it happened */
        buf_cut(&line, 0);
    line.full = false;
    if (line.len == 0 && log->format == LOG_AS_TEXT)
        write_text(&line, buf_span(&time), level, event, NULL, 0);
    else if (line.len == 0)
        write_json(&line, buf_span(&time), level, event, NULL, 0);
    buf_add_char(&line, '\n');
    if (!line.full)
        log->write(log, buf_span(&line));
}

void log_to_stderr(struct log *log, struct span line)
{
    (void)log;
    while (line.len) {
        ssize_t n = write(STDERR_FILENO, line.at, line.len);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0)
            line = span_from(line, (size_t)n);
    }
}
