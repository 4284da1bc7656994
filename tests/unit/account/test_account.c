#include "support/check.h"

#include "account/account.h"
#include "know/knowledge.h"
#include "smtp/sasl.h"
#include "support/alloc_fails.h"
#include "support/world.h"

static const struct knowledge_text providers[] = {
    { "mailbox.ini", SPAN_INIT("[provider mailbox]\n"
                               "name = Mailbox\n"
                               "kind = mailbox\n"
                               "domains = mailbox.example\n"
                               "server = smtp.mailbox.example:465 tls\n"
                               "server = smtp.mailbox.example:587 starttls\n"
                               "server = old.mailbox.example:2525 starttls\n"
                               "mechanisms = XOAUTH2 PLAIN LOGIN\n"
                               "username = localpart\n"
                               "password = app-password\n"
                               "[limits]\n"
                               "messages_per_minute = 30\n"
                               "connections = 3\n"
                               "message_size = 1000\n"
                               "[capabilities]\n"
                               "pipeline = commands\n") },
    { "closed.ini", SPAN_INIT("[provider closed]\n"
                              "name = Closed\n"
                              "kind = mailbox\n"
                              "domains = closed.example\n"
                              "server = smtp.closed.example:587 starttls\n"
                              "legacy_host = mail.closed.example\n"
                              "mechanisms = XOAUTH2\n"
                              "username = address\n"
                              "password = off\n"
                              "password_since = 2024-09-16\n"
                              "[oauth]\n"
                              "token = https://login.closed.example/token\n") },
    { "service.ini", SPAN_INIT("[provider service]\n"
                               "name = Service\n"
                               "kind = service\n"
                               "server = smtp.{region}.service.example:587 starttls\n"
                               "username = other\n"
                               "username_note = the name shown beside the key\n"
                               "password = app-password\n") },
    { "hosting.ini", SPAN_INIT("[provider hosting]\n"
                               "name = Hosting\n"
                               "kind = mailbox\n"
                               "server = mail.{domain}:587 starttls\n"
                               "username = other\n"
                               "username_fixed = apikey\n"
                               "password = taken\n") },
};

static struct knowledge *known;

static int make_known(void **state)
{
    (void)state;
    struct err err = { 0 };

    if (!know_new(providers, COUNT(providers), &known, &err))
        print_error("%s\n", err.text);
    return known ? 0 : -1;
}

static int free_known(void **state)
{
    (void)state;
    knowledge_free(known);
    return 0;
}

/* An account from "key=value" texts; NULL and *err where it is refused. */
static struct account *account_of(const char *const *keys, struct err *err)
{
    OWN(account) account = NULL;

    *err = (struct err){ 0 };
    if (!account_new(SPAN("mine"), &account, err))
        return NULL;
    for (; *keys; keys++) {
        struct span rest = span_of(*keys), key;
        char name[64] = { 0 };
        assert_true(span_split(&rest, '=', &key) && key.len < sizeof name);
        memcpy(name, key.at, key.len);
        if (!account_set(account, name, rest, err))
            return NULL;
    }
    if (!account_fill(account, known, err))
        return NULL;
    return GIVE(account);
}

#define KEYS(...) (const char *const[]){ __VA_ARGS__, NULL }

static void test_filled(void **state)
{
    const struct {
        const char *label;
        const char *const *keys;
        const char *provider, *server, *security, *auth, *username;
    } rows[] = {
        { "only an address", KEYS("address=me@mailbox.example"), "mailbox", "smtp.mailbox.example:465", "tls",
          "password", "me" },
        { "the other security", KEYS("address=me@mailbox.example", "security=starttls"), "mailbox",
          "smtp.mailbox.example:587", "starttls", "password", "me" },
        { "the host says the port", KEYS("address=me@mailbox.example", "server=old.mailbox.example"),
          "mailbox", "old.mailbox.example:2525", "starttls", "password", "me" },
        { "a port of the profile's", KEYS("address=me@mailbox.example", "server=smtp.mailbox.example:587"),
          "mailbox", "smtp.mailbox.example:587", "starttls", "password", "me" },
        { "a server of one's own at a known domain", KEYS("address=me@closed.example", "server=10.0.0.1"), "",
          "10.0.0.1:587", "starttls", "password", "me@closed.example" },
        { "465 is TLS", KEYS("address=me@x.example", "server=mail.x.example:465"), "",
          "mail.x.example:465", "tls", "password", "me@x.example" },
        { "TLS is 465", KEYS("address=me@x.example", "server=mail.x.example", "security=tls"), "",
          "mail.x.example:465", "tls", "password", "me@x.example" },
        { "an old name of the provider's", KEYS("address=me@x.example", "server=mail.closed.example"),
          "closed", "mail.closed.example:587", "starttls", "oauth", "me@x.example" },
        { "no passwords there", KEYS("address=me@closed.example"), "closed", "smtp.closed.example:587",
          "starttls", "oauth", "me@closed.example" },
        { "a provider by name", KEYS("address=me@x.example", "provider=hosting"), "hosting",
          "mail.x.example:587", "starttls", "password", "apikey" },
        { "a user name by hand", KEYS("address=me@mailbox.example", "username=you"), "mailbox",
          "smtp.mailbox.example:465", "tls", "password", "you" },
        { "no sign-in, no user name", KEYS("address=me@mailbox.example", "auth=none"), "mailbox",
          "smtp.mailbox.example:465", "tls", "none", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err;
        OWN(account) account = account_of(rows[i].keys, &err);
        HELD(buf) server = BUF(300), auth = BUF(20);
        if (!account)
            fail_msg("case \"%s\": %s", rows[i].label, err.text);
        setting_show(setting_find(&account_kind, SPAN("server")), account, &server);
        setting_show(setting_find(&account_kind, SPAN("auth")), account, &auth);
        check_bytes(rows[i].label, span_of(account->provider), span_of(rows[i].provider));
        check_bytes(rows[i].label, buf_span(&server), span_of(rows[i].server));
        check_bytes(rows[i].label, span_of(security_word(account_security(account))),
                    span_of(rows[i].security));
        check_bytes(rows[i].label, buf_span(&auth), span_of(rows[i].auth));
        check_bytes(rows[i].label, span_of(account->username), span_of(rows[i].username));
        check_row(rows[i].label, account_check(account, &err));
    }
}

static void test_limits_and_defaults(void **state)
{
    (void)state;
    struct err err;
    OWN(account) account = account_of(KEYS("address=me@mailbox.example", "limit.connections=0",
                                           "limit.messages_per_day=5"), &err);

    assert_non_null(account);
    assert_int_equal(account->limits.messages_per_minute, 30);
    assert_int_equal(account->limits.messages_per_day, 5);
    assert_int_equal(account->limits.connections, 0); /* no limit: it was said */
    assert_int_equal(account->limits.message_size, 1000);
    assert_int_equal(account_pipeline(account), PIPELINE_COMMANDS);
    assert_int_equal(account->other_senders, OTHER_SENDERS_REWRITE);
    assert_int_equal(account->pipeline_window, 32);
    assert_string_equal(account->secret, "file");
    assert_int_equal(account->transport, TRANSPORT_AUTO);
    assert_null(account->client_secret); /* there is one only where a person said so */
    assert_null(account->certificate);
}

/* Only what a person said goes into the file. */
static void test_text(void **state)
{
    (void)state;
    struct err err;
    HELD(buf) text = BUF(1000);
    OWN(account) account = account_of(KEYS("address=me@mailbox.example", "name=My Name"), &err);

    assert_true(account_text(account, &text, &err));
    check_bytes("text", buf_span(&text),
                SPAN("[account mine]\naddress = me@mailbox.example\nname = My Name\n"));
}

static void test_refused(void **state)
{
    const struct {
        const char *label;
        const char *const *keys;
        const char *want;
    } rows[] = {
        { "nothing tells the server", KEYS("address=me@x.example"), "account mine: server: none is named" },
        { "no such profile", KEYS("address=me@x.example", "provider=nowhere"),
          "provider: there is no profile of this name" },
        { "a region is wanted", KEYS("address=me@x.example", "provider=service"), "one for each region" },
        { "no address", KEYS("server=smtp.x.example"), "address: the account needs a mail address" },
        { "only a person knows the user name",
          KEYS("address=me@x.example", "provider=service", "server=smtp.eu.service.example"),
          "username: the name shown beside the key" },
        { "a URL as server", KEYS("address=me@x.example", "server=smtp://x"), "server: HOST:PORT" },
        { "no TLS to another machine", KEYS("address=me@x.example", "server=x.example", "security=none"),
          "security: none is for this machine only" },
        { "no TLS, no sign-in, not allowed",
          KEYS("address=me@x.example", "server=x.example", "security=none", "auth=none"),
          "allow_plaintext = yes" },
        { "a certificate without its key", KEYS("address=me@mailbox.example", "client_certificate=c.pem"),
          "client_certificate: it wants its key" },
        { "a password over HTTPS",
          KEYS("address=me@mailbox.example", "server=x.example", "auth=password", "transport=graph"),
          "transport: it wants auth = oauth, or a token" },
        { "a key without its certificate", KEYS("address=me@mailbox.example", "client_key=k.pem"),
          "client_key: it wants its certificate" },
        { "an application proves itself once",
          KEYS("address=me@mailbox.example", "client_secret=file", "certificate=file"),
          "certificate: an application proves itself by it or by client_secret" },
        { "a secret that is written out", KEYS("address=me@mailbox.example", "client_secret=hunter2"),
          "client_secret: file, keyring, systemd:NAME, command:" },
        { "likewise", KEYS("address=me@mailbox.example", "certificate=/etc/app.pem"),
          "certificate: file, keyring, systemd:NAME, command:" },
        { "a proxy of another kind", KEYS("address=me@mailbox.example", "proxy=http://127.0.0.1:3128"),
          "proxy: socks5://HOST:PORT is wanted" },
        { "no TLS to this machine, through a proxy: it is another's",
          KEYS("address=me@x.example", "server=127.0.0.1:25", "security=none", "proxy=socks5://127.0.0.1:9050"),
          "security: none is for this machine only" },
        { "a sign-in that changes, in a keyring", KEYS("address=me@closed.example", "auth=oauth", "secret=keyring"),
          "secret: an OAuth sign-in changes with each use" },
        { "no such transport", KEYS("address=me@mailbox.example", "transport=pigeon"), "transport: " },
        { "allowed, but with a sign-in",
          KEYS("address=me@x.example", "server=x.example", "security=none", "allow_plaintext=yes"),
          "security: none is for this machine only" },
    };
    const struct {
        const char *label;
        const char *const *keys;
    } good[] = {
        { "a certificate and its key", KEYS("address=me@mailbox.example", "client_certificate=c.pem",
                                            "client_key=k.pem") },
        { "a sign-in from elsewhere", KEYS("address=me@closed.example", "auth=oauth", "secret=systemd:live") },
        { "a proxy", KEYS("address=me@mailbox.example", "proxy=socks5://127.0.0.1:9050") },
        { "an application's certificate", KEYS("address=me@mailbox.example", "certificate=command:pass app") },
        { "plaintext on this machine", KEYS("address=me@x.example", "server=127.0.0.1:25", "security=none") },
        { "by name", KEYS("address=me@x.example", "server=localhost:25", "security=none") },
        { "by IPv6", KEYS("address=me@x.example", "server=[::1]:25", "security=none") },
        { "where it is allowed", KEYS("address=me@x.example", "server=x.example", "security=none", "auth=none",
                                      "allow_plaintext=yes") },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err;
        OWN(account) account = account_of(rows[i].keys, &err);
        check_row(rows[i].label, !account || !account_check(account, &err));
        if (!strstr(err.text, rows[i].want))
            fail_msg("case \"%s\": %s", rows[i].label, err.text);
        bool no_name = span_starts(span_of(err.text), "server: HOST:PORT");
        check_row(rows[i].label, err.kind == ERR_CONFIG && strcmp(err.fact, no_name ? "name:malformed" : "config:bad") == 0);
    }
    for (size_t i = 0; i < COUNT(good); i++) {
        struct err err;
        OWN(account) account = account_of(good[i].keys, &err);
        check_row(good[i].label, account && account_check(account, &err));
    }
}

static void test_may_sign_in(void **state)
{
    const struct {
        const char *label;
        const char *const *keys;
        enum err_kind kind;
        const char *fact;
    } rows[] = {
        { "a password where it is taken", KEYS("address=me@mailbox.example"), ERR_NONE, NULL },
        { "a password where none is", KEYS("address=me@closed.example", "auth=password"), ERR_SIGNIN,
          "profile:no-passwords" },
        { "at an old name of the server",
          KEYS("address=me@x.example", "auth=password", "server=mail.closed.example"), ERR_SIGNIN,
          "profile:no-passwords" },
        { "a token there", KEYS("address=me@closed.example", "auth=token", "secret=command:token"), ERR_NONE,
          NULL },
        { "OAuth without a client", KEYS("address=me@closed.example"), ERR_CONFIG,
          "oauth:client-id-missing" },
        { "OAuth with one", KEYS("address=me@closed.example", "client_id=app"), ERR_NONE, NULL },
        { "OAuth at nobody knows where",
          KEYS("address=me@x.example", "server=x.example", "auth=oauth", "client_id=app"), ERR_CONFIG, "config:bad" },
        { "no sign-in", KEYS("address=me@closed.example", "auth=none"), ERR_NONE, NULL },
        { "a password at one's own server", KEYS("address=me@closed.example", "server=10.0.0.1"), ERR_NONE,
          NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err;
        OWN(account) account = account_of(rows[i].keys, &err);
        assert_non_null(account);
        err = (struct err){ 0 };
        bool ok = account_check_sendable(account, &err);
        check_row(rows[i].label, ok == (rows[i].kind == ERR_NONE) && err.kind == rows[i].kind);
        if (rows[i].fact)
            check_row(rows[i].label, strcmp(err.fact, rows[i].fact) == 0);
    }
}

static void test_mechanisms(void **state)
{
    const struct {
        const char *label;
        const char *const *keys;
        const char *want;
    } rows[] = {
        { "of the profile, for a password", KEYS("address=me@mailbox.example"), "PLAIN, LOGIN" },
        { "of the profile, for a token", KEYS("address=me@mailbox.example", "auth=token"), "XOAUTH2" },
        { "named", KEYS("address=me@mailbox.example", "mechanisms=cram-md5, login"), "LOGIN, CRAM-MD5" },
        { "named, but of another sort", KEYS("address=me@mailbox.example", "mechanisms=xoauth2"), "" },
        { "no profile, for a token", KEYS("address=me@x.example", "server=x.example", "auth=token"),
          "XOAUTH2, OAUTHBEARER" },
        { "no sign-in", KEYS("address=me@mailbox.example", "auth=none"), "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err;
        HELD(buf) list = BUF(300);
        OWN(account) account = account_of(rows[i].keys, &err);
        assert_non_null(account);
        sasl_list(&list, account_mechanisms(account));
        check_bytes(rows[i].label, buf_span(&list), span_of(rows[i].want));
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct world world;
        struct err err;

        world_begin(&world, n);
        struct account *account = account_of(KEYS("address=me@mailbox.example", "send_as=a@b.example, *@c"), &err);
        bool failed = world_end(&world);
        assert_true(account || (failed && err.kind != ERR_NONE));
        account_free(account);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filled),
        cmocka_unit_test(test_limits_and_defaults),
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_may_sign_in),
        cmocka_unit_test(test_mechanisms),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
