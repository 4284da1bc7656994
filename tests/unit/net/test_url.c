#include "support/check.h"

#include "net/url.h"

/* Whoever asks for it gets clear text, too. */
static void test_plain(void **state)
{
    static const struct {
        const char *text, *host;
        uint16_t port;
        bool plain;
    } cases[] = {
        { "http://example.com/a.cer", "example.com", 80, true },
        { "HTTP://Example.com:8080/a.cer", "example.com", 8080, true },
        { "http://[::1]/", "::1", 80, true },
        { "https://example.com/", "example.com", 443, false },
        { "ldap://example.com/cn=x", NULL, 0, false },
        { "http://me@example.com/", NULL, 0, false },
        { "http:///a", NULL, 0, false },
        { "file:///etc/passwd", NULL, 0, false },
    };
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct url url = { 0 };
        struct err err = { 0 };
        check_row(cases[i].text, url_parse_plain(span_of(cases[i].text), &url, &err) == (cases[i].host != NULL));
        check_row(cases[i].text, url.port == cases[i].port && url.plain == cases[i].plain);
        check_bytes(cases[i].text, span_of(url.host), span_of(cases[i].host ? cases[i].host : ""));
    }
}

static void test_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *host; /* NULL: refused */
        uint16_t port;
        const char *target;
    } cases[] = {
        { "https://example.com/a/b?c=d#e", "example.com", 443, "/a/b?c=d" },
        { "HTTPS://Example.COM", "example.com", 443, "/" },
        { "https://example.com:8443/", "example.com", 8443, "/" },
        { "https://example.com:/", "example.com", 443, "/" },
        { "https://example.com?x=/y", "example.com", 443, "?x=/y" },
        { "https://example.com#x", "example.com", 443, "/" },
        { "https://192.0.2.1/", "192.0.2.1", 443, "/" },
        { "https://[2001:db8::1]/", "2001:db8::1", 443, "/" },
        { "https://[2001:db8::1]:444/", "2001:db8::1", 444, "/" },
        { "http://example.com/", NULL, 0, NULL },
        { "https:/example.com/", NULL, 0, NULL },
        { "https:///path", NULL, 0, NULL },
        { "https://", NULL, 0, NULL },
        { "https://me@example.com/", NULL, 0, NULL },
        { "https://me:pw@example.com/", NULL, 0, NULL },
        { "https://example.com\\@evil.example/", NULL, 0, NULL },
        { "https://example.com:0/", NULL, 0, NULL },
        { "https://example.com:65536/", NULL, 0, NULL },
        { "https://example.com:443:443/", NULL, 0, NULL },
        { "https://[::1", NULL, 0, NULL },
        { "https://[example.com]/", NULL, 0, NULL },
        { "https://2001:db8::1/", NULL, 0, NULL },
        { "https://exa mple.com/", NULL, 0, NULL },
        { "https://example.com/a b", NULL, 0, NULL },
        { "https://example.com/\r\nHost: x", NULL, 0, NULL },
        { "https://example.com/\303\274", NULL, 0, NULL },
        { "/relative", NULL, 0, NULL },
        { "", NULL, 0, NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct url url = { .port = 77 };
        struct err err = { 0 };

        check_row(cases[i].text, url_parse(span_of(cases[i].text), &url, &err) == (cases[i].host != NULL));
        if (!cases[i].host) {
            check_row(cases[i].text, url.port == 77 && err.kind == ERR_PROTOCOL);
            continue;
        }
        check_bytes(cases[i].text, span_of(url.host), span_of(cases[i].host));
        check_row(cases[i].text, url.port == cases[i].port);
        check_bytes(cases[i].text, url.target, span_of(cases[i].target));
    }

    char longest[URL_MAX + 1];
    memset(longest, 'a', sizeof longest);
    memcpy(longest, "https://example.com/", 20);
    struct url url;
    assert_true(url_parse((struct span){ longest, URL_MAX }, &url, NULL));
    assert_false(url_parse((struct span){ longest, URL_MAX + 1 }, &url, NULL));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
