/* docs/oauth-errors.md, row by row: what is answered, what is done, what is shown. */
#include "support/check.h"

#include "account/oauth_answer.h"
#include "know/classify.h"
#include "oauth_case.h"
#include "os/file.h"

enum { PAGE_MAX = 256 * 1024, CELLS = 5 };

static const char *const done_words[] = {
    [OAUTH_GIVEN] = "",          [OAUTH_NOT_NOW] = "not now",  [OAUTH_SIGNED_OUT] = "sign in", [OAUTH_REFUSED] = "mend",
    [OAUTH_PENDING] = "wait",    [OAUTH_SLOW_DOWN] = "wait",   [OAUTH_DECLINED] = "give up",   [OAUTH_TOO_LATE] = "give up",
    [OAUTH_STRANGE] = "strange",
};

/* A row of five cells whose third is code; false for any other line. */
static bool read_row(struct span line, struct span cells[CELLS])
{
    size_t count = 0;

    if (!span_starts(line, "| ") || span_find(line, '`') == line.len)
        return false;
    line = span_from(line, 1);
    struct span cell;
    while (count < CELLS && span_split(&line, '|', &cell))
        cells[count++] = span_trim(cell);
    return count == CELLS && span_starts(cells[2], "`");
}

static void try_row(const struct span cells[CELLS])
{
    HELD(buf) provider = BUF(100);
    struct oauth_way way = { .declined = "access_denied" };
    HELD(oauth_tokens) tokens = { 0 };
    struct verdict verdict;
    uint64_t status = 0;
    struct err err = { 0 };

    buf_add_span(&provider, cells[0]);
    const struct profile *profile = know_profile(known, buf_text(&provider));
    check_row(buf_text(&provider), profile || span_is(cells[0], "-"));
    if (profile) {
        way.busy_codes = profile->oauth.busy_codes;
        if (profile->oauth.device_declined)
            way.declined = profile->oauth.device_declined;
    }
    assert_true(str_to_u64(cells[1], 100, 599, &status));
    struct span body = span_cut(cells[2], 1, cells[2].len - 1);
    enum oauth_outcome outcome =
        oauth_answer_tokens(&way, (struct oauth_reply){ (unsigned)status, body }, &tokens, &err);
    struct evidence evidence = { .stage = STAGE_TOKEN, .err = err, .provider = profile ? profile->id : NULL };
    assert_true(classify(known, &evidence, &verdict));
    if (!span_is(cells[3], done_words[outcome]) || !span_is(cells[4], verdict.cause->id))
        fail_msg("%.*s: \"%s\" and %s (by %s)", SPAN_ARG(cells[2]), done_words[outcome], verdict.cause->id,
                 verdict.rule);
    /* What is not now is told as such, and the other way round. */
    if ((outcome == OAUTH_NOT_NOW) != (verdict.retry == RETRY_LATER) && outcome != OAUTH_STRANGE)
        fail_msg("%.*s: %s, and to be tried %s", SPAN_ARG(cells[2]), done_words[outcome], retry_word(verdict.retry));
}

static void test_the_page(void **state)
{
    (void)state;
    HELD(buf) page = BUF(PAGE_MAX);
    struct err err = { 0 };
    unsigned rows = 0;

    if (!file_read(&disk_system, DOCS_ROOT "/oauth-errors.md", PAGE_MAX, FILE_ANY, &page, &err))
        fail_msg("%s", err.text);
    struct span rest = buf_span(&page), line, cells[CELLS];
    while (span_split(&rest, '\n', &line))
        if (read_row(line, cells)) {
            try_row(cells);
            rows++;
        }
    print_message("%u answers\n", rows);
    assert_true(rows >= 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_page),
    };
    return cmocka_run_group_tests(tests, make_known, free_known);
}
