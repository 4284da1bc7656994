/* Replies of SMTP (RFC 5321, 4.2): read at any cut, and written.
 *
 * A reader is fed what arrived and gives one reply after another. It is strict where leniency has
 * let replies be forged or miscounted - three digits, 2xx to 5xx, one code for all lines of a
 * reply - and mild where servers differ without harm: a bare LF ends a line, the text may be empty
 * or lack its space. What it keeps is bounded: 2 KB of a line (the rest is dropped), and 100 lines
 * or 64 KB of a reply; more than those is an error. After an error the stream has lost its place:
 * the connection must be given up, and the reader stays bad.
 */
#ifndef OUTPOST_SMTP_REPLY_H
#define OUTPOST_SMTP_REPLY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum {
    SMTP_REPLY_LINE_KEPT = 2048,       /* octets of a line's text */
    SMTP_CHALLENGE_KEPT = 12288, /* of a 334's text: RFC 4954, 4 */
    SMTP_REPLY_LINES_MAX = 100,
    SMTP_REPLY_OCTETS_MAX = 64 * 1024, /* as they stand on the wire, dropped ones included */
};

/* A reply. Its text is borrowed from the reader, and good until smtp_reply_read() is called again. */
struct smtp_reply {
    uint16_t code;        /* 200 to 599 */
    uint16_t enhanced[3]; /* RFC 2034, of the first line with one; 0.0.0: none, or not of the code's class */
    struct span text;     /* without the codes; lines are parted by '\n', enhanced codes still there */
    bool cut;             /* a line was longer than what is kept */
};

struct smtp_reply_reader {
    struct buf text;      /* of the lines so far */
    size_t line_starts;   /* where in `text` the line begins that is being read */
    size_t line_len;      /* octets of that line so far, those not kept as well, without CR */
    size_t octets;        /* of the reply so far */
    unsigned lines;       /* lines that are complete */
    uint16_t code;        /* of the first line */
    uint16_t line_code;   /* of this line, as far as it was read */
    bool cut;
    bool more;            /* this line said that another follows */
    bool was_cr;
    bool given;           /* the reply in `text` was handed out */
    bool bad;
};

enum smtp_reading {
    SMTP_READING_MORE,  /* all was taken; more is needed */
    SMTP_READING_REPLY, /* a reply is complete; what follows it was left in *bytes */
    SMTP_READING_BAD,   /* err tells why: reply:malformed, reply:too-long, or no memory */
};

#define SMTP_REPLY_READER { .text = BUF(SMTP_REPLY_OCTETS_MAX) }

MUST_USE enum smtp_reading smtp_reply_read(struct smtp_reply_reader *reader, struct span *bytes,
                                           struct smtp_reply *ret_reply, struct err *err);
/* Is a part of a reply waiting for its rest? */
bool smtp_reply_unfinished(const struct smtp_reply_reader *reader);
void smtp_reply_reader_done(struct smtp_reply_reader *reader);

/* The words of a reply in one line, for a person and for know's rules: lines joined by a space, the
 * enhanced code at their heads left out where it is the reply's own. Not yet made safe to show. */
void smtp_reply_words(const struct smtp_reply *reply, struct buf *out);

/* Keeps reply, enhanced code and words in err, as ERR_LATER for 4xx and ERR_REPLY else; `text` is
 * ours ("the server refused the sender"). Always false. */
bool smtp_reply_err(const struct smtp_reply *reply, struct err *err, const char *text);

/* Adds a reply: each line of `text` (parted by '\n') with the code, and, where `enhanced` is not
 * NULL ("5.7.8"), with that. What is no printable ASCII or UTF-8 in `text` is shown as '?', so that
 * nothing quoted from a peer can end the line. */
void smtp_reply_write(struct buf *out, uint16_t code, const char *enhanced, const char *text);

#endif
