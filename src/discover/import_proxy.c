/* email-oauth2-proxy's configuration (emailproxy.config): [SMTP-PORT] says the server, [ADDRESS] who signs in by OAuth.
 * Its tokens are sealed by a password that only its user knows: they stay there. */
#include "base/str.h"
#include "discover/import_int.h"

#include "base/banned.h"

struct proxy {
    struct import *import;
    struct import_lines lines, server_line, security_line;
    struct span host;
    uint16_t port;
    bool starttls, has_server;
    bool in_server; /* the section that is read is a server's */
    struct import_account *account; /* ...or this account's */
};

static void begin_section(struct proxy *p, struct span name)
{
    p->in_server = span_starts(name, "SMTP-") && !p->has_server;
    p->account = span_find(name, '@') < name.len ? import_add(p->import, name) : NULL;
    if (p->account)
        import_set(p->import, p->account, "address", name, &p->lines);
    else if (span_starts(name, "SMTP-") && p->has_server)
        import_note(p->import, &p->lines, SPAN("SMTP"), "a second server; the first one is taken");
    p->has_server |= p->in_server;
}

static void take_of_server(struct proxy *p, struct span key, struct span value)
{
    if (span_is(key, "server_address")) {
        p->host = value;
        p->server_line = p->lines;
    } else if (span_is(key, "server_port") && str_to_u16(value, 1, UINT16_MAX, &p->port)) {
        p->server_line = p->lines;
    } else if (span_is(key, "server_starttls") || span_is(key, "starttls")) {
        p->starttls = import_is_yes(value);
        p->security_line = p->lines;
    } else {
        import_note(p->import, &p->lines, import_shown(key, value), import_why_own);
    }
}

/* https://login.microsoftonline.com/TENANT/oauth2/v2.0/token */
static void take_tenant(struct proxy *p, struct span url)
{
    static const char host[] = "https://login.microsoftonline.com/";
    struct span rest = span_from(url, sizeof host - 1);
    struct span tenant = span_cut(rest, 0, span_find(rest, '/'));

    if (span_starts(url, host) && tenant.len)
        import_set(p->import, p->account, "tenant", tenant, &p->lines);
}

static void take_of_account(struct proxy *p, struct span key, struct span value)
{
    if (span_is(key, "client_id"))
        import_set(p->import, p->account, "client_id", value, &p->lines);
    else if (span_is(key, "token_url"))
        take_tenant(p, value);
    else if (span_is(key, "client_secret"))
        import_note(p->import, &p->lines, SPAN("client_secret"), "give it to outpost: outpost account secret NAME file --of client_secret");
    else if (span_is(key, "access_token") || span_is(key, "refresh_token") || span_is(key, "token_salt"))
        import_note(p->import, &p->lines, import_shown(key, value), "sealed for that program: sign in once more");
    else
        import_note(p->import, &p->lines, import_shown(key, value), import_why_other);
}

static void put_all(struct proxy *p)
{
    for (size_t i = 0; i < p->import->count; i++) {
        struct import_account *account = &p->import->accounts[i];
        if (p->host.len)
            import_set_server(p->import, account, p->host, p->port, &p->server_line);
        import_set(p->import, account, "security", p->port == 465 && !p->starttls ? SPAN("tls") : SPAN("starttls"),
                   p->security_line.line ? &p->security_line : NULL);
        import_set(p->import, account, "auth", SPAN("oauth"), NULL);
        account->signs_in_elsewhere = true;
    }
}

void import_proxy(struct import *import, const struct import_file *files, size_t count)
{
    struct proxy p = { .import = import, .lines = import_lines_of(&files[0]), .port = 587 };
    struct span line;
    (void)count;

    while (import_line(&p.lines, &line)) {
        if (!line.len || line.at[0] == '#' || line.at[0] == ';')
            continue;
        if (line.at[0] == '[') {
            begin_section(&p, span_cut(line, 1, span_find(line, ']')));
            continue;
        }
        struct span key = import_word(&line, " \t=:"), value = line;
        if (p.account)
            take_of_account(&p, key, value);
        else if (p.in_server)
            take_of_server(&p, key, value);
        else
            import_note(import, &p.lines, import_shown(key, value), import_why_own);
    }
    put_all(&p);
}
