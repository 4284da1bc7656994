/* The parts of `outpost setup` behind its options: the account it makes, and what it does with it. */
#ifndef OUTPOST_CLI_SETUP_H
#define OUTPOST_CLI_SETUP_H

#include "cli/finding.h"
#include "discover/prove.h"

struct setup {
    struct cli *cli;
    struct address address;
    char *name;       /* of the account */
    const char *auth; /* "password", "token", "none", "oauth" */
    char *client_id;  /* that a person gave when asked; NULL: see --client-id */
    struct discovery *found;
    struct proofs *proofs;
    struct secret *secret;
};

void setup_done(struct setup *setup);

/* The account's name: --account (ERR_USAGE where it can't be one), or made from the address. */
MUST_USE bool setup_name(struct setup *setup, struct err *err);

/* The account as it would be written for this candidate, and filled from the profile. `proof` may be
 * NULL: nothing is proven yet. */
MUST_USE bool setup_account(struct setup *setup, const struct candidate *candidate,
                            const struct proof *proof, struct account **ret_account, struct err *err);

/* The secret, from where the account will fetch it each time; NULL, and no failure, where that is a place
 * of ours in which there is none yet. */
MUST_USE bool setup_fetch_secret(struct setup *setup, struct secret **ret_secret, struct err *err);

/* The account as it is to be, of the candidate that was chosen. */
MUST_USE bool setup_chosen(struct setup *setup, struct account **ret_account, struct err *err);
/* Shows the section; writes nothing. Both return the exit status. */
int setup_print_account(struct setup *setup, const struct account *account);
/* Keeps the secret, writes the account, asks as whom it may send, sends the test message, tells the next steps. */
int setup_finish_account(struct setup *setup, const struct account *account);

#endif
