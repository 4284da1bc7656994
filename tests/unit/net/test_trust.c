#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/trust.h"
#include "support/scratch.h"

#define PEM "# somebody's\n-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n"

/* "D" of the scratch directory, NULL as it is. */
static const char *within(struct scratch *dir, const char *name, char path[static 512])
{
    if (!name || name[0] == '/' || !name[0])
        return name;
    snprintf(path, 512, "%s/%s", scratch_root(dir), name);
    return path;
}

static void set(const char *name, const char *value)
{
    assert_int_equal(value ? setenv(name, value, 1) : unsetenv(name), 0);
}

/* What names are good for; where the system keeps its own is looked at in integration/doctor/test_trust. */
static void test_found(void **state)
{
    static const struct {
        const char *label, *ca_file, *env_file, *env_directory; /* names in the scratch directory */
        const char *file, *directory; /* found */
        bool all, refused;
    } cases[] = {
        { "a file of the caller's", "one.pem", NULL, NULL, "one.pem", NULL, true, false },
        { "no matter what the environment says", "one.pem", "other.pem", "hashed", "one.pem", NULL, true, false },
        { "a file that is not there", "none.pem", "other.pem", "hashed", NULL, NULL, false, true },
        { "by the environment: both", NULL, "other.pem", "hashed", "other.pem", "hashed", false, false },
        { "a directory alone", NULL, NULL, "hashed", NULL, "hashed", false, false },
        { "a file, and a directory without hashes", NULL, "other.pem", "plain", "other.pem", NULL, false, false },
        { "a file, and links that lead nowhere", NULL, "other.pem", "dangling", "other.pem", NULL, false, false },
        { "a file, and a directory that is not there", NULL, "other.pem", "nowhere", "other.pem", NULL, false, false },
        { "a file that is not there, by the environment", NULL, "none.pem", "hashed", NULL, NULL, false, true },
        { "an empty word is none", NULL, "", "hashed", NULL, "hashed", false, false },
    };
    static const char *const directories[] = { "hashed", "plain", "dangling" };
    static const char *const hashed[] = { "hashed/0123abcd.0", "plain/0123abcd", "plain/ca.pem" };
    SCRATCH(dir);

    (void)state;
    for (size_t i = 0; i < COUNT(directories); i++)
        assert_int_equal(mkdir(scratch_path(dir, directories[i]), 0755), 0);
    for (size_t i = 0; i < COUNT(hashed); i++)
        scratch_file(dir, hashed[i], PEM, 0644);
    scratch_file(dir, "one.pem", PEM, 0644);
    scratch_file(dir, "other.pem", PEM, 0644);
    scratch_file(dir, "dangling/ca.pem", PEM, 0644);
    assert_int_equal(symlink("/nowhere/ca.pem", scratch_path(dir, "dangling/0123abcd.0")), 0);
    for (size_t i = 0; i < COUNT(cases); i++) {
        char a[512], b[512], c[512], d[512], e[512];
        const char *file = within(dir, cases[i].file, d), *directory = within(dir, cases[i].directory, e);
        struct trust trust = { 0 };
        struct err err = { 0 };
        set("SSL_CERT_FILE", within(dir, cases[i].env_file, b));
        set("SSL_CERT_DIR", within(dir, cases[i].env_directory, c));
        bool good = trust_find(within(dir, cases[i].ca_file, a), &trust, &err);
        check_row(cases[i].label, good != cases[i].refused);
        if (!good) {
            check_row(cases[i].label, err.kind == ERR_CONFIG && !strcmp(err.fact, "cert:no-ca-bundle"));
            continue;
        }
        check_row(cases[i].label, trust.all == cases[i].all && !trust.file == !file && !trust.directory == !directory);
        check_row(cases[i].label, !file || !strcmp(trust.file, file));
        check_row(cases[i].label, !directory || !strcmp(trust.directory, directory));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
