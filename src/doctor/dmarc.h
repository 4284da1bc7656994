/* What a domain asks receivers to do with mail that nobody vouches for (DMARC, RFC 7489, 6.3), and whether a DKIM key is
 * published (RFC 6376, 3.6.1). Pure: the texts come in.
 */
#ifndef OUTPOST_DOCTOR_DMARC_H
#define OUTPOST_DOCTOR_DMARC_H

#include "net/resolve.h"

enum dmarc_policy { DMARC_UNKNOWN, DMARC_MISSING, DMARC_NONE, DMARC_QUARANTINE, DMARC_REJECT };
const char *dmarc_word(enum dmarc_policy policy); /* "reject" */

/* Of the texts at _dmarc.DOMAIN; `inherited`: of the organization's domain, above the sender's own. Two records are none. */
enum dmarc_policy dmarc_read(const struct resolve_texts *texts, bool inherited);

/* Of the texts at SELECTOR._domainkey.DOMAIN: is one a key that is not revoked? */
bool dkim_is_key(const struct resolve_texts *texts);

#endif
