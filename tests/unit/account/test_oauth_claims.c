#include "support/check.h"

#include "account/oauth_claims.h"
#include "base/base64.h"
#include "oauth_case.h"

#define WALL UINT64_C(1700000000000)
#define US   "\"iss\":\"https://accounts.google.com\",\"aud\":\"app\",\"nonce\":\"n\""
#define NOW  "\"iat\":1700000000,\"exp\":1700003600"

static struct secret *token_of(const char *claims)
{
    HELD(buf) token = BUF(100 * 1024);

    base64url_encode(&token, SPAN("{\"alg\":\"RS256\"}"));
    buf_add_char(&token, '.');
    base64url_encode(&token, span_of(claims));
    buf_add(&token, ".c2lnbmF0dXJl");
    return secret_take(&token);
}

static const struct {
    const char *label, *claims, *fact; /* NULL: they are for us */
    const char *nonce;
} cases[] = {
    { "for us", "{" US "," NOW "}", NULL, "n" },
    { "no nonce was sent", "{\"iss\":\"https://accounts.google.com\",\"aud\":\"app\"," NOW "}", NULL, NULL },
    { "for us and others, by us", "{\"iss\":\"https://accounts.google.com\",\"aud\":[\"x\",\"app\"],\"azp\":\"app\"}", NULL, NULL },
    { "without times", "{" US "}", NULL, "n" },
    { "another issuer", "{\"iss\":\"https://evil.example\",\"aud\":\"app\"}", "oauth:other-issuer", NULL },
    { "no issuer", "{\"aud\":\"app\"}", "oauth:other-issuer", NULL },
    { "another application", "{\"iss\":\"https://accounts.google.com\",\"aud\":\"other\"}", "oauth:other-issuer", NULL },
    { "none", "{\"iss\":\"https://accounts.google.com\"}", "oauth:other-issuer", NULL },
    { "for us and others, by another", "{\"iss\":\"https://accounts.google.com\",\"aud\":[\"app\",\"x\"],\"azp\":\"x\"}",
      "oauth:other-issuer", NULL },
    { "another question's", "{" US "}", "oauth:other-issuer", "m" },
    { "no question's", "{\"iss\":\"https://accounts.google.com\",\"aud\":\"app\"}", "oauth:other-issuer", "n" },
    { "made tomorrow", "{" US ",\"iat\":1700086400,\"exp\":1700090000}", "clock:wrong", "n" },
    { "made yesterday", "{" US ",\"iat\":1699913600,\"exp\":1699917200}", "clock:wrong", "n" },
    { "long over", "{" US ",\"exp\":1600000000}", "clock:wrong", "n" },
    { "a few minutes apart", "{" US ",\"iat\":1700000500}", NULL, "n" },
};

static void test_checks(void **state)
{
    (void)state;
    OWN(account) gmail = ACCOUNT("address=me@gmail.com", "client_id=app");
    HELD(oauth_way) way = way_of(gmail);

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(secret) token = token_of(cases[i].claims);
        OWN(json_tree) claims = NULL;
        struct err err = { 0 };
        check_row(cases[i].label, oauth_claims_read(token, &claims, &err));
        bool good = oauth_claims_check(&way, json_root(claims), cases[i].nonce, WALL, &err);
        check_row(cases[i].label, good == !cases[i].fact);
        check_row(cases[i].label, good || strcmp(err.fact, cases[i].fact) == 0);
    }
}

static const struct {
    const char *label, *token;
} unreadable[] = {
    { "one part", "e30" },
    { "two parts, the second none", "e30." },
    { "not base64", "e30.!!!.x" },
    { "padded", "e30.e30=.x" },
    { "no JSON", "e30.aGVsbG8.x" },
    { "three empty parts", ".." },
};

static void test_unreadable(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unreadable); i++) {
        OWN(secret) token = secret_new(span_of(unreadable[i].token));
        struct json_tree *claims = NULL;
        struct err err = { 0 };
        check_row(unreadable[i].label, !oauth_claims_read(token, &claims, &err) && !claims);
        check_row(unreadable[i].label, strcmp(err.fact, "oauth:malformed") == 0);
    }
}

static void test_too_much(void **state)
{
    (void)state;
    HELD(buf) json = BUF(100 * 1024);
    struct json_tree *claims = NULL;

    buf_add(&json, "{\"a\":\"");
    while (json.len < OAUTH_CLAIMS_MAX)
        buf_add_char(&json, 'x');
    buf_add(&json, "\"}");
    OWN(secret) token = token_of(buf_text(&json));
    assert_false(oauth_claims_read(token, &claims, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_checks),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_too_much),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
