/* What goes with a message outside of it: from whom, to whom, and how (RFC 5321; DSN: RFC 3461).
 * Addresses come in through the grammar of mail/address.h and are kept as they go on the wire.
 */
#ifndef OUTPOST_MAIL_ENVELOPE_H
#define OUTPOST_MAIL_ENVELOPE_H

#include "base/err.h"
#include "base/span.h"

enum { ENVELOPE_ENVID_MAX = 100, ENVELOPE_ORCPT_MAX = 500, ENVELOPE_KEY_MAX = 255 };

/* RFC 3461, 4.1: when a report is wished. 0: nothing was said. NEVER stands alone. */
enum envelope_notify {
    NOTIFY_NEVER = 1,
    NOTIFY_SUCCESS = 2,
    NOTIFY_FAILURE = 4,
    NOTIFY_DELAY = 8,
};

/* RFC 3461, 4.3: how much of the message a report brings back. */
enum envelope_ret { RET_UNSAID, RET_FULL, RET_HEADERS };

enum envelope_body { BODY_7BIT, BODY_8BIT, BODY_BINARY };

struct recipient {
    char *address;   /* as on the wire, without brackets */
    char *orcpt;     /* "rfc822;me@example.com", not yet xtext; NULL: not said */
    unsigned notify; /* of enum envelope_notify */
    bool smtputf8;   /* its local part is not ASCII */
};

struct envelope {
    char *sender; /* as on the wire; "" is <> */
    struct recipient *recipients;
    size_t count;
    char *envid; /* not yet xtext; NULL: not said */
    enum envelope_ret ret;
    enum envelope_body body;
    bool smtputf8; /* an address, or the header, needs SMTPUTF8 */
    uint64_t size; /* octets of the message with its CRLFs; 0: not known */
    char *key;     /* idempotency: the same key and content is accepted once; NULL: none */

    /* The envelope's own: */
    size_t room;
    uint32_t *index; /* recipients by hash, so that none is added twice */
    size_t slots;
};

MUST_USE struct envelope *envelope_new(void); /* sender <>, no recipients; NULL: no memory */
void envelope_free(struct envelope *envelope);
OWNED(envelope);

/* The sender; "" is <>. A bad one is ERR_DATA "address:malformed" with the place. */
MUST_USE bool envelope_set_sender(struct envelope *envelope, struct span address, struct err *err);
/* A recipient. One that is there already is not added again. Above ADDRESS_LIST_MAX: ERR_LIMIT,
 * "recipients:too-many". */
MUST_USE bool envelope_add(struct envelope *envelope, struct span address, struct err *err);
/* The same with its DSN wishes; `orcpt` may be empty. NEVER with another word is refused. */
MUST_USE bool envelope_add_dsn(struct envelope *envelope, struct span address, unsigned notify,
                               struct span orcpt, struct err *err);

/* The places of the recipients from `first` on, `count` of them, in an order that brings those of one domain
 * together; domains and recipients otherwise in the order they have. For a server that takes few domains at
 * a time. False: no memory. */
MUST_USE bool envelope_by_domain(const struct envelope *envelope, size_t first, size_t count,
                                 size_t *ret_order, struct err *err);

/* Each gets the other's recipients; all else stays where it is. */
void envelope_swap_recipients(struct envelope *envelope, struct envelope *other);

/* Both refuse what is too long or not printable ASCII. */
MUST_USE bool envelope_set_envid(struct envelope *envelope, struct span envid, struct err *err);
MUST_USE bool envelope_set_key(struct envelope *envelope, struct span key, struct err *err);

#endif
