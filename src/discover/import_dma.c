/* dma's configuration (dma(8)): dma.conf has "KEY VALUE", auth.conf "USER|HOST:PASSWORD". */
#include "base/str.h"
#include "discover/import_int.h"

#include "base/banned.h"

struct dma {
    struct import *import;
    struct import_lines lines, server, tls_line, masquerade_line;
    struct span host, masquerade;
    uint16_t port;
    bool tls, starttls;
    struct import_account *account;
};

static bool take(struct dma *d, struct span key, struct span value)
{
    if (span_is(key, "SMARTHOST")) {
        d->host = value;
        d->server = d->lines;
    } else if (span_is(key, "PORT") && str_to_u16(value, 1, UINT16_MAX, &d->port)) {
        d->server = d->lines;
    } else if (span_is(key, "SECURETRANSFER")) {
        d->tls = true;
        d->tls_line = d->lines;
    } else if (span_is(key, "STARTTLS")) {
        d->starttls = true;
        d->tls_line = d->lines;
    } else if (span_is(key, "MASQUERADE")) {
        d->masquerade = value;
        d->masquerade_line = d->lines;
    } else if (span_is(key, "FINGERPRINT")) {
        HELD(buf) pin = BUF(IMPORT_PATH_MAX);
        buf_addf(&pin, "sha256:%.*s", SPAN_ARG(span_cut(value, 0, 200)));
        d->import->full |= pin.full;
        import_set(d->import, d->account, "tls_pin", buf_span(&pin), &d->lines);
    } else if (span_is(key, "CERTFILE")) {
        import_set(d->import, d->account, "client_certificate", value, &d->lines);
    } else {
        return span_is(key, "AUTHPATH");
    }
    return true;
}

static void take_login(struct dma *d, const struct import_file *file)
{
    struct import_lines lines = import_lines_of(file);
    struct span line;

    while (import_line(&lines, &line)) {
        size_t bar = span_find(line, '|');
        struct span rest = span_from(line, bar + 1);
        size_t colon = span_find(rest, ':');
        if (!line.len || line.at[0] == '#')
            continue;
        if (bar == line.len || colon == rest.len) {
            import_note(d->import, &lines, SPAN("a line"), "is not written as USER|HOST:PASSWORD");
            continue;
        }
        if (!span_equal_word(span_trim(span_cut(rest, 0, colon)), d->host))
            continue;
        import_set(d->import, d->account, "username", span_trim(span_cut(line, 0, bar)), &lines);
        import_set_password(d->import, d->account, span_from(rest, colon + 1));
        return;
    }
}

static void put(struct dma *d)
{
    const char *user = import_value(d->account, "username");

    import_set_server(d->import, d->account, d->host, d->port, &d->server);
    import_set(d->import, d->account, "security", d->tls && !d->starttls ? SPAN("tls") : SPAN("starttls"),
               d->tls_line.line ? &d->tls_line : NULL);
    import_set(d->import, d->account, "auth", user ? SPAN("password") : SPAN("none"), NULL);
    if (!d->tls)
        import_note(d->import, &d->server, SPAN("no SECURETRANSFER"), import_why_safety);
    if (span_find(d->masquerade, '@') < d->masquerade.len)
        import_set(d->import, d->account, "address", d->masquerade, &d->masquerade_line);
    else if (user && strchr(user, '@'))
        import_set(d->import, d->account, "address", span_of(user), NULL);
}

void import_dma(struct import *import, const struct import_file *files, size_t count)
{
    struct dma d = { .import = import, .lines = import_lines_of(&files[0]), .port = 25 };
    struct span line;

    d.account = import_add(import, SPAN(""));
    while (import_line(&d.lines, &line)) {
        if (!line.len || line.at[0] == '#')
            continue;
        struct span key = import_word(&line, " \t"), value = line;
        if (!take(&d, key, value))
            import_note(import, &d.lines, import_shown(key, value.len ? value : key), import_why_own);
    }
    for (size_t i = 1; i < count && d.host.len; i++)
        take_login(&d, &files[i]);
    if (d.host.len)
        put(&d);
    else
        import->count = 0;
}

void import_dma_wants(struct span text, struct import_wish *wish)
{
    struct import_lines lines = { NULL, text, 0 };
    struct span line;

    while (import_line(&lines, &line))
        if (span_is(import_word(&line, " \t"), "AUTHPATH"))
            import_wish_for(wish, line);
}
