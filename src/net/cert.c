#include "net/cert.h"

#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "net/cert_int.h"
#include "net/host.h"

#include "base/banned.h"

enum { PEM_MAX = 1024 * 1024, CHAIN_MAX = 10, SERIAL_BITS = 127, X509_V3 = 2 };

struct cert {
    X509 *x509;
    EVP_PKEY *key;
    STACK_OF(X509) *above;
};

/* What OpenSSL last complained of, in its own words; its list is empty afterwards. */
static bool failed(struct err *err, const char *doing)
{
    unsigned long code = ERR_peek_last_error();
    const char *reason = ERR_reason_error_string(code);

    ERR_clear_error();
    return err_set(err, ERR_INTERNAL, "%s: %s", doing, reason ? reason : "no reason given");
}

void cert_free(struct cert *cert)
{
    if (!cert)
        return;
    X509_free(cert->x509);
    EVP_PKEY_free(cert->key);
    sk_X509_pop_free(cert->above, X509_free);
    mem_free(cert);
}

static struct cert *cert_empty(void)
{
    struct cert *cert = NEW(cert);

    if (!cert)
        return NULL;
    cert->above = sk_X509_new_null();
    if (cert->above)
        return cert;
    mem_free(cert);
    return NULL;
}

struct x509_st *cert_x509(const struct cert *cert)
{
    return cert->x509;
}

struct evp_pkey_st *cert_key(const struct cert *cert)
{
    return cert->key;
}

struct stack_st_X509 *cert_above(const struct cert *cert)
{
    return cert->above;
}

/* ---- making ---- */

static bool set_serial(X509 *x509)
{
    BIGNUM *number = BN_new();
    bool ok = number && BN_rand(number, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(x509));

    BN_free(number);
    return ok;
}

static bool set_subject(X509 *x509, const char *name)
{
    X509_NAME *subject = X509_get_subject_name(x509);

    return X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1,
                                      -1, 0);
}

static bool add_extension(X509 *x509, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX context;

    X509V3_set_ctx(&context, issuer, x509, NULL, NULL, 0);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, nid, value);
    bool ok = extension && X509_add_ext(x509, extension, -1);
    X509_EXTENSION_free(extension);
    return ok;
}

/* One name or address as a GENERAL_NAME; built by hand, for OpenSSL's text form has a grammar, and a
 * name with a comma in it would be two. */
static GENERAL_NAME *general_name(const char *text)
{
    GENERAL_NAME *name = GENERAL_NAME_new();
    struct ip ip;
    bool is_ip = ip_parse(span_of(text), &ip);
    ASN1_STRING *value = is_ip ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
    int len = is_ip ? (ip.family == 4 ? 4 : 16) : -1;

    if (name && value && ASN1_STRING_set(value, is_ip ? (const char *)ip.bytes : text, len)) {
        GENERAL_NAME_set0_value(name, is_ip ? GEN_IPADD : GEN_DNS, value);
        return name;
    }
    ASN1_STRING_free(value);
    GENERAL_NAME_free(name);
    return NULL;
}

static bool add_names(X509 *x509, const char *const *names)
{
    GENERAL_NAMES *all = GENERAL_NAMES_new();
    bool ok = all != NULL;

    for (size_t i = 0; ok && names[i]; i++) {
        GENERAL_NAME *name = general_name(names[i]);
        ok = name && sk_GENERAL_NAME_push(all, name);
        if (!ok)
            GENERAL_NAME_free(name);
    }
    ok = ok && X509_add1_ext_i2d(x509, NID_subject_alt_name, all, 0, X509V3_ADD_DEFAULT) == 1;
    GENERAL_NAMES_free(all);
    return ok;
}

static bool begin(struct cert *cert, const char *name, uint64_t from, uint64_t until, bool rsa)
{
    cert->key = rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256");
    cert->x509 = X509_new();
    return cert->key && cert->x509 && X509_set_version(cert->x509, X509_V3) &&
           set_serial(cert->x509) && set_subject(cert->x509, name) &&
           ASN1_TIME_set(X509_getm_notBefore(cert->x509), (time_t)from) &&
           ASN1_TIME_set(X509_getm_notAfter(cert->x509), (time_t)until) &&
           X509_set_pubkey(cert->x509, cert->key) &&
           add_extension(cert->x509, cert->x509, NID_subject_key_identifier, "hash");
}

static bool sign(struct cert *cert, const struct cert *issuer)
{
    return X509_set_issuer_name(cert->x509, X509_get_subject_name(issuer->x509)) &&
           add_extension(cert->x509, issuer->x509, NID_authority_key_identifier, "keyid") &&
           X509_sign(cert->x509, issuer->key, EVP_sha256());
}

bool cert_make_authority(const char *name, uint64_t from, uint64_t until, struct cert **ret_cert,
                         struct err *err)
{
    OWN(cert) cert = cert_empty();

    if (!cert)
        return err_no_memory(err);
    if (!begin(cert, name, from, until, false) ||
        !add_extension(cert->x509, cert->x509, NID_basic_constraints, "critical,CA:TRUE") ||
        !add_extension(cert->x509, cert->x509, NID_key_usage, "critical,keyCertSign,cRLSign") ||
        !sign(cert, cert))
        return failed(err, "making a certificate authority");
    *ret_cert = GIVE(cert);
    return true;
}

/* A root is not sent along: who trusts it has it. */
static bool take_chain_of(struct cert *cert, const struct cert *issuer)
{
    if (X509_self_signed(issuer->x509, 0) == 1)
        return true;
    if (!X509_add_cert(cert->above, issuer->x509, X509_ADD_FLAG_UP_REF))
        return false;
    return X509_add_certs(cert->above, issuer->above, X509_ADD_FLAG_UP_REF);
}

bool cert_make(const struct cert_plan *plan, struct cert **ret_cert, struct err *err)
{
    OWN(cert) cert = cert_empty();

    if (!cert)
        return err_no_memory(err);
    const struct cert *issuer = plan->issuer ? plan->issuer : cert;
    /* Before TLS 1.3 a key of RSA may be what the secret is sent under. */
    const char *usage = plan->rsa ? "critical,digitalSignature,keyEncipherment" : "critical,digitalSignature";
    if (!begin(cert, plan->names[0], plan->from, plan->until, plan->rsa) ||
        !add_extension(cert->x509, cert->x509, NID_basic_constraints, "critical,CA:FALSE") ||
        !add_extension(cert->x509, cert->x509, NID_key_usage, usage) ||
        !add_extension(cert->x509, cert->x509, NID_ext_key_usage, "serverAuth") ||
        !add_names(cert->x509, plan->names) || !sign(cert, issuer) ||
        (plan->issuer && !take_chain_of(cert, issuer)))
        return failed(err, "making a certificate");
    *ret_cert = GIVE(cert);
    return true;
}

/* ---- PEM ---- */

static BIO *bio_of(struct span text)
{
    return text.len <= PEM_MAX ? BIO_new_mem_buf(text.len ? text.at : "", (int)text.len) : NULL;
}

/* A key under a passphrase is refused; OpenSSL's own callback would ask the terminal. */
static int no_passphrase(char *into, int room, int writing, void *who)
{
    (void)into, (void)room, (void)writing, (void)who;
    return -1;
}

static bool read_chain(struct cert *cert, struct span pem)
{
    BIO *bio = bio_of(pem);
    X509 *next;

    if (!bio)
        return false;
    cert->x509 = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
    for (int i = 0; cert->x509 && i < CHAIN_MAX; i++) {
        next = PEM_read_bio_X509(bio, NULL, no_passphrase, NULL);
        if (!next || !sk_X509_push(cert->above, next)) {
            X509_free(next);
            break;
        }
    }
    BIO_free(bio);
    if (cert->x509)
        ERR_clear_error(); /* "no more certificates" is how the chain ends */
    return cert->x509;
}

bool cert_read(struct span chain_pem, struct span key_pem, struct cert **ret_cert, struct err *err)
{
    OWN(cert) cert = cert_empty();

    if (!cert)
        return err_no_memory(err);
    ERR_clear_error();
    if (!read_chain(cert, chain_pem))
        return failed(err, "reading a certificate");
    BIO *bio = bio_of(key_pem);
    if (bio)
        cert->key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase, NULL);
    BIO_free(bio);
    if (!cert->key)
        return failed(err, "reading a certificate's key");
    if (!X509_check_private_key(cert->x509, cert->key))
        return failed(err, "the key is not this certificate's");
    *ret_cert = GIVE(cert);
    return true;
}

static void add_bio(struct buf *out, BIO *bio)
{
    char *at;
    long len = bio ? BIO_get_mem_data(bio, &at) : 0;

    if (len > 0)
        buf_add_span(out, (struct span){ at, (size_t)len });
    else
        out->full = true;
    BIO_free(bio);
}

void cert_add_chain(const struct cert *cert, struct buf *pem)
{
    BIO *bio = BIO_new(BIO_s_mem());
    bool ok = bio && PEM_write_bio_X509(bio, cert->x509);

    for (int i = 0; ok && i < sk_X509_num(cert->above); i++)
        ok = PEM_write_bio_X509(bio, sk_X509_value(cert->above, i));
    add_bio(pem, bio);
    pem->full |= !ok;
}

void cert_add_key(const struct cert *cert, struct buf *pem)
{
    BIO *bio = BIO_new(BIO_s_secmem());
    bool ok = bio && PEM_write_bio_PrivateKey(bio, cert->key, NULL, NULL, 0, NULL, NULL);

    add_bio(pem, bio);
    pem->full |= !ok;
}
