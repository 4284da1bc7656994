/* At a void *, ask for papers. An object that libuv or a caller hands back as void * begins with a
 * magic number; OBJ() checks it where the type was lost and ends the program where it is another's,
 * and OBJ_GONE() wipes it before the memory is freed, so that a stale pointer stops at the first
 * line and not three functions later.
 *
 *     struct stream { uint32_t magic; ... };
 *     struct stream *stream = OBJ(stream, STREAM_MAGIC, handle->data);
 */
#ifndef OUTPOST_BASE_OBJ_H
#define OUTPOST_BASE_OBJ_H

#include <stdint.h>
#include <stdlib.h>

static inline void *obj_checked(void *at, uint32_t magic)
{
    if (!at || *(const uint32_t *)at != magic)
        abort(); /* memory is not what it was thought to be: nothing after this can be trusted */
    return at;
}

#define OBJ(type, magic_, at) ((struct type *)obj_checked((at), (magic_)))
#define OBJ_GONE(object)      ((object)->magic = 0)

#endif
