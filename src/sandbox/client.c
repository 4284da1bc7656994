/* Which application asks, and how it proves itself (RFC 6749, 2.3). */
#include "base/base64.h"
#include "sandbox/assertion.h"
#include "sandbox/issuer_int.h"

#include "base/banned.h"

enum { SECRET_TEXT_MAX = 1024, BASIC_MAX = 16 * 1024 };

/* "Authorization: Basic": id and secret, each escaped as in a form (RFC 6749, 2.3.1). */
static void take_basic(const struct visit *visit, struct form *form, struct client *client)
{
    struct span value = serve_header(visit->request, "Authorization"), id;
    HELD(buf) pair = BUF(BASIC_MAX);
    HELD(buf) field = BUF(BASIC_MAX);

    if (!span_starts_word(value, "Basic "))
        return;
    if (!base64_decode(&pair, span_trim(span_from(value, strlen("Basic "))))) {
        form->bad = true;
        return;
    }
    struct span rest = buf_span(&pair);
    bool whole = span_split(&rest, ':', &id);
    buf_add(&field, "id=");
    buf_add_span(&field, id);
    struct form basic = { .text = buf_span(&field) };
    form_take(&basic, "id", client->id, sizeof client->id);
    form->bad |= basic.bad || !whole;
    client->proven = rest.len;
}

static enum refusal check_assertion(const struct issuer *issuer, const struct visit *visit,
                                    const char *assertion, struct client *client)
{
    HELD(buf) endpoint = BUF(ISSUER_NAME_MAX);

    issuer_add_url(issuer, visit, issuer->profile->oauth.token, &endpoint);
    client->proven = assertion_is_good(span_of(assertion), span_of(client->id), buf_span(&endpoint),
                                       visit->moment->now / 1000);
    return client->proven ? REFUSALS : REFUSAL_ASSERTION;
}

enum refusal client_read(const struct issuer *issuer, const struct visit *visit, struct form *form,
                                struct client *client)
{
    char secret[SECRET_TEXT_MAX], assertion[ASSERTION_MAX], id[IDENTITY_NAME];

    *client = (struct client){ .proven = false };
    take_basic(visit, form, client);
    form_take(form, "client_id", id, sizeof id);
    form_take(form, "client_secret", secret, sizeof secret);
    form_take(form, "client_assertion", assertion, sizeof assertion);
    if (id[0] && client->id[0] && strcmp(id, client->id) != 0)
        form->bad = true;
    if (id[0])
        memcpy(client->id, id, sizeof id);
    if (form->bad || !client->id[0])
        return REFUSAL_REQUEST;
    if (scenario_is_on(issuer->scenarios, SCENARIO_UNKNOWN_CLIENT))
        return REFUSAL_CLIENT;
    client->proven |= secret[0] != '\0';
    if (assertion[0])
        return check_assertion(issuer, visit, assertion, client);
    if (!client->proven && scenario_is_on(issuer->scenarios, SCENARIO_CLIENT_NEEDS_SECRET))
        return REFUSAL_SECRET;
    return REFUSALS;
}
