#include "sandbox/issuer.h"

#include "base/str.h"
#include "sandbox/issuer_int.h"

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

bool route_take_apart(const char *url, struct route *route)
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

    if (url && issuer->route_count < ISSUER_ROUTES_MAX && route_take_apart(url, &route))
        issuer->routes[issuer->route_count++] = route;
}

/* Where RFC 8414 (3.1) and OpenID Connect Discovery (4.1) look for what an issuer says of itself. */
static void add_well_known(struct issuer *issuer, const char *name)
{
    struct route route = { .methods = GET_, .answer = endpoint_metadata };

    if (!name || issuer->route_count + 2 > ISSUER_ROUTES_MAX || !route_take_apart(name, &route))
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

    if (!url || count == ISSUER_HOSTS_MAX || !route_take_apart(url, &route))
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
