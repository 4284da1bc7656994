/* The certificate that a server should have sent along, and did not. */
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "net/tls_int.h"

#include "base/banned.h"

enum { FOUND_MAX = 64 * 1024 };

/* ---- where the chain ends ---- */

static bool is_issued_by(X509 *child, X509 *issuer)
{
    return issuer != child && X509_check_issued(issuer, child) == X509_V_OK;
}

/* From the server's own upwards, in whatever order they were sent. */
static X509 *end_of(STACK_OF(X509) *chain)
{
    X509 *end = sk_X509_value(chain, 0);
    bool goes_on = end != NULL;

    for (int steps = 0; goes_on && steps < sk_X509_num(chain); steps++) {
        goes_on = false;
        for (int i = 0; !goes_on && i < sk_X509_num(chain); i++) {
            goes_on = is_issued_by(end, sk_X509_value(chain, i));
            if (goes_on)
                end = sk_X509_value(chain, i);
        }
    }
    return end;
}

static bool is_graphic(const ASN1_IA5STRING *text)
{
    const unsigned char *at = ASN1_STRING_get0_data(text);

    for (int i = 0; i < ASN1_STRING_length(text); i++)
        if (at[i] <= ' ' || at[i] > '~')
            return false;
    return true;
}

/* The first that begins with http://: LDAP is nobody's any more, and https has its own certificate to look at. */
static void put_issuer_url(X509 *x509, char into[TLS_URL_MAX])
{
    AUTHORITY_INFO_ACCESS *ways = X509_get_ext_d2i(x509, NID_info_access, NULL, NULL);

    into[0] = '\0';
    for (int i = 0; !into[0] && i < sk_ACCESS_DESCRIPTION_num(ways); i++) {
        const ACCESS_DESCRIPTION *way = sk_ACCESS_DESCRIPTION_value(ways, i);
        if (OBJ_obj2nid(way->method) != NID_ad_ca_issuers || way->location->type != GEN_URI)
            continue;
        const ASN1_IA5STRING *uri = way->location->d.uniformResourceIdentifier;
        struct span text = { (const char *)ASN1_STRING_get0_data(uri), (size_t)ASN1_STRING_length(uri) };
        if (text.len >= TLS_URL_MAX || !span_starts_word(text, "http://") || !is_graphic(uri))
            continue;
        memcpy(into, text.at, text.len);
        into[text.len] = '\0';
    }
    AUTHORITY_INFO_ACCESS_free(ways);
}

void tls_describe_end(const struct tls *tls, struct tls_description *description)
{
    X509 *end = tls->server ? NULL : end_of(tls->chain);
    unsigned char *at = description->end;

    if (!end || X509_check_issued(end, end) == X509_V_OK)
        return;
    int len = i2d_X509(end, NULL);
    if (len > 0 && len <= TLS_CERTIFICATE_MAX) {
        description->end_len = (size_t)i2d_X509(end, &at);
        put_issuer_url(end, description->issuer_url);
    }
    ERR_clear_error();
}

/* ---- what was found ---- */

static X509 *read_der(struct span bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;

    return bytes.len && bytes.len <= FOUND_MAX ? d2i_X509(NULL, &at, (long)bytes.len) : NULL;
}

static X509 *read_pem(struct span bytes)
{
    BIO *bio = bytes.len && bytes.len <= FOUND_MAX ? BIO_new_mem_buf(bytes.at, (int)bytes.len) : NULL;
    X509 *x509 = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;

    BIO_free(bio);
    return x509;
}

static X509 *read_either(struct span bytes)
{
    X509 *x509 = read_der(bytes);

    return x509 ? x509 : read_pem(bytes);
}

static bool is_trusted(const struct tls_context *context, X509 *x509)
{
    X509_STORE_CTX *look = X509_STORE_CTX_new();
    unsigned long flags = X509_VERIFY_PARAM_get_flags(SSL_CTX_get0_param(context->ssl));
    bool good = look && X509_STORE_CTX_init(look, SSL_CTX_get_cert_store(context->ssl), x509, NULL) == 1;

    if (good) {
        X509_STORE_CTX_set_flags(look, flags);
        good = X509_verify_cert(look) == 1;
    }
    X509_STORE_CTX_free(look);
    return good;
}

static enum tls_issuer judge(const struct tls_context *context, X509 *child, X509 *issuer)
{
    EVP_PKEY *key = child && issuer ? X509_get0_pubkey(issuer) : NULL;

    if (!key || X509_check_issued(issuer, child) != X509_V_OK || X509_verify(child, key) != 1 || !X509_check_ca(issuer))
        return TLS_ISSUER_OTHER;
    return is_trusted(context, issuer) ? TLS_ISSUER_TRUSTED : TLS_ISSUER_STRANGE;
}

enum tls_issuer tls_issuer_of(const struct tls_context *context, struct span shown, struct span found,
                              char ret_url[TLS_URL_MAX])
{
    X509 *child = read_either(shown), *issuer = read_either(found);
    enum tls_issuer verdict = judge(context, child, issuer);
    ret_url[0] = '\0';
    if (verdict == TLS_ISSUER_STRANGE)
        put_issuer_url(issuer, ret_url);
    X509_free(child);
    X509_free(issuer);
    ERR_clear_error();
    return verdict;
}
