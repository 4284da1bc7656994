/* Who signs in at the gateway, and as whom they may send. Pure: what the configuration says.
 */
#ifndef OUTPOST_GATEWAY_USERS_H
#define OUTPOST_GATEWAY_USERS_H

#include "account/password.h"
#include "gateway/settings.h"

/* The user of this name, ASCII case aside; NULL: there is none. */
const struct user_settings *users_find(const struct config *config, struct span name);

enum { USERS_SECRET_LEN = 32 };

/* May SCRAM be offered? Only where it works for everybody: a client takes the strongest mechanism there is. */
bool users_have_scram(const struct config *config);

/* What SCRAM is answered with: the user's keys; for a user that has none, or is not there, others that are always
 * the same for this name, so that nobody finds out. Nobody can sign in with those. `secret` is the process's own. */
MUST_USE bool users_scram(const struct user_settings *user_or_null, struct span name,
                          const char secret[USERS_SECRET_LEN], struct password_scram *ret_keys, struct err *err);

/* Whose name a message is to be sent in: the account, and what is done with another sender. */
struct users_choice {
    const struct account *account;
    const char *lane;       /* what it is accepted for: the account's name, or a route's */
    unsigned other_senders; /* enum account_other_senders, never 0 */
};

/* By the user's accounts (NULL: nobody signed in), the listener's account, the sender ("" is none). ERR_CONFIG,
 * config:no-account, where none is set up; ERR_DATA, sender:foreign, where the sender is another's and those are
 * refused. `hostname` tells which senders are this machine's. */
MUST_USE bool users_choose(const struct config *config, const struct listen_settings *listen,
                           const struct user_settings *user_or_null, struct span sender, const char *hostname,
                           struct users_choice *ret_choice, struct err *err);

enum { USERS_MESSAGE_SIZE = 150 * 1024 * 1024 }; /* where no account says */

/* The largest message that may be handed in at a listener, by whatever account. */
uint64_t users_message_size(const struct config *config, const struct listen_settings *listen);

#endif
