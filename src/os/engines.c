/* What the pure rooms have of large libraries: modules, loaded when they are first asked for. Beside the
 * archive of rooms, as base/alloc.c is: the tests have the libraries themselves (tests/support/engines.c). */
#include "mail/idn.h"
#include "os/module.h"
#include "smtp/sasl_engine.h"

#include "base/banned.h"

const struct sasl_engine *sasl_engine(struct err *err)
{
    const void *face = NULL;

    return module_load(SASL_MODULE, SASL_FACE, &face, err) ? face : NULL;
}

const struct idn_engine *idn_engine(struct err *err)
{
    const void *face = NULL;

    return module_load(IDN_MODULE, IDN_FACE, &face, err) ? face : NULL;
}
