/* Enhanced status codes (RFC 3463): "5.7.139" is class 5, subject 7, detail 139. Kept as three
 * numbers, as in struct err; 0 0 0 means that there was none.
 */
#ifndef OUTPOST_MAIL_STATUS_H
#define OUTPOST_MAIL_STATUS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/scan.h"

/* A code at the front (class 2, 4 or 5; subject and detail 0..999), which ends at a blank or the
 * end of the text; the blank is not taken. False, and nothing taken, where there is none. */
MUST_USE bool status_scan(struct scan *scan, uint16_t ret_status[3]);
/* The text is a code and nothing else. */
MUST_USE bool status_parse(struct span text, uint16_t ret_status[3]);
void status_add(struct buf *out, const uint16_t status[3]); /* "5.7.139" */

/* What the class means ("permanent failure") and what the subject is about ("security or policy");
 * static text, never NULL. */
const char *status_class_words(uint16_t class);
const char *status_subject_words(uint16_t subject);

#endif
