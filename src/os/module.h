/* A heavy library is reached through a module of our own: a shared object that lies beside the
 * program (in the build directory) or in its library directory (installed), found from where the
 * program is, loaded at first use and kept until the process ends. So who never fetches a URL never
 * pays for curl.
 */
#ifndef OUTPOST_OS_MODULE_H
#define OUTPOST_OS_MODULE_H

#include "base/buf.h"
#include "base/err.h"

/* `file` is a bare name ("outpost-fetch.so"), `face` the name of the one symbol it shows: a constant
 * struct of functions. Loading twice gives the same. */
MUST_USE bool module_load(const char *file, const char *face, const void **ret_face, struct err *err);

/* The path of a file that lies where modules do, such as a program of ours that others don't call. False: there is
 * none, or no memory. */
MUST_USE bool module_find(const char *file, struct buf *ret_path);

#endif
