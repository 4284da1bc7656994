/* The doctor at a server that does what a table says, in the clear, within this machine. */
#include "support/check.h"

#include <stdio.h>

#include "account/account.h"
#include "doctor/doctor.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "support/alloc_fails.h"
#include "support/knowledge.h"
#include "support/smtp_peer.h"

static struct loop *loop;
static struct resolver *resolver;
static const struct {
    const char *label;
    struct smtp_peer_row row;
    const char *cause; /* NULL: nothing is wrong */
    const char *steps;
} cases[] = {
    { "nothing", { "NOTHING", .reply = NULL }, NULL,
      "resolve - route ok connect ok banner ok ehlo ok sender ok" },
    { "turned away", { "", .reply = "554 5.7.1 go away\r\n", .hangs_up = true }, "banner_rejected",
      "resolve - route ok connect ok banner FAILED ehlo - starttls - tls - auth - sender -" },
    { "hung up on", { "", .reply = NULL, .hangs_up = true }, "connection_closed_before_banner",
      "resolve - route ok connect ok banner FAILED ehlo - starttls - tls - auth - sender -" },
    { "rubbish", { "", .reply = "\x1b[2J\x01\x02\r\n", .hangs_up = true }, "smtp_intercepted",
      "resolve - route ok connect ok banner FAILED ehlo - starttls - tls - auth - sender -" },
    { "not as this one", { "MAIL ", .reply = "553 5.7.1 Sender address rejected: not owned by user me\r\n" },
      "sender_not_owned", "resolve - route ok connect ok banner ok ehlo ok sender FAILED starttls - tls - auth -" },
    { "in the middle", { "MAIL ", .reply = NULL, .hangs_up = true }, "server_busy_temporary",
      "resolve - route ok connect ok banner ok ehlo ok sender FAILED starttls - tls - auth -" },
};

struct visit {
    struct smtp_peer peer;
    struct account *account;
    struct transport_world world;
    struct doctor *doctor;
    const struct doctor_report *report;
    unsigned steps;
    bool within, done;
};

static void on_step(void *who, const struct doctor_step *step)
{
    struct visit *visit = who;

    assert_false(visit->within);
    assert_true(step->rung < RUNG_COUNT);
    visit->steps++;
}

static void on_done(void *who, const struct doctor_report *report)
{
    struct visit *visit = who;

    assert_false(visit->within || visit->done);
    visit->report = report;
    visit->done = true;
}

static struct account *account_at(uint16_t port)
{
    struct account *account = NULL;
    struct err err = { 0 };
    char server[32];

    snprintf(server, sizeof server, "127.0.0.1:%u", port);
    assert_true(account_new(SPAN("test"), &account, &err));
    assert_true(account_set(account, "address", SPAN("me@example.org"), &err));
    assert_true(account_set(account, "server", span_of(server), &err));
    assert_true(account_set(account, "security", SPAN("none"), &err));
    assert_true(account_set(account, "auth", SPAN("none"), &err));
    return account;
}

static void visit_begin(struct visit *visit, const struct smtp_peer_row *row)
{
    *visit = (struct visit){ 0 };
    smtp_peer_start(&visit->peer, loop, row, 1);
    visit->account = account_at(visit->peer.port);
    visit->world.hello = "client.example.org";
    visit->world.credentials.secrets.loop = loop;
    visit->world.credentials.resolver = resolver;
}

static bool visit_run(struct visit *visit, struct err *err)
{
    static const struct doctor_events events = { .step = on_step, .done = on_done };
    const struct doctor_plan plan = { .world = &visit->world, .know = know, .account = visit->account };

    visit->within = true;
    bool good = doctor_start(loop, &plan, &events, visit, &visit->doctor, err);
    visit->within = false;
    if (good)
        assert_true(loop_run_until(loop, &visit->done));
    return good;
}

static void visit_end(struct visit *visit)
{
    doctor_free(visit->doctor);
    smtp_peer_stop(&visit->peer);
    account_free(visit->account);
    loop_turn(loop);
}

static void write_steps(const struct doctor_report *report, char *out, size_t room)
{
    static const char *const states[] = { "ok", "FAILED", "-" };
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < report->step_count; i++)
        len += (size_t)snprintf(out + len, room - len, "%s%s %s", i ? " " : "", doctor_rung_word(report->steps[i].rung),
                                states[report->steps[i].state]);
}

static void test_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct visit visit;
        struct err err = { 0 };
        char steps[600];

        visit_begin(&visit, &cases[i].row);
        check_row(cases[i].label, visit_run(&visit, &err));
        check_row(cases[i].label, visit.report->ok == !cases[i].cause);
        if (cases[i].cause) {
            check_row(cases[i].label, visit.report->judged);
            if (strcmp(visit.report->verdict.cause->id, cases[i].cause) != 0)
                fail_msg("case \"%s\": %s, want %s", cases[i].label, visit.report->verdict.cause->id, cases[i].cause);
        }
        write_steps(visit.report, steps, sizeof steps);
        check_bytes(cases[i].label, span_of(steps), span_of(cases[i].steps));
        check_row(cases[i].label, visit.steps == visit.report->step_count);
        check_row(cases[i].label, span_find_text(buf_span(&visit.peer.heard), "DATA") == visit.peer.heard.len);
        visit_end(&visit);
    }
}

/* Settings that can't be read: there is nobody to look at. */
static void test_early(void **state)
{
    struct doctor_early early;
    struct err why = { 0 };
    char steps[100];

    (void)state;
    err_found(&why, ERR_CONFIG, "config:bad", "outpost.conf:2: no such key: \"x\x1b\"");
    doctor_early_report(know, RUNG_MACHINE, &why, &early);
    assert_true(!early.report.ok && early.report.judged && !early.report.target->host);
    assert_string_equal(early.report.verdict.cause->id, "config_invalid");
    write_steps(&early.report, steps, sizeof steps);
    assert_string_equal(steps, "machine FAILED");
    assert_string_equal(early.report.steps[0].fact, "config:bad");
    assert_null(strchr(doctor_step_detail(&early.report.steps[0], "error"), '\x1b'));
    assert_true(!early.report.around->count && !early.report.notes->count && !early.report.https);
}

/* Freed at any time, it is gone, and says nothing more. */
static void test_freed(void **state)
{
    static const struct doctor_events events = { .step = on_step, .done = on_done };

    (void)state;
    for (unsigned turns = 0; turns < 6; turns++) {
        struct visit visit;
        struct err err;
        visit_begin(&visit, &cases[0].row);
        const struct doctor_plan plan = { .world = &visit.world, .know = know, .account = visit.account };
        assert_true(doctor_start(loop, &plan, &events, &visit, &visit.doctor, &err));
        for (unsigned i = 0; i < turns; i++)
            loop_turn(loop);
        visit_end(&visit);
    }
}

static void test_no_memory(void **state)
{
    bool ran_out = true;

    (void)state;
    for (unsigned n = 1; ran_out; n++) {
        struct visit visit;
        struct err err = { 0 };
        visit_begin(&visit, &cases[n % 2].row);
        size_t before = alloc_alive();
        alloc_fail_at(n);
        bool good = visit_run(&visit, &err);
        ran_out = alloc_failed();
        alloc_fail_at(0);
        assert_true(good || err.kind == ERR_MEMORY);
        doctor_free(GIVE(visit.doctor));
        smtp_peer_stop(&visit.peer);
        loop_turn(loop);
        assert_true(alloc_alive() <= before);
        account_free(visit.account);
        loop_turn(loop);
    }
}

static int set_up(void **state)
{
    struct err err;

    return load_knowledge(state) == 0 && loop_new(&loop, &err) &&
                   resolver_new(loop, &(struct resolver_plan){ .seed = 1 }, &resolver, &err)
               ? 0
               : -1;
}

static int tear_down(void **state)
{
    resolver_free(resolver);
    loop_free(loop);
    return free_knowledge(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_early),
        cmocka_unit_test(test_freed),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
