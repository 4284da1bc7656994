/* A disk that fails when it is told to: SQLite's own way to the system, with somebody in between. Its memory, too.
 *
 * Every operation that may fail is counted - opening, reading, writing, cutting, syncing, deleting, allocating - and
 * the nth one does not go well: it fails, or the process is killed, or the power goes.
 *
 * When the power goes, of what was written to a file since its last sync any part may be there, sector by sector,
 * and a file that was never synced may not be there at all.
 */
#ifndef OUTPOST_TESTS_VFS_H
#define OUTPOST_TESTS_VFS_H

#include <stdbool.h>
#include <stdint.h>

enum vfs_what { /* that counts */
    VFS_OPEN = 1,
    VFS_READ = 2,
    VFS_WRITE = 4,
    VFS_CUT = 8,
    VFS_SYNC = 16,
    VFS_DELETE = 32,
    VFS_MEMORY = 64,
    VFS_DISK = VFS_OPEN | VFS_READ | VFS_WRITE | VFS_CUT | VFS_SYNC | VFS_DELETE,
    VFS_CHANGES = VFS_WRITE | VFS_CUT | VFS_SYNC | VFS_DELETE,
};

enum vfs_how {
    VFS_FAILS,       /* EIO */
    VFS_FAILS_LATE,  /* it was done, and says that it failed */
    VFS_IS_FULL,     /* ENOSPC */
    VFS_STAYS_FULL,  /* this one and all after it */
    VFS_KILLS,       /* SIGKILL before it is done */
    VFS_LOSES_POWER, /* the same, and what was not synced is not all there */
};

/* Before SQLite is first used: it goes by this from now on. */
void vfs_install(void);

/* From now on, the nth of these; 0: none. `chance` chooses what a power cut leaves. */
void vfs_plan(unsigned what, enum vfs_how how, unsigned nth, uint64_t chance);
/* Did it come to that? How many were counted? */
bool vfs_happened(void);
unsigned vfs_counted(void);
/* Files that are open now. */
unsigned vfs_open_files(void);

#endif
