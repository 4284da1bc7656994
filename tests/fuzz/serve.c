/* Whatever a caller says before hanging up: of each request the callee hears once what became of it, and one
 * that came through keeps to the limits. */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "net/serve_face.h"
#include "os/module.h"

enum { BODY_MAX = 4096, TURNS_MAX = 10000 };

static const struct serve_face *face;
static struct serve_request *open_request;

static uint64_t on_began(void *line, struct serve_request *request)
{
    (void)line;
    assert(!open_request);
    open_request = request;
    assert(span_starts(request->path, "/") && request->header_count <= SERVE_LINES_MAX);
    assert(serve_header(request, "Host").at);
    return BODY_MAX;
}

static void on_asked(void *line, struct serve_request *request)
{
    const struct serve_answer answer = { .status = 200, .type = "text/plain", .body = request->body };
    (void)line;

    assert(open_request == request && request->body.len <= BODY_MAX);
    face->answer(request, &answer);
}

static void on_over(void *line, struct serve_request *request, bool answered)
{
    (void)line, (void)answered;
    assert(!open_request || open_request == request);
    open_request = NULL;
}

static void on_gone(void *line)
{
    *(bool *)line = true;
}

static const struct reader_events events = { on_began, NULL, on_asked, on_over, on_gone };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const void *found = NULL;
    struct reader *reader;
    struct reader_line *line;
    uv_loop_t loop;
    int ends[2];
    bool gone = false;
    unsigned turns = 0;
    char answer[4096];

    if (len > 64 * 1024)
        return 0;
    assert(module_load(SERVE_MODULE, SERVE_SYMBOL, &found, NULL));
    face = found;
    open_request = NULL;
    assert(uv_loop_init(&loop) == 0);
    assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    assert(face->open(&loop, &events, &reader, NULL));
    assert(face->add(reader, ends[1], &gone, &line, NULL));
    while (!gone) {
        ssize_t sent = len ? send(ends[0], data, len, MSG_NOSIGNAL) : 0;
        data += sent > 0 ? sent : 0;
        len -= sent > 0 ? (size_t)sent : 0;
        if (!len)
            shutdown(ends[0], SHUT_WR);
        uv_run(&loop, UV_RUN_NOWAIT);
        while (read(ends[0], answer, sizeof answer) > 0)
            ;
        assert(turns++ < TURNS_MAX);
    }
    assert(!open_request);
    face->free(reader);
    uv_run(&loop, UV_RUN_DEFAULT);
    assert(uv_loop_close(&loop) == 0);
    close(ends[0]);
    return 0;
}
