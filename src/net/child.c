#include "net/child.h"

#include <linux/close_range.h>
#include <signal.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/command.h"
#include "net/environment.h"
#include "net/loop_int.h"
#include "net/timer.h"

#include "base/banned.h"

enum { CHILD_MAGIC = 0x6368696c, FIRST_OF_OURS = 3, PIECE_MAX = 4096 };

/* The pipes close when they are read or written to the end or the child is given up; the process when it has
 * been reaped, so that none stays a zombie. With the last of them the memory goes. */
struct child {
    uint32_t magic;
    uv_process_t process;
    uv_pipe_t input_pipe, output_pipe, error_pipe;
    uv_write_t write;
    unsigned alive; /* handles not closed yet */
    bool running, input_open, output_open, error_open, told;
    struct timer *timer;
    struct buf input, output, complaint;
    int64_t status;
    int signal;
    const char *name; /* argv[0], a copy */
    child_done *done;
    void *data;
    char piece[PIECE_MAX];
};

/* ---- its end ---- */

static void on_closed(uv_handle_t *handle)
{
    struct child *child = OBJ(child, CHILD_MAGIC, handle->data);

    if (--child->alive)
        return;
    buf_done(&child->input);
    buf_done(&child->output);
    buf_done(&child->complaint);
    str_wipe(child->piece, sizeof child->piece);
    mem_free((void *)(uintptr_t)child->name);
    OBJ_GONE(child);
    mem_free(child);
}

static void close_pipe(uv_pipe_t *pipe, bool *open)
{
    if (*open)
        uv_close((uv_handle_t *)pipe, on_closed);
    *open = false;
}

/* Nobody waits any more. What still runs is killed and reaped. */
static void give_up(struct child *child)
{
    child->told = true;
    timer_free(child->timer);
    child->timer = NULL;
    close_pipe(&child->input_pipe, &child->input_open);
    close_pipe(&child->output_pipe, &child->output_open);
    close_pipe(&child->error_pipe, &child->error_open);
    if (child->running)
        uv_process_kill(&child->process, SIGKILL);
}

static void fail(struct child *child, const struct err *err)
{
    give_up(child);
    child->done(child->data, NULL, err);
}

static void end_if_over(struct child *child)
{
    struct err err = { 0 };

    if (child->told || child->running || child->output_open || child->error_open)
        return;
    if (child->status || child->signal) {
        if (child->signal)
            err_set(&err, ERR_INPUT, "%s was killed by signal %d", child->name, child->signal);
        else
            err_set(&err, ERR_INPUT, "%s ended with status %d", child->name, (int)child->status);
        err_said(&err, span_trim(buf_span(&child->complaint)));
        fail(child, &err);
        return;
    }
    give_up(child);
    child->done(child->data, &child->output, NULL);
    buf_clear(&child->output);
}

static void on_reaped(uv_process_t *process, int64_t status, int signal)
{
    struct child *child = OBJ(child, CHILD_MAGIC, process->data);

    child->running = false;
    child->status = status;
    child->signal = signal;
    end_if_over(child);
    uv_close((uv_handle_t *)process, on_closed);
}

static void on_deadline(void *who)
{
    struct child *child = OBJ(child, CHILD_MAGIC, who);
    struct err err;

    err_set(&err, ERR_INPUT, "%s took too long", child->name);
    fail(child, &err);
}

/* ---- what it says ---- */

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct child *child = OBJ(child, CHILD_MAGIC, handle->data);
    (void)wanted;

    *buf = uv_buf_init(child->piece, sizeof child->piece);
}

static void on_output(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct child *child = OBJ(child, CHILD_MAGIC, stream->data);
    struct err err;

    if (len < 0) {
        close_pipe(&child->output_pipe, &child->output_open);
        end_if_over(child);
        return;
    }
    buf_add_span(&child->output, (struct span){ buf->base, (size_t)len });
    str_wipe(child->piece, (size_t)len);
    if (!child->output.full)
        return;
    if (child->output.len + (size_t)len <= CHILD_OUTPUT_MAX)
        err_no_memory(&err);
    else
        err_set(&err, ERR_LIMIT, "%s wrote more than %d KB", child->name, CHILD_OUTPUT_MAX / 1024);
    fail(child, &err);
}

static void on_complaint(uv_stream_t *stream, ssize_t len, const uv_buf_t *buf)
{
    struct child *child = OBJ(child, CHILD_MAGIC, stream->data);

    if (len >= 0) {
        size_t room = CHILD_ERROR_MAX - child->complaint.len;
        buf_add_span(&child->complaint,
                     span_cut((struct span){ buf->base, (size_t)len }, 0, room));
        return;
    }
    close_pipe(&child->error_pipe, &child->error_open);
    end_if_over(child);
}

/* ---- what it is told ---- */

/* Said to the end, or it has hung up: either way there is no more to be said. */
static void on_said(uv_write_t *write, int status)
{
    struct child *child = OBJ(child, CHILD_MAGIC, write->data);

    (void)status;
    close_pipe(&child->input_pipe, &child->input_open);
}

static void say_input(struct child *child)
{
    uv_buf_t bytes = uv_buf_init(child->input.at, (unsigned)child->input.len);

    if (!child->input_open)
        return;
    child->write.data = child;
    if (!child->input.len || uv_write(&child->write, (uv_stream_t *)&child->input_pipe, &bytes, 1, on_said))
        close_pipe(&child->input_pipe, &child->input_open);
}

/* ---- its beginning ---- */

static struct child *child_new(struct loop *loop, const char *const *argv, const struct child_told *told)
{
    struct child *child = NEW(child);

    if (!child)
        return NULL;
    child->magic = CHILD_MAGIC;
    child->input = (struct buf)BUF(told->input.len);
    child->output = (struct buf)BUF(CHILD_OUTPUT_MAX);
    child->complaint = (struct buf)BUF(CHILD_ERROR_MAX);
    child->name = str_copy(argv[0]);
    child->timer = timer_new(loop, on_deadline, child);
    child->process.data = child->input_pipe.data = child->output_pipe.data = child->error_pipe.data = child;
    uv_pipe_init(loop_uv(loop), &child->input_pipe, 0);
    uv_pipe_init(loop_uv(loop), &child->output_pipe, 0);
    uv_pipe_init(loop_uv(loop), &child->error_pipe, 0);
    child->input_open = child->output_open = child->error_open = true;
    child->alive = 3;
    buf_add_span(&child->input, told->input);
    if (child->name && child->timer && !child->input.full)
        return child;
    give_up(child);
    return NULL;
}

static uv_stdio_container_t a_pipe(uv_pipe_t *pipe, int flags)
{
    return (uv_stdio_container_t){ .flags = (uv_stdio_flags)(UV_CREATE_PIPE | flags),
                                   .data.stream = (uv_stream_t *)pipe };
}

static int spawn(struct loop *loop, struct child *child, const char *const *argv, const char **environment)
{
    uv_stdio_container_t stdio[] = {
        child->input.len ? a_pipe(&child->input_pipe, UV_READABLE_PIPE)
                         : (uv_stdio_container_t){ .flags = UV_IGNORE },
        a_pipe(&child->output_pipe, UV_WRITABLE_PIPE),
        a_pipe(&child->error_pipe, UV_WRITABLE_PIPE),
    };
    uv_process_options_t options = {
        .file = argv[0],
        .args = (char **)(uintptr_t)argv,
        .env = (char **)(uintptr_t)environment,
        .exit_cb = on_reaped,
        .stdio = stdio,
        .stdio_count = COUNT(stdio),
    };

    /* Whatever we were born with and did not open ourselves stays with us, too. */
    close_range(FIRST_OF_OURS, ~0u, CLOSE_RANGE_CLOEXEC);
    int bad = uv_spawn(loop_uv(loop), &child->process, &options);
    child->alive++;
    child->running = bad == 0;
    if (bad)
        uv_close((uv_handle_t *)&child->process, on_closed);
    return bad;
}

bool child_tell(struct loop *loop, const char *const *argv, const struct child_told *told, uint64_t deadline,
                child_done *done, void *data, struct child **ret_child, struct err *err)
{
    const char **environment = told->variables ? environment_with(told->variables) : NULL;
    struct child *child = told->variables && !environment ? NULL : child_new(loop, argv, told);

    if (!child) {
        mem_free(environment);
        return err_no_memory(err);
    }
    child->done = done;
    child->data = data;
    int bad = spawn(loop, child, argv, environment);
    mem_free(environment);
    if (bad) {
        give_up(child);
        return err_sys(err, ERR_CONFIG, loop_errno(bad), "%s can't be started", argv[0]);
    }
    timer_set(child->timer, deadline);
    say_input(child);
    uv_read_start((uv_stream_t *)&child->output_pipe, on_room, on_output);
    uv_read_start((uv_stream_t *)&child->error_pipe, on_room, on_complaint);
    if (ret_child)
        *ret_child = child;
    return true;
}

bool child_run(struct loop *loop, const char *const *argv, uint64_t deadline, child_done *done, void *data,
               struct child **ret_child, struct err *err)
{
    static const struct child_told nothing;

    return child_tell(loop, argv, &nothing, deadline, done, data, ret_child, err);
}

bool child_tell_command(struct loop *loop, struct span line, const struct child_told *told,
                        uint64_t deadline, child_done *done, void *data, struct child **ret_child,
                        struct err *err)
{
    HELD(command) command = { 0 };

    return command_parse(line, &command, err) &&
           child_tell(loop, command.argv, told, deadline, done, data, ret_child, err);
}

bool child_run_command(struct loop *loop, struct span line, uint64_t deadline, child_done *done, void *data,
                       struct child **ret_child, struct err *err)
{
    static const struct child_told nothing;

    return child_tell_command(loop, line, &nothing, deadline, done, data, ret_child, err);
}

void child_cancel(struct child *child)
{
    if (child)
        give_up(child);
}
