#include "sandbox/scope.h"

#include "base/str.h"

#include "base/banned.h"

/* These say who it is, and for how long: they open nothing. */
static bool opens_nothing(struct span word)
{
    static const char *const words[] = { "openid", "profile", "email", "offline_access" };

    for (size_t i = 0; i < COUNT(words); i++)
        if (span_is(word, words[i]))
            return true;
    return !word.len;
}

static bool has(struct span scope, struct span word)
{
    struct span part;

    while (span_split(&scope, ' ', &part))
        if (span_equal(part, word))
            return true;
    return false;
}

bool scope_has(struct span scope, const char *word)
{
    return has(scope, span_of(word));
}

bool scope_is_within(struct span asked, struct span agreed)
{
    struct span word;

    while (span_split(&asked, ' ', &word))
        if (!opens_nothing(word) && !has(agreed, word))
            return false;
    return true;
}

/* Has the token all that one needs? A provider without a scope for it asks for none. */
static bool opens(const char *needed, struct span scope)
{
    return needed && scope_is_within(span_of(needed), scope);
}

unsigned scope_powers(const struct profile *profile, struct span scope)
{
    const struct profile_oauth *oauth = &profile->oauth;
    const char *https = oauth->https_scope ? oauth->https_scope : oauth->scope;
    const char *https_app = oauth->https_app_scope ? oauth->https_app_scope : oauth->app_scope;
    bool smtp = opens(oauth->scope, scope) || opens(oauth->app_scope, scope);
    bool by_api = opens(https, scope) || opens(https_app, scope);

    /* Gmail's wider scope is good for its API, too. */
    if (profile->http_api && strcmp(profile->http_api, "gmail") == 0)
        by_api |= smtp;
    return (smtp ? SCOPE_SMTP : 0u) | (by_api ? SCOPE_HTTPS : 0u);
}

/* "https://graph.microsoft.com" of "https://graph.microsoft.com/Mail.Send". */
static struct span resource_of(struct span word)
{
    const size_t front = strlen("https://");

    if (!span_starts(word, "https://"))
        return SPAN_NONE;
    return span_cut(word, 0, front + span_find(span_from(word, front), '/'));
}

bool scope_is_one_resource(struct span scope)
{
    struct span first = SPAN_NONE, word;

    while (span_split(&scope, ' ', &word)) {
        struct span resource = resource_of(word);
        if (first.len && resource.len && !span_equal(first, resource))
            return false;
        if (resource.len)
            first = resource;
    }
    return true;
}

void scope_resource(struct span scope, struct buf *out)
{
    struct span word;

    while (span_split(&scope, ' ', &word)) {
        if (!resource_of(word).len)
            continue;
        buf_add_span(out, resource_of(word));
        return;
    }
}
