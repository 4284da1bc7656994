#include "doctor/chain_look.h"

#include "base/alloc.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "net/url.h"

#include "base/banned.h"

enum {
    PATIENCE_MS = 3 * 1000, /* for all of them */
    LINKS_MAX = 3,          /* so many may be missing, one above the other */
};

struct chain_look {
    struct loop *loop;
    const struct chain_look_plan *plan;
    void (*done)(void *who, bool left_out);
    void *who;
    struct tls_context *context;
    struct buf below; /* whose issuer is looked for, DER or PEM */
    char url[TLS_URL_MAX];
    unsigned links;
    uint64_t deadline;
    struct fetch_plan fetch_plan;
    struct fetch *fetch;
};

static bool fetch_next(struct chain_look *look, struct err *err);

/* The one that was found is the next whose issuer is looked for. */
static bool go_up(struct chain_look *look, struct span found)
{
    buf_clear(&look->below);
    buf_add_span(&look->below, found);
    return !look->below.full && look->url[0] && ++look->links < LINKS_MAX && fetch_next(look, NULL);
}

static void fetched(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct chain_look *look = who;
    enum tls_issuer issuer = TLS_ISSUER_OTHER;
    (void)err;

    look->fetch = NULL;
    if (answer && answer->status == 200)
        issuer = tls_issuer_of(look->context, buf_span(&look->below), buf_span(answer->body), look->url);
    if (issuer == TLS_ISSUER_STRANGE && go_up(look, buf_span(answer->body)))
        return;
    look->done(look->who, issuer == TLS_ISSUER_TRUSTED);
}

static bool fetch_next(struct chain_look *look, struct err *err)
{
    const struct chain_look_plan *plan = look->plan;
    struct url url;

    if (!url_parse_plain(span_of(look->url), &url, err))
        return false;
    if (url.port != URL_PLAIN_PORT)
        return err_set(err, ERR_PROTOCOL, "the certificate names a port for its issuer's where no certificates are");
    look->fetch_plan = (struct fetch_plan){
        .url = look->url,
        .plain = true,
        .public_only = true,
        .resolver = plan->resolver,
        .detours = plan->detours,
        .deadline = look->deadline,
    };
    return fetch_start(look->loop, &look->fetch_plan, fetched, look, &look->fetch, err);
}

bool chain_look_start(struct loop *loop, const struct chain_look_plan *plan, void (*done)(void *who, bool left_out),
                      void *who, struct chain_look **ret_look, struct err *err)
{
    const struct tls_description *shown = plan->shown;
    OWN(chain_look) look = NULL;

    *ret_look = NULL;
    if (!shown->end_len || !shown->issuer_url[0] || plan->behind_proxy)
        return true;
    look = NEW(chain_look);
    if (!look)
        return err_no_memory(err);
    *look = (struct chain_look){ .loop = loop, .plan = plan, .done = done, .who = who, .below = BUF(FETCH_BODY_MAX),
                                 .deadline = loop_now(loop) + PATIENCE_MS };
    buf_add_span(&look->below, (struct span){ (const char *)shown->end, shown->end_len });
    memcpy(look->url, shown->issuer_url, sizeof look->url);
    if (look->below.full)
        return err_no_memory(err);
    if (!tls_client_context(&(struct tls_client_plan){ .ca_file = plan->ca_file }, &look->context, err) ||
        !fetch_next(look, err))
        return false;
    *ret_look = GIVE(look);
    return true;
}

void chain_look_free(struct chain_look *look)
{
    if (!look)
        return;
    fetch_cancel(look->fetch);
    tls_context_free(look->context);
    buf_done(&look->below);
    mem_free(look);
}
