/* Whoever hands a message in, and however it is cut: the lines and the octets are the same, and nothing comes behind the
 * end. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "gateway/submission.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct seen {
    enum submission_step last;
    size_t octets, begun, recipients;
};

static struct seen read_by(struct span all, size_t most)
{
    struct seen seen = { .last = SUBMISSION_MORE };
    OWN(submission_reader) reader = submission_reader_new();

    if (!reader)
        abort();
    for (size_t at = 0; at < all.len && seen.last != SUBMISSION_WRONG && seen.last != SUBMISSION_WHOLE; at += most) {
        struct span bytes = span_cut(all, at, at + most < all.len ? at + most : all.len), piece;
        struct err err = { 0 };
        do {
            seen.last = submission_read(reader, &bytes, &piece, &err);
            if (seen.last == SUBMISSION_PIECE) {
                assert(seen.begun == 1 && piece.len <= SUBMISSION_PIECE_MAX);
                seen.octets += piece.len;
            }
            if (seen.last == SUBMISSION_BEGUN) {
                seen.begun++;
                seen.recipients = submission_lines(reader)->recipient_count;
                assert(seen.recipients <= SUBMISSION_LISTS_MAX);
            }
            assert(seen.last != SUBMISSION_WRONG || err.kind != ERR_NONE);
        } while (seen.last == SUBMISSION_PIECE || seen.last == SUBMISSION_BEGUN);
        assert(seen.last != SUBMISSION_MORE || bytes.len == 0);
    }
    return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span all = { (const char *)data, len };
    struct seen whole = read_by(all, len ? len : 1), slow = read_by(all, 1);

    assert(whole.last == slow.last && whole.octets == slow.octets);
    assert(whole.begun == slow.begun && whole.recipients == slow.recipients);
    return 0;
}
