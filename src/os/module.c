#include "os/module.h"

#include <dlfcn.h>
#include <limits.h>
#include <unistd.h>

#include "base/buf.h"
#include "os/beside.h"

#include "base/banned.h"

bool module_find(const char *file, struct buf *ret_path)
{
    return beside(".", file, R_OK, ret_path) || beside(OUTPOST_MODULES, file, R_OK, ret_path);
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
