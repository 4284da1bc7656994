/* The parameters of MAIL and RCPT (RFC 1870, 3030, 3461, 4954, 6152, 6531): written by the client
 * from an envelope, read strictly by the server into one. In the envelope texts are plain; on the
 * wire they are xtext (RFC 3461, 4).
 */
#ifndef OUTPOST_SMTP_PARAMS_H
#define OUTPOST_SMTP_PARAMS_H

#include "base/buf.h"
#include "base/err.h"
#include "smtp/extension.h"

struct envelope;  /* mail/envelope.h */
struct recipient;

/* Adds " SIZE=..." and the rest, each with a space before it: what the envelope says and the server
 * offers. What it does not offer is left out (SIZE, DSN), or was refused before this (SMTPUTF8, BODY).
 * False where a value breaks its grammar: then nothing may be sent of the line. */
MUST_USE bool smtp_mail_params_write(const struct envelope *envelope,
                                     const struct smtp_extensions *extensions, struct buf *out,
                                     struct err *err);
MUST_USE bool smtp_rcpt_params_write(const struct recipient *recipient,
                                     const struct smtp_extensions *extensions, struct buf *out,
                                     struct err *err);

/* What a client wishes for the time of delivery (RFC 4865, 2852, 6710); { 0 } is nothing. */
struct smtp_wishes {
    uint32_t hold_for;   /* seconds to wait; 0: none */
    uint64_t hold_until; /* seconds since 1970 at which to let it go; 0: none */
    bool has_by;         /* by when it is to be delivered... */
    int32_t by_time;     /* ...in seconds from now; may be past */
    bool by_returns;     /* what is late comes back; else a late message is told of, and goes on */
    bool by_trace;       /* each relay is to be told of */
    int priority;        /* -9 to 9, 9 first; 0: as usual */
};

/* Reads what stands behind the address: parameters parted by single spaces, with or without one in
 * front; only those of the extensions that the server offers. err.reply and err.enhanced are the
 * reply to give: 555 5.5.4 for a parameter nobody knows, 501 5.5.4 for one said twice or with a bad
 * value, 552 5.3.4 for a SIZE above extensions->size. AUTH= is checked and not kept: it isn't
 * trusted. On false the envelope may hold some of them: the command is refused, and it with it. */
MUST_USE bool smtp_mail_params_read(struct span text, const struct smtp_extensions *extensions,
                                    struct envelope *envelope, struct smtp_wishes *wishes,
                                    struct err *err);
/* NOTIFY and ORCPT, for envelope_add_dsn(): *orcpt gets "rfc822;me@example.com", plain. */
MUST_USE bool smtp_rcpt_params_read(struct span text, const struct smtp_extensions *extensions,
                                    unsigned *ret_notify, struct buf *orcpt, struct err *err);

void smtp_xtext_write(struct buf *out, struct span plain);
/* False: no xtext, or it hides a control character; then nothing was added. */
MUST_USE bool smtp_xtext_read(struct buf *out, struct span xtext);

#endif
