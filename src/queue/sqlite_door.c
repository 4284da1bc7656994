/* The program's way to queue/sqlite.c, which is in a module. Beside the archive, like os/engines.c. */
#include "os/module.h"
#include "queue/sqlite_face.h"

#include "base/banned.h"

static const struct sqlite_face *face(struct err *err)
{
    const void *found = NULL;

    return module_load(SQLITE_MODULE, SQLITE_FACE, &found, err) ? found : NULL;
}

bool store_sqlite_open(const struct sqlite_options *options, struct store **ret_store,
                       struct store_opened *ret_opened, struct err *err)
{
    const struct sqlite_face *sqlite = face(err);

    return sqlite && sqlite->open(options, ret_store, ret_opened, err);
}

bool store_sqlite_mend(const struct sqlite_options *options, struct sqlite_mended *ret_mended, struct err *err)
{
    const struct sqlite_face *sqlite = face(err);

    return sqlite && sqlite->mend(options, ret_mended, err);
}
