#include "support/check.h"

#include <fcntl.h>
#include <unistd.h>

#include "net/child.h"
#include "net/loop.h"
#include "support/alloc_fails.h"

struct told {
    bool done;
    struct err err;
    struct buf output;
};

static void was_told(void *data, struct buf *output, const struct err *err)
{
    struct told *told = data;

    assert_false(told->done);
    assert_true(!output == !!err);
    told->done = true;
    if (err)
        told->err = *err;
    else
        buf_add_span(&told->output, buf_span(output));
}

static void test_runs(void **state)
{
    (void)state;
    static const struct {
        const char *label, *command;
        const char *output; /* NULL: fails */
        enum err_kind kind;
        const char *text, *said;
    } cases[] = {
        { "a vector", "printf '%s\\n' 'a b' \"$HOME\"", "a b\n$HOME\n", ERR_NONE, "", "" },
        { "a shell line", "|printf %s one; printf two", "onetwo", ERR_NONE, "", "" },
        { "nothing to say", "true", "", ERR_NONE, "", "" },
        { "its standard input is empty", "|cat; echo end", "end\n", ERR_NONE, "", "" },
        { "what it complains is not its answer", "|echo oops >&2; echo yes", "yes\n", ERR_NONE, "", "" },
        { "no descriptor of ours", "|ls /proc/self/fd | wc -l", "4\n", ERR_NONE, "", "" },
        { "a status", "|echo ' no key' >&2; echo secret; exit 3", NULL, ERR_INPUT, "status 3", "no key" },
        { "a signal", "|kill -15 $$", NULL, ERR_INPUT, "signal 15", "" },
        { "too much", "|head -c 70000 /dev/zero; sleep 60", NULL, ERR_LIMIT, "more than 64 KB", "" },
        { "too long", "sleep 60", NULL, ERR_INPUT, "took too long", "" },
        { "long complaints are read to the end", "|head -c 300000 /dev/zero >&2; echo ok", "ok\n",
          ERR_NONE, "", "" },
    };
    int ours = open("/dev/null", O_RDONLY); /* and it has no O_CLOEXEC */

    assert_true(ours >= 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(loop) loop = NULL;
        struct err err = { 0 };
        struct told told = { .output = BUF(CHILD_OUTPUT_MAX) };
        bool short_of_time = strstr(cases[i].label, "too long") != NULL;

        assert_true(loop_new(&loop, &err));
        uint64_t deadline = loop_now(loop) + (short_of_time ? 30 : 20000);
        check_row(cases[i].label, child_run_command(loop, span_of(cases[i].command), deadline,
                                                    was_told, &told, NULL, &err));
        loop_run_until(loop, &told.done);
        check_row(cases[i].label, told.done && told.err.kind == cases[i].kind);
        if (cases[i].output)
            check_bytes(cases[i].label, buf_span(&told.output), span_of(cases[i].output));
        check_row(cases[i].label, strstr(told.err.text, cases[i].text) != NULL);
        check_row(cases[i].label, !strcmp(told.err.said, cases[i].said));
        buf_done(&told.output);
    }
    close(ours);
}

/* What it is told on its standard input and in its environment; whether it listens is its own affair. */
static void test_is_told(void **state)
{
    (void)state;
    static const struct {
        const char *label, *command, *output;
        size_t more; /* bytes of input behind "hello" */
    } cases[] = {
        { "reads it", "cat", "hello", 0 },
        { "by a shell", "|cat; printf %s \"$OUTPOST_TEST\"", "helloa b;$(id)", 0 },
        { "over a variable of ours", "|printf %s \"$HOME\"", "/nowhere", 0 },
        { "reads to the end of much", "|wc -c", "300005\n", 300000 },
        { "reads nothing of much", "true", "", 300000 },
    };
    static const char *const variables[] = { "OUTPOST_TEST=a b;$(id)", "HOME=/nowhere", NULL };

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(loop) loop = NULL;
        HELD(buf) input = BUF(400000);
        struct err err = { 0 };
        struct told told = { .output = BUF(CHILD_OUTPUT_MAX) };

        buf_add(&input, "hello");
        for (size_t n = 0; n < cases[i].more; n++)
            buf_add_char(&input, 'x');
        const struct child_told tell = { buf_span(&input), variables };
        assert_true(loop_new(&loop, &err));
        check_row(cases[i].label, child_tell_command(loop, span_of(cases[i].command), &tell,
                                                     loop_now(loop) + 20000, was_told, &told, NULL, &err));
        loop_run_until(loop, &told.done);
        check_row(cases[i].label, told.err.kind == ERR_NONE);
        check_bytes(cases[i].label, buf_span(&told.output), span_of(cases[i].output));
        buf_done(&told.output);
    }
}

static void test_does_not_run(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct err err = { 0 };
    struct told told = { 0 };
    struct child *child;

    assert_true(loop_new(&loop, &err));
    assert_false(child_run_command(loop, SPAN("/nowhere/to/be/found"), UINT64_MAX, was_told, &told,
                                   NULL, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "/nowhere/to/be/found can't be started"));
    assert_false(child_run_command(loop, SPAN("'"), UINT64_MAX, was_told, &told, NULL, &err));

    assert_true(child_run_command(loop, SPAN("sleep 60"), UINT64_MAX, was_told, &told, &child, &err));
    child_cancel(child);
    loop_run(loop);
    assert_false(told.done);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct err err = { 0 };
        struct told told = { .output = BUF(64) };
        size_t before = alloc_alive();
        bool failed;
        {
            OWN(loop) loop = NULL;
            assert_true(loop_new(&loop, &err));
            alloc_fail_at(n);
            bool ok = child_run_command(loop, SPAN("echo hi"), UINT64_MAX, was_told, &told, NULL, &err);
            if (ok)
                loop_run_until(loop, &told.done);
            failed = alloc_failed();
            alloc_fail_at(0);
            assert_true(ok ? told.done : err.kind == ERR_MEMORY);
        }
        buf_done(&told.output);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_runs),
        cmocka_unit_test(test_is_told),
        cmocka_unit_test(test_does_not_run),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
