/* How a QR code is drawn; whether it can be read is for a real reader to say (integration/test_qr.py). */
#include "support/check.h"

#include "cli/qr.h"

#define UPPER   "\xe2\x96\x80"
#define LOWER   "\xe2\x96\x84"
#define FULL    "\xe2\x96\x88"

/* Dark are: the first and third square of the first row, the second of the second, all of the third. */
static const struct qr little = { .side = 3, .dark = { 1, 0, 1, 0, 1, 0, 1, 1, 1 } };

static void test_drawn(void **state)
{
    static const struct {
        const char *label;
        bool colored;
        const char *before, *light, *first, *second, *after;
    } cases[] = {
        { "dark squares on white", true, "\x1b[30;47m", " ", UPPER LOWER UPPER, UPPER UPPER UPPER, "\x1b[0m\n" },
        { "light squares on a dark terminal", false, "", FULL, LOWER UPPER LOWER, LOWER LOWER LOWER, "\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) drawn = BUF(10000), want = BUF(10000);
        for (unsigned line = 0; line < 6; line++) {
            buf_add(&want, cases[i].before);
            for (unsigned x = 0; x < 4; x++)
                buf_add(&want, cases[i].light);
            if (line == 2)
                buf_add(&want, cases[i].first);
            else if (line == 3)
                buf_add(&want, cases[i].second);
            for (unsigned x = line == 2 || line == 3 ? 3 : 0; x < 7; x++)
                buf_add(&want, cases[i].light);
            buf_add(&want, cases[i].after);
        }
        qr_draw(&little, cases[i].colored, &drawn);
        check_bytes(cases[i].label, buf_span(&drawn), buf_span(&want));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_drawn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
