/* The HTTPS side: requests as they come in over TLS, to the pure endpoints and, where a message is brought,
 * into the Maildir. */
#include "base/alloc.h"
#include "mail/filter.h"
#include "sandbox/endpoint_send.h"
#include "sandbox/keep.h"

#include "base/banned.h"

enum { FORM_MAX = 64 * 1024 };

/* A request under way. */
struct web_visit {
    struct sandbox *sandbox;
    struct web_visit *next, **link; /* link: what points at this one */
    struct buf body;
    struct send_order order;         /* form: SEND_NOTHING where no message is brought */
    struct maildir_message *message; /* of SEND_AS_IT_IS as it comes, of the others at the end */
    struct filter *filter;
    uint64_t size;
    bool lost; /* disk or memory */
};

static void visit_free(struct web_visit *visit)
{
    if (!visit)
        return;
    *visit->link = visit->next;
    if (visit->next)
        visit->next->link = visit->link;
    maildir_message_free(visit->message);
    filter_free(visit->filter);
    buf_done(&visit->body);
    mem_free(visit);
}

void web_free(struct sandbox *sandbox)
{
    serve_free(sandbox->web);
    while (sandbox->visits)
        visit_free(sandbox->visits);
}

static struct web_visit *visit_new(struct sandbox *sandbox)
{
    struct web_visit *visit = NEW(web_visit);

    if (!visit)
        return NULL;
    visit->sandbox = sandbox;
    visit->next = sandbox->visits;
    visit->link = &sandbox->visits;
    if (visit->next)
        visit->next->link = &visit->next;
    sandbox->visits = visit;
    return visit;
}

static bool moment_of(const struct sandbox *sandbox, struct identity_moment *ret_moment)
{
    ret_moment->now = sandbox_wall(sandbox);
    return random_fill(sandbox->options->dice, ret_moment->random, sizeof ret_moment->random, NULL);
}

static void answer(struct serve_request *request, const struct reply *reply)
{
    const char *lines[REPLY_HEADERS_MAX + 1];
    bool whole = !reply->body.full && !reply->headers.full;

    reply_lines(reply, lines);
    visit_free(request->mine);
    request->mine = NULL;
    serve_answer(request, &(struct serve_answer){
        .status = whole ? reply->status : 500,
        .type = whole ? reply->type : NULL,
        .headers = whole ? lines : NULL,
        .body = whole ? buf_span(&reply->body) : SPAN_NONE,
    });
}

static void refuse(struct web_visit *visit, struct serve_request *request, enum api_refusal refusal)
{
    const struct sandbox *sandbox = visit->sandbox;
    struct identity_moment moment;
    struct reply reply = REPLY;

    if (moment_of(sandbox, &moment))
        api_refusal_reply(sandbox->issuer.profile, refusal, &moment, &reply);
    answer(request, &reply);
    reply_done(&reply);
}

/* ---- a message ---- */

static void add(struct web_visit *visit, struct span bytes)
{
    HELD(buf) passed_on = BUF(2 * bytes.len + 2 * 1024); /* only the header is looked at */

    visit->size += bytes.len;
    if (!visit->lost && (!maildir_add(visit->message, bytes, NULL) ||
                         !filter_feed(visit->filter, bytes, &passed_on, NULL)))
        visit->lost = true;
}

static bool begin(struct web_visit *visit)
{
    visit->filter = filter_new();
    return visit->filter && keep_begin(visit->sandbox, &visit->message);
}

static enum api_refusal keep(struct web_visit *visit, const char *via)
{
    struct sandbox *sandbox = visit->sandbox;
    OWN(envelope) envelope = envelope_new();
    HELD(buf) passed_on = BUF(4096);

    if (visit->lost || !envelope || !filter_end(visit->filter, &passed_on, NULL))
        return API_DISK;
    enum api_refusal no =
        send_address(&sandbox->issuer, &visit->order, filter_header(visit->filter), envelope);
    if (no != API_REFUSALS)
        return no;
    if (filter_facts(visit->filter)->body_8bit)
        envelope->body = BODY_8BIT;
    const struct keep_facts facts = { envelope, sandbox->users[visit->order.user].username, NULL, via, true,
                                      visit->size };
    return keep_end(sandbox, visit->message, &facts) ? API_REFUSALS : API_DISK;
}

static enum api_refusal take(struct web_visit *visit)
{
    HELD(buf) message = BUF(send_body_most(SEND_JSON));

    if (visit->order.form != SEND_AS_IT_IS) {
        enum api_refusal no = send_decode(visit->order.form, buf_span(&visit->body), &message);
        if (no != API_REFUSALS)
            return no;
        if (!begin(visit))
            return API_DISK;
        add(visit, buf_span(&message));
    }
    return keep(visit, visit->sandbox->issuer.profile->http_api);
}

static void send_it(struct web_visit *visit, struct serve_request *request)
{
    struct identity_moment moment;
    struct reply reply = REPLY;
    enum api_refusal no = moment_of(visit->sandbox, &moment) ? take(visit) : API_DISK;

    if (no != API_REFUSALS) {
        refuse(visit, request, no);
        return;
    }
    send_reply(visit->order.form, &moment, &reply);
    answer(request, &reply);
    reply_done(&reply);
}

/* ---- requests ---- */

static uint64_t on_began(void *who, struct serve_request *request)
{
    struct sandbox *sandbox = who;
    struct web_visit *visit = visit_new(sandbox);
    enum send_form form = send_form_of(&sandbox->issuer, request);

    request->mine = visit;
    if (!visit)
        return 0;
    if (form == SEND_NOTHING) {
        visit->body = (struct buf)BUF(FORM_MAX);
        return FORM_MAX;
    }
    enum api_refusal no =
        send_read_head(&sandbox->issuer, request, form, sandbox_wall(sandbox), &visit->order);
    if (no == API_REFUSALS && form == SEND_AS_IT_IS && !begin(visit))
        no = API_DISK;
    if (no != API_REFUSALS) {
        refuse(visit, request, no);
        return 0;
    }
    visit->body = (struct buf)BUF(form == SEND_AS_IT_IS ? 0 : send_body_most(form));
    return send_body_most(form);
}

static void on_piece(void *who, struct serve_request *request, struct span piece)
{
    struct web_visit *visit = request->mine;
    (void)who;

    if (visit->order.form == SEND_AS_IT_IS)
        add(visit, piece);
    else
        buf_add_span(&visit->body, piece);
}

static void on_asked(void *who, struct serve_request *request)
{
    struct sandbox *sandbox = who;
    struct web_visit *visit = request->mine;
    struct identity_moment moment;
    struct reply reply = REPLY;

    if (visit && visit->order.form != SEND_NOTHING) {
        send_it(visit, request);
        return;
    }
    if (visit && !visit->body.full && moment_of(sandbox, &moment)) {
        request->body = buf_span(&visit->body);
        issuer_answer(&sandbox->issuer, request, &moment, &reply);
    }
    answer(request, &reply);
    reply_done(&reply);
}

static void on_dropped(void *who, struct serve_request *request)
{
    (void)who;
    visit_free(request->mine);
}

bool web_open(struct sandbox *sandbox, uint16_t port, struct err *err)
{
    static const struct serve_events events = { on_began, on_piece, on_asked, on_dropped };
    const struct serve_plan plan = { .where = { .address = LISTEN_LOOPBACK, .port = port },
                                     .tls = sandbox->tls };

    return serve_open(sandbox->loop, &plan, &events, sandbox, &sandbox->web, err);
}
