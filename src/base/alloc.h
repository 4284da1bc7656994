/* The only door to malloc. NULL means there is none left: a failure like any other, told by
 * err_no_memory() and survived. The tests stand another file in place of alloc.c, whose nth
 * allocation fails. Sizes multiply here, checked, and nowhere else. Zero bytes give a valid pointer.
 */
#ifndef OUTPOST_BASE_ALLOC_H
#define OUTPOST_BASE_ALLOC_H

#include <stddef.h>

#include "base/own.h"

MUST_USE void *mem_new(size_t size);                  /* zeroed */
MUST_USE void *mem_array(size_t count, size_t size);  /* zeroed; NULL too where count × size overflows */
/* Grows or shrinks; on NULL the old block is as it was. New bytes are not zeroed. */
MUST_USE void *mem_resize(void *at, size_t count, size_t size);
void mem_free(void *at);

/* For a secret: zeroed pages of its own, kept out of swap and of core dumps as far as the system lets us, and
 * not there in a program that is started meanwhile. */
MUST_USE void *mem_new_locked(size_t size);
void mem_free_locked(void *at, size_t size); /* the same size; NULL is nothing */

/* A struct of this type, zeroed, or NULL. */
#define NEW(type) ((struct type *)mem_new(sizeof(struct type)))

#endif
