/* What of an account's settings is ours to change, so that its mail goes: from what the doctor found, and saw to work.
 *
 * Settings only, and never less security: none is switched off, no pin and no authority is taken away, no server is
 * named that is neither this one, nor its provider's - but for one that was nearly written (`is_strange`), and a list of
 * mechanisms of which the provider has none, or the server takes none (`is_weaker`): there a person decides. Whether it helps, the doctor says, who
 * is asked once more with the account as it would be (cli/remedy.h). Pure.
 */
#ifndef OUTPOST_CLI_MENDING_H
#define OUTPOST_CLI_MENDING_H

#include "doctor/doctor.h"

enum { MENDING_CHANGES_MAX = 4, MENDING_VALUE_MAX = 320 };

struct mending_change {
    const char *key;                /* of account_kind */
    char value[MENDING_VALUE_MAX];  /* as it would be written; "": the key goes */
};

struct mending {
    struct mending_change changes[MENDING_CHANGES_MAX];
    size_t count; /* 0: nothing is ours to change */
    bool is_strange;    /* the server is one whose name is like the one that was written, and nothing says that it is the
                           account's: a person looks at it before a password goes there */
    bool is_weaker;     /* the mechanisms that were named keep the password itself from the server, and without them it
                           would go there, inside TLS: a person agrees to that */
    bool was_tried;     /* ... and the doctor has signed in by another, with what the server refused by these */
    bool wants_sign_in; /* they don't do alone: somebody has to sign in, `account login` */
};

void mending_choose(const struct account *account, const struct knowledge *know, const struct doctor_report *report,
                    struct mending *ret_mending);

/* The account as it would be, filled and checked. The knowledge must outlive it. */
MUST_USE bool mending_account(const struct account *account, const struct mending *mending, const struct knowledge *know,
                              struct account **ret_account, struct err *err);

#endif
