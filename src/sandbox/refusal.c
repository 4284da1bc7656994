#include "sandbox/refusal.h"

#include "base/json.h"
#include "base/str.h"
#include "mail/date.h"

#include "base/banned.h"

/* Microsoft's number, and what stands behind "AADSTSnnnnn: "; what Google says; what others say. Only what is
 * known to be said there is another's: 0 and NULL leave the plain words. */
static const struct {
    const char *word;
    unsigned status, number;
    const char *microsoft, *google, *plain;
} refusals[] = {
    [REFUSAL_REQUEST] = { "invalid_request", 400, 90014, "The required field is missing from the credential. Ensure "
                          "that you have all the necessary parameters for the login request.", NULL,
                          "A parameter is missing, given twice, or too long." },
    [REFUSAL_GRANT_TYPE] = { "unsupported_grant_type", 400, 70003, "The app requested an unsupported grant type.", NULL,
                             "This grant type is not served." },
    [REFUSAL_RESPONSE_TYPE] = { "unsupported_response_type", 400, 70005, "The app requested an unsupported response "
                                "type.", NULL, "Only response_type=code is served." },
    [REFUSAL_CLIENT] = { "unauthorized_client", 400, 700016, "Application was not found in the directory.",
                         "The OAuth client was not found.", "The client is not known." },
    [REFUSAL_SECRET] = { "invalid_client", 401, 7000218, "The request body must contain the following parameter: "
                         "'client_assertion' or 'client_secret'.", NULL, "The client must prove itself." },
    [REFUSAL_ASSERTION] = { "invalid_client", 401, 700027, "The certificate with identifier used to sign the client "
                            "assertion is not registered on application.", NULL, "The client's assertion is not good." },
    [REFUSAL_REDIRECT] = { "invalid_request", 400, 50011, "The redirect URI specified in the request does not match "
                           "the redirect URIs configured for the application.", "redirect_uri_mismatch",
                           "The redirect address is not one of the client's." },
    [REFUSAL_TENANT] = { "invalid_request", 400, 90002, "Tenant not found. Check to make sure you have the correct "
                         "tenant ID.", NULL, "No such tenant." },
    [REFUSAL_TENANT_OF_MANY] = { "invalid_request", 400, 9001023, "The grant type is not supported over the /common or "
                                 "/consumers endpoints. Please use the /organizations or tenant-specific endpoint.", NULL,
                                 "An application needs a tenant of its own." },
    [REFUSAL_PKCE] = { "invalid_request", 400, 9002325, "Proof Key for Code Exchange is required for cross-origin "
                       "authorization code redemption.", NULL, "PKCE with S256 is required." },
    [REFUSAL_SCOPE] = { "invalid_scope", 400, 70011, "The provided value for the input parameter 'scope' is not valid.",
                        NULL, "The scope is not known." },
    [REFUSAL_TWO_RESOURCES] = { "invalid_scope", 400, 28000, "Provided value for the input parameter scope is not valid "
                                "because it contains more than one resource.", NULL,
                                "The scope is of more than one resource." },
    [REFUSAL_UNAGREED] = { "invalid_grant", 400, 65001, "The user or administrator has not consented to use the "
                           "application. Send an interactive authorization request for this user and resource.", NULL,
                           "More than was agreed to." },
    [REFUSAL_CODE] = { "invalid_grant", 400, 70000, "The provided value for the 'code' parameter is not valid.",
                       "Bad Request", "The code is not good, or not for this client, address or verifier." },
    [REFUSAL_CODE_USED] = { "invalid_grant", 400, 54005, "OAuth2 Authorization code was already redeemed, please retry "
                            "with a new valid code or use an existing refresh token.", "Bad Request",
                            "The code was redeemed before; all that was made of it has ended." },
    [REFUSAL_SIGNED_OUT] = { "invalid_grant", 400, 50173, "The provided grant has expired due to it being revoked, a "
                             "fresh auth token is needed.", "Token has been expired or revoked.",
                             "The refresh token is not good any more." },
    [REFUSAL_POLICY] = { "invalid_grant", 400, 53003, "Access has been blocked by Conditional Access policies. The "
                         "access policy does not allow token issuance.", "admin_policy_enforced",
                         "A policy hands out no token." },
    [REFUSAL_PENDING] = { "authorization_pending", 400, 70016, "OAuth 2.0 device flow error. Authorization is pending. "
                          "Continue polling.", "Precondition Required", "The person has not decided yet." },
    [REFUSAL_TOO_SOON] = { "slow_down", 400, 0, NULL, "Rate Limit Exceeded", "Asked too soon: five seconds more." },
    [REFUSAL_DECLINED] = { "access_denied", 400, 65004, "User declined to consent to access the app.", NULL,
                           "The person said no." },
    [REFUSAL_DEVICE_EXPIRED] = { "expired_token", 400, 70019, "Verification code expired.", NULL,
                                 "The device code has expired." },
    [REFUSAL_DEVICE_CODE] = { "invalid_grant", 400, 70018, "Invalid verification code due to User typing in wrong user "
                              "code for device code flow.", NULL, "The device code is not known." },
    [REFUSAL_BUSY] = { "temporarily_unavailable", 503, 90033, "A transient error has occurred. Please try again.", NULL,
                       "Busy; later." },
};

_Static_assert(COUNT(refusals) == REFUSALS, "each has its words");

static bool is_of(const struct profile *profile, const char *family)
{
    return profile->family && strcmp(profile->family, family) == 0;
}

const char *refusal_word(const struct profile *profile, enum refusal refusal)
{
    if (refusal == REFUSAL_DECLINED && profile->oauth.device_declined)
        return profile->oauth.device_declined;
    if (refusal == REFUSAL_DEVICE_CODE && is_of(profile, "microsoft"))
        return "bad_verification_code";
    if (refusal == REFUSAL_CLIENT && !is_of(profile, "microsoft"))
        return "invalid_client";
    return refusals[refusal].word;
}

void refusal_words(const struct profile *profile, enum refusal refusal, struct buf *out)
{
    if (is_of(profile, "microsoft") && refusals[refusal].microsoft)
        buf_addf(out, "AADSTS%u: %s", refusals[refusal].number, refusals[refusal].microsoft);
    else if (is_of(profile, "google") && refusals[refusal].google)
        buf_add(out, refusals[refusal].google);
    else
        buf_add(out, refusals[refusal].plain);
}

/* A number as theirs look, made of the moment's bytes. */
static void add_guid(struct buf *out, const unsigned char *random)
{
    for (size_t i = 0; i < 16; i++)
        buf_addf(out, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", random[i]);
}

static void add_microsofts_own(struct json *json, unsigned number, const struct identity_moment *moment)
{
    HELD(buf) date = BUF(64);
    HELD(buf) trace = BUF(64);

    date_add_rfc3339(&date, moment->now / 1000);
    add_guid(&trace, moment->random);
    json_open(json, "error_codes", '[');
    json_number(json, NULL, number);
    json_close(json);
    json_text(json, "timestamp", buf_text(&date));
    json_text(json, "trace_id", buf_text(&trace));
    json_text(json, "correlation_id", buf_text(&trace));
}

void refusal_reply(const struct profile *profile, enum refusal refusal,
                   const struct identity_moment *moment, struct reply *reply)
{
    HELD(buf) words = BUF(1024);
    struct json json = json_to(&reply->body);

    reply->status = refusals[refusal].status;
    reply->type = "application/json";
    reply_keep_private(reply);
    if (reply->status == 401)
        reply_header(reply, "WWW-Authenticate: Basic realm=\"sandbox\"");
    if (reply->status == 503)
        reply_header(reply, "Retry-After: 2");
    refusal_words(profile, refusal, &words);
    json_open(&json, NULL, '{');
    json_text(&json, "error", refusal_word(profile, refusal));
    json_text(&json, "error_description", buf_text(&words));
    if (is_of(profile, "microsoft") && refusals[refusal].number)
        add_microsofts_own(&json, refusals[refusal].number, moment);
    json_close(&json);
}

/* ---- the HTTPS API ---- */

struct api_words {
    unsigned status;
    const char *code, *message;
};

/* Graph's and Outlook.com's. */
static const struct api_words graph[] = {
    [API_NO_TOKEN]   = { 401, "InvalidAuthenticationToken", "Access token is empty." },
    [API_BAD_TOKEN]  = { 401, "InvalidAuthenticationToken", "Access token validation failure. Invalid audience or lifetime." },
    [API_PERMISSION] = { 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again." },
    [API_REQUEST]    = { 400, "ErrorInvalidRequest", "The request is invalid: POST a MIME message, base64, as text/plain." },
    [API_BASE64]     = { 400, "ErrorMimeContentInvalidBase64String", "Invalid base64 string for MIME content." },
    [API_TOO_LARGE]  = { 413, "RequestEntityTooLarge", "The maximum request length supported is 4MB." },
    [API_RECIPIENTS] = { 400, "ErrorInvalidRecipients", "At least one recipient is not valid." },
    [API_SENDER]     = { 403, "ErrorSendAsDenied", "The user account which was used to submit this request does not have "
                         "the right to send mail on behalf of the specified sending account., Cannot submit message." },
    [API_USER]       = { 403, "ErrorAccessDenied", "Access is denied. Check credentials and try again." },
    [API_THROTTLED]  = { 429, "ApplicationThrottled", "Application is over its MailboxConcurrency limit." },
    [API_DAILY]      = { 429, "ErrorExceededMessageLimit", "Cannot send mail. Daily Message/Recipient limit exceeded. "
                         "Follow the instructions in your Inbox to verify your account." },
    [API_SUSPENDED]  = { 403, "ErrorAccountSuspend", "Account suspended. Follow the instructions in your Inbox to verify "
                         "your account." },
    [API_MAILBOX]    = { 404, "MailboxNotEnabledForRESTAPI", "REST API is not yet supported for this mailbox." },
    [API_DISK]       = { 503, "ServiceUnavailable", "The disk is full." },
};

/* Gmail's: the code is the errors' `reason`. */
static const struct api_words gmail[] = {
    [API_NO_TOKEN]   = { 401, "required", "Login Required." },
    [API_BAD_TOKEN]  = { 401, "authError", "Invalid Credentials" },
    [API_PERMISSION] = { 403, "insufficientPermissions", "Request had insufficient authentication scopes." },
    [API_REQUEST]    = { 400, "invalidArgument", "Invalid request: a message in \"raw\", or message/rfc822 to /upload." },
    [API_BASE64]     = { 400, "invalidArgument", "Invalid value for ByteString: not base64url." },
    [API_TOO_LARGE]  = { 413, "uploadTooLarge", "Request entity too large" },
    [API_RECIPIENTS] = { 400, "invalidArgument", "Recipient address required" },
    [API_SENDER]     = { 403, "forbidden", "Delegation denied" },
    [API_USER]       = { 403, "forbidden", "Delegation denied" },
    [API_THROTTLED]  = { 429, "rateLimitExceeded", "Too many concurrent requests for user" },
    [API_DAILY]      = { 429, "userRateLimitExceeded", "User-rate limit exceeded." },
    [API_SUSPENDED]  = { 403, "accountDisabled", "Account has been disabled" },
    [API_MAILBOX]    = { 400, "failedPrecondition", "Mail service not enabled" },
    [API_DISK]       = { 503, "backendError", "Backend Error" },
};

_Static_assert(COUNT(graph) == API_REFUSALS && COUNT(gmail) == API_REFUSALS, "each has its words");

static void write_graph(struct json *json, const struct api_words *words,
                        const struct identity_moment *moment)
{
    HELD(buf) date = BUF(64);
    HELD(buf) number = BUF(64);

    date_add_rfc3339(&date, moment->now / 1000);
    add_guid(&number, moment->random);
    json_text(json, "code", words->code);
    json_text(json, "message", words->message);
    json_open(json, "innerError", '{');
    json_text(json, "date", buf_text(&date));
    json_text(json, "request-id", buf_text(&number));
    json_text(json, "client-request-id", buf_text(&number));
    json_close(json);
}

static void write_gmail(struct json *json, const struct api_words *words)
{
    json_number(json, "code", words->status);
    json_text(json, "message", words->message);
    json_open(json, "errors", '[');
    json_open(json, NULL, '{');
    json_text(json, "message", words->message);
    json_text(json, "domain", "global");
    json_text(json, "reason", words->code);
    json_close(json);
    json_close(json);
}

void api_refusal_reply(const struct profile *profile, enum api_refusal refusal,
                       const struct identity_moment *moment, struct reply *reply)
{
    bool is_gmail = profile->http_api && strcmp(profile->http_api, "gmail") == 0;
    const struct api_words *words = is_gmail ? &gmail[refusal] : &graph[refusal];
    struct json json = json_to(&reply->body);

    reply->status = words->status;
    reply->type = "application/json";
    if (words->status == 401)
        reply_header(reply, "WWW-Authenticate: Bearer error=\"invalid_token\"");
    if (refusal == API_THROTTLED)
        reply_header(reply, is_gmail ? "Retry-After: 2" : "Retry-After: 2.128");
    json_open(&json, NULL, '{');
    json_open(&json, "error", '{');
    if (is_gmail)
        write_gmail(&json, words);
    else
        write_graph(&json, words, moment);
    json_close(&json);
    json_close(&json);
}
