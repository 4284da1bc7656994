#include "support/alloc_fails.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/alloc.h"

static unsigned until_failure;
static bool (*asked)(void *of);
static void *asked_of;
static bool failed;
static atomic_size_t alive; /* the one thing here that several threads may touch at once */

void alloc_fail_at(unsigned nth)
{
    until_failure = nth;
    failed = false;
}

void alloc_fail_when(bool (*fails)(void *of), void *of)
{
    asked = fails;
    asked_of = of;
    failed = false;
}

bool alloc_failed(void)
{
    return failed;
}

size_t alloc_alive(void)
{
    return alive;
}

static bool fails_now(void)
{
    if (asked ? !asked(asked_of) : until_failure == 0 || --until_failure > 0)
        return false;
    failed = true;
    return true;
}

void *mem_new(size_t size)
{
    return mem_array(1, size);
}

void *mem_array(size_t count, size_t size)
{
    void *at = fails_now() ? NULL : calloc(count ? count : 1, size ? size : 1);
    alive += at != NULL;
    return at;
}

void *mem_resize(void *at, size_t count, size_t size)
{
    if (fails_now() || (size && count > SIZE_MAX / size))
        return NULL;
    size_t bytes = count * size;
    void *moved = realloc(at, bytes ? bytes : 1);
    alive += moved && !at;
    return moved;
}

void mem_free(void *at)
{
    alive -= at != NULL;
    free(at);
}

void *mem_new_locked(size_t size)
{
    return mem_new(size);
}

void mem_free_locked(void *at, size_t size)
{
    (void)size;
    mem_free(at);
}
