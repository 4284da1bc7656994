/* The waiting for a keyring, with a keyring made up: it stands in for the module (os/module.h). What the real
 * one does is seen in tests/integration. */
#include "support/check.h"

#include <pthread.h>

#include "account/keyring_face.h"
#include "account/secret.h"
#include "base/alloc.h"
#include "net/loop.h"
#include "os/module.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

/* ---- a keyring that has one item, or hangs until it is told to stop ---- */

static struct {
    bool absent, hangs;
    enum err_kind fails;
    char item[128], holds[128]; /* "NAME"; the secret */
    size_t len;
    bool may_ask;

    pthread_mutex_t lock;
    pthread_cond_t stopping;
    bool stopped;
    int stops; /* made and not freed */
} ring = { .lock = PTHREAD_MUTEX_INITIALIZER, .stopping = PTHREAD_COND_INITIALIZER };

static struct keyring_stop *stop_new(void)
{
    void *stop = mem_new(1); /* so that it fails as memory does */

    ring.stops += stop != NULL;
    ring.stopped = false;
    return stop;
}

static void stop(struct keyring_stop *which)
{
    (void)which;
    pthread_mutex_lock(&ring.lock);
    ring.stopped = true;
    pthread_cond_signal(&ring.stopping);
    pthread_mutex_unlock(&ring.lock);
}

static void stop_free(struct keyring_stop *which)
{
    ring.stops--;
    mem_free(which);
}

static bool ready(const struct keyring_item *item, struct err *err)
{
    ring.may_ask = item->may_ask;
    pthread_mutex_lock(&ring.lock);
    while (ring.hangs && !ring.stopped)
        pthread_cond_wait(&ring.stopping, &ring.lock);
    pthread_mutex_unlock(&ring.lock);
    if (ring.hangs)
        return err_found(err, ERR_LATER, "secret:locked", "stopped");
    return !ring.fails || err_found(err, ring.fails, "secret:locked", "the keyring is locked");
}

static bool read_item(const struct keyring_item *item, struct keyring_stop *which, char *into, size_t room,
                      size_t *ret_len, struct err *err)
{
    (void)which;
    if (!ready(item, err))
        return false;
    if (strcmp(ring.item, item->name) != 0)
        return err_found(err, ERR_CONFIG, "secret:unreadable", "the keyring has none");
    assert_true(ring.len <= room);
    memcpy(into, ring.holds, ring.len);
    *ret_len = ring.len;
    return true;
}

static bool keep_item(const struct keyring_item *item, struct keyring_stop *which, struct span secret,
                      struct err *err)
{
    (void)which;
    if (!ready(item, err))
        return false;
    strncat(ring.item, item->name, sizeof ring.item - 1);
    memcpy(ring.holds, secret.at, secret.len);
    ring.len = secret.len;
    return true;
}

static bool forget_item(const struct keyring_item *item, struct keyring_stop *which, struct err *err)
{
    (void)which;
    if (!ready(item, err))
        return false;
    if (strcmp(ring.item, item->name) == 0)
        ring.item[0] = '\0';
    return true;
}

bool module_load(const char *file, const char *face, const void **ret_face, struct err *err)
{
    static const struct keyring_face keyring = { stop_new, stop, stop_free, read_item, keep_item, forget_item };

    assert_string_equal(file, KEYRING_MODULE);
    assert_string_equal(face, KEYRING_SYMBOL);
    *ret_face = &keyring;
    return !ring.absent || err_set(err, ERR_INTERNAL, "%s can't be loaded", file);
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

static int begin(void **state)
{
    (void)state;
    struct err err;

    ring.absent = ring.hangs = false;
    ring.fails = ERR_NONE;
    ring.item[0] = '\0';
    return loop_new(&loop, &err) ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    loop_free(loop);
    assert_int_equal(ring.stops, 0);
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
    OWN(secret) secret = secret_new((struct span){ "hunter\0two", 10 });
    struct secret_world world = world_of();
    struct secret_fetch *waiting;
    struct answer answer = { 0 };
    struct err err = { 0 };

    assert_true(secret_keep(&world, live, SECRET_SIGN_IN, secret, UINT64_MAX, told, &answer, &waiting, &err));
    assert_true(loop_run_until(loop, &answer.called));
    assert_int_equal(answer.err.kind, ERR_NONE);
    answer = fetch(&world, live, UINT64_MAX);
    assert_memory_equal(answer.secret, "hunter\0two", 10);
    assert_false(ring.may_ask);
    world.may_ask = true;
    answer = fetch(&world, live, UINT64_MAX);
    assert_true(ring.may_ask);

    answer = (struct answer){ 0 };
    assert_true(secret_forget(&world, live, SECRET_SIGN_IN, UINT64_MAX, told, &answer, &waiting, &err));
    assert_true(loop_run_until(loop, &answer.called));
    answer = fetch(&world, live, UINT64_MAX);
    assert_string_equal(answer.err.fact, "secret:unreadable");
    assert_string_equal(answer.err.text, "account live: its secret: the keyring has none");
}

static void test_locked(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();

    ring.fails = ERR_LATER;
    struct answer answer = fetch(&world, live, UINT64_MAX);
    assert_int_equal(answer.err.kind, ERR_LATER);
    assert_string_equal(answer.err.fact, "secret:locked");
}

/* It hangs: whoever waits is told at the deadline, and the thread is called back. */
static void test_too_late(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();

    ring.hangs = true;
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

    ring.hangs = true;
    assert_true(secret_fetch(&world, live, UINT64_MAX, fetched, &answer, &waiting, &err));
    secret_fetch_cancel(waiting);
    loop_turn(loop);
    assert_false(answer.called);
}

/* A build, or an installation, without the module. */
static void test_absent(void **state)
{
    (void)state;
    OWN(account) live = ring_account();
    const struct secret_world world = world_of();
    struct secret_fetch *waiting = NULL;
    struct answer answer = { 0 };
    struct err err;

    ring.absent = true;
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

    strncat(ring.item, "live", 5);
    ring.len = 1;
    ring.holds[0] = 'x';
    for (unsigned n = 1;; n++) {
        struct world fails;
        struct secret_fetch *waiting = NULL;
        struct answer answer = { 0 };
        struct err err = { 0 };

        world_begin(&fails, n);
        bool began = secret_fetch(&world, live, UINT64_MAX, fetched, &answer, &waiting, &err);
        if (began)
            loop_run_until(loop, &answer.called);
        do /* until the thread has let go, and the timer's handle is closed */
            loop_turn(loop);
        while (ring.stops);
        bool failed = world_end(&fails);
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
        cmocka_unit_test_setup_teardown(test_locked, begin, end),
        cmocka_unit_test_setup_teardown(test_too_late, begin, end),
        cmocka_unit_test_setup_teardown(test_cancelled, begin, end),
        cmocka_unit_test_setup_teardown(test_absent, begin, end),
        cmocka_unit_test_setup_teardown(test_no_memory, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
