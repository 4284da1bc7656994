#include "support/check.h"

#include "oauth_case.h"
#include "support/alloc_fails.h"

#define LIVE      "address=me@live.com", "client_id=app"
#define OWN_IDP   "address=me@corp.example", "server=mail.corp.example:587", "client_id=app", \
                  "issuer=https://id.corp.example/realm"

static void test_profiles(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    HELD(oauth_way) way = way_of(live);

    assert_string_equal(way.token, "https://login.microsoftonline.com/consumers/oauth2/v2.0/token");
    assert_string_equal(way.device, "https://login.microsoftonline.com/consumers/oauth2/v2.0/devicecode");
    assert_null(way.metadata[0]);
    assert_string_equal(way.scopes[CREDENTIAL_SMTP], "https://outlook.office.com/SMTP.Send offline_access");
    assert_string_equal(way.scopes[CREDENTIAL_HTTPS], "https://graph.microsoft.com/Mail.Send offline_access");
    assert_string_equal(way.scopes[CREDENTIAL_IMAP],
                        "https://outlook.office.com/IMAP.AccessAsUser.All offline_access");
    assert_string_equal(way.declined, "authorization_declined");
    assert_true(way.pkce && way.one_resource && !way.basic);

    OWN(account) google = ACCOUNT("address=me@gmail.com", "client_id=app");
    HELD(oauth_way) other = way_of(google);
    assert_string_equal(other.issuer, "https://accounts.google.com");
    /* One for all: the same token fetches mail, too. */
    assert_string_equal(other.scopes[CREDENTIAL_IMAP], "https://mail.google.com/");
}

static void test_tenants(void **state)
{
    (void)state;
    OWN(account) work = ACCOUNT("address=me@contoso.com", "provider=microsoft365", "client_id=app", "tenant=contoso.com");
    HELD(oauth_way) way = way_of(work);
    struct err err;

    assert_string_equal(way.token, "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token");
    assert_string_equal(way.app_scopes[CREDENTIAL_SMTP], "https://outlook.office365.com/.default");
    assert_string_equal(way.app_scopes[CREDENTIAL_HTTPS], "https://graph.microsoft.com/.default");
    assert_int_equal(way.assertion, CRYPTO_PS256);
    assert_true(oauth_way_check_application(&way, &err));

    OWN(account) any = ACCOUNT("address=me@contoso.com", "provider=microsoft365", "client_id=app");
    HELD(oauth_way) many = way_of(any);
    assert_false(oauth_way_check_application(&many, &err));
    assert_string_equal(err.fact, "oauth:tenant");

    OWN(account) evil = ACCOUNT("address=me@contoso.com", "provider=microsoft365", "client_id=app", "tenant=x/../y");
    struct oauth_way none;
    assert_false(oauth_way_of(evil, &none, &err));
    assert_string_equal(err.fact, "config:bad");
}

static void test_nothing_to_go_by(void **state)
{
    (void)state;
    struct oauth_way way;
    struct err err;

    OWN(account) no_id = ACCOUNT("address=me@live.com");
    assert_false(oauth_way_of(no_id, &way, &err));
    assert_string_equal(err.fact, "oauth:client-id-missing");

    OWN(account) nowhere = ACCOUNT("address=me@corp.example", "server=mail.corp.example:587", "client_id=app");
    assert_false(oauth_way_of(nowhere, &way, &err));
    assert_string_equal(err.fact, "config:bad");

    OWN(account) query = ACCOUNT("address=me@corp.example", "server=mail.corp.example:587", "client_id=app",
                                 "issuer=https://id.corp.example/?x");
    assert_false(oauth_way_of(query, &way, &err));
    assert_string_equal(err.fact, "config:bad");
}

static void test_an_issuer_of_ones_own(void **state)
{
    (void)state;
    OWN(account) own = ACCOUNT(OWN_IDP);
    HELD(oauth_way) way = way_of(own);

    assert_null(way.token);
    assert_string_equal(way.metadata[0], "https://id.corp.example/realm/.well-known/openid-configuration");
    assert_string_equal(way.metadata[1], "https://id.corp.example/.well-known/oauth-authorization-server/realm");
    assert_string_equal(way.scopes[CREDENTIAL_SMTP], "offline_access");
    assert_string_equal(way.identity_scope, "openid email profile");

    /* The profile's own issuer, written down: no question to ask. */
    OWN(account) google = ACCOUNT("address=me@gmail.com", "client_id=app", "issuer=https://accounts.google.com/");
    HELD(oauth_way) known_one = way_of(google);
    assert_null(known_one.metadata[0]);

    /* A national cloud by its issuer: the profile's scopes, that issuer's endpoints. */
    OWN(account) cloud = ACCOUNT("address=me@contoso.us", "provider=microsoft365", "client_id=app",
                                 "issuer=https://login.microsoftonline.us/contoso.us/v2.0");
    HELD(oauth_way) us = way_of(cloud);
    assert_string_equal(us.metadata[0],
                        "https://login.microsoftonline.us/contoso.us/v2.0/.well-known/openid-configuration");
    assert_true(us.one_resource && us.issuer_varies);
}

static void test_a_scope_of_ones_own(void **state)
{
    (void)state;
    OWN(account) own = ACCOUNT(OWN_IDP, "scope=mail.send offline_access");
    HELD(oauth_way) way = way_of(own);
    OWN(account) live = ACCOUNT(LIVE, "scope=https://outlook.office365.com/SMTP.Send");
    HELD(oauth_way) other = way_of(live);
    OWN(account) bare = ACCOUNT(LIVE);
    struct err err;

    assert_string_equal(way.scopes[CREDENTIAL_SMTP], "mail.send offline_access");
    assert_string_equal(way.app_scopes[CREDENTIAL_SMTP], "mail.send offline_access");
    assert_string_equal(other.scopes[CREDENTIAL_SMTP], "https://outlook.office365.com/SMTP.Send");
    assert_string_equal(other.scopes[CREDENTIAL_HTTPS], "https://graph.microsoft.com/Mail.Send offline_access");
    assert_false(account_set(bare, "scope", SPAN("a\"b"), &err));
    assert_string_equal(err.fact, "config:bad");
}

#define GOOD "\"issuer\":\"https://id.corp.example/realm\",\"token_endpoint\":\"https://id.corp.example/token\""

static const struct {
    const char *label, *metadata, *fact; /* NULL: it is taken */
} documents[] = {
    { "the least", "{" GOOD "}", NULL },
    { "a slash more", "{\"issuer\":\"https://id.corp.example/realm/\",\"token_endpoint\":\"https://a.example/t\"}", NULL },
    { "all there is", "{" GOOD ",\"authorization_endpoint\":\"https://id.corp.example/auth\","
                      "\"device_authorization_endpoint\":\"https://id.corp.example/device\","
                      "\"revocation_endpoint\":\"https://id.corp.example/revoke\"}", NULL },
    { "another's", "{\"issuer\":\"https://id.evil.example/realm\",\"token_endpoint\":\"https://id.corp.example/token\"}",
      "oauth:other-issuer" },
    { "another realm's", "{\"issuer\":\"https://id.corp.example/other\",\"token_endpoint\":\"https://a.example/t\"}",
      "oauth:other-issuer" },
    { "nobody's", "{\"token_endpoint\":\"https://id.corp.example/token\"}", "oauth:no-metadata" },
    { "no token endpoint", "{\"issuer\":\"https://id.corp.example/realm\"}", "oauth:no-metadata" },
    { "a token endpoint in clear text", "{\"issuer\":\"https://id.corp.example/realm\",\"token_endpoint\":\"http://a/t\"}",
      "oauth:no-metadata" },
    { "one that is a number", "{\"issuer\":\"https://id.corp.example/realm\",\"token_endpoint\":7}", "oauth:no-metadata" },
    { "a page to sign in at by script", "{" GOOD ",\"authorization_endpoint\":\"javascript:alert(1)\"}",
      "oauth:no-metadata" },
    { "a page", "<html>", "oauth:no-metadata" },
    { "nothing", "", "oauth:no-metadata" },
};

static void test_metadata(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(documents); i++) {
        OWN(account) own = ACCOUNT(OWN_IDP);
        HELD(oauth_way) way = way_of(own);
        struct err err = { 0 };
        bool taken = oauth_way_learn(&way, span_of(documents[i].metadata), &err);
        check_row(documents[i].label, taken == !documents[i].fact);
        check_row(documents[i].label, taken || strcmp(err.fact, documents[i].fact) == 0);
        check_row(documents[i].label, !taken || (way.token && !way.metadata[0]));
    }
}

static void test_what_metadata_tells(void **state)
{
    (void)state;
    OWN(account) own = ACCOUNT(OWN_IDP);
    HELD(oauth_way) least = way_of(own);
    HELD(oauth_way) all = way_of(own);
    struct err err;

    assert_true(oauth_way_learn(&least, SPAN("{" GOOD "}"), &err));
    assert_true(least.basic && !least.issuer_due);
    assert_int_equal(least.grants, GRANT_CLIENT);
    assert_string_equal(least.scopes[CREDENTIAL_SMTP], "offline_access");

    assert_true(oauth_way_learn(&all, SPAN("{" GOOD ",\"authorization_endpoint\":\"https://id.corp.example/auth\","
        "\"device_authorization_endpoint\":\"https://id.corp.example/device\","
        "\"authorization_response_iss_parameter_supported\":true,"
        "\"grant_types_supported\":[\"authorization_code\"],"
        "\"scopes_supported\":[\"openid\",\"email\"],"
        "\"token_endpoint_auth_signing_alg_values_supported\":[\"PS256\",\"ES256\"],"
        "\"token_endpoint_auth_methods_supported\":[\"client_secret_post\",\"none\"]}"), &err));
    assert_true(!all.basic && all.issuer_due);
    assert_int_equal(all.grants, GRANT_CODE | GRANT_DEVICE);
    assert_int_equal(all.assertion, CRYPTO_PS256);
    assert_string_equal(all.scopes[CREDENTIAL_SMTP], "");
}

static void test_whose_answer(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    HELD(oauth_way) microsoft = way_of(live);
    OWN(account) gmail = ACCOUNT("address=me@gmail.com", "client_id=app");
    HELD(oauth_way) google = way_of(gmail);

    assert_true(oauth_way_is_issuer(&google, SPAN("https://accounts.google.com")));
    assert_false(oauth_way_is_issuer(&google, SPAN("https://accounts.google.com/other")));
    assert_false(oauth_way_is_issuer(&google, SPAN("https://accounts.google.com.evil.example")));
    assert_false(oauth_way_is_issuer(&google, SPAN("")));
    /* Asked by "consumers", told by number. */
    assert_true(oauth_way_is_issuer(&microsoft,
        SPAN("https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0")));
    assert_false(oauth_way_is_issuer(&microsoft, SPAN("https://login.evil.example/9188040d/v2.0")));
    assert_false(oauth_way_is_issuer(&microsoft, SPAN("https://login.microsoftonline.com:444/x")));
    assert_false(oauth_way_is_issuer(&microsoft, SPAN("login.microsoftonline.com")));
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    OWN(account) own = ACCOUNT(OWN_IDP);
    OWN(account) live = ACCOUNT(LIVE);

    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct oauth_way way = { .pool = { NULL } }, other = { .pool = { NULL } };
        struct err err = { 0 };
        alloc_fail_at(n);
        bool ok = oauth_way_of(own, &way, &err) && oauth_way_learn(&way, SPAN("{" GOOD "}"), &err) &&
                  oauth_way_of(live, &other, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(ok != failed);
        assert_true(ok || err.kind == ERR_MEMORY || err.kind == ERR_CONFIG);
        oauth_way_done(&way);
        oauth_way_done(&other);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profiles),
        cmocka_unit_test(test_tenants),
        cmocka_unit_test(test_nothing_to_go_by),
        cmocka_unit_test(test_an_issuer_of_ones_own),
        cmocka_unit_test(test_a_scope_of_ones_own),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_what_metadata_tells),
        cmocka_unit_test(test_whose_answer),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
