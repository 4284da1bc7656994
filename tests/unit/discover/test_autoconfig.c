#include "support/check.h"

#include "base/buf.h"
#include "discover/autoconfig.h"
#include "support/alloc_fails.h"

#define ADDRESS "jane.doe@example.com"

#define HEAD "<?xml version=\"1.0\"?><clientConfig version=\"1.1\"><emailProvider id=\"example.com\">"
#define TAIL "</emailProvider></clientConfig>"
#define SMTP(inner) "<outgoingServer type=\"smtp\">" inner "</outgoingServer>"
#define AT(host, port, socket) \
    "<hostname>" host "</hostname><port>" port "</port><socketType>" socket "</socketType>"
#define USER(name) "<username>" name "</username>"
#define AUTH(word) "<authentication>" word "</authentication>"
#define SASL(word) "<authentication system=\"sasl\">" word "</authentication>"
#define GOOD \
    AT("smtp.example.com", "465", "SSL") USER("%EMAILADDRESS%") AUTH("password-cleartext")
#define GOOD_FOUND "smtp.example.com:465 tls password jane.doe@example.com"

/* "host:port security auth,auth username" of each server found, one after another. */
static void write_found(struct buf *out, const struct autoconfig *found)
{
    for (size_t i = 0; i < found->count; i++) {
        const struct candidate *c = &found->at[i];
        buf_addf(out, "%s%s:%u %s ", i ? "; " : "", c->host, c->port, security_word(c->security));
        for (size_t k = 0; k < c->auth_count; k++)
            buf_addf(out, "%s%s", k ? "," : "", candidate_auth_word(c->auth[k]));
        buf_addf(out, " %s", c->username);
    }
}

static void test_reads(void **state)
{
    (void)state;
    static const struct {
        const char *label, *xml, *found;
    } cases[] = {
        { "one server", HEAD SMTP(GOOD) TAIL, GOOD_FOUND },
        { "incoming servers and unknown elements are passed over",
          HEAD "<displayName>Ex</displayName><incomingServer type=\"imap\">" GOOD
               "</incomingServer><new><hostname>evil</hostname></new>" SMTP("<x/>" GOOD) TAIL,
          GOOD_FOUND },
        { "an outgoing server of another kind is passed over",
          HEAD "<outgoingServer type=\"ews\">" GOOD "</outgoingServer>" SMTP(GOOD) TAIL, GOOD_FOUND },
        { "two servers keep their order, and every way to sign in",
          HEAD SMTP(AT(" a.example ", " 587\n", "STARTTLS") USER("%EMAILLOCALPART%")
               AUTH("OAuth2") AUTH("password-cleartext") AUTH("OAuth2")) SMTP(GOOD) TAIL,
          "a.example:587 starttls oauth,password jane.doe; " GOOD_FOUND },
        { "placeholders are filled in the host too, and what came in is not looked at again",
          HEAD SMTP(AT("smtp.%EMAILDOMAIN%", "465", "SSL")
               USER("%EMAILDOMAIN%\\%EMAILLOCALPART%%X%") AUTH("password-encrypted")) TAIL,
          "smtp.example.com:465 tls password example.com\\jane.doe%X%" },
        { "clear text is told as it is",
          HEAD SMTP(AT("a.example", "25", "plain") AUTH("none")) TAIL, "a.example:25 none none " },
        { "names of SASL mechanisms",
          HEAD SMTP(AT("a.example", "465", "SSL") SASL("SCRAM-SHA-256") SASL("OAUTHBEARER")) TAIL,
          "a.example:465 tls password,oauth " },
        { "a SASL name that is not said to be one",
          HEAD SMTP(AT("a.example", "465", "SSL") AUTH("SCRAM-SHA-256")) TAIL, "" },
        { "entities of XML itself",
          HEAD SMTP(AT("a&#46;example", "465", "SSL") USER("a&amp;b") AUTH("none")) TAIL,
          "a.example:465 tls none a&b" },
        { "text in pieces",
          HEAD SMTP(AT("a<!-- c -->.exa<![CDATA[mple]]>", "465", "SSL") AUTH("none")) TAIL,
          "a.example:465 tls none " },
        { "a control character in the user name",
          HEAD SMTP(AT("a.example", "465", "SSL") USER("a&#127;b") AUTH("none")) TAIL,
          "a.example:465 tls none " },
        { "only a way to sign in that we lack",
          HEAD SMTP(AT("a.example", "465", "SSL") AUTH("GSSAPI")) TAIL, "" },
        { "no port", HEAD SMTP("<hostname>a.example</hostname><socketType>SSL</socketType>"
                               AUTH("none")) TAIL, "" },
        { "a port too high", HEAD SMTP(AT("a.example", "65536", "SSL") AUTH("none")) TAIL, "" },
        { "an unknown kind of socket",
          HEAD SMTP(AT("a.example", "465", "QUIC") AUTH("none")) TAIL, "" },
        { "a server outside of a provider", "<clientConfig>" SMTP(GOOD) "</clientConfig>", "" },
        { "a server deeper than it should be", HEAD "<group>" SMTP(GOOD) "</group>" TAIL, "" },
        { "leaves in a server's element below it do not count",
          HEAD SMTP("<x>" GOOD "</x>") TAIL, "" },
        { "what one server says is not the next one's",
          HEAD SMTP(GOOD) SMTP("<port>465</port>") TAIL, GOOD_FOUND },
        { "nothing at all", HEAD TAIL, "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct autoconfig found;
        struct err err = { 0 };
        HELD(buf) text = BUF(2048);

        if (!autoconfig_parse(span_of(cases[i].xml), SPAN(ADDRESS), &found, &err))
            fail_msg("case \"%s\": %s", cases[i].label, err.text);
        write_found(&text, &found);
        check_bytes(cases[i].label, buf_span(&text), span_of(cases[i].found));
    }
}

static void test_refuses(void **state)
{
    (void)state;
    static const struct {
        const char *label, *xml, *says;
    } cases[] = {
        { "empty", "", "not XML" },
        { "a web page", "<html><body>404</body></html>", "not a clientConfig" },
        { "cut short", HEAD SMTP(GOOD), "not XML" },
        { "a document type", "<!DOCTYPE clientConfig>" HEAD SMTP(GOOD) TAIL, "document type" },
        { "an entity", "<!DOCTYPE x [<!ENTITY a \"aaaa\">]>" HEAD "&a;" TAIL, "document type" },
        { "an undefined entity", HEAD "&a;" TAIL, "not XML" },
        { "21 elements deep",
          "<clientConfig><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>", "too deep" },
        { "an odd encoding", "<?xml version=\"1.0\" encoding=\"x-none\"?><clientConfig/>", "not XML" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct autoconfig found = { .count = 77 };
        struct err err = { 0 };

        check_row(cases[i].label,
                  !autoconfig_parse(span_of(cases[i].xml), SPAN(ADDRESS), &found, &err));
        check_row(cases[i].label, found.count == 77);
        check_row(cases[i].label, strstr(err.text, cases[i].says) != NULL);
    }
}

static void test_limits(void **state)
{
    (void)state;
    HELD(buf) xml = BUF(2 * AUTOCONFIG_MAX);
    struct autoconfig found;
    struct err err = { 0 };

    buf_add(&xml, HEAD);
    for (int i = 0; i < AUTOCONFIG_SERVERS_MAX + 3; i++)
        buf_add(&xml, SMTP(GOOD));
    buf_add(&xml, TAIL);
    assert_true(autoconfig_parse(buf_span(&xml), SPAN(ADDRESS), &found, &err));
    assert_int_equal(found.count, AUTOCONFIG_SERVERS_MAX);

    while (xml.len < AUTOCONFIG_MAX)
        buf_add_char(&xml, ' ');
    assert_true(autoconfig_parse(buf_span(&xml), SPAN(ADDRESS), &found, &err));
    buf_add_char(&xml, ' ');
    assert_false(autoconfig_parse(buf_span(&xml), SPAN(ADDRESS), &found, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct autoconfig found = { 0 };
        struct err err = { 0 };
        size_t before = alloc_alive();

        alloc_fail_at(n);
        bool ok = autoconfig_parse(SPAN(HEAD SMTP(GOOD) TAIL), SPAN(ADDRESS), &found, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(alloc_alive(), before);
        assert_true(ok || err.kind != ERR_NONE);
        if (!failed) {
            assert_true(ok && found.count == 1);
            return;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
