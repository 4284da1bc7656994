/* An HTTPS interface of a test's own: answers by a table, remembers what was asked. Included by the test, after
 * trip.h. */
#ifndef OUTPOST_TESTS_API_H
#define OUTPOST_TESTS_API_H

#include "net/serve.h"
#include "support/identity.h"
#include "support/go_between.h"

static struct identity identity;

struct page {
    const char *token; /* for whom; NULL: for anybody */
    unsigned status;
    const char *header, *body;
};

struct api {
    struct tls_context *context;
    struct serve *serve;
    struct go_between relay; /* before it: may cut */
    struct dial_detour detour;
    const struct page *pages; /* the first that fits the token */
    size_t page_count;
    unsigned asked;
    bool cuts, silent;
    struct buf head, body; /* of the last request; nothing of the head but what the cases look at */
};

static uint64_t api_began(void *who, struct serve_request *request)
{
    (void)who, (void)request;
    return 40 * 1024 * 1024;
}

static const struct page *page_for(const struct api *api, struct span authorization)
{
    for (size_t i = 0; i < api->page_count; i++) {
        struct span token = span_from(authorization, strlen("Bearer "));
        if (!api->pages[i].token || span_is(token, api->pages[i].token))
            return &api->pages[i];
    }
    fail_msg("no page for this token");
    return NULL;
}

static void api_asked(void *who, struct serve_request *request)
{
    static const char *const names[] = { "Host", "Authorization", "Content-Type" };
    struct api *api = who;

    api->asked++;
    buf_clear(&api->head);
    buf_add_span(&api->head, request->path);
    buf_add(&api->head, request->query.len ? "?" : "");
    buf_add_span(&api->head, request->query);
    for (size_t i = 0; i < COUNT(names); i++) {
        buf_add(&api->head, "\n");
        buf_add_span(&api->head, serve_header(request, names[i]));
    }
    buf_clear(&api->body);
    buf_add_span(&api->body, request->body);
    if (api->silent)
        return;
    api->relay.cut_answer |= api->cuts;
    const struct page *page = page_for(api, serve_header(request, "Authorization"));
    const char *headers[] = { page->header, NULL };
    serve_answer(request, &(struct serve_answer){ page->status, "application/json", headers,
                                                  span_of(page->body) });
}

static void api_begin(struct api *api, enum identity_kind kind, const char *name, const struct page *pages,
                      size_t page_count)
{
    static const struct serve_events events = { .began = api_began, .asked = api_asked };
    struct err err = { 0 };

    *api = (struct api){ .pages = pages, .page_count = page_count, .head = BUF(10000), .body = BUF(1 << 26) };
    api->context = identity_server(&identity, kind, name, false);
    const struct serve_plan plan = { .where = { .address = "127.0.0.1" }, .tls = api->context };
    if (!serve_open(loop, &plan, &events, api, &api->serve, &err))
        fail_msg("%s", err.text);
    go_between_start(&api->relay, loop, serve_port(api->serve));
    api->detour = (struct dial_detour){ .port = 443, .to_host = "127.0.0.1", .to_port = api->relay.port };
}

static void api_end(struct api *api)
{
    go_between_stop(&api->relay);
    serve_free(api->serve);
    tls_context_free(api->context);
    buf_done(&api->head);
    buf_done(&api->body);
}

#endif
