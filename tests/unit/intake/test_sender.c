#include "support/check.h"

#include "base/alloc.h"
#include "intake/sender.h"
#include "support/alloc_fails.h"

static char own_address[] = "me@live.com", own_name[] = "My Name";
static char alias[] = "alias@live.com", domain[] = "*@example.org";
static char *send_as[] = { alias, domain };

static struct account account_of(enum account_other_senders others)
{
    return (struct account){
        .address = own_address,
        .person = own_name,
        .other_senders = others,
        .send_as = { send_as, 2 },
    };
}

static const struct {
    const char *label;
    enum account_other_senders others;
    const char *header, *wish;
    const char *from;     /* its new value; NULL: From stays */
    const char *reply_to; /* one to be added; NULL: none */
    const char *address, *envelope;
    const char *says; /* refused */
    bool drop_sender;
} cases[] = {
    { "own", OTHER_SENDERS_REFUSE, "From: Me <ME@live.com>\r\n", NULL, NULL, NULL, "ME@live.com",
      "ME@live.com", NULL, false },
    { "an alias", OTHER_SENDERS_REFUSE, "From: alias@live.com\r\n", NULL, NULL, NULL, "alias@live.com",
      "alias@live.com", NULL, false },
    { "of a domain", OTHER_SENDERS_REFUSE, "From: x@example.org\r\n", "me@live.com", NULL, NULL,
      "x@example.org", "me@live.com", NULL, false },
    { "missing", OTHER_SENDERS_REFUSE, "To: a@b\r\n", NULL, "My Name <me@live.com>", NULL, "me@live.com",
      "me@live.com", NULL, false },
    { "empty", OTHER_SENDERS_REFUSE, "From: \r\n", NULL, "My Name <me@live.com>", NULL, "me@live.com",
      "me@live.com", NULL, false },
    { "cron", OTHER_SENDERS_REFUSE, "From: root (Cron Daemon)\r\n", "root",
      "root on web1 <me@live.com>", NULL, "me@live.com", "me@live.com", NULL, false },
    { "this host", OTHER_SENDERS_REWRITE, "From: a.b@WEB1.example.net\r\n", NULL,
      "\"a.b on web1\" <me@live.com>", NULL, "me@live.com", "me@live.com", NULL, false },
    { "localhost", OTHER_SENDERS_KEEP, "From: www@localhost\r\n", NULL, "www on web1 <me@live.com>", NULL,
      "me@live.com", "me@live.com", NULL, false },
    { "another's, rewritten", OTHER_SENDERS_REWRITE, "From: You\r\n <you@x.org>\r\n", "you@x.org",
      "My Name <me@live.com>", "You <you@x.org>", "me@live.com", "me@live.com", NULL, false },
    { "rewriting is the default", OTHER_SENDERS_UNSET, "From: you@x.org\r\nReply-To: z@x\r\n", NULL,
      "My Name <me@live.com>", NULL, "me@live.com", "me@live.com", NULL, false },
    { "another's, refused", OTHER_SENDERS_REFUSE, "From: you@x.org\r\n", NULL, NULL, NULL, NULL, NULL,
      "the sender you@x.org is not the account's", false },
    { "another's on the envelope", OTHER_SENDERS_REFUSE, "From: me@live.com\r\n", "you@x.org", NULL, NULL,
      NULL, NULL, "the sender you@x.org is not the account's", false },
    { "the same, rewritten", OTHER_SENDERS_REWRITE, "From: me@live.com\r\n", "you@x.org", NULL, NULL,
      "me@live.com", "me@live.com", NULL, false },
    { "another's, kept", OTHER_SENDERS_KEEP, "From: you@x.org\r\nSender: z@x\r\n", NULL, NULL, NULL,
      "you@x.org", "you@x.org", NULL, false },
    { "null", OTHER_SENDERS_REWRITE, "From: me@live.com\r\n", "<>", NULL, NULL, "me@live.com", "", NULL,
      false },
    { "null and empty", OTHER_SENDERS_REWRITE, "From: me@live.com\r\n", "", NULL, NULL, "me@live.com", "",
      NULL, false },
    { "in brackets", OTHER_SENDERS_REWRITE, "From: me@live.com\r\n", "<alias@live.com>", NULL, NULL,
      "me@live.com", "alias@live.com", NULL, false },
    { "Sender is another", OTHER_SENDERS_REWRITE, "From: me@live.com\r\nSender: you@x.org\r\n", NULL, NULL,
      NULL, "me@live.com", "me@live.com", NULL, true },
    { "Sender is ours", OTHER_SENDERS_REWRITE, "From: me@live.com\r\nSender: me@live.com\r\n", NULL, NULL,
      NULL, "me@live.com", "me@live.com", NULL, false },
    { "two From", OTHER_SENDERS_REWRITE, "From: me@live.com\r\nFrom: you@x\r\n", NULL, NULL, NULL, NULL, NULL,
      "more than one From", false },
    { "a bad From", OTHER_SENDERS_REWRITE, "From: me@@live.com\r\n", NULL, NULL, NULL, NULL, NULL,
      "From: address 1: at character 5", false },
    { "no address in From", OTHER_SENDERS_REWRITE, "From: nobody:;\r\n", NULL, NULL, NULL, NULL, NULL,
      "From names no address", false },
    { "an option as sender", OTHER_SENDERS_REWRITE, "From: me@live.com\r\n", "a b@c", NULL, NULL, NULL,
      NULL, "the envelope sender: at character 2", false },
    { "a command as sender", OTHER_SENDERS_REWRITE, "From: me@live.com\r\n", "a@b>\r\nDATA", NULL, NULL, NULL,
      NULL, "the envelope sender: at character 4", false },
};

static void check_text(const char *label, const char *got, const char *want)
{
    check_bytes(label, span_of(got), span_of(want));
}

static void test_senders(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct account account = account_of(cases[i].others);
        HELD(sender) sender = { 0 };
        struct err err = { 0 };
        bool good = sender_decide(&account, "web1.example.net", span_of(cases[i].header), cases[i].wish,
                                  &sender, &err);
        if (good != !cases[i].says)
            fail_msg("case \"%s\": %s", cases[i].label, err.text);
        if (!good && !strstr(err.text, cases[i].says))
            fail_msg("case \"%s\": says \"%s\"", cases[i].label, err.text);
        if (!good) {
            check_row(cases[i].label, err.kind == ERR_DATA && err.fact &&
                                           strcmp(err.fact, "address:malformed") != 0);
            continue;
        }
        check_row(cases[i].label, sender.replace_from == (cases[i].from != NULL));
        check_row(cases[i].label, sender.drop_sender == cases[i].drop_sender);
        check_text(cases[i].label, buf_text(&sender.from), cases[i].from);
        check_text(cases[i].label, buf_text(&sender.reply_to), cases[i].reply_to);
        check_text(cases[i].label, sender.address, cases[i].address);
        check_text(cases[i].label, sender.envelope, cases[i].envelope);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    struct account account = account_of(OTHER_SENDERS_REWRITE);
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct sender sender = { 0 };
        struct err err = { 0 };
        alloc_fail_at(n);
        bool good = sender_decide(&account, "web1", SPAN("From: You <you@x.org>\r\nSender: a@b\r\n"),
                                  "you@x.org", &sender, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(good != failed);
        sender_done(&sender);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_senders),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
