/* Between net/serve.c, which keeps lines and deadlines, and the module outpost-serve.so
 * (net/serve_microhttpd.c), which reads requests and writes answers by libmicrohttpd.
 *
 * A line's bytes come and go through a socket within the process. What is told of a line may be answered
 * by any of the calls below, from within; a line that was forgotten is told nothing more.
 */
#ifndef OUTPOST_NET_SERVE_FACE_H
#define OUTPOST_NET_SERVE_FACE_H

#include "net/serve.h"

#define SERVE_MODULE "outpost-serve.so"
#define SERVE_SYMBOL "outpost_serve"

struct uv_loop_s;
struct reader;      /* all lines of a server */
struct reader_line; /* one of them */

struct reader_events {
    /* A head within the limits: how much body is wanted. */
    uint64_t (*began)(void *line, struct serve_request *request);
    void (*piece)(void *line, struct serve_request *request, struct span piece); /* NULL: gathered */
    void (*asked)(void *line, struct serve_request *request);
    /* It is over and gone: answered, or not (then the line is over, too). */
    void (*over)(void *line, struct serve_request *request, bool answered);
    /* The line is not the reader's any more: its last bytes may still be on their way. */
    void (*gone)(void *line);
};

struct serve_face {
    bool (*open)(struct uv_loop_s *loop, const struct reader_events *events, struct reader **ret_reader,
                 struct err *err);
    /* `fd` is the reader's from now, closed when it wants no more of the line. */
    bool (*add)(struct reader *reader, int fd, void *line, struct reader_line **ret_line,
                struct err *err);
    void (*forget)(struct reader_line *line);
    void (*answer)(struct serve_request *request, const struct serve_answer *answer);
    void (*free)(struct reader *reader);
};

/* What a head is refused with, or 0. Looks at all but the method. */
unsigned serve_refusal(const struct serve_request *request, size_t head_len, size_t line_count);

#endif
