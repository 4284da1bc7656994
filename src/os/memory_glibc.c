#include "os/memory.h"

#include <malloc.h>

#include "base/banned.h"

void memory_heaps(int most)
{
    mallopt(M_ARENA_MAX, most);
}

void memory_give_back(void)
{
    malloc_trim(0);
}
