/* From the sections of a provider's file to a profile: the tables are the format. */
#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

struct draft {
    struct profile profile;
    struct words servers;
};

#define AT(field) offsetof(struct draft, profile.field)

static const struct key provider_keys[] = {
    { "name",              KEY_TEXT,   AT(name),              NULL                             },
    { "kind",              KEY_CHOICE, AT(kind),              "mailbox service bridge generic" },
    { "family",            KEY_TEXT,   AT(family),            NULL                             },
    { "domains",           KEY_WORDS,  AT(domains),           NULL                             },
    { "domain_patterns",   KEY_WORDS,  AT(domain_patterns),   NULL                             },
    { "mx",                KEY_WORDS,  AT(mx_suffixes),       NULL                             },
    { "server",            KEY_LINES,  offsetof(struct draft, servers), NULL                   },
    { "legacy_host",       KEY_WORDS,  AT(legacy_hosts),      NULL                             },
    { "regions",           KEY_WORDS,  AT(regions),           NULL                             },
    { "mechanisms",        KEY_WORDS,  AT(mechanisms),        NULL                             },
    { "spf",               KEY_WORDS,  AT(spf),               NULL                             },
    { "dkim",              KEY_WORDS,  AT(dkim),              NULL                             },
    { "username",          KEY_CHOICE, AT(username),          "address localpart other"        },
    { "username_fixed",    KEY_TEXT,   AT(username_fixed),    NULL                             },
    { "username_note",     KEY_TEXT,   AT(username_note),     NULL                             },
    { "password",          KEY_CHOICE, AT(password),          "taken app-password off"         },
    { "password_since",    KEY_TEXT,   AT(password_since),    NULL                             },
    { "app_password_page", KEY_TEXT,   AT(app_password_page), NULL                             },
    { "http_api",          KEY_TEXT,   AT(http_api),          NULL                             },
    { "http_api_host",     KEY_TEXT,   AT(http_api_host),     NULL                             },
    { "marker",            KEY_IGNORED, 0,                    NULL                             },
    { "note",              KEY_LINES,  AT(notes),             NULL                             },
};

static const struct key oauth_keys[] = {
    { "issuer",              KEY_TEXT,     AT(oauth.issuer),              NULL                 },
    { "metadata",            KEY_TEXT,     AT(oauth.metadata),            NULL                 },
    { "authorize",           KEY_TEXT,     AT(oauth.authorize),           NULL                 },
    { "token",               KEY_TEXT,     AT(oauth.token),               NULL                 },
    { "device",              KEY_TEXT,     AT(oauth.device),              NULL                 },
    { "revoke",              KEY_TEXT,     AT(oauth.revoke),              NULL                 },
    { "tenant",              KEY_TEXT,     AT(oauth.tenant),              NULL                 },
    { "other_tenants",       KEY_WORDS,    AT(oauth.other_tenants),       NULL                 },
    { "tenant_id",           KEY_TEXT,     AT(oauth.tenant_id),           NULL                 },
    { "foreign_tenant_id",   KEY_TEXT,     AT(oauth.foreign_tenant_id),   NULL                 },
    { "client_id",           KEY_TEXT,     AT(oauth.client_id),           NULL                 },
    { "scope",               KEY_TEXT,     AT(oauth.scope),               NULL                 },
    { "identity_scope",      KEY_TEXT,     AT(oauth.identity_scope),      NULL                 },
    { "https_scope",         KEY_TEXT,     AT(oauth.https_scope),         NULL                 },
    { "imap_scope",          KEY_TEXT,     AT(oauth.imap_scope),          NULL                 },
    { "pop_scope",           KEY_TEXT,     AT(oauth.pop_scope),           NULL                 },
    { "app_scope",           KEY_TEXT,     AT(oauth.app_scope),           NULL                 },
    { "https_app_scope",     KEY_TEXT,     AT(oauth.https_app_scope),     NULL                 },
    { "redirect",            KEY_TEXT,     AT(oauth.redirect),            NULL                 },
    { "extra",               KEY_WORDS,    AT(oauth.extra),               NULL                 },
    { "username_claims",     KEY_WORDS,    AT(oauth.username_claims),     NULL                 },
    { "grants",              KEY_BITS,     AT(oauth.grants),              "code device client" },
    { "device_declined",     KEY_TEXT,     AT(oauth.device_declined),     NULL                 },
    { "assertion",           KEY_TEXT,     AT(oauth.assertion),           NULL                 },
    { "busy_codes",          KEY_WORDS,    AT(oauth.busy_codes),          NULL                 },
    { "device_interval",     KEY_DURATION, AT(oauth.device_interval_ms),  NULL                 },
    { "device_expires",      KEY_DURATION, AT(oauth.device_expires_ms),   NULL                 },
    { "refresh_lifetime",    KEY_DURATION, AT(oauth.refresh_lifetime_ms), NULL                 },
    { "least_token_life",    KEY_DURATION, AT(oauth.least_token_life_ms), NULL                 },
    { "pkce",                KEY_YES,      AT(oauth.pkce),                NULL                 },
    { "one_resource",        KEY_YES,      AT(oauth.one_resource),        NULL                 },
    { "consent_together",    KEY_YES,      AT(oauth.consent_together),    NULL                 },
    { "issuer_varies",       KEY_YES,      AT(oauth.issuer_varies),       NULL                 },
    { "rotates",             KEY_YES,      AT(oauth.rotates),             NULL                 },
    { "old_stays_valid",     KEY_YES,      AT(oauth.old_stays_valid),     NULL                 },
    { "registration_closed", KEY_YES,      AT(oauth.registration_closed), NULL                 },
    { "note",                KEY_LINES,    AT(oauth.notes),               NULL                 },
};

static const struct key limit_keys[] = {
    { "messages_per_minute",     KEY_NUMBER,   AT(limits.messages_per_minute),     NULL },
    { "messages_per_hour",       KEY_NUMBER,   AT(limits.messages_per_hour),       NULL },
    { "messages_per_day",        KEY_NUMBER,   AT(limits.messages_per_day),        NULL },
    { "recipients_per_day",      KEY_NUMBER,   AT(limits.recipients_per_day),      NULL },
    { "recipients_per_message",  KEY_NUMBER,   AT(limits.recipients_per_message),  NULL },
    { "connections",             KEY_NUMBER,   AT(limits.connections),             NULL },
    { "messages_per_connection", KEY_NUMBER,   AT(limits.messages_per_connection), NULL },
    { "message_size",            KEY_NUMBER,   AT(limits.message_size),            NULL },
    { "block",                   KEY_DURATION, AT(limits.block_ms),                NULL },
};

static const struct key capability_keys[] = {
    { "ehlo",                  KEY_LINES,  AT(capabilities.ehlo),                  NULL },
    { "ehlo_clear",            KEY_LINES,  AT(capabilities.ehlo_clear),            NULL },
    { "greeting",              KEY_LINES,  AT(capabilities.greeting),              NULL },
    { "pipeline",              KEY_CHOICE, AT(capabilities.pipeline),
      "auto transactions commands off" },
    { "sender_check",          KEY_CHOICE, AT(capabilities.sender_check), "unknown none mail rcpt end" },
    { "long_initial_response", KEY_YES,    AT(capabilities.long_initial_response), NULL },
    { "error_challenge",       KEY_YES,    AT(capabilities.error_challenge),       NULL },
    { "null_sender",           KEY_YES,    AT(capabilities.null_sender),           NULL },
};

static const struct {
    const char *kind;
    const struct key *keys;
    size_t count;
} sections[] = {
    { "provider",     provider_keys,   COUNT(provider_keys)   },
    { "oauth",        oauth_keys,      COUNT(oauth_keys)      },
    { "limits",       limit_keys,      COUNT(limit_keys)      },
    { "capabilities", capability_keys, COUNT(capability_keys) },
};

static bool bad_server(const struct ini_section *section, const char *line, struct err *err)
{
    return err_found(err, ERR_CONFIG, "config:bad",
                     "line %u: server: \"%s\" is not HOST:PORT SECURITY", section->line, line);
}

static bool read_server(struct knowledge *know, const struct ini_section *section, const char *line,
                        struct profile_server *ret_server, struct err *err)
{
    struct span rest = span_of(line), host, port;
    struct profile_server server;

    if (!span_split(&rest, ':', &host) || !span_split(&rest, ' ', &port) || !host.len ||
        !str_to_u16(port, 1, UINT16_MAX, &server.port) ||
        !security_from_word(span_trim(rest), &server.security))
        return bad_server(section, line, err);
    server.host = pool_text(&know->pool, host);
    if (!server.host)
        return err_no_memory(err);
    *ret_server = server;
    return true;
}

static bool read_servers(struct knowledge *know, const struct ini_section *section,
                         struct draft *draft, struct err *err)
{
    struct profile_server *servers =
        pool_array(&know->pool, draft->servers.count, sizeof *servers);

    if (!servers)
        return err_no_memory(err);
    for (size_t i = 0; i < draft->servers.count; i++)
        if (!read_server(know, section, draft->servers.at[i], &servers[i], err))
            return false;
    draft->profile.servers = servers;
    draft->profile.server_count = draft->servers.count;
    return true;
}

bool profile_read(struct knowledge *know, const struct ini *ini, struct profile *ret_profile,
                  struct err *err)
{
    const struct ini_section *provider = ini_section_at(ini, 0);
    struct draft draft = { .profile = { .id = provider->name.at, .name = provider->name.at } };

    for (size_t i = 0; i < COUNT(sections); i++) {
        const char *name = i == 0 ? draft.profile.id : "";
        const struct ini_section *section = ini_find(ini, sections[i].kind, name);
        if (section && !keys_read(know, section, sections[i].keys, sections[i].count, &draft, err))
            return false;
    }
    if (!read_servers(know, provider, &draft, err))
        return false;
    *ret_profile = draft.profile;
    return true;
}
