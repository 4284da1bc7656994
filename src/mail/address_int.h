/* What address.c and address_list.c share: the room's own. */
#ifndef OUTPOST_MAIL_ADDRESS_INT_H
#define OUTPOST_MAIL_ADDRESS_INT_H

#include "mail/address.h"

/* Sets the error "at character N: what", N counted in characters of scan->all. Always false. */
bool address_bad(struct err *err, const struct scan *scan, const char *what);
/* The same with a reason that fits the byte which stands there instead of `wanted`. */
bool address_unexpected(struct err *err, const struct scan *scan, const char *wanted);

bool address_is_atext(char c);       /* RFC 5322 3.2.3, and what is not ASCII */
bool address_is_domain_char(char c); /* letters, digits, hyphen, dot, and what is not ASCII */

/* A quoted string, taken whole. Its bytes as they stand, with the quotes. */
bool address_quoted_scan(struct scan *scan, struct span *ret_quoted, struct err *err);

/* local@domain from its checked local part and a domain that began at `domain_at` of scan->all. */
bool address_make(const struct scan *scan, struct span local, struct span domain, size_t domain_at,
                  struct address *ret_address, struct err *err);

#endif
