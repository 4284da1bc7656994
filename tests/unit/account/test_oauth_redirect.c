#include "support/check.h"

#include "account/oauth_redirect.h"
#include "oauth_case.h"

static const unsigned char dice[OAUTH_RANDOM_LEN] = { 1, 2, 3 };
#define STATE "AQIDAAAAAAAAAAAAAAAAAA"
#define GOOGLE "https%3A%2F%2Faccounts.google.com"

static const struct {
    const char *label, *query;
    enum oauth_redirect what;
    const char *code_or_fact;
    bool issuer_due;
} cases[] = {
    { "the code", "code=abc&state=" STATE, OAUTH_REDIRECT_CODE, "abc", false },
    { "with its issuer", "state=" STATE "&code=4%2F0a-b&iss=" GOOGLE "&scope=x", OAUTH_REDIRECT_CODE, "4/0a-b", true },

    { "no state", "code=abc", OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "an empty one", "code=abc&state=", OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "another's state", "code=abc&state=AQIDAAAAAAAAAAAAAAAAAB", OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "a part of it", "code=abc&state=AQID", OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "more than it", "code=abc&state=" STATE "A", OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "the state twice", "code=abc&state=x&state=" STATE, OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "two codes", "code=abc&code=def&state=" STATE, OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "neither code nor error", "state=" STATE, OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "both", "code=a&error=x&state=" STATE, OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "an empty code", "code=&state=" STATE, OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "nothing", "", OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "an error without our state", "error=access_denied", OAUTH_REDIRECT_FOREIGN, NULL, false },
    { "an error of another's state", "error=access_denied&state=x", OAUTH_REDIRECT_FOREIGN, NULL, false },

    { "the person said no", "error=access_denied&error_description=no+thanks&state=" STATE, OAUTH_REDIRECT_REFUSED,
      "oauth:declined", false },
    { "the scope", "error=invalid_scope&state=" STATE, OAUTH_REDIRECT_REFUSED, "oauth:invalid-scope", false },
    { "not now", "error=temporarily_unavailable&state=" STATE, OAUTH_REDIRECT_REFUSED, "oauth:busy", false },
    { "mixed up with another issuer", "code=abc&state=" STATE "&iss=https%3A%2F%2Fevil.example", OAUTH_REDIRECT_REFUSED,
      "oauth:other-issuer", false },
    { "an error of another issuer", "error=x&state=" STATE "&iss=https%3A%2F%2Fevil.example", OAUTH_REDIRECT_REFUSED,
      "oauth:other-issuer", false },
    { "an issuer that is due and not there", "code=abc&state=" STATE, OAUTH_REDIRECT_REFUSED, "oauth:other-issuer", true },
    { "two issuers", "code=abc&state=" STATE "&iss=" GOOGLE "&iss=" GOOGLE, OAUTH_REDIRECT_REFUSED,
      "oauth:other-issuer", false },
    { "an empty issuer", "code=abc&state=" STATE "&iss=", OAUTH_REDIRECT_REFUSED, "oauth:other-issuer", false },
};

static void test_queries(void **state)
{
    (void)state;
    OWN(account) gmail = ACCOUNT("address=me@gmail.com", "client_id=app");
    HELD(oauth_way) way = way_of(gmail);
    struct oauth_attempt attempt;

    assert_true(oauth_attempt_make(dice, SPAN("http://127.0.0.1:1/"), &attempt, NULL));
    assert_string_equal(attempt.state, STATE);
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(secret) code = NULL;
        struct err err = { 0 };
        way.issuer_due = cases[i].issuer_due;
        enum oauth_redirect what = oauth_redirect_read(&way, &attempt, span_of(cases[i].query), &code, &err);
        check_row(cases[i].label, what == cases[i].what);
        if (what == OAUTH_REDIRECT_CODE)
            check_bytes(cases[i].label, secret_bytes(code), span_of(cases[i].code_or_fact));
        else
            check_row(cases[i].label, !code);
        if (what == OAUTH_REDIRECT_REFUSED)
            check_row(cases[i].label, strcmp(err.fact, cases[i].code_or_fact) == 0);
        check_row(cases[i].label, !strstr(err.text, STATE) && !strstr(err.said, STATE));
    }
}

static void test_too_long(void **state)
{
    (void)state;
    OWN(account) gmail = ACCOUNT("address=me@gmail.com", "client_id=app");
    HELD(oauth_way) way = way_of(gmail);
    HELD(buf) query = BUF(100 * 1024);
    struct oauth_attempt attempt;
    OWN(secret) code = NULL;

    assert_true(oauth_attempt_make(dice, SPAN("x"), &attempt, NULL));
    buf_add(&query, "state=" STATE "&code=");
    while (query.len <= OAUTH_REDIRECT_MAX)
        buf_add_char(&query, 'x');
    assert_int_equal(oauth_redirect_read(&way, &attempt, buf_span(&query), &code, NULL), OAUTH_REDIRECT_FOREIGN);
}

static const struct {
    const char *label, *text, *query; /* NULL: refused */
} pasted[] = {
    { "the address", "http://localhost:8080/?code=a&state=b", "code=a&state=b" },
    { "with blanks and a line end", "  http://localhost/?code=a&state=b\r\n", "code=a&state=b" },
    { "with a fragment", "http://localhost/?code=a&state=b#_=_", "code=a&state=b" },
    { "the query alone", "code=a&state=b", "code=a&state=b" },
    { "a code alone", "4/0abc", NULL },
    { "the wrong page's", "https://login.example/authorize?client_id=x", NULL },
    { "nothing", "", NULL },
};

static void test_pasted(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(pasted); i++) {
        struct span query;
        struct err err = { 0 };
        bool good = oauth_redirect_pasted(span_of(pasted[i].text), &query, &err);
        check_row(pasted[i].label, good == (pasted[i].query != NULL));
        if (good)
            check_bytes(pasted[i].label, query, span_of(pasted[i].query));
        else
            check_row(pasted[i].label, err.kind == ERR_USAGE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_queries),
        cmocka_unit_test(test_too_long),
        cmocka_unit_test(test_pasted),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
