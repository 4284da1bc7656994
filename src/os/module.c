#include "os/module.h"

#include <dlfcn.h>

#include "base/banned.h"

bool module_load(const char *file, const char *face, const void **ret_face, struct err *err)
{
    void *module = dlopen(file, RTLD_NOW | RTLD_LOCAL);
    if (!module)
        return err_set(err, ERR_INTERNAL, "%s can't be loaded: %s", file, dlerror());

    const void *symbol = dlsym(module, face);
    if (!symbol)
        return err_set(err, ERR_INTERNAL, "%s is not the module that this program was built with", file);

    *ret_face = symbol;
    return true;
}
