#include "support/world.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "support/alloc_fails.h"

#define WORLD_OF(part, name) \
    ((struct world *)(void *)((char *)(uintptr_t)(name) - offsetof(struct world, part)))

static bool fails_now(void *of)
{
    struct world *world = of;

    if (world->until == 0 || --world->until > 0)
        return false;
    world->failed = true;
    return true;
}

/* For a call of the disk: its errno is set when it fails. */
static bool disk_fails(const struct disk *disk)
{
    struct world *world = WORLD_OF(disk, disk);

    if (!fails_now(world))
        return false;
    errno = world->sys;
    return true;
}

/* Notes a call of the disk and hands its result on. */
static int did(const struct disk *disk, char letter, int result)
{
    struct world *world = WORLD_OF(disk, disk);
    size_t len = strlen(world->calls);

    if (result >= 0 && len + 1 < sizeof world->calls)
        world->calls[len] = letter;
    return result;
}

static uint64_t fake_now(const struct clock *clock)
{
    return WORLD_OF(clock, clock)->now;
}

static uint64_t fake_wall(const struct clock *clock)
{
    return WORLD_OF(clock, clock)->wall;
}

static bool fake_fill(const struct dice *dice, void *at, size_t len)
{
    struct world *world = WORLD_OF(dice, dice);
    unsigned char *bytes = at;

    errno = EIO;
    if (fails_now(world))
        return false;
    for (size_t i = 0; i < len; i++)
        bytes[i] = world->next++;
    return true;
}

static int fake_open(const struct disk *disk, const char *path, int flags, mode_t mode)
{
    int fd = disk_fails(disk) ? -1 : disk_system.open(disk, path, flags, mode);

    WORLD_OF(disk, disk)->open_files += fd >= 0;
    return did(disk, 'o', fd);
}

/* How much of `len` moves; 0: interrupted, with errno. */
static size_t share(const struct disk *disk, size_t len)
{
    struct world *world = WORLD_OF(disk, disk);

    if (!world->short_moves || len == 0)
        return len;
    errno = EINTR;
    return world->moves++ % 2 ? 1 : 0;
}

static ssize_t fake_read(const struct disk *disk, int fd, void *at, size_t len)
{
    size_t most = disk_fails(disk) ? 0 : share(disk, len);

    did(disk, 'r', most ? 0 : -1);
    return most || len == 0 ? disk_system.read(disk, fd, at, most) : -1;
}

static ssize_t fake_write(const struct disk *disk, int fd, const void *at, size_t len)
{
    size_t most = disk_fails(disk) ? 0 : share(disk, len);

    did(disk, 'w', most ? 0 : -1);
    return most || len == 0 ? disk_system.write(disk, fd, at, most) : -1;
}

static int fake_sync(const struct disk *disk, int fd)
{
    return did(disk, 's', disk_fails(disk) ? -1 : disk_system.sync(disk, fd));
}

static int fake_truncate(const struct disk *disk, int fd, off_t len)
{
    return did(disk, 't', disk_fails(disk) ? -1 : disk_system.truncate(disk, fd, len));
}

/* A file is closed even where closing it fails. */
static int fake_close(const struct disk *disk, int fd)
{
    bool fails = disk_fails(disk);
    int sys = errno, result = disk_system.close(disk, fd);

    WORLD_OF(disk, disk)->open_files--;
    errno = sys;
    return fails ? -1 : result;
}

static int fake_stat(const struct disk *disk, int fd, struct stat *ret_stat)
{
    return disk_fails(disk) ? -1 : disk_system.stat(disk, fd, ret_stat);
}

static int fake_chmod(const struct disk *disk, int fd, mode_t mode)
{
    return disk_fails(disk) ? -1 : disk_system.chmod(disk, fd, mode);
}

static int fake_chown(const struct disk *disk, int fd, uid_t owner, gid_t group)
{
    return disk_fails(disk) ? -1 : disk_system.chown(disk, fd, owner, group);
}

static int fake_rename(const struct disk *disk, const char *from, const char *to)
{
    return did(disk, 'N', disk_fails(disk) ? -1 : disk_system.rename(disk, from, to));
}

static int fake_link(const struct disk *disk, const char *from, const char *to)
{
    return did(disk, 'L', disk_fails(disk) ? -1 : disk_system.link(disk, from, to));
}

static int fake_unlink(const struct disk *disk, const char *path)
{
    return did(disk, 'K', disk_fails(disk) ? -1 : disk_system.unlink(disk, path));
}

static int fake_mkdir(const struct disk *disk, const char *path, mode_t mode)
{
    return did(disk, 'D', disk_fails(disk) ? -1 : disk_system.mkdir(disk, path, mode));
}

static int fake_memory(const struct disk *disk)
{
    int fd = disk_fails(disk) ? -1 : disk_system.memory(disk);

    WORLD_OF(disk, disk)->open_files += fd >= 0;
    return did(disk, 'm', fd);
}

static ssize_t fake_key(const struct kernel_keys *keys, const char *name, void *at, size_t room)
{
    struct world *world = WORLD_OF(kernel, keys);
    size_t len = world->kernel_key ? strlen(world->kernel_key) : 0;

    (void)name;
    errno = ENOKEY;
    if (fails_now(world) || !world->kernel_key)
        return -1;
    memcpy(at, world->kernel_key, len < room ? len : room);
    return (ssize_t)len;
}

void world_init(struct world *world)
{
    *world = (struct world){
        .clock = { fake_now, fake_wall },
        .dice = { fake_fill },
        .disk = { fake_open, fake_read, fake_write, fake_sync, fake_truncate, fake_close, fake_stat, fake_chmod,
                  fake_chown, fake_rename, fake_link, fake_unlink, fake_mkdir, fake_memory },
        .kernel = { fake_key },
        .now = 1000,
        .wall = 1772366400000, /* 2026-03-01T12:00:00Z */
        .sys = ENOSPC,
        .alive = alloc_alive(),
    };
}

void world_begin(struct world *world, unsigned nth)
{
    world_init(world);
    world->until = nth;
    alloc_fail_when(fails_now, world);
}

bool world_end(struct world *world)
{
    alloc_fail_when(NULL, NULL);
    world->until = 0;
    return world->failed;
}

size_t world_leaks(const struct world *world)
{
    return alloc_alive() - world->alive + (size_t)world->open_files;
}
