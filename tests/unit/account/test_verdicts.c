#include "support/check.h"

#include "account/verdicts.h"
#include "base/own.h"

enum { NOW = 1000 };

static void digest_of(const struct verdicts *verdicts, const char *user, const char *hash,
                      const char *password, unsigned char digest[VERDICT_LEN])
{
    const struct verdict_case of = { span_of(user), span_of(hash), span_of(password) };

    assert_true(verdict_digest(verdicts, &of, digest, NULL));
}

static void test_only_the_same_case(void **state)
{
    static const struct {
        const char *label, *user, *hash, *password;
        bool known;
    } rows[] = {
        { "the same", "me", "hash", "secret", true },
        { "another password", "me", "hash", "Secret", false },
        { "another user", "you", "hash", "secret", false },
        { "the password was changed", "me", "hasch", "secret", false },
        { "nobody", "me", NULL, "secret", false },
        { "cut elsewhere", "me", "has", "hsecret", false },
        { "cut elsewhere, too", "m", "ehash", "secret", false },
    };
    struct verdicts verdicts = { .key = "a key" };
    unsigned char digest[VERDICT_LEN];

    (void)state;
    digest_of(&verdicts, "me", "hash", "secret", digest);
    verdict_keep(&verdicts, digest, true, NOW);
    for (size_t i = 0; i < COUNT(rows); i++) {
        bool right = false;
        digest_of(&verdicts, rows[i].user, rows[i].hash, rows[i].password, digest);
        check_row(rows[i].label, verdict_find(&verdicts, digest, NOW, &right) == rows[i].known);
        check_row(rows[i].label, right == rows[i].known);
    }
    assert_null(memmem(&verdicts, sizeof verdicts, "secret", 6));
}

static void test_wrong_ones_too_and_for_a_while(void **state)
{
    struct verdicts verdicts = { .key = "a key" };
    struct verdicts other = { .key = "another" };
    unsigned char digest[VERDICT_LEN], others[VERDICT_LEN];
    bool right = true;

    (void)state;
    digest_of(&verdicts, "me", NULL, "guess", digest);
    verdict_keep(&verdicts, digest, false, NOW);
    assert_true(verdict_find(&verdicts, digest, NOW + VERDICTS_MS - 1, &right));
    assert_false(right);
    assert_false(verdict_find(&verdicts, digest, NOW + VERDICTS_MS, &right));
    digest_of(&other, "me", NULL, "guess", others);
    assert_memory_not_equal(digest, others, sizeof digest);
}

static void test_the_oldest_gives_way(void **state)
{
    struct verdicts verdicts = { .key = "a key" };
    unsigned char digest[VERDICT_LEN] = { 0 };
    bool right;

    (void)state;
    for (unsigned i = 0; i <= VERDICTS_MAX; i++) {
        digest[0] = (unsigned char)i;
        digest[1] = (unsigned char)(i >> 8);
        verdict_keep(&verdicts, digest, true, NOW);
    }
    assert_true(verdict_find(&verdicts, digest, NOW, &right));
    digest[0] = digest[1] = 0;
    assert_false(verdict_find(&verdicts, digest, NOW, &right));
    digest[0] = 1;
    assert_true(verdict_find(&verdicts, digest, NOW, &right));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_only_the_same_case),
        cmocka_unit_test(test_wrong_ones_too_and_for_a_while),
        cmocka_unit_test(test_the_oldest_gives_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
