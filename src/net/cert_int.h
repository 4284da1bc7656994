/* Certificates as OpenSSL knows them: for net/tls*.c. The declarations stand in for its headers. */
#ifndef OUTPOST_NET_CERT_INT_H
#define OUTPOST_NET_CERT_INT_H

#include "net/cert.h"

struct x509_st;
struct evp_pkey_st;
struct stack_st_X509;

/* Borrowed, good as long as the cert. */
struct x509_st *cert_x509(const struct cert *cert);
struct evp_pkey_st *cert_key(const struct cert *cert);
/* What is sent beside it; may be empty. */
struct stack_st_X509 *cert_above(const struct cert *cert);

void cert_describe_x509(const struct x509_st *x509, struct cert_description *ret_description);
void cert_hashes(const struct x509_st *x509, unsigned char ret_sha256[CERT_HASH_LEN],
                 unsigned char ret_key_sha256[CERT_HASH_LEN]);

#endif
