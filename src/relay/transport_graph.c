/* Microsoft Graph, sendMail with the message as MIME: learn.microsoft.com/graph/outlook-send-mime-message.
 * What it takes it keeps in Sent Items; 202 says that it took it, not that it was delivered. */
#include "relay/https_api.h"
#include "relay/transport_int.h"

#include "base/banned.h"

/* {"error":{"code":...,"message":...,"innerError":{"request-id":...}}} */
static void said(const struct json_value *error, struct buf *out)
{
    const struct json_value *inner = json_member(error, "innerError");
    struct span code = json_text_at(error, "code"), message = json_text_at(error, "message");
    struct span request = json_text_at(inner, "request-id");

    buf_add_span(out, code);
    buf_add(out, code.len && message.len ? ": " : "");
    buf_add_span(out, message);
    if (request.len) {
        buf_add(out, " [request-id ");
        buf_add_span(out, request);
        buf_add(out, "]");
    }
}

const struct https_api https_graph = {
    .name = "graph",
    .host = "graph.microsoft.com",
    .path = "/v1.0/me/sendMail",
    .path_of = "/v1.0/users/*/sendMail",
    .type = "text/plain",
    .base64 = true,
    .most = 4 * 1024 * 1024, /* else 413, "The maximum request length supported is 4MB." */
    .error = said,
    .not_now = (const char *const[]){ "ErrorExceeded", "TooManyRequests", "ApplicationThrottled", NULL },
};
