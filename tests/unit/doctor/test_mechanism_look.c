/* Which ways of signing in are tried after a refusal. */
#include "support/check.h"

#include <stdio.h>

#include "doctor/mechanism_look.h"

static void test_choose(void **state)
{
    static const struct {
        const char *label, *offered, *able, *tried, *chosen;
    } cases[] = {
        { "another one", "PLAIN LOGIN", "PLAIN LOGIN", "PLAIN", "LOGIN" },
        { "nothing else", "PLAIN", "PLAIN LOGIN", "PLAIN", "" },
        { "none that it can speak", "PLAIN XOAUTH2 CRAM-MD5", "PLAIN LOGIN", "PLAIN", "" },
        { "two at most, the best first", "LOGIN PLAIN SCRAM-SHA-1 SCRAM-SHA-256", "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256", "LOGIN",
          "SCRAM-SHA-256 SCRAM-SHA-1" },
        { "four in all", "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5",
          "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN", "LOGIN" },
        { "four were tried", "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5",
          "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256 CRAM-MD5", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN", "" },
        { "hashed passwords: what shows the password first", "SCRAM-SHA-256 SCRAM-SHA-1 PLAIN LOGIN CRAM-MD5", "PLAIN LOGIN SCRAM-SHA-1 SCRAM-SHA-256",
          "CRAM-MD5", "PLAIN SCRAM-SHA-256" },
        { "three were tried", "PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256", "PLAIN LOGIN", "CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256", "PLAIN" },
        { "nothing is offered", "", "PLAIN", "", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mechanism_list list;
        char words[100] = "";

        mechanism_choose(sasl_from_list(span_of(cases[i].offered)), sasl_from_list(span_of(cases[i].able)),
                         sasl_from_list(span_of(cases[i].tried)), &list);
        for (size_t k = 0; k < list.count; k++)
            snprintf(words + strlen(words), sizeof words - strlen(words), "%s%s", k ? " " : "", sasl_name(list.at[k]));
        check_bytes(cases[i].label, span_of(words), span_of(cases[i].chosen));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_choose) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
