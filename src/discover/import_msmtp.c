/* msmtp's configuration (msmtp 1.8, "Configuration files"): "KEY VALUE", accounts that take over from others. */
#include "base/str.h"
#include "discover/import_int.h"

#include "base/banned.h"

/* An account as msmtp has it: what is written, before it is put into our words. */
enum { MSMTP_KEYS = 18 };

static const struct {
    const char *key;
    const char *ours; /* carried as it is; NULL: see put_account() */
} keys[MSMTP_KEYS] = {
    { "host", NULL },
    { "port", NULL },
    { "tls", NULL },
    { "tls_starttls", NULL },
    { "auth", NULL },
    { "password", NULL },
    { "passwordeval", NULL },
    { "tls_trust_file", NULL },
    { "tls_fingerprint", NULL },
    { "proxy_host", NULL },
    { "proxy_port", NULL },
    { "user", "username" },
    { "from", "address" },
    { "from_full_name", "name" },
    { "tls_cert_file", "client_certificate" },
    { "tls_key_file", "client_key" },
    { "source_ip", "source_address" },
    { "tls_certcheck", NULL },
};
enum { HOST, PORT, TLS, STARTTLS, AUTH, PASSWORD, PASSWORDEVAL, TRUST, FINGERPRINT, PROXY, PROXY_PORT, USER, CERTCHECK = 17 };

static const char *const of_the_program[] = {
    "logfile", "logfile_time_format", "syslog", "timeout", "connect_timeout", "protocol", "domain", "aliases", "auto_from",
    "maildomain", "set_from_header", "set_date_header", "set_msgid_header", "set_to_header", "remove_bcc_headers",
    "undisclosed_recipients", "dsn_notify", "dsn_return", "allow_from_override", "keepbcc", "add_missing_from_header",
    "add_missing_date_header",
};

struct written {
    struct span name;
    struct span at[MSMTP_KEYS];
    bool is_set[MSMTP_KEYS];
    unsigned line[MSMTP_KEYS];
    bool is_hidden; /* it is the defaults */
};

struct reading {
    struct import *import;
    struct import_lines lines;
    struct written accounts[IMPORT_ACCOUNTS_MAX]; /* the first is the defaults */
    size_t count;
    size_t usual; /* 0: none is called "default" */
};

static size_t find(const struct reading *r, struct span name)
{
    for (size_t i = r->count; i > 1; i--)
        if (span_equal(r->accounts[i - 1].name, name))
            return i - 1;
    return 0;
}

static void take_over(struct written *account, const struct written *parent)
{
    for (size_t i = 0; i < MSMTP_KEYS; i++) {
        if (!parent->is_set[i])
            continue;
        account->at[i] = parent->at[i];
        account->line[i] = parent->line[i];
        account->is_set[i] = true;
    }
}

/* "NAME : PARENT, PARENT"; "default : NAME" says which is the usual one. NULL: no more are kept. */
static struct written *begin_account(struct reading *r, struct span value)
{
    struct span name = import_word(&value, ":"), parent;

    if (r->count == IMPORT_ACCOUNTS_MAX) {
        r->import->full = true;
        return NULL;
    }
    struct written *account = &r->accounts[r->count];
    *account = (struct written){ .name = name };
    take_over(account, &r->accounts[0]);
    while (span_split(&value, ',', &parent)) {
        size_t at = find(r, span_trim(parent));
        if (at)
            take_over(account, &r->accounts[at]);
        else
            import_note(r->import, &r->lines, SPAN("account"), "an account it takes over from is not there");
    }
    if (span_is(name, "default"))
        r->usual = r->count;
    r->count++;
    return account;
}

static bool is_of_the_program(struct span key)
{
    for (size_t i = 0; i < COUNT(of_the_program); i++)
        if (span_is(key, of_the_program[i]))
            return true;
    return false;
}

static void set_key(struct reading *r, struct written *account, struct span key, struct span value)
{
    for (size_t i = 0; i < MSMTP_KEYS; i++) {
        if (!span_is(key, keys[i].key))
            continue;
        account->at[i] = value;
        account->is_set[i] = true;
        account->line[i] = r->lines.line;
        return;
    }
    import_note(r->import, &r->lines, import_shown(key, value), is_of_the_program(key) ? import_why_own : import_why_other);
}

static void read_lines(struct reading *r)
{
    struct written *now = NULL;
    struct span line;

    while (import_line(&r->lines, &line)) {
        if (!line.len || line.at[0] == '#')
            continue;
        struct span key = import_word(&line, " \t"), value = import_unquoted(line);
        if (span_is(key, "defaults")) {
            now = &r->accounts[0];
            *now = (struct written){ .is_hidden = true };
            continue;
        }
        if (span_is(key, "account") || !now) { /* a file of settings alone is the account "default" */
            now = begin_account(r, span_is(key, "account") ? value : SPAN("default"));
            if (!now)
                return;
        }
        if (!span_is(key, "account"))
            set_key(r, now, key, value);
    }
}

/* ---- in our words ---- */

/* Nothing behind the key means "on". */
static bool is_on(const struct written *account, size_t key, bool otherwise)
{
    return account->is_set[key] ? !span_is(account->at[key], "off") : otherwise;
}

static struct import_lines at(const struct reading *r, unsigned line)
{
    return (struct import_lines){ r->lines.file, SPAN_NONE, line };
}

static void put_server(const struct reading *r, const struct written *from, struct import_account *to)
{
    struct import_lines where = at(r, from->line[TLS]);
    bool tls = is_on(from, TLS, false), starttls = is_on(from, STARTTLS, true);
    uint16_t port = tls && !starttls ? 465 : 25;

    if (from->is_set[PORT] && !str_to_u16(from->at[PORT], 1, UINT16_MAX, &port))
        port = span_is(from->at[PORT], "submission") ? 587 : span_is(from->at[PORT], "smtps") ? 465 : port;
    const struct import_lines host = at(r, from->line[from->is_set[PORT] ? PORT : HOST]);
    import_set_server(r->import, to, from->at[HOST], port, &host);
    import_set(r->import, to, "security", tls && !starttls ? SPAN("tls") : SPAN("starttls"), tls ? &where : NULL);
    if (!tls)
        import_note(r->import, &where, SPAN("tls off"), import_why_safety);
    where = at(r, from->line[CERTCHECK]);
    if (!is_on(from, CERTCHECK, true))
        import_note(r->import, &where, SPAN("tls_certcheck off"), import_why_safety);
}

static void put_sign_in(const struct reading *r, const struct written *from, struct import_account *to)
{
    const struct import_lines where = at(r, from->line[AUTH]);
    struct span method = from->at[AUTH];
    bool token = span_is(method, "xoauth2") || span_is(method, "oauthbearer");

    if (!is_on(from, AUTH, false)) {
        import_set(r->import, to, "auth", SPAN("none"), from->is_set[AUTH] ? &where : NULL);
        return;
    }
    import_set(r->import, to, "auth", token ? SPAN("token") : span_is(method, "external") ? SPAN("certificate") : SPAN("password"),
               &where);
    if (method.len && !span_is(method, "on") && !span_is(method, "external"))
        import_set(r->import, to, "mechanisms", method, &where);
    if (from->is_set[PASSWORD])
        import_set_password(r->import, to, from->at[PASSWORD]);
    if (from->is_set[PASSWORDEVAL] && from->at[PASSWORDEVAL].len)
        to->password_command = import_keep(r->import, from->at[PASSWORDEVAL]);
}

static void put_trust(const struct reading *r, const struct written *from, struct import_account *to)
{
    const struct import_lines trust = at(r, from->line[TRUST]), pin = at(r, from->line[FINGERPRINT]);
    HELD(buf) value = BUF(IMPORT_PATH_MAX);

    if (from->is_set[TRUST] && from->at[TRUST].len && !span_is(from->at[TRUST], "system"))
        import_set(r->import, to, "ca_file", from->at[TRUST], &trust);
    if (!from->is_set[FINGERPRINT] || !from->at[FINGERPRINT].len)
        return;
    buf_addf(&value, "sha256:%.*s", SPAN_ARG(span_cut(from->at[FINGERPRINT], 0, 200)));
    r->import->full |= value.full;
    import_set(r->import, to, "tls_pin", buf_span(&value), &pin);
}

static void put_proxy(const struct reading *r, const struct written *from, struct import_account *to)
{
    const struct import_lines where = at(r, from->line[PROXY]);
    HELD(buf) value = BUF(IMPORT_PATH_MAX);

    if (!from->is_set[PROXY] || !from->at[PROXY].len)
        return;
    buf_addf(&value, "socks5://%.*s:%.*s", SPAN_ARG(span_cut(from->at[PROXY], 0, 300)),
             SPAN_ARG(from->at[PROXY_PORT].len ? span_cut(from->at[PROXY_PORT], 0, 10) : SPAN("1080")));
    r->import->full |= value.full;
    import_set(r->import, to, "proxy", buf_span(&value), &where);
}

static void put_account(const struct reading *r, const struct written *from)
{
    struct import_account *to = import_add(r->import, from->name);

    if (!to)
        return;
    put_server(r, from, to);
    put_sign_in(r, from, to);
    put_trust(r, from, to);
    put_proxy(r, from, to);
    for (size_t i = 0; i < MSMTP_KEYS; i++) {
        const struct import_lines where = at(r, from->line[i]);
        if (keys[i].ours && from->is_set[i] && from->at[i].len)
            import_set(r->import, to, keys[i].ours, from->at[i], &where);
    }
    if (!import_value(to, "address") && span_find(from->at[USER], '@') < from->at[USER].len)
        import_set(r->import, to, "address", from->at[USER], NULL);
}

void import_msmtp(struct import *import, const struct import_file *files, size_t count)
{
    struct reading *r = pool_array(&import->pool, 1, sizeof *r);
    (void)count;

    if (!r) {
        import->no_memory = true;
        return;
    }
    *r = (struct reading){ .import = import, .lines = import_lines_of(&files[0]), .count = 1 };
    r->accounts[0].is_hidden = true;
    read_lines(r);
    for (size_t i = 1; i < r->count; i++) {
        if (!r->accounts[i].is_set[HOST])
            continue;
        if (i == r->usual)
            import->usual = import->count;
        put_account(r, &r->accounts[i]);
    }
}
