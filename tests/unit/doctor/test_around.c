/* Who is asked about a server that did not do. */
#include "support/check.h"

#include <stdio.h>

#include "doctor/around.h"
#include "support/knowledge.h"

static const struct {
    const char *label, *host;
    uint16_t port;
    enum security security;
    bool is_private, otherwise;
    const char *asked;
} cases[] = {
    { "anybody's", "h.example", 587, SECURITY_STARTTLS, false, false,
      "port h.example:465 tls, port h.example:25 starttls, port h.example:2525 starttls, "
      "other smtp.gmail.com:587 starttls, web gmail.googleapis.com:443 tls" },
    { "in the house nobody outside tells anything", "h.example", 587, SECURITY_STARTTLS, true, false,
      "port h.example:465 tls, port h.example:25 starttls, port h.example:2525 starttls" },
    { "Google is asked about by others", "smtp.gmail.com", 587, SECURITY_STARTTLS, false, false,
      "port smtp.gmail.com:465 tls, port smtp.gmail.com:25 starttls, port smtp.gmail.com:2525 starttls, "
      "other smtp.office365.com:587 starttls, web gmail.googleapis.com:443 tls, web graph.microsoft.com:443 tls" },
    { "a provider has other servers", "smtp-mail.outlook.com", 587, SECURITY_STARTTLS, false, false,
      "port smtp-mail.outlook.com:465 tls, port smtp-mail.outlook.com:25 starttls, port smtp-mail.outlook.com:2525 starttls, "
      "sibling smtp.office365.com:587 starttls, other smtp.gmail.com:587 starttls, web graph.microsoft.com:443 tls, "
      "web gmail.googleapis.com:443 tls" },
    { "25 is served by few", "h.example", 25, SECURITY_STARTTLS, false, false,
      "port h.example:465 tls, port h.example:587 starttls, port h.example:2525 starttls, "
      "other smtp.office365.com:25 starttls, web gmail.googleapis.com:443 tls" },
    { "a port of its own is served by nobody", "h.example", 2465, SECURITY_TLS, false, false,
      "port h.example:465 tls, port h.example:587 starttls, port h.example:25 starttls, port h.example:2525 starttls, "
      "web gmail.googleapis.com:443 tls" },
    { "the other kind of encryption", "h.example", 465, SECURITY_TLS, true, true,
      "port h.example:587 starttls, port h.example:25 starttls, port h.example:2525 starttls, otherwise h.example:465 starttls" },
};

static const char *const roles[] = { "port", "otherwise", "sibling", "other", "web", "short", "unpinned" };

static void write_view(const struct around_view *view, char *out, size_t room)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < view->count; i++)
        len += (size_t)snprintf(out + len, room - len, "%s%s %s:%u %s", i ? ", " : "", roles[view->at[i].role],
                                view->at[i].host, (unsigned)view->at[i].port, security_word(view->at[i].security));
}

static void test_choice(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct around_target target = {
            .host = cases[i].host, .port = cases[i].port, .security = cases[i].security,
            .profile = know_profile_of_host(know, span_of(cases[i].host)), .is_private = cases[i].is_private,
        };
        struct around_view view;
        char words[1000];

        around_choose(know, &target, &view);
        for (unsigned twice = 0; cases[i].otherwise && twice < 2; twice++)
            around_add_otherwise(&target, &view);
        write_view(&view, words, sizeof words);
        if (strcmp(words, cases[i].asked) != 0)
            fail_msg("case \"%s\": asked %s", cases[i].label, words);
    }
}

/* The same port once more, each way once: neither is taken for the other, nor for whom the other kind of encryption asks. */
static void test_once_more(void **state)
{
    const struct around_target target = { .host = "h.example", .port = 587, .security = SECURITY_STARTTLS };
    struct around_view view = { 0 };
    char words[200];

    (void)state;
    for (unsigned twice = 0; twice < 2; twice++) {
        around_add_short(&target, &view);
        around_add_unpinned(&target, &view);
        around_add_otherwise(&target, &view);
    }
    write_view(&view, words, sizeof words);
    assert_string_equal(words, "short h.example:587 starttls, unpinned h.example:587 starttls, otherwise h.example:587 tls");
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_choice), cmocka_unit_test(test_once_more) };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
