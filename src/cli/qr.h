/* A QR code on a terminal, two of its squares in each character (half blocks), with the quiet zone that readers want
 * (ISO/IEC 18004, 5.3.8). It is computed by libqrencode, a module, loaded with the first one that is shown.
 */
#ifndef OUTPOST_CLI_QR_H
#define OUTPOST_CLI_QR_H

#include "base/buf.h"
#include "base/err.h"
#include "cli/cli.h"

#define QR_MODULE "outpost-qr.so"
#define QR_FACE   "outpost_qr"

enum { QR_SIDE_MAX = 177, QR_QUIET = 4 };

struct qr {
    unsigned side; /* squares */
    bool dark[QR_SIDE_MAX * QR_SIDE_MAX]; /* row by row */
};

struct qr_face {
    /* ERR_LIMIT: the text is too long for any. */
    bool (*encode)(const char *text, struct qr *ret_qr, struct err *err);
};

/* As lines. Colored: black on white, whatever the terminal has. Else its light squares are drawn, for a dark
 * terminal; most readers take the reverse, too. */
void qr_draw(const struct qr *qr, bool colored, struct buf *out);

/* On stderr, where that is a terminal that can draw it (not TERM=dumb, UTF-8, wide enough); else a line says why not. */
void qr_show(const struct cli *cli, const char *text);

#endif
