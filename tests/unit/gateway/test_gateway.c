#include "bench.h"

#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "net/cert.h"
#include "support/alloc_fails.h"

#define LAN  "[listen lan]\naddress = 0.0.0.0:587\n"
#define DESK "[listen desk]\naddress = 127.0.0.1:588\nsecurity = none\n"
#define HI   "EHLO me\r\n"

static bool answers(struct bench *bench, const char *listener)
{
    struct caller caller;

    if (!bench_port(bench, listener))
        return false;
    bench_call(bench, listener, &caller);
    ask(&caller, HI, "250 ");
    hang_up(&caller);
    return true;
}

/* -- opening -- */

static void test_no_listeners(void **state)
{
    (void)state;
    BENCH(bench, "");

    assert_true(gateway_is_idle(bench->gateway));
    assert_int_equal(scratch_count(scratch_path(bench->dir, "state")), 0);
}

static void test_certificate_of_our_own(void **state)
{
    static const char *const names[] = { "mail.house.example", "localhost", "127.0.0.1", "::1" };

    (void)state;
    BENCH(bench, LAN DESK);
    const struct cert_description *shown = bench_listener(bench, "lan").certificate;
    assert_non_null(shown);
    for (size_t i = 0; i < COUNT(names); i++)
        check_row(names[i], strstr(shown->names, names[i]) != NULL);
    assert_null(bench_listener(bench, "desk").certificate);
    struct gateway_view view;
    assert_false(gateway_find(bench->gateway, "nowhere", &view));
    assert_true(gateway_view(bench->gateway, 0, &view) && gateway_view(bench->gateway, 1, &view));
    assert_false(gateway_view(bench->gateway, 2, &view));
}

/* All open, or none; and the error says which does not. */
static void test_that_can_not_open(void **state)
{
    static const struct {
        const char *label, *listen, *why;
    } rows[] = {
        { "a directory that is not there", "[listen s]\naddress = unix:/nowhere/at/all\n", "listen s: " },
        { "no such certificate", LAN "tls_certificate = /nowhere/c.pem\ntls_key = /nowhere/k.pem\n", "listen lan: " },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        HELD(buf) text = BUF(1000);
        struct bench *bench = bench_begin();
        buf_addf(&text, DESK "%s", rows[i].listen);
        check_row(rows[i].label, !bench_open(bench, buf_text(&text)));
        check_row(rows[i].label, strstr(bench->err.text, rows[i].why) != NULL);
        check_row(rows[i].label, bench->gateway == NULL);
        bench_end(&bench);
    }
}

static void opened(void *who, const struct gateway_view *view)
{
    bool *told = who;

    *told = view->open && view->port && !view->why;
}

static int taken_port(uint16_t *ret_port)
{
    struct sockaddr_in any = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof any;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_true(fd >= 0 && bind(fd, (struct sockaddr *)&any, len) == 0 && listen(fd, 1) == 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&any, &len), 0);
    *ret_port = ntohs(any.sin_port);
    return fd;
}

/* At the start an address may not be to be had yet: for it alone is waited. */
static void test_an_address_that_comes(void **state)
{
    (void)state;
    struct config *second = NULL;
    struct bench *bench = bench_begin();
    HELD(buf) text = BUF(1000);
    bool told = false;
    uint16_t port;
    int fd = taken_port(&port);

    bench->plan.activation = NULL;
    bench->plan.knock_ms = 1;
    bench->plan.opened = opened;
    bench->plan.who = &told;
    buf_addf(&text, "[listen taken]\naddress = 127.0.0.1:%u\nsecurity = none\n"
                    "[listen far]\naddress = 192.0.2.1:1025\nsecurity = none\nallow = 192.0.2.9/32\nplaintext_auth = yes\n", port);
    assert_true(bench_open(bench, buf_text(&text)));
    const struct gateway_view taken = bench_listener(bench, "taken"), far = bench_listener(bench, "far");
    assert_true(!taken.open && !taken.port && !far.open);
    assert_non_null(strstr(taken.why, "in use"));
    assert_non_null(strstr(far.why, "192.0.2.1"));

    assert_true(bench_reload(bench, buf_text(&text), &second)); /* which wait, wait on */
    assert_non_null(bench_listener(bench, "taken").why);
    close(fd);
    loop_run_until(bench->loop, &told);
    assert_true(answers(bench, "taken") && !bench_listener(bench, "far").open);
    gateway_free(GIVE(bench->gateway));
    config_free(second);
    bench_end(&bench);
}

/* Who changes the configuration is there to read it. */
static void test_no_address_at_a_reload(void **state)
{
    (void)state;
    struct config *second = NULL;
    char text[200];
    uint16_t port;
    int fd = taken_port(&port);
    struct bench *bench = bench_begin();

    bench->plan.activation = NULL;
    assert_true(bench_open(bench, ""));
    snprintf(text, sizeof text, "[listen taken]\naddress = 127.0.0.1:%u\nsecurity = none\n", port);
    assert_false(bench_reload(bench, text, &second));
    assert_non_null(strstr(bench->err.text, "listen taken: "));
    assert_null(bench_listener(bench, "taken").settings);
    config_free(second);
    bench_end(&bench);
    close(fd);
}

static void test_a_unix_socket(void **state)
{
    (void)state;
    struct stat about;
    char text[200];
    SCRATCH(dir);
    const char *path = scratch_path(dir, "smtp");
    snprintf(text, sizeof text, "[listen s]\naddress = unix:%s\n", path);
    struct bench *bench = bench_begin();

    bench->plan.unix_mode = 0660;
    assert_true(bench_open(bench, text));
    assert_int_equal(stat(path, &about), 0);
    assert_int_equal(about.st_mode & 07777, 0660);
    bench_end(&bench);
    assert_int_equal(stat(path, &about), -1);
}

/* -- another configuration -- */

static void test_listeners_come_and_go(void **state)
{
    (void)state;
    struct config *second = NULL, *third = NULL;
    BENCH(bench, DESK);

    assert_true(answers(bench, "desk"));
    uint16_t port = bench_port(bench, "desk");
    assert_true(bench_reload(bench, DESK "[listen more]\naddress = 127.0.0.1:589\nsecurity = none\n", &second));
    assert_true(answers(bench, "desk") && answers(bench, "more"));
    assert_int_equal(bench_port(bench, "desk"), port); /* it never stopped listening */
    assert_true(bench_reload(bench, "[listen more]\naddress = 127.0.0.1:589\nsecurity = none\n", &third));
    assert_true(!answers(bench, "desk") && answers(bench, "more"));
    gateway_free(GIVE(bench->gateway));
    config_free(second);
    config_free(third);
}

/* A listener of the same name that is to listen elsewhere. */
static void test_a_listener_moves(void **state)
{
    (void)state;
    struct config *second = NULL;
    struct stat about;
    char text[2][200];
    SCRATCH(dir);
    for (unsigned i = 0; i < 2; i++)
        snprintf(text[i], sizeof text[i], "[listen s]\naddress = unix:%s\n", scratch_path(dir, i ? "b" : "a"));
    BENCH(bench, text[0]);

    assert_int_equal(stat(scratch_path(dir, "a"), &about), 0);
    assert_true(bench_reload(bench, text[1], &second));
    assert_int_equal(stat(scratch_path(dir, "a"), &about), -1);
    assert_int_equal(stat(scratch_path(dir, "b"), &about), 0);
    gateway_free(GIVE(bench->gateway));
    config_free(second);
}

/* Under another name, or with another port that nobody wrote. */
static void test_where_a_listener_stands(void **state)
{
    (void)state;
    struct config *second = NULL, *third = NULL;
    struct gateway_view view;
    BENCH(bench, "[listen a]\naddress = 127.0.0.1\n");

    uint16_t port = bench_port(bench, "a");
    assert_true(bench_reload(bench, "[listen z]\naddress = 127.0.0.1:589\n[listen b]\naddress = 127.0.0.1\n", &second));
    assert_int_equal(bench_port(bench, "b"), port);
    assert_false(gateway_find(bench->gateway, "a", &view));
    assert_true(gateway_view(bench->gateway, 0, &view) && strcmp(view.settings->name, "z") == 0);
    bench_hand_over(bench, "b");
    assert_true(bench_reload(bench, "[listen b]\naddress = 127.0.0.1\nsecurity = tls\n", &third)); /* 465 is meant */
    assert_int_not_equal(bench_port(bench, "b"), port);
    gateway_free(GIVE(bench->gateway));
    config_free(second);
    config_free(third);
}

static void test_other_aliases(void **state)
{
    (void)state;
    struct config *second = NULL;
    struct caller caller;
    char text[2][300];
    SCRATCH(dir);
    for (unsigned i = 0; i < 2; i++)
        snprintf(text[i], sizeof text[i], DESK "no_password_from = 127.0.0.1/32\n[local]\naliases = %s\n",
                 scratch_file(dir, i ? "b" : "a", i ? "ring: me@x.example\n" : "ring: bell\nbell: ring\n", 0644));
    BENCH(bench, text[0]);

    bench_call(bench, "desk", &caller);
    ask(&caller, HI, "250 ");
    ask(&caller, "MAIL FROM:<>\r\n", "250 ");
    ask(&caller, "RCPT TO:<ring@localhost>\r\n", "550 5.1.1 ");
    assert_true(bench_reload(bench, text[1], &second));
    ask(&caller, "RCPT TO:<ring@localhost>\r\n", "250 "); /* they are the machine's, not the session's */
    hang_up(&caller);
    gateway_free(GIVE(bench->gateway));
    config_free(second);
}

/* Its own name: the machine's, or the one that is configured. */
static void test_another_name(void **state)
{
    (void)state;
    struct caller caller;
    struct config *second = NULL;
    BENCH(bench, DESK);

    bench_call(bench, "desk", &caller);
    ask(&caller, HI, "250-mail.house.example\r\n");
    hang_up(&caller);
    assert_true(bench_reload(bench, "[outpost]\nhostname = mx.house.example\n" DESK, &second));
    bench_call(bench, "desk", &caller);
    ask(&caller, HI, "250-mx.house.example\r\n");
    hang_up(&caller);
    gateway_free(GIVE(bench->gateway));
    config_free(second);
}

/* Who came before goes on with what was true then. */
static void test_old_guests_and_new(void **state)
{
    (void)state;
    struct caller old, new;
    struct config *second = NULL;
    BENCH(bench, DESK);

    bench_call(bench, "desk", &old);
    ask(&old, HI, "250 ");
    assert_true(bench_reload(bench, DESK "no_password_from = 127.0.0.1/32\nmessage_size = 1M\n", &second));
    bench_call(bench, "desk", &new);
    ask(&new, HI, "SIZE 1048576\r\n");
    ask(&new, "MAIL FROM:<a@x.example>\r\n", "250 ");
    ask(&old, HI, "SIZE 157286400\r\n");
    ask(&old, "MAIL FROM:<a@x.example>\r\n", "530 ");
    assert_true(gateway_uses(bench->gateway, bench->config));
    assert_true(gateway_uses(bench->gateway, second));
    hang_up(&old);
    bench_settle(bench);
    assert_false(gateway_uses(bench->gateway, bench->config)); /* it may be freed */
    config_free(GIVE(bench->config));
    ask(&new, "RCPT TO:<you@there.example>\r\nBDAT 4 LAST\r\nHi\r\n", "250 2.0.0 Queued");
    hang_up(&new);
    gateway_free(GIVE(bench->gateway));
    config_free(second);
}

/* In a message, while the configuration it came under goes out of force. */
static void test_in_a_message(void **state)
{
    (void)state;
    struct caller caller;
    struct config *second = NULL;
    BENCH(bench, DESK "no_password_from = 127.0.0.1/32\n");

    bench_call(bench, "desk", &caller);
    ask(&caller, HI, "250 ");
    ask(&caller, "MAIL FROM:<a@x.example>\r\nRCPT TO:<you@there.example>\r\nDATA\r\n", "354 ");
    assert_true(bench_reload(bench, LAN, &second));
    assert_int_equal(bench_port(bench, "desk"), 0);
    assert_true(gateway_uses(bench->gateway, bench->config));
    ask(&caller, "Hi\r\n.\r\n", "250 2.0.0 Queued");
    hang_up(&caller);
    bench_settle(bench);
    assert_false(gateway_uses(bench->gateway, bench->config));
    gateway_free(GIVE(bench->gateway));
    config_free(second);
}

static void test_a_bad_one_changes_nothing(void **state)
{
    (void)state;
    struct caller caller;
    struct config *second = NULL;
    BENCH(bench, DESK);

    bench_call(bench, "desk", &caller);
    assert_false(bench_reload(bench, DESK "message_size = 1M\n[listen s]\naddress = unix:/nowhere/at/all\n", &second));
    assert_non_null(strstr(bench->err.text, "listen s: "));
    assert_false(gateway_uses(bench->gateway, second));
    config_free(GIVE(second));
    ask(&caller, HI, "SIZE 157286400\r\n");
    hang_up(&caller);
    assert_true(answers(bench, "desk"));
}

/* -- another certificate -- */

static void issue(struct bench *bench, const char *name)
{
    const char *const those[] = { name, NULL };
    const struct cert_plan plan = { .names = those, .from = bench->world.wall / 1000 - 100,
                                    .until = bench->world.wall / 1000 + 1000000000 };
    OWN(cert) cert = NULL;
    HELD(buf) chain = BUF(1 << 16), key = BUF(1 << 16);

    assert_true(cert_make(&plan, &cert, NULL));
    cert_add_chain(cert, &chain);
    cert_add_key(cert, &key);
    scratch_file(bench->dir, "c.pem", buf_text(&chain), 0644);
    scratch_file(bench->dir, "k.pem", buf_text(&key), 0600);
}

static void test_certificates_are_read_again(void **state)
{
    (void)state;
    HELD(buf) text = BUF(1000);
    struct config *second = NULL, *third = NULL;
    struct bench *bench = bench_begin();

    buf_addf(&text, LAN "tls_certificate = %s\ntls_key = %s\n", scratch_path(bench->dir, "c.pem"),
             scratch_path(bench->dir, "k.pem"));
    issue(bench, "one.example");
    assert_true(bench_open(bench, buf_text(&text)));
    assert_non_null(strstr(bench_listener(bench, "lan").certificate->names, "one.example"));
    struct caller caller;
    bench_call(bench, "lan", &caller);
    ask(&caller, HI, "250 ");
    issue(bench, "another.example");
    assert_true(bench_reload(bench, buf_text(&text), &second));
    assert_non_null(strstr(bench_listener(bench, "lan").certificate->names, "another.example"));

    const struct tls_client_plan trusts = { .ca_file = scratch_path(bench->dir, "c.pem") };
    OWN(tls_context) context = NULL;
    assert_true(tls_client_context(&trusts, &context, NULL));
    ask(&caller, "STARTTLS\r\n", "220 "); /* who came before is shown the new one */
    begin_tls(&caller, context, "another.example");
    hang_up(&caller);

    scratch_file(bench->dir, "c.pem", "rubbish", 0644); /* that one is refused, with all the rest */
    assert_false(bench_reload(bench, buf_text(&text), &third));
    assert_non_null(strstr(bench_listener(bench, "lan").certificate->names, "another.example"));
    gateway_free(GIVE(bench->gateway));
    config_free(second);
    config_free(third);
    bench_end(&bench);
}

/* -- everything that can fail, once -- */

static void test_all_fails_once(void **state)
{
    (void)state;
    char text[200];
    SCRATCH(dir);
    snprintf(text, sizeof text, "[listen a]\naddress = unix:%s\n[listen b]\naddress = unix:%s\n",
             scratch_path(dir, "a"), scratch_path(dir, "b"));
    BENCH(bench, text); /* which makes the certificate */
    gateway_free(GIVE(bench->gateway));
    bench_settle(bench); /* sockets close on the loop */
    unsigned nth = 0;

    for (bool failed = true; failed;) {
        struct world world;
        struct err err = { 0 };
        struct gateway *gateway = NULL;
        world_begin(&world, ++nth);
        world.wall = bench->world.wall;
        struct gateway_world plan = bench->plan;
        plan.clock = &world.clock;
        plan.dice = &world.dice;
        plan.disk = &world.disk;
        plan.log = NULL; /* the test's own memory */
        bool ok = gateway_open(&plan, bench->config, &gateway, &err);
        gateway_free(gateway);
        failed = world_end(&world);
        bench_settle(bench);
        if (!ok && !failed)
            fail_msg("%s", err.text);
        assert_true(ok || err.kind != ERR_NONE);
        assert_int_equal(scratch_count(scratch_root(dir)), 0); /* no socket is left */
        assert_int_equal(world_leaks(&world), 0);
    }
    assert_true(nth > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_listeners),
        cmocka_unit_test(test_certificate_of_our_own),
        cmocka_unit_test(test_that_can_not_open),
        cmocka_unit_test(test_an_address_that_comes),
        cmocka_unit_test(test_no_address_at_a_reload),
        cmocka_unit_test(test_a_unix_socket),
        cmocka_unit_test(test_listeners_come_and_go),
        cmocka_unit_test(test_a_listener_moves),
        cmocka_unit_test(test_where_a_listener_stands),
        cmocka_unit_test(test_other_aliases),
        cmocka_unit_test(test_another_name),
        cmocka_unit_test(test_old_guests_and_new),
        cmocka_unit_test(test_in_a_message),
        cmocka_unit_test(test_a_bad_one_changes_nothing),
        cmocka_unit_test(test_certificates_are_read_again),
        cmocka_unit_test(test_all_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
