#include "support/check.h"

#include <stdio.h>

#include "gateway/refusals.h"

static void test_the_last_are_kept(void **state)
{
    (void)state;
    struct refusals refusals = { 0 };

    assert_null(refusals_at(&refusals, 0));
    for (uint64_t wall = 1; wall <= 2 * REFUSALS_KEPT + 3; wall++) {
        refusals_add(&refusals, &(struct refusal){ .wall = wall });
        size_t there = wall < REFUSALS_KEPT ? (size_t)wall : REFUSALS_KEPT;
        assert_int_equal(refusals.count, there);
        for (size_t i = 0; i < there; i++)
            assert_int_equal(refusals_at(&refusals, i)->wall, wall - i);
        assert_null(refusals_at(&refusals, there));
    }
}

/* What strangers say is shown on terminals. */
static void test_foreign_text(void **state)
{
    static const struct {
        const char *label;
        const char *foreign;
        const char *shown;
    } rows[] = {
        { "nothing", "", "" },
        { "plain", "me", "me" },
        { "as long as the room", "1234567890", "1234567890" },
        { "longer", "12345678901", "1234567890" },
        { "a bell", "a\ab", "a\\x07b" },
        { "a line", "a\r\n", "a\\x0d\\x0a" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[11];
        memset(text, 'x', sizeof text);
        refusal_text(text, sizeof text, span_of(rows[i].foreign));
        check_row(rows[i].label, strlen(text) < sizeof text);
        if (strcmp(text, rows[i].shown) != 0)
            fail_msg("%s: \"%s\"", rows[i].label, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_last_are_kept),
        cmocka_unit_test(test_foreign_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
