/* A small HTTP/1.1 server on the loop, over TCP, a Unix socket, or TLS of ours. By libmicrohttpd, which
 * reads what callers say and is loaded when the first server is opened.
 *
 *     static const struct serve_events events = { .asked = asked };
 *     const struct serve_plan plan = { .where = { .address = LISTEN_LOOPBACK } };
 *     if (!serve_open(loop, &plan, &events, me, &serve, &err)) ...
 *
 *     static void asked(void *who, struct serve_request *request)
 *     {
 *         serve_answer(request, &(struct serve_answer){ .status = 200, .type = "text/plain",
 *                                                       .body = SPAN("hello\n") });
 *     }
 *
 * A request is plain data: whoever answers can be a pure function of it, and its test makes requests of
 * its own. What callers can't do, whatever they send: a method but GET, HEAD and POST (405); a head above
 * 8 KB or 64 lines (431); a body above what is wanted (413); two lengths, both Content-Length and
 * Transfer-Encoding, any coding but "chunked", no Host or two (400); take longer than patience lasts; or be
 * more than 32 at a time: then the one that has asked for nothing for longest is cut. Whom a Host means, who
 * may ask, and from which page, is the callee's to check (RFC 9110 7.4): see serve_host_is().
 */
#ifndef OUTPOST_NET_SERVE_H
#define OUTPOST_NET_SERVE_H

#include "net/listen.h"

enum {
    SERVE_HEAD_MAX = 8 * 1024,      /* bytes of request line and headers */
    SERVE_LINES_MAX = 64,           /* headers */
    SERVE_CALLERS_MAX = 32,         /* lines at a time */
    SERVE_PATIENCE_MS = 10 * 1000,  /* for TLS and the head; for the head after the last answer */
    SERVE_BODY_RATE = 32 * 1024,    /* bytes a second that a body must have on the average, besides */
};

enum serve_method { SERVE_GET, SERVE_HEAD, SERVE_POST };

struct serve_header {
    struct span name, value;
};

struct serve_request {
    enum serve_method method;
    struct span path;  /* "/callback": begins with '/'; as it came, percent signs and all */
    struct span query; /* what stood behind the first '?' */
    struct serve_header headers[SERVE_LINES_MAX];
    size_t header_count;
    uint64_t body_len; /* as announced; UINT64_MAX where it comes in chunks */
    struct span body;  /* all of it; none where `piece` took it */
    void *mine;        /* the callee's own, NULL at first */
    void *line;        /* the server's own */
};

/* The first header of that name, ASCII case aside; at == NULL where there is none. */
struct span serve_header(const struct serve_request *request, const char *name);
/* Is the Host "NAME:PORT", or "NAME" where the port is the scheme's own (80, with TLS 443)? ASCII case
 * aside. Whoever serves browsers must ask it: a page elsewhere can lead its own name to our address. */
bool serve_host_is(const struct serve_request *request, const char *name, uint16_t port);

struct serve_answer {
    unsigned status;            /* 200 .. 599 */
    const char *type;           /* Content-Type; NULL: none */
    const char *const *headers; /* "Name: value" lines, NULL ends; NULL: none. No CR, no LF */
    struct span body;           /* to HEAD only its length is told */
};

/* For a page that a person sees: nothing kept, nothing loaded, no frame, no referrer. */
extern const char *const serve_page_headers[];

struct serve_events {
    /* A head has come: how much body is wanted at most. NULL: none is, of any request. May answer at once:
     * then the body is not waited for, and neither `asked` nor `dropped` comes. */
    uint64_t (*began)(void *who, struct serve_request *request);
    /* A piece of the body, good until it returns. NULL: it is gathered, and is there in `asked`. */
    void (*piece)(void *who, struct serve_request *request, struct span piece);
    /* The request is whole: to be answered by serve_answer(), now or later. Never NULL. */
    void (*asked)(void *who, struct serve_request *request);
    /* After `began`, in place of `asked` or before it was answered: the caller is gone, or its body is too
     * long. The request goes with it, and can't be answered any more. May be NULL, for who keeps nothing
     * and answers at once. */
    void (*dropped)(void *who, struct serve_request *request);
};

struct serve_plan {
    struct listen_plan where;
    struct tls_context *tls; /* NULL: none */
    uint64_t patience_ms;    /* 0: SERVE_PATIENCE_MS */
};

struct serve;

MUST_USE bool serve_open(struct loop *loop, const struct serve_plan *plan,
                         const struct serve_events *events, void *who, struct serve **ret_serve,
                         struct err *err);

uint16_t serve_port(const struct serve *serve); /* 0 for a Unix socket */

/* Once for each request, in `began` or after `asked`; the answer is copied, and `request` is gone. */
void serve_answer(struct serve_request *request, const struct serve_answer *answer);

/* Nobody is let in any more, what is not answered is cut, what was answered leaves, and then all is
 * freed. Takes the server; nothing is told after it. May be called from the callbacks. */
void serve_finish(struct serve *serve);
/* All lines are cut. May be called from the callbacks; none comes after it, not for requests that wait
 * for an answer either. */
void serve_free(struct serve *serve);
OWNED(serve);

#endif
