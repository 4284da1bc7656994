/* nullmailer's remotes (nullmailer-send(8)): a server a line, "HOST smtp --port=587 --user=ME --pass='...' --starttls". */
#include "base/str.h"
#include "discover/import_int.h"

#include "base/banned.h"

enum { WORD_MAX = 4096 };

/* A word as a shell would read it: quotes and backslashes. False at the end. */
static bool next_word(struct span *rest, struct buf *word)
{
    char quote = '\0';
    size_t i = 0;

    *rest = span_trim(*rest);
    buf_clear(word);
    for (; i < rest->len; i++) {
        char c = rest->at[i];
        if (!quote && (c == ' ' || c == '\t'))
            break;
        if (c == quote || (!quote && (c == '"' || c == '\''))) {
            quote = quote ? '\0' : c;
            continue;
        }
        if (c == '\\' && quote != '\'' && i + 1 < rest->len)
            c = rest->at[++i];
        buf_add_char(word, c);
    }
    bool any = rest->len > 0;
    *rest = span_from(*rest, i);
    return any;
}

struct remote {
    struct import *import;
    const struct import_lines *where;
    struct import_account *account;
    struct span host;
    bool tls, starttls;
    uint16_t port; /* 0: not said */
};

static void take_option(struct remote *r, struct span option)
{
    static const struct {
        const char *option, *ours;
    } carried[] = { { "--user=", "username" }, { "--x509cafile=", "ca_file" }, { "--x509certfile=", "client_certificate" },
                    { "--source=", "source_address" }, { "--from=", "address" } };

    for (size_t i = 0; i < COUNT(carried); i++)
        if (span_starts(option, carried[i].option)) {
            import_set(r->import, r->account, carried[i].ours, span_from(option, strlen(carried[i].option)), r->where);
            return;
        }
    if (span_starts(option, "--pass="))
        import_set_password(r->import, r->account, span_from(option, strlen("--pass=")));
    else if (span_starts(option, "--port=") && str_to_u16(span_from(option, strlen("--port=")), 1, UINT16_MAX, &r->port))
        return;
    else if (span_is(option, "--ssl") || span_is(option, "--tls"))
        r->tls = true;
    else if (span_is(option, "--starttls"))
        r->starttls = true;
    else if (span_is(option, "--auth-login"))
        import_set(r->import, r->account, "mechanisms", SPAN("login"), r->where);
    else if (span_is(option, "--insecure"))
        import_note(r->import, r->where, SPAN("--insecure"), import_why_safety);
    else
        import_note(r->import, r->where, SPAN("an option"), import_why_other);
}

static void put(struct remote *r)
{
    const char *user = import_value(r->account, "username");
    uint16_t port = r->port ? r->port : r->tls ? 465 : 25;

    import_set_server(r->import, r->account, r->host, port, r->where);
    import_set(r->import, r->account, "security", r->tls && !r->starttls ? SPAN("tls") : SPAN("starttls"), r->where);
    import_set(r->import, r->account, "auth", user ? SPAN("password") : SPAN("none"), r->where);
    if (!r->tls && !r->starttls)
        import_note(r->import, r->where, SPAN("no --starttls"), import_why_safety);
    if (user && strchr(user, '@') && !import_value(r->account, "address"))
        import_set(r->import, r->account, "address", span_of(user), r->where);
}

static void read_remote(struct import *import, const struct import_lines *where, struct span line)
{
    HELD(buf) host = BUF(WORD_MAX);
    HELD(buf) word = BUF(WORD_MAX);
    struct remote r = { .import = import, .where = where };

    if (!next_word(&line, &host))
        return;
    bool smtp = !next_word(&line, &word) || span_is(buf_span(&word), "smtp");
    import->full |= host.full || word.full;
    if (!smtp || !(r.account = import_add(import, buf_span(&host)))) {
        import_note(import, where, SPAN("a server"), "is not reached by SMTP");
        return;
    }
    r.host = buf_span(&host);
    while (next_word(&line, &word) && !word.full)
        take_option(&r, buf_span(&word));
    import->full |= word.full;
    put(&r);
}

void import_nullmailer(struct import *import, const struct import_file *files, size_t count)
{
    struct import_lines lines = import_lines_of(&files[0]);
    struct span line;
    (void)count;

    while (import_line(&lines, &line))
        if (line.len && line.at[0] != '#')
            read_remote(import, &lines, line);
}
