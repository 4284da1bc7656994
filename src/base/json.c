#include "base/json.h"

#include "base/str.h"

#include "base/banned.h"

struct json json_to(struct buf *out)
{
    return (struct json){ .out = out };
}

static void string(struct buf *out, struct span text)
{
    buf_add_char(out, '"');
    while (text.len && !out->full) {
        size_t len = str_utf8_len(text);
        unsigned char c = (unsigned char)text.at[0];
        if (len == 0)
            buf_add(out, "\xef\xbf\xbd");
        else if (c == '"' || c == '\\')
            buf_addf(out, "\\%c", c);
        else if (c == '\n')
            buf_add(out, "\\n");
        else if (c < 0x20 || c == 0x7f)
            buf_addf(out, "\\u%04x", c);
        else
            buf_add_span(out, span_cut(text, 0, len));
        text = span_from(text, len ? len : 1);
    }
    buf_add_char(out, '"');
}

/* The comma before, and the key: what stands before every value. */
static void begin(struct json *json, const char *key)
{
    if (json->depth) {
        if (json->filled[json->depth - 1])
            buf_add_char(json->out, ',');
        json->filled[json->depth - 1] = true;
    }
    if (key) {
        string(json->out, span_of(key));
        buf_add_char(json->out, ':');
    }
}

void json_open(struct json *json, const char *key, char kind)
{
    begin(json, key);
    if (json->depth == JSON_DEPTH) {
        json->out->full = true;
        return;
    }
    buf_add_char(json->out, kind);
    json->closes[json->depth] = kind == '{' ? '}' : ']';
    json->filled[json->depth++] = false;
}

void json_close(struct json *json)
{
    if (json->depth)
        buf_add_char(json->out, json->closes[--json->depth]);
}

void json_span(struct json *json, const char *key, struct span text)
{
    begin(json, key);
    string(json->out, text);
}

void json_text(struct json *json, const char *key, const char *text)
{
    if (text)
        json_span(json, key, span_of(text));
    else
        json_none(json, key);
}

void json_number(struct json *json, const char *key, uint64_t number)
{
    begin(json, key);
    buf_addf(json->out, "%llu", (unsigned long long)number);
}

void json_bool(struct json *json, const char *key, bool value)
{
    begin(json, key);
    buf_add(json->out, value ? "true" : "false");
}

void json_none(struct json *json, const char *key)
{
    begin(json, key);
    buf_add(json->out, "null");
}
