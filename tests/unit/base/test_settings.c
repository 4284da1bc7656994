#include "support/check.h"

#include "base/settings.h"
#include "support/alloc_fails.h"

struct thing {
    char *text;
    bool yes;
    unsigned word;
    uint64_t number, size, wait;
    struct setting_host host;
    struct setting_list list;
    char *server;
};

static bool no_x(struct span value, struct err *err)
{
    return span_find(value, 'x') == value.len ||
           err_found(err, ERR_CONFIG, "config:bad", "no x may be in it");
}

static const char *const colours[] = { "red", "green", NULL };

static const struct setting settings[] = {
    { .key = "text", .type = SETTING_TEXT, .offset = offsetof(struct thing, text), .check = no_x },
    { .key = "yes", .type = SETTING_BOOL, .offset = offsetof(struct thing, yes) },
    { .key = "word", .type = SETTING_WORD, .offset = offsetof(struct thing, word), .words = colours,
      .fallback = "green" },
    { .key = "number", .type = SETTING_NUMBER, .offset = offsetof(struct thing, number), .least = 1,
      .most = 9 },
    { .key = "size", .type = SETTING_SIZE, .offset = offsetof(struct thing, size), .fallback = "35M" },
    { .key = "wait", .type = SETTING_DURATION, .offset = offsetof(struct thing, wait) },
    { .key = "host", .type = SETTING_HOST, .offset = offsetof(struct thing, host) },
    { .key = "list", .type = SETTING_LIST, .offset = offsetof(struct thing, list) },
    { .key = "server", .type = SETTING_TEXT, .offset = offsetof(struct thing, server) },
};

static const struct setting_kind thing_kind = { "thing", true, settings, COUNT(settings), "a thing" };
static const struct setting_kind only_kind = { "only", false, settings, COUNT(settings), "the only one" };
static const struct setting_kind *const kinds[] = { &thing_kind, &only_kind };

static bool read_text(const char *text, struct thing *thing, struct setting_origin *origins,
                      struct err *err)
{
    OWN(ini) ini = NULL;
    const struct setting_kind *kind;

    if (!ini_parse(span_of(text), &ini, err))
        return false;
    for (size_t i = 0; i < ini_count(ini); i++)
        if (!setting_kind_find(kinds, COUNT(kinds), ini_section_at(ini, i), &kind, err) ||
            !settings_read(kind, ini_section_at(ini, i), "it.conf", thing, origins, err))
            return false;
    return settings_fill(&thing_kind, thing, origins, err);
}

/* What is written, and how it is shown again. */
static void test_values(void **state)
{
    static const struct {
        const char *label, *key, *value, *shown; /* shown NULL: refused */
    } rows[] = {
        { "text", "text", "any thing", "any thing" },
        { "no text", "text", "", "" },
        { "text that its check refuses", "text", "x", NULL },
        { "yes", "yes", "yes", "yes" },
        { "on", "yes", "ON", "yes" },
        { "false", "yes", "false", "no" },
        { "perhaps", "yes", "perhaps", NULL },
        { "nothing said", "yes", "", NULL },
        { "a word", "word", "Red", "red" },
        { "no such word", "word", "blue", NULL },
        { "a number", "number", "9", "9" },
        { "too high", "number", "10", NULL },
        { "too low", "number", "0", NULL },
        { "negative", "number", "-1", NULL },
        { "a number with a unit", "number", "1K", NULL },
        { "bytes", "size", "1000", "1000" },
        { "mebibytes", "size", "35M", "35M" },
        { "small letters", "size", "2k", "2K" },
        { "in the next unit", "size", "1024K", "1M" },
        { "no bytes", "size", "0", "0" },
        { "no number", "size", "M", NULL },
        { "two units", "size", "1MB", NULL },
        { "a fraction", "size", "1.5M", NULL },
        { "as much as there is", "size", "17179869183G", "17179869183G" },
        { "more than 64 bits", "size", "17179869184G", NULL },
        { "seconds", "wait", "90s", "90s" },
        { "minutes", "wait", "5m", "5m" },
        { "days", "wait", "5d", "5d" },
        { "hours that make a day", "wait", "24h", "1d" },
        { "milliseconds", "wait", "15ms", "15ms" },
        { "a duration without a unit", "wait", "30", NULL },
        { "a host", "host", "smtp.example.com", "smtp.example.com" },
        { "a host and a port", "host", "smtp.example.com:587", "smtp.example.com:587" },
        { "IPv6", "host", "[::1]:25", "[::1]:25" },
        { "IPv6 without a port", "host", "::1", "[::1]" },
        { "IPv6 in brackets, no port", "host", "[::1]", "[::1]" },
        { "port 0", "host", "a:0", NULL },
        { "port 65536", "host", "a:65536", NULL },
        { "no port behind the colon", "host", "a:", NULL },
        { "no host", "host", ":25", NULL },
        { "a URL", "host", "smtp://a", NULL },
        { "rubbish behind the bracket", "host", "[::1]25", NULL },
        { "a list", "list", "a,b , c", "a, b, c" },
        { "holes in a list", "list", ",a,,b,", "a, b" },
        { "an empty list", "list", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct thing thing = { 0 };
        struct setting_origin origins[COUNT(settings)] = { 0 };
        struct err err = { 0 };
        HELD(buf) shown = BUF(1000);
        const struct setting *setting = setting_find(&thing_kind, span_of(rows[i].key));
        bool ok = settings_set(&thing_kind, rows[i].key, span_of(rows[i].value),
                               (struct setting_origin){ .from = "here" }, &thing, origins, &err);

        check_row(rows[i].label, ok == (rows[i].shown != NULL));
        check_row(rows[i].label, (origins[setting - settings].from != NULL) == ok);
        if (ok) {
            setting_show(setting, &thing, &shown);
            check_bytes(rows[i].label, buf_span(&shown), span_of(rows[i].shown));
        } else {
            bool no_name = strstr(err.text, "HOST:PORT") != NULL;
            check_row(rows[i].label, err.kind == ERR_CONFIG && strcmp(err.fact, no_name ? "name:malformed" : "config:bad") == 0);
            check_row(rows[i].label, span_starts(span_of(err.text), rows[i].key));
        }
        settings_done(&thing_kind, &thing);
    }
}

static void test_origins_and_defaults(void **state)
{
    (void)state;
    struct thing thing = { 0 };
    struct setting_origin origins[COUNT(settings)] = { 0 };
    struct err err = { 0 };

    assert_true(read_text("[thing a]\n\ntext = t\nword = red\n[thing a]\ntext = later\n", &thing, origins,
                          &err));
    assert_string_equal(thing.text, "later");
    assert_int_equal(origins[0].line, 6);
    assert_string_equal(origins[0].from, "it.conf");
    assert_int_equal(thing.word, 1);
    assert_int_equal(origins[2].line, 4);
    assert_null(origins[1].from);
    assert_int_equal(thing.size, 35 * 1024 * 1024);
    assert_string_equal(origins[4].from, "default");
    settings_done(&thing_kind, &thing);
}

static void test_refused(void **state)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        { "an unknown key", "[thing a]\ncolour = red\n", "line 2: no such key: \"colour\"" },
        { "did you mean", "[thing a]\nservre = x\n",
          "line 2: no such key: \"servre\" (did you mean \"server\"?)" },
        { "an unknown section", "\n[thong a]\n",
          "line 2: no such section: \"thong\" (did you mean \"thing\"?)" },
        { "twice", "[thing a]\nyes = no\nyes = no\n", "line 3: \"yes\" was set in line 2 already" },
        { "a bad value", "[thing a]\nnumber = 70000\n", "line 2: number: the number is out of range" },
        { "a bad word", "[thing a]\nword = blue\n",
          "line 2: word: one of these words is wanted: red, green" },
        { "no name", "[thing]\n", "line 1: [thing]: a name is missing" },
        { "a name too many", "[only x]\n", "line 1: [only]: this section takes no name" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct thing thing = { 0 };
        struct setting_origin origins[COUNT(settings)] = { 0 };
        struct err err = { 0 };
        check_row(rows[i].label, !read_text(rows[i].text, &thing, origins, &err));
        check_bytes(rows[i].label, span_of(err.text), span_of(rows[i].want));
        settings_done(&thing_kind, &thing);
    }
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct thing thing = { 0 };
        struct setting_origin origins[COUNT(settings)] = { 0 };
        struct err err = { 0 };
        size_t before = alloc_alive();
        alloc_fail_at(n);
        bool ok = read_text("[only]\ntext = t\nhost = a:1\nlist = a, b\n", &thing, origins, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        settings_done(&thing_kind, &thing);
        assert_int_equal(alloc_alive(), before);
        assert_true(ok || err.kind != ERR_NONE);
        if (!failed) {
            assert_true(ok);
            break;
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values),
        cmocka_unit_test(test_origins_and_defaults),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
