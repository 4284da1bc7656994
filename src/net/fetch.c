#include "net/fetch.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "net/fetch_face.h"
#include "net/loop_int.h"
#include "net/resolve.h"
#include "net/timer.h"
#include "net/trust.h"
#include "net/url.h"
#include "os/module.h"

#include "base/banned.h"

enum { FETCH_MAGIC = 0x66657463, TEXT_MAX = 4096 };

/* The lines that a loop keeps, and who knows how. */
struct line_pool {
    const struct fetch_face *face;
    struct transfer_pool *lines;
};

struct fetch {
    uint32_t magic;
    struct loop *loop;
    struct fetch_plan plan;
    struct timer *timer;
    unsigned redirects;
    struct buf url_text;       /* the URL of this step */
    struct url url;
    const char *host;          /* where we connect: url.host, or where a detour leads */
    uint16_t port;
    bool detour;
    struct trust trust; /* for https:// */
    struct buf connect_to, resolved; /* as curl wants them */
    struct buf place;                /* what has to be the same for a line to be shared */
    struct line_pool *pool;
    struct resolve *question;  /* one of these two is under way */
    struct transfer *transfer;
    fetch_done *done;
    void *who;
};

struct fetch_headers {
    const struct fetch_face *face;
    struct transfer *transfer;
};

struct span fetch_header(const struct fetch_headers *headers, const char *name)
{
    return headers->face->header(headers->transfer, name);
}

/* ---- the end ---- */

void fetch_cancel(struct fetch *fetch)
{
    if (!fetch)
        return;
    resolve_cancel(fetch->question);
    if (fetch->transfer)
        fetch->pool->face->cancel(fetch->transfer);
    timer_free(fetch->timer);
    buf_done(&fetch->url_text);
    buf_done(&fetch->connect_to);
    buf_done(&fetch->resolved);
    buf_done(&fetch->place);
    OBJ_GONE(fetch);
    mem_free(fetch);
}

static void fail(struct fetch *fetch, struct err *err)
{
    fetch_done *done = fetch->done;
    void *who = fetch->who;

    err_in(err, "http%s://%s", fetch->url.plain ? "" : "s", fetch->url.host);
    fetch_cancel(fetch);
    done(who, NULL, err);
}

static void on_deadline(void *who)
{
    struct fetch *fetch = OBJ(fetch, FETCH_MAGIC, who);
    struct err err;

    bool left = fetch->transfer && fetch->pool->face->left(fetch->transfer);
    err_found(&err, left ? ERR_UNKNOWN : ERR_NETWORK, "https:unreachable", "no answer came in time");
    fail(fetch, &err);
}

/* ---- a step: one URL ---- */

static bool step(struct fetch *fetch, struct err *err);

static bool parse(const struct fetch *fetch, struct span text, struct url *ret_url, struct err *err)
{
    return (fetch->plan.plain ? url_parse_plain : url_parse)(text, ret_url, err);
}

/* The next URL, or false: this is the answer, or a place we don't go to. */
static bool follow(struct fetch *fetch, const char *redirect, struct err *err)
{
    struct url next;

    if (fetch->redirects++ == FETCH_REDIRECTS_MAX)
        return err_found(err, ERR_NETWORK, "https:unreachable", "it redirects in circles");
    if (!parse(fetch, span_of(redirect), &next, err))
        return err_in(err, "it redirects");
    if (strcmp(next.host, fetch->url.host) != 0 &&
        !(fetch->plan.may_follow && fetch->plan.may_follow(fetch->who, next.host)))
        return err_found(err, ERR_NETWORK, "https:unreachable", "it redirects to another host, %s",
                         next.host);
    buf_clear(&fetch->url_text);
    buf_add(&fetch->url_text, redirect);
    return step(fetch, err);
}

static bool is_redirect(const struct transfer_result *result)
{
    switch (result->status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return result->redirect != NULL;
    default:
        return false;
    }
}

static void on_over(void *who, const struct transfer_result *result, const struct err *why)
{
    struct fetch *fetch = OBJ(fetch, FETCH_MAGIC, who);
    struct err err = { 0 };

    fetch->transfer = NULL;
    if (!result) {
        err = *why;
        fail(fetch, &err);
        return;
    }
    if (!fetch->plan.post && is_redirect(result)) {
        if (!follow(fetch, result->redirect, &err))
            fail(fetch, &err);
        return;
    }
    HELD(buf) url = fetch->url_text;
    const struct fetch_headers headers = { fetch->pool->face, result->transfer };
    struct fetch_answer answer = { result->status, result->body, buf_text(&url), &headers };
    fetch->url_text = (struct buf)BUF(0);
    fetch_done *done = fetch->done;
    void *whom = fetch->who;
    fetch_cancel(fetch);
    done(whom, &answer, NULL);
}

/* What of the plan decides who is at the other end, and by what he was believed. */
static void describe_place(struct fetch *fetch)
{
    const struct fetch_plan *plan = &fetch->plan;
    const struct trust *trust = &fetch->trust;
    const char *parts[] = { trust->file, trust->directory, trust->all ? "all" : NULL, fetch->detour ? NULL : plan->proxy,
                            fetch->connect_to.len ? buf_text(&fetch->connect_to) : NULL };

    buf_clear(&fetch->place);
    buf_addf(&fetch->place, "%s:%u%s%s%s", fetch->url.host, fetch->url.port, plan->public_only ? " public" : "",
             fetch->url.plain ? " plain" : "", plan->any_date ? " any date" : "");
    for (size_t i = 0; i < COUNT(parts); i++)
        buf_addf(&fetch->place, "\n%s", parts[i] ? parts[i] : "");
}

static bool transfer(struct fetch *fetch, struct err *err)
{
    const struct fetch_plan *plan = &fetch->plan;
    struct transfer_plan wish = {
        .place = buf_text(&fetch->place),
        .url = buf_text(&fetch->url_text),
        .connect_to = fetch->connect_to.len ? buf_text(&fetch->connect_to) : NULL,
        .resolved = fetch->resolved.len ? buf_text(&fetch->resolved) : NULL,
        .trust = &fetch->trust,
        .proxy = fetch->detour ? NULL : plan->proxy,
        .headers = plan->headers,
        .post = plan->post,
        .once = plan->once,
        .plain = plan->plain,
        .any_date = plan->any_date,
        .body = plan->body,
        .upload = plan->upload,
        .quiet_ms = plan->quiet_ms,
        .body_max = plan->body_max ? plan->body_max : FETCH_BODY_MAX,
    };

    if (fetch->url_text.full || fetch->connect_to.full || fetch->resolved.full || fetch->place.full)
        return err_no_memory(err);
    return fetch->pool->face->begin(fetch->pool->lines, &wish, on_over, fetch, &fetch->transfer, err);
}

/* A literal IPv6 address needs its brackets again. */
static void add_host(struct buf *out, const char *host)
{
    struct ip ip;
    bool v6 = ip_parse(span_of(host), &ip) && ip.family == 6;

    buf_addf(out, "%s%s%s", v6 ? "[" : "", host, v6 ? "]" : "");
}

static bool use_addresses(struct fetch *fetch, const struct resolve_addresses *found, struct err *err)
{
    size_t used = 0;

    buf_clear(&fetch->resolved);
    add_host(&fetch->resolved, fetch->host);
    buf_addf(&fetch->resolved, ":%u:", fetch->port);
    for (size_t i = 0; i < found->count; i++) {
        if (fetch->plan.public_only && !fetch->detour && !ip_is_public(found->at[i]))
            continue;
        buf_add(&fetch->resolved, used++ ? "," : "");
        buf_add(&fetch->resolved, found->at[i].family == 6 ? "[" : "");
        ip_write(&fetch->resolved, found->at[i]);
        buf_add(&fetch->resolved, found->at[i].family == 6 ? "]" : "");
    }
    return used || err_found(err, ERR_NETWORK, "https:unreachable",
                             "%s has no address on the public net", fetch->host);
}

static void on_addresses(void *who, const struct resolve_addresses *found, const struct err *why)
{
    struct fetch *fetch = OBJ(fetch, FETCH_MAGIC, who);
    struct err err = { 0 };

    fetch->question = NULL;
    if (!found)
        err = *why;
    if (!found || !use_addresses(fetch, found, &err) || !transfer(fetch, &err))
        fail(fetch, &err);
}

static bool step(struct fetch *fetch, struct err *err)
{
    const struct fetch_plan *plan = &fetch->plan;
    struct ip ip;

    if (fetch->url_text.full)
        return err_no_memory(err);
    if (!parse(fetch, buf_span(&fetch->url_text), &fetch->url, err))
        return false;
    fetch->host = fetch->url.host;
    fetch->port = fetch->url.port;
    dial_detour_follow(plan->detours, &fetch->host, &fetch->port);
    fetch->detour = fetch->host != fetch->url.host || fetch->port != fetch->url.port;
    buf_clear(&fetch->connect_to);
    if (fetch->detour) {
        buf_add(&fetch->connect_to, "::");
        add_host(&fetch->connect_to, fetch->host);
        buf_addf(&fetch->connect_to, ":%u", fetch->port);
    }

    bool literal = ip_parse(span_of(fetch->host), &ip);
    if (literal && plan->public_only && !fetch->detour && !ip_is_public(ip))
        return err_found(err, ERR_NETWORK, "https:unreachable", "not an address on the public net");
    fetch->trust = (struct trust){ 0 };
    if (!fetch->url.plain && !trust_find(plan->ca_file, &fetch->trust, err))
        return false;
    describe_place(fetch);
    if ((plan->proxy && !fetch->detour) ||
        fetch->pool->face->keeps(fetch->pool->lines, buf_text(&fetch->place))) {
        buf_clear(&fetch->resolved);
        return transfer(fetch, err);
    }
    return (fetch->host != fetch->url.host ? resolve_local_addresses : resolve_addresses)(
        plan->resolver, span_of(fetch->host), plan->deadline, on_addresses, fetch, &fetch->question, err);
}

static void pool_gone(void *thing)
{
    struct line_pool *pool = thing;

    pool->face->close(pool->lines);
    mem_free(pool);
}

static struct line_pool *pool_of(struct loop *loop, struct err *err)
{
    struct line_pool *pool = loop_kept(loop);
    const void *face;

    if (pool)
        return pool;
    if (!module_load(FETCH_MODULE, FETCH_SYMBOL, &face, err))
        return NULL;
    pool = NEW(line_pool);
    if (!pool) {
        err_no_memory(err);
        return NULL;
    }
    pool->face = face;
    if (!pool->face->open(loop_uv(loop), &pool->lines, err)) {
        mem_free(pool);
        return NULL;
    }
    loop_keep(loop, pool, pool_gone);
    return pool;
}

bool fetch_start(struct loop *loop, const struct fetch_plan *plan, fetch_done *done, void *who,
                 struct fetch **ret_fetch, struct err *err)
{
    struct line_pool *pool = pool_of(loop, err);

    if (!pool)
        return false;
    struct fetch *fetch = NEW(fetch);
    if (!fetch)
        return err_no_memory(err);
    *fetch = (struct fetch){
        .magic = FETCH_MAGIC,
        .loop = loop,
        .plan = *plan,
        .pool = pool,
        .timer = timer_new(loop, on_deadline, fetch),
        .url_text = BUF(URL_MAX),
        .connect_to = BUF(TEXT_MAX),
        .resolved = BUF(TEXT_MAX),
        .place = BUF(2 * TEXT_MAX),
        .done = done,
        .who = who,
    };
    buf_add(&fetch->url_text, plan->url);
    if (!fetch->timer)
        err_no_memory(err);
    if (!fetch->timer || !step(fetch, err)) {
        fetch_cancel(fetch);
        return false;
    }
    timer_set(fetch->timer, plan->deadline);
    if (ret_fetch)
        *ret_fetch = fetch;
    return true;
}
