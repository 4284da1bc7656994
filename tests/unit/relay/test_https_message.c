/* May a message go over HTTPS, and how does it look there? */
#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/base64.h"
#include "mail/envelope.h"
#include "relay/https_message.h"
#include "support/alloc_fails.h"

enum { RECIPIENTS = 4 };

static const struct {
    const char *label;
    const char *api; /* "graph" unless said */
    const char *header;
    const char *sender; /* "me@live.com" unless said */
    const char *to[RECIPIENTS + 1];
    size_t first, count; /* 0: all from `first` on */
    const char *bcc, *fact;
} cases[] = {
    { "one", NULL, "From: me@live.com\r\nTo: a@x.test\r\n", NULL, { "a@x.test" }, 0, 0, "", NULL },
    { "names and groups", NULL,
      "From: Me <me@live.com>\r\nTo: \"A, B\" <a@x.test>, friends: b@x.test, c@x.test;\r\nCc:\r\n d@x.test\r\n",
      NULL, { "a@x.test", "b@x.test", "c@x.test", "d@x.test" }, 0, 0, "", NULL },
    { "whom the header does not name", NULL, "From: me@live.com\r\nTo: a@x.test\r\n", NULL,
      { "a@x.test", "b@x.test", "c@x.test" }, 0, 0, "Bcc: b@x.test, c@x.test\r\n", NULL },
    { "nobody is named", NULL, "From: me@live.com\r\n", NULL, { "a@x.test" }, 0, 0, "Bcc: a@x.test\r\n",
      NULL },
    { "undisclosed", NULL, "From: me@live.com\r\nTo: undisclosed-recipients:;\r\n", NULL, { "a@x.test" }, 0,
      0, "Bcc: a@x.test\r\n", NULL },
    { "a domain in another case", NULL, "From: ME@LIVE.COM\r\nTo: a@X.TEST\r\n", NULL, { "a@x.test" }, 0, 0,
      "", NULL },
    { "somebody is no recipient", NULL, "From: me@live.com\r\nTo: a@x.test, b@x.test\r\n", NULL,
      { "a@x.test" }, 0, 0, NULL, "https:recipients" },
    { "somebody in Cc is none", NULL, "From: me@live.com\r\nTo: a@x.test\r\nCc: b@x.test\r\n", NULL,
      { "a@x.test" }, 0, 0, NULL, "https:recipients" },
    { "somebody is one no longer", NULL, "From: me@live.com\r\nTo: a@x.test, b@x.test\r\n", NULL,
      { "a@x.test", "b@x.test" }, 1, 1, NULL, "https:recipients" },
    { "the rest, all of them unnamed", NULL, "From: me@live.com\r\n", NULL,
      { "a@x.test", "b@x.test", "c@x.test" }, 1, 2, "Bcc: b@x.test, c@x.test\r\n", NULL },
    { "a local part in another case is another", NULL, "From: me@live.com\r\nTo: A@x.test\r\n", NULL,
      { "a@x.test" }, 0, 0, NULL, "https:recipients" },
    { "two To fields", NULL, "From: me@live.com\r\nTo: a@x.test\r\nTo: b@x.test\r\n", NULL, { "a@x.test" },
      0, 0, NULL, "https:recipients" },
    { "a list that can't be read", NULL, "From: me@live.com\r\nTo: a@x.test, <b@\r\n", NULL, { "a@x.test" },
      0, 0, NULL, "address:malformed" },
    { "a bare name", NULL, "From: me@live.com\r\nTo: root\r\n", NULL, { "root@x.test" }, 0, 0, NULL,
      "address:malformed" },
    { "resent: the old ones would get it again", NULL,
      "Resent-To: b@x.test\r\nFrom: me@live.com\r\nTo: a@x.test\r\n", NULL, { "b@x.test" }, 0, 0, NULL,
      "https:recipients" },
    { "a Bcc that names all", NULL, "From: me@live.com\r\nBcc: a@x.test\r\n", NULL, { "a@x.test" }, 0, 0,
      "", NULL },
    { "a Bcc that does not", NULL, "From: me@live.com\r\nBcc: a@x.test\r\n", NULL,
      { "a@x.test", "b@x.test" }, 0, 0, NULL, "https:recipients" },
    { "from another", NULL, "From: you@live.com\r\nTo: a@x.test\r\n", NULL, { "a@x.test" }, 0, 0, NULL,
      "sender:foreign" },
    { "from two", NULL, "From: me@live.com, you@live.com\r\nTo: a@x.test\r\n", NULL, { "a@x.test" }, 0, 0,
      NULL, "sender:foreign" },
    { "from nobody", NULL, "To: a@x.test\r\n", NULL, { "a@x.test" }, 0, 0, NULL, "message:header" },
    { "no header at all", NULL, "", NULL, { "a@x.test" }, 0, 0, NULL, "message:header" },
    { "an envelope from another", NULL, "From: me@live.com\r\nTo: a@x.test\r\n", "you@live.com",
      { "a@x.test" }, 0, 0, NULL, "sender:foreign" },
    { "an envelope from nobody", NULL, "From: me@live.com\r\nTo: a@x.test\r\n", "", { "a@x.test" }, 0, 0,
      NULL, "sender:foreign" },
    { "an alias, where it would be replaced", NULL, "From: alias@live.com\r\nTo: a@x.test\r\n", NULL,
      { "a@x.test" }, 0, 0, NULL, "sender:foreign" },
    { "an alias, where it is kept", "gmail", "From: alias@live.com\r\nTo: a@x.test\r\n", "alias@live.com",
      { "a@x.test" }, 0, 0, "", NULL },
    { "more than are taken", NULL, "From: me@live.com\r\n", NULL,
      { "a@x.test", "b@x.test", "c@x.test", "d@x.test" }, 0, 4, NULL, "recipients:too-many" },
};

struct source {
    struct buf text;
    size_t piece; /* it gives no more at once */
};

static bool read_source(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err)
{
    const struct source *source = of;
    struct span rest = span_from(buf_span(&source->text), (size_t)at);

    (void)err;
    rest = span_cut(rest, 0, room < source->piece ? room : source->piece);
    if (rest.len)
        memcpy(into, rest.at, rest.len);
    *ret_len = rest.len;
    return true;
}

static struct account *account_make(void)
{
    struct account *account = NULL;
    struct err err;

    assert_true(account_new(SPAN("live"), &account, &err));
    assert_true(account_set(account, "address", SPAN("me@live.com"), &err));
    assert_true(account_set(account, "send_as", SPAN("alias@live.com"), &err));
    return account;
}

static struct envelope *envelope_make(const char *sender, const char *const *to)
{
    struct envelope *envelope = envelope_new();
    struct err err;

    assert_true(envelope && envelope_set_sender(envelope, span_of(sender ? sender : "me@live.com"), &err));
    for (; *to; to++)
        assert_true(envelope_add(envelope, span_of(*to), &err));
    return envelope;
}

static const struct https_api *api_of(const char *name)
{
    return name && strcmp(name, "gmail") == 0 ? &https_gmail : &https_graph;
}

/* The request's body read in pieces of `room`, as the message it stands for. */
static void read_all(const char *label, const struct https_message *m, size_t room, struct buf *out)
{
    HELD(buf) text = BUF(1 << 22);
    char piece[1000];
    size_t len = 1;
    struct err err;

    while (len) {
        check_row(label, https_message_read(m, text.len, piece, room, &len, &err));
        buf_add_span(&text, (struct span){ piece, len });
    }
    check_row(label, !text.full && text.len == m->size);
    if (m->api->base64)
        check_row(label, base64_decode(out, buf_span(&text)));
    else
        buf_add_span(out, buf_span(&text));
}

static void test_cases(void **state)
{
    OWN(account) account = account_make();

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(envelope) envelope = envelope_make(cases[i].sender, cases[i].to);
        struct source source = { BUF(10000), 5 };
        struct https_message m;
        struct err err = { 0 };
        buf_add(&source.text, cases[i].header);
        buf_add(&source.text, "\r\nbody\r\n\r\n");
        envelope->size = source.text.len;
        struct transport_message message = {
            .envelope = envelope,
            .first = cases[i].first,
            .count = cases[i].count ? cases[i].count : envelope->count - cases[i].first,
            .body = { read_source, &source },
        };
        account->limits.recipients_per_message = cases[i].count == 4 ? 3 : 0;
        bool fits = https_message_begin(api_of(cases[i].api), account, &message, &m, &err);
        check_row(cases[i].label, fits == !cases[i].fact);
        if (!fits && (!err.fact || strcmp(err.fact, cases[i].fact) != 0))
            fail_msg("case \"%s\": %s", cases[i].label, err.text);
        for (size_t room = 1; fits && room < 12; room++) {
            HELD(buf) want = BUF(10000);
            HELD(buf) got = BUF(10000);
            buf_add(&want, cases[i].bcc);
            buf_add_span(&want, buf_span(&source.text));
            read_all(cases[i].label, &m, room, &got);
            check_bytes(cases[i].label, buf_span(&got), buf_span(&want));
        }
        https_message_done(&m);
        buf_done(&source.text);
    }
}

/* Many unnamed ones fold, and come out as they went in. */
static void test_many(void **state)
{
    OWN(account) account = account_make();
    OWN(envelope) envelope = envelope_make(NULL, (const char *const[]){ NULL });
    struct source source = { BUF(10000), 10000 };
    struct https_message m;
    struct err err = { 0 };

    (void)state;
    for (unsigned i = 0; i < 500; i++) {
        char address[40];
        snprintf(address, sizeof address, "somebody-%u@example.test", i);
        assert_true(envelope_add(envelope, span_of(address), &err));
    }
    buf_add(&source.text, "From: me@live.com\r\n\r\nhi\r\n");
    envelope->size = source.text.len;
    const struct transport_message message = { .envelope = envelope, .count = 500,
                                               .body = { read_source, &source } };
    assert_true(https_message_begin(&https_graph, account, &message, &m, &err));
    assert_true(m.front.len > 500 * 24);
    size_t longest = 0;
    struct span rest = buf_span(&m.front), line;
    while (span_split(&rest, '\n', &line))
        longest = line.len > longest ? line.len : longest;
    assert_true(longest <= 80);
    https_message_done(&m);
    buf_done(&source.text);
}

static void test_sizes(void **state)
{
    OWN(account) account = account_make();
    OWN(envelope) envelope = envelope_make(NULL, (const char *const[]){ "a@x.test", NULL });
    static const struct {
        const struct https_api *api;
        uint64_t size;
        bool fits;
    } sizes[] = {
        { &https_graph, 3u * 1024 * 1024, true },      /* 4 MB in base64 */
        { &https_graph, 3u * 1024 * 1024 + 1, false },
        { &https_gmail, 36700160, true },
        { &https_gmail, 36700161, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct source source = { BUF(1000), 1000 };
        struct https_message m;
        struct err err = { 0 };
        buf_add(&source.text, "From: me@live.com\r\nTo: a@x.test\r\n\r\n");
        envelope->size = sizes[i].size;
        const struct transport_message message = { .envelope = envelope, .count = 1,
                                                   .body = { read_source, &source } };
        assert_int_equal(https_message_begin(sizes[i].api, account, &message, &m, &err), sizes[i].fits);
        if (!sizes[i].fits)
            assert_string_equal(err.fact, "size:too-big");
        https_message_done(&m);
        buf_done(&source.text);
    }
}

/* A message that is shorter than told is no message. */
static void test_ends_early(void **state)
{
    OWN(account) account = account_make();
    OWN(envelope) envelope = envelope_make(NULL, (const char *const[]){ "a@x.test", NULL });
    struct source source = { BUF(1000), 1000 };
    struct https_message m;
    struct err err = { 0 };
    char piece[400];
    size_t len;

    (void)state;
    buf_add(&source.text, "From: me@live.com\r\nTo: a@x.test\r\n\r\nhi\r\n");
    envelope->size = source.text.len + 1;
    const struct transport_message message = { .envelope = envelope, .count = 1,
                                               .body = { read_source, &source } };
    assert_true(https_message_begin(&https_graph, account, &message, &m, &err));
    assert_false(https_message_read(&m, 0, piece, sizeof piece, &len, &err));
    assert_int_equal(err.kind, ERR_IO);
    https_message_done(&m);
    buf_done(&source.text);
}

static void test_no_memory(void **state)
{
    OWN(account) account = account_make();
    OWN(envelope) envelope = envelope_make(NULL, (const char *const[]){ "a@x.test", "b@x.test", NULL });
    struct source source = { BUF(1000), 1000 };

    (void)state;
    buf_add(&source.text, "From: me@live.com\r\nTo: a@x.test\r\n\r\nhi\r\n");
    envelope->size = source.text.len;
    const struct transport_message message = { .envelope = envelope, .count = 2,
                                               .body = { read_source, &source } };
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive(), len;
        struct https_message m;
        struct err err = { 0 };
        char piece[100];
        alloc_fail_at(n);
        bool good = https_message_begin(&https_graph, account, &message, &m, &err) &&
                    https_message_read(&m, 0, piece, sizeof piece, &len, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(good != failed);
        assert_true(good || err.kind == ERR_MEMORY);
        https_message_done(&m);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
    buf_done(&source.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_ends_early),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
