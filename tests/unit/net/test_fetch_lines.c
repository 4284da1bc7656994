/* HTTPS lines that are kept: what they save, whom they are never mixed up for, and what a dead one does. */
#include "support/check.h"

#include <stdio.h>

#include "net/fetch.h"
#include "net/resolve.h"
#include "net/serve.h"
#include "os/file.h"
#include "support/identity.h"
#include "support/name_server.h"
#include "support/go_between.h"

#define HOST  "web.example.test"
#define OTHER "other.example.test"

enum { LARGE = 20 * 1000 * 1000 };

static const struct dns_entry zone[] = {
    { HOST, DNS_A, DNS_OK, { DNS_DATA("\177\0\0\1") } },
    { HOST, DNS_AAAA, DNS_OK, { { NULL, 0 } } },
    { OTHER, DNS_A, DNS_OK, { DNS_DATA("\177\0\0\1") } },
    { OTHER, DNS_AAAA, DNS_OK, { { NULL, 0 } } },
};

struct scene {
    struct identity identity;
    struct loop *loop;
    struct name_server names;
    struct tls_context *context;
    struct serve *serve;
    struct go_between relay;
    struct resolver *resolver;
    struct dial_detour detour; /* any host at port 443 is the relay's */
    unsigned asked;
    bool cuts; /* the next answer is lost, and the line with it */
    struct buf posted;
};

static uint64_t on_began(void *who, struct serve_request *request)
{
    (void)who, (void)request;
    return LARGE;
}

static void on_asked(void *who, struct serve_request *request)
{
    static const char *const headers[] = { "Retry-After: 2.128", "X-Twice: a", "X-Twice: b", NULL };
    struct scene *scene = who;

    scene->asked++;
    if (span_is(request->path, "/silent"))
        return;
    if (scene->cuts) {
        scene->cuts = false;
        scene->relay.cut_answer = true;
    }
    buf_clear(&scene->posted);
    buf_add_span(&scene->posted, request->body);
    serve_answer(request, &(struct serve_answer){ span_is(request->path, "/busy") ? 429 : 200,
                                                  "application/json", headers, SPAN("{}") });
}

static void scene_begin(struct scene *scene)
{
    static const char *const also[] = { OTHER, NULL };
    static const struct serve_events events = { .began = on_began, .asked = on_asked };
    struct err err = { 0 };

    *scene = (struct scene){ .posted = BUF(LARGE) };
    identity_make(&scene->identity);
    scene->identity.protocol = "http/1.1";
    scene->identity.also = also;
    assert_true(loop_new(&scene->loop, &err));
    name_server_start(&scene->names, scene->loop, zone, COUNT(zone));
    scene->context = identity_server(&scene->identity, IDENTITY_GOOD, HOST, false);
    const struct serve_plan plan = { .where = { .address = "127.0.0.1" }, .tls = scene->context };
    if (!serve_open(scene->loop, &plan, &events, scene, &scene->serve, &err))
        fail_msg("%s", err.text);
    go_between_start(&scene->relay, scene->loop, serve_port(scene->serve));
    assert_true(resolver_new(scene->loop, &(struct resolver_plan){ scene->names.address, 1 },
                             &scene->resolver, &err));
    scene->detour = (struct dial_detour){ .port = 443, .to_port = scene->relay.port };
}

static void scene_end(struct scene *scene)
{
    go_between_stop(&scene->relay);
    serve_free(scene->serve);
    resolver_free(scene->resolver);
    name_server_stop(&scene->names);
    tls_context_free(scene->context);
    loop_free(scene->loop);
    identity_done(&scene->identity);
    buf_done(&scene->posted);
}

struct told {
    bool done;
    unsigned status;
    struct err err;
    char retry_after[16], twice[16], none[16];
};

static void copy(char into[16], struct span from)
{
    assert_true(from.len < 16);
    memcpy(into, from.at ? from.at : "none", from.at ? from.len : 4);
}

static void was_told(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct told *told = who;

    told->done = true;
    if (err) {
        told->err = *err;
        return;
    }
    told->status = answer->status;
    copy(told->retry_after, fetch_header(answer->headers, "retry-after"));
    copy(told->twice, fetch_header(answer->headers, "X-Twice"));
    copy(told->none, fetch_header(answer->headers, "X-None"));
}

static struct fetch_plan plan_for(struct scene *scene, const char *url)
{
    return (struct fetch_plan){
        .url = url,
        .resolver = scene->resolver,
        .detours = { &scene->detour, 1 },
        .ca_file = scene->identity.ca_file,
        .deadline = loop_now(scene->loop) + 60000,
    };
}

static struct told fetch(struct scene *scene, const struct fetch_plan *plan)
{
    struct told told = { 0 };
    struct err err;

    if (!fetch_start(scene->loop, plan, was_told, &told, NULL, &err))
        fail_msg("%s", err.text);
    loop_run_until(scene->loop, &told.done);
    return told;
}

static void check_good(struct scene *scene, const struct fetch_plan *plan)
{
    struct told told = fetch(scene, plan);

    if (told.status != 200)
        fail_msg("status %u, %s", told.status, told.err.text);
}

/* TLS costs a turn, each request one; the second asks nobody for an address. */
static void test_second_request_is_one_round_trip(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene);
    const struct fetch_plan plan = plan_for(&scene, "https://" HOST "/one");
    check_good(&scene, &plan);
    unsigned first = scene.relay.turns, lookups = scene.names.asked;
    assert_int_equal(first, 2);
    assert_true(lookups > 0);
    const struct fetch_plan next = plan_for(&scene, "https://" HOST "/two");
    check_good(&scene, &next);
    assert_int_equal(scene.relay.turns - first, 1);
    assert_int_equal(scene.relay.calls, 1);
    assert_int_equal(scene.names.asked, lookups);

    /* A POST likewise, in one flight. */
    struct fetch_plan post = plan_for(&scene, "https://" HOST "/post");
    post.post = true;
    post.body = SPAN("a=b");
    check_good(&scene, &post);
    post.once = true;
    check_good(&scene, &post);
    assert_int_equal(scene.relay.turns - first, 3);
    assert_int_equal(scene.relay.calls, 1);
    check_bytes("posted", buf_span(&scene.posted), SPAN("a=b"));

    /* What is kept keeps no loop going. */
    serve_free(GIVE(scene.serve));
    go_between_stop(&scene.relay);
    scene.relay.listener = NULL;
    resolver_free(GIVE(scene.resolver));
    name_server_stop(&scene.names);
    loop_run(scene.loop);
    tls_context_free(scene.context);
    loop_free(scene.loop);
    identity_done(&scene.identity);
    buf_done(&scene.posted);
}

static void copy_file(const char *from, const char *to)
{
    FILE *in = fopen(from, "r"), *out = fopen(to, "w");
    char bytes[4096];
    size_t len;

    assert_true(in && out);
    while ((len = fread(bytes, 1, sizeof bytes, in)))
        assert_int_equal(fwrite(bytes, 1, len, out), len);
    fclose(in);
    fclose(out);
}

/* Another host, port, CA file, proxy or detour is another line. */
static void test_lines_are_not_mixed_up(void **state)
{
    (void)state;
    struct scene scene;
    char ca_copy[80];

    scene_begin(&scene);
    snprintf(ca_copy, sizeof ca_copy, "%s.copy", scene.identity.ca_file);
    copy_file(scene.identity.ca_file, ca_copy);
    const struct fetch_plan plan = plan_for(&scene, "https://" HOST "/");
    check_good(&scene, &plan);
    assert_int_equal(scene.relay.calls, 1);

    struct fetch_plan other = plan;
    other.url = "https://" OTHER "/";
    check_good(&scene, &other);
    assert_int_equal(scene.relay.calls, 2);

    other = plan;
    other.ca_file = ca_copy;
    check_good(&scene, &other);
    assert_int_equal(scene.relay.calls, 3);

    struct dial_detour same = { .host = HOST, .port = 443, .to_host = "127.0.0.1",
                                .to_port = scene.relay.port };
    other = plan;
    other.detours = (struct dial_detours){ &same, 1 };
    check_good(&scene, &other);
    assert_int_equal(scene.relay.calls, 4);

    struct dial_detour at_8443 = { .port = 8443, .to_port = scene.relay.port };
    other = plan;
    other.url = "https://" HOST ":8443/";
    other.detours = (struct dial_detours){ &at_8443, 1 };
    check_good(&scene, &other);
    assert_int_equal(scene.relay.calls, 5);

    /* A CA that does not know them is asked each time, whatever line there is. */
    other = plan;
    other.ca_file = "/dev/null";
    assert_int_equal(fetch(&scene, &other).status, 0);

    /* And the first is still there. */
    unsigned calls = scene.relay.calls;
    check_good(&scene, &plan);
    assert_int_equal(scene.relay.calls, calls);
    remove(ca_copy);
    scene_end(&scene);
}

/* No more places are kept than eight: the one that was not used for longest goes. */
static void test_few_are_kept(void **state)
{
    (void)state;
    struct scene scene;
    struct dial_detour detours[10];
    char urls[COUNT(detours)][64];

    scene_begin(&scene);
    for (size_t i = 0; i < COUNT(detours); i++) {
        detours[i] = (struct dial_detour){ .port = (uint16_t)(1000 + i), .to_port = scene.relay.port };
        snprintf(urls[i], sizeof urls[i], "https://" HOST ":%u/", (unsigned)detours[i].port);
    }
    for (size_t i = 0; i < COUNT(detours); i++) {
        struct fetch_plan plan = plan_for(&scene, urls[i]);
        plan.detours = (struct dial_detours){ detours, COUNT(detours) };
        check_good(&scene, &plan);
    }
    assert_int_equal(scene.relay.calls, COUNT(detours));
    for (size_t i = COUNT(detours); i-- > 0;) {
        struct fetch_plan plan = plan_for(&scene, urls[i]);
        plan.detours = (struct dial_detours){ detours, COUNT(detours) };
        check_good(&scene, &plan);
        assert_int_equal(scene.relay.calls, i >= 2 ? 10 : 12 - i);
    }
    scene_end(&scene);
}

static void test_headers(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene);
    const struct fetch_plan plan = plan_for(&scene, "https://" HOST "/busy");
    struct told told = fetch(&scene, &plan);
    assert_int_equal(told.status, 429);
    assert_string_equal(told.retry_after, "2.128");
    assert_string_equal(told.twice, "b");
    assert_string_equal(told.none, "none");
    scene_end(&scene);
}

/* The server hung up in the meantime: nobody notices. */
static void test_a_dead_line_is_replaced(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene);
    const struct fetch_plan plan = plan_for(&scene, "https://" HOST "/");
    check_good(&scene, &plan);
    go_between_cut(&scene.relay);
    for (int i = 0; i < 3; i++)
        loop_turn(scene.loop);
    check_good(&scene, &plan);
    assert_int_equal(scene.relay.calls, 2);
    assert_int_equal(scene.asked, 2);
    scene_end(&scene);
}

/* Cut when the whole request has left and no answer came: asked again, unless that could do it twice. */
static void test_once(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        bool kept, post, once;
        unsigned asked, status; /* by the server; 0: failed */
        enum err_kind kind;
    } cases[] = {
        { "a new line, a GET", false, false, false, 1, 0, ERR_NETWORK },
        { "a new line, a POST", false, true, false, 1, 0, ERR_NETWORK },
        { "a new line, once", false, true, true, 1, 0, ERR_UNKNOWN },
        { "an old line, a GET", true, false, false, 3, 200, ERR_NONE },
        { "an old line, a POST", true, true, false, 3, 200, ERR_NONE },
        { "an old line, once", true, true, true, 2, 0, ERR_UNKNOWN },
        { "an old line, a GET, once", true, false, true, 2, 0, ERR_UNKNOWN },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;

        scene_begin(&scene);
        struct fetch_plan plan = plan_for(&scene, "https://" HOST "/");
        if (cases[i].kept)
            check_good(&scene, &plan);
        scene.cuts = true;
        plan.post = cases[i].post;
        plan.once = cases[i].once;
        plan.body = cases[i].post ? SPAN("a=b") : SPAN_NONE;
        struct told told = fetch(&scene, &plan);
        if (told.status != cases[i].status || told.err.kind != cases[i].kind)
            fail_msg("case \"%s\": status %u, kind %d, %s", cases[i].label, told.status,
                     (int)told.err.kind, told.err.text);
        if (scene.asked != cases[i].asked)
            fail_msg("case \"%s\": asked %u times", cases[i].label, scene.asked);
        scene_end(&scene);
    }
}

/* Cut before all of it has left: it was not obeyed, and may be sent once more by whoever wants to. */
static void test_once_cut_in_the_middle(void **state)
{
    (void)state;
    static char large[LARGE];
    struct scene scene;

    scene_begin(&scene);
    struct fetch_plan plan = plan_for(&scene, "https://" HOST "/");
    plan.post = plan.once = true;
    plan.body = (struct span){ large, LARGE };
    scene.relay.cut_at = 100 * 1000;
    struct told told = fetch(&scene, &plan);
    assert_int_equal(told.err.kind, ERR_NETWORK);
    assert_int_equal(scene.asked, 0);

    scene.relay.cut_at = 0;
    check_good(&scene, &plan);
    assert_int_equal(scene.posted.len, LARGE);
    scene_end(&scene);
}

/* The request is there, and nothing comes: by the deadline, or when it was quiet for too long. */
static void test_no_answer(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        bool once;
        uint64_t deadline, quiet;
        enum err_kind kind;
    } cases[] = {
        { "the deadline, once", true, 300, 0, ERR_UNKNOWN },
        { "the deadline, and it may be asked again", false, 300, 0, ERR_NETWORK },
        { "quiet, once", true, 60 * 1000, 1000, ERR_UNKNOWN },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;

        scene_begin(&scene);
        struct fetch_plan plan = plan_for(&scene, "https://" HOST "/silent");
        plan.post = true;
        plan.once = cases[i].once;
        plan.body = SPAN("a=b");
        plan.deadline = loop_now(scene.loop) + cases[i].deadline;
        plan.quiet_ms = cases[i].quiet;
        struct told told = fetch(&scene, &plan);
        check_row(cases[i].label, scene.asked == 1 && told.err.kind == cases[i].kind);
        check_row(cases[i].label, strcmp(told.err.fact, "https:unreachable") == 0);
        scene_end(&scene);
    }
}

/* Bytes that count up, up to where they can't be read. */
static bool read_counting(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err)
{
    const uint64_t *bad = of;

    if (at >= *bad)
        return err_found(err, ERR_IO, "disk:full", "it can't be read");
    *ret_len = room < 1000 ? room : 1000;
    for (size_t i = 0; i < *ret_len; i++)
        into[i] = (char)((at + i) % 251);
    return true;
}

static void test_upload(void **state)
{
    (void)state;
    uint64_t bad = UINT64_MAX;
    const struct fetch_upload upload = { LARGE, read_counting, &bad };
    struct scene scene;

    scene_begin(&scene);
    struct fetch_plan plan = plan_for(&scene, "https://" HOST "/");
    plan.post = plan.once = true;
    plan.upload = &upload;
    check_good(&scene, &plan);
    assert_int_equal(scene.posted.len, LARGE);
    for (size_t i = 0; i < LARGE; i++)
        if (scene.posted.at[i] != (char)(i % 251))
            fail_msg("byte %zu is another", i);

    bad = LARGE / 2;
    struct told told = fetch(&scene, &plan);
    assert_int_equal(told.err.kind, ERR_IO);
    assert_string_equal(told.err.fact, "disk:full");
    assert_int_equal(scene.asked, 1);
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_second_request_is_one_round_trip),
        cmocka_unit_test(test_lines_are_not_mixed_up),
        cmocka_unit_test(test_few_are_kept),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_a_dead_line_is_replaced),
        cmocka_unit_test(test_once),
        cmocka_unit_test(test_once_cut_in_the_middle),
        cmocka_unit_test(test_no_answer),
        cmocka_unit_test(test_upload),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
