/* International domains (libidn2), and what of a name can be registered (libpsl): tables of a megabyte that
 * few addresses need. So the program has them as a module, loaded when the first of those comes by
 * (os/engines.c), and the tests have it linked.
 */
#ifndef OUTPOST_MAIL_IDN_H
#define OUTPOST_MAIL_IDN_H

#include "base/buf.h"
#include "base/err.h"

#define IDN_MODULE "outpost-idn.so"
#define IDN_FACE   "outpost_idn"

struct idn_engine {
    /* Adds the domain, clean UTF-8, in A-labels (RFC 5891, mapped as UTS 46 tells). False where it is none;
     * out->full where memory is out. */
    bool (*to_ascii)(const char *domain, struct buf *out);
    /* "example.co.uk" of "mx.example.co.uk": a part of the host; NULL where nobody can own it. */
    const char *(*registrable)(const char *host);
};

/* Where it is to be had; NULL, and err says why, where it is not. Not this room's: a door, as memory has one
 * (base/alloc.h). */
const struct idn_engine *idn_engine(struct err *err);

#endif
