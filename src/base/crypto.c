#include "base/crypto.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include "base/banned.h"

enum { RSA_BITS_LEAST = 2048, ES256_HALF = 32 };

/* Its queue of errors is the thread's, and the next that looks would take ours for its own. */
static bool failed(struct err *err)
{
    ERR_clear_error();
    return err_no_memory(err);
}

/* ---- hashes ---- */

static const unsigned char *bytes_of(struct span span)
{
    return (const unsigned char *)(span.at ? span.at : "");
}

bool crypto_sha256(struct span bytes, unsigned char ret_hash[CRYPTO_SHA256_LEN], struct err *err)
{
    return EVP_Digest(bytes_of(bytes), bytes.len, ret_hash, NULL, EVP_sha256(), NULL) == 1 || failed(err);
}

bool crypto_hmac_sha256(struct span key, struct span bytes, unsigned char ret_hash[CRYPTO_SHA256_LEN],
                        struct err *err)
{
    if (key.len > INT32_MAX)
        return err_set(err, ERR_LIMIT, "the key is too long");
    return HMAC(EVP_sha256(), bytes_of(key), (int)key.len, bytes_of(bytes), bytes.len, ret_hash, NULL) ||
           failed(err);
}

struct crypto_hash; /* an EVP_MD_CTX */

static EVP_MD_CTX *context_of(struct crypto_hash *hash)
{
    return (EVP_MD_CTX *)hash;
}

struct crypto_hash *crypto_hash_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();

    if (context && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1)
        return (struct crypto_hash *)context;
    EVP_MD_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

/* Once begun it needs no memory, so this can't fail; if it did, the end would. */
void crypto_hash_add(struct crypto_hash *hash, struct span bytes)
{
    if (EVP_DigestUpdate(context_of(hash), bytes_of(bytes), bytes.len) != 1)
        EVP_MD_CTX_reset(context_of(hash));
}

bool crypto_hash_end(struct crypto_hash *hash, unsigned char ret_hash[CRYPTO_SHA256_LEN])
{
    bool ok = EVP_DigestFinal_ex(context_of(hash), ret_hash, NULL) == 1;

    ERR_clear_error();
    return ok;
}

void crypto_hash_free(struct crypto_hash *hash)
{
    EVP_MD_CTX_free(context_of(hash));
}

/* ---- keys ---- */

struct crypto_key; /* an EVP_PKEY */

static EVP_PKEY *inside(const struct crypto_key *key)
{
    return (EVP_PKEY *)key;
}

/* Without this, OpenSSL would ask at the terminal. */
static int no_pass_phrase(char *at, int size, int writing, void *who)
{
    (void)at;
    (void)size;
    (void)writing;
    (void)who;
    return -1;
}

static bool is_p256(const EVP_PKEY *key)
{
    char group[32];

    return EVP_PKEY_is_a(key, "EC") && EVP_PKEY_get_group_name(key, group, sizeof group, NULL) == 1 &&
           strcmp(group, "prime256v1") == 0;
}

static bool check_kind(const EVP_PKEY *key, struct err *err)
{
    if (EVP_PKEY_is_a(key, "RSA"))
        return EVP_PKEY_get_bits(key) >= RSA_BITS_LEAST ||
               err_set(err, ERR_CONFIG, "the RSA key has fewer than %d bits", RSA_BITS_LEAST);
    return is_p256(key) || err_set(err, ERR_CONFIG, "the key is neither RSA nor on the curve P-256");
}

bool crypto_key_read(const struct secret *pem, struct crypto_key **ret_key, struct err *err)
{
    struct span text = secret_bytes(pem);
    BIO *bio = BIO_new_mem_buf(bytes_of(text), (int)(text.len < CRYPTO_PEM_MAX ? text.len : CRYPTO_PEM_MAX));
    EVP_PKEY *key = bio ? PEM_read_bio_PrivateKey(bio, NULL, no_pass_phrase, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (!bio)
        return err_no_memory(err);
    if (!key)
        return err_set(err, ERR_CONFIG, "this holds no private key in PEM that can be read without a pass phrase");
    if (!check_kind(key, err)) {
        EVP_PKEY_free(key);
        return false;
    }
    *ret_key = (struct crypto_key *)key;
    return true;
}

void crypto_key_free(struct crypto_key *key)
{
    EVP_PKEY_free(inside(key));
}

bool crypto_key_is_rsa(const struct crypto_key *key)
{
    return EVP_PKEY_is_a(inside(key), "RSA");
}

static bool add_number(const struct crypto_key *key, const char *name, unsigned char ret[CRYPTO_P256_HALF])
{
    BIGNUM *number = NULL;
    bool ok = EVP_PKEY_get_bn_param(inside(key), name, &number) == 1 &&
              BN_bn2binpad(number, ret, CRYPTO_P256_HALF) == CRYPTO_P256_HALF;

    BN_free(number);
    return ok;
}

bool crypto_key_point(const struct crypto_key *key, unsigned char ret_x[CRYPTO_P256_HALF],
                      unsigned char ret_y[CRYPTO_P256_HALF], struct err *err)
{
    if (!is_p256(inside(key)))
        return err_set(err, ERR_INTERNAL, "this key is not on P-256");
    return (add_number(key, OSSL_PKEY_PARAM_EC_PUB_X, ret_x) &&
            add_number(key, OSSL_PKEY_PARAM_EC_PUB_Y, ret_y)) ||
           failed(err);
}

/* ---- signing ---- */

const char *crypto_signature_name(enum crypto_signature signature)
{
    static const char *const names[] = { "RS256", "PS256", "ES256" };

    return names[signature];
}

static bool begin_signing(EVP_MD_CTX *context, const struct crypto_key *key, enum crypto_signature how)
{
    EVP_PKEY_CTX *details = NULL;

    if (EVP_DigestSignInit(context, &details, EVP_sha256(), NULL, inside(key)) != 1)
        return false;
    return how != CRYPTO_PS256 ||
           (EVP_PKEY_CTX_set_rsa_padding(details, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(details, RSA_PSS_SALTLEN_DIGEST) == 1);
}

/* OpenSSL wraps r and s in DER; the web wants them bare, of fixed length. */
static bool add_bare(struct buf *out, const unsigned char *der, size_t len)
{
    ECDSA_SIG *pair = d2i_ECDSA_SIG(NULL, &der, (long)len);
    unsigned char bare[2 * ES256_HALF];
    bool ok = pair && BN_bn2binpad(ECDSA_SIG_get0_r(pair), bare, ES256_HALF) == ES256_HALF &&
              BN_bn2binpad(ECDSA_SIG_get0_s(pair), bare + ES256_HALF, ES256_HALF) == ES256_HALF;

    ECDSA_SIG_free(pair);
    if (ok)
        buf_add_span(out, (struct span){ (const char *)bare, sizeof bare });
    return ok && !out->full;
}

static bool add_signature(EVP_MD_CTX *context, const struct crypto_key *key, enum crypto_signature how,
                          struct span bytes, struct buf *out)
{
    unsigned char made[1024]; /* RSA of 8192 bits */
    size_t len = sizeof made;

    if (EVP_PKEY_get_size(inside(key)) > (int)sizeof made || !begin_signing(context, key, how) ||
        EVP_DigestSign(context, made, &len, bytes_of(bytes), bytes.len) != 1)
        return false;
    if (how == CRYPTO_ES256)
        return add_bare(out, made, len);
    buf_add_span(out, (struct span){ (const char *)made, len });
    return !out->full;
}

bool crypto_sign(const struct crypto_key *key, enum crypto_signature how, struct span bytes,
                 struct buf *out, struct err *err)
{
    if (crypto_key_is_rsa(key) == (how == CRYPTO_ES256))
        return err_set(err, ERR_INTERNAL, "the key is not one for %s", crypto_signature_name(how));
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool ok = context && add_signature(context, key, how, bytes, out);
    EVP_MD_CTX_free(context);
    return ok || failed(err);
}

/* ---- certificates ---- */

static uint64_t milliseconds_of(const ASN1_TIME *time)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days = 0, seconds = 0;
    bool ok = epoch && ASN1_TIME_diff(&days, &seconds, epoch, time) == 1 && days >= 0 && seconds >= 0;

    ASN1_TIME_free(epoch);
    return ok ? ((uint64_t)days * 86400 + (uint64_t)seconds) * 1000 : 0;
}

static bool describe(X509 *certificate, const struct crypto_key *key,
                     struct crypto_certificate *ret_certificate, struct err *err)
{
    if (key && X509_check_private_key(certificate, inside(key)) != 1) {
        ERR_clear_error();
        return err_set(err, ERR_CONFIG, "the certificate belongs to another key");
    }
    if (X509_digest(certificate, EVP_sha256(), ret_certificate->sha256, NULL) != 1 ||
        X509_digest(certificate, EVP_sha1(), ret_certificate->sha1, NULL) != 1)
        return failed(err);
    ret_certificate->expires = milliseconds_of(X509_get0_notAfter(certificate));
    return true;
}

bool crypto_certificate_read(struct span pem, const struct crypto_key *key,
                             struct crypto_certificate *ret_certificate, struct err *err)
{
    BIO *bio = BIO_new_mem_buf(bytes_of(pem), (int)(pem.len < CRYPTO_PEM_MAX ? pem.len : CRYPTO_PEM_MAX));
    X509 *certificate = bio ? PEM_read_bio_X509(bio, NULL, no_pass_phrase, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (!bio)
        return err_no_memory(err);
    if (!certificate)
        return err_set(err, ERR_CONFIG, "this holds no certificate in PEM");
    bool ok = describe(certificate, key, ret_certificate, err);
    X509_free(certificate);
    return ok;
}
