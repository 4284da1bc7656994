/* Where a device asks for a code that a person types elsewhere (RFC 8628, 3.1). */
#include "base/form.h"
#include "sandbox/issuer_int.h"

#include "base/banned.h"

static void write_device(const struct issuer *issuer, const struct visit *visit,
                         const struct identity_device *device, struct reply *reply)
{
    HELD(buf) page = BUF(ISSUER_NAME_MAX);
    HELD(buf) complete = BUF(ISSUER_NAME_MAX);
    HELD(buf) message = BUF(2 * ISSUER_NAME_MAX);
    struct json json = reply_begin_json(reply);

    issuer_add_own_url(issuer, "/device", &page);
    buf_addf(&complete, "%s?", buf_text(&page));
    form_add_text(&complete, "user_code", device->user_code);
    buf_addf(&message, "To sign in, open %s and enter the code %s.", buf_text(&page), device->user_code);
    json_text(&json, "device_code", device->code);
    json_text(&json, "user_code", device->user_code);
    json_text(&json, "verification_uri", buf_text(&page));
    if (!issuer->profile->oauth.tenant) /* where there are tenants there is none of these */
        json_text(&json, "verification_uri_complete", buf_text(&complete));
    json_number(&json, "expires_in", (device->expires - visit->moment->now) / 1000);
    json_number(&json, "interval", issuer->device_interval_ms / 1000);
    json_text(&json, "message", buf_text(&message));
    json_close(&json);
}

void endpoint_device(struct issuer *issuer, const struct visit *visit, struct reply *reply)
{
    struct form form = { .text = visit->request->body };
    struct client client;
    char scope[IDENTITY_SCOPE];
    HELD(buf) consent = BUF(IDENTITY_SCOPE);
    enum refusal no;

    form_take(&form, "scope", scope, sizeof scope);
    if ((no = visit_refusal(issuer, visit)) != REFUSALS ||
        (no = client_read(issuer, visit, &form, &client)) != REFUSALS) {
        visit_refuse(issuer, visit, no, reply);
        return;
    }
    if (!scope[0] || !issuer_knows_scope(issuer, span_of(scope))) {
        visit_refuse(issuer, visit, REFUSAL_SCOPE, reply);
        return;
    }
    issuer_add_consent(issuer, span_of(client.id), span_of(scope), &consent);
    const struct identity_device *device =
        identity_device(issuer->identity, span_of(client.id), buf_span(&consent), visit->moment);
    if (!device) {
        visit_refuse(issuer, visit, REFUSAL_REQUEST, reply);
        return;
    }
    write_device(issuer, visit, device, reply);
    if (scenario_is_on(issuer->scenarios, SCENARIO_AGREEABLE))
        (void)!identity_device_decide(issuer->identity, span_of(device->user_code), 0, true, visit->moment->now);
}
