/* The HTTPS API: who may send what, and to whom it then goes. */
#include "support/check.h"

#include "base/base64.h"
#include "know/embedded.h"
#include "sandbox/assertion.h"
#include "sandbox/endpoint_send.h"
#include "support/office.h"

#define GRAPH "https://graph.microsoft.com/v1.0"
#define GMAIL "https://gmail.googleapis.com"
#define ME    "Authorization: Bearer fixed-me\n"
#define TEXT  "Content-Type: text/plain\n"
#define JSON  "Content-Type: application/json; charset=utf-8\n"
#define MIME  "Content-Type: message/rfc822\n"

enum { YES = API_REFUSALS, NOT_MINE = -1 };

static struct knowledge *know;

static const struct {
    const char *label, *provider, *line, *headers;
    uint64_t len;
    int answer;
    size_t user;
} heads[] = {
    { "me", "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, 100, YES, 0 },
    { "by address", "outlook.com", "POST " GRAPH "/users/me%40hotmail.com/sendMail", ME TEXT, 100, YES, 0 },
    { "at localhost", "outlook.com", "POST https://localhost:2502/v1.0/me/sendMail", ME TEXT, 100, YES, 0 },
    { "4 MB", "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, 4 << 20, YES, 0 },
    { "a byte more", "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, (4 << 20) + 1, API_TOO_LARGE, 0 },
    { "in chunks", "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, UINT64_MAX, YES, 0 },
    { "another's mailbox", "outlook.com", "POST " GRAPH "/users/you@hotmail.com/sendMail", ME TEXT, 1, API_USER, 0 },
    { "nobody's mailbox", "outlook.com", "POST " GRAPH "/users/he@hotmail.com/sendMail", ME TEXT, 1, API_MAILBOX, 0 },
    { "no token", "outlook.com", "POST " GRAPH "/me/sendMail", TEXT, 1, API_NO_TOKEN, 0 },
    { "a password", "outlook.com", "POST " GRAPH "/me/sendMail", "Authorization: Basic eDp5\n" TEXT, 1, API_NO_TOKEN, 0 },
    { "another token", "outlook.com", "POST " GRAPH "/me/sendMail", "Authorization: Bearer x\n" TEXT, 1, API_BAD_TOKEN, 0 },
    { "JSON", "outlook.com", "POST " GRAPH "/me/sendMail", ME JSON, 1, API_REQUEST, 0 },
    { "no type", "outlook.com", "POST " GRAPH "/me/sendMail", ME, 1, API_REQUEST, 0 },
    { "GET", "outlook.com", "GET " GRAPH "/me/sendMail", ME TEXT, 0, API_REQUEST, 0 },
    { "something else of theirs", "outlook.com", "POST " GRAPH "/me/messages", ME TEXT, 1, NOT_MINE, 0 },
    { "nobody at all", "outlook.com", "POST " GRAPH "/users//sendMail", ME TEXT, 1, NOT_MINE, 0 },
    { "a path too deep", "outlook.com", "POST " GRAPH "/users/a/b/sendMail", ME TEXT, 1, NOT_MINE, 0 },
    { "another host of theirs", "outlook.com", "POST https://login.microsoftonline.com/v1.0/me/sendMail", ME TEXT, 1, NOT_MINE, 0 },
    { "Gmail's at Microsoft's", "outlook.com", "POST https://localhost:2502/gmail/v1/users/me/messages/send", ME JSON, 1, NOT_MINE, 0 },
    { "Gmail", "gmail", "POST " GMAIL "/gmail/v1/users/me/messages/send", ME JSON, 5 << 20, YES, 0 },
    { "Gmail, too large", "gmail", "POST " GMAIL "/gmail/v1/users/me/messages/send", ME JSON, (5 << 20) + 1, API_TOO_LARGE, 0 },
    { "Gmail, by address", "gmail", "POST " GMAIL "/gmail/v1/users/you%40gmail.com/messages/send",
      "Authorization: bearer fixed-you\n" JSON, 1, YES, 1 },
    { "Gmail, uploaded", "gmail", "POST " GMAIL "/upload/gmail/v1/users/me/messages/send?uploadType=media", ME MIME, 35 << 20, YES, 0 },
    { "Gmail, uploaded otherwise", "gmail", "POST " GMAIL "/upload/gmail/v1/users/me/messages/send?uploadType=resumable", ME MIME, 1,
      API_REQUEST, 0 },
    { "no API there, at its own host", "generic", "POST https://smtp.sandbox.test/v1.0/me/sendMail", ME TEXT, 1, NOT_MINE, 0 },
    { "no API there", "generic", "POST https://localhost:2502/v1.0/me/sendMail", ME TEXT, 1, NOT_MINE, 0 },
};

static void test_heads(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(heads); i++) {
        struct office office;
        struct serve_request request;
        struct send_order order = { SEND_NOTHING, 0 };

        assert_true(office_open(&office, know, heads[i].provider));
        office_request(heads[i].line, heads[i].headers, SPAN_NONE, &request);
        request.body_len = heads[i].len;
        enum send_form form = send_form_of(&office.issuer, &request);
        int answer = form == SEND_NOTHING
                         ? NOT_MINE
                         : (int)send_read_head(&office.issuer, &request, form, office.now, &order);
        if (answer != heads[i].answer)
            fail_msg("case \"%s\": %d", heads[i].label, answer);
        if (answer == YES)
            check_row(heads[i].label, order.user == heads[i].user);
        office_close(&office);
    }
}

static void test_scenarios(void **state)
{
    (void)state;
    static const struct {
        enum scenario scenario;
        const char *provider, *line, *headers;
        unsigned status;
        const char *says, *retry;
    } cases[] = {
        { SCENARIO_THROTTLED, "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, 429, "ApplicationThrottled", "Retry-After: 2.128" },
        { SCENARIO_DAILY_LIMIT, "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, 429, "ErrorExceededMessageLimit", NULL },
        { SCENARIO_ACCOUNT_SUSPENDED, "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, 403, "ErrorAccountSuspend", NULL },
        { SCENARIO_NO_MAILBOX, "outlook.com", "POST " GRAPH "/me/sendMail", ME TEXT, 404, "MailboxNotEnabledForRESTAPI", NULL },
        { SCENARIO_THROTTLED, "gmail", "POST " GMAIL "/gmail/v1/users/me/messages/send", ME JSON, 429, "rateLimitExceeded", "Retry-After: 2" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct serve_request request;
        struct send_order order;
        struct reply reply = REPLY;
        const char *lines[REPLY_HEADERS_MAX + 1];
        const char *name = scenario_name(cases[i].scenario);

        assert_true(office_open(&office, know, cases[i].provider));
        office.issuer.scenarios = 1u << cases[i].scenario;
        office_request(cases[i].line, cases[i].headers, SPAN_NONE, &request);
        const struct identity_moment moment = office_moment(&office);
        enum api_refusal no = send_read_head(&office.issuer, &request, send_form_of(&office.issuer, &request), office.now, &order);
        api_refusal_reply(office.issuer.profile, no, &moment, &reply);
        check_row(name, reply.status == cases[i].status && strstr(buf_text(&reply.body), cases[i].says));
        reply_lines(&reply, lines);
        check_row(name, cases[i].retry ? lines[0] && !strcmp(lines[0], cases[i].retry) : !lines[0]);
        reply_done(&reply);
        office_close(&office);
    }
}

static void test_decodes(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        enum send_form form;
        const char *body, *message; /* NULL: not */
    } cases[] = {
        { "base64", SEND_BASE64, "VG86IGFAYg0KDQpoaQ0K", "To: a@b\r\n\r\nhi\r\n" },
        { "in lines", SEND_BASE64, "VG86IGFA\r\nYg0KDQpo\r\naQ0K\r\n", "To: a@b\r\n\r\nhi\r\n" },
        { "the other alphabet", SEND_BASE64, "VG86_GFA", NULL },
        { "no padding", SEND_BASE64, "VG8", NULL },
        { "a blank", SEND_BASE64, "VG86 IGFA", NULL },
        { "nothing", SEND_BASE64, "", NULL },
        { "raw", SEND_JSON, "{\"raw\":\"VG86IGFAYg0KDQpoaQ0K\"}", "To: a@b\r\n\r\nhi\r\n" },
        { "raw, padded", SEND_JSON, "{\"raw\":\"VG8=\",\"threadId\":\"x\"}", "To" },
        { "no raw", SEND_JSON, "{\"payload\":{}}", NULL },
        { "raw of another kind", SEND_JSON, "{\"raw\":7}", NULL },
        { "raw in base64", SEND_JSON, "{\"raw\":\"VG8+\"}", NULL },
        { "no JSON", SEND_JSON, "VG86IGFA", NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(1000);
        enum api_refusal no = send_decode(cases[i].form, span_of(cases[i].body), &out);
        check_row(cases[i].label, no == (cases[i].message ? API_REFUSALS : API_BASE64));
        if (cases[i].message)
            check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].message));
    }
}

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *label, *provider, *header;
        enum api_refusal no;
        const char *to[4];
    } cases[] = {
        { "To, Cc and Bcc, each once", "outlook.com", "To: A <a@x.org>, b@x.org\r\nCc: b@x.org\r\nBcc:\r\n c@x.org\r\n", API_REFUSALS,
          { "a@x.org", "b@x.org", "c@x.org" } },
        { "From oneself", "outlook.com", "From: Me <me@hotmail.com>\r\nTo: a@x.org\r\n", API_REFUSALS, { "a@x.org" } },
        { "From another", "outlook.com", "From: you@hotmail.com\r\nTo: a@x.org\r\n", API_SENDER, { NULL } },
        { "From two", "outlook.com", "From: me@hotmail.com, you@hotmail.com\r\nTo: a@x.org\r\n", API_SENDER, { NULL } },
        { "From another, where nobody looks", "gmail", "From: you@hotmail.com\r\nTo: a@x.org\r\n", API_REFUSALS, { "a@x.org" } },
        { "nobody", "outlook.com", "Subject: x\r\n", API_RECIPIENTS, { NULL } },
        { "an empty group", "outlook.com", "To: friends:;\r\n", API_RECIPIENTS, { NULL } },
        { "no address", "outlook.com", "To: a@x.org, b\r\n", API_RECIPIENTS, { NULL } },
        { "only Reply-To", "outlook.com", "Reply-To: a@x.org\r\n", API_RECIPIENTS, { NULL } },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        OWN(envelope) envelope = envelope_new();
        const struct send_order order = { SEND_BASE64, 0 };
        size_t count = 0;

        assert_true(office_open(&office, know, cases[i].provider));
        check_row(cases[i].label, send_address(&office.issuer, &order, span_of(cases[i].header), envelope) == cases[i].no);
        while (count < 4 && cases[i].to[count])
            count++;
        if (cases[i].no == API_REFUSALS) {
            check_row(cases[i].label, envelope->count == count && !strcmp(envelope->sender, office.names[0]));
            for (size_t k = 0; k < count; k++)
                check_row(cases[i].label, !strcmp(envelope->recipients[k].address, cases[i].to[k]));
        }
        office_close(&office);
    }
}

/* Of client "app", for "https://i/token", at second 1000. */
static void test_assertions(void **state)
{
    (void)state;
#define SIGNED "{\"alg\":\"RS256\",\"x5t\":\"a\"}"
#define APP    "\"iss\":\"app\",\"sub\":\"app\""
#define TO     "\"aud\":\"https://i/token\""
#define ID     "\"jti\":\"1\""
    static const struct {
        const char *label, *head, *claims, *signature;
        bool good;
    } cases[] = {
        { "good", SIGNED, "{" APP "," TO "," ID ",\"exp\":1300}", "c2ln", true },
        { "unsigned", "{\"alg\":\"none\",\"x5t\":\"a\"}", "{" APP "," TO "," ID ",\"exp\":1300}", "c2ln", false },
        { "no certificate", "{\"alg\":\"RS256\"}", "{" APP "," TO "," ID ",\"exp\":1300}", "c2ln", false },
        { "another's", SIGNED, "{\"iss\":\"x\",\"sub\":\"app\"," TO "," ID ",\"exp\":1300}", "c2ln", false },
        { "for another", SIGNED, "{\"iss\":\"app\",\"sub\":\"x\"," TO "," ID ",\"exp\":1300}", "c2ln", false },
        { "to another endpoint", SIGNED, "{" APP ",\"aud\":\"https://j/token\"," ID ",\"exp\":1300}", "c2ln", false },
        { "expired", SIGNED, "{" APP "," TO "," ID ",\"exp\":1000}", "c2ln", false },
        { "for ever", SIGNED, "{" APP "," TO "," ID ",\"exp\":9999999}", "c2ln", false },
        { "of the future", SIGNED, "{" APP "," TO "," ID ",\"exp\":2000,\"nbf\":1500}", "c2ln", false },
        { "no number of its own", SIGNED, "{" APP "," TO ",\"exp\":1300}", "c2ln", false },
        { "no signature", SIGNED, "{" APP "," TO "," ID ",\"exp\":1300}", "", false },
        { "a signature that is none", SIGNED, "{" APP "," TO "," ID ",\"exp\":1300}", "c2.ln", false },
        { "no JSON", "alg", "iss", "c2ln", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) text = BUF(2000);
        base64url_encode(&text, span_of(cases[i].head));
        buf_add_char(&text, '.');
        base64url_encode(&text, span_of(cases[i].claims));
        buf_addf(&text, ".%s", cases[i].signature);
        check_row(cases[i].label, assertion_is_good(buf_span(&text), SPAN("app"), SPAN("https://i/token"), 1000) == cases[i].good);
    }
    assert_false(assertion_is_good(SPAN(""), SPAN("app"), SPAN("https://i/token"), 1000));
    assert_false(assertion_is_good(SPAN("eyJhbGciOiJSUzI1NiIsIng1dCI6ImEifQ"), SPAN("app"), SPAN("https://i/token"), 1000));
}

static int set_up(void **state)
{
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    (void)state;
    return know_new(texts, count, &know, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    knowledge_free(know);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_decodes),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_assertions),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
