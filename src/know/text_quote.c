/* Where a reply ends that a program quotes: "message": "535 5.7.8 Authentication failed", "code": ... */
#include "base/str.h"
#include "know/text_int.h"

#include "base/banned.h"

/* ["554-Transaction failed", "554 Reject due to policy"] */
static bool is_next_line(struct span rest)
{
    return rest.len > 3 && span_starts(rest, ", \"") && str_is_digit(rest.at[3]);
}

/* What may stand behind the quote: the next field, or the end of the object or the call. */
static bool is_end(struct span rest)
{
    return rest.len == 0 || (strchr(",;.}])\r", rest.at[0]) != NULL && !is_next_line(rest));
}

/* "... " Log data: ++ Starting": the quote closes; "... the "From" header" has one that opens within. */
static bool is_opening(struct span line, size_t at)
{
    return at > 0 && line.at[at - 1] == ' ' && at + 1 < line.len && line.at[at + 1] != ' ';
}

static size_t end_of_quote(struct span line, char quote)
{
    bool within = false;

    for (size_t i = 1; i < line.len; i++) { /* of a code alone ("550") the words are told elsewhere */
        if (line.at[i] == '\\') {
            i++;
            continue;
        }
        if (line.at[i] != quote)
            continue;
        struct span rest = span_from(line, i + 1);
        if (is_end(rest) && !within)
            return i;
        if (quote == '"' && is_opening(line, i))
            within = true;
        else if (within)
            within = false;
        else if (quote == '"' && rest.len && rest.at[0] == ' ')
            return i;
    }
    return line.len;
}

/* A stack trace behind it, in the same string: "...\n    at Socket.emit (events.js:315:20)". */
static size_t end_of_said(struct span line)
{
    size_t at = span_find_word(line, "\\n    at ");
    size_t file = span_find_word(line, "\\n  File ");

    return at < file ? at : file;
}

struct span text_quoted(struct span line, char before)
{
    if (before == '"' || before == '\'')
        line = span_cut(line, 0, end_of_quote(line, before));
    return span_cut(line, 0, end_of_said(line));
}
