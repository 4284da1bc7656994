/* The allocator of the tests: counts, and lets the nth allocation fail.
 *
 *     for (unsigned n = 1;; n++) {
 *         alloc_fail_at(n);
 *         bool ok = thing_make(&thing, &err);
 *         bool failed = alloc_failed();
 *         alloc_fail_at(0);
 *         ...
 *         assert_int_equal(alloc_alive(), before);
 *         if (!failed)
 *             break;
 *     }
 */
#ifndef OUTPOST_TESTS_ALLOC_FAILS_H
#define OUTPOST_TESTS_ALLOC_FAILS_H

#include <stdbool.h>
#include <stddef.h>

void alloc_fail_at(unsigned nth); /* from now on, the nth allocation returns NULL; 0: none does */
/* From now on, whether an allocation fails is asked; NULL: none does. So memory can be one of many things
 * that fail (support/world.h). */
void alloc_fail_when(bool (*fails)(void *of), void *of);
bool alloc_failed(void);          /* did it come to that? */
size_t alloc_alive(void);         /* blocks allocated and not freed */

#endif
