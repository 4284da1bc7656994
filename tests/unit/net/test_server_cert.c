#include "support/check.h"

#include <stdio.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "net/server_cert.h"
#include "os/file.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

enum { NOW = 1795389300, YEAR = 365 * 24 * 60 * 60 };

static const char *const names[] = { "web1.example", "localhost", "192.0.2.7", "2001:db8::7", NULL };

static struct server_cert_plan plan_in(struct scratch *dir)
{
    return (struct server_cert_plan){ .directory = scratch_path(dir, "state"), .names = names, .protocol = "smtp",
                                      .disk = &disk_system };
}

static unsigned mode_of(const char *path)
{
    struct stat about;

    return stat(path, &about) == 0 ? about.st_mode & 07777 : 0;
}

static void test_made_at_the_first_start(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct server_cert_plan plan = plan_in(dir);
    struct err err = { 0 };
    OWN(server_cert) first = NULL;
    OWN(server_cert) second = NULL;

    plan.with_rsa = true;
    assert_true(server_cert_open(&plan, NOW, &first, &err));
    const struct cert_description *made = server_cert_description(first);
    for (size_t i = 0; names[i]; i++)
        check_row(names[i], strstr(made->names, names[i]) != NULL);
    assert_true(made->self_issued && made->from < NOW && made->until > NOW + 9u * YEAR);
    assert_int_equal(mode_of(scratch_path(dir, "state/tls.pem")), 0600);
    assert_int_equal(mode_of(scratch_path(dir, "state/tls-rsa.pem")), 0600);
    assert_int_equal(mode_of(scratch_path(dir, "state")), 0700);

    assert_true(server_cert_open(&plan, NOW + YEAR, &second, &err)); /* a later start finds it */
    assert_memory_equal(made->sha256, server_cert_description(second)->sha256, CERT_HASH_LEN);
}

/* Whom a handshake shows. */
static void handshake(const struct server_cert *cert, struct tls_description *ret_shown)
{
    const struct tls_client_plan plan = { .pin = "sha256:0000000000000000000000000000000000000000000000000000000000000000" };
    OWN(tls_context) context = NULL;
    OWN(tls) client = NULL;
    OWN(tls) server = NULL;

    assert_true(tls_client_context(&plan, &context, NULL));
    assert_true(tls_client(context, "web1.example", SPAN_NONE, &client, NULL));
    assert_true(tls_server(server_cert_context(cert), &server, NULL));
    tls_feed(client, SPAN_NONE);
    for (unsigned i = 0; i < 4; i++) {
        tls_feed(server, tls_output(client));
        tls_sent(client, tls_output(client).len);
        tls_feed(client, tls_output(server));
        tls_sent(server, tls_output(server).len);
    }
    tls_describe(client, ret_shown);
}

static void test_shown(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct server_cert_plan plan = plan_in(dir);
    OWN(server_cert) cert = NULL;
    struct tls_description shown;

    assert_true(server_cert_open(&plan, NOW, &cert, NULL));
    handshake(cert, &shown);
    assert_int_equal(shown.chain_len, 1);
    assert_memory_equal(shown.chain[0].sha256, server_cert_description(cert)->sha256, CERT_HASH_LEN);
}

static void test_made_anew_when_it_has_run_out(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct server_cert_plan plan = plan_in(dir);
    OWN(server_cert) cert = NULL;
    struct cert_description before;
    bool changed = true;

    assert_true(server_cert_open(&plan, NOW, &cert, NULL));
    before = *server_cert_description(cert);
    assert_true(server_cert_renew(cert, NOW + 9u * YEAR, &changed, NULL));
    assert_false(changed);
    assert_true(server_cert_renew(cert, NOW + 11u * YEAR, &changed, NULL));
    assert_true(changed);
    assert_memory_not_equal(before.sha256, server_cert_description(cert)->sha256, CERT_HASH_LEN);
    assert_true(server_cert_description(cert)->until > NOW + 11u * YEAR);

    OWN(server_cert) late = NULL;
    assert_true(server_cert_open(&plan, NOW + 30u * YEAR, &late, NULL));
    assert_true(server_cert_description(late)->until > NOW + 30u * YEAR);
}

/* -- somebody else's -- */

static void issue(struct scratch *dir, const char *name, unsigned key_mode)
{
    const char *const those[] = { name, NULL };
    const struct cert_plan plan = { .names = those, .from = NOW, .until = NOW + YEAR };
    OWN(cert) cert = NULL;
    HELD(buf) chain = BUF(1 << 16), key = BUF(1 << 16);

    assert_true(cert_make(&plan, &cert, NULL));
    cert_add_chain(cert, &chain);
    cert_add_key(cert, &key);
    scratch_file(dir, "new.crt", buf_text(&chain), 0644);
    scratch_file(dir, "new.key", buf_text(&key), (mode_t)key_mode);
}

static void put(struct scratch *dir, const char *from, const char *to)
{
    const char *source = scratch_path(dir, from);

    assert_int_equal(rename(source, scratch_path(dir, to)), 0);
}

static struct server_cert_plan kept_plan(struct scratch *dir)
{
    struct server_cert_plan plan = plan_in(dir);

    plan.chain_file = scratch_path(dir, "tls.crt");
    plan.key_file = scratch_path(dir, "tls.key");
    return plan;
}

static void test_read_again_when_it_changed(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct server_cert_plan plan = kept_plan(dir);
    OWN(server_cert) cert = NULL;
    struct err err = { 0 };
    bool changed = true;

    issue(dir, "old.example", 0600);
    put(dir, "new.crt", "tls.crt");
    put(dir, "new.key", "tls.key");
    assert_true(server_cert_open(&plan, NOW, &cert, &err));
    assert_string_equal(server_cert_description(cert)->names, "old.example");
    assert_true(server_cert_renew(cert, NOW + 2u * YEAR, &changed, &err)); /* that it ran out is theirs to mend */
    assert_false(changed);

    issue(dir, "new.example", 0600);
    put(dir, "new.crt", "tls.crt"); /* the key is not there yet */
    assert_false(server_cert_renew(cert, NOW, &changed, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_false(changed);
    assert_string_equal(server_cert_description(cert)->names, "old.example");
    assert_non_null(server_cert_context(cert));
    put(dir, "new.key", "tls.key");
    assert_true(server_cert_renew(cert, NOW, &changed, &err));
    assert_true(changed);
    assert_string_equal(server_cert_description(cert)->names, "new.example");
    assert_true(server_cert_renew(cert, NOW, &changed, &err));
    assert_false(changed);
}

static void test_refused(void **state)
{
    static const struct {
        const char *label, *chain, *key;
        unsigned key_mode;
        const char *want;
    } rows[] = {
        { "no such file", "gone.crt", "new.key", 0600, "gone.crt" },
        { "no key", "new.crt", "gone.key", 0600, "gone.key" },
        { "a key others may read", "new.crt", "new.key", 0644, "chmod" },
        { "no certificate", "rubbish", "new.key", 0600, "rubbish: no certificate could be read" },
        { "a key in the certificate's place", "new.key", "new.key", 0600, "no certificate could be read" },
        { "a certificate in the key's place", "new.crt", "private.crt", 0600, "reading a certificate's key" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        struct server_cert_plan plan = plan_in(dir);
        struct server_cert *cert = NULL;
        struct err err = { 0 };
        HELD(buf) text = BUF(1 << 16);

        issue(dir, "a.example", rows[i].key_mode);
        scratch_file(dir, "rubbish", "rubbish", 0644);
        assert_true(file_read(&disk_system, scratch_path(dir, "new.crt"), 1 << 16, FILE_ANY, &text, NULL));
        scratch_file(dir, "private.crt", buf_text(&text), 0600);
        plan.chain_file = scratch_path(dir, rows[i].chain);
        plan.key_file = scratch_path(dir, rows[i].key);
        check_row(rows[i].label, !server_cert_open(&plan, NOW, &cert, &err));
        check_row(rows[i].label, err.kind == ERR_CONFIG);
        if (!strstr(err.text, rows[i].want))
            fail_msg("case \"%s\": %s", rows[i].label, err.text);
    }
}

static void test_everything_fails_once(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        struct server_cert_plan plan = plan_in(dir);
        struct server_cert *cert = NULL;
        struct err err = { 0 };

        plan.disk = &world.disk;
        world_begin(&world, n);
        bool ok = server_cert_open(&plan, NOW, &cert, &err);
        bool failed = world_end(&world);
        server_cert_free(cert);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        assert_int_equal(world_leaks(&world), 0);
        OWN(server_cert) again = NULL;
        plan.disk = &disk_system;
        assert_true(server_cert_open(&plan, NOW, &again, &err)); /* whatever was left, the next start goes well */
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_made_at_the_first_start),
        cmocka_unit_test(test_shown),
        cmocka_unit_test(test_made_anew_when_it_has_run_out),
        cmocka_unit_test(test_read_again_when_it_changed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_everything_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
