#include "os/beside.h"

#include <limits.h>
#include <unistd.h>

#include "base/banned.h"

bool beside(const char *folder, const char *file, int mode, struct buf *ret_path)
{
    char program[PATH_MAX];
    ssize_t len = 0;

    buf_clear(ret_path);
    if (folder[0] != '/') {
        len = readlink("/proc/self/exe", program, sizeof program);
        if (len <= 0 || (size_t)len == sizeof program)
            return false;
    }
    struct span self = { program, (size_t)len };
    buf_add_span(ret_path, span_cut(self, 0, len ? span_find_last(self, '/') + 1 : 0));
    buf_add(ret_path, folder);
    buf_add_char(ret_path, '/');
    buf_add(ret_path, file);
    return !ret_path->full && access(buf_text(ret_path), mode) == 0;
}
