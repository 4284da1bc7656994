#include "support/check.h"

#include "base/alloc.h"
#include "relay/choice.h"
#include "support/knowledge.h"
#include "support/scratch.h"
#include "support/world.h"

#define HOUR (3600ull * 1000)
#define DAY  (24 * HOUR)

static struct account *account_of(const char *address, const char *auth)
{
    struct account *account = NULL;
    struct err err;

    assert_true(account_new(SPAN("live"), &account, &err));
    assert_true(account_set(account, "address", span_of(address), &err));
    assert_true(account_set(account, "server", SPAN("127.0.0.1:25"), &err));
    if (strcmp(address, "me@example.org") != 0)
        assert_true(account_set(account, "provider",
                                strcmp(address, "me@gmail.com") == 0 ? SPAN("gmail") : SPAN("outlook.com"), &err));
    assert_true(account_set(account, "auth", span_of(auth), &err));
    assert_true(account_fill(account, know, &err));
    return account;
}

static void test_who_may(void **state)
{
    static const struct {
        const char *address, *auth, *way;
    } cases[] = {
        { "me@live.com", "oauth", "graph" },
        { "me@live.com", "token", NULL }, /* it is for SMTP */
        { "me@live.com", "password", NULL },
        { "me@gmail.com", "oauth", "gmail" },
        { "me@gmail.com", "token", "gmail" },
        { "me@gmail.com", "password", NULL },
        { "me@example.org", "oauth", NULL },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(account) account = account_of(cases[i].address, cases[i].auth);
        const char *way = choice_other_way(account);
        check_row(cases[i].address, (way == NULL) == (cases[i].way == NULL));
        check_row(cases[i].address, !way || strcmp(way, cases[i].way) == 0);
    }
}

static void test_causes(void **state)
{
    (void)state;
    assert_true(choice_is_shut("auth_smtp_disabled_mailbox"));
    assert_true(choice_is_shut("auth_smtp_disabled_tenant"));
    assert_true(choice_is_shut("connect_timeout_port_blocked"));
    assert_true(choice_is_shut("oauth_wrong_user"));
    assert_true(choice_is_shut("auth_bad_credentials"));
    assert_false(choice_is_shut("oauth_refresh_token_expired"));
    assert_false(choice_is_shut("connect_refused_no_listener"));
    assert_false(choice_is_shut("server_busy_temporary"));
    assert_false(choice_is_shut("cert_expired"));
    assert_false(choice_is_shut(NULL));
}

static void test_how_long(void **state)
{
    static const struct {
        const char *label, *because;
        uint64_t shut; /* for so long, when it was checked */
        uint64_t good;
    } cases[] = {
        { "a network, just now", "connect_timeout_port_blocked", 0, HOUR },
        { "a network, for three hours", "connect_timeout_port_blocked", 3 * HOUR, 3 * HOUR },
        { "a network, for a week", "connect_timeout_port_blocked", 7 * DAY, DAY },
        { "a mailbox, just now", "auth_smtp_disabled_mailbox", 0, DAY },
        { "a mailbox, for a year", "auth_smtp_disabled_mailbox", 365 * DAY, 14 * DAY },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct choice choice = { 0 };
        choice_make(&choice, "graph", cases[i].because, 1000 * DAY);
        choice_make(&choice, "graph", cases[i].because, 1000 * DAY + cases[i].shut);
        check_row(cases[i].label, choice.since == 1000 * DAY);
        check_row(cases[i].label, choice_holds(&choice, choice.checked));
        check_row(cases[i].label, choice_holds(&choice, choice.checked + cases[i].good - 1));
        check_row(cases[i].label, !choice_holds(&choice, choice.checked + cases[i].good));
        check_row(cases[i].label, !choice_holds(&choice, choice.checked - 1)); /* a clock set back */
    }
    struct choice none = { 0 }, odd = { "graph", "no_such_cause", 0, 0 };
    assert_false(choice_holds(&none, 0));
    assert_false(choice_holds(&odd, 0));
    choice_make(&odd, "graph", "oauth_wrong_user", 5); /* for another reason: from now */
    assert_int_equal(odd.since, 5);
}

static void test_texts(void **state)
{
    static const struct {
        const char *label, *text;
        bool good;
    } cases[] = {
        { "as written", "[transport]\nuses = graph\nbecause = oauth_wrong_user\nsince = 1\nchecked = 2\n", true },
        { "nothing", "", false },
        { "no section", "uses = graph\n", false },
        { "no cause", "[transport]\nuses = graph\nsince = 1\nchecked = 2\n", false },
        { "no number", "[transport]\nuses = graph\nbecause = x\nsince = soon\nchecked = 2\n", false },
        { "a number too large",
          "[transport]\nuses = graph\nbecause = x\nsince = 1\nchecked = 18446744073709551615\n", false },
        { "a word too long",
          "[transport]\nuses = a-transport-nobody-knows\nbecause = x\nsince = 1\nchecked = 2\n", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct choice choice = { 0 };
        HELD(buf) out = BUF(1000);
        check_row(cases[i].label, choice_parse(span_of(cases[i].text), &choice) == cases[i].good);
        if (!cases[i].good)
            continue;
        check_row(cases[i].label, choice_write(&choice, &out));
        assert_string_equal(buf_text(&out), cases[i].text);
    }
}

/* Everything fails once: what was kept stands, or what was there before. */
static void test_file(void **state)
{
    SCRATCH(dir);
    OWN(account) account = account_of("me@live.com", "oauth");
    const char *root = scratch_root(dir);
    struct choice got, want = { 0 };
    bool ran_out = true;

    (void)state;
    choice_make(&want, "graph", "oauth_wrong_user", 1000 * DAY);
    for (unsigned n = 1; ran_out; n++) {
        struct world world;
        struct err err = { 0 };
        world_begin(&world, n);
        bool good = choice_keep(&world.disk, root, account, &want, &err);
        ran_out = world_end(&world);
        assert_true(good || ran_out);
        choice_read(&world.disk, root, account, &got);
        assert_true(good ? strcmp(got.uses, "graph") == 0 : got.uses[0] == '\0' || got.since == want.since);
        assert_int_equal(world_leaks(&world), 0);
    }
    assert_int_equal(got.checked, 1000 * DAY);
    assert_string_equal(got.because, "oauth_wrong_user");

    struct world world;
    struct err err = { 0 };
    world_init(&world);
    assert_true(choice_forget(&world.disk, root, account, &err));
    choice_read(&world.disk, root, account, &got);
    assert_string_equal(got.uses, "");
    assert_true(choice_forget(&world.disk, root, account, &err)); /* nothing there */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_may), cmocka_unit_test(test_causes), cmocka_unit_test(test_how_long),
        cmocka_unit_test(test_texts),   cmocka_unit_test(test_file),
    };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
