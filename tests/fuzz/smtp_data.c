/* What is read from the wire, whole or byte by byte, is the same; what is written comes back. */
#include <assert.h>
#include <stdint.h>

#include "smtp/data.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void read_both_ways(struct span wire)
{
    struct smtp_data_reader whole = { 0 }, slow = { 0 };
    HELD(buf) a = BUF(1 << 20), b = BUF(1 << 20);
    struct span rest = wire;
    bool ended = smtp_data_read(&whole, &rest, &a), ended_slowly = false;
    size_t taken = 0;

    for (; taken < wire.len && !ended_slowly; taken++) {
        struct span one = span_cut(wire, taken, taken + 1);
        ended_slowly = smtp_data_read(&slow, &one, &b);
        assert(one.len == 0);
    }
    assert(ended == ended_slowly && taken == wire.len - rest.len);
    assert(span_equal(buf_span(&a), buf_span(&b)));
    assert(whole.bare_cr == slow.bare_cr && whole.bare_lf == slow.bare_lf);
    assert(whole.line_max == slow.line_max);
}

/* Repairing changes neither where the message ends nor what is whole, and leaves no bare LF. */
static void repair(struct span wire)
{
    struct smtp_data_reader strict = { 0 }, repairs = { .repair = true };
    struct smtp_data_mender mender = { 0 };
    struct smtp_data_check check = { .eight = true };
    HELD(buf) a = BUF(1 << 20), b = BUF(1 << 20), c = BUF(1 << 20);
    struct span rest_a = wire, rest_b = wire;
    bool ended = smtp_data_read(&strict, &rest_a, &a);

    assert(ended == smtp_data_read(&repairs, &rest_b, &b) && rest_a.len == rest_b.len);
    assert(!repairs.bare_lf && strict.bare_cr <= repairs.bare_cr && strict.nul == repairs.nul);
    if (!strict.bare_lf && !strict.bare_cr)
        assert(span_equal(buf_span(&a), buf_span(&b)) && !repairs.bare_dot);
    if (ended && !repairs.bare_cr && !repairs.nul)
        assert(smtp_data_check(&check, buf_span(&b), true, NULL));
    smtp_data_mend(&mender, span_cut(wire, 0, wire.len / 2), &c);
    smtp_data_mend(&mender, span_from(wire, wire.len / 2), &c);
    for (size_t i = 0; i < c.len; i++)
        assert(c.at[i] != '\n' || (i && c.at[i - 1] == '\r'));
}

static void write_and_read(struct span text)
{
    struct smtp_data_writer writer = { 0 };
    struct smtp_data_reader reader = { 0 };
    struct smtp_data_check check = { .eight = true };
    HELD(buf) wire = BUF(1 << 21), back = BUF(1 << 20);

    if (!smtp_data_check(&check, text, true, NULL))
        return;
    smtp_data_write(&writer, span_cut(text, 0, text.len / 2), &wire);
    smtp_data_write(&writer, span_from(text, text.len / 2), &wire);
    smtp_data_write_end(&writer, &wire);
    struct span rest = buf_span(&wire);
    assert(smtp_data_read(&reader, &rest, &back) && rest.len == 0);
    assert(!reader.bare_cr && !reader.bare_lf && !reader.nul);
    if (check.in_line)
        buf_cut(&back, back.len - 2);
    assert(span_equal(buf_span(&back), text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span input = { (const char *)data, len };
    uint64_t size;
    bool last;

    if (len > 100000)
        return 0;
    read_both_ways(input);
    repair(input);
    write_and_read(input);
    if (smtp_bdat_read(input, UINT32_MAX, &size, &last))
        assert(size <= UINT32_MAX);
    return 0;
}
