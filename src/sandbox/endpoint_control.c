/* The sandbox's own addresses, for scripts and demonstrations. */
#include "base/str.h"
#include "mail/date.h"
#include "sandbox/issuer_int.h"

#include "base/banned.h"

enum { FORBIDDEN = 403, BAD_REQUEST = 400, NOT_FOUND = 404, AHEAD_MOST = 10 * 366 * 86400 /* seconds */ };

static void say(struct reply *reply, unsigned status, const char *key, const char *text)
{
    struct json json = json_to(&reply->body);

    reply->status = status;
    reply->type = "application/json";
    json_open(&json, NULL, '{');
    json_text(&json, key, text);
    json_close(&json);
}

/* A page elsewhere must not be able to do these. */
static bool is_allowed(const struct visit *visit, struct reply *reply)
{
    if (visit_is_same_site(visit))
        return true;
    say(reply, FORBIDDEN, "error", "a page of another site asked");
    return false;
}

void endpoint_about(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    (void)visit;
    reply->status = 200;
    reply->type = "application/json";
    buf_add_span(&reply->body, issuer->about);
}

void endpoint_approve(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    char code[64], name[IDENTITY_NAME], choice[16];

    if (!is_allowed(visit, reply))
        return;
    form_take(&form, "user_code", code, sizeof code);
    form_take(&form, "user", name, sizeof name);
    form_take(&form, "choice", choice, sizeof choice);
    size_t user = name[0] ? issuer_find_user(issuer, span_of(name)) : 0;
    bool yes = strcmp(choice, "deny") != 0;
    if (form.bad || user == IDENTITY_NOBODY)
        say(reply, BAD_REQUEST, "error", "there is no such user");
    else if (identity_device_decide(issuer->identity, span_of(code), user, yes, visit->moment->now))
        say(reply, 200, "choice", yes ? "allow" : "deny");
    else
        say(reply, NOT_FOUND, "error", "nobody waits with this code");
}

void endpoint_scenario(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    char name[64], on[8];
    enum scenario scenario = SCENARIOS;

    if (!is_allowed(visit, reply))
        return;
    form_take(&form, "name", name, sizeof name);
    form_take(&form, "on", on, sizeof on);
    if (form.bad || !scenario_find(span_of(name), &scenario)) {
        say(reply, BAD_REQUEST, "error", "there is no such scenario");
        return;
    }
    if (strcmp(on, "no") == 0)
        issuer->scenarios &= ~(1u << scenario);
    else
        issuer->scenarios |= 1u << scenario;
    struct json json = json_to(&reply->body);
    reply->status = 200;
    reply->type = "application/json";
    json_open(&json, NULL, '{');
    json_open(&json, "scenarios", '[');
    for (unsigned i = 0; i < SCENARIOS; i++)
        if (scenario_is_on(issuer->scenarios, (enum scenario)i))
            json_text(&json, NULL, scenario_name((enum scenario)i));
    json_close(&json);
    json_close(&json);
}

void endpoint_clock(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    HELD(buf) date = BUF(64);
    char text[16];
    uint64_t seconds = 0;

    if (!is_allowed(visit, reply))
        return;
    form_take(&form, "advance", text, sizeof text);
    if (form.bad || !str_to_u64(span_of(text), 0, AHEAD_MOST, &seconds) ||
        issuer->ahead_ms / 1000 + seconds > AHEAD_MOST) {
        say(reply, BAD_REQUEST, "error", "advance is a number of seconds");
        return;
    }
    issuer->ahead_ms += seconds * 1000;
    date_add_rfc3339(&date, visit->moment->now / 1000 + seconds);
    say(reply, 200, "now", buf_text(&date));
}
