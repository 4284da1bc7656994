/* The face of libidn2 and libpsl to us. A module. */
#include <idn2.h>
#include <libpsl.h>

#include "mail/idn.h"

#include "base/banned.h"

__attribute__((visibility("default"))) extern const struct idn_engine outpost_idn;

static bool to_ascii(const char *domain, struct buf *out)
{
    char *ascii = NULL;
    int status = idn2_to_ascii_8z(domain, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);

    if (status == IDN2_MALLOC)
        out->full = true;
    else if (status == IDN2_OK)
        buf_add(out, ascii);
    idn2_free(ascii);
    return status == IDN2_OK;
}

static const char *registrable(const char *host)
{
    return psl_registrable_domain(psl_builtin(), host);
}

const struct idn_engine outpost_idn = { to_ascii, registrable };
