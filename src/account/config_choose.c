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

const struct account *config_default(const struct config *config)
{
    if (config->outpost.default_account)
        return config_account(config, config->outpost.default_account);
    return config->account_count == 1 ? config->accounts[0] : NULL;
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

bool config_choose(const struct config *config, const char *name_or_null, struct span sender,
                   const struct account **ret_account, struct err *err)
{
    const struct account *account = NULL;

    if (name_or_null) {
        account = config_account(config, name_or_null);
        if (!account)
            return config_no_account(config, name_or_null, err);
    } else if (span_find(sender, '@') < sender.len) {
        account = by_sender(config, sender);
    }
    if (!account)
        account = config_default(config);
    if (!account && config->account_count == 0)
        return err_found(err, ERR_CONFIG, "config:no-account", "%s: no account is set up",
                         config->main);
    if (!account)
        return err_found(err, ERR_CONFIG, "config:no-account",
                         "%s: none of %zu accounts fits the sender, and none is the default",
                         config->main, config->account_count);
    *ret_account = account;
    return true;
}
