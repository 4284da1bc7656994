/* Other programs' configurations, read: what becomes of each line, and where it stood. */
#include <stdio.h>

#include "support/check.h"

#include "discover/import.h"
#include "know/embedded.h"
#include "know/knowledge.h"
#include "support/alloc_fails.h"

/* All that was read, a line each: "[NAME]", "KEY = VALUE @FILE:LINE", "password PASSWORD", "note FILE:LINE WHAT: WHY". */
static void dump(const struct import *import, struct buf *out)
{
    for (size_t i = 0; i < import->count; i++) {
        const struct import_account *account = &import->accounts[i];
        buf_addf(out, "[%s]%s\n", account->name, i == import->usual ? " usual" : "");
        for (size_t k = 0; k < account->count; k++) {
            const struct import_setting *setting = &account->settings[k];
            buf_addf(out, "%s = %s", setting->key, setting->value);
            if (setting->file)
                buf_addf(out, " @%s:%u", setting->file, setting->line);
            buf_add_char(out, '\n');
        }
        if (account->password)
            buf_addf(out, "password %.*s\n", SPAN_ARG(secret_bytes(account->password)));
        if (account->password_command)
            buf_addf(out, "command %s\n", account->password_command);
        if (account->signs_in_elsewhere)
            buf_add(out, "elsewhere\n");
    }
    for (size_t i = 0; i < import->note_count; i++)
        buf_addf(out, "note %s:%u %s: %s\n", import->notes[i].file, import->notes[i].line, import->notes[i].what,
                 import->notes[i].why);
    if (import->full)
        buf_add(out, "full\n");
}

#define OWN_NOTE "concerns that program itself\n"
#define OTHER_NOTE "outpost has no such setting, or does it in its own way\n"
#define SAFETY_NOTE "not carried: it would let anybody on the way listen\n"

static const struct {
    const char *label;
    enum import_kind kind;
    const char *text;
    const char *path, *further; /* another file */
    const char *read;           /* "" where there is no account in it */
} cases[] = {
#include "import_cases.h"
};

static bool read_case(size_t at, struct import **ret_import, struct err *err)
{
    const struct import_file files[] = { { "f", span_of(cases[at].text) }, { cases[at].path, span_of(cases[at].further) } };

    return import_read(cases[at].kind, files, cases[at].path ? 2 : 1, ret_import, err);
}

static void test_what_is_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(import) import = NULL;
        HELD(buf) text = BUF(64 * 1024);
        struct err err = { 0 };
        if (!read_case(i, &import, &err)) {
            check_row(cases[i].label, cases[i].read[0] == '\0' && err.kind == ERR_CONFIG);
            continue;
        }
        dump(import, &text);
        check_bytes(cases[i].label, buf_span(&text), span_of(cases[i].read));
    }
}

static const struct {
    const char *path, *text;
    const char *kind; /* "" for none */
} kinds[] = {
    { "/etc/msmtprc", "", "msmtp" },
    { "/home/me/.msmtprc", "", "msmtp" },
    { "/etc/ssmtp/ssmtp.conf", "", "ssmtp" },
    { "/etc/nullmailer/remotes", "", "nullmailer" },
    { "/etc/dma/dma.conf", "", "dma" },
    { "/etc/postfix/main.cf", "", "postfix" },
    { "emailproxy.config", "", "email-oauth2-proxy" },
    { "mine", "# x\ndefaults\ntls on\n", "msmtp" },
    { "mine", "root=postmaster\nMailHub=mail\n", "ssmtp" },
    { "mine", "smtp.example.com smtp --port=587\n", "nullmailer" },
    { "mine", "SMARTHOST smtp.example.com\n", "dma" },
    { "mine", "myorigin = x\nrelayhost = y\n", "postfix" },
    { "mine", "# x\n[SMTP-1587]\n", "email-oauth2-proxy" },
    { "mine", "Dear Sirs,\n", "" },
    { "", "", "" },
};

static void test_which_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(kinds); i++) {
        enum import_kind kind;
        bool known = import_kind_of(kinds[i].path, span_of(kinds[i].text), &kind);
        check_row(kinds[i].path, known == (kinds[i].kind[0] != '\0'));
        check_row(kinds[i].path, !known || strcmp(import_kind_word(kind), kinds[i].kind) == 0);
    }
}

static void test_what_else_is_wanted(void **state)
{
    (void)state;
    struct import_wish wish;

    import_wants(IMPORT_POSTFIX, SPAN("smtp_sasl_password_maps = hash:/a/b,\n  texthash:$config_directory/c static:x:y\n"
                                      "sender_dependent_relayhost_maps = lmdb:/d regexp:/e\n"), &wish);
    assert_int_equal(wish.count, 3);
    assert_string_equal(wish.paths[0], "/a/b");
    assert_string_equal(wish.paths[1], "/etc/postfix/c");
    assert_string_equal(wish.paths[2], "/d");
    import_wants(IMPORT_DMA, SPAN("AUTHPATH /etc/dma/auth.conf\n"), &wish);
    assert_int_equal(wish.count, 1);
    assert_string_equal(wish.paths[0], "/etc/dma/auth.conf");
    import_wants(IMPORT_MSMTP, SPAN("AUTHPATH /x\n"), &wish);
    assert_int_equal(wish.count, 0);
}

/* A value that ours does not take is told, and the rest is an account. */
static void test_an_account_of_ours(void **state)
{
    (void)state;
    static const struct import_file file = { "f", SPAN_INIT("account x\nhost smtp.gmail.com\nport 587\nauth plain\ntls on\nuser me@gmail.com\n"
                                                            "password a-password\nsource_ip nowhere\n") };
    OWN(import) import = NULL;
    OWN(account) account = NULL;
    OWN(knowledge) know = NULL;
    HELD(buf) text = BUF(4096);
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    assert_true(know_new(texts, count, &know, NULL));
    assert_true(import_read(IMPORT_MSMTP, &file, 1, &import, NULL));
    assert_true(import_make(import, &import->accounts[0], NULL, know, &account, NULL));
    assert_true(account_text(account, &text, NULL));
    assert_string_equal(buf_text(&text), "[account gmail]\naddress = me@gmail.com\nserver = smtp.gmail.com:587\nsecurity = starttls\n"
                                         "auth = password\nmechanisms = plain\nusername = me@gmail.com\ntransport = smtp\n");
    assert_string_equal(account->profile->id, "gmail");
    assert_int_equal(import->note_count, 1);
    assert_int_equal(import->notes[0].line, 8);
    assert_string_equal(import->notes[0].what, "source_address");
}

static void test_nobody_is_named(void **state)
{
    (void)state;
    static const struct import_file file = { "f", SPAN_INIT("mailhub=smtp.example.com:587\n") };
    OWN(import) import = NULL;
    OWN(account) account = NULL;
    struct err err = { 0 };

    assert_true(import_read(IMPORT_SSMTP, &file, 1, &import, NULL));
    assert_false(import_make(import, &import->accounts[0], NULL, NULL, &account, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void test_said_in_their_words(void **state)
{
    (void)state;
    static const struct {
        enum import_kind kind;
        const char *text, *said;
    } said[] = {
        { IMPORT_MSMTP, "account x\nhost h\nport 25\ntls on\nauth on\nuser u\n", "f:3: host a.test, port 465\nf:4: tls on, tls_starttls off\n"
          "f:6: user me\n" },
        { IMPORT_SSMTP, "AuthUser=u\nmailhub=h\n", "f:2: mailhub=a.test:465\nf:2: UseTLS=YES, without UseSTARTTLS\nf:1: AuthUser=me\n" },
        { IMPORT_NULLMAILER, "# x\nh smtp --user=u\n", "f:2: a.test smtp --port=465\nf:2: --ssl, without --starttls\nf:2: --user=me\n" },
        { IMPORT_DMA, "SMARTHOST h\n", "f:1: SMARTHOST a.test, PORT 465\nf:1: SECURETRANSFER, without STARTTLS\n"
          "f:1: me in front of the | in auth.conf\n" },
        { IMPORT_POSTFIX, "relayhost = [h]:587\n", "f:1: relayhost = [a.test]:465, and the same in the table of passwords\n"
          "f:1: smtp_tls_security_level = encrypt, smtp_tls_wrappermode = yes\nf:1: me:PASSWORD in the table of passwords\n" },
        { IMPORT_PROXY, "[SMTP-1]\nserver_address = h\n[u@b.test]\n", "f:2: server_address = a.test, server_port = 465\n"
          "f:2: server_starttls = False\nf:2: [me]\n" },
    };

    for (size_t i = 0; i < COUNT(said); i++) {
        const struct import_file file = { "f", span_of(said[i].text) };
        OWN(import) import = NULL;
        HELD(buf) text = BUF(4096);
        assert_true(import_read(said[i].kind, &file, 1, &import, NULL));
        import_say_server(import, &import->accounts[0], "a.test", 465, SECURITY_TLS, &text);
        import_say_username(import, &import->accounts[0], "me", &text);
        assert_string_equal(buf_text(&text), said[i].said);
    }
}

/* A million of lines: what is kept is bounded, and that there was more is known. */
static void test_bounds(void **state)
{
    (void)state;
    static const char *const line[IMPORT_KINDS] = { "account a\nhost h\n", "mailhub=h\nx y\n", "h smtp --x\n", "SMARTHOST h\nX y\n",
                                                    "relayhost = h\nx_y = z\n", "[a@b.test]\nx = y\n" };
    for (size_t i = 0; i < IMPORT_KINDS; i++) {
        HELD(buf) text = BUF(IMPORT_FILE_MAX + 1);
        OWN(import) import = NULL;
        struct err err = { 0 };
        while (text.len + strlen(line[i]) <= IMPORT_FILE_MAX)
            buf_add(&text, line[i]);
        const struct import_file file = { "f", buf_span(&text) }, larger = { "f", { text.at, IMPORT_FILE_MAX + 1 } };
        assert_true(import_read((enum import_kind)i, &file, 1, &import, &err));
        assert_true(import->full && import->note_count <= IMPORT_NOTES_MAX && import->count <= IMPORT_ACCOUNTS_MAX);
        buf_add_char(&text, '\n');
        assert_false(import_read((enum import_kind)i, &larger, 1, &import, &err));
        assert_int_equal(err.kind, ERR_LIMIT);
    }
}

/* Names that lead to names, and to nothing in the end, cost no more than they are worth. */
static void test_names_without_end(void **state)
{
    (void)state;
    HELD(buf) text = BUF(IMPORT_FILE_MAX);
    OWN(import) import = NULL;
    struct err err = { 0 };

    buf_add(&text, "relayhost = $mydomain\nmydomain = ");
    for (int i = 0; i < 10000; i++)
        buf_add(&text, "$mydomain");
    const struct import_file file = { "f", buf_span(&text) };
    assert_false(import_read(IMPORT_POSTFIX, &file, 1, &import, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

/* What stands behind the last account that is kept is not that one's. */
static void test_more_accounts_than_are_kept(void **state)
{
    (void)state;
    HELD(buf) text = BUF(IMPORT_FILE_MAX);
    OWN(import) import = NULL;
    struct err err = { 0 };

    for (unsigned i = 0; i < IMPORT_ACCOUNTS_MAX + 5; i++)
        buf_addf(&text, "account a%u\nhost h%u\nfrom me%u@example.test\n", i, i, i);
    const struct import_file file = { "f", buf_span(&text) };
    assert_true(import_read(IMPORT_MSMTP, &file, 1, &import, &err));
    assert_true(import->full && import->count > 1);
    for (unsigned i = 0; i < import->count; i++) {
        HELD(buf) server = BUF(20);
        buf_addf(&server, "h%u:25", i);
        assert_string_equal(import_value(&import->accounts[i], "server"), buf_text(&server));
    }
}

/* Nothing is left out silently. */
static void test_no_memory(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        bool good = false;
        for (unsigned nth = 1; !good; nth++) {
            OWN(import) import = NULL;
            struct err err = { 0 };
            size_t alive = alloc_alive();
            alloc_fail_at(nth);
            bool whole = read_case(i, &import, &err);
            bool failed = alloc_failed();
            alloc_fail_at(0);
            check_row(cases[i].label, nth < 2000);
            good = !failed && (whole || err.kind == ERR_CONFIG);
            check_row(cases[i].label, good || err.kind == ERR_MEMORY || err.kind == ERR_CONFIG || import->full);
            import_free(GIVE(import));
            check_row(cases[i].label, alloc_alive() == alive);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_read),
        cmocka_unit_test(test_which_kind),
        cmocka_unit_test(test_what_else_is_wanted),
        cmocka_unit_test(test_an_account_of_ours),
        cmocka_unit_test(test_nobody_is_named),
        cmocka_unit_test(test_said_in_their_words),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_names_without_end),
        cmocka_unit_test(test_more_accounts_than_are_kept),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
