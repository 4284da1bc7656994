#include "mail/mbox.h"

#include "base/scan.h"
#include "mail/date.h"

#include "base/banned.h"

/* ">>From " was ">From " once: so all of them can be taken back. */
static bool looks_like_a_beginning(struct span line)
{
    while (span_starts(line, ">"))
        line = span_from(line, 1);
    return span_starts(line, "From ");
}

void mbox_add(struct buf *out, const char *sender, uint64_t seconds, struct span message)
{
    struct scan scan = scan_of(message);
    struct span line;

    buf_addf(out, "From %s ", *sender ? sender : "MAILER-DAEMON");
    date_add_asctime(out, seconds);
    buf_add_char(out, '\n');
    while (scan_line(&scan, &line)) {
        if (looks_like_a_beginning(line))
            buf_add_char(out, '>');
        buf_add_span(out, line);
        buf_add_char(out, '\n');
    }
    buf_add_char(out, '\n');
}
