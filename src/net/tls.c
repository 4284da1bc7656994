#include "net/tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/host.h"
#include "net/tls_int.h"

#include "base/banned.h"

enum {
    QUEUE_MAX = 4 * 1024 * 1024, /* either way; the stream keeps it far below */
    KEEP_MAX = 4 * 1024,         /* an empty buffer larger than this is given back */
    TICKET_MAX = 16 * 1024,
    MEMORY_TYPE = BIO_TYPE_SOURCE_SINK | 127,
};

#define BINDING_LABEL "EXPORTER-Channel-Binding"

/* ---- between OpenSSL and our two buffers: a BIO of our own, so that idle buffers can be freed ---- */

static int memory_read(BIO *bio, char *into, int room)
{
    struct tls *tls = OBJ(tls, TLS_MAGIC, BIO_get_data(bio));
    size_t left = tls->in.len - tls->in_taken;
    size_t len = left < (size_t)room ? left : (size_t)room;

    BIO_clear_retry_flags(bio);
    if (!len) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(into, tls->in.at + tls->in_taken, len);
    tls->in_taken += len;
    return (int)len;
}

static int memory_write(BIO *bio, const char *from, int len)
{
    struct tls *tls = OBJ(tls, TLS_MAGIC, BIO_get_data(bio));

    BIO_clear_retry_flags(bio);
    buf_add_span(&tls->out, (struct span){ from, (size_t)len });
    return tls->out.full ? -1 : len;
}

static long memory_ctrl(BIO *bio, int command, long number, void *at)
{
    (void)bio, (void)number, (void)at;
    return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *tls_memory_new(void)
{
    BIO_METHOD *memory = BIO_meth_new(MEMORY_TYPE, "outpost");

    if (memory && BIO_meth_set_read(memory, memory_read) &&
        BIO_meth_set_write(memory, memory_write) && BIO_meth_set_ctrl(memory, memory_ctrl))
        return memory;
    BIO_meth_free(memory);
    return NULL;
}

static void calm(struct buf *buf)
{
    if (buf->room > KEEP_MAX)
        buf_done(buf);
    else
        buf_clear(buf);
}

/* ---- a life ---- */

static bool attach(struct tls *tls)
{
    BIO *bio = tls->ssl ? BIO_new(tls->context->memory) : NULL;

    if (!bio)
        return false;
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    SSL_set_bio(tls->ssl, bio, bio);
    SSL_set_app_data(tls->ssl, tls);
    return true;
}

static struct tls *tls_new(struct tls_context *context, bool server)
{
    struct tls *tls = NEW(tls);

    if (!tls)
        return NULL;
    tls->magic = TLS_MAGIC;
    tls->server = server;
    tls->in = tls->out = (struct buf)BUF(QUEUE_MAX);
    tls->context = tls_context_hold(context);
    tls->ssl = SSL_new(context->ssl);
    if (!attach(tls)) {
        tls_free(tls);
        return NULL;
    }
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    SSL_SESSION_free(tls->ticket);
    sk_X509_pop_free(tls->chain, X509_free);
    X509_free(tls->verified_root);
    tls_context_free(tls->context);
    buf_done(&tls->in);
    buf_done(&tls->out);
    mem_free(tls->name);
    OBJ_GONE(tls);
    mem_free(tls);
}

bool tls_server(struct tls_context *context, struct tls **ret_tls, struct err *err)
{
    struct tls *tls = tls_new(context, true);

    if (!tls)
        return err_no_memory(err);
    SSL_set_accept_state(tls->ssl);
    *ret_tls = tls;
    return true;
}

/* What is bound to a ticket: what was trusted, and whom it is for. */
static bool ticket_mark(const struct tls *tls, unsigned char ret_mark[TLS_HASH_LEN])
{
    HELD(buf) all = BUF(1024);
    unsigned len;

    buf_add_span(&all, (struct span){ (const char *)tls->context->trust, TLS_HASH_LEN });
    buf_add(&all, tls->name);
    return !all.full && EVP_Digest(all.at, all.len, ret_mark, &len, EVP_sha256(), NULL) == 1;
}

static void use_ticket(struct tls *tls, struct span ticket)
{
    unsigned char mark[TLS_HASH_LEN];

    if (ticket.len <= sizeof mark || ticket.len > TICKET_MAX || !ticket_mark(tls, mark) ||
        memcmp(ticket.at, mark, sizeof mark) != 0)
        return;
    const unsigned char *at = (const unsigned char *)ticket.at + sizeof mark;
    SSL_SESSION *session = d2i_SSL_SESSION(NULL, &at, (long)(ticket.len - sizeof mark));
    if (session)
        SSL_set_session(tls->ssl, session);
    SSL_SESSION_free(session);
    ERR_clear_error(); /* one that can't be read is not used, and that is all */
}

/* RFC 9525: names from the certificate's list of names only, an asterisk for a whole label only, and
 * an address is an address there, not a name. */
static bool expect_name(struct tls *tls)
{
    struct ip ip;

    if (ip_parse(span_of(tls->name), &ip))
        return X509_VERIFY_PARAM_set1_ip(SSL_get0_param(tls->ssl), ip.bytes,
                                         ip.family == 4 ? 4 : 16);
    SSL_set_hostflags(tls->ssl,
                      X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    return SSL_set1_host(tls->ssl, tls->name) && SSL_set_tlsext_host_name(tls->ssl, tls->name);
}

bool tls_client(struct tls_context *context, const char *name, struct span ticket,
                struct tls **ret_tls, struct err *err)
{
    struct span bare = span_of(name);
    OWN(tls) tls = tls_new(context, false);

    if (!tls)
        return err_no_memory(err);
    if (bare.len && bare.at[bare.len - 1] == '.')
        bare.len--; /* the root's dot is not part of a certificate's names */
    if (!bare.len)
        return err_set(err, ERR_CONFIG, "TLS needs a server's name to verify");
    tls->name = str_copy_span(bare);
    if (!tls->name)
        return err_no_memory(err);
    if (!expect_name(tls)) {
        ERR_clear_error();
        return err_found(err, ERR_CONFIG, "name:malformed", "no certificate can be for \"%.200s\"",
                         tls->name);
    }
    use_ticket(tls, ticket);
    SSL_set_connect_state(tls->ssl);
    *ret_tls = GIVE(tls);
    return true;
}

/* ---- the handshake ---- */

static void fail(struct tls *tls)
{
    tls_why(tls);
    tls->state = TLS_FAILED;
}

static bool protocol_agreed(const struct tls *tls)
{
    const unsigned char *chosen, *ours = tls->context->protocol;
    unsigned len;

    SSL_get0_alpn_selected(tls->ssl, &chosen, &len);
    return len && len == ours[0] && memcmp(chosen, ours + 1, len) == 0;
}

static bool name_fits(const struct tls *tls, X509 *x509)
{
    struct ip ip;

    if (ip_parse(span_of(tls->name), &ip))
        return X509_check_ip(x509, ip.bytes, ip.family == 4 ? 4 : 16, 0) == 1;
    return X509_check_host(x509, tls->name, 0,
                           X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT,
                           NULL) == 1;
}

/* Once more, by ourselves, and for resumed conversations too, where OpenSSL asks nobody. */
static int peer_verified(struct tls *tls)
{
    X509 *x509 = SSL_get0_peer_certificate(tls->ssl);

    if (!x509)
        return X509_V_ERR_UNSPECIFIED;
    if (tls->context->pinned)
        return tls_pin_fits(tls->context, x509) ? X509_V_OK : X509_V_ERR_APPLICATION_VERIFICATION;
    long verified = SSL_get_verify_result(tls->ssl);
    if (verified != X509_V_OK)
        return (int)verified;
    if (!name_fits(tls, x509))
        return X509_V_ERR_HOSTNAME_MISMATCH;
    return X509_cmp_current_time(X509_get0_notAfter(x509)) > 0 ? X509_V_OK
                                                               : X509_V_ERR_CERT_HAS_EXPIRED;
}

static void opened(struct tls *tls)
{
    const unsigned char *chosen;
    unsigned chosen_len;

    tls->state = TLS_OPEN;
    if (tls->server)
        return;
    int verified = peer_verified(tls);
    if (verified != X509_V_OK) {
        tls_why_certificate(tls, verified, 0);
        tls->state = TLS_FAILED;
        return;
    }
    SSL_get0_alpn_selected(tls->ssl, &chosen, &chosen_len);
    if (chosen_len && !protocol_agreed(tls)) {
        err_found(&tls->err, ERR_TLS, "tls:handshake", "%s speaks another protocol on this port",
                  tls->name);
        tls->state = TLS_FAILED;
    }
}

static void shake(struct tls *tls)
{
    ERR_clear_error();
    int result = SSL_do_handshake(tls->ssl);
    if (result == 1)
        opened(tls);
    else if (SSL_get_error(tls->ssl, result) != SSL_ERROR_WANT_READ)
        fail(tls);
}

static void remember_first(struct tls *tls, struct span bytes)
{
    size_t room = sizeof tls->first - tls->first_len;
    size_t len = bytes.len < room ? bytes.len : room;

    if (len)
        memcpy(tls->first + tls->first_len, bytes.at, len);
    tls->first_len += len;
}

enum tls_state tls_feed(struct tls *tls, struct span from_line)
{
    if (tls->state == TLS_FAILED)
        return tls->state;
    if (tls->in_taken == tls->in.len) {
        calm(&tls->in);
        tls->in_taken = 0;
    }
    buf_add_span(&tls->in, from_line);
    if (tls->in.full) {
        err_no_memory(&tls->err);
        return tls->state = TLS_FAILED;
    }
    if (tls->state == TLS_SHAKING) {
        remember_first(tls, from_line);
        shake(tls);
    }
    return tls->state;
}

enum tls_state tls_state(const struct tls *tls)
{
    return tls->state;
}

const struct err *tls_error(const struct tls *tls)
{
    return &tls->err;
}

/* ---- plain text ---- */

size_t tls_read(struct tls *tls, char *into, size_t room)
{
    size_t len = 0;

    if (tls->state != TLS_OPEN)
        return 0;
    ERR_clear_error();
    int result = SSL_read_ex(tls->ssl, into, room, &len);
    if (result == 1)
        return len;
    if (tls->in_taken == tls->in.len) {
        calm(&tls->in);
        tls->in_taken = 0;
    }
    int why = SSL_get_error(tls->ssl, result);
    if (why == SSL_ERROR_ZERO_RETURN)
        tls->state = TLS_ENDED;
    else if (why != SSL_ERROR_WANT_READ)
        fail(tls);
    return 0;
}

size_t tls_write(struct tls *tls, struct span plain)
{
    size_t len = 0;

    if (!plain.len || (tls->state != TLS_OPEN && tls->state != TLS_ENDED) ||
        SSL_get_shutdown(tls->ssl) & SSL_SENT_SHUTDOWN)
        return 0;
    ERR_clear_error();
    if (SSL_write_ex(tls->ssl, plain.at, plain.len, &len) != 1)
        fail(tls);
    return len;
}

void tls_goodbye(struct tls *tls)
{
    if (tls->state != TLS_OPEN && tls->state != TLS_ENDED)
        return;
    ERR_clear_error();
    SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

struct span tls_output(const struct tls *tls)
{
    return buf_span(&tls->out);
}

void tls_sent(struct tls *tls, size_t len)
{
    if (len >= tls->out.len)
        calm(&tls->out);
    else
        buf_drop_front(&tls->out, len);
}

/* ---- about it ---- */

void tls_describe(const struct tls *tls, struct tls_description *ret_description)
{
    struct tls_description about = {
        .version = SSL_get_version(tls->ssl),
        .cipher = SSL_get_cipher_name(tls->ssl),
        .resumed = SSL_session_reused(tls->ssl),
        .protocol = protocol_agreed(tls),
    };
    X509 *leaf = SSL_get0_peer_certificate(tls->ssl);

    for (int i = 0; i < sk_X509_num(tls->chain) && about.chain_len < COUNT(about.chain); i++)
        cert_describe_x509(sk_X509_value(tls->chain, i), &about.chain[about.chain_len++]);
    if (!about.chain_len && leaf) /* resumed: no more than this one is remembered */
        cert_describe_x509(leaf, &about.chain[about.chain_len++]);
    tls_describe_end(tls, &about);
    *ret_description = about;
}

bool tls_resumed(const struct tls *tls)
{
    return SSL_session_reused(tls->ssl) == 1;
}

bool tls_channel_binding(const struct tls *tls, unsigned char into[TLS_BINDING_LEN])
{
    static const unsigned char none[1];

    if (tls->state != TLS_OPEN || SSL_version(tls->ssl) < TLS1_3_VERSION)
        return false;
    bool ok = SSL_export_keying_material(tls->ssl, into, TLS_BINDING_LEN, BINDING_LABEL,
                                         sizeof BINDING_LABEL - 1, none, 0, 1) == 1;
    ERR_clear_error();
    return ok;
}

/* The server's newest. With TLS 1.2 one that was used is good again, and often no other is given. */
static SSL_SESSION *ticket_of(const struct tls *tls)
{
    bool again = !tls->ticket && tls_resumed(tls) && SSL_version(tls->ssl) < TLS1_3_VERSION;

    return again ? SSL_get_session(tls->ssl) : tls->ticket;
}

bool tls_ticket(const struct tls *tls, struct buf *out)
{
    unsigned char mark[TLS_HASH_LEN], *at;
    SSL_SESSION *ticket = ticket_of(tls);

    int len = ticket ? i2d_SSL_SESSION(ticket, NULL) : 0;
    if (len <= 0 || len > TICKET_MAX || !ticket_mark(tls, mark))
        return false;
    buf_add_span(out, (struct span){ (const char *)mark, sizeof mark });
    at = (unsigned char *)buf_room(out, (size_t)len);
    if (!at)
        return false;
    i2d_SSL_SESSION(ticket, &at);
    buf_wrote(out, (size_t)len);
    return true;
}
