/* A change said in the words of the program whose file it is, with the line that it is for. */
#include <stdio.h>

#include "discover/import_int.h"

#include "base/banned.h"

static const struct import_setting *setting_of(const struct import_account *account, const char *key)
{
    for (size_t i = 0; i < account->count; i++)
        if (strcmp(account->settings[i].key, key) == 0)
            return &account->settings[i];
    return NULL;
}

/* "FILE:LINE: ", of this setting, else of the server's. */
static void add_place(const struct import_account *account, const char *key, struct buf *out)
{
    const struct import_setting *setting = setting_of(account, key);

    if (!setting || !setting->file)
        setting = setting_of(account, "server");
    if (setting && setting->file)
        buf_addf(out, "%s:%u: ", setting->file, setting->line);
}

static const struct {
    const char *server;         /* with one %s and one %u */
    const char *starttls, *tls;
    const char *username;
} words[IMPORT_KINDS] = {
    [IMPORT_MSMTP] = { "host %s, port %u", "tls on, tls_starttls on", "tls on, tls_starttls off", "user %s" },
    [IMPORT_SSMTP] = { "mailhub=%s:%u", "UseSTARTTLS=YES", "UseTLS=YES, without UseSTARTTLS", "AuthUser=%s" },
    [IMPORT_NULLMAILER] = { "%s smtp --port=%u", "--starttls, without --ssl", "--ssl, without --starttls", "--user=%s" },
    [IMPORT_DMA] = { "SMARTHOST %s, PORT %u", "SECURETRANSFER and STARTTLS", "SECURETRANSFER, without STARTTLS",
                     "%s in front of the | in auth.conf" },
    [IMPORT_POSTFIX] = { "relayhost = [%s]:%u, and the same in the table of passwords", "smtp_tls_security_level = encrypt, smtp_tls_wrappermode = no",
                         "smtp_tls_security_level = encrypt, smtp_tls_wrappermode = yes", "%s:PASSWORD in the table of passwords" },
    [IMPORT_PROXY] = { "server_address = %s, server_port = %u", "server_starttls = True", "server_starttls = False", "[%s]" },
};

/* The formats are this file's own: one %s and one %u, in this order. */
static void add_server(const char *format, const char *host, uint16_t port, struct buf *out)
{
    struct span rest = span_of(format);
    size_t name = span_find_text(rest, "%s"), number = span_find_text(rest, "%u");

    buf_add_span(out, span_cut(rest, 0, name));
    buf_add(out, host);
    buf_add_span(out, span_cut(rest, name + 2, number));
    buf_addf(out, "%u", (unsigned)port);
    buf_add_span(out, span_from(rest, number + 2));
}

void import_say_server(const struct import *import, const struct import_account *account, const char *host, uint16_t port,
                       enum security security, struct buf *out)
{
    add_place(account, "server", out);
    add_server(words[import->kind].server, host, port, out);
    buf_add_char(out, '\n');
    add_place(account, "security", out);
    buf_add(out, security == SECURITY_TLS ? words[import->kind].tls : words[import->kind].starttls);
    buf_add_char(out, '\n');
}

void import_say_username(const struct import *import, const struct import_account *account, const char *username,
                         struct buf *out)
{
    struct span format = span_of(words[import->kind].username);
    size_t name = span_find_text(format, "%s");

    add_place(account, "username", out);
    buf_add_span(out, span_cut(format, 0, name));
    buf_add(out, username);
    buf_add_span(out, span_from(format, name + 2));
    buf_add_char(out, '\n');
}
