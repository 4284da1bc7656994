/* A message on its way in, pushed piece by piece, whole nowhere in memory: what intake_prepare() does for whoever
 * has a file, for whoever has a line.
 *
 *     passage_new(&order, &passage, err)
 *     passage_feed(passage, piece, &out, err)      as often as pieces come; keep `out`, clear it
 *     passage_end(passage, &out, err)              once: the last of it
 *     passage_facts(passage), passage_take_envelope(passage)
 *
 * `out` gets the message as it will stand on the wire: first the header, once it has come whole and was decided
 * upon - so an error about the sender or the recipients comes from the call that brings the header's end, or from
 * passage_end() - then the body as it passes. The order's fd, bytes, disk and directory are not looked at. Lines
 * over 998 octets of a body stay as they are, and show in the facts: whoever holds all of it may still have it
 * encoded (mail/convert.h).
 *
 * Pure but for memory: one header, and what `out` gets: at most 2 × what was fed, and one header.
 */
#ifndef OUTPOST_INTAKE_PASSAGE_H
#define OUTPOST_INTAKE_PASSAGE_H

#include "intake/intake.h"

enum { PASSAGE_OUT_MAX = 4 * 1024 * 1024 }; /* that `out` must have room for, beside twice the piece */

struct passage;

/* The order is borrowed until passage_free(). */
MUST_USE bool passage_new(const struct intake_order *order, struct passage **ret_passage, struct err *err);
void passage_free(struct passage *passage);
OWNED(passage);

/* False: it is of no more use; `err` as intake_prepare() has it. */
MUST_USE bool passage_feed(struct passage *passage, struct span piece, struct buf *out, struct err *err);
MUST_USE bool passage_end(struct passage *passage, struct buf *out, struct err *err);

struct passage_facts {
    const struct envelope *envelope; /* size and body are set at the end */
    const char *message_id, *from;   /* NULL until the header was decided upon; good as long as the passage */
    uint64_t size;                   /* octets that went out */
    uint64_t longest_line;           /* without its CRLF */
    bool eightbit;
    struct span digest; /* with envelope->key: of the message as it came in, at the end; good as long as the passage */
    bool silent; /* it answers a message by itself (RFC 3834): no report is ever made of it */
};
struct passage_facts passage_facts(const struct passage *passage);
/* The caller's from then on. */
struct envelope *passage_take_envelope(struct passage *passage);
char *passage_take_message_id(struct passage *passage);
char *passage_take_from(struct passage *passage);

#endif
