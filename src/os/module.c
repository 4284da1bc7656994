#include "os/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include "base/buf.h"

#include "base/banned.h"

/* Beside the program first. The run path alone would do, but a sanitizer that stands before dlopen()
 * makes the loader look at the sanitizer's. */
static void *open_beside(const char *file)
{
    char program[PATH_MAX];
    HELD(buf) path = BUF(2 * PATH_MAX);
    ssize_t len = readlink("/proc/self/exe", program, sizeof program);

    if (len <= 0 || (size_t)len == sizeof program)
        return NULL;
    struct span self = { program, (size_t)len };
    buf_add_span(&path, span_cut(self, 0, span_find_last(self, '/') + 1));
    buf_add(&path, file);
    if (path.full || access(buf_text(&path), R_OK) != 0)
        return NULL;
    return dlopen(buf_text(&path), RTLD_NOW | RTLD_LOCAL);
}

bool module_load(const char *file, const char *face, const void **ret_face, struct err *err)
{
    void *module = open_beside(file);

    if (!module)
        module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return err_set(err, ERR_INTERNAL, "%s can't be loaded: %s", file, dlerror());

    const void *symbol = dlsym(module, face);
    if (!symbol)
        return err_set(err, ERR_INTERNAL, "%s is not the module that this program was built with", file);

    *ret_face = symbol;
    return true;
}
