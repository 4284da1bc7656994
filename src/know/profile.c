#include "know/profile.h"

#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

static const char *const securities[] = {
    [SECURITY_STARTTLS] = "starttls",
    [SECURITY_TLS] = "tls",
    [SECURITY_NONE] = "none",
};

static const char *const kinds[] = {
    [PROFILE_MAILBOX] = "mailbox",
    [PROFILE_SERVICE] = "service",
    [PROFILE_BRIDGE] = "bridge",
    [PROFILE_GENERIC] = "generic",
};

const char *security_word(enum security security)
{
    return securities[security];
}

bool security_from_word(struct span word, enum security *ret_security)
{
    for (size_t i = 0; i < COUNT(securities); i++) {
        if (!span_is_word(word, securities[i]))
            continue;
        *ret_security = (enum security)i;
        return true;
    }
    return false;
}

const char *profile_kind_word(enum profile_kind kind)
{
    return kinds[kind];
}

bool words_have(struct words words, const char *word)
{
    for (size_t i = 0; i < words.count; i++)
        if (span_is_word(span_of(word), words.at[i]))
            return true;
    return false;
}

size_t know_profile_count(const struct knowledge *know)
{
    return know->profile_count;
}

const struct profile *know_profile_at(const struct knowledge *know, size_t at)
{
    return &know->profiles[at];
}

const struct profile *know_profile(const struct knowledge *know, const char *id)
{
    size_t from = 0, to = know->profile_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = strcmp(know->profiles[middle].id, id);
        if (order == 0)
            return &know->profiles[middle];
        if (order < 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* As strcasecmp() would, for a span and a word of the index, which is in small letters. */
static int domain_order(struct span domain, const char *name)
{
    for (size_t i = 0; i < domain.len; i++) {
        unsigned char a = (unsigned char)str_lower(domain.at[i]), b = (unsigned char)name[i];
        if (a != b)
            return a < b ? -1 : 1;
    }
    return name[domain.len] ? -1 : 0;
}

static const struct profile *exactly(const struct knowledge *know, struct span domain)
{
    size_t from = 0, to = know->domain_count;

    while (from < to) {
        size_t middle = from + (to - from) / 2;
        int order = domain_order(domain, know->domains[middle].name);
        if (order == 0)
            return know->domains[middle].profile;
        if (order > 0)
            from = middle + 1;
        else
            to = middle;
    }
    return NULL;
}

/* "fr", "com", "co.uk", "com.pe": where a company has its name in many countries. Not
 * "example.org", under which anybody may have a "live". */
static bool is_country_ending(struct span ending)
{
    static const char *const seconds[] = { "co", "com", "net", "org", "ne", "or" };
    struct span country = ending, second;

    if (span_is_word(ending, "com") || !span_split(&country, '.', &second))
        return span_is_word(ending, "com");
    if (country.len == 0)
        return second.len == 2;
    for (size_t i = 0; i < COUNT(seconds); i++)
        if (span_is_word(second, seconds[i]))
            return country.len == 2;
    return false;
}

/* "hotmail.*" or "*.onmicrosoft.com" */
bool domain_fits(struct span domain, struct span pattern)
{
    if (span_starts(pattern, "*.")) {
        struct span ending = span_from(pattern, 1);
        return domain.len > ending.len &&
               span_equal_word(span_from(domain, domain.len - ending.len), ending);
    }
    struct span name = span_cut(pattern, 0, pattern.len - 1); /* "hotmail." */
    return domain.len > name.len && span_equal_word(span_cut(domain, 0, name.len), name) &&
           is_country_ending(span_from(domain, name.len));
}

static bool fits_pattern(const struct profile *profile, struct span domain)
{
    for (size_t i = 0; i < profile->domain_patterns.count; i++)
        if (domain_fits(domain, span_of(profile->domain_patterns.at[i])))
            return true;
    return false;
}

const struct profile *know_profile_of_domain(const struct knowledge *know, struct span domain)
{
    if (domain.len && domain.at[domain.len - 1] == '.')
        domain.len--;
    const struct profile *found = exactly(know, domain);
    for (size_t i = 0; !found && i < know->profile_count; i++)
        if (fits_pattern(&know->profiles[i], domain))
            found = &know->profiles[i];
    return found;
}

/* Is it this name, or one below it? */
static bool is_below(struct span host, const char *suffix)
{
    size_t len = strlen(suffix);

    return span_ends_word(host, suffix) &&
           (host.len == len || host.at[host.len - len - 1] == '.');
}

const struct profile *know_profile_of_mx(const struct knowledge *know, struct span host)
{
    const struct profile *found = NULL;
    size_t longest = 0;

    if (host.len && host.at[host.len - 1] == '.')
        host.len--;
    for (size_t i = 0; i < know->profile_count; i++) {
        const struct profile *profile = &know->profiles[i];
        for (size_t k = 0; k < profile->mx_suffixes.count; k++) {
            const char *suffix = profile->mx_suffixes.at[k];
            if (strlen(suffix) <= longest || !is_below(host, suffix))
                continue;
            longest = strlen(suffix);
            found = profile;
        }
    }
    return found;
}

bool profile_greets(const struct profile *profile, struct span greeting)
{
    const struct words *known = &profile->capabilities.greeting;

    for (size_t i = 0; i < known->count; i++)
        if (pattern_in(greeting, known->at[i]))
            return true;
    return known->count == 0;
}

bool profile_is_legacy_host(const struct profile *profile, struct span host)
{
    for (size_t i = 0; i < profile->legacy_hosts.count; i++)
        if (span_is_word(host, profile->legacy_hosts.at[i]))
            return true;
    return false;
}

/* A server's name with {region} in it is any name that begins and ends likewise. */
bool host_fits(struct span host, struct span server)
{
    size_t open = span_find(server, '{'), close = span_find(server, '}');

    if (open == server.len || close == server.len)
        return span_equal_word(host, server);
    struct span before = span_cut(server, 0, open), after = span_from(server, close + 1);
    return before.len && after.len && host.len > before.len + after.len &&
           span_equal_word(span_cut(host, 0, before.len), before) &&
           span_equal_word(span_from(host, host.len - after.len), after);
}

/* Where the host stands among the profile's servers; one of old comes behind them all. */
static bool host_place(const struct profile *profile, struct span host, size_t *ret_place)
{
    for (size_t i = 0; i < profile->server_count; i++) {
        if (!host_fits(host, span_of(profile->servers[i].host)))
            continue;
        *ret_place = i;
        return true;
    }
    *ret_place = profile->server_count;
    return profile_is_legacy_host(profile, host);
}

/* Some servers serve several profiles: the one that names it first has it, then the one with the
 * most domains of its own. */
const struct profile *know_profile_of_host(const struct knowledge *know, struct span host)
{
    const struct profile *found = NULL;
    size_t best = 0, place;

    for (size_t i = 0; i < know->profile_count; i++) {
        const struct profile *profile = &know->profiles[i];
        if (!host_place(profile, host, &place))
            continue;
        if (found && (place > best ||
                      (place == best && profile->domains.count <= found->domains.count)))
            continue;
        found = profile;
        best = place;
    }
    return found;
}

static bool is_plain(const char *value)
{
    for (const char *c = value; *c; c++)
        if (!str_is_alpha(*c) && !str_is_digit(*c) && *c != '.' && *c != '-')
            return false;
    return *value != '\0';
}

bool profile_fill(struct buf *out, const char *text, const char *value_or_null)
{
    struct span rest = span_of(text);
    size_t open = span_find(rest, '{'), close = span_find(rest, '}');
    HELD(buf) filled = BUF(4096);

    if (open == rest.len || close < open) {
        buf_add(out, text);
        return !out->full;
    }
    if (!value_or_null || !is_plain(value_or_null))
        return false;
    buf_add_span(&filled, span_cut(rest, 0, open));
    buf_add(&filled, value_or_null);
    buf_add_span(&filled, span_from(rest, close + 1));
    if (filled.full)
        return false;
    buf_add_span(out, buf_span(&filled));
    return !out->full;
}
