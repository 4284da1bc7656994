/* What a server says it can do, in the reply to EHLO (RFC 5321, 4.1.1.1). One table of keywords
 * serves both ends: the client reads with it, the server writes with it.
 *
 * Reading forgives what real servers do: any case, "8 BITMIME", "AUTH=PLAIN", keywords said twice,
 * words nobody knows, a SIZE that is no number (then there is no limit known). It reads 200
 * keywords and passes over the rest.
 */
#ifndef OUTPOST_SMTP_EXTENSION_H
#define OUTPOST_SMTP_EXTENSION_H

#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum smtp_extension {
    SMTP_PIPELINING = 1 << 0,          /* RFC 2920 */
    SMTP_SIZE = 1 << 1,                /* RFC 1870 */
    SMTP_8BITMIME = 1 << 2,            /* RFC 6152 */
    SMTP_SMTPUTF8 = 1 << 3,            /* RFC 6531 */
    SMTP_BINARYMIME = 1 << 4,          /* RFC 3030 */
    SMTP_CHUNKING = 1 << 5,            /* RFC 3030 */
    SMTP_DSN = 1 << 6,                 /* RFC 3461 */
    SMTP_ENHANCEDSTATUSCODES = 1 << 7, /* RFC 2034 */
    SMTP_STARTTLS = 1 << 8,            /* RFC 3207 */
    SMTP_AUTH = 1 << 9,                /* RFC 4954 */
    SMTP_LIMITS = 1 << 10,             /* RFC 9422 */
    SMTP_FUTURERELEASE = 1 << 11,      /* RFC 4865 */
    SMTP_DELIVERBY = 1 << 12,          /* RFC 2852 */
    SMTP_MT_PRIORITY = 1 << 13,        /* RFC 6710 */
    SMTP_XCLIENT = 1 << 14,            /* Postfix's: a mail proxy says for whom it speaks */
};

enum {
    SMTP_KEYWORDS_MAX = 200,
    SMTP_MECHANISMS_MAX = 24,
    SMTP_MECHANISM_MAX = 20, /* letters in a name: RFC 4422, 3.1 */
};

/* A plain value: nothing to free, copied by assignment, and `{ 0 }` knows nothing. */
struct smtp_extensions {
    unsigned offered;         /* bits of enum smtp_extension */
    uint64_t size;            /* the largest message in octets; 0: no limit known */
    uint32_t rcpt_max;        /* LIMITS: recipients a transaction; 0: none told */
    uint32_t mail_max;        /* LIMITS: transactions a connection; 0: none told */
    uint32_t rcpt_domain_max; /* LIMITS: domains among a transaction's recipients; 0: none told */
    uint32_t hold_max;        /* FUTURERELEASE: seconds a message may wait; 0: none told */
    uint64_t hold_until_max;  /* the same as a date, in seconds since 1970; 0: none told */
    uint32_t deliver_by_min;  /* DELIVERBY: the least time asked for, in seconds; 0: any */
    unsigned mechanism_count;
    char mechanisms[SMTP_MECHANISMS_MAX][SMTP_MECHANISM_MAX + 1]; /* AUTH: upper case, as offered */
};

static inline bool smtp_offers(const struct smtp_extensions *extensions, enum smtp_extension which)
{
    return (extensions->offered & (unsigned)which) != 0;
}

bool smtp_offers_mechanism(const struct smtp_extensions *extensions, const char *name);

/* Reads the text of a 250 to EHLO, lines parted by '\n'; the first is the server's name and no
 * keyword. Forgets whatever *ret held before. */
void smtp_extensions_read(struct span text, struct smtp_extensions *ret);

/* Adds the same as the lines of a reply's text, each after a '\n', in the order of the table. */
void smtp_extensions_write(const struct smtp_extensions *extensions, struct buf *out);

/* The keyword as it stands in the table ("8BITMIME"), for showing a list. NULL: no such bit. */
const char *smtp_extension_word(enum smtp_extension which);

#endif
