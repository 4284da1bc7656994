#include "support/check.h"

#include "base/buf.h"
#include "net/socks5.h"

#define BYTES(text) SPAN_INIT(text)

/* Plays the proxy's bytes to the machine, `piece` at a time, never more than are wanted. False and *err where
 * it gives up; *ret_said is all that was said, *ret_used how much was read. */
static bool play(struct socks5 *socks, struct span bytes, size_t piece, struct buf *ret_said, size_t *ret_used,
                 struct err *err)
{
    bool more = true;

    *ret_used = 0;
    buf_add_span(ret_said, socks5_output(socks));
    while (socks5_wants(socks) && *ret_used < bytes.len) {
        size_t wants = socks5_wants(socks), most = wants < piece ? wants : piece;
        struct span now = span_cut(bytes, *ret_used, *ret_used + most);
        *ret_used += now.len;
        if (!socks5_recv(socks, now, &more, err))
            return false;
        if (more)
            buf_add_span(ret_said, socks5_output(socks));
    }
    return true;
}

static void test_requests(void **state)
{
    static const struct {
        const char *host;
        uint16_t port;
        struct span said;
    } rows[] = {
        { "smtp.example.com", 587, BYTES("\5\1\0" "\5\1\0\3\020smtp.example.com\2\113") },
        { "192.0.2.7", 465, BYTES("\5\1\0" "\5\1\0\1\300\0\2\7\1\321") },
        { "2001:db8::1", 25, BYTES("\5\1\0" "\5\1\0\4\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1\0\031") },
        { "a", 65535, BYTES("\5\1\0" "\5\1\0\3\1a\377\377") },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct socks5 socks;
        struct err err = { 0 };
        HELD(buf) said = BUF(1000);
        size_t used;

        check_row(rows[i].host, socks5_begin(&socks, span_of(rows[i].host), rows[i].port, &err));
        check_row(rows[i].host, play(&socks, SPAN("\5\0"), 1, &said, &used, &err));
        check_bytes(rows[i].host, buf_span(&said), rows[i].said);
    }
    char longest[SOCKS5_NAME_MAX + 2];
    struct socks5 socks;
    struct err err = { 0 };
    memset(longest, 'a', sizeof longest);
    assert_true(socks5_begin(&socks, (struct span){ longest, SOCKS5_NAME_MAX }, 1, &err));
    assert_false(socks5_begin(&socks, (struct span){ longest, SOCKS5_NAME_MAX + 1 }, 1, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(socks5_begin(&socks, SPAN_NONE, 1, &err));
}

/* Whatever stands behind an answer is the server's: 220, here. */
static void test_answers(void **state)
{
    static const struct {
        const char *label;
        struct span proxy;
        size_t behind;    /* of it is none of the proxy's */
        const char *fact; /* NULL: the line stands */
        enum err_kind kind;
        const char *want;
    } rows[] = {
        { "an IPv4 address", BYTES("\5\0" "\5\0\0\1\177\0\0\1\0\31" "220 hi"), 6, NULL, ERR_NONE, NULL },
        { "an IPv6 address", BYTES("\5\0" "\5\0\0\4" "0123456789abcdef" "\0\31" "220 hi"), 6, NULL, ERR_NONE, NULL },
        { "a name", BYTES("\5\0" "\5\0\0\3\4host\0\31" "220 hi"), 6, NULL, ERR_NONE, NULL },
        { "an empty name", BYTES("\5\0" "\5\0\0\3\0\0\31" "220 hi"), 6, NULL, ERR_NONE, NULL },
        { "nothing behind", BYTES("\5\0" "\5\0\0\1\0\0\0\0\0\0"), 0, NULL, ERR_NONE, NULL },
        { "refused", BYTES("\5\0" "\5\5\0\1\0\0\0\0\0\0"), 5, "connect:refused", ERR_NETWORK, "refused" },
        { "forbidden", BYTES("\5\0" "\5\2\0\1\0"), 0, "proxy:denied", ERR_NETWORK, "forbid" },
        { "no such network", BYTES("\5\0" "\5\3\0\1\0"), 0, "connect:unreachable", ERR_NETWORK, "network" },
        { "no such host", BYTES("\5\0" "\5\4\0\1\0"), 0, "connect:unreachable", ERR_NETWORK, "host" },
        { "no answer", BYTES("\5\0" "\5\6\0\1\0"), 0, "connect:timeout", ERR_NETWORK, "no answer" },
        { "a word of its own", BYTES("\5\0" "\5\360\0\1\0"), 0, "connect:unreachable", ERR_NETWORK, "not why" },
        { "wants a sign-in", BYTES("\5\377"), 0, "proxy:protocol", ERR_PROTOCOL, "wants a sign-in" },
        { "takes what was not offered", BYTES("\5\2"), 0, "proxy:protocol", ERR_PROTOCOL, "not offered" },
        { "SOCKS4", BYTES("\0\132"), 0, "proxy:protocol", ERR_PROTOCOL, "no SOCKS5 proxy" },
        { "a mail server", BYTES("220 hi\r\n"), 6, "proxy:protocol", ERR_PROTOCOL, "no SOCKS5 proxy" },
        { "a web server", BYTES("HTTP/1.1 400 Bad Request\r\n"), 24, "proxy:protocol", ERR_PROTOCOL, "no SOCKS5 proxy" },
        { "another version later on", BYTES("\5\0" "\4\0\0\1\0"), 0, "proxy:protocol", ERR_PROTOCOL, "none of SOCKS5" },
        { "no kind of address", BYTES("\5\0" "\5\0\0\2\0"), 0, "proxy:protocol", ERR_PROTOCOL, "no known kind" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t piece = 1; piece < 64; piece = piece * 2 + 1) {
            struct socks5 socks;
            struct err err = { 0 };
            HELD(buf) said = BUF(1000);
            size_t used;

            assert_true(socks5_begin(&socks, SPAN("smtp.example.com"), 587, &err));
            bool good = play(&socks, rows[i].proxy, piece, &said, &used, &err);
            check_row(rows[i].label, good == !rows[i].fact && err.kind == rows[i].kind);
            check_row(rows[i].label, used == rows[i].proxy.len - rows[i].behind);
            if (good) {
                check_row(rows[i].label, socks5_wants(&socks) == 0);
                continue;
            }
            check_row(rows[i].label, strcmp(err.fact, rows[i].fact) == 0 && strstr(err.text, rows[i].want));
        }
    }
}

/* Cut anywhere, it waits for more. */
static void test_cut_short(void **state)
{
    static const struct span whole = BYTES("\5\0" "\5\0\0\3\4host\0\31");

    (void)state;
    for (size_t len = 0; len < whole.len; len++) {
        struct socks5 socks;
        struct err err = { 0 };
        HELD(buf) said = BUF(1000);
        size_t used;

        assert_true(socks5_begin(&socks, SPAN("x"), 587, &err));
        assert_true(play(&socks, span_cut(whole, 0, len), 300, &said, &used, &err));
        assert_true(socks5_wants(&socks) > 0);
        assert_int_equal(used, len);
    }
}

static void test_urls(void **state)
{
    static const struct {
        const char *text, *host; /* host NULL: refused */
        uint16_t port;
    } rows[] = {
        { "socks5://127.0.0.1:9050", "127.0.0.1", 9050 },
        { "socks5://proxy.example", "proxy.example", 1080 },
        { "socks5://[::1]:9050", "::1", 9050 },
        { "socks5://[2001:db8::1]", "2001:db8::1", 1080 },
        { "socks5://", NULL, 0 },
        { "socks5://:9050", NULL, 0 },
        { "socks5://me:pw@127.0.0.1:9050", NULL, 0 },
        { "socks5://127.0.0.1:0", NULL, 0 },
        { "socks5://127.0.0.1:65536", NULL, 0 },
        { "socks5://127.0.0.1:9050/", NULL, 0 },
        { "socks5://127.0.0.1:", NULL, 0 },
        { "socks5://[::1", NULL, 0 },
        { "socks5://[::1]9050", NULL, 0 },
        { "socks5://[127.0.0.1]:9050", NULL, 0 },
        { "socks5://::1", NULL, 0 },
        { "socks4://127.0.0.1:9050", NULL, 0 },
        { "http://127.0.0.1:9050", NULL, 0 },
        { "127.0.0.1:9050", NULL, 0 },
        { "", NULL, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char host[SOCKS5_NAME_MAX + 1];
        uint16_t port = 0;
        struct err err = { 0 };
        bool good = socks5_url_parse(span_of(rows[i].text), host, &port, &err);

        check_row(rows[i].text, good == (rows[i].host != NULL));
        check_row(rows[i].text, good ? strcmp(host, rows[i].host) == 0 && port == rows[i].port
                                     : err.kind == ERR_CONFIG && strcmp(err.fact, "config:bad") == 0);
        check_row(rows[i].text, !strstr(err.text, "pw"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_cut_short),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
