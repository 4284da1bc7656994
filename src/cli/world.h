/* What commands need of the world, each made at first use and freed at the end: where things live,
 * what is known, the configuration, the network. A command that needs no network starts no loop.
 *
 * All return NULL where it can't be had; `err` says why.
 */
#ifndef OUTPOST_CLI_WORLD_H
#define OUTPOST_CLI_WORLD_H

#include "account/config.h"
#include "account/secret.h"
#include "cli/cli.h"
#include "know/knowledge.h"
#include "net/dial.h"
#include "session/tickets.h"

const struct place *cli_place(struct cli *cli, struct err *err);

/* What is built in, and over it the owner's files in place->providers. */
const struct knowledge *cli_knowledge(struct cli *cli, struct err *err);

/* What is built in alone: for a failure's name where the owner's files can't be read. */
const struct knowledge *cli_built_in(struct cli *cli, struct err *err);

/* Read and filled in from the profiles. Read again after cli_config_changed(), which frees the accounts and
 * their profiles. */
const struct config *cli_config(struct cli *cli, struct err *err);
void cli_config_changed(struct cli *cli);

/* Reads it again while what was read before is in use: that is the caller's then, until nobody uses it any more. On
 * failure nothing has changed. */
struct cli_old_config {
    struct config *config;
    struct knowledge *profiles;
};
MUST_USE bool cli_config_renew(struct cli *cli, struct cli_old_config *ret_old, struct err *err);
/* The old one again, in place of the newer, which is freed. */
void cli_config_restore(struct cli *cli, struct cli_old_config old);
void cli_old_config_free(struct cli_old_config old);

/* The everyday options of the network; each option stands before its environment variable. */
struct network {
    struct loop *loop;
    struct resolver *resolver;
    struct dial_detours detours;
    const char *ca_file;         /* NULL: the system's */
    struct tickets *tickets;     /* of this run's lines: the next one to the same server is shorter */
    uint64_t connect_timeout_ms; /* 0: as the protocol says */
    uint64_t timeout_ms;         /* 0: none */
};

const struct network *cli_network(struct cli *cli, struct err *err);

/* False, in words, where the accounts are the machine's and who asks is neither root nor the daemon's user. */
MUST_USE bool cli_may_manage(struct cli *cli, struct err *err);

/* The state directory is there, and we may work in it: root as its owner from here on (os/rights.h). */
MUST_USE bool cli_state(struct cli *cli, struct err *err);

/* Where secrets are kept; the state directory is made if need be. */
MUST_USE bool cli_secrets(struct cli *cli, struct secret_world *ret_world, struct err *err);

/* What this machine is called: configured, else the machine's made valid, else "localhost". */
const char *cli_hostname(struct cli *cli);
/* The same, whatever is configured; good as long as *cli. */
const char *cli_machine(struct cli *cli);
/* The same to say in EHLO; NULL where it is no full name, which many servers refuse. */
const char *cli_hello(struct cli *cli);

/* How a daemon is started that stays, in this scope: "outpost service enable". */
const char *cli_daemon_command(struct cli *cli);

void cli_world_done(struct cli *cli);

#endif
