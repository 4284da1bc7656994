#include "support/check.h"

#include <stdio.h>
#include <unistd.h>

#include "base/json_read.h"
#include "net/loop.h"
#include "relay/notify.h"
#include "relay/notify_form.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

static struct loop *loop;

struct telling {
    bool done;
    char log[1000]; /* "event by way;", or "event by way: why;" */
};

static void told(void *who, const struct notice *notice, const char *way, const struct err *err)
{
    struct telling *telling = who;
    size_t len = strlen(telling->log);

    snprintf(telling->log + len, sizeof telling->log - len, "%s/%s by %s%s;", notice->event,
             notice->about ? notice->about : "", way, err ? " failed" : "");
}

static void done(void *who)
{
    struct telling *telling = who;

    assert_false(telling->done);
    telling->done = true;
}

static struct notify_plan plan_at(struct scratch *dir, struct world *world, const struct notify_settings *settings,
                                  struct telling *telling)
{
    return (struct notify_plan){
        .settings = settings,
        .source = "health",
        .state = scratch_root(dir),
        .host = "host.test",
        .disk = &world->disk,
        .dice = &world->dice,
        .clock = &world->clock,
        .loop = loop,
        .deadline = UINT64_MAX,
        .told = told,
        .done = done,
        .who = telling,
    };
}

/* Tells, and awaits the end; what came of it. */
static const char *tell(const struct notify_plan *plan, const struct notice *notices, size_t count)
{
    struct telling *telling = plan->who;
    struct notify *notify = NULL;
    struct err err = { 0 };

    *telling = (struct telling){ 0 };
    if (!notify_tell(plan, notices, count, &notify, &err))
        fail_msg("%s", err.text);
    assert_false(telling->done);
    assert_true(loop_run_until(loop, &telling->done));
    return telling->log;
}

static const struct notice ends = { .event = "signin-ends", .account = "live", .about = "2026-05-01",
                                    .cause = "oauth_refresh_token_expired", .subject = "live: sign in again",
                                    .text = "The sign-in ends.\nFrom then on nothing is sent.\n" };
static const struct notice ends_later = { .event = "signin-ends", .account = "live", .about = "2026-08-01",
                                          .subject = "live: sign in again" };
static const struct notice other = { .event = "signin-ends", .account = "work", .about = "2026-05-01",
                                     .subject = "work: sign in again" };

/* Once for each event, not each day anew; and anew when it comes back. */
static void test_once(void **state)
{
    static const struct {
        const char *label;
        const struct notice *now[2];
        const char *want;
    } days[] = {
        { "the first day", { &ends }, "signin-ends/2026-05-01 by mailbox;" },
        { "the next", { &ends }, "" },
        { "another account joins", { &ends, &other }, "signin-ends/2026-05-01 by mailbox;" },
        { "and stays", { &ends, &other }, "" },
        { "another day of it", { &ends_later, &other }, "signin-ends/2026-08-01 by mailbox;" },
        { "all is well", { NULL }, "" },
        { "it comes back", { &ends_later, &other },
          "signin-ends/2026-08-01 by mailbox;signin-ends/2026-05-01 by mailbox;" },
    };

    (void)state;
    SCRATCH(dir);
    struct world world;
    struct telling telling;
    const struct notify_settings settings = { .mailbox = (char *)(uintptr_t)scratch_path(dir, "box") };
    world_init(&world);
    const struct notify_plan plan = plan_at(dir, &world, &settings, &telling);

    for (size_t i = 0; i < COUNT(days); i++) {
        struct notice notices[2];
        size_t count = 0;
        for (size_t n = 0; n < 2 && days[i].now[n]; n++)
            notices[count++] = *days[i].now[n];
        check_bytes(days[i].label, span_of(tell(&plan, notices, count)), span_of(days[i].want));
    }
}

/* Another source's events are its own. */
static void test_sources(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct telling telling;
    const struct notify_settings settings = { .mailbox = (char *)(uintptr_t)scratch_path(dir, "box") };
    world_init(&world);
    struct notify_plan plan = plan_at(dir, &world, &settings, &telling);

    assert_string_not_equal(tell(&plan, &ends, 1), "");
    plan.source = "relay";
    assert_string_not_equal(tell(&plan, &ends, 1), "");
    assert_string_equal(tell(&plan, NULL, 0), ""); /* over, for the relay */
    plan.source = "health";
    assert_string_equal(tell(&plan, &ends, 1), "");
}

/* A way that fails is tried again, the others are not bothered. */
static void test_a_way_fails(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct telling telling;
    char command[600];
    const char *here = scratch_path(dir, "here");
    snprintf(command, sizeof command, "|test -e %s && cat >> %s && printf '%%s|%%s|%%s|%%s\\n' \"$OUTPOST_EVENT\" "
             "\"$OUTPOST_ACCOUNT\" \"$OUTPOST_CAUSE\" \"$OUTPOST_SUBJECT\" >> %s", here, here, here);
    const struct notify_settings settings = { .command = command,
                                              .mailbox = (char *)(uintptr_t)scratch_path(dir, "box") };
    world_init(&world);
    const struct notify_plan plan = plan_at(dir, &world, &settings, &telling);

    assert_string_equal(tell(&plan, &ends, 1), "signin-ends/2026-05-01 by command failed;"
                                               "signin-ends/2026-05-01 by mailbox;");
    scratch_file(dir, "here", "", 0600);
    assert_string_equal(tell(&plan, &ends, 1), "signin-ends/2026-05-01 by command;");
    assert_string_equal(tell(&plan, &ends, 1), "");
    assert_string_equal(scratch_text(here), "live: sign in again\n\nThe sign-in ends.\nFrom then on nothing is sent.\n"
                                            "signin-ends|live|oauth_refresh_token_expired|live: sign in again\n");
    assert_string_equal(scratch_text(scratch_path(dir, "box")),
                        "From outpost@host.test Sun Mar  1 12:00:00 2026\n"
                        "From: outpost <outpost@host.test>\n"
                        "Date: Sun, 1 Mar 2026 12:00:00 +0000\n"
                        "Message-ID: <0706050403020100.notice@host.test>\n"
                        "Subject: live: sign in again\n"
                        "Auto-Submitted: auto-generated\nMIME-Version: 1.0\n"
                        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n"
                        "The sign-in ends.\n>From then on nothing is sent.\n\n");
}

/* Two processes that notice the same at the same time are one voice. */
static void test_one_at_a_time(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct telling telling = { 0 };
    struct notify *first = NULL, *second = NULL;
    struct err err = { 0 };
    const struct notify_settings settings = { .command = (char *)(uintptr_t)"sleep 60" };
    world_init(&world);
    const struct notify_plan plan = plan_at(dir, &world, &settings, &telling);

    assert_true(notify_tell(&plan, &ends, 1, &first, &err));
    assert_false(notify_tell(&plan, &ends, 1, &second, &err));
    assert_int_equal(err.kind, ERR_LATER);
    loop_turn(loop); /* the program runs */
    notify_cancel(first);
    notify_cancel(NULL);
    assert_true(notify_tell(&plan, &ends, 1, &second, &err));
    notify_cancel(second);
    assert_false(telling.done);
}

/* What was remembered and can't be understood is told once more, and remembered anew. */
static void test_damaged_memory(void **state)
{
    static const char *const texts[] = {
        "", "rubbish", "{\"told\":7}", "{\"told\":[7,{},{\"source\":\"health\"},{\"source\":1,\"event\":2}]}",
        ("{\"told\":[{\"source\":\"health\",\"event\":\"signin-ends\",\"account\":\"live\",\"about\":\"2026-05-01\","
         "\"ways\":[\"pigeon\",4]}]}"),
    };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        SCRATCH(dir);
        struct world world;
        struct telling telling;
        const struct notify_settings settings = { .mailbox = (char *)(uintptr_t)scratch_path(dir, "box") };
        world_init(&world);
        const struct notify_plan plan = plan_at(dir, &world, &settings, &telling);

        scratch_file(dir, "notices", texts[i], 0600);
        check_bytes(texts[i], span_of(tell(&plan, &ends, 1)), SPAN("signin-ends/2026-05-01 by mailbox;"));
        check_bytes(texts[i], span_of(tell(&plan, &ends, 1)), SPAN(""));
    }
}

/* Each thing fails once. Told twice it may be, for that reason; never not at all without a word. */
static void test_torture(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        struct telling telling = { 0 };
        struct notify *notify = NULL;
        struct err err = { 0 };
        const struct notify_settings settings = { .mailbox = (char *)(uintptr_t)scratch_path(dir, "box") };
        struct notify_plan plan = plan_at(dir, &world, &settings, &telling);

        world_begin(&world, n);
        bool began = notify_tell(&plan, &ends, 1, &notify, &err);
        if (began)
            loop_run_until(loop, &telling.done);
        bool failed = world_end(&world);
        loop_turn(loop);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(began || (failed && err.kind != ERR_NONE));
        assert_true(!began || telling.done);
        assert_true(failed || strcmp(telling.log, "signin-ends/2026-05-01 by mailbox;") == 0);
        const char *log = tell(&plan, &ends, 1);
        assert_true(failed || strcmp(log, "") == 0);
        assert_non_null(scratch_text(scratch_path(dir, "box")));
        if (!failed)
            break;
    }
}

/* Whoever names an account or a subject writes no second line, no second variable and no other JSON. */
static void test_forms(void **state)
{
    static const struct notice odd = { .event = "test", .subject = "a \"b\"\nc: d\r\ne \303\244", .text = "x\ny" };
    const char *variables[NOTIFY_VARIABLES + 1];
    HELD(buf) texts = BUF(1000), json = BUF(1000), box = BUF(2000);
    OWN(json_tree) tree = NULL;
    struct err err;

    (void)state;
    notify_form_variables(&odd, &texts, variables);
    assert_string_equal(variables[0], "OUTPOST_EVENT=test");
    assert_string_equal(variables[1], "OUTPOST_ACCOUNT=");
    assert_string_equal(variables[3], "OUTPOST_SUBJECT=a \"b\" c: d  e \303\244");
    assert_null(variables[4]);

    notify_form_json(&odd, "host.test", 0, &json);
    assert_true(json_read(buf_span(&json), 1000, &tree, &err));
    check_bytes("text", json_text_at(json_root(tree), "text"), SPAN("a \"b\"\nc: d\r\ne \303\244\n\nx\ny\n"));
    check_bytes("time", json_text_at(json_root(tree), "time"), SPAN("1970-01-01T00:00:00Z"));
    assert_null(json_text_at(json_root(tree), "account").at);

    notify_form_mailbox(&odd, "host.test", 0, 1, &box);
    assert_null(strstr(buf_text(&box), "\nc: d"));
    assert_non_null(strstr(buf_text(&box), "\n\nx\ny\n\n"));
}

static int begin(void **state)
{
    (void)state;
    struct err err;

    return loop_new(&loop, &err) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_once, begin, end),
        cmocka_unit_test_setup_teardown(test_sources, begin, end),
        cmocka_unit_test_setup_teardown(test_a_way_fails, begin, end),
        cmocka_unit_test_setup_teardown(test_one_at_a_time, begin, end),
        cmocka_unit_test_setup_teardown(test_damaged_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_torture, begin, end),
        cmocka_unit_test(test_forms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
