#include "net/tls.h"

#include <sys/stat.h>

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/tls_int.h"
#include "net/trust.h"
#include "os/file.h"

#include "base/banned.h"

/* RFC 9325, 4.1 and 4.2: none that does not encrypt or authenticate, nothing broken, nothing rare... */
#define CIPHERS_ANY "HIGH:!aNULL:!eNULL:!PSK:!SRP:!3DES:!RC4:!MD5:!DSS:!CAMELLIA:!ARIA:!SEED:!AESCCM8"
/* ...and no key that, once lost, opens what was said before. */
#define CIPHERS CIPHERS_ANY ":!kRSA"
/* Devices that know no better: TLS 1.0 and 1.1 sign with SHA-1 and MD5, which OpenSSL 3 allows on its lowest
 * level only. */
#define CIPHERS_OLD CIPHERS_ANY ":@SECLEVEL=0"

static const struct {
    int number;
    bool old;
} versions[] = {
    [TLS_VERSION_DEFAULT] = { TLS1_2_VERSION, false },
    [TLS_VERSION_1_0] = { TLS1_VERSION, true },
    [TLS_VERSION_1_1] = { TLS1_1_VERSION, true },
    [TLS_VERSION_1_2] = { TLS1_2_VERSION, false },
    [TLS_VERSION_1_3] = { TLS1_3_VERSION, false },
};

enum {
    CLIENT_SECURITY_LEVEL = 2, /* keys of 112 bits: RSA and DH from 2048, no SHA-1 */
    OWN_FILE_MAX = 256 * 1024, /* of a client's certificate with its chain, and of its key */
};

static bool failed(struct err *err, enum err_kind kind, const char *doing)
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    ERR_clear_error();
    return err_set(err, kind, "%s: %s", doing, reason ? reason : "no reason given");
}

struct tls_context *tls_context_hold(struct tls_context *context)
{
    atomic_fetch_add(&context->users, 1);
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (!context || atomic_fetch_sub(&context->users, 1) > 1)
        return;
    SSL_CTX_free(context->ssl);
    BIO_meth_free(context->memory);
    mem_free(context);
}

static bool set_protocol(struct tls_context *context, const char *protocol)
{
    size_t len = protocol ? strlen(protocol) : 0;

    if (len >= sizeof context->protocol)
        return false;
    context->protocol[0] = (unsigned char)len;
    if (len)
        memcpy(context->protocol + 1, protocol, len);
    return true;
}

static struct tls_context *context_new(const SSL_METHOD *method, const char *protocol)
{
    struct tls_context *context = NEW(tls_context);

    /* At the end the process takes its memory with it; OpenSSL would hand back every piece. */
    if (!context || !OPENSSL_init_ssl(OPENSSL_INIT_NO_ATEXIT, NULL)) {
        mem_free(context);
        return NULL;
    }
    atomic_init(&context->users, 1);
    context->ssl = SSL_CTX_new(method);
    context->memory = tls_memory_new();
    if (!context->ssl || !context->memory || !set_protocol(context, protocol)) {
        tls_context_free(context);
        return NULL;
    }
    SSL_CTX_set_options(context->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_mode(context->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return context;
}

/* ---- what a client trusts ---- */

/* "sha256:" and 64 hex digits, colons between them allowed, as openssl's fingerprints have them. */
static bool pin_parse(struct span text, unsigned char ret_pin[TLS_HASH_LEN])
{
    unsigned char pin[TLS_HASH_LEN];
    size_t digits = 0;

    if (!span_starts_word(text, "sha256:"))
        return false;
    text = span_from(text, sizeof "sha256:" - 1);
    for (size_t i = 0; i < text.len; i++) {
        char c = str_lower(text.at[i]);
        if (c == ':')
            continue;
        bool letter = c >= 'a' && c <= 'f';
        if ((!letter && !str_is_digit(c)) || digits == 2 * sizeof pin)
            return false;
        unsigned value = (unsigned)(letter ? c - 'a' + 10 : c - '0');
        unsigned before = digits % 2 ? pin[digits / 2] : 0u;
        pin[digits / 2] = (unsigned char)(before << 4 | value);
        digits++;
    }
    if (digits != 2 * sizeof pin)
        return false;
    memcpy(ret_pin, pin, sizeof pin);
    return true;
}

bool tls_pin_fits(const struct tls_context *context, const X509 *x509)
{
    unsigned char whole[CERT_HASH_LEN], key[CERT_HASH_LEN];

    cert_hashes(x509, whole, key);
    return !memcmp(context->pin, whole, sizeof whole) || !memcmp(context->pin, key, sizeof key);
}

/* Where verifying stopped at an authority's own certificate, of this machine's list: that one. */
static X509 *own_root(X509_STORE_CTX *store, STACK_OF(X509) *shown)
{
    X509 *current = X509_STORE_CTX_get_current_cert(store);

    if (!current || X509_NAME_cmp(X509_get_subject_name(current), X509_get_issuer_name(current)) != 0)
        return NULL;
    for (int i = 0; i < sk_X509_num(shown); i++)
        if (X509_cmp(sk_X509_value(shown, i), current) == 0)
            return NULL;
    return X509_up_ref(current) ? current : NULL;
}

int tls_verify(X509_STORE_CTX *store, void *unused)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = OBJ(tls, TLS_MAGIC, SSL_get_app_data(ssl));
    int good;

    (void)unused;
    sk_X509_pop_free(tls->chain, X509_free);
    tls->chain = X509_chain_up_ref(X509_STORE_CTX_get0_untrusted(store));
    if (tls->context->pinned) {
        good = tls_pin_fits(tls->context, X509_STORE_CTX_get0_cert(store));
        X509_STORE_CTX_set_error(store, good ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION);
    } else {
        good = X509_verify_cert(store) == 1;
        X509_free(tls->verified_root);
        tls->verified_root = good ? NULL : own_root(store, tls->chain);
    }
    tls->verified = X509_STORE_CTX_get_error(store);
    tls->verified_depth = X509_STORE_CTX_get_error_depth(store);
    return good;
}

/* Empties OpenSSL's queue of errors. Was there no room for a file, it says nothing of the file. */
static bool was_out_of_memory(void)
{
    bool was = false;

    for (unsigned long code; (code = ERR_get_error());)
        was |= ERR_GET_REASON(code) == ERR_R_MALLOC_FAILURE;
    return was;
}

static bool trust(SSL_CTX *ssl, const struct trust *whom, struct err *err)
{
    if (whom->file && SSL_CTX_load_verify_file(ssl, whom->file) != 1)
        return was_out_of_memory() ? err_no_memory(err)
                                   : err_found(err, ERR_CONFIG, "cert:no-ca-bundle",
                                               "the CA file %s holds no certificate", whom->file);
    if (whom->directory && SSL_CTX_load_verify_dir(ssl, whom->directory) != 1)
        return was_out_of_memory() ? err_no_memory(err) : failed(err, ERR_CONFIG, whom->directory);
    if (whom->all)
        X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(ssl), X509_V_FLAG_PARTIAL_CHAIN);
    return true;
}

/* A file by its name, and by what tells that it was changed since. */
static void add_file(struct buf *all, const char *what, const char *path)
{
    struct stat about;

    buf_addf(all, "%s=%s", what, path ? path : "");
    if (path && stat(path, &about) == 0)
        buf_addf(all, " %llu %llu %lld %lld.%09ld", (unsigned long long)about.st_dev,
                 (unsigned long long)about.st_ino, (long long)about.st_size,
                 (long long)about.st_mtim.tv_sec, about.st_mtim.tv_nsec);
    buf_add_char(all, '\n');
}

/* What a ticket must have been got under, to be used under this plan (CVE-2022-22576, curl). */
static bool set_trust_mark(struct tls_context *context, const struct tls_client_plan *plan)
{
    HELD(buf) all = BUF(16 * 1024);
    unsigned len;

    add_file(&all, "ca", plan->ca_file);
    add_file(&all, "certificate", plan->certificate_file);
    add_file(&all, "key", plan->key_file);
    buf_addf(&all, "pin=%s\nalpn=%s\n", plan->pin ? plan->pin : "",
             plan->protocol ? plan->protocol : "");
    return !all.full && EVP_Digest(all.at, all.len, context->trust, &len, EVP_sha256(), NULL) == 1;
}

static bool client_trust(struct tls_context *context, const struct tls_client_plan *plan,
                         struct err *err)
{
    struct trust whom;

    if (!set_trust_mark(context, plan))
        return err_no_memory(err);
    if (plan->pin) {
        context->pinned = pin_parse(span_of(plan->pin), context->pin);
        return context->pinned ||
               err_set(err, ERR_CONFIG, "a pin is sha256: and 64 hex digits, not \"%.80s\"",
                       plan->pin);
    }
    return trust_find(plan->ca_file, &whom, err) && trust(context->ssl, &whom, err);
}

/* One of the client's own two files. */
static bool read_own(const char *path, enum file_trust trust, struct buf *out, struct err *err)
{
    if (file_read(&disk_system, path, OWN_FILE_MAX, trust, out, err))
        return true;
    if (err && err->kind == ERR_INPUT) {
        err->kind = ERR_CONFIG;
        err->fact = trust == FILE_SECRET ? "secret:unreadable" : "config:unreadable";
    }
    return false;
}

static bool client_identity(SSL_CTX *ssl, const struct tls_client_plan *plan, struct err *err)
{
    HELD(buf) chain = BUF(OWN_FILE_MAX), key = BUF(OWN_FILE_MAX);
    OWN(cert) cert = NULL;

    if (!plan->certificate_file)
        return true;
    if (!read_own(plan->certificate_file, FILE_ANY, &chain, err) ||
        !read_own(plan->key_file, FILE_SECRET, &key, err))
        return err_in(err, "the client's certificate");
    if (cert_read(buf_span(&chain), buf_span(&key), &cert, err) &&
        (SSL_CTX_use_cert_and_key(ssl, cert_x509(cert), cert_key(cert), cert_above(cert), 1) == 1 ||
         failed(err, ERR_CONFIG, "it can't be used")))
        return true;
    if (err && err->kind != ERR_MEMORY) {
        err->kind = ERR_CONFIG;
        err->fact = "config:bad";
    }
    return err_in(err, "the client's certificate %s with its key %s", plan->certificate_file,
                  plan->key_file);
}

static int on_ticket(SSL *ssl, SSL_SESSION *ticket)
{
    struct tls *tls = OBJ(tls, TLS_MAGIC, SSL_get_app_data(ssl));

    SSL_SESSION_free(tls->ticket);
    tls->ticket = ticket;
    return 1; /* kept */
}

bool tls_client_context(const struct tls_client_plan *plan, struct tls_context **ret_context,
                        struct err *err)
{
    OWN(tls_context) context = context_new(TLS_client_method(), plan->protocol);

    if (!context)
        return err_no_memory(err);
    SSL_CTX *ssl = context->ssl;
    SSL_CTX_set_security_level(ssl, CLIENT_SECURITY_LEVEL);
    if (!SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) ||
        !SSL_CTX_set_max_proto_version(ssl, 0) || !SSL_CTX_set_cipher_list(ssl, CIPHERS) ||
        (context->protocol[0] &&
         SSL_CTX_set_alpn_protos(ssl, context->protocol, context->protocol[0] + 1u) != 0))
        return failed(err, ERR_INTERNAL, "setting up TLS");
    if (!client_trust(context, plan, err) || !client_identity(ssl, plan, err))
        return false;
    SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_cert_verify_callback(ssl, tls_verify, NULL);
    SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(ssl, on_ticket);
    *ret_context = GIVE(context);
    return true;
}

/* ---- a server's ---- */

/* A client that speaks another protocol has been led here by somebody (ALPACA): no. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *chosen_len,
                           const unsigned char *offered, unsigned offered_len, void *who)
{
    const unsigned char *ours = who;

    (void)ssl;
    for (unsigned i = 0; i < offered_len; i += offered[i] + 1u) {
        if (offered[i] != ours[0] || memcmp(offered + i + 1, ours + 1, ours[0]) != 0)
            continue;
        *chosen = offered + i + 1;
        *chosen_len = offered[i];
        return SSL_TLSEXT_ERR_OK;
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool use_cert(struct tls_context *context, struct span chain, struct span key, struct err *err)
{
    OWN(cert) cert = NULL;

    if (!cert_read(chain, key, &cert, err))
        return false;
    return SSL_CTX_use_cert_and_key(context->ssl, cert_x509(cert), cert_key(cert), cert_above(cert), 1) == 1 ||
           failed(err, ERR_CONFIG, "setting up TLS");
}

bool tls_server_context(const struct tls_server_plan *plan, struct tls_context **ret_context,
                        struct err *err)
{
    static const unsigned char session_name[] = "outpost";
    OWN(tls_context) context = context_new(TLS_server_method(), plan->protocol);

    if (!context)
        return err_no_memory(err);
    SSL_CTX *ssl = context->ssl;
    bool old = versions[plan->minimum].old;
    if (!SSL_CTX_set_min_proto_version(ssl, versions[plan->minimum].number) ||
        !SSL_CTX_set_max_proto_version(ssl, 0) ||
        !SSL_CTX_set_cipher_list(ssl, old ? CIPHERS_OLD : CIPHERS) ||
        !SSL_CTX_set_num_tickets(ssl, 1) ||
        !SSL_CTX_set_session_id_context(ssl, session_name, sizeof session_name - 1))
        return failed(err, ERR_CONFIG, "setting up TLS");
    if (!use_cert(context, plan->chain_pem, plan->key_pem, err) ||
        (plan->also_chain_pem.len && !use_cert(context, plan->also_chain_pem, plan->also_key_pem, err)))
        return false;
    SSL_CTX_set_options(ssl, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (context->protocol[0])
        SSL_CTX_set_alpn_select_cb(ssl, choose_protocol, context->protocol);
    *ret_context = GIVE(context);
    return true;
}
