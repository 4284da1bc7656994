#include "support/check.h"

#include "base/alloc.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "support/alloc_fails.h"

static void test_filled(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_new();
    struct err err = { 0 };
    assert_string_equal(envelope->sender, "");
    assert_true(envelope_set_sender(envelope, SPAN("me@b\xC3\xBC" "cher.example"), &err));
    assert_string_equal(envelope->sender, "me@xn--bcher-kva.example");
    assert_true(envelope_add(envelope, SPAN("a@b.c"), &err));
    assert_true(envelope_add(envelope, SPAN("A@b.c"), &err)); /* another mailbox, for all we know */
    assert_true(envelope_add(envelope, SPAN("a@B.C"), &err)); /* the first one again */
    assert_int_equal(envelope->count, 2);
    assert_false(envelope->smtputf8);
    assert_true(envelope_add_dsn(envelope, SPAN("\xC3\xBC@b.c"), NOTIFY_DELAY | NOTIFY_FAILURE,
                                 SPAN("rfc822;x@y"), &err));
    assert_true(envelope->smtputf8 && envelope->recipients[2].smtputf8);
    assert_string_equal(envelope->recipients[2].orcpt, "rfc822;x@y");
    assert_true(envelope_set_envid(envelope, SPAN("id 1"), &err));
    assert_true(envelope_set_key(envelope, SPAN("key"), &err));
    assert_true(envelope_set_sender(envelope, SPAN(""), &err));
    assert_string_equal(envelope->sender, "");
}

static void test_refused(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_new();
    assert_false(envelope_add(envelope, SPAN(""), NULL));
    assert_false(envelope_add(envelope, SPAN("a@b>\r\nDATA"), NULL));
    assert_false(envelope_add_dsn(envelope, SPAN("a@b"), NOTIFY_NEVER | NOTIFY_DELAY, SPAN(""), NULL));
    assert_false(envelope_add_dsn(envelope, SPAN("a@b"), 0, SPAN("no type"), NULL));
    assert_false(envelope_add_dsn(envelope, SPAN("a@b"), 0, SPAN("rfc822;x\r\n"), NULL));
    assert_false(envelope_set_sender(envelope, SPAN("a"), NULL));
    assert_false(envelope_set_envid(envelope, SPAN(""), NULL));
    assert_false(envelope_set_key(envelope, SPAN("a\nb"), NULL));
    assert_int_equal(envelope->count, 0);
}

static void test_many(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_new();
    struct err err = { 0 };
    HELD(buf) address = BUF(50);
    for (unsigned round = 0; round < 2; round++)
        for (unsigned i = 0; i < ADDRESS_LIST_MAX; i++) {
            buf_clear(&address);
            buf_addf(&address, "u%u@example.org", i);
            assert_true(envelope_add(envelope, buf_span(&address), &err));
        }
    assert_int_equal(envelope->count, ADDRESS_LIST_MAX);
    assert_false(envelope_add(envelope, SPAN("one@more"), &err));
    assert_int_equal(err.kind, ERR_LIMIT);
    assert_string_equal(envelope->recipients[777].address, "u777@example.org");
}

static void test_by_domain(void **state)
{
    static const char *const to[] = { "a@x.org", "b@y.org", "c@X.org", "d@z.org", "e@y.org" };
    static const struct {
        const char *label;
        size_t first, count, want[COUNT(to)];
    } cases[] = {
        { "all", 0, 5, { 0, 2, 1, 4, 3 } },
        { "some", 1, 4, { 1, 4, 2, 3 } },
        { "one", 3, 1, { 3 } },
        { "none", 5, 0, { 0 } },
    };
    (void)state;
    OWN(envelope) envelope = envelope_new();
    struct err err = { 0 };

    for (size_t i = 0; i < COUNT(to); i++)
        assert_true(envelope_add(envelope, span_of(to[i]), &err));
    for (size_t i = 0; i < COUNT(cases); i++) {
        size_t order[COUNT(to)] = { 0 };
        check_row(cases[i].label,
                  envelope_by_domain(envelope, cases[i].first, cases[i].count, order, &err));
        check_row(cases[i].label, memcmp(order, cases[i].want, sizeof order) == 0);
    }
}

static void test_by_domain_without_memory(void **state)
{
    static const char *const to[] = { "a@x.org", "b@y.org", "c@x.org" };
    (void)state;
    OWN(envelope) envelope = envelope_new();
    size_t order[COUNT(to)];
    struct err err = { 0 };
    bool good = false;

    for (size_t i = 0; i < COUNT(to); i++)
        assert_true(envelope_add(envelope, span_of(to[i]), &err));
    for (unsigned n = 1; !good; n++) {
        alloc_fail_at(n);
        good = envelope_by_domain(envelope, 0, COUNT(to), order, &err);
        assert_true(good || err.kind == ERR_MEMORY);
        alloc_fail_at(0);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        alloc_fail_at(n);
        struct err err = { 0 };
        struct envelope *envelope = envelope_new();
        bool good = envelope && envelope_set_sender(envelope, SPAN("a@b"), &err) &&
                    envelope_add_dsn(envelope, SPAN("c@d"), 0, SPAN("rfc822;c@d"), &err);
        for (unsigned i = 0; good && i < 20; i++) {
            char address[] = "a@b";
            address[0] = (char)('a' + i);
            good = envelope_add(envelope, span_of(address), &err);
        }
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(good != failed);
        envelope_free(envelope);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filled),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_by_domain),
        cmocka_unit_test(test_by_domain_without_memory),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
