#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define ALLOC_OWNER
#include "base/banned.h"

void *mem_new(size_t size)
{
    return calloc(1, size ? size : 1);
}

void *mem_array(size_t count, size_t size)
{
    return calloc(count ? count : 1, size ? size : 1);
}

void *mem_resize(void *at, size_t count, size_t size)
{
    if (size && count > SIZE_MAX / size)
        return NULL;
    size_t bytes = count * size;
    return realloc(at, bytes ? bytes : 1);
}

void mem_free(void *at)
{
    free(at);
}

/* What a limit forbids (RLIMIT_MEMLOCK) is done without. */
void *mem_new_locked(size_t size)
{
    void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (at == MAP_FAILED)
        return NULL;
    mlock(at, size);
    madvise(at, size, MADV_DONTDUMP);
    madvise(at, size, MADV_WIPEONFORK);
    return at;
}

void mem_free_locked(void *at, size_t size)
{
    if (at)
        munmap(at, size);
}
