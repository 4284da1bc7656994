#include "cli/input.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
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

bool input_words(const struct cli *cli, struct buf *out, struct err *err)
{
    if (cli->args.operand_count == 1 && strcmp(cli->args.operands[0], "-") == 0)
        return input_all(out, err);
    for (size_t i = 0; i < cli->args.operand_count; i++) {
        buf_add(out, i ? " " : "");
        buf_add(out, cli->args.operands[i]);
    }
    return !out->full || err_set(err, ERR_LIMIT, "that is too much text");
}

/* Byte by byte: what stands after the line is not ours to take. */
static bool read_line(int fd, struct buf *line, struct err *err)
{
    char c;

    for (;;) {
        ssize_t got = read(fd, &c, 1);
        if (got < 0)
            return errno == EINTR ? err_set(err, ERR_USAGE, "interrupted")
                                  : err_sys(err, ERR_IO, errno, "reading the answer");
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

    return read_line(STDIN_FILENO, &line, err) && take_secret(&line, ret_secret, err);
}

static void interrupted(int number)
{
    (void)number; /* read() returns with EINTR: that is all it is for */
}

bool input_secret(const struct cli *cli, const char *question, struct secret **ret_secret,
                  struct err *err)
{
    const struct sigaction notice = { .sa_handler = interrupted };
    struct sigaction old_int, old_term;
    struct termios before, quiet;
    HELD(buf) line = BUF(LINE_MOST);

    if (!cli->may_ask)
        return err_set(err, ERR_USAGE, "a password is needed and nobody is there to ask; give it by "
                                       "--password-stdin or --password-command COMMAND");
    if (tcgetattr(STDIN_FILENO, &before) != 0)
        return err_sys(err, ERR_IO, errno, "the terminal");
    quiet = before;
    quiet.c_lflag &= ~(tcflag_t)ECHO;
    sigaction(SIGINT, &notice, &old_int);
    sigaction(SIGTERM, &notice, &old_term);
    /* Silent before the question can be seen: a quick typist's first letters would be shown. */
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    fputs(question, stderr);
    bool read = read_line(STDIN_FILENO, &line, err);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    sigaction(SIGINT, &old_int, NULL);
    sigaction(SIGTERM, &old_term, NULL);
    fputc('\n', stderr);
    return read && take_secret(&line, ret_secret, err);
}

bool input_yes(const struct cli *cli, const char *question)
{
    HELD(buf) line = BUF(LINE_MOST);

    if (!cli->may_ask)
        return false;
    fprintf(stderr, "%s [y/N] ", question);
    return read_line(STDIN_FILENO, &line, NULL) &&
           (span_is_word(buf_span(&line), "y") || span_is_word(buf_span(&line), "yes"));
}
