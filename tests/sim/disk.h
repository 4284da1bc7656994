/* Where the queue lies, in a machine that may stop at any moment: what a commit had made durable before is there in the
 * next life, and what no commit had is not.
 *
 * Two forms, chosen by the seed. In one the store is memory's, which outlives the process here; in the other SQLite writes
 * to files that are made up, of which a power cut leaves any part of what was not synced, sector by sector.
 *
 * The power goes at a commit: before it is done, or after it was done and before anybody heard of it.
 */
#ifndef OUTPOST_SIM_DISK_H
#define OUTPOST_SIM_DISK_H

#include "queue/store.h"

/* A new run, on an empty disk. `directory` is a real one, in which SQLite's file seems to lie. */
void disk_begin(bool is_sqlite, const char *directory, unsigned fault_percent);
void disk_faults(unsigned fault_percent);
void disk_end(void);

/* The power is on; false where it went again meanwhile (disk_has_power). */
bool disk_open(struct store **ret_store, struct store_opened *ret_opened, struct err *err);

/* It goes at the nth commit from now on that changes something; 0: at none. */
void disk_plan(unsigned nth_commit);
bool disk_has_power(void);
/* At once. `killed`: only the process is gone, and what it had written is there. */
void disk_stop(bool killed);

/* The store is only looked at: nothing fails, nothing is counted. */
void disk_look(void (*look)(void));

/* Told of commits that were done: what happened before each is durable. May be NULL. */
void disk_watch(void (*committed)(void));

#endif
