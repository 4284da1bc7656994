/* The Gmail API, messages.send by upload: developers.google.com/gmail/api/guides/uploads. */
#include "relay/https_api.h"
#include "relay/transport_int.h"

#include "base/banned.h"

/* {"error":{"code":403,"message":...,"errors":[{"reason":...}],"status":"PERMISSION_DENIED"}} */
static void said(const struct json_value *error, struct buf *out)
{
    const struct json_value *first = json_element(json_member(error, "errors"), 0);
    struct span reason = json_text_at(first, "reason"), message = json_text_at(error, "message");

    if (!reason.len)
        reason = json_text_at(error, "status");
    buf_add_span(out, reason);
    buf_add(out, reason.len && message.len ? ": " : "");
    buf_add_span(out, message);
}

const struct https_api https_gmail = {
    .name = "gmail",
    .host = "gmail.googleapis.com",
    .path = "/upload/gmail/v1/users/me/messages/send?uploadType=media",
    .path_of = "/upload/gmail/v1/users/*/messages/send?uploadType=media",
    .type = "message/rfc822",
    .aliases = true,
    .most = 36700160, /* 35 MB, as the method's description says */
    .error = said,
    .not_now = (const char *const[]){ "userRateLimitExceeded", "rateLimitExceeded", "dailyLimitExceeded",
                                      "quotaExceeded", "limitExceeded", NULL },
};
