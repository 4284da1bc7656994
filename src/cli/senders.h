/* May an account send as its addresses? The server is asked where it compares senders when they are named: MAIL and
 * RCPT, taken back before there is a message. Where it does so later a message would show it, and a person who
 * is there is asked whether one may be sent. What neither can show is said to be so.
 */
#ifndef OUTPOST_CLI_SENDERS_H
#define OUTPOST_CLI_SENDERS_H

#include "base/json.h"
#include "cli/cli.h"
#include "account/account.h"
#include "know/evidence.h"

enum sender_state {
    SENDER_UNPROVEN,   /* a message from it would show it */
    SENDER_UNPROVABLE, /* `why` tells */
    SENDER_PROVEN,     /* the server looked, and took it */
    SENDER_TOOK,       /* a message from it was taken */
    SENDER_REFUSED,    /* the evidence tells */
};

struct sender_proof {
    const char *address; /* the account's */
    enum sender_state state;
    const char *why;          /* static; NULL: nothing to say */
    struct evidence evidence; /* of SENDER_REFUSED; and of SENDER_UNPROVEN where asking failed */
};

struct senders {
    struct sender_proof *at; /* the account's own address first, then those of send_as */
    size_t count;
};

/* Signs in and asks; the account's secret is kept already. `offers`: a person may be asked for messages. False:
 * it could not begin. senders_done() in either case. */
MUST_USE bool senders_prove(struct cli *cli, const struct account *account, bool offers, struct senders *ret,
                            struct err *err);
void senders_done(struct senders *senders);

/* The first that was refused, or NULL. */
const struct sender_proof *senders_refused(const struct senders *senders);

/* For people. `test_follows`: what is not proven of the own address will be by the message that is sent next. */
void senders_tell(struct cli *cli, const struct senders *senders, bool test_follows);
/* "senders":[{"address","proven":true|false|null,"by":"mail"|"message"|null,"why","cause"}], into an open object. */
void senders_json(struct cli *cli, const struct senders *senders, struct json *json);

#endif
