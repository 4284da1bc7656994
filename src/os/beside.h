/* What lies beside the program that runs: in its own folder (in the build), or in one that is told from there
 * (installed). So a whole tree may be moved, and nothing has to be looked for.
 */
#ifndef OUTPOST_OS_BESIDE_H
#define OUTPOST_OS_BESIDE_H

#include "base/buf.h"

/* The path of `file` in `folder`, which is told from the program's own, or from the root where it begins with '/'.
 * False: there is none that we may use as `mode` says (of access(2)), or it can't be known where we are. */
MUST_USE bool beside(const char *folder, const char *file, int mode, struct buf *ret_path);

#endif
