/* Whom the doctor is asked about: an account, an address whose settings are found, a server. */
#ifndef OUTPOST_CLI_PATIENT_H
#define OUTPOST_CLI_PATIENT_H

#include "cli/finding.h"
#include "doctor/doctor.h"
#include "net/host.h"

struct patient {
    const struct account *account; /* NULL: a server alone */
    char address[CANDIDATE_USERNAME_MAX]; /* what was named where no account is: ""; else to set it up */
    char host[DIAL_HOST_MAX];
    uint16_t port;
    enum security security;
    bool is_sure; /* of the kind of encryption: named, or known */
};

/* By the operand, or the default account; --security holds for a server. One word that is no account's, where there are
 * accounts, is a host if it is found (--connect-to counts), else config:no-account. ERR_USAGE, ERR_CONFIG, or why an
 * address has no settings. */
MUST_USE bool patient_find(struct cli *cli, struct patient *ret, struct err *err);

/* The same server, by the other kind of encryption. */
void patient_turn(struct patient *patient);

#endif
