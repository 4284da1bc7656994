/* Replies read whole and read byte by byte are the same replies, and none breaks its bounds. */
#include <assert.h>
#include <stdint.h>

#include "base/str.h"
#include "smtp/reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_reply(const struct smtp_reply *reply)
{
    HELD(buf) words = BUF(SMTP_REPLY_OCTETS_MAX);
    struct err err;

    assert(reply->code >= 200 && reply->code <= 599);
    assert(reply->text.len <= SMTP_REPLY_OCTETS_MAX);
    assert(!reply->enhanced[0] || reply->enhanced[0] == reply->code / 100);
    smtp_reply_words(reply, &words);
    assert(!words.full);
    smtp_reply_err(reply, &err, "no");
    assert(str_is_safe(span_of(err.said)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct smtp_reply_reader whole = SMTP_REPLY_READER, slow = SMTP_REPLY_READER;
    struct span rest = { (const char *)data, len };
    struct smtp_reply a, b;
    struct err err;

    for (;;) {
        struct span before = rest;
        enum smtp_reading reading = smtp_reply_read(&whole, &rest, &a, &err);
        size_t taken = before.len - rest.len;
        enum smtp_reading slowly = SMTP_READING_MORE;
        for (size_t i = 0; i < taken; i++) {
            struct span one = span_cut(before, i, i + 1);
            slowly = smtp_reply_read(&slow, &one, &b, &err);
            assert(slowly == SMTP_READING_MORE || i + 1 == taken);
        }
        if (reading != SMTP_READING_REPLY)
            break;
        assert(slowly == reading && a.code == b.code && span_equal(a.text, b.text));
        check_reply(&a);
    }
    smtp_reply_reader_done(&whole);
    smtp_reply_reader_done(&slow);
    return 0;
}
