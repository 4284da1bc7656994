#include "cli/input.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>

#include "base/banned.h"

enum { PIECE = 64 * 1024, LINE_MOST = 4096 };

bool input_all(struct buf *out, struct err *err)
{
    for (;;) {
        char beyond; /* one byte more than fits tells that there is more */
        size_t most = out->ceiling - out->len < PIECE ? out->ceiling - out->len : PIECE;
        char *room = most ? buf_room(out, most) : &beyond;
        if (!room)
            return err_no_memory(err);
        ssize_t got = read(STDIN_FILENO, room, most ? most : 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, ERR_IO, errno, "reading standard input");
        if (got == 0)
            return true;
        if (most == 0)
            return err_set(err, ERR_LIMIT, "standard input has more than %zu bytes", out->ceiling);
        buf_wrote(out, (size_t)got);
    }
}

/* Where the buffer is full its older half goes: what it holds in the end is the end. */
static bool input_end(struct buf *out, struct err *err)
{
    for (;;) {
        if (out->len == out->ceiling)
            buf_drop_front(out, out->len - out->ceiling / 2);
        size_t most = out->ceiling - out->len < PIECE ? out->ceiling - out->len : PIECE;
        char *room = buf_room(out, most);
        if (!room)
            return err_no_memory(err);
        ssize_t got = read(STDIN_FILENO, room, most);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, ERR_IO, errno, "reading standard input");
        if (got == 0)
            return true;
        buf_wrote(out, (size_t)got);
    }
}

bool input_words(const struct cli *cli, struct buf *out, struct err *err)
{
    if (cli->args.operand_count == 1 && strcmp(cli->args.operands[0], "-") == 0)
        return input_end(out, err);
    for (size_t i = 0; i < cli->args.operand_count; i++) {
        buf_add(out, i ? " " : "");
        buf_add(out, cli->args.operands[i]);
    }
    return !out->full || err_set(err, ERR_LIMIT, "that is too much text");
}

/* True: a signal came before there was something to read. `signals` as of signalfd(); -1: none. */
static bool is_interrupted(int fd, int signals)
{
    struct pollfd waited_for[] = { { fd, POLLIN, 0 }, { signals, POLLIN, 0 } };

    while (poll(waited_for, COUNT(waited_for), -1) < 0)
        if (errno != EINTR)
            return false; /* read() will tell */
    return waited_for[1].revents != 0;
}

/* Byte by byte: what stands after the line is not ours to take. */
static bool read_line(int fd, int signals, struct buf *line, struct err *err)
{
    char c;

    for (;;) {
        if (is_interrupted(fd, signals))
            return err_set(err, ERR_USAGE, "interrupted");
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return err_sys(err, ERR_IO, errno, "reading the answer");
        if (got == 0 || c == '\n')
            break;
        buf_add_char(line, c);
    }
    if (line->len && line->at[line->len - 1] == '\r')
        buf_cut(line, line->len - 1);
    return !line->full || err_set(err, ERR_LIMIT, "the line has more than %d bytes", LINE_MOST);
}

static bool take_secret(struct buf *line, struct secret **ret_secret, struct err *err)
{
    if (line->len == 0)
        return err_found(err, ERR_SIGNIN, "auth:empty-password", "the password is empty");
    *ret_secret = secret_take(line);
    return *ret_secret || err_no_memory(err);
}

bool input_secret_line(struct secret **ret_secret, struct err *err)
{
    HELD(buf) line = BUF(LINE_MOST);

    return read_line(STDIN_FILENO, -1, &line, err) && take_secret(&line, ret_secret, err);
}

/* Asks with the echo off, and puts it back whatever happens: a signal that would end us is held back until
 * then, and ends us when it is let through again. */
static bool ask_silently(const char *question, const struct termios *before, struct buf *line,
                         struct err *err)
{
    struct termios quiet = *before;
    sigset_t held, usual;

    sigemptyset(&held);
    sigaddset(&held, SIGINT);
    sigaddset(&held, SIGTERM);
    sigaddset(&held, SIGHUP);
    sigaddset(&held, SIGQUIT);
    sigprocmask(SIG_BLOCK, &held, &usual);
    int signals = signalfd(-1, &held, SFD_CLOEXEC);
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    /* Silent before the question can be seen: a quick typist's first letters would be shown. */
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    fputs(question, stderr);
    bool read = read_line(STDIN_FILENO, signals, line, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, before);
    fputc('\n', stderr);
    if (signals >= 0)
        close(signals);
    sigprocmask(SIG_SETMASK, &usual, NULL);
    return read;
}

bool input_secret(const struct cli *cli, const char *question, struct secret **ret_secret,
                  struct err *err)
{
    struct termios before;
    HELD(buf) line = BUF(LINE_MOST);

    if (!cli->may_ask)
        return err_set(err, ERR_USAGE, "a password is needed and nobody is there to ask; give it by "
                                       "--password-stdin or --password-command COMMAND");
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return err_sys(err, ERR_IO, errno, "the terminal");
    return ask_silently(question, &before, &line, err) && take_secret(&line, ret_secret, err);
}

bool input_line(const struct cli *cli, const char *question, struct buf *out)
{
    HELD(buf) line = BUF(LINE_MOST);

    if (!cli->may_ask)
        return false;
    fputs(question, stderr);
    if (!read_line(STDIN_FILENO, -1, &line, NULL))
        return false;
    buf_add_span(out, span_trim(buf_span(&line)));
    return out->len && !out->full;
}

bool input_yes(const struct cli *cli, const char *question)
{
    HELD(buf) line = BUF(LINE_MOST);

    if (!cli->may_ask)
        return false;
    fprintf(stderr, "%s [y/N] ", question);
    return read_line(STDIN_FILENO, -1, &line, NULL) &&
           (span_is_word(buf_span(&line), "y") || span_is_word(buf_span(&line), "yes"));
}
