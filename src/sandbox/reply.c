#include "sandbox/reply.h"

#include "base/banned.h"

void reply_done(struct reply *reply)
{
    buf_done(&reply->body);
    buf_done(&reply->headers);
}

void reply_header(struct reply *reply, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    buf_addv(&reply->headers, format, args);
    va_end(args);
    buf_add_char(&reply->headers, '\0');
}

void reply_keep_private(struct reply *reply)
{
    reply_header(reply, "Cache-Control: no-store");
    reply_header(reply, "Pragma: no-cache");
}

struct json reply_begin_json(struct reply *reply)
{
    struct json json = json_to(&reply->body);

    reply->status = 200;
    reply->type = "application/json";
    reply_keep_private(reply);
    json_open(&json, NULL, '{');
    return json;
}

void reply_lines(const struct reply *reply, const char *ret_lines[REPLY_HEADERS_MAX + 1])
{
    struct span rest = buf_span(&reply->headers), line;
    size_t count = 0;

    while (count < REPLY_HEADERS_MAX && span_split(&rest, '\0', &line))
        ret_lines[count++] = line.at;
    ret_lines[count] = NULL;
}

void reply_html(struct buf *out, struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        switch (text.at[i]) {
        case '<':
            buf_add(out, "&lt;");
            break;
        case '>':
            buf_add(out, "&gt;");
            break;
        case '&':
            buf_add(out, "&amp;");
            break;
        case '"':
            buf_add(out, "&quot;");
            break;
        case '\'':
            buf_add(out, "&#39;");
            break;
        default:
            buf_add_char(out, text.at[i]);
        }
    }
}
