/* The first two bytes say where the rest is cut; cut and whole must give the same. What comes out has only
 * CRLF line ends, its header consists of fields, and filtered again it stays as it is. */
#include <assert.h>
#include <stdint.h>

#include "mail/filter.h"
#include "mail/header.h"
#include "mail/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool run(struct span in, size_t cut, struct buf *out, struct filter_facts *ret_facts)
{
    OWN(filter) filter = filter_new();
    HELD(buf) body = BUF(1 << 21);

    bool good = filter_feed(filter, span_cut(in, 0, cut), &body, NULL) &&
                filter_feed(filter, span_from(in, cut), &body, NULL) && filter_end(filter, &body, NULL);
    if (!good)
        return false;
    buf_add_span(out, filter_header(filter));
    buf_add(out, "\r\n");
    buf_add_span(out, buf_span(&body));
    *ret_facts = *filter_facts(filter);
    assert(ret_facts->body == body.len);

    struct scan scan = scan_of(filter_header(filter));
    struct header_field field;
    size_t whole = 0;
    while (header_next(&scan, &field))
        whole += field.whole.len;
    assert(whole == filter_header(filter).len);
    return true;
}

static void check_line_ends(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '\r')
            assert(i + 1 < text.len && text.at[++i] == '\n');
        else
            assert(text.at[i] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const list[] = { "Bcc", "X-Outpost-*", NULL };
    HELD(buf) whole = BUF(1 << 21), cut = BUF(1 << 21), again = BUF(1 << 21), other = BUF(1 << 22);
    struct filter_facts facts, cut_facts;

    if (len < 2 || len > 1 << 19)
        return 0;
    struct span in = { (const char *)data + 2, len - 2 };
    if (!run(in, in.len, &whole, &facts))
        return 0;
    assert(run(in, (size_t)(data[0] << 8 | data[1]), &cut, &cut_facts));
    assert(span_equal(buf_span(&whole), buf_span(&cut)));
    check_line_ends(buf_span(&whole));

    struct span twice = buf_span(&whole);
    assert(run(twice, twice.len, &again, &cut_facts) && span_equal(buf_span(&again), twice));

    header_copy_but(&other, twice, list);
    buf_clear(&other);
    words_decode(&other, twice);
    return 0;
}
