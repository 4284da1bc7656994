/* Tenants, and the addresses and names that are told. */
#include "sandbox/issuer_int.h"

#include "base/banned.h"

bool issuer_is_tenant_of_many(struct span tenant)
{
    return span_is(tenant, "common") || span_is(tenant, "consumers") || span_is(tenant, "organizations");
}

/* A provider of organizations has their tenants, too, whatever they are called. */
bool issuer_has_tenant(const struct issuer *issuer, struct span tenant)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;

    if (!oauth->tenant)
        return true;
    for (size_t i = 0; i < oauth->other_tenants.count; i++)
        if (span_is(tenant, oauth->other_tenants.at[i]))
            return true;
    return span_is(tenant, oauth->tenant) ||
           (strcmp(oauth->tenant, "consumers") != 0 && !issuer_is_tenant_of_many(tenant));
}

void issuer_add_own_url(const struct issuer *issuer, const char *path, struct buf *out)
{
    buf_addf(out, "https://localhost:%u%s", (unsigned)issuer->port, path);
}

void issuer_add_url(const struct issuer *issuer, const struct visit *visit, const char *url, struct buf *out)
{
    struct route route;

    if (!url || !route_take_apart(url, &route))
        return;
    if (visit->local)
        buf_addf(out, "https://localhost:%u", (unsigned)issuer->port);
    else
        buf_addf(out, "https://%.*s", SPAN_ARG(route.host));
    buf_add_span(out, route.front);
    if (route.has_tenant)
        buf_add_span(out, visit->tenant);
    buf_add_span(out, route.back);
}

void issuer_add_local_url(const struct issuer *issuer, const char *url, struct buf *out)
{
    const struct visit visit = { .local = true, .tenant = span_of(issuer->profile->oauth.tenant) };

    issuer_add_url(issuer, &visit, url, out);
}

/* Where answers name a tenant by its number: that of all personal accounts, which is no secret, or one that
 * is nobody's. */
static const char *tenant_number(struct span tenant)
{
    return span_is(tenant, "consumers") ? "9188040d-6c67-4c5b-b112-36a304b66dad"
                                        : "5a4db0c5-0000-4000-8000-000000000000";
}

void issuer_add_name(const struct issuer *issuer, const struct visit *visit, bool as_pattern, struct buf *out)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    struct route route;

    if (visit->local) {
        issuer_add_own_url(issuer, "", out);
    } else if (oauth->issuer) {
        buf_add(out, oauth->issuer);
    } else if (route_take_apart(oauth->token, &route)) {
        buf_addf(out, "https://%.*s", SPAN_ARG(route.host));
        if (!oauth->tenant)
            return;
        bool many = as_pattern && issuer_is_tenant_of_many(visit->tenant) && !span_is(visit->tenant, "consumers");
        buf_addf(out, "/%s/v2.0", many ? "{tenantid}" : tenant_number(visit->tenant));
    }
}
