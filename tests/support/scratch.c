#include "support/scratch.h"

#include "support/check.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PATHS = 64 };

struct scratch {
    char root[64];
    char paths[PATHS][512];
    unsigned used;
};

struct scratch *scratch_new(void)
{
    struct scratch *scratch = calloc(1, sizeof *scratch);

    assert_non_null(scratch);
    snprintf(scratch->root, sizeof scratch->root, "/tmp/outpost-test-XXXXXX");
    assert_non_null(mkdtemp(scratch->root));
    return scratch;
}

static int take_away(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

void scratch_free(struct scratch **scratch)
{
    nftw((*scratch)->root, take_away, 16, FTW_DEPTH | FTW_PHYS);
    free(*scratch);
}

const char *scratch_root(const struct scratch *scratch)
{
    return scratch->root;
}

const char *scratch_path(struct scratch *scratch, const char *name)
{
    char *path = scratch->paths[scratch->used++ % PATHS];
    size_t root = strlen(scratch->root), len = strlen(name);

    assert_true(root + 1 + len < sizeof scratch->paths[0]);
    memcpy(path, scratch->root, root);
    path[root] = '/';
    memcpy(path + root + 1, name, len + 1);
    return path;
}

const char *scratch_file(struct scratch *scratch, const char *name, const char *text, mode_t mode)
{
    const char *path = scratch_path(scratch, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(close(fd), 0);
    return path;
}

size_t scratch_count(const char *directory)
{
    DIR *dir = opendir(directory);
    size_t count = 0;

    for (const struct dirent *entry; dir && (entry = readdir(dir));)
        count += strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
    if (dir)
        closedir(dir);
    return count;
}

const char *scratch_text(const char *path)
{
    static char text[65536];
    int fd = open(path, O_RDONLY);

    if (fd < 0)
        return NULL;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}
