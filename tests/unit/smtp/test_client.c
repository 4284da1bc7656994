/* What dialogues can't tell: deadlines, bounds, plans that are refused, and SCRAM, whose nonces are
 * never the same. */
#include "support/check.h"

#include "base/base64.h"
#include "mail/envelope.h"
#include "smtp/client.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static struct smtp_client *client_with(const struct smtp_plan *plan)
{
    struct err err = { 0 };
    struct smtp_client *client = smtp_client_new(plan, 0, &err);

    if (!client)
        fail_msg("no client: %s", err.text);
    return client;
}

static const struct smtp_plan plain_plan = { .hello = "me.example", .security = SMTP_SECURITY_NONE };

static void say(struct smtp_client *client, const char *text, uint64_t now)
{
    smtp_client_recv(client, span_of(text), now);
}

/* Writes all that is there. */
static void flush(struct smtp_client *client, uint64_t now)
{
    smtp_client_wrote(client, smtp_client_output(client).len, now);
}

static struct envelope *envelope_to(const char *const *to, size_t count)
{
    struct envelope *envelope = envelope_new();

    assert_true(envelope_set_sender(envelope, SPAN("me@example.net"), NULL));
    for (size_t i = 0; i < count; i++)
        assert_true(envelope_add(envelope, span_of(to[i]), NULL));
    return envelope;
}

static const struct {
    const char *label;
    struct smtp_plan plan;
    bool good;
} plans[] = {
    { "a domain", { .hello = "me.example", .security = SMTP_SECURITY_TLS }, true },
    { "an address literal", { .hello = "[192.0.2.1]", .security = SMTP_SECURITY_TLS }, true },
    { "a line end", { .hello = "me\r\nMAIL", .security = SMTP_SECURITY_TLS }, false },
    { "a blank", { .hello = "me example", .security = SMTP_SECURITY_TLS }, false },
    { "nothing", { .hello = "", .security = SMTP_SECURITY_TLS }, false },
    { "not as it goes on the wire", { .hello = "b\xc3\xbc" "cher.example" }, false },
    { "a password in clear text",
      { .hello = "me", .security = SMTP_SECURITY_NONE, .mechanisms = SASL_BIT(SASL_PLAIN) },
      false },
    { "the same, allowed",
      { .hello = "me", .security = SMTP_SECURITY_NONE, .mechanisms = SASL_BIT(SASL_PLAIN),
        .clear_password = true },
      true },
};

static void test_plans(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(plans); i++) {
        struct err err = { 0 };
        OWN(smtp_client) client = smtp_client_new(&plans[i].plan, 0, &err);
        check_row(plans[i].label, (client != NULL) == plans[i].good);
        check_row(plans[i].label, client || err.kind != ERR_NONE);
    }
}

static void check_deadline(struct smtp_client *client, const char *label, uint64_t want)
{
    if (smtp_client_deadline(client) != want)
        fail_msg("%s: the deadline is %llu, not %llu", label,
                 (unsigned long long)smtp_client_deadline(client), (unsigned long long)want);
}

/* RFC 5321, 4.5.3.2, each counted from the last thing that went forward. */
static void test_deadlines(void **state)
{
    static const char *const to[] = { "you@example.org" };
    (void)state;
    OWN(envelope) envelope = envelope_to(to, 1);
    OWN(smtp_client) client = client_with(&plain_plan);

    check_deadline(client, "greeting", 5 * MINUTE);
    say(client, "220", 1000);
    check_deadline(client, "half a reply is no progress", 5 * MINUTE);
    say(client, " hi\r\n", 2000);
    check_deadline(client, "EHLO", 2000 + 5 * MINUTE);
    flush(client, 3000);
    check_deadline(client, "EHLO written", 3000 + 5 * MINUTE);
    say(client, "250 hi\r\n", 4000);
    check_deadline(client, "between messages", UINT64_MAX);

    smtp_client_send(client, envelope, 0, 1, 10000);
    check_deadline(client, "MAIL", 10000 + 5 * MINUTE);
    flush(client, 10000);
    say(client, "250 ok\r\n", 11000);
    flush(client, 11000);
    say(client, "250 ok\r\n", 12000);
    flush(client, 12000);
    check_deadline(client, "DATA", 12000 + 2 * MINUTE);
    say(client, "354 go\r\n", 13000);
    check_deadline(client, "the body is ours to give", UINT64_MAX);
    smtp_client_body(client, SPAN("a\r\n"), false, 14000);
    check_deadline(client, "a block", 13000 + 3 * MINUTE);
    flush(client, 15000);
    check_deadline(client, "the block is gone", UINT64_MAX);
    smtp_client_body(client, SPAN("b\r\n"), true, 16000);
    flush(client, 16000);
    check_deadline(client, "the final word", 16000 + 10 * MINUTE);
    say(client, "250 ok\r\n", 17000);
    smtp_client_quit(client, 18000);
    check_deadline(client, "QUIT", 18000 + 5 * SECOND);
}

static void test_patience(void **state)
{
    (void)state;
    struct smtp_plan plan = plain_plan;

    plan.patience = 10;
    OWN(smtp_client) client = client_with(&plan);
    check_deadline(client, "a tenth", 30 * SECOND);
}

static void test_what_is_shown(void **state)
{
    (void)state;
    OWN(smtp_client) client = client_with(&plain_plan);

    assert_int_equal(smtp_client_stage(client), STAGE_GREETING);
    assert_int_equal(smtp_client_last_code(client), 0);
    say(client, "220-mail.example.org\r\n220 here\r\n", 0);
    check_bytes("greeting", smtp_client_greeting(client), SPAN("mail.example.org here"));
    assert_string_equal(smtp_client_doing(client), "saying EHLO");
    flush(client, 0);
    say(client, "250-x\r\n250-SIZE 5\r\n250 LIMITS RCPTMAX=7 MAILMAX=3\r\n", 0);
    assert_int_equal(smtp_client_extensions(client)->size, 5);
    assert_int_equal(smtp_client_recipients_max(client), 7);
    assert_int_equal(smtp_client_transactions_left(client), 3);
    assert_int_equal(smtp_client_last_code(client), 250);
    assert_int_equal(smtp_client_need(client), SMTP_NEED_ENVELOPE);
    assert_null(smtp_client_mechanism(client));
    assert_null(smtp_client_failure(client));
}

/* Between the handshake and the second EHLO nothing is known of the server. */
static void test_handshake_forgets(void **state)
{
    (void)state;
    struct smtp_plan plan = plain_plan;

    plan.security = SMTP_SECURITY_STARTTLS;
    OWN(smtp_client) client = client_with(&plan);
    say(client, "220 hi\r\n", 0);
    flush(client, 0);
    say(client, "250-hi\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n", 0);
    flush(client, 0);
    say(client, "220 go\r\n", 0);
    assert_true(smtp_offers_mechanism(smtp_client_extensions(client), "PLAIN"));
    smtp_client_secured(client, SPAN_NONE, 0);
    assert_int_equal(smtp_client_extensions(client)->offered, 0);
    assert_int_equal(smtp_client_extensions(client)->mechanism_count, 0);
}

/* A transaction for some of an envelope's recipients. */
static void test_slice(void **state)
{
    static const char *const to[] = { "a@x.org", "b@x.org", "c@x.org", "d@x.org" };
    (void)state;
    OWN(envelope) envelope = envelope_to(to, 4);
    OWN(smtp_client) client = client_with(&plain_plan);
    struct smtp_outcome outcome;

    say(client, "220 hi\r\n", 0);
    flush(client, 0);
    say(client, "250-hi\r\n250 PIPELINING\r\n", 0);
    smtp_client_send(client, envelope, 1, 2, 0);
    check_bytes("said", smtp_client_output(client),
                SPAN("MAIL FROM:<me@example.net>\r\nRCPT TO:<b@x.org>\r\nRCPT TO:<c@x.org>\r\n"
                     "DATA\r\n"));
    flush(client, 0);
    say(client, "250 ok\r\n250 ok\r\n550 no\r\n354 go\r\n", 0);
    smtp_client_body(client, SPAN("a\r\n"), true, 0);
    flush(client, 0);
    say(client, "250 ok\r\n", 0);
    smtp_client_outcome(client, 1, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_TAKEN);
    smtp_client_outcome(client, 2, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_REFUSED);
    smtp_client_outcome(client, 0, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_OPEN);
    smtp_client_outcome(client, 3, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_OPEN);
}

/* More recipients than may be under way at once: the pipeline's window moves along. */
static void test_a_thousand_recipients(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_to(NULL, 0);
    OWN(smtp_client) client = client_with(&plain_plan);
    struct smtp_outcome outcome;
    size_t answered = 0, asked = 0;

    for (unsigned i = 0; i < 1001; i++) {
        HELD(buf) address = BUF(100);
        buf_addf(&address, "u%u@example.org", i);
        assert_true(envelope_add(envelope, buf_span(&address), NULL));
    }
    say(client, "220 hi\r\n", 0);
    flush(client, 0);
    say(client, "250-hi\r\n250 PIPELINING\r\n", 0);
    smtp_client_send(client, envelope, 0, 1001, 0);
    while (smtp_client_need(client) == SMTP_NEED_BYTES) {
        struct span said = smtp_client_output(client), line;
        while (span_split(&said, '\n', &line))
            asked++;
        flush(client, 0);
        assert_true(asked - answered <= 64);
        bool data = answered == 1001; /* MAIL and 1000 recipients before it */
        say(client, data                  ? "354 go\r\n"
                    : answered % 2        ? "250 ok\r\n"
                                          : "250 2.0.0 yes, this one as well\r\n",
            0);
        answered++;
    }
    assert_int_equal(smtp_client_need(client), SMTP_NEED_BODY);
    assert_int_equal(answered, 1002);
    smtp_client_body(client, SPAN_NONE, true, 0);
    flush(client, 0);
    say(client, "250 ok\r\n", 0);
    smtp_client_outcome(client, 999, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_TAKEN);
    smtp_client_outcome(client, 1000, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_LATER);
    assert_string_equal(outcome.err.fact, "recipients:too-many");
}

/* -- LIMITS -- */

static const struct {
    const char *label, *limits;
    const char *named; /* on this connection before; letters of `to` */
    size_t first, fit;
} fits[] = {
    { "no limit", "", "", 0, 5 },
    { "no limit, a later one", "", "", 3, 2 },
    { "nobody is left", "", "", 5, 0 },
    { "recipients", " RCPTMAX=2", "", 0, 2 },
    { "one domain", " RCPTDOMAINMAX=1", "", 0, 2 },
    { "one domain, from the other on", " RCPTDOMAINMAX=1", "", 2, 1 },
    { "two domains, the first of which comes again", " RCPTDOMAINMAX=2", "", 0, 4 },
    { "all domains", " RCPTDOMAINMAX=3", "", 0, 5 },
    { "the smaller of two", " RCPTMAX=3 RCPTDOMAINMAX=2", "", 0, 3 },
    { "the same domain as before", " RCPTDOMAINMAX=1", "a", 0, 2 },
    { "another than before", " RCPTDOMAINMAX=1", "c", 0, 0 },
    { "the second before, the first new", " RCPTDOMAINMAX=2", "c", 0, 4 },
    { "both before, a third new", " RCPTDOMAINMAX=2", "ac", 4, 0 },
    { "messages", " MAILMAX=2", "a", 0, 5 },
    { "a message too many", " MAILMAX=1", "a", 0, 0 },
    { "a limit of zero is none", " RCPTDOMAINMAX=0", "a", 0, 5 },
};

/* One message to this recipient. */
static void name_one(struct smtp_client *client, const struct envelope *envelope, size_t recipient)
{
    smtp_client_send(client, envelope, recipient, 1, 0);
    flush(client, 0);
    say(client, "250 ok\r\n250 ok\r\n354 go\r\n", 0);
    smtp_client_body(client, SPAN("a\r\n"), true, 0);
    flush(client, 0);
    say(client, "250 ok\r\n", 0);
    assert_int_equal(smtp_client_need(client), SMTP_NEED_ENVELOPE);
}

static void test_limits(void **state)
{
    static const char *const to[] = { "a@x.org", "b@X.ORG", "c@y.org", "d@x.org", "e@z.org" };
    (void)state;
    OWN(envelope) envelope = envelope_to(to, COUNT(to));

    for (size_t i = 0; i < COUNT(fits); i++) {
        OWN(smtp_client) client = client_with(&plain_plan);
        HELD(buf) hello = BUF(200);
        buf_addf(&hello, "250-hi\r\n250-PIPELINING\r\n250 LIMITS%s\r\n", fits[i].limits);
        say(client, "220 hi\r\n", 0);
        flush(client, 0);
        say(client, buf_text(&hello), 0);
        for (const char *c = fits[i].named; *c; c++)
            name_one(client, envelope, (size_t)(*c - 'a'));
        check_row(fits[i].label,
                  smtp_client_recipients_fit(client, envelope, fits[i].first) == fits[i].fit);
    }
}

/* A connection counts a thousand domains and no more: where more are allowed, another one takes the rest. */
static void test_many_domains(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_to(NULL, 0);
    OWN(smtp_client) client = client_with(&plain_plan);

    for (unsigned i = 0; i < 1000; i++) {
        HELD(buf) address = BUF(100);
        buf_addf(&address, "u@d%u.example.org", i);
        assert_true(envelope_add(envelope, buf_span(&address), NULL));
    }
    say(client, "220 hi\r\n", 0);
    flush(client, 0);
    say(client, "250-hi\r\n250 LIMITS RCPTDOMAINMAX=999999\r\n", 0);
    assert_int_equal(smtp_client_recipients_fit(client, envelope, 0), 1000);
}

/* -- SCRAM, both sides of it -- */

static void exchange_step(struct smtp_client *client, struct sasl_server *server)
{
    struct span line = span_trim(smtp_client_output(client));
    HELD(buf) bytes = BUF(4096), reply = BUF(4096);
    size_t space = span_find_last(line, ' ');

    assert_true(base64_decode(&bytes, span_from(line, space < line.len ? space + 1 : 0)));
    flush(client, 0);
    sasl_server_input(server, buf_span(&bytes));
    if (sasl_server_need(server) == SASL_NEED_KEY) {
        OWN(secret) password = secret_new(SPAN("pencil"));
        sasl_server_password(server, password);
    }
    if (sasl_server_need(server) == SASL_NEED_SEND) {
        buf_add(&reply, "334 ");
        base64_encode(&reply, sasl_server_output(server));
        sasl_server_sent(server);
    } else {
        buf_add(&reply, sasl_server_need(server) == SASL_DONE ? "235 welcome" : "535 no");
    }
    buf_add(&reply, "\r\n");
    smtp_client_recv(client, buf_span(&reply), 0);
}

/* Signs in with this password, by a key salted outside; true: it was let in. */
static bool scram(struct span password)
{
    struct smtp_plan plan = {
        .hello = "me.example",
        .security = SMTP_SECURITY_TLS,
        .mechanisms = SASL_BIT(SASL_SCRAM_SHA_256),
        .user = "user",
    };
    OWN(smtp_client) client = client_with(&plan);
    OWN(sasl_server) server = NULL;

    const struct sasl_server_plan served = { .mechanism = SASL_SCRAM_SHA_256 };

    assert_true(sasl_server_new(&served, &server, NULL));
    assert_int_equal(smtp_client_need(client), SMTP_NEED_TLS);
    smtp_client_secured(client, SPAN_NONE, 0);
    say(client, "220 hi\r\n", 0);
    flush(client, 0);
    say(client, "250-hi\r\n250 AUTH SCRAM-SHA-256\r\n", 0);
    for (unsigned rounds = 0; smtp_client_need(client) == SMTP_NEED_BYTES && rounds < 6; rounds++) {
        exchange_step(client, server);
        if (smtp_client_need(client) == SMTP_NEED_KEY) {
            struct sasl_salting how = smtp_client_salting(client);
            OWN(secret) key = sasl_salt(&how, password);
            check_deadline(client, "salting is ours", UINT64_MAX);
            smtp_client_key(client, key, 0);
        }
    }
    assert_string_equal(smtp_client_mechanism(client), "SCRAM-SHA-256");
    assert_int_equal(smtp_client_signed_in(client), smtp_client_need(client) == SMTP_NEED_ENVELOPE);
    return smtp_client_signed_in(client);
}

static void test_scram(void **state)
{
    (void)state;
    assert_true(scram(SPAN("pencil")));
    assert_false(scram(SPAN("pencils")));
}

/* Whatever the server says, and whenever: it ends, and what is kept stays small. */
static void test_misuse_is_harmless(void **state)
{
    static const char *const to[] = { "you@example.org" };
    (void)state;
    OWN(envelope) envelope = envelope_to(to, 1);
    OWN(smtp_client) client = client_with(&plain_plan);
    OWN(secret) secret = secret_new(SPAN("x"));
    struct smtp_outcome outcome;

    smtp_client_send(client, envelope, 0, 1, 0);
    smtp_client_body(client, SPAN("x"), true, 0);
    smtp_client_quit(client, 0);
    smtp_client_credential(client, secret, 0);
    smtp_client_key(client, secret, 0);
    smtp_client_secured(client, SPAN_NONE, 0);
    smtp_client_wrote(client, 100, 0);
    smtp_client_outcome(client, 0, &outcome);
    assert_int_equal(outcome.fate, SMTP_FATE_OPEN);
    assert_int_equal(smtp_client_need(client), SMTP_NEED_BYTES);
    smtp_client_closed(client);
    smtp_client_closed(client);
    smtp_client_expired(client);
    say(client, "220 hi\r\n", 0);
    assert_int_equal(smtp_client_need(client), SMTP_NEED_NOTHING);
    assert_string_equal(smtp_client_failure(client)->err.fact, "greeting:closed");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plans),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_patience),
        cmocka_unit_test(test_what_is_shown),
        cmocka_unit_test(test_handshake_forgets),
        cmocka_unit_test(test_slice),
        cmocka_unit_test(test_a_thousand_recipients),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_many_domains),
        cmocka_unit_test(test_scram),
        cmocka_unit_test(test_misuse_is_harmless),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
