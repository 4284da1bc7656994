#include "cli/starting.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "os/beside.h"
#include "os/clock.h"
#include "os/detach.h"

#include "base/banned.h"

enum { LINE_MOST = 2048, WORDS_MOST = 16 };

static bool find_outpost(struct buf *ret_path, struct err *err)
{
    static const char *const folders[] = { ".", OUTPOST_PROGRAMS, OUTPOST_PROGRAMS_INSTALLED };

    for (size_t i = 0; i < COUNT(folders); i++)
        if (beside(folders[i], "outpost", X_OK, ret_path))
            return true;
    return err_set(err, ERR_INTERNAL, "the program outpost is not where it was installed (%s)",
                   OUTPOST_PROGRAMS_INSTALLED);
}

/* ---- what it says ---- */

bool starting_status(struct span line, uint64_t *ret_status, struct span *ret_words)
{
    size_t blank = span_find(line, ' ');

    *ret_words = span_from(line, blank + 1);
    return str_to_u64(span_cut(line, 0, blank), 0, 255, ret_status);
}

bool starting_failed(uint64_t status, struct span words, struct err *err)
{
    enum err_kind kind = ERR_LATER; /* the first to be asked: the network has its status, too */
    HELD(buf) shown = BUF(ERR_TEXT_MAX);

    for (unsigned i = ERR_NONE + 1; err_exit_status(kind) != (int)status && i <= ERR_UNKNOWN; i++)
        kind = (enum err_kind)i;
    str_printable(&shown, words, ERR_TEXT_MAX - 4);
    if (!words.len)
        buf_addf(&shown, "the outpost that runs here says no (%u), and not why", (unsigned)status);
    return err_set(err, kind, "%s", buf_text(&shown));
}

static bool read_line(int fd, uint64_t until, struct buf *line)
{
    struct pollfd one = { .fd = fd, .events = POLLIN };
    uint64_t now;
    char byte;

    while ((now = clock_now(&clock_system)) < until && !line->full) {
        if (poll(&one, 1, (int)(until - now < 1000 ? until - now : 1000)) <= 0)
            continue;
        ssize_t len = read(fd, &byte, 1);
        if (len == 0 || (len < 0 && errno != EINTR))
            return false;
        if (len > 0 && byte == '\n')
            return true;
        if (len > 0)
            buf_add_char(line, byte);
    }
    return false;
}

static bool listen_to(int said, uint64_t until, struct err *err)
{
    HELD(buf) line = BUF(LINE_MOST);
    uint64_t status;
    struct span words;

    if (!read_line(said, until, &line) || !starting_status(buf_span(&line), &status, &words))
        return err_set(err, ERR_INTERNAL, "outpost could not be started");
    return status == 0 || starting_failed(status, words, err);
}

bool starting_standin(const char *const *words, uint64_t until, int *ret_said, struct err *err)
{
    const char *argv[WORDS_MOST + 4] = { NULL };
    HELD(buf) path = BUF(3 * PATH_MAX);
    size_t count = 1;
    int said = -1;

    if (!find_outpost(&path, err))
        return false;
    argv[0] = buf_text(&path);
    for (; words && *words && count < WORDS_MOST; words++)
        argv[count++] = *words;
    argv[count++] = "sendmail";
    argv[count] = STARTING_STANDIN;
    if (!detach(argv, &said, err))
        return false;
    if (!listen_to(said, until, err)) {
        close(said);
        return false;
    }
    *ret_said = said;
    return true;
}

void starting_instead(const char *flag, char **args, struct err *err)
{
    HELD(buf) path = BUF(3 * PATH_MAX);
    size_t count = 0, given = 0;
    char **argv;

    while (args[given])
        given++;
    if (!find_outpost(&path, err))
        return;
    argv = mem_array(given + 3, sizeof *argv);
    if (!argv) {
        err_no_memory(err);
        return;
    }
    argv[count++] = (char *)(uintptr_t)"sendmail";
    if (flag)
        argv[count++] = (char *)(uintptr_t)flag;
    memcpy(argv + count, args, given * sizeof *args);
    execv(buf_text(&path), argv);
    err_sys(err, ERR_INTERNAL, errno, "starting %s", buf_text(&path));
    mem_free(argv);
}
