#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>

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
