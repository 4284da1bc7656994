/* Candidates proven with a person watching: what is knocked at, who is asked, where a password may go. */
#ifndef OUTPOST_CLI_PROVING_H
#define OUTPOST_CLI_PROVING_H

#include "base/secret.h"
#include "cli/world.h"
#include "discover/prove.h"

struct proving {
    struct cli *cli;
    const char *address;
    const char *user;           /* --username, or NULL: each candidate's own */
    bool sign_in;
    enum sasl_credential sign_in_with;
    uint64_t patience_ms;       /* for each connection and reply; 0: the command's option, or as prove.h says */
    struct secret *secret;      /* given beforehand, or asked for; the caller's to free */
};

/* Knocks at all, signs in where that is wanted, and waits for the end. Asks for the password only once a
 * server that may have it was reached and verified. */
MUST_USE bool proving_run(struct proving *proving, const struct candidates *candidates,
                          struct proofs **ret_proofs, struct err *err);

enum { PROVING_VERDICT_MAX = 240 };
/* What came of one, in words: "works, signed in by PLAIN", "not reached: ...". */
void proving_verdict(const struct proof *proof, char out[PROVING_VERDICT_MAX]);

/* Why none was chosen: the refusal, else the best candidate's failure. False: nothing was tried. */
MUST_USE bool proving_failure(const struct proofs *proofs, struct evidence *ret_evidence);

#endif
