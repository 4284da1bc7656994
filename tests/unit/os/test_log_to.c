/* What the journal is handed, with a library made up; the real one, and syslog, are in tests/integration. */
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/log_to.h"
#include "os/module.h"
#include "os/systemd.h"
#include "support/world.h"

static struct {
    bool absent, gone, refuses;
    int entries, count;
    char fields[40][4096];
} journal;

static bool journal_is_here(void)
{
    return !journal.gone;
}

static bool take(const struct iovec *fields, int count)
{
    journal.entries++;
    journal.count = count;
    for (int i = 0; i < count; i++) {
        assert_true(fields[i].iov_len < sizeof journal.fields[i]);
        memcpy(journal.fields[i], fields[i].iov_base, fields[i].iov_len);
        journal.fields[i][fields[i].iov_len] = '\0';
    }
    return !journal.refuses;
}

bool module_load(const char *file, const char *face, const void **ret_face, struct err *err)
{
    static const struct systemd_face systemd = { .journal_is_here = journal_is_here, .journal = take };

    assert_string_equal(file, SYSTEMD_MODULE);
    assert_string_equal(face, SYSTEMD_SYMBOL);
    *ret_face = &systemd;
    return !journal.absent || err_set(err, ERR_INTERNAL, "%s can't be loaded", file);
}

static struct world world;
static struct log the_log;

static int begin(void **state)
{
    (void)state;
    memset(&journal, 0, sizeof journal);
    world_init(&world);
    the_log = (struct log){ .most = LOG_AT_INFO, .clock = &world.clock, .write = log_to_stderr };
    return 0;
}

static const char *field(const char *name)
{
    for (int i = 0; i < journal.count; i++)
        if (strncmp(journal.fields[i], name, strlen(name)) == 0 && journal.fields[i][strlen(name)] == '=')
            return journal.fields[i] + strlen(name) + 1;
    return NULL;
}

static void test_journal(void **state)
{
    (void)state;
    assert_true(log_to_journal(&the_log, NULL));
    log_event(&the_log, LOG_AT_WARN, "failed", log_number("id", 17), log_text("account", "live"),
              log_text("said", "550 no\nsuch \"user\""), log_text("password", "hunter2"),
              log_text("key-of_all 1", "AUTH PLAIN hunter2"));
    assert_int_equal(journal.entries, 1);
    assert_int_equal(journal.count, 9);
    assert_string_equal(field("MESSAGE"), "failed id=17 account=live said=\"550 no\\x0asuch \\\"user\\\"\" "
                                          "password=*** key-of_all 1=\"AUTH PLAIN ***\"");
    assert_string_equal(field("PRIORITY"), "4");
    assert_string_equal(field("SYSLOG_IDENTIFIER"), "outpost");
    assert_string_equal(field("OUTPOST_EVENT"), "failed");
    assert_string_equal(field("OUTPOST_ID"), "17");
    assert_string_equal(field("OUTPOST_ACCOUNT"), "live");
    assert_string_equal(field("OUTPOST_SAID"), "550 no\\x0asuch \"user\"");
    assert_string_equal(field("OUTPOST_PASSWORD"), "***");
    assert_string_equal(field("OUTPOST_KEY_OF_ALL_1"), "AUTH PLAIN ***");

    log_event(&the_log, LOG_AT_DEBUG, "chatter", log_number("n", 1));
    assert_int_equal(journal.entries, 1);
}

static void test_journal_of_json(void **state)
{
    (void)state;
    the_log.format = LOG_AS_JSON;
    assert_true(log_to_journal(&the_log, NULL));
    log_event(&the_log, LOG_AT_ERROR, "trouble", log_number("n", 1));
    assert_string_equal(field("MESSAGE"), "{\"time\":\"2026-03-01T12:00:00.000Z\",\"level\":\"error\","
                                          "\"event\":\"trouble\",\"n\":1}");
    assert_string_equal(field("PRIORITY"), "3");
    assert_string_equal(field("OUTPOST_N"), "1");
}

static void test_more_fields_than_any_event_has(void **state)
{
    (void)state;
    struct log_field fields[60];

    for (size_t i = 0; i < COUNT(fields); i++)
        fields[i] = log_text("x", "y");
    assert_true(log_to_journal(&the_log, NULL));
    log_fields(&the_log, LOG_AT_INFO, "many", fields, COUNT(fields));
    assert_int_equal(journal.count, 4 + LOG_FIELDS_MAX);
}

static void test_none(void **state)
{
    (void)state;
    struct err err = { 0 };

    journal.absent = true;
    assert_false(log_to_journal(&the_log, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_null(the_log.put);
    journal.absent = false;
    journal.gone = true;
    assert_false(log_to_journal(&the_log, &err));
    assert_string_equal(err.text, "no journal runs here");
    assert_null(the_log.put);
}

/* Standard error goes into a file meanwhile; what was written. */
static const char *diverted(void (*run)(void))
{
    static char text[4096];
    int before = dup(STDERR_FILENO), file = memfd_create("stderr", 0);

    assert_true(before >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    run();
    dup2(before, STDERR_FILENO);
    close(before);
    ssize_t len = pread(file, text, sizeof text - 1, 0);
    close(file);
    assert_true(len >= 0);
    text[len] = '\0';
    return text;
}

static void log_one(void)
{
    log_event(&the_log, LOG_AT_INFO, "delivered", log_number("id", 1));
}

static void test_refused_goes_to_stderr(void **state)
{
    (void)state;
    journal.refuses = true;
    assert_true(log_to_journal(&the_log, NULL));
    assert_string_equal(diverted(log_one), "delivered id=1\n");
}

static void look(void)
{
    struct stat is;
    char own[80];

    assert_int_equal(fstat(STDERR_FILENO, &is), 0);
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)is.st_dev, (unsigned long long)is.st_ino);
    setenv("JOURNAL_STREAM", own, 1);
    assert_true(log_stderr_is_journal());
    snprintf(own, sizeof own, "%llu:%llu", (unsigned long long)is.st_dev, (unsigned long long)is.st_ino + 1);
    setenv("JOURNAL_STREAM", own, 1);
    assert_false(log_stderr_is_journal());
    for (size_t i = 0; i < 4; i++) {
        static const char *const bad[] = { "", ":", "1", "x:y" };
        setenv("JOURNAL_STREAM", bad[i], 1);
        assert_false(log_stderr_is_journal());
    }
    unsetenv("JOURNAL_STREAM");
    assert_false(log_stderr_is_journal());
}

static void test_stderr_of_the_journal(void **state)
{
    (void)state;
    diverted(look);
}

static void test_no_memory(void **state)
{
    (void)state;
    assert_true(log_to_journal(&the_log, NULL));
    journal.refuses = true;
    for (unsigned n = 1;; n++) {
        world_begin(&world, n);
        diverted(log_one);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_journal, begin),
        cmocka_unit_test_setup(test_journal_of_json, begin),
        cmocka_unit_test_setup(test_more_fields_than_any_event_has, begin),
        cmocka_unit_test_setup(test_none, begin),
        cmocka_unit_test_setup(test_refused_goes_to_stderr, begin),
        cmocka_unit_test_setup(test_stderr_of_the_journal, begin),
        cmocka_unit_test_setup(test_no_memory, begin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
