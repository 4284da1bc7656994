/* Between net/fetch.c, which decides, and the module outpost-fetch.so (net/fetch_curl.c), which does what
 * was decided, by libcurl: one request to one place.
 */
#ifndef OUTPOST_NET_FETCH_FACE_H
#define OUTPOST_NET_FETCH_FACE_H

#include "base/buf.h"
#include "base/err.h"

#define FETCH_MODULE "outpost-fetch.so"
#define FETCH_SYMBOL "outpost_fetch"

struct uv_loop_s;
struct fetch_upload;
struct transfer_pool; /* the lines of a loop */
struct transfer;
struct trust;

struct transfer_plan { /* borrowed until `over` or cancel() */
    const char *place; /* requests that say the same may share a line */
    const char *url;
    const char *connect_to; /* "::HOST:PORT": there, whatever the URL says; NULL: as the URL says */
    const char *resolved;   /* "HOST:PORT:ADDRESS,ADDRESS": what we found; NULL: a proxy's to find */
    const struct trust *trust;
    const char *proxy; /* NULL: none */
    const char *const *headers;
    bool post, once, plain, any_date;
    struct span body;
    const struct fetch_upload *upload; /* in place of `body`; NULL: none */
    uint64_t quiet_ms;                 /* 0: no end */
    size_t body_max;
};

struct transfer_result {
    unsigned status;
    struct buf *body;
    const char *redirect; /* where it points to, made absolute; NULL: nowhere */
    struct transfer *transfer; /* for header() */
};

struct fetch_face {
    bool (*open)(struct uv_loop_s *loop, struct transfer_pool **ret_pool, struct err *err);
    /* What is kept and idle holds no loop; nothing may be under way when this is called. */
    void (*close)(struct transfer_pool *pool);
    /* Is a line to this place kept? Then nobody needs to be asked for its address. */
    bool (*keeps)(const struct transfer_pool *pool, const char *place);
    /* `over` is called once, never from within this: with a result, or NULL and why. */
    bool (*begin)(struct transfer_pool *pool, const struct transfer_plan *plan,
                  void (*over)(void *who, const struct transfer_result *result, const struct err *err),
                  void *who, struct transfer **ret_transfer, struct err *err);
    void (*cancel)(struct transfer *transfer);
    /* Has all of a request that says `once` left, so that it may be obeyed? */
    bool (*left)(const struct transfer *transfer);
    struct span (*header)(struct transfer *transfer, const char *name);
};

#endif
