#include "os/memory.h"

#include "base/banned.h"

void memory_heaps(int most)
{
    (void)most;
}

void memory_give_back(void)
{
}
