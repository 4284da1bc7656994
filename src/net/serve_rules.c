/* Which heads are answered at all. Pure. */
#include "base/scan.h"
#include "base/str.h"
#include "net/serve_face.h"

#include "base/banned.h"

enum { BAD_REQUEST = 400, TOO_MANY_FIELDS = 431 };

const char *const serve_page_headers[] = {
    "Cache-Control: no-store",
    "Referrer-Policy: no-referrer",
    "X-Content-Type-Options: nosniff",
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'",
    NULL,
};

static size_t count(const struct serve_request *request, const char *name)
{
    size_t found = 0;

    for (size_t i = 0; i < request->header_count; i++)
        found += span_is_word(request->headers[i].name, name);
    return found;
}

struct span serve_header(const struct serve_request *request, const char *name)
{
    for (size_t i = 0; i < request->header_count; i++) {
        struct span value = request->headers[i].value;
        if (span_is_word(request->headers[i].name, name))
            return value.at ? value : SPAN("");
    }
    return SPAN_NONE;
}

bool serve_host_is(const struct serve_request *request, const char *name, uint16_t port)
{
    struct span host = serve_header(request, "Host");
    uint64_t said;

    if (!span_starts_word(host, name))
        return false;
    struct scan rest = scan_of(span_from(host, strlen(name)));
    if (scan_end(&rest))
        return port == 80 || port == 443;
    return scan_char(&rest, ':') && scan_number(&rest, port, port, &said) && scan_end(&rest);
}

static bool is_visible(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] <= ' ' || text.at[i] > '~')
            return false;
    return true;
}

/*= RFC 9112 6.3
 *# If a message is received with both a Transfer-Encoding and a Content-Length header field, ... Such a
 *# message might indicate an attempt to perform request smuggling ... or response splitting */
static bool has_one_length(const struct serve_request *request)
{
    size_t codings = count(request, "Transfer-Encoding");

    if (codings + count(request, "Content-Length") > 1)
        return false;
    return !codings || span_is_word(serve_header(request, "Transfer-Encoding"), "chunked");
}

unsigned serve_refusal(const struct serve_request *request, size_t head_len, size_t line_count)
{
    if (head_len > SERVE_HEAD_MAX || line_count > SERVE_LINES_MAX)
        return TOO_MANY_FIELDS;
    if (!span_starts(request->path, "/") || !is_visible(request->path) || !is_visible(request->query))
        return BAD_REQUEST;
    if (count(request, "Host") != 1 || !has_one_length(request))
        return BAD_REQUEST;
    return 0;
}
