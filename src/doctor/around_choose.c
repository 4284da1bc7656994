#include <stdio.h>

#include "base/str.h"
#include "doctor/around.h"
#include "know/knowledge.h"

#include "base/banned.h"

/* Big ones, known to be there: what can't reach them can't reach anybody. */
static const char *const references[] = { "gmail", "microsoft365", "fastmail" };

static const uint16_t ports[] = { 465, 587, 25, 2525 };

static enum security customary(uint16_t port)
{
    return port == 465 ? SECURITY_TLS : SECURITY_STARTTLS;
}

/* These ask a server that is asked already, in another way. */
static bool is_same_server(enum around_role one, enum around_role other)
{
    bool is_another_way = one == AROUND_SHORT || one == AROUND_UNPINNED || other == AROUND_SHORT || other == AROUND_UNPINNED;

    return !is_another_way || one == other;
}

static void add(struct around_view *view, enum around_role role, const char *host, uint16_t port,
                enum security security)
{
    if (view->count == AROUND_MAX)
        return;
    for (size_t i = 0; i < view->count; i++) {
        const struct around_sight *there = &view->at[i];
        if (is_same_server(role, there->role) && there->port == port && there->security == security && strcmp(there->host, host) == 0)
            return;
    }
    struct around_sight *sight = &view->at[view->count++];
    *sight = (struct around_sight){ .role = role, .port = port, .security = security };
    snprintf(sight->host, sizeof sight->host, "%s", host);
}

static bool is_filled(const char *host)
{
    return strchr(host, '{') == NULL;
}

static bool is_same_family(const struct profile *a, const struct profile *b)
{
    return a && (strcmp(a->id, b->id) == 0 || (a->family && b->family && strcmp(a->family, b->family) == 0));
}

static void add_ports(const struct around_target *target, struct around_view *view)
{
    for (size_t i = 0; i < COUNT(ports); i++)
        if (ports[i] != target->port)
            add(view, AROUND_PORT, target->host, ports[i], customary(ports[i]));
}

static void add_siblings(const struct around_target *target, struct around_view *view)
{
    const struct profile *profile = target->profile;

    for (size_t i = 0; profile && i < profile->server_count && i < 4; i++) {
        const struct profile_server *server = &profile->servers[i];
        if (is_filled(server->host) && strcmp(server->host, target->host) != 0 && server->security != SECURITY_NONE)
            add(view, AROUND_SIBLING, server->host, server->port, server->security);
    }
}

/* The first of the others that serves the same port. */
static void add_other(const struct knowledge *know, const struct around_target *target, struct around_view *view)
{
    for (size_t i = 0; i < COUNT(references); i++) {
        const struct profile *other = know_profile(know, references[i]);
        if (!other || is_same_family(target->profile, other))
            continue;
        for (size_t k = 0; k < other->server_count; k++) {
            if (other->servers[k].port != target->port)
                continue;
            add(view, AROUND_OTHER, other->servers[k].host, target->port, other->servers[k].security);
            return;
        }
    }
}

static void add_web(const struct knowledge *know, const struct around_target *target, struct around_view *view)
{
    bool added = false;

    if (target->profile && target->profile->http_api_host)
        add(view, AROUND_WEB, target->profile->http_api_host, 443, SECURITY_TLS);
    for (size_t i = 0; !added && i < COUNT(references); i++) {
        const struct profile *other = know_profile(know, references[i]);
        if (!other || !other->http_api_host || is_same_family(target->profile, other))
            continue;
        add(view, AROUND_WEB, other->http_api_host, 443, SECURITY_TLS);
        added = true;
    }
}

void around_choose(const struct knowledge *know, const struct around_target *target, struct around_view *ret_view)
{
    *ret_view = (struct around_view){ 0 };
    add_ports(target, ret_view);
    add_siblings(target, ret_view);
    if (target->is_private)
        return;
    add_other(know, target, ret_view);
    add_web(know, target, ret_view);
}

void around_add_otherwise(const struct around_target *target, struct around_view *view)
{
    add(view, AROUND_OTHERWISE, target->host, target->port,
        target->security == SECURITY_TLS ? SECURITY_STARTTLS : SECURITY_TLS);
}

void around_add_short(const struct around_target *target, struct around_view *view)
{
    add(view, AROUND_SHORT, target->host, target->port, target->security);
}

void around_add_unpinned(const struct around_target *target, struct around_view *view)
{
    add(view, AROUND_UNPINNED, target->host, target->port, target->security);
}
