#include "support/check.h"

#include "net/fetch.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "support/https_server.h"
#include "support/identity.h"
#include "support/name_server.h"

#define HOST "web.example.test"
#define URL  "https://" HOST

static const struct https_page pages[] = {
    { HOST "/ok", "200 OK", NULL, "hello", 0 },
    { HOST "/ok?q=1", "200 OK", NULL, "asked", 0 },
    { HOST "/form", "400 Bad Request", NULL, "{\"error\":\"x\"}", 0 },
    { HOST "/64k", "200 OK", NULL, "0123456789abcdef", 4096 },
    { HOST "/more", "200 OK", NULL, "0123456789abcdef", 4097 },
    { HOST "/endless", "200 OK", "Transfer-Encoding: chunked", "zz", 0 },
    { HOST "/silent", NULL, NULL, NULL, 0 },
    { HOST "/dated", "200 OK", "Date: Sun, 22 Nov 2026 23:15:00 GMT", "x", 0 },
    { HOST "/here", "302 Found", "Location: /ok", "", 0 },
    { HOST "/there", "307 Temporary Redirect", "Location: https://other.example.test/ok", "", 0 },
    { HOST "/downgrade", "301 Moved Permanently", "Location: http://" HOST "/ok", "", 0 },
    { HOST "/circle", "302 Found", "Location: /circle", "", 0 },
    { HOST "/nowhere", "304 Not Modified", NULL, "", 0 },
    { "other.example.test/ok", "200 OK", NULL, "elsewhere", 0 },
};

/* Our server is at home on 127.0.0.1, and so is what these names lead to. */
static const struct dns_entry zone[] = {
    { HOST, DNS_A, DNS_OK, { DNS_DATA("\177\0\0\1") } },
    { HOST, DNS_AAAA, DNS_OK, { { NULL, 0 } } },
    { "other.example.test", DNS_A, DNS_OK, { DNS_DATA("\177\0\0\1") } },
    { "other.example.test", DNS_AAAA, DNS_OK, { { NULL, 0 } } },
};

/* A world in which `web.example.test` is a server of ours. */
struct scene {
    struct identity identity;
    struct loop *loop;
    struct name_server names;
    struct https_server web;
    struct tls_context *context;
    struct resolver *resolver;
    struct dial_detour detour;
};

static void scene_begin(struct scene *scene, enum identity_kind kind, const char *certified)
{
    struct err err;

    identity_make(&scene->identity);
    scene->identity.protocol = "http/1.1";
    assert_true(loop_new(&scene->loop, &err));
    name_server_start(&scene->names, scene->loop, zone, COUNT(zone));
    scene->context = identity_server(&scene->identity, kind, certified, false);
    https_server_start(&scene->web, scene->loop, scene->context, pages, COUNT(pages));
    assert_true(resolver_new(scene->loop, &(struct resolver_plan){ scene->names.address, 1 },
                             &scene->resolver, &err));
    scene->detour = (struct dial_detour){ .port = 443, .to_port = scene->web.port };
}

static void scene_end(struct scene *scene)
{
    resolver_free(scene->resolver);
    https_server_stop(&scene->web);
    name_server_stop(&scene->names);
    tls_context_free(scene->context);
    loop_free(scene->loop);
    identity_done(&scene->identity);
}

struct told {
    bool done, follows;
    unsigned status;
    struct buf body;
    char url[256];
    struct err err;
};

static void was_told(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct told *told = who;

    assert_false(told->done);
    assert_true(!answer == !!err);
    told->done = true;
    if (err) {
        told->err = *err;
        return;
    }
    told->status = answer->status;
    told->body = *answer->body;
    *answer->body = (struct buf)BUF(0);
    assert_true(strlen(answer->url) < sizeof told->url);
    memcpy(told->url, answer->url, strlen(answer->url) + 1);
}

static bool may_follow(void *who, const char *host)
{
    return ((struct told *)who)->follows && !strcmp(host, "other.example.test");
}

static struct fetch_plan plan_for(struct scene *scene, const char *url)
{
    return (struct fetch_plan){
        .url = url,
        .resolver = scene->resolver,
        .detours = { &scene->detour, 1 },
        .ca_file = scene->identity.ca_file,
        .deadline = loop_now(scene->loop) + 10000,
        .may_follow = may_follow,
    };
}

static void test_gets(void **state)
{
    (void)state;
    static const struct {
        const char *label, *url;
        unsigned status; /* 0: fails */
        const char *body, *fact, *text;
        bool follows;
    } cases[] = {
        { "a page", URL "/ok", 200, "hello", NULL, "", false },
        { "a query; a fragment is not sent", URL "/ok?q=1#x", 200, "asked", NULL, "", false },
        { "any status is an answer", URL "/missing", 404, "nothing here", NULL, "", false },
        { "not every 3xx is a redirect", URL "/nowhere", 304, "", NULL, "", false },
        { "a redirect at home", URL "/here", 200, "hello", NULL, "", false },
        { "a redirect abroad, not agreed to", URL "/there", 0, NULL, "https:unreachable",
          "another host, other.example.test", false },
        { "a redirect to clear text", URL "/downgrade", 0, NULL, NULL, "not an https URL", true },
        { "a circle", URL "/circle", 0, NULL, "https:unreachable", "circles", false },
        { "a byte too many", URL "/more", 0, NULL, NULL, "larger than 64 KB", false },
        { "rubbish", URL "/endless", 0, NULL, "https:unreachable", "", false },
    };
    struct scene scene;

    scene_begin(&scene, IDENTITY_GOOD, HOST);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct told told = { .follows = cases[i].follows };
        struct err err = { 0 };
        struct fetch_plan plan = plan_for(&scene, cases[i].url);

        check_row(cases[i].label, fetch_start(scene.loop, &plan, was_told, &told, NULL, &err));
        check_row(cases[i].label, !told.done);
        loop_run_until(scene.loop, &told.done);
        if (told.status != cases[i].status)
            fail_msg("case \"%s\": status %u, %s", cases[i].label, told.status, told.err.text);
        check_row(cases[i].label, span_equal(span_of(told.err.fact), span_of(cases[i].fact)));
        check_row(cases[i].label, strstr(told.err.text, cases[i].text) != NULL);
        if (cases[i].status)
            check_bytes(cases[i].label, buf_span(&told.body), span_of(cases[i].body));
        buf_done(&told.body);
    }

    struct told told = { 0 };
    struct err err;
    struct fetch_plan plan = plan_for(&scene, URL "/64k");
    assert_true(fetch_start(scene.loop, &plan, was_told, &told, NULL, &err));
    loop_run_until(scene.loop, &told.done);
    assert_int_equal(told.body.len, 64 * 1024);
    buf_done(&told.body);
    scene_end(&scene);
}

static void test_posts(void **state)
{
    (void)state;
    static const char *const headers[] = { "Content-Type: application/x-www-form-urlencoded",
                                           "Authorization: Bearer t0ken", NULL };
    struct scene scene;
    struct told told = { 0 };
    struct err err;

    scene_begin(&scene, IDENTITY_GOOD, HOST);
    struct fetch_plan plan = plan_for(&scene, URL "/form");
    plan.post = true;
    plan.body = SPAN("grant_type=x&a=b");
    plan.headers = headers;
    assert_true(fetch_start(scene.loop, &plan, was_told, &told, NULL, &err));
    loop_run_until(scene.loop, &told.done);
    assert_int_equal(told.status, 400);
    check_bytes("body", buf_span(&told.body), SPAN("{\"error\":\"x\"}"));
    struct span seen = buf_span(&scene.web.seen);
    assert_true(span_starts(seen, "POST /form HTTP/1.1\r\n"));
    assert_true(span_find_text(seen, "Content-Type: application/x-www-form-urlencoded\r\n") < seen.len);
    assert_true(span_find_text(seen, "Authorization: Bearer t0ken\r\n") < seen.len);
    assert_true(span_ends_word(seen, "\r\n\r\ngrant_type=x&a=b"));
    buf_done(&told.body);

    /* What was posted may hold a secret: it goes nowhere else. */
    struct told moved = { .follows = true };
    plan.url = URL "/here";
    assert_true(fetch_start(scene.loop, &plan, was_told, &moved, NULL, &err));
    loop_run_until(scene.loop, &moved.done);
    assert_int_equal(moved.status, 302);
    buf_done(&moved.body);
    scene_end(&scene);
}

static void test_verifies(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        enum identity_kind kind;
        const char *certified, *fact;
    } cases[] = {
        { "another name", IDENTITY_GOOD, "other.example.test", "cert:hostname" },
        { "expired", IDENTITY_EXPIRED, HOST, "cert:expired" },
        { "not yet valid", IDENTITY_NOT_YET_VALID, HOST, "cert:not-yet-valid" },
        { "signed by itself", IDENTITY_SELF_SIGNED, HOST, "cert:self-signed" },
        { "signed by a stranger", IDENTITY_OTHER_ISSUER, HOST, "cert:untrusted-issuer" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct told told = { 0 };
        struct err err;

        scene_begin(&scene, cases[i].kind, cases[i].certified);
        struct fetch_plan plan = plan_for(&scene, URL "/ok");
        assert_true(fetch_start(scene.loop, &plan, was_told, &told, NULL, &err));
        loop_run_until(scene.loop, &told.done);
        check_row(cases[i].label, told.err.kind == ERR_CERTIFICATE);
        if (strcmp(told.err.fact, cases[i].fact) != 0)
            fail_msg("case \"%s\": %s, %s", cases[i].label, told.err.fact, told.err.text);
        check_row(cases[i].label, scene.web.seen.len == 0);
        scene_end(&scene);
    }
}

/* Whoever asks what time it is can't have the dates looked at; all else is. */
static void test_any_date(void **state)
{
    static const struct {
        const char *label;
        enum identity_kind kind;
        const char *certified, *fact; /* NULL: answered */
    } cases[] = {
        { "good", IDENTITY_GOOD, HOST, NULL },
        { "expired", IDENTITY_EXPIRED, HOST, NULL },
        { "not yet valid", IDENTITY_NOT_YET_VALID, HOST, NULL },
        { "another name", IDENTITY_EXPIRED, "other.example.test", "cert:hostname" },
        { "signed by itself", IDENTITY_SELF_SIGNED, HOST, "cert:self-signed" },
        { "signed by a stranger", IDENTITY_OTHER_ISSUER, HOST, "cert:untrusted-issuer" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct told told = { 0 }, strict = { 0 };
        struct err err;

        scene_begin(&scene, cases[i].kind, cases[i].certified);
        struct fetch_plan plan = plan_for(&scene, URL "/dated");
        plan.any_date = true;
        assert_true(fetch_start(scene.loop, &plan, was_told, &told, NULL, &err));
        loop_run_until(scene.loop, &told.done);
        check_row(cases[i].label, span_equal(span_of(told.err.fact), span_of(cases[i].fact)));
        check_row(cases[i].label, (told.status == 200) == !cases[i].fact);
        /* The line that was made so is nobody else's. */
        plan.any_date = false;
        assert_true(fetch_start(scene.loop, &plan, was_told, &strict, NULL, &err));
        loop_run_until(scene.loop, &strict.done);
        check_row(cases[i].label, (strict.status == 200) == (cases[i].kind == IDENTITY_GOOD));
        buf_done(&told.body);
        buf_done(&strict.body);
        scene_end(&scene);
    }
}

/* A URL that somebody else thought of leads to no private address, however it is written. */
static void test_public_only(void **state)
{
    (void)state;
    static const char *const urls[] = { URL "/ok", "https://127.0.0.1/ok", "https://[::1]/ok",
                                        "https://169.254.169.254/latest" };
    struct scene scene;

    scene_begin(&scene, IDENTITY_GOOD, HOST);
    for (size_t i = 0; i < COUNT(urls); i++) {
        struct told told = { 0 };
        struct err err = { 0 };
        struct fetch_plan plan = plan_for(&scene, urls[i]);

        plan.detours = (struct dial_detours){ 0 };
        plan.public_only = true;
        if (fetch_start(scene.loop, &plan, was_told, &told, NULL, &err)) {
            loop_run_until(scene.loop, &told.done);
            err = told.err;
        }
        check_row(urls[i], strstr(err.text, "on the public net") != NULL);
        check_row(urls[i], scene.web.seen.len == 0);
    }
    scene_end(&scene);
}

static void test_ends_early(void **state)
{
    (void)state;
    struct scene scene;
    struct told late = { 0 }, cancelled = { 0 };
    struct err err;
    struct fetch *fetch;

    scene_begin(&scene, IDENTITY_GOOD, HOST);
    struct fetch_plan plan = plan_for(&scene, URL "/silent");
    assert_true(fetch_start(scene.loop, &plan, was_told, &cancelled, &fetch, &err));
    while (!scene.web.seen.len)
        loop_turn(scene.loop);
    fetch_cancel(fetch);
    plan.deadline = loop_now(scene.loop) + 50;
    assert_true(fetch_start(scene.loop, &plan, was_told, &late, NULL, &err));
    loop_run_until(scene.loop, &late.done);
    assert_string_equal(late.err.fact, "https:unreachable");
    assert_false(cancelled.done);

    assert_false(fetch_start(scene.loop, &(struct fetch_plan){ .url = "http://x/" }, was_told, &late,
                             NULL, &err));
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gets),
        cmocka_unit_test(test_posts),
        cmocka_unit_test(test_verifies),
        cmocka_unit_test(test_any_date),
        cmocka_unit_test(test_public_only),
        cmocka_unit_test(test_ends_early),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
