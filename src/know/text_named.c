/* A cause by its name, or in outpost's own words, which tell it. */
#include "base/str.h"
#include "know/cause.h"
#include "know/text_int.h"

#include "base/banned.h"

enum { ID_LEAST = 8, ID_MOST = 60 };

static bool is_id_char(char c)
{
    return (c >= 'a' && c <= 'z') || str_is_digit(c) || c == '_';
}

/* "(ID)" at the end of a line for people, cause=ID in a log, "cause":"ID" in JSON, "Cause   ID" in a diagnosis, and ID
 * on a line of its own, as explain begins. */
static bool is_told(struct span text, struct span id)
{
    size_t at = (size_t)(id.at - text.at), behind = at + id.len;
    char before = at ? text.at[at - 1] : '\n', after = behind < text.len ? text.at[behind] : '\n';

    if (before == '(')
        return after == ')';
    if (before == '\n')
        return after == '\n' || after == '\r';
    while (at && (text.at[at - 1] == ' ' || text.at[at - 1] == '"' || text.at[at - 1] == ':' || text.at[at - 1] == '='))
        at--;
    return at >= 5 && at < (size_t)(id.at - text.at) && span_is_word(span_cut(text, at - 5, at), "cause") &&
           (at == 5 || !str_is_alpha(text.at[at - 6]));
}

static const struct cause *cause_of(const struct knowledge *know, struct span word)
{
    HELD(buf) id = BUF(ID_MOST);

    if (word.len < ID_LEAST || word.len >= ID_MOST)
        return NULL;
    buf_add_span(&id, word);
    return know_cause(know, buf_text(&id));
}

const struct cause *text_named_cause(const struct knowledge *know, struct span text)
{
    const struct cause *named = NULL;
    struct span trimmed = span_trim(text), word;
    struct scan scan = scan_of(trimmed);
    bool first = trimmed.len && trimmed.at[0] == '{'; /* within an object what follows is of its parts */

    if (scan_while(&scan, is_id_char, &word) && scan_end(&scan))
        return cause_of(know, word);
    if (span_find_text(trimmed, "outpost") == trimmed.len)
        return NULL;
    scan = scan_of(trimmed);
    while (!scan_end(&scan) && !(named && first)) {
        if (!scan_while(&scan, is_id_char, &word)) {
            scan.at++;
            continue;
        }
        const struct cause *cause = is_told(trimmed, word) ? cause_of(know, word) : NULL;
        named = cause ? cause : named;
    }
    return named;
}
