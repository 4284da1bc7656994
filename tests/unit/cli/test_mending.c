/* What of an account's settings is changed, for which cause and by what was seen; and what never is. */
#include <stdio.h>

#include "support/check.h"

#include "cli/mending.h"
#include "support/knowledge.h"

/* "key = value; key = value" */
static struct account *account_of(const char *label, const char *settings)
{
    struct span rest = span_of(settings), part;
    struct account *account = NULL;
    struct err err = { 0 };

    assert_true(account_new(SPAN("test"), &account, &err));
    while (span_split(&rest, ';', &part)) {
        char key[64];
        size_t equals = span_find(part, '=');
        snprintf(key, sizeof key, "%.*s", SPAN_ARG(span_trim(span_cut(part, 0, equals))));
        if (!account_set(account, key, span_trim(span_from(part, equals + 1)), &err))
            fail_msg("case \"%s\": %s", label, err.text);
    }
    if (!account_fill(account, know, &err) || !account_check(account, &err))
        fail_msg("case \"%s\": %s", label, err.text);
    return account;
}

/* "port 465 tls works; sibling 587 starttls works smtp.example.com" */
static void read_view(const char *text, const char *host, struct around_view *view)
{
    static const char *const roles[] = { "port", "otherwise", "sibling", "other", "web" };
    static const char *const states[] = { "untried", "works", "answers", "silent" };
    struct span rest = span_of(text), part;

    *view = (struct around_view){ 0 };
    while (span_split(&rest, ';', &part)) {
        struct around_sight *sight = &view->at[view->count++];
        char role[16], security[16], state[16], other[64] = "";
        HELD(buf) words = BUF(200);
        unsigned port;
        buf_add_span(&words, span_trim(part));
        assert_true(sscanf(buf_text(&words), "%15s %u %15s %15s %63s", role, &port, security, state, other) >= 4);
        while (strcmp(role, roles[sight->role]) != 0)
            assert_true(++sight->role < COUNT(roles));
        while (strcmp(state, states[sight->state]) != 0)
            assert_true(++sight->state < COUNT(states));
        sight->port = (uint16_t)port;
        assert_true(security_from_word(span_of(security), &sight->security));
        snprintf(sight->host, sizeof sight->host, "%s", other[0] ? other : host);
    }
}

#define OWN_SERVER "address = me@example.test; server = mail.example.test:587; security = starttls"
#define MICROSOFT "address = me@live.com; auth = "

static const struct {
    const char *label, *account, *cause, *around;
    const char *changes; /* "key=value key=value", "" for none */
    bool wants_sign_in, guess;
} cases[] = {
    { "587 blocked, 465 open", OWN_SERVER, "connect_timeout_port_blocked", "port 465 tls works; port 25 starttls works",
      "server=mail.example.test:465 security=tls", false, false },
    { "587 blocked, only 25 open: that is no way for mail of people", OWN_SERVER, "connect_timeout_port_blocked",
      "port 25 starttls works; port 465 tls silent", "", false, false },
    { "465 answers, but not rightly", OWN_SERVER, "connect_timeout_port_blocked", "port 465 tls answers", "", false, false },
    { "another provider's server is no way", OWN_SERVER, "connect_timeout_port_blocked",
      "other 587 starttls works smtp.gmail.com; web 443 tls works graph.microsoft.com", "", false, false },
    { "2525 is better than nothing", OWN_SERVER, "connect_refused_no_listener", "port 2525 starttls works",
      "server=mail.example.test:2525", false, false },
    { "465 is better than 2525", OWN_SERVER, "connect_refused_no_listener", "port 2525 starttls works; port 465 tls works",
      "server=mail.example.test:465 security=tls", false, false },
    { "the port speaks by the other encryption", "address = me@example.test; server = mail.example.test:587; security = tls",
      "tls_on_plaintext_port", "port 465 tls works; otherwise 587 starttls works", "security=starttls", false, false },
    { "STARTTLS said to a TLS port", "address = me@example.test; server = mail.example.test:465; security = starttls",
      "plaintext_on_tls_port", "otherwise 465 tls works", "security=tls", false, false },
    { "no STARTTLS, and TLS on 465", OWN_SERVER, "starttls_not_offered", "port 465 tls works",
      "server=mail.example.test:465 security=tls", false, false },
    { "no STARTTLS and nothing else: never without encryption", OWN_SERVER, "starttls_not_offered", "", "", false, false },
    { "another server of the provider", "address = me@example.test; server = mail.example.test:587",
      "connect_refused_firewall", "sibling 465 tls works smtp.example.test", "server=smtp.example.test:465 security=tls", false, false },
    { "port 25, and 587 open", "address = me@example.test; server = mail.example.test:25; security = starttls",
      "wrong_port_use_submission", "port 587 starttls works", "server=mail.example.test:587", false, false },
    { "a typing error, and the address tells whose", "address = me@gmail.com; server = smpt.gmail.com:465; security = tls",
      "dns_host_not_found", "", "server=smtp.gmail.com:465", false, false },
    { "a typing error, with a domain of one's own", "address = me@example.test; server = smtp.gmial.com:587",
      "dns_host_not_found", "", "server=smtp.gmail.com:465 security=tls", false, false },
    { "a name that is like nobody's", OWN_SERVER, "dns_host_not_found", "", "", false, false },
    { "the certificate is another's, and the provider's server is known",
      "address = me@gmail.com; server = mail.gmail.com:465; security = tls", "cert_hostname_mismatch", "",
      "server=smtp.gmail.com:465", false, false },
    { "the certificate is another's, and nothing is known", OWN_SERVER, "cert_hostname_mismatch", "", "", false, false },
    { "SMTP shut, and told to go by SMTP alone", MICROSOFT "oauth; client_id = x; transport = smtp", "connect_timeout_port_blocked", "",
      "transport=auto", false, false },
    { "SMTP shut for a password: HTTPS takes none", "address = me@gmail.com; auth = password; transport = smtp",
      "connect_timeout_port_blocked", "", "", false, false },
    { "switched off for the mailbox", MICROSOFT "token; transport = smtp", "auth_smtp_disabled_mailbox", "", "transport=auto", false, false },
    { "switched off, and HTTPS is allowed already", MICROSOFT "token; transport = auto", "auth_smtp_disabled_mailbox", "", "", false, false },
    { "no passwords any more, with an application's id", MICROSOFT "password; client_id = x", "auth_basic_disabled", "",
      "auth=oauth", true, false },
    { "the same, with mechanisms for passwords", MICROSOFT "password; client_id = x; mechanisms = plain", "auth_basic_disabled", "",
      "auth=oauth mechanisms=", true, false },
    { "no passwords any more, without one: a person's to get", MICROSOFT "password", "auth_basic_disabled", "", "", false, false },
    { "perhaps no passwords any more", MICROSOFT "password; client_id = x", "auth_basic_disabled", "", "", false, true },
    { "a user name that is none here", "address = me@gmail.com; username = me", "auth_bad_credentials", "",
      "username=me@gmail.com", false, false },
    { "the user name is right: the password is a person's", "address = me@gmail.com", "auth_bad_credentials", "", "", false, false },
    { "a user name somewhere", OWN_SERVER "; username = me", "auth_bad_credentials", "", "", false, false },
    { "a service's fixed user name", "address = me@example.test; provider = sendgrid; username = me@example.test",
      "auth_bad_credentials", "", "username=apikey", false, false },
    { "mechanisms that the provider has not", "address = me@gmail.com; mechanisms = scram-sha-256", "auth_no_common_mechanism", "",
      "mechanisms=", false, false },
    { "mechanisms that the provider has not, and bind to the line", "address = me@gmail.com; mechanisms = scram-sha-256-plus, cram-md5",
      "auth_no_common_mechanism", "", "mechanisms=", false, false },
    { "PLAIN alone, which shows the password as LOGIN does", "address = me@example.test; server = smtp.office365.com:587; auth = password; "
      "mechanisms = plain, scram-sha-256", "auth_no_common_mechanism", "", "mechanisms=", false, false },
    { "mechanisms for tokens that the provider has not", MICROSOFT "token; mechanisms = oauthbearer", "auth_no_common_mechanism", "",
      "mechanisms=", false, false },
    { "mechanisms that were chosen, at a server nobody knows", OWN_SERVER "; mechanisms = scram-sha-256", "auth_no_common_mechanism",
      "", "", false, false },
    { "not the certificate's faults", OWN_SERVER, "cert_expired", "port 465 tls works", "", false, false },
    { "nor a pin", OWN_SERVER, "tls_interception", "port 465 tls works", "", false, false },
    { "nor what is somebody else's", OWN_SERVER, "connect_timeout_client_banned", "port 465 tls works", "", false, false },
    { "a server on this machine, without encryption: as it was wished",
      "address = me@example.test; server = localhost:2587; security = none; auth = none", "connect_refused_no_listener",
      "port 465 tls works", "", false, false },
};

static void write_changes(const struct mending *mending, char *out, size_t room)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < mending->count; i++)
        len += (size_t)snprintf(out + len, room - len, "%s%s=%s", i ? " " : "", mending->changes[i].key,
                                mending->changes[i].value);
}

static void choose(size_t at, const struct account *account, struct mending *mending)
{
    struct around_view view;
    const struct around_target target = {
        .host = account->server.name, .port = account->server.port, .security = account_security(account),
        .profile = know_profile_of_host(know, span_of(account->server.name)),
    };
    const struct doctor_report report = {
        .target = &target, .judged = true, .around = &view,
        .verdict = { .cause = know_cause(know, cases[at].cause), .guess = cases[at].guess },
    };

    check_row(cases[at].label, report.verdict.cause != NULL);
    read_view(cases[at].around, account->server.name, &view);
    mending_choose(account, know, &report, mending);
}

static void test_what_is_changed(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(account) account = account_of(cases[i].label, cases[i].account);
        struct mending mending;
        char changes[512];
        choose(i, account, &mending);
        write_changes(&mending, changes, sizeof changes);
        if (strcmp(changes, cases[i].changes) != 0)
            fail_msg("case \"%s\": got \"%s\", want \"%s\"", cases[i].label, changes, cases[i].changes);
        check_row(cases[i].label, mending.wants_sign_in == cases[i].wants_sign_in);
        check_row(cases[i].label, mending.is_weaker == !strncmp(cases[i].label, "mechanisms that the provider has not", 36));
        check_row(cases[i].label, mending.is_strange == !strcmp(cases[i].label, "a typing error, with a domain of one's own"));
    }
}

/* The account as it would be has what was written, the changes, and is filled anew. */
static void test_the_account_as_it_would_be(void **state)
{
    (void)state;
    OWN(account) account = account_of("made", "address = me@gmail.com; name = My Name; server = smpt.gmail.com:587; "
                                              "tls_pin = sha256:" "0000000000000000000000000000000000000000000000000000000000000000; "
                                              "ca_file = /etc/ca.pem; mechanisms = plain, login; send_as = a@example.test, b@example.test");
    const struct mending mending = {
        .changes = { { "server", "smtp.gmail.com:465" }, { "security", "tls" }, { "mechanisms", "" } }, .count = 3,
    };
    OWN(account) made = NULL;
    HELD(buf) text = BUF(4096);

    assert_true(mending_account(account, &mending, know, &made, NULL));
    assert_true(account_text(made, &text, NULL));
    assert_string_equal(buf_text(&text),
                        "[account test]\naddress = me@gmail.com\nname = My Name\nserver = smtp.gmail.com:465\nsecurity = tls\n"
                        "send_as = a@example.test, b@example.test\nca_file = /etc/ca.pem\n"
                        "tls_pin = sha256:0000000000000000000000000000000000000000000000000000000000000000\n");
    assert_non_null(made->profile);
    assert_string_equal(made->profile->id, "gmail");
    assert_string_equal(made->username, "me@gmail.com");
}

/* Another mechanism than those that were named has signed in. */
static void test_what_signs_in(void **state)
{
    static const struct {
        const char *account, *works;
        bool is_usual;
        const char *changes;
        bool is_weaker;
    } rows[] = {
        { OWN_SERVER "; mechanisms = cram-md5", "PLAIN", true, "mechanisms=", true },
        { OWN_SERVER "; mechanisms = cram-md5", "PLAIN", false, "mechanisms=PLAIN", true },
        { OWN_SERVER "; mechanisms = cram-md5", "SCRAM-SHA-256", true, "mechanisms=", false },
        { OWN_SERVER "; mechanisms = plain", "LOGIN", false, "mechanisms=LOGIN", false },
        { OWN_SERVER, "LOGIN", false, "", false },
        { OWN_SERVER "; mechanisms = cram-md5", NULL, false, "", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(account) account = account_of(rows[i].account, rows[i].account);
        const struct around_target target = { .host = account->server.name, .port = 587, .security = SECURITY_STARTTLS };
        const struct around_view view = { 0 };
        const struct doctor_report report = {
            .target = &target, .judged = true, .around = &view, .mechanism = rows[i].works, .mechanism_is_usual = rows[i].is_usual,
            .verdict = { .cause = know_cause(know, "auth_no_common_mechanism") },
        };
        struct mending mending;
        char changes[512];
        mending_choose(account, know, &report, &mending);
        write_changes(&mending, changes, sizeof changes);
        check_bytes(rows[i].account, span_of(changes), span_of(rows[i].changes));
        check_row(rows[i].account, mending.is_weaker == rows[i].is_weaker && mending.was_tried == (mending.count > 0));
    }
}

static void test_nothing_is_wrong(void **state)
{
    (void)state;
    OWN(account) account = account_of("well", OWN_SERVER);
    const struct doctor_report report = { .ok = true };
    struct mending mending = { .count = 3 };

    mending_choose(account, know, &report, &mending);
    assert_int_equal(mending.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_changed),
        cmocka_unit_test(test_the_account_as_it_would_be),
        cmocka_unit_test(test_what_signs_in),
        cmocka_unit_test(test_nothing_is_wrong),
    };
    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
