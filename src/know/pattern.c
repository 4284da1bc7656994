#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

enum { PIECE_MAX = 512 }; /* longer than any: it is cut */

static bool same_at(struct span text, size_t at, struct span piece)
{
    for (size_t i = 0; i < piece.len; i++)
        if (str_lower(text.at[at + i]) != str_lower(piece.at[i]))
            return false;
    return true;
}

/* A digit at the piece's edge must be at a number's edge in the text. */
static bool whole_numbers(struct span text, size_t at, struct span piece)
{
    size_t end = at + piece.len;

    if (str_is_digit(piece.at[0]) && at > 0 && str_is_digit(text.at[at - 1]))
        return false;
    return !(str_is_digit(piece.at[piece.len - 1]) && end < text.len && str_is_digit(text.at[end]));
}

/* Where the piece first stands at or behind `from`; false for nowhere. */
static bool find_piece(struct span text, size_t from, struct span piece, bool edges, size_t *ret_at)
{
    if (piece.len == 0 || piece.len > text.len)
        return false;
    char first = str_lower(piece.at[0]);
    for (size_t at = from; at <= text.len - piece.len; at++) {
        if (str_lower(text.at[at]) != first || !same_at(text, at, piece))
            continue;
        if (edges && !whole_numbers(text, at, piece))
            continue;
        *ret_at = at;
        return true;
    }
    return false;
}

struct piece {
    char at[PIECE_MAX];
    size_t len;
};

/* Takes the next piece off the pattern: as far as a lone star. Two of them are one that stands for itself. */
static bool next_piece(struct span *pattern, struct piece *piece)
{
    size_t i = 0;

    if (pattern->len == 0)
        return false;
    for (piece->len = 0; i < pattern->len && piece->len < PIECE_MAX; i++) {
        bool star = pattern->at[i] == '*';
        if (star && (i + 1 == pattern->len || pattern->at[i + 1] != '*'))
            break;
        i += star;
        piece->at[piece->len++] = pattern->at[i];
    }
    *pattern = span_from(*pattern, i + 1);
    return true;
}

bool pattern_end(struct span text, const char *pattern, size_t *ret_end)
{
    struct span rest = span_of(pattern);
    bool stars = span_find(rest, '*') < rest.len;
    struct piece piece;
    size_t at = 0;

    while (next_piece(&rest, &piece)) {
        if (piece.len == 0)
            continue;
        if (!find_piece(text, at, (struct span){ piece.at, piece.len }, !stars, &at))
            return false;
        at += piece.len;
    }
    *ret_end = at;
    return true;
}

bool pattern_in(struct span text, const char *pattern)
{
    size_t end;

    return pattern_end(text, pattern, &end);
}
