#include "support/check.h"

#include "gateway/caps.h"
#include "support/alloc_fails.h"

static const struct caps_limits limits = {
    .connections = 10, .connections_per_address = 3, .messages_per_minute = 60, .recipients_per_minute = 600,
    .octets = 1000,
};

static struct ip at(const char *text)
{
    struct ip ip = { 0 };

    assert_true(!*text || ip_parse(span_of(text), &ip));
    return ip;
}

static void test_connections(void **state)
{
    (void)state;
    OWN(caps) caps = caps_new(&limits, 42);

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(caps_enter(caps, at("192.0.2.1")), CAPS_IN);
    assert_int_equal(caps_enter(caps, at("192.0.2.1")), CAPS_TOO_MANY_FROM_THERE);
    assert_int_equal(caps_enter(caps, at("192.0.2.2")), CAPS_IN);
    caps_leave(caps, at("192.0.2.1"));
    assert_int_equal(caps_enter(caps, at("192.0.2.1")), CAPS_IN);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(caps_enter(caps, at("127.0.0.1")), CAPS_IN);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(caps_enter(caps, at("")), CAPS_IN);
    assert_int_equal(caps_connections(caps), 10);
    assert_int_equal(caps_enter(caps, at("")), CAPS_TOO_MANY);
    assert_int_equal(caps_enter(caps, at("192.0.2.3")), CAPS_TOO_MANY);
    caps_leave(caps, at("127.0.0.1"));
    assert_int_equal(caps_enter(caps, at("192.0.2.3")), CAPS_IN);
}

/* Many come and go in any order, and the counts are as a plain table would have them. */
static void test_come_and_go(void **state)
{
    (void)state;
    enum { PEOPLE = 500 };
    const struct caps_limits wide = { .connections = 100000, .connections_per_address = 3 };
    OWN(caps) caps = caps_new(&wide, 1);
    unsigned counts[PEOPLE] = { 0 }, chance = 1;

    for (unsigned turn = 0; turn < 200000; turn++) {
        chance = chance * 1103515245 + 12345;
        unsigned who = chance >> 16 & 511;
        struct ip ip = { .bytes = { 10, 0, (uint8_t)(who >> 8), (uint8_t)who }, .family = 4 };
        if (who >= PEOPLE)
            continue;
        if (chance >> 30) {
            enum caps_verdict verdict = caps_enter(caps, ip);
            assert_int_equal(verdict, counts[who] < 3 ? CAPS_IN : CAPS_TOO_MANY_FROM_THERE);
            counts[who] += verdict == CAPS_IN;
        } else if (counts[who]) {
            caps_leave(caps, ip);
            counts[who]--;
        }
    }
    size_t all = 0;
    for (unsigned i = 0; i < PEOPLE; i++)
        all += counts[i];
    assert_int_equal(caps_connections(caps), all);
}

static void test_no_memory(void **state)
{
    (void)state;
    size_t before = alloc_alive();

    for (unsigned nth = 1; nth < 4; nth++) {
        alloc_fail_at(nth);
        OWN(caps) caps = caps_new(&limits, 42);
        enum caps_verdict verdict = caps ? caps_enter(caps, at("192.0.2.1")) : CAPS_TOO_MANY;
        alloc_fail_at(0);
        assert_int_equal(verdict, nth < 3 ? CAPS_TOO_MANY : CAPS_IN);
        assert_true(!caps || caps_connections(caps) == (verdict == CAPS_IN));
        caps_free(GIVE(caps));
        assert_int_equal(alloc_alive(), before);
    }
}

static void test_messages_a_minute(void **state)
{
    (void)state;
    OWN(caps) caps = caps_new(&limits, 42);
    uint64_t now = 1000000;

    for (unsigned i = 0; i < 60; i++)
        assert_true(caps_message(caps, SPAN("me"), now));
    assert_false(caps_message(caps, SPAN("me"), now));
    assert_true(caps_message(caps, SPAN("you"), now));
    assert_false(caps_message(caps, SPAN("me"), now + 999));
    assert_true(caps_message(caps, SPAN("me"), now + 1000)); /* one a second comes back */
    assert_false(caps_message(caps, SPAN("me"), now + 1000));
    for (unsigned i = 0; i < 60; i++)
        assert_true(caps_message(caps, SPAN("me"), now + 600000)); /* and no more than a minute's worth */
    assert_false(caps_message(caps, SPAN("me"), now + 600000));
    for (unsigned i = 0; i < 600; i++)
        assert_true(caps_recipient(caps, SPAN("me"), now));
    assert_false(caps_recipient(caps, SPAN("me"), now));
}

static void test_octets(void **state)
{
    (void)state;
    OWN(caps) caps = caps_new(&limits, 42);

    assert_true(caps_hold(caps, 600));
    assert_false(caps_hold(caps, 401));
    assert_true(caps_hold(caps, 400));
    assert_false(caps_hold(caps, 1));
    caps_release(caps, 400);
    assert_true(caps_hold(caps, 400));
    assert_false(caps_hold(caps, SIZE_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_connections),
        cmocka_unit_test(test_come_and_go),
        cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_messages_a_minute),
        cmocka_unit_test(test_octets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
