#include "support/check.h"

#include "base/buf.h"
#include "discover/candidate.h"
#include "know/embedded.h"

static struct candidate way(enum candidate_source source, const char *host, uint16_t port,
                            enum security security)
{
    struct candidate candidate = { .port = port, .security = security, .source = source };

    memcpy(candidate.host, host, strlen(host) + 1);
    return candidate;
}

static void write_all(struct buf *out, const struct candidates *candidates)
{
    for (size_t i = 0; i < candidates->count; i++) {
        const struct candidate *c = &candidates->at[i];
        buf_addf(out, "%s%s:%u/%s/%s%s%s", i ? " " : "", c->host, c->port, security_word(c->security),
                 candidate_source_word(c->source), c->refused ? "/refused" : "",
                 c->needs_confirmation ? "/confirm" : "");
    }
}

static void test_order_and_merging(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        struct {
            enum candidate_source source;
            const char *host;
            uint16_t port;
            enum security security;
        } added[4];
        const char *all;
    } cases[] = {
        { "the better source first, whoever came first",
          { { SOURCE_GUESS, "smtp.example.com", 465, SECURITY_TLS },
            { SOURCE_SRV, "mx.example.com", 465, SECURITY_TLS },
            { SOURCE_PROFILE, "p.example.net", 587, SECURITY_STARTTLS } },
          "p.example.net:587/starttls/profile mx.example.com:465/tls/srv "
          "smtp.example.com:465/tls/guess" },
        { "one way is one candidate, of its best source",
          { { SOURCE_GUESS, "smtp.example.com", 465, SECURITY_TLS },
            { SOURCE_AUTOCONFIG, "SMTP.example.com.", 465, SECURITY_TLS },
            { SOURCE_ISPDB, "smtp.example.com", 465, SECURITY_TLS } },
          "smtp.example.com:465/tls/autoconfig" },
        { "another port or security is another way",
          { { SOURCE_SRV, "a.example.com", 465, SECURITY_TLS },
            { SOURCE_SRV, "a.example.com", 587, SECURITY_STARTTLS },
            { SOURCE_SRV, "a.example.com", 587, SECURITY_TLS } },
          "a.example.com:465/tls/srv a.example.com:587/starttls/srv a.example.com:587/tls/srv" },
        { "clear text is shown and refused",
          { { SOURCE_AUTOCONFIG, "a.example.com", 25, SECURITY_NONE } },
          "a.example.com:25/none/autoconfig/refused" },
        { "a person said so: their choice",
          { { SOURCE_GIVEN, "127.0.0.1", 2525, SECURITY_NONE } }, "127.0.0.1:2525/none/given" },
        { "the domain's DNS alone can't name a stranger",
          { { SOURCE_SRV, "smtp.example.net", 465, SECURITY_TLS },
            { SOURCE_SRV, "badexample.com", 465, SECURITY_TLS },
            { SOURCE_SRV, "example.com", 465, SECURITY_TLS } },
          "smtp.example.net:465/tls/srv/confirm badexample.com:465/tls/srv/confirm "
          "example.com:465/tls/srv" },
        { "its web server can, whoever else says it too",
          { { SOURCE_SRV, "smtp.example.net", 465, SECURITY_TLS },
            { SOURCE_AUTOCONFIG, "smtp.example.net", 465, SECURITY_TLS } },
          "smtp.example.net:465/tls/srv" },
        { "neither can a database or the web server of a third",
          { { SOURCE_ISPDB, "smtp.example.net", 465, SECURITY_TLS },
            { SOURCE_MX_AUTOCONFIG, "b.example.net", 465, SECURITY_TLS } },
          "smtp.example.net:465/tls/ispdb/confirm b.example.net:465/tls/mx-autoconfig/confirm" },
        { "what is no host, or has no port, is not added",
          { { SOURCE_SRV, "a b", 465, SECURITY_TLS }, { SOURCE_SRV, "a.example.com", 0, SECURITY_TLS } },
          "" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct candidates candidates = { 0 };
        HELD(buf) all = BUF(4096);

        for (size_t k = 0; k < COUNT(cases[i].added) && cases[i].added[k].host; k++) {
            struct candidate candidate = way(cases[i].added[k].source, cases[i].added[k].host,
                                             cases[i].added[k].port, cases[i].added[k].security);
            candidates_add(&candidates, &candidate, SPAN("example.com"), NULL);
        }
        write_all(&all, &candidates);
        check_bytes(cases[i].label, buf_span(&all), span_of(cases[i].all));
    }
}

static void test_is_bounded(void **state)
{
    (void)state;
    struct candidates candidates = { 0 };
    struct candidate guess = way(SOURCE_GUESS, "smtp.example.com", 1, SECURITY_TLS);
    struct candidate srv = way(SOURCE_SRV, "mx.example.com", 1, SECURITY_TLS);

    for (uint16_t port = 1; port <= CANDIDATES_MAX; port++) {
        guess.port = port;
        assert_true(candidates_add(&candidates, &guess, SPAN("example.com"), NULL));
    }
    guess.port = 1000;
    assert_false(candidates_add(&candidates, &guess, SPAN("example.com"), NULL));
    assert_true(candidates_add(&candidates, &srv, SPAN("example.com"), NULL));
    assert_int_equal(candidates.count, CANDIDATES_MAX);
    assert_string_equal(candidates.at[0].host, "mx.example.com");
}

/* What the profiles know of a host that somebody else named. */
static void test_known_hosts(void **state)
{
    (void)state;
    OWN(knowledge) know = NULL;
    struct err err;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);
    struct candidates candidates = { 0 };
    struct candidate legacy = way(SOURCE_SRV, "smtp.live.com", 25, SECURITY_STARTTLS);
    struct candidate gmail = way(SOURCE_SRV, "smtp.gmail.com", 465, SECURITY_TLS);

    assert_true(know_new(texts, count, &know, &err));
    assert_true(candidates_add(&candidates, &legacy, SPAN("example.com"), know));
    assert_true(candidates_add(&candidates, &gmail, SPAN("example.com"), know));
    assert_string_equal(candidates.at[0].host, "smtp-mail.outlook.com");
    assert_int_equal(candidates.at[0].port, 587);
    assert_string_equal(candidates.at[0].profile->id, "outlook.com");
    assert_int_equal(candidates.at[0].auth_count, 1);
    assert_int_equal(candidates.at[0].auth[0], CANDIDATE_OAUTH);
    assert_string_equal(candidates.at[1].host, "smtp.gmail.com");
    assert_int_equal(candidates.at[1].auth_count, 2);
    assert_true(candidates.at[1].needs_confirmation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order_and_merging),
        cmocka_unit_test(test_is_bounded),
        cmocka_unit_test(test_known_hosts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
