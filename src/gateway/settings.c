/* The tables of [listen NAME] and [user NAME], and what holds them together. */
#include "gateway/settings.h"

#include "account/password.h"
#include "base/str.h"

#include "base/banned.h"

static const char *const security_words[] = { "starttls", "tls", "auto", "none", NULL };
static const char *const tls_words[] = { "1.0", "1.1", "1.2", "1.3", NULL };
static const char *const line_ends_words[] = { "strict", "repair", NULL };
static const char *const deliver_words[] = { "queued", "while-waiting", NULL };
static const char *const other_senders_words[] = { "rewrite", "refuse", "keep", NULL };

/* A word's number is its place, from 1. */
_Static_assert(GATEWAY_STARTTLS == 1 && GATEWAY_NONE == 4, "as in security_words");
_Static_assert(TLS_VERSION_1_0 == 1 && TLS_VERSION_1_3 == 4, "as in tls_words");
_Static_assert(LINE_ENDS_STRICT == 1 && LINE_ENDS_REPAIR == 2, "as in line_ends_words");
_Static_assert(DELIVER_QUEUED == 1 && DELIVER_WHILE_WAITING == 2, "as in deliver_words");
_Static_assert(OTHER_SENDERS_REWRITE == 1 && OTHER_SENDERS_KEEP == 3, "as in other_senders_words");



static bool bad(struct err *err, const char *why)
{
    return err_found(err, ERR_CONFIG, "config:bad", "%s", why);
}

/* -- single values -- */

/* A network so wide that it names nobody; "any" is the honest word for it. */
static bool is_too_wide(const struct ip_network *network)
{
    return network->bits < (network->ip.family == 4 ? 8 : 7);
}

static bool is_network(struct span word, struct err *err)
{
    struct ip_network network;

    if (!ip_network_parse(word, &network, err))
        return false;
    return !is_too_wide(&network) || bad(err, "a network of that size names nobody");
}

static bool count_networks(struct span value, size_t *ret_count, struct err *err)
{
    struct span part;

    for (*ret_count = 0; span_split(&value, ',', &part);) {
        part = span_trim(part);
        if (part.len && !is_network(part, err))
            return false;
        *ret_count += part.len > 0;
    }
    return true;
}

static bool are_networks(struct span value, struct err *err)
{
    size_t count;

    return count_networks(value, &count, err);
}

static bool is_allow(struct span value, struct err *err)
{
    size_t count;

    if (span_is_word(value, "private") || span_is_word(value, "any"))
        return true;
    if (count_networks(value, &count, err) && (count || bad(err, "nobody could come in")))
        return true;
    return err_in(err, "private, any, or a list of networks is wanted");
}

/* HOST and, behind the last colon, PORT; an IPv6 address stands in brackets. */
static bool read_address(struct span value, struct listen_address *ret_address)
{
    struct listen_address address = { .where = LISTEN_AT_IP };
    size_t colon = span_find_last(value, ':'), bracket = span_find(value, ']');
    struct span host = value;

    if (span_starts(value, "unix:")) {
        address.where = LISTEN_AT_UNIX;
        address.path = value.at + strlen("unix:");
        *ret_address = address;
        return value.len > strlen("unix:") && *address.path == '/';
    }
    if (colon < value.len && (bracket == value.len ? span_find(value, ':') == colon : bracket < colon)) {
        host = span_cut(value, 0, colon);
        if (!str_to_u16(span_from(value, colon + 1), 1, UINT16_MAX, &address.port))
            return false;
    }
    if (span_is_word(host, "localhost"))
        address.where = LISTEN_AT_LOCALHOST;
    else if (span_is(host, "*"))
        address.where = LISTEN_AT_ANY;
    else if (!ip_parse(host, &address.ip))
        return false;
    *ret_address = address;
    return true;
}

static bool is_address(struct span value, struct err *err)
{
    struct listen_address address;

    return read_address(value, &address) ||
           bad(err, "ADDRESS:PORT is wanted (0.0.0.0:587, [::1]:587, localhost:587, *:587), or unix:/PATH");
}

static bool is_account(struct span value, struct err *err)
{
    return span_is(value, LISTEN_BY_SENDER) || setting_name_check(value, err);
}

static bool is_scram(struct span value, struct err *err)
{
    struct password_scram keys;

    return password_scram_read(value, &keys, err);
}

/* -- the tables -- */

#define AT(member_) .offset = offsetof(struct listen_settings, member_)

static const struct setting listen_table[] = {
    { .key = "address", .type = SETTING_TEXT, AT(address), .check = is_address,
      .doc = "where it listens: ADDRESS:PORT, *:PORT, unix:/PATH" },
    { .key = "security", .type = SETTING_WORD, AT(security), .words = security_words, .fallback = "starttls",
      .doc = "starttls, tls, auto (both on one port), none" },
    { .key = "allow", .type = SETTING_LIST, AT(allow), .check = is_allow,
      .doc = "who may come in: private (the default), any, or a list of networks" },
    { .key = "no_password_from", .type = SETTING_LIST, AT(no_password_from), .check = are_networks,
      .doc = "networks that need no sign-in" },
    { .key = "plaintext_auth", .type = SETTING_BOOL, AT(plaintext_auth), .fallback = "no",
      .doc = "take passwords without TLS; only with an allow that names networks" },
    { .key = "scram_plus", .type = SETTING_BOOL, AT(scram_plus), .fallback = "no",
      .doc = "offer SCRAM-SHA-256-PLUS, too, bound to TLS 1.3: some clients take it and can't do it" },
    { .key = "tls_certificate", .type = SETTING_TEXT, AT(tls_certificate),
      .doc = "a PEM file, the chain behind it; default: one made at the first start" },
    { .key = "tls_key", .type = SETTING_TEXT, AT(tls_key), .doc = "the certificate's key, a PEM file" },
    { .key = "tls_minimum", .type = SETTING_WORD, AT(tls_minimum), .words = tls_words, .fallback = "1.2",
      .doc = "the oldest TLS that is taken; below 1.2 only with an allow that names networks" },
    { .key = "line_ends", .type = SETTING_WORD, AT(line_ends), .words = line_ends_words,
      .fallback = "strict", .doc = "strict, or repair: a bare LF from a device becomes CR LF" },
    { .key = "account", .type = SETTING_TEXT, AT(account), .check = is_account, .fallback = LISTEN_BY_SENDER,
      .doc = "the account or route that sends, or by-sender" },
    { .key = "other_senders", .type = SETTING_WORD, AT(other_senders), .words = other_senders_words,
      .doc = "what is done with a message whose sender is not the account's; default: as the account says" },
    { .key = "deliver", .type = SETTING_WORD, AT(deliver), .words = deliver_words, .fallback = "queued",
      .doc = "queued, or while-waiting: the provider's own answer where nothing else waits" },
    { .key = "proxy_from", .type = SETTING_LIST, AT(proxy_from), .check = are_networks,
      .doc = "networks of load balancers that say who calls by the PROXY protocol; they must" },
    { .key = "xclient_from", .type = SETTING_LIST, AT(xclient_from), .check = are_networks,
      .doc = "networks of mail proxies that may say who calls by XCLIENT" },
    { .key = "message_size", .type = SETTING_SIZE, AT(message_size),
      .doc = "the largest message that is taken; default: what the account's provider takes" },
};

_Static_assert(COUNT(listen_table) == LISTEN_SETTINGS, "each setting has an origin");

static const struct setting_kind listen_kind = {
    "listen", true, listen_table, COUNT(listen_table), "where devices and programs hand mail in",
};

#undef AT
#define AT(member_) .offset = offsetof(struct user_settings, member_)

static const struct setting user_table[] = {
    { .key = "password", .type = SETTING_TEXT, AT(password), .check = password_hash_check, .hidden = true,
      .doc = "the password's hash; outpost user add makes it" },
    { .key = "scram_sha_256", .type = SETTING_TEXT, AT(scram_sha_256), .check = is_scram, .hidden = true,
      .doc = "what SCRAM-SHA-256 needs in the password's place" },
    { .key = "accounts", .type = SETTING_LIST, AT(accounts),
      .doc = "the accounts and routes that may be used; default: all" },
    { .key = "other_senders", .type = SETTING_WORD, AT(other_senders), .words = other_senders_words,
      .doc = "what is done with a message whose sender is not the account's; default: as the listener says" },
};

_Static_assert(COUNT(user_table) == USER_SETTINGS, "each setting has an origin");

static const struct setting_kind user_kind = {
    "user", true, user_table, COUNT(user_table), "who may sign in at the gateway",
};

/* -- what they say -- */

bool listen_address(const struct listen_settings *settings, struct listen_address *ret_address)
{
    if (!settings->address || !read_address(span_of(settings->address), ret_address))
        return false;
    if (ret_address->where != LISTEN_AT_UNIX && !ret_address->port)
        ret_address->port = settings->security == GATEWAY_TLS    ? 465
                            : settings->security == GATEWAY_NONE ? 25
                                                                 : 587;
    return true;
}

uint16_t listen_port(const struct listen_settings *settings)
{
    struct listen_address address;

    return listen_address(settings, &address) ? address.port : 0;
}

bool listen_is_local(const struct listen_settings *settings)
{
    struct listen_address address;

    if (!listen_address(settings, &address))
        return false;
    return address.where == LISTEN_AT_UNIX || address.where == LISTEN_AT_LOCALHOST ||
           (address.where == LISTEN_AT_IP && ip_is_loopback(address.ip));
}

enum tls_version listen_tls_minimum(const struct listen_settings *settings)
{
    return (enum tls_version)(settings->tls_minimum ? settings->tls_minimum : TLS_VERSION_1_2);
}

const char *gateway_security_word(unsigned security)
{
    return security ? security_words[security - 1] : "";
}

bool networks_have(const struct setting_list *networks, struct ip ip)
{
    struct ip_network network;

    for (size_t i = 0; i < networks->count; i++)
        if (ip_network_parse(span_of(networks->at[i]), &network, NULL) && ip_in_network(ip, network))
            return true;
    return false;
}

static bool allow_is(const struct listen_settings *settings, const char *word)
{
    return settings->allow.count == 1 && span_is_word(span_of(settings->allow.at[0]), word);
}

static bool allows_private(const struct listen_settings *settings)
{
    return !settings->allow.count || allow_is(settings, "private");
}

static bool names_networks(const struct listen_settings *settings)
{
    return !allows_private(settings) && !allow_is(settings, "any");
}

bool listen_allows(const struct listen_settings *settings, struct ip ip)
{
    if (allows_private(settings))
        return ip_is_private(ip);
    return allow_is(settings, "any") || networks_have(&settings->allow, ip);
}

const char *listen_weakness_word(enum listen_weakness weakness)
{
    static const struct {
        enum listen_weakness weakness;
        const char *word;
    } rows[] = {
        { LISTEN_TAKES_PLAIN_PASSWORDS, "plaintext-passwords" },
        { LISTEN_TAKES_OLD_TLS, "old-tls" },
        { LISTEN_WITHOUT_TLS, "no-tls" },
        { LISTEN_WITHOUT_PASSWORD, "no-password" },
        { LISTEN_OPEN_TO_ALL, "open-to-all" },
    };

    for (size_t i = 0; i < COUNT(rows); i++)
        if (rows[i].weakness == weakness)
            return rows[i].word;
    return "";
}

unsigned listen_weaknesses(const struct listen_settings *settings)
{
    unsigned found = 0;

    if (listen_is_local(settings))
        return 0;
    if (settings->plaintext_auth)
        found |= LISTEN_TAKES_PLAIN_PASSWORDS;
    if (settings->security != GATEWAY_NONE && listen_tls_minimum(settings) < TLS_VERSION_1_2)
        found |= LISTEN_TAKES_OLD_TLS;
    if (settings->security == GATEWAY_NONE)
        found |= LISTEN_WITHOUT_TLS;
    if (settings->no_password_from.count)
        found |= LISTEN_WITHOUT_PASSWORD;
    if (allow_is(settings, "any"))
        found |= LISTEN_OPEN_TO_ALL;
    return found;
}

/* -- the fences -- */

/* Would `allow` let in nobody of this network? Its first address stands for it. */
static const char *shut_out(const struct listen_settings *settings, const struct setting_list *networks)
{
    struct ip_network network;

    for (size_t i = 0; i < networks->count; i++)
        if (ip_network_parse(span_of(networks->at[i]), &network, NULL) &&
            !listen_allows(settings, network.ip))
            return networks->at[i];
    return NULL;
}

static bool has_no_address(const struct listen_settings *settings)
{
    return !settings->address;
}

static bool has_half_a_certificate(const struct listen_settings *settings)
{
    return !settings->tls_certificate != !settings->tls_key;
}

static bool needs_names(const struct listen_settings *settings)
{
    return !listen_is_local(settings) && !names_networks(settings);
}

static bool takes_plain_passwords_from_anywhere(const struct listen_settings *settings)
{
    return settings->plaintext_auth && needs_names(settings);
}

static bool takes_old_tls_from_anywhere(const struct listen_settings *settings)
{
    return listen_tls_minimum(settings) < TLS_VERSION_1_2 && needs_names(settings);
}

static bool is_bare_and_asks_for_passwords(const struct listen_settings *settings)
{
    return settings->security == GATEWAY_NONE && !listen_is_local(settings) && !settings->plaintext_auth &&
           !settings->no_password_from.count;
}

static bool is_bare_to_anywhere(const struct listen_settings *settings)
{
    return settings->security == GATEWAY_NONE && needs_names(settings);
}

static bool has_no_password_from_outside(const struct listen_settings *settings)
{
    return !listen_is_local(settings) && shut_out(settings, &settings->no_password_from);
}

static const struct {
    const char *key;
    bool (*is_broken)(const struct listen_settings *settings);
    const char *why;
} fences[] = {
    { "address", has_no_address, "the listener needs an address" },
    { "tls_certificate", has_half_a_certificate, "a certificate and its key go together" },
    { "plaintext_auth", takes_plain_passwords_from_anywhere,
      "passwords in the clear are taken only with an allow that names networks, such as 192.168.1.0/24" },
    { "tls_minimum", takes_old_tls_from_anywhere,
      "TLS before 1.2 is taken only with an allow that names networks, such as 192.168.1.0/24" },
    { "security", is_bare_to_anywhere,
      "none is for this machine, or for an allow that names networks, such as 192.168.1.0/24" },
    { "security", is_bare_and_asks_for_passwords,
      "without TLS nobody can sign in here: it wants plaintext_auth = yes, or no_password_from" },
    { "no_password_from", has_no_password_from_outside, "allow does not let in all of these networks" },
};

static bool is_same_address(const struct listen_settings *one, const struct listen_settings *other)
{
    struct listen_address a, b;

    if (!listen_address(one, &a) || !listen_address(other, &b) || a.where != b.where || a.port != b.port)
        return false;
    return a.where == LISTEN_AT_UNIX ? strcmp(a.path, b.path) == 0
                                     : a.where != LISTEN_AT_IP || ip_equal(a.ip, b.ip);
}

/* Of two at one address the second is to be told of. */
static const struct listen_settings *who_was_there(const struct listen_settings *settings, const struct config *config)
{
    const struct listen_settings *other;

    for (size_t at = 0; (other = config_next(config, &listen_part, &at)) && other != settings;)
        if (is_same_address(other, settings))
            return other;
    return NULL;
}

static bool listen_check(const void *section, const struct config *config, struct err *err)
{
    const struct listen_settings *settings = section;

    for (size_t i = 0; i < COUNT(fences); i++)
        if (fences[i].is_broken(settings))
            return setting_wrong(&listen_kind, settings->origins, settings->name, fences[i].key, err,
                                 fences[i].why);
    if (who_was_there(settings, config))
        return setting_wrong(&listen_kind, settings->origins, settings->name, "address", err,
                             "another listener has this address");
    if (strcmp(settings->account, LISTEN_BY_SENDER) == 0 || config_has_lane(config, settings->account))
        return true;
    return setting_wrong(&listen_kind, settings->origins, settings->name, "account", err,
                         "there is no account or route of this name");
}

static bool user_check(const void *section, const struct config *config, struct err *err)
{
    const struct user_settings *settings = section;

    if (!settings->password)
        return setting_wrong(&user_kind, settings->origins, settings->name, "password", err,
                             "the user needs a password: outpost user add makes one");
    for (size_t i = 0; i < settings->accounts.count; i++)
        if (!config_has_lane(config, settings->accounts.at[i]))
            return setting_wrong(&user_kind, settings->origins, settings->name, "accounts", err,
                                 "there is no account or route of one of these names");
    return true;
}

const struct config_part listen_part = {
    .kind = &listen_kind,
    .size = sizeof(struct listen_settings),
    .origins = offsetof(struct listen_settings, origins),
    .name = offsetof(struct listen_settings, name),
    .check = listen_check,
};

const struct config_part user_part = {
    .kind = &user_kind,
    .size = sizeof(struct user_settings),
    .origins = offsetof(struct user_settings, origins),
    .name = offsetof(struct user_settings, name),
    .check = user_check,
};
