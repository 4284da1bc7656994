/* A Maildir, and beside each message its envelope: whoever finds a message in new/ finds that,
 * too. The room's own.
 */
#ifndef OUTPOST_SANDBOX_MAILDIR_H
#define OUTPOST_SANDBOX_MAILDIR_H

#include "base/buf.h"
#include "base/err.h"
#include "os/disk.h"

struct maildir;

/* Makes the folders where they are not there. `path` is copied. */
MUST_USE bool maildir_open(const struct disk *disk, const char *path, struct maildir **ret_maildir,
                           struct err *err);
void maildir_free(struct maildir *maildir);
OWNED(maildir);

struct maildir_message;

/* A message in tmp/ under a name that no other has; the maildir must outlive it. */
MUST_USE bool maildir_begin(struct maildir *maildir, const char *name,
                            struct maildir_message **ret_message, struct err *err);
MUST_USE bool maildir_add(struct maildir_message *message, struct span bytes, struct err *err);
/* On disk, envelope and all, when it returns true: then it stands in new/. */
MUST_USE bool maildir_keep(struct maildir_message *message, struct span envelope, struct err *err);
/* What was not kept is taken away. */
void maildir_message_free(struct maildir_message *message);
OWNED(maildir_message);

#endif
