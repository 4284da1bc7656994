/* What the kernel says of routes is made up here; what it says by itself is tried in integration/test_network_back. */
#include "support/check.h"

#include <linux/rtnetlink.h>
#include <net/if.h>

#include "net/reach.h"

struct said {
    struct nlmsghdr header;
    union {
        struct rtmsg route;
        struct ifinfomsg link;
    };
};

#define ROUTE(type_, ...) { { .nlmsg_len = NLMSG_LENGTH(sizeof(struct rtmsg)), .nlmsg_type = (type_) }, { .route = { __VA_ARGS__ } } }
#define LINK(type_, flags) \
    { { .nlmsg_len = NLMSG_LENGTH(sizeof(struct ifinfomsg)), .nlmsg_type = (type_) }, { .link = { .ifi_flags = (flags) } } }

static void test_what_is_news(void **state)
{
    static const struct {
        const char *label;
        struct said said;
        bool news;
    } rows[] = {
        { "a route", ROUTE(RTM_NEWROUTE, .rtm_type = RTN_UNICAST, .rtm_table = RT_TABLE_MAIN), true },
        { "a route that goes", ROUTE(RTM_DELROUTE, .rtm_type = RTN_UNICAST, .rtm_table = RT_TABLE_MAIN), false },
        { "a route to ourselves", ROUTE(RTM_NEWROUTE, .rtm_type = RTN_LOCAL, .rtm_table = RT_TABLE_LOCAL), false },
        { "a wall", ROUTE(RTM_NEWROUTE, .rtm_type = RTN_UNREACHABLE, .rtm_table = RT_TABLE_MAIN), false },
        { "a route whose link is down", ROUTE(RTM_NEWROUTE, .rtm_type = RTN_UNICAST, .rtm_flags = RTNH_F_LINKDOWN), false },
        { "a guess of the kernel's", ROUTE(RTM_NEWROUTE, .rtm_type = RTN_UNICAST, .rtm_flags = RTM_F_CLONED), false },
        { "a link that carries", LINK(RTM_NEWLINK, IFF_UP | IFF_RUNNING), true },
        { "a link without a cable", LINK(RTM_NEWLINK, IFF_UP), false },
        { "a link that goes", LINK(RTM_DELLINK, IFF_UP | IFF_RUNNING), false },
        { "the loopback", LINK(RTM_NEWLINK, IFF_UP | IFF_RUNNING | IFF_LOOPBACK), false },
        { "nothing that we know", LINK(RTM_NEWQDISC, IFF_UP | IFF_RUNNING), false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct said two[2] = { { { .nlmsg_len = sizeof(struct said), .nlmsg_type = RTM_DELADDR }, { .route = { 0 } } },
                               rows[i].said };
        size_t len = rows[i].said.header.nlmsg_len;
        check_row(rows[i].label, reach_is_news((struct span){ (const char *)&rows[i].said, len }) == rows[i].news);
        check_row(rows[i].label, reach_is_news((struct span){ (const char *)two, sizeof *two + len }) == rows[i].news);
        for (size_t cut = 0; cut < len; cut++) /* at every octet */
            assert_false(reach_is_news((struct span){ (const char *)&rows[i].said, cut }));
    }
}

static void test_lengths_that_lie(void **state)
{
    struct said said = ROUTE(RTM_NEWROUTE, .rtm_type = RTN_UNICAST);

    (void)state;
    for (uint32_t len = 0; len < 2 * sizeof said; len++) {
        said.header.nlmsg_len = len;
        bool whole = len >= NLMSG_LENGTH(sizeof(struct rtmsg)) && len <= sizeof said;
        assert_int_equal(reach_is_news((struct span){ (const char *)&said, sizeof said }), whole);
    }
}

/* What comes together is told once; what comes and goes, less and less often; after a calm it is told at once again. */
static void test_pace(void **state)
{
    struct reach_pace pace = { 0 };
    uint64_t now = 1000000, last = 0;
    unsigned told = 0;

    (void)state;
    assert_int_equal(reach_pace(&pace, now), now + REACH_SETTLE_MS);
    assert_int_equal(reach_pace(&pace, now + 100), now + REACH_SETTLE_MS);
    assert_int_equal(reach_pace(&pace, now + REACH_SETTLE_MS + 100), now + 3 * REACH_SETTLE_MS);
    for (uint64_t end = now + 60 * 60 * 1000; now < end; now += 100) {
        uint64_t at = reach_pace(&pace, now);
        assert_true(at >= now && at <= now + REACH_QUIET_MS);
        told += at != last;
        last = at;
    }
    assert_in_range(told, 12, 24); /* an hour of that */
    now = last + 2 * REACH_QUIET_MS;
    assert_int_equal(reach_pace(&pace, now), now + REACH_SETTLE_MS);
}

static void never(void *who)
{
    (void)who;
    fail_msg("nothing came");
}

static void test_watching_keeps_nobody(void **state)
{
    OWN(loop) loop = NULL;
    struct reach *reach = NULL;
    struct err err = { 0 };

    (void)state;
    assert_true(loop_new(&loop, &err));
    assert_true(reach_watch(loop, never, NULL, &reach, &err));
    loop_run(loop);
    reach_free(reach);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_news),
        cmocka_unit_test(test_lengths_that_lie),
        cmocka_unit_test(test_pace),
        cmocka_unit_test(test_watching_keeps_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
