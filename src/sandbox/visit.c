/* What a visit brings: fields of a form, and where it comes from. */
#include "base/form.h"
#include "sandbox/issuer_int.h"

#include "base/banned.h"

/* ---- forms ---- */

void form_take(struct form *form, const char *key, char *into, size_t room)
{
    HELD(buf) value = BUF(room - 1);
    enum form_found found = form_value(form->text, key, &value);

    into[0] = '\0';
    if (found == FORM_TWICE || found == FORM_BAD ||
        (found == FORM_ONE && !identity_put(into, room, buf_span(&value))))
        form->bad = true;
}

/* ---- who asks ---- */

/* Browsers say so themselves; where they don't, the origin must be the host that was asked. A script says
 * neither. */
bool visit_is_same_site(const struct visit *visit)
{
    struct span site = serve_header(visit->request, "Sec-Fetch-Site");
    struct span origin = serve_header(visit->request, "Origin");

    if (site.at)
        return span_is(site, "same-origin") || span_is(site, "none");
    if (!origin.at)
        return true;
    return span_starts(origin, "https://") &&
           span_equal_word(span_from(origin, strlen("https://")), serve_header(visit->request, "Host"));
}

/* ---- refusals ---- */

void visit_refuse(const struct issuer *issuer, const struct visit *visit, enum refusal refusal,
                  struct reply *reply)
{
    refusal_reply(issuer->profile, refusal, visit->moment, reply);
}

enum refusal visit_refusal(const struct issuer *issuer, const struct visit *visit)
{
    if (scenario_is_on(issuer->scenarios, SCENARIO_TOKEN_BUSY))
        return REFUSAL_BUSY;
    return issuer_has_tenant(issuer, visit->tenant) ? REFUSALS : REFUSAL_TENANT;
}
