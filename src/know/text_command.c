/* Which command a reply in a transcript answers: the one that stands nearest before it. */
#include "base/str.h"
#include "know/text_int.h"

#include "base/banned.h"

enum {
    LINES_MOST = 60, /* that are looked at, from the reply back */
    TEXT_NEAR = 8192,
    NEAR = 8, /* what a reply's code takes in front of a word */
};

static const struct {
    const char *word;
    enum stage stage;
    bool ends; /* it is the last word of its line */
} commands[] = {
    { "MAIL FROM:", STAGE_MAIL, false }, { "RCPT TO:", STAGE_RCPT, false },
    { "EHLO ", STAGE_EHLO, false },      { "HELO ", STAGE_EHLO, false },
    { "AUTH ", STAGE_AUTH, false },      { "STARTTLS", STAGE_STARTTLS, true },
    { "DATA", STAGE_DATA, true },        { "data", STAGE_DATA, true },
    { "'ehlo ", STAGE_EHLO, false },     { "'helo ", STAGE_EHLO, false },
};

/* "250-AUTH PLAIN" offers it, and "553 MAIL FROM: must be yours" speaks of it. */
static bool is_reply(struct span before)
{
    struct span near = span_from(before, before.len > NEAR ? before.len - NEAR : 0);

    for (size_t i = 0; i + 3 < near.len; i++)
        if (str_is_digit(near.at[i]) && str_is_digit(near.at[i + 1]) && str_is_digit(near.at[i + 2]) &&
            (near.at[i + 3] == ' ' || near.at[i + 3] == '-'))
            return true;
    return false;
}

/* Of a line; or of a quoted one, as in send: 'STARTTLS\r\n'. */
static bool is_end(struct span rest)
{
    return rest.len == 0 || strchr("\\'\"", rest.at[0]) != NULL;
}

/* "mail FROM:" and "'ehlo" are what Python's smtplib says. */
static bool is_command_at(struct span line, size_t at, const char *word, bool ends)
{
    struct span rest = span_from(line, at);
    bool cased = word[strlen(word) - 1] != ':';

    if (!(cased ? span_starts(rest, word) : span_starts_word(rest, word)))
        return false;
    return !(at > 0 && str_is_alpha(line.at[at - 1])) &&
           !(ends && !is_end(span_from(rest, strlen(word)))) && !is_reply(span_cut(line, 0, at));
}

/* The last command of a line, whatever a log wrote in front of it; STAGE_NONE. */
static enum stage command_of(struct span line)
{
    for (size_t at = line.len; at-- > 0;)
        for (size_t i = 0; i < COUNT(commands); i++)
            if (is_command_at(line, at, commands[i].word, commands[i].ends))
                return commands[i].stage;
    return STAGE_NONE;
}

enum stage text_command_before(struct span text)
{
    enum stage stage = STAGE_NONE;

    text = span_from(text, text.len > TEXT_NEAR ? text.len - TEXT_NEAR : 0);
    for (int i = 0; i < LINES_MOST && text.len && stage == STAGE_NONE; i++) {
        size_t end = span_find_last(text, '\n');
        bool more = end < text.len;
        stage = command_of(span_trim(span_from(text, more ? end + 1 : 0)));
        text = span_cut(text, 0, more ? end : 0);
    }
    return stage;
}

bool text_has_command(struct span text, enum stage stage)
{
    struct scan scan = scan_of(text);
    struct span line;

    while (scan_line(&scan, &line))
        if (command_of(span_trim(line)) == stage)
            return true;
    return false;
}
