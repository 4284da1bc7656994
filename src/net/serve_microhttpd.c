/* The daemon of libmicrohttpd never sees a network: each line is the other end of a socket within the
 * process. Its epoll descriptor is watched by the loop, and it runs when that says so. */
#include "net/serve_face.h"

#include <microhttpd.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"

#include "base/banned.h"

enum {
    READER_MAGIC = 0x68747470,
    EXCHANGE_MAGIC = 0x65786368,
    LINE_MEMORY = 32 * 1024,            /* what the library may use for a line: head, piece, answer's head */
    LINES_MAX = 4 * SERVE_CALLERS_MAX,  /* those that it has not cleared away yet count as well */
    METHOD_NOT_ALLOWED = 405,
    CONTENT_TOO_LARGE = 413,
};

struct reader {
    uint32_t magic;
    struct MHD_Daemon *daemon;
    uv_poll_t poll;
    uv_timer_t again; /* when it has more to do, though nothing came */
    unsigned handles;
    struct reader_line *lines;
    const struct reader_events *events;
    bool running, closing; /* closing: as soon as it no longer runs */
    void *adding;          /* the line that is being added */
};

struct reader_line {
    struct reader *reader;
    void *line; /* NULL: forgotten */
    struct exchange *exchange;
    struct reader_line *next, **link; /* link: what points at this one */
};

struct exchange {
    struct serve_request request; /* first: whoever has it has the exchange */
    uint32_t magic;
    struct reader_line *line;
    struct MHD_Connection *connection;
    char *target;
    size_t line_count;
    uint64_t body_max;
    struct buf body;
    bool begun, asked, suspended;
    unsigned status;
    struct MHD_Response *response;
};

/* ---- an exchange ---- */

static struct exchange *exchange_of(struct serve_request *request)
{
    struct exchange *exchange = (struct exchange *)request;

    if (exchange->magic != EXCHANGE_MAGIC)
        abort();
    return exchange;
}

static void exchange_free(struct exchange *exchange)
{
    if (!exchange)
        return;
    exchange->line->exchange = NULL;
    if (exchange->response)
        MHD_destroy_response(exchange->response);
    buf_done(&exchange->body);
    if (exchange->target)
        str_wipe(exchange->target, strlen(exchange->target)); /* a code may stand there */
    mem_free(exchange->target);
    OBJ_GONE(exchange);
    mem_free(exchange);
}

static struct reader_line *line_of(struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

    return info ? info->socket_context : NULL;
}

/* The first word of a request: later the library writes into these bytes. */
static void *on_target(void *who, const char *target, struct MHD_Connection *connection)
{
    struct reader_line *line = line_of(connection);
    struct exchange *exchange = line ? NEW(exchange) : NULL;
    (void)who;

    if (!exchange)
        return NULL;
    exchange_free(line->exchange);
    line->exchange = exchange;
    exchange->magic = EXCHANGE_MAGIC;
    exchange->line = line;
    exchange->connection = connection;
    exchange->target = str_copy(target);
    struct span rest = span_of(exchange->target);
    exchange->request.path = span_cut(rest, 0, span_find(rest, '?'));
    exchange->request.query = span_from(rest, exchange->request.path.len + 1);
    return exchange;
}

static enum MHD_Result on_header(void *who, enum MHD_ValueKind kind, const char *name, size_t name_len,
                                 const char *value, size_t value_len)
{
    struct exchange *exchange = who;
    struct serve_request *request = &exchange->request;
    (void)kind;

    exchange->line_count++;
    if (request->header_count < SERVE_LINES_MAX)
        request->headers[request->header_count++] =
            (struct serve_header){ { name, name_len }, { value, value_len } };
    return MHD_YES;
}

static bool read_method(const char *word, enum serve_method *ret_method)
{
    static const char *const words[] = { [SERVE_GET] = "GET", [SERVE_HEAD] = "HEAD",
                                         [SERVE_POST] = "POST" };

    for (size_t i = 0; i < COUNT(words); i++) {
        if (strcmp(words[i], word) == 0) {
            *ret_method = (enum serve_method)i;
            return true;
        }
    }
    return false;
}

static uint64_t announced(const struct serve_request *request)
{
    uint64_t len = 0;

    if (serve_header(request, "Transfer-Encoding").at)
        return UINT64_MAX;
    if (!str_to_u64(serve_header(request, "Content-Length"), 0, UINT64_MAX - 1, &len))
        return 0; /* there is none: the library refuses what is no number */
    return len;
}

static void run_soon(struct reader *reader);

static void resume(struct exchange *exchange)
{
    if (!exchange->suspended)
        return;
    exchange->suspended = false;
    MHD_resume_connection(exchange->connection);
    run_soon(exchange->line->reader);
}

/* ---- answers ---- */

static enum MHD_Result send_answer(struct exchange *exchange)
{
    return MHD_queue_response(exchange->connection, exchange->status, exchange->response);
}

/* Our own words, before anybody was told of the request. */
static enum MHD_Result refuse(struct exchange *exchange, unsigned status)
{
    HELD(buf) text = BUF(128);

    buf_addf(&text, "%u %s\n", status, MHD_get_reason_phrase_for(status));
    exchange->status = status;
    exchange->response = MHD_create_response_from_buffer(
        text.len, (char *)(uintptr_t)buf_text(&text), MHD_RESPMEM_MUST_COPY);
    if (!exchange->response)
        return MHD_NO;
    MHD_add_response_header(exchange->response, "Content-Type", "text/plain");
    if (status == METHOD_NOT_ALLOWED)
        MHD_add_response_header(exchange->response, "Allow", "GET, HEAD, POST");
    return send_answer(exchange);
}

static void add_header(struct MHD_Response *response, const char *line)
{
    struct span value = span_of(line), name;
    HELD(buf) text = BUF(SERVE_HEAD_MAX);

    span_split(&value, ':', &name);
    buf_add_span(&text, name);
    buf_add_char(&text, '\0');
    buf_add_span(&text, span_trim(value));
    if (!text.full)
        MHD_add_response_header(response, buf_text(&text), buf_text(&text) + name.len + 1);
}

static void answer(struct serve_request *request, const struct serve_answer *said)
{
    struct exchange *exchange = exchange_of(request);

    exchange->status = said->status;
    exchange->response = MHD_create_response_from_buffer(
        said->body.len, (char *)(uintptr_t)said->body.at, MHD_RESPMEM_MUST_COPY);
    if (exchange->response && said->type)
        MHD_add_response_header(exchange->response, "Content-Type", said->type);
    for (const char *const *line = said->headers; exchange->response && line && *line; line++)
        add_header(exchange->response, *line);
    resume(exchange); /* else it is sent as soon as `asked` returns */
}

/* ---- what the library asks ---- */

static bool is_wanted(const struct exchange *exchange)
{
    return exchange->line->line && !exchange->line->reader->closing;
}

static enum MHD_Result begin(struct exchange *exchange, const char *method)
{
    struct serve_request *request = &exchange->request;
    const struct reader_events *events = exchange->line->reader->events;
    const union MHD_ConnectionInfo *head = MHD_get_connection_info(
        exchange->connection, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);

    exchange->begun = true;
    MHD_get_connection_values_n(exchange->connection, MHD_HEADER_KIND, on_header, exchange);
    unsigned status = serve_refusal(request, head ? head->header_size : 0, exchange->line_count);
    if (status)
        return refuse(exchange, status);
    if (!read_method(method, &request->method))
        return refuse(exchange, METHOD_NOT_ALLOWED);
    request->body_len = announced(request);
    exchange->body_max = events->began(exchange->line->line, request);
    if (!is_wanted(exchange))
        return MHD_NO;
    if (exchange->response)
        return send_answer(exchange);
    if (request->body_len == UINT64_MAX ? !exchange->body_max : request->body_len > exchange->body_max)
        return refuse(exchange, CONTENT_TOO_LARGE);
    exchange->body = (struct buf)BUF(events->piece ? 0 : exchange->body_max);
    return MHD_YES;
}

/* A body in chunks tells its length last: what is more than was wanted ends the line. */
static enum MHD_Result take_piece(struct exchange *exchange, struct span piece)
{
    const struct reader_events *events = exchange->line->reader->events;

    if (piece.len > exchange->body_max)
        return MHD_NO;
    exchange->body_max -= piece.len;
    if (!events->piece) {
        buf_add_span(&exchange->body, piece);
        return exchange->body.full ? MHD_NO : MHD_YES;
    }
    events->piece(exchange->line->line, &exchange->request, piece);
    return is_wanted(exchange) ? MHD_YES : MHD_NO;
}

static enum MHD_Result ask(struct exchange *exchange)
{
    if (!exchange->asked) {
        exchange->asked = true;
        exchange->request.body = buf_span(&exchange->body);
        exchange->line->reader->events->asked(exchange->line->line, &exchange->request);
    } else if (!exchange->response) {
        return MHD_NO; /* there was no memory for the answer */
    }
    if (!is_wanted(exchange))
        return MHD_NO;
    if (exchange->response)
        return send_answer(exchange);
    exchange->suspended = true;
    MHD_suspend_connection(exchange->connection);
    return MHD_YES;
}

static enum MHD_Result on_request(void *who, struct MHD_Connection *connection, const char *url,
                                  const char *method, const char *version, const char *piece,
                                  size_t *piece_len, void **context)
{
    struct exchange *exchange = *context;
    (void)who, (void)connection, (void)url, (void)version;

    if (!exchange || !exchange->target || !is_wanted(exchange))
        return MHD_NO;
    if (!exchange->begun)
        return begin(exchange, method);
    if (!*piece_len)
        return ask(exchange);
    enum MHD_Result good = take_piece(exchange, (struct span){ piece, *piece_len });
    *piece_len = 0;
    return good;
}

static void on_completed(void *who, struct MHD_Connection *connection, void **context,
                         enum MHD_RequestTerminationCode how)
{
    struct exchange *exchange = *context;
    (void)who, (void)connection;

    *context = NULL;
    if (!exchange)
        return;
    if (is_wanted(exchange))
        exchange->line->reader->events->over(exchange->line->line, &exchange->request,
                                             how == MHD_REQUEST_TERMINATED_COMPLETED_OK);
    exchange_free(exchange);
}

/* ---- lines ---- */

static void on_line(void *who, struct MHD_Connection *connection, void **context,
                    enum MHD_ConnectionNotificationCode what)
{
    struct reader *reader = OBJ(reader, READER_MAGIC, who);
    struct reader_line *line = *context;
    (void)connection;

    if (what == MHD_CONNECTION_NOTIFY_STARTED) {
        *context = reader->adding;
        reader->adding = NULL;
    } else if (line) {
        *context = NULL;
        exchange_free(line->exchange);
        *line->link = line->next;
        if (line->next)
            line->next->link = line->link;
        if (line->line)
            reader->events->gone(line->line);
        mem_free(line);
    }
}

static bool add(struct reader *reader, int fd, void *whose, struct reader_line **ret_line,
                struct err *err)
{
    const struct sockaddr address = { .sa_family = AF_UNIX };
    struct reader_line *line = NEW(reader_line);

    if (!line) {
        close(fd);
        return err_no_memory(err);
    }
    *line = (struct reader_line){ .reader = reader, .line = whose, .next = reader->lines,
                                  .link = &reader->lines };
    reader->adding = line;
    /* It closes the descriptor where it fails, too. */
    if (MHD_add_connection(reader->daemon, fd, &address, sizeof address) != MHD_YES ||
        reader->adding) {
        mem_free(reader->adding);
        reader->adding = NULL;
        return err_no_memory(err);
    }
    if (line->next)
        line->next->link = &line->next;
    reader->lines = line;
    *ret_line = line;
    run_soon(reader);
    return true;
}

static void forget(struct reader_line *line)
{
    line->line = NULL;
    if (line->exchange)
        resume(line->exchange);
}

/* ---- the library on the loop ---- */

static void on_closed(uv_handle_t *handle)
{
    struct reader *reader = OBJ(reader, READER_MAGIC, handle->data);

    if (--reader->handles)
        return;
    OBJ_GONE(reader);
    mem_free(reader);
}

static void stop(struct reader *reader)
{
    for (struct reader_line *line = reader->lines; line; line = line->next)
        forget(line);
    if (uv_is_active((uv_handle_t *)&reader->poll))
        uv_poll_stop(&reader->poll);
    MHD_stop_daemon(reader->daemon);
    uv_close((uv_handle_t *)&reader->poll, on_closed);
    uv_close((uv_handle_t *)&reader->again, on_closed);
}

static void reader_free(struct reader *reader)
{
    reader->closing = true;
    if (!reader->running)
        stop(reader);
}

static void run(struct reader *reader)
{
    MHD_UNSIGNED_LONG_LONG wait;

    reader->running = true;
    MHD_run(reader->daemon);
    reader->running = false;
    if (reader->closing)
        stop(reader);
    else if (MHD_get_timeout(reader->daemon, &wait) == MHD_YES && wait == 0)
        run_soon(reader);
}

static void on_again(uv_timer_t *timer)
{
    run(OBJ(reader, READER_MAGIC, timer->data));
}

static void run_soon(struct reader *reader)
{
    uv_timer_start(&reader->again, on_again, 0, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    (void)status, (void)events;
    run(OBJ(reader, READER_MAGIC, poll->data));
}

/* Percent signs are the callee's to read. */
static size_t as_it_is(void *who, struct MHD_Connection *connection, char *text)
{
    (void)who, (void)connection;
    return strlen(text);
}

static struct MHD_Daemon *start_daemon(struct reader *reader)
{
    return MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_ALLOW_SUSPEND_RESUME, 0, NULL,
                            NULL, on_request, reader,                                        /**/
                            MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)LINE_MEMORY,         /**/
                            MHD_OPTION_CONNECTION_LIMIT, (unsigned)LINES_MAX,                /**/
                            MHD_OPTION_STRICT_FOR_CLIENT, 1,                                 /**/
                            MHD_OPTION_UNESCAPE_CALLBACK, as_it_is, (void *)NULL,            /**/
                            MHD_OPTION_URI_LOG_CALLBACK, on_target, (void *)reader,          /**/
                            MHD_OPTION_NOTIFY_CONNECTION, on_line, (void *)reader,           /**/
                            MHD_OPTION_NOTIFY_COMPLETED, on_completed, (void *)reader,       /**/
                            MHD_OPTION_END);
}

static bool reader_open(struct uv_loop_s *loop, const struct reader_events *events,
                        struct reader **ret_reader, struct err *err)
{
    struct reader *reader = NEW(reader);

    if (!reader)
        return err_no_memory(err);
    reader->magic = READER_MAGIC;
    reader->events = events;
    reader->daemon = start_daemon(reader);
    const union MHD_DaemonInfo *info =
        reader->daemon ? MHD_get_daemon_info(reader->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
    if (!info || uv_poll_init(loop, &reader->poll, info->epoll_fd) != 0) {
        if (reader->daemon)
            MHD_stop_daemon(reader->daemon);
        mem_free(reader);
        return err_set(err, ERR_INTERNAL, "starting libmicrohttpd");
    }
    uv_timer_init(loop, &reader->again);
    reader->poll.data = reader->again.data = reader;
    reader->handles = 2;
    uv_poll_start(&reader->poll, UV_READABLE, on_poll);
    *ret_reader = reader;
    return true;
}

__attribute__((visibility("default"))) extern const struct serve_face outpost_serve;
const struct serve_face outpost_serve = { reader_open, add, forget, answer, reader_free };
