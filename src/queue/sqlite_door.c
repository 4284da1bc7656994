/* The program's way to queue/sqlite.c, which is in a module. Beside the archive, like os/engines.c. */
#include "os/module.h"
#include "queue/sqlite_face.h"

#include "base/banned.h"

bool store_sqlite_open(const struct sqlite_options *options, struct store **ret_store,
                       struct store_opened *ret_opened, struct err *err)
{
    const void *found = NULL;
    const struct sqlite_face *face;

    if (!module_load(SQLITE_MODULE, SQLITE_FACE, &found, err))
        return false;
    face = found;
    return face->open(options, ret_store, ret_opened, err);
}
