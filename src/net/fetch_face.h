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
struct transfer;

struct transfer_plan { /* borrowed until `over` or cancel() */
    const char *url;
    const char *connect_to; /* "::HOST:PORT": there, whatever the URL says; NULL: as the URL says */
    const char *resolved;   /* "HOST:PORT:ADDRESS,ADDRESS": what we found; NULL: a proxy's to find */
    const char *ca_file, *ca_directory, *proxy; /* NULL: the default; the default; none */
    const char *const *headers;
    bool post;
    struct span body;
    size_t body_max;
};

struct transfer_result {
    unsigned status;
    struct buf *body;
    const char *redirect; /* where it points to, made absolute; NULL: nowhere */
};

struct fetch_face {
    /* `over` is called once, never from within this: with a result, or NULL and why. */
    bool (*begin)(struct uv_loop_s *loop, const struct transfer_plan *plan,
                  void (*over)(void *who, const struct transfer_result *result, const struct err *err),
                  void *who, struct transfer **ret_transfer, struct err *err);
    void (*cancel)(struct transfer *transfer);
};

#endif
