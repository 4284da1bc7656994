#include "support/check.h"

#include "base/alloc.h"
#include "base/scan.h"
#include "base/str.h"
#include "mail/convert.h"
#include "support/alloc_fails.h"

#define X50  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
#define X500 X50 X50 X50 X50 X50 X50 X50 X50 X50 X50

static const struct {
    const char *label, *in;
    const char *out; /* NULL: refused */
} cases[] = {
    { "no MIME", "A: b\r\n\r\n\xC3\xBC\r\n",
      "A: b\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n" },
    { "text",
      "MIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\nContent-Transfer-Encoding: 8bit\r\n"
      "\r\na=b \xFC \r\n\r\n\t\r\n.\r\n",
      "MIME-Version: 1.0\r\nContent-Type: text/html; charset=iso-8859-1\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\na=3Db =FC=20\r\n\r\n=09\r\n.\r\n" },
    { "bytes",
      "MIME-Version: 1.0\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\xFF\xFE\r\nz\r\n",
      "MIME-Version: 1.0\r\nContent-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n//4NCnoNCg==\r\n" },
    { "the subject", "Subject: \xC3\xBC\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\nx\r\n",
      "Subject: =?utf-8?q?=C3=BC?=\r\nMIME-Version: 1.0\r\nContent-Type: text/plain\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\nx\r\n" },
    { "quoted-printable already",
      "Content-Transfer-Encoding: Quoted-Printable\r\nContent-Type: text/plain\r\n\r\na=C3=BC b=\r\nc\xFC=\r\n",
      "Content-Transfer-Encoding: Quoted-Printable\r\nContent-Type: text/plain\r\n\r\na=C3=BC b=\r\nc=FC=\r\n" },
    { "base64 already", "Content-Transfer-Encoding: base64\r\n\r\nYWJj\r\nZGVm\r\n",
      "Content-Transfer-Encoding: base64\r\n\r\nYWJjZGVm\r\n" },
    { "parts",
      "Content-Type: multipart/mixed; boundary=\"a b\"\r\nContent-Transfer-Encoding: 8bit\r\n\r\npre\xC3\xBC\r\n"
      "--a b\r\n\r\n\xC3\xBC\r\n--a b \r\nContent-Type: image/x\r\nContent-Transfer-Encoding: 8bit\r\n\r\n\xFF"
      "\r\n--a bc\r\n--a b--\r\nend\xFF\r\n",
      "Content-Type: multipart/mixed; boundary=\"a b\"\r\nMIME-Version: 1.0\r\n"
      "Content-Transfer-Encoding: 7bit\r\n\r\npre??\r\n"
      "--a b\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n"
      "\r\n=C3=BC\r\n--a b \r\nContent-Type: image/x\r\nContent-Transfer-Encoding: base64\r\n\r\n/w0KLS1hIGJj"
      "\r\n--a b--\r\nend?\r\n" },
    { "an outer boundary ends inner parts",
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--a\r\nContent-Transfer-Encoding: base64\r\n\r\nYg==\r\n"
      "--a--\r\n",
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\nContent-Transfer-Encoding: base64\r\n\r\nYQ==\r\n--a\r\nContent-Transfer-Encoding: base64\r\n\r\nYg==\r\n"
      "--a--\r\n" },
    { "an empty part and one without a blank line",
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n--a\r\nContent-Type: x/y\r\n--a\r\n\r\n--a--\r\n",
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n--a\r\nContent-Type: x/y\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\n--a--\r\n" },
    { "a part whose header is none loses nothing",
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nHello you\r\n\xFC\r\n--a--\r\n",
      "Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\nHello you\r\n=FC\r\n--a--\r\n" },
    { "a message inside",
      "Content-Type: message/rfc822\r\nContent-Transfer-Encoding: 8bit\r\n\r\nSubject: \xC3\xBC\r\n\r\n\xC3\xBC\r\n",
      "Content-Type: message/rfc822\r\nMIME-Version: 1.0\r\nContent-Transfer-Encoding: 7bit\r\n\r\n"
      "Subject: =?utf-8?q?=C3=BC?=\r\n"
      "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n=C3=BC\r\n" },
    { "a message inside, without a header", "Content-Type: message/rfc822\r\n\r\nHi there\r\n",
      "Content-Type: message/rfc822\r\n\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n\r\nHi there\r\n" },
    { "signed and clean",
      "Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nx =\r\n--a\r\n"
      "Content-Type: application/pgp-signature\r\n\r\ny\r\n--a--\r\n",
      "Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\nContent-Type: text/plain\r\n\r\nx =\r\n--a\r\n"
      "Content-Type: application/pgp-signature\r\n\r\ny\r\n--a--\r\n" },
    { "around what is signed",
      "Content-Type: multipart/signed; boundary=a\r\n\r\n\xFC\r\n--a\r\n\r\nx\r\n--a--\r\n\xFC\r\n",
      "Content-Type: multipart/signed; boundary=a\r\n\r\n?\r\n--a\r\n\r\nx\r\n--a--\r\n?\r\n" },
    { "signed and 8-bit", "Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n\r\n\xFC\r\n--a--\r\n", NULL },
    { "signed with an 8-bit header", "Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\nX: \xFC\r\n\r\n--a--\r\n",
      NULL },
    { "signed, deeper",
      "Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
      "--b\r\n\r\n\xFC\r\n--b--\r\n--a--\r\n", NULL },
    { "beside what is signed",
      "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/signed; boundary=a\r\n\r\n"
      "--a\r\n\r\nx\r\n--a--\r\n--m\r\nContent-Type: text/plain\r\n\r\n\xFC\r\n--m--\r\n",
      "Content-Type: multipart/mixed; boundary=m\r\n\r\n--m\r\nContent-Type: multipart/signed; boundary=a\r\n\r\n"
      "--a\r\n\r\nx\r\n--a--\r\n--m\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n"
      "\r\n=FC\r\n--m--\r\n" },
    { "long lines", "MIME-Version: 1.0\r\nContent-Type: text/plain\r\n\r\n" X50 X50 "\r\n",
      "MIME-Version: 1.0\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
      X50 "xxxxxxxxxxxxxxxxxxxxxxxxx=\r\nxxxxxxxxxxxxxxxxxxxxxxxxx\r\n" },
    { "long lines, signed",
      "Content-Type: multipart/signed; boundary=a\r\n\r\n--a\r\n\r\n" X500 X500 "\r\n--a--\r\n", NULL },
    { "an address not ASCII", "To: \xC3\xBC@b.c\r\n\r\nx\r\n", NULL },
    { "a header line that can't be folded", "Subject: " X500 X500 "\r\n\r\nx\r\n", NULL },
    { "a boundary too long", "Content-Type: multipart/mixed; boundary=" X50 X50 "\r\n\r\nx\r\n", NULL },
    { "a boundary not ASCII", "Content-Type: multipart/mixed; boundary=\"a\xFC\"\r\n\r\n--a\xFC\r\n", NULL },
    { "no body", "Subject: x\r\n",
      "Subject: x\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Transfer-Encoding: quoted-printable\r\n" },
};

static bool run(struct span in, size_t first, size_t step, struct buf *out, struct err *err)
{
    OWN(convert) convert = convert_new();

    for (size_t at = 0, next; at < in.len; at = next) {
        next = at + (at == 0 && first ? first : step);
        if (!convert_feed(convert, span_cut(in, at, next), out, err))
            return false;
    }
    return convert_end(convert, out, err);
}

static void check_case(size_t i, size_t first, size_t step)
{
    HELD(buf) out = BUF(10000);
    struct err err = { 0 };
    bool good = run(span_of(cases[i].in), first, step, &out, &err);

    if (good != (cases[i].out != NULL))
        fail_msg("case \"%s\": %s", cases[i].label, err.text);
    if (good)
        check_bytes(cases[i].label, buf_span(&out), span_of(cases[i].out));
    else
        check_row(cases[i].label, err.kind == ERR_DATA && err.fact);
}

static void test_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        check_case(i, 0, 10000);
        check_case(i, 0, 1);
        for (size_t cut = 1; cut < strlen(cases[i].in); cut++)
            check_case(i, cut, 10000);
    }
}

static void test_depth(void **state)
{
    (void)state;
    for (size_t depth = CONVERT_DEPTH_MAX; depth <= CONVERT_DEPTH_MAX + 1; depth++) {
        HELD(buf) in = BUF(100000), out = BUF(100000);
        struct err err = { 0 };
        for (size_t i = 0; i < depth; i++)
            buf_addf(&in, "Content-Type: multipart/mixed; boundary=b%zu\r\n\r\n--b%zu\r\n", i, i);
        buf_add(&in, "\r\n\xFC\r\n");
        bool good = run(buf_span(&in), 0, 10000, &out, &err);
        assert_int_equal(good, depth == CONVERT_DEPTH_MAX);
        assert_int_equal(err.kind, good ? ERR_NONE : ERR_LIMIT);
    }
}

static void test_a_line_of_a_megabyte(void **state)
{
    (void)state;
    HELD(buf) in = BUF(2 << 20), out = BUF(4 << 20);
    struct err err = { 0 };
    buf_add(&in, "Content-Type: text/plain\r\n\r\n");
    for (size_t i = 0; i < 1 << 20; i++)
        buf_add_char(&in, i % 9 ? 'x' : ' ');
    buf_add(&in, "\r\n");
    assert_true(run(buf_span(&in), 0, 4096, &out, &err));
    struct scan scan = scan_of(buf_span(&out));
    struct span line;
    while (scan_line(&scan, &line))
        assert_true(line.len <= 76);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct buf out = BUF(10000);
        struct err err = { 0 };
        alloc_fail_at(n);
        struct convert *convert = convert_new();
        bool good = convert && convert_feed(convert, span_of(cases[6].in), &out, &err) &&
                    convert_end(convert, &out, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(good != failed);
        assert_true(!convert || good || err.kind == ERR_MEMORY);
        convert_free(convert);
        buf_done(&out);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_at_every_cut),
        cmocka_unit_test(test_depth),
        cmocka_unit_test(test_a_line_of_a_megabyte),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
