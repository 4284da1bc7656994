/* A submission server for tests, in plain text on the test's own loop: it says what a table tells it to, and
 * remembers what it heard. */
#ifndef OUTPOST_TESTS_SMTP_PEER_H
#define OUTPOST_TESTS_SMTP_PEER_H

#include "base/buf.h"
#include "net/stream.h"

struct listener;

/* What is said to a line that begins so. The first row that fits counts; behind them stand those of an honest
 * server, which knows no AUTH but what a row says of it. */
struct smtp_peer_row {
    const char *begins;  /* "" is the call itself; "." the end of a message */
    unsigned call;       /* only on this connection, counted from 1; 0: on each */
    unsigned time;       /* only the nth such line of a connection, counted from 1; 0: each */
    const char *reply;   /* with its CRLF; NULL: none */
    bool hangs_up;       /* afterwards */
};

enum { SMTP_PEER_ROWS_MAX = 16 };

struct smtp_peer {
    struct listener *listener;
    struct stream *stream; /* of the last call */
    uint16_t port;
    const struct smtp_peer_row *rows;
    size_t row_count;
    unsigned times[SMTP_PEER_ROWS_MAX]; /* on this connection */
    unsigned calls;
    bool in_data;
    struct buf in;
    struct buf heard; /* every line, '\n' behind it; "{call}" where one began */
};

void smtp_peer_start(struct smtp_peer *peer, struct loop *loop, const struct smtp_peer_row *rows,
                     size_t row_count);
void smtp_peer_hang_up(struct smtp_peer *peer); /* the line that is open, now */
void smtp_peer_stop(struct smtp_peer *peer);

#endif
