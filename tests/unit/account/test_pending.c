#include "support/check.h"

#include "account/pending.h"
#include "account/secret.h"
#include "os/file.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

static struct secret_world world_at(struct scratch *dir, struct world *world)
{
    return (struct secret_world){ .state = scratch_path(dir, "state"), .disk = &world->disk, .dice = &world->dice };
}

/* An account as setup fills it; `changed` is a key and value that differ. */
static struct account *account_with(const char *name, const char *key, const char *value)
{
    static const char *const usual[][2] = {
        { "address", "me@example.org" }, { "server", "smtp.example.org:465" }, { "security", "tls" },
        { "auth", "password" },          { "username", "me@example.org" },     { "secret", "file" },
    };
    struct account *account = NULL;

    assert_true(account_new(span_of(name), &account, NULL));
    for (size_t i = 0; i < COUNT(usual); i++)
        assert_true(account_set(account, usual[i][0], span_of(usual[i][1]), NULL));
    if (key)
        assert_true(account_set(account, key, span_of(value), NULL));
    return account;
}

static bool wait_with(const struct secret_world *where, const struct account *account, const char *text,
                      struct err *err)
{
    OWN(secret) secret = secret_new(span_of(text));

    return secret ? pending_keep(where, account, secret, err) : err_no_memory(err);
}

/* "" wants none. */
static void check_waits(const char *label, const struct secret_world *where, const struct account *account,
                        const char *want)
{
    struct secret *secret = NULL;

    check_row(label, pending_read(where, account, &secret, NULL));
    check_bytes(label, secret_bytes(secret), span_of(want));
    secret_free(secret);
}

static void test_for_this_account_alone(void **state)
{
    static const struct {
        const char *label, *key, *value, *want;
    } cases[] = {
        { "the same", NULL, NULL, "new" },
        { "what does not matter", "name", "My Name", "new" },
        { "another limit", "limit.connections", "2", "new" },
        { "another address", "address", "you@example.org", "" },
        { "another server", "server", "smtp.example.com:465", "" },
        { "another port", "server", "smtp.example.org:587", "" },
        { "another encryption", "security", "starttls", "" },
        { "another user", "username", "you", "" },
        { "another way of signing in", "auth", "token", "" },
        { "another place", "secret", "keyring", "" },
    };
    (void)state;

    SCRATCH(dir);
    struct world world;
    world_init(&world);
    const struct secret_world where = world_at(dir, &world);
    OWN(account) mine = account_with("mine", NULL, NULL);

    check_waits("nothing yet", &where, mine, "");
    assert_true(wait_with(&where, mine, "new", NULL));
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(account) account = account_with("mine", cases[i].key, cases[i].value);
        check_waits(cases[i].label, &where, account, cases[i].want);
    }
    OWN(account) other = account_with("other", NULL, NULL);
    check_waits("another name", &where, other, "");
    assert_true(pending_forget(&where, "mine", NULL));
    assert_true(pending_forget(&where, "mine", NULL)); /* twice is no failure */
    check_waits("forgotten", &where, mine, "");
}

/* ---- with the secret that is kept ---- */

struct answer {
    char text[64];
    bool told;
};

static void fetched(void *data, struct secret *secret, const struct err *err)
{
    struct answer *answer = data;
    struct span bytes = secret_bytes(secret);

    (void)err;
    answer->told = true;
    assert_true(bytes.len < sizeof answer->text);
    if (bytes.len)
        memcpy(answer->text, bytes.at, bytes.len);
    secret_free(secret);
}

static void check_fetched(const char *label, const struct secret_world *where, const struct account *account,
                          const char *want)
{
    struct secret_fetch *fetch = NULL;
    struct answer answer = { 0 };
    struct err err = { 0 };

    if (!secret_fetch(where, account, 0, fetched, &answer, &fetch, &err) || !answer.told)
        fail_msg("%s: %s", label, err.text);
    check_bytes(label, span_of(answer.text), span_of(want));
}

static void ignore(void *data, const struct err *err)
{
    (void)data;
    assert_null(err);
}

static void keep(const struct secret_world *where, const struct account *account, const char *text)
{
    OWN(secret) secret = secret_new(span_of(text));
    struct secret_fetch *fetch = NULL;

    assert_true(secret_keep(where, account, SECRET_SIGN_IN, secret, 0, ignore, NULL, &fetch, NULL));
}

/* The account is replaced by one of the same name elsewhere: each has its own secret, whichever of the two the
 * configuration tells of at that moment. */
static void test_neither_gets_the_others(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    world_init(&world);
    const struct secret_world where = world_at(dir, &world);
    OWN(account) old = account_with("mine", "server", "old.example.org:465");
    OWN(account) new = account_with("mine", "server", "new.example.org:465");

    keep(&where, old, "the old one");
    assert_true(wait_with(&where, new, "the new one", NULL));
    check_fetched("before the step that counts", &where, old, "the old one");
    check_fetched("still", &where, old, "the old one");
    check_fetched("after it", &where, new, "the new one");
    assert_int_equal(scratch_count(scratch_path(dir, "state/pending")), 0); /* and is in its place */
    check_fetched("from its place", &where, new, "the new one");
}

/* ---- what was left ---- */

struct swept {
    struct buf names;
};

static void swept(void *who, const char *account)
{
    struct swept *s = who;

    buf_addf(&s->names, "%s ", account);
}

static void test_swept(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    world_init(&world);
    const struct secret_world where = world_at(dir, &world);
    OWN(account) mine = account_with("mine", NULL, NULL);
    OWN(account) gone = account_with("gone", NULL, NULL);
    OWN(account) before = account_with("moved", "server", "old.example.org:465");
    OWN(account) after = account_with("moved", "server", "new.example.org:465");
    struct account *accounts[] = { mine, before };
    const struct config config = { .accounts = accounts, .account_count = COUNT(accounts) };
    struct swept s = { BUF(200) };
    struct err err = { 0 };

    assert_true(pending_sweep(&where, &config, swept, &s, &err)); /* nothing there, not even a folder */
    assert_true(wait_with(&where, mine, "waits", &err));
    assert_true(wait_with(&where, gone, "x", &err));
    assert_true(wait_with(&where, after, "y", &err));
    scratch_file(dir, "state/pending/broken", "rubbish", 0600);
    assert_true(pending_sweep(&where, &config, swept, &s, &err));
    assert_string_equal(buf_text(&s.names), "broken gone moved ");
    check_waits("what waits for an account stays", &where, mine, "waits");
    buf_done(&s.names);
}

/* Of all that can fail while it is put there, nothing leaves half of it, nor a wrong one. */
static void test_torture(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        OWN(account) mine = account_with("mine", NULL, NULL);
        struct secret *found = NULL;
        struct err err = { 0 };

        world_begin(&world, n);
        const struct secret_world where = world_at(dir, &world);
        bool kept = wait_with(&where, mine, "new", &err);
        bool read = kept && pending_read(&where, mine, &found, &err);
        bool failed = world_end(&world);
        assert_true(failed || (kept && read));
        assert_true(!read || span_is(secret_bytes(found), "new"));
        assert_true((kept && read) || err.kind != ERR_NONE);
        secret_free(found);
        if (!kept) {
            bool whole = scratch_count(scratch_path(dir, "state/pending")) == 1; /* its last sync failed */
            check_waits("whole, or not there", &where, mine, whole ? "new" : "");
        }
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_for_this_account_alone),
        cmocka_unit_test(test_neither_gets_the_others),
        cmocka_unit_test(test_swept),
        cmocka_unit_test(test_torture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
