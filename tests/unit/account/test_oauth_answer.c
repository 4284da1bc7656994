#include "support/check.h"

#include "account/oauth_answer.h"
#include "oauth_case.h"
#include "support/alloc_fails.h"

static struct account *live;

static const struct {
    const char *label;
    unsigned status;
    const char *body;
    enum oauth_outcome outcome;
    const char *fact; /* NULL with OAUTH_GIVEN */
    const char *said; /* in err.said */
} answers[] = {
    { "a token", 200, "{\"access_token\":\"a\",\"token_type\":\"Bearer\",\"expires_in\":3599}", OAUTH_GIVEN, NULL, "" },
    { "the least", 200, "{\"access_token\":\"a\"}", OAUTH_GIVEN, NULL, "" },
    { "in small letters", 200, "{\"access_token\":\"a\",\"token_type\":\"bearer\"}", OAUTH_GIVEN, NULL, "" },

    { "signed out", 400, "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS70008: expired\"}",
      OAUTH_SIGNED_OUT, "oauth:invalid-grant", "invalid_grant: AADSTS70008: expired" },
    { "with a second word", 400, "{\"error\":\"invalid_grant\",\"suberror\":\"consent_required\",\"error_description\":\"x\"}",
      OAUTH_SIGNED_OUT, "oauth:invalid-grant", "invalid_grant (consent_required): x" },
    { "a person must act", 400, "{\"error\":\"interaction_required\"}", OAUTH_SIGNED_OUT,
      "oauth:interaction-required", "interaction_required" },
    { "the application", 401, "{\"error\":\"invalid_client\"}", OAUTH_REFUSED, "oauth:invalid-client", "invalid_client" },
    { "the scope", 400, "{\"error\":\"invalid_scope\"}", OAUTH_REFUSED, "oauth:invalid-scope", "" },
    { "a word nobody knows", 400, "{\"error\":\"teapot\"}", OAUTH_REFUSED, "oauth:refused", "teapot" },
    { "an error said to be fine", 200, "{\"error\":\"invalid_grant\"}", OAUTH_SIGNED_OUT, "oauth:invalid-grant", "" },

    { "busy, as the RFC says it", 400, "{\"error\":\"temporarily_unavailable\"}", OAUTH_NOT_NOW, "oauth:busy", "" },
    { "too many requests", 429, "{\"error\":\"invalid_grant\"}", OAUTH_NOT_NOW, "oauth:busy", "invalid_grant" },
    { "too many, no words", 429, "", OAUTH_NOT_NOW, "oauth:busy", "" },
    { "broken, with words that lie", 500, "{\"error\":\"invalid_grant\"}", OAUTH_NOT_NOW, "oauth:busy", "" },
    { "broken, a page", 502, "<html>Bad Gateway", OAUTH_NOT_NOW, "oauth:busy", "" },
    { "away", 503, "", OAUTH_NOT_NOW, "oauth:busy", "" },
    { "the provider's own number for it", 400,
      "{\"error\":\"invalid_grant\",\"error_codes\":[1,90033],\"error_description\":\"AADSTS90033\"}", OAUTH_NOT_NOW,
      "oauth:busy", "AADSTS90033" },

    { "the person thinks", 400, "{\"error\":\"authorization_pending\"}", OAUTH_PENDING, "oauth:pending", "" },
    { "slower", 400, "{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, "oauth:pending", "" },
    { "slower, with 429", 429, "{\"error\":\"slow_down\"}", OAUTH_SLOW_DOWN, "oauth:pending", "" },
    { "the person said no", 400, "{\"error\":\"access_denied\"}", OAUTH_DECLINED, "oauth:declined", "" },
    { "in Microsoft's word", 400, "{\"error\":\"authorization_declined\"}", OAUTH_DECLINED, "oauth:declined", "" },
    { "too late", 400, "{\"error\":\"expired_token\"}", OAUTH_TOO_LATE, "oauth:device-expired", "" },

    { "a page", 200, "<!DOCTYPE html><title>Sign in to the Wi-Fi", OAUTH_STRANGE, "oauth:page", "" },
    { "a wrong address", 404, "<html>", OAUTH_STRANGE, "oauth:not-found", "" },
    { "a wrong method", 405, "", OAUTH_STRANGE, "oauth:not-found", "" },
    { "a block page", 403, "<html>Blocked by policy", OAUTH_STRANGE, "oauth:page", "" },
    { "nothing", 200, "", OAUTH_STRANGE, "oauth:page", "" },
    { "a list", 200, "[]", OAUTH_STRANGE, "oauth:malformed", "" },
    { "no token", 200, "{\"refresh_token\":\"r\"}", OAUTH_STRANGE, "oauth:malformed", "" },
    { "an empty token", 200, "{\"access_token\":\"\"}", OAUTH_STRANGE, "oauth:malformed", "" },
    { "a token with a line end", 200, "{\"access_token\":\"a\\r\\nX: y\"}", OAUTH_STRANGE, "oauth:malformed", "" },
    { "a token of another kind", 200, "{\"access_token\":\"a\",\"token_type\":\"mac\"}", OAUTH_STRANGE, "oauth:malformed", "" },
    { "a token that is a number", 200, "{\"access_token\":7}", OAUTH_STRANGE, "oauth:malformed", "" },
    { "an error without a name", 400, "{\"message\":\"no\"}", OAUTH_STRANGE, "oauth:malformed", "" },
    { "the same key twice", 200, "{\"access_token\":\"a\",\"access_token\":\"b\"}", OAUTH_STRANGE, "oauth:page", "" },
};

static void test_answers(void **state)
{
    (void)state;
    HELD(oauth_way) way = way_of(live);

    for (size_t i = 0; i < COUNT(answers); i++) {
        HELD(oauth_tokens) tokens = { 0 };
        struct err err = { 0 };
        struct oauth_reply reply = { answers[i].status, span_of(answers[i].body) };
        enum oauth_outcome outcome = oauth_answer_tokens(&way, reply, &tokens, &err);
        if (outcome != answers[i].outcome)
            fail_msg("case \"%s\": outcome %d: %s", answers[i].label, (int)outcome, err.text);
        check_row(answers[i].label, (tokens.access != NULL) == (outcome == OAUTH_GIVEN));
        check_row(answers[i].label, span_equal(span_of(err.fact), span_of(answers[i].fact)));
        check_row(answers[i].label, strstr(err.said, answers[i].said) != NULL);
        check_row(answers[i].label, (err.kind == ERR_LATER) == (outcome == OAUTH_NOT_NOW ||
                                                              outcome == OAUTH_PENDING || outcome == OAUTH_SLOW_DOWN));
        /* A fact that is kept as text is found again. */
        check_row(answers[i].label, !err.fact || oauth_fact(span_of(err.fact)) == err.fact);
    }
}

static void test_what_came(void **state)
{
    (void)state;
    HELD(oauth_way) way = way_of(live);
    HELD(oauth_tokens) tokens = { 0 };
    struct err err;

    assert_int_equal(oauth_answer_tokens(&way, (struct oauth_reply){ 200,
        SPAN("{\"access_token\":\"A\",\"refresh_token\":\"R\",\"id_token\":\"a.b.c\",\"expires_in\":\"3599\","
             "\"scope\":\"x y\",\"refresh_token_expires_in\":604799}") }, &tokens, &err), OAUTH_GIVEN);
    check_bytes("access", secret_bytes(tokens.access), SPAN("A"));
    check_bytes("refresh", secret_bytes(tokens.refresh), SPAN("R"));
    check_bytes("id", secret_bytes(tokens.id_token), SPAN("a.b.c"));
    assert_string_equal(tokens.scope, "x y");
    assert_true(tokens.life_ms == 3599000); /* some say it as text */
    assert_true(tokens.refresh_life_ms == 604799000); /* Google, of a project in testing */

    HELD(oauth_tokens) odd = { 0 };
    assert_int_equal(oauth_answer_tokens(&way, (struct oauth_reply){ 200,
        SPAN("{\"access_token\":\"A\",\"expires_in\":-5,\"refresh_expires_in\":9223372036854775807}") }, &odd, &err),
        OAUTH_GIVEN);
    assert_true(odd.life_ms == 0 && odd.refresh_life_ms > 0);
}

static enum oauth_outcome answer_with_token_of(size_t len)
{
    HELD(oauth_way) way = way_of(live);
    HELD(oauth_tokens) tokens = { 0 };
    HELD(buf) body = BUF(200 * 1024);
    struct err err = { 0 };

    buf_add(&body, "{\"access_token\":\"");
    for (size_t i = 0; i < len; i++)
        buf_add_char(&body, 'x');
    buf_add(&body, "\"}");
    return oauth_answer_tokens(&way, (struct oauth_reply){ 200, buf_span(&body) }, &tokens, &err);
}

static void test_long_tokens(void **state)
{
    (void)state;
    assert_int_equal(answer_with_token_of(16 * 1024), OAUTH_GIVEN);
    assert_int_equal(answer_with_token_of(16 * 1024 + 1), OAUTH_STRANGE);
    assert_int_equal(answer_with_token_of(100 * 1024), OAUTH_STRANGE);
}

static void test_foreign_words_are_safe(void **state)
{
    (void)state;
    HELD(oauth_way) way = way_of(live);
    HELD(oauth_tokens) tokens = { 0 };
    struct err err;

    assert_int_equal(oauth_answer_tokens(&way, (struct oauth_reply){ 400,
        SPAN("{\"error\":\"x\\u001b[2J\",\"error_description\":\"a\\r\\nb %s\"}") }, &tokens, &err), OAUTH_REFUSED);
    assert_true(str_is_safe(span_of(err.said)));
    assert_non_null(strstr(err.said, "%s"));
}

#define CODE "\"device_code\":\"D\",\"user_code\":\"AB-12\",\"verification_uri\":\"https://x.example/d\""

static const struct {
    const char *label, *body;
    enum oauth_outcome outcome;
    uint64_t interval_ms, life_ms;
    const char *page;
} devices[] = {
    { "all of it", "{" CODE ",\"interval\":7,\"expires_in\":600}", OAUTH_GIVEN, 7000, 600000, "https://x.example/d" },
    { "no interval, no life", "{" CODE "}", OAUTH_GIVEN, 5000, 900000, "https://x.example/d" },
    { "a day between two questions", "{" CODE ",\"interval\":86400}", OAUTH_GIVEN, 60000, 900000, "https://x.example/d" },
    { "Google's older word", "{\"device_code\":\"D\",\"user_code\":\"AB\",\"verification_url\":\"https://g.example\"}",
      OAUTH_GIVEN, 5000, 900000, "https://g.example" },
    { "a page in clear text", "{\"device_code\":\"D\",\"user_code\":\"AB\",\"verification_uri\":\"http://x.example\"}",
      OAUTH_STRANGE, 0, 0, NULL },
    { "a page that is none", "{\"device_code\":\"D\",\"user_code\":\"AB\",\"verification_uri\":\"file:///etc/passwd\"}",
      OAUTH_STRANGE, 0, 0, NULL },
    { "no page", "{\"device_code\":\"D\",\"user_code\":\"AB\"}", OAUTH_STRANGE, 0, 0, NULL },
    { "no user code", "{\"device_code\":\"D\",\"verification_uri\":\"https://x.example/d\"}", OAUTH_STRANGE, 0, 0, NULL },
    { "no device code", "{\"user_code\":\"AB\",\"verification_uri\":\"https://x.example/d\"}", OAUTH_STRANGE, 0, 0, NULL },
    { "a user code without end", "{\"device_code\":\"D\",\"user_code\":\"0123456789012345678901234567890123456789"
      "012345678901234567890123456789\",\"verification_uri\":\"https://x.example/d\"}", OAUTH_STRANGE, 0, 0, NULL },
    { "not for this application", "{\"error\":\"unauthorized_client\"}", OAUTH_REFUSED, 0, 0, NULL },
};

static void test_device_codes(void **state)
{
    (void)state;
    HELD(oauth_way) way = way_of(live);

    for (size_t i = 0; i < COUNT(devices); i++) {
        HELD(oauth_device) device = { 0 };
        struct err err = { 0 };
        enum oauth_outcome outcome =
            oauth_answer_device(&way, (struct oauth_reply){ 200, span_of(devices[i].body) }, &device, &err);
        check_row(devices[i].label, outcome == devices[i].outcome);
        check_row(devices[i].label, device.interval_ms == devices[i].interval_ms);
        check_row(devices[i].label, device.life_ms == devices[i].life_ms);
        check_row(devices[i].label, !devices[i].page || strcmp(device.page, devices[i].page) == 0);
        check_row(devices[i].label, !device.page_complete[0]);
    }
}

static void test_a_code_in_the_page(void **state)
{
    (void)state;
    HELD(oauth_way) way = way_of(live);
    HELD(oauth_device) device = { 0 };
    HELD(oauth_device) other = { 0 };
    struct err err;

    assert_int_equal(oauth_answer_device(&way, (struct oauth_reply){ 200,
        SPAN("{" CODE ",\"verification_uri_complete\":\"https://x.example/d?c=AB-12\"}") }, &device, &err), OAUTH_GIVEN);
    assert_string_equal(device.page_complete, "https://x.example/d?c=AB-12");
    assert_int_equal(oauth_answer_device(&way, (struct oauth_reply){ 200,
        SPAN("{" CODE ",\"verification_uri_complete\":\"http://x.example/d\"}") }, &other, &err), OAUTH_GIVEN);
    assert_string_equal(other.page_complete, "");
}

static void test_revocation(void **state)
{
    (void)state;
    HELD(oauth_way) way = way_of(live);
    struct err err;

    assert_int_equal(oauth_answer_revoked(&way, (struct oauth_reply){ 200, SPAN("") }, &err), OAUTH_GIVEN);
    assert_int_equal(oauth_answer_revoked(&way, (struct oauth_reply){ 503, SPAN("") }, &err), OAUTH_NOT_NOW);
    assert_int_equal(oauth_answer_revoked(&way, (struct oauth_reply){ 400,
        SPAN("{\"error\":\"unsupported_token_type\"}") }, &err), OAUTH_REFUSED);
}

static const struct {
    const char *label, *asked, *granted;
    bool good;
} grants[] = {
    { "not said: all of it", "openid https://a.example/SMTP.Send", NULL, true },
    { "the same", "x offline_access", "x", true },
    { "written otherwise", "https://outlook.office.com/SMTP.Send", "https://outlook.office365.com/SMTP.Send openid", true },
    { "the box for mail was left empty", "openid email https://mail.google.com/",
      "openid https://www.googleapis.com/auth/userinfo.email", false },
    { "another right of the same service", "https://a.example/SMTP.Send", "https://a.example/IMAP.AccessAsUser.All", false },
    { "all that was agreed to before", "https://graph.microsoft.com/.default", "https://graph.microsoft.com/Mail.Send", true },
    { "a long list", "https://mail.google.com/", "a b https://mail.google.com/ c", true },
};

static void test_scopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(grants); i++) {
        struct err err = { 0 };
        check_row(grants[i].label, oauth_scope_granted(grants[i].asked, grants[i].granted, &err) == grants[i].good);
        check_row(grants[i].label, grants[i].good || strcmp(err.fact, "oauth:scope-withheld") == 0);
    }
}

/* What the names of scopes tell. */
static void test_names_of_scopes(void **state)
{
    static const struct {
        const char *granted;
        bool may;
    } rows[] = {
        { "mail.send", true },
        { "openid https://outlook.office.com/SMTP.Send", true },
        { "https://mail.google.com/", true },
        { "user_impersonation", true },
        { "imap.read smtp", true },
        { "", true }, /* nothing was said */
        { "openid email offline_access", false },
        { "openid imap.read", false },
        { "https://outlook.office.com/IMAP.AccessAsUser.All https://graph.microsoft.com/Mail.ReadWrite", false },
        { "https://www.googleapis.com/auth/gmail.readonly", false },
        { "https://www.googleapis.com/auth/gmail.send", true },
        { "Calendars.Read Contacts.Read", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(rows[i].granted, oauth_scope_may_send(span_of(rows[i].granted)) == rows[i].may);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    HELD(oauth_way) way = way_of(live);
    static const char body[] = "{\"access_token\":\"A\",\"refresh_token\":\"R\",\"id_token\":\"i\",\"scope\":\"s\"," CODE "}";

    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct oauth_tokens tokens;
        struct oauth_device device;
        struct err err = { 0 };
        struct oauth_reply reply = { 200, SPAN_INIT("") };
        reply.body = span_of(body);
        alloc_fail_at(n);
        enum oauth_outcome one = oauth_answer_tokens(&way, reply, &tokens, &err);
        enum oauth_outcome two = one == OAUTH_GIVEN ? oauth_answer_device(&way, reply, &device, &err) : OAUTH_NOT_NOW;
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(failed || (one == OAUTH_GIVEN && two == OAUTH_GIVEN));
        assert_true(!failed || (two == OAUTH_NOT_NOW && err.kind == ERR_MEMORY));
        oauth_tokens_done(&tokens);
        if (one == OAUTH_GIVEN)
            oauth_device_done(&device);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

static int begin(void **state)
{
    int failed = make_known(state);

    if (!failed)
        live = ACCOUNT("address=me@live.com", "client_id=app");
    return failed;
}

static int end(void **state)
{
    account_free(live);
    return free_known(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_what_came),
        cmocka_unit_test(test_long_tokens),
        cmocka_unit_test(test_foreign_words_are_safe),
        cmocka_unit_test(test_device_codes),
        cmocka_unit_test(test_a_code_in_the_page),
        cmocka_unit_test(test_revocation),
        cmocka_unit_test(test_scopes), cmocka_unit_test(test_names_of_scopes),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
