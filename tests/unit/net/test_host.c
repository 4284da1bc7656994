#include "support/check.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "net/host.h"

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *back; /* NULL: not an address */
        bool public;
    } cases[] = {
        { "192.0.2.1", "192.0.2.1", false },
        { "8.8.8.8", "8.8.8.8", true },
        { "9.255.255.255", "9.255.255.255", true },
        { "10.0.0.1", "10.0.0.1", false },
        { "100.63.255.255", "100.63.255.255", true },
        { "100.64.0.1", "100.64.0.1", false },
        { "127.0.0.1", "127.0.0.1", false },
        { "169.254.169.254", "169.254.169.254", false },
        { "172.15.0.1", "172.15.0.1", true },
        { "172.31.255.255", "172.31.255.255", false },
        { "172.32.0.1", "172.32.0.1", true },
        { "192.168.1.1", "192.168.1.1", false },
        { "0.0.0.0", "0.0.0.0", false },
        { "255.255.255.255", "255.255.255.255", false },
        { "::1", "::1", false },
        { "::", "::", false },
        { "[::1]", "::1", false },
        { "2606:4700::1111", "2606:4700::1111", true },
        { "2001:db8::1", "2001:db8::1", false },
        { "fe80::1", "fe80::1", false },
        { "fd00::1", "fd00::1", false },
        { "ff02::1", "ff02::1", false },
        { "::ffff:127.0.0.1", "::ffff:127.0.0.1", false },
        { "::ffff:8.8.8.8", "::ffff:8.8.8.8", true },
        { "64:ff9b::10.0.0.1", "64:ff9b::a00:1", false },
        { "2002:7f00:1::", "2002:7f00:1::", false },
        { "2002:808:808::", "2002:808:808::", true },
        { "127.1", NULL, false },
        { "1.2.3.4 ", NULL, false },
        { "[1.2.3.4]", NULL, false },
        { "[]", NULL, false },
        { "", NULL, false },
        { "::1%lo", NULL, false },
        { "1111:2222:3333:4444:5555:6666:7777:8888:9999", NULL, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ip ip = { .family = 99 };
        HELD(buf) text = BUF(64);

        check_row(cases[i].text, ip_parse(span_of(cases[i].text), &ip) == (cases[i].back != NULL));
        if (!cases[i].back) {
            check_row(cases[i].text, ip.family == 99);
            continue;
        }
        ip_write(&text, ip);
        check_bytes(cases[i].text, buf_span(&text), span_of(cases[i].back));
        check_row(cases[i].text, ip_is_public(ip) == cases[i].public);

        struct sockaddr_storage address;
        struct ip back;
        check_row(cases[i].text, ip_to_sockaddr(ip, 465, &address) > 0);
        check_row(cases[i].text, ip_from_sockaddr((struct sockaddr *)&address, &back));
        check_row(cases[i].text, ip_equal(ip, back));
    }
    assert_false(ip_is_public((struct ip){ 0 }));
}

static void test_names(void **state)
{
    (void)state;
    static const char long_label[] =
        "a23456789012345678901234567890123456789012345678901234567890123.example";
    static const struct {
        const char *text;
        bool name;
        bool host; /* a name or an address */
    } cases[] = {
        { "smtp.example.com", true, true },
        { "localhost", true, true },
        { "localhost.", true, true },
        { "_submissions._tcp.example.com", true, true },
        { "xn--bcher-kva.example", true, true },
        { long_label, true, true },
        { "2001:db8::1", false, true },
        { "[2001:db8::1]", false, false },
        { "", false, false },
        { ".", false, false },
        { "a..b", false, false },
        { "a.b..", false, false },
        { ".a", false, false },
        { "-a.example", false, false },
        { "a-.example", false, false },
        { "a b", false, false },
        { "smtp.example.com ", false, false },
        { "https://smtp.example.com", false, false },
        { "smtp.example.com:587", false, false },
        { "b\303\274cher.example", false, false },
        { "a\nb", false, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct err err = { 0 };
        check_row(cases[i].text, host_is_name(span_of(cases[i].text)) == cases[i].name);
        check_row(cases[i].text, host_check(span_of(cases[i].text), &err) == cases[i].host);
        if (!cases[i].host)
            assert_string_equal(err.fact, "name:malformed");
    }

    char longest[HOST_NAME_MAX_LEN + 2];
    memset(longest, 'a', sizeof longest);
    for (size_t i = 63; i < sizeof longest; i += 64)
        longest[i] = '.';
    assert_true(host_is_name((struct span){ longest, HOST_NAME_MAX_LEN }));
    assert_false(host_is_name((struct span){ longest, HOST_NAME_MAX_LEN + 1 }));
    assert_false(host_is_name((struct span){ "a23456789012345678901234567890123456789012345678901234567890123x", 64 }));
}

static void test_networks(void **state)
{
    (void)state;
    static const struct {
        const char *network, *inside, *outside; /* inside NULL: refused */
    } cases[] = {
        { "192.168.0.0/16", "192.168.255.1", "192.169.0.0" },
        { "192.168.1.20", "192.168.1.20", "192.168.1.21" },
        { "192.168.1.20/32", "::ffff:192.168.1.20", "192.168.1.21" },
        { "10.0.0.0/9", "10.127.255.255", "10.128.0.0" },
        { "0.0.0.0/0", "203.0.113.9", "::1" },
        { "::/0", "2001:db8::1", "10.0.0.1" },
        { "fd00::/8", "fd12::1", "fc00::1" },
        { "[fd00::1]", "fd00::1", "fd00::2" },
        { "2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::" },
        { "192.168.1.20/24", NULL, NULL },
        { "192.168.0.0/33", NULL, NULL },
        { "192.168.0.0/", NULL, NULL },
        { "192.168.0.0/-1", NULL, NULL },
        { "192.168.0.0/8/8", NULL, NULL },
        { "fd00::/129", NULL, NULL },
        { "fd00::1/64", NULL, NULL },
        { "192.168", NULL, NULL },
        { "localhost", NULL, NULL },
        { "any", NULL, NULL },
        { "", NULL, NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ip_network network;
        struct ip ip;
        struct err err = { 0 };

        check_row(cases[i].network, ip_network_parse(span_of(cases[i].network), &network, &err) ==
                                        (cases[i].inside != NULL));
        if (!cases[i].inside) {
            check_row(cases[i].network, err.kind == ERR_CONFIG);
            continue;
        }
        assert_true(ip_parse(span_of(cases[i].inside), &ip));
        check_row(cases[i].network, ip_in_network(ip, network));
        assert_true(ip_parse(span_of(cases[i].outside), &ip));
        check_row(cases[i].network, !ip_in_network(ip, network));
        check_row(cases[i].network, !ip_in_network((struct ip){ 0 }, network));
    }
}

static void test_where(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        bool loopback, private;
    } cases[] = {
        { "127.0.0.1", true, true },
        { "127.255.0.1", true, true },
        { "::1", true, true },
        { "::ffff:127.0.0.1", true, true },
        { "::2", false, false },
        { "128.0.0.1", false, false },
        { "10.1.2.3", false, true },
        { "172.31.0.1", false, true },
        { "172.32.0.1", false, false },
        { "192.168.1.1", false, true },
        { "::ffff:192.168.1.1", false, true },
        { "::ffff:8.8.8.8", false, false },
        { "169.254.1.1", false, true },
        { "100.64.0.1", false, false }, /* a carrier's other customers */
        { "fe80::1", false, true },
        { "fd00::1", false, true },
        { "2001:db8::1", false, false },
        { "0.0.0.0", false, false },
        { "::", false, false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ip ip;
        assert_true(ip_parse(span_of(cases[i].text), &ip));
        check_row(cases[i].text, ip_is_loopback(ip) == cases[i].loopback);
        check_row(cases[i].text, ip_is_private(ip) == cases[i].private);
    }
    assert_false(ip_is_loopback((struct ip){ 0 }) || ip_is_private((struct ip){ 0 }));
}

static void test_alike_private(void **state)
{
    (void)state;
    static const struct {
        const char *one, *other;
        bool alike;
    } cases[] = {
        { "10.1.2.3", "10.200.0.1", true },
        { "10.1.2.3", "::ffff:10.200.0.1", true },
        { "10.1.2.3", "192.168.0.1", false },
        { "10.1.2.3", "198.51.100.1", false },
        { "198.51.100.1", "198.51.100.2", false },
        { "fd00::1", "fd12::1", true },
        { "fd00::1", "10.0.0.1", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct ip one, other;
        assert_true(ip_parse(span_of(cases[i].one), &one) && ip_parse(span_of(cases[i].other), &other));
        check_row(cases[i].other, ip_is_alike_private(one, other) == cases[i].alike);
        check_row(cases[i].other, ip_is_alike_private(other, one) == cases[i].alike);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_networks),
        cmocka_unit_test(test_where),
        cmocka_unit_test(test_alike_private),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
