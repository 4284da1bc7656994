/* What a clock of somebody else's says of ours, and who is asked. */
#include "support/check.h"

#include <inttypes.h>
#include <stdio.h>

#include "doctor/clock_look.h"
#include "support/knowledge.h"

static void test_ahead(void **state)
{
    static const struct {
        const char *label;
        uint64_t theirs, ours, took;
        int64_t ahead;
    } cases[] = {
        { "the same second", 1000, 1000, 1, 0 },
        { "a second cut off, and one on the way", 1000, 1002, 1, 0 },
        { "more than that", 1000, 1003, 1, 1 },
        { "a slow answer proves no fault", 1000, 1004, 3, 0 },
        { "an hour ahead", 1000, 4602, 1, 3600 },
        { "behind", 1000, 990, 3, -10 },
        { "decades behind", 4102444800, 0, 3, -4102444800 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct clock_reading reading = { true, cases[i].theirs, cases[i].ours, cases[i].took, "x" };
        if (clock_ahead(&reading) != cases[i].ahead)
            fail_msg("case \"%s\": %" PRId64, cases[i].label, clock_ahead(&reading));
    }
}

static void test_judge(void **state)
{
    static const struct {
        const char *label;
        uint64_t theirs, ours;
        struct { uint64_t from, until; } chain[2];
        const char *facts;
    } cases[] = {
        { "all is well", 1000, 1000, { { 500, 2000 }, { 100, 9000 } }, "clock:right" },
        { "really expired", 3000, 3000, { { 500, 2000 }, { 100, 9000 } }, "clock:right" },
        { "ahead, and so it seems to have expired", 1000, 9999, { { 500, 2000 } }, "clock:wrong cert:dates-hold" },
        { "behind, and so it seems to begin", 1000, 100, { { 500, 2000 } }, "clock:wrong cert:dates-hold" },
        { "behind by a little, and the certificate is new", 1000, 990, { { 995, 2000 } }, "clock:right cert:dates-hold" },
        { "ahead, and expired all the same", 3000, 9999, { { 500, 2000 } }, "clock:wrong" },
        { "ahead, and the one above has expired", 1000, 9999, { { 500, 2000 }, { 100, 900 } }, "clock:wrong" },
        { "ahead, and the dates hold even so", 1000, 1900, { { 500, 2000 } }, "clock:wrong" },
        { "no certificate", 1000, 9999, { { 0, 0 } }, "clock:wrong" },
        { "five minutes are nothing", 1000, 1302, { { 0, 0 } }, "clock:right" },
        { "a second more", 1000, 1303, { { 0, 0 } }, "clock:wrong" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct clock_reading reading = { true, cases[i].theirs, cases[i].ours, 1, "x" };
        struct tls_description shown = { 0 };
        struct clock_facts facts;
        char words[100] = "";

        for (size_t k = 0; k < 2 && cases[i].chain[k].until; k++) {
            shown.chain[shown.chain_len].from = cases[i].chain[k].from;
            shown.chain[shown.chain_len++].until = cases[i].chain[k].until;
        }
        clock_judge(&reading, &(struct clock_doubt){ .shown = &shown }, &facts);
        for (size_t k = 0; k < facts.count; k++)
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " " : "", facts.at[k]);
        check_bytes(cases[i].label, span_of(words), span_of(cases[i].facts));
    }

    struct clock_facts none;
    clock_judge(&(struct clock_reading){ 0 }, &(struct clock_doubt){ .until = 1 }, &none);
    assert_int_equal(none.count, 0);
}

/* Of a token, good from 5000 until 9000. */
static void test_judge_token(void **state)
{
    static const struct {
        const char *label;
        uint64_t theirs, ours;
        const char *facts;
    } cases[] = {
        { "all is well", 6000, 6000, "clock:right" },
        { "really spent", 9500, 9500, "clock:right" },
        { "behind, and so a spent one seems good", 9500, 8500, "clock:wrong token:dates-differ" },
        { "ahead, and so a good one seems spent", 8500, 9500, "clock:wrong token:dates-differ" },
        { "behind, and so it seems to begin", 5500, 4500, "clock:wrong token:dates-differ" },
        { "ahead, and it begins all the same", 4000, 6000, "clock:wrong token:dates-differ" },
        { "behind, and good by both", 8000, 7000, "clock:wrong" },
        { "behind, and spent by both", 12000, 10000, "clock:wrong" },
        { "a minute proves nothing", 9010, 8990, "clock:right" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct clock_reading reading = { true, cases[i].theirs, cases[i].ours, 1, "x" };
        struct clock_facts facts;
        char words[100] = "";

        clock_judge(&reading, &(struct clock_doubt){ .from = 5000, .until = 9000 }, &facts);
        for (size_t k = 0; k < facts.count; k++)
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " " : "", facts.at[k]);
        check_bytes(cases[i].label, span_of(words), span_of(cases[i].facts));
    }
}

static void test_hosts(void **state)
{
    static const struct {
        const char *profile, *hosts;
        bool is_private;
    } cases[] = {
        { NULL, "gmail.googleapis.com graph.microsoft.com", false },
        { "gmail", "gmail.googleapis.com graph.microsoft.com", false },
        { "outlook.com", "graph.microsoft.com gmail.googleapis.com", false },
        { "yahoo", "api.login.yahoo.com gmail.googleapis.com", false },
        { NULL, "", true },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct around_target target = { .host = "mail.example.org", .is_private = cases[i].is_private,
                                              .profile = cases[i].profile ? know_profile(know, cases[i].profile) : NULL };
        struct clock_hosts hosts;
        char words[600] = "";

        clock_hosts(know, &target, &hosts);
        for (size_t k = 0; k < hosts.count; k++)
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " " : "", hosts.at[k]);
        check_bytes(cases[i].profile ? cases[i].profile : "nobody", span_of(words), span_of(cases[i].hosts));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ahead),
        cmocka_unit_test(test_judge),
        cmocka_unit_test(test_judge_token),
        cmocka_unit_test(test_hosts),
    };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
