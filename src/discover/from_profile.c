#include "base/buf.h"
#include "discover/discover_int.h"

#include "base/banned.h"

/* "inbound-smtp.us-east-1.amazonaws.com" tells the region, where it is one of the profile's. */
static const char *region_of(const struct profile *profile, struct span mx)
{
    struct span label;

    while (span_split(&mx, '.', &label))
        for (size_t i = 0; i < profile->regions.count; i++)
            if (span_is_word(label, profile->regions.at[i]))
                return profile->regions.at[i];
    return NULL;
}

/* The host with its blank filled in, if it has one and we know with what. */
static bool write_host(const struct profile *profile, const char *text, struct span domain,
                       struct span mx, struct candidate *candidate)
{
    HELD(buf) host = BUF(sizeof candidate->host - 1);
    HELD(buf) value = BUF(sizeof candidate->host - 1);

    if (span_find_text(span_of(text), "{domain}") < strlen(text))
        buf_add_span(&value, domain);
    else if (region_of(profile, mx))
        buf_add(&value, region_of(profile, mx));
    if (!profile_fill(&host, text, value.len ? buf_text(&value) : NULL) || host.full)
        return false;
    memcpy(candidate->host, buf_text(&host), host.len + 1);
    return true;
}

static void write_username(const struct profile *profile, struct span address, struct candidate *candidate)
{
    struct span local = span_cut(address, 0, span_find_last(address, '@'));
    struct span name = address;

    if (profile->username == USERNAME_LOCALPART)
        name = local;
    else if (profile->username == USERNAME_OTHER)
        name = span_of(profile->username_fixed);
    if (name.len && name.len < sizeof candidate->username)
        memcpy(candidate->username, name.at, name.len);
}

size_t from_profile(struct candidates *candidates, const struct profile *profile,
                    enum candidate_source source, struct span address, struct span mx,
                    const struct knowledge *know)
{
    struct span domain = span_from(address, span_find_last(address, '@') + 1);
    size_t added = 0;

    for (size_t i = 0; i < profile->server_count; i++) {
        const struct profile_server *server = &profile->servers[i];
        struct candidate candidate = { .port = server->port, .security = server->security,
                                       .profile = profile, .source = source };
        if (!write_host(profile, server->host, domain, mx, &candidate))
            continue;
        write_username(profile, address, &candidate);
        added += candidates_add(candidates, &candidate, domain, know);
    }
    return added;
}
