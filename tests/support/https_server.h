/* An HTTPS server for tests, on the test's own loop: answers from a table, one request a connection, and
 * remembers what was asked. */
#ifndef OUTPOST_TESTS_HTTPS_SERVER_H
#define OUTPOST_TESTS_HTTPS_SERVER_H

#include <uv.h>

#include "base/buf.h"
#include "net/tls.h"

struct loop;

struct https_page {
    const char *at;     /* "host/path?query" */
    const char *status; /* "200 OK"; NULL: takes the request and never answers */
    const char *header; /* "Location: ..."; NULL: none */
    const char *body;
    unsigned times;     /* the body is said so often; 0: once */
};

struct https_visit;

struct https_server {
    uv_tcp_t tcp;
    struct tls_context *context; /* borrowed */
    const struct https_page *pages;
    size_t page_count;
    uint16_t port;               /* on 127.0.0.1 */
    struct buf seen;             /* each request whole, one after another */
    struct https_visit *visits;
};

void https_server_start(struct https_server *server, struct loop *loop, struct tls_context *context,
                        const struct https_page *pages, size_t page_count);
void https_server_stop(struct https_server *server); /* its memory is needed until the loop is freed */

#endif
