/* Tokens from the cache, renewed, refused, raced for, and cut off: account/credential.h over a real line. */
#include "support/check.h"

#include <errno.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "account/credential.h"
#include "account/grant.h"
#include "account/oauth_renew.h"
#include "account/sealed_file.h"
#include "net/resolve.h"
#include "net/timer.h"
#include "oauth_scene.h"
#include "os/lock.h"
#include "support/go_between.h"
#include "support/killer.h"
#include "support/keys.h"

/* As a sign-in an hour and a half ago would have left it: R1, and an access token that is over. */
static void sign_in(struct scene *scene)
{
    HELD(oauth_way) way = way_of(scene->account);
    OWN(grant) grant = NULL;
    HELD(oauth_tokens) tokens = { .access = secret_new(SPAN("A0")), .refresh = secret_new(SPAN("R1")),
                                  .life_ms = 3600 * 1000 };

    assert_true(grant_new(scene->account, &way, &grant, NULL));
    grant_take(grant, CREDENTIAL_SMTP, &tokens, WALL - 5400 * 1000);
    assert_true(grant_keep(&scene->secrets, scene->account, grant, NULL));
}

struct told {
    bool done;
    struct secret *secret;
    struct err err;
};

static void was_told(void *who, struct secret *secret, const struct err *err)
{
    struct told *told = who;

    assert_false(told->done);
    assert_true(!secret == !!err);
    told->done = true;
    told->secret = secret;
    if (err)
        told->err = *err;
}

static void fetch(struct scene *scene, enum credential_purpose purpose, const char *refused, struct told *told)
{
    struct credential_fetch *fetch = NULL;
    OWN(secret) old = refused ? secret_new(span_of(refused)) : NULL;

    *told = (struct told){ 0 };
    if (!credential_fetch(&scene->where, scene->account, purpose, old, loop_now(scene->loop) + 10000, was_told, told,
                          &fetch, &told->err))
        return;
    assert_true(told->done == !fetch);
    loop_run_until(scene->loop, &told->done);
}

static void wants(struct scene *scene, enum credential_purpose purpose, const char *refused, const char *token)
{
    struct told told;

    fetch(scene, purpose, refused, &told);
    if (!told.secret)
        fail_msg("%s wanted: %s: %s", token, told.err.text, told.err.said);
    check_bytes(token, secret_bytes(told.secret), span_of(token));
    secret_free(told.secret);
}

static void fails(struct scene *scene, enum credential_purpose purpose, const char *refused, enum err_kind kind,
                  const char *fact)
{
    struct told told;

    fetch(scene, purpose, refused, &told);
    if (told.secret)
        fail_msg("%s wanted, got \"%.*s\"", fact, SPAN_ARG(secret_bytes(told.secret)));
    if (told.err.kind != kind || !told.err.fact || strcmp(told.err.fact, fact) != 0)
        fail_msg("%s wanted: %s (%s)", fact, told.err.text, told.err.fact ? told.err.fact : "no fact");
}

static void has_refresh(struct scene *scene, const char *token)
{
    OWN(grant) grant = NULL;

    assert_true(grant_read(&scene->secrets, scene->account, &grant, NULL));
    check_bytes("refresh", secret_bytes(grant->refresh), span_of(token));
}

/* ---- */

static void test_renewed_and_kept(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    assert_string_equal(buf_text(&s.idp.seen), "grant_type=refresh_token&refresh_token=R1&scope=https%3A%2F%2Fapi.test"
                                               "%2FSMTP.Send%20offline_access&client_id=app");
    has_refresh(&s, "R2");
    /* From the cache now, also for the next command. */
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    assert_int_equal(s.idp.tokens, 1);
    /* A token with less life than the provider wants, and a little, is renewed ahead. */
    s.world.wall += (3600 - 600 - 120) * 1000;
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    s.world.wall += 1;
    wants(&s, CREDENTIAL_SMTP, NULL, "A3-2");
    has_refresh(&s, "R3");
    end(&s);
}

/* The second renewal on a line that is still there: one round trip. */
static void test_on_a_kept_line(void **state)
{
    (void)state;
    struct scene s;
    struct go_between line;

    begin(&s);
    sign_in(&s);
    go_between_start(&line, s.loop, s.idp.port);
    s.idp.detour.to_port = line.port;
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    assert_int_equal(line.calls, 1);
    unsigned turns = line.turns;
    wants(&s, CREDENTIAL_SMTP, "A2-1", "A3-2");
    assert_int_equal(line.calls, 1);
    assert_int_equal(line.turns, turns + 1);
    go_between_stop(&line);
    end(&s);
}

static void test_one_sign_in_two_tokens(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    wants(&s, CREDENTIAL_HTTPS, NULL, "A3-2");
    assert_non_null(strstr(buf_text(&s.idp.seen), "scope=https%3A%2F%2Fgraph.test%2FMail.Send"));
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    assert_int_equal(s.idp.tokens, 2);
    end(&s);
}

static void test_a_refused_token(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    wants(&s, CREDENTIAL_SMTP, "A2-1", "A3-2"); /* one renewal */
    wants(&s, CREDENTIAL_SMTP, "A2-1", "A3-2"); /* who was slower gets the newer one */
    assert_int_equal(s.idp.tokens, 2);
    end(&s);
}

static void test_the_clock_jumps(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    s.world.wall -= 86400 * 1000; /* it was a day ahead: nothing is known of that token */
    wants(&s, CREDENTIAL_SMTP, NULL, "A3-2");
    s.world.wall += UINT64_C(365) * 86400 * 1000;
    wants(&s, CREDENTIAL_SMTP, NULL, "A4-3");
    s.world.wall = WALL;
    wants(&s, CREDENTIAL_SMTP, NULL, "A5-4");
    end(&s);
}

static void test_not_now(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        unsigned status;
        const char *body, *header, *fact;
        uint64_t wait_ms; /* not asked again before */
    } rows[] = {
        { "busy, with a time", 429, "", "Retry-After: 120", "oauth:busy", 120000 },
        { "busy, without", 503, "<html>", NULL, "oauth:busy", OAUTH_BACKOFF_MS },
        { "broken, though it says invalid_grant", 500, "{\"error\":\"invalid_grant\"}", NULL, "oauth:busy", OAUTH_BACKOFF_MS },
        { "a number that means it", 400, "{\"error\":\"invalid_grant\",\"error_codes\":[90033]}", NULL, "oauth:busy",
          OAUTH_BACKOFF_MS },
        { "a week", 429, "", "Retry-After: 604800", "oauth:busy", 3600000 },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s;
        begin(&s);
        sign_in(&s);
        s.idp.status = rows[i].status;
        s.idp.body = rows[i].body;
        s.idp.header = rows[i].header;
        fails(&s, CREDENTIAL_SMTP, NULL, ERR_LATER, rows[i].fact);
        has_refresh(&s, "R1");
        s.idp.status = 0;
        s.world.wall += rows[i].wait_ms - 1;
        fails(&s, CREDENTIAL_SMTP, NULL, ERR_LATER, rows[i].fact); /* the time it named is kept */
        assert_int_equal(s.idp.tokens, 1);
        s.world.wall += 1;
        wants(&s, CREDENTIAL_SMTP, NULL, "A2-2"); /* and nothing was lost */
        end(&s);
    }
}

static void test_a_line_that_is_down(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    s.idp.detour.to_port = 1;
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_LATER, "https:unreachable");
    has_refresh(&s, "R1");
    s.idp.detour.to_port = s.idp.port;
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1"); /* at once: nobody said to wait */
    end(&s);
}

/* Renewed ahead of time, and the server is away: the old one has some minutes left. */
static void test_ahead_of_time_nothing_is_urgent(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    s.world.wall += (3600 - 300) * 1000;
    s.idp.status = 503;
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    assert_int_equal(s.idp.tokens, 2);
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1"); /* not asked again at once */
    assert_int_equal(s.idp.tokens, 2);
    fails(&s, CREDENTIAL_SMTP, "A2-1", ERR_LATER, "oauth:busy");
    end(&s);
}

static void test_signed_out(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    s.idp.dead = true;
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_SIGNIN, "oauth:invalid-grant");
    /* Told again without asking: by this process, and by the next. */
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_SIGNIN, "oauth:invalid-grant");
    assert_int_equal(s.idp.tokens, 1);
    /* Another purpose may have more luck: it was perhaps consent that was missing. */
    s.idp.dead = false;
    wants(&s, CREDENTIAL_HTTPS, NULL, "A2-2");
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_SIGNIN, "oauth:invalid-grant");
    /* A new sign-in mends it. */
    sign_in(&s);
    s.idp.serial = 1;
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-3");
    end(&s);
}

static void test_refused_for_other_reasons(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    s.idp.status = 401;
    s.idp.body = "{\"error\":\"invalid_client\",\"error_description\":\"AADSTS7000222: expired\"}";
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_CONFIG, "oauth:invalid-client");
    s.idp.status = 200;
    s.idp.body = "<html>Welcome to the Wi-Fi";
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_PROTOCOL, "oauth:page");
    s.idp.status = 404;
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_PROTOCOL, "oauth:not-found");
    s.idp.status = 0;
    has_refresh(&s, "R1");
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-4"); /* as soon as somebody has mended it */
    end(&s);
}

/* A server that says our own words back does not get them into an error. */
static void test_a_server_that_says_it_back(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    OWN(grant) grant = NULL;

    begin(&s);
    sign_in(&s);
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    secret_free(grant->refresh);
    grant->refresh = secret_new(SPAN("refresh+me/forever"));
    assert_true(grant_keep(&s.secrets, s.account, grant, NULL));
    s.idp.status = 400;
    s.idp.body = "{\"error\":\"invalid_grant\",\"error_description\":\"refresh+me/forever is over; refresh%2Bme%2Fforever\"}";
    fetch(&s, CREDENTIAL_SMTP, NULL, &told);
    assert_non_null(strstr(told.err.said, "is over"));
    assert_null(strstr(told.err.said, "forever"));
    fetch(&s, CREDENTIAL_SMTP, NULL, &told); /* nor into what is told again */
    assert_non_null(strstr(told.err.said, "is over"));
    assert_null(strstr(told.err.said, "forever"));
    end(&s);
}

static void test_less_than_was_asked_for(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    s.idp.scope = "openid email";
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_SIGNIN, "oauth:scope-withheld");
    has_refresh(&s, "R2");
    end(&s);
}

static void test_nobody_signed_in(void **state)
{
    (void)state;
    struct scene s;
    struct err err = { 0 };

    begin(&s);
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_SIGNIN, "oauth:no-sign-in");
    sign_in(&s);
    /* For another application, it is as if nobody had. */
    assert_true(account_set(s.account, "client_id", SPAN("other"), &err));
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_SIGNIN, "oauth:other-sign-in");
    assert_int_equal(s.idp.tokens, 0);
    end(&s);
}

/* ---- several at once ---- */

static void test_two_at_once(void **state)
{
    (void)state;
    struct scene s;
    struct told told[3] = { { 0 } };
    struct credential_fetch *fetches[3];

    begin(&s);
    sign_in(&s);
    for (size_t i = 0; i < COUNT(told); i++)
        assert_true(credential_fetch(&s.where, s.account, CREDENTIAL_SMTP, NULL, loop_now(s.loop) + 10000, was_told,
                                     &told[i], &fetches[i], NULL));
    for (size_t i = 0; i < COUNT(told); i++) {
        loop_run_until(s.loop, &told[i].done);
        check_bytes("all the same", secret_bytes(told[i].secret), SPAN("A2-1"));
        secret_free(told[i].secret);
    }
    assert_int_equal(s.idp.tokens, 1);
    assert_false(s.idp.dead);
    end(&s);
}

static void nothing_rang(void *who)
{
    *(bool *)who = true;
}

static void wait_a_little(struct loop *loop)
{
    bool rang = false;
    OWN(timer) timer = timer_new(loop, nothing_rang, &rang);

    timer_set(timer, loop_now(loop) + 2);
    loop_run_until(loop, &rang);
}

/* A process of its own, with its own loop; what it got is its exit status: 0, or 1. */
static void be_another_process(struct scene *s, const struct disk *disk)
{
    struct loop *loop = NULL;
    struct told told = { 0 };
    struct credential_fetch *fetch = NULL;
    struct secret_world secrets = s->secrets;
    struct resolver *resolver = NULL;

    if (!loop_new(&loop, NULL) || !resolver_new(loop, &(struct resolver_plan){ NULL, 1 }, &resolver, NULL))
        _exit(2);
    secrets.loop = loop;
    secrets.disk = disk;
    struct credential_world where = idp_world(&s->idp, &secrets, &s->world.clock);
    where.resolver = resolver;
    if (!credential_fetch(&where, s->account, CREDENTIAL_SMTP, NULL, UINT64_MAX, was_told, &told, &fetch, NULL))
        _exit(3);
    loop_run_until(loop, &told.done);
    _exit(told.secret ? 0 : 1);
}

static int wait_for(struct scene *s, pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, WNOHANG) == 0)
        wait_a_little(s->loop);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void test_two_processes_at_once(void **state)
{
    (void)state;
    struct scene s;
    pid_t pids[4];

    begin(&s);
    sign_in(&s);
    for (size_t i = 0; i < COUNT(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0)
            be_another_process(&s, &disk_system);
    }
    for (size_t i = 0; i < COUNT(pids); i++)
        assert_int_equal(wait_for(&s, pids[i]), 0);
    assert_int_equal(s.idp.tokens, 1);
    assert_false(s.idp.dead);
    end(&s);
}

/* ---- killed at every step ---- */

enum fate { KEPT, ASKED_AGAIN, TOLD };

/* One that begins anew is killed; what does the next one find? */
static enum fate fate_after_kill(struct scene *s, unsigned nth, int *ret_status)
{
    struct told told;

    sign_in(s);
    s->idp.serial = 1;
    s->idp.tokens = 0;
    s->idp.dead = false;
    pid_t pid = fork();
    if (pid == 0) {
        struct killer killer;
        killer_init(&killer, nth);
        be_another_process(s, &killer.disk);
    }
    *ret_status = wait_for(s, pid);
    assert_true(*ret_status == 0 || *ret_status == KILLER_STATUS);
    fetch(s, CREDENTIAL_SMTP, NULL, &told);
    if (told.secret) {
        secret_free(told.secret);
        return s->idp.tokens == 1 ? KEPT : ASKED_AGAIN;
    }
    if (!told.err.fact || strcmp(told.err.fact, "oauth:invalid-grant") != 0 || !strstr(told.err.text, "cut off"))
        fail_msg("killed at %u: %s", nth, told.err.text);
    return TOLD;
}

static void test_killed_at_every_step(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        enum idp_rotation rotation;
        bool may_lose;
    } rows[] = {
        { "the old one stays valid", IDP_ROTATES, false },
        { "each once only", IDP_STRICT, true },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        unsigned fates[3] = { 0 };
        int status = KILLER_STATUS;
        struct scene s;
        begin(&s);
        s.idp.rotation = rows[i].rotation;
        for (unsigned n = 1; status != 0; n++)
            fates[fate_after_kill(&s, n, &status)]++;
        end(&s);
        print_message("%s: %u times kept or not begun, %u asked again, %u told that it was cut off\n", rows[i].label,
                      fates[KEPT], fates[ASKED_AGAIN], fates[TOLD]);
        check_row(rows[i].label, fates[KEPT] > 10);
        check_row(rows[i].label, rows[i].may_lose ? fates[TOLD] && !fates[ASKED_AGAIN]
                                                  : fates[ASKED_AGAIN] && !fates[TOLD]);
    }
}

/* ---- a full disk ---- */

static void test_a_full_disk(void **state)
{
    (void)state;
    struct scene s;

    begin(&s);
    sign_in(&s);
    s.world.sys = ENOSPC;
    for (unsigned n = 1; n < 200; n++) {
        struct told told;
        s.world.failed = false;
        s.world.until = n;
        fetch(&s, CREDENTIAL_SMTP, "A0", &told);
        bool failed = s.world.failed;
        s.world.until = 0;
        /* It came, or nothing was asked for, or the answer was kept with the room set aside. */
        assert_true(told.secret || !s.idp.dead);
        secret_free(told.secret);
        if (!failed)
            break;
        struct told again;
        fetch(&s, CREDENTIAL_SMTP, "A0", &again);
        if (!again.secret)
            fail_msg("after failure %u: %s", n, again.err.text);
        secret_free(again.secret);
        sign_in(&s);
        s.idp.serial = 1;
    }
    end(&s);
}

/* ---- an application, and tokens from outside ---- */

static void kept(void *data, const struct err *err)
{
    (void)data;
    assert_null(err);
}

static void keep_secret(struct scene *s, enum secret_which which, const char *text)
{
    OWN(secret) secret = secret_new(span_of(text));
    struct secret_fetch *fetch = NULL;

    assert_true(secret_keep(&s->secrets, s->account, which, secret, UINT64_MAX, kept, NULL, &fetch, NULL));
    assert_null(fetch);
}

static void test_an_application_with_a_certificate(void **state)
{
    (void)state;
    struct scene s;
    HELD(buf) pem = BUF(10000);

    buf_add(&pem, rsa_key);
    buf_add(&pem, rsa_certificate);
    begin_with(&s, ACCOUNT(MINE, "certificate=file"));
    keep_secret(&s, SECRET_CERTIFICATE, buf_text(&pem));
    /* Nobody need sign in: the certificate is the sign-in. */
    wants(&s, CREDENTIAL_SMTP, NULL, "A1-1");
    assert_true(span_starts(buf_span(&s.idp.seen),
                            "grant_type=client_credentials&scope=https%3A%2F%2Fapi.test%2F.default&client_id=app"
                            "&client_assertion_type="));
    assert_null(strstr(buf_text(&s.idp.seen), "client_secret"));
    wants(&s, CREDENTIAL_SMTP, NULL, "A1-1");
    s.world.wall += 3600 * 1000;
    wants(&s, CREDENTIAL_SMTP, NULL, "A1-2");
    OWN(grant) grant = NULL;
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    assert_true(grant->application && !grant->refresh && grant->proof_expires == UINT64_C(4949229777000) - 1000 * 0);
    end(&s);
}

static void test_a_certificate_that_is_none(void **state)
{
    (void)state;
    struct scene s;
    HELD(buf) pem = BUF(10000);

    begin_with(&s, ACCOUNT(MINE, "certificate=file"));
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_CONFIG, "secret:unreadable"); /* none is kept */
    keep_secret(&s, SECRET_CERTIFICATE, "hunter2");
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_CONFIG, "secret:unreadable");
    buf_add(&pem, ec_key);
    buf_add(&pem, rsa_certificate);
    keep_secret(&s, SECRET_CERTIFICATE, buf_text(&pem));
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_CONFIG, "secret:unreadable");
    assert_int_equal(s.idp.tokens, 0);
    end(&s);
}

static void test_a_secret_of_the_application(void **state)
{
    (void)state;
    struct scene s;

    begin_with(&s, ACCOUNT(MINE, "client_secret=file"));
    keep_secret(&s, SECRET_OF_CLIENT, "s&cret");
    sign_in(&s);
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    assert_non_null(strstr(buf_text(&s.idp.seen), "&client_id=app&client_secret=s%26cret"));
    end(&s);
}

/* A refresh token from a command begins it; what rotates is ours to keep. */
static void test_a_seed(void **state)
{
    (void)state;
    struct scene s;

    begin_with(&s, ACCOUNT(MINE, "secret=command:echo R1"));
    wants(&s, CREDENTIAL_SMTP, NULL, "A2-1");
    has_refresh(&s, "R2");
    s.world.wall += 3600 * 1000;
    wants(&s, CREDENTIAL_SMTP, NULL, "A3-2");
    has_refresh(&s, "R3");
    /* It ends. The same seed is not tried again, another one is. */
    s.idp.dead = true;
    fails(&s, CREDENTIAL_SMTP, "A3-2", ERR_SIGNIN, "oauth:invalid-grant");
    fails(&s, CREDENTIAL_SMTP, NULL, ERR_SIGNIN, "oauth:invalid-grant");
    assert_int_equal(s.idp.tokens, 3);
    s.idp.dead = false;
    s.idp.serial = 7;
    assert_true(account_set(s.account, "secret", SPAN("command:echo R7"), NULL));
    wants(&s, CREDENTIAL_SMTP, NULL, "A8-4");
    has_refresh(&s, "R8");
    end(&s);
}

static void test_a_seed_that_can_not_be_had(void **state)
{
    (void)state;
    struct scene s;
    struct told told;

    begin_with(&s, ACCOUNT(MINE, "secret=command:false"));
    fetch(&s, CREDENTIAL_SMTP, NULL, &told);
    assert_true(!told.secret && told.err.kind != ERR_NONE);
    assert_int_equal(s.idp.tokens, 0);
    end(&s);
}

/* ---- giving up ---- */

static void fetch_again(struct scene *s, struct told *told)
{
    fetch(s, CREDENTIAL_SMTP, NULL, told);
}

static void test_cancelled(void **state)
{
    (void)state;
    struct scene s;
    struct told told = { 0 };
    struct credential_fetch *fetch = NULL;

    begin(&s);
    sign_in(&s);
    s.idp.silent = true;
    assert_true(credential_fetch(&s.where, s.account, CREDENTIAL_SMTP, NULL, UINT64_MAX, was_told, &told, &fetch, NULL));
    while (!s.idp.kept)
        wait_a_little(s.loop);
    credential_fetch_cancel(fetch);
    credential_fetch_cancel(NULL);
    assert_false(told.done);
    /* The next one knows that an answer may have been lost. */
    s.idp.silent = false;
    s.idp.dead = true;
    struct told after;
    fetch_again(&s, &after);
    assert_non_null(strstr(after.err.text, "cut off"));
    end(&s);
}

/* ---- who signs in ---- */

static void test_users(void **state)
{
    (void)state;
    struct scene s;
    struct credential_users users;

    begin(&s);
    assert_true(credential_users(&s.where, s.account, &users, NULL)); /* also before anybody signed in */
    assert_int_equal(users.count, 1);
    assert_string_equal(users.at[0], "me@mail.test");

    sign_in(&s);
    OWN(grant) grant = NULL;
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    grant->users[grant->user_count++] = "Me@Mail.test";
    grant->users[grant->user_count++] = "main@mail.test";
    assert_true(grant_keep(&s.secrets, s.account, grant, NULL));
    assert_true(credential_users(&s.where, s.account, &users, NULL));
    assert_int_equal(users.count, 2);
    assert_string_equal(users.at[1], "main@mail.test");

    assert_true(credential_user_won(&s.where, s.account, "main@mail.test", NULL));
    assert_true(credential_users(&s.where, s.account, &users, NULL));
    assert_string_equal(users.at[0], "main@mail.test");
    assert_string_equal(users.at[1], "me@mail.test");

    /* What a person wrote down goes first: a shared mailbox. */
    assert_true(account_set(s.account, "username", SPAN("office@mail.test"), NULL));
    assert_true(credential_users(&s.where, s.account, &users, NULL));
    assert_string_equal(users.at[0], "office@mail.test");
    end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_renewed_and_kept),
        cmocka_unit_test(test_on_a_kept_line),
        cmocka_unit_test(test_one_sign_in_two_tokens),
        cmocka_unit_test(test_a_refused_token),
        cmocka_unit_test(test_the_clock_jumps),
        cmocka_unit_test(test_not_now),
        cmocka_unit_test(test_a_line_that_is_down),
        cmocka_unit_test(test_ahead_of_time_nothing_is_urgent),
        cmocka_unit_test(test_signed_out),
        cmocka_unit_test(test_refused_for_other_reasons),
        cmocka_unit_test(test_a_server_that_says_it_back),
        cmocka_unit_test(test_less_than_was_asked_for),
        cmocka_unit_test(test_nobody_signed_in),
        cmocka_unit_test(test_two_at_once),
        cmocka_unit_test(test_two_processes_at_once),
        cmocka_unit_test(test_killed_at_every_step),
        cmocka_unit_test(test_a_full_disk),
        cmocka_unit_test(test_an_application_with_a_certificate),
        cmocka_unit_test(test_a_certificate_that_is_none),
        cmocka_unit_test(test_a_secret_of_the_application),
        cmocka_unit_test(test_a_seed),
        cmocka_unit_test(test_a_seed_that_can_not_be_had),
        cmocka_unit_test(test_cancelled),
        cmocka_unit_test(test_users),
    };
    return cmocka_run_group_tests(tests, make_profiles, free_known);
}
