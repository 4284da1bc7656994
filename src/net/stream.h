/* A line to a peer: TCP or a Unix socket, and TLS over either. One face for both sides.
 *
 * A stream is alive, then closing, then free. stream_free() may be called at any time, from its own
 * callbacks too; no callback comes after it.
 *
 *     stream_on(stream, &(struct stream_events){ .read = came, .writable = room, .ended = over }, me);
 *     size_t taken = stream_write(stream, smtp_client_output(client));
 *     smtp_client_wrote(client, taken);
 *
 * Streams come from net/dial.h and net/listen.h. TCP_NODELAY and keep-alive are set.
 */
#ifndef OUTPOST_NET_STREAM_H
#define OUTPOST_NET_STREAM_H

#include "net/host.h"
#include "net/loop.h"
#include "net/tls.h"

struct stream;

enum {
    STREAM_QUEUE_MAX = 256 * 1024, /* bytes taken that have not left yet */
    STREAM_READ_MAX = 64 * 1024,   /* the most that one `read` hands over */
};

struct stream_events {
    /* Bytes from the peer, good until it returns: all of them are the callee's, none come again. */
    void (*read)(void *who, struct span bytes);
    /* There is room again, after stream_write() took less than it was given; and, whether or not it
     * did, when all that was taken has left. May be NULL. */
    void (*writable)(void *who);
    /* The line is over, told once, and never from within a call into the stream; nothing is read after
     * it. `why->kind` is ERR_NONE where the peer ended it in order (under TLS: said so, RFC 8446
     * 6.1), else ERR_NETWORK or ERR_TLS with line:closed, line:reset ... Once a write has failed
     * we read on to the peer's last words first: a server may refuse, and hang up while we still
     * send. */
    void (*ended)(void *who, const struct err *why);
};

/* Who is told. Copied; may be changed at any time. Reading begins with the first call. */
void stream_on(struct stream *stream, const struct stream_events *events, void *who);

/* Stops and resumes reading, so that a peer is not read faster than its bytes can be used. */
void stream_read(struct stream *stream, bool on);

/* Sends as much as there is room for, at once where the system takes it, and says how much was
 * taken; the bytes may be forgotten then. 0 after the line has ended. */
size_t stream_write(struct stream *stream, struct span bytes);
/* Bytes taken that have not left. */
size_t stream_pending(const struct stream *stream);
/* Bytes that the system has taken since the beginning, as they went over the line (with TLS: its
 * records). */
uint64_t stream_sent(const struct stream *stream);
/* Of these, how many have reached the peer's system; the rest, up to some megabytes, waits in ours. A
 * transfer moves when either grows. Asks the system: for now and then. */
uint64_t stream_arrived(const struct stream *stream);
/* Has the peer hung up, though it was not told yet? Asks the system. Where it is asked behind stream_arrived(), "no" means
 * that what arrived was read by somebody, and not thrown away. */
bool stream_hung_up(const struct stream *stream);

/* TLS from here on; `tls` is the stream's from now. `secured` is told once: err->kind ERR_NONE, and
 * then reads and writes are the plain text; else what failed, and the stream is good for nothing but
 * stream_free(). Until it is told `read` is silent and stream_write() takes nothing. `ended` is not
 * told in its place: a line cut in the handshake is `secured` with tls:closed.
 *
 * STARTTLS: every byte that was read has been handed to `read` before; what the peer sent beyond
 * its "220" in clear text is there for the protocol to refuse (RFC 3207 4.2), and none of it
 * reaches the TLS layer. Bytes still queued in the clear leave first. */
void stream_secure(struct stream *stream, struct tls *tls,
                   void (*secured)(void *who, const struct err *err), void *who);
/* The TLS end, for tls_describe(); NULL in the clear. */
struct tls *stream_tls(const struct stream *stream);

/* "192.0.2.1:465", or "unix"; good as long as the stream. Same for our own end. */
const char *stream_peer(const struct stream *stream);
const char *stream_local(const struct stream *stream);
bool stream_is_loopback(const struct stream *stream); /* a Unix socket is, too */
/* Where the peer is, and we; false for a Unix socket, and where the line is gone already. */
MUST_USE bool stream_peer_ip(const struct stream *stream, struct ip *ret_ip);
MUST_USE bool stream_own_ip(const struct stream *stream, struct ip *ret_ip);
/* Who is at the other end of a Unix socket; false for TCP. */
MUST_USE bool stream_peer_user(const struct stream *stream, uint32_t *ret_uid);

/* Closes when what was taken has left (under TLS, with its goodbye), or after five seconds. What
 * the peer still says is not read. Takes the stream. */
void stream_finish(struct stream *stream);
/* Closes now: what has not left is dropped. */
void stream_free(struct stream *stream);
OWNED(stream);

#endif
