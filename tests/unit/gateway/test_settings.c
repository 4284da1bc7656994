#include "support/check.h"

#include "gateway/settings.h"
#include "know/knowledge.h"
#include "support/scratch.h"

static const struct config_part *const parts[] = { &listen_part, &user_part, NULL };

#define ACCOUNT "[account live]\naddress = me@live.example\nserver = smtp.live.example:587\n"

static bool load(struct scratch *dir, const char *text, struct config **ret_config, struct err *err)
{
    const struct knowledge_text little = { "little.ini", SPAN("[provider little]\nname = Little\n") };
    const struct place place = {
        .scope = PLACE_GIVEN,
        .config = (char *)(uintptr_t)scratch_file(dir, "outpost.conf", text, 0600),
        .drop_in = (char *)(uintptr_t)scratch_path(dir, "outpost.conf.d"),
    };
    OWN(knowledge) know = NULL;
    OWN(config) config = NULL;

    *err = (struct err){ 0 };
    assert_true(know_new(&little, 1, &know, err));
    if (!config_load(&place, &disk_system, parts, &config, err) || !config_fill(config, know, err))
        return false;
    *ret_config = GIVE(config);
    return true;
}

/* -- the fences of a listener -- */

#define LAN  "address = 0.0.0.0:587\n"
#define HOME "address = 127.0.0.1:587\n"
#define NETS "allow = 192.168.1.0/24, fd00::/8\n"

static const struct {
    const char *label, *text, *why; /* NULL: taken */
} listeners[] = {
    { "the usual", LAN, NULL },
    { "no address", "security = tls\n", "address: the listener needs an address" },
    { "a host name", "address = mail.example.org:587\n", "ADDRESS:PORT is wanted" },
    { "a port that is none", "address = 0.0.0.0:0\n", "ADDRESS:PORT is wanted" },
    { "open to all", LAN "allow = any\n", NULL },
    { "to some", LAN NETS, NULL },
    { "to nobody", LAN "allow = ,\n", "private, any, or a list of networks is wanted: nobody could come in" },
    { "not a network", LAN "allow = 192.168.1.0/24, home\n", "\"home\" is no network" },
    { "words and networks do not mix", LAN "allow = private, 192.0.2.1\n", "\"private\" is no network" },
    { "all, by another name", LAN "allow = 0.0.0.0/0\n", "a network of that size names nobody" },
    { "half of all", LAN "allow = 0.0.0.0/1, 128.0.0.0/1\n", "a network of that size names nobody" },
    { "all of IPv6", LAN "allow = ::/0\n", "a network of that size names nobody" },
    { "bits behind the prefix", LAN "allow = 192.168.1.20/24\n", "there are bits behind the first 24" },

    { "plain passwords, by default", LAN "plaintext_auth = yes\n", "only with an allow that names networks" },
    { "plain passwords, privately", LAN "plaintext_auth = yes\nallow = private\n",
      "only with an allow that names networks" },
    { "plain passwords, anywhere", LAN "plaintext_auth = yes\nallow = any\n",
      "only with an allow that names networks" },
    { "plain passwords, named", LAN "plaintext_auth = yes\n" NETS, NULL },
    { "plain passwords at home", HOME "plaintext_auth = yes\n", NULL },
    { "old TLS, by default", LAN "tls_minimum = 1.0\n", "TLS before 1.2 is taken only with an allow" },
    { "old TLS, anywhere", LAN "tls_minimum = 1.1\nallow = any\n", "TLS before 1.2 is taken only" },
    { "old TLS, named", LAN "tls_minimum = 1.0\n" NETS, NULL },
    { "new TLS", LAN "tls_minimum = 1.3\n", NULL },
    { "no such TLS", LAN "tls_minimum = 1.4\n", "one of these words is wanted" },
    { "bare, by default", LAN "security = none\nplaintext_auth = yes\n", "only with an allow that names networks" },
    { "bare, privately, for those without a password", LAN "security = none\nno_password_from = 10.0.0.1\n",
      "none is for this machine" },
    { "bare, and nobody can sign in", LAN "security = none\n" NETS, "without TLS nobody can sign in here" },
    { "bare, named", LAN "security = none\nplaintext_auth = yes\n" NETS, NULL },
    { "bare, without a password", LAN "security = none\nno_password_from = 192.168.1.7\n" NETS, NULL },
    { "bare at home", HOME "security = none\n", NULL },
    { "bare at home, IPv6", "address = [::1]:25\nsecurity = none\n", NULL },
    { "bare at home, by name", "address = localhost:25\nsecurity = none\n", NULL },
    { "bare on a socket", "address = unix:/run/outpost/smtp\nsecurity = none\n", NULL },
    { "a socket without a path", "address = unix:\n", "ADDRESS:PORT is wanted" },
    { "a socket somewhere", "address = unix:smtp\n", "ADDRESS:PORT is wanted" },

    { "no password from some", LAN "no_password_from = 192.168.1.20/32\n", NULL },
    { "no password from any", LAN "no_password_from = any\n", "\"any\" is no network" },
    { "no password from all", LAN "no_password_from = 0.0.0.0/0\n", "names nobody" },
    { "no password from strangers", LAN "no_password_from = 203.0.113.9\n", "allow does not let in all of these" },
    { "a proxy anywhere", LAN "proxy_from = any\n", "\"any\" is no network" },
    { "XCLIENT from anybody", LAN "xclient_from = 0.0.0.0/0\n", "names nobody" },

    { "half a certificate", LAN "tls_certificate = /a\n", "a certificate and its key go together" },
    { "the other half", LAN "tls_key = /a\n", "a certificate and its key go together" },
    { "an account", LAN "account = live\n", NULL },
    { "another account", LAN "account = work\n", "account: there is no account or route of this name" },
    { "not a name", LAN "account = ../x\n", "account: a name begins with" },
    { "repair", LAN "line_ends = repair\n", NULL },
    { "while waiting", LAN "deliver = while-waiting\n", NULL },
    { "two at one address", LAN "[listen b]\n" LAN, "address: another listener has this address" },
    { "two at one address, one by default", LAN "[listen b]\naddress = 0.0.0.0\n", "another listener has" },
    { "two at one name", "address = *:25\n" NETS "[listen b]\naddress = *:25\n", "another listener has" },
    { "two on one socket", "address = unix:/a\n[listen b]\naddress = unix:/a\n", "another listener has" },
    { "two ports", LAN "[listen b]\naddress = 0.0.0.0:465\nsecurity = tls\n", NULL },
    { "two addresses", HOME "[listen b]\naddress = 127.0.0.2:587\n", NULL },
};

static void test_fences(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(listeners); i++) {
        SCRATCH(dir);
        HELD(buf) text = BUF(4096);
        struct err err;
        OWN(config) config = NULL;

        buf_addf(&text, "%s[listen a]\n%s", ACCOUNT, listeners[i].text);
        bool ok = load(dir, buf_text(&text), &config, &err);
        if (ok != !listeners[i].why || (!ok && !strstr(err.text, listeners[i].why)))
            fail_msg("case \"%s\": %s", listeners[i].label, ok ? "taken" : err.text);
        if (!ok)
            check_row(listeners[i].label, strstr(err.text, "outpost.conf:") || strstr(err.text, "listen a: "));
    }
}

/* -- where it listens -- */

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        unsigned security;
        enum listen_where where;
        uint16_t port;
        bool local;
    } rows[] = {
        { "0.0.0.0:2525", GATEWAY_STARTTLS, LISTEN_AT_IP, 2525, false },
        { "0.0.0.0", GATEWAY_STARTTLS, LISTEN_AT_IP, 587, false },
        { "0.0.0.0", GATEWAY_AUTO, LISTEN_AT_IP, 587, false },
        { "0.0.0.0", GATEWAY_TLS, LISTEN_AT_IP, 465, false },
        { "*", GATEWAY_NONE, LISTEN_AT_ANY, 25, false },
        { "*:1025", GATEWAY_NONE, LISTEN_AT_ANY, 1025, false },
        { "::", GATEWAY_TLS, LISTEN_AT_IP, 465, false },
        { "[::1]:25", GATEWAY_NONE, LISTEN_AT_IP, 25, true },
        { "[::1]", GATEWAY_TLS, LISTEN_AT_IP, 465, true },
        { "::1", GATEWAY_TLS, LISTEN_AT_IP, 465, true },
        { "127.0.0.2:1", GATEWAY_TLS, LISTEN_AT_IP, 1, true },
        { "LocalHost:65535", GATEWAY_TLS, LISTEN_AT_LOCALHOST, 65535, true },
        { "unix:/run/x", GATEWAY_NONE, LISTEN_AT_UNIX, 0, true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct listen_settings settings = { .address = (char *)(uintptr_t)rows[i].text,
                                                  .security = rows[i].security };
        struct listen_address address;
        check_row(rows[i].text, listen_address(&settings, &address));
        check_row(rows[i].text, address.where == rows[i].where && address.port == rows[i].port);
        check_row(rows[i].text, listen_is_local(&settings) == rows[i].local);
        if (address.where == LISTEN_AT_UNIX)
            assert_string_equal(address.path, "/run/x");
    }
    static const char *const none[] = { "", ":587", "0.0.0.0:", "0.0.0.0:65536", "0.0.0.0:x", "1.2.3:25",
                                        "[::1]:x", "[::1", "::1]:25", "[127.0.0.1]:25", "*x:25", "unix:" };
    for (size_t i = 0; i < COUNT(none); i++) {
        const struct listen_settings settings = { .address = (char *)(uintptr_t)none[i] };
        struct listen_address address;
        check_row(none[i], !listen_address(&settings, &address));
    }
}

static void test_who_may_come_in(void **state)
{
    static const struct {
        const char *label, *allow, *from;
        bool in;
    } rows[] = {
        { "a neighbour, by default", NULL, "192.168.1.7", true },
        { "ourselves, by default", NULL, "127.0.0.1", true },
        { "a stranger, by default", NULL, "203.0.113.9", false },
        { "a carrier's customer, by default", NULL, "100.64.0.9", false },
        { "a neighbour on an IPv6 socket", "private", "::ffff:10.0.0.1", true },
        { "a stranger on an IPv6 socket", "private", "::ffff:8.8.8.8", false },
        { "a global IPv6 address", "private", "2001:db8::1", false },
        { "anybody", "any", "203.0.113.9", true },
        { "named", "192.168.1.0/24, fd00::/8", "fd12::1", true },
        { "not named", "192.168.1.0/24, fd00::/8", "192.168.2.1", false },
        { "ourselves are not named", "192.168.1.0/24", "127.0.0.1", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        HELD(buf) text = BUF(4096);
        OWN(config) config = NULL;
        struct err err;
        struct ip ip;

        buf_addf(&text, "[listen a]\n" LAN "%s%s\n", rows[i].allow ? "allow = " : "",
                 rows[i].allow ? rows[i].allow : "");
        assert_true(load(dir, buf_text(&text), &config, &err));
        assert_true(ip_parse(span_of(rows[i].from), &ip));
        check_row(rows[i].label, listen_allows(config_section(config, &listen_part, "a"), ip) == rows[i].in);
    }
}

static void test_weaknesses(void **state)
{
    static const struct {
        const char *label, *text;
        unsigned found;
    } rows[] = {
        { "none", LAN, 0 },
        { "at home nothing is weak", HOME "plaintext_auth = yes\nsecurity = none\n", 0 },
        { "plain", LAN NETS "plaintext_auth = yes\n", LISTEN_TAKES_PLAIN_PASSWORDS },
        { "old", LAN NETS "tls_minimum = 1.1\n", LISTEN_TAKES_OLD_TLS },
        { "bare", LAN NETS "security = none\nno_password_from = 192.168.1.9\n",
          LISTEN_WITHOUT_TLS | LISTEN_WITHOUT_PASSWORD },
        { "open", LAN "allow = ANY\n", LISTEN_OPEN_TO_ALL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        HELD(buf) text = BUF(4096);
        OWN(config) config = NULL;
        struct err err;

        buf_addf(&text, "[listen a]\n%s", rows[i].text);
        check_row(rows[i].label, load(dir, buf_text(&text), &config, &err));
        check_row(rows[i].label,
                  listen_weaknesses(config_section(config, &listen_part, "a")) == rows[i].found);
    }
}

/* -- users -- */

static void test_users(void **state)
{
#define HASH  "password = $argon2id$v=19$m=19456,t=2,p=1$Y6ih2MXM2kPtFCQKtncI1w$" \
              "ouMQLDI3eJsTe4Ixa2Q2MuQ6Qv3lGE8tk1vbgxeSoBs\n"
#define SCRAM "scram_sha_256 = 4096,AAECAwQFBgcICQoLDA0ODw==,RDNsqIFpiwPXgNK9ALzAi6zMJEXVVKh9XtRXfAFnxWs=," \
              "ZaHH5sTc/SdYyzmAXoNz28uAyx8I01iwOSMs6ZcJBWM=\n"
    static const struct {
        const char *label, *text, *why;
    } rows[] = {
        { "by hash", "[user a]\n" HASH, NULL },
        { "SCRAM's keys alone", "[user a]\n" SCRAM, "user a: password: the user needs a password" },
        { "both, and an account", "[user scanner@house]\n" HASH SCRAM "accounts = live\nother_senders = keep\n", NULL },
        { "no password", "[user a]\naccounts = live\n", "user a: password: the user needs a password" },
        { "a password as it is", "[user a]\npassword = hunter2\n", "password: a hash is wanted" },
        { "another account", "[user a]\n" HASH "accounts = live, work\n", "there is no account or route of one" },
        { "a name that is a path", "[user ../a]\n" HASH, "user: a name begins with" },
        { "other words", "[user a]\n" HASH "other_senders = ask\n", "one of these words is wanted" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        HELD(buf) text = BUF(4096);
        OWN(config) config = NULL;
        struct err err;

        buf_addf(&text, "%s%s", ACCOUNT, rows[i].text);
        bool ok = load(dir, buf_text(&text), &config, &err);
        if (ok != !rows[i].why || (!ok && !strstr(err.text, rows[i].why)))
            fail_msg("case \"%s\": %s", rows[i].label, ok ? "taken" : err.text);
        check_row(rows[i].label, ok || !strstr(err.text, "hunter2"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fences),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_who_may_come_in),
        cmocka_unit_test(test_weaknesses),
        cmocka_unit_test(test_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
