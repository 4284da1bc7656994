/* The file's versions as this test has them: this program's, and one that is yet to come. */
#ifndef OUTPOST_TESTS_SCHEMAS_H
#define OUTPOST_TESTS_SCHEMAS_H

#include <stddef.h>

extern const char *const schemas[];
extern const size_t schemas_count;

#endif
