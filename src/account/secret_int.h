/* The backends of account/secret.h: one row each. */
#ifndef OUTPOST_ACCOUNT_SECRET_INT_H
#define OUTPOST_ACCOUNT_SECRET_INT_H

#include "account/secret.h"

struct child;

struct secret_fetch {
    struct child *child; /* the command that runs; NULL: none */
    secret_fetched *done;
    void *data;
};

/* The sealed file answers at once. */
MUST_USE bool secret_file_read(const struct secret_world *world, const char *account,
                               struct secret **ret_secret, struct err *err);
MUST_USE bool secret_file_keep(const struct secret_world *world, const char *account,
                               const struct secret *secret, struct err *err);
MUST_USE bool secret_file_forget(const struct secret_world *world, const char *account, struct err *err);

/* A command answers later: `fetch` is told, then freed. */
MUST_USE bool secret_command_run(const struct secret_world *world, struct span command,
                                 uint64_t deadline, struct secret_fetch *fetch, struct err *err);

#endif
