/* What a person types into a device: the servers they may choose from. */
#ifndef OUTPOST_CLI_CARD_H
#define OUTPOST_CLI_CARD_H

#include "base/json.h"
#include "base/secret.h"
#include "cli/cli.h"
#include "gateway/settings.h"

/* Prints server, port and encryption of each listener, and the account's user name; `password` NULL: it is
 * known to whoever reads the card. */
void card_show(struct cli *cli, const struct config *config, const char *user, const struct secret *password);
/* The same listeners as members of an open JSON object: "servers": [{"server", "port", "security"}]. */
void card_members(struct cli *cli, struct json *json, const struct config *config);

/* Adds a listener's server name as devices call it: "192.168.1.5", "localhost", "/run/outpost/smtp". */
void card_server(struct cli *cli, const struct listen_settings *listen, struct buf *out);

/* What is to be minded about one weakness, in words. */
const char *card_weakness(enum listen_weakness weakness);
/* Says aloud what is weak about a listener; nothing where nothing is. */
void card_warn(const struct cli *cli, const struct listen_settings *listen);

#endif
