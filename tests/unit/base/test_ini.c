#include "support/check.h"

#include "base/ini.h"
#include "support/alloc_fails.h"

static const struct {
    const char *label;
    struct span text;
    const char *value; /* of key "k" in section "[s]"; NULL: refused, with this error */
    const char *error;
} cases[] = {
    { "plain",               SPAN_INIT("[s]\nk = v"),                    "v",              NULL },
    { "no blanks",           SPAN_INIT("[s]\nk=v"),                      "v",              NULL },
    { "blanks around",       SPAN_INIT("  [ s ]\t\n \tk\t=  a b \t\n"),  "a b",            NULL },
    { "CRLF",                SPAN_INIT("[s]\r\nk = v\r\n"),              "v",              NULL },
    { "mark at the start",   SPAN_INIT("\xef\xbb\xbf[s]\nk = v"),        "v",              NULL },
    { "empty value",         SPAN_INIT("[s]\nk ="),                      "",               NULL },
    { "empty, then comment", SPAN_INIT("[s]\nk = # nothing"),            "",               NULL },
    { "comment",             SPAN_INIT("# c\n[s] # c\n# c\nk = v # c"),  "v",              NULL },
    { "hash in a word",      SPAN_INIT("[s]\nk = a#b"),                  "a#b",            NULL },
    { "hash after equals",   SPAN_INIT("[s]\nk =#b"),                    "#b",             NULL },
    { "quoted",              SPAN_INIT("[s]\nk = \" a # b \" # c"),      " a # b ",        NULL },
    { "quoted, empty",       SPAN_INIT("[s]\nk = \"\""),                 "",               NULL },
    { "escapes",             SPAN_INIT("[s]\nk = \"\\\"a\\\\\""),        "\"a\\",          NULL },
    { "quote inside",        SPAN_INIT("[s]\nk = a \"b\""),              "a \"b\"",        NULL },
    { "backslash, bare",     SPAN_INIT("[s]\nk = a\\n"),                 "a\\n",           NULL },
    { "equals in value",     SPAN_INIT("[s]\nk = a=b"),                  "a=b",            NULL },
    { "UTF-8",               SPAN_INIT("[s]\nk = \xc3\xa9"),             "\xc3\xa9",       NULL },
    { "first of two",        SPAN_INIT("[s]\nk = 1\nk = 2\n[s]\nk = 3"), "1",              NULL },
    { "no quote at the end", SPAN_INIT("[s]\nk = \"v"),                  NULL,
      "line 2: a closing quote is missing" },
    { "behind the quote",    SPAN_INIT("[s]\nk = \"v\" w"),              NULL,
      "line 2: only a comment may stand behind the closing quote" },
    { "other escape",        SPAN_INIT("[s]\nk = \"\\n\""),              NULL,
      "line 2: within quotes, a backslash stands before \" or \\ only" },
    { "backslash at end",    SPAN_INIT("[s]\nk = \"\\"),                 NULL,
      "line 2: within quotes, a backslash stands before \" or \\ only" },
    { "no section",          SPAN_INIT("\n\nk = v"),                     NULL,
      "line 3: a key before the first [section]" },
    { "no equals",           SPAN_INIT("[s]\nk v"),                      NULL,
      "line 2: a key is followed by = and its value" },
    { "no key",              SPAN_INIT("[s]\n= v"),                      NULL,
      "line 2: neither a [section], nor key = value, nor a # comment" },
    { "open section",        SPAN_INIT("[s\nk = v"),                     NULL,
      "line 1: a section's name ends with ]" },
    { "behind the section",  SPAN_INIT("[s]k = v"),                      NULL,
      "line 1: only a comment may stand behind a section's ]" },
    { "section of no word",  SPAN_INIT("[]"),                            NULL,
      "line 1: a section begins with a word: [kind] or [kind name]" },
    { "section of two",      SPAN_INIT("[a@b]"),                         NULL,
      "line 1: a section begins with a word: [kind] or [kind name]" },
    { "NUL",                 SPAN_INIT("[s]\nk = \0v"),                  NULL,
      "line 2: a control character" },
    { "escape sequence",     SPAN_INIT("# \x1b[2J"),                     NULL,
      "line 1: a control character" },
    { "CR within",           SPAN_INIT("[s]\rk = v"),                    NULL,
      "line 1: a control character" },
    { "not UTF-8",           SPAN_INIT("[s]\nk = \xff"),                 NULL,
      "line 2: not UTF-8" },
};

static void test_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(ini) ini = NULL;
        struct err err = { 0 };
        if (!ini_parse(cases[i].text, &ini, &err)) {
            check_row(cases[i].label, !cases[i].value && err.kind == ERR_CONFIG);
            check_bytes(cases[i].label, span_of(err.text), span_of(cases[i].error));
            check_bytes(cases[i].label, span_of(err.fact), SPAN("config:bad"));
            continue;
        }
        const struct ini_section *section = ini_find(ini, "s", "");
        check_row(cases[i].label, section);
        struct span value = ini_value(section, "k");
        check_bytes(cases[i].label, value, span_of(cases[i].value));
        check_row(cases[i].label, value.at[value.len] == '\0');
    }
}

static void test_sections(void **state)
{
    (void)state;
    OWN(ini) ini = NULL;
    assert_true(ini_parse(SPAN("[account live]\nto = a\nx.y = 1\nto = b\n\n[log]\n[account me@x.org]\n"),
                          &ini, NULL));
    assert_int_equal(ini_count(ini), 3);
    assert_null(ini_find(ini, "account", ""));
    const struct ini_section *live = ini_find(ini, "account", "live");
    assert_int_equal(live->count, 3);
    assert_int_equal(live->line, 1);

    const struct ini_entry *first = ini_next(live, NULL, "to"), *second = ini_next(live, first, "to");
    assert_string_equal(first->value.at, "a");
    assert_string_equal(second->value.at, "b");
    assert_int_equal(second->line, 4);
    assert_null(ini_next(live, second, "to"));
    assert_null(ini_value(live, "none").at);
    assert_int_equal(ini_find(ini, "log", "")->count, 0);
    assert_string_equal(ini_section_at(ini, 2)->name.at, "me@x.org");
}

static void test_limits(void **state)
{
    (void)state;
    HELD(buf) text = BUF(8 * 1024 * 1024);
    struct ini *ini = NULL;
    struct err err = { 0 };

    buf_add(&text, "[s]\nk = ");
    for (size_t i = 0; i < INI_LINE_MAX - 4; i++)
        buf_add_char(&text, 'v');
    assert_true(ini_parse(buf_span(&text), &ini, &err));
    ini_free(ini);
    buf_add_char(&text, 'v');
    assert_false(ini_parse(buf_span(&text), &ini, &err));
    assert_string_equal(err.text, "line 2: the line is longer than 64 KB");

    buf_clear(&text);
    buf_add(&text, "[s]\n");
    for (size_t i = 0; i < INI_ENTRIES_MAX; i++)
        buf_add(&text, "k=v\n");
    assert_false(ini_parse(buf_span(&text), &ini, &err));
    assert_string_equal(err.text, "line 100001: too many keys for one file");

    while (text.len <= INI_TEXT_MAX)
        buf_add(&text, "# another line of a file that never ends\n");
    assert_false(ini_parse(buf_span(&text), &ini, &err));
    assert_string_equal(err.text, "the file is larger than 4 MB");
}

static void test_no_memory(void **state)
{
    (void)state;
    size_t before = alloc_alive();
    for (unsigned n = 1;; n++) {
        struct ini *ini = NULL;
        struct err err = { 0 };
        alloc_fail_at(n);
        bool ok = ini_parse(SPAN("[a]\nk = v\n"), &ini, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(ok != failed);
        assert_true(ok || err.kind == ERR_MEMORY);
        ini_free(ini);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

static void test_write(void **state)
{
    (void)state;
    HELD(buf) out = BUF(1000);
    assert_true(ini_add_comment(&out, "made by setup"));
    assert_true(ini_add_section(&out, "account", "live"));
    assert_true(ini_add(&out, "a", SPAN("plain \"text\" \\")));
    assert_true(ini_add(&out, "b", SPAN(" x")));
    assert_true(ini_add(&out, "c", SPAN("\"#\\")));
    assert_true(ini_add(&out, "d", SPAN("")));
    assert_true(ini_add_section(&out, "log", NULL));
    assert_string_equal(buf_text(&out), "# made by setup\n\n[account live]\na = plain \"text\" \\\n"
                                        "b = \" x\"\nc = \"\\\"#\\\\\"\nd = \n\n[log]\n");
    size_t len = out.len;
    assert_false(ini_add(&out, "k", SPAN("a\nb")));
    assert_false(ini_add(&out, "k", SPAN("\xff")));
    assert_false(ini_add(&out, "a key", SPAN("v")));
    assert_false(ini_add(&out, "", SPAN("v")));
    assert_false(ini_add_section(&out, "account", "a]b"));
    assert_false(ini_add_section(&out, "account", "a\n"));
    assert_false(ini_add_comment(&out, "a\nb = c"));
    assert_int_equal(out.len, len);
}

static const struct {
    const char *label, *before, *kind, *name, *key, *value, *after;
} edits[] = {
    { "changes a value", "[a]\n# kept\nk = 1 # goes\nl = 2", "a", NULL, "k", "3",
      "[a]\n# kept\nk = 3\nl = 2\n" },
    { "one of many",     "[a]\nk = 1\nl = 2\nk = 3\n", "a", NULL, "k", "4", "[a]\nk = 4\nl = 2\n" },
    { "new key",         "[a]\nl = 2\n\n[b]\n", "a", NULL, "k", "1", "[a]\nl = 2\nk = 1\n\n[b]\n" },
    { "new key at end",  "[b]\n[a x]", "a", "x", "k", "1", "[b]\n[a x]\nk = 1\n" },
    { "new section",     "[b]\n", "a", "x", "k", "1", "[b]\n\n[a x]\nk = 1\n" },
    { "from nothing",    "", "a", NULL, "k", "1", "[a]\nk = 1\n" },
    { "takes away",      "[a]\nk = 1\nl = 2\n[b]\nk = 5\n", "a", NULL, "k", NULL,
      "[a]\nl = 2\n[b]\nk = 5\n" },
    { "nothing to take", "[a]\nl = 2\n", "a", NULL, "k", NULL, "[a]\nl = 2\n" },
};

static void test_edit(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(edits); i++) {
        HELD(buf) out = BUF(1000);
        struct err err = { 0 };
        check_row(edits[i].label, ini_set(&out, span_of(edits[i].before), edits[i].kind, edits[i].name,
                                          edits[i].key, span_of(edits[i].value), &err));
        check_bytes(edits[i].label, buf_span(&out), span_of(edits[i].after));
    }
    HELD(buf) out = BUF(1000);
    assert_false(ini_set(&out, SPAN("[a]\n"), "a", NULL, "k", SPAN("1\n2"), NULL));
    assert_false(ini_set(&out, SPAN("oops"), "a", NULL, "k", SPAN("1"), NULL));
}

static void test_in_file(void **state)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        { "line 3: no such key", "a.conf:3: no such key" },
        { "line 3", "a.conf: line 3" },
        { "line x: y", "a.conf: line x: y" },
        { "too large", "a.conf: too large" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = { 0 };
        err_set(&err, ERR_CONFIG, "%s", rows[i].text);
        assert_false(ini_in_file(&err, "a.conf"));
        assert_string_equal(err.text, rows[i].want);
    }
    assert_false(ini_in_file(NULL, "a.conf"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_read),      cmocka_unit_test(test_sections),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_write),     cmocka_unit_test(test_edit),
        cmocka_unit_test(test_in_file),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
