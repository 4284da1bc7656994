#include "support/check.h"

#include "base/buf.h"
#include "cli/options.h"
#include "support/alloc_fails.h"

static const struct option options[] = {
    { 's', "subject", OPTION_VALUE, "TEXT", "the subject" },
    { 'A', "attach", OPTION_MANY, "FILE", "attach" },
    { 0, "wait", OPTION_NUMBER, "SECONDS", "wait" },
    { 'n', "dry-run", OPTION_FLAG, NULL, "send nothing" },
};
static const struct command command = {
    .name = "send", .takes = "[RCPT...]", .options = options, .option_count = COUNT(options),
    .operands_most = 2,
};

/* Splits at blanks: the lines below hold no value with one. */
static char *argv[20];

static int split(const char *line)
{
    static char words[200];
    int argc = 0;

    memset(words, 0, sizeof words);
    memcpy(words, line, strlen(line));
    for (char *at = words; *at;) {
        argv[argc++] = at;
        while (*at && *at != ' ')
            at++;
        if (*at)
            *at++ = '\0';
    }
    return argc;
}

static bool read_line(const char *line, struct arguments *ret, struct err *err)
{
    int argc = split(line);

    return arguments_read(&command, argc, argv, ret, err);
}

static const struct {
    const char *label, *line, *subject, *attached, *operands;
    bool dry_run;
} good[] = {
    { "apart",           "a@b --subject hi -n",            "hi",  "",     "a@b ",     true  },
    { "attached",        "--subject=hi -Ax",               "hi",  "x ",   "",         false },
    { "cluster",         "-vnshi",                         "hi",  "",     "",         true  },
    { "last one counts", "-s one -s two",                  "two", "",     "",         false },
    { "all count",       "-A x -A y --attach=z",           NULL,  "x y z ", "",       false },
    { "ends",            "-n -- -s x",                     NULL,  "",     "-s x ",    true  },
    { "lone dash",       "-",                              NULL,  "",     "- ",       false },
    { "empty value",     "--subject=",                     "",    "",     "",         false },
    { "value like one",  "-s -n",                          "-n",  "",     "",         false },
};

static void test_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(good); i++) {
        struct arguments args;
        struct err err = { 0 };
        check_row(good[i].label, read_line(good[i].line, &args, &err));
        const char *subject = arguments_text(&args, "subject"), *file;
        check_row(good[i].label, (subject == NULL) == (good[i].subject == NULL));
        check_row(good[i].label, !subject || strcmp(subject, good[i].subject) == 0);
        check_row(good[i].label, arguments_has(&args, "dry-run") == good[i].dry_run);
        HELD(buf) text = BUF(100);
        for (size_t at = 0; (file = arguments_next(&args, "attach", &at));)
            buf_addf(&text, "%s ", file);
        check_bytes(good[i].label, buf_span(&text), span_of(good[i].attached));
        buf_clear(&text);
        for (size_t o = 0; o < args.operand_count; o++)
            buf_addf(&text, "%s ", args.operands[o]);
        check_bytes(good[i].label, buf_span(&text), span_of(good[i].operands));
        arguments_done(&args);
    }
}

static const struct {
    const char *label, *line, *says;
} bad[] = {
    { "near",             "--subjekt=x",  "there is no option --subjekt; did you mean --subject?" },
    { "far",              "--colour",     "there is no option --colour; see outpost help send"      },
    { "letter",           "-Z",           "there is no option -Z; see outpost help send"            },
    { "no value",         "--subject",    "--subject needs a value: --subject TEXT"                 },
    { "unwanted value",   "--dry-run=1",  "--dry-run takes no value"                                },
    { "not a number",     "--wait=5s",    "--wait takes a whole number, not \"5s\""                 },
    { "too many words",   "a b c",        "\"c\" is one word too many: outpost send [RCPT...]"      },
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        struct arguments args;
        struct err err = { 0 };
        check_row(bad[i].label, !read_line(bad[i].line, &args, &err));
        check_bytes(bad[i].label, span_of(err.text), span_of(bad[i].says));
        check_row(bad[i].label, err.kind == ERR_USAGE);
    }
}

static const struct {
    const char *label, *line;
    size_t front;
} fronts[] = {
    { "none",                    "send -n",                       0 },
    { "flags and values",        "--json --config x send --json", 3 },
    { "value attached",          "--config=x send",               1 },
    { "letters",                 "-qv send",                      1 },
    { "a letter of the command", "-n send",                       0 },
    { "the command's own",       "--json --subject x send",       1 },
    { "nothing behind",          "--json",                        1 },
    { "a value that is missing", "--config",                      1 },
    { "the end of options",      "-- --json",                     0 },
    { "standard input",          "- --json",                      0 },
};

static void test_in_front(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(fronts); i++)
        check_row(fronts[i].label, options_in_front(split(fronts[i].line), argv) == fronts[i].front);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        struct arguments args = { 0 };
        struct err err = { 0 };
        size_t before = alloc_alive();
        alloc_fail_at(n);
        bool ok = read_line("-n a", &args, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_int_equal(ok, !failed);
        arguments_done(&args);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good),
        cmocka_unit_test(test_bad),
        cmocka_unit_test(test_in_front),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
