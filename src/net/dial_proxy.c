#include "net/dial_proxy.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "net/stream_int.h"

#include "base/banned.h"

enum { PROXY_MAGIC = 0x70727879 };

struct dial_proxy {
    uint32_t magic;
    struct stream *stream;
    struct socks5 socks;
    void (*done)(void *who, struct stream *stream, const struct err *why);
    void *who;
};

void dial_proxy_free(struct dial_proxy *proxy)
{
    if (!proxy)
        return;
    stream_free(proxy->stream);
    OBJ_GONE(proxy);
    mem_free(proxy);
}

bool dial_proxy_is_one(const struct dial_proxy *proxy)
{
    return proxy->socks.stage > SOCKS5_CHOOSING;
}

/* Whoever gets it begins anew with it; and what goes through it does not stay within this machine. */
static struct stream *as_new(struct stream *stream)
{
    stream_read(stream, false);
    stream->read_most = 0;
    stream->events = (struct stream_events){ 0 };
    stream->who = NULL;
    stream->loopback = false;
    return stream;
}

static void finish(struct dial_proxy *proxy, const struct err *why)
{
    const struct dial_proxy gone = *proxy;

    if (why->kind == ERR_NONE)
        as_new(GIVE(proxy->stream));
    dial_proxy_free(proxy);
    gone.done(gone.who, why->kind == ERR_NONE ? gone.stream : NULL, why);
}

/* A few bytes on a line that is new: they always fit. */
static void say(struct dial_proxy *proxy)
{
    stream_write(proxy->stream, socks5_output(&proxy->socks));
}

static void came(void *who, struct span bytes)
{
    struct dial_proxy *proxy = OBJ(dial_proxy, PROXY_MAGIC, who);
    struct err err = { 0 };
    bool more_to_say;

    if (!socks5_recv(&proxy->socks, bytes, &more_to_say, &err)) {
        finish(proxy, &err);
        return;
    }
    proxy->stream->read_most = socks5_wants(&proxy->socks);
    if (more_to_say)
        say(proxy);
    if (proxy->stream->read_most == 0)
        finish(proxy, &err);
}

static void ended(void *who, const struct err *why)
{
    struct dial_proxy *proxy = OBJ(dial_proxy, PROXY_MAGIC, who);
    struct err err;

    (void)why;
    err_found(&err, ERR_NETWORK, "proxy:protocol", "the proxy hung up before it said what became of it");
    finish(proxy, &err);
}

struct dial_proxy *dial_proxy_new(struct stream *stream, const struct socks5 *socks,
                                  void (*done)(void *who, struct stream *stream, const struct err *why),
                                  void *who)
{
    static const struct stream_events events = { .read = came, .ended = ended };
    struct dial_proxy *proxy = NEW(dial_proxy);

    if (!proxy) {
        stream_free(stream);
        return NULL;
    }
    *proxy = (struct dial_proxy){ PROXY_MAGIC, stream, *socks, done, who };
    stream->read_most = socks5_wants(&proxy->socks);
    stream_on(stream, &events, proxy);
    say(proxy);
    return proxy;
}
