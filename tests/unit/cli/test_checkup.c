#include "support/check.h"

#include "cli/checkup.h"

#define MINUTE (UINT64_C(60) * 1000)
#define HOUR (60 * MINUTE)

static const struct {
    const char *label;
    struct checkup_queue queue;
    uint64_t disk_free; /* of 1000 blocks */
    const char *line;
    enum checkup_level level;
} cases[] = {
    { "all is well", { .daemon = true }, 450,
      "OK: the daemon runs, nothing waits | waiting=0 disk_free=45%", CHECKUP_OK },
    { "one waits", { .daemon = true, .waiting = 1, .age = 4 * MINUTE }, 450,
      "OK: the daemon runs, 1 message waits, the oldest for 4 minutes | waiting=1 oldest=240s;3600;86400 disk_free=45%",
      CHECKUP_OK },
    { "just born", { .daemon = true, .waiting = 2, .age = 999 }, 450,
      "OK: the daemon runs, 2 messages wait, the oldest for 0 seconds | waiting=2 oldest=0s;3600;86400 disk_free=45%",
      CHECKUP_OK },
    { "a moment before", { .daemon = true, .waiting = 2, .age = HOUR - 1 }, 450,
      "OK: the daemon runs, 2 messages wait, the oldest for 59 minutes | waiting=2 oldest=3599s;3600;86400 disk_free=45%",
      CHECKUP_OK },
    { "old", { .daemon = true, .waiting = 2, .age = HOUR }, 450,
      "WARNING: 2 messages wait, the oldest for 1 hour | waiting=2 oldest=3600s;3600;86400 disk_free=45%",
      CHECKUP_WARNING },
    { "too old", { .daemon = true, .waiting = 2, .age = 48 * HOUR }, 450,
      "CRITICAL: 2 messages wait, the oldest for 2 days | waiting=2 oldest=172800s;3600;86400 disk_free=45%",
      CHECKUP_CRITICAL },
    { "no daemon, no need", { .daemon = false }, 450,
      "WARNING: no daemon runs | waiting=0 disk_free=45%", CHECKUP_WARNING },
    { "no daemon, but mail", { .waiting = 1, .age = 1000 }, 450,
      "CRITICAL: no daemon runs that would try the waiting messages again | waiting=1 oldest=1s;3600;86400 disk_free=45%",
      CHECKUP_CRITICAL },
    { "no daemon for devices", { .needs_daemon = true }, 450,
      "CRITICAL: no daemon runs | waiting=0 disk_free=45%", CHECKUP_CRITICAL },
    { "disk at the reserve", { .daemon = true }, 50,
      "WARNING: the disk is nearly full: below 5 % free no mail is taken | waiting=0 disk_free=5%", CHECKUP_WARNING },
    { "disk below it", { .daemon = true }, 49,
      "CRITICAL: the disk is full: less than 5 % is free, and no mail is taken | waiting=0 disk_free=4%",
      CHECKUP_CRITICAL },
    { "the worst first", { .daemon = true, .waiting = 1, .age = HOUR }, 10,
      "CRITICAL: the disk is full: less than 5 % is free, and no mail is taken; 1 message waits, the oldest for 1 hour"
      " | waiting=1 oldest=3600s;3600;86400 disk_free=1%", CHECKUP_CRITICAL },
};

static void test_lines(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct checkup checkup = { .count = 0 };
        struct checkup_queue queue = cases[i].queue;
        const struct space space = { .bytes = 1000, .bytes_free = cases[i].disk_free };
        HELD(buf) line = BUF(2000);

        queue.warn_age = HOUR;
        queue.critical_age = 24 * HOUR;
        checkup_queue(&checkup, &queue);
        checkup_disk(&checkup, &space, 5);
        checkup_line(&checkup, &line);
        check_bytes(cases[i].label, buf_span(&line), span_of(cases[i].line));
        check_row(cases[i].label, checkup.level == cases[i].level);
    }
}

static void test_no_reserve(void **state)
{
    struct checkup checkup = { .count = 0 };

    (void)state;
    checkup_disk(&checkup, &(struct space){ .bytes = 1000, .bytes_free = 1 }, 0);
    assert_int_equal(checkup.level, CHECKUP_OK);
    checkup_disk(&checkup, &(struct space){ .bytes = 1000, .bytes_free = 0 }, 0);
    assert_int_equal(checkup.level, CHECKUP_CRITICAL);
}

static void test_files_run_out(void **state)
{
    struct checkup checkup = { .count = 0 };
    HELD(buf) line = BUF(2000);

    (void)state;
    checkup_disk(&checkup, &(struct space){ .bytes = 1000, .bytes_free = 900, .files = 400, .files_free = 10 }, 5);
    checkup_line(&checkup, &line);
    check_bytes("files", buf_span(&line), SPAN("CRITICAL: the disk is full: less than 5 % of its files are free, and no mail"
                                               " is taken | disk_free=90%"));
}

static const struct {
    const char *label;
    struct health_report report;
    const char *parked, *text; /* NULL: nothing is wrong */
    enum checkup_level level;
} accounts[] = {
    { "a password", { .health = HEALTH_UNKNOWN }, NULL, NULL, CHECKUP_OK },
    { "good", { .health = HEALTH_GOOD }, NULL, NULL, CHECKUP_OK },
    { "ends, but not soon", { .health = HEALTH_ENDS, .until = 1772366400000 }, NULL, NULL, CHECKUP_OK },
    { "ends soon", { .health = HEALTH_ENDING, .until = 1772366400000, .because = "a certificate ends" }, NULL,
      "live works until 2026-03-01: a certificate ends", CHECKUP_WARNING },
    { "lost", { .health = HEALTH_LOST, .because = "nobody has signed in" }, NULL,
      "live can't send: nobody has signed in", CHECKUP_CRITICAL },
    { "parked", { .health = HEALTH_GOOD }, "the password is wrong", "live can't send: the password is wrong",
      CHECKUP_CRITICAL },
    { "parked and lost are one", { .health = HEALTH_LOST, .because = "no" }, "consent is gone",
      "live can't send: consent is gone", CHECKUP_CRITICAL },
};

static void test_accounts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(accounts); i++) {
        struct checkup checkup = { .count = 0 };

        checkup_account(&checkup, "live", &accounts[i].report, accounts[i].parked);
        check_row(accounts[i].label, checkup.count == (accounts[i].text != NULL));
        check_row(accounts[i].label, checkup.level == accounts[i].level);
        if (accounts[i].text)
            check_bytes(accounts[i].label, span_of(checkup.problems[0].text), span_of(accounts[i].text));
    }
}

static void test_json(void **state)
{
    struct checkup checkup = { .count = 0 };
    HELD(buf) out = BUF(2000);

    (void)state;
    checkup_problem(&checkup, CHECKUP_WARNING, "no daemon runs");
    checkup_json(&checkup, &out);
    check_bytes("json", buf_span(&out),
                SPAN("{\"health\":\"warning\",\"problems\":[{\"level\":\"warning\",\"text\":\"no daemon runs\"}]}"));
}

/* A hundred accounts without a sign-in are still one line. */
static void test_many(void **state)
{
    struct checkup checkup = { .count = 0 };
    HELD(buf) line = BUF(20000);

    (void)state;
    for (int i = 0; i < 100; i++)
        checkup_problem(&checkup, CHECKUP_CRITICAL, "%0400d", i);
    checkup_line(&checkup, &line);
    assert_false(line.full);
    assert_true(span_find_word(buf_span(&line), "; and 68 more") < line.len);
    assert_int_equal(strlen(checkup.problems[0].text), CHECKUP_TEXT_MAX - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines), cmocka_unit_test(test_no_reserve),
        cmocka_unit_test(test_files_run_out), cmocka_unit_test(test_accounts),
        cmocka_unit_test(test_json),  cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
