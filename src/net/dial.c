#include "net/dial.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/dial_proxy.h"
#include "net/interfaces.h"
#include "net/resolve.h"
#include "net/stream_int.h"
#include "net/timer.h"
#include "net/unix_path.h"

#include "base/banned.h"

enum {
    DIAL_MAGIC = 0x6469616c,
    CALL_MAGIC = 0x63616c6c,
    SHORT_SEGMENT = 536, /* RFC 9293, 3.7.1: what any host takes, and no path is too narrow for */
    NEXT_MS = 250, /* RFC 8305, 5: the recommended Connection Attempt Delay */
};

/* One address being tried. It outlives the dial where libuv still holds it. */
struct call {
    uint32_t magic;
    uv_connect_t request;
    struct dial *dial; /* NULL: nobody waits for it any more */
    struct stream *stream;
    size_t index;
    uint64_t began;
};

struct dial {
    uint32_t magic;
    struct loop *loop;
    struct resolve *question;
    struct timer *timer; /* the next try, or the deadline */
    char *host; /* where we connect: the server, or the proxy */
    uint16_t port;
    char *through_to; /* behind a proxy: the server, for errors; NULL: no proxy */
    struct socks5 socks;
    struct dial_proxy *asking; /* the proxy, once it was reached */
    bool has_source, short_packets;
    struct ip source;
    uint64_t deadline;

    struct ip to_try[RESOLVE_ADDRESSES_MAX];
    size_t to_try_count, next; /* next: whose turn it is */
    struct call *calls[RESOLVE_ADDRESSES_MAX];
    struct dial_attempt attempts[RESOLVE_ADDRESSES_MAX];
    size_t attempt_count, running;

    bool over;
    void (*done)(void *who, struct stream *stream, const struct err *why);
    void *who;
};

/* ---- the order ---- */

/* From an address of the one family nothing of the other can be reached. */
static bool is_reachable(const struct dial *dial, struct ip ip)
{
    return !dial->has_source || !ip.family || ip.family == dial->source.family;
}

/* RFC 8305, 4: the families in turns, beginning with that of the first, each in its own order. */
static void interleave(struct dial *dial, const struct ip *found, size_t count)
{
    size_t at[2] = { 0, 0 };
    uint8_t families[2] = { found[0].family, found[0].family == 4 ? 6 : 4 };

    for (size_t turn = 0, taken = 0; taken < count; turn = 1 - turn) {
        while (at[turn] < count && found[at[turn]].family != families[turn])
            at[turn]++;
        if (at[turn] == count)
            continue;
        if (is_reachable(dial, found[at[turn]]))
            dial->to_try[dial->to_try_count++] = found[at[turn]];
        at[turn]++;
        taken++;
    }
}

/* ---- how it went ---- */

static const struct {
    int sys;
    const char *fact, *fact_v6, *words;
} results[] = {
    { ECONNREFUSED, "connect:refused", "connect:refused", "refused" },
    { ECONNRESET, "connect:reset", "connect:reset", "hung up" },
    { EPERM, "connect:denied", "connect:denied", "forbidden on this machine" },
    { EACCES, "connect:denied", "connect:denied", "forbidden on this machine" },
    { ENOPROTOOPT, "connect:denied", "connect:denied", "turned away on the way" }, /* ICMP: protocol unreachable */
    { ETIMEDOUT, "connect:timeout", "connect:timeout", "no answer" },
    { EHOSTUNREACH, "connect:unreachable", "connect:unreachable-ipv6", "no way there" },
    { ENETUNREACH, "connect:unreachable-ipv4", "connect:unreachable-ipv6", "no way there" },
    { ENETDOWN, "connect:unreachable", "connect:unreachable", "its network is down" },
    { EADDRNOTAVAIL, "connect:unreachable-ipv4", "connect:unreachable-ipv6", "no way there" },
    { EAFNOSUPPORT, "connect:unreachable-ipv4", "connect:unreachable-ipv6", "not spoken on this machine" },
    { EINVAL, "connect:unreachable-ipv4", "connect:unreachable-ipv6", "no way there" },
    { ENOENT, "connect:refused", "connect:refused", "no such socket" },
};

/* Of several failures the one that says most: somebody answered, before nobody did. The order of the
 * table is that of their worth. */
static size_t result_of(int sys)
{
    for (size_t i = 0; i < COUNT(results); i++)
        if (results[i].sys == sys)
            return i;
    return COUNT(results);
}

static const char *fact_of(int sys, bool v6)
{
    size_t i = result_of(sys);

    if (i == COUNT(results))
        return "connect:unreachable";
    return v6 ? results[i].fact_v6 : results[i].fact;
}

static void add_attempt(struct buf *words, const struct dial_attempt *attempt)
{
    size_t i = result_of(attempt->sys);

    if (words->len)
        buf_add(words, "; ");
    if (attempt->ip.family) {
        ip_write(words, attempt->ip);
        buf_add(words, " ");
    }
    buf_add(words, i < COUNT(results) ? results[i].words : uv_strerror(-attempt->sys));
}

/* Can a call begin at the source address, as things are now? */
static bool is_of_this_machine(struct ip ip)
{
    struct sockaddr_storage address;
    int fd = socket(ip.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return errno != EAFNOSUPPORT;
    size_t len = ip_to_sockaddr(ip, 0, &address);
    bool bound = bind(fd, (struct sockaddr *)&address, (socklen_t)len) == 0;
    close(fd);
    return bound;
}

static bool is_offline(void)
{
    struct ip ips[INTERFACES_MAX];
    size_t count;

    return interfaces_list(ips, &count, NULL) && count == 0;
}

/* Is the account's own wish what stands in the way? Where the machine has no address at all, the one that is wished for may
 * come with the network. */
static bool stops_at_source(const struct dial *dial, struct err *err)
{
    HELD(buf) source = BUF(ERR_TEXT_MAX / 4);
    bool v4 = dial->source.family == 4, ours = !dial->has_source || is_of_this_machine(dial->source);

    if (!dial->has_source || (ours && dial->to_try_count) || (!ours && dial->to_try_count && is_offline()))
        return false;
    ip_write(&source, dial->source);
    if (ours)
        err_found(err, ERR_CONFIG, "config:source-address",
                  "source_address %s is an address of IPv%c, and %s has none of that kind", buf_text(&source),
                  v4 ? '4' : '6', dial->host);
    else
        err_found(err, ERR_CONFIG, "config:source-address", "source_address %s is not an address of this machine now",
                  buf_text(&source));
    err->sys = EADDRNOTAVAIL;
    return true;
}

/* What all attempts together tell. */
static void sum_up(const struct dial *dial, struct err *err)
{
    const struct dial_attempt *best = NULL;
    bool tried_v4 = false;
    HELD(buf) words = BUF(ERR_TEXT_MAX / 2);

    if (stops_at_source(dial, err))
        return;
    for (size_t i = 0; i < dial->attempt_count; i++) {
        const struct dial_attempt *attempt = &dial->attempts[i];
        if (!best || result_of(attempt->sys) < result_of(best->sys))
            best = attempt;
        tried_v4 |= attempt->ip.family == 4;
        add_attempt(&words, attempt);
    }
    const char *fact = best ? best->fact : "connect:timeout";
    if (tried_v4 && span_starts(span_of(fact), "connect:unreachable"))
        fact = "connect:unreachable"; /* not IPv6's fault: this machine has no way out */
    if (dial->through_to)
        err_found(err, ERR_NETWORK, "proxy:unreachable", "connecting to the proxy %s port %u: %s", dial->host,
                  (unsigned)dial->port, buf_text(&words));
    else if (dial->port)
        err_found(err, ERR_NETWORK, fact, "connecting to %s port %u: %s", dial->host,
                  (unsigned)dial->port, buf_text(&words));
    else
        err_found(err, ERR_NETWORK, fact, "connecting to %s: %s", dial->host, buf_text(&words));
    err->sys = best ? best->sys : ETIMEDOUT;
}

/* ---- the end ---- */

/* Nobody waits for this call: its stream goes, and it itself when libuv lets go of it. */
static void abandon(struct dial *dial, size_t index, const char *fact, int sys)
{
    struct call *call = dial->calls[index];

    if (!call)
        return;
    dial->calls[index] = NULL;
    dial->running--;
    dial->attempts[index].ms = loop_now(dial->loop) - call->began;
    dial->attempts[index].fact = fact;
    dial->attempts[index].sys = sys;
    call->dial = NULL;
    stream_free(call->stream);
}

static void finish(struct dial *dial, struct stream *stream, const struct err *why)
{
    dial->over = true;
    timer_set(dial->timer, UINT64_MAX);
    for (size_t i = 0; i < dial->attempt_count; i++)
        abandon(dial, i, "", 0);
    dial->done(dial->who, stream, why);
}

static void fail(struct dial *dial)
{
    struct err err;

    sum_up(dial, &err);
    finish(dial, NULL, &err);
}

/* ---- behind a proxy ---- */

static void through(void *who, struct stream *stream, const struct err *why)
{
    struct dial *dial = OBJ(dial, DIAL_MAGIC, who);
    struct err err = *why;

    dial->asking = NULL;
    if (!stream)
        err_in(&err, "connecting to %s", dial->through_to);
    finish(dial, stream, &err);
}

/* Another address of the proxy's would say the same: the tries are over. */
static void reached(struct dial *dial, struct stream *stream)
{
    static const struct err none;

    if (!dial->through_to) {
        finish(dial, stream, &none);
        return;
    }
    for (size_t i = 0; i < dial->attempt_count; i++)
        abandon(dial, i, "", 0);
    timer_set(dial->timer, dial->deadline);
    dial->asking = dial_proxy_new(stream, &dial->socks, through, dial);
    if (!dial->asking) {
        struct err err;
        err_no_memory(&err);
        finish(dial, NULL, &err);
    }
}

static void proxy_is_silent(struct dial *dial)
{
    bool it_is_one = dial_proxy_is_one(dial->asking);
    struct err err;

    dial_proxy_free(GIVE(dial->asking));
    err_found(&err, ERR_NETWORK, it_is_one ? "connect:timeout" : "proxy:protocol",
              it_is_one ? "connecting to %s: the proxy %s port %u has no answer yet"
                        : "connecting to %s: the proxy %s port %u takes the connection and says nothing",
              dial->through_to, dial->host, (unsigned)dial->port);
    finish(dial, NULL, &err);
}

/* ---- the tries ---- */

static void failed(struct dial *dial, size_t index, int uv_error)
{
    struct dial_attempt *attempt = &dial->attempts[index];

    attempt->sys = loop_errno(uv_error);
    attempt->fact = fact_of(attempt->sys, attempt->ip.family == 6);
}

static void on_answer(uv_connect_t *request, int status)
{
    struct call *call = OBJ(call, CALL_MAGIC, request->data);
    struct dial *dial = call->dial;
    struct stream *stream = call->stream;
    size_t index = call->index;
    uint64_t began = call->began;

    OBJ_GONE(call);
    mem_free(call);
    if (!dial)
        return;
    dial->calls[index] = NULL;
    dial->running--;
    dial->attempts[index].ms = loop_now(dial->loop) - began;
    if (status == 0) {
        stream_connected(stream);
        reached(dial, stream);
        return;
    }
    stream_free(stream);
    failed(dial, index, status);
    if (dial->next < dial->to_try_count)
        timer_set(dial->timer, loop_now(dial->loop)); /* no need to wait for the next one's turn */
    else if (!dial->running)
        fail(dial);
}

/* Said in the first packet, so before the call; libuv makes its socket only with that. */
static int take_short_packets(const struct dial *dial, struct stream *stream, struct ip ip)
{
    const int segment = SHORT_SEGMENT;

    if (!dial->short_packets)
        return 0;
    int fd = socket(ip.family == 4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return uv_translate_sys_error(errno);
    int bad = setsockopt(fd, IPPROTO_TCP, TCP_MAXSEG, &segment, sizeof segment) ? uv_translate_sys_error(errno)
                                                                                : uv_tcp_open(&stream->handle.tcp, fd);
    if (bad)
        close(fd);
    return bad;
}

static int bind_source(const struct dial *dial, struct stream *stream)
{
    struct sockaddr_storage source;

    if (!dial->has_source)
        return 0;
    ip_to_sockaddr(dial->source, 0, &source);
    return uv_tcp_bind(&stream->handle.tcp, (struct sockaddr *)&source, 0);
}

/* The system looks the name up within the call. */
static int connect_unix(struct dial *dial, struct call *call)
{
    struct unix_path path;
    struct err err = { 0 };

    if (!unix_path_open(dial->host, &path, &err))
        return err.sys ? -err.sys : UV_ENAMETOOLONG;
    uv_pipe_connect(&call->request, &call->stream->handle.pipe, path.name, on_answer);
    unix_path_done(&path);
    return 0;
}

static int connect_to(struct dial *dial, struct call *call, struct ip ip)
{
    struct sockaddr_storage address;

    if (!ip.family)
        return connect_unix(dial, call);
    int bad = take_short_packets(dial, call->stream, ip);
    if (!bad)
        bad = bind_source(dial, call->stream);
    if (bad)
        return bad;
    ip_to_sockaddr(ip, dial->port, &address);
    return uv_tcp_connect(&call->request, &call->stream->handle.tcp, (struct sockaddr *)&address,
                          on_answer);
}

/* Begins the next try; false where it failed at once. */
static bool try_next(struct dial *dial)
{
    size_t index = dial->attempt_count++;
    struct ip ip = dial->to_try[dial->next++];
    struct call *call = NEW(call);

    dial->attempts[index] = (struct dial_attempt){ .ip = ip, .port = dial->port };
    struct stream *stream = call ? stream_new(dial->loop, !ip.family) : NULL;
    if (!stream) {
        mem_free(call);
        failed(dial, index, UV_ENOMEM);
        return false;
    }
    *call = (struct call){ .magic = CALL_MAGIC,
                           .dial = dial,
                           .stream = stream,
                           .index = index,
                           .began = loop_now(dial->loop) };
    call->request.data = call;
    int bad = connect_to(dial, call, ip);
    if (bad) {
        stream_free(stream);
        mem_free(call);
        failed(dial, index, bad);
        return false;
    }
    dial->calls[index] = call;
    dial->running++;
    return true;
}

static void on_timer(void *who)
{
    struct dial *dial = OBJ(dial, DIAL_MAGIC, who);
    uint64_t now = loop_now(dial->loop);

    if (dial->asking) {
        proxy_is_silent(dial);
        return;
    }
    if (now >= dial->deadline) {
        for (size_t i = 0; i < dial->attempt_count; i++)
            abandon(dial, i, "connect:timeout", ETIMEDOUT);
        fail(dial);
        return;
    }
    while (dial->next < dial->to_try_count && !try_next(dial))
        ;
    if (!dial->running) {
        fail(dial);
        return;
    }
    bool more = dial->next < dial->to_try_count;
    timer_set(dial->timer, more && now + NEXT_MS < dial->deadline ? now + NEXT_MS : dial->deadline);
}

static void on_found(void *who, const struct resolve_addresses *answer, const struct err *err)
{
    struct dial *dial = OBJ(dial, DIAL_MAGIC, who);

    dial->question = NULL;
    if (!answer || !answer->count) {
        struct err why = *err;
        if (dial->through_to) {
            why.kind = ERR_NETWORK;
            why.fact = "proxy:unreachable";
            err_in(&why, "looking up the proxy");
        }
        finish(dial, NULL, &why);
        return;
    }
    interleave(dial, answer->at, answer->count);
    timer_set(dial->timer, UINT64_MAX);
    on_timer(dial);
}

/* ---- a life ---- */

/* Where addresses come from: none is needed for a Unix socket (family 0), nor for an address. */
static bool ask(struct dial *dial, const struct dial_plan *plan, struct err *err)
{
    struct ip ip = { 0 };
    bool is_unix = dial->host[0] == '/';

    if (is_unix)
        dial->port = 0;
    if (!is_unix && !ip_parse(span_of(dial->host), &ip)) {
        if (!plan->resolver)
            return err_found(err, ERR_NAME, "name:failure",
                             "nobody to ask for the address of %.200s", dial->host);
        bool detoured = strcmp(dial->host, plan->host) != 0;
        return (detoured ? resolve_local_addresses : resolve_addresses)(
            plan->resolver, span_of(dial->host), plan->deadline, on_found, dial, &dial->question, err);
    }
    interleave(dial, &ip, 1);
    timer_set(dial->timer, loop_now(dial->loop));
    return true;
}

/* Where to connect: to the server, where a detour leads, or to the proxy that is to go on from there. */
static bool choose_place(struct dial *dial, const struct dial_plan *plan, struct err *err)
{
    const char *host = plan->host;
    uint16_t port = plan->port;
    char proxy[SOCKS5_NAME_MAX + 1];

    dial_detour_follow(plan->detours, &host, &port);
    bool detour = host != plan->host || port != plan->port;
    if (plan->proxy && !detour && host[0] != '/') {
        if (!socks5_begin(&dial->socks, span_of(host), port, err) ||
            !socks5_url_parse(span_of(plan->proxy), proxy, &port, err))
            return err_in(err, "proxy");
        if (!(dial->through_to = str_copy(host)))
            return err_no_memory(err);
        host = proxy;
    }
    dial->host = str_copy(host);
    dial->port = port;
    return dial->host || err_no_memory(err);
}

static bool choose_source(struct dial *dial, const struct dial_plan *plan, struct err *err)
{
    dial->has_source = plan->source_address != NULL;
    return !dial->has_source || ip_parse(span_of(plan->source_address), &dial->source) ||
           err_set(err, ERR_CONFIG, "the source address \"%.80s\" is not an IP address", plan->source_address);
}

bool dial_start(struct loop *loop, const struct dial_plan *plan,
                void (*done)(void *who, struct stream *stream, const struct err *why), void *who,
                struct dial **ret_dial, struct err *err)
{
    OWN(dial) dial = NEW(dial);

    if (!dial)
        return err_no_memory(err);
    dial->magic = DIAL_MAGIC;
    dial->loop = loop;
    dial->deadline = plan->deadline;
    dial->short_packets = plan->short_packets;
    dial->done = done;
    dial->who = who;
    dial->timer = timer_new(loop, on_timer, dial);
    if (!dial->timer)
        return err_no_memory(err);
    if (!choose_place(dial, plan, err) || !choose_source(dial, plan, err) || !ask(dial, plan, err))
        return false;
    *ret_dial = GIVE(dial);
    return true;
}

const struct dial_attempt *dial_attempts(const struct dial *dial, size_t *ret_count)
{
    *ret_count = dial->attempt_count;
    return dial->attempts;
}

void dial_free(struct dial *dial)
{
    if (!dial)
        return;
    resolve_cancel(dial->question);
    for (size_t i = 0; i < dial->attempt_count; i++)
        abandon(dial, i, "", 0);
    dial_proxy_free(dial->asking);
    timer_free(dial->timer);
    mem_free(dial->host);
    mem_free(dial->through_to);
    OBJ_GONE(dial);
    mem_free(dial);
}
