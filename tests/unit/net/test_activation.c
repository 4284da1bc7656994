#include "support/check.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/own.h"
#include "net/activation.h"
#include "net/listen.h"

static void test_variables(void **state)
{
    static const struct {
        const char *label, *pid, *fds, *names;
        bool good;
        size_t count;
        const char *first, *second;
    } rows[] = {
        { "nothing", NULL, NULL, NULL, true, 0, "", "" },
        { "two", "77", "2", "submit:submission", true, 2, "submit", "submission" },
        { "without names", "77", "2", NULL, true, 2, "", "" },
        { "fewer names", "77", "2", "submit", true, 2, "submit", "" },
        { "more names", "77", "1", "submit:x:y", true, 1, "submit", "" },
        { "an empty name", "77", "2", ":x", true, 2, "", "x" },
        { "another's", "78", "2", "a:b", true, 0, "", "" },
        { "no number", "self", "2", "a:b", true, 0, "", "" },
        { "no process", NULL, "2", "a:b", true, 0, "", "" },
        { "none", "77", "0", "", true, 0, "", "" },
        { "too many", "77", "65", NULL, false, 0, "", "" },
        { "below none", "77", "-1", NULL, false, 0, "", "" },
        { "a name too long", "77", "1", "0123456789012345678901234567890123456789012345678901234567890123", false, 0, "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct activation activation;
        struct err err = { 0 };
        check_row(rows[i].label,
                  activation_parse(rows[i].pid, rows[i].fds, rows[i].names, 77, &activation, &err) == rows[i].good);
        check_row(rows[i].label, activation.count == rows[i].count);
        check_row(rows[i].label, rows[i].good || err.kind == ERR_CONFIG);
        for (size_t k = 0; k < activation.count && k < 2; k++) {
            check_row(rows[i].label, strcmp(activation.sockets[k].name, k ? rows[i].second : rows[i].first) == 0);
            check_row(rows[i].label, activation.sockets[k].fd == 3 + (int)k);
        }
    }
}

static void test_handed_out_by_name(void **state)
{
    (void)state;
    struct activation activation = { .count = 3, .sockets = { { 1003, "smtp" }, { 1004, "submit" }, { 1005, "smtp" } } };

    assert_int_equal(activation_next(&activation, "smtp"), 1003);
    assert_int_equal(activation_next(&activation, "smtp"), 1005);
    assert_int_equal(activation_next(&activation, "smtp"), 0);
    assert_int_equal(activation_next(&activation, "control"), 0);
    assert_int_equal(activation_close(&activation), 1);
    assert_int_equal(activation_close(&activation), 0);
}

static void came(void *who, struct stream *stream)
{
    bool *came = who;

    *came = true;
    stream_free(stream);
}

/* In a process of its own, for its first descriptors are wanted: 0 is good. */
static int as_activated(bool listening)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    struct activation activation;
    struct listener *listener;
    struct loop *loop;
    bool caller = false;
    char pid[16];

    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(fd, (struct sockaddr *)&address, len) != 0 || (listening && listen(fd, 5) != 0) ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0 || (fd != 3 && dup2(fd, 3) != 3))
        return 1;
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("LISTEN_PID", pid, 1);
    setenv("LISTEN_FDS", "1", 1);
    setenv("LISTEN_FDNAMES", "submission", 1);
    if (activation_take(&activation, NULL) != listening)
        return 2;
    if (getenv("LISTEN_PID") || getenv("LISTEN_FDS") || getenv("LISTEN_FDNAMES"))
        return 3;
    if (!listening)
        return 0;
    const struct listen_plan plan = { .inherited = activation_next(&activation, "submission") };
    if (plan.inherited != 3 || !(fcntl(3, F_GETFD) & FD_CLOEXEC) || !loop_new(&loop, NULL) ||
        !listen_open(loop, &plan, came, &caller, &listener, NULL) ||
        listener_port(listener) != ntohs(address.sin_port))
        return 4;
    int client = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client, (struct sockaddr *)&address, sizeof address) != 0 || !loop_run_until(loop, &caller))
        return 5;
    return 0;
}

static void test_sockets_that_were_handed_over(void **state)
{
    (void)state;
    for (int listening = 0; listening < 2; listening++) {
        int status;
        pid_t child = fork();
        if (child == 0)
            _exit(as_activated(listening));
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_true(WIFEXITED(status));
        assert_int_equal(WEXITSTATUS(status), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_variables),
        cmocka_unit_test(test_handed_out_by_name),
        cmocka_unit_test(test_sockets_that_were_handed_over),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
