/* How a program of this machine hands a message to the owner, over a Unix socket. Pure; bytes cut anywhere.
 *
 *     outpost-submit 1\n
 *     sender me@example.org\n             0 or 1; nothing behind the blank is <>
 *     recipient you@example.net, ...\n    a list as a header has it; any number
 *     header-recipients yes\n             those of the header, too
 *     account live\n   name My Name\n   notify failure,delay\n   ret headers\n   envid X\n   key K\n
 *     \n
 *     5\nhello                            pieces, each with its length before it
 *     0\n                                 the end: without it the message is not whole, and none
 *
 * The answer is a line of an exit status (sysexits.h) and words, "0 queued as 17", then a line of JSON.
 */
#ifndef OUTPOST_GATEWAY_SUBMISSION_H
#define OUTPOST_GATEWAY_SUBMISSION_H

#include "base/buf.h"
#include "base/err.h"
#include "mail/envelope.h"

enum {
    SUBMISSION_HEAD_MAX = 1024 * 1024, /* the lines before the pieces */
    SUBMISSION_PIECE_MAX = 64 * 1024,
    SUBMISSION_LISTS_MAX = 10000,
};

#define SUBMISSION_FIRST "outpost-submit 1"

struct submission { /* what the lines say; texts live as long as the reader */
    const char *sender;  /* NULL: not said */
    const char *account, *name, *envid, *key; /* NULL: not said */
    const char *recipients[SUBMISSION_LISTS_MAX];
    size_t recipient_count;
    bool header_recipients;
    unsigned notify;
    enum envelope_ret ret;
};

struct submission_reader;

enum submission_step {
    SUBMISSION_MORE,  /* all was taken */
    SUBMISSION_BEGUN, /* the lines are read: submission_reader_lines() */
    SUBMISSION_PIECE, /* a piece of the message */
    SUBMISSION_WHOLE, /* it came to its end */
    SUBMISSION_WRONG, /* it breaks the rules */
};

MUST_USE struct submission_reader *submission_reader_new(void); /* NULL: no memory */
void submission_reader_free(struct submission_reader *reader);
OWNED(submission_reader);

/* Takes from the front of *bytes what makes the next step; call until SUBMISSION_MORE. A piece points into *bytes. */
enum submission_step submission_read(struct submission_reader *reader, struct span *bytes, struct span *ret_piece,
                                     struct err *err);
const struct submission *submission_lines(const struct submission_reader *reader);

/* The other side. Values must not hold line ends: ERR_DATA. */
MUST_USE bool submission_write(const struct submission *submission, struct buf *out, struct err *err);
void submission_write_piece(struct span piece, struct buf *out); /* an empty one is the end */

#endif
