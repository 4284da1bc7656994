/* What was found of passwords that were compared before, so that a device which signs in for every page it
 * scans costs a hash once. Pure: the key and the time are handed in.
 *
 * A verdict belongs to a user, a password and the hash that stood in the configuration: who changes the
 * password has no old verdict. Only a keyed digest of the three is kept, never a password; VERDICTS_MAX of
 * them, the oldest gives way; each for VERDICTS_MS. Wrong passwords are remembered like right ones, and
 * users who are not there like those who are: an answer tells nobody which it was.
 */
#ifndef OUTPOST_ACCOUNT_VERDICTS_H
#define OUTPOST_ACCOUNT_VERDICTS_H

#include <stdint.h>

#include "base/err.h"

enum { VERDICTS_MAX = 512, VERDICTS_KEY_LEN = 32, VERDICTS_MS = 10 * 60 * 1000, VERDICT_LEN = 32 };

struct verdicts {
    char key[VERDICTS_KEY_LEN];
    size_t next; /* the place of the oldest */
    struct verdict {
        unsigned char digest[VERDICT_LEN];
        uint64_t until; /* 0: empty */
        bool right;
    } at[VERDICTS_MAX];
};

/* What is asked about: a user's name, the hash (empty: there is no such user), a password. */
struct verdict_case {
    struct span user, hash, password;
};

/* Its digest; false where memory runs out. Wiped by the caller when it is used up. */
MUST_USE bool verdict_digest(const struct verdicts *verdicts, const struct verdict_case *of,
                             unsigned char ret_digest[VERDICT_LEN], struct err *err);
/* Is there a verdict, at `now`? */
MUST_USE bool verdict_find(const struct verdicts *verdicts, const unsigned char digest[VERDICT_LEN],
                           uint64_t now, bool *ret_right);
void verdict_keep(struct verdicts *verdicts, const unsigned char digest[VERDICT_LEN], bool right,
                  uint64_t now);

#endif
