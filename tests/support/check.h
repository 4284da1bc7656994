/* What every unit test includes first: cmocka with the headers it forgets, and checks that name
 * the row of a table which failed. */
#ifndef OUTPOST_TESTS_CHECK_H
#define OUTPOST_TESTS_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* check_row(label, condition): says which row of a case table failed. */
#define check_row(label, condition)                                                   \
    do {                                                                              \
        if (!(condition))                                                             \
            fail_msg("case \"%s\": not so: %s", (label), #condition);                 \
    } while (0)

/* Bytes against bytes, shown with their label when they differ. */
#define check_bytes(label, got, want)                                                 \
    do {                                                                              \
        struct span got_ = (got), want_ = (want);                                     \
        if (got_.len != want_.len || (got_.len && memcmp(got_.at, want_.at, got_.len))) \
            fail_msg("case \"%s\": got \"%.*s\", want \"%.*s\"", (label), (int)got_.len,  \
                     got_.at ? got_.at : "", (int)want_.len, want_.at ? want_.at : "");   \
    } while (0)

#endif
