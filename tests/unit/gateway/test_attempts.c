#include "support/check.h"

#include "gateway/attempts.h"

#define SECOND 1000ULL
#define HOUR   (3600 * SECOND)

enum { START = 1000000000 };

static struct ip at(const char *text)
{
    struct ip ip = { 0 };

    assert_true(!*text || ip_parse(span_of(text), &ip));
    return ip;
}

/* What happens, in order: after each line the wait is looked at. */
struct step {
    char what; /* 'f'ails, 's'ucceeds, '?' only asks */
    unsigned times;
    const char *from, *user;
    uint64_t later; /* seconds before it */
    uint64_t wait;  /* seconds after it, for that user there */
};

static void play(const char *label, const struct step *steps, size_t count)
{
    OWN(attempts) attempts = attempts_new(42);
    uint64_t now = START;

    for (size_t i = 0; i < count; i++) {
        now += steps[i].later * SECOND;
        for (unsigned n = 0; n < steps[i].times; n++) {
            if (steps[i].what == 'f')
                attempts_failed(attempts, at(steps[i].from), span_of(steps[i].user), now);
            else if (steps[i].what == 's')
                attempts_succeeded(attempts, at(steps[i].from), span_of(steps[i].user), now);
        }
        uint64_t wait = attempts_wait(attempts, at(steps[i].from), span_of(steps[i].user), now);
        if (wait != steps[i].wait * SECOND)
            fail_msg("%s, step %zu: waits %llu ms", label, i, (unsigned long long)wait);
    }
}

#define PLAY(label, ...)                                                          \
    play(label, (const struct step[]){ __VA_ARGS__ },                             \
         sizeof((const struct step[]){ __VA_ARGS__ }) / sizeof(struct step))

static void test_waits_grow(void **state)
{
    (void)state;
    PLAY("a guesser",
         { 'f', 3, "192.0.2.1", "me", 0, 0 },
         { 'f', 1, "192.0.2.1", "me", 0, 1 },
         { '?', 1, "192.0.2.1", "me", 1, 0 },
         { 'f', 1, "192.0.2.1", "me", 0, 2 },
         { 'f', 1, "192.0.2.1", "you", 5, 4 },
         { 'f', 1, "192.0.2.1", "x", 5, 8 },
         { 'f', 100, "192.0.2.1", "y", 10, 900 },
         { '?', 1, "192.0.2.1", "anybody", 0, 900 },
         { '?', 1, "192.0.2.2", "anybody", 0, 0 },
         { '?', 1, "192.0.2.1", "y", 899, 1 },
         { '?', 1, "192.0.2.1", "y", 1, 0 },
         { 'f', 1, "192.0.2.1", "y", 0, 900 },
         { '?', 1, "192.0.2.1", "y", 3600, 0 },
         { 'f', 3, "192.0.2.1", "y", 0, 0 }); /* forgotten */
}

static void test_nobody_locks_another_out(void **state)
{
    (void)state;
    PLAY("a stranger elsewhere",
         { 's', 1, "192.0.2.1", "me", 0, 0 },
         { 'f', 1000, "203.0.113.9", "me", 0, 900 },
         { '?', 1, "192.0.2.1", "me", 0, 0 },
         { '?', 1, "198.51.100.1", "me", 0, 30 }, /* a new place: a moment's patience */
         { 's', 1, "198.51.100.1", "me", 30, 0 },
         { 'f', 1000, "203.0.113.9", "me", 0, 900 },
         { '?', 1, "198.51.100.1", "me", 0, 0 });
    PLAY("a stranger in the same house",
         { 's', 1, "192.0.2.1", "me", 0, 0 },
         { 'f', 1000, "192.0.2.1", "you", 0, 900 },
         { '?', 1, "192.0.2.1", "me", 0, 0 },
         { '?', 1, "192.0.2.1", "third", 0, 900 });
    PLAY("who knows the place, and guesses there",
         { 's', 1, "192.0.2.1", "me", 0, 0 },
         { 'f', 100, "192.0.2.1", "me", 0, 60 },
         { '?', 1, "192.0.2.1", "you", 0, 0 },
         { 's', 1, "192.0.2.1", "me", 60, 0 });
}

/* One's own password in between does not buy guesses at others'. */
static void test_a_success_forgives_nobody_else(void **state)
{
    (void)state;
    PLAY("own and others'",
         { 'f', 4, "192.0.2.1", "you", 0, 1 },
         { 's', 1, "192.0.2.1", "me", 0, 0 },
         { '?', 1, "192.0.2.1", "you", 0, 1 },
         { 'f', 1, "192.0.2.1", "you", 1, 2 });
}

static void test_addresses(void **state)
{
    (void)state;
    PLAY("a /64 is one", { 'f', 100, "2001:db8::1", "me", 0, 900 }, { '?', 1, "2001:db8::2", "x", 0, 900 },
         { '?', 1, "2001:db8:0:1::1", "x", 0, 0 });
    PLAY("IPv4 is all of it", { 'f', 100, "192.0.2.1", "me", 0, 900 }, { '?', 1, "192.0.2.2", "x", 0, 0 });
    PLAY("a Unix socket", { 'f', 100, "", "me", 0, 900 }, { '?', 1, "127.0.0.1", "x", 0, 0 });
    PLAY("any case", { 's', 1, "192.0.2.1", "Me", 0, 0 }, { 'f', 100, "203.0.113.9", "ME", 0, 900 },
         { '?', 1, "192.0.2.1", "me", 0, 0 });
}

static void test_users_that_are_not_there(void **state)
{
    (void)state;
    PLAY("from many places",
         { 'f', 1, "203.0.113.1", "ghost", 0, 0 }, { 'f', 1, "203.0.113.2", "ghost", 0, 0 },
         { 'f', 1, "203.0.113.3", "ghost", 0, 0 }, { 'f', 1, "203.0.113.4", "ghost", 0, 1 },
         { '?', 1, "203.0.113.5", "ghost", 0, 1 }, { '?', 1, "203.0.113.5", "other", 0, 0 });
}

/* A million addresses take no more room than one, and the busiest is still known. */
static void test_many_addresses(void **state)
{
    (void)state;
    OWN(attempts) attempts = attempts_new(7);
    struct ip busy = at("192.0.2.1"), other = { .family = 4 };

    for (unsigned i = 0; i < 1000000; i++) {
        if (i % 1000 == 0)
            attempts_failed(attempts, busy, SPAN("me"), START + i);
        memcpy(other.bytes, &i, 4);
        attempts_failed(attempts, other, SPAN("x"), START + i);
    }
    assert_true(attempts_wait(attempts, busy, SPAN("new"), START + 1000000) > 60 * SECOND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waits_grow),
        cmocka_unit_test(test_nobody_locks_another_out),
        cmocka_unit_test(test_a_success_forgives_nobody_else),
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_users_that_are_not_there),
        cmocka_unit_test(test_many_addresses),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
