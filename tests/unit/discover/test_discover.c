#include "support/check.h"

#include "discover/discover.h"
#include "know/embedded.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "support/alloc_fails.h"
#include "support/https_server.h"
#include "support/identity.h"
#include "support/name_server.h"

/* ---- a small Internet ---- */

#define XML(host, port, socket)                                                               \
    "<clientConfig version=\"1.1\"><emailProvider id=\"x\"><outgoingServer type=\"smtp\">"    \
    "<hostname>" host "</hostname><port>" port "</port><socketType>" socket "</socketType>"   \
    "<username>%EMAILADDRESS%</username><authentication>password-cleartext</authentication>"  \
    "</outgoingServer></emailProvider></clientConfig>"

static const struct https_page pages[] = {
    { "autoconfig.web.test/mail/config-v1.1.xml?emailaddress=jane.doe%2Bx%40web.test", "200 OK", NULL,
      XML("out.web.test", "465", "SSL"), 0 },
    { "moved.test/.well-known/autoconfig/mail/config-v1.1.xml", "302 Found",
      "Location: https://autoconfig.hoster.test/for-moved.xml", "", 0 },
    { "autoconfig.hoster.test/for-moved.xml", "200 OK", NULL, XML("smtp.hoster.test", "587", "STARTTLS"),
      0 },
    { "autoconfig.hoster.test/mail/config-v1.1.xml", "200 OK", NULL,
      XML("smtp.hoster.test", "465", "SSL"), 0 },
    { "autoconfig.thunderbird.net/v1.1/listed.test", "200 OK", NULL, XML("smtp.listed.test", "465", "SSL"),
      0 },
    { "autoconfig.clear.test/mail/config-v1.1.xml?emailaddress=jane.doe%2Bx%40clear.test", "200 OK", NULL,
      XML("smtp.clear.test", "25", "plain"), 0 },
    { "autoconfig.broken.test/mail/config-v1.1.xml?emailaddress=jane.doe%2Bx%40broken.test", "200 OK",
      NULL, "<!DOCTYPE x><clientConfig/>", 0 },
    { "autoconfig.slow.test/mail/config-v1.1.xml?emailaddress=jane.doe%2Bx%40slow.test", NULL, NULL, NULL,
      0 },
};

#define HERE { DNS_DATA("\177\0\0\1") }
#define NOTHING { { NULL, 0 } }

static const struct dns_entry zone[] = {
    { "_submissions._tcp.srv.test", DNS_SRV, DNS_OK, { DNS_DATA("\0\0\0\0\x01\xd1\004smtp\003srv\004test\0") } },
    { "_submission._tcp.srv.test", DNS_SRV, DNS_OK,
      { DNS_DATA("\0\x0a\0\0\x02\x4b\004smtp\003srv\004test\0"),
        DNS_DATA("\0\x14\0\0\x01\xd1\003old\003srv\004test\0") } },
    { "_submissions._tcp.never.test", DNS_SRV, DNS_OK, { DNS_DATA("\0\0\0\0\0\0\0") } },
    { "google.test", DNS_MX, DNS_OK, { DNS_DATA("\0\x01\005aspmx\001l\006google\003com\0") } },
    { "hosted.test", DNS_MX, DNS_OK, { DNS_DATA("\0\x01\003mx1\006hoster\004test\0") } },
    { "smtp.guess.test", DNS_A, DNS_OK, HERE },
    { "smtp.guess.test", DNS_AAAA, DNS_OK, NOTHING },
    { "_submissions._tcp.slow.test", DNS_SRV, DNS_OK, { DNS_DATA("\0\0\0\0\x01\xd1\004smtp\004slow\004test\0") } },
};

static const char *const web_names[] = {
    "autoconfig.web.test",    "moved.test",              "autoconfig.hoster.test",
    "autoconfig.clear.test",  "autoconfig.broken.test",  "autoconfig.slow.test", NULL,
};

struct scene {
    struct identity identity;
    struct knowledge *know;
    struct loop *loop;
    struct name_server names;
    struct https_server web;
    struct tls_context *context;
    struct resolver *resolver;
    struct dial_detour detour; /* every web server is ours */
};

static void scene_begin(struct scene *scene)
{
    struct err err;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    assert_true(know_new(texts, count, &scene->know, &err));
    identity_make(&scene->identity);
    scene->identity.protocol = "http/1.1";
    scene->identity.also = web_names;
    assert_true(loop_new(&scene->loop, &err));
    name_server_start(&scene->names, scene->loop, zone, COUNT(zone));
    scene->context = identity_server(&scene->identity, IDENTITY_GOOD, "autoconfig.thunderbird.net", false);
    https_server_start(&scene->web, scene->loop, scene->context, pages, COUNT(pages));
    assert_true(resolver_new(scene->loop, &(struct resolver_plan){ scene->names.address, 1 },
                             &scene->resolver, &err));
    scene->detour = (struct dial_detour){ .port = 443, .to_host = "127.0.0.1", .to_port = scene->web.port };
}

static void scene_end(struct scene *scene)
{
    resolver_free(scene->resolver);
    https_server_stop(&scene->web);
    name_server_stop(&scene->names);
    tls_context_free(scene->context);
    loop_free(scene->loop);
    identity_done(&scene->identity);
    knowledge_free(scene->know);
}

struct told {
    bool done;
    struct discovery *discovery;
};

static void was_told(void *who, struct discovery *discovery)
{
    struct told *told = who;

    assert_false(told->done);
    told->done = true;
    told->discovery = discovery;
}

static struct discover_plan plan_for(const struct scene *scene, const char *address)
{
    return (struct discover_plan){
        .address = address,
        .know = scene->know,
        .resolver = scene->resolver,
        .detours = { &scene->detour, 1 },
        .ca_file = scene->identity.ca_file,
        .deadline = loop_now(scene->loop) + 5000,
    };
}

static struct discovery *discover(struct scene *scene, const struct discover_plan *plan)
{
    struct told told = { 0 };
    struct err err = { 0 };

    assert_true(discover_start(scene->loop, plan, was_told, &told, NULL, &err));
    assert_false(told.done);
    loop_run_until(scene->loop, &told.done);
    return told.discovery;
}

static void write_found(struct buf *out, const struct discovery *discovery)
{
    for (size_t i = 0; i < discovery->candidates.count; i++) {
        const struct candidate *c = &discovery->candidates.at[i];
        buf_addf(out, "%s%s:%u/%s/%s%s%s", i ? " " : "", c->host, c->port, security_word(c->security),
                 candidate_source_word(c->source), c->refused ? "/refused" : "",
                 c->needs_confirmation ? "/confirm" : "");
    }
}

static const struct discover_look *look_at(const struct discovery *discovery, const char *asked)
{
    for (size_t i = 0; i < discovery->look_count; i++)
        if (!strcmp(discovery->looks[i].asked, asked))
            return &discovery->looks[i];
    return NULL;
}

/* ---- the tests ---- */

static void test_finds(void **state)
{
    (void)state;
    static const struct {
        const char *label, *address, *found;
        const char *provider; /* NULL: not known */
    } cases[] = {
        { "SRV: TLS first, and port 465 is TLS whatever the service", "jane.doe+x@srv.test",
          "smtp.srv.test:465/tls/srv smtp.srv.test:587/starttls/srv old.srv.test:465/tls/srv", NULL },
        { "the domain's web server, told the whole address", "jane.doe+x@web.test",
          "out.web.test:465/tls/autoconfig", NULL },
        { "the web server may send us elsewhere", "jane.doe+x@moved.test",
          "smtp.hoster.test:587/starttls/autoconfig", NULL },
        { "the database", "jane.doe+x@listed.test", "smtp.listed.test:465/tls/ispdb", NULL },
        { "a known provider takes the mail", "jane.doe+x@google.test",
          "smtp.gmail.com:465/tls/profile-mx smtp.gmail.com:587/starttls/profile-mx", "google-workspace" },
        { "who takes the mail has a web server", "jane.doe+x@hosted.test",
          "smtp.hoster.test:465/tls/mx-autoconfig/confirm", NULL },
        { "a name by custom", "jane.doe+x@guess.test",
          "smtp.guess.test:465/tls/guess smtp.guess.test:587/starttls/guess", NULL },
        { "clear text is shown and refused", "jane.doe+x@clear.test",
          "smtp.clear.test:25/none/autoconfig/refused", NULL },
        { "decidedly no submission", "jane.doe+x@never.test", "", NULL },
        { "no such domain", "jane.doe+x@gone.test", "", NULL },
        { "no domain at all", "jane.doe", "", NULL },
        { "a domain that can't be asked for", "jane@[192.0.2.1]", "", NULL },
    };
    struct scene scene;

    scene_begin(&scene);
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct discover_plan plan = plan_for(&scene, cases[i].address);
        OWN(discovery) discovery = discover(&scene, &plan);
        HELD(buf) found = BUF(4096);

        write_found(&found, discovery);
        check_bytes(cases[i].label, buf_span(&found), span_of(cases[i].found));
        check_row(cases[i].label, !discovery->profile == !cases[i].provider);
        if (cases[i].provider)
            check_bytes(cases[i].label, span_of(discovery->profile->id), span_of(cases[i].provider));
    }

    /* Nobody but the domain's own server was told whose address it is. */
    struct span seen = buf_span(&scene.web.seen);
    for (size_t at; (at = span_find_text(seen, "jane.doe")) < seen.len; seen = span_from(seen, at + 8)) {
        struct span rest = span_from(seen, at);
        struct span host = span_from(rest, span_find_text(rest, "Host: autoconfig.") + 17);
        struct span domain = span_from(rest, sizeof "jane.doe%2Bx%40" - 1);
        domain = span_cut(domain, 0, span_find(domain, ' '));
        assert_true(span_equal(span_cut(host, 0, domain.len), domain));
    }
    scene_end(&scene);
}

static void test_tells_why_not(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene);
    struct discover_plan plan = plan_for(&scene, "jane.doe+x@broken.test");
    OWN(discovery) discovery = discover(&scene, &plan);
    const struct discover_look *xml = look_at(
        discovery,
        "https://autoconfig.broken.test/mail/config-v1.1.xml?emailaddress=jane.doe%2Bx%40broken.test");
    const struct discover_look *srv = look_at(discovery, "SRV _submissions._tcp.broken.test");
    const struct discover_look *known =
        look_at(discovery, "https://broken.test/.well-known/autoconfig/mail/config-v1.1.xml");

    assert_non_null(strstr(xml->err.text, "document type"));
    assert_string_equal(srv->err.fact, "name:not-found");
    assert_string_equal(known->err.fact, "cert:hostname");
    scene_end(&scene);
}

static void test_why_nothing_was_found(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        struct {
            enum err_kind kind;
            const char *fact;
        } looks[3];
        size_t count;
        enum err_kind kind;
        const char *fact;
    } cases[] = {
        { "nobody was to be asked", { { ERR_NONE, NULL } }, 0, ERR_NAME, "settings:not-found" },
        { "nobody could be asked", { { ERR_NETWORK, "name:failure" }, { ERR_NETWORK, NULL } }, 2,
          ERR_NETWORK, "name:failure" },
        { "nothing is there", { { ERR_NAME, "name:not-found" }, { ERR_NAME, "name:not-found" },
                                { ERR_NETWORK, "https:unreachable" } }, 3, ERR_NAME, "name:not-found" },
        { "it is there and says nothing", { { ERR_NONE, NULL }, { ERR_NAME, "name:not-found" } }, 2,
          ERR_NAME, "settings:not-found" },
        { "its web server does not know", { { ERR_NAME, NULL }, { ERR_NAME, "name:not-found" } }, 2,
          ERR_NAME, "settings:not-found" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct discovery discovery = { .look_count = cases[i].count };
        struct err err = { 0 };

        for (size_t k = 0; k < cases[i].count; k++)
            discovery.looks[k].err = (struct err){ .kind = cases[i].looks[k].kind,
                                                   .fact = cases[i].looks[k].fact };
        check_row(cases[i].label, !discovery_empty(&discovery, "me@example.com", &err));
        check_row(cases[i].label, err.kind == cases[i].kind);
        check_row(cases[i].label, span_equal(span_of(err.fact), span_of(cases[i].fact)));
        check_row(cases[i].label, strstr(err.text, "me@example.com") != NULL);
    }
}

/* What is known is not asked for. */
static void test_known_domains(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene);
    for (int offline = 0; offline < 2; offline++) {
        struct discover_plan plan = plan_for(&scene, "me@live.com");
        plan.offline = offline;
        OWN(discovery) discovery = discover(&scene, &plan);
        const struct candidate *best = &discovery->candidates.at[0];

        assert_string_equal(discovery->profile->id, "outlook.com");
        assert_int_equal(discovery->look_count, 0);
        assert_string_equal(best->host, "smtp-mail.outlook.com");
        assert_int_equal(best->source, SOURCE_PROFILE);
        assert_string_equal(best->username, "me@live.com");
        assert_int_equal(best->auth_count, 1);
        assert_int_equal(best->auth[0], CANDIDATE_OAUTH);
    }
    struct discover_plan plan = plan_for(&scene, "jane.doe+x@web.test");
    plan.offline = true;
    OWN(discovery) discovery = discover(&scene, &plan);
    assert_int_equal(discovery->candidates.count + discovery->look_count, 0);
    assert_int_equal(scene.web.seen.len, 0);
    scene_end(&scene);
}

static void test_time_and_cancel(void **state)
{
    (void)state;
    struct scene scene;
    struct told cancelled = { 0 };
    struct discover *under_way;
    struct err err;

    scene_begin(&scene);
    struct discover_plan plan = plan_for(&scene, "jane.doe+x@slow.test");
    plan.deadline = loop_now(scene.loop) + 300;
    OWN(discovery) discovery = discover(&scene, &plan);
    assert_int_equal(discovery->candidates.count, 1);
    assert_string_equal(discovery->candidates.at[0].host, "smtp.slow.test");
    const struct discover_look *slow = look_at(
        discovery, "https://autoconfig.slow.test/mail/config-v1.1.xml?emailaddress=jane.doe%2Bx%40slow.test");
    assert_non_null(strstr(slow->err.text, "in time"));

    plan.deadline = UINT64_MAX;
    assert_true(discover_start(scene.loop, &plan, was_told, &cancelled, &under_way, &err));
    for (int i = 0; i < 20; i++)
        loop_turn(scene.loop);
    discover_cancel(under_way);
    scene_end(&scene);
    assert_false(cancelled.done);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    struct scene scene;

    scene_begin(&scene);
    for (unsigned n = 1;; n++) {
        struct told told = { 0 };
        struct err err = { 0 };
        struct discover_plan plan = plan_for(&scene, "me@live.com");

        alloc_fail_at(n);
        bool ok = discover_start(scene.loop, &plan, was_told, &told, NULL, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        if (ok)
            loop_run_until(scene.loop, &told.done);
        assert_true(ok ? told.discovery != NULL : err.kind == ERR_MEMORY);
        discovery_free(told.discovery);
        if (!failed)
            break;
    }
    scene_end(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_finds),
        cmocka_unit_test(test_tells_why_not),
        cmocka_unit_test(test_why_nothing_was_found),
        cmocka_unit_test(test_known_domains),
        cmocka_unit_test(test_time_and_cancel),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
