#include "support/check.h"

#include <netinet/in.h>
#include <uv.h>

#include "base/str.h"
#include "net/loop.h"
#include "net/loop_int.h"
#include "net/resolve.h"
#include "support/alloc_fails.h"

/* ---- a name server: one UDP socket on the same loop, answers from a table ---- */

enum { A = 1, MX = 15, TXT = 16, AAAA = 28, SRV = 33 };
enum { OK = 0, SERVFAIL = 2, NXDOMAIN = 3, SILENT = -1, CUT = -2 };

#define RECORD(bytes) { "" bytes, sizeof(bytes) - 1 }

static const struct zone {
    const char *name;
    int type;
    int says;
    struct span records[3]; /* the data of each, as on the wire */
} zone[] = {
    { "mail.example.test", A, OK, { RECORD("\300\0\002\001"), RECORD("\300\0\002\001") } },
    { "mail.example.test", AAAA, OK, { RECORD("\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01") } },
    { "_submissions._tcp.example.test", SRV, OK,
      { RECORD("\0\x14\0\0\x01\xd1\006backup\007example\004test\0"),
        RECORD("\0\x0a\0\0\x01\xd1\004MAIL\007example\004test\0"),
        RECORD("\0\0\0\0\x01\xd1\004a b \007example\004test\0") } },
    { "none.test", SRV, OK, { RECORD("\0\0\0\0\0\0\0") } },
    { "odd.test", SRV, OK, { RECORD("\0\0\0\0\x01\xd1\004a b \004test\0") } },
    { "cut.test", SRV, CUT, { RECORD("\0\0\0\0\x01\xd1\004mail\004test\0") } },
    { "example.test", MX, OK,
      { RECORD("\0\x14\003mx2\007example\004test\0"), RECORD("\0\x0a\003mx1\007example\004test\0") } },
    { "nomail.test", MX, OK, { RECORD("\0\0\0") } },
    { "example.test", TXT, OK, { RECORD("\004one \003two"), RECORD("\003a\0b"), RECORD("\0") } },
    { "broken.test", SRV, SERVFAIL, { { NULL, 0 } } },
    { "slow.test", SRV, SILENT, { { NULL, 0 } } },
    { "slow.test", A, SILENT, { { NULL, 0 } } },
};

struct server {
    uv_udp_t udp;
    char bytes[2048];
    struct buf out;
    char address[32];
};

static void add16(struct buf *out, unsigned number)
{
    buf_add_char(out, (char)(number >> 8));
    buf_add_char(out, (char)number);
}

static void answer(struct buf *out, struct span query)
{
    HELD(buf) name = BUF(300);
    size_t at = 12;
    const struct zone *found = NULL;

    while (at < query.len && query.at[at]) {
        size_t label = (unsigned char)query.at[at];
        buf_add(&name, name.len ? "." : "");
        buf_add_span(&name, span_cut(query, at + 1, at + 1 + label));
        at += 1 + label;
    }
    int type = query.at[at + 2];
    for (size_t i = 0; i < COUNT(zone); i++)
        if (zone[i].type == type && span_is(buf_span(&name), zone[i].name))
            found = &zone[i];
    if (found && found->says == SILENT)
        return;

    unsigned count = 0;
    while (found && count < COUNT(found->records) && found->records[count].len)
        count++;
    buf_add_span(out, span_cut(query, 0, 2));
    add16(out, 0x8180u | (found ? (found->says > 0 ? (unsigned)found->says : OK) : NXDOMAIN));
    add16(out, 1);
    add16(out, count);
    add16(out, 0);
    add16(out, 0);
    buf_add_span(out, span_cut(query, 12, at + 5));
    for (unsigned i = 0; i < count; i++) {
        add16(out, 0xc00c);
        add16(out, (unsigned)type);
        add16(out, 1);
        add16(out, 0);
        add16(out, 60);
        add16(out, (unsigned)found->records[i].len);
        buf_add_span(out, found->records[i]);
    }
    if (found && found->says == CUT)
        buf_cut(out, out->len - 3);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct server *server = handle->data;
    (void)wanted;
    *buf = uv_buf_init(server->bytes, sizeof server->bytes);
}

static void on_query(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf, const struct sockaddr *from,
                     unsigned flags)
{
    struct server *server = udp->data;
    (void)flags;

    if (len <= 0 || !from)
        return;
    buf_clear(&server->out);
    answer(&server->out, (struct span){ buf->base, (size_t)len });
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)buf_text(&server->out), (unsigned)server->out.len);
    if (server->out.len)
        assert_true(uv_udp_try_send(udp, &out, 1, from) > 0);
}

static void serve(struct server *server, struct loop *loop)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int len = sizeof here;

    *server = (struct server){ .out = BUF(2048) };
    assert_int_equal(uv_udp_init(loop_uv(loop), &server->udp), 0);
    server->udp.data = server;
    assert_int_equal(uv_udp_bind(&server->udp, (struct sockaddr *)&here, 0), 0);
    assert_int_equal(uv_udp_getsockname(&server->udp, (struct sockaddr *)&here, &len), 0);
    assert_int_equal(uv_udp_recv_start(&server->udp, on_room, on_query), 0);
    HELD(buf) text = BUF(sizeof server->address - 1);
    buf_addf(&text, "127.0.0.1:%u", ntohs(here.sin_port));
    memcpy(server->address, buf_text(&text), text.len + 1);
}

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
    case A:
        return resolve_addresses(resolver, span_of(name), deadline, got_addresses, told, ret_resolve,
                                 err);
    case SRV:
        return resolve_srv(resolver, span_of(name), deadline, got_srvs, told, ret_resolve, err);
    case MX:
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
        { "both families", "mail.example.test", A, NULL, NULL },
        { "an address is its own answer", "192.0.2.9", A, "192.0.2.9", NULL },
        { "so is one of IPv6", "2001:db8::9", A, "2001:db8::9", NULL },
        { "SRV in order, odd targets dropped", "_submissions._tcp.example.test", SRV,
          "mail.example.test:465 backup.example.test:465", NULL },
        { "decidedly no service", "none.test", SRV, "refused", NULL },
        { "only an odd target", "odd.test", SRV, "", "name:not-found" },
        { "a record cut short", "cut.test", SRV, "", "name:failure" },
        { "MX in order", "example.test", MX, "mx1.example.test mx2.example.test", NULL },
        { "decidedly no mail", "nomail.test", MX, "refused", NULL },
        { "TXT, strings joined; one with a NUL dropped", "example.test", TXT, "\"one two\" \"\"", NULL },
        { "no such name", "gone.test", SRV, "", "name:not-found" },
        { "no such address", "gone.test", A, "", "name:not-found" },
        { "the server fails", "broken.test", SRV, "", "name:failure" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(loop) loop = NULL;
        struct server server;
        struct err err = { 0 };
        struct told told = { .text = BUF(1024) };

        assert_true(loop_new(&loop, &err));
        serve(&server, loop);
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
        uv_close((uv_handle_t *)&server.udp, NULL);
        buf_done(&server.out);
    }
}

static void test_deadline_and_cancel(void **state)
{
    (void)state;
    static const int types[] = { SRV, A };

    for (size_t i = 0; i < COUNT(types); i++) {
        OWN(loop) loop = NULL;
        struct server server;
        struct err err = { 0 };
        struct told late = { .text = BUF(64) }, cancelled = { .text = BUF(64) };
        struct resolve *question = NULL;

        assert_true(loop_new(&loop, &err));
        serve(&server, loop);
        OWN(resolver) resolver = NULL;
        assert_true(resolver_new(loop, &(struct resolver_plan){ server.address, 7 }, &resolver, &err));
        assert_true(ask(resolver, types[i], "slow.test", loop_now(loop) + 20, &late, NULL, &err));
        assert_true(ask(resolver, types[i], "slow.test", loop_now(loop) + 1, &cancelled, &question, &err));
        resolve_cancel(question);
        late.free_this = GIVE(resolver);
        loop_run_until(loop, &late.done);
        assert_string_equal(late.err.fact, "name:failure");
        assert_false(cancelled.done);
        uv_close((uv_handle_t *)&server.udp, NULL);
        buf_done(&server.out);
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
    assert_true(ask(resolver, A, "localhost", UINT64_MAX, &told, NULL, &err));
    loop_run_until(loop, &told.done);
    assert_true(span_find_text(buf_span(&told.text), "127.0.0.1") < told.text.len);

    struct told forgotten = { .text = BUF(64) };
    struct resolve *question;
    assert_true(ask(resolver, A, "localhost", UINT64_MAX, &forgotten, &question, &err));
    resolve_cancel(question);
    assert_false(ask(resolver, A, "https://mail.example", UINT64_MAX, &told, NULL, &err));
    assert_string_equal(err.fact, "name:malformed");
    assert_false(ask(resolver, SRV, "a b", UINT64_MAX, &told, NULL, &err));
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
        struct server server;
        struct told told = { .text = BUF(256) };
        bool failed;
        {
            OWN(loop) loop = NULL;
            assert_true(loop_new(&loop, &err));
            serve(&server, loop);
            alloc_fail_at(n);
            struct resolver *resolver = NULL;
            bool ok = resolver_new(loop, &(struct resolver_plan){ server.address, 7 }, &resolver, &err) &&
                      ask(resolver, SRV, "none.test", loop_now(loop) + 100, &told, NULL, &err);
            if (ok)
                loop_run_until(loop, &told.done);
            failed = alloc_failed();
            alloc_fail_at(0);
            resolver_free(resolver);
            assert_true(ok || err.kind == ERR_MEMORY);
            uv_close((uv_handle_t *)&server.udp, NULL);
        }
        buf_done(&server.out);
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
        cmocka_unit_test(test_deadline_and_cancel),
        cmocka_unit_test(test_asks_the_system),
        cmocka_unit_test(test_server_is_checked),
        cmocka_unit_test(test_srv_order),
        cmocka_unit_test(test_memory_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
