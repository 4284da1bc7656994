/* The queue in a file of this machine, by SQLite: `queue.db` in the state directory, and beside it, while it is open,
 * the log of its last changes. Both are ours alone (0600), and one process's at a time: ERR_LATER store:locked where
 * another has it.
 *
 * 250 means on disk: every commit is in the log, synced, before it is answered (WAL, synchronous=FULL). A commit of
 * which the disk does not say whether it was done is looked for in the file, opened anew, before anything is said.
 *
 * The first start makes it, a later one brings it to this program's version, in one transaction; a file from a newer
 * program is refused (ERR_CONFIG store:newer), one that is something else as well (store:foreign). Opening reads the
 * header and the schema, no rows: a million messages make it no slower.
 *
 * Where less of the disk is free than `reserve_percent`, of bytes or of files, nothing but reports is taken in:
 * ERR_IO disk:reserve.
 */
#ifndef OUTPOST_QUEUE_SQLITE_H
#define OUTPOST_QUEUE_SQLITE_H

#include "os/disk.h"
#include "queue/store.h"

struct sqlite_options {
    const char *directory; /* made, 0700, where it is not there; refused where others may write it */
    const struct disk *disk;
    unsigned reserve_percent; /* of the disk; 0: all may be used */
};

MUST_USE bool store_sqlite_open(const struct sqlite_options *options, struct store **ret_store,
                                struct store_opened *ret_opened, struct err *err);

/* What came of mending. */
struct sqlite_mended {
    uint64_t messages, history; /* that are whole */
    uint64_t held;              /* of whose bodies or recipients a part is missing: they are held */
    uint64_t places;            /* in which nothing could be read: what stood there is lost, or was deleted before */
    char kept[64];              /* the old file's name in the directory: "queue.db.damaged-1" */
};

/* Of a file in which not everything can be read: all that can be goes into a new one, which takes its place; the old one is
 * kept beside it. Nobody may have it open. Errors as with store_sqlite_open(); after one the old file is in its place. */
MUST_USE bool store_sqlite_mend(const struct sqlite_options *options, struct sqlite_mended *ret_mended, struct err *err);

#endif
