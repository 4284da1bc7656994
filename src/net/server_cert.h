/* The certificate a server shows: two files that somebody keeps, or one of our own, made where there is none; and
 * read again when it changed, without a restart.
 *
 *     server_cert_open(&plan, now, &cert, err)
 *     tls_server(server_cert_context(cert), ...)      for each caller
 *     server_cert_renew(cert, now, &changed, err)     now and then: after a signal, once a minute
 *
 * Our own is signed by itself, with the machine's names and addresses in it, good for ten years: devices remember
 * it, so it is only made anew when it has run out. Its key is EC's; where wished it comes with one of RSA, too, for
 * those who can't do with the first (making that takes half a second).
 */
#ifndef OUTPOST_NET_SERVER_CERT_H
#define OUTPOST_NET_SERVER_CERT_H

#include "net/tls.h"
#include "os/disk.h"

struct server_cert;

struct server_cert_plan { /* borrowed until server_cert_free() */
    const char *chain_file, *key_file; /* PEM; both, or NULL... */
    const char *directory;             /* ...and then ours lies here: tls.pem and tls-rsa.pem, 0600 */
    bool with_rsa;                     /* of ours */
    const char *const *names;          /* what ours is for: host names and IP addresses; NULL ends, one at least */
    enum tls_version minimum;
    const char *protocol;              /* ALPN, as of struct tls_server_plan */
    const struct disk *disk;
};

/* `now`: seconds since 1970. ERR_CONFIG for a certificate and key that don't go together, or can't be read; a key
 * that others may read is refused as file_read() does with FILE_SECRET. */
MUST_USE bool server_cert_open(const struct server_cert_plan *plan, uint64_t now, struct server_cert **ret_cert,
                               struct err *err);
void server_cert_free(struct server_cert *cert);
OWNED(server_cert);

/* Good until the next renewal; conversations hold theirs. */
struct tls_context *server_cert_context(const struct server_cert *cert);
/* What it says, for a page or a warning that it runs out. */
const struct cert_description *server_cert_description(const struct server_cert *cert);

/* Looks whether the files changed, or ours has run out, and takes the new one. False: the new one is not good, and
 * the old one stays. */
MUST_USE bool server_cert_renew(struct server_cert *cert, uint64_t now, bool *ret_changed, struct err *err);

#endif
