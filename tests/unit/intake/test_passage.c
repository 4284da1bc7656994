#include "support/check.h"

#include <unistd.h>

#include "base/alloc.h"
#include "intake/aliases.h"
#include "intake/passage.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

#define DATE "Date: Mon, 23 Nov 2026 00:15:00 +0100\r\n"
#define ID   "Message-ID: <000102030405060708090a0b0c0d0e0f@live.com>\r\n"
#define FROM "From: My Name <me@live.com>\r\n"

static char own_address[] = "me@live.com", own_name[] = "My Name";
static const struct account account = {
    .address = own_address, .person = own_name, .other_senders = OTHER_SENDERS_REWRITE,
};

static struct intake_order order_of(const struct envelope *envelope)
{
    return (struct intake_order){
        .account = &account,
        .wall = 1795389300,
        .zone_minutes = 60,
        .random = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 },
        .hostname = "web1.example.net",
        .fd = -1,
        .envelope = envelope,
        .sender = envelope->sender,
    };
}

static struct envelope *envelope_to(const char *sender, const char *to, const char *also)
{
    struct envelope *envelope = envelope_new();

    assert_true(envelope && envelope_set_sender(envelope, span_of(sender), NULL));
    assert_true(envelope_add_dsn(envelope, span_of(to), NOTIFY_SUCCESS, SPAN("rfc822;orig@x.org"), NULL));
    assert_true(!also || envelope_add(envelope, span_of(also), NULL));
    return envelope;
}

/* All of it, in pieces. */
static bool pass(const struct intake_order *order, struct span text, size_t piece, struct buf *out,
                 struct passage **ret_passage, struct err *err)
{
    if (!passage_new(order, ret_passage, err))
        return false;
    for (; text.len; text = span_from(text, piece))
        if (!passage_feed(*ret_passage, span_cut(text, 0, piece), out, err))
            return false;
    return passage_end(*ret_passage, out, err);
}

static const struct {
    const char *label;
    struct span in;
    const char *out; /* NULL: refused */
    const char *fact;
    uint64_t longest;
    bool eightbit, silent;
} rows[] = {
    { "as a device sends it", SPAN_INIT("Subject: scan\r\n\r\nHi\r\n"), DATE FROM ID "Subject: scan\r\n\r\nHi\r\n", NULL, 55,
      false, false },
    { "whole", SPAN_INIT("From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\n", NULL, 17, false, false },
    { "Bcc leaves", SPAN_INIT("From: me@live.com\r\nBcc: c@d\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\nx\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\nx\r\n", NULL, 17, false, false },
    { "no header", SPAN_INIT("Hi there\r\n"), DATE FROM ID "\r\nHi there\r\n", NULL, 55, false, false },
    { "eight bits", SPAN_INIT("From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\n\xc3\xa4\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\n\r\n\xc3\xa4\r\n", NULL, 17, true, false },
    { "an answering machine", SPAN_INIT("From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted: auto-replied\r\n\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted: auto-replied\r\n\r\n", NULL, 28, false, true },
    { "a program of its own accord", SPAN_INIT("From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted:\r\n (cron) auto-generated; x=y\r\n\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted:\r\n (cron) auto-generated; x=y\r\n\r\n", NULL, 27, false, false },
    { "it says nothing", SPAN_INIT("From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted:\r\n\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted:\r\n\r\n", NULL, 17, false, true },
    { "a list", SPAN_INIT("From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nList-Id: <l.x.test>\r\n\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nList-Id: <l.x.test>\r\n\r\n", NULL, 19, false, true },
    { "no machine", SPAN_INIT("From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted: no\r\n\r\n"),
      "From: me@live.com\r\nDate: x\r\nMessage-ID: <y@z>\r\nAuto-Submitted: no\r\n\r\n", NULL, 18, false, false },
    { "nothing", SPAN_INIT(""), NULL, "message:empty", 0, false, false },
    { "a NUL", SPAN_INIT("a: b\r\n\r\nx\0\r\n"), NULL, "message:nul", 0, false, false },
    { "two From", SPAN_INIT("From: a@b\r\nFrom: c@d\r\n\r\n"), NULL, "message:header", 0, false, false },
};

static void test_piece_by_piece(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_to("me@live.com", "you@example.org", NULL);
    const struct intake_order order = order_of(envelope);

    for (size_t i = 0; i < COUNT(rows); i++) {
        for (size_t piece = 1; piece < 100; piece += piece == 1 ? 6 : 92) {
            HELD(buf) out = BUF(PASSAGE_OUT_MAX);
            OWN(passage) passage = NULL;
            struct err err = { 0 };
            bool ok = pass(&order, rows[i].in, piece, &out, &passage, &err);
            check_row(rows[i].label, ok == (rows[i].out != NULL));
            if (!ok) {
                check_row(rows[i].label, err.fact && strcmp(err.fact, rows[i].fact) == 0);
                continue;
            }
            check_bytes(rows[i].label, buf_span(&out), span_of(rows[i].out));
            struct passage_facts facts = passage_facts(passage);
            check_row(rows[i].label, facts.size == out.len && facts.longest_line == rows[i].longest);
            check_row(rows[i].label, facts.eightbit == rows[i].eightbit && facts.silent == rows[i].silent);
            check_row(rows[i].label, facts.envelope->size == out.len);
            check_row(rows[i].label, facts.message_id && strcmp(facts.from, "me@live.com") == 0);
        }
    }
}

static void test_smtps_envelope(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_to("stranger@x.org", "you@example.org", "me@example.net");
    const struct intake_order order = order_of(envelope);
    HELD(buf) out = BUF(PASSAGE_OUT_MAX);
    OWN(passage) passage = NULL;

    envelope->ret = RET_HEADERS;
    assert_true(envelope_set_envid(envelope, SPAN("id-1"), NULL));
    assert_true(pass(&order, SPAN("From: stranger@x.org\r\n\r\nx\r\n"), 100, &out, &passage, NULL));
    OWN(envelope) taken = passage_take_envelope(passage);
    assert_string_equal(taken->sender, "me@live.com"); /* other_senders = rewrite */
    assert_int_equal(taken->count, 2);
    assert_string_equal(taken->recipients[0].address, "you@example.org");
    assert_string_equal(taken->recipients[0].orcpt, "rfc822;orig@x.org");
    assert_int_equal(taken->recipients[0].notify, NOTIFY_SUCCESS);
    assert_int_equal(taken->recipients[1].notify, 0);
    assert_int_equal(taken->ret, RET_HEADERS);
    assert_string_equal(taken->envid, "id-1");
    assert_null(passage_facts(passage).envelope);
}

/* What a key stands for: the same however it was cut, another where a letter is. */
static void test_digest(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_to("me@live.com", "you@example.org", NULL);
    const struct intake_order order = order_of(envelope);
    static const char *const texts[] = { "X-Outpost-Key: k\r\n\r\nHello\r\n", "X-Outpost-Key: k\r\n\r\nHallo\r\n",
                                         "X-Outpost-Key: k\r\nA: b\r\n\r\nHello\r\n" };
    char first[32] = { 0 };

    for (size_t i = 0; i < COUNT(texts); i++) {
        for (size_t piece = 1; piece < 50; piece += 24) {
            HELD(buf) out = BUF(PASSAGE_OUT_MAX);
            OWN(passage) passage = NULL;
            assert_true(pass(&order, span_of(texts[i]), piece, &out, &passage, NULL));
            struct span digest = passage_facts(passage).digest;
            assert_int_equal(digest.len, sizeof first);
            if (i == 0 && piece == 1)
                memcpy(first, digest.at, sizeof first);
            assert_int_equal(memcmp(first, digest.at, sizeof first) == 0, i == 0);
        }
    }
    HELD(buf) out = BUF(PASSAGE_OUT_MAX);
    OWN(passage) none = NULL;
    assert_true(pass(&order, SPAN("A: b\r\n\r\n"), 9, &out, &none, NULL));
    assert_int_equal(passage_facts(none).digest.len, 0);
}

static void test_names_of_this_machine(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_to("me@live.com", "root@web1.example.net", "you@example.org");
    struct intake_order order = order_of(envelope);
    OWN(aliases) aliases = NULL;
    struct err err = { 0 };
    static const struct {
        const char *label, *text, *admin, *want; /* "!" refused */
    } cases[] = {
        { "an alias", "root: a@x.org, b@x.org, you@example.org\n", NULL, "a@x.org b@x.org you@example.org" },
        { "no alias: the admin", "", "admin@x.org", "admin@x.org you@example.org" },
        { "no admin: the account", "", NULL, "me@live.com you@example.org" },
        { "a program", "root: |/bin/cat\n", "admin@x.org", "!" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) out = BUF(PASSAGE_OUT_MAX), got = BUF(1024);
        OWN(passage) passage = NULL;
        aliases_free(GIVE(aliases));
        assert_true(aliases_parse(span_of(cases[i].text), &aliases, NULL));
        order.aliases = aliases;
        order.admin = cases[i].admin;
        bool ok = pass(&order, SPAN("Subject: x\r\n\r\n"), 100, &out, &passage, &err);
        const struct envelope *to = ok ? passage_facts(passage).envelope : NULL;
        for (size_t k = 0; to && k < to->count; k++)
            buf_addf(&got, "%s%s", k ? " " : "", to->recipients[k].address);
        check_bytes(cases[i].label, ok ? buf_span(&got) : SPAN("!"), span_of(cases[i].want));
        if (ok)
            assert_string_equal(to->recipients[0].orcpt, "rfc822;orig@x.org");
        else
            assert_int_equal(err.kind, ERR_RECIPIENT);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    OWN(envelope) envelope = envelope_to("me@live.com", "root@localhost", "you@example.org");
    struct intake_order order = order_of(envelope);
    OWN(aliases) aliases = NULL;

    assert_true(aliases_parse(SPAN("root: a@x.org\n"), &aliases, NULL));
    order.aliases = aliases;
    for (unsigned n = 1;; n++) {
        struct world world;
        struct err err = { 0 };
        struct passage *passage = NULL;
        struct buf out = BUF(PASSAGE_OUT_MAX);

        world_begin(&world, n);
        bool ok = pass(&order, SPAN("Subject: x\r\nX-Outpost-Key: k\r\nTo: root\r\n\r\nHi\r\n"), 7, &out, &passage, &err);
        bool failed = world_end(&world);
        passage_free(passage);
        buf_done(&out);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_piece_by_piece),
        cmocka_unit_test(test_smtps_envelope),
        cmocka_unit_test(test_digest),
        cmocka_unit_test(test_names_of_this_machine),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
