/* What is pure in the flows: where a browser lands, and who came. */
#include "account/oauth_claims.h"
#include "account/oauth_signin_int.h"
#include "base/scan.h"

#include "base/banned.h"

#define ANY_PORT "{port}"

static bool take(char *to, size_t room, struct span text)
{
    if (text.len >= room)
        return false;
    memcpy(to, text.at ? text.at : "", text.len);
    to[text.len] = '\0';
    return true;
}

static bool scan_port(struct scan *scan, uint16_t *ret_port)
{
    uint64_t port = 0;

    if (!scan_text(scan, ANY_PORT) && !scan_number(scan, 1, UINT16_MAX, &port))
        return false;
    *ret_port = (uint16_t)port;
    return true;
}

bool oauth_landing_of(struct span redirect, struct oauth_landing *ret_landing)
{
    static const char *const hosts[] = { "localhost", "127.0.0.1", "[::1]" };
    struct oauth_landing landing = { .port = 0 };
    struct scan scan = scan_of(redirect);

    if (!scan_word(&scan, "http://"))
        return false;
    for (size_t i = 0; i < COUNT(hosts) && !landing.host[0]; i++)
        if (scan_word(&scan, hosts[i]) && !take(landing.host, sizeof landing.host, span_of(hosts[i])))
            return false;
    if (!landing.host[0] || !scan_char(&scan, ':') || !scan_port(&scan, &landing.port))
        return false;
    struct span path = scan_rest(&scan);
    if (path.len && path.at[0] != '/')
        return false;
    if (span_find(path, '?') < path.len || span_find(path, '#') < path.len ||
        !take(landing.path, sizeof landing.path, path.len ? path : SPAN("/")))
        return false;
    *ret_landing = landing;
    return true;
}

static bool add_user(struct grant *grant, struct span user)
{
    if (!user.len || user.len > GRANT_USER_MAX || grant->user_count == GRANT_USERS_MAX)
        return true;
    for (size_t i = 0; i < grant->user_count; i++)
        if (span_is_word(user, grant->users[i]))
            return true;
    grant->users[grant->user_count] = grant_text(grant, user);
    return grant->users[grant->user_count++] != NULL;
}

bool oauth_claims_users(const struct oauth_way *way, const struct json_value *claims, struct grant *grant)
{
    for (size_t i = 0; i < way->claims.count; i++) {
        const struct json_value *claim = json_member(claims, way->claims.at[i]);
        if (!add_user(grant, json_as_text(claim)))
            return false;
        for (size_t j = 0; j < json_count(claim); j++) /* some are lists */
            if (!add_user(grant, json_as_text(json_element(claim, j))))
                return false;
    }
    return true;
}
