/* What the provider's profile knows and the person left out; and whether it all agrees. */
#include "account/account.h"

#include "account/oauth_way.h"
#include "base/alloc.h"
#include "base/str.h"
#include "mail/address.h"
#include "net/host.h"

#include "base/banned.h"

static size_t place_of(const char *key) /* in the table and in the origins; the key is in it */
{
    return (size_t)(setting_find(&account_kind, span_of(key)) - account_kind.settings);
}

static void filled_in(struct account *account, const char *key, const char *from)
{
    account->origins[place_of(key)] = (struct setting_origin){ .from = from, .filled = true };
}

/* Adds where the key was set: "FILE:N: ", or the account's name where nobody wrote it. */
static bool in_place(const struct account *account, const char *key, struct err *err)
{
    const struct setting_origin *origin = &account->origins[place_of(key)];

    if (origin->line)
        return err_in(err, "%s:%u", origin->from, origin->line);
    return err_in(err, "account %s", account->name);
}

static bool wrong(const struct account *account, const char *key, struct err *err, const char *why)
{
    return setting_wrong(&account_kind, account->origins, account->name, key, err, why);
}

static struct span domain_of(const struct account *account)
{
    struct span address = span_of(account->address);

    return span_from(address, span_find_last(address, '@') + 1);
}

static bool find_profile(struct account *account, const struct knowledge *know, struct err *err)
{
    if (account->provider) {
        account->profile = know_profile(know, account->provider);
        if (account->profile)
            return true;
        return wrong(account, "provider", err, "there is no profile of this name");
    }
    if (account->server.name)
        account->profile = know_profile_of_host(know, span_of(account->server.name));
    else if (account->address)
        account->profile = know_profile_of_domain(know, domain_of(account));
    if (!account->profile)
        return true;
    if (!(account->provider = str_copy(account->profile->id)))
        return err_no_memory(err);
    filled_in(account, "provider", account->server.name ? "the server" : "the address");
    return true;
}

/* The profile's server that agrees with what is said already; NULL: none. */
static const struct profile_server *matching_server(const struct account *account)
{
    const struct profile *profile = account->profile;

    for (size_t i = 0; profile && i < profile->server_count; i++) {
        const struct profile_server *server = &profile->servers[i];
        if (account->security && server->security != account_security(account))
            continue;
        if (account->server.port && server->port != account->server.port)
            continue;
        if (account->server.name && !span_is_word(span_of(account->server.name), server->host))
            continue;
        return server;
    }
    return NULL;
}

static bool fill_host(struct account *account, const struct profile_server *server, struct err *err)
{
    HELD(buf) host = BUF(HOST_NAME_MAX_LEN), domain = BUF(HOST_NAME_MAX_LEN + 1);
    bool wants_domain = strstr(server->host, "{domain}") != NULL;

    buf_add_span(&domain, domain_of(account));
    if (!profile_fill(&host, server->host, wants_domain && domain.len ? buf_text(&domain) : NULL))
        return wrong(account, "server", err,
                     "the provider has one for each region: name yours (server = HOST:PORT)");
    account->server.name = str_copy(buf_text(&host));
    if (!account->server.name)
        return err_no_memory(err);
    filled_in(account, "server", "the profile");
    return true;
}

/* RFC 8314, 3.3 and 7.3: 465 begins with TLS; everything else is asked for STARTTLS. */
static bool fill_server(struct account *account, struct err *err)
{
    const struct profile_server *server = matching_server(account);

    if (!account->server.name) {
        if (!server)
            return wrong(account, "server", err,
                         "none is named, and no profile knows one (server = HOST:PORT)");
        if (!fill_host(account, server, err))
            return false;
    }
    if (account->server.port == 0)
        account->server.port = server ? server->port : account_security(account) == SECURITY_TLS ? 465 : 587;
    if (account->security == 0) {
        account->security = 1u + (server ? server->security
                                         : account->server.port == 465 ? SECURITY_TLS : SECURITY_STARTTLS);
        filled_in(account, "security", server ? "the profile" : "default");
    }
    return true;
}

static bool is_set(const struct account *account, const char *key)
{
    return account->origins[place_of(key)].from != NULL;
}

/* Who names a certificate and no secret signs in by it. */
static void fill_auth(struct account *account)
{
    const struct profile *profile = account->profile;

    if (account->auth)
        return;
    if (account->client_certificate && !is_set(account, "secret")) {
        account->auth = ACCOUNT_AUTH_CERTIFICATE;
        filled_in(account, "auth", "client_certificate");
        return;
    }
    account->auth = profile && profile->password == PASSWORD_OFF && profile->oauth.token
                        ? ACCOUNT_AUTH_OAUTH
                        : ACCOUNT_AUTH_PASSWORD;
    filled_in(account, "auth", profile ? "the profile" : "default");
}

/* Does it tell the server a user name? A certificate names one itself. */
static bool wants_username(const struct account *account)
{
    return account->auth != ACCOUNT_AUTH_NONE && account->auth != ACCOUNT_AUTH_CERTIFICATE;
}

/* Where only a person knows the user name, it stays open; account_check() asks for it. */
static bool fill_username(struct account *account, struct err *err)
{
    const struct profile *profile = account->profile;
    enum profile_username kind = profile ? profile->username : USERNAME_ADDRESS;
    struct span name = span_of(account->address);

    if (account->username || !wants_username(account) || !account->address)
        return true;
    if (kind == USERNAME_LOCALPART)
        name = span_cut(name, 0, span_find_last(name, '@'));
    else if (kind == USERNAME_OTHER && !profile->username_fixed)
        return true;
    else if (kind == USERNAME_OTHER)
        name = span_of(profile->username_fixed);
    if (!(account->username = str_copy_span(name)))
        return err_no_memory(err);
    filled_in(account, "username", profile ? "the profile" : "default");
    return true;
}

static const struct {
    const char *key;
    size_t offset;
} limit_keys[] = {
#define LIMIT(member) { "limit." #member, offsetof(struct profile_limits, member) }
    LIMIT(messages_per_minute), LIMIT(messages_per_hour),      LIMIT(messages_per_day),
    LIMIT(recipients_per_day),  LIMIT(recipients_per_message), LIMIT(connections),
    LIMIT(message_size),
#undef LIMIT
};

static void fill_limits(struct account *account)
{
    for (size_t i = 0; account->profile && i < COUNT(limit_keys); i++) {
        const char *known = (const char *)&account->profile->limits + limit_keys[i].offset;
        char *ours = (char *)&account->limits + limit_keys[i].offset;
        if (account->origins[place_of(limit_keys[i].key)].from || *(const uint64_t *)(const void *)known == 0)
            continue;
        memcpy(ours, known, sizeof(uint64_t));
        filled_in(account, limit_keys[i].key, "the profile");
    }
    if (account->profile) { /* these two have no key of their own */
        account->limits.messages_per_connection = account->profile->limits.messages_per_connection;
        account->limits.block_ms = account->profile->limits.block_ms;
    }
}

/* A name with other letters ("mail.müller.example") is looked up, and stands in certificates, as ASCII (RFC 5890). What is no
 * name stays, for account_check() to tell. */
static bool take_ascii(struct account *account, struct err *err)
{
    HELD(buf) ascii = BUF(ADDRESS_DOMAIN_MAX);
    char *name = account->server.name;

    if (!name || str_is_ascii(span_of(name)) || !address_domain_parse(span_of(name), &ascii, NULL))
        return true;
    if (!(account->server.name = str_copy_span(buf_span(&ascii))))
        return err_no_memory(err);
    mem_free(name);
    return true;
}

bool account_fill(struct account *account, const struct knowledge *know, struct err *err)
{
    if (!take_ascii(account, err))
        return false;
    if (!find_profile(account, know, err) || !fill_server(account, err))
        return false;
    fill_auth(account);
    fill_limits(account);
    if (account->profile && !account->pipeline &&
        account->profile->capabilities.pipeline != PIPELINE_AUTO) {
        account->pipeline = 1u + account->profile->capabilities.pipeline;
        filled_in(account, "pipeline", "the profile");
    }
    return fill_username(account, err) &&
           settings_fill(&account_kind, account, account->origins, err);
}

/* -- does it agree with itself? -- */

static bool is_loopback(const char *host)
{
    struct ip ip;

    if (span_is_word(span_of(host), "localhost"))
        return true;
    if (!ip_parse(span_of(host), &ip))
        return false;
    if (ip.family == 4)
        return ip.bytes[0] == 127;
    static const uint8_t one[16] = { [15] = 1 };
    return memcmp(ip.bytes, one, sizeof one) == 0;
}

/* What makes sense only together, or only apart. */
static bool check_certificates(const struct account *account, struct err *err)
{
    if (account->client_certificate && !account->client_key)
        return wrong(account, "client_certificate", err, "it wants its key beside it: client_key = FILE");
    if (account->client_key && !account->client_certificate)
        return wrong(account, "client_key", err, "it wants its certificate: client_certificate = FILE");
    if (account->auth == ACCOUNT_AUTH_CERTIFICATE && !account->client_certificate)
        return wrong(account, "auth", err, "certificate wants one: client_certificate = FILE, client_key = FILE");
    if (account->client_certificate && account_security(account) == SECURITY_NONE)
        return wrong(account, "client_certificate", err, "it is shown in TLS, and security = none has none");
    if (account->client_secret && account->certificate)
        return wrong(account, "certificate", err, "an application proves itself by it or by client_secret");
    return true;
}

/* The HTTPS interfaces know tokens only. */
static bool check_transport(const struct account *account, struct err *err)
{
    bool https = account->transport == TRANSPORT_GRAPH || account->transport == TRANSPORT_GMAIL;

    return !https || account->auth == ACCOUNT_AUTH_OAUTH || account->auth == ACCOUNT_AUTH_TOKEN ||
           wrong(account, "transport", err, "it wants auth = oauth, or a token");
}

/* What changes with each use is sealed in a file; an OAuth sign-in may come from elsewhere at the first. */
static bool check_secret(const struct account *account, struct err *err)
{
    if (account->auth == ACCOUNT_AUTH_OAUTH && account->secret && span_is(span_of(account->secret), "keyring"))
        return wrong(account, "secret", err,
                     "an OAuth sign-in changes with each use and is sealed in a file (secret = file)");
    return true;
}

bool account_check(const struct account *account, struct err *err)
{
    if (!account->address)
        return wrong(account, "address", err, "the account needs a mail address");
    if (!host_check(span_of(account->server.name), err)) {
        err_in(err, "server");
        return in_place(account, "server", err);
    }
    if (wants_username(account) && !account->username)
        return wrong(account, "username", err,
                     account->profile && account->profile->username_note
                         ? account->profile->username_note
                         : "the account needs a user name");
    if (!check_certificates(account, err) || !check_secret(account, err) || !check_transport(account, err))
        return false;
    if (account_security(account) != SECURITY_NONE || (is_loopback(account->server.name) && !account->proxy))
        return true;
    if (account->auth != ACCOUNT_AUTH_NONE)
        return wrong(account, "security", err,
                     "none is for this machine only: a sign-in would cross the network unencrypted");
    if (!account->allow_plaintext)
        return wrong(account, "security", err,
                     "none to another machine wants allow_plaintext = yes: anybody on the way can read along");
    return true;
}

bool account_check_sendable(const struct account *account, struct err *err)
{
    const struct profile *profile = account->profile;

    if (account->auth == ACCOUNT_AUTH_OAUTH) {
        HELD(oauth_way) way = { .client_id = NULL };
        return oauth_way_of(account, &way, err);
    }
    if (account->auth != ACCOUNT_AUTH_PASSWORD || !profile || profile->password != PASSWORD_OFF)
        return true;
    return err_found(err, ERR_SIGNIN, "profile:no-passwords",
                     "%s takes no passwords%s%s, app passwords included: nothing was sent", profile->name,
                     profile->password_since ? " since " : "",
                     profile->password_since ? profile->password_since : "");
}
