/* Dates as mail writes them (RFC 5322, 3.3), in no locale but C. The time is handed in.
 */
#ifndef OUTPOST_MAIL_DATE_H
#define OUTPOST_MAIL_DATE_H

#include <stdint.h>

#include "base/buf.h"


/* "Mon, 23 Nov 2026 00:15:00 +0100". `seconds` since 1970 in UTC; the zone in minutes east of it, at
 * most a day; both are cut to what a date can tell. */
void date_add(struct buf *out, uint64_t seconds, int zone_minutes);

#endif
