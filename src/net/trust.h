/* Whose certificates a client of this machine trusts: found once, for SMTP (net/tls.h) and HTTPS (net/fetch.h) alike,
 * so that no server is good on one way and a stranger on the other.
 */
#ifndef OUTPOST_NET_TRUST_H
#define OUTPOST_NET_TRUST_H

#include <stdbool.h>

#include "base/err.h"

/* At least one of the two is there, and what is in either is trusted. Borrowed: from the caller, the environment, or static. */
struct trust {
    const char *file;      /* PEM; NULL: none. Whoever loads it sees whether it is good */
    const char *directory; /* named by hashes, several with ':' between; NULL: none */
    /* Who names a file trusts what is in it, be it a root, an intermediate or the server itself. */
    bool all;
};

/* `ca_file` alone; NULL: the system's. Of that, as OpenSSL has it: SSL_CERT_FILE in place of the usual file, SSL_CERT_DIR
 * in place of the usual directory. The usual file, a bundle of 200 KB and more, is looked for only where no directory
 * holds a certificate that can be opened and SSL_CERT_FILE is not set. On false: ERR_CONFIG, cert:no-ca-bundle. */
MUST_USE bool trust_find(const char *ca_file, struct trust *ret_trust, struct err *err);

#endif
