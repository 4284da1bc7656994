#include "discover/candidate.h"

#include "base/str.h"
#include "mail/address.h"
#include "net/host.h"

#include "base/banned.h"

static const struct {
    const char *word, *words;
} sources[] = {
#define X(name, word, words) [SOURCE_##name] = { word, words },
    CANDIDATE_SOURCES(X)
#undef X
};

static const char *const auths[] = {
    [CANDIDATE_OAUTH] = "oauth",
    [CANDIDATE_PASSWORD] = "password",
    [CANDIDATE_NONE] = "none",
};

const char *candidate_source_word(enum candidate_source source)
{
    return sources[source].word;
}

const char *candidate_source_words(enum candidate_source source)
{
    return sources[source].words;
}

const char *candidate_auth_word(enum candidate_auth auth)
{
    return auths[auth];
}

void candidate_add_auth(struct candidate *candidate, enum candidate_auth auth)
{
    for (size_t i = 0; i < candidate->auth_count; i++)
        if (candidate->auth[i] == auth)
            return;
    candidate->auth[candidate->auth_count++] = auth;
}

/* Host names are compared and shown in lower case, without the trailing dot. */
static bool tidy_host(char host[static CANDIDATE_HOST_MAX])
{
    HELD(buf) ascii = BUF(ADDRESS_DOMAIN_MAX);
    size_t len = strnlen(host, CANDIDATE_HOST_MAX);

    if (len < CANDIDATE_HOST_MAX && !str_is_ascii((struct span){ host, len }) &&
        address_domain_parse((struct span){ host, len }, &ascii, NULL) && ascii.len < CANDIDATE_HOST_MAX) {
        len = ascii.len; /* as it is looked up, and as it stands in certificates (RFC 5890) */
        memcpy(host, buf_text(&ascii), len + 1);
    }
    if (len && len < CANDIDATE_HOST_MAX && host[len - 1] == '.')
        host[--len] = '\0';
    for (size_t i = 0; i < len; i++)
        host[i] = str_lower(host[i]);
    return len < CANDIDATE_HOST_MAX && host_check((struct span){ host, len }, NULL);
}

/* Who says nothing of how one signs in leaves it to what is known of the host. */
static void add_known_auth(struct candidate *candidate)
{
    const struct profile *profile = candidate->profile;

    if (!profile || candidate->auth_count)
        return;
    if (profile->oauth.token)
        candidate_add_auth(candidate, CANDIDATE_OAUTH);
    if (profile->password != PASSWORD_OFF)
        candidate_add_auth(candidate, CANDIDATE_PASSWORD);
}

/* A profile's own host names may have blanks to fill in; only a plain one can stand in for another. */
static void leave_legacy_host(struct candidate *candidate)
{
    const struct profile *profile = candidate->profile;

    if (!profile || !profile->server_count ||
        !profile_is_legacy_host(profile, span_of(candidate->host)))
        return;
    const struct profile_server *now = &profile->servers[0];
    size_t len = strlen(now->host);
    if (len >= sizeof candidate->host || !host_is_name(span_of(now->host)))
        return;
    memcpy(candidate->host, now->host, len + 1);
    candidate->port = now->port;
    candidate->security = now->security;
}

static bool lies_under(struct span host, struct span domain)
{
    if (span_equal_word(host, domain))
        return true;
    return host.len > domain.len && host.at[host.len - domain.len - 1] == '.' &&
           span_equal_word(span_from(host, host.len - domain.len), domain);
}

static bool stands_for_itself(const struct candidate *candidate, struct span domain)
{
    static const unsigned trusted = 1u << SOURCE_GIVEN | 1u << SOURCE_PROFILE |
                                    1u << SOURCE_PROFILE_MX | 1u << SOURCE_AUTOCONFIG;

    return (candidate->sources & trusted) || lies_under(span_of(candidate->host), domain);
}

static bool same_way(const struct candidate *a, const struct candidate *b)
{
    return a->port == b->port && a->security == b->security && !strcmp(a->host, b->host);
}

static void drop(struct candidates *candidates, size_t at)
{
    candidates->count--;
    memmove(&candidates->at[at], &candidates->at[at + 1],
            (candidates->count - at) * sizeof candidates->at[0]);
}

/* Takes the one that is the same way out of the list: into `added`, where that is from a source that
 * knows better, else in its stead. */
static void merge(struct candidates *candidates, struct candidate *added)
{
    for (size_t i = 0; i < candidates->count; i++) {
        struct candidate *old = &candidates->at[i];
        if (!same_way(old, added))
            continue;
        unsigned all = old->sources | added->sources;
        if (old->source <= added->source)
            *added = *old;
        added->sources = all;
        drop(candidates, i);
        return;
    }
}

bool candidates_add(struct candidates *candidates, const struct candidate *candidate,
                    struct span domain, const struct knowledge *know)
{
    struct candidate added = *candidate;
    size_t at = 0;

    if (!tidy_host(added.host) || !added.port)
        return false;
    if (!added.profile && know)
        added.profile = know_profile_of_host(know, span_of(added.host));
    leave_legacy_host(&added);
    add_known_auth(&added);

    added.sources = 1u << added.source;
    merge(candidates, &added);
    added.refused = added.security == SECURITY_NONE && added.source != SOURCE_GIVEN;
    added.needs_confirmation = !stands_for_itself(&added, domain);

    while (at < candidates->count && candidates->at[at].source <= added.source)
        at++;
    if (at == CANDIDATES_MAX)
        return false;
    if (candidates->count == CANDIDATES_MAX)
        candidates->count--;
    memmove(&candidates->at[at + 1], &candidates->at[at],
            (candidates->count - at) * sizeof candidates->at[0]);
    candidates->at[at] = added;
    candidates->count++;
    return true;
}
