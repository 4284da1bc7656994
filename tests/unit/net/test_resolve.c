#include "support/check.h"

#include "base/str.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "support/alloc_fails.h"
#include "support/name_server.h"

static const struct dns_entry zone[] = {
    { "mail.example.test", DNS_A, DNS_OK, { DNS_DATA("\300\0\002\001"), DNS_DATA("\300\0\002\001") } },
    { "mail.example.test", DNS_AAAA, DNS_OK, { DNS_DATA("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01") } },
    { "_submissions._tcp.example.test", DNS_SRV, DNS_OK,
      { DNS_DATA("\0\x14\0\0\x01\xd1\006backup\007example\004test\0"),
        DNS_DATA("\0\x0a\0\0\x01\xd1\004MAIL\007example\004test\0"),
        DNS_DATA("\0\0\0\0\x01\xd1\004a b \007example\004test\0") } },
    { "none.test", DNS_SRV, DNS_OK, { DNS_DATA("\0\0\0\0\0\0\0") } },
    { "odd.test", DNS_SRV, DNS_OK, { DNS_DATA("\0\0\0\0\x01\xd1\004a b \004test\0") } },
    { "cut.test", DNS_SRV, DNS_CUT, { DNS_DATA("\0\0\0\0\x01\xd1\004mail\004test\0") } },
    { "example.test", DNS_MX, DNS_OK,
      { DNS_DATA("\0\x14\003mx2\007example\004test\0"), DNS_DATA("\0\x0a\003mx1\007example\004test\0") } },
    { "nomail.test", DNS_MX, DNS_OK, { DNS_DATA("\0\0\0") } },
    { "example.test", DNS_TXT, DNS_OK, { DNS_DATA("\004one \003two"), DNS_DATA("\003a\0b"), DNS_DATA("\0") } },
    { "broken.test", DNS_SRV, DNS_SERVFAIL, { { NULL, 0 } } },
    { "slow.test", DNS_SRV, DNS_SILENT, { { NULL, 0 } } },
    { "slow.test", DNS_A, DNS_SILENT, { { NULL, 0 } } },
};

/* ---- what was told ---- */

struct told {
    bool done;
    struct err err;
    struct buf text;
    struct resolver *free_this; /* from within `done` */
};

static void end(struct told *told, const struct err *err)
{
    assert_false(told->done);
    told->done = true;
    if (err)
        told->err = *err;
    resolver_free(told->free_this);
}

static void got_addresses(void *data, const struct resolve_addresses *answer, const struct err *err)
{
    struct told *told = data;

    assert_true(!answer == !!err);
    for (size_t i = 0; answer && i < answer->count; i++) {
        buf_add(&told->text, i ? " " : "");
        ip_write(&told->text, answer->at[i]);
    }
    end(told, err);
}

static void got_srvs(void *data, const struct resolve_srvs *answer, const struct err *err)
{
    struct told *told = data;

    assert_true(!answer == !!err);
    if (answer && answer->refused)
        buf_add(&told->text, "refused");
    for (size_t i = 0; answer && i < answer->count; i++)
        buf_addf(&told->text, "%s%s:%u", i ? " " : "", answer->at[i].target, answer->at[i].port);
    end(told, err);
}

static void got_mxs(void *data, const struct resolve_mxs *answer, const struct err *err)
{
    struct told *told = data;

    assert_true(!answer == !!err);
    if (answer && answer->refused)
        buf_add(&told->text, "refused");
    for (size_t i = 0; answer && i < answer->count; i++)
        buf_addf(&told->text, "%s%s", i ? " " : "", answer->at[i].target);
    end(told, err);
}

static void got_texts(void *data, const struct resolve_texts *answer, const struct err *err)
{
    struct told *told = data;

    assert_true(!answer == !!err);
    for (size_t i = 0; answer && i < answer->count; i++)
        buf_addf(&told->text, "%s\"%s\"", i ? " " : "", answer->at[i]);
    end(told, err);
}

static bool ask(struct resolver *resolver, int type, const char *name, uint64_t deadline,
                struct told *told, struct resolve **ret_resolve, struct err *err)
{
    switch (type) {
    case DNS_A:
        return resolve_addresses(resolver, span_of(name), deadline, got_addresses, told, ret_resolve,
                                 err);
    case DNS_SRV:
        return resolve_srv(resolver, span_of(name), deadline, got_srvs, told, ret_resolve, err);
    case DNS_MX:
        return resolve_mx(resolver, span_of(name), deadline, got_mxs, told, ret_resolve, err);
    default:
        return resolve_text(resolver, span_of(name), deadline, got_texts, told, ret_resolve, err);
    }
}

/* ---- the tests ---- */

static void test_asks_the_server(void **state)
{
    (void)state;
    static const struct {
        const char *label, *name;
        int type;
        const char *text, *fact;
    } cases[] = {
        { "both families", "mail.example.test", DNS_A, NULL, NULL },
        { "an address is its own answer", "192.0.2.9", DNS_A, "192.0.2.9", NULL },
        { "so is one of IPv6", "2001:db8::9", DNS_A, "2001:db8::9", NULL },
        { "SRV in order, odd targets dropped", "_submissions._tcp.example.test", DNS_SRV,
          "mail.example.test:465 backup.example.test:465", NULL },
        { "decidedly no service", "none.test", DNS_SRV, "refused", NULL },
        { "only an odd target", "odd.test", DNS_SRV, "", "name:not-found" },
        { "a record cut short", "cut.test", DNS_SRV, "", "name:failure" },
        { "MX in order", "example.test", DNS_MX, "mx1.example.test mx2.example.test", NULL },
        { "decidedly no mail", "nomail.test", DNS_MX, "refused", NULL },
        { "TXT, strings joined; one with a NUL dropped", "example.test", DNS_TXT, "\"one two\" \"\"", NULL },
        { "no such name", "gone.test", DNS_SRV, "", "name:not-found" },
        { "no such address", "gone.test", DNS_A, "", "name:not-found" },
        { "the server fails", "broken.test", DNS_SRV, "", "name:failure" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(loop) loop = NULL;
        struct name_server server;
        struct err err = { 0 };
        struct told told = { .text = BUF(1024) };

        assert_true(loop_new(&loop, &err));
        name_server_start(&server, loop, zone, COUNT(zone));
        OWN(resolver) resolver = NULL;
        assert_true(resolver_new(loop, &(struct resolver_plan){ server.address, 7 }, &resolver, &err));
        check_row(cases[i].label, ask(resolver, cases[i].type, cases[i].name, loop_now(loop) + 5000,
                                      &told, NULL, &err));
        check_row(cases[i].label, !told.done);
        loop_run_until(loop, &told.done);
        if (cases[i].text)
            check_bytes(cases[i].label, buf_span(&told.text), span_of(cases[i].text));
        else
            check_row(cases[i].label, span_find_text(buf_span(&told.text), "192.0.2.1") < 20 &&
                                          span_find_text(buf_span(&told.text), "2001:db8::1") < 20);
        check_row(cases[i].label, span_equal(span_of(told.err.fact), span_of(cases[i].fact)));
        buf_done(&told.text);
        name_server_stop(&server);
    }
}

/*= RFC 6761 6.3
 *# Name resolution APIs and libraries SHOULD recognize localhost names as special and SHOULD always
 *# return the IP loopback address for address queries   */
static void test_localhost_is_here(void **state)
{
    (void)state;
    static const struct {
        const char *label, *name;
        int type;
        const char *text;
        bool asked;
    } cases[] = {
        { "localhost", "localhost", DNS_A, "::1 127.0.0.1", false },
        { "in capitals, with the root's dot", "LocalHost.", DNS_A, "::1 127.0.0.1", false },
        { "below it", "mail.localhost", DNS_A, "::1 127.0.0.1", false },
        { "another name that ends alike", "notlocalhost", DNS_A, "", true },
        { "a name that begins so", "localhost.example.test", DNS_A, "", true },
        { "no address", "localhost", DNS_SRV, "", true },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(loop) loop = NULL;
        struct name_server server;
        struct err err = { 0 };
        struct told told = { .text = BUF(1024) };

        assert_true(loop_new(&loop, &err));
        name_server_start(&server, loop, zone, COUNT(zone));
        OWN(resolver) resolver = NULL;
        assert_true(resolver_new(loop, &(struct resolver_plan){ server.address, 7 }, &resolver, &err));
        check_row(cases[i].label, ask(resolver, cases[i].type, cases[i].name, loop_now(loop) + 5000,
                                      &told, NULL, &err));
        check_row(cases[i].label, !told.done);
        loop_run_until(loop, &told.done);
        check_bytes(cases[i].label, buf_span(&told.text), span_of(cases[i].text));
        check_row(cases[i].label, (server.asked > 0) == cases[i].asked);
        buf_done(&told.text);
        name_server_stop(&server);
    }
}

static void test_deadline_and_cancel(void **state)
{
    (void)state;
    static const int types[] = { DNS_SRV, DNS_A };

    for (size_t i = 0; i < COUNT(types); i++) {
        OWN(loop) loop = NULL;
        struct name_server server;
        struct err err = { 0 };
        struct told late = { .text = BUF(64) }, cancelled = { .text = BUF(64) };
        struct resolve *question = NULL;

        assert_true(loop_new(&loop, &err));
        name_server_start(&server, loop, zone, COUNT(zone));
        OWN(resolver) resolver = NULL;
        assert_true(resolver_new(loop, &(struct resolver_plan){ server.address, 7 }, &resolver, &err));
        assert_true(ask(resolver, types[i], "slow.test", loop_now(loop) + 20, &late, NULL, &err));
        assert_true(ask(resolver, types[i], "slow.test", loop_now(loop) + 1, &cancelled, &question, &err));
        resolve_cancel(question);
        late.free_this = GIVE(resolver);
        loop_run_until(loop, &late.done);
        assert_string_equal(late.err.fact, "name:failure");
        assert_false(cancelled.done);
        name_server_stop(&server);
    }
}

/* The system knows localhost without a server; what can't be a name is never asked for. */
static void test_asks_the_system(void **state)
{
    (void)state;
    OWN(loop) loop = NULL;
    struct err err = { 0 };
    struct told told = { .text = BUF(256) };

    assert_true(loop_new(&loop, &err));
    OWN(resolver) resolver = NULL;
    assert_true(resolver_new(loop, &(struct resolver_plan){ NULL, 7 }, &resolver, &err));
    assert_true(ask(resolver, DNS_A, "localhost", UINT64_MAX, &told, NULL, &err));
    loop_run_until(loop, &told.done);
    assert_true(span_find_text(buf_span(&told.text), "127.0.0.1") < told.text.len);

    struct told forgotten = { .text = BUF(64) };
    struct resolve *question;
    assert_true(ask(resolver, DNS_A, "localhost", UINT64_MAX, &forgotten, &question, &err));
    resolve_cancel(question);
    assert_false(ask(resolver, DNS_A, "https://mail.example", UINT64_MAX, &told, NULL, &err));
    assert_string_equal(err.fact, "name:malformed");
    assert_false(ask(resolver, DNS_SRV, "a b", UINT64_MAX, &told, NULL, &err));
    assert_string_equal(err.fact, "name:malformed");
    buf_done(&told.text);
    assert_false(forgotten.done);
}

static void test_server_is_checked(void **state)
{
    (void)state;
    static const struct {
        const char *server;
        bool good;
    } cases[] = {
        { "192.0.2.53", true },       { "192.0.2.53:5353", true },  { "[2001:db8::53]:53", true },
        { "2001:db8::53", true },     { "[2001:db8::53]", true },   { "dns.example:53", false },
        { "192.0.2.53:0", false },    { "192.0.2.53:65536", false }, { "192.0.2.53:", false },
        { ":53", false },             { "", false },                { "192.0.2.53,192.0.2.54", false },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(loop) loop = NULL;
        struct err err = { 0 };
        assert_true(loop_new(&loop, &err));
        OWN(resolver) resolver = NULL;
        check_row(cases[i].server,
                  resolver_new(loop, &(struct resolver_plan){ cases[i].server, 7 }, &resolver, &err) ==
                      cases[i].good);
    }
}

static void test_srv_order(void **state)
{
    (void)state;
    unsigned heavy_first = 0, zero_first = 0;

    for (uint64_t seed = 0; seed < 1000; seed++) {
        struct resolve_srvs srvs = { .count = 4, .at = {
            { .priority = 20, .weight = 9, .port = 4 },
            { .priority = 10, .weight = 30, .port = 1 },
            { .priority = 10, .weight = 10, .port = 2 },
            { .priority = 10, .weight = 0, .port = 3 },
        } };
        resolve_srv_order(&srvs, seed);
        assert_int_equal(srvs.at[3].port, 4);
        assert_int_equal(srvs.at[0].port + srvs.at[1].port + srvs.at[2].port, 6);
        heavy_first += srvs.at[0].port == 1;
        zero_first += srvs.at[0].port == 3;
    }
    assert_in_range(heavy_first, 680, 780); /* 30 of 41 draws */
    assert_in_range(zero_first, 10, 45);    /* 1 of 41 */

    struct resolve_srvs none = { 0 };
    resolve_srv_order(&none, 1);
}

static void test_memory_runs_out(void **state)
{
    (void)state;
    size_t before = alloc_alive();

    for (unsigned n = 1;; n++) {
        struct err err = { 0 };
        struct name_server server;
        struct told told = { .text = BUF(256) };
        bool failed;
        {
            OWN(loop) loop = NULL;
            assert_true(loop_new(&loop, &err));
            name_server_start(&server, loop, zone, COUNT(zone));
            alloc_fail_at(n);
            struct resolver *resolver = NULL;
            bool ok = resolver_new(loop, &(struct resolver_plan){ server.address, 7 }, &resolver, &err) &&
                      ask(resolver, DNS_SRV, "none.test", loop_now(loop) + 100, &told, NULL, &err);
            if (ok)
                loop_run_until(loop, &told.done);
            failed = alloc_failed();
            alloc_fail_at(0);
            resolver_free(resolver);
            assert_true(ok || err.kind == ERR_MEMORY);
            name_server_stop(&server);
        }
        buf_done(&told.text);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            return;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_asks_the_server),
        cmocka_unit_test(test_localhost_is_here),
        cmocka_unit_test(test_deadline_and_cancel),
        cmocka_unit_test(test_memory_runs_out),
        cmocka_unit_test(test_server_is_checked),
        cmocka_unit_test(test_srv_order),
        cmocka_unit_test(test_asks_the_system), /* the last: a lookup given up ends when it likes */
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
