#include "support/caller.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/loop.h"

static void begin(struct caller *caller, struct loop *loop, int family)
{
    *caller = (struct caller){ .loop = loop, .fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0),
                               .heard = BUF(1 << 20) };
    assert_true(caller->fd >= 0);
}

void call_from(struct caller *caller, struct loop *loop, const char *from, uint16_t port)
{
    struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(port),
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    struct sockaddr_in own = { .sin_family = AF_INET };

    begin(caller, loop, AF_INET);
    assert_int_equal(inet_pton(AF_INET, from, &own.sin_addr), 1);
    assert_int_equal(bind(caller->fd, (struct sockaddr *)&own, sizeof own), 0);
    assert_int_equal(connect(caller->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void call(struct caller *caller, struct loop *loop, uint16_t port)
{
    call_from(caller, loop, "127.0.0.1", port);
}

void call_unix(struct caller *caller, struct loop *loop, const char *path)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    begin(caller, loop, AF_UNIX);
    assert_true(strlen(path) < sizeof address.sun_path);
    memcpy(address.sun_path, path, strlen(path) + 1);
    assert_int_equal(connect(caller->fd, (struct sockaddr *)&address, sizeof address), 0);
}

void hang_up(struct caller *caller)
{
    if (caller->fd >= 0)
        close(caller->fd);
    caller->fd = -1;
    tls_free(GIVE(caller->tls));
    buf_done(&caller->heard);
}

void say_bytes(struct caller *caller, struct span bytes)
{
    while (bytes.len) {
        ssize_t sent = send(caller->fd, bytes.at, bytes.len, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent > 0)
            bytes = span_from(bytes, (size_t)sent);
        else
            caller_turn(caller);
    }
}

static void tls_out(struct caller *caller)
{
    struct span records = tls_output(caller->tls);
    size_t len = records.len;

    if (!len)
        return;
    assert_int_equal(send(caller->fd, records.at, len, MSG_NOSIGNAL), (ssize_t)len);
    tls_sent(caller->tls, len);
}

void say(struct caller *caller, const char *text)
{
    if (!caller->tls) {
        say_bytes(caller, span_of(text));
        return;
    }
    assert_int_equal(tls_write(caller->tls, span_of(text)), strlen(text));
    tls_out(caller);
}

static void hear(struct caller *caller)
{
    char bytes[4096];
    ssize_t got = recv(caller->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got == 0)
        caller->ended = true;
    if (got <= 0)
        return;
    if (!caller->tls) {
        buf_add_span(&caller->heard, (struct span){ bytes, (size_t)got });
        return;
    }
    tls_feed(caller->tls, (struct span){ bytes, (size_t)got });
    for (size_t len; (len = tls_read(caller->tls, bytes, sizeof bytes));)
        buf_add_span(&caller->heard, (struct span){ bytes, len });
    tls_out(caller);
}

void caller_turn(struct caller *caller)
{
    bool listens = caller->fd >= 0 && !caller->ended;
    struct pollfd waits = { caller->fd, POLLIN, 0 };

    loop_turn(caller->loop);
    if (caller->turn)
        caller->turn(caller->who);
    poll(&waits, listens, 2);
    if (listens)
        hear(caller);
}

void begin_tls(struct caller *caller, struct tls_context *context, const char *name)
{
    assert_true(tls_client(context, name, SPAN_NONE, &caller->tls, NULL));
    tls_feed(caller->tls, SPAN_NONE);
    tls_out(caller);
    await(caller, tls_state(caller->tls) == TLS_OPEN);
}

void ask(struct caller *caller, const char *text, const char *words)
{
    buf_clear(&caller->heard);
    say(caller, text);
    await_words(caller, words);
}
