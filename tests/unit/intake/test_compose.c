#include "support/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "intake/compose.h"
#include "intake/compose_int.h"
#include "support/scratch.h"
#include "support/world.h"

#define MIXED "=_000102030405060708090a0b0c0d0e0f"
#define BOTH  "=_101112131415161718191a1b1c1d1e1f"

static struct compose_order order_of(struct scratch *dir, const struct disk *disk)
{
    struct compose_order order = { .disk = disk, .directory = scratch_root(dir), .text_fd = -1 };

    for (size_t i = 0; i < sizeof order.random; i++)
        order.random[i] = (unsigned char)i;
    return order;
}

/* A file with these bytes, open at its front. */
static int file_of(struct scratch *dir, const char *name, struct span bytes)
{
    int fd = open(scratch_path(dir, name), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0 && write(fd, bytes.at, bytes.len) == (ssize_t)bytes.len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void read_all(int fd, struct buf *out)
{
    char piece[4096];

    for (ssize_t len; (len = read(fd, piece, sizeof piece)) > 0;)
        buf_add_span(out, (struct span){ piece, (size_t)len });
    close(fd);
    assert_false(out->full);
}

static void check_composed(const char *label, const struct compose_order *order, const char *want)
{
    HELD(buf) out = BUF(20000);
    struct err err = { 0 };
    int fd = -1;

    if (!compose_message(order, &fd, &err))
        fail_msg("case \"%s\": %s", label, err.text);
    read_all(fd, &out);
    check_bytes(label, buf_span(&out), span_of(want));
}

static void test_texts(void **state)
{
    static const struct {
        const char *label;
        struct span text;
        const char *entity;
    } cases[] = {
        { "plain", SPAN_INIT("Hi\nyou\n"),
          "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\nHi\r\nyou\r\n" },
        { "CRLF, bare CR, no last line end", SPAN_INIT("a\r\nb\rc"),
          "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\na\r\nb\r\nc\r\n" },
        { "UTF-8", SPAN_INIT("gr\xC3\xBC\xC3\x9F" "e=\n"),
          "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
          "gr=C3=BC=C3=9Fe=3D\r\n" },
        { "something else", SPAN_INIT("gr\xFC\xDF" "e\n"),
          "Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
          "gr=FC=DFe\r\n" },
        { "UTF-8, cut short", SPAN_INIT("\xC3"),
          "Content-Type: text/plain; charset=windows-1252\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
          "=C3\r\n" },
        { "like a boundary", SPAN_INIT("--" BOTH "--\n"),
          "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n"
          "--=3D_101112131415161718191a1b1c1d1e1f--\r\n" },
        { "empty", SPAN_INIT(""),
          "Content-Type: text/plain; charset=us-ascii\r\nContent-Transfer-Encoding: 7bit\r\n\r\n" },
    };
    (void)state;
    SCRATCH(dir);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct compose_order order = order_of(dir, &disk_system);
        HELD(buf) want = BUF(1000);
        order.text_fd = file_of(dir, "text", cases[i].text);
        buf_addf(&want, "MIME-Version: 1.0\r\n%s", cases[i].entity);
        check_composed(cases[i].label, &order, buf_text(&want));
        close(order.text_fd);
    }
}

static void test_header(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct compose_order order = order_of(dir, &disk_system);
    order.from = "J\xC3\xBC <me@live.com>";
    order.to = (const char *const[]){ "A <a@b>, c@d", "\"E, F\" <e@\xC3\xBC.example>", NULL };
    order.cc = (const char *const[]){ "root", NULL };
    order.domain = "web1.example";
    order.subject = "gr\xC3\xBC\xC3\x9F" "e";
    check_composed("header", &order,
                   "From: =?utf-8?q?J=C3=BC?= <me@live.com>\r\n"
                   "To: A <a@b>, c@d, \"E, F\" <e@xn--tda.example>\r\nCc: root@web1.example\r\n"
                   "Subject: =?utf-8?q?gr=C3=BC=C3=9Fe?=\r\nMIME-Version: 1.0\r\n"
                   "Content-Type: text/plain\r\n\r\n");
}

static void test_parts(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct compose_order order = order_of(dir, &disk_system);
    order.text_fd = file_of(dir, "text", SPAN("Hi\n"));
    order.html = scratch_file(dir, "x.html", "<p>Hi", 0600);
    order.attachments = (const char *const[]){ scratch_file(dir, "a b.pdf", "%PDF", 0600),
                                               scratch_file(dir, "\xC3\xBC.bin", "\r\n.\r\n", 0600), NULL };
    check_composed("parts", &order,
                   "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=\"" MIXED "\"\r\n\r\n"
                   "--" MIXED "\r\nContent-Type: multipart/alternative;\r\n\tboundary=\"" BOTH "\"\r\n\r\n"
                   "--" BOTH "\r\nContent-Type: text/plain; charset=us-ascii\r\n"
                   "Content-Transfer-Encoding: 7bit\r\n\r\nHi\r\n\r\n"
                   "--" BOTH "\r\nContent-Type: text/html; charset=us-ascii\r\n"
                   "Content-Transfer-Encoding: 7bit\r\n\r\n<p>Hi\r\n\r\n--" BOTH "--\r\n\r\n"
                   "--" MIXED "\r\nContent-Type: application/pdf; name=\"a b.pdf\"\r\n"
                   "Content-Transfer-Encoding: base64\r\n"
                   "Content-Disposition: attachment; filename=\"a b.pdf\"\r\n\r\nJVBERg==\r\n\r\n"
                   "--" MIXED "\r\nContent-Type: application/octet-stream; name*=UTF-8''%C3%BC.bin\r\n"
                   "Content-Transfer-Encoding: base64\r\n"
                   "Content-Disposition: attachment; filename*=UTF-8''%C3%BC.bin\r\n\r\nDQouDQo=\r\n\r\n"
                   "--" MIXED "--\r\n");
    close(order.text_fd);
}

static void check_refused(const char *label, const struct compose_order *order, enum err_kind kind,
                          const char *says)
{
    struct err err = { 0 };
    int fd = -1;

    check_row(label, !compose_message(order, &fd, &err));
    if (err.kind != kind || !strstr(err.text, says))
        fail_msg("case \"%s\": %d, \"%s\"", label, err.kind, err.text);
    check_row(label, fd == -1);
}

static void test_refused(void **state)
{
    (void)state;
    SCRATCH(dir);
    const char *missing = scratch_path(dir, "missing");
    struct compose_order order = order_of(dir, &disk_system), plain = order;

    order.subject = "x\r\nBcc: a@b";
    check_refused("an injection by the subject", &order, ERR_DATA, "the subject has a line break in it, at byte 2");
    order = plain;
    order.to = (const char *const[]){ "a@b\nBcc: c@d", NULL };
    check_refused("an injection by an address", &order, ERR_DATA, "To: the text has a line break");
    order.to = (const char *const[]){ "a@b, c@", NULL };
    check_refused("a bad member", &order, ERR_DATA, "To: address 2: at character 8");
    order.to = (const char *const[]){ "root", NULL };
    check_refused("a bare name", &order, ERR_DATA, "\"@\" and a domain are missing");
    order = plain;
    order.attachments = &missing;
    order.attachments = (const char *const[]){ missing, NULL };
    check_refused("no such file", &order, ERR_INPUT, "missing can't be attached: No such file");
    order.attachments = (const char *const[]){ scratch_root(dir), NULL };
    check_refused("a directory", &order, ERR_INPUT, "it is not a regular file");
    const char *pipe_path = scratch_path(dir, "pipe");
    assert_int_equal(mkfifo(pipe_path, 0600), 0);
    order.attachments = (const char *const[]){ pipe_path, NULL };
    check_refused("a pipe", &order, ERR_INPUT, "it is not a regular file");
    order = plain;
    order.html = missing;
    check_refused("no such HTML", &order, ERR_INPUT, "missing can't be read: No such file");
    order = plain;
    order.text_fd = file_of(dir, "nul", SPAN("a\0b"));
    check_refused("NUL", &order, ERR_DATA, "the text has a NUL, at byte 2");
    close(order.text_fd);
    order.text_fd = open(scratch_root(dir), O_RDONLY | O_CLOEXEC);
    check_refused("an unreadable text", &order, ERR_INPUT, "the text can't be read");
    close(order.text_fd);
}

static void test_a_file_that_changes(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct compose_file file;
    const char *path = scratch_file(dir, "log.txt", "one\n", 0600);

    assert_true(compose_file_open(path, &file, NULL));
    assert_string_equal(file.type, "text");
    assert_true(compose_file_check(&file, NULL));
    assert_int_equal(truncate(path, 2), 0);
    struct err err = { 0 };
    assert_false(compose_file_check(&file, &err));
    assert_int_equal(err.kind, ERR_INPUT);
    compose_file_done(&file);
}

/* A hundred megabytes, of which nothing stays in memory. */
static void test_large(void **state)
{
    enum { LARGE = 100 << 20 };
    (void)state;
    SCRATCH(dir);
    struct compose_order order = order_of(dir, &disk_system);
    struct rusage before, after;
    struct stat info;
    struct err err = { 0 };
    int fd = -1;

    close(file_of(dir, "large.bin", SPAN("x")));
    assert_int_equal(truncate(scratch_path(dir, "large.bin"), LARGE), 0);
    order.attachments = (const char *const[]){ scratch_path(dir, "large.bin"), NULL };
    getrusage(RUSAGE_SELF, &before);
    assert_true(compose_message(&order, &fd, &err));
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(fstat(fd, &info), 0);
    assert_true(info.st_size > LARGE / 3 * 4);
    assert_true(after.ru_maxrss - before.ru_maxrss < 8 * 1024);
    close(fd);
}

static void test_everything_fails_once(void **state)
{
    (void)state;
    SCRATCH(dir);
    int text = file_of(dir, "text", SPAN("gr\xC3\xBC\xC3\x9F" "e\n"));
    const char *attached = scratch_file(dir, "a.txt", "hello", 0600);
    for (unsigned n = 1;; n++) {
        struct world world;
        struct err err = { 0 };
        int fd = -1;
        world_begin(&world, n);
        struct compose_order order = order_of(dir, &world.disk);
        order.to = (const char *const[]){ "A <a@b>, c@d", NULL };
        order.subject = "gr\xC3\xBC\xC3\x9F" "e";
        order.text_fd = text;
        order.attachments = (const char *const[]){ attached, NULL };
        assert_int_equal(lseek(text, 0, SEEK_SET), 0);
        bool good = compose_message(&order, &fd, &err);
        bool failed = world_end(&world);
        if (!good && !failed)
            fail_msg("run %u: %s", n, err.text);
        assert_true(good || (err.kind != ERR_NONE && fd == -1));
        if (good)
            world.disk.close(&world.disk, fd);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
    close(text);
    assert_int_equal(scratch_count(scratch_root(dir)), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_texts),
        cmocka_unit_test(test_header),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_a_file_that_changes),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_everything_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
