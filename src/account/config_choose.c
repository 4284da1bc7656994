/* Which account sends a message. */
#include "account/config_int.h"

#include "base/str.h"

#include "base/banned.h"

static const char *nearest_account(const struct config *config, const char *name)
{
    const char *best = NULL;
    unsigned least = 3;

    for (size_t i = 0; i < config->account_count; i++) {
        unsigned distance = str_distance(name, config->accounts[i]->name, 3);
        if (distance < least) {
            least = distance;
            best = config->accounts[i]->name;
        }
    }
    return best;
}

bool config_no_account(const struct config *config, const char *name, struct err *err)
{
    HELD(buf) shown = BUF(512);
    const char *meant = nearest_account(config, name);

    str_printable(&shown, span_of(name), ACCOUNT_NAME_MAX);
    return err_found(err, ERR_CONFIG, "config:no-account", "no account is called \"%s\"%s%s%s",
                     buf_text(&shown), meant ? " (did you mean \"" : "", meant ? meant : "",
                     meant ? "\"?)" : "");
}

/* NULL: there is no section of this name that has accounts. */
static const struct config_section *route(const struct config *config, const char *name)
{
    for (size_t i = 0; i < config->section_count; i++) {
        const struct config_section *section = &config->sections[i];
        if (section->part->accounts && section->name && strcmp(section->name, name) == 0)
            return section;
    }
    return NULL;
}

/* False: neither an account nor a route is called so. */
static bool find_lane(const struct config *config, const char *name, struct config_lane *ret_lane)
{
    const struct account *account = config_account(config, name);
    const struct config_section *section = account ? NULL : route(config, name);
    const struct setting_list *its = section ? section->part->accounts(section->of) : NULL;

    if (its && its->count)
        account = config_account(config, its->at[0]);
    *ret_lane = (struct config_lane){ section ? section->name : account ? account->name : NULL, account };
    return account != NULL;
}

bool config_has_lane(const struct config *config, const char *name)
{
    return config_account(config, name) || route(config, name);
}

static bool default_lane(const struct config *config, struct config_lane *ret_lane)
{
    if (config->outpost.default_account)
        return find_lane(config, config->outpost.default_account, ret_lane);
    if (config->account_count != 1)
        return false;
    *ret_lane = (struct config_lane){ config->accounts[0]->name, config->accounts[0] };
    return true;
}

const struct account *config_default(const struct config *config)
{
    struct config_lane lane;

    return default_lane(config, &lane) ? lane.account : NULL;
}

static bool has_address(const struct account *account, struct span sender)
{
    return account->address && span_is_word(sender, account->address);
}

static bool has_domain(const struct account *account, struct span sender)
{
    struct span ours = span_of(account->address);

    return ours.len && span_equal_word(span_from(ours, span_find_last(ours, '@')),
                                       span_from(sender, span_find_last(sender, '@')));
}

/* From the surest sign to the weakest. */
static bool (*const signs[])(const struct account *account, struct span sender) = {
    has_address,
    account_may_send_as,
    has_domain,
};

static const struct account *by_sender(const struct config *config, struct span sender)
{
    const struct account *usual = config_default(config);

    for (size_t sign = 0; sign < COUNT(signs); sign++) {
        if (usual && signs[sign](usual, sender)) /* of several, the default */
            return usual;
        for (size_t i = 0; i < config->account_count; i++)
            if (signs[sign](config->accounts[i], sender))
                return config->accounts[i];
    }
    return NULL;
}

static bool nothing_decides(const struct config *config, struct err *err)
{
    if (config->account_count == 0)
        return err_found(err, ERR_CONFIG, "config:no-account", "%s: no account is set up", config->main);
    return err_found(err, ERR_CONFIG, "config:no-account",
                     "%s: none of %zu accounts fits the sender, and none is the default", config->main,
                     config->account_count);
}

bool config_choose_lane(const struct config *config, const char *name_or_null, struct span sender,
                        struct config_lane *ret_lane, struct err *err)
{
    struct config_lane usual;
    const struct account *account = NULL;

    if (name_or_null)
        return find_lane(config, name_or_null, ret_lane) || config_no_account(config, name_or_null, err);
    bool has_usual = default_lane(config, &usual);
    if (span_find(sender, '@') < sender.len)
        account = by_sender(config, sender);
    if (has_usual && (!account || account == usual.account))
        *ret_lane = usual;
    else if (account)
        *ret_lane = (struct config_lane){ account->name, account };
    else
        return nothing_decides(config, err);
    return true;
}

bool config_choose(const struct config *config, const char *name_or_null, struct span sender,
                   const struct account **ret_account, struct err *err)
{
    struct config_lane lane;

    if (name_or_null && !config_account(config, name_or_null) && route(config, name_or_null))
        return err_found(err, ERR_CONFIG, "config:no-account", "%s is a route; an account is wanted", name_or_null);
    if (!config_choose_lane(config, name_or_null, sender, &lane, err))
        return false;
    *ret_account = lane.account;
    return true;
}
