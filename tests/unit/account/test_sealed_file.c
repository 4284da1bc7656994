#include "support/check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/seal_key.h"
#include "account/sealed_file.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

#define KEY_A "0123456789012345678901234567890A"
#define KEY_B "0123456789012345678901234567890B"

static const struct sealed_file live = { "grants", "live" };

/* A state directory, a credentials directory that may not be there, the kernel. */
static struct secret_world world_at(struct scratch *dir, struct world *world)
{
    return (struct secret_world){
        .state = scratch_path(dir, "state"),
        .disk = &world->disk,
        .dice = &world->dice,
        .kernel = &world->kernel,
        .credentials = scratch_path(dir, "credentials"),
    };
}

static void give_credential(struct scratch *dir, const char *text, mode_t mode)
{
    mkdir(scratch_path(dir, "credentials"), 0700);
    scratch_file(dir, "credentials/outpost-key", text, mode);
}

static bool keep(const struct secret_world *where, const char *text, struct err *err)
{
    OWN(secret) secret = secret_new(span_of(text));

    return secret ? sealed_file_keep(where, live, secret, err) : err_no_memory(err);
}

static void check_holds(const char *label, const struct secret_world *where, enum sealed_key kept,
                        const char *text)
{
    OWN(secret) secret = NULL;
    struct err err = { 0 };
    enum sealed_key found = 0;

    if (!sealed_file_read(where, live, &secret, &err))
        fail_msg("case \"%s\": %s", label, err.text);
    check_bytes(label, secret_bytes(secret), span_of(text));
    check_row(label, sealed_file_key(where, live, &found, &err));
    check_bytes(label, span_of(seal_key_word(found)), span_of(seal_key_word(kept)));
}

/* The best key there is seals what is new; the file's is made only where there is no other. */
static void test_which_key(void **state)
{
    static const struct {
        const char *label, *kernel, *credential;
        mode_t mode;
        enum sealed_key want;
    } rows[] = {
        { "none but the file's", NULL, NULL, 0, SEALED_KEY_FILE },
        { "the kernel's", KEY_A, NULL, 0, SEALED_KEY_KERNEL },
        { "systemd's", NULL, KEY_B, 0400, SEALED_KEY_CREDENTIAL },
        { "systemd's, before the kernel's", KEY_A, KEY_B, 0400, SEALED_KEY_CREDENTIAL },
        { "readable by a list: the mode shows its mask", NULL, KEY_B, 0440, SEALED_KEY_CREDENTIAL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        struct world world;
        struct err err = { 0 };
        world_init(&world);
        world.kernel_key = rows[i].kernel;
        if (rows[i].credential)
            give_credential(dir, rows[i].credential, rows[i].mode);
        const struct secret_world where = world_at(dir, &world);

        check_row(rows[i].label, keep(&where, "hunter2", &err));
        check_holds(rows[i].label, &where, rows[i].want, "hunter2");
        bool made = access(scratch_path(dir, "state/key"), F_OK) == 0;
        check_row(rows[i].label, made == (rows[i].want == SEALED_KEY_FILE));
    }
}

/* What can't be opened now is told as such: nobody is to think that the sign-in is lost. */
static void test_not_now(void **state)
{
    static const struct {
        const char *label, *kernel_then, *kernel_now;
        bool credential;
        enum err_kind kind;
        const char *fact, *want;
    } rows[] = {
        { "the kernel forgot", KEY_A, NULL, false, ERR_LATER, "secret:locked", "keyctl padd user outpost:key @u" },
        { "the kernel has another", KEY_A, KEY_B, false, ERR_CONFIG, "secret:unreadable", "another key" },
        { "the kernel has a short one", KEY_A, "short", false, ERR_CONFIG, "secret:unreadable", "32 bytes" },
        { "the kernel has a long one", KEY_A, KEY_A "x", false, ERR_CONFIG, "secret:unreadable", "32 bytes" },
        { "not in the service", NULL, NULL, true, ERR_LATER, "secret:locked", "outpost-key" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        struct world world;
        struct err err = { 0 };
        OWN(secret) secret = NULL;
        world_init(&world);
        world.kernel_key = rows[i].kernel_then;
        if (rows[i].credential)
            give_credential(dir, KEY_B, 0400);
        struct secret_world where = world_at(dir, &world);

        check_row(rows[i].label, keep(&where, "hunter2", &err));
        world.kernel_key = rows[i].kernel_now;
        for (size_t round = 0; round < 2; round++) { /* the file is gone, then there is not even a directory */
            if (rows[i].credential)
                unlink(scratch_path(dir, "credentials/outpost-key"));
            check_row(rows[i].label, !sealed_file_read(&where, live, &secret, &err));
            check_row(rows[i].label, err.kind == rows[i].kind && strcmp(err.fact, rows[i].fact) == 0);
            check_row(rows[i].label, strstr(err.text, rows[i].want));
            where.credentials = NULL;
        }
    }
}

/* A better key that is damaged is not passed over in silence. */
static void test_damaged_key(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };

    world_init(&world);
    world.kernel_key = "short";
    const struct secret_world where = world_at(dir, &world);
    assert_false(keep(&where, "hunter2", &err));
    assert_string_equal(err.fact, "secret:unreadable");
    assert_int_not_equal(access(scratch_path(dir, "state/key"), F_OK), 0);
}

/* A file stays with its key, as long as that can be had; from one key to another it goes only when asked. */
static void test_moved(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };

    world_init(&world);
    const struct secret_world where = world_at(dir, &world);
    assert_true(keep(&where, "one", &err));
    world.kernel_key = KEY_A;
    give_credential(dir, KEY_B, 0400);
    assert_true(keep(&where, "two", &err));
    check_holds("stays with the file's", &where, SEALED_KEY_FILE, "two");

    assert_true(sealed_file_move(&where, live, SEALED_KEY_KERNEL, &err));
    check_holds("moved", &where, SEALED_KEY_KERNEL, "two");
    assert_true(keep(&where, "three", &err));
    check_holds("stays with the kernel's", &where, SEALED_KEY_KERNEL, "three");

    world.kernel_key = NULL;
    assert_false(sealed_file_move(&where, live, SEALED_KEY_FILE, &err)); /* it can't be opened now */
    assert_string_equal(err.fact, "secret:locked");
    assert_true(keep(&where, "four", &err));
    check_holds("its key is not to be had", &where, SEALED_KEY_CREDENTIAL, "four");

    assert_false(sealed_file_move(&where, live, SEALED_KEY_KERNEL, &err)); /* no key there: all stays */
    check_holds("not moved", &where, SEALED_KEY_CREDENTIAL, "four");
}

/* What was sealed for one folder opens in no other, nor what was sealed for one account as another's. */
static void test_swapped(void **state)
{
    static const struct sealed_file others[] = { { "grants", "other" }, { "secrets", "live" } };

    (void)state;
    for (size_t i = 0; i < COUNT(others); i++) {
        SCRATCH(dir);
        struct world world;
        struct err err = { 0 };
        OWN(secret) secret = NULL;
        OWN(secret) other = secret_new(SPAN("other"));
        HELD(buf) to = BUF(100);
        world_init(&world);
        const struct secret_world where = world_at(dir, &world);

        assert_true(keep(&where, "hunter2", &err));
        assert_true(sealed_file_keep(&where, others[i], other, &err));
        buf_addf(&to, "state/%s/%s", others[i].folder, others[i].name);
        assert_int_equal(rename(scratch_path(dir, "state/grants/live"), scratch_path(dir, buf_text(&to))), 0);
        assert_false(sealed_file_read(&where, others[i], &secret, &err));
        assert_non_null(strstr(err.text, "another account"));
        assert_false(sealed_file_read(&where, live, &secret, &err));
        assert_int_equal(err.sys, ENOENT);
    }
}

/* Each step fails once: what was there is there, or what was to come. */
static void torture(bool (*act)(const struct secret_world *, struct err *), const char *after)
{
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        struct err err = { 0 };
        OWN(secret) found = NULL;
        world_init(&world);
        struct secret_world where = world_at(dir, &world);
        assert_true(keep(&where, "before", &err));

        world_begin(&world, n);
        world.kernel_key = KEY_A;
        bool ok = act(&where, &err);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        assert_true(sealed_file_read(&where, live, &found, &err));
        bool old = span_is(secret_bytes(found), "before");
        assert_true(old || span_is(secret_bytes(found), after));
        assert_true(!ok || span_is(secret_bytes(found), after));
        if (!failed)
            return;
    }
}

static bool keep_another(const struct secret_world *where, struct err *err)
{
    return keep(where, "after", err);
}

static bool move_to_kernel(const struct secret_world *where, struct err *err)
{
    return sealed_file_move(where, live, SEALED_KEY_KERNEL, err);
}

static void test_torture(void **state)
{
    (void)state;
    torture(keep_another, "after");
    torture(move_to_kernel, "before");
}

static void test_words(void **state)
{
    static const enum sealed_key all[] = { SEALED_KEY_FILE, SEALED_KEY_KERNEL, SEALED_KEY_CREDENTIAL };

    (void)state;
    enum sealed_key found;
    for (size_t i = 0; i < COUNT(all); i++) {
        assert_true(seal_key_from_word(span_of(seal_key_word(all[i])), &found));
        assert_int_equal(found, all[i]);
    }
    assert_false(seal_key_from_word(SPAN("attic"), &found));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_which_key),
        cmocka_unit_test(test_not_now),
        cmocka_unit_test(test_damaged_key),
        cmocka_unit_test(test_moved),
        cmocka_unit_test(test_swapped),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
