#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/dial.h"
#include "net/listen.h"
#include "net/resolve.h"
#include "net/stream_int.h"
#include "net/timer.h"
#include "support/alloc_fails.h"

/* ---- names, from the case's own list: these stand in for net/resolve.c ---- */

enum { NAMES_MAX = 6 };

struct resolver {
    struct loop *loop;
    const char *const *addresses;
    const char *fact;
    struct timer *later;
    resolve_addresses_done *done;
    void *data;
    bool cancelled, locally;
};

static void answer(void *who)
{
    struct resolver *resolver = who;
    struct resolve_addresses found = { 0 };
    struct err err = { 0 };

    timer_free(resolver->later);
    resolver->later = NULL;
    if (resolver->fact) {
        err_found(&err, ERR_NAME, resolver->fact, "no");
        resolver->done(resolver->data, NULL, &err);
        return;
    }
    for (size_t i = 0; i < NAMES_MAX && resolver->addresses[i]; i++)
        assert_true(ip_parse(span_of(resolver->addresses[i]), &found.at[found.count++]));
    resolver->done(resolver->data, &found, NULL);
}

bool resolve_addresses(struct resolver *resolver, struct span host, uint64_t deadline,
                       resolve_addresses_done *done, void *data, struct resolve **ret_resolve,
                       struct err *err)
{
    (void)host, (void)deadline;
    resolver->done = done;
    resolver->data = data;
    resolver->later = timer_new(resolver->loop, answer, resolver);
    if (!resolver->later)
        return err_no_memory(err);
    timer_set(resolver->later, 0);
    *ret_resolve = (struct resolve *)resolver;
    return true;
}

bool resolve_local_addresses(struct resolver *resolver, struct span host, uint64_t deadline,
                             resolve_addresses_done *done_, void *data, struct resolve **ret_resolve,
                             struct err *err)
{
    resolver->locally = true;
    return resolve_addresses(resolver, host, deadline, done_, data, ret_resolve, err);
}

void resolve_cancel(struct resolve *resolve)
{
    struct resolver *resolver = (struct resolver *)resolve;

    if (!resolver)
        return;
    resolver->cancelled = true;
    timer_free(resolver->later);
    resolver->later = NULL;
}

/* ---- a world of three ports on 127.0.0.1 and ::1 ---- */

static struct loop *loop;
static struct listener *v4, *v6;
static uint16_t both, only_v4; /* where who listens; only_v4 refuses at ::1, unless it hangs there */
static int hung = -1, hanging[4];
static bool done, has_v6;
static struct stream *got, *caller;
static struct err why;

static void on_came(void *who, struct stream *stream)
{
    (void)who;
    stream_free(caller);
    caller = stream;
}

static void on_done(void *who, struct stream *stream, const struct err *err)
{
    (void)who;
    assert_false(done);
    done = true;
    got = stream;
    why = *err;
}

static struct dial *start(const char *host, uint16_t port, struct resolver *resolver,
                          const char *source, uint64_t ms)
{
    struct dial *dial = NULL;
    struct err err;
    const struct dial_plan plan = {
        .host = host,
        .port = port,
        .resolver = resolver,
        .source_address = source,
        .deadline = ms ? loop_now(loop) + ms : UINT64_MAX,
    };

    done = false;
    got = NULL;
    loop_turn(loop);
    assert_true(dial_start(loop, &plan, on_done, NULL, &dial, &err));
    assert_false(done);
    return dial;
}

/* A socket that is listened on, and whose queue is full: further calls get no answer. */
static void hang(uint16_t port)
{
    struct sockaddr_in6 address = { .sin6_family = AF_INET6, .sin6_port = htons(port),
                                    .sin6_addr = IN6ADDR_LOOPBACK_INIT };
    int on = 1;

    hung = socket(AF_INET6, SOCK_STREAM, 0);
    setsockopt(hung, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    assert_int_equal(bind(hung, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(hung, 0), 0);
    for (size_t i = 0; i < COUNT(hanging); i++) {
        hanging[i] = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
        (void)!connect(hanging[i], (struct sockaddr *)&address, sizeof address);
    }
}

static void unhang(void)
{
    for (size_t i = 0; i < COUNT(hanging); i++)
        close(hanging[i]);
    close(hung);
}

/* The longest piece that the other end may send: as our end said in its first packet. */
static int longest_from(bool short_packets)
{
    static const char *const addresses[] = { "127.0.0.1", NULL };
    struct resolver resolver = { .loop = loop, .addresses = addresses };
    const struct dial_plan plan = { .host = "smtp.example.org", .port = both, .resolver = &resolver, .deadline = UINT64_MAX,
                                    .short_packets = short_packets };
    OWN(dial) dial = NULL;
    struct err err;
    int segment = 0;
    uv_os_fd_t fd;
    socklen_t len = sizeof segment;

    done = false;
    assert_true(dial_start(loop, &plan, on_done, NULL, &dial, &err));
    assert_true(loop_run_until(loop, &done));
    assert_non_null(got);
    assert_int_equal(uv_fileno(&got->handle.any, &fd), 0);
    assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, &len), 0);
    stream_free(got);
    return segment;
}

static void test_short_packets(void **state)
{
    (void)state;
    assert_true(longest_from(true) <= 536);
    assert_true(longest_from(false) > 536);
}

static void test_tries(void **state)
{
    static const struct {
        const char *label, *addresses[NAMES_MAX];
        bool hangs_v6, to_both;
        const char *facts[NAMES_MAX]; /* of each try, in order; NULL: it answered */
        size_t tries;
        const char *peer; /* NULL: nobody answered */
        const char *fact; /* then: of the whole */
    } cases[] = {
        { "the first answers", { "127.0.0.1", "127.0.0.2" }, false, true, { NULL }, 1,
          "127.0.0.1", NULL },
        { "one refuses, the next is tried at once", { "::1", "127.0.0.1" }, false, false,
          { "connect:refused", NULL }, 2, "127.0.0.1", NULL },
        { "one is silent, the next wins", { "::1", "127.0.0.1" }, true, false, { "", NULL }, 2,
          "127.0.0.1", NULL },
        { "the families in turns", { "::1", "::1", "::1", "127.0.0.2", "127.0.0.1" }, false, false,
          { "connect:refused", NULL }, 2, "127.0.0.2", NULL },
        { "all refuse", { "::1", "::1" }, false, false, { "connect:refused", "connect:refused" }, 2,
          NULL, "connect:refused" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct resolver resolver = { .loop = loop, .addresses = cases[i].addresses };
        bool needs_v6 = span_starts(span_of(cases[i].addresses[0]), "::1");
        size_t count;

        if (needs_v6 && !has_v6)
            continue;
        if (cases[i].hangs_v6)
            hang(only_v4);
        OWN(dial) dial = start("smtp.example.org", cases[i].to_both ? both : only_v4, &resolver,
                               NULL, 0);
        assert_true(loop_run_until(loop, &done));
        const struct dial_attempt *attempts = dial_attempts(dial, &count);
        check_row(cases[i].label, count == cases[i].tries);
        for (size_t n = 0; n < count; n++) {
            const char *want = cases[i].facts[n], *have = attempts[n].fact;
            check_row(cases[i].label, want && have ? !strcmp(want, have) : want == have);
        }
        check_row(cases[i].label, !got == !cases[i].peer);
        if (got)
            check_row(cases[i].label, strstr(stream_peer(got), cases[i].peer));
        else
            check_row(cases[i].label, !strcmp(why.fact, cases[i].fact));
        check_row(cases[i].label, got || (why.kind == ERR_NETWORK && why.sys));
        check_row(cases[i].label, got || strstr(why.text, "smtp.example.org port"));
        stream_free(got);
        if (cases[i].hangs_v6)
            unhang();
    }
}

static void test_deadline(void **state)
{
    size_t count;

    (void)state;
    if (!has_v6)
        skip();
    hang(only_v4);
    uint64_t began = loop_now(loop);
    OWN(dial) dial = start("::1", only_v4, NULL, NULL, 30);
    assert_true(loop_run_until(loop, &done));
    assert_true(loop_now(loop) >= began + 30); /* not before its time */
    assert_null(got);
    assert_string_equal(why.fact, "connect:timeout");
    const struct dial_attempt *attempts = dial_attempts(dial, &count);
    assert_int_equal(count, 1);
    assert_string_equal(attempts[0].fact, "connect:timeout");
    unhang();
}

static void test_name_failure(void **state)
{
    struct resolver resolver = { .loop = loop, .fact = "name:not-found" };
    size_t count;

    (void)state;
    OWN(dial) dial = start("smtp.example.org", both, &resolver, NULL, 0);
    assert_true(loop_run_until(loop, &done));
    assert_null(got);
    assert_string_equal(why.fact, "name:not-found");
    dial_attempts(dial, &count);
    assert_int_equal(count, 0);
}

static void test_source(void **state)
{
    struct err err = { 0 };
    struct dial *none = NULL;
    const struct dial_plan bad = { .host = "127.0.0.1", .port = both, .source_address = "here" };

    (void)state;
    OWN(dial) dial = start("127.0.0.1", both, NULL, "127.0.0.5", 0);
    assert_true(loop_run_until(loop, &done));
    assert_non_null(got);
    assert_true(span_starts(span_of(stream_local(got)), "127.0.0.5:"));
    stream_free(got);
    assert_false(dial_start(loop, &bad, on_done, NULL, &none, &err));
    assert_int_equal(err.kind, ERR_CONFIG);

}

/* From an IPv4 address nothing of IPv6 can be reached, and from one that is not ours nothing at all. */
static void test_wrong_source(void **state)
{
    static const struct {
        const char *label, *addresses[NAMES_MAX], *source, *words; /* NULL: it answers */
        size_t tries;
    } cases[] = {
        { "of the other family", { "::1", "::1" }, "127.0.0.5", "is an address of IPv4, and smtp.example.org has none", 0 },
        { "of IPv6", { "127.0.0.1" }, "::1", "source_address ::1 is an address of IPv6", 0 },
        { "of one family of two: that is tried alone", { "::1", "127.0.0.1", "::1" }, "127.0.0.5", NULL, 1 },
        { "not ours", { "127.0.0.1" }, "192.0.2.7", "source_address 192.0.2.7 is not an address of this machine now", 1 },
        { "not ours, and of the other family", { "127.0.0.1" }, "2001:db8::7", "2001:db8::7 is not an address of this machine", 0 },
        { "not ours, for two addresses", { "::1", "127.0.0.1", "127.0.0.2" }, "192.0.2.7", "192.0.2.7 is not an address", 2 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct resolver resolver = { .loop = loop, .addresses = cases[i].addresses };
        size_t count;
        if (!has_v6 && cases[i].source[0] == ':')
            continue;
        OWN(dial) dial = start("smtp.example.org", both, &resolver, cases[i].source, 0);
        assert_true(loop_run_until(loop, &done));
        dial_attempts(dial, &count);
        check_row(cases[i].label, count == cases[i].tries);
        check_row(cases[i].label, !got == (cases[i].words != NULL));
        if (!got) {
            check_row(cases[i].label, why.kind == ERR_CONFIG && !strcmp(why.fact, "config:source-address"));
            check_row(cases[i].label, strstr(why.text, cases[i].words));
        }
        stream_free(got);
    }
}

/* ---- what the system says of a call, in its place ---- */

static int says;

__attribute__((visibility("default"))) int connect(int fd, __CONST_SOCKADDR_ARG to, socklen_t len)
{
    const struct sockaddr *address = to.__sockaddr__;

    if (says && address->sa_family == AF_INET6) {
        errno = says;
        return -1;
    }
    return (int)syscall(SYS_connect, fd, address, len);
}

__attribute__((visibility("default"))) int socket(int domain, int type, int protocol)
{
    if (says == EAFNOSUPPORT && domain == AF_INET6) {
        errno = says;
        return -1;
    }
    return (int)syscall(SYS_socket, domain, type, protocol);
}

/* Of a server with an address of IPv6, and with one of each. */
static void test_no_way(void **state)
{
    static const struct {
        const char *label;
        int says;
        const char *fact;
    } cases[] = {
        { "no route", ENETUNREACH, "connect:unreachable-ipv6" },
        { "no address of that family", EADDRNOTAVAIL, "connect:unreachable-ipv6" },
        { "a family that is not spoken here", EAFNOSUPPORT, "connect:unreachable-ipv6" },
        { "its interface is down", ENETDOWN, "connect:unreachable" },
        { "a router that looked in vain", EHOSTUNREACH, "connect:unreachable-ipv6" },
    };
    static const char *const single[] = { "2001:db8::1", NULL }, *const two[] = { "2001:db8::1", "127.0.0.1", NULL };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct resolver one = { .loop = loop, .addresses = single }, both_families = { .loop = loop, .addresses = two };
        says = cases[i].says;
        OWN(dial) dial = start("smtp.example.org", both, &one, NULL, 0);
        assert_true(loop_run_until(loop, &done));
        check_row(cases[i].label, !got && !strcmp(why.fact, cases[i].fact) && why.sys == cases[i].says);
        OWN(dial) other = start("smtp.example.org", both, &both_families, NULL, 0);
        assert_true(loop_run_until(loop, &done));
        check_row(cases[i].label, got);
        stream_free(got);
        says = 0;
    }
}

static void test_no_such_socket(void **state)
{
    (void)state;
    OWN(dial) dial = start("/nonexistent/outpost.sock", 0, NULL, NULL, 0);
    assert_true(loop_run_until(loop, &done));
    assert_null(got);
    assert_string_equal(why.fact, "connect:refused");
}

/* Hung up at each stage: nothing is told, nothing is left. */
static void test_hang_up(void **state)
{
    static const char *const addresses[NAMES_MAX] = { "127.0.0.1" };

    (void)state;
    for (int turns = 0; turns < 4; turns++) {
        struct resolver resolver = { .loop = loop, .addresses = addresses };
        struct dial *dial = start("smtp.example.org", both, &resolver, NULL, 0);
        for (int n = 0; n < turns && !done; n++)
            loop_turn(loop);
        bool told = done;
        dial_free(dial);
        for (int n = 0; n < 5; n++)
            loop_turn(loop);
        assert_int_equal(done, told);
        assert_true(turns > 0 || resolver.cancelled);
        stream_free(got);
        got = NULL;
    }
}

static void test_no_memory(void **state)
{
    static const char *const addresses[NAMES_MAX] = { "127.0.0.1" };

    (void)state;
    stream_free(GIVE(caller));
    for (unsigned n = 1;; n++) {
        struct resolver resolver = { .loop = loop, .addresses = addresses };
        const struct dial_plan plan = { .host = "smtp.example.org", .port = both,
                                        .resolver = &resolver, .deadline = UINT64_MAX };
        struct dial *dial = NULL;
        struct err err = { 0 };

        for (int turn = 0; turn < 20; turn++)
            loop_turn(loop);
        size_t before = alloc_alive();
        done = false;
        got = NULL;
        alloc_fail_at(n);
        bool started = dial_start(loop, &plan, on_done, NULL, &dial, &err);
        while (started && !done)
            loop_turn(loop);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(got || failed);
        assert_true(started || err.kind == ERR_MEMORY);
        stream_free(got);
        dial_free(dial);
        for (int turn = 0; turn < 20; turn++)
            loop_turn(loop);
        stream_free(GIVE(caller));
        for (int turn = 0; turn < 20; turn++)
            loop_turn(loop);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

/* ---- --connect-to ---- */

static void test_detour_parse(void **state)
{
    static const struct {
        const char *text, *host, *to_host;
        uint16_t port, to_port;
    } good[] = {
        { "smtp.example.org:587:127.0.0.1:2500", "smtp.example.org", "127.0.0.1", 587, 2500 },
        { "::127.0.0.1:2500", "", "127.0.0.1", 0, 2500 },
        { "smtp.example.org:587::", "smtp.example.org", "", 587, 0 },
        { ":::", "", "", 0, 0 },
        { "[2001:db8::1]:465:[::1]:1", "2001:db8::1", "::1", 465, 1 },
        { "a:1:b", "a", "b", 1, 0 },
    };
    static const char *const bad[] = {
        "", "host", "a:0:b:1", "a:65536:b:1", "a:x:b:1", "a:1:b:2:c", "[::1:1:b:2", "[::1]x:1:b:2",
        "a\n:1:b:2", "a:1:b: 2", "a:1:b:+2",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct dial_detour detour;
        struct err err;
        check_row(good[i].text, dial_detour_parse(span_of(good[i].text), &detour, &err));
        check_row(good[i].text, !strcmp(detour.host, good[i].host) && detour.port == good[i].port);
        check_row(good[i].text,
                  !strcmp(detour.to_host, good[i].to_host) && detour.to_port == good[i].to_port);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct dial_detour detour;
        struct err err;
        check_row(bad[i], !dial_detour_parse(span_of(bad[i]), &detour, &err));
        check_row(bad[i], err.kind == ERR_USAGE);
    }
}

static void test_detour_follow(void **state)
{
    static const struct dial_detour detours[] = {
        { "smtp.example.org", "127.0.0.1", 587, 2500 },
        { "smtp.example.org", "", 0, 2501 },
        { "", "127.0.0.9", 25, 0 },
    };
    static const struct {
        const char *host;
        uint16_t port;
        const char *to_host;
        uint16_t to_port;
    } cases[] = {
        { "smtp.example.org", 587, "127.0.0.1", 2500 },
        { "SMTP.Example.ORG", 587, "127.0.0.1", 2500 },
        { "smtp.example.org", 465, "smtp.example.org", 2501 },
        { "other.example.org", 25, "127.0.0.9", 25 },
        { "other.example.org", 587, "other.example.org", 587 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *host = cases[i].host;
        uint16_t port = cases[i].port;
        dial_detour_follow((struct dial_detours){ detours, COUNT(detours) }, &host, &port);
        check_row(cases[i].host, !strcmp(host, cases[i].to_host) && port == cases[i].to_port);
    }
}

/* A name that a detour leads to was given for this network, and no name server need know it. */
static void test_detour_is_looked_up_here(void **state)
{
    static const struct {
        const char *label;
        struct dial_detour detour;
        bool locally;
    } cases[] = {
        { "another host", { "smtp.example.org", "desk.example.net", 0, 0 }, true },
        { "another port", { "smtp.example.org", "", 0, 1 }, false },
        { "of another", { "smtp.example.com", "desk.example.net", 0, 0 }, false },
    };
    static const char *const nowhere[NAMES_MAX] = { "127.0.0.1" };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct resolver resolver = { .loop = loop, .addresses = nowhere };
        struct err err;
        const struct dial_plan plan = { .host = "smtp.example.org",
                                        .port = 1,
                                        .detours = { &cases[i].detour, 1 },
                                        .resolver = &resolver,
                                        .deadline = UINT64_MAX };
        struct dial *dial = NULL;
        done = false;
        check_row(cases[i].label, dial_start(loop, &plan, on_done, NULL, &dial, &err));
        check_row(cases[i].label, resolver.locally == cases[i].locally);
        dial_free(dial);
        check_row(cases[i].label, resolver.cancelled);
    }
}

static int setup(void **state)
{
    struct err err;
    struct listener *spare = NULL;

    (void)state;
    assert_true(loop_new(&loop, &err));
    has_v6 = listen_open(loop, &(struct listen_plan){ .address = "::1" }, on_came, NULL, &v6, &err);
    both = has_v6 ? listener_port(v6) : 0;
    if (!listen_open(loop, &(struct listen_plan){ .address = "127.0.0.1", .port = both }, on_came,
                     NULL, &v4, &err))
        return -1;
    both = listener_port(v4);
    assert_true(listen_open(loop, &(struct listen_plan){ .address = "0.0.0.0" }, on_came, NULL,
                            &spare, &err));
    only_v4 = listener_port(spare);
    *state = spare;
    return 0;
}

static int teardown(void **state)
{
    stream_free(caller);
    listener_free(v4);
    listener_free(v6);
    listener_free(*state);
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tries),        cmocka_unit_test(test_deadline),
        cmocka_unit_test(test_short_packets),
        cmocka_unit_test(test_name_failure), cmocka_unit_test(test_source),
        cmocka_unit_test(test_wrong_source), cmocka_unit_test(test_no_way),
        cmocka_unit_test(test_no_such_socket), cmocka_unit_test(test_hang_up),
        cmocka_unit_test(test_no_memory),    cmocka_unit_test(test_detour_parse),
        cmocka_unit_test(test_detour_follow),
        cmocka_unit_test(test_detour_is_looked_up_here),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
