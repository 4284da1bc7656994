/* Certificates for tests: one authority, kept in a file while the test runs, and server contexts with
 * what it issued or did not. */
#ifndef OUTPOST_TESTS_IDENTITY_H
#define OUTPOST_TESTS_IDENTITY_H

#include "net/tls.h"

enum identity_kind {
    IDENTITY_GOOD,
    IDENTITY_EXPIRED,
    IDENTITY_NOT_YET_VALID,
    IDENTITY_SELF_SIGNED,
    IDENTITY_OTHER_ISSUER, /* an authority nobody knows, and not sent along */
};

struct identity {
    struct cert *authority, *stranger;
    char ca_file[64];
    const char *protocol;    /* of the server contexts: "smtp" unless changed */
    const char *const *also; /* more names of theirs, NULL ends; NULL unless changed */
};

void identity_make(struct identity *identity);
void identity_done(struct identity *identity);

/* `name` and 127.0.0.1 where `with_ip`. */
struct tls_context *identity_server(const struct identity *identity, enum identity_kind kind,
                                    const char *name, bool with_ip);
/* Trusts the authority. */
struct tls_context *identity_client(const struct identity *identity);

#endif
