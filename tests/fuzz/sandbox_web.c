/* Whatever is asked of the sandbox's web side, something whole is answered, or nothing is sent; and no page or
 * header holds what a stranger wrote as it was. The first byte says which provider; then a request line, header
 * lines, an empty line, a body. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "know/embedded.h"
#include "net/serve_face.h"
#include "sandbox/endpoint_send.h"
#include "support/office.h"

static struct office offices[4];

static void open_offices(void)
{
    static const char *const providers[] = { "outlook.com", "microsoft365", "gmail", "generic" };
    static struct knowledge *know;
    size_t count;

    if (know)
        return;
    const struct knowledge_text *texts = know_embedded(&count);
    assert(know_new(texts, count, &know, NULL));
    for (size_t i = 0; i < 4; i++)
        assert(office_open(&offices[i], know, providers[i]));
}

static void check_reply(const struct reply *reply)
{
    const char *lines[REPLY_HEADERS_MAX + 1];

    if (reply->body.full || reply->headers.full)
        return;
    assert(reply->status >= 200 && reply->status <= 599);
    reply_lines(reply, lines);
    for (size_t i = 0; lines[i]; i++)
        for (const char *at = lines[i]; *at; at++)
            assert((unsigned char)*at >= ' ');
    if (reply->type && strncmp(reply->type, "text/html", 9) == 0)
        assert(!strstr(buf_text(&reply->body), "<script"));
}

static void send_it(struct office *office, const struct serve_request *request)
{
    struct send_order order;
    enum send_form form = send_form_of(&office->issuer, request);
    HELD(buf) message = BUF(1 << 20);

    if (form == SEND_NOTHING)
        return;
    enum api_refusal no = send_read_head(&office->issuer, request, form, office->now, &order);
    if (no != API_REFUSALS)
        return;
    assert(order.user < 2);
    if (form != SEND_AS_IT_IS && send_decode(form, request->body, &message) != API_REFUSALS)
        return;
    OWN(envelope) envelope = envelope_new();
    no = send_address(&office->issuer, &order, form == SEND_AS_IT_IS ? request->body : buf_span(&message), envelope);
    assert(no != API_REFUSALS || envelope->count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len };
    struct serve_request request;
    struct reply reply = REPLY;
    HELD(buf) line = BUF(4096);
    HELD(buf) headers = BUF(8192);

    open_offices();
    if (!len || len > 32 * 1024)
        return 0;
    struct office *office = &offices[data[0] & 3];
    text = span_from(text, 1);
    size_t end = span_find(text, '\n');
    buf_add_span(&line, span_cut(text, 0, end));
    text = span_from(text, end + 1);
    end = span_find_text(text, "\n\n");
    buf_add_span(&headers, span_cut(text, 0, end));
    if (strlen(buf_text(&line)) < 14 || line.full || headers.full)
        return 0;
    office_request(buf_text(&line), buf_text(&headers), span_from(text, end + 2), &request);
    if (serve_refusal(&request, 0, request.header_count))
        return 0;
    const struct identity_moment moment = office_moment(office);
    issuer_answer(&office->issuer, &request, &moment, &reply);
    check_reply(&reply);
    reply_done(&reply);
    send_it(office, &request);
    return 0;
}
