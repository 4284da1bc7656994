#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/str.h"
#include "net/tls_int.h"

#include "base/banned.h"

enum { DATE_MAX = 64, FIRST_RECORD_TYPE = 20, LAST_RECORD_TYPE = 23 }; /* RFC 8446, 5.1 */

/* ---- certificates ---- */

static const struct reason {
    int code;
    const char *fact, *words; /* after "the certificate of NAME" */
} certificate_reasons[] = {
    { X509_V_ERR_CERT_HAS_EXPIRED, "cert:expired", "has expired" },
    { X509_V_ERR_CERT_NOT_YET_VALID, "cert:not-yet-valid", "is not valid yet" },
    { X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, "cert:self-signed", "is signed by itself" },
    { X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "cert:untrusted-issuer",
      "comes from an authority this machine does not trust" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, "cert:untrusted-issuer",
      "has an issuer unknown to this machine" },
    { X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, "cert:untrusted-issuer",
      "has an issuer unknown to this machine" },
    { X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, "cert:untrusted-issuer",
      "comes without its issuer's, and this machine has none" },
    { X509_V_ERR_INVALID_CA, "cert:untrusted-issuer", "was issued by one that may not issue any" },
    { X509_V_ERR_INVALID_PURPOSE, "cert:untrusted-issuer", "is not one for servers" },
    { X509_V_ERR_HOSTNAME_MISMATCH, "cert:hostname", "does not name it" },
    { X509_V_ERR_IP_ADDRESS_MISMATCH, "cert:hostname", "does not name it" },
    { X509_V_ERR_APPLICATION_VERIFICATION, "cert:pin", "is not the pinned one" },
    { X509_V_ERR_EE_KEY_TOO_SMALL, "cert:weak", "has a key that is too short" },
    { X509_V_ERR_CA_KEY_TOO_SMALL, "cert:weak", "has an issuer whose key is too short" },
    { X509_V_ERR_CA_MD_TOO_WEAK, "cert:weak", "is signed with a digest no longer safe" },
    { X509_V_ERR_CERT_REVOKED, "cert:revoked", "was revoked" },
};

static const struct reason *certificate_reason(int code)
{
    for (size_t i = 0; i < COUNT(certificate_reasons); i++)
        if (certificate_reasons[i].code == code)
            return &certificate_reasons[i];
    return NULL;
}

static void add_date(struct buf *out, const ASN1_TIME *time)
{
    BIO *bio = BIO_new(BIO_s_mem());
    char *at;

    if (bio && ASN1_TIME_print_ex(bio, time, ASN1_DTFLGS_ISO8601) == 1) {
        long len = BIO_get_mem_data(bio, &at);
        if (len > 0)
            buf_add_span(out, (struct span){ at, (size_t)len });
    }
    BIO_free(bio);
}

/* What was shown is good, and the authority's certificate that this machine's list has for it has run out. */
static bool is_old_list(const struct tls *tls, int verified)
{
    bool holds = verified == X509_V_ERR_CERT_HAS_EXPIRED && tls->verified_root;

    for (int i = 0; holds && i < sk_X509_num(tls->chain); i++)
        holds = X509_cmp_current_time(X509_get0_notAfter(sk_X509_value(tls->chain, i))) > 0;
    return holds;
}

static void why_old_list(struct tls *tls)
{
    struct cert_description about;
    HELD(buf) words = BUF(ERR_TEXT_MAX);

    cert_describe_x509(tls->verified_root, &about);
    buf_addf(&words, "the certificate of %s leads to an authority that has run out in this machine's list: %s (it was valid until ",
             tls->name, about.subject);
    add_date(&words, X509_get0_notAfter(tls->verified_root));
    buf_add(&words, ")");
    err_found(&tls->err, ERR_CERTIFICATE, "cert:root-expired", "%s", buf_text(&words));
}

/* What a person would ask next: until when, for whom, by whom. */
static void add_detail(struct buf *out, int code, X509 *x509)
{
    struct cert_description about;

    cert_describe_x509(x509, &about);
    if (code == X509_V_ERR_CERT_HAS_EXPIRED) {
        buf_add(out, " (it was valid until ");
        add_date(out, X509_get0_notAfter(x509));
        buf_add(out, ")");
    } else if (code == X509_V_ERR_CERT_NOT_YET_VALID) {
        buf_add(out, " (it is valid from ");
        add_date(out, X509_get0_notBefore(x509));
        buf_add(out, ")");
    } else if (code == X509_V_ERR_HOSTNAME_MISMATCH || code == X509_V_ERR_IP_ADDRESS_MISMATCH) {
        buf_addf(out, ": it names %s", about.names[0] ? about.names : "nobody");
    } else {
        buf_addf(out, " (issued by %s)", about.issuer[0] ? about.issuer : "nobody named");
    }
}

void tls_why_certificate(struct tls *tls, int verified, int depth)
{
    const struct reason *reason = certificate_reason(verified);
    X509 *x509 = sk_X509_num(tls->chain) > depth ? sk_X509_value(tls->chain, depth)
                                                 : SSL_get0_peer_certificate(tls->ssl);
    HELD(buf) words = BUF(ERR_TEXT_MAX);

    ERR_clear_error();
    if (is_old_list(tls, verified)) {
        why_old_list(tls);
        return;
    }
    buf_addf(&words, "the certificate of %s ", tls->name);
    if (reason)
        buf_add(&words, reason->words);
    else
        buf_addf(&words, "can't be trusted: %s", X509_verify_cert_error_string(verified));
    if (depth > 0 && sk_X509_num(tls->chain) > depth)
        buf_add(&words, ", in its chain");
    if (x509)
        add_detail(&words, verified, x509);
    err_found(&tls->err, ERR_CERTIFICATE, reason ? reason->fact : "cert:untrusted-issuer", "%s",
              buf_text(&words));
}

/* ---- the handshake ---- */

static const struct {
    int code;
    const char *fact, *words;
} handshake_reasons[] = {
    { SSL_R_UNSUPPORTED_PROTOCOL, "tls:protocol-version",
      "it speaks only a version of TLS too old to be safe" },
    { SSL_R_TLSV1_ALERT_PROTOCOL_VERSION, "tls:protocol-version",
      "it wants another version of TLS" },
    { SSL_R_VERSION_TOO_LOW, "tls:protocol-version",
      "it speaks only a version of TLS too old to be safe" },
    { SSL_R_WRONG_SSL_VERSION, "tls:protocol-version", "it speaks another version of TLS" },
    { SSL_R_WRONG_VERSION_NUMBER, "tls:protocol-version", "it speaks another version of TLS" },
    { SSL_R_NO_PROTOCOLS_AVAILABLE, "tls:protocol-version", "no version of TLS is allowed here" },
    { SSL_R_DH_KEY_TOO_SMALL, "tls:weak-dh", "its Diffie-Hellman key is too short" },
    { SSL_R_WRONG_SIGNATURE_TYPE, "tls:legacy-signature", "it signs in a way no longer safe" },
    { SSL_R_LEGACY_SIGALG_DISALLOWED_OR_UNSUPPORTED, "tls:legacy-signature",
      "it signs in a way no longer safe" },
    { SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM, "tls:legacy-signature", "no way to sign is common" },
    { SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS, "tls:legacy-signature", "no way to sign is common" },
    { SSL_R_TLSV1_UNRECOGNIZED_NAME, "tls:name-unknown", "it knows no server of that name" },
    /* We say that we come to speak SMTP (ALPN): who minds that speaks something else, most often HTTP. */
    { SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL, "greeting:not-smtp", "it speaks no mail there, but something else" },
};

/* The server says so of the certificate that we showed, or did not show. With TLS 1.3 it does after the
 * handshake, as far as we can tell. */
static const struct {
    int code;
    const char *words;
} client_certificate_reasons[] = {
    { SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED, "it wants a certificate of ours, and none was shown" },
    { SSL_R_SSLV3_ALERT_NO_CERTIFICATE, "it wants a certificate of ours, and none was shown" },
    { SSL_R_SSLV3_ALERT_BAD_CERTIFICATE, "it does not accept our certificate" },
    { SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE, "it does not accept our certificate's kind" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED, "our certificate was revoked" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED, "our certificate has expired" },
    { SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN, "it does not accept our certificate" },
    { SSL_R_TLSV1_ALERT_UNKNOWN_CA, "it does not know who issued our certificate" },
    { SSL_R_TLSV1_ALERT_ACCESS_DENIED, "it gives our certificate no access" },
};

/* NULL: it is about something else. */
static const char *client_certificate_words(int reason)
{
    for (size_t i = 0; i < COUNT(client_certificate_reasons); i++)
        if (client_certificate_reasons[i].code == reason)
            return client_certificate_reasons[i].words;
    return NULL;
}

/* A first byte that begins no record of TLS: the peer speaks clear text, or HTTP, or anything. */
static bool spoke_plain(const struct tls *tls)
{
    unsigned char first = (unsigned char)tls->first[0];

    return tls->first_len && (first < FIRST_RECORD_TYPE || first > LAST_RECORD_TYPE);
}

static void why_plain(struct tls *tls)
{
    struct span said = { tls->first, tls->first_len };
    struct span line = span_trim(span_cut(said, 0, span_find(said, '\n')));

    err_found(&tls->err, ERR_TLS, "tls:plaintext", "%s answered in clear text instead of TLS",
              tls->name ? tls->name : "the client");
    err_said(&tls->err, line);
}

void tls_why(struct tls *tls)
{
    bool shaking = tls->state == TLS_SHAKING;
    const char *who = tls->name ? tls->name : "the client";
    unsigned long code = ERR_peek_last_error();
    int reason = ERR_GET_LIB(code) == ERR_LIB_SSL ? ERR_GET_REASON(code) : 0;
    const char *of_ours = tls->server ? NULL : client_certificate_words(reason);

    if (tls->out.full) {
        err_no_memory(&tls->err);
    } else if (of_ours) {
        err_found(&tls->err, ERR_SIGNIN, "cert:client-refused", "%s says no: %s", who, of_ours);
    } else if (shaking && spoke_plain(tls)) {
        why_plain(tls);
    } else if (!shaking) {
        const char *words = ERR_reason_error_string(code);
        err_found(&tls->err, ERR_TLS, "tls:closed", "the line to %s broke: %s", who,
                  words ? words : "its TLS makes no sense any more");
    } else if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED && tls->name) {
        tls_why_certificate(tls, tls->verified, tls->verified_depth);
    } else {
        const char *fact = "tls:handshake", *words = ERR_reason_error_string(code);
        for (size_t i = 0; i < COUNT(handshake_reasons); i++)
            if (handshake_reasons[i].code == reason) {
                fact = handshake_reasons[i].fact;
                words = handshake_reasons[i].words;
            }
        err_found(&tls->err, ERR_TLS, fact, "no TLS with %s: %s", who,
                  words ? words : "it hung up");
    }
    ERR_clear_error();
}
