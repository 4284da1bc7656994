/* `transport = auto`: by which way out an account goes, and why. SMTP comes first. Where the verdict on a
 * failed sign-in or connection says that SMTP is blocked on this network, switched off, or refused for this
 * mailbox, and the provider has an HTTPS interface, the account goes by that, and that is remembered:
 *
 *     state/transports/NAME:    [transport]
 *                               uses = graph
 *                               because = auth_smtp_disabled_mailbox
 *                               since = 1795341600          seconds since 1970
 *                               checked = 1795341600        when SMTP was found shut last
 *
 * It is forgotten when the account is set up or signs in anew; and SMTP is tried again after a while, the
 * longer the longer it has been shut.
 */
#ifndef OUTPOST_RELAY_CHOICE_H
#define OUTPOST_RELAY_CHOICE_H

#include "account/account.h"
#include "os/disk.h"

struct choice {
    char uses[16];           /* "graph"; "" is SMTP, of which nothing is kept */
    char because[64];        /* a cause's id */
    uint64_t since, checked; /* by the wall clock, ms */
};

/* The HTTPS interface this account may go by when SMTP is shut: "graph", "gmail"; NULL: none. It wants a
 * profile that knows one, and a sign-in that makes tokens for it. */
const char *choice_other_way(const struct account *account);

/* Does this cause mean that SMTP is shut, so that another way is worth a try? */
bool choice_is_shut(const char *cause);
/* Until when it holds, by the wall clock; after that SMTP is tried first. A choice from the future, by a
 * clock that was set back, holds no longer. */
bool choice_holds(const struct choice *choice, uint64_t wall);
/* SMTP was found shut, now: for the first time, or once more. */
void choice_make(struct choice *choice, const char *uses, const char *because, uint64_t wall);

/* Nothing there, or nothing that can be read, is SMTP: what is lost is one try. */
void choice_read(const struct disk *disk, const char *state, const struct account *account,
                 struct choice *ret_choice);
MUST_USE bool choice_keep(const struct disk *disk, const char *state, const struct account *account,
                          const struct choice *choice, struct err *err);
/* Nothing there is no failure. */
MUST_USE bool choice_forget(const struct disk *disk, const char *state, const struct account *account,
                            struct err *err);

/* The file's text, and back. Pure. */
MUST_USE bool choice_write(const struct choice *choice, struct buf *out);
MUST_USE bool choice_parse(struct span text, struct choice *ret_choice);

#endif
