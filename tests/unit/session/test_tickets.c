#include "support/check.h"

#include "base/alloc.h"
#include "base/str.h"
#include "session/tickets.h"
#include "support/alloc_fails.h"

static const struct ticket_use me = { "smtp.example.org", 465, "me" };

static void keep(struct tickets *tickets, const struct ticket_use *use, const char *bytes,
                 uint64_t verified, uint64_t now)
{
    tickets_keep(tickets, use, (struct ticket){ secret_new(span_of(bytes)), verified }, now);
}

/* Takes one and says whether it is this; "" wants none. */
static bool takes(struct tickets *tickets, const struct ticket_use *use, uint64_t now, const char *want)
{
    struct ticket ticket = { 0 };

    if (!tickets_take(tickets, use, now, &ticket))
        return !*want;
    bool same = span_is(secret_bytes(ticket.bytes), want);
    secret_free(ticket.bytes);
    return same;
}

static void test_once_and_for_one(void **state)
{
    static const struct {
        const char *label;
        struct ticket_use use;
    } others[] = {
        { "another host", { "smtp.example.com", 465, "me" } },
        { "another port", { "smtp.example.org", 587, "me" } },
        { "another account", { "smtp.example.org", 465, "you" } },
        { "no account", { "smtp.example.org", 465, NULL } },
        { "a name that runs on", { "smtp.example.org", 46, "5 me" } },
    };
    (void)state;
    OWN(tickets) tickets = tickets_new();

    assert_true(takes(tickets, &me, 0, ""));
    keep(tickets, &me, "one", 0, 0);
    for (size_t i = 0; i < COUNT(others); i++)
        check_row(others[i].label, takes(tickets, &others[i].use, 0, ""));
    assert_true(takes(tickets, &me, 0, "one"));
    assert_true(takes(tickets, &me, 0, ""));
}

/* However often it is renewed, a day after the last full handshake there is a full one. */
static void test_life(void **state)
{
    struct ticket ticket;
    (void)state;
    OWN(tickets) tickets = tickets_new();

    keep(tickets, &me, "young", 1000, 1000);
    assert_true(tickets_take(tickets, &me, 1000 + TICKET_LIFE_MS - 1, &ticket));
    assert_int_equal(ticket.verified, 1000);
    tickets_keep(tickets, &me, ticket, 1000 + TICKET_LIFE_MS - 1);
    assert_true(takes(tickets, &me, 1000 + TICKET_LIFE_MS, ""));
    keep(tickets, &me, "renewed", 1000, 1000 + TICKET_LIFE_MS);
    assert_true(takes(tickets, &me, 1000 + TICKET_LIFE_MS, ""));
}

static void test_newest_first_and_few(void **state)
{
    static const char *const bytes[] = { "1", "2", "3", "4", "5", "6" };
    (void)state;
    OWN(tickets) tickets = tickets_new();

    for (size_t i = 0; i < COUNT(bytes); i++)
        keep(tickets, &me, bytes[i], i, i);
    for (size_t i = 0; i < TICKETS_EACH_MAX; i++)
        assert_true(takes(tickets, &me, 10, bytes[COUNT(bytes) - 1 - i]));
    assert_true(takes(tickets, &me, 10, ""));
}

static void test_bounded(void **state)
{
    (void)state;
    OWN(tickets) tickets = tickets_new();

    for (unsigned port = 1; port <= TICKETS_MAX + 1; port++)
        keep(tickets, &(struct ticket_use){ "h", (uint16_t)port, NULL }, "x", 0, 0);
    assert_true(takes(tickets, &(struct ticket_use){ "h", 1, NULL }, 0, ""));
    for (unsigned port = 2; port <= TICKETS_MAX + 1; port++)
        assert_true(takes(tickets, &(struct ticket_use){ "h", (uint16_t)port, NULL }, 0, "x"));
}

/* A store without memory keeps less, and harms nothing. */
static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        alloc_fail_at(n);
        struct tickets *tickets = tickets_new();
        if (tickets) {
            keep(tickets, &me, "one", 0, 0);
            (void)takes(tickets, &me, 0, "one");
            keep(tickets, &me, "two", 0, 0);
        }
        bool failed = alloc_failed();
        alloc_fail_at(0);
        tickets_free(tickets);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_and_for_one), cmocka_unit_test(test_life),
        cmocka_unit_test(test_newest_first_and_few), cmocka_unit_test(test_bounded),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
