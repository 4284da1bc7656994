#include "relay/https_api.h"

#include <string.h>

#include "base/own.h"
#include "base/scan.h"
#include "base/str.h"

#include "base/banned.h"

enum { WAIT_SECONDS_MAX = 24 * 3600, PLAIN_TEXT_SHOWN = 200 };

/* ---- the request's place ---- */

static bool goes_as_it_is(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || strchr("-._~@", c);
}

void https_url(const struct https_api *api, const char *host, const char *mailbox, struct buf *out)
{
    struct span path = span_of(mailbox ? api->path_of : api->path);
    size_t star = mailbox ? span_find(path, '*') : path.len;

    buf_add(out, "https://");
    buf_add(out, host);
    buf_add_span(out, span_cut(path, 0, star));
    for (const char *c = mailbox; c && *c; c++) {
        if (goes_as_it_is(*c))
            buf_add_char(out, *c);
        else
            buf_addf(out, "%%%02X", (unsigned)(unsigned char)*c);
    }
    buf_add_span(out, span_from(path, star + 1));
}

/* ---- the answer ---- */

/* Which statuses mean what, from the first row that fits. What is not here is a refusal. */
static const struct {
    unsigned from, to;
    enum smtp_fate fate;
    enum err_kind kind;
    const char *words;
} statuses[] = {
    { 200, 299, SMTP_FATE_TAKEN,   ERR_NONE,     "taken"                                              },
    { 300, 399, SMTP_FATE_LATER,   ERR_PROTOCOL, "the server wants it elsewhere, where nobody should go" },
    { 401, 401, SMTP_FATE_REFUSED, ERR_SIGNIN,   "the server refused the token"                       },
    { 403, 403, SMTP_FATE_REFUSED, ERR_REPLY,    "the server said no"                                 },
    { 408, 408, SMTP_FATE_LATER,   ERR_LATER,    "the server waited too long for the message"         },
    { 425, 425, SMTP_FATE_LATER,   ERR_LATER,    "the server said: not now"                           },
    { 429, 429, SMTP_FATE_LATER,   ERR_LATER,    "the server said: not so much, not so fast"          },
    /* A go-between got no answer: what stands behind it may have taken the message. */
    { 502, 502, SMTP_FATE_UNKNOWN, ERR_UNKNOWN,  "who stands before the server got no answer of it"   },
    { 504, 504, SMTP_FATE_UNKNOWN, ERR_UNKNOWN,  "who stands before the server got no answer of it"   },
    { 500, 599, SMTP_FATE_LATER,   ERR_LATER,    "the server said: not now"                           },
    { 0,   999, SMTP_FATE_REFUSED, ERR_REPLY,    "the server said no"                                 },
};

/* Seconds, perhaps with a fraction, as Graph gives them. 0: none, or nothing that can be read. */
static uint64_t wait_of(struct span text)
{
    struct scan scan = scan_of(span_trim(text));
    uint64_t seconds, tenths = 0;

    if (!scan_number(&scan, 0, WAIT_SECONDS_MAX, &seconds))
        return 0;
    if (scan_char(&scan, '.')) {
        struct span rest = scan_rest(&scan);
        if (!str_to_u64(span_cut(rest, 0, 1), 0, 9, &tenths))
            return 0;
        for (size_t i = 0; i < rest.len; i++)
            if (!str_is_digit(rest.at[i]))
                return 0;
    } else if (!scan_end(&scan)) {
        return 0;
    }
    return seconds * 1000 + (tenths + (tenths > 0)) * 100; /* rather a bit longer */
}

static bool is_page(struct span body)
{
    return body.len && body.at[0] == '<';
}

/* Their words: of the error's object, else a line of plain text; of a page of HTML nothing. */
static void read_words(const struct https_api *api, struct span body, struct buf *said)
{
    OWN(json_tree) tree = NULL;

    body = span_trim(body);
    if (json_read(body, HTTPS_ANSWER_MAX, &tree, NULL)) {
        const struct json_value *error = json_member(json_root(tree), "error");
        if (json_kind(error) == JSON_KIND_OBJECT)
            api->error(error, said);
        else
            buf_add_span(said, json_as_text(error));
    } else if (!is_page(body)) {
        buf_add_span(said, span_cut(span_cut(body, 0, span_find(body, '\n')), 0, PLAIN_TEXT_SHOWN));
    }
}

static bool is_not_now(const struct https_api *api, struct span said)
{
    for (const char *const *word = api->not_now; *word; word++)
        if (span_find_text(said, *word) < said.len)
            return true;
    return false;
}

/* "202 Accepted" has no body, and a 200 one that nobody needs. */
static void tell_taken(struct evidence *evidence, unsigned status)
{
    evidence->err.reply = (uint16_t)status;
    err_said(&evidence->err, status == 202 ? SPAN("Accepted") : SPAN("OK"));
}

enum smtp_fate https_answer_read(const struct https_api *api, const struct https_answer *answer,
                                 struct evidence *ret_evidence)
{
    HELD(buf) said = BUF(HTTPS_ANSWER_MAX);
    size_t row = 0;

    while (row < COUNT(statuses) - 1 &&
           (answer->status < statuses[row].from || answer->status > statuses[row].to))
        row++;
    *ret_evidence = (struct evidence){ .stage = STAGE_HTTPS, .wait_ms = wait_of(answer->retry_after) };
    if (statuses[row].fate == SMTP_FATE_TAKEN) {
        tell_taken(ret_evidence, answer->status);
        return SMTP_FATE_TAKEN;
    }

    enum smtp_fate fate = statuses[row].fate;
    enum err_kind kind = statuses[row].kind;
    read_words(api, answer->body, &said);
    /* Who names a time to come back at did nothing with the message. */
    if ((fate == SMTP_FATE_UNKNOWN && ret_evidence->wait_ms) ||
        (answer->status == 403 && is_not_now(api, buf_span(&said)))) {
        fate = SMTP_FATE_LATER;
        kind = ERR_LATER;
    }
    err_set(&ret_evidence->err, kind, "%s", statuses[row].words);
    err_said(&ret_evidence->err, buf_span(&said));
    ret_evidence->err.reply = answer->status <= UINT16_MAX ? (uint16_t)answer->status : 0;
    return fate;
}
