/* A message made fit for a server that takes no 8-bit text, or for lines of at most 998 octets: the
 * file it lies in is read on from where it stands, what mail/convert.h makes of it goes into another
 * nameless file.
 */
#ifndef OUTPOST_INTAKE_LOWER_H
#define OUTPOST_INTAKE_LOWER_H

#include "base/err.h"
#include "base/own.h"
#include "os/disk.h"

/* *ret_fd is a new file in `directory`, at its front, the caller's to close; *ret_size its octets.
 * Errors: mail/convert.h's refusals, and the disk's. */
MUST_USE bool message_lower(const struct disk *disk, const char *directory, int fd, int *ret_fd,
                            uint64_t *ret_size, struct err *err);

#endif
