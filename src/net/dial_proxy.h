/* The step behind a connection to a proxy: for dial.c. */
#ifndef OUTPOST_NET_DIAL_PROXY_H
#define OUTPOST_NET_DIAL_PROXY_H

#include "net/socks5.h"
#include "net/stream.h"

struct dial_proxy;

/* Asks the proxy at the other end for the line that `socks` describes. Takes the stream; NULL: no memory, and
 * the stream is gone. `done` is told once, never from within this: the stream, which is as new, or NULL and
 * why. */
MUST_USE struct dial_proxy *dial_proxy_new(struct stream *stream, const struct socks5 *socks,
                                           void (*done)(void *who, struct stream *stream,
                                                        const struct err *why),
                                           void *who);
/* Has it said anything that a SOCKS5 proxy says? */
bool dial_proxy_is_one(const struct dial_proxy *proxy);
/* Hangs up; `done` is not told. Not after it was. */
void dial_proxy_free(struct dial_proxy *proxy);

#endif
