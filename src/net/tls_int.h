/* What net/tls.c, tls_context.c, tls_issuer.c and tls_why.c share. */
#ifndef OUTPOST_NET_TLS_INT_H
#define OUTPOST_NET_TLS_INT_H

#include <stdatomic.h>

#include <openssl/ssl.h>

#include "net/cert_int.h"
#include "net/tls.h"

enum {
    TLS_MAGIC = 0x746c7331,
    TLS_PROTOCOL_MAX = 32,
    TLS_FIRST_MAX = 200, /* of what a peer said first, for when it was not TLS */
    TLS_HASH_LEN = 32,
};

struct tls_context {
    atomic_uint users;
    SSL_CTX *ssl;
    BIO_METHOD *memory; /* between OpenSSL and our buffers; see tls.c */
    bool pinned;
    unsigned char pin[TLS_HASH_LEN];
    unsigned char trust[TLS_HASH_LEN]; /* what was trusted, in short: a ticket is bound to it */
    unsigned char protocol[TLS_PROTOCOL_MAX]; /* ALPN's form: its length, then it; 0: none */
};

struct tls {
    uint32_t magic;
    struct tls_context *context;
    SSL *ssl;
    bool server;
    enum tls_state state;
    struct err err;

    struct buf in; /* from the line, and how much of it OpenSSL has taken */
    size_t in_taken;
    struct buf out; /* for the line */

    char *name; /* a client's: whom it wants to talk to */
    SSL_SESSION *ticket;

    STACK_OF(X509) *chain; /* what the peer showed, also where it was refused */
    int verified;           /* X509_V_OK, or the first thing that was wrong */
    int verified_depth;     /* and with which certificate: 0 is the server's own */
    X509 *verified_root;    /* it was that of an authority, which this machine has and nobody showed; or NULL */

    char first[TLS_FIRST_MAX];
    size_t first_len;
};

/* tls_context.c */
BIO_METHOD *tls_memory_new(void); /* tls.c's; NULL: no memory */
struct tls_context *tls_context_hold(struct tls_context *context);
/* OpenSSL's question to a client: may this chain be trusted? 1 or 0, and its error is set. */
int tls_verify(X509_STORE_CTX *store, void *unused);
bool tls_pin_fits(const struct tls_context *context, const X509 *x509);

/* tls_why.c: turns what OpenSSL left in its list, and what verification found, into an err. */
void tls_why(struct tls *tls);
void tls_why_certificate(struct tls *tls, int verified, int depth);

/* tls_issuer.c: `end` and `issuer_url`. */
void tls_describe_end(const struct tls *tls, struct tls_description *description);

#endif
