/* Certificates: made (a test authority, a server's, one signed by itself), written, read and told about.
 * EC P-256 and SHA-256, unless RSA is wished for: 2048 bits, for devices that know nothing else. Times are seconds since 1970.
 */
#ifndef OUTPOST_NET_CERT_H
#define OUTPOST_NET_CERT_H

#include "base/buf.h"
#include "base/err.h"

struct cert; /* a certificate, its key, and the chain above it */

struct cert_plan {
    const char *const *names; /* host names ("*.example.org" too) and IP addresses; NULL ends */
    uint64_t from, until;
    const struct cert *issuer; /* NULL: signs itself */
    bool rsa;
};

/* An authority that signs others; `name` is shown as its common name. */
MUST_USE bool cert_make_authority(const char *name, uint64_t from, uint64_t until,
                                  struct cert **ret_cert, struct err *err);
/* A server's; the first name is its common name, too. At least one name. */
MUST_USE bool cert_make(const struct cert_plan *plan, struct cert **ret_cert, struct err *err);

/* What cert_add_chain() and cert_add_key() wrote; the key must be the first certificate's. */
MUST_USE bool cert_read(struct span chain_pem, struct span key_pem, struct cert **ret_cert,
                        struct err *err);

void cert_add_chain(const struct cert *cert, struct buf *pem); /* leaf first, without its root */
void cert_add_key(const struct cert *cert, struct buf *pem);

void cert_free(struct cert *cert);
OWNED(cert);

/* ---- what a certificate says ---- */

enum { CERT_NAME_MAX = 128, CERT_NAMES_MAX = 512, CERT_HASH_LEN = 32 };

struct cert_description {
    char subject[CERT_NAME_MAX], issuer[CERT_NAME_MAX]; /* the whole names; safe to show */
    char names[CERT_NAMES_MAX]; /* DNS names and addresses, ", " between, cut with "..." */
    uint64_t from, until;
    bool self_issued; /* subject and issuer are one */
    unsigned char sha256[CERT_HASH_LEN], key_sha256[CERT_HASH_LEN]; /* of the whole, of its SPKI */
};

/* The first certificate of a PEM text. */
MUST_USE bool cert_describe(struct span pem, struct cert_description *ret_description,
                            struct err *err);

#endif
