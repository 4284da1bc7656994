#include "os/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include "base/banned.h"

/* Where it lies, in a folder that is told from the program's own, or from the root where it begins with '/'. */
static bool find(const char *folder, const char *file, struct buf *ret_path)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program);

    if (len <= 0 || (size_t)len == sizeof program)
        return false;
    struct span self = { program, (size_t)len };
    buf_clear(ret_path);
    if (folder[0] != '/')
        buf_add_span(ret_path, span_cut(self, 0, span_find_last(self, '/') + 1));
    buf_add(ret_path, folder);
    buf_add_char(ret_path, '/');
    buf_add(ret_path, file);
    return !ret_path->full && access(buf_text(ret_path), R_OK) == 0;
}

bool module_find(const char *file, struct buf *ret_path)
{
    return find(".", file, ret_path) || find(OUTPOST_MODULES, file, ret_path);
}

bool module_load(const char *file, const char *face, const void **ret_face, struct err *err)
{
    HELD(buf) path = BUF(3 * PATH_MAX);
    void *module = dlopen(module_find(file, &path) ? buf_text(&path) : file, RTLD_NOW | RTLD_LOCAL);

    if (!module)
        return err_set(err, ERR_INTERNAL, "%s can't be loaded: %s", file, dlerror());

    const void *symbol = dlsym(module, face);
    if (!symbol)
        return err_set(err, ERR_INTERNAL, "%s is not the module that this program was built with", file);

    *ret_face = symbol;
    return true;
}
