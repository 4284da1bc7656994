/* replay CORPUS - feeds every file of a corpus to the target, as the fuzzer would.
 *
 * Each input ends where a page without rights begins: reading one byte too far is a crash, in builds
 * without a sanitizer too. An empty or missing corpus is a failure: it would test nothing.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static int replay(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat info;
    if (fd < 0 || fstat(fd, &info) != 0)
        return -1;

    size_t len = (size_t)info.st_size, page = (size_t)sysconf(_SC_PAGESIZE);
    size_t pages = (len + page - 1) / page;
    uint8_t *map = mmap(NULL, (pages + 1) * page, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (map == MAP_FAILED || mprotect(map + pages * page, page, PROT_NONE) != 0)
        return -1;
    uint8_t *start = map + pages * page - len;
    if (read(fd, start, len) != (ssize_t)len)
        return -1;
    close(fd);
    LLVMFuzzerTestOneInput(start, len);
    return munmap(map, (pages + 1) * page);
}

int main(int argc, char **argv)
{
    DIR *corpus = argc == 2 ? opendir(argv[1]) : NULL;
    unsigned count = 0;

    if (!corpus) {
        fprintf(stderr, "replay: no corpus at %s\n", argc == 2 ? argv[1] : "(none named)");
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(corpus));) {
        char path[4096];
        if (entry->d_name[0] == '.')
            continue;
        snprintf(path, sizeof path, "%s/%s", argv[1], entry->d_name);
        if (replay(path) != 0) {
            perror(path);
            return 1;
        }
        count++;
    }
    closedir(corpus);
    printf("%u inputs replayed\n", count);
    return count ? 0 : 1;
}
