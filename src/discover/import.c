#include "discover/import.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "discover/import_int.h"

#include "base/banned.h"

enum { WHAT_MAX = 60 };

const char import_why_own[] = "concerns that program itself";
const char import_why_other[] = "outpost has no such setting, or does it in its own way";
const char import_why_safety[] = "not carried: it would let anybody on the way listen";

static const struct {
    const char *word, *words;
    const char *file;    /* how its file is called */
    const char *mark[3]; /* what one of its lines begins with */
    import_reader *read;
    import_wisher *wants;
} kinds[IMPORT_KINDS] = {
    [IMPORT_MSMTP] = { "msmtp", "msmtp", "msmtprc", { "account ", "defaults", "tls_starttls" }, import_msmtp, NULL },
    [IMPORT_SSMTP] = { "ssmtp", "sSMTP", "ssmtp.conf", { "mailhub" }, import_ssmtp, NULL },
    [IMPORT_NULLMAILER] = { "nullmailer", "nullmailer", "remotes", { NULL }, import_nullmailer, NULL },
    [IMPORT_DMA] = { "dma", "dma", "dma.conf", { "SMARTHOST" }, import_dma, import_dma_wants },
    [IMPORT_POSTFIX] = { "postfix", "Postfix", "main.cf", { "relayhost", "smtp_sasl_", "smtpd_" }, import_postfix,
                         import_postfix_wants },
    [IMPORT_PROXY] = { "email-oauth2-proxy", "email-oauth2-proxy", "emailproxy.config", { "[SMTP-", "[Server setup]" },
                       import_proxy, NULL },
};

const char *import_kind_word(enum import_kind kind)
{
    return kinds[kind].word;
}

const char *import_kind_words(enum import_kind kind)
{
    return kinds[kind].words;
}

bool import_kind_from_word(struct span word, enum import_kind *ret_kind)
{
    for (size_t i = 0; i < COUNT(kinds); i++) {
        if (!span_is_word(word, kinds[i].word))
            continue;
        *ret_kind = (enum import_kind)i;
        return true;
    }
    return false;
}

static bool is_marked(struct span line, size_t kind)
{
    for (size_t i = 0; i < COUNT(kinds[kind].mark) && kinds[kind].mark[i]; i++)
        if (kind == IMPORT_SSMTP ? span_starts_word(line, kinds[kind].mark[i]) : span_starts(line, kinds[kind].mark[i]))
            return true;
    return false;
}

/* "HOST smtp ..." */
static bool is_remote(struct span line)
{
    (void)import_word(&line, " \t");
    return span_is(import_word(&line, " \t"), "smtp");
}

bool import_kind_of(const char *path, struct span text, enum import_kind *ret_kind)
{
    struct span name = span_of(path), line;
    struct import_lines lines = { NULL, span_cut(text, 0, IMPORT_FILE_MAX), 0 };

    name = span_from(name, span_find_last(name, '/') < name.len ? span_find_last(name, '/') + 1 : 0);
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (span_ends_word(name, kinds[i].file)) {
            *ret_kind = (enum import_kind)i;
            return true;
        }
    while (import_line(&lines, &line))
        for (size_t i = 0; i < COUNT(kinds); i++)
            if (is_marked(line, i) || (i == IMPORT_NULLMAILER && is_remote(line))) {
                *ret_kind = (enum import_kind)i;
                return true;
            }
    return false;
}

/* ---- other files ---- */

void import_wish_for(struct import_wish *wish, struct span path)
{
    if (!path.len || path.len >= IMPORT_PATH_MAX || wish->count == COUNT(wish->paths) || memchr(path.at, '\0', path.len))
        return;
    snprintf(wish->paths[wish->count++], IMPORT_PATH_MAX, "%.*s", SPAN_ARG(path));
}

void import_wants(enum import_kind kind, struct span text, struct import_wish *ret_wish)
{
    ret_wish->count = 0;
    if (kinds[kind].wants)
        kinds[kind].wants(span_cut(text, 0, IMPORT_FILE_MAX), ret_wish);
}

/* ---- reading ---- */

bool import_line(struct import_lines *lines, struct span *ret_line)
{
    if (!span_split(&lines->rest, '\n', ret_line))
        return false;
    *ret_line = span_trim(*ret_line);
    lines->line++;
    return true;
}

struct span import_word(struct span *rest, const char *separators)
{
    size_t at = 0;

    while (at < rest->len && (rest->at[at] == '\0' || !strchr(separators, rest->at[at])))
        at++;
    struct span word = span_cut(*rest, 0, at);
    while (at < rest->len && rest->at[at] != '\0' && strchr(separators, rest->at[at]))
        at++;
    *rest = span_from(*rest, at);
    return span_trim(word);
}

struct span import_unquoted(struct span value)
{
    char quote = value.len > 1 ? value.at[0] : '\0';

    return (quote == '"' || quote == '\'') && value.at[value.len - 1] == quote ? span_cut(value, 1, value.len - 1) : value;
}

bool import_is_yes(struct span value)
{
    return span_is_word(value, "yes") || span_is_word(value, "on") || span_is_word(value, "true") || span_is(value, "1");
}

bool import_host(struct span text, struct span *ret_host, uint16_t *port)
{
    struct span host = text;
    size_t close = span_find(text, ']'), colon = span_find_last(text, ':');

    if (text.len && text.at[0] == '[') {
        if (close == text.len)
            return false;
        host = span_cut(text, 1, close);
        text = span_from(text, close + 1);
        colon = text.len && text.at[0] == ':' ? 0 : text.len;
    } else {
        host = span_cut(text, 0, colon);
    }
    *ret_host = host;
    return host.len && (colon == text.len || str_to_u16(span_from(text, colon + 1), 1, UINT16_MAX, port));
}

/* ---- making ---- */

const char *import_keep(struct import *import, struct span text)
{
    const char *kept = pool_text(&import->pool, text);

    import->no_memory |= !kept;
    return kept ? kept : "";
}

/* One copy for all lines of a file. */
static const char *keep_path(struct import *import, const char *path)
{
    if (import->path != path) {
        import->path = path;
        import->kept_path = import_keep(import, span_of(path));
    }
    return import->kept_path;
}

static bool is_key_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '_' || c == '-' || c == '.';
}

struct span import_shown(struct span key, struct span value)
{
    for (size_t i = 0; i < key.len; i++)
        if (!is_key_char(key.at[i]))
            return SPAN("a line");
    return value.len && key.len ? key : SPAN("a line");
}

void import_note(struct import *import, const struct import_lines *where, struct span what, const char *why)
{
    HELD(buf) shown = BUF(4 * WHAT_MAX + 8);

    if (import->note_count == IMPORT_NOTES_MAX) {
        import->full = true;
        return;
    }
    str_printable(&shown, what, WHAT_MAX);
    import->full |= shown.full;
    import->notes[import->note_count++] = (struct import_note){
        keep_path(import, where->file), where->line, import_keep(import, buf_span(&shown)), why,
    };
}

struct import_account *import_add(struct import *import, struct span name)
{
    if (import->count == IMPORT_ACCOUNTS_MAX) {
        import->full = true;
        return NULL;
    }
    struct import_account *account = &import->accounts[import->count++];
    account->name = import_keep(import, span_cut(name, 0, IMPORT_PATH_MAX));
    return account;
}

void import_set(struct import *import, struct import_account *account, const char *key, struct span value,
                const struct import_lines *where)
{
    size_t at = 0;

    if (!account)
        return;
    while (at < account->count && strcmp(account->settings[at].key, key) != 0)
        at++;
    if (at == IMPORT_SETTINGS_MAX) {
        import->full = true;
        return;
    }
    account->count += at == account->count;
    account->settings[at] = (struct import_setting){
        key, import_keep(import, value), where ? keep_path(import, where->file) : NULL, where ? where->line : 0,
    };
}

void import_set_server(struct import *import, struct import_account *account, struct span host, uint16_t port,
                       const struct import_lines *where)
{
    HELD(buf) server = BUF(IMPORT_PATH_MAX);

    buf_addf(&server, span_find(host, ':') < host.len ? "[%.*s]:%u" : "%.*s:%u", SPAN_ARG(host), (unsigned)port);
    import->full |= server.full;
    if (!server.full)
        import_set(import, account, "server", buf_span(&server), where);
}

void import_set_password(struct import *import, struct import_account *account, struct span password)
{
    if (!account)
        return;
    secret_free(account->password);
    account->password = secret_new(password);
    import->no_memory |= !account->password && password.len <= SECRET_MAX;
}

const char *import_value(const struct import_account *account, const char *key)
{
    for (size_t i = 0; i < account->count; i++)
        if (strcmp(account->settings[i].key, key) == 0)
            return account->settings[i].value;
    return NULL;
}

bool import_read(enum import_kind kind, const struct import_file *files, size_t count, struct import **ret_import,
                 struct err *err)
{
    OWN(import) import = NEW(import);

    if (!import)
        return err_no_memory(err);
    for (size_t i = 0; i < count; i++)
        if (files[i].text.len > IMPORT_FILE_MAX)
            return err_set(err, ERR_LIMIT, "%s is larger than any configuration of %s", files[i].path, kinds[kind].words);
    import->kind = kind;
    kinds[kind].read(import, files, count);
    if (import->no_memory)
        return err_no_memory(err);
    if (import->count == 0)
        return err_found(err, ERR_CONFIG, "config:bad", "%s: no account for sending is in it, read as a file of %s",
                         files[0].path, kinds[kind].words);
    *ret_import = GIVE(import);
    return true;
}

void import_free(struct import *import)
{
    if (!import)
        return;
    for (size_t i = 0; i < IMPORT_ACCOUNTS_MAX; i++)
        secret_free(import->accounts[i].password);
    pool_done(&import->pool);
    mem_free(import);
}

/* ---- as an account of ours ---- */

static void refuse(struct import *import, const struct import_setting *setting, const char *why)
{
    const struct import_lines where = { setting->file ? setting->file : "", SPAN_NONE, setting->line };

    import_note(import, &where, span_of(setting->key), why);
}

static bool set_all(struct import *import, const struct import_account *from, struct account *account, struct err *err)
{
    for (size_t i = 0; i < from->count; i++) {
        const struct import_setting *setting = &from->settings[i];
        struct err why = { 0 };
        if (account_set(account, setting->key, span_of(setting->value), &why))
            continue;
        if (why.kind == ERR_MEMORY)
            return err_no_memory(err);
        refuse(import, setting, "outpost does not take this value");
    }
    return true;
}

bool import_make(struct import *import, const struct import_account *from, const char *address, const struct knowledge *know,
                 struct account **ret_account, struct err *err)
{
    const char *told = import_value(from, "address");
    struct span whose = span_of(told ? told : address);
    OWN(account) account = NULL;

    if (!whose.len)
        return err_found(err, ERR_CONFIG, "config:bad", "nothing in it tells the sender's address: name it behind the file");
    if (!import_value(from, "server"))
        return err_found(err, ERR_CONFIG, "config:bad", "no server is named for %.200s", told ? told : address);
    char *name = account_name_from(whose);
    bool good = name ? account_new(span_of(name), &account, err) : err_no_memory(err);
    mem_free(name);
    if (!good || (!told && !account_set(account, "address", whose, err)) || !set_all(import, from, account, err) ||
        !account_set(account, "transport", SPAN("smtp"), err) || !account_fill(account, know, err) ||
        !account_check(account, err))
        return false;
    *ret_account = GIVE(account);
    return true;
}
