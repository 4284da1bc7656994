/* The same words everywhere: what a command says of a failure, a report by mail and a notice say, too - for each cause, and
 * each provider that has steps of its own. */
#include <stdio.h>

#include "cli/failure.h" /* in front: cmocka has a macro fail() */

#include "support/check.h"

#include "relay/notice_about.h"
#include "support/knowledge.h"

static const char *const providers[] = { NULL, "outlook.com", "microsoft365", "gmail", "yahoo", "icloud", "amazon-ses" };

static const struct account *find(const void *of, const char *name)
{
    assert_string_equal(name, "live");
    return of;
}

/* A step of a command that is not there yet is told nowhere but where it can't be known. */
static bool is_told_as_known(const char *cause)
{
    return strcmp(cause, "no_account") != 0;
}

static void compare(const struct cause *cause, const char *provider)
{
    const struct profile *profile = provider ? know_profile(know, provider) : NULL;
    const struct account account = { .profile = profile };
    const struct about_accounts accounts = { find, &account };
    struct store_row row = { .account = "live", .sender = "me@example.com", .from = "" };
    struct store_row_recipient recipient = { .address = "you@example.com", .cause = cause->id, .by = "", .text = "" };
    const struct store_row_recipient *recipients[] = { &recipient };
    const struct about about = { .row = &row, .what = ABOUT_FAILED, .recipients = recipients, .count = 1 };
    const struct about_time time = { 0, 1 };
    const struct verdict verdict = { .cause = cause };
    const struct evidence evidence = { .provider = provider };
    const char *steps[FAILURE_STEPS_MAX];
    struct pool pool = { NULL };
    struct report report = { 0 };
    struct notice notice;
    char label[100];
    size_t count = failure_steps(know, &verdict, &evidence, steps);

    snprintf(label, sizeof label, "%s at %s", cause->id, provider ? provider : "any server");
    check_row(label, count > 0);
    check_row(label, about_report(&about, know, &time, &accounts, &pool, &report));
    check_row(label, report.count == 1 && strcmp(report.recipients[0].story->title, cause->title) == 0);
    check_row(label, report.recipients[0].story->step_count == count);
    for (size_t i = 0; i < count; i++)
        check_row(label, strcmp(report.recipients[0].story->steps[i], steps[i]) == 0);
    check_row(label, about_notice(&about, know, &accounts, "web1", &pool, &notice));
    check_row(label, strstr(notice.text, cause->title) && strstr(notice.text, steps[0]));
    pool_done(&pool);
}

static void test_all_say_the_same(void **state)
{
    (void)state;
    for (size_t i = 0; i < know_cause_count(know); i++)
        for (size_t k = 0; k < COUNT(providers); k++)
            if (is_told_as_known(know_cause_at(know, i)->id))
                compare(know_cause_at(know, i), providers[k]);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_say_the_same) };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
