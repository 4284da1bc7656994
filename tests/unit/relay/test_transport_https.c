/* Graph and Gmail by a server of the test's own: what is asked, what comes of it, and what nobody gets. */
#include "unit/relay/credentials.h"
#include "unit/relay/trip.h"
#include "unit/relay/api.h"

#include "account/grant.h"
#include "base/base64.h"
#include "know/embedded.h"
#include "know/knowledge.h"
#include "net/resolve.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

#define GRAPH "graph.microsoft.com"
#define GMAIL "gmail.googleapis.com"

static const char text[] = "From: me@live.com\r\nTo: a@example.net\r\nSubject: hi\r\n\r\nh\xc3\xa9llo\r\n.\r\n";

static struct knowledge *know;

/* ---- one account, one interface ---- */

struct visit {
    struct trip trip;
    struct api api;
    struct world world;
    struct scratch *scratch;
};

static const struct page taken[] = { { NULL, 202, NULL, "" } };

static struct account *account_for(const char *transport, const char *address)
{
    struct account *account = NULL;
    struct err err = { 0 };

    assert_true(account_new(SPAN("live"), &account, &err));
    assert_true(account_set(account, "address", span_of(address), &err));
    assert_true(account_set(account, "auth", SPAN("oauth"), &err));
    assert_true(account_set(account, "transport", span_of(transport), &err));
    if (!account_fill(account, know, &err))
        fail_msg("%s", err.text);
    return account;
}

static void visit_begin_at(struct visit *visit, enum identity_kind kind, const char *name,
                           const struct page *pages, size_t page_count)
{
    bool graph = strcmp(name, GMAIL) != 0;

    api_begin(&visit->api, kind, name, pages, page_count);
    trip_begin(&visit->trip,
               graph ? account_for("graph", "me@live.com") : account_for("gmail", "me@gmail.com"), text);
    visit->trip.world.credentials.detours = (struct dial_detours){ &visit->api.detour, 1 };
    visit->trip.world.credentials.ca_file = identity.ca_file;
    visit->scratch = scratch_new();
    world_init(&visit->world);
    struct credential_world *world = &visit->trip.world.credentials;
    world->clock = &visit->world.clock;
    world->secrets.disk = &visit->world.disk;
    world->secrets.dice = &visit->world.dice;
    world->secrets.state = scratch_root(visit->scratch);
    credentials_are("t1", "me@live.com");
}

static void visit_begin(struct visit *visit, const struct page *pages, size_t page_count)
{
    visit_begin_at(visit, IDENTITY_GOOD, GRAPH, pages, page_count);
}

static void visit_end(struct visit *visit)
{
    trip_end(&visit->trip);
    api_end(&visit->api);
    scratch_free(&visit->scratch);
}

/* ---- it goes ---- */

static void test_graph(void **state)
{
    struct visit visit;
    HELD(buf) got = BUF(10000);

    (void)state;
    visit_begin(&visit, taken, COUNT(taken));
    trip_open(&visit.trip);
    assert_string_equal(transport_name(visit.trip.transport), "graph");
    assert_int_equal(credentials.purpose, CREDENTIAL_HTTPS);
    assert_int_equal(visit.api.asked, 0);
    trip_send(&visit.trip, text);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit.trip.outcomes[0].evidence.err.reply, 202);
    assert_string_equal(visit.trip.outcomes[0].evidence.host, GRAPH);
    assert_string_equal(visit.trip.outcomes[0].evidence.provider, "outlook.com");
    assert_string_equal(buf_text(&visit.api.head),
                        "/v1.0/me/sendMail\n" GRAPH "\nBearer t1\ntext/plain");
    assert_true(base64_decode(&got, buf_span(&visit.api.body)));
    assert_string_equal(buf_text(&got), text);
    assert_int_equal(credentials.fetched, 1);
    visit_end(&visit);
}

static void test_gmail(void **state)
{
    static const char from_gmail[] = "From: me@gmail.com\r\nTo: a@example.net\r\n\r\nhi\r\n";
    static const struct page pages[] = { { NULL, 200, NULL, "{\"id\":\"1\"}" } };
    struct visit visit;
    struct err err;

    (void)state;
    visit_begin_at(&visit, IDENTITY_GOOD, GMAIL, pages, COUNT(pages));
    assert_true(envelope_add(visit.trip.envelope, SPAN("b@example.net"), &err));
    trip_open(&visit.trip);
    trip_send(&visit.trip, from_gmail);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit.trip.outcomes[1].fate, SMTP_FATE_TAKEN);
    assert_string_equal(buf_text(&visit.api.head), "/upload/gmail/v1/users/me/messages/send?uploadType=media\n" GMAIL
                                                   "\nBearer t1\nmessage/rfc822");
    assert_string_equal(buf_text(&visit.api.body),
                        "Bcc: b@example.net\r\nFrom: me@gmail.com\r\nTo: a@example.net\r\n\r\nhi\r\n");
    visit_end(&visit);
}

/* An application that signed in by itself has no mailbox of its own. */
static void test_application(void **state)
{
    struct visit visit;
    HELD(oauth_way) way = { .client_id = NULL };
    OWN(grant) grant = NULL;
    struct err err = { 0 };

    (void)state;
    visit_begin(&visit, taken, COUNT(taken));
    assert_true(account_set(visit.trip.account, "client_id", SPAN("app"), &err));
    if (!oauth_way_of(visit.trip.account, &way, &err) || !grant_new(visit.trip.account, &way, &grant, &err))
        fail_msg("%s", err.text);
    grant->application = true;
    if (!grant_keep(&visit.trip.world.credentials.secrets, visit.trip.account, grant, &err))
        fail_msg("%s", err.text);
    trip_open(&visit.trip);
    trip_send(&visit.trip, text);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_true(span_starts(buf_span(&visit.api.head), "/v1.0/users/me@live.com/sendMail\n"));
    visit_end(&visit);
}

/* One line for many, a token for each; and none of them is seen. */
static void test_many(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, taken, COUNT(taken));
    trip_open(&visit.trip);
    for (unsigned i = 1; i <= 3; i++) {
        trip_send(&visit.trip, text);
        assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
        assert_int_equal(visit.api.asked, i);
        assert_int_equal(credentials.fetched, i);
    }
    assert_int_equal(visit.api.relay.calls, 1);
    assert_int_equal(visit.trip.ready, 1);
    assert_non_null(strstr(buf_text(&visit.trip.seen), "> POST https://" GRAPH "/v1.0/me/sendMail (text/plain, "));
    assert_non_null(strstr(buf_text(&visit.trip.seen), "< 202 Accepted\n"));
    assert_null(strstr(buf_text(&visit.trip.seen), "t1"));
    visit_end(&visit);
}

/* ---- tokens ---- */

static void test_tokens(void **state)
{
    static const struct page pages[] = {
        { "good", 202, NULL, "" },
        { NULL, 401, NULL, "{\"error\":{\"code\":\"InvalidAuthenticationToken\"}}" },
    };
    static const struct {
        const char *label;
        const char *tokens[3];
        bool fails_fresh, fails;
        unsigned asked;
        enum smtp_fate fate; /* OPEN: the transport failed */
        enum stage stage;
    } cases[] = {
        { "good", { "good" }, false, false, 1, SMTP_FATE_TAKEN, STAGE_NONE },
        { "a fresh one", { "old", "good" }, false, false, 2, SMTP_FATE_TAKEN, STAGE_NONE },
        { "no other than the refused one", { "old" }, false, false, 1, SMTP_FATE_REFUSED, STAGE_HTTPS },
        { "the fresh one is no better: not again and again", { "old", "older", "good" }, false, false, 2,
          SMTP_FATE_REFUSED, STAGE_HTTPS },
        { "a fresh one can't be had", { "old" }, true, false, 1, SMTP_FATE_OPEN, STAGE_TOKEN },
        { "none can be had", { "old" }, false, true, 0, SMTP_FATE_OPEN, STAGE_TOKEN },
        { "one that would begin another header", { "good\r\nX-Evil: 1" }, false, false, 0, SMTP_FATE_OPEN,
          STAGE_TOKEN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        visit_begin(&visit, pages, COUNT(pages));
        memcpy(credentials.tokens, cases[i].tokens, sizeof cases[i].tokens);
        credentials.fails_fresh = cases[i].fails_fresh;
        credentials.fails = cases[i].fails;
        trip_open(&visit.trip);
        if (visit.trip.ready)
            trip_send(&visit.trip, text);
        check_row(cases[i].label, visit.api.asked == cases[i].asked);
        check_row(cases[i].label, visit.trip.outcomes[0].fate == cases[i].fate);
        check_row(cases[i].label, visit.trip.failed == (cases[i].fate == SMTP_FATE_OPEN));
        enum stage stage = visit.trip.failed ? visit.trip.failure.stage : visit.trip.outcomes[0].evidence.stage;
        check_row(cases[i].label, cases[i].fate == SMTP_FATE_TAKEN || stage == cases[i].stage);
        visit_end(&visit);
    }
}

/* ---- it does not go ---- */

static void test_answers(void **state)
{
    static const struct {
        const char *label;
        struct page page;
        enum smtp_fate fate;
        uint64_t wait_ms;
    } cases[] = {
        { "throttled", { NULL, 429, "Retry-After: 2.128", "{\"error\":{\"code\":\"TooManyRequests\"}}" },
          SMTP_FATE_LATER, 2200 },
        { "no answer behind it", { NULL, 504, NULL, "<html>" }, SMTP_FATE_UNKNOWN, 0 },
        { "too big", { NULL, 413, NULL, "" }, SMTP_FATE_REFUSED, 0 },
        { "elsewhere", { NULL, 307, "Location: https://evil.test/", "" }, SMTP_FATE_LATER, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        struct err err;
        visit_begin(&visit, &cases[i].page, 1);
        assert_true(envelope_add(visit.trip.envelope, SPAN("b@example.net"), &err));
        trip_open(&visit.trip);
        trip_send(&visit.trip, text);
        check_row(cases[i].label, visit.api.asked == 1 && visit.trip.sent == 1);
        for (size_t k = 0; k < 2; k++) {
            check_row(cases[i].label, visit.trip.outcomes[k].fate == cases[i].fate);
            check_row(cases[i].label, visit.trip.outcomes[k].evidence.wait_ms == cases[i].wait_ms);
        }
        visit_end(&visit);
    }
}

/* The whole request was there and no word came back. */
static void test_unknown(void **state)
{
    (void)state;
    for (unsigned silent = 0; silent < 2; silent++) {
        struct visit visit;
        visit_begin(&visit, taken, COUNT(taken));
        visit.api.cuts = !silent;
        visit.api.silent = silent;
        visit.trip.world.connect_timeout_ms = silent ? 1000 : 0;
        trip_open(&visit.trip);
        trip_send(&visit.trip, text);
        assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_UNKNOWN);
        assert_int_equal(visit.trip.outcomes[0].evidence.err.kind, ERR_UNKNOWN);
        assert_int_equal(visit.api.asked, 1);
        assert_int_equal(visit.trip.failed, 0);
        visit_end(&visit);
    }
}

/* A server that was not verified gets neither token nor message. */
static void test_nothing_for_strangers(void **state)
{
    static const struct {
        enum identity_kind kind;
        const char *name, *fact;
    } cases[] = {
        { IDENTITY_GOOD, "other.example.test", "cert:hostname" },
        { IDENTITY_EXPIRED, GRAPH, "cert:expired" },
        { IDENTITY_NOT_YET_VALID, GRAPH, "cert:not-yet-valid" },
        { IDENTITY_SELF_SIGNED, GRAPH, "cert:self-signed" },
        { IDENTITY_OTHER_ISSUER, GRAPH, "cert:untrusted-issuer" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        visit_begin_at(&visit, cases[i].kind, cases[i].name, taken, COUNT(taken));
        trip_open(&visit.trip);
        trip_send(&visit.trip, text);
        check_row(cases[i].fact, visit.trip.failed == 1 && visit.api.asked == 0);
        check_row(cases[i].fact, strcmp(visit.trip.failure.err.fact, cases[i].fact) == 0);
        check_row(cases[i].fact, visit.trip.failure.stage == STAGE_TLS);
        check_row(cases[i].fact, visit.trip.outcomes[0].fate == SMTP_FATE_OPEN);
        visit_end(&visit);
    }
}

static void test_nobody_there(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, taken, COUNT(taken));
    trip_open(&visit.trip);
    visit.api.detour.to_port = 1; /* nobody's */
    trip_send(&visit.trip, text);
    assert_int_equal(visit.trip.failed, 1);
    assert_int_equal(visit.trip.failure.stage, STAGE_HTTPS);
    assert_string_equal(visit.trip.failure.err.fact, "https:unreachable");
    visit_end(&visit);
}

/* Looked at before: nothing is asked. */
static void test_unfit(void **state)
{
    static const struct {
        const char *label, *text, *tied_to, *fact;
    } cases[] = {
        { "somebody else in To", "From: me@live.com\r\nTo: a@example.net, c@example.net\r\n\r\n", NULL,
          "https:recipients" },
        { "from another", "From: you@live.com\r\nTo: a@example.net\r\n\r\n", NULL, "sender:foreign" },
        { "it may have gone by SMTP", text, "smtp", "https:tied" },
        { "it went this way before", text, "graph", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        visit_begin(&visit, taken, COUNT(taken));
        visit.trip.tied_to = cases[i].tied_to;
        trip_open(&visit.trip);
        trip_send(&visit.trip, cases[i].text);
        const struct transport_outcome *outcome = &visit.trip.outcomes[0];
        if (cases[i].fact) {
            check_row(cases[i].label, outcome->fate == SMTP_FATE_REFUSED && visit.api.asked == 0);
            check_row(cases[i].label, strcmp(outcome->evidence.err.fact, cases[i].fact) == 0);
            visit.trip.tied_to = NULL;
            trip_send(&visit.trip, text); /* the transport is as good as before */
        }
        check_row(cases[i].label, outcome->fate == SMTP_FATE_TAKEN && visit.api.asked == 1);
        visit_end(&visit);
    }
}

/* There is no question without a message. */
static void test_not_rehearsed(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, taken, COUNT(taken));
    trip_open(&visit.trip);
    const struct transport_message message = { .envelope = visit.trip.envelope, .count = 1, .rehearsal = true,
                                               .outcomes = visit.trip.outcomes };
    visit.trip.within = true;
    transport_send(visit.trip.transport, &message);
    visit.trip.within = false;
    run(&visit.trip);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_LATER);
    assert_int_equal(visit.api.asked, 0);
    trip_send(&visit.trip, text);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    visit_end(&visit);
}

/* ---- memory runs out while a message is handed over ---- */

static void test_no_memory(void **state)
{
    bool ran_out = true;

    (void)state;
    for (unsigned n = 1; ran_out; n++) {
        struct visit visit;
        visit_begin(&visit, taken, COUNT(taken));
        trip_open(&visit.trip);
        alloc_fail_at(n);
        hand_over(&visit.trip);
        ran_out = alloc_failed();
        alloc_fail_at(0);
        run(&visit.trip);
        assert_int_equal(visit.trip.sent + visit.trip.failed, 1);
        assert_true(ran_out || visit.trip.outcomes[0].fate == SMTP_FATE_TAKEN);
        visit_end(&visit);
    }
}

/* ---- closing at any time ---- */

static void test_closed_in_between(void **state)
{
    struct visit visit;
    struct err err;

    (void)state;
    visit_begin(&visit, taken, COUNT(taken));
    assert_true(transport_open(&visit.trip.world, visit.trip.account, &trip_events, &visit.trip,
                               &visit.trip.transport, &err));
    visit_end(&visit);

    visit_begin(&visit, taken, COUNT(taken));
    trip_open(&visit.trip);
    hand_over(&visit.trip);
    loop_turn(loop);
    visit_end(&visit);
    assert_int_equal(visit.trip.sent + visit.trip.failed, 0);
}

static int set_up(void **state)
{
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);
    struct err err;

    (void)state;
    identity_make(&identity);
    identity.protocol = "http/1.1";
    if (!know_new(texts, count, &know, NULL) || !loop_new(&loop, &err))
        return -1;
    return resolver_new(loop, &(struct resolver_plan){ .seed = 1 }, &resolver, &err) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    resolver_free(resolver);
    loop_free(loop);
    knowledge_free(know);
    identity_done(&identity);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_graph),
        cmocka_unit_test(test_gmail),
        cmocka_unit_test(test_application),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_tokens),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_unknown),
        cmocka_unit_test(test_nothing_for_strangers),
        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_unfit),
        cmocka_unit_test(test_not_rehearsed),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_closed_in_between),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
