/* Refusals that stand within something else. */
#include "base/scan.h"
#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

/* "421 " or "421-" at the cursor, or "421-'" as some quote what was said. */
static bool take_code(struct scan *scan, struct err *err)
{
    struct scan at = *scan;
    uint64_t code;

    if (!scan_number(&at, 400, 599, &code) || at.at != scan->at + 3 ||
        !(scan_char(&at, ' ') || scan_char(&at, '-')))
        return false;
    (void)scan_char(&at, '\'');
    err->reply = (uint16_t)code;
    *scan = at;
    return true;
}

/* "5.7.139" at the cursor, and a blank or the end behind it. */
static bool take_enhanced(struct scan *scan, struct err *err)
{
    struct scan at = *scan;
    uint64_t class, subject, detail;

    if (!scan_number(&at, 4, 5, &class) || !scan_char(&at, '.') || !scan_number(&at, 0, 7, &subject) ||
        !scan_char(&at, '.') || !scan_number(&at, 0, 999, &detail) ||
        !(scan_end(&at) || scan_char(&at, ' ')))
        return false;
    err->enhanced[0] = (uint16_t)class;
    err->enhanced[1] = (uint16_t)subject;
    err->enhanced[2] = (uint16_t)detail;
    *scan = at;
    return true;
}

static bool is_code_at(struct span text, size_t at, struct err *err)
{
    struct scan scan = { text, at };

    if (at == 0 || (text.at[at - 1] != ' ' && text.at[at - 1] != '(' && text.at[at - 1] != '"' && text.at[at - 1] != ':') ||
        !take_code(&scan, err) || !take_enhanced(&scan, err))
        return false;
    err_said(err, scan_rest(&scan));
    return true;
}

bool quoted_refusal(const struct evidence *evidence, struct span words, struct evidence *ret_quoted)
{
    struct evidence quoted = *evidence;

    for (size_t i = 1; i + 3 < words.len; i++) {
        if (!is_code_at(words, i, &quoted.err))
            continue;
        if (quoted.err.reply / 10 == 53)
            quoted.stage = STAGE_AUTH;
        *ret_quoted = quoted;
        return true;
    }
    return false;
}

bool refusal_of_a_sign_in(const struct evidence *evidence)
{
    uint16_t reply = evidence->err.reply;

    return evidence->stage == STAGE_NONE && (reply == 432 || reply == 525 || (reply / 10 == 53 && reply != 530));
}

bool refusal_in_clear(const struct evidence *evidence, struct evidence *ret_refusal)
{
    struct evidence refusal = *evidence;
    char said[sizeof evidence->err.said];

    if (!evidence->err.fact || strcmp(evidence->err.fact, "tls:plaintext") != 0)
        return false;
    memcpy(said, evidence->err.said, sizeof said);
    struct scan scan = scan_of(span_of(said));
    if (!take_code(&scan, &refusal.err))
        return false;
    (void)take_enhanced(&scan, &refusal.err);
    err_said(&refusal.err, scan_rest(&scan));
    refusal.err.fact = NULL;
    refusal.stage = STAGE_GREETING;
    *ret_refusal = refusal;
    return true;
}
