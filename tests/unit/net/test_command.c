#include "support/check.h"

#include "net/command.h"
#include "support/alloc_fails.h"

static void test_words(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        const char *words; /* each in brackets; NULL: refused */
    } cases[] = {
        { "pass show mail", "[pass][show][mail]" },
        { "  pass\t show  mail ", "[pass][show][mail]" },
        { "a 'b c' \"d e\"f", "[a][b c][d ef]" },
        { "a '' \"\"", "[a][][]" },
        { "a\\ b \"c\\\"d\" 'e\\f'", "[a b][c\"d][e\\f]" },
        { "echo $HOME `id` * ; x | y", "[echo][$HOME][`id`][*][;][x][|][y]" },
        { "|pass show x | head -1", "[sh][-c][pass show x | head -1]" },
        { " | echo 'a", "[sh][-c][echo 'a]" },
        { "", NULL },
        { "   ", NULL },
        { "|  ", NULL },
        { "a 'b", NULL },
        { "a \"b", NULL },
        { "a\\", NULL },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(command) command = { 0 };
        HELD(buf) words = BUF(256);
        struct err err = { 0 };

        check_row(cases[i].line, command_parse(span_of(cases[i].line), &command, &err) ==
                                     (cases[i].words != NULL));
        if (!cases[i].words) {
            check_row(cases[i].line, err.kind == ERR_CONFIG);
            continue;
        }
        for (const char *const *word = command.argv; *word; word++)
            buf_addf(&words, "[%s]", *word);
        check_bytes(cases[i].line, buf_span(&words), span_of(cases[i].words));
    }
}

static void test_limits(void **state)
{
    (void)state;
    HELD(buf) line = BUF(16 * 1024);
    HELD(command) command = { 0 };
    struct err err = { 0 };

    assert_false(command_parse(SPAN("a\0b"), &command, &err));
    for (int i = 0; i < COMMAND_WORDS_MAX; i++)
        buf_add(&line, "a ");
    assert_true(command_parse(buf_span(&line), &command, &err));
    assert_null(command.argv[COMMAND_WORDS_MAX]);
    command_done(&command);
    buf_add(&line, "a");
    assert_false(command_parse(buf_span(&line), &command, &err));

    buf_clear(&line);
    for (int i = 0; i < COMMAND_TEXT_MAX; i++)
        buf_add_char(&line, 'a');
    assert_false(command_parse(buf_span(&line), &command, &err));
    assert_int_equal(err.kind, ERR_LIMIT);

    alloc_fail_at(1);
    assert_false(command_parse(SPAN("pass"), &command, &err));
    alloc_fail_at(0);
    assert_int_equal(err.kind, ERR_MEMORY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
