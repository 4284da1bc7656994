/* A stream from within: for stream.c, stream_names.c, and for listen.c and dial.c, which make them. */
#ifndef OUTPOST_NET_STREAM_INT_H
#define OUTPOST_NET_STREAM_INT_H

#include "base/buf.h"
#include "net/loop_int.h"
#include "net/stream.h"

enum {
    STREAM_MAGIC = 0x7374726d,
    STREAM_NAME_MAX = 64, /* "[", 45 digits and colons, "]:65535" */
};

/* What comes next is done from the loop, never from within a call into the stream. */
enum stream_news {
    NEWS_SECURED = 1,
    NEWS_ENDED = 2,
    NEWS_WRITABLE = 4,
    NEWS_PLAIN = 8, /* there may be plain text inside TLS that nobody has seen */
};

struct stream {
    uint32_t magic;
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } handle;
    uv_idle_t errand;    /* runs once when there is news to tell */
    uv_timer_t patience; /* of stream_finish() */
    uv_write_t write;
    uv_shutdown_t shutdown;
    struct loop *loop;
    char peer[STREAM_NAME_MAX], local[STREAM_NAME_MAX];
    bool loopback, is_unix;

    struct stream_events events;
    void *who;
    bool wants_reading, reads;
    size_t read_most; /* of one read, for who must not take what is another's; 0: all there is room for */

    struct tls *tls;
    void (*secured)(void *who, const struct err *err);
    void *secured_who; /* set while hands are shaken, and until it is told */

    struct buf waiting, flying; /* not yet handed to the system; handed to it, not yet taken */
    bool write_failed, ended, finishing, closing;
    uint64_t sent;
    struct err why; /* of `ended` and of `secured` */
    unsigned news;
    unsigned handles; /* still open, of the three */
};

/* A stream that is not connected yet, with its handle initialized; NULL: no memory. */
MUST_USE struct stream *stream_new(struct loop *loop, bool is_unix);
/* It is connected now: options are set, and who is who is looked up. */
void stream_connected(struct stream *stream);

/* A line within the process, to somebody who wants a descriptor: one end is a stream, the other *ret_fd,
 * the caller's to close. */
MUST_USE bool stream_pair(struct loop *loop, struct stream **ret_stream, int *ret_fd, struct err *err);
/* The other end is told that nothing comes any more (what waits to be written is lost); reading goes on. */
void stream_pair_end(struct stream *stream);

#endif
