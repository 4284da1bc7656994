/* The flows: a browser that comes back to our port (and others that do), a code on another device, an
 * application; what is kept in the end; and out again. */
#include "support/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "account/oauth_signin.h"
#include "account/oauth_signin_int.h"
#include "net/dial.h"
#include "net/timer.h"
#include "oauth_scene.h"
#include "os/file.h"
#include "support/keys.h"

#define CLAIMS "{\"iss\":\"https://id.test\",\"aud\":\"app\",\"iat\":1700000000,\"exp\":1700003600,\"email\":\"me@mail.test\"}"

struct told {
    bool browser, device, done, any;
    char url[OAUTH_URL_MAX];
    bool opened, listening;
    char user_code[64];
    uint64_t expires_at;
    bool has_complete;
    struct err err;
    bool good, same_person, clock_wrong;
    char address[100];
    unsigned purposes, browsers;
};

static void on_browser(void *who, const struct oauth_signin_browser *browser)
{
    struct told *told = who;

    told->browser = told->any = true;
    told->browsers++;
    snprintf(told->url, sizeof told->url, "%s", browser->url);
    told->opened = browser->opened;
    told->listening = browser->listening;
}

static void on_device(void *who, const struct oauth_signin_device *device)
{
    struct told *told = who;

    told->device = told->any = true;
    snprintf(told->user_code, sizeof told->user_code, "%s", device->user_code);
    told->expires_at = device->expires_at;
    told->has_complete = device->page_complete != NULL;
}

static void on_done(void *who, const struct oauth_signed_in *result, const struct err *why)
{
    struct told *told = who;

    assert_false(told->done);
    assert_true(!result == !!why);
    told->done = told->any = true;
    if (why) {
        told->err = *why;
        return;
    }
    told->good = true;
    told->same_person = result->same_person;
    told->clock_wrong = result->clock_wrong;
    told->purposes = result->purposes;
    snprintf(told->address, sizeof told->address, "%s", result->address ? result->address : "");
    assert_non_null(result->grant);
}

static const struct oauth_signin_events events = { on_browser, on_device, on_done };

static struct oauth_signin *start(struct scene *s, enum oauth_flow flow, unsigned purposes, struct told *told)
{
    struct oauth_signin_plan plan = { .world = &s->where, .account = s->account, .flow = flow, .purposes = purposes,
                                      .deadline = UINT64_MAX };
    struct oauth_signin *signin = NULL;
    struct err err = { 0 };

    *told = (struct told){ 0 };
    if (!oauth_signin_start(&plan, &events, told, &signin, &err))
        fail_msg("%s", err.text);
    return signin;
}

/* This event, or the end, which comes instead where something went wrong. */
static void await(struct scene *s, struct told *told, const bool *event)
{
    while (!*event && !told->done) {
        told->any = false;
        loop_run_until(s->loop, &told->any);
    }
    if (!*event)
        fail_msg("it ended instead: %s", told->err.text);
}

/* Nobody waits here for the seconds between two questions. */
static void hurry(struct scene *s, struct oauth_signin *signin, struct told *told, uint64_t interval_ms)
{
    await(s, told, &told->device);
    signin->interval_ms = interval_ms;
    oauth_signin_wake(signin, oauth_signin_now(signin), signin->rang);
}

/* A device's flow to its end. */
static void run_device(struct scene *s, unsigned purposes, struct told *told)
{
    struct oauth_signin *signin = start(s, OAUTH_FLOW_DEVICE, purposes, told);

    while (!told->device && !told->done)
        loop_run_until(s->loop, &told->any);
    if (!told->done)
        hurry(s, signin, told, 1);
    await(s, told, &told->done);
}

static void has_grant(struct scene *s, const char *refresh)
{
    OWN(grant) grant = NULL;

    if (!refresh) {
        assert_false(grant_read(&s->secrets, s->account, &grant, NULL));
        return;
    }
    assert_true(grant_read(&s->secrets, s->account, &grant, NULL));
    check_bytes("refresh", secret_bytes(grant->refresh), span_of(refresh));
}

static void succeeds(const struct told *told)
{
    if (!told->good)
        fail_msg("%s: %s", told->err.text, told->err.said);
}

static void fails_with(const struct told *told, const char *fact)
{
    if (!told->err.fact || strcmp(told->err.fact, fact) != 0)
        fail_msg("%s wanted: %s (%s)", fact, told->err.text, told->err.fact ? told->err.fact : "no fact");
}

/* ---- the browser's part ---- */

struct visit {
    struct stream *stream;
    struct buf said, heard;
    bool over;
};

static void heard(void *who, struct span bytes)
{
    buf_add_span(&((struct visit *)who)->heard, bytes);
}

static void hung_up(void *who, const struct err *why)
{
    (void)why;
    ((struct visit *)who)->over = true;
}

static void connected(void *who, struct stream *stream, const struct err *why)
{
    struct visit *visit = who;

    (void)why;
    visit->stream = stream;
    if (!stream) {
        visit->over = true;
        return;
    }
    stream_on(stream, &(struct stream_events){ .read = heard, .ended = hung_up }, visit);
    assert_int_equal(stream_write(stream, buf_span(&visit->said)), visit->said.len);
}

/* What a request gets: its status, or 0 where nobody is there; the whole answer in *ret_answer. */
static unsigned visit(struct scene *s, const char *address, uint16_t port, const char *request, struct buf *ret_answer)
{
    struct visit v = { .said = BUF(100000), .heard = BUF(100000) };
    struct dial *dial = NULL;
    uint64_t status = 0;

    buf_add(&v.said, request);
    assert_true(dial_start(s->loop, &(struct dial_plan){ .host = address, .port = port, .resolver = s->idp.resolver,
                                                         .deadline = UINT64_MAX },
                           connected, &v, &dial, NULL));
    loop_run_until(s->loop, &v.over);
    dial_free(dial);
    stream_free(v.stream);
    if (v.heard.len > 12)
        assert_true(str_to_u64(span_cut(buf_span(&v.heard), 9, 12), 100, 599, &status));
    if (ret_answer)
        buf_add_span(ret_answer, buf_span(&v.heard));
    buf_done(&v.said);
    buf_done(&v.heard);
    return (unsigned)status;
}

static uint16_t port_of(const char *back)
{
    struct oauth_landing landing;
    HELD(buf) bare = BUF(300);

    buf_add_span(&bare, span_cut(span_of(back), 0, span_find(span_of(back), '?')));
    assert_true(oauth_landing_of(buf_span(&bare), &landing));
    return landing.port;
}

/* The request that a browser makes of an address. */
static void request_of(struct buf *out, const char *method, const char *back, const char *host)
{
    struct span rest = span_from(span_of(back), strlen("http://"));
    struct span authority = span_cut(rest, 0, span_find(rest, '/'));

    buf_addf(out, "%s ", method);
    buf_add_span(out, span_from(rest, authority.len));
    buf_add(out, " HTTP/1.1\r\nHost: ");
    if (host)
        buf_add(out, host);
    else
        buf_add_span(out, authority);
    buf_add(out, "\r\nConnection: close\r\n\r\n");
}

static unsigned go_back(struct scene *s, const char *back, struct buf *ret_answer)
{
    HELD(buf) request = BUF(20000);

    request_of(&request, "GET", back, NULL);
    return visit(s, "127.0.0.1", port_of(back), buf_text(&request), ret_answer);
}

static void test_a_browser(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    HELD(buf) back = BUF(4000), answer = BUF(100000);

    begin(&s);
    s.idp.rotation = IDP_STRICT;
    start(&s, OAUTH_FLOW_BROWSER, 0, &told);
    assert_false(told.browser);
    await(&s, &told, &told.browser);
    assert_true(told.listening && !told.opened);
    assert_true(span_starts(span_of(told.url), "https://id.test/auth?response_type=code&client_id=app&redirect_uri=http"));
    idp_agree(&s.idp, told.url, &back);
    assert_int_equal(go_back(&s, buf_text(&back), &answer), 200);
    await(&s, &told, &told.done);
    succeeds(&told);
    assert_int_equal(told.purposes, 1 << CREDENTIAL_SMTP);
    assert_true(told.same_person && !told.address[0]);
    has_grant(&s, "R2");

    /* The page says nothing of what came, and is kept nowhere. */
    assert_non_null(strstr(buf_text(&answer), "Cache-Control: no-store"));
    assert_non_null(strstr(buf_text(&answer), "Referrer-Policy: no-referrer"));
    assert_non_null(strstr(buf_text(&answer), "default-src 'none'"));
    assert_null(strstr(buf_text(&answer), s.idp.challenge));
    assert_null(strstr(buf_text(&answer), "C0"));
    /* And nobody is there any more. */
    assert_int_equal(go_back(&s, buf_text(&back), NULL), 0);
    end(&s);
}

static void test_who_else_comes_to_the_port(void **state)
{
    (void)state;
    static const struct {
        const char *label, *method, *path, *host; /* NULL: the right one */
        const char *query;                         /* NULL: the right one */
        unsigned status;
    } rows[] = {
        { "without a state", "GET", NULL, NULL, "code=x", 400 },
        { "with another state", "GET", NULL, NULL, "code=x&state=AAAAAAAAAAAAAAAAAAAAAA", 400 },
        { "with an error, and no state", "GET", NULL, NULL, "error=access_denied", 400 },
        { "at another path", "GET", "/favicon.ico", NULL, NULL, 404 },
        { "by another name: a page that leads its own name here", "GET", NULL, "evil.example", NULL, 421 },
        { "by our name and another port", "GET", NULL, "127.0.0.1:1", NULL, 421 },
        { "by another name of this machine", "GET", NULL, "localhost", NULL, 421 },
        { "by POST", "POST", NULL, NULL, NULL, 405 },
        { "by HEAD", "HEAD", NULL, NULL, NULL, 405 },
    };
    struct scene s;
    struct told told;
    HELD(buf) back = BUF(4000);

    begin(&s);
    start(&s, OAUTH_FLOW_BROWSER, 0, &told);
    await(&s, &told, &told.browser);
    idp_agree(&s.idp, told.url, &back);
    struct span good = span_from(buf_span(&back), span_find(buf_span(&back), '?') + 1);
    for (size_t i = 0; i < COUNT(rows); i++) {
        HELD(buf) url = BUF(4000), request = BUF(5000);
        buf_addf(&url, "http://127.0.0.1:%u%s?", port_of(buf_text(&back)), rows[i].path ? rows[i].path : "/");
        if (rows[i].query)
            buf_add(&url, rows[i].query);
        else
            buf_add_span(&url, good);
        request_of(&request, rows[i].method, buf_text(&url), rows[i].host);
        unsigned status = visit(&s, "127.0.0.1", port_of(buf_text(&back)), buf_text(&request), NULL);
        if (status != rows[i].status)
            fail_msg("case \"%s\": %u", rows[i].label, status);
        check_row(rows[i].label, !told.done && s.idp.tokens == 0); /* no token is asked for */
    }
    /* The true one is still welcome. */
    assert_int_equal(go_back(&s, buf_text(&back), NULL), 200);
    await(&s, &told, &told.done);
    succeeds(&told);
    end(&s);
}

static void test_both_loopbacks_and_no_other(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    HELD(buf) back = BUF(4000);

    begin(&s);
    struct oauth_signin *signin = start(&s, OAUTH_FLOW_BROWSER, 0, &told);
    await(&s, &told, &told.browser);
    idp_agree(&s.idp, told.url, &back);
    uint16_t port = port_of(buf_text(&back));
    HELD(buf) request = BUF(5000);
    request_of(&request, "GET", "http://127.0.0.1/none", "127.0.0.1");
    assert_int_equal(visit(&s, "127.0.0.1", port, buf_text(&request), NULL), 421);
    assert_int_equal(visit(&s, "::1", port, buf_text(&request), NULL), 421);
    assert_int_equal(visit(&s, "127.0.0.2", port, buf_text(&request), NULL), 0);
    oauth_signin_cancel(signin);
    end(&s);
}

static void test_the_person_says_no(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    HELD(buf) back = BUF(4000), no = BUF(4000), answer = BUF(100000);

    begin(&s);
    start(&s, OAUTH_FLOW_BROWSER, 0, &told);
    await(&s, &told, &told.browser);
    idp_agree(&s.idp, told.url, &back);
    struct span state_on = span_from(buf_span(&back), span_find_text(buf_span(&back), "&state="));
    buf_addf(&no, "http://127.0.0.1:%u/?error=access_denied&error_description=%%3Cscript%%3E", port_of(buf_text(&back)));
    buf_add_span(&no, state_on);
    assert_int_equal(go_back(&s, buf_text(&no), &answer), 200);
    assert_null(strstr(buf_text(&answer), "script"));
    await(&s, &told, &told.done);
    fails_with(&told, "oauth:declined");
    assert_non_null(strstr(told.err.said, "access_denied: <script>"));
    has_grant(&s, NULL);
    end(&s);
}

/* Two things at once were asked for, and the provider won't have it: then one, on a page of its own; the other comes by
 * a renewal. A person's no is no reason to ask again. */
static void test_two_at_once_are_refused(void **state)
{
    (void)state;
    static const struct {
        const char *error, *fact; /* NULL: it is asked once more */
    } rows[] = {
        { "invalid_scope", NULL },
        { "invalid_request", NULL },
        { "access_denied", "oauth:declined" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s;
        struct told told;
        HELD(buf) back = BUF(4000), no = BUF(4000);
        begin_with(&s, ACCOUNT("address=me@both.test", "client_id=app"));
        start(&s, OAUTH_FLOW_BROWSER, 1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_HTTPS, &told);
        await(&s, &told, &told.browser);
        check_row(rows[i].error, strstr(told.url, "api.test%2FSMTP.Send") && strstr(told.url, "graph.test%2FMail.Send"));
        idp_agree(&s.idp, told.url, &back);
        buf_addf(&no, "http://127.0.0.1:%u/?error=%s", port_of(buf_text(&back)), rows[i].error);
        buf_add_span(&no, span_from(buf_span(&back), span_find_text(buf_span(&back), "&state=")));
        told.browser = false;
        check_row(rows[i].error, go_back(&s, buf_text(&no), NULL) == 200);
        if (rows[i].fact) {
            await(&s, &told, &told.done);
            fails_with(&told, rows[i].fact);
            check_row(rows[i].error, told.browsers == 1);
        } else {
            await(&s, &told, &told.browser);
            check_row(rows[i].error, told.browsers == 2 && !strstr(told.url, "graph.test"));
            buf_clear(&back);
            idp_agree(&s.idp, told.url, &back);
            check_row(rows[i].error, go_back(&s, buf_text(&back), NULL) == 200);
            await(&s, &told, &told.done);
            succeeds(&told);
            check_row(rows[i].error, told.purposes == (1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_HTTPS));
            check_row(rows[i].error, s.idp.tokens == 2);
        }
        end(&s);
    }
}

static void test_mixed_up(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    HELD(buf) back = BUF(4000), other = BUF(4000);

    begin(&s);
    start(&s, OAUTH_FLOW_BROWSER, 0, &told);
    await(&s, &told, &told.browser);
    idp_agree(&s.idp, told.url, &back);
    buf_add_span(&other, span_cut(buf_span(&back), 0, span_find_text(buf_span(&back), "&iss=")));
    buf_add(&other, "&iss=https%3A%2F%2Fid.evil.example");
    assert_int_equal(go_back(&s, buf_text(&other), NULL), 200);
    await(&s, &told, &told.done);
    fails_with(&told, "oauth:other-issuer");
    assert_int_equal(s.idp.tokens, 0);
    end(&s);
}

static void test_pasted(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    struct err err;
    HELD(buf) back = BUF(4000);

    begin(&s);
    struct oauth_signin *signin = start(&s, OAUTH_FLOW_BROWSER, 0, &told);
    assert_false(oauth_signin_pasted(signin, SPAN("http://127.0.0.1/?state=x&code=y"), &err)); /* too early */
    await(&s, &told, &told.browser);
    idp_agree(&s.idp, told.url, &back);
    assert_false(oauth_signin_pasted(signin, SPAN("4/0abcdef"), &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_false(oauth_signin_pasted(signin, SPAN("http://127.0.0.1/?state=x&code=y"), &err));
    assert_false(told.done);
    buf_add(&back, "\r\n");
    assert_true(oauth_signin_pasted(signin, buf_span(&back), &err));
    assert_false(oauth_signin_pasted(signin, buf_span(&back), &err)); /* once is enough */
    await(&s, &told, &told.done);
    succeeds(&told);
    has_grant(&s, "R2");
    end(&s);
}

static void test_an_address_that_is_not_ours(void **state)
{
    (void)state;
    struct scene s;
    struct told told = { 0 };
    struct err err = { 0 };
    struct oauth_signin *signin = NULL;
    HELD(buf) back = BUF(4000);

    begin(&s);
    struct oauth_signin_plan plan = { .world = &s.where, .account = s.account, .flow = OAUTH_FLOW_BROWSER,
                                      .redirect_uri = "https://app.example/landing", .deadline = UINT64_MAX };
    assert_true(oauth_signin_start(&plan, &events, &told, &signin, &err));
    await(&s, &told, &told.browser);
    assert_false(told.listening);
    assert_non_null(strstr(told.url, "redirect_uri=https%3A%2F%2Fapp.example%2Flanding&"));
    idp_agree(&s.idp, told.url, &back);
    assert_true(oauth_signin_pasted(signin, buf_span(&back), &err));
    await(&s, &told, &told.done);
    succeeds(&told);
    end(&s);
}

/* RFC 8252, 8.3: a port that another has may be there for our answer. */
static void test_a_port_that_is_taken(void **state)
{
    (void)state;
    struct scene s;
    struct told told = { 0 };
    struct oauth_signin *signin = NULL;
    HELD(buf) uri = BUF(100);

    begin(&s);
    buf_addf(&uri, "http://127.0.0.1:%u/", s.idp.port);
    struct oauth_signin_plan plan = { .world = &s.where, .account = s.account, .flow = OAUTH_FLOW_BROWSER,
                                      .redirect_uri = buf_text(&uri), .deadline = UINT64_MAX };
    assert_true(oauth_signin_start(&plan, &events, &told, &signin, NULL));
    await(&s, &told, &told.done);
    assert_true(!told.good && !told.browser);
    assert_non_null(strstr(told.err.text, "listening for the browser"));
    end(&s);
}

static void test_nobody_comes(void **state)
{
    (void)state;
    struct scene s;
    struct told told = { 0 };
    struct oauth_signin *signin = NULL;

    begin(&s);
    struct oauth_signin_plan plan = { .world = &s.where, .account = s.account, .flow = OAUTH_FLOW_BROWSER,
                                      .deadline = loop_now(s.loop) + 30 };
    assert_true(oauth_signin_start(&plan, &events, &told, &signin, NULL));
    await(&s, &told, &told.done);
    assert_true(told.browser);
    fails_with(&told, "oauth:nobody");
    end(&s);
}

/* $BROWSER is started with the address as its one argument, and found or not. */
static void test_the_browser_is_opened(void **state)
{
    (void)state;
    struct scene s;
    struct told told = { 0 };
    struct oauth_signin *signin = NULL;
    HELD(buf) script = BUF(1000);

    begin(&s);
    buf_addf(&script, "#!/bin/sh\necho \"$#:$1\" > %s\n", scratch_path(s.dir, "opened.new"));
    buf_addf(&script, "mv %s %s\n", scratch_path(s.dir, "opened.new"), scratch_path(s.dir, "opened"));
    setenv("BROWSER", scratch_file(s.dir, "browser", buf_text(&script), 0700), 1);
    struct oauth_signin_plan plan = { .world = &s.where, .account = s.account, .flow = OAUTH_FLOW_BROWSER,
                                      .open_browser = true, .deadline = UINT64_MAX };
    assert_true(oauth_signin_start(&plan, &events, &told, &signin, NULL));
    await(&s, &told, &told.browser);
    assert_true(told.opened);
    const char *opened = scratch_path(s.dir, "opened");
    while (!file_exists(opened))
        loop_turn(s.loop);
    HELD(buf) want = BUF(5000);
    buf_addf(&want, "1:%s\n", told.url);
    assert_string_equal(scratch_text(opened), buf_text(&want));
    oauth_signin_cancel(signin);

    setenv("BROWSER", "/nowhere/browser", 1);
    told = (struct told){ 0 };
    assert_true(oauth_signin_start(&plan, &events, &told, &signin, NULL));
    await(&s, &told, &told.browser);
    assert_false(told.opened);
    oauth_signin_cancel(signin);
    unsetenv("BROWSER");
    end(&s);
}

/* ---- who it was ---- */

static void test_who_signed_in(void **state)
{
    (void)state;
    static const struct {
        const char *label, *claims, *address, *fact;
        bool same, clock;
    } rows[] = {
        { "the account's own", CLAIMS, "me@mail.test", NULL, true, false },
        { "somebody else", "{\"iss\":\"https://id.test\",\"aud\":\"app\",\"email\":\"you@mail.test\"}", "you@mail.test", NULL,
          false, false },
        { "a day from now: this clock is wrong, the sign-in is good",
          "{\"iss\":\"https://id.test\",\"aud\":\"app\",\"iat\":1700086400,\"email\":\"me@mail.test\"}", "me@mail.test", NULL,
          true, true },
        { "another issuer's", "{\"iss\":\"https://evil.example\",\"aud\":\"app\"}", "", "oauth:other-issuer", false, false },
        { "another application's", "{\"iss\":\"https://id.test\",\"aud\":\"x\"}", "", "oauth:other-issuer", false, false },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s;
        struct told told;
        begin(&s);
        s.idp.id_claims = rows[i].claims;
        run_device(&s, 0, &told);
        if (rows[i].fact) {
            fails_with(&told, rows[i].fact);
            has_grant(&s, NULL);
        } else {
            succeeds(&told);
            check_row(rows[i].label, strcmp(told.address, rows[i].address) == 0);
            check_row(rows[i].label, told.same_person == rows[i].same && told.clock_wrong == rows[i].clock);
        }
        end(&s);
    }
}

/* The box for mail was left empty. */
static void test_less_than_was_asked_for(void **state)
{
    (void)state;
    struct scene s;
    struct told told;

    begin(&s);
    s.idp.scope = "openid email";
    run_device(&s, 0, &told);
    fails_with(&told, "oauth:scope-withheld");
    has_grant(&s, NULL);
    end(&s);
}

/* The browser's flow sends a nonce, and an id_token without it is another's. */
static void test_the_nonce(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    HELD(buf) back = BUF(4000);

    begin(&s);
    s.idp.id_claims = CLAIMS;
    start(&s, OAUTH_FLOW_BROWSER, 0, &told);
    await(&s, &told, &told.browser);
    idp_agree(&s.idp, told.url, &back);
    assert_int_equal(go_back(&s, buf_text(&back), NULL), 200);
    await(&s, &told, &told.done);
    fails_with(&told, "oauth:other-issuer");
    has_grant(&s, NULL);
    end(&s);
}

/* ---- a code on another device ---- */

static void test_a_device(void **state)
{
    (void)state;
    struct scene s;
    struct told told;

    begin(&s);
    s.idp.pending = 1;
    run_device(&s, 0, &told);
    assert_string_equal(told.user_code, "WDJB-MJHT");
    assert_true(told.expires_at == WALL + 600000 && told.has_complete);
    succeeds(&told);
    assert_int_equal(s.idp.devices, 2);
    has_grant(&s, "R2");
    end(&s);
}

static void test_a_device_that_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *error, *fact;
    } rows[] = {
        { "access_denied", "oauth:declined" },
        { "expired_token", "oauth:device-expired" },
        { "invalid_client", "oauth:invalid-client" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct scene s;
        struct told told;
        begin(&s);
        s.idp.declined = rows[i].error;
        run_device(&s, 0, &told);
        fails_with(&told, rows[i].fact);
        has_grant(&s, NULL);
        end(&s);
    }
}

/* "slow_down" adds five seconds for good, a server that is away doubles: seen in what the flow would wait. */
static void test_a_device_that_asks_less_often(void **state)
{
    (void)state;
    struct scene s;
    struct told told;

    begin(&s);
    s.idp.slow = true;
    struct oauth_signin *signin = start(&s, OAUTH_FLOW_DEVICE, 0, &told);
    await(&s, &told, &told.device);
    assert_true(signin->interval_ms == 1000);
    hurry(&s, signin, &told, 1000);
    while (s.idp.devices == 0 || signin->call)
        loop_turn(s.loop);
    assert_true(signin->interval_ms == 6000);
    oauth_signin_cancel(signin);

    s.idp.status = 503;
    signin = start(&s, OAUTH_FLOW_DEVICE, 0, &told);
    hurry(&s, signin, &told, 1000);
    unsigned before = s.idp.tokens;
    while (s.idp.tokens == before || signin->call)
        loop_turn(s.loop);
    assert_true(signin->interval_ms == 2000 && !told.done);
    oauth_signin_cancel(signin);
    end(&s);
}

/* ---- an application ---- */

static void kept(void *data, const struct err *err)
{
    (void)data;
    assert_null(err);
}

static void test_an_application(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    struct secret_fetch *fetch = NULL;
    OWN(secret) secret = secret_new(SPAN("s3cret"));
    OWN(grant) grant = NULL;

    begin_with(&s, ACCOUNT(MINE, "client_secret=file"));
    assert_true(secret_keep(&s.secrets, s.account, SECRET_OF_CLIENT, secret, UINT64_MAX, kept, NULL, &fetch, NULL));
    start(&s, OAUTH_FLOW_APPLICATION, 0, &told);
    await(&s, &told, &told.done);
    succeeds(&told);
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    assert_true(grant->application && !grant->refresh);

    OWN(account) bare = ACCOUNT(MINE);
    struct oauth_signin_plan plan = { .world = &s.where, .account = bare, .flow = OAUTH_FLOW_APPLICATION,
                                      .deadline = UINT64_MAX };
    struct oauth_signin *signin = NULL;
    told = (struct told){ 0 };
    assert_true(oauth_signin_start(&plan, &events, &told, &signin, NULL));
    await(&s, &told, &told.done);
    fails_with(&told, "config:bad");
    end(&s);
}

static void test_an_application_with_a_certificate(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    struct secret_fetch *fetch = NULL;
    HELD(buf) pem = BUF(10000);
    OWN(grant) grant = NULL;

    buf_add(&pem, ec_key);
    buf_add(&pem, ec_certificate);
    OWN(secret) secret = secret_new(buf_span(&pem));
    begin_with(&s, ACCOUNT(MINE, "certificate=file"));
    assert_true(secret_keep(&s.secrets, s.account, SECRET_CERTIFICATE, secret, UINT64_MAX, kept, NULL, &fetch, NULL));
    start(&s, OAUTH_FLOW_APPLICATION, 0, &told);
    await(&s, &told, &told.done);
    succeeds(&told);
    assert_non_null(strstr(buf_text(&s.idp.seen), "client_assertion="));
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    assert_true(grant->application && grant->proof_expires == UINT64_C(4949229777000));
    end(&s);
}

/* ---- several purposes ---- */

static void test_smtp_and_https(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    OWN(grant) grant = NULL;

    begin(&s);
    run_device(&s, 1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_HTTPS, &told);
    succeeds(&told);
    assert_int_equal(told.purposes, 1 << CREDENTIAL_SMTP | 1 << CREDENTIAL_HTTPS);
    assert_int_equal(s.idp.tokens, 2);
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    assert_true(grant->tokens[CREDENTIAL_SMTP].access && grant->tokens[CREDENTIAL_HTTPS].access);
    has_grant(&s, "R3");
    end(&s);
}

/* A second sign-in for what was missing leaves what was there. */
static void test_a_second_sign_in(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    OWN(grant) grant = NULL;

    begin(&s);
    run_device(&s, 1 << CREDENTIAL_SMTP, &told);
    succeeds(&told);
    assert_true(credential_user_won(&s.where, s.account, "main@mail.test", NULL));
    run_device(&s, 1 << CREDENTIAL_HTTPS, &told);
    succeeds(&told);
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    assert_true(grant->tokens[CREDENTIAL_SMTP].access && grant->tokens[CREDENTIAL_HTTPS].access);
    assert_string_equal(grant->user, "main@mail.test");
    end(&s);
}

/* ---- an issuer of one's own ---- */

static void test_an_issuer_that_publishes(void **state)
{
    (void)state;
    struct scene s;
    struct told told;
    OWN(grant) grant = NULL;

    begin_with(&s, ACCOUNT("address=me@corp.test", "server=smtp.corp.test:587", "client_id=app", "auth=oauth",
                           "issuer=https://id.test/"));
    run_device(&s, 0, &told);
    succeeds(&told);
    assert_int_equal(s.idp.metadata, 1);
    assert_true(grant_read(&s.secrets, s.account, &grant, NULL));
    assert_string_equal(grant->token_url, "https://id.test/token");
    assert_string_equal(grant->revoke_url, "https://id.test/revoke");
    /* From then on nobody asks where. */
    s.world.wall += 7200 * 1000;
    struct credential_fetch *fetch = NULL;
    assert_true(credential_fetch(&s.where, s.account, CREDENTIAL_SMTP, NULL, UINT64_MAX, (credential_fetched *)NULL, NULL,
                                 &fetch, NULL));
    credential_fetch_cancel(fetch);
    assert_int_equal(s.idp.metadata, 1);
    end(&s);
}

static void test_an_issuer_that_does_not(void **state)
{
    (void)state;
    struct scene s;
    struct told told;

    begin_with(&s, ACCOUNT("address=me@corp.test", "server=smtp.corp.test:587", "client_id=app", "auth=oauth",
                           "issuer=https://id.test/realm"));
    run_device(&s, 0, &told);
    fails_with(&told, "oauth:no-metadata");
    s.idp.detour.to_port = 1;
    run_device(&s, 0, &told);
    fails_with(&told, "https:unreachable");
    end(&s);
}

/* ---- and out again ---- */

struct out {
    bool done, told, failed;
};

static void signed_out(void *who, bool told, const struct err *err)
{
    *(struct out *)who = (struct out){ true, told, err != NULL };
}

static struct out sign_out(struct scene *s)
{
    struct out out = { 0 };
    struct oauth_signout *signout = NULL;

    assert_true(oauth_signout_start(&s->where, s->account, UINT64_MAX, signed_out, &out, &signout, NULL));
    assert_false(out.done);
    loop_run_until(s->loop, &out.done);
    assert_false(out.failed);
    return out;
}

static void test_out_again(void **state)
{
    (void)state;
    struct scene s;
    struct told told;

    begin(&s);
    assert_false(sign_out(&s).told); /* nobody was in */
    run_device(&s, 0, &told);
    assert_true(sign_out(&s).told);
    assert_true(s.idp.dead && s.idp.revocations == 1);
    has_grant(&s, NULL);

    /* The provider can't be reached: forgotten all the same. */
    run_device(&s, 0, &told);
    s.idp.detour.to_port = 1;
    assert_false(sign_out(&s).told);
    has_grant(&s, NULL);
    end(&s);
}

/* ---- pure ---- */

static const struct {
    const char *label, *redirect, *host, *path;
    uint16_t port;
} landings[] = {
    { "Microsoft's", "http://localhost:{port}/", "localhost", "/", 0 },
    { "Google's", "http://127.0.0.1:{port}/", "127.0.0.1", "/", 0 },
    { "IPv6", "http://[::1]:{port}/", "[::1]", "/", 0 },
    { "a port and a path of one's own", "http://localhost:8080/oauth/back", "localhost", "/oauth/back", 8080 },
    { "without a path", "http://localhost:8080", "localhost", "/", 8080 },
    { "https can't be listened for", "https://localhost:8080/", NULL, NULL, 0 },
    { "nor can another machine's", "http://app.example:8080/", NULL, NULL, 0 },
    { "nor one that begins like ours", "http://localhost.evil.example:8080/", NULL, NULL, 0 },
    { "nor with a user", "http://localhost:8080@evil.example/", NULL, NULL, 0 },
    { "port 80 is not ours to take", "http://localhost/", NULL, NULL, 0 },
    { "no port", "http://localhost:/", NULL, NULL, 0 },
    { "port 0", "http://localhost:0/", NULL, NULL, 0 },
    { "a query", "http://localhost:8080/?x", NULL, NULL, 0 },
    { "nothing", "", NULL, NULL, 0 },
};

static void test_landings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(landings); i++) {
        struct oauth_landing landing;
        bool ours = oauth_landing_of(span_of(landings[i].redirect), &landing);
        check_row(landings[i].label, ours == (landings[i].host != NULL));
        check_row(landings[i].label, !ours || (strcmp(landing.host, landings[i].host) == 0 &&
                                               strcmp(landing.path, landings[i].path) == 0 &&
                                               landing.port == landings[i].port));
    }
}

static void test_flows(void **state)
{
    (void)state;
    enum oauth_flow flow;
    OWN(account) mine = ACCOUNT(MINE);

    assert_true(oauth_flow_from_word(SPAN("client-credentials"), &flow) && flow == OAUTH_FLOW_APPLICATION);
    assert_false(oauth_flow_from_word(SPAN("password"), &flow));
    assert_string_equal(oauth_flow_word(OAUTH_FLOW_DEVICE), "device");
    assert_int_equal(oauth_flows(mine), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_browser),
        cmocka_unit_test(test_who_else_comes_to_the_port),
        cmocka_unit_test(test_both_loopbacks_and_no_other),
        cmocka_unit_test(test_the_person_says_no),
        cmocka_unit_test(test_two_at_once_are_refused),
        cmocka_unit_test(test_mixed_up),
        cmocka_unit_test(test_pasted),
        cmocka_unit_test(test_an_address_that_is_not_ours),
        cmocka_unit_test(test_a_port_that_is_taken),
        cmocka_unit_test(test_nobody_comes),
        cmocka_unit_test(test_the_browser_is_opened),
        cmocka_unit_test(test_who_signed_in),
        cmocka_unit_test(test_less_than_was_asked_for),
        cmocka_unit_test(test_the_nonce),
        cmocka_unit_test(test_a_device),
        cmocka_unit_test(test_a_device_that_is_refused),
        cmocka_unit_test(test_a_device_that_asks_less_often),
        cmocka_unit_test(test_an_application),
        cmocka_unit_test(test_an_application_with_a_certificate),
        cmocka_unit_test(test_smtp_and_https),
        cmocka_unit_test(test_a_second_sign_in),
        cmocka_unit_test(test_an_issuer_that_publishes),
        cmocka_unit_test(test_an_issuer_that_does_not),
        cmocka_unit_test(test_out_again),
        cmocka_unit_test(test_landings),
        cmocka_unit_test(test_flows),
    };
    return cmocka_run_group_tests(tests, make_profiles, free_known);
}
