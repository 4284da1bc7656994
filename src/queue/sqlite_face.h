/* SQLite is loaded by who opens a queue, and by nobody else: the files that know it are a module
 * (sqlite_face.c), the program opens it by sqlite_door.c, the tests have it linked.
 */
#ifndef OUTPOST_QUEUE_SQLITE_FACE_H
#define OUTPOST_QUEUE_SQLITE_FACE_H

#include "queue/sqlite.h"

#define SQLITE_MODULE "outpost-sqlite.so"
#define SQLITE_FACE   "outpost_sqlite"

struct sqlite_face {
    bool (*open)(const struct sqlite_options *options, struct store **ret_store,
                 struct store_opened *ret_opened, struct err *err);
    bool (*mend)(const struct sqlite_options *options, struct sqlite_mended *ret_mended, struct err *err);
};

#endif
