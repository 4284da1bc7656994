/* What the files of the configuration share. The room's own. */
#ifndef OUTPOST_ACCOUNT_CONFIG_INT_H
#define OUTPOST_ACCOUNT_CONFIG_INT_H

#include "account/config.h"

/* ERR_CONFIG, config:no-account, with the nearest name. Always false. */
bool config_no_account(const struct config *config, const char *name, struct err *err);

#endif
