#include "base/pool.h"

#include <stdint.h>

#include "base/alloc.h"

#include "base/banned.h"

enum { BLOCK = 32 * 1024, ALIGN = _Alignof(max_align_t) };

struct pool_block {
    struct pool_block *next;
    size_t used, room;
    _Alignas(max_align_t) char bytes[];
};

void *pool_array(struct pool *pool, size_t count, size_t size)
{
    if (size && count > (SIZE_MAX - BLOCK) / size)
        return NULL;
    size_t need = (count * size + ALIGN - 1) / ALIGN * ALIGN;
    struct pool_block *block = pool->blocks;

    if (!block || block->room - block->used < need) {
        size_t room = need > BLOCK ? need : BLOCK;
        block = mem_new(sizeof *block + room);
        if (!block)
            return NULL;
        block->room = room;
        block->next = pool->blocks;
        pool->blocks = block;
    }
    void *at = block->bytes + block->used;
    block->used += need;
    return at;
}

char *pool_text(struct pool *pool, struct span bytes)
{
    char *text = bytes.len < SIZE_MAX ? pool_array(pool, bytes.len + 1, 1) : NULL;

    if (text && bytes.len)
        memcpy(text, bytes.at, bytes.len);
    return text;
}

void pool_done(struct pool *pool)
{
    while (pool->blocks) {
        struct pool_block *block = pool->blocks;
        pool->blocks = block->next;
        mem_free(block);
    }
}
