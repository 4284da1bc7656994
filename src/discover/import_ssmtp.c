/* sSMTP's configuration (ssmtp.conf(5)): "KEY=VALUE", one account. */
#include "base/str.h"
#include "discover/import_int.h"

#include "base/banned.h"

struct ssmtp {
    struct import *import;
    struct import_lines lines, server, tls_line;
    struct span host, user, root, method;
    uint16_t port;
    bool tls, starttls;
    struct import_account *account;
};

static bool take_server(struct ssmtp *s, struct span key, struct span value)
{
    if (span_is_word(key, "mailhub")) {
        if (!import_host(value, &s->host, &s->port))
            import_note(s->import, &s->lines, SPAN("mailhub"), "the server is not written as HOST or HOST:PORT");
        s->server = s->lines;
        return true;
    }
    if (span_is_word(key, "UseTLS") || span_is_word(key, "UseSTARTTLS")) {
        bool starttls = span_is_word(key, "UseSTARTTLS");
        s->starttls = starttls ? import_is_yes(value) : s->starttls;
        s->tls = starttls ? s->tls : import_is_yes(value);
        s->tls_line = s->lines;
        return true;
    }
    return false;
}

static bool take_sign_in(struct ssmtp *s, struct span key, struct span value)
{
    if (span_is_word(key, "AuthUser")) {
        s->user = value;
        import_set(s->import, s->account, "username", value, &s->lines);
    } else if (span_is_word(key, "AuthPass")) {
        import_set_password(s->import, s->account, value);
    } else if (span_is_word(key, "AuthMethod")) {
        s->method = value;
    } else if (span_is_word(key, "root")) {
        s->root = value;
    } else {
        return false;
    }
    return true;
}

static bool take_file(struct ssmtp *s, struct span key, struct span value)
{
    static const struct {
        const char *key, *ours;
    } files[] = { { "TLS_CA_File", "ca_file" }, { "TLSCert", "client_certificate" }, { "TLSKey", "client_key" } };

    for (size_t i = 0; i < COUNT(files); i++) {
        if (!span_is_word(key, files[i].key))
            continue;
        import_set(s->import, s->account, files[i].ours, value, &s->lines);
        return true;
    }
    return false;
}

static void put(struct ssmtp *s)
{
    bool has_method = span_is_word(s->method, "cram-md5") || span_is_word(s->method, "login");

    import_set_server(s->import, s->account, s->host, s->port, &s->server);
    import_set(s->import, s->account, "security", s->tls && !s->starttls ? SPAN("tls") : SPAN("starttls"),
               s->tls_line.line ? &s->tls_line : NULL);
    if (!s->tls && !s->starttls)
        import_note(s->import, &s->server, SPAN("UseTLS"), import_why_safety);
    import_set(s->import, s->account, "auth", s->user.len ? SPAN("password") : SPAN("none"), NULL);
    if (has_method)
        import_set(s->import, s->account, "mechanisms", s->method, NULL);
    struct span address = span_find(s->user, '@') < s->user.len ? s->user : s->root;
    if (span_find(address, '@') < address.len)
        import_set(s->import, s->account, "address", address, NULL);
}

void import_ssmtp(struct import *import, const struct import_file *files, size_t count)
{
    struct ssmtp s = { .import = import, .lines = import_lines_of(&files[0]), .port = 25 };
    struct span line;
    (void)count;

    s.account = import_add(import, SPAN(""));
    while (import_line(&s.lines, &line)) {
        if (!line.len || line.at[0] == '#')
            continue;
        struct span key = import_word(&line, " \t="), value = line;
        if (!take_server(&s, key, value) && !take_sign_in(&s, key, value) && !take_file(&s, key, value))
            import_note(import, &s.lines, import_shown(key, value), import_why_other);
    }
    if (s.host.len)
        put(&s);
    else
        import->count = 0; /* it would be a host called "mail" of the own domain */
}
