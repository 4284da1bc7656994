#include "support/check.h"


#include "base/base64.h"
#include "base/str.h"
#include "smtp/sasl_int.h"
#include "support/alloc_fails.h"

/* GNU SASL draws its nonces with this; here it draws what a test has put in. */
static char next_nonce[64];
__attribute__((visibility("default"))) int gsasl_nonce(char *data, size_t len);
__attribute__((visibility("default"))) int gsasl_nonce(char *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        data[i] = next_nonce[i % sizeof next_nonce];
    return 0;
}

static void set_nonce(const char *base64)
{
    HELD(buf) bytes = BUF(sizeof next_nonce);
    assert_true(base64_decode(&bytes, span_of(base64)));
    memcpy(next_nonce, buf_text(&bytes), bytes.len);
}

static struct sasl_client *client_of(enum sasl_mechanism mechanism, const char *user,
                                     struct span binding)
{
    struct sasl_client *client = NULL;
    const struct sasl_client_plan plan = { mechanism, span_of(user), SPAN("mail.example"), 587,
                                           binding };
    struct err err = { 0 };
    assert_true(sasl_client_new(&plan, &client, &err));
    return client;
}

static void give(struct sasl_client *client, const char *credential)
{
    OWN(secret) secret = secret_new(span_of(credential));
    sasl_client_credential(client, secret);
}

/* -- what is chosen -- */

enum { PASS = SASL_PASSWORD, TOKEN = SASL_TOKEN, CERT = SASL_CERTIFICATE, NO = SASL_MECHANISM_COUNT };

static const struct {
    const char *label, *offered;
    unsigned allowed;
    int credential;
    bool bound;
    int want;
    const char *fact;
} choices[] = {
    { "outlook.com, a token",       "LOGIN XOAUTH2",                  SASL_USUAL, TOKEN, true,  SASL_XOAUTH2, NULL },
    { "outlook.com, a password",    "LOGIN XOAUTH2",                  SASL_USUAL, PASS,  true,  SASL_LOGIN, NULL },
    { "the other bearer",           "PLAIN OAUTHBEARER",              SASL_USUAL, TOKEN, false, SASL_OAUTHBEARER, NULL },
    { "SCRAM before PLAIN",         "plain scram-sha-1 scram-sha-256",SASL_USUAL, PASS,  false, SASL_SCRAM_SHA_256, NULL },
    { "-PLUS with a binding",       "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", SASL_USUAL, PASS, true, SASL_SCRAM_SHA_256_PLUS, NULL },
    { "-PLUS without one",          "SCRAM-SHA-256 SCRAM-SHA-256-PLUS", SASL_USUAL, PASS, false, SASL_SCRAM_SHA_256, NULL },
    { "the configuration's choice", "PLAIN LOGIN SCRAM-SHA-256",      SASL_BIT(SASL_LOGIN), PASS, true, SASL_LOGIN, NULL },
    { "a certificate",              "PLAIN EXTERNAL",                 SASL_USUAL, CERT,  false, SASL_EXTERNAL, NULL },
    { "CRAM-MD5 by itself",         "CRAM-MD5",                       SASL_USUAL, PASS,  false, NO, "auth:no-common-mechanism" },
    { "CRAM-MD5 when named",        "CRAM-MD5",                       SASL_BIT(SASL_CRAM_MD5), PASS, false, SASL_CRAM_MD5, NULL },
    { "a token never falls back",   "PLAIN LOGIN",                    SASL_USUAL, TOKEN, false, NO, "auth:no-common-mechanism" },
    { "a password is no token",     "XOAUTH2",                        SASL_USUAL, PASS,  false, NO, "auth:no-common-mechanism" },
    { "only what nobody should use","NTLM DIGEST-MD5 GSSAPI",         SASL_USUAL, PASS,  false, NO, "auth:not-offered" },
    { "nothing",                    "",                               SASL_USUAL, PASS,  false, NO, "auth:not-offered" },
};

static void test_choice(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(choices); i++) {
        enum sasl_mechanism chosen = SASL_MECHANISM_COUNT;
        struct err err = { 0 };
        bool ok = sasl_choose(sasl_from_list(span_of(choices[i].offered)), choices[i].allowed,
                              (enum sasl_credential)choices[i].credential, choices[i].bound,
                              &chosen, &err);
        check_row(choices[i].label, ok == (choices[i].want != NO));
        check_row(choices[i].label, (int)chosen == choices[i].want);
        if (!ok)
            check_bytes(choices[i].label, span_of(err.fact), span_of(choices[i].fact));
    }
}

/* -- the vectors of the RFCs -- */

/* RFC 5802, 5: user "user", password "pencil". */
static void test_rfc5802_client(void **state)
{
    (void)state;
    set_nonce("fyko+d2lbbFgONRv9qkxdawL");
    OWN(sasl_client) client = client_of(SASL_SCRAM_SHA_1, "user", SPAN_NONE);

    assert_int_equal(sasl_client_need(client), SASL_NEED_SEND);
    check_bytes("client-first", sasl_client_output(client), SPAN("n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL"));
    sasl_client_sent(client);
    sasl_client_input(client, SPAN("r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"));
    assert_int_equal(sasl_client_need(client), SASL_NEED_KEY);
    struct sasl_salting how = sasl_client_salting(client);
    assert_int_equal(how.iterations, 4096);
    OWN(secret) key = sasl_salt(&how, SPAN("pencil"));
    sasl_client_key(client, key);
    check_bytes("client-final", sasl_client_output(client),
                SPAN("c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,"
                     "p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="));
    sasl_client_sent(client);
    sasl_client_input(client, SPAN("v=rmF9pqV8S7suAoZWja4dJRkFsKQ="));
    assert_int_equal(sasl_client_need(client), SASL_NEED_SEND);
    assert_int_equal(sasl_client_output(client).len, 0);
    sasl_client_sent(client);
    assert_int_equal(sasl_client_need(client), SASL_DONE);
    assert_true(sasl_client_accepted(client, NULL));
}

/* RFC 7677, 3: SHA-256, "pencil". */
static void test_rfc7677_key(void **state)
{
    (void)state;
    HELD(buf) salt = BUF(64), text = BUF(100);
    assert_true(base64_decode(&salt, SPAN("W22ZaJ0SNY7soEsUEjb6gQ==")));
    const struct sasl_salting how = { SASL_SHA_256, 4096, buf_span(&salt) };
    OWN(secret) key = sasl_salt(&how, SPAN("pencil"));
    base64_encode(&text, secret_bytes(key));
    check_bytes("salted", buf_span(&text), SPAN("xKSVEDI6tPlSysH6mUQZOeeOp01r6B3fcJbodRPcYV0="));
}

static const struct {
    const char *label;
    int mechanism;
    const char *user, *credential;
    struct span message;
} messages[] = {
    { "PLAIN", SASL_PLAIN, "tim", "tanstaaftanstaaf", SPAN_INIT("\0tim\0tanstaaftanstaaf") },
    { "XOAUTH2", SASL_XOAUTH2, "someuser@example.com", "ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg",
      SPAN_INIT("user=someuser@example.com\1auth=Bearer ya29.vF9dft4qmTc2Nvb3RlckBhdHRhdmlzdGEuY29tCg\1\1") },
    { "OAUTHBEARER", SASL_OAUTHBEARER, "user@example.com", "vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==",
      SPAN_INIT("n,a=user@example.com,\1host=mail.example\1port=587\1auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==\1\1") },
    { "OAUTHBEARER, a comma", SASL_OAUTHBEARER, "a,b=c", "t",
      SPAN_INIT("n,a=a=2Cb=3Dc,\1host=mail.example\1port=587\1auth=Bearer t\1\1") },
};

static void test_messages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(messages); i++) {
        OWN(sasl_client) client =
            client_of((enum sasl_mechanism)messages[i].mechanism, messages[i].user, SPAN_NONE);
        check_row(messages[i].label, sasl_client_need(client) == SASL_NEED_CREDENTIAL);
        give(client, messages[i].credential);
        check_row(messages[i].label, sasl_client_need(client) == SASL_NEED_SEND);
        check_bytes(messages[i].label, sasl_client_output(client), messages[i].message);
        sasl_client_sent(client);
        check_row(messages[i].label, sasl_client_need(client) == SASL_DONE);
        check_row(messages[i].label, sasl_client_accepted(client, NULL));
    }
}

/* RFC 2195, 2. */
static void test_cram_md5(void **state)
{
    (void)state;
    OWN(sasl_client) client = client_of(SASL_CRAM_MD5, "tim", SPAN_NONE);
    give(client, "tanstaaftanstaaf");
    assert_int_equal(sasl_client_need(client), SASL_NEED_PEER);
    sasl_client_input(client, SPAN("<1896.697170952@postoffice.reston.mci.net>"));
    check_bytes("answer", sasl_client_output(client), SPAN("tim b913a602c7eda7a495b4e6e7334d3890"));
}

/* -- a server that lies -- */

#define NONCE "fyko+d2lbbFgONRv9qkxdawL"

static const struct {
    const char *label, *challenge, *says;
} lies[] = {
    { "another nonce",        "r=xyko+d2lbbFgONRv9qkxdawL3rf,s=QSXCR+Q6sek8bf92,i=4096", "nonce" },
    { "our nonce alone",      "r=" NONCE ",s=QSXCR+Q6sek8bf92,i=4096", "nonce" },
    { "too few iterations",   "r=" NONCE "x,s=QSXCR+Q6sek8bf92,i=4095", "iteration" },
    { "no iterations",        "r=" NONCE "x,s=QSXCR+Q6sek8bf92,i=0", "iteration" },
    { "too many iterations",  "r=" NONCE "x,s=QSXCR+Q6sek8bf92,i=1000001", "iteration" },
    { "a wrapped count",      "r=" NONCE "x,s=QSXCR+Q6sek8bf92,i=18446744073709555712", "iteration" },
    { "a negative count",     "r=" NONCE "x,s=QSXCR+Q6sek8bf92,i=-4096", "iteration" },
    { "an unknown extension", "m=more,r=" NONCE "x,s=QSXCR+Q6sek8bf92,i=4096", "extension" },
    { "no salt",              "r=" NONCE "x,s=,i=4096", "salt" },
    { "a salt of rubbish",    "r=" NONCE "x,s=QSX,i=4096", "salt" },
    { "nothing",              "", "lacks" },
    { "rubbish",              "hello", "lacks" },
};

static void test_lies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(lies); i++) {
        set_nonce(NONCE);
        OWN(sasl_client) client = client_of(SASL_SCRAM_SHA_256, "user", SPAN_NONE);
        sasl_client_sent(client);
        sasl_client_input(client, span_of(lies[i].challenge));
        check_row(lies[i].label, sasl_client_need(client) == SASL_FAILED);
        check_row(lies[i].label, strstr(sasl_client_error(client)->text, lies[i].says) != NULL);
        check_row(lies[i].label, !sasl_client_accepted(client, NULL));
    }
}

static void scram_until_final(struct sasl_client *client)
{
    sasl_client_sent(client);
    sasl_client_input(client, SPAN("r=" NONCE "3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"));
    give(client, "pencil");
    assert_int_equal(sasl_client_need(client), SASL_NEED_SEND);
    sasl_client_sent(client);
    assert_int_equal(sasl_client_need(client), SASL_NEED_PEER);
}

static void test_server_must_prove_itself(void **state)
{
    (void)state;
    struct err err = { 0 };
    set_nonce(NONCE);
    OWN(sasl_client) early = client_of(SASL_SCRAM_SHA_1, "user", SPAN_NONE);
    scram_until_final(early);
    assert_false(sasl_client_accepted(early, &err));
    assert_string_equal(err.fact, "auth:server-signature");

    static const char *const finals[] = { "v=AAF9pqV8S7suAoZWja4dJRkFsKQ=", "v=", "", "x",
                                          "v=rmF9pqV8S7suAoZWja4dJRkFsKR=" };
    for (size_t i = 0; i < COUNT(finals); i++) {
        OWN(sasl_client) client = client_of(SASL_SCRAM_SHA_1, "user", SPAN_NONE);
        scram_until_final(client);
        sasl_client_input(client, span_of(finals[i]));
        check_row(finals[i], sasl_client_need(client) == SASL_FAILED);
        check_row(finals[i], strcmp(sasl_client_error(client)->fact, "auth:server-signature") == 0);
        check_row(finals[i], !sasl_client_accepted(client, NULL));
    }
    OWN(sasl_client) refused = client_of(SASL_SCRAM_SHA_1, "user", SPAN_NONE);
    scram_until_final(refused);
    sasl_client_input(refused, SPAN("e=invalid-proof"));
    assert_int_equal(sasl_client_need(refused), SASL_FAILED);
    assert_string_equal(sasl_client_error(refused)->said, "e=invalid-proof");
}

static void test_too_much(void **state)
{
    (void)state;
    static char long_text[SASL_STEP_MAX + 1];
    OWN(sasl_client) plain = client_of(SASL_PLAIN, "u", SPAN_NONE);
    give(plain, "p");
    sasl_client_sent(plain);
    sasl_client_input(plain, SPAN("more?"));
    assert_int_equal(sasl_client_need(plain), SASL_FAILED);

    OWN(sasl_client) login = client_of(SASL_LOGIN, "u", SPAN_NONE);
    give(login, "p");
    sasl_client_input(login, (struct span){ long_text, sizeof long_text });
    assert_int_equal(sasl_client_need(login), SASL_FAILED);

    OWN(sasl_client) thrice = client_of(SASL_LOGIN, "me", SPAN_NONE);
    give(thrice, "pw");
    sasl_client_input(thrice, SPAN("Username:"));
    check_bytes("user", sasl_client_output(thrice), SPAN("me"));
    sasl_client_sent(thrice);
    sasl_client_input(thrice, SPAN("Password:"));
    check_bytes("password", sasl_client_output(thrice), SPAN("pw"));
    sasl_client_sent(thrice);
    assert_int_equal(sasl_client_need(thrice), SASL_DONE);
    sasl_client_input(thrice, SPAN("Password:"));
    assert_int_equal(sasl_client_need(thrice), SASL_FAILED);
}

static void test_credentials_refused(void **state)
{
    (void)state;
    OWN(sasl_client) empty = client_of(SASL_PLAIN, "u", SPAN_NONE);
    give(empty, "");
    assert_string_equal(sasl_client_error(empty)->fact, "auth:empty-password");
    OWN(sasl_client) injected = client_of(SASL_XOAUTH2, "u", SPAN_NONE);
    give(injected, "token\1auth=Bearer other");
    assert_int_equal(sasl_client_need(injected), SASL_FAILED);
    OWN(sasl_client) spaced = client_of(SASL_XOAUTH2, "u", SPAN_NONE);
    give(spaced, "to ken");
    assert_int_equal(sasl_client_need(spaced), SASL_FAILED);
    struct sasl_client *none = NULL;
    const struct sasl_client_plan plans[] = {
        { SASL_PLAIN, SPAN_INIT("a\0b"), SPAN_NONE, 0, SPAN_NONE },
        { SASL_XOAUTH2, SPAN_INIT("a\1b"), SPAN_NONE, 0, SPAN_NONE },
        { SASL_PLAIN, SPAN_INIT(""), SPAN_NONE, 0, SPAN_NONE },
    };
    for (size_t i = 0; i < COUNT(plans); i++)
        assert_false(sasl_client_new(&plans[i], &none, NULL));
}

/* -- a token refused -- */

static const struct {
    const char *label, *json, *status, *scope, *schemes;
} errors[] = {
    { "Google", "{\"status\":\"400\",\"schemes\":\"Bearer\",\"scope\":\"https://mail.google.com/\"}",
      "400", "https://mail.google.com/", "Bearer" },
    { "RFC 7628", "{\n\"status\":\"invalid_token\",\n\"scope\":\"example_scope\",\n"
      "\"openid-configuration\":\"https://example.com/.well-known/openid-configuration\"\n}",
      "invalid_token", "example_scope", "" },
    { "a number", "{ \"status\" : 401 }", "401", "", "" },
    { "escaped slashes", "{\"scope\":\"https:\\/\\/x\\/\"}", "", "https://x/", "" },
    { "the same again", "{\"status\":\"1\",\"status\":\"2\"}", "2", "", "" },
    { "cut short", "{\"status\":\"400\",\"scope\":\"htt", "400", "", "" },
    { "an escape at the end", "{\"status\":\"4\\", "", "", "" },
    { "an object inside", "{\"status\":\"400\",\"x\":{},\"scope\":\"y\"}", "400", "", "" },
    { "no JSON", "invalid_token", "", "", "" },
    { "nothing", "", "", "", "" },
};

static void test_bearer_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        OWN(sasl_client) client = client_of(SASL_XOAUTH2, "u", SPAN_NONE);
        give(client, "token");
        sasl_client_sent(client);
        sasl_client_input(client, span_of(errors[i].json));
        struct sasl_bearer_error error = sasl_client_bearer_error(client);
        check_bytes(errors[i].label, error.status, span_of(errors[i].status));
        check_bytes(errors[i].label, error.scope, span_of(errors[i].scope));
        check_bytes(errors[i].label, error.schemes, span_of(errors[i].schemes));
        check_row(errors[i].label, sasl_client_need(client) == SASL_NEED_SEND);
        check_row(errors[i].label, sasl_client_output(client).len == 0);
        sasl_client_sent(client);
        check_row(errors[i].label, !sasl_client_accepted(client, NULL));
    }
    OWN(sasl_client) client = client_of(SASL_OAUTHBEARER, "u", SPAN_NONE);
    give(client, "token");
    sasl_client_sent(client);
    sasl_client_input(client, SPAN("{}"));
    check_bytes("OAUTHBEARER's answer", sasl_client_output(client), SPAN("\1"));
}

/* -- both sides against each other -- */

struct pair {
    const char *password; /* the server's */
    bool stored;          /* the server has a stored key, not the password */
    bool unknown;         /* there is no such user */
    bool error_challenge;
    struct span client_binding, server_binding;
};

static void server_key(struct sasl_server *server, const struct pair *pair)
{
    if (pair->stored) {
        HELD(buf) salt = BUF(64), stored = BUF(64), key = BUF(64);
        assert_true(base64_decode(&salt, SPAN("W22ZaJ0SNY7soEsUEjb6gQ==")));
        /* of "pencil" with 4096 rounds */
        assert_true(base64_decode(&stored, SPAN("WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=")));
        assert_true(base64_decode(&key, SPAN("wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=")));
        sasl_server_stored_key(server, &(struct sasl_stored_key){ 4096, buf_span(&salt),
                                                                  buf_span(&stored), buf_span(&key) });
        return;
    }
    OWN(secret) secret = secret_new(span_of(pair->password));
    sasl_server_password(server, pair->unknown ? NULL : secret);
}

static void server_turn(struct sasl_server *server, const struct pair *pair)
{
    if (sasl_server_need(server) == SASL_NEED_VERDICT) {
        assert_true(span_is(sasl_server_user(server), "me,you=us"));
        sasl_server_verdict(server, span_is(sasl_server_proof(server), pair->password));
    }
    if (sasl_server_need(server) == SASL_NEED_KEY) {
        assert_true(span_is(sasl_server_user(server), "me,you=us"));
        server_key(server, pair);
    }
}

/* Plays a whole sign-in; true when the server and the client are both content. */
static bool play(enum sasl_mechanism mechanism, const char *password, const struct pair *pair)
{
    OWN(sasl_client) client = client_of(mechanism, "me,you=us", pair->client_binding);
    OWN(sasl_server) server = NULL;
    const struct sasl_server_plan plan = { mechanism, pair->server_binding, pair->error_challenge };
    assert_true(sasl_server_new(&plan, &server, NULL));

    for (unsigned turns = 0; turns < 20; turns++) {
        if (sasl_client_need(client) == SASL_NEED_CREDENTIAL || sasl_client_need(client) == SASL_NEED_KEY)
            give(client, password);
        server_turn(server, pair);
        if (sasl_client_need(client) == SASL_NEED_SEND && sasl_server_need(server) == SASL_NEED_PEER) {
            sasl_server_input(server, sasl_client_output(client));
            sasl_client_sent(client);
        } else if (sasl_server_need(server) == SASL_NEED_SEND) {
            struct span challenge = sasl_server_output(server);
            sasl_client_input(client, challenge);
            sasl_server_sent(server);
        }
        if (sasl_client_need(client) == SASL_FAILED || sasl_server_need(server) == SASL_FAILED)
            return false;
        if (sasl_server_need(server) == SASL_DONE)
            return sasl_client_accepted(client, NULL);
    }
    fail_msg("%s goes on for ever", sasl_name(mechanism));
    return false;
}

static void test_both_sides(void **state)
{
    (void)state;
    const struct span binding = SPAN("0123456789abcdef0123456789abcdef");
    const struct span other = SPAN("0123456789abcdef0123456789abcdeX");
    const struct pair good = { "secret", false, false, true, binding, binding };
    const struct pair stored = { "pencil", true, false, true, binding, binding };
    const struct pair unknown = { "secret", false, true, true, binding, binding };
    const struct pair between = { "secret", false, false, true, binding, other };

    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++) {
        enum sasl_mechanism mechanism = (enum sasl_mechanism)i;
        if (!(SASL_SERVED & SASL_BIT(i)))
            continue;
        check_row(sasl_name(mechanism), play(mechanism, "secret", &good));
        check_row(sasl_name(mechanism), !play(mechanism, "Secret", &good));
        if (sasl_is_scram(mechanism) || mechanism == SASL_CRAM_MD5) {
            check_row(sasl_name(mechanism), !play(mechanism, "secret", &unknown));
            check_row(sasl_name(mechanism), !play(mechanism, "nobody's", &unknown));
        }
        if (sasl_is_plus(mechanism))
            check_row(sasl_name(mechanism), !play(mechanism, "secret", &between));
        if (sasl_is_scram(mechanism) && sasl_hash_of(mechanism) == SASL_SHA_256) {
            check_row(sasl_name(mechanism), play(mechanism, "pencil", &stored));
            check_row(sasl_name(mechanism), !play(mechanism, "Pencil", &stored));
        }
    }
}

/* -- a client that lies -- */

static const struct {
    const char *label;
    int mechanism;
    struct span response;
} bad_responses[] = {
    { "PLAIN, no NUL", SASL_PLAIN, SPAN_INIT("me") },
    { "PLAIN, one NUL", SASL_PLAIN, SPAN_INIT("me\0pw") },
    { "PLAIN, three NULs", SASL_PLAIN, SPAN_INIT("\0me\0pw\0") },
    { "PLAIN, no user", SASL_PLAIN, SPAN_INIT("\0\0pw") },
    { "PLAIN, no password", SASL_PLAIN, SPAN_INIT("\0me\0") },
    { "PLAIN, for another", SASL_PLAIN, SPAN_INIT("boss\0me\0pw") },
    { "PLAIN, not UTF-8", SASL_PLAIN, SPAN_INIT("\0m\xff\0pw") },
    { "PLAIN, nothing", SASL_PLAIN, SPAN_INIT("") },
    { "LOGIN, no user", SASL_LOGIN, SPAN_INIT("") },
    { "XOAUTH2, cut", SASL_XOAUTH2, SPAN_INIT("user=me\1auth=Bearer t\1") },
    { "XOAUTH2, more", SASL_XOAUTH2, SPAN_INIT("user=me\1auth=Bearer t\1\1x") },
    { "XOAUTH2, no token", SASL_XOAUTH2, SPAN_INIT("user=me\1auth=Bearer \1\1") },
    { "XOAUTH2, no user", SASL_XOAUTH2, SPAN_INIT("user=\1auth=Bearer t\1\1") },
    { "OAUTHBEARER, two tokens", SASL_OAUTHBEARER, SPAN_INIT("n,a=me,\1auth=Bearer t\1auth=Bearer u\1\1") },
    { "OAUTHBEARER, no token", SASL_OAUTHBEARER, SPAN_INIT("n,a=me,\1host=x\1\1") },
    { "OAUTHBEARER, cut", SASL_OAUTHBEARER, SPAN_INIT("n,a=me,\1auth=Bearer t\1") },
    { "OAUTHBEARER, bad escape", SASL_OAUTHBEARER, SPAN_INIT("n,a=m=41,\1auth=Bearer t\1\1") },
    { "OAUTHBEARER, bound", SASL_OAUTHBEARER, SPAN_INIT("p=tls-exporter,a=me,\1auth=Bearer t\1\1") },
    { "SCRAM, rubbish", SASL_SCRAM_SHA_256, SPAN_INIT("hello") },
    { "SCRAM, no user", SASL_SCRAM_SHA_256, SPAN_INIT("n,,n=,r=abc") },
    { "SCRAM, for another", SASL_SCRAM_SHA_256, SPAN_INIT("n,a=boss,n=me,r=abc") },
    { "SCRAM, an extension", SASL_SCRAM_SHA_256, SPAN_INIT("n,,m=x,n=me,r=abc") },
    { "CRAM-MD5, no space", SASL_CRAM_MD5, SPAN_INIT("me") },
    { "CRAM-MD5, no user", SASL_CRAM_MD5, SPAN_INIT(" b913a602c7eda7a495b4e6e7334d3890") },
};

static void test_bad_responses(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad_responses); i++) {
        OWN(sasl_server) server = NULL;
        const struct sasl_server_plan plan = { (enum sasl_mechanism)bad_responses[i].mechanism,
                                               SPAN_NONE, false };
        check_row(bad_responses[i].label, sasl_server_new(&plan, &server, NULL));
        sasl_server_sent(server);
        sasl_server_input(server, bad_responses[i].response);
        check_row(bad_responses[i].label, sasl_server_need(server) == SASL_FAILED);
    }
}

static void test_login_with_user_on_the_line(void **state)
{
    (void)state;
    OWN(sasl_server) server = NULL;
    const struct sasl_server_plan plan = { SASL_LOGIN, SPAN_NONE, false };
    assert_true(sasl_server_new(&plan, &server, NULL));
    check_bytes("prompt", sasl_server_output(server), SPAN("Username:"));
    sasl_server_input(server, SPAN("me"));
    check_bytes("prompt", sasl_server_output(server), SPAN("Password:"));
    sasl_server_sent(server);
    sasl_server_input(server, SPAN("pw"));
    assert_int_equal(sasl_server_need(server), SASL_NEED_VERDICT);
    check_bytes("user", sasl_server_user(server), SPAN("me"));
    check_bytes("password", sasl_server_proof(server), SPAN("pw"));
}

static void test_out_of_memory(void **state)
{
    (void)state;
    const enum sasl_mechanism mechanisms[] = { SASL_PLAIN, SASL_LOGIN, SASL_SCRAM_SHA_256, SASL_XOAUTH2 };

    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        size_t before = alloc_alive();
        for (unsigned nth = 1;; nth++) {
            OWN(sasl_client) client = NULL;
            OWN(sasl_server) server = NULL;
            OWN(secret) secret = secret_new(SPAN("secret"));
            const struct sasl_client_plan plan = { mechanisms[i], SPAN_INIT("me,you=us"), SPAN_NONE, 0, SPAN_NONE };
            const struct sasl_server_plan served = { mechanisms[i], SPAN_NONE, true };
            alloc_fail_at(nth);
            if (sasl_client_new(&plan, &client, NULL) && sasl_server_new(&served, &server, NULL)) {
                sasl_server_sent(server);
                sasl_client_credential(client, secret);
                if (!sasl_client_first(mechanisms[i]))
                    sasl_client_input(client, SPAN("x"));
                sasl_server_input(server, sasl_client_output(client));
                if (sasl_server_need(server) == SASL_NEED_KEY)
                    sasl_server_password(server, secret);
                if (alloc_failed())
                    check_row(sasl_name(mechanisms[i]), sasl_server_need(server) == SASL_FAILED ||
                                          sasl_client_need(client) == SASL_FAILED);
            }
            bool failed = alloc_failed();
            alloc_fail_at(0);
            sasl_client_free(GIVE(client));
            sasl_server_free(GIVE(server));
            secret_free(GIVE(secret));
            assert_int_equal(alloc_alive(), before);
            if (!failed)
                break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_choice),
        cmocka_unit_test(test_rfc5802_client),
        cmocka_unit_test(test_rfc7677_key),
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_cram_md5),
        cmocka_unit_test(test_lies),
        cmocka_unit_test(test_server_must_prove_itself),
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_credentials_refused),
        cmocka_unit_test(test_bearer_errors),
        cmocka_unit_test(test_both_sides),
        cmocka_unit_test(test_bad_responses),
        cmocka_unit_test(test_login_with_user_on_the_line),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
