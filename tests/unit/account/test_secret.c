#include "support/check.h"

#include <stdio.h>
#include <sys/stat.h>

#include "account/sealed.h"
#include "account/secret.h"
#include "net/loop.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

/* What came of fetching. */
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
    assert_true(bytes.len < sizeof answer->secret);
    if (bytes.len)
        memcpy(answer->secret, bytes.at, bytes.len);
    if (err)
        answer->err = *err;
    assert_int_equal(secret == NULL, err != NULL);
    secret_free(secret);
}

static struct secret_world world_at(const char *state, struct world *world)
{
    return (struct secret_world){ .state = state, .disk = &world->disk, .dice = &world->dice };
}

static struct account *account_with(const char *name, const char *source)
{
    struct account *account = NULL;
    struct err err = { 0 };

    assert_true(account_new(span_of(name), &account, &err));
    if (source)
        assert_true(account_set(account, "secret", span_of(source), &err));
    return account;
}

/* Files answer before the call returns; where they fail, the call does. */
static void kept(void *data, const struct err *err)
{
    bool *told = data;

    assert_false(*told);
    assert_null(err);
    *told = true;
}

static bool keep(const struct secret_world *where, const struct account *account, const char *text,
                 struct err *err)
{
    OWN(secret) secret = secret_new(span_of(text));
    struct secret_fetch *waiting = NULL;
    bool told = false;

    if (!secret)
        return err_no_memory(err);
    if (!secret_keep(where, account, SECRET_SIGN_IN, secret, 0, kept, &told, &waiting, err)) {
        assert_false(told);
        return false;
    }
    assert_true(told);
    assert_null(waiting);
    return true;
}

static bool forget(const struct secret_world *where, const struct account *account, struct err *err)
{
    struct secret_fetch *waiting = NULL;
    bool told = false;
    bool ok = secret_forget(where, account, SECRET_SIGN_IN, 0, kept, &told, &waiting, err);

    assert_int_equal(ok, told);
    assert_null(waiting);
    return ok;
}

/* Fetches from the file; the answer comes before the call returns. */
static bool fetch(const struct secret_world *where, const struct account *account,
                  struct answer *ret_answer)
{
    struct secret_fetch *waiting = NULL;

    *ret_answer = (struct answer){ 0 };
    if (!secret_fetch(where, account, 0, fetched, ret_answer, &waiting, &ret_answer->err))
        return false;
    assert_null(waiting);
    assert_true(ret_answer->called);
    return true;
}

static void test_kept_and_fetched(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct answer answer;
    struct err err = { 0 };
    struct stat st;
    OWN(account) live = account_with("live", NULL);
    OWN(account) other = account_with("other", "file");

    world_init(&world);
    const struct secret_world where = world_at(scratch_path(dir, "a/state"), &world);
    assert_false(fetch(&where, live, &answer));
    assert_string_equal(answer.err.fact, "secret:unreadable");
    assert_non_null(strstr(answer.err.text, "none is kept"));

    assert_true(keep(&where, live, "hunter2", &err));
    assert_true(keep(&where, other, "s3cret", &err));
    assert_true(fetch(&where, live, &answer));
    assert_string_equal(answer.secret, "hunter2");
    assert_true(fetch(&where, other, &answer));
    assert_string_equal(answer.secret, "s3cret");

    assert_true(keep(&where, live, "changed", &err));
    assert_true(fetch(&where, live, &answer));
    assert_string_equal(answer.secret, "changed");

    assert_int_equal(stat(scratch_path(dir, "a/state/key"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(scratch_path(dir, "a/state/secrets/live"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(stat(scratch_path(dir, "a/state/secrets"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);

    assert_true(forget(&where, live, &err));
    assert_true(forget(&where, live, &err)); /* twice is no failure */
    assert_false(fetch(&where, live, &answer));
    assert_true(fetch(&where, other, &answer));
}

/* It came with the account, which is kept nowhere: no place is needed, and no other account gets it. */
static void test_in_hand(void **state)
{
    (void)state;
    OWN(account) account = account_with("live", NULL);
    OWN(secret) secret = secret_new(SPAN("came with it"));
    const struct secret_world where = { .in_hand = { "live", secret } };

    for (unsigned nth = 1;; nth++) {
        struct secret_fetch *waiting = NULL;
        struct answer answer = { .called = false };
        struct err err = { 0 };
        size_t before = alloc_alive();
        alloc_fail_at(nth);
        bool good = secret_fetch(&where, account, 0, fetched, &answer, &waiting, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_null(waiting);
        assert_int_equal(alloc_alive(), before);
        assert_true(good ? answer.called && strcmp(answer.secret, "came with it") == 0 : err.kind == ERR_MEMORY);
        if (!failed)
            break;
    }
}

static void test_empty_is_refused(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };
    OWN(account) live = account_with("live", NULL);

    world_init(&world);
    const struct secret_world where = world_at(scratch_path(dir, "state"), &world);
    assert_false(keep(&where, live, "", &err));
    assert_int_equal(err.kind, ERR_SIGNIN);
    assert_string_equal(err.fact, "auth:empty-password");
}

/* Whoever can change the state directory can break a secret, but can't make another of it. */
static void test_damaged(void **state)
{
    static const struct {
        const char *label, *file, *text;
        mode_t mode;
        const char *want;
    } rows[] = {
        { "rubbish", "state/secrets/live", "rubbish", 0600, "no sealed secret" },
        { "empty", "state/secrets/live", "", 0600, "no sealed secret" },
        { "of a newer version", "state/secrets/live", "outpost sealed 3xxxx", 0600, "another version" },
        { "cut short", "state/secrets/live", "outpost sealed 2fxxx", 0600, "damaged" },
        { "sealed with no key we know", "state/secrets/live",
          "outpost sealed 2xNONCENONCENONCENONCENONCEtagtagtagtagtagtagtag", 0600, "it names no key" },
        { "readable by others", "state/secrets/live", "outpost sealed 2", 0644, "chmod 600" },
        { "a short key", "state/key", "0123456789", 0600, "damaged" },
        { "a long key", "state/key", "01234567890123456789012345678901x", 0600, "larger than 32" },
        { "another key", "state/key", "01234567890123456789012345678901", 0600, "another key" },
        { "a key others may read", "state/key", "01234567890123456789012345678901", 0640, "chmod 600" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        struct world world;
        struct answer answer;
        struct err err = { 0 };
        OWN(account) live = account_with("live", NULL);

        world_init(&world);
        const struct secret_world where = world_at(scratch_path(dir, "state"), &world);
        assert_true(keep(&where, live, "hunter2", &err));
        scratch_file(dir, rows[i].file, rows[i].text, rows[i].mode);
        check_row(rows[i].label, !fetch(&where, live, &answer) && !answer.called);
        check_row(rows[i].label, strstr(answer.err.text, rows[i].want));
        if (answer.err.kind == ERR_CONFIG)
            check_row(rows[i].label, strcmp(answer.err.fact, "secret:unreadable") == 0);
    }
}

static void test_every_bit_counts(void **state)
{
    (void)state;
    HELD(buf) sealed = BUF(SEALED_MAX), damaged = BUF(SEALED_MAX);
    OWN(secret) key = secret_new(SPAN("01234567890123456789012345678901"));
    OWN(secret) secret = secret_new(SPAN("hunter2"));
    struct err err = { 0 };

    const struct sealed_way way = { key, SEALED_KEY_FILE, SPAN("012345678901234567890123"), SPAN("live") };

    assert_true(sealed_make(&way, secret, &sealed, &err));
    for (size_t bit = 0; bit < sealed.len * 8; bit++) {
        OWN(secret) opened = NULL;
        buf_clear(&damaged);
        buf_add_span(&damaged, buf_span(&sealed));
        damaged.at[bit / 8] = (char)(damaged.at[bit / 8] ^ (1 << bit % 8));
        assert_false(sealed_open(key, buf_span(&damaged), SPAN("live"), &opened, &err));
        assert_string_equal(err.fact, "secret:unreadable");
    }
    for (size_t len = 0; len < sealed.len; len++) {
        OWN(secret) opened = NULL;
        assert_false(sealed_open(key, span_cut(buf_span(&sealed), 0, len), SPAN("live"), &opened, &err));
    }
    OWN(secret) opened = NULL;
    assert_true(sealed_open(key, buf_span(&sealed), SPAN("live"), &opened, &err));
    check_bytes("whole", secret_bytes(opened), SPAN("hunter2"));
}

/* Let the 1st thing fail, then the 2nd, ... while a secret is kept in the place of `old`, or of none, and
 * is fetched again: always the old one or the new one is there. */
static void torture(const char *old)
{
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        struct answer answer;
        struct err err = { 0 };
        OWN(account) live = account_with("live", NULL);

        world_init(&world);
        struct secret_world where = world_at(scratch_path(dir, "state"), &world);
        assert_true(!old || keep(&where, live, old, &err));
        world_begin(&world, n);
        bool kept = keep(&where, live, "new", &err);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(kept || (failed && err.kind != ERR_NONE));
        bool there = fetch(&where, live, &answer);
        assert_true(there || (!old && !kept));
        if (there && strcmp(answer.secret, "new") != 0)
            assert_true(!kept && old && strcmp(answer.secret, old) == 0);

        world_begin(&world, n);
        bool fetched_it = fetch(&where, live, &answer);
        assert_true(world_end(&world) || fetched_it == there);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(fetched_it || (answer.err.kind != ERR_NONE && !answer.called));
        if (!failed)
            return;
    }
}

static void test_torture(void **state)
{
    (void)state;
    torture(NULL);
    torture("old");
}

/* -- commands -- */

static void test_command(void **state)
{
    static const struct {
        const char *label, *source, *secret, *want; /* `want`: in the error */
        const char *fact;
    } rows[] = {
        { "a vector", "command:printf hunter2", "hunter2", NULL, NULL },
        { "one line end is dropped", "command:printf 'a\\n\\n'", "a\n", NULL, NULL },
        { "of two bytes, too", "command:printf 'a\\r\\n'", "a", NULL, NULL },
        { "blanks are the password's", "command:printf ' a '", " a ", NULL, NULL },
        { "a shell", "command:| echo a | tr a b", "b", NULL, NULL },
        { "it fails", "command:| echo leaked; echo leaked >&2; exit 3", NULL, "status 3",
          "secret:unreadable" },
        { "it prints nothing", "command:true", NULL, "printed nothing", "auth:empty-password" },
        { "only a line end", "command:echo", NULL, "printed nothing", "auth:empty-password" },
        { "too much", "command:| head -c 70000 /dev/zero", NULL, "64 KB", "secret:unreadable" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(loop) loop = NULL;
        OWN(account) account = account_with("live", rows[i].source);
        struct answer answer = { 0 };
        struct secret_fetch *waiting = NULL;
        struct err err = { 0 };

        assert_true(loop_new(&loop, &err));
        const struct secret_world where = { .state = "/nowhere", .loop = loop };
        check_row(rows[i].label, secret_fetch(&where, account, loop_now(loop) + 20000, fetched, &answer,
                                              &waiting, &err));
        check_row(rows[i].label, waiting && !answer.called);
        check_row(rows[i].label, loop_run_until(loop, &answer.called));
        check_bytes(rows[i].label, span_of(answer.secret), span_of(rows[i].secret));
        if (rows[i].want) {
            check_row(rows[i].label, strstr(answer.err.text, rows[i].want));
            check_row(rows[i].label, strcmp(answer.err.fact, rows[i].fact) == 0);
            check_row(rows[i].label, !strstr(answer.err.text, "leaked") && answer.err.said[0] == '\0');
        }
    }
}

static void test_command_not_there(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    OWN(account) account = account_with("live", "command:/no/such/program");
    struct answer answer = { 0 };
    struct secret_fetch *waiting = NULL;
    struct err err = { 0 };

    assert_true(loop_new(&loop, &err));
    const struct secret_world where = { .state = "/nowhere", .loop = loop };
    assert_false(secret_fetch(&where, account, UINT64_MAX, fetched, &answer, &waiting, &err));
    assert_string_equal(err.fact, "secret:unreadable");
    assert_false(answer.called);
}

static void test_command_too_late_and_cancelled(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    OWN(account) account = account_with("live", "command:sleep 100");
    struct answer answer = { 0 };
    struct secret_fetch *waiting = NULL;
    struct err err = { 0 };

    assert_true(loop_new(&loop, &err));
    const struct secret_world where = { .state = "/nowhere", .loop = loop };
    assert_true(secret_fetch(&where, account, loop_now(loop), fetched, &answer, &waiting, &err));
    assert_true(loop_run_until(loop, &answer.called));
    assert_non_null(strstr(answer.err.text, "too long"));

    answer = (struct answer){ 0 };
    assert_true(secret_fetch(&where, account, UINT64_MAX, fetched, &answer, &waiting, &err));
    secret_fetch_cancel(waiting);
    secret_fetch_cancel(NULL);
    loop_turn(loop);
    assert_false(answer.called);
}

static void test_command_keeps_its_own(void **state)
{
    (void)state;
    OWN(account) account = account_with("live", "command:true");
    struct err err = { 0 };
    struct world world;

    world_init(&world);
    const struct secret_world where = world_at("/nowhere", &world);
    assert_false(keep(&where, account, "x", &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_true(forget(&where, account, &err));
}

/* What systemd hands over: files in a directory of the service's own. */
static void test_systemd(void **state)
{
    static const struct {
        const char *label, *text;
        mode_t mode;
        const char *secret;
        enum err_kind kind;
        const char *want;
    } rows[] = {
        { "as it is", "hunter2", 0400, "hunter2", ERR_NONE, NULL },
        { "one line end is the editor's", "hunter2\n", 0400, "hunter2", ERR_NONE, NULL },
        { "of two bytes, too", "hunter2\r\n", 0400, "hunter2", ERR_NONE, NULL },
        { "readable by a list: the mode shows its mask", "hunter2", 0440, "hunter2", ERR_NONE, NULL },
        { "others may write it", "hunter2", 0602, NULL, ERR_CONFIG, "chmod go-w" },
        { "empty", "\n", 0400, NULL, ERR_SIGNIN, "is empty" },
        { "not there", NULL, 0, NULL, ERR_CONFIG, "No such file" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        struct world world;
        struct answer answer;
        struct err err = { 0 };
        OWN(account) live = account_with("live", "systemd:mail.pass");

        world_init(&world);
        struct secret_world where = world_at(scratch_path(dir, "state"), &world);
        where.credentials = scratch_root(dir);
        if (rows[i].text)
            scratch_file(dir, "mail.pass", rows[i].text, rows[i].mode);
        bool got = fetch(&where, live, &answer);
        check_row(rows[i].label, got == (rows[i].secret != NULL) && answer.err.kind == rows[i].kind);
        check_bytes(rows[i].label, span_of(answer.secret), span_of(rows[i].secret));
        check_row(rows[i].label, got || strstr(answer.err.text, rows[i].want));

        check_row(rows[i].label, !keep(&where, live, "x", &err) && err.kind == ERR_CONFIG);
        check_row(rows[i].label, strstr(err.text, "comes from systemd; change it there"));
        check_row(rows[i].label, forget(&where, live, &err));
        where.credentials = NULL;
        check_row(rows[i].label, !fetch(&where, live, &answer) && answer.err.kind == ERR_LATER);
        check_row(rows[i].label, strcmp(answer.err.fact, "secret:locked") == 0);
    }
}

/* An application's secret and certificate are kept beside the password, none in another's place. */
static void test_of_the_application(void **state)
{
    static const struct {
        enum secret_which which;
        const char *text, *file;
    } rows[] = {
        { SECRET_SIGN_IN, "hunter2", "state/secrets/live" },
        { SECRET_OF_CLIENT, "s3cret", "state/secrets/live:client_secret" },
        { SECRET_CERTIFICATE, "-----BEGIN...", "state/secrets/live:certificate" },
    };

    (void)state;
    SCRATCH(dir);
    struct world world;
    struct err err = { 0 };
    struct secret_fetch *waiting;
    OWN(account) live = account_with("live", NULL);

    world_init(&world);
    const struct secret_world where = world_at(scratch_path(dir, "state"), &world);
    assert_false(secret_source_read(&where, live, SECRET_OF_CLIENT, 0, fetched, NULL, &waiting, &err));
    assert_non_null(strstr(err.text, "it says no client_secret"));
    assert_true(account_set(live, "client_secret", SPAN("file"), &err));
    assert_true(account_set(live, "certificate", SPAN("file"), &err));
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(secret) secret = secret_new(span_of(rows[i].text));
        bool told = false;
        assert_true(secret_keep(&where, live, rows[i].which, secret, 0, kept, &told, &waiting, &err));
        assert_true(told && scratch_text(scratch_path(dir, rows[i].file)));
    }
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct answer answer = { 0 };
        HELD(buf) words = BUF(4096);
        assert_true(secret_source_read(&where, live, rows[i].which, 0, fetched, &answer, &waiting, &err));
        assert_string_equal(answer.secret, rows[i].text);
        secret_describe(&where, live, rows[i].which, &words);
        assert_non_null(strstr(buf_text(&words), rows[i].file));
        assert_non_null(strstr(buf_text(&words), "with the key in "));
    }
}

static void test_sources(void **state)
{
    static const struct {
        const char *source;
        bool ok;
    } rows[] = {
        { "file", true },          { "command:pass show live", true }, { "command:| pass x | head -1", true },
        { "command:", false },     { "command:'open", false },         { "command: |  ", false },
        { "keyring", true },       { "systemd:live.pass", true },      { "hunter2", false },
        { "", false },             { "keyring:x", false },             { "files", false },
        { "systemd:", false },     { "systemd:../shadow", false },     { "systemd:..", false },
        { "systemd:a/b", false },  { "systemd", false },               { "systemd:a\nb", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = { 0 };
        check_row(rows[i].source, secret_source_check(span_of(rows[i].source), &err) == rows[i].ok);
        if (!rows[i].ok) {
            check_row(rows[i].source, err.kind == ERR_CONFIG && strcmp(err.fact, "config:bad") == 0);
            check_row(rows[i].source, !strstr(err.text, "hunter2"));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_and_fetched),
        cmocka_unit_test(test_in_hand),
        cmocka_unit_test(test_empty_is_refused),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_every_bit_counts),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_command),
        cmocka_unit_test(test_command_not_there),
        cmocka_unit_test(test_command_too_late_and_cancelled),
        cmocka_unit_test(test_command_keeps_its_own),
        cmocka_unit_test(test_systemd),
        cmocka_unit_test(test_of_the_application),
        cmocka_unit_test(test_sources),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
