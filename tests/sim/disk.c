#include "disk.h"

#include <stdlib.h>
#include <string.h>

#include "clockwork.h"
#include "files.h"
#include "os/disk.h"
#include "queue/sqlite.h"
#include "queue/store_int.h"

static struct {
    bool is_sqlite, power;
    const char *directory;
    unsigned faults, until; /* until: commits to the one at which the power goes; 0: none */
    struct store *store;
    const struct store_type *real;
    struct store_type type;
    struct store_opened time, time_put; /* of the memory form: durable; and by the batch that runs */
    bool looks;
    void (*committed)(void);
} disk;

/* A store whose commits fail, or are the last thing that happens ------------------------------------------------ */

static bool no_power(struct err *err)
{
    return err_found(err, ERR_IO, "disk:failed", "the machine has no power");
}

static bool begin(struct store *store, struct err *err)
{
    disk.time_put = disk.time;
    return disk.power || disk.looks ? disk.real->begin(store, err) : no_power(err);
}

static bool undo(struct store *store, struct err *err, const char *fact)
{
    sim_count(SIM_COMMITS);
    disk.real->abort(store);
    return err_found(err, ERR_IO, fact, "the disk did not take it");
}

static bool commit(struct store *store, struct err *err)
{
    bool last = disk.power && disk.until && --disk.until == 0;

    if (!disk.power)
        return undo(store, err, "disk:failed");
    if (last && sim_chance(50)) {
        sim_trace("the power goes before a commit");
        disk_stop(false);
        return undo(store, err, "disk:failed");
    }
    if (!last && sim_chance(disk.faults))
        return undo(store, err, sim_chance(50) ? "disk:full" : "disk:failed");
    if (!disk.real->commit(store, err))
        return false;
    disk.time = disk.time_put;
    if (disk.committed)
        disk.committed();
    if (last) {
        sim_trace("the power goes after a commit");
        disk_stop(false);
    }
    return true;
}

static bool time_put(struct store *store, uint64_t now, int64_t wall, struct err *err)
{
    disk.time_put = (struct store_opened){ .time = now, .wall = wall };
    return disk.real->time_put(store, now, wall, err);
}

/* Memory's outlives the process. */
static void close_it(struct store *store)
{
    disk.real->abort(store);
    if (disk.is_sqlite) {
        store->type = disk.real;
        disk.real->close(store);
        disk.store = NULL;
    }
}

static void stand_before(struct store *store)
{
    disk.store = store;
    disk.real = store->type;
    disk.type = *store->type;
    disk.type.begin = begin;
    disk.type.commit = commit;
    disk.type.time_put = time_put;
    disk.type.close = close_it;
    store->type = &disk.type;
}

/* Lives -------------------------------------------------------------------------------------------------------- */

void disk_begin(bool is_sqlite, const char *directory, unsigned fault_percent)
{
    memset(&disk, 0, sizeof disk);
    disk.is_sqlite = is_sqlite;
    disk.directory = directory;
    disk.faults = fault_percent;
    files_begin();
}

void disk_faults(unsigned fault_percent)
{
    disk.faults = fault_percent;
}

void disk_end(void)
{
    if (disk.store) {
        disk.store->type = disk.real;
        disk.real->close(disk.store);
        disk.store = NULL;
    }
    files_begin();
}

static bool open_memory(struct store **ret_store, struct store_opened *ret_opened, struct err *err)
{
    if (!disk.store) {
        if (!store_memory_open(&disk.store, err))
            return false;
        stand_before(disk.store);
    }
    disk.store->in_batch = disk.store->in_job = false;
    *ret_opened = disk.time;
    ret_opened->crashed = true;
    *ret_store = disk.store;
    return true;
}

bool disk_open(struct store **ret_store, struct store_opened *ret_opened, struct err *err)
{
    const struct sqlite_options options = { .directory = disk.directory, .disk = &disk_system };

    disk.power = true;
    files_power(true);
    if (!disk.is_sqlite)
        return open_memory(ret_store, ret_opened, err);
    if (!store_sqlite_open(&options, ret_store, ret_opened, err))
        return false;
    stand_before(*ret_store);
    return true;
}

void disk_plan(unsigned nth_commit)
{
    disk.until = nth_commit;
}

bool disk_has_power(void)
{
    return disk.power;
}

void disk_stop(bool killed)
{
    if (!disk.power)
        return;
    disk.power = false;
    files_power(false);
    if (!killed)
        files_lose();
}

void disk_look(void (*look)(void))
{
    disk.looks = true;
    look();
    disk.looks = false;
}

void disk_watch(void (*committed)(void))
{
    disk.committed = committed;
}
