#include "support/check.h"

#include <netinet/in.h>

#include "net/loop_int.h"
#include "support/name_server.h"

static void add16(struct buf *out, unsigned number)
{
    buf_add_char(out, (char)(number >> 8));
    buf_add_char(out, (char)number);
}

/* The name asked for, with dots; where it ends. */
static size_t read_name(struct span query, struct buf *name)
{
    size_t at = 12;

    while (at < query.len && query.at[at]) {
        size_t label = (unsigned char)query.at[at];
        buf_add(name, name->len ? "." : "");
        buf_add_span(name, span_cut(query, at + 1, at + 1 + label));
        at += 1 + label;
    }
    return at;
}

static const struct dns_entry *find(const struct name_server *server, struct span name, int type)
{
    for (size_t i = 0; i < server->zone_count; i++)
        if ((int)server->zone[i].type == type && span_is_word(name, server->zone[i].name))
            return &server->zone[i];
    return NULL;
}

static void answer(const struct name_server *server, struct buf *out, struct span query)
{
    HELD(buf) name = BUF(300);
    size_t end = read_name(query, &name);
    int type = query.at[end + 2];
    const struct dns_entry *found = find(server, buf_span(&name), type);
    unsigned count = 0, code = found ? DNS_OK : DNS_NXDOMAIN;

    if (found && found->says == DNS_SILENT)
        return;
    if (found && found->says > 0)
        code = (unsigned)found->says;
    while (found && count < COUNT(found->records) && found->records[count].len)
        count++;

    buf_add_span(out, span_cut(query, 0, 2));
    add16(out, 0x8180u | code);
    add16(out, 1);
    add16(out, count);
    add16(out, 0);
    add16(out, 0);
    buf_add_span(out, span_cut(query, 12, end + 5));
    for (unsigned i = 0; i < count; i++) {
        add16(out, 0xc00c);
        add16(out, (unsigned)type);
        add16(out, 1);
        add16(out, 0);
        add16(out, 60);
        add16(out, (unsigned)found->records[i].len);
        buf_add_span(out, found->records[i]);
    }
    if (found && found->says == DNS_CUT)
        buf_cut(out, out->len - 3);
}

static void on_room(uv_handle_t *handle, size_t wanted, uv_buf_t *buf)
{
    struct name_server *server = handle->data;
    (void)wanted;
    *buf = uv_buf_init(server->bytes, sizeof server->bytes);
}

static void on_query(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf, const struct sockaddr *from,
                     unsigned flags)
{
    struct name_server *server = udp->data;
    (void)flags;

    if (len <= 0 || !from)
        return;
    server->asked++;
    buf_clear(&server->out);
    answer(server, &server->out, (struct span){ buf->base, (size_t)len });
    uv_buf_t out = uv_buf_init((char *)(uintptr_t)buf_text(&server->out), (unsigned)server->out.len);
    if (server->out.len)
        assert_true(uv_udp_try_send(udp, &out, 1, from) > 0);
}

void name_server_start(struct name_server *server, struct loop *loop, const struct dns_entry *zone,
                       size_t zone_count)
{
    struct sockaddr_in here = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    int len = sizeof here;

    *server = (struct name_server){ .zone = zone, .zone_count = zone_count, .out = BUF(2048) };
    assert_int_equal(uv_udp_init(loop_uv(loop), &server->udp), 0);
    server->udp.data = server;
    assert_int_equal(uv_udp_bind(&server->udp, (struct sockaddr *)&here, 0), 0);
    assert_int_equal(uv_udp_getsockname(&server->udp, (struct sockaddr *)&here, &len), 0);
    assert_int_equal(uv_udp_recv_start(&server->udp, on_room, on_query), 0);
    HELD(buf) text = BUF(sizeof server->address - 1);
    buf_addf(&text, "127.0.0.1:%u", ntohs(here.sin_port));
    memcpy(server->address, buf_text(&text), text.len + 1);
}

void name_server_stop(struct name_server *server)
{
    uv_close((uv_handle_t *)&server->udp, NULL);
    buf_done(&server->out);
}
