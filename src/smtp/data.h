/* The message on the wire, at any cut: dots for DATA (RFC 5321, 4.5.2), sizes for BDAT (RFC 3030).
 * What is written here is what the server reads: nothing changes the text after it.
 */
#ifndef OUTPOST_SMTP_DATA_H
#define OUTPOST_SMTP_DATA_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

/* Looks through a message's pieces for what must not go on the wire. `{ .binary = ..., .eight = ... }`
 * begins; binary lets all pass (BINARYMIME). */
struct smtp_data_check {
    bool binary;   /* anything goes */
    bool eight;    /* octets above 127 go */
    bool after_cr; /* the last piece ended in CR */
    bool in_line;  /* what was seen so far does not end in a line end */
};
/* False: a bare CR or LF ("message:bare-line-end"), a NUL ("message:nul"), an octet above 127
 * ("eightbit:not-offered"). `last`: a CR at the end stays bare. */
MUST_USE bool smtp_data_check(struct smtp_data_check *check, struct span piece, bool last,
                              struct err *err);

/* Stuffs dots. `{ 0 }` begins. */
struct smtp_data_writer {
    bool in_line; /* the last octet was not the end of a line */
};
/* Adds the piece to *out, which may grow by the piece's length again, if it is all dots. */
void smtp_data_write(struct smtp_data_writer *writer, struct span piece, struct buf *out);
/* Adds the end: CRLF where the text lacks its own, a dot, CRLF. */
void smtp_data_write_end(struct smtp_data_writer *writer, struct buf *out);

/* Takes dots away again. Only CRLF.CRLF ends; whatever else some server might take for an end - a
 * bare LF or CR beside the dot - is content, and flagged. `{ 0 }` begins. */
struct smtp_data_reader {
    bool repair;      /* wished for: a bare LF becomes CRLF; the end stays where it is */
    unsigned state;   /* what was read of CRLF . CRLF; see data.c */
    bool bare_cr;     /* seen so far: a CR without LF */
    bool bare_lf;     /* an LF without CR, which was not repaired */
    bool bare_dot;    /* repairing: a dot alone on its line, and a line end beside it was bare */
    bool nul;
    bool eight;       /* an octet above 127 */
    bool ended;
    size_t line;      /* octets of the line being read */
    size_t line_max;  /* of the longest line, without CRLF */
};
/* Adds what *bytes hold to *out, without the stuffed dots and the end; true when the end was read:
 * then *bytes hold what follows it. *out grows at most by the length of *bytes (twice that, where it
 * repairs), and two octets kept from before. Where *out is full the rest is read and dropped: look at out->full. */
MUST_USE bool smtp_data_read(struct smtp_data_reader *reader, struct span *bytes, struct buf *out);

/* The same repair for what comes in chunks, where no dot ends anything. `{ 0 }` begins. */
struct smtp_data_mender {
    bool after_cr;
    bool after_bare; /* the line began behind a bare LF */
    size_t line;     /* octets of the line so far... */
    bool dot;        /* ...of which the first is a dot */
    bool bare_dot;   /* as above */
};
/* Adds the piece, each bare LF as CRLF. */
void smtp_data_mend(struct smtp_data_mender *mender, struct span piece, struct buf *out);

/* "BDAT 1234 LAST\r\n" */
void smtp_bdat_write(struct buf *out, size_t size, bool last);
/* What stands behind "BDAT ": digits within `most`, and LAST or nothing. False: the place in the
 * stream is lost, and the connection must be closed (501). */
MUST_USE bool smtp_bdat_read(struct span text, uint64_t most, uint64_t *ret_size, bool *ret_last);

#endif
