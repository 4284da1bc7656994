/* A message that was taken, by whatever way: its name, and the envelope beside it. The room's own. */
#ifndef OUTPOST_SANDBOX_KEEP_H
#define OUTPOST_SANDBOX_KEEP_H

#include "sandbox/sandbox_int.h"

struct envelope;

struct keep_facts {
    const struct envelope *envelope;
    const char *user, *hello, *via; /* hello: NULL but for SMTP */
    bool tls;
    uint64_t size;
};

/* Begins a message under a name that no other has. */
MUST_USE bool keep_begin(struct sandbox *sandbox, struct maildir_message **ret_message);
/* It stands in new/, with its envelope: on disk when it returns true. Else nothing is left of it. */
MUST_USE bool keep_end(struct sandbox *sandbox, struct maildir_message *message, const struct keep_facts *facts);

#endif
