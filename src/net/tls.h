/* One end of a TLS conversation, over memory: bytes of the line in and out, plain text out and in. No
 * socket, so the whole handshake can be played, cut anywhere, in a test. Streams drive it.
 *
 * A client always verifies: chain and name, by the library and once more by us, in resumed
 * conversations too. There is no switch to leave that out; there are other roots (`ca_file`) and the
 * pin, which stands in their place. TLS 1.2 at least, no renegotiation, no compression (RFC 9325).
 */
#ifndef OUTPOST_NET_TLS_H
#define OUTPOST_NET_TLS_H

#include "base/buf.h"
#include "base/err.h"
#include "net/cert.h"

struct tls;
struct tls_context;

/* ---- contexts: made once, good for many conversations; each tls keeps its context alive ---- */

struct tls_client_plan {
    const char *ca_file; /* as net/trust.h has it */
    /* "sha256:" and 64 hex digits of a certificate, or of its public key (SPKI): the peer's must be it,
     * and then neither issuer, name nor dates matter. NULL: none. */
    const char *pin;
    const char *certificate_file, *key_file; /* PEM, for AUTH EXTERNAL; both or none */
    const char *protocol;                    /* ALPN, "smtp": another answer is fatal; NULL: none */
};

MUST_USE bool tls_client_context(const struct tls_client_plan *plan,
                                 struct tls_context **ret_context, struct err *err);

enum tls_version {
    TLS_VERSION_DEFAULT,
    TLS_VERSION_1_0,
    TLS_VERSION_1_1,
    TLS_VERSION_1_2,
    TLS_VERSION_1_3,
};

struct tls_server_plan {
    struct span chain_pem, key_pem; /* leaf first; good until the call returns */
    struct span also_chain_pem, also_key_pem; /* of another kind (RSA beside EC), for who can't do with the first */
    enum tls_version minimum;       /* default 1.2 */
    const char *protocol;           /* ALPN: who offers only others is refused; NULL: any */
};

MUST_USE bool tls_server_context(const struct tls_server_plan *plan,
                                 struct tls_context **ret_context, struct err *err);

void tls_context_free(struct tls_context *context);
OWNED(tls_context);

/* ---- a conversation ---- */

/* `name` is what the user configured, a host name or an IP address (RFC 9525 6.1: never a name learnt
 * from DNS); it is sent as SNI where it is a name. `ticket`, or none, is what tls_ticket() gave after
 * an earlier conversation; one of another name, pin or CA file is not used. */
MUST_USE bool tls_client(struct tls_context *context, const char *name, struct span ticket,
                         struct tls **ret_tls, struct err *err);
MUST_USE bool tls_server(struct tls_context *context, struct tls **ret_tls, struct err *err);

enum tls_state {
    TLS_SHAKING, /* hands */
    TLS_OPEN,
    TLS_ENDED,  /* the peer said goodbye: what it sent before is still to be read */
    TLS_FAILED, /* see tls_error(); an alert may be waiting in tls_output() */
};

/* Takes bytes from the line, all of them or, out of memory, none: TLS_FAILED then. A client's first
 * call is tls_feed(tls, SPAN_NONE): it has the first word. */
enum tls_state tls_feed(struct tls *tls, struct span from_line);
enum tls_state tls_state(const struct tls *tls);
/* Why TLS_FAILED, with one of the facts tls:... or cert:...; else kind ERR_NONE. */
const struct err *tls_error(const struct tls *tls);

/* The next plain text, 0 when there is none for now. */
size_t tls_read(struct tls *tls, char *into, size_t room);
/* Takes plain text; its records appear in tls_output(). How much was taken: all, or 0 where it is not
 * open. */
size_t tls_write(struct tls *tls, struct span plain);
/* Says goodbye (close_notify): nothing can be written after it. */
void tls_goodbye(struct tls *tls);

/* Bytes for the line, good until the next call; tls_sent() says how many went. */
struct span tls_output(const struct tls *tls);
void tls_sent(struct tls *tls, size_t len);

enum { TLS_CERTIFICATE_MAX = 4096, TLS_URL_MAX = 256 };

struct tls_description {
    const char *version, *cipher; /* "TLSv1.3", "TLS_AES_256_GCM_SHA384"; static */
    bool resumed, protocol;       /* protocol: both ends named it (ALPN) */
    size_t chain_len;
    struct cert_description chain[4]; /* the peer's, leaf first; none for a server */
    /* Where what was shown ends below a root: the certificate whose issuer was not among it (DER; 0 long: there is
     * none), and where that one says its issuer can be had (RFC 5280, 4.2.2.1; ""). Foreign. */
    size_t end_len;
    unsigned char end[TLS_CERTIFICATE_MAX];
    char issuer_url[TLS_URL_MAX];
};

/* After the handshake, and also after one that failed over a certificate. */
void tls_describe(const struct tls *tls, struct tls_description *ret_description);

/* Of a certificate that was shown, and one that was found elsewhere (DER or PEM; anybody's bytes): did the second sign
 * the first, and is it trusted in turn? Where it is not, *ret_url says where its own issuer can be had, or "". */
enum tls_issuer { TLS_ISSUER_OTHER, TLS_ISSUER_STRANGE, TLS_ISSUER_TRUSTED };
enum tls_issuer tls_issuer_of(const struct tls_context *context, struct span shown, struct span found,
                              char ret_url[TLS_URL_MAX]);

/* After the handshake: by a ticket, so that no certificate was shown or checked anew? What was found
 * when it was, still holds: name and dates are looked at each time. */
bool tls_resumed(const struct tls *tls);

/* For SCRAM-...-PLUS: 32 bytes of tls-exporter (RFC 9266), the same at both ends; false before the handshake is done, and
 * before TLS 1.3, where those who bind at all bind by tls-unique (RFC 5802 6.1) and would not understand it. */
enum { TLS_BINDING_LEN = 32 };
MUST_USE bool tls_channel_binding(const struct tls *tls, unsigned char into[TLS_BINDING_LEN]);

/* Adds what makes the next conversation with this server shorter, when the server gave anything.
 * Key material: to be kept like a secret. */
bool tls_ticket(const struct tls *tls, struct buf *out);

void tls_free(struct tls *tls);
OWNED(tls);

#endif
