#include "os/log.h"

#include <time.h>

#include "base/json.h"
#include "base/str.h"

#include "base/banned.h"

enum { LINE_MOST = 16 * 1024, VALUE_MOST = 2048, VALUES_MOST = LOG_FIELDS_MAX * (VALUE_MOST + 64) };

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

/* An event on its way out: its fields as they may be shown. */
struct writing {
    struct span time; /* empty: not told */
    enum log_level level;
    const char *event;
    struct buf values; /* which they point into */
    struct log_field fields[LOG_FIELDS_MAX];
    size_t count;
};

static void write_text(struct buf *line, const struct writing *w)
{
    if (w->time.len)
        buf_addf(line, "%.*s %s ", SPAN_ARG(w->time), level_words[w->level]);
    str_printable(line, span_of(w->event), VALUE_MOST);
    for (size_t i = 0; i < w->count; i++) {
        buf_addf(line, " %s=", w->fields[i].key);
        if (w->fields[i].is_number)
            buf_add_span(line, w->fields[i].text);
        else
            add_quoted(line, w->fields[i].text);
    }
}

static void write_json(struct buf *line, const struct writing *w)
{
    struct json json = json_to(line);

    json_open(&json, NULL, '{');
    json_span(&json, "time", w->time);
    json_text(&json, "level", level_words[w->level]);
    json_text(&json, "event", w->event);
    for (size_t i = 0; i < w->count; i++)
        if (w->fields[i].is_number)
            json_number(&json, w->fields[i].key, w->fields[i].number);
        else
            json_span(&json, w->fields[i].key, w->fields[i].text);
    json_close(&json);
}

/* Every value goes through here, and through nothing else: without secrets, safe, and as text. */
static bool clean(struct writing *w, const struct log_field *fields, size_t count)
{
    size_t begins[LOG_FIELDS_MAX + 1] = { 0 };

    w->count = count < LOG_FIELDS_MAX ? count : LOG_FIELDS_MAX;
    for (size_t i = 0; i < w->count; i++) {
        w->fields[i] = fields[i];
        if (fields[i].is_number)
            buf_addf(&w->values, "%llu", (unsigned long long)fields[i].number);
        else
            add_value(&w->values, &fields[i]);
        begins[i + 1] = w->values.len;
    }
    for (size_t i = 0; i < w->count; i++) /* now that it grows no more */
        w->fields[i].text = span_cut(buf_span(&w->values), begins[i], begins[i + 1]);
    return !w->values.full;
}

static bool write_line(struct buf *line, enum log_format format, const struct writing *w)
{
    (format == LOG_AS_JSON ? write_json : write_text)(line, w);
    return !line->full;
}

static void hand_over(struct log *log, struct writing *w, struct buf *line)
{
    const struct log_entry entry = { w->level, w->event, buf_span(line), w->fields, w->count };

    if (log->put) {
        log->put(log, &entry);
        return;
    }
    buf_add_char(line, '\n');
    if (!line->full)
        log->write(log, buf_span(line));
}

void log_fields(struct log *log, enum log_level level, const char *event,
                const struct log_field *fields, size_t count)
{
    HELD(buf) time = BUF(64), line = BUF(LINE_MOST);
    struct writing w = { .level = level, .event = event, .values = BUF(VALUES_MOST) };

    if (level > log->most)
        return;
    add_time(&time, clock_wall(log->clock));
    if (!log->put || log->format == LOG_AS_JSON)
        w.time = buf_span(&time);
    if (!clean(&w, fields, count) || !write_line(&line, log->format, &w)) {
        w.count = 0; /* too long, or no memory: at least that it happened */
        buf_cut(&line, 0);
        line.full = false;
        write_line(&line, log->format, &w);
    }
    hand_over(log, &w, &line);
    buf_done(&w.values);
}
