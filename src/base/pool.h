/* Memory for many small things that are freed together: what a file was read into, and lives as
 * long as it. Nothing is freed singly. Zeroed with mem_new's rules; NULL when memory runs out.
 */
#ifndef OUTPOST_BASE_POOL_H
#define OUTPOST_BASE_POOL_H

#include "base/own.h"
#include "base/span.h"

struct pool_block;

struct pool { /* begins as { NULL } */
    struct pool_block *blocks;
};

MUST_USE void *pool_array(struct pool *pool, size_t count, size_t size); /* count 0 is valid, too */
MUST_USE char *pool_text(struct pool *pool, struct span bytes); /* a copy, NUL-terminated */
void pool_done(struct pool *pool);

#endif
