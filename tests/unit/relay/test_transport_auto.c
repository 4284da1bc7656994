/* transport = auto: SMTP first, the provider's HTTPS where SMTP is shut, and what is remembered of it. */
#include "unit/relay/credentials.h"
#include "unit/relay/trip.h"
#include "unit/relay/api.h"

#include "know/embedded.h"
#include "know/knowledge.h"
#include "net/resolve.h"
#include "relay/choice.h"
#include "support/scratch.h"
#include "support/smtp_peer.h"
#include "support/world.h"

#define GRAPH "graph.microsoft.com"
#define DAY   (24 * 3600ull * 1000)
#define START (20000 * DAY)

static const char text[] = "From: me@live.com\r\nTo: a@example.net\r\n\r\nhello\r\n";
static const struct page taken[] = { { NULL, 202, NULL, "" } };
static const struct smtp_peer_row open_door[] = { { .begins = "AUTH ", .reply = "235 2.7.0 in\r\n" } };
static const struct smtp_peer_row switched_off[] = {
    { .begins = "AUTH ", .reply = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is "
                                  "disabled for the Mailbox.\r\n" },
};

static struct knowledge *know;

struct visit {
    struct trip trip;
    struct smtp_peer peer;
    struct api api;
    struct world world;
    struct scratch *scratch;
};

static const struct knowledge *what_is_known(void *of)
{
    (void)of;
    return know;
}

static struct account *account_at(uint16_t port, const char *auth)
{
    struct account *account = NULL;
    struct err err = { 0 };
    char server[32];

    snprintf(server, sizeof server, "127.0.0.1:%u", port);
    assert_true(account_new(SPAN("live"), &account, &err));
    assert_true(account_set(account, "address", SPAN("me@live.com"), &err));
    assert_true(account_set(account, "provider", SPAN("outlook.com"), &err));
    assert_true(account_set(account, "server", span_of(server), &err));
    assert_true(account_set(account, "security", SPAN("none"), &err));
    assert_true(account_set(account, "auth", span_of(auth), &err));
    assert_true(account_set(account, "mechanisms", SPAN("xoauth2, plain"), &err));
    if (!account_fill(account, know, &err))
        fail_msg("%s", err.text);
    return account;
}

static void visit_begin(struct visit *visit, const struct smtp_peer_row *rows, size_t row_count,
                        const char *auth)
{
    visit->scratch = scratch_new();
    world_init(&visit->world);
    visit->world.wall = START;
    smtp_peer_start(&visit->peer, loop, rows, row_count);
    api_begin(&visit->api, IDENTITY_GOOD, GRAPH, taken, COUNT(taken));
    trip_begin(&visit->trip, account_at(visit->peer.port, auth), text);
    struct credential_world *world = &visit->trip.world.credentials;
    world->detours = (struct dial_detours){ &visit->api.detour, 1 };
    world->ca_file = identity.ca_file;
    world->clock = &visit->world.clock;
    world->secrets.disk = &visit->world.disk;
    world->secrets.state = scratch_root(visit->scratch);
    visit->trip.world.know = what_is_known;
    credentials_are("t1", "me@live.com");
}

static void visit_end(struct visit *visit)
{
    smtp_peer_stop(&visit->peer);
    trip_end(&visit->trip);
    api_end(&visit->api);
    scratch_free(&visit->scratch);
}

static struct choice remembered(const struct visit *visit)
{
    struct choice choice;

    choice_read(&visit->world.disk, scratch_root(visit->scratch), visit->trip.account, &choice);
    return choice;
}

static void again(struct visit *visit)
{
    transport_close(GIVE(visit->trip.transport));
    credentials.fetched = 0;
    trip_open(&visit->trip);
    trip_send(&visit->trip, text);
}

static void peer_changes(struct visit *visit, const struct smtp_peer_row *rows, size_t row_count)
{
    visit->peer.rows = rows;
    visit->peer.row_count = row_count;
}

static void check_way(const struct visit *visit, const char *way, unsigned calls, unsigned asked)
{
    assert_string_equal(transport_name(visit->trip.transport), way);
    assert_int_equal(visit->trip.outcomes[0].fate, SMTP_FATE_TAKEN);
    assert_int_equal(visit->peer.calls, calls);
    assert_int_equal(visit->api.asked, asked);
}

static void test_smtp_is_first(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, open_door, COUNT(open_door), "oauth");
    trip_open(&visit.trip);
    trip_send(&visit.trip, text);
    check_way(&visit, "smtp", 1, 0);
    assert_string_equal(remembered(&visit).uses, "");
    visit_end(&visit);
}

/* The whole story: shut, remembered, looked at again, shut still, opened again. */
static void test_shut_and_opened(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, switched_off, COUNT(switched_off), "oauth");
    trip_open(&visit.trip);
    assert_string_equal(remembered(&visit).uses, ""); /* before it went */
    trip_send(&visit.trip, text);
    check_way(&visit, "graph", 1, 1);
    assert_non_null(strstr(buf_text(&visit.trip.seen), "(auth_smtp_disabled_mailbox): going by graph"));
    struct choice choice = remembered(&visit);
    assert_string_equal(choice.uses, "graph");
    assert_string_equal(choice.because, "auth_smtp_disabled_mailbox");
    assert_int_equal(choice.since, START);

    visit.world.wall += DAY - 1000;
    again(&visit);
    check_way(&visit, "graph", 1, 2);
    assert_non_null(strstr(buf_text(&visit.trip.seen), "by graph: SMTP was found shut (auth_smtp_disabled_mailbox)"));

    visit.world.wall += 2000;
    again(&visit);
    check_way(&visit, "graph", 2, 3);
    choice = remembered(&visit);
    assert_int_equal(choice.since, START);
    assert_int_equal(choice.checked, START + DAY + 1000);

    visit.world.wall += 2 * DAY;
    peer_changes(&visit, open_door, COUNT(open_door));
    again(&visit);
    check_way(&visit, "smtp", 3, 3);
    assert_string_equal(remembered(&visit).uses, "");
    again(&visit);
    check_way(&visit, "smtp", 4, 3);
    visit_end(&visit);
}

/* Shut while a message waits for a fresh line: it goes the other way, once. */
static void test_shut_in_the_middle(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, open_door, COUNT(open_door), "oauth");
    trip_open(&visit.trip);
    trip_send(&visit.trip, text);
    smtp_peer_hang_up(&visit.peer);
    peer_changes(&visit, switched_off, COUNT(switched_off));
    for (unsigned i = 0; i < 5; i++)
        loop_turn(loop);
    trip_send(&visit.trip, text);
    check_way(&visit, "graph", 2, 1);
    assert_int_equal(visit.trip.ready, 1);
    visit_end(&visit);
}

/* A message that may have gone by SMTP does not; the next one does. */
static void test_tied(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, open_door, COUNT(open_door), "oauth");
    trip_open(&visit.trip);
    trip_send(&visit.trip, text);
    smtp_peer_hang_up(&visit.peer);
    peer_changes(&visit, switched_off, COUNT(switched_off));
    for (unsigned i = 0; i < 5; i++)
        loop_turn(loop);
    visit.trip.tied_to = "smtp";
    trip_send(&visit.trip, text);
    assert_int_equal(visit.trip.failed, 1);
    assert_int_equal(visit.api.asked, 0);
    assert_int_equal(visit.trip.failure.err.reply, 535);
    visit_end(&visit);
}

static void test_stays(void **state)
{
    static const struct {
        const char *label, *auth;
        struct smtp_peer_row row;
        bool sent;
        enum smtp_fate fate;
    } cases[] = {
        { "not now", "oauth", { "AUTH ", .reply = "454 4.7.0 later\r\n" }, false, SMTP_FATE_OPEN },
        { "a token for SMTP only", "token",
          { "AUTH ", .reply = "535 5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled "
                              "for the Mailbox.\r\n" },
          false, SMTP_FATE_OPEN },
        { "the line breaks", "oauth", { "EHLO ", .hangs_up = true }, false, SMTP_FATE_OPEN },
        { "the message is refused", "none", { ".", .reply = "554 5.2.0 spam\r\n" }, true, SMTP_FATE_REFUSED },
        { "nobody knows what became of it", "none", { ".", .hangs_up = true }, true, SMTP_FATE_UNKNOWN },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        visit_begin(&visit, &cases[i].row, 1, cases[i].auth);
        trip_open(&visit.trip);
        if (visit.trip.ready)
            trip_send(&visit.trip, text);
        check_row(cases[i].label, visit.trip.sent == cases[i].sent && visit.trip.failed == !cases[i].sent);
        check_row(cases[i].label, visit.trip.outcomes[0].fate == cases[i].fate);
        check_row(cases[i].label, visit.api.asked == 0 && remembered(&visit).uses[0] == '\0');
        visit_end(&visit);
    }
}

/* Neither way: what is told is what a person can do something about, and nothing is remembered. */
static void test_both_shut(void **state)
{
    (void)state;
    for (unsigned unreachable = 0; unreachable < 2; unreachable++) {
        struct visit visit;
        visit_begin(&visit, switched_off, COUNT(switched_off), "oauth");
        if (unreachable)
            visit.api.detour.to_port = 1; /* nobody's */
        credentials.fails_https = !unreachable;
        trip_open(&visit.trip);
        if (visit.trip.ready)
            trip_send(&visit.trip, text);
        assert_int_equal(visit.trip.failed, 1);
        assert_string_equal(remembered(&visit).uses, "");
        const struct err *err = &visit.trip.failure.err;
        assert_int_equal(visit.trip.failure.stage, unreachable ? STAGE_AUTH : STAGE_TOKEN);
        assert_int_equal(err->reply, unreachable ? 535 : 0);
        if (!unreachable)
            assert_non_null(strstr(err->text, "SMTP is shut (auth_smtp_disabled_mailbox), and by graph"));
        visit_end(&visit);
    }
}

/* The other way took nothing: that it is one is not known yet. */
static void test_nothing_taken(void **state)
{
    static const struct page refused[] = { { NULL, 403, NULL, "{\"error\":{\"code\":\"ErrorAccountSuspend\"}}" } };
    struct visit visit;

    (void)state;
    visit_begin(&visit, switched_off, COUNT(switched_off), "oauth");
    visit.api.pages = refused;
    trip_open(&visit.trip);
    trip_send(&visit.trip, text);
    assert_int_equal(visit.trip.outcomes[0].fate, SMTP_FATE_REFUSED);
    assert_string_equal(remembered(&visit).uses, "");
    visit.api.pages = taken;
    trip_send(&visit.trip, text);
    assert_string_equal(remembered(&visit).uses, "graph");
    visit_end(&visit);
}

/* What can't be written down is no reason not to send. */
static void test_not_remembered(void **state)
{
    struct visit visit;

    (void)state;
    visit_begin(&visit, switched_off, COUNT(switched_off), "oauth");
    trip_open(&visit.trip);
    scratch_file(visit.scratch, "transports", "no folder", 0600);
    trip_send(&visit.trip, text);
    check_way(&visit, "graph", 1, 1);
    assert_non_null(strstr(buf_text(&visit.trip.seen), "can't be remembered"));
    visit_end(&visit);
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
        cmocka_unit_test(test_smtp_is_first),
        cmocka_unit_test(test_shut_and_opened),
        cmocka_unit_test(test_shut_in_the_middle),
        cmocka_unit_test(test_tied),
        cmocka_unit_test(test_stays),
        cmocka_unit_test(test_both_shut),
        cmocka_unit_test(test_nothing_taken),
        cmocka_unit_test(test_not_remembered),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
