/* A message as its bytes arrive, at any cut: the header is kept whole, the body passes through, and
 * every line comes out ended by CRLF.
 *
 *     struct filter *filter = filter_new();
 *     ... filter_feed(filter, bytes, &body, err)    as often as bytes come; write `body`, clear it
 *     ... filter_end(filter, &body, err)            once
 *     filter_header(filter)                         the block, as soon as filter_in_body()
 *
 * Line ends. In the body CRLF, a bare LF and a bare CR each end a line (RFC 5321, 2.3.8: none of the bare
 * ones may go out). In the header CRLF and a bare LF end a line; a bare CR does not, for it would begin a
 * field that whoever wrote the value never saw: it becomes a blank. Whoever must refuse (a gateway that
 * is strict) asks the facts; where the message ends is not for this to say.
 *
 * Where the header ends. At the first empty line; or before the first line that is neither a field nor
 * a continuation: then the body begins with it. A message that begins so has no header at all. A first line
 * "From someone Mon ..." (mbox) is dropped. Blanks before a field's colon are taken out.
 *
 * Memory: the header, at most HEADER_BLOCK_MAX. `body` gets at most 2 × what was fed, and one header line.
 */
#ifndef OUTPOST_MAIL_FILTER_H
#define OUTPOST_MAIL_FILTER_H

#include "base/buf.h"
#include "base/err.h"

struct filter;

struct filter_facts {
    bool header_8bit, body_8bit; /* a byte above 127 */
    bool bare_cr, bare_lf;       /* of what came in; a file of bare LFs is an ordinary file */
    bool crlf;
    bool mbox_line; /* there was one, and it was dropped */
    uint64_t nul_at; /* where the first NUL came in, counted from 1; 0: none */
    uint64_t in;     /* bytes that came in */
    uint64_t body;   /* bytes of body that went out */
    uint64_t longest; /* of the body's lines, without its CRLF */
    uint64_t lines;   /* of the body */
    size_t fields;    /* of the header */
};

MUST_USE struct filter *filter_new(void); /* NULL: no memory */
void filter_free(struct filter *filter);
OWNED(filter);

/* False: the header is larger than HEADER_BLOCK_MAX or has more than HEADER_FIELDS_MAX fields (ERR_LIMIT,
 * fact "message:header"), or no memory; the filter is then of no more use. */
MUST_USE bool filter_feed(struct filter *filter, struct span bytes, struct buf *body, struct err *err);
/* No more bytes will come: the last line gets its CRLF where it lacks one. */
MUST_USE bool filter_end(struct filter *filter, struct buf *body, struct err *err);

bool filter_in_body(const struct filter *filter); /* is the header complete? */
struct span filter_header(const struct filter *filter);
const struct filter_facts *filter_facts(const struct filter *filter);

#endif
