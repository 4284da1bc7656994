/* The first two bytes say where the rest is cut; cut and whole must give the same. A canonical message comes
 * out with no byte above 127 in it, no line over 998 octets and no bare line end; converted again it stays
 * good. */
#include <assert.h>
#include <stdint.h>

#include "mail/convert.h"
#include "mail/filter.h"
#include "mail/header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool run(struct span in, size_t cut, struct buf *out)
{
    OWN(convert) convert = convert_new();

    return convert_feed(convert, span_cut(in, 0, cut), out, NULL) &&
           convert_feed(convert, span_from(in, cut), out, NULL) && convert_end(convert, out, NULL);
}

static void check_lines(struct span text)
{
    size_t column = 0;

    for (size_t i = 0; i < text.len; i++) {
        assert((unsigned char)text.at[i] < 128);
        if (text.at[i] == '\r') {
            assert(i + 1 < text.len && text.at[++i] == '\n');
            column = 0;
        } else {
            assert(text.at[i] != '\n' && ++column <= HEADER_LINE_MAX);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    HELD(buf) in = BUF(1 << 20), body = BUF(1 << 20);
    HELD(buf) whole = BUF(1 << 22), cut = BUF(1 << 22), again = BUF(1 << 23);
    OWN(filter) filter = filter_new();

    if (len < 2 || len > 1 << 16)
        return 0;
    struct span raw = { (const char *)data + 2, len - 2 };
    if (!filter_feed(filter, raw, &body, NULL) || !filter_end(filter, &body, NULL))
        return 0;
    buf_add_span(&in, filter_header(filter));
    buf_add(&in, "\r\n");
    buf_add_span(&in, buf_span(&body));

    bool good = run(buf_span(&in), in.len, &whole);
    assert(good == run(buf_span(&in), (size_t)(data[0] << 8 | data[1]), &cut));
    if (!good)
        return 0;
    assert(span_equal(buf_span(&whole), buf_span(&cut)));
    check_lines(buf_span(&whole));
    assert(run(buf_span(&whole), whole.len, &again));
    return 0;
}
