/* The asking of a keyring, with a program made up in place of outpost-keyring. What the real one does is seen in
 * tests/integration. */
#include "support/check.h"

#include "account/keyring_talk.h"
#include "account/secret.h"
#include "base/alloc.h"
#include "net/loop.h"
#include "os/disk.h"
#include "os/module.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

/* ---- a keyring that has one item, and writes down what it was asked ---- */

static struct scratch *scratch;
static const char *program;

#define RING                                                                                                  \
    "cd \"${0%/*}\"; printf '%s|' \"$@\" > asked; case $1 in\n"                                              \
    "read) if [ -e item ]; then echo ok; cat item; else printf 'secret:unreadable\nthe keyring has none\n'; fi;;\n" \
    "keep) cat > item; echo ok;;\n"                                                                           \
    "forget) rm -f item; echo ok;;\n"                                                                         \
    "esac\n"

bool module_find(const char *file, struct buf *ret_path)
{
    assert_string_equal(file, KEYRING_PROGRAM);
    if (program)
        buf_add(ret_path, program);
    return program && !ret_path->full;
}

/* ---- whoever asks ---- */

static struct loop *loop;

struct answer {
    bool called;
    char secret[128];
    struct err err;
};

static void fetched(void *data, struct secret *secret, const struct err *err)
{
    struct answer *answer = data;
    struct span bytes = secret_bytes(secret);

    assert_false(answer->called);
    answer->called = true;
    if (bytes.len)
        memcpy(answer->secret, bytes.at, bytes.len);
    if (err)
        answer->err = *err;
    secret_free(secret);
}

static void told(void *data, const struct err *err)
{
    fetched(data, NULL, err);
}

static struct account *ring_account(void)
{
    struct account *account = NULL;
    struct err err;

    assert_true(account_new(SPAN("live"), &account, &err));
    assert_true(account_set(account, "secret", SPAN("keyring"), &err));
    assert_true(account_set(account, "address", SPAN("me@live.com"), &err));
    return account;
}

static struct secret_world world_of(void)
{
    return (struct secret_world){ .state = "/nowhere", .disk = &disk_system, .loop = loop };
}

static void put_program(const char *lines)
{
    HELD(buf) text = BUF(4096);

    buf_addf(&text, "#!/bin/sh\n%s", lines);
    program = scratch_file(scratch, "ring", buf_text(&text), 0700);
}

static int begin(void **state)
{
    (void)state;
    struct err err;

    scratch = scratch_new();
    put_program(RING);
    return loop_new(&loop, &err) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    loop_free(loop);
    scratch_free(&scratch);
    return 0;
}

/* Fetches, and waits for the answer. */
static struct answer fetch(const struct secret_world *world, const struct account *account, uint64_t deadline)
{
    struct answer answer = { 0 };
    struct secret_fetch *waiting = NULL;

    assert_true(secret_fetch(world, account, deadline, fetched, &answer, &waiting, &answer.err));
    assert_true(waiting && !answer.called);
    assert_true(loop_run_until(loop, &answer.called));
    return answer;
}

static void test_kept_fetched_forgotten(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    OWN(secret) secret = secret_new((struct span){ "hunter\0two\n", 11 });
    struct secret_world world = world_of();
    struct secret_fetch *waiting;
    struct answer answer = { 0 };
    struct err err = { 0 };

    assert_true(secret_keep(&world, live, SECRET_SIGN_IN, secret, UINT64_MAX, told, &answer, &waiting, &err));
    assert_true(loop_run_until(loop, &answer.called));
    assert_int_equal(answer.err.kind, ERR_NONE);
    assert_string_equal(scratch_text(scratch_path(scratch, "asked")),
                        "keep|/nowhere|live|outpost: me@live.com (live)|quiet|");
    answer = fetch(&world, live, UINT64_MAX);
    assert_memory_equal(answer.secret, "hunter\0two\n", 12);
    world.may_ask = true;
    answer = fetch(&world, live, UINT64_MAX);
    assert_string_equal(scratch_text(scratch_path(scratch, "asked")),
                        "read|/nowhere|live|outpost: me@live.com (live)|ask|");

    answer = (struct answer){ 0 };
    assert_true(secret_forget(&world, live, SECRET_SIGN_IN, UINT64_MAX, told, &answer, &waiting, &err));
    assert_true(loop_run_until(loop, &answer.called));
    answer = fetch(&world, live, UINT64_MAX);
    assert_string_equal(answer.err.fact, "secret:unreadable");
    assert_string_equal(answer.err.text, "account live: its secret: the keyring has none");
}

static const struct {
    const char *label, *program;
    enum err_kind kind;
    const char *fact, *text, *said;
} answers[] = {
    { "locked", "printf 'secret:locked\nthe keyring is locked\nits words'", ERR_LATER, "secret:locked",
      "the keyring is locked", "its words" },
    { "none", "printf 'secret:unreadable\nthe keyring has none\n'", ERR_CONFIG, "secret:unreadable",
      "the keyring has none", "" },
    { "empty", "printf 'auth:empty-password\nwhat the keyring has is empty\n'", ERR_SIGNIN, "auth:empty-password",
      "is empty", "" },
    { "cut short", "printf 'secret:locked'", ERR_LATER, "secret:locked", "made no sense", "" },
    { "another fact", "printf 'tls:cut\nit broke\n'", ERR_LATER, "secret:locked", "made no sense", "" },
    { "a secret of nothing", "echo ok", ERR_LATER, "secret:locked", "made no sense", "" },
    { "not to be shown", "printf 'secret:unreadable\nno\033[2J\nits\a'", ERR_CONFIG, "secret:unreadable", "no\\x1b[2J",
      "its?" },
    { "no line", "printf ok-then", ERR_LATER, "secret:locked", "made no sense", "" },
    { "nothing", "true", ERR_LATER, "secret:locked", "made no sense", "" },
    { "it fails", "echo no libsecret >&2; exit 127", ERR_LATER, "secret:locked", "ended with status 127",
      "no libsecret" },
    { "it aborts", "kill -ABRT $$", ERR_LATER, "secret:locked", "killed by signal 6", "" },
    { "too much", "echo ok; head -c 70000 /dev/zero", ERR_LATER, "secret:locked", "64 KB", "" },
};

static void test_answers(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();

    for (size_t i = 0; i < COUNT(answers); i++) {
        put_program(answers[i].program);
        struct answer answer = fetch(&world, live, UINT64_MAX);
        check_row(answers[i].label, answer.err.kind == answers[i].kind);
        check_row(answers[i].label, strcmp(answer.err.fact, answers[i].fact) == 0);
        check_row(answers[i].label, strstr(answer.err.text, answers[i].text) != NULL);
        check_bytes(answers[i].label, span_of(answer.err.said), span_of(answers[i].said));
        check_row(answers[i].label, answer.secret[0] == '\0');
    }
}

/* It hangs: whoever waits is told at the deadline. */
static void test_too_late(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();

    put_program("exec sleep 1000");
    struct answer answer = fetch(&world, live, loop_now(loop));
    assert_int_equal(answer.err.kind, ERR_LATER);
    assert_string_equal(answer.err.fact, "secret:locked");
    assert_non_null(strstr(answer.err.text, "did not answer in time"));
}

static void test_cancelled(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();
    struct secret_fetch *waiting = NULL;
    struct answer answer = { 0 };
    struct err err;

    put_program("exec sleep 1000");
    assert_true(secret_fetch(&world, live, UINT64_MAX, fetched, &answer, &waiting, &err));
    secret_fetch_cancel(waiting);
    loop_turn(loop);
    assert_false(answer.called);
}

/* Longer than could be read again. */
static void test_too_long(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    char *bytes = mem_new(SECRET_MAX);
    OWN(secret) secret = secret_new((struct span){ bytes, KEYRING_SECRET_MAX + 1 });
    const struct secret_world world = world_of();
    struct secret_fetch *waiting = NULL;
    struct answer answer = { 0 };
    struct err err;

    mem_free(bytes);
    assert_false(secret_keep(&world, live, SECRET_SIGN_IN, secret, UINT64_MAX, told, &answer, &waiting, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

/* A build, or an installation, without the program. */
static void test_absent(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();
    struct secret_fetch *waiting = NULL;
    struct answer answer = { 0 };
    struct err err;

    program = NULL;
    assert_false(secret_fetch(&world, live, UINT64_MAX, fetched, &answer, &waiting, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.fact, "secret:unreadable");
    assert_non_null(strstr(err.text, "no way to keyrings in this installation"));
    assert_false(answer.called);
}

static void test_no_memory(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();

    put_program("printf 'ok\nx'");
    for (unsigned n = 1;; n++) {
        struct world fails;
        struct secret_fetch *waiting = NULL;
        struct answer answer = { 0 };
        struct err err = { 0 };

        world_begin(&fails, n);
        bool began = secret_fetch(&world, live, UINT64_MAX, fetched, &answer, &waiting, &err);
        if (began)
            loop_run_until(loop, &answer.called);
        bool failed = world_end(&fails);
        loop_run(loop); /* until what was closed is gone */
        assert_int_equal(world_leaks(&fails), 0);
        assert_true(began ? answer.called : err.kind == ERR_MEMORY);
        assert_true(answer.err.kind == ERR_NONE || failed);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_kept_fetched_forgotten, begin, end),
        cmocka_unit_test_setup_teardown(test_answers, begin, end),
        cmocka_unit_test_setup_teardown(test_too_late, begin, end),
        cmocka_unit_test_setup_teardown(test_cancelled, begin, end),
        cmocka_unit_test_setup_teardown(test_too_long, begin, end),
        cmocka_unit_test_setup_teardown(test_absent, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
