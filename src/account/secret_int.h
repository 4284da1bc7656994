/* The backends of account/secret.h: one row each in secret.c. */
#ifndef OUTPOST_ACCOUNT_SECRET_INT_H
#define OUTPOST_ACCOUNT_SECRET_INT_H

#include "account/secret.h"

enum { SECRET_NAME_MAX = ACCOUNT_NAME_MAX + 16, SECRET_WORDS_MAX = ACCOUNT_NAME_MAX + 64 };

/* What is asked of a backend: read this, keep this, forget this. Good for the call. */
struct secret_order {
    const struct secret_world *world;
    const struct account *account;
    const char *name;            /* of the secret: "live", "live:certificate"; no two have the same */
    struct span rest;            /* of the source, behind the backend's word */
    const struct secret *secret; /* to be kept */
    uint64_t deadline;
};

/* Who waits. */
struct secret_fetch {
    secret_fetched *fetched; /* or the other: of the two the one that is wanted */
    secret_told *told;
    void *data;
    char doing[SECRET_WORDS_MAX]; /* "account live: keeping its secret", in front of every error */
    bool begun, over; /* the call that began it has returned; it has been told */
    void (*cancel)(void *under_way);
    void *under_way;
};

/* The end: tells who waits, and frees it. `secret` is NULL where none was asked for, or with `err`. A backend
 * that has the answer at once may call this before it returns. */
void secret_fetch_over(struct secret_fetch *fetch, struct secret *secret, const struct err *err);

/* Begins what the order says. True: secret_fetch_over() was called, or `cancel` and `under_way` are set and
 * it will be. */
typedef bool secret_act(const struct secret_order *order, struct secret_fetch *fetch, struct err *err);

/* Of sealed files. They answer at once. */
secret_act secret_file_read, secret_file_keep, secret_file_forget;

/* Puts in its place what waited (account/pending.h), if that can be done. */
void secret_file_settle(const struct secret_order *order, const struct secret *secret);

/* Of the keyring. */
secret_act secret_keyring_read, secret_keyring_keep, secret_keyring_forget;

/* Read only. */
secret_act secret_systemd_read, secret_command_read;

/* Where a secret is, for people. */
typedef void secret_tell(const struct secret_order *order, struct buf *out);
secret_tell secret_file_describe, secret_keyring_describe, secret_systemd_describe, secret_command_describe;

/* The line end that programs and people put behind a secret, once. */
void secret_drop_line_end(struct buf *bytes);

/* Will what follows the word do? */
bool secret_systemd_check(struct span rest, struct err *err);
bool secret_command_check(struct span rest, struct err *err);

#endif
