#include "support/check.h"

#include <errno.h>

#include "cli/absence.h"

static const struct {
    const char *label;
    enum place_scope scope;
    bool systemd_runs;
    int sys;
    const char *words;
} rows[] = {
    { "never started",          PLACE_SYSTEM, true,  ENOENT,       "; root starts it: outpost service enable"    },
    { "stopped, or it failed",  PLACE_SYSTEM, true,  ECONNREFUSED, "; root starts it: systemctl start outpost"   },
    { "its queue is full",      PLACE_SYSTEM, true,  EAGAIN,       "; root sees why: systemctl status outpost"   },
    { "it is silent",           PLACE_SYSTEM, true,  0,            "; root sees why: systemctl status outpost"   },
    { "never, no systemd",      PLACE_SYSTEM, false, ENOENT,       "; root starts it: outpost service enable"    },
    { "stopped, no systemd",    PLACE_SYSTEM, false, ECONNREFUSED, "; root starts it: outpost service enable"    },
    { "silent, no systemd",     PLACE_SYSTEM, false, 0,            ""                                            },
    { "a person's own",         PLACE_USER,   true,  ECONNREFUSED, ""                                            },
    { "by --config",            PLACE_GIVEN,  true,  ENOENT,       ""                                            },
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_bytes(rows[i].label, span_of(absence_words(rows[i].scope, rows[i].systemd_runs, rows[i].sys)),
                    span_of(rows[i].words));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_words) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
