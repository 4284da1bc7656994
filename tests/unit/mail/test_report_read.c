/* A report as another library reads it: GMime. */
#include "support/check.h"

#include <gmime/gmime.h>

#include "mail/report.h"

static GMimeMessage *read_back(const struct buf *text)
{
    GMimeStream *stream = g_mime_stream_mem_new_with_buffer(text->at, text->len);
    GMimeParser *parser = g_mime_parser_new_with_stream(stream);
    GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);

    assert_non_null(message);
    g_object_unref(parser);
    g_object_unref(stream);
    return message;
}

static void check_type(GMimeMultipart *parts, int at, const char *type, const char *subtype)
{
    GMimeContentType *is = g_mime_object_get_content_type(g_mime_multipart_get_part(parts, at));

    assert_string_equal(g_mime_content_type_get_media_type(is), type);
    assert_string_equal(g_mime_content_type_get_media_subtype(is), subtype);
}

/* The fields of a group, as any reader of header lines has them. */
static void check_fields(GMimeMultipart *parts, const char *const *wants)
{
    GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(g_mime_multipart_get_part(parts, 1)));
    GMimeStream *memory = g_mime_stream_mem_new();

    assert_true(g_mime_data_wrapper_write_to_stream(content, memory) > 0);
    GByteArray *bytes = g_mime_stream_mem_get_byte_array(GMIME_STREAM_MEM(memory));
    const struct span text = { (const char *)bytes->data, bytes->len };
    for (; *wants; wants++)
        check_row(*wants, span_find_text(text, *wants) < text.len);
    g_object_unref(memory);
}

static void test_read_back(void **state)
{
    static const char *const wants[] = { "Reporting-MTA: dns; web1.example", "Final-Recipient: rfc822; a@example.org",
                                         "Final-Recipient: utf-8; m\\x{FC}@example.org", "Action: failed", NULL };
    static const struct report_recipient two[] = {
        { .address = "a@example.org", .reply = 550, .enhanced = { 5, 1, 1 }, .said = "n\xc3\xb6\r\n--x\r\nBcc: b@x.test" },
        { .address = "m\xc3\xbc@example.org", .said = "too large" },
    };
    const struct report report = {
        .action = ACTION_FAILED, .host = "web1.example", .from = "me@live.com", .to = "me@live.com", .now = 1795341600,
        .id = 1, .recipients = two, .count = 2, .whole = true,
        .message = SPAN("Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\nFrom: me@live.com\r\n\r\nthe text\r\n"),
    };
    HELD(buf) out = BUF(1024 * 1024);

    (void)state;
    report_write(&report, &out);
    GMimeMessage *message = read_back(&out);
    assert_string_equal(g_mime_message_get_subject(message), "Not delivered: Gr\xc3\xbc\xc3\x9f" "e");
    assert_null(g_mime_object_get_header(GMIME_OBJECT(message), "Bcc"));
    assert_string_equal(g_mime_object_get_header(GMIME_OBJECT(message), "Auto-Submitted"), "auto-replied");
    GMimeObject *whole = g_mime_message_get_mime_part(message);
    assert_true(GMIME_IS_MULTIPART(whole));
    assert_string_equal(g_mime_object_get_content_type_parameter(whole, "report-type"), "delivery-status");
    GMimeMultipart *parts = GMIME_MULTIPART(whole);
    assert_int_equal(g_mime_multipart_get_count(parts), 3);
    check_type(parts, 0, "text", "plain");
    check_type(parts, 1, "message", "delivery-status");
    check_type(parts, 2, "message", "rfc822");
    check_fields(parts, wants);
    GMimeMessage *inner = g_mime_message_part_get_message(GMIME_MESSAGE_PART(g_mime_multipart_get_part(parts, 2)));
    assert_string_equal(g_mime_message_get_subject(inner), "Gr\xc3\xbc\xc3\x9f" "e");
    g_object_unref(message);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_read_back) };

    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
