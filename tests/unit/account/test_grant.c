#include "support/check.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account/grant.h"
#include "oauth_case.h"
#include "os/file.h"
#include "support/alloc_fails.h"
#include "support/killer.h"
#include "support/scratch.h"
#include "support/world.h"

#define LIVE "address=me@live.com", "client_id=app"
#define WALL UINT64_C(1700000000000)

static struct secret_world world_at(struct scratch *dir, struct world *world)
{
    return (struct secret_world){ .state = scratch_path(dir, "state"), .disk = &world->disk, .dice = &world->dice };
}

static struct grant *grant_of(const struct account *account)
{
    HELD(oauth_way) way = way_of(account);
    struct grant *grant = NULL;

    assert_true(grant_new(account, &way, &grant, NULL));
    return grant;
}

static struct oauth_tokens tokens_of(const char *access, const char *refresh, uint64_t life_ms)
{
    return (struct oauth_tokens){
        .access = secret_new(span_of(access)),
        .refresh = refresh ? secret_new(span_of(refresh)) : NULL,
        .life_ms = life_ms,
    };
}

static void take(struct grant *grant, enum credential_purpose purpose, const char *access, const char *refresh)
{
    HELD(oauth_tokens) tokens = tokens_of(access, refresh, 3600 * 1000);

    grant_take(grant, purpose, &tokens, WALL);
}

static struct grant *whole_grant(const struct account *account)
{
    struct grant *grant = grant_of(account);
    struct err why;

    take(grant, CREDENTIAL_SMTP, "A\"1", "R1");
    take(grant, CREDENTIAL_IMAP, "A2", NULL);
    err_found(&why, ERR_SIGNIN, "oauth:consent-required", "x");
    err_said(&why, SPAN("AADSTS65001: no"));
    assert_true(grant_refused(grant, CREDENTIAL_HTTPS, &why, WALL + 5, NULL));
    grant->later = (struct grant_refusal){ WALL + 6, "oauth:busy", "come back" };
    grant->not_before = WALL + 60000;
    grant->user = "me@outlook.com";
    grant->users[grant->user_count++] = "me@live.com";
    grant->users[grant->user_count++] = "other@live.com";
    grant->signed_in = WALL - 1000;
    grant->refresh_expires = WALL + 99;
    grant->proof_expires = WALL + 98;
    grant->seed = "abc";
    grant->basic = true;
    return grant;
}

static void check_same(const struct grant *a, const struct grant *b)
{
    HELD(buf) one = BUF(SECRET_MAX), other = BUF(SECRET_MAX);
    OWN(secret) first = NULL;
    OWN(secret) second = NULL;

    assert_true(grant_write(a, &first, NULL));
    assert_true(grant_write(b, &second, NULL));
    check_bytes("the same", secret_bytes(first), secret_bytes(second));
}

static void test_there_and_back(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) grant = whole_grant(live);
    OWN(grant) back = NULL;
    OWN(secret) json = NULL;

    assert_true(grant_write(grant, &json, NULL));
    assert_true(grant_parse(secret_bytes(json), &back, NULL));
    check_same(grant, back);
    check_bytes("refresh", secret_bytes(back->refresh), SPAN("R1"));
    check_bytes("smtp", secret_bytes(back->tokens[CREDENTIAL_SMTP].access), SPAN("A\"1"));
    assert_null(back->tokens[CREDENTIAL_HTTPS].access);
    assert_string_equal(back->tokens[CREDENTIAL_HTTPS].refusal.fact, "oauth:consent-required");
    assert_string_equal(back->tokens[CREDENTIAL_HTTPS].refusal.said, "AADSTS65001: no");
    assert_string_equal(back->later.fact, "oauth:busy");
    assert_string_equal(back->users[1], "other@live.com");
    assert_true(back->basic && !back->application && back->not_before == WALL + 60000);
    assert_string_equal(back->token_url, "https://login.microsoftonline.com/consumers/oauth2/v2.0/token");
    assert_string_equal(back->host, "smtp-mail.outlook.com");
}

static const struct {
    const char *label, *json;
} unreadable[] = {
    { "nothing", "" },
    { "no JSON", "hello" },
    { "a password", "[\"hunter2\"]" },
    { "of a later version", "{\"version\":2,\"client_id\":\"a\",\"token_url\":\"b\",\"host\":\"c\"}" },
    { "of nobody", "{\"version\":1,\"token_url\":\"b\",\"host\":\"c\"}" },
    { "from nowhere", "{\"version\":1,\"client_id\":\"a\",\"host\":\"c\"}" },
    { "for no server", "{\"version\":1,\"client_id\":\"a\",\"token_url\":\"b\"}" },
};

static void test_unreadable(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(unreadable); i++) {
        struct grant *grant = NULL;
        struct err err = { 0 };
        check_row(unreadable[i].label, !grant_parse(span_of(unreadable[i].json), &grant, &err) && !grant);
        check_row(unreadable[i].label, strcmp(err.fact, "secret:unreadable") == 0);
        check_row(unreadable[i].label, !strstr(err.text, "hunter2"));
    }
}

static void test_long_tokens(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) two = grant_of(live);
    OWN(grant) many = grant_of(live);
    OWN(grant) back = NULL;
    OWN(secret) json = NULL;
    OWN(secret) less = NULL;
    static char token[OAUTH_TOKEN_MAX + 1];

    memset(token, 'x', OAUTH_TOKEN_MAX);
    take(two, CREDENTIAL_SMTP, token, token);
    take(two, CREDENTIAL_HTTPS, token, NULL);
    assert_true(grant_write(two, &json, NULL));
    assert_true(grant_parse(secret_bytes(json), &back, NULL));
    assert_non_null(back->tokens[CREDENTIAL_HTTPS].access);

    /* More than a sealed file holds: what can't be had again is kept. */
    for (unsigned i = 0; i < CREDENTIAL_PURPOSES; i++)
        take(many, (enum credential_purpose)i, token, token);
    grant_free(back);
    back = NULL;
    assert_true(grant_write(many, &less, NULL));
    assert_true(grant_parse(secret_bytes(less), &back, NULL));
    assert_int_equal(secret_bytes(back->refresh).len, OAUTH_TOKEN_MAX);
    assert_null(back->tokens[CREDENTIAL_SMTP].access);
}

static const struct {
    const char *label;
    int64_t now; /* from when the token was made, ms; it lives an hour */
    uint64_t least_ms;
    bool good;
} moments[] = {
    { "just made", 0, 60000, true },
    { "half of its life", 1800000, 60000, true },
    { "enough left", 3540000, 60000, true },
    { "not enough left", 3540001, 60000, false },
    { "its last moment", 3599999, 1, true },
    { "over", 3600000, 0, false },
    { "the clock went on a day", 86400000, 0, false },
    { "the clock went back: nothing is proven", -1, 0, false },
    { "the clock went back a year", -31536000000, 0, false },
};

static void test_moments(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) grant = grant_of(live);

    take(grant, CREDENTIAL_SMTP, "A", "R");
    for (size_t i = 0; i < COUNT(moments); i++)
        check_row(moments[i].label, grant_has(grant, CREDENTIAL_SMTP, WALL + (uint64_t)moments[i].now,
                                              moments[i].least_ms) == moments[i].good);
    assert_false(grant_has(grant, CREDENTIAL_HTTPS, WALL, 0));
}

static void test_a_life_unsaid(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) grant = grant_of(live);
    HELD(oauth_tokens) tokens = tokens_of("A", "R", 0);

    grant_take(grant, CREDENTIAL_SMTP, &tokens, WALL);
    assert_true(grant_has(grant, CREDENTIAL_SMTP, WALL + 60000, 0));
    assert_false(grant_has(grant, CREDENTIAL_SMTP, WALL + GRANT_LIFE_UNSAID_MS, 0));
}

static const struct {
    const char *label;
    const char *keys[6];
    bool good;
} owners[] = {
    { "the same", { LIVE }, true },
    { "another name of the provider's server", { LIVE, "server=smtp.office365.com:587", "provider=outlook.com" }, true },
    { "its old name", { LIVE, "server=smtp.live.com:587", "provider=outlook.com" }, true },
    { "another application", { "address=me@live.com", "client_id=other" }, false },
    { "another tenant", { LIVE, "tenant=common" }, false },
    { "another server", { LIVE, "server=mail.evil.example:587", "provider=outlook.com" }, false },
    { "another issuer", { "address=me@live.com", "provider=generic", "client_id=app", "server=smtp-mail.outlook.com:587",
                          "issuer=https://id.evil.example" }, false },
};

static void test_whose_it_is(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) grant = grant_of(live);

    for (size_t i = 0; i < COUNT(owners); i++) {
        OWN(account) now = account_of(owners[i].keys);
        HELD(oauth_way) way = way_of(now);
        struct err err = { 0 };
        bool good = grant_check(grant, now, &way, &err);
        check_row(owners[i].label, good == owners[i].good ||
                  (i == COUNT(owners) - 1 && !grant->issuer)); /* nothing is known to compare with */
        check_row(owners[i].label, good || strcmp(err.fact, "oauth:other-sign-in") == 0);
    }
}

/* ---- the file ---- */

static void test_the_file(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) grant = whole_grant(live);
    OWN(grant) back = NULL;

    world_init(&world);
    struct secret_world where = world_at(dir, &world);
    assert_false(grant_read(&where, live, &back, &err));
    assert_string_equal(err.fact, "oauth:no-sign-in");
    assert_true(grant_keep(&where, live, grant, &err));
    assert_true(grant_read(&where, live, &back, &err));
    check_same(grant, back);

    /* Nothing of it is to be read there. */
    HELD(buf) bytes = BUF(SECRET_MAX);
    assert_true(file_read(&disk_system, scratch_path(dir, "state/grants/mine"), SECRET_MAX, FILE_SECRET, &bytes, &err));
    assert_int_equal(span_find_text(buf_span(&bytes), "client_id"), bytes.len);

    scratch_file(dir, "state/grants/mine", "rubbish", 0600);
    grant_free(back);
    back = NULL;
    assert_false(grant_read(&where, live, &back, &err));
    assert_string_equal(err.fact, "secret:unreadable");

    assert_true(grant_forget(&where, live, &err));
    assert_true(grant_forget(&where, live, &err));
    assert_false(grant_read(&where, live, &back, &err));
    assert_string_equal(err.fact, "oauth:no-sign-in");
}

static void test_room_for_a_full_disk(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) grant = grant_of(live);
    OWN(grant) back = NULL;

    world_init(&world);
    struct secret_world where = world_at(dir, &world);
    take(grant, CREDENTIAL_SMTP, "A1", "R1");
    assert_true(grant_reserve(&where, live, &err));
    assert_true(grant_keep(&where, live, grant, &err));

    /* The disk is full for the first write; once the room has been given up, the second goes. */
    unsigned with_room = 0;
    take(grant, CREDENTIAL_SMTP, "A2", "R2");
    world.sys = ENOSPC;
    for (unsigned n = 1;; n++) {
        world.until = n;
        world.failed = false;
        bool kept = grant_keep(&where, live, grant, &err);
        bool failed = world.failed;
        world.until = 0;
        assert_true(kept || !err.fact || strcmp(err.fact, "disk:full") != 0);
        with_room += kept && failed;
        grant_free(back);
        back = NULL;
        assert_true(grant_read(&where, live, &back, &err));
        if (kept)
            check_bytes("the new one", secret_bytes(back->refresh), SPAN("R2"));
        assert_true(grant_reserve(&where, live, &err));
        if (!failed)
            break;
    }
    assert_true(with_room > 3);
    assert_true(file_exists(scratch_path(dir, "state/grants/.mine.room")));
    assert_true(grant_forget(&where, live, &err));
    assert_false(file_exists(scratch_path(dir, "state/grants/.mine.room")));
}

/* A disk on which nothing can be written before the room that was set aside is given up. */
struct full_disk {
    struct disk disk;
    bool freed;
};

static ssize_t write_if_freed(const struct disk *disk, int fd, const void *at, size_t len)
{
    errno = ENOSPC;
    return ((const struct full_disk *)(const void *)disk)->freed ? disk_system.write(disk, fd, at, len) : -1;
}

static int unlink_frees(const struct disk *disk, const char *path)
{
    int result = disk_system.unlink(disk, path);

    if (result == 0 && strstr(path, ".room"))
        ((struct full_disk *)(void *)(uintptr_t)disk)->freed = true;
    return result;
}

static void test_a_disk_that_is_full(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };
    struct full_disk full = { disk_system, false };
    OWN(account) live = ACCOUNT(LIVE);
    OWN(grant) grant = grant_of(live);
    OWN(grant) back = NULL;

    world_init(&world);
    full.disk.write = write_if_freed;
    full.disk.unlink = unlink_frees;
    struct secret_world where = world_at(dir, &world);
    take(grant, CREDENTIAL_SMTP, "A1", "R1");
    assert_true(grant_keep(&where, live, grant, &err));
    take(grant, CREDENTIAL_SMTP, "A2", "R2");

    where.disk = &full.disk;
    assert_false(grant_reserve(&where, live, &err)); /* nothing is asked of the server then */
    assert_string_equal(err.fact, "disk:full");
    full.freed = false;
    assert_false(grant_keep(&where, live, grant, &err));
    assert_string_equal(err.fact, "disk:full");
    assert_true(grant_read(&where, live, &back, &err));
    check_bytes("the old one stands", secret_bytes(back->refresh), SPAN("R1"));

    where.disk = &world.disk;
    assert_true(grant_reserve(&where, live, &err));
    full.freed = false;
    where.disk = &full.disk;
    assert_true(grant_keep(&where, live, grant, &err));
    grant_free(back);
    back = NULL;
    assert_true(grant_read(&where, live, &back, &err));
    check_bytes("the new one", secret_bytes(back->refresh), SPAN("R2"));
}

static void test_everything_fails_once(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    SCRATCH(dir);

    for (unsigned n = 1;; n++) {
        struct world world;
        struct err err = { 0 };
        struct grant *back = NULL;
        OWN(grant) grant = whole_grant(live);
        struct secret_world where = world_at(dir, &world);
        world_begin(&world, n);
        bool ok = grant_reserve(&where, live, &err) && grant_keep(&where, live, grant, &err) &&
                  grant_read(&where, live, &back, &err);
        bool failed = world_end(&world);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        grant_free(back);
        assert_true(ok || err.text[0]);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
}

/* ---- killed at every step ---- */

static void child(struct secret_world where, const struct account *account, unsigned nth)
{
    struct killer killer;
    OWN(grant) grant = NULL;

    killer_init(&killer, nth);

    if (!grant_read(&where, account, &grant, NULL))
        _exit(1);
    where.disk = &killer.disk;
    take(grant, CREDENTIAL_SMTP, "A2", "R2");
    bool kept = grant_reserve(&where, account, NULL) && grant_keep(&where, account, grant, NULL);
    _exit(kept ? 0 : 1);
}

static void test_killed_at_every_step(void **state)
{
    (void)state;
    OWN(account) live = ACCOUNT(LIVE);
    unsigned old = 0, new = 0;

    for (unsigned n = 1;; n++) {
        int status = 0;
        SCRATCH(dir);
        struct world world;
        OWN(grant) grant = grant_of(live);
        OWN(grant) back = NULL;
        struct err err = { 0 };

        world_init(&world);
        struct secret_world where = world_at(dir, &world);
        take(grant, CREDENTIAL_SMTP, "A1", "R1");
        assert_true(grant_keep(&where, live, grant, &err));
        pid_t pid = fork();
        if (pid == 0)
            child(where, live, n);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status) && (WEXITSTATUS(status) == KILLER_STATUS || WEXITSTATUS(status) == 0));

        if (!grant_read(&where, live, &back, &err))
            fail_msg("killed at %u: %s", n, err.text);
        bool is_new = span_is(secret_bytes(back->refresh), "R2");
        assert_true(is_new || span_is(secret_bytes(back->refresh), "R1"));
        old += !is_new;
        new += is_new;
        /* And what was left behind is in nobody's way. */
        take(back, CREDENTIAL_SMTP, "A3", "R3");
        assert_true(grant_reserve(&where, live, &err) && grant_keep(&where, live, back, &err));
        if (WEXITSTATUS(status) == 0)
            break;
    }
    assert_true(old > 10 && new >= 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_there_and_back),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_long_tokens),
        cmocka_unit_test(test_moments),
        cmocka_unit_test(test_a_life_unsaid),
        cmocka_unit_test(test_whose_it_is),
        cmocka_unit_test(test_the_file),
        cmocka_unit_test(test_room_for_a_full_disk),
        cmocka_unit_test(test_a_disk_that_is_full),
        cmocka_unit_test(test_everything_fails_once),
        cmocka_unit_test(test_killed_at_every_step),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
