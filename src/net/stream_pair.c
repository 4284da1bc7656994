/* A line that stays within the process. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/stream_int.h"

#include "base/banned.h"

bool stream_pair(struct loop *loop, struct stream **ret_stream, int *ret_fd, struct err *err)
{
    int ends[2];
    struct stream *stream = stream_new(loop, true);

    if (!stream)
        return err_no_memory(err);
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        stream_free(stream);
        return err_sys(err, ERR_INTERNAL, errno, "making a pair of sockets");
    }
    int bad = uv_pipe_open(&stream->handle.pipe, ends[0]);
    if (bad) {
        stream_free(stream);
        close(ends[0]);
        close(ends[1]);
        return err_sys(err, ERR_INTERNAL, loop_errno(bad), "making a pair of sockets");
    }
    stream_connected(stream);
    *ret_stream = stream;
    *ret_fd = ends[1];
    return true;
}

void stream_pair_end(struct stream *stream)
{
    uv_os_fd_t fd;

    if (uv_fileno(&stream->handle.any, &fd) == 0)
        shutdown(fd, SHUT_WR);
}
