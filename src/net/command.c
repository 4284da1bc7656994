#include "net/command.h"

#include "base/scan.h"

#include "base/banned.h"

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* One word, up to a blank outside of quotes. */
static bool read_word(struct scan *scan, struct buf *out, struct err *err)
{
    char quote = '\0';

    for (; !scan_end(scan); scan->at++) {
        char c = scan_peek(scan);
        if (quote && c == quote) {
            quote = '\0';
        } else if (!quote && (c == '\'' || c == '"')) {
            quote = c;
        } else if (!quote && is_blank(c)) {
            break;
        } else if (c == '\\' && quote != '\'') {
            if (++scan->at >= scan->all.len)
                return err_set(err, ERR_CONFIG, "the command ends with a backslash");
            buf_add_char(out, scan_peek(scan));
        } else {
            buf_add_char(out, c);
        }
    }
    if (quote)
        return err_set(err, ERR_CONFIG, "the command has a %c without its end", quote);
    return true;
}

/* Words one after another, each ended by a NUL; how many in *count. */
static bool read_words(struct span line, struct buf *out, size_t *count, struct err *err)
{
    struct scan scan = scan_of(line);

    for (scan_blanks(&scan); !scan_end(&scan); scan_blanks(&scan)) {
        if ((*count)++ == COMMAND_WORDS_MAX)
            return err_set(err, ERR_CONFIG, "the command has more than %d words", COMMAND_WORDS_MAX);
        if (!read_word(&scan, out, err))
            return false;
        buf_add_char(out, '\0');
    }
    return *count || err_set(err, ERR_CONFIG, "the command is empty");
}

static bool read_shell(struct span line, struct buf *out, size_t *count, struct err *err)
{
    line = span_trim(line);
    if (!line.len)
        return err_set(err, ERR_CONFIG, "the command is empty");
    buf_add_span(out, SPAN("sh\0-c\0"));
    buf_add_span(out, line);
    buf_add_char(out, '\0');
    *count = 3;
    return true;
}

bool command_parse(struct span line, struct command *ret_command, struct err *err)
{
    HELD(command) command = { .text = BUF(COMMAND_TEXT_MAX) };
    size_t count = 0;

    line = span_trim(line);
    if (span_find(line, '\0') < line.len)
        return err_set(err, ERR_CONFIG, "the command has a NUL in it");
    bool ok = span_starts(line, "|") ? read_shell(span_from(line, 1), &command.text, &count, err)
                                     : read_words(line, &command.text, &count, err);
    if (!ok)
        return false;
    if (command.text.full)
        return line.len < COMMAND_TEXT_MAX / 2
                   ? err_no_memory(err)
                   : err_set(err, ERR_LIMIT, "the command is longer than %d bytes", COMMAND_TEXT_MAX);

    const char *at = buf_text(&command.text);
    for (size_t i = 0; i < count; i++, at += strlen(at) + 1)
        command.argv[i] = at;
    *ret_command = command;
    command.text = (struct buf)BUF(0);
    return true;
}

void command_done(struct command *command)
{
    buf_done(&command->text);
}
