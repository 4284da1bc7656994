#include "support/check.h"

#include "sandbox/maildir.h"
#include "support/scratch.h"
#include "support/world.h"

static void test_kept(void **state)
{
    (void)state;
    SCRATCH(dir);
    OWN(maildir) maildir = NULL;
    OWN(maildir_message) message = NULL;
    assert_true(maildir_open(&disk_system, scratch_path(dir, "mail"), &maildir, NULL));
    assert_true(maildir_begin(maildir, "1.one", &message, NULL));
    assert_true(maildir_add(message, SPAN("Hi\r\n"), NULL));
    assert_true(maildir_add(message, SPAN("there\r\n"), NULL));
    assert_null(scratch_text(scratch_path(dir, "mail/new/1.one")));
    assert_true(maildir_keep(message, SPAN("{}\n"), NULL));
    maildir_message_free(GIVE(message));
    assert_string_equal(scratch_text(scratch_path(dir, "mail/new/1.one")), "Hi\r\nthere\r\n");
    assert_string_equal(scratch_text(scratch_path(dir, "mail/envelopes/1.one.json")), "{}\n");
    assert_int_equal(scratch_count(scratch_path(dir, "mail/tmp")), 0);
}

static void test_dropped(void **state)
{
    (void)state;
    SCRATCH(dir);
    OWN(maildir) maildir = NULL;
    struct maildir_message *message = NULL, *same = NULL;
    assert_true(maildir_open(&disk_system, scratch_path(dir, "mail"), &maildir, NULL));
    assert_true(maildir_begin(maildir, "1.one", &message, NULL));
    assert_false(maildir_begin(maildir, "1.one", &same, NULL)); /* nobody's message is written over */
    assert_true(maildir_add(message, SPAN("Hi\r\n"), NULL));
    maildir_message_free(message);
    assert_int_equal(scratch_count(scratch_path(dir, "mail/tmp")), 0);
    assert_int_equal(scratch_count(scratch_path(dir, "mail/new")), 0);
}

static bool keep_one(struct world *world, const char *path)
{
    OWN(maildir) maildir = NULL;
    OWN(maildir_message) message = NULL;

    return maildir_open(&world->disk, path, &maildir, NULL) &&
           maildir_begin(maildir, "1.one", &message, NULL) &&
           maildir_add(message, SPAN("Hi\r\n"), NULL) && maildir_keep(message, SPAN("{}\n"), NULL);
}

/* Whatever fails: no success is told without the message, and nothing half made is left. */
static void test_faults(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        const char *path = scratch_path(dir, "mail");
        world_begin(&world, n);
        bool kept = keep_one(&world, path);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        size_t there = scratch_count(scratch_path(dir, "mail/new"));
        assert_true(there == 1 || !kept);
        assert_true(there == 0 || scratch_count(scratch_path(dir, "mail/envelopes")) == 1);
        if (!failed) {
            assert_true(kept);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept),
        cmocka_unit_test(test_dropped),
        cmocka_unit_test(test_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
