/* `outpost setup` for an account that signs in by OAuth. */
#ifndef OUTPOST_CLI_SETUP_OAUTH_H
#define OUTPOST_CLI_SETUP_OAUTH_H

#include "cli/setup.h"

/* Signs in, proves that mail can leave - by SMTP, or over HTTPS where SMTP is shut -, and writes the account. The
 * exit status. */
int setup_oauth(struct setup *setup);

#endif
