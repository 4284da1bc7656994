/* Words that stand near one another, in any order: how a text is known that nobody has seen before. */
#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

enum {
    GROUPS_MOST = 8,
    APART_MOST = 8, /* words from the first of them to the last: half a sentence */
};

/* Chinese, Japanese and Korean put no blanks between words, or hang endings on: what begins with such a letter may stand
 * anywhere in what is cut here, which ends with their comma or full stop, or where ASCII begins. */
static bool is_east_asian(struct span text)
{
    unsigned char lead = text.len > 2 ? (unsigned char)text.at[0] : 0;

    return lead >= 0xe3 && lead <= 0xed;
}

/* How many bytes a sign above ASCII has that ends a word: quotes and dashes of typographers, and the full stops and commas
 * of Chinese; 0 where there is none. */
static size_t sign_len(struct span text)
{
    static const char *const fronts[] = { "\xe2\x80", "\xe3\x80", "\xef\xbc", "\xef\xbd" };

    for (size_t i = 0; i < COUNT(fronts); i++)
        if (text.len > 2 && span_starts(text, fronts[i]))
            return 3;
    return text.len > 1 && span_starts(text, "\xc2") ? 2 : 0;
}

/* Bytes above ASCII are letters of some language. */
static bool is_letter(char c)
{
    return str_is_alpha(c) || (unsigned char)c >= 0x80;
}

static bool is_in_word(char c)
{
    return is_letter(c) || str_is_digit(c);
}

static bool is_upper(char c)
{
    return c >= 'A' && c <= 'Z';
}

/* The s of "IPs": no word of its own, and no new one before it. */
static bool is_plural(struct span text, size_t at)
{
    return at + 1 < text.len && text.at[at + 1] == 's' && (at + 2 == text.len || !is_in_word(text.at[at + 2]));
}

/* The O of "OAuth". */
static bool is_lone(struct span text, size_t at)
{
    return is_upper(text.at[at]) && (at == 0 || !is_in_word(text.at[at - 1]));
}

/* Does a new word begin at `at`, though no blank is there? "MailboxFull", "SMTPRecipientsRefused", "max2". */
static bool is_seam(struct span text, size_t at)
{
    char before = text.at[at - 1], here = text.at[at];

    if (str_is_digit(before) != str_is_digit(here))
        return true;
    if (!is_upper(here) || is_lone(text, at - 1))
        return false;
    return !is_upper(before) ||
           (at + 1 < text.len && str_is_alpha(text.at[at + 1]) && !is_upper(text.at[at + 1]) && !is_plural(text, at));
}

/* Is it still the same word? "192.0.2.7" is one: what is said of an address stands around all of it. */
static bool goes_on(struct span text, size_t at)
{
    if (text.at[at] == '.')
        return str_is_digit(text.at[at - 1]) && at + 1 < text.len && str_is_digit(text.at[at + 1]);
    return is_in_word(text.at[at]) && (text.at[at - 1] == '.' || !is_seam(text, at));
}

void near_cut(struct near_text *near, struct span text)
{
    near->count = 0;
    for (size_t at = 0; at < text.len && near->count < NEAR_MOST;) {
        size_t begin = at;
        size_t sign = sign_len(span_from(text, at));
        if (sign) {
            at += sign;
            continue;
        }
        if (!is_in_word(text.at[at])) {
            at++;
            continue;
        }
        do
            at++;
        while (at < text.len && goes_on(text, at) && !sign_len(span_from(text, at)));
        near->words[near->count++] = span_cut(text, begin, at);
    }
}

static bool has_within(struct span word, struct span stem)
{
    for (; word.len >= stem.len; word = span_from(word, 1))
        if (memcmp(word.at, stem.at, stem.len) == 0)
            return true;
    return false;
}

static bool has_front(struct span word, struct span stem)
{
    return stem.len && stem.len <= word.len && span_equal_word(span_cut(word, 0, stem.len), stem);
}

/* Does the word begin with one of the stems of a group: "big|large|=max"? */
static bool has_stem(struct span group, struct span word)
{
    struct span stem;

    while (span_split(&group, '|', &stem)) {
        bool whole = stem.len && stem.at[0] == '=';
        if (whole)
            stem = span_from(stem, 1);
        if (is_east_asian(stem) ? has_within(word, stem) : has_front(word, stem) && (!whole || stem.len == word.len))
            return true;
    }
    return false;
}

/* How many words lie between the first and the last of them; APART_MOST where one was not met or they are further. */
static size_t apart(const size_t *last, size_t count, size_t here)
{
    size_t first = here;

    for (size_t i = 0; i < count; i++)
        first = last[i] < first ? last[i] : first;
    return first && here - first < APART_MOST ? here - first : APART_MOST;
}

int near_in(const struct near_text *near, const char *line)
{
    struct span groups[GROUPS_MOST], rest = span_of(line), group;
    size_t last[GROUPS_MOST] = { 0 }; /* where it was met last, from 1 on */
    size_t count = 0, least = APART_MOST;

    while (count < GROUPS_MOST && span_split(&rest, ' ', &group))
        if (group.len)
            groups[count++] = group;
    for (size_t at = 1; at <= near->count; at++) {
        bool met = false;
        for (size_t i = 0; i < count; i++) {
            if (!has_stem(groups[i], near->words[at - 1]))
                continue;
            last[i] = at;
            met = true;
        }
        size_t now = met ? apart(last, count, at) : APART_MOST;
        least = now < least ? now : least;
    }
    return least < APART_MOST ? (int)(APART_MOST * count - least) : -1;
}
