#include "net/cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "net/cert_int.h"
#include "net/host.h"

#include "base/banned.h"

enum { SECONDS_A_DAY = 86400, PEM_MAX = 1024 * 1024, ALL_NAMES_MAX = 64 * 1024 };

/* Foreign text into a field of fixed size: made safe, and cut with "...". */
static void put_text(char *into, size_t size, struct span foreign)
{
    /* A byte takes up to eight once it is made safe (\u{2028}). */
    HELD(buf) safe = BUF(8 * CERT_NAMES_MAX);

    str_printable(&safe, foreign, size - sizeof "...");
    struct span text = buf_span(&safe);
    if (text.len >= size)
        text.len = size - 1;
    if (text.len)
        memcpy(into, text.at, text.len);
    into[text.len] = '\0';
}

/* "C=US, O=Let's Encrypt, CN=R11". */
static void put_name(char into[CERT_NAME_MAX], const X509_NAME *name)
{
    const unsigned long flags = ASN1_STRFLGS_UTF8_CONVERT | ASN1_STRFLGS_DUMP_UNKNOWN |
                                ASN1_STRFLGS_DUMP_DER | XN_FLAG_SEP_CPLUS_SPC | XN_FLAG_FN_SN;
    BIO *bio = BIO_new(BIO_s_mem());
    char *at = NULL;

    if (bio && X509_NAME_print_ex(bio, name, 0, flags) >= 0) {
        long len = BIO_get_mem_data(bio, &at);
        put_text(into, CERT_NAME_MAX, (struct span){ at, len > 0 ? (size_t)len : 0 });
    }
    BIO_free(bio);
}

static void add_general_name(struct buf *out, const GENERAL_NAME *name)
{
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    struct ip ip = { 0 };

    if (type != GEN_DNS && type != GEN_IPADD)
        return;
    if (out->len)
        buf_add(out, ", ");
    const unsigned char *bytes = ASN1_STRING_get0_data(value);
    size_t len = (size_t)ASN1_STRING_length(value);
    if (type == GEN_DNS) {
        buf_add_span(out, (struct span){ (const char *)bytes, len });
    } else if (len == 4 || len == sizeof ip.bytes) {
        ip.family = len == 4 ? 4 : 6;
        memcpy(ip.bytes, bytes, len);
        ip_write(out, ip);
    }
}

static void put_names(char into[CERT_NAMES_MAX], const X509 *x509)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(x509, NID_subject_alt_name, NULL, NULL);
    HELD(buf) all = BUF(ALL_NAMES_MAX);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++)
        add_general_name(&all, sk_GENERAL_NAME_value(names, i));
    put_text(into, CERT_NAMES_MAX, buf_span(&all));
    GENERAL_NAMES_free(names);
}

/* Seconds since 1970; 0 for what lies before, or is no time. */
static uint64_t seconds(const ASN1_TIME *time)
{
    ASN1_TIME *epoch = ASN1_TIME_set(NULL, 0);
    int days, rest;
    uint64_t result = 0;

    if (epoch && ASN1_TIME_diff(&days, &rest, epoch, time) && days >= 0 && rest >= 0)
        result = (uint64_t)days * SECONDS_A_DAY + (uint64_t)rest;
    ASN1_TIME_free(epoch);
    return result;
}

void cert_hashes(const struct x509_st *x509, unsigned char ret_sha256[CERT_HASH_LEN],
                 unsigned char ret_key_sha256[CERT_HASH_LEN])
{
    unsigned char *der = NULL;
    unsigned len;

    memset(ret_sha256, 0, CERT_HASH_LEN);
    memset(ret_key_sha256, 0, CERT_HASH_LEN);
    X509_digest(x509, EVP_sha256(), ret_sha256, &len);
    int der_len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(x509), &der);
    if (der_len > 0)
        EVP_Digest(der, (size_t)der_len, ret_key_sha256, &len, EVP_sha256(), NULL);
    OPENSSL_free(der);
}

void cert_describe_x509(const struct x509_st *x509, struct cert_description *ret_description)
{
    const X509_NAME *subject = X509_get_subject_name(x509), *issuer = X509_get_issuer_name(x509);

    *ret_description = (struct cert_description){
        .from = seconds(X509_get0_notBefore(x509)),
        .until = seconds(X509_get0_notAfter(x509)),
        .self_issued = X509_NAME_cmp(subject, issuer) == 0,
    };
    put_name(ret_description->subject, subject);
    put_name(ret_description->issuer, issuer);
    put_names(ret_description->names, x509);
    cert_hashes(x509, ret_description->sha256, ret_description->key_sha256);
    ERR_clear_error();
}

bool cert_describe(struct span pem, struct cert_description *ret_description, struct err *err)
{
    BIO *bio = pem.len <= PEM_MAX ? BIO_new_mem_buf(pem.len ? pem.at : "", (int)pem.len) : NULL;
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    ERR_clear_error();
    if (!x509)
        return err_set(err, ERR_INPUT, "no certificate could be read");
    cert_describe_x509(x509, ret_description);
    X509_free(x509);
    return true;
}
