/* What logs do to the words, and what they say besides. */
#include "base/buf.h"
#include "know/text_int.h"

#include "base/banned.h"

/* Where the words of a delivery begin in a line of qmail's log ("delivery 7: failure: Remote_host_said:_554_"); the
 * line's end where it is none. */
static size_t qmail_words(struct span line)
{
    static const char *const outcomes[] = { ": failure: ", ": deferral: " };

    for (size_t i = 0; i < COUNT(outcomes); i++) {
        size_t at = span_find_text(line, outcomes[i]);
        if (at < line.len && span_find_text(span_cut(line, 0, at), "delivery ") < at)
            return at + strlen(outcomes[i]);
    }
    return line.len;
}

struct span text_with_blanks(struct buf *out, struct span text)
{
    struct scan scan = scan_of(text);
    struct span line;

    if (qmail_words(text) == text.len)
        return text;
    while (scan_line(&scan, &line)) {
        size_t at = qmail_words(line);
        buf_add_span(out, span_cut(line, 0, at));
        for (; at < line.len; at++)
            buf_add_char(out, line.at[at] == '_' ? ' ' : line.at[at]);
        buf_add_char(out, '\n');
    }
    return out->full ? text : buf_span(out);
}

bool text_is_aside(struct span line)
{
    static const struct {
        const char *program, *words;
    } asides[] = {
        { "", "does not resolve to address" }, { "", "no host name found for IP address" },
        { "", "NIS domain name not set" },     { "", ": statistics: max " },
        { "", ": disconnect from " },          { "", " TLS connection established " },
        { "opendkim", "no signing table match" },
        { "opendkim", "no signature data" },   { "opendkim", "not internal" },
        { "opendkim", "not authenticated" },
    };

    for (size_t i = 0; i < COUNT(asides); i++)
        if (span_find_word(line, asides[i].words) < line.len &&
            (!asides[i].program[0] || span_find_word(line, asides[i].program) < line.len))
            return true;
    return span_starts_word(line, "msmtp: could not send mail"); /* it ends so, whatever went wrong */
}
