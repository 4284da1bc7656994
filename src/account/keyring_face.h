/* Between account/secret_keyring.c, which waits, and the module outpost-keyring.so (account/keyring_libsecret.c),
 * which asks the desktop's keyring, by libsecret. A keyring may be locked and put a question on the
 * screen, or hang; so each call blocks a worker thread, until it is told to stop.
 */
#ifndef OUTPOST_ACCOUNT_KEYRING_FACE_H
#define OUTPOST_ACCOUNT_KEYRING_FACE_H

#include "base/err.h"

#define KEYRING_MODULE "outpost-keyring.so"
#define KEYRING_SYMBOL "outpost_keyring"

struct keyring_stop;

struct keyring_item {
    const char *state, *name; /* these two find it again */
    const char *label;        /* what the keyring's own program shows */
    bool may_ask;             /* may the keyring ask the person to unlock it? */
};

/* What can't be had now is ERR_LATER, secret:locked: no keyring here, locked, stopped. What is not in it is
 * ERR_CONFIG, secret:unreadable. Nothing is allocated for the caller. */
struct keyring_face {
    struct keyring_stop *(*stop_new)(void);
    void (*stop)(struct keyring_stop *stop); /* from any thread; what runs returns soon */
    void (*stop_free)(struct keyring_stop *stop);

    bool (*read)(const struct keyring_item *item, struct keyring_stop *stop, char *into, size_t room,
                 size_t *ret_len, struct err *err);
    bool (*keep)(const struct keyring_item *item, struct keyring_stop *stop, struct span secret,
                 struct err *err);
    /* None there is no failure. */
    bool (*forget)(const struct keyring_item *item, struct keyring_stop *stop, struct err *err);
};

#endif
