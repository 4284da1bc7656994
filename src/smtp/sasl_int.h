/* What sasl_client.c and sasl_server.c share: the exchanges that GNU SASL computes, and the readers
 * of messages. The room's own.
 */
#ifndef OUTPOST_SMTP_SASL_INT_H
#define OUTPOST_SMTP_SASL_INT_H

#include "smtp/sasl.h"

/* One side of SCRAM or CRAM-MD5 (sasl.c, which has it of an engine: sasl_engine.h). */
struct sasl_exchange;

MUST_USE bool sasl_exchange_new(enum sasl_mechanism mechanism, bool is_server,
                                struct sasl_exchange **ret_exchange, struct err *err);
void sasl_exchange_free(struct sasl_exchange *exchange);
OWNED(sasl_exchange);

enum sasl_property {
    SASL_PROPERTY_USER,
    SASL_PROPERTY_PASSWORD,
    SASL_PROPERTY_SALTED,     /* these are raw bytes: written as GNU SASL wants them there */
    SASL_PROPERTY_SALT,
    SASL_PROPERTY_STORED_KEY,
    SASL_PROPERTY_SERVER_KEY,
    SASL_PROPERTY_BINDING,
    SASL_PROPERTY_ITERATIONS, /* decimal digits */
};
MUST_USE bool sasl_exchange_set(struct sasl_exchange *exchange, enum sasl_property property,
                                struct span value, struct err *err);

enum sasl_step { SASL_STEP_MORE, SASL_STEP_DONE, SASL_STEP_WRONG, SASL_STEP_BROKEN };
/* One message in, the next one added to *out. WRONG: proof or signature does not fit; BROKEN:
 * anything else. Both are told in err. */
enum sasl_step sasl_exchange_step(struct sasl_exchange *exchange, struct span in, struct buf *out,
                                  struct err *err);

enum sasl_hash sasl_hash_of(enum sasl_mechanism mechanism);
bool sasl_is_scram(enum sasl_mechanism mechanism);
bool sasl_is_plus(enum sasl_mechanism mechanism);

/* May this stand in a user name, password or token? No control characters, and UTF-8. */
bool sasl_is_text(struct span text);

/* -- messages (sasl_messages.c) -- */

/* RFC 5802's server-first-message: what we check before anything is computed. */
struct scram_challenge {
    struct span salt; /* still base64 */
    uint32_t iterations;
};
MUST_USE bool scram_read_challenge(struct span text, struct span our_nonce,
                                   struct scram_challenge *ret_challenge, struct err *err);
/* The nonce (r=) of a client-first-message; empty where there is none. */
struct span scram_nonce(struct span client_first);
/* The user of a client-first-message, with =2C and =3D undone. */
MUST_USE bool scram_read_user(struct span client_first, struct buf *user, struct err *err);

/* RFC 4616: two NULs, neither more nor fewer; a user to act for must be the user. */
MUST_USE bool plain_read(struct span text, struct span *ret_user, struct span *ret_password,
                         struct err *err);

struct bearer {
    struct span user, token;
};
void xoauth2_write(struct buf *out, const struct bearer *bearer);
MUST_USE bool xoauth2_read(struct span text, struct bearer *ret_bearer, struct err *err);
/* RFC 7628, 3.1. The user's name is written and read with =2C and =3D; reading needs a place for
 * it, and takes a missing one as empty. */
void oauthbearer_write(struct buf *out, const struct bearer *bearer, struct span host,
                       uint16_t port);
MUST_USE bool oauthbearer_read(struct span text, struct buf *user, struct bearer *ret_bearer,
                               struct err *err);

/* Reads "status", "scope", "schemes" from a flat JSON object, as far as it is one; the values are
 * kept in *text, each at most 256 bytes. What is not understood is left empty. */
void bearer_error_read(struct span json, struct buf *text, struct sasl_bearer_error *ret_error);

#endif
