#include "sandbox/issuer.h"

#include "base/form.h"
#include "base/str.h"
#include "sandbox/issuer_int.h"
#include "sandbox/scope.h"

#include "base/banned.h"

enum {
    CODE_LIFE_MS = 10 * 60 * 1000, /* RFC 6749, 4.1.2: at most */
    DEVICE_LIFE_MS = 15 * 60 * 1000,
    DEVICE_INTERVAL_MS = 5000, /* RFC 8628, 3.2 */
    ACCESS_LIFE_MS = 60 * 60 * 1000,
    NOT_FOUND = 404,
    METHOD_NOT_ALLOWED = 405,
    MISDIRECTED = 421,
    TEXT_MAX = 1024,
};

#define GET_ (1u << SERVE_GET | 1u << SERVE_HEAD)
#define POST_ (1u << SERVE_POST)

/* ---- routes ---- */

/* The parts of "https://HOST/FRONT{tenant}BACK". */
static bool take_apart(const char *url, struct route *route)
{
    struct span rest = span_of(url);
    const char *const scheme = "https://", *const place = "{tenant}";

    if (!span_starts(rest, scheme))
        return false;
    rest = span_from(rest, strlen(scheme));
    route->host = span_cut(rest, 0, span_find(rest, '/'));
    rest = span_from(rest, route->host.len);
    route->front = span_cut(rest, 0, span_find_text(rest, place));
    route->has_tenant = route->front.len < rest.len;
    route->back = route->has_tenant ? span_from(rest, route->front.len + strlen(place)) : SPAN_NONE;
    return true;
}

static void add_route(struct issuer *issuer, const char *url, unsigned methods,
                      void (*answer)(struct issuer *, const struct visit *, struct reply *))
{
    struct route route = { .methods = methods, .answer = answer };

    if (url && issuer->route_count < ISSUER_ROUTES_MAX && take_apart(url, &route))
        issuer->routes[issuer->route_count++] = route;
}

/* Where RFC 8414 (3.1) and OpenID Connect Discovery (4.1) look for what an issuer says of itself. */
static void add_well_known(struct issuer *issuer, const char *name)
{
    struct route route = { .methods = GET_, .answer = endpoint_metadata };

    if (!name || issuer->route_count + 2 > ISSUER_ROUTES_MAX || !take_apart(name, &route))
        return;
    struct route oauth = route, openid = route;
    oauth.front = SPAN("/.well-known/oauth-authorization-server");
    oauth.back = route.front; /* the issuer's path stands behind it */
    openid.front = route.front;
    openid.back = SPAN("/.well-known/openid-configuration");
    issuer->routes[issuer->route_count++] = oauth;
    issuer->routes[issuer->route_count++] = openid;
}

static void add_routes(struct issuer *issuer)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    static const struct {
        const char *path;
        unsigned methods;
        void (*answer)(struct issuer *, const struct visit *, struct reply *);
    } own[] = {
        { "https:///device", GET_ | POST_, endpoint_device_page },
        { "https:///sandbox/keys", GET_, endpoint_keys },
        { "https:///sandbox/introspect", POST_, endpoint_introspect },
        { "https:///sandbox", GET_, endpoint_about },
        { "https:///sandbox/approve", POST_, endpoint_approve },
        { "https:///sandbox/scenario", POST_, endpoint_scenario },
        { "https:///sandbox/clock", POST_, endpoint_clock },
        { "https:///.well-known/oauth-authorization-server", GET_, endpoint_metadata },
        { "https:///.well-known/openid-configuration", GET_, endpoint_metadata },
    };

    add_route(issuer, oauth->authorize, GET_ | POST_, endpoint_authorize);
    add_route(issuer, oauth->token, POST_, endpoint_token);
    add_route(issuer, oauth->device, POST_, endpoint_device);
    add_route(issuer, oauth->revoke, POST_, endpoint_revoke);
    add_route(issuer, oauth->metadata, GET_, endpoint_metadata);
    add_well_known(issuer, oauth->issuer);
    for (size_t i = 0; i < COUNT(own); i++)
        add_route(issuer, own[i].path, own[i].methods, own[i].answer);
}

static bool is_tenant_word(struct span word)
{
    for (size_t i = 0; i < word.len; i++)
        if (!str_is_alpha(word.at[i]) && !str_is_digit(word.at[i]) && word.at[i] != '-' && word.at[i] != '.')
            return false;
    return word.len;
}

/* Does the path fit, and with which tenant? */
static bool fits(const struct route *route, struct span path, struct span *ret_tenant)
{
    if (path.len < route->front.len + route->back.len ||
        !span_equal(span_cut(path, 0, route->front.len), route->front) ||
        !span_equal(span_from(path, path.len - route->back.len), route->back))
        return false;
    *ret_tenant = span_cut(path, route->front.len, path.len - route->back.len);
    return route->has_tenant ? is_tenant_word(*ret_tenant) : !ret_tenant->len;
}

static bool host_is(const struct serve_request *request, struct span host, uint16_t port)
{
    HELD(buf) name = BUF(TEXT_MAX);

    buf_add_span(&name, host);
    return serve_host_is(request, buf_text(&name), 443) || serve_host_is(request, buf_text(&name), port);
}

static bool is_local(const struct issuer *issuer, const struct serve_request *request)
{
    return serve_host_is(request, "localhost", issuer->port) ||
           serve_host_is(request, "127.0.0.1", issuer->port) ||
           serve_host_is(request, "[::1]", issuer->port);
}

bool issuer_knows_host(const struct issuer *issuer, const struct serve_request *request, bool *ret_local)
{
    struct span hosts[ISSUER_HOSTS_MAX];
    size_t count = issuer_hosts(issuer->profile, hosts);

    *ret_local = is_local(issuer, request);
    for (size_t i = 0; i < count && !*ret_local; i++)
        if (host_is(request, hosts[i], issuer->port))
            return true;
    return *ret_local;
}

/* The sandbox's own are localhost's alone, but for those that its tokens and pages name. */
static bool is_at_home(const struct issuer *issuer, const struct route *route, const struct visit *visit)
{
    return visit->local || (route->host.len && host_is(visit->request, route->host, issuer->port));
}

static void say(struct reply *reply, unsigned status, const char *text)
{
    reply->status = status;
    reply->type = "text/plain";
    buf_add(&reply->body, text);
}

void issuer_answer(struct issuer *issuer, const struct serve_request *request,
                   const struct identity_moment *moment, struct reply *reply)
{
    struct visit visit = { .request = request, .moment = moment };
    bool wrong_method = false;

    if (!issuer_knows_host(issuer, request, &visit.local)) {
        say(reply, MISDIRECTED, "No such host is served here.\n");
        return;
    }
    for (size_t i = 0; i < issuer->route_count; i++) {
        const struct route *route = &issuer->routes[i];
        if (!fits(route, request->path, &visit.tenant) || !is_at_home(issuer, route, &visit))
            continue;
        if (!visit.tenant.len)
            visit.tenant = span_of(issuer->profile->oauth.tenant);
        if (route->methods & 1u << request->method) {
            route->answer(issuer, &visit, reply);
            return;
        }
        wrong_method = true;
    }
    say(reply, wrong_method ? METHOD_NOT_ALLOWED : NOT_FOUND,
        wrong_method ? "Not by this method.\n" : "Nothing is here.\n");
}

/* ---- hosts ---- */

static size_t add_host(struct span hosts[ISSUER_HOSTS_MAX], size_t count, const char *url)
{
    struct route route;

    if (!url || count == ISSUER_HOSTS_MAX || !take_apart(url, &route))
        return count;
    for (size_t i = 0; i < count; i++)
        if (span_equal_word(hosts[i], route.host))
            return count;
    hosts[count] = route.host;
    return count + 1;
}

size_t issuer_hosts(const struct profile *profile, struct span ret_hosts[ISSUER_HOSTS_MAX])
{
    const struct profile_oauth *oauth = &profile->oauth;
    const char *urls[] = { oauth->authorize, oauth->token, oauth->device,
                           oauth->revoke, oauth->metadata, oauth->issuer };
    size_t count = 0;

    for (size_t i = 0; i < COUNT(urls); i++)
        count = add_host(ret_hosts, count, urls[i]);
    if (profile->http_api_host && count < ISSUER_HOSTS_MAX)
        ret_hosts[count++] = span_of(profile->http_api_host);
    return count;
}

/* ---- users ---- */

void issuer_name(const struct issuer *issuer, size_t user, struct buf *out)
{
    if (user == IDENTITY_NOBODY)
        return;
    if (scenario_is_on(issuer->scenarios, SCENARIO_OTHER_ADDRESS))
        buf_add(out, "signin.");
    buf_add(out, issuer->users[user].username);
}

/* Where user names are local parts, the local part is a name, too. */
static bool is_name(const struct issuer *issuer, struct span name, struct span known)
{
    if (span_equal_word(name, known))
        return true;
    return issuer->profile->username == USERNAME_LOCALPART &&
           span_equal_word(name, span_cut(known, 0, span_find(known, '@')));
}

size_t issuer_find_user(const struct issuer *issuer, struct span name)
{
    for (size_t i = 0; i < issuer->user_count; i++) {
        HELD(buf) other = BUF(ISSUER_NAME_MAX);
        issuer_name(issuer, i, &other);
        if (is_name(issuer, name, span_of(issuer->users[i].username)) ||
            is_name(issuer, name, buf_span(&other)))
            return i;
    }
    return IDENTITY_NOBODY;
}

/* ---- tokens ---- */

static bool is_fixed_token(const struct issuer *issuer, struct span token, size_t *ret_user)
{
    for (size_t i = 0; i < issuer->user_count; i++) {
        if (str_equal_secret(token, span_of(issuer->users[i].token))) {
            *ret_user = i;
            return true;
        }
    }
    return false;
}

enum token_verdict issuer_check_token(const struct issuer *issuer, struct span token, unsigned power,
                                      uint64_t now, size_t *ret_user)
{
    unsigned char hash[IDENTITY_HASH];

    *ret_user = IDENTITY_NOBODY;
    if (is_fixed_token(issuer, token, ret_user))
        return TOKEN_GOOD;
    if (!issuer->identity || !crypto_sha256(token, hash, NULL))
        return TOKEN_UNKNOWN;
    const struct identity_access *access = identity_access(issuer->identity, hash);
    if (!access)
        return TOKEN_UNKNOWN;
    *ret_user = access->user;
    if (now >= access->expires)
        return TOKEN_EXPIRED;
    if (access->expires - now < issuer->profile->oauth.least_token_life_ms)
        return TOKEN_ENDS_SOON;
    return scope_powers(issuer->profile, span_of(access->scope)) & power ? TOKEN_GOOD : TOKEN_POWERLESS;
}

/* ---- tenants and addresses ---- */

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

    if (!url || !take_apart(url, &route))
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
    } else if (take_apart(oauth->token, &route)) {
        buf_addf(out, "https://%.*s", SPAN_ARG(route.host));
        if (!oauth->tenant)
            return;
        bool many = as_pattern && issuer_is_tenant_of_many(visit->tenant) && !span_is(visit->tenant, "consumers");
        buf_addf(out, "/%s/v2.0", many ? "{tenantid}" : tenant_number(visit->tenant));
    }
}

/* ---- scopes ---- */

bool issuer_knows_scope(const struct issuer *issuer, struct span scope)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    const char *known[] = { oauth->scope, oauth->identity_scope, oauth->https_scope, oauth->imap_scope,
                            oauth->pop_scope, oauth->app_scope, oauth->https_app_scope };
    HELD(buf) all = BUF(8192);

    for (size_t i = 0; i < COUNT(known); i++)
        if (known[i])
            buf_addf(&all, "%s ", known[i]);
    return scope_is_within(scope, buf_span(&all));
}

void issuer_add_consent(const struct issuer *issuer, struct span scope, struct buf *out)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    const char *also[] = { oauth->scope, oauth->https_scope, oauth->imap_scope, oauth->pop_scope };

    buf_add_span(out, scope);
    for (size_t i = 0; oauth->one_resource && !oauth->consent_together && i < COUNT(also); i++) {
        struct span rest = span_of(also[i]), word;
        while (span_split(&rest, ' ', &word))
            if (!scope_is_within(word, buf_span(out)))
                buf_addf(out, " %.*s", SPAN_ARG(word));
    }
}

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

/* ---- birth and death ---- */

bool issuer_begin(struct issuer *issuer)
{
    const struct profile_oauth *oauth = &issuer->profile->oauth;
    const struct identity_rules rules = {
        .code_life_ms = CODE_LIFE_MS,
        .device_life_ms = oauth->device_expires_ms ? oauth->device_expires_ms : DEVICE_LIFE_MS,
        .device_interval_ms = issuer->device_interval_ms  ? issuer->device_interval_ms
                              : oauth->device_interval_ms ? oauth->device_interval_ms
                                                          : DEVICE_INTERVAL_MS,
        .access_life_ms = issuer->access_life_ms ? issuer->access_life_ms : ACCESS_LIFE_MS,
        .refresh_life_ms = oauth->refresh_lifetime_ms,
        .rotates = oauth->rotates,
        .old_stays_valid = oauth->old_stays_valid,
    };

    issuer->access_life_ms = rules.access_life_ms;
    issuer->device_interval_ms = rules.device_interval_ms;
    issuer->identity = identity_new(&rules);
    add_routes(issuer);
    return issuer->identity;
}

void issuer_done(struct issuer *issuer)
{
    identity_free(issuer->identity);
}
