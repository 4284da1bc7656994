#include "support/check.h"

#include <netinet/in.h>

#include "base/alloc.h"
#include "base/scan.h"
#include "base/str.h"
#include "net/loop_int.h"
#include "support/https_server.h"

enum { ANSWER_MAX = 1 << 20, REQUEST_MAX = 1 << 16 };

struct https_visit {
    uv_tcp_t tcp;
    uv_write_t write;
    struct https_server *server;
    struct https_visit *next;
    struct tls *tls;
    struct buf request, line; /* line: encrypted bytes under way */
    bool answered;
    char bytes[4096];
};

static void on_gone(uv_handle_t *handle)
{
    struct https_visit *visit = handle->data;

    tls_free(visit->tls);
    buf_done(&visit->request);
    buf_done(&visit->line);
    mem_free(visit);
}

static void hang_up(struct https_visit *visit)
{
    struct https_visit **at = &visit->server->visits;

    while (*at && *at != visit)
        at = &(*at)->next;
    if (*at) {
        *at = visit->next;
        uv_close((uv_handle_t *)&visit->tcp, on_gone);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct https_visit *visit = write->data;
    (void)status;

    if (visit->answered)
        hang_up(visit);
}

/* What TLS has for the line leaves; one write at a time is enough for a test. */
static void flush(struct https_visit *visit)
{
    struct span out = tls_output(visit->tls);

    if (!out.len)
        return;
    buf_clear(&visit->line);
    buf_add_span(&visit->line, out);
    tls_sent(visit->tls, out.len);
    uv_buf_t buf = uv_buf_init((char *)(uintptr_t)buf_text(&visit->line), (unsigned)visit->line.len);
    visit->write.data = visit;
    if (visit->answered)
        uv_write(&visit->write, (uv_stream_t *)&visit->tcp, &buf, 1, on_written);
    else
        uv_try_write((uv_stream_t *)&visit->tcp, &buf, 1);
}

/* Has the head ended, and has as much come as Content-Length says? */
static bool is_whole(struct span request, struct span *ret_host, struct span *ret_path)
{
    size_t head = span_find_text(request, "\r\n\r\n");
    struct scan scan = scan_of(span_cut(request, 0, head));
    struct span line, word;
    uint64_t length = 0;

    if (head == request.len || !scan_line(&scan, &line))
        return false;
    span_split(&line, ' ', &word);
    span_split(&line, ' ', ret_path);
    while (scan_line(&scan, &line)) {
        if (span_starts_word(line, "host:"))
            *ret_host = span_trim(span_from(line, 5));
        if (span_starts_word(line, "content-length:"))
            assert_true(str_to_u64(span_trim(span_from(line, 15)), 0, REQUEST_MAX, &length));
    }
    return request.len >= head + 4 + length;
}

static const struct https_page *find(const struct https_server *server, struct span host,
                                     struct span path)
{
    static const struct https_page none = { .status = "404 Not Found", .body = "nothing here" };

    host = span_cut(host, 0, span_find(host, ':'));
    for (size_t i = 0; i < server->page_count; i++) {
        struct span at = span_of(server->pages[i].at);
        size_t slash = span_find(at, '/');
        if (span_equal_word(span_cut(at, 0, slash), host) && span_equal(span_from(at, slash), path))
            return &server->pages[i];
    }
    return &none;
}

static void answer(struct https_visit *visit, const struct https_page *page)
{
    HELD(buf) out = BUF(ANSWER_MAX);
    unsigned times = page->times ? page->times : 1;
    const char *body = page->body ? page->body : "";

    buf_addf(&out, "HTTP/1.1 %s\r\nContent-Length: %zu\r\nConnection: close\r\n%s%s\r\n", page->status,
             times * strlen(body), page->header ? page->header : "", page->header ? "\r\n" : "");
    while (times--)
        buf_add(&out, body);
    assert_false(out.full);
    struct span rest = buf_span(&out);
    while (rest.len) {
        size_t taken = tls_write(visit->tls, span_cut(rest, 0, 16384));
        assert_true(taken > 0);
        rest = span_from(rest, taken);
    }
    tls_goodbye(visit->tls);
    visit->answered = true;
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct https_visit *visit = handle->data;
    (void)wanted;
    *buf = uv_buf_init(visit->bytes, sizeof visit->bytes);
}

static void on_bytes(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct https_visit *visit = stream->data;
    struct https_server *server = visit->server;
    struct span host = SPAN(""), path = SPAN("");
    char plain[4096];
    size_t got;

    if (len < 0 || tls_feed(visit->tls, (struct span){ buf->base, (size_t)len }) == TLS_FAILED) {
        flush(visit);
        hang_up(visit);
        return;
    }
    while ((got = tls_read(visit->tls, plain, sizeof plain)) > 0)
        buf_add_span(&visit->request, (struct span){ plain, got });
    if (!visit->answered && is_whole(buf_span(&visit->request), &host, &path)) {
        const struct https_page *page = find(server, host, path);
        buf_add_span(&server->seen, buf_span(&visit->request));
        buf_clear(&visit->request);
        if (page->status)
            answer(visit, page);
    }
    flush(visit);
}

static void on_visit(uv_stream_t *stream, int status)
{
    struct https_server *server = stream->data;
    struct https_visit *visit = NEW(https_visit);
    struct err err;

    assert_int_equal(status, 0);
    assert_non_null(visit);
    visit->server = server;
    visit->request = (struct buf)BUF(REQUEST_MAX);
    visit->line = (struct buf)BUF(2 * ANSWER_MAX);
    assert_int_equal(uv_tcp_init(stream->loop, &visit->tcp), 0);
    visit->tcp.data = visit;
    assert_int_equal(uv_accept(stream, (uv_stream_t *)&visit->tcp), 0);
    assert_true(tls_server(server->context, &visit->tls, &err));
    visit->next = server->visits;
    server->visits = visit;
    assert_int_equal(uv_read_start((uv_stream_t *)&visit->tcp, on_room, on_bytes), 0);
}

void https_server_start(struct https_server *server, struct loop *loop, struct tls_context *context,
                        const struct https_page *pages, size_t page_count)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int len = sizeof here;

    *server = (struct https_server){ .context = context, .pages = pages, .page_count = page_count,
                                     .seen = BUF(REQUEST_MAX) };
    assert_int_equal(uv_tcp_init(loop_uv(loop), &server->tcp), 0);
    server->tcp.data = server;
    assert_int_equal(uv_tcp_bind(&server->tcp, (struct sockaddr *)&here, 0), 0);
    assert_int_equal(uv_tcp_getsockname(&server->tcp, (struct sockaddr *)&here, &len), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->tcp, 16, on_visit), 0);
    server->port = ntohs(here.sin_port);
}

void https_server_stop(struct https_server *server)
{
    while (server->visits)
        hang_up(server->visits);
    uv_close((uv_handle_t *)&server->tcp, NULL);
    buf_done(&server->seen);
}
