/* Answers of the HTTPS interfaces: what becomes of the message, and the cause that is told. */
#include "support/check.h"

#include "know/classify.h"
#include "relay/https_api.h"
#include "support/knowledge.h"

#define PAGE "<!DOCTYPE html>\n<html><head><title>502 Bad Gateway</title></head><body>AADSTS50020</body></html>"

static const struct {
    const char *label, *api;
    unsigned status;
    const char *retry_after, *body;
    enum smtp_fate fate;
    enum err_kind kind;
    const char *said; /* its beginning */
    const char *cause; /* NULL: it is no failure */
    uint64_t wait_ms;
} cases[] = {
    { "taken by Graph", "graph", 202, "", "", SMTP_FATE_TAKEN, ERR_NONE, "Accepted", NULL, 0 },
    { "taken by Gmail", "gmail", 200, "", "{\"id\":\"18c\",\"threadId\":\"18c\",\"labelIds\":[\"SENT\"]}",
      SMTP_FATE_TAKEN, ERR_NONE, "OK", NULL, 0 },
    { "sent elsewhere", "graph", 307, "", "", SMTP_FATE_LATER, ERR_PROTOCOL, "", NULL, 0 },
    { "no MIME", "graph", 400, "",
      "{\"error\":{\"code\":\"ErrorMimeContentInvalidBase64String\",\"message\":\"Invalid base64 string for "
      "MIME content.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "ErrorMimeContentInvalidBase64String: Invalid base64", "malformed_message",
      0 },
    { "no recipient", "graph", 400, "",
      "{\"error\":{\"code\":\"ErrorInvalidRecipients\",\"message\":\"At least one recipient is not "
      "valid.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "ErrorInvalidRecipients: ", "recipient_rejected", 0 },
    { "a token that is over", "graph", 401, "",
      "{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":\"Access token has expired or is not "
      "yet valid.\",\"innerError\":{\"date\":\"2026-11-22T10:00:00\",\"request-id\":\"11-22\"}}}",
      SMTP_FATE_REFUSED, ERR_SIGNIN,
      "InvalidAuthenticationToken: Access token has expired or is not yet valid. [request-id 11-22]",
      "oauth_refresh_token_expired", 0 },
    { "a token for another", "graph", 401, "",
      "{\"error\":{\"code\":\"InvalidAuthenticationToken\",\"message\":\"Access token validation failure. "
      "Invalid audience.\"}}",
      SMTP_FATE_REFUSED, ERR_SIGNIN, "InvalidAuthenticationToken: ", "oauth_wrong_scope", 0 },
    { "no permission", "graph", 403, "",
      "{\"error\":{\"code\":\"ErrorAccessDenied\",\"message\":\"Access is denied. Check credentials and try "
      "again.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "ErrorAccessDenied: ", "oauth_missing_permission", 0 },
    { "another's name", "graph", 403, "",
      "{\"error\":{\"code\":\"ErrorSendAsDenied\",\"message\":\"The user account which was used to submit "
      "this request does not have the right to send mail on behalf of the specified sending account.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "ErrorSendAsDenied: ", "sender_not_owned", 0 },
    { "no mailbox", "graph", 404, "",
      "{\"error\":{\"code\":\"MailboxNotEnabledForRESTAPI\",\"message\":\"REST API is not yet supported for "
      "this mailbox.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "MailboxNotEnabledForRESTAPI: ", "auth_mailbox_unavailable", 0 },
    { "too big", "graph", 413, "",
      "{\"error\":{\"code\":\"BadRequest\",\"message\":\"The maximum request length supported is 4MB.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "BadRequest: The maximum", "message_too_big", 0 },
    { "too big, in no words", "graph", 413, "", "", SMTP_FATE_REFUSED, ERR_REPLY, "", "message_too_big", 0 },
    { "throttled, with a fraction", "graph", 429, "2.128",
      "{\"error\":{\"code\":\"TooManyRequests\",\"message\":\"Too many requests\"}}", SMTP_FATE_LATER,
      ERR_LATER, "TooManyRequests: ", "rate_limit_short", 2200 },
    { "too many at once", "graph", 429, "10",
      "{\"error\":{\"code\":\"ApplicationThrottled\",\"message\":\"Application is over its "
      "MailboxConcurrency limit.\"}}",
      SMTP_FATE_LATER, ERR_LATER, "ApplicationThrottled: ", "concurrent_limit", 10000 },
    { "throttled without a word", "graph", 429, "", "", SMTP_FATE_LATER, ERR_LATER, "", "rate_limit_short",
      0 },
    { "the day's messages", "graph", 403, "",
      "{\"error\":{\"code\":\"ErrorExceededMessageLimit\",\"message\":\"Cannot send mail. Daily "
      "Message/Recipient limit exceeded. Follow the instructions in your Inbox to verify your account.\"}}",
      SMTP_FATE_LATER, ERR_LATER, "ErrorExceededMessageLimit: ", "rate_limit_daily", 24u * 3600 * 1000 },
    { "the same, another form", "graph", 403, "",
      "{\"error\":{\"code\":\"ErrorExceededMessageLimitShowTierUpgrade\"}}", SMTP_FATE_LATER, ERR_LATER,
      "ErrorExceededMessageLimitShowTierUpgrade", "rate_limit_daily", 24u * 3600 * 1000 },
    { "blocked", "graph", 403, "",
      "{\"error\":{\"code\":\"ErrorMessageSubmissionBlocked\",\"message\":\"Cannot send mail. Follow the "
      "instructions in your Inbox to verify your account.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "ErrorMessageSubmissionBlocked: ", "account_needs_verification", 0 },
    { "suspended", "graph", 403, "", "{\"error\":{\"code\":\"ErrorAccountSuspend\"}}", SMTP_FATE_REFUSED,
      ERR_REPLY, "ErrorAccountSuspend", "account_locked", 0 },
    { "looks like spam", "graph", 403, "", "{\"error\":{\"code\":\"ErrorMessageBlocked\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "ErrorMessageBlocked", "content_rejected_spam", 0 },
    { "an application kept out", "graph", 403, "",
      "{\"error\":{\"code\":\"ErrorAccessDenied\",\"message\":\"Access to OData is disabled: [RAOP] : Blocked "
      "by tenant configured AppOnly AccessPolicy settings.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "ErrorAccessDenied: ", "auth_blocked_by_policy", 0 },
    { "busy", "graph", 503, "120", "{\"error\":{\"code\":\"ErrorServerBusy\"}}", SMTP_FATE_LATER, ERR_LATER,
      "ErrorServerBusy", "server_busy_temporary", 120000 },
    { "broken", "graph", 500, "", "{\"error\":{\"code\":\"generalException\"}}", SMTP_FATE_LATER, ERR_LATER,
      "generalException", "server_side_error", 0 },
    { "a page in between", "graph", 502, "", PAGE, SMTP_FATE_UNKNOWN, ERR_UNKNOWN, "", "server_side_error",
      0 },
    { "no answer behind it", "graph", 504, "", "", SMTP_FATE_UNKNOWN, ERR_UNKNOWN, "", "server_side_error",
      0 },
    { "no answer behind it, but a time to come again", "graph", 504, "30", "", SMTP_FATE_LATER, ERR_LATER,
      "", "server_side_error", 30000 },
    { "a page that refuses", "graph", 403, "", PAGE, SMTP_FATE_REFUSED, ERR_REPLY, "",
      "oauth_missing_permission", 0 },
    { "plain text", "graph", 503, "", "The service is unavailable.\nmore", SMTP_FATE_LATER, ERR_LATER,
      "The service is unavailable.", "server_busy_temporary", 0 },
    { "an error that is no object", "graph", 400, "", "{\"error\":\"invalid_request\"}", SMTP_FATE_REFUSED,
      ERR_REPLY, "invalid_request", NULL, 0 },
    { "an error that is nothing", "graph", 400, "", "{\"error\":[1,{}]}", SMTP_FATE_REFUSED, ERR_REPLY, "",
      "malformed_message", 0 },
    { "an array", "gmail", 400, "", "[]", SMTP_FATE_REFUSED, ERR_REPLY, "", "malformed_message", 0 },
    { "control characters", "graph", 400, "",
      "{\"error\":{\"code\":\"E\",\"message\":\"a\\u001b]0;b\\u0007c\"}}", SMTP_FATE_REFUSED, ERR_REPLY,
      "E: a?]0;b?c", NULL, 0 },
    { "a date to come again", "graph", 503, "Sun, 22 Nov 2026 10:00:00 GMT", "", SMTP_FATE_LATER,
      ERR_LATER, "", "server_busy_temporary", 0 },
    { "nonsense to come again", "graph", 503, "-1", "", SMTP_FATE_LATER, ERR_LATER, "",
      "server_busy_temporary", 0 },
    { "years to come again", "graph", 503, "99999999999999999999", "", SMTP_FATE_LATER, ERR_LATER, "",
      "server_busy_temporary", 0 },
    { "a status nobody knows", "graph", 799, "", "", SMTP_FATE_REFUSED, ERR_REPLY, "", NULL, 0 },

    { "Gmail: a token that is over", "gmail", 401, "",
      "{\"error\":{\"errors\":[{\"domain\":\"global\",\"reason\":\"authError\",\"message\":\"Invalid "
      "Credentials\",\"locationType\":\"header\"}],\"code\":401,\"message\":\"Invalid Credentials\"}}",
      SMTP_FATE_REFUSED, ERR_SIGNIN, "authError: Invalid Credentials", "oauth_refresh_token_expired", 0 },
    { "Gmail: a token for less", "gmail", 403, "",
      "{\"error\":{\"code\":403,\"message\":\"Request had insufficient authentication scopes.\",\"errors\":"
      "[{\"message\":\"Insufficient Permission\",\"domain\":\"global\",\"reason\":"
      "\"insufficientPermissions\"}],\"status\":\"PERMISSION_DENIED\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "insufficientPermissions: Request had", "oauth_wrong_scope", 0 },
    { "Gmail: not switched on", "gmail", 403, "",
      "{\"error\":{\"code\":403,\"message\":\"Gmail API has not been used in project 123 before or it is "
      "disabled.\",\"errors\":[{\"reason\":\"accessNotConfigured\"}]}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "accessNotConfigured: Gmail API", "oauth_client_misconfigured", 0 },
    { "Gmail: too fast, as a 403", "gmail", 403, "",
      "{\"error\":{\"code\":403,\"message\":\"User Rate Limit Exceeded\",\"errors\":[{\"reason\":"
      "\"userRateLimitExceeded\"}]}}",
      SMTP_FATE_LATER, ERR_LATER, "userRateLimitExceeded: ", "rate_limit_short", 0 },
    { "Gmail: too fast, as a 429", "gmail", 429, "",
      "{\"error\":{\"code\":429,\"message\":\"User-rate limit exceeded.  Retry after "
      "2026-11-22T12:00:00.000Z\",\"errors\":[{\"reason\":\"rateLimitExceeded\"}]}}",
      SMTP_FATE_LATER, ERR_LATER, "rateLimitExceeded: ", "rate_limit_short", 0 },
    { "Gmail: no mailbox", "gmail", 400, "",
      "{\"error\":{\"code\":400,\"message\":\"Mail service not enabled\",\"errors\":[{\"reason\":"
      "\"failedPrecondition\"}],\"status\":\"FAILED_PRECONDITION\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "failedPrecondition: ", "auth_mailbox_unavailable", 0 },
    { "Gmail: nobody to send to", "gmail", 400, "",
      "{\"error\":{\"code\":400,\"message\":\"Recipient address required\",\"errors\":[{\"reason\":"
      "\"invalidArgument\"}],\"status\":\"INVALID_ARGUMENT\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "invalidArgument: Recipient", "recipient_rejected", 0 },
    { "Gmail: the domain's own rules", "gmail", 403, "",
      "{\"error\":{\"errors\":[{\"domain\":\"global\",\"reason\":\"domainPolicy\",\"message\":\"The domain "
      "administrators have disabled Gmail apps.\"}],\"code\":403,\"message\":\"The domain administrators "
      "have disabled Gmail apps.\"}}",
      SMTP_FATE_REFUSED, ERR_REPLY, "domainPolicy: ", "auth_blocked_by_policy", 0 },
    { "Gmail: without a reason", "gmail", 500, "",
      "{\"error\":{\"code\":500,\"message\":\"Internal error encountered.\",\"status\":\"INTERNAL\"}}",
      SMTP_FATE_LATER, ERR_LATER, "INTERNAL: Internal error", "server_side_error", 0 },
};

static void test_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool graph = strcmp(cases[i].api, "graph") == 0;
        const struct https_answer answer = { cases[i].status, span_of(cases[i].retry_after),
                                             span_of(cases[i].body) };
        struct evidence evidence;
        struct verdict verdict = { 0 };
        enum smtp_fate fate = https_answer_read(graph ? &https_graph : &https_gmail, &answer, &evidence);
        check_row(cases[i].label, fate == cases[i].fate);
        check_row(cases[i].label, evidence.err.kind == cases[i].kind);
        check_row(cases[i].label, evidence.err.reply == cases[i].status);
        check_row(cases[i].label, evidence.stage == STAGE_HTTPS);
        if (!span_starts(span_of(evidence.err.said), cases[i].said) ||
            (evidence.err.said[0] && !cases[i].said[0]))
            fail_msg("case \"%s\": said \"%s\"", cases[i].label, evidence.err.said);
        if (!cases[i].cause)
            continue;
        evidence.provider = graph ? "outlook.com" : "gmail";
        check_row(cases[i].label, classify(know, &evidence, &verdict));
        if (strcmp(verdict.cause->id, cases[i].cause) != 0)
            fail_msg("case \"%s\": cause %s by %s", cases[i].label, verdict.cause->id, verdict.rule);
        uint64_t wait = cases[i].wait_ms;
        check_row(cases[i].label, wait ? verdict.wait_ms == wait : evidence.wait_ms == 0);
    }
}

static void test_places(void **state)
{
    static const struct {
        const struct https_api *api;
        const char *mailbox, *want;
    } places[] = {
        { &https_graph, NULL, "https://h.test/v1.0/me/sendMail" },
        { &https_graph, "office@contoso.com", "https://h.test/v1.0/users/office@contoso.com/sendMail" },
        { &https_graph, "a/b?c#d e@x\xc3\xa9", "https://h.test/v1.0/users/a%2Fb%3Fc%23d%20e@x%C3%A9/sendMail" },
        { &https_gmail, NULL, "https://h.test/upload/gmail/v1/users/me/messages/send?uploadType=media" },
        { &https_gmail, "me@x.test",
          "https://h.test/upload/gmail/v1/users/me@x.test/messages/send?uploadType=media" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(places); i++) {
        HELD(buf) url = BUF(1000);
        https_url(places[i].api, "h.test", places[i].mailbox, &url);
        assert_string_equal(buf_text(&url), places[i].want);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_places),
    };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
