/* The table of an account's settings: what [account NAME] may hold. */
#include "account/account.h"
#include "account/secret.h"
#include "base/str.h"
#include "mail/address.h"
#include "net/host.h"
#include "net/socks5.h"
#include "smtp/sasl.h"

#include "base/banned.h"

static const char *const security_words[] = { "starttls", "tls", "none", NULL };
static const char *const auth_words[] = { "oauth", "token", "password", "none", "certificate", NULL };
static const char *const other_senders_words[] = { "rewrite", "refuse", "keep", NULL };
static const char *const transport_words[] = { "auto", "smtp", "graph", "gmail", NULL };
static const char *const pipeline_words[] = { "auto", "transactions", "commands", "off", NULL };

/* A word's number is its place, from 1; the enums of know/profile.h begin at 0. */
_Static_assert(SECURITY_STARTTLS == 0 && SECURITY_TLS == 1 && SECURITY_NONE == 2, "as in security_words");
_Static_assert(TRANSPORT_AUTO == 1 && TRANSPORT_GMAIL == 4, "as in transport_words");
_Static_assert(PIPELINE_AUTO == 0 && PIPELINE_TRANSACTIONS == 1 && PIPELINE_COMMANDS == 2 &&
                   PIPELINE_OFF == 3, "as in pipeline_words");

static bool is_address(struct span value, struct err *err)
{
    struct address address;

    if (!address_parse(value, &address, err)) {
        if (err && err->kind != ERR_MEMORY) {
            err->kind = ERR_CONFIG;
            err->fact = "config:bad";
        }
        return false;
    }
    address_done(&address);
    return true;
}

static bool are_mechanisms(struct span value, struct err *err)
{
    struct span part;
    enum sasl_mechanism mechanism;

    while (span_split(&value, ',', &part)) {
        part = span_trim(part);
        if (part.len && !sasl_from_name(part, &mechanism)) {
            HELD(buf) known = BUF(512);
            sasl_list(&known, SASL_ALL);
            return err_found(err, ERR_CONFIG, "config:bad", "a mechanism is wanted, one of: %s",
                             buf_text(&known));
        }
    }
    return true;
}

/* What net/tls.h takes: sha256: and 64 hexadecimal digits, with colons between them or without. */
static bool is_pin(struct span value, struct err *err)
{
    struct span rest = span_from(value, strlen("sha256:"));
    size_t digits = 0;
    bool good = span_starts_word(value, "sha256:");

    for (size_t i = 0; good && i < rest.len; i++) {
        char c = str_lower(rest.at[i]);
        good = str_is_digit(c) || (c >= 'a' && c <= 'f') || c == ':';
        digits += c != ':';
    }
    return (good && digits == 64) ||
           err_found(err, ERR_CONFIG, "config:bad", "sha256: and 64 hexadecimal digits are wanted");
}

static bool is_ip(struct span value, struct err *err)
{
    struct ip ip;

    return ip_parse(value, &ip) ||
           err_found(err, ERR_CONFIG, "config:bad", "an IP address of this machine is wanted");
}

static bool is_proxy(struct span value, struct err *err)
{
    char host[SOCKS5_NAME_MAX + 1];
    uint16_t port;

    return socks5_url_parse(value, host, &port, err);
}

/* RFC 6749, 3.3: printable, without quotes and backslashes. */
static bool are_scopes(struct span value, struct err *err)
{
    for (size_t i = 0; i < value.len; i++) {
        char c = value.at[i];
        if (c < ' ' || c > '~' || c == '"' || c == '\\')
            return err_found(err, ERR_CONFIG, "config:bad", "OAuth scopes are wanted, with a blank between two");
    }
    return true;
}

static bool is_https(struct span value, struct err *err)
{
    return span_starts(value, "https://") ||
           err_found(err, ERR_CONFIG, "config:bad", "an address that begins with https:// is wanted");
}

#define AT(member_) .offset = offsetof(struct account, member_)

static const struct setting settings[] = {
    { .key = "address", .type = SETTING_TEXT, AT(address), .check = is_address,
      .doc = "the mail address that sends" },
    { .key = "name", .type = SETTING_TEXT, AT(person), .doc = "the person's name, shown before the address" },
    { .key = "provider", .type = SETTING_TEXT, AT(provider),
      .doc = "a profile, which fills in all that is left out below" },
    { .key = "server", .type = SETTING_HOST, AT(server), .doc = "the submission server: HOST:PORT" },
    { .key = "security", .type = SETTING_WORD, AT(security), .words = security_words,
      .doc = "starttls, tls, or none for a server on this machine" },
    { .key = "allow_plaintext", .type = SETTING_BOOL, AT(allow_plaintext), .fallback = "no",
      .doc = "security = none to another machine, without a sign-in; anybody on the way can read along" },
    { .key = "auth", .type = SETTING_WORD, AT(auth), .words = auth_words,
      .doc = "oauth, token (the secret is an access token), password, certificate (client_certificate), none" },
    { .key = "mechanisms", .type = SETTING_LIST, AT(mechanisms), .check = are_mechanisms,
      .doc = "SASL mechanisms that may be used; default: what profile and server offer" },
    { .key = "username", .type = SETTING_TEXT, AT(username), .doc = "who signs in; default: the address" },
    { .key = "secret", .type = SETTING_TEXT, AT(secret), .fallback = "file", .check = secret_source_check,
      .doc = "where the password or token is: file (sealed), keyring, systemd:NAME, command:ARGV..., command:| LINE" },
    { .key = "transport", .type = SETTING_WORD, AT(transport), .words = transport_words, .fallback = "auto",
      .doc = "auto (SMTP; the provider's HTTPS where SMTP is shut), smtp, graph, gmail" },
    { .key = "other_senders", .type = SETTING_WORD, AT(other_senders), .words = other_senders_words,
      .fallback = "rewrite", .doc = "what is done with a message whose sender is not this account's" },
    { .key = "send_as", .type = SETTING_LIST, AT(send_as),
      .doc = "further addresses it may send as; a * stands for anything" },
    { .key = "ca_file", .type = SETTING_TEXT, AT(ca_file),
      .doc = "certificate authorities to trust instead of the system's (PEM)" },
    { .key = "tls_pin", .type = SETTING_TEXT, AT(tls_pin), .check = is_pin,
      .doc = "sha256:HEX of the one certificate or key to trust" },
    { .key = "client_certificate", .type = SETTING_TEXT, AT(client_certificate),
      .doc = "a file (PEM) with the certificate to show the server, and its chain" },
    { .key = "client_key", .type = SETTING_TEXT, AT(client_key),
      .doc = "the file (PEM) with that certificate's key, readable by its owner alone" },
    { .key = "source_address", .type = SETTING_TEXT, AT(source_address), .check = is_ip,
      .doc = "the address of this machine to connect from" },
    { .key = "proxy", .type = SETTING_TEXT, AT(proxy), .check = is_proxy,
      .doc = "socks5://HOST:PORT to go through; it looks up names itself" },
    { .key = "client_id", .type = SETTING_TEXT, AT(client_id),
      .doc = "the OAuth application, where the profile has none" },
    { .key = "client_secret", .type = SETTING_TEXT, AT(client_secret), .check = secret_source_check,
      .doc = "where the OAuth application's secret is kept; as in `secret`" },
    { .key = "certificate", .type = SETTING_TEXT, AT(certificate), .check = secret_source_check,
      .doc = "where its certificate with the key (PEM) is kept, instead of a secret; as in `secret`" },
    { .key = "tenant", .type = SETTING_TEXT, AT(tenant), .doc = "the organisation that signs in" },
    { .key = "issuer", .type = SETTING_TEXT, AT(issuer), .check = is_https,
      .doc = "the OAuth issuer, where no profile knows it" },
    { .key = "scope", .type = SETTING_TEXT, AT(scope), .check = are_scopes,
      .doc = "what to ask it for to send mail, between blanks; default: what the profile says" },
    { .key = "limit.messages_per_minute", .type = SETTING_NUMBER, AT(limits.messages_per_minute),
      .doc = "the profile's, unless lowered or raised; 0 is no limit" },
    { .key = "limit.messages_per_hour", .type = SETTING_NUMBER, AT(limits.messages_per_hour),
      .doc = "likewise" },
    { .key = "limit.messages_per_day", .type = SETTING_NUMBER, AT(limits.messages_per_day),
      .doc = "likewise" },
    { .key = "limit.recipients_per_day", .type = SETTING_NUMBER, AT(limits.recipients_per_day),
      .doc = "likewise" },
    { .key = "limit.recipients_per_message", .type = SETTING_NUMBER, AT(limits.recipients_per_message),
      .doc = "likewise" },
    { .key = "limit.connections", .type = SETTING_NUMBER, AT(limits.connections),
      .doc = "connections at the same time" },
    { .key = "limit.message_size", .type = SETTING_SIZE, AT(limits.message_size),
      .doc = "bytes: 35M is 35 * 1024 * 1024" },
    { .key = "pipeline", .type = SETTING_WORD, AT(pipeline), .words = pipeline_words, .fallback = "auto",
      .doc = "how deep commands are pipelined, at most" },
    { .key = "pipeline.window", .type = SETTING_NUMBER, AT(pipeline_window), .least = 1, .most = 1000,
      .fallback = "32", .doc = "messages in flight together" },
};

_Static_assert(COUNT(settings) <= ACCOUNT_SETTINGS_MAX, "each setting has an origin");

const struct setting_kind account_kind = {
    "account", true, settings, COUNT(settings), "who sends, through which server, and with what",
};
