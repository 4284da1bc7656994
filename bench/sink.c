/* A provider that costs little: STARTTLS, AUTH PLAIN (whatever the password), PIPELINING, CHUNKING; it keeps nothing, and
 * writes a dot for each message it took. So whoever sends to it is what is measured.
 *
 *     bench-sink CHAIN.PEM KEY.PEM        says "ready PORT", on a port of the loopback
 */
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/listen.h"
#include "net/loop.h"
#include "net/tls.h"
#include "os/disk.h"
#include "os/file.h"
#include "session/server.h"

enum { PEM_MAX = 64 * 1024 };

struct sink {
    struct loop *loop;
    struct session_server_plan plan;
};

static void asked(void *who, struct session_server *session, enum smtp_question question)
{
    (void)who;
    if (question == SMTP_ASK_KEEP && write(STDOUT_FILENO, ".", 1) != 1)
        _exit(1);
    session_server_answer(session, &(struct smtp_answer){ .yes = true });
}

static void body(void *who, struct session_server *session, struct span piece)
{
    (void)who, (void)piece;
    session_server_body_kept(session);
}

static void dropped(void *who, struct session_server *session)
{
    (void)who, (void)session;
}

static void over(void *who, struct session_server *session, const struct err *why)
{
    (void)who, (void)why;
    session_server_free(session);
}

static void came(void *who, struct stream *stream)
{
    static const struct session_server_events events = { asked, body, dropped, over };
    struct sink *sink = who;
    struct session_server *session;

    if (!session_serve(sink->loop, stream, &sink->plan, &events, sink, &session, NULL))
        _exit(1);
}

static bool open_sink(struct sink *sink, const char *chain_file, const char *key_file, uint16_t *ret_port, struct err *err)
{
    HELD(buf) chain = BUF(PEM_MAX), key = BUF(PEM_MAX);
    struct listener *listener;

    if (!file_read(&disk_system, chain_file, PEM_MAX, FILE_ANY, &chain, err) ||
        !file_read(&disk_system, key_file, PEM_MAX, FILE_ANY, &key, err))
        return false;
    const struct tls_server_plan tls = { .chain_pem = buf_span(&chain), .key_pem = buf_span(&key) };
    sink->plan.smtp.name = "sink.test";
    smtp_extensions_read(span_of("x\nPIPELINING\n8BITMIME\nCHUNKING\nENHANCEDSTATUSCODES\nSTARTTLS"), &sink->plan.smtp.clear);
    smtp_extensions_read(span_of("x\nPIPELINING\n8BITMIME\nCHUNKING\nENHANCEDSTATUSCODES\nAUTH PLAIN"),
                         &sink->plan.smtp.secured);
    sink->plan.smtp.must_secure = sink->plan.smtp.must_sign_in = true;
    if (!tls_server_context(&tls, &sink->plan.tls, err) || !loop_new(&sink->loop, err) ||
        !listen_open(sink->loop, &(struct listen_plan){ .address = LISTEN_LOOPBACK }, came, sink, &listener, err))
        return false;
    *ret_port = listener_port(listener);
    return true;
}

int main(int argc, char **argv)
{
    struct sink sink = { 0 };
    struct err err = { 0 };
    uint16_t port = 0;

    if (argc != 3)
        return 64;
    if (!open_sink(&sink, argv[1], argv[2], &port, &err)) {
        fprintf(stderr, "bench-sink: %s\n", err.text);
        return 1;
    }
    printf("ready %u\n", port);
    fflush(stdout);
    loop_run(sink.loop);
    return 0;
}
