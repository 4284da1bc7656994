#include "support/office.h"

#include <string.h>

#include "know/profile.h"
#include "net/cert.h"

enum { PORT = 2502 };

static bool make_key(struct crypto_key **ret_key)
{
    const char *const names[] = { "localhost", NULL };
    const struct cert_plan plan = { .names = names, .from = 1, .until = 2000000000 };
    OWN(cert) cert = NULL;
    HELD(buf) pem = BUF(8192);

    if (!cert_make(&plan, &cert, NULL))
        return false;
    cert_add_key(cert, &pem);
    OWN(secret) text = secret_new(buf_span(&pem));
    return text && crypto_key_read(text, ret_key, NULL);
}

static void name_user(struct office *office, size_t i, const char *who, const char *password, const char *token)
{
    HELD(buf) name = BUF(63);
    const struct words domains = office->issuer.profile->domains;

    buf_addf(&name, "%s@%s", who, domains.count ? domains.at[0] : "example.com");
    memcpy(office->names[i], buf_text(&name), name.len + 1);
    office->users[i] = (struct sandbox_user){ office->names[i], password, token };
}

bool office_open(struct office *office, const struct knowledge *know, const char *provider)
{
    *office = (struct office){ .now = 1795632744000 };
    struct issuer *issuer = &office->issuer;
    issuer->profile = know_profile(know, provider);
    if (!issuer->profile || !make_key(&office->key))
        return false;
    name_user(office, 0, "me", "pw-me", "fixed-me");
    name_user(office, 1, "you", "pw-you", "fixed-you");
    issuer->users = office->users;
    issuer->user_count = 2;
    issuer->key = office->key;
    issuer->port = PORT;
    issuer->about = SPAN("{}");
    return issuer_begin(issuer);
}

void office_close(struct office *office)
{
    issuer_done(&office->issuer);
    crypto_key_free(office->key);
}

static void read_headers(const char *headers, struct serve_request *request)
{
    struct span rest = span_of(headers), line, name;

    while (span_split(&rest, '\n', &line) && request->header_count < SERVE_LINES_MAX) {
        struct span value = line;
        if (!span_split(&value, ':', &name))
            continue;
        request->headers[request->header_count++] = (struct serve_header){ name, span_trim(value) };
    }
}

void office_request(const char *line, const char *headers, struct span body, struct serve_request *ret_request)
{
    static const char *const methods[] = { [SERVE_GET] = "GET", [SERVE_HEAD] = "HEAD", [SERVE_POST] = "POST" };
    struct span rest = span_of(line), method = SPAN_NONE;

    *ret_request = (struct serve_request){ .body = body, .body_len = body.len };
    span_split(&rest, ' ', &method);
    for (size_t i = 0; i < 3; i++)
        if (span_is(method, methods[i]))
            ret_request->method = (enum serve_method)i;
    rest = span_from(rest, strlen("https://"));
    size_t host = span_find(rest, '/');
    ret_request->headers[ret_request->header_count++] =
        (struct serve_header){ SPAN("Host"), span_cut(rest, 0, host) };
    rest = span_from(rest, host);
    ret_request->path = span_cut(rest, 0, span_find(rest, '?'));
    ret_request->query = span_from(rest, ret_request->path.len + 1);
    read_headers(headers, ret_request);
}

struct identity_moment office_moment(struct office *office)
{
    struct identity_moment moment = { .now = office->now + office->issuer.ahead_ms };

    for (size_t i = 0; i < sizeof moment.random; i++)
        moment.random[i] = (unsigned char)(office->dice * 7 + i * 13);
    office->dice++;
    return moment;
}

void office_ask(struct office *office, const char *line, const char *headers, struct span body,
                struct reply *reply)
{
    struct serve_request request;
    const struct identity_moment moment = office_moment(office);

    office_request(line, headers, body, &request);
    reply_done(reply);
    *reply = (struct reply)REPLY;
    issuer_answer(&office->issuer, &request, &moment, reply);
}
