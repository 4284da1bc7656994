/* What a command printed: a password or a token, and nothing besides. */
#include "support/check.h"

#include "account/account.h"
#include "account/one_line.h"

static const struct {
    const char *label, *auth, *secret, *printed;
    const char *fact, *text; /* NULL: it will do */
} cases[] = {
    { "a password", "password", "command:pass mail", "hunter2", NULL, NULL },
    { "a password with blanks and signs", "password", "command:pass mail", "{correct horse}", NULL, NULL },
    { "a token", "token", "command:get-token", "eyJhbGciOi.eyJhdWQi.c2ln-_~+/=", NULL, NULL },
    { "a password and what else is kept", "password", "command:/usr/bin/pass mail", "hunter2\nuser: me\nurl: x", "secret:unreadable",
      "account test: its secret: the command pass printed 3 lines; one is wanted" },
    { "a blank line behind it", "password", "command:pass mail", "hunter2\n", "secret:unreadable",
      "account test: its secret: the command pass printed 2 lines; one is wanted" },
    { "a warning before a token", "token", "command:| get-token 2>&1", "WARNING: old cache\neyJ0b2tlbiI6", "secret:no-token",
      "account test: its secret: the command sh printed 2 lines; one is wanted, the token alone" },
    { "JSON", "token", "command:oauth2l fetch", "{\"access_token\":\"eyJ\",\n\"expires_in\":1}", "secret:no-token",
      "account test: its secret: the command oauth2l printed JSON; the token alone is wanted" },
    { "a word before it", "token", "command:get-token", "Bearer eyJ0", "secret:no-token",
      "account test: its secret: the command get-token printed several words; the token alone is wanted" },
    { "two lines that no command printed", "password", "file", "a\nb", "secret:unreadable",
      "account test: its secret has 2 lines; one is wanted" },
    { "a refresh token with a blank", "oauth", "command:get-token", "R1 R2", NULL, NULL },
    { "a refresh token and more", "oauth", "command:get-token", "R1\nR2", "secret:no-token",
      "account test: its secret: the command get-token printed 2 lines; one is wanted, the token alone" },
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account *made = NULL;
        struct err err = { 0 };
        assert_true(account_new(SPAN("test"), &made, &err));
        OWN(account) account = made;
        assert_true(account_set(account, "auth", span_of(cases[i].auth), &err));
        assert_true(account_set(account, "secret", span_of(cases[i].secret), &err));
        OWN(secret) secret = secret_new(span_of(cases[i].printed));
        check_row(cases[i].label, one_line(account, secret, &err) == !cases[i].fact);
        check_bytes(cases[i].label, span_of(err.fact ? err.fact : ""), span_of(cases[i].fact ? cases[i].fact : ""));
        check_bytes(cases[i].label, span_of(err.text), span_of(cases[i].text ? cases[i].text : ""));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
