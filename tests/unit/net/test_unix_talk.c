/* Unix sockets at paths of any length, and conversations over them without a loop. */
#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "net/dial.h"
#include "net/listen.h"
#include "net/unix_path.h"
#include "net/unix_talk.h"
#include "os/clock.h"
#include "support/scratch.h"

#define DEEP "a-folder-with-a-long-name-that-is-one-of-several-below-each-other"

static const char *deep_path(struct scratch *scratch, const char *name)
{
    char path[400];

    assert_true(mkdir(scratch_path(scratch, DEEP), 0700) == 0 || errno == EEXIST);
    assert_true(mkdir(scratch_path(scratch, DEEP "/" DEEP), 0700) == 0 || errno == EEXIST);
    snprintf(path, sizeof path, DEEP "/" DEEP "/%s", name);
    const char *whole = scratch_path(scratch, path);
    assert_true(strlen(whole) > UNIX_PATH_MAX);
    return whole;
}

static void test_paths(void **state)
{
    (void)state;
    static const char name_of_100[] = "/0123456789012345678901234567890123456789012345678901234567890123456789"
                                      "01234567890123456789012345678";
    SCRATCH(dir);
    struct unix_path path;
    struct err err = { 0 };
    char text[400];

    assert_true(unix_path_open("/run/outpost/submit", &path, &err));
    assert_string_equal(path.name, "/run/outpost/submit");
    assert_int_equal(path.folder, -1);
    unix_path_done(&path);

    /* The longest that fits as it is. */
    memset(text, 'x', UNIX_PATH_MAX);
    text[UNIX_PATH_MAX] = '\0';
    assert_true(unix_path_open(text, &path, &err));
    assert_string_equal(path.name, text);
    unix_path_done(&path);

    assert_true(unix_path_open(deep_path(dir, "submit"), &path, &err));
    assert_true(path.folder >= 0);
    snprintf(text, sizeof text, "/proc/self/fd/%d/submit", path.folder);
    assert_string_equal(path.name, text);
    unix_path_done(&path);
    assert_int_equal(path.folder, -1);

    snprintf(text, sizeof text, "%s/nowhere/submit", deep_path(dir, ""));
    assert_false(unix_path_open(text, &path, &err));
    assert_int_equal(err.sys, ENOENT);
    snprintf(text, sizeof text, "/tmp%s", name_of_100); /* as a whole it fits: 104 */
    assert_true(unix_path_open(text, &path, &err));
    unix_path_done(&path);
    snprintf(text, sizeof text, "/tmp/%s%s", DEEP, name_of_100); /* the last name leaves no room for a number */
    assert_false(unix_path_open(text, &path, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

struct seen {
    struct stream *came, *dialled;
    bool both;
};

static void on_came(void *who, struct stream *stream)
{
    struct seen *seen = who;

    seen->came = stream;
    seen->both = seen->came && seen->dialled;
}

static void on_dialled(void *who, struct stream *stream, const struct err *why)
{
    struct seen *seen = who;

    assert_int_equal(why->kind, ERR_NONE);
    seen->dialled = stream;
    seen->both = seen->came && seen->dialled;
}

/* Both ends on a loop; the file is made, is found, replaces a stale one, and goes. */
static void test_a_long_path_on_a_loop(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = deep_path(dir, "door");
    const struct listen_plan plan = { .unix_path = path, .unix_mode = 0640 };
    const struct dial_plan call = { .host = path, .deadline = UINT64_MAX };
    struct err err = { 0 };

    for (int round = 0; round < 2; round++) {
        OWN(loop) loop = NULL;
        struct listener *listener = NULL, *second = NULL;
        struct dial *dial = NULL;
        struct seen seen = { 0 };
        struct stat about;

        assert_true(loop_new(&loop, &err));
        assert_true(listen_open(loop, &plan, on_came, &seen, &listener, &err));
        assert_int_equal(stat(path, &about), 0);
        assert_int_equal(about.st_mode & 07777, 0640);
        assert_true(dial_start(loop, &call, on_dialled, &seen, &dial, &err));
        assert_true(loop_run_until(loop, &seen.both));
        assert_false(listen_open(loop, &plan, on_came, &seen, &second, &err)); /* somebody answers there */
        assert_int_equal(err.sys, EADDRINUSE);
        assert_int_equal(stream_write(seen.dialled, SPAN("half")), 4);
        assert_true(stream_arrived(seen.dialled) < 4 && stream_sent(seen.dialled) == 4);
        assert_false(stream_hung_up(seen.dialled));
        stream_free(seen.came); /* it throws away what it has not read */
        assert_int_equal(stream_arrived(seen.dialled), 4);
        assert_true(stream_hung_up(seen.dialled));
        stream_free(seen.dialled);
        dial_free(dial);
        listener_free(listener);
        assert_int_equal(stat(path, &about), -1);
        /* What a process leaves that was killed. */
        struct unix_path name;
        struct sockaddr_un address = { .sun_family = AF_UNIX };
        assert_true(unix_path_open(path, &name, &err));
        memcpy(address.sun_path, name.name, sizeof name.name);
        int stale = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(stale, (struct sockaddr *)&address, sizeof address), 0);
        close(stale);
        unix_path_done(&name);
    }
}

/* ---- without a loop ---- */

static int door(const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(strlen(path) <= UNIX_PATH_MAX);
    memcpy(address.sun_path, path, strlen(path));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    return fd;
}

static uint64_t now(void)
{
    return clock_now(&clock_system);
}

enum { LONG_MS = 60 * 1000 };

static void test_nobody(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = scratch_path(dir, "door");
    struct err err = { 0 };
    int talk = -1;

    assert_false(unix_talk_open(path, &talk, &err));
    assert_int_equal(err.kind, ERR_LATER);
    assert_int_equal(err.sys, ENOENT);
    close(door(path));
    assert_false(unix_talk_open(path, &talk, &err));
    assert_int_equal(err.sys, ECONNREFUSED);
    assert_false(unix_talk_open(deep_path(dir, "door"), &talk, &err));
    assert_int_equal(err.sys, ENOENT);
    assert_int_equal(talk, -1);
}

/* What a peer has read, and what it has not: the whole difference for a message. */
static void test_heard(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *path = scratch_path(dir, "door");
    int listener = door(path), talk = -1;
    struct err err = { 0 };
    char into[100];
    size_t len = 0;

    assert_true(unix_talk_open(path, &talk, &err));
    assert_true(unix_talk_say(talk, SPAN("hello"), now() + LONG_MS, &err));
    assert_false(unix_talk_heard(talk, now(), &err)); /* nobody has come to the door */
    assert_int_equal(err.kind, ERR_LATER);
    int peer = accept(listener, NULL, NULL);
    assert_false(unix_talk_heard(talk, now(), &err)); /* nor read */
    assert_int_equal(read(peer, into, sizeof into), 5);
    assert_true(unix_talk_heard(talk, now() + LONG_MS, &err));
    assert_false(unix_talk_listen(talk, into, sizeof into, now(), &len, &err)); /* says nothing */
    assert_true(unix_talk_say(talk, SPAN("more"), now() + LONG_MS, &err));
    assert_int_equal(write(peer, "no", 2), 2);
    assert_true(unix_talk_heard(talk, now() + LONG_MS, &err)); /* it speaks, whatever it has read */
    assert_true(unix_talk_listen(talk, into, sizeof into, now() + LONG_MS, &len, &err));
    assert_int_equal(len, 2);
    close(peer);
    assert_false(unix_talk_heard(talk, now() + LONG_MS, &err)); /* gone, with what it had not read */
    assert_true(unix_talk_listen(talk, into, sizeof into, now() + LONG_MS, &len, &err));
    assert_int_equal(len, 0);
    assert_false(unix_talk_say(talk, SPAN("again"), now() + LONG_MS, &err));
    assert_int_equal(err.sys, EPIPE);
    close(talk);

    /* Left at the door. */
    assert_true(unix_talk_open(path, &talk, &err));
    assert_true(unix_talk_say(talk, SPAN("hello"), now() + LONG_MS, &err));
    close(listener);
    assert_false(unix_talk_heard(talk, now() + LONG_MS, &err));
    close(talk);
}

/* More than the system takes for one who does not read. */
static void test_say_waits(void **state)
{
    static const char much[1 << 20];

    (void)state;
    SCRATCH(dir);
    const char *path = scratch_path(dir, "door");
    int listener = door(path), talk = -1;
    struct err err = { 0 };

    assert_true(unix_talk_open(path, &talk, &err));
    assert_false(unix_talk_say(talk, (struct span){ much, sizeof much }, now(), &err));
    assert_int_equal(err.kind, ERR_LATER);
    assert_string_equal(err.fact, "daemon:unreachable");
    close(talk);
    close(listener);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths),          cmocka_unit_test(test_a_long_path_on_a_loop),
        cmocka_unit_test(test_nobody),         cmocka_unit_test(test_heard),
        cmocka_unit_test(test_say_waits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
