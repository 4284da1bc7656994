/* Postfix as a client (postconf(5)): main.cf, and the tables of its sign-ins and of relay hosts by sender, as text. */
#include "base/str.h"
#include "discover/import_int.h"

#include "base/banned.h"

enum { EXPANDED_MAX = 16 * 1024, DEEPEST = 4, NAMES_MAX = 1000 };

enum parameter {
    RELAYHOST, PASSWORDS, SASL, FILTER, LEVEL, USE_TLS, ENFORCE_TLS, WRAPPER, CA_FILE, CERTIFICATE, KEY, BIND, BY_SENDER,
    SENDER_LOGIN, MYDOMAIN, MYHOSTNAME, MYORIGIN, CONFIG_DIRECTORY, PARAMETERS
};

static const char *const names[PARAMETERS] = {
    "relayhost", "smtp_sasl_password_maps", "smtp_sasl_auth_enable", "smtp_sasl_mechanism_filter", "smtp_tls_security_level",
    "smtp_use_tls", "smtp_enforce_tls", "smtp_tls_wrappermode", "smtp_tls_CAfile", "smtp_tls_cert_file", "smtp_tls_key_file",
    "smtp_bind_address", "sender_dependent_relayhost_maps", "smtp_sender_dependent_authentication", "mydomain", "myhostname",
    "myorigin", "config_directory",
};

struct value {
    struct span raw; /* with its line ends, as written; the last one told counts */
    unsigned line;
};

struct main_cf {
    const char *file;
    bool full; /* a value was longer than any */
    struct value values[PARAMETERS];
};

/* ---- main.cf ---- */

typedef void parameter_told(void *who, struct span key, struct span value, unsigned line);

/* "KEY = VALUE", continued by lines that begin with a blank; comments stand anywhere between. */
static void read_parameters(struct span text, parameter_told *told, void *who)
{
    struct span rest = text, line;
    unsigned number = 0;

    while (rest.len) {
        const char *from = rest.at;
        span_split(&rest, '\n', &line);
        unsigned first = ++number;
        if (!span_trim(line).len || span_trim(line).at[0] == '#' || line.at[0] == ' ' || line.at[0] == '\t')
            continue;
        while (rest.len && (rest.at[0] == ' ' || rest.at[0] == '\t')) {
            span_split(&rest, '\n', &line);
            number++;
        }
        struct span whole = { from, (size_t)(line.at + line.len - from) };
        size_t equals = span_find(whole, '=');
        told(who, span_trim(span_cut(whole, 0, equals)), span_trim(span_from(whole, equals + 1)), first);
    }
}

struct reading {
    struct import *import; /* NULL: only looked at */
    struct main_cf *main_cf;
};

static void take(void *who, struct span key, struct span value, unsigned line)
{
    struct reading *r = who;
    const struct import_lines where = { r->main_cf->file, SPAN_NONE, line };

    for (size_t i = 0; i < PARAMETERS; i++) {
        if (!span_is(key, names[i]))
            continue;
        r->main_cf->values[i] = (struct value){ value, line };
        return;
    }
    if (r->import)
        import_note(r->import, &where, import_shown(key, value.len ? value : key), import_why_own);
}

static struct span value_of(const struct main_cf *m, struct span name)
{
    for (size_t i = 0; i < PARAMETERS; i++)
        if (span_is(name, names[i]))
            return i == CONFIG_DIRECTORY && !m->values[i].raw.len ? SPAN("/etc/postfix") : m->values[i].raw;
    return SPAN_NONE;
}

static bool is_name_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '_';
}

/* "$name", "${name}", "$(name)", as deep as it is ever written. `left`: so many names more, for those that lead to nothing
 * take time, and no room. */
static void expand(const struct main_cf *m, struct span text, int deep, unsigned *left, struct buf *out)
{
    struct scan scan = scan_of(text);
    struct span name;

    while (!scan_end(&scan) && !out->full && *left) {
        if (!scan_char(&scan, '$')) {
            char c = scan_peek(&scan);
            buf_add_char(out, c == '\n' || c == '\r' || c == '\t' ? ' ' : c);
            scan.at++;
            continue;
        }
        bool closed = scan_char(&scan, '{') || scan_char(&scan, '(');
        if (!scan_while(&scan, is_name_char, &name))
            continue;
        if (closed)
            (void)(scan_char(&scan, '}') || scan_char(&scan, ')'));
        --*left;
        if (deep < DEEPEST)
            expand(m, value_of(m, name), deep + 1, left, out);
    }
}

static struct span expanded(struct main_cf *m, enum parameter parameter, struct buf *out)
{
    unsigned left = NAMES_MAX;

    buf_clear(out);
    expand(m, m->values[parameter].raw, 0, &left, out);
    bool full = out->full || !left;
    m->full |= full;
    return full ? SPAN_NONE : span_trim(buf_span(out));
}

static bool is_yes(const struct main_cf *m, enum parameter parameter)
{
    return import_is_yes(span_trim(m->values[parameter].raw));
}

/* ---- tables ---- */

/* Those that are text, or made of a text beside them. */
static struct span table_path(struct span map)
{
    static const char *const types[] = { "hash:", "texthash:", "lmdb:", "btree:", "cdb:", "dbm:" };

    for (size_t i = 0; i < COUNT(types); i++)
        if (span_starts(map, types[i]))
            return span_from(map, strlen(types[i]));
    return SPAN_NONE;
}

static void wish_for_tables(struct main_cf *m, enum parameter parameter, struct import_wish *wish)
{
    HELD(buf) value = BUF(EXPANDED_MAX);
    struct span rest = expanded(m, parameter, &value);

    while (rest.len)
        import_wish_for(wish, table_path(import_word(&rest, ", \t")));
}

void import_postfix_wants(struct span text, struct import_wish *wish)
{
    struct main_cf m = { .file = NULL };
    struct reading r = { NULL, &m };

    read_parameters(text, take, &r);
    wish_for_tables(&m, PASSWORDS, wish);
    wish_for_tables(&m, BY_SENDER, wish);
}

struct postfix {
    struct import *import;
    struct main_cf m;
    const struct import_file *files;
    size_t count;
};

typedef bool row_told(void *who, struct span key, struct span value, const struct import_lines *where); /* true: enough */

/* Each row of the tables of this parameter. */
static void read_tables(struct postfix *p, enum parameter parameter, row_told *told, void *who)
{
    HELD(buf) value = BUF(EXPANDED_MAX);
    struct span rest = expanded(&p->m, parameter, &value), line;

    while (rest.len) {
        struct span path = table_path(import_word(&rest, ", \t"));
        for (size_t i = 1; i < p->count; i++) {
            struct import_lines lines = import_lines_of(&p->files[i]);
            if (!span_is(path, p->files[i].path))
                continue;
            while (import_line(&lines, &line)) {
                struct span key = line.len && line.at[0] != '#' ? import_word(&line, " \t") : SPAN_NONE;
                if (key.len && told(who, key, span_trim(line), &lines))
                    return;
            }
        }
    }
}

struct login {
    struct postfix *postfix;
    struct import_account *account;
    struct span key; /* as it stands in relayhost, or the sender's address */
    bool found;
};

static bool take_login(void *who, struct span key, struct span value, const struct import_lines *where)
{
    struct login *login = who;
    size_t colon = span_find(value, ':');

    if (!span_equal_word(key, login->key))
        return false;
    import_set(login->postfix->import, login->account, "username", span_cut(value, 0, colon), where);
    import_set_password(login->postfix->import, login->account, span_from(value, colon + 1));
    login->found = true;
    return true;
}

/* Under the sender where that counts, then as the relay host is written, then by the host alone. */
static void find_login(struct postfix *p, struct import_account *account, struct span sender, struct span relay,
                       struct span host)
{
    struct login login = { .postfix = p, .account = account };
    const struct span tried[] = { is_yes(&p->m, SENDER_LOGIN) ? sender : SPAN_NONE, relay, host };

    for (size_t i = 0; i < COUNT(tried) && !login.found; i++) {
        login.key = tried[i];
        if (login.key.len)
            read_tables(p, PASSWORDS, take_login, &login);
    }
}

/* ---- accounts ---- */

static struct import_lines line_of(struct postfix *p, enum parameter parameter)
{
    return (struct import_lines){ p->m.file, SPAN_NONE, p->m.values[parameter].line };
}

static void put_security(struct postfix *p, struct import_account *account)
{
    struct span level = span_trim(p->m.values[LEVEL].raw);
    bool wrapper = is_yes(&p->m, WRAPPER);
    bool demanded = span_is(level, "encrypt") || span_is(level, "verify") || span_is(level, "secure") ||
                    span_starts(level, "dane") || span_is(level, "fingerprint") || is_yes(&p->m, ENFORCE_TLS);
    const struct import_lines where = line_of(p, wrapper ? WRAPPER : level.len ? LEVEL : USE_TLS);

    import_set(p->import, account, "security", wrapper ? SPAN("tls") : SPAN("starttls"), where.line ? &where : NULL);
    if (!wrapper && !demanded)
        import_note(p->import, &where, SPAN("smtp_tls_security_level"), import_why_safety);
}

static void put_sign_in(struct postfix *p, struct import_account *account)
{
    HELD(buf) value = BUF(EXPANDED_MAX);
    struct span filter = expanded(&p->m, FILTER, &value);
    const struct import_lines sasl = line_of(p, SASL), where = line_of(p, FILTER);
    bool token = span_is_word(filter, "xoauth2") || span_is_word(filter, "oauthbearer");

    if (!is_yes(&p->m, SASL) || !import_value(account, "username")) {
        import_set(p->import, account, "auth", SPAN("none"), sasl.line ? &sasl : NULL);
        return;
    }
    import_set(p->import, account, "auth", token ? SPAN("oauth") : SPAN("password"), &sasl);
    account->signs_in_elsewhere = token; /* what stands for a password is the path of sasl-xoauth2's tokens */
    if (filter.len && !token && span_find(filter, '!') == filter.len && span_find(filter, ' ') == filter.len)
        import_set(p->import, account, "mechanisms", filter, &where);
}

static void put_files(struct postfix *p, struct import_account *account)
{
    static const struct {
        enum parameter parameter;
        const char *ours;
    } carried[] = { { CA_FILE, "ca_file" }, { CERTIFICATE, "client_certificate" }, { KEY, "client_key" }, { BIND, "source_address" } };

    for (size_t i = 0; i < COUNT(carried); i++) {
        HELD(buf) value = BUF(EXPANDED_MAX);
        const struct import_lines where = line_of(p, carried[i].parameter);
        struct span text = expanded(&p->m, carried[i].parameter, &value);
        if (text.len)
            import_set(p->import, account, carried[i].ours, text, &where);
    }
}

static void put_account(struct postfix *p, struct span sender, struct span relay, const struct import_lines *where)
{
    struct span host = SPAN_NONE;
    uint16_t port = 25;

    if (!import_host(relay, &host, &port)) {
        import_note(p->import, where, SPAN("relayhost"), "the server is not written as [HOST]:PORT");
        return;
    }
    struct import_account *account = import_add(p->import, sender);
    if (!account)
        return;
    import_set_server(p->import, account, host, port, where);
    if (relay.at[0] != '[')
        import_note(p->import, where, SPAN("relayhost"), "without brackets Postfix asks for MX hosts; outpost goes to the host itself");
    find_login(p, account, sender, relay, host);
    put_security(p, account);
    put_sign_in(p, account);
    put_files(p, account);
    const char *user = import_value(account, "username");
    if (span_find(sender, '@') < sender.len && sender.at[0] != '@')
        import_set(p->import, account, "address", sender, where);
    else if (user && strchr(user, '@'))
        import_set(p->import, account, "address", span_of(user), NULL);
}

static bool take_sender(void *who, struct span sender, struct span relay, const struct import_lines *where)
{
    struct postfix *p = who;

    put_account(p, sender, relay, where);
    return false;
}

void import_postfix(struct import *import, const struct import_file *files, size_t count)
{
    struct postfix p = { .import = import, .m = { .file = files[0].path }, .files = files, .count = count };
    struct reading r = { import, &p.m };
    HELD(buf) value = BUF(EXPANDED_MAX);

    read_parameters(files[0].text, take, &r);
    struct span relay = expanded(&p.m, RELAYHOST, &value);
    const struct import_lines where = line_of(&p, RELAYHOST);
    if (relay.len)
        put_account(&p, SPAN(""), relay, &where);
    read_tables(&p, BY_SENDER, take_sender, &p);
    import->full |= p.m.full;
}
