#include "account/account.h"

#include "base/alloc.h"
#include "base/str.h"
#include "smtp/sasl.h"

#include "base/banned.h"

bool account_name_check(struct span name, struct err *err)
{
    return setting_name_check(name, err) || err_in(err, "account");
}

/* The label of the domain that people would call it by: what stands before the last dot, or before the last
 * two where the one between is as short as in "co.uk". */
char *account_name_from(struct span address)
{
    struct span domain = span_from(address, span_find_last(address, '@') + 1), label = domain;
    size_t dot = span_find_last(domain, '.');
    char *name;

    if (span_starts(domain, "[")) { /* an address literal has no name */
        label = SPAN_NONE;
    } else if (dot < domain.len) {
        struct span front = span_cut(domain, 0, dot);
        size_t before = span_find_last(front, '.');
        if (before < front.len && front.len - before - 1 <= 3) {
            front = span_cut(front, 0, before);
            before = span_find_last(front, '.');
        }
        label = before < front.len ? span_from(front, before + 1) : front;
    }
    name = str_copy_span(span_cut(label, 0, ACCOUNT_NAME_MAX));
    for (char *at = name; at && *at; at++)
        *at = setting_is_name_char(*at) ? str_lower(*at) : '_';
    if (name && !account_name_check(span_of(name), NULL)) {
        mem_free(name);
        name = str_copy("account");
    }
    return name;
}

bool account_new(struct span name, struct account **ret_account, struct err *err)
{
    OWN(account) account = NULL;

    if (!account_name_check(name, err))
        return false;
    account = NEW(account);
    if (!account || !(account->name = str_copy_span(name)))
        return err_no_memory(err);
    *ret_account = GIVE(account);
    return true;
}

void account_free(struct account *account)
{
    if (!account)
        return;
    settings_done(&account_kind, account);
    mem_free(account->name);
    mem_free(account);
}

bool account_copy(const struct account *account, struct account **ret_copy, struct err *err)
{
    OWN(account) copy = NULL;

    if (!account_new(span_of(account->name), &copy, err))
        return false;
    for (size_t i = 0; i < account_kind.count; i++) {
        HELD(buf) value = BUF(INI_LINE_MAX);
        if (!account->origins[i].from)
            continue;
        setting_show(&account_kind.settings[i], account, &value);
        if (value.full)
            return err_no_memory(err);
        if (!settings_set(&account_kind, account_kind.settings[i].key, buf_span(&value),
                          account->origins[i], copy, copy->origins, err))
            return false;
    }
    copy->profile = account->profile;
    copy->limits = account->limits; /* some have no key */
    *ret_copy = GIVE(copy);
    return true;
}

bool account_set(struct account *account, const char *key, struct span value, struct err *err)
{
    const struct setting_origin origin = { .from = "the command line" };

    return settings_set(&account_kind, key, value, origin, account, account->origins, err);
}

enum security account_security(const struct account *account)
{
    return (enum security)(account->security ? account->security - 1 : SECURITY_STARTTLS);
}

enum profile_pipeline account_pipeline(const struct account *account)
{
    return (enum profile_pipeline)(account->pipeline ? account->pipeline - 1 : PIPELINE_AUTO);
}

enum sasl_credential account_credential(const struct account *account)
{
    switch (account->auth) {
    case ACCOUNT_AUTH_OAUTH:
    case ACCOUNT_AUTH_TOKEN:
        return SASL_TOKEN;
    case ACCOUNT_AUTH_CERTIFICATE:
        return SASL_CERTIFICATE;
    default:
        return SASL_PASSWORD;
    }
}

unsigned account_mechanisms(const struct account *account)
{
    unsigned named = 0, fit = 0;
    enum sasl_mechanism mechanism;

    if (account->auth != ACCOUNT_AUTH_NONE)
        fit = sasl_for_credential(account_credential(account));
    for (size_t i = 0; i < account->mechanisms.count; i++)
        if (sasl_from_name(span_of(account->mechanisms.at[i]), &mechanism))
            named |= SASL_BIT(mechanism);
    if (named)
        return named & fit;
    for (size_t i = 0; account->profile && i < account->profile->mechanisms.count; i++)
        if (sasl_from_name(span_of(account->profile->mechanisms.at[i]), &mechanism))
            named |= SASL_BIT(mechanism);
    /* A profile that knows no mechanism of this sort may be behind the times: let the server say. */
    return (named & fit & SASL_USUAL) ? named & fit & SASL_USUAL : fit & SASL_USUAL;
}

bool account_may_send_as(const struct account *account, struct span address)
{
    if (account->address && span_is_word(address, account->address))
        return true;
    for (size_t i = 0; i < account->send_as.count; i++)
        if (str_matches(address, account->send_as.at[i]))
            return true;
    return false;
}

bool account_text(const struct account *account, struct buf *out, struct err *err)
{
    const size_t before = out->len;
    bool ok = ini_add_section(out, account_kind.kind, account->name);

    for (size_t i = 0; ok && i < account_kind.count; i++) {
        HELD(buf) value = BUF(INI_LINE_MAX);
        if (!account->origins[i].from || account->origins[i].filled)
            continue;
        setting_show(&account_kind.settings[i], account, &value);
        ok = !value.full && ini_add(out, account_kind.settings[i].key, buf_span(&value));
        if (!ok && !out->full)
            err_set(err, ERR_CONFIG, "%s: no file can hold this value", account_kind.settings[i].key);
    }
    if (ok)
        return true;
    if (out->full)
        err_set(err, ERR_LIMIT, "the account's section is too long");
    buf_cut(out, before);
    return false;
}
