/* Dates as mail and JSON write them, in no locale but C. The time is handed in.
 */
#ifndef OUTPOST_MAIL_DATE_H
#define OUTPOST_MAIL_DATE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/own.h"

/* "Mon, 23 Nov 2026 00:15:00 +0100" (RFC 5322, 3.3). `seconds` since 1970 in UTC; the zone in minutes
 * east of it, at most a day; both are cut to what a date can tell. */
void date_add(struct buf *out, uint64_t seconds, int zone_minutes);

/* "2026-11-22T23:15:00Z" (RFC 3339), as all our JSON has it. */
void date_add_rfc3339(struct buf *out, uint64_t seconds);

/* "Sun Nov 22 23:15:00 2026", in UTC, as mailbox files have it (RFC 4155). */
void date_add_asctime(struct buf *out, uint64_t seconds);

/* What date_add_rfc3339() wrote, back; with any offset ("+01:00") and fractions of a second, which are dropped; a leap second is the
 * second before. False: no date of 1970 to 9999. */
MUST_USE bool date_read_rfc3339(struct span text, uint64_t *ret_seconds);

/* "Sun, 22 Nov 2026 23:15:00 GMT", as HTTP has it (RFC 9110, 5.6.7: IMF-fixdate, the one form that is written today).
 * Whether that was a Sunday, nobody looks at. */
MUST_USE bool date_read_http(struct span text, uint64_t *ret_seconds);

#endif
