#include <ares.h>
#include <arpa/nameser.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/loop_int.h"
#include "net/resolve_int.h"
#include "net/timer.h"

#include "base/banned.h"

enum {
    DNS_MAGIC = 0x646e7363,
    POLL_MAGIC = 0x646e7370,
    QUESTION_MAGIC = 0x646e7371,
    DNS_PORT = 53,
    TRY_MS = 2000, /* one try; each next one waits twice as long */
    TRIES = 3,
    TARGET_MAX = HOST_NAME_MAX_LEN + 1,
};

struct dns {
    uint32_t magic;
    struct loop *loop;
    ares_channel channel; /* NULL: not there */
    struct timer *timer;  /* when c-ares wants to be called although nothing came */
    struct poll *polls;
};

/* One of c-ares' sockets, watched. Its memory goes when libuv has let go of it. */
struct poll {
    uint32_t magic;
    uv_poll_t uv;
    ares_socket_t socket;
    struct dns *dns;
    struct poll *next;
};

/* c-ares can't forget one question, so what it holds may outlive ours. */
struct dns_question {
    uint32_t magic;
    enum resolve_kind kind;
    struct resolve *resolve; /* NULL: nobody waits any more */
    const char *name;        /* the question's; good while `resolve` is */
};

/* ---- c-ares on the loop ---- */

static void set_timer(struct dns *dns)
{
    struct timeval room, *wait = ares_timeout(dns->channel, NULL, &room);
    uint64_t ms = wait ? (uint64_t)wait->tv_sec * 1000 + (uint64_t)wait->tv_usec / 1000 + 1 : 0;

    timer_set(dns->timer, wait ? loop_now(dns->loop) + ms : UINT64_MAX);
}

static void process(struct dns *dns, ares_socket_t readable, ares_socket_t writable)
{
    ares_process_fd(dns->channel, readable, writable);
    set_timer(dns);
}

static void rang(void *who)
{
    process(OBJ(dns, DNS_MAGIC, who), ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct poll *poll = OBJ(poll, POLL_MAGIC, handle->data);
    int seen = status < 0 ? UV_READABLE | UV_WRITABLE : events;

    process(poll->dns, seen & UV_READABLE ? poll->socket : ARES_SOCKET_BAD,
            seen & UV_WRITABLE ? poll->socket : ARES_SOCKET_BAD);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct poll *poll = OBJ(poll, POLL_MAGIC, handle->data);

    OBJ_GONE(poll);
    mem_free(poll);
}

static struct poll *poll_new(struct dns *dns, ares_socket_t socket)
{
    struct poll *poll = NEW(poll);

    if (!poll)
        return NULL;
    if (uv_poll_init_socket(loop_uv(dns->loop), &poll->uv, socket) != 0) {
        mem_free(poll);
        return NULL;
    }
    poll->magic = POLL_MAGIC;
    poll->uv.data = poll;
    poll->socket = socket;
    poll->dns = dns;
    poll->next = dns->polls;
    dns->polls = poll;
    return poll;
}

/* c-ares tells what it waits for at a socket; nothing: it is about to close it. A socket that can't be
 * watched makes its question run out of time. */
static void watch(void *data, ares_socket_t socket, int readable, int writable)
{
    struct dns *dns = OBJ(dns, DNS_MAGIC, data);
    struct poll **at = &dns->polls;

    while (*at && (*at)->socket != socket)
        at = &(*at)->next;
    struct poll *poll = *at;
    if (!readable && !writable) {
        if (poll) {
            *at = poll->next;
            uv_close((uv_handle_t *)&poll->uv, on_poll_closed);
        }
        return;
    }
    if (!poll)
        poll = poll_new(dns, socket);
    if (poll)
        uv_poll_start(&poll->uv, (readable ? UV_READABLE : 0) | (writable ? UV_WRITABLE : 0), on_poll);
}

/* ---- the channel ---- */

/* "192.0.2.53:53", "[2001:db8::53]:53", or without a port, as c-ares wants it. */
static bool write_server(struct buf *out, const char *server, struct err *err)
{
    struct span text = span_of(server), port_text;
    uint16_t port = DNS_PORT;
    struct ip ip;

    if (!ip_parse(text, &ip)) {
        size_t colon = span_find_last(text, ':');
        port_text = span_from(text, colon + 1);
        if (colon == text.len || !ip_parse(span_cut(text, 0, colon), &ip) ||
            !str_to_u16(port_text, 1, UINT16_MAX, &port))
            return err_set(err, ERR_USAGE, "a DNS server is written ADDRESS:PORT, such as 192.0.2.53:53");
    }
    buf_add(out, ip.family == 6 ? "[" : "");
    ip_write(out, ip);
    buf_addf(out, "%s:%u", ip.family == 6 ? "]" : "", port);
    return true;
}

static bool set_server(struct dns *dns, const char *server, struct err *err)
{
    HELD(buf) text = BUF(128);

    if (!write_server(&text, server, err))
        return false;
    if (text.full)
        return err_no_memory(err);
    if (ares_set_servers_ports_csv(dns->channel, buf_text(&text)) != ARES_SUCCESS)
        return err_set(err, ERR_INTERNAL, "c-ares does not take the server %s", buf_text(&text));
    return true;
}

bool dns_new(struct loop *loop, const char *server_or_null, struct dns **ret_dns, struct err *err)
{
    struct dns *dns = NEW(dns);

    if (!dns)
        return err_no_memory(err);
    dns->magic = DNS_MAGIC;
    dns->loop = loop;
    dns->timer = timer_new(loop, rang, dns);

    /* No search list and no /etc/hosts: whoever asks here means the name as it stands, in the DNS. */
    struct ares_options options = {
        .flags = ARES_FLAG_NOSEARCH,
        .timeout = TRY_MS,
        .tries = TRIES,
        .lookups = (char[]){ 'b', '\0' },
        .sock_state_cb = watch,
        .sock_state_cb_data = dns,
    };
    int given = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
                ARES_OPT_SOCK_STATE_CB;
    int status = ares_init_options(&dns->channel, &options, given);
    if (!dns->timer || status == ARES_ENOMEM)
        err_no_memory(err);
    else if (status != ARES_SUCCESS)
        err_set(err, ERR_INTERNAL, "c-ares: %s", ares_strerror(status));
    if (!dns->timer || status != ARES_SUCCESS ||
        (server_or_null && !set_server(dns, server_or_null, err))) {
        dns_free(dns);
        return false;
    }
    *ret_dns = dns;
    return true;
}

void dns_free(struct dns *dns)
{
    if (!dns)
        return;
    if (dns->channel)
        ares_destroy(dns->channel);
    timer_free(dns->timer);
    OBJ_GONE(dns);
    mem_free(dns);
}

/* ---- answers ---- */

static bool failed(struct dns_question *question, int status)
{
    struct err *err = resolve_err(question->resolve);

    switch (status) {
    case ARES_ENOTFOUND:
    case ARES_ENODATA:
        return err_found(err, ERR_NAME, "name:not-found", "%s was not found", question->name);
    case ARES_EBADNAME:
        return err_found(err, ERR_CONFIG, "name:malformed", "%s is not a domain name",
                         question->name);
    case ARES_ENOMEM:
        return err_no_memory(err);
    default:
        return err_found(err, ERR_NETWORK, "name:failure", "looking up %s: %s", question->name,
                         ares_strerror(status));
    }
}

static bool is_root(const char *name)
{
    return !name[0] || !strcmp(name, ".");
}

static int read_srvs(const unsigned char *bytes, int len, union resolve_answer *answer)
{
    struct resolve_srvs *srvs = &answer->srvs;
    struct ares_srv_reply *list = NULL;
    int status = ares_parse_srv_reply(bytes, len, &list);

    if (status == ARES_SUCCESS && list && !list->next && is_root(list->host))
        srvs->refused = true;
    for (struct ares_srv_reply *one = list; one && srvs->count < RESOLVE_RECORDS_MAX; one = one->next) {
        struct resolve_srv *srv = &srvs->at[srvs->count];
        if (one->port && resolve_take_name(one->host, srv->target)) {
            srv->priority = one->priority;
            srv->weight = one->weight;
            srv->port = one->port;
            srvs->count++;
        }
    }
    ares_free_data(list);
    return status != ARES_SUCCESS || srvs->count || srvs->refused ? status : ARES_ENODATA;
}

/* Each new one goes behind those that are preferred as much. */
static void add_mx(struct resolve_mxs *mxs, const struct resolve_mx *mx)
{
    size_t at = mxs->count++;

    for (; at && mxs->at[at - 1].preference > mx->preference; at--)
        mxs->at[at] = mxs->at[at - 1];
    mxs->at[at] = *mx;
}

static int read_mxs(const unsigned char *bytes, int len, union resolve_answer *answer)
{
    struct resolve_mxs *mxs = &answer->mxs;
    struct ares_mx_reply *list = NULL;
    int status = ares_parse_mx_reply(bytes, len, &list);

    if (status == ARES_SUCCESS && list && !list->next && is_root(list->host))
        mxs->refused = true;
    for (struct ares_mx_reply *one = list; one && mxs->count < RESOLVE_RECORDS_MAX; one = one->next) {
        struct resolve_mx mx = { .preference = one->priority };
        if (resolve_take_name(one->host, mx.target))
            add_mx(mxs, &mx);
    }
    ares_free_data(list);
    return status != ARES_SUCCESS || mxs->count || mxs->refused ? status : ARES_ENODATA;
}

/* A record is several strings, told one after another; record_start is set at the first of each. */
static int read_texts(const unsigned char *bytes, int len, union resolve_answer *answer)
{
    struct resolve_texts *texts = &answer->texts;
    struct ares_txt_ext *list = NULL, *one;
    int status = ares_parse_txt_reply_ext(bytes, len, &list);

    for (one = list; one && texts->count < RESOLVE_RECORDS_MAX;) {
        HELD(buf) text = BUF(RESOLVE_TEXT_MAX);
        do {
            buf_add_span(&text, (struct span){ (const char *)one->txt, one->length });
            one = one->next;
        } while (one && !one->record_start);
        if (!text.full && !memchr(buf_text(&text), '\0', text.len))
            memcpy(texts->at[texts->count++], buf_text(&text), text.len + 1);
    }
    ares_free_data(list);
    return status != ARES_SUCCESS || texts->count ? status : ARES_ENODATA;
}

static const struct {
    int type;
    int (*read)(const unsigned char *bytes, int len, union resolve_answer *answer);
} records[] = {
    [RESOLVE_SRV] = { ns_t_srv, read_srvs },
    [RESOLVE_MX] = { ns_t_mx, read_mxs },
    [RESOLVE_TEXT] = { ns_t_txt, read_texts },
};

static void question_free(struct dns_question *question)
{
    OBJ_GONE(question);
    mem_free(question);
}

static void on_record(void *data, int status, int timeouts, unsigned char *bytes, int len)
{
    struct dns_question *question = OBJ(dns_question, QUESTION_MAGIC, data);
    (void)timeouts;

    if (question->resolve) {
        if (status == ARES_SUCCESS)
            status = records[question->kind].read(bytes, len, resolve_answer(question->resolve));
        resolve_answered(question->resolve,
                         status == ARES_SUCCESS || failed(question, status));
    }
    question_free(question);
}

static void on_addresses(void *data, int status, int timeouts, struct ares_addrinfo *list)
{
    struct dns_question *question = OBJ(dns_question, QUESTION_MAGIC, data);
    (void)timeouts;

    if (question->resolve) {
        struct resolve_addresses *found = &resolve_answer(question->resolve)->addresses;
        for (struct ares_addrinfo_node *one = list ? list->nodes : NULL; one; one = one->ai_next)
            resolve_add_address(found, one->ai_addr);
        for (const struct ares_addrinfo_cname *one = list ? list->cnames : NULL; one; one = one->next)
            resolve_add_canonical(found, question->name, one->name);
        if (status == ARES_SUCCESS && !found->count)
            status = ARES_ENODATA;
        resolve_answered(question->resolve,
                         status == ARES_SUCCESS || failed(question, status));
    }
    ares_freeaddrinfo(list);
    question_free(question);
}

struct dns_question *dns_ask(struct dns *dns, struct resolve *resolve, enum resolve_kind kind,
                             const char *name)
{
    static const struct ares_addrinfo_hints any = { .ai_family = AF_UNSPEC };
    struct dns_question *question = NEW(dns_question);

    if (!question)
        return NULL;
    *question = (struct dns_question){ QUESTION_MAGIC, kind, resolve, name };
    if (kind == RESOLVE_ADDRESSES)
        ares_getaddrinfo(dns->channel, name, NULL, &any, on_addresses, question);
    else
        ares_query(dns->channel, name, ns_c_in, records[kind].type, on_record, question);
    set_timer(dns);
    return question;
}

void dns_forget(struct dns_question *question)
{
    if (question)
        question->resolve = NULL;
}
