#include "support/check.h"

#include "account/oauth_request.h"
#include "base/base64.h"
#include "base/json_read.h"
#include "oauth_case.h"
#include "support/alloc_fails.h"
#include "support/keys.h"

static const unsigned char dice[OAUTH_RANDOM_LEN] = { 1, 2, 3, 250, 251, 252 };

static struct oauth_attempt attempt_to(const char *redirect)
{
    struct oauth_attempt attempt;
    struct err err;

    assert_true(oauth_attempt_make(dice, span_of(redirect), &attempt, &err));
    return attempt;
}

static void test_an_attempt(void **state)
{
    (void)state;
    struct oauth_attempt attempt = attempt_to("http://localhost:8080/");
    struct err err;
    char long_one[300];

    assert_int_equal(strlen(attempt.state), 22);
    assert_int_equal(strlen(attempt.nonce), 22);
    assert_int_equal(strlen(attempt.verifier), 43);
    assert_int_equal(strlen(attempt.challenge), 43);
    assert_string_equal(attempt.redirect, "http://localhost:8080/");
    assert_string_not_equal(attempt.challenge, attempt.verifier);

    memset(long_one, 'x', sizeof long_one);
    assert_false(oauth_attempt_make(dice, (struct span){ long_one, sizeof long_one }, &attempt, &err));
}

/* RFC 7636, appendix B: that verifier is these 32 bytes. */
static void test_the_challenge_of_the_rfc(void **state)
{
    (void)state;
    unsigned char random[OAUTH_RANDOM_LEN] = { 0 };
    HELD(buf) bytes = BUF(64);
    struct oauth_attempt attempt;
    struct err err;

    assert_true(base64url_decode(&bytes, SPAN("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")));
    memcpy(random + 32, bytes.at, 32);
    assert_true(oauth_attempt_make(random, SPAN("x"), &attempt, &err));
    assert_string_equal(attempt.verifier, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_string_equal(attempt.challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

static void test_the_browsers_address(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT("address=me@live.com", "client_id=app one");
    HELD(oauth_way) way = way_of(live);
    struct oauth_attempt attempt = attempt_to("http://localhost:8080/");
    HELD(buf) url = BUF(OAUTH_URL_MAX), want = BUF(OAUTH_URL_MAX);
    struct err err;

    assert_true(oauth_request_browser(&way, &attempt, "openid email", "me@live.com", &url, &err));
    buf_addf(&want, "https://login.microsoftonline.com/consumers/oauth2/v2.0/authorize?response_type=code"
                    "&client_id=app%%20one&redirect_uri=http%%3A%%2F%%2Flocalhost%%3A8080%%2F&scope=openid%%20email"
                    "&state=%s&code_challenge=%s&code_challenge_method=S256&nonce=%s&login_hint=me%%40live.com",
             attempt.state, attempt.challenge, attempt.nonce);
    assert_string_equal(buf_text(&url), buf_text(&want));
    assert_null(strstr(buf_text(&url), attempt.verifier));
}

static void test_what_providers_want_besides(void **state)
{
    (void)state;
    OWN(account) gmail = ACCOUNT("address=me@gmail.com", "client_id=app");
    HELD(oauth_way) google = way_of(gmail);
    OWN(account) own = ACCOUNT("address=me@c.example", "server=m.c.example:587", "client_id=app", "issuer=https://id.c.example");
    HELD(oauth_way) way = way_of(own);
    struct oauth_attempt attempt = attempt_to("http://127.0.0.1:1/");
    HELD(buf) one = BUF(OAUTH_URL_MAX), two = BUF(OAUTH_URL_MAX);
    struct err err;

    assert_true(oauth_request_browser(&google, &attempt, "https://mail.google.com/", NULL, &one, &err));
    assert_non_null(strstr(buf_text(&one), "&access_type=offline&prompt=consent"));
    assert_null(strstr(buf_text(&one), "nonce")); /* who is not asked who it is answers no nonce */
    assert_null(strstr(buf_text(&one), "login_hint"));

    /* OpenID Connect: offline_access is heeded only with prompt=consent. */
    assert_true(oauth_way_learn(&way, SPAN("{\"issuer\":\"https://id.c.example\",\"token_endpoint\":"
        "\"https://id.c.example/t\",\"authorization_endpoint\":\"https://id.c.example/a?x=1\"}"), &err));
    assert_true(oauth_request_browser(&way, &attempt, "openid offline_access", NULL, &two, &err));
    assert_true(span_starts(buf_span(&two), "https://id.c.example/a?x=1&response_type=code"));
    assert_non_null(strstr(buf_text(&two), "&prompt=consent"));
}

static const struct {
    const char *label, *address, *provider;
    unsigned purposes;
    bool together;
    const char *scope;
} scopes[] = {
    { "to send", "me@live.com", "outlook.com", 1 << CREDENTIAL_SMTP, false,
      "openid profile email https://outlook.office.com/SMTP.Send offline_access" },
    { "over HTTPS only", "me@live.com", "outlook.com", 1 << CREDENTIAL_HTTPS, false,
      "openid profile email https://graph.microsoft.com/Mail.Send offline_access" },
    { "one resource in a request", "me@contoso.com", "microsoft365", 1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_HTTPS, false,
      "openid profile email https://outlook.office.com/SMTP.Send offline_access" },
    { "but a person may agree to both", "me@contoso.com", "microsoft365", 1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_HTTPS,
      true, "openid profile email https://outlook.office.com/SMTP.Send offline_access https://graph.microsoft.com/Mail.Send" },
    { "not where that is not known to work", "me@live.com", "outlook.com", 1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_HTTPS,
      true, "openid profile email https://outlook.office.com/SMTP.Send offline_access" },
    { "elsewhere all in one, each once", "me@gmail.com", "gmail", 1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_IMAP, false,
      "openid email https://mail.google.com/" },
};

static void test_scopes(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(scopes); i++) {
        HELD(buf) address = BUF(100), provider = BUF(100), scope = BUF(1000);
        buf_addf(&address, "address=%s", scopes[i].address);
        buf_addf(&provider, "provider=%s", scopes[i].provider);
        OWN(account) account = ACCOUNT(buf_text(&address), buf_text(&provider), "client_id=app");
        HELD(oauth_way) way = way_of(account);
        check_row(scopes[i].label, oauth_request_scope(&way, scopes[i].purposes, scopes[i].together, &scope, NULL));
        check_bytes(scopes[i].label, buf_span(&scope), span_of(scopes[i].scope));
    }
}

static void test_forms(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT("address=me@live.com", "client_id=app");
    HELD(oauth_way) way = way_of(live);
    struct oauth_attempt attempt = attempt_to("http://localhost:8080/");
    OWN(secret) secret = secret_new(SPAN("s3/cr t"));
    HELD(oauth_form) code = OAUTH_FORM;
    HELD(oauth_form) refresh = OAUTH_FORM;
    HELD(oauth_form) device = OAUTH_FORM;
    HELD(oauth_form) poll = OAUTH_FORM;
    HELD(oauth_form) revoke = OAUTH_FORM;
    HELD(buf) want = BUF(1000);
    struct oauth_proof none = { 0 };
    struct err err;

    assert_true(oauth_request_code(&way, &none, &attempt, secret, "a b", &code, &err));
    buf_addf(&want, "grant_type=authorization_code&code=s3%%2Fcr%%20t&redirect_uri=http%%3A%%2F%%2Flocalhost%%3A8080%%2F"
                    "&code_verifier=%s&scope=a%%20b&client_id=app", attempt.verifier);
    assert_string_equal(buf_text(&code.body), buf_text(&want));
    assert_true(oauth_request_refresh(&way, &none, secret, "a", &refresh, &err));
    assert_string_equal(buf_text(&refresh.body),
                        "grant_type=refresh_token&refresh_token=s3%2Fcr%20t&scope=a&client_id=app");
    assert_true(oauth_request_device(&way, &none, "a b", &device, &err));
    assert_string_equal(buf_text(&device.body), "scope=a%20b&client_id=app");
    assert_true(oauth_request_device_token(&way, &none, secret, &poll, &err));
    assert_string_equal(buf_text(&poll.body), "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"
                                              "&device_code=s3%2Fcr%20t&client_id=app");
    assert_true(oauth_request_revoke(&way, &none, secret, &revoke, &err));
    assert_string_equal(buf_text(&revoke.body), "token=s3%2Fcr%20t&token_type_hint=refresh_token&client_id=app");
}

static void test_proofs(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT("address=me@live.com", "client_id=app:1");
    HELD(oauth_way) way = way_of(live);
    OWN(secret) secret = secret_new(SPAN("p:s%"));
    OWN(secret) assertion = secret_new(SPAN("a.b.c"));
    HELD(oauth_form) in_body = OAUTH_FORM;
    HELD(oauth_form) in_header = OAUTH_FORM;
    HELD(oauth_form) with_key = OAUTH_FORM;
    struct err err;

    assert_true(oauth_request_application(&way, &(struct oauth_proof){ .secret = secret }, "x", &in_body, &err));
    assert_string_equal(buf_text(&in_body.body),
                        "grant_type=client_credentials&scope=x&client_id=app%3A1&client_secret=p%3As%25");
    assert_int_equal(in_body.authorization.len, 0);

    way.basic = true; /* "app%3A1:p%3As%25" */
    assert_true(oauth_request_application(&way, &(struct oauth_proof){ .secret = secret }, "x", &in_header, &err));
    assert_string_equal(buf_text(&in_header.body), "grant_type=client_credentials&scope=x");
    assert_string_equal(buf_text(&in_header.authorization), "Authorization: Basic YXBwJTNBMTpwJTNBcyUyNQ==");

    assert_true(oauth_request_application(&way, &(struct oauth_proof){ .assertion = assertion }, "x", &with_key, &err));
    assert_string_equal(buf_text(&with_key.body), "grant_type=client_credentials&scope=x&client_id=app%3A1"
                        "&client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
                        "&client_assertion=a.b.c");
}

static void test_a_long_token_fits(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT("address=me@live.com", "client_id=app");
    HELD(oauth_way) way = way_of(live);
    static char bytes[16 * 1024], longest[SECRET_MAX];
    HELD(oauth_form) good = OAUTH_FORM;
    HELD(oauth_form) too_long = OAUTH_FORM;
    struct oauth_proof none = { 0 };
    struct err err;

    memset(bytes, '/', sizeof bytes);
    memset(longest, '/', sizeof longest);
    OWN(secret) token = secret_new((struct span){ bytes, sizeof bytes });
    OWN(secret) monster = secret_new((struct span){ longest, sizeof longest });
    assert_true(oauth_request_refresh(&way, &none, token, "x", &good, &err));
    assert_false(oauth_request_refresh(&way, &none, monster, "x", &too_long, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static struct crypto_key *key_of(const char *pem)
{
    OWN(secret) text = secret_new(span_of(pem));
    struct crypto_key *key = NULL;

    assert_true(crypto_key_read(text, &key, NULL));
    return key;
}

/* One part of a signed token, read again. */
static struct json_tree *part_of(const struct secret *token, unsigned nth)
{
    struct span rest = secret_bytes(token), part;
    HELD(buf) json = BUF(10000);
    struct json_tree *tree = NULL;

    for (unsigned i = 0; i <= nth; i++)
        assert_true(span_split(&rest, '.', &part));
    assert_true(base64url_decode(&json, part));
    assert_true(json_read(buf_span(&json), 10000, &tree, NULL));
    return tree;
}

static const struct {
    const char *key, *certificate;
    enum crypto_signature rsa;
    const char *alg, *x5t, *x5t256;
} assertions[] = {
    { rsa_key, rsa_certificate, CRYPTO_PS256, "PS256", NULL, "fRtoO6unL83fKsc6gP3s3OHg-7WjgrX-xN0Wb9qaEMk" },
    { rsa_key, rsa_certificate, CRYPTO_RS256, "RS256", "BIz9qxbQmzyFq7c_JzJ2RtUflBQ", "fRtoO6unL83fKsc6gP3s3OHg-7WjgrX-xN0Wb9qaEMk" },
    { ec_key, ec_certificate, CRYPTO_RS256, "ES256", NULL, "wRoVRmdTGx1KHyyB9cDYNmr1j1BzFsa60PrEU-WijZ0" },
    { ec_key, NULL, CRYPTO_PS256, "ES256", NULL, NULL },
};

static void test_assertions(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(assertions); i++) {
        OWN(crypto_key) key = key_of(assertions[i].key);
        OWN(secret) token = NULL;
        struct crypto_certificate certificate;
        struct oauth_assertion plan = {
            .key = key, .rsa = assertions[i].rsa, .client_id = "app", .audience = "https://id.example/token",
            .wall = UINT64_C(1700000000999), .random = { 1, 2, 3 },
        };
        if (assertions[i].certificate) {
            assert_true(crypto_certificate_read(span_of(assertions[i].certificate), key, &certificate, NULL));
            plan.certificate = &certificate;
        }
        assert_true(oauth_assertion_make(&plan, &token, NULL));
        OWN(json_tree) head = part_of(token, 0);
        OWN(json_tree) claims = part_of(token, 1);
        check_bytes("alg", json_text_at(json_root(head), "alg"), span_of(assertions[i].alg));
        check_bytes("x5t", json_text_at(json_root(head), "x5t"), span_of(assertions[i].x5t));
        check_bytes("x5t#S256", json_text_at(json_root(head), "x5t#S256"), span_of(assertions[i].x5t256));
        check_bytes("iss", json_text_at(json_root(claims), "iss"), SPAN("app"));
        check_bytes("sub", json_text_at(json_root(claims), "sub"), SPAN("app"));
        check_bytes("aud", json_text_at(json_root(claims), "aud"), SPAN("https://id.example/token"));
        check_bytes("jti", json_text_at(json_root(claims), "jti"), SPAN("AQIDAAAAAAAAAAAAAAAAAA"));
        uint64_t number = 0;
        assert_true(json_number_at(json_root(claims), "nbf", &number) && number == 1700000000);
        assert_true(json_number_at(json_root(claims), "exp", &number) && number == 1700000300);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_attempt),
        cmocka_unit_test(test_the_challenge_of_the_rfc),
        cmocka_unit_test(test_the_browsers_address),
        cmocka_unit_test(test_what_providers_want_besides),
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_forms),
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_a_long_token_fits),
        cmocka_unit_test(test_assertions),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
