#include "support/check.h"

#include "net/proxy_header.h"

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"
#define FROM_4    "\xc0\0\2\1\xc0\0\2\2\xdc\4\0\x19" /* 192.0.2.1:56324 to 192.0.2.2:25 */
#define FROM_6    "\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\1\x20\1\r\xb8\0\0\0\0\0\0\0\0\0\0\0\2\xdc\4\0\x19"
#define NINETY    "012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789"
#define TEXT_107  "PROXY UNKNOWN x" NINETY "\r\n"

static const struct {
    const char *label;
    struct span bytes;
    enum proxy_verdict verdict;
    const char *source; /* "" unknown */
    uint16_t port;
    bool own;
    size_t behind; /* bytes that follow it */
} rows[] = {
    { "nothing yet", SPAN_INIT(""), PROXY_MORE, "", 0, false, 0 },
    { "mail", SPAN_INIT("EHLO me\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "a handshake", SPAN_INIT("\x16\3\1"), PROXY_NONE, "", 0, false, 0 },

    { "a beginning", SPAN_INIT("PRO"), PROXY_MORE, "", 0, false, 0 },
    { "another word", SPAN_INIT("PROXX"), PROXY_NONE, "", 0, false, 0 },
    { "IPv4", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r\nEHLO"), PROXY_DONE, "192.0.2.1", 56324, false, 4 },
    { "IPv6", SPAN_INIT("PROXY TCP6 2001:db8::1 2001:db8::2 56324 25\r\n"), PROXY_DONE, "2001:db8::1", 56324, false, 0 },
    { "who knows", SPAN_INIT("PROXY UNKNOWN\r\n"), PROXY_DONE, "", 0, false, 0 },
    { "who knows, in many words", SPAN_INIT("PROXY UNKNOWN a b c d e f\r\n\x16"), PROXY_DONE, "", 0, false, 1 },
    { "half a line end", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\r"), PROXY_MORE, "", 0, false, 0 },
    { "a bare LF", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 56324 25\nEHLO x\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "families mixed", SPAN_INIT("PROXY TCP4 2001:db8::1 192.0.2.2 1 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "families mixed, too", SPAN_INIT("PROXY TCP6 2001:db8::1 192.0.2.2 1 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "brackets", SPAN_INIT("PROXY TCP6 [2001:db8::1] [2001:db8::2] 1 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "no address", SPAN_INIT("PROXY TCP4 192.0.2 192.0.2.2 1 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "no port", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "a port too large", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 65536 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "a port with a zero in front", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 01 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "port 0", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 0 25\r\n"), PROXY_DONE, "192.0.2.1", 0, false, 0 },
    { "a word too many", SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 1 25 x\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "two blanks", SPAN_INIT("PROXY TCP4  192.0.2.1 192.0.2.2 1 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "another family", SPAN_INIT("PROXY UDP4 192.0.2.1 192.0.2.2 1 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "small letters", SPAN_INIT("PROXY tcp4 192.0.2.1 192.0.2.2 1 25\r\n"), PROXY_NONE, "", 0, false, 0 },
    { "the longest", SPAN_INIT(TEXT_107), PROXY_DONE, "", 0, false, 0 },
    { "one more", SPAN_INIT("PROXY UNKNOWN xx" NINETY "\r\n"), PROXY_NONE, "", 0, false, 0 },

    { "version 2, a beginning", SPAN_INIT("\r\n\r\n\0\r\nQU"), PROXY_MORE, "", 0, false, 0 },
    { "version 2, another signature", SPAN_INIT("\r\n\r\n\0\r\nQUITx"), PROXY_NONE, "", 0, false, 0 },
    { "version 2, IPv4", SPAN_INIT(SIGNATURE "\x21\x11\0\x0c" FROM_4 "EHLO"), PROXY_DONE, "192.0.2.1", 56324, false, 4 },
    { "version 2, IPv6", SPAN_INIT(SIGNATURE "\x21\x21\0\x24" FROM_6), PROXY_DONE, "2001:db8::1", 56324, false, 0 },
    { "version 2, more told", SPAN_INIT(SIGNATURE "\x21\x11\0\x10" FROM_4 "\4\0\1x\x16"), PROXY_DONE, "192.0.2.1", 56324, false, 1 },
    { "version 2, not all there", SPAN_INIT(SIGNATURE "\x21\x11\0\x0d" FROM_4), PROXY_MORE, "", 0, false, 0 },
    { "version 2, too short for its family", SPAN_INIT(SIGNATURE "\x21\x11\0\x0b" FROM_4), PROXY_NONE, "", 0, false, 0 },
    { "version 2, IPv6 in IPv4's room", SPAN_INIT(SIGNATURE "\x21\x21\0\x0c" FROM_4), PROXY_NONE, "", 0, false, 0 },
    { "version 2, on its own account", SPAN_INIT(SIGNATURE "\x20\x11\0\x0c" FROM_4), PROXY_DONE, "", 0, true, 0 },
    { "version 2, on its own account, no more", SPAN_INIT(SIGNATURE "\x20\0\0\0"), PROXY_DONE, "", 0, true, 0 },
    { "version 2, who knows", SPAN_INIT(SIGNATURE "\x21\0\0\0"), PROXY_DONE, "", 0, false, 0 },
    { "version 2, a datagram", SPAN_INIT(SIGNATURE "\x21\x12\0\x0c" FROM_4), PROXY_NONE, "", 0, false, 0 },
    { "version 2, another family", SPAN_INIT(SIGNATURE "\x21\x41\0\x0c" FROM_4), PROXY_NONE, "", 0, false, 0 },
    { "version 3", SPAN_INIT(SIGNATURE "\x31\x11\0\x0c" FROM_4), PROXY_NONE, "", 0, false, 0 },
    { "version 2, another command", SPAN_INIT(SIGNATURE "\x22\x11\0\x0c" FROM_4), PROXY_NONE, "", 0, false, 0 },
    { "version 2, the longest", SPAN_INIT(SIGNATURE "\x21\x11\x10\0"), PROXY_MORE, "", 0, false, 0 },
    { "version 2, one more", SPAN_INIT(SIGNATURE "\x21\x11\x10\1"), PROXY_NONE, "", 0, false, 0 },
};

static void test_headers(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct proxy_header header = { 0 };
        HELD(buf) source = BUF(64);

        check_row(rows[i].label, proxy_header_read(rows[i].bytes, &header) == rows[i].verdict);
        if (rows[i].verdict != PROXY_DONE)
            continue;
        ip_write(&source, header.source);
        check_bytes(rows[i].label, buf_span(&source), span_of(rows[i].source));
        check_row(rows[i].label, header.source_port == rows[i].port && header.own == rows[i].own);
        check_row(rows[i].label, header.len == rows[i].bytes.len - rows[i].behind);
        for (size_t cut = 0; cut < header.len; cut++)
            check_row(rows[i].label, proxy_header_read(span_cut(rows[i].bytes, 0, cut), &header) == PROXY_MORE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_headers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
