#include "gateway/users.h"

#include "base/crypto.h"
#include "base/str.h"
#include "intake/aliases.h"

#include "base/banned.h"

const struct user_settings *users_find(const struct config *config, struct span name)
{
    const struct user_settings *user;

    for (size_t at = 0; (user = config_next(config, &user_part, &at));)
        if (span_is_word(name, user->name))
            return user;
    return NULL;
}

/* -- SCRAM -- */

bool users_have_scram(const struct config *config)
{
    const struct user_settings *user;

    for (size_t at = 0; (user = config_next(config, &user_part, &at));)
        if (!user->scram_sha_256)
            return false;
    return true;
}

static bool make_up(const char *what, struct span name, const char secret[USERS_SECRET_LEN], char *into, size_t len,
                    struct err *err)
{
    unsigned char made_up[CRYPTO_SHA256_LEN];
    HELD(buf) text = BUF(1024);

    buf_add(&text, what);
    for (size_t i = 0; i < name.len; i++)
        buf_add_char(&text, str_lower(name.at[i]));
    if (text.full)
        return err_no_memory(err);
    if (!crypto_hmac_sha256((struct span){ secret, USERS_SECRET_LEN }, buf_span(&text), made_up, err))
        return false;
    memcpy(into, made_up, len);
    return true;
}

bool users_scram(const struct user_settings *user_or_null, struct span name,
                 const char secret[USERS_SECRET_LEN], struct password_scram *ret_keys, struct err *err)
{
    struct password_scram keys = { .iterations = PASSWORD_ITERATIONS, .salt_len = PASSWORD_SALT_LEN };

    if (user_or_null && user_or_null->scram_sha_256)
        return password_scram_read(span_of(user_or_null->scram_sha_256), ret_keys, err);
    /* Keys of no password: nobody knows one whose keys would be these. */
    if (!make_up("salt ", name, secret, keys.salt, keys.salt_len, err) ||
        !make_up("stored ", name, secret, keys.stored_key, sizeof keys.stored_key, err) ||
        !make_up("server ", name, secret, keys.server_key, sizeof keys.server_key, err))
        return false;
    *ret_keys = keys;
    return true;
}

/* -- accounts -- */

static bool may_use(const struct user_settings *user, const char *account)
{
    if (!user || !user->accounts.count)
        return true;
    for (size_t i = 0; i < user->accounts.count; i++)
        if (strcmp(user->accounts.at[i], account) == 0)
            return true;
    return false;
}

static bool has_domain(const struct account *account, struct span sender)
{
    struct span ours = span_of(account->address);

    return ours.len && span_equal_word(span_from(ours, span_find_last(ours, '@')),
                                       span_from(sender, span_find_last(sender, '@')));
}

/* Of the user's own, the one that fits the sender best; else the first. False: there is none. */
static bool of_users(const struct config *config, const struct user_settings *user, struct span sender,
                     struct config_lane *ret_lane)
{
    static bool (*const fits[])(const struct account *account, struct span sender) = {
        account_may_send_as,
        has_domain,
    };

    for (size_t sign = 0; sign < COUNT(fits) && sender.len; sign++)
        for (size_t i = 0; i < user->accounts.count; i++)
            if (config_choose_lane(config, user->accounts.at[i], SPAN_NONE, ret_lane, NULL) &&
                fits[sign](ret_lane->account, sender))
                return true;
    return config_choose_lane(config, user->accounts.at[0], SPAN_NONE, ret_lane, NULL);
}

static bool is_fixed(const struct listen_settings *listen)
{
    return strcmp(listen->account, LISTEN_BY_SENDER) != 0;
}

static bool choose_lane(const struct config *config, const struct listen_settings *listen,
                        const struct user_settings *user, struct span sender, struct config_lane *ret_lane,
                        struct err *err)
{
    if (!config_choose_lane(config, is_fixed(listen) ? listen->account : NULL, sender, ret_lane, err))
        return false;
    return may_use(user, ret_lane->name) || of_users(config, user, sender, ret_lane) ||
           err_found(err, ERR_CONFIG, "config:no-account", "%s has no account", user->name);
}

static unsigned first_said(const struct user_settings *user, const struct listen_settings *listen,
                           const struct account *account)
{
    if (user && user->other_senders)
        return user->other_senders;
    if (listen->other_senders)
        return listen->other_senders;
    return account->other_senders ? account->other_senders : OTHER_SENDERS_REWRITE;
}

static bool is_local(struct span sender, const char *hostname)
{
    size_t at = span_find_last(sender, '@');

    return at == sender.len || aliases_is_local(span_from(sender, at + 1), hostname);
}

bool users_choose(const struct config *config, const struct listen_settings *listen,
                  const struct user_settings *user_or_null, struct span sender, const char *hostname,
                  struct users_choice *ret_choice, struct err *err)
{
    struct config_lane lane;

    if (!choose_lane(config, listen, user_or_null, sender, &lane, err))
        return false;
    struct users_choice choice = { .account = lane.account, .lane = lane.name };
    choice.other_senders = first_said(user_or_null, listen, choice.account);
    if (choice.other_senders == OTHER_SENDERS_REFUSE && sender.len && !is_local(sender, hostname) &&
        !account_may_send_as(choice.account, sender)) {
        HELD(buf) shown = BUF(400);
        str_printable(&shown, sender, 300);
        return err_found(err, ERR_DATA, "sender:foreign", "%s is not an address of the account %s",
                         buf_text(&shown), choice.account->name);
    }
    *ret_choice = choice;
    return true;
}

uint64_t users_message_size(const struct config *config, const struct listen_settings *listen)
{
    uint64_t most = 0;

    if (listen->message_size)
        return listen->message_size;
    for (size_t i = 0; i < config->account_count; i++) {
        const struct account *account = config->accounts[i];
        struct config_lane lane;
        uint64_t its = account->limits.message_size ? account->limits.message_size : USERS_MESSAGE_SIZE;
        bool fits = !is_fixed(listen) || (config_choose_lane(config, listen->account, SPAN_NONE, &lane, NULL) &&
                                          lane.account == account);
        if (fits && its > most)
            most = its;
    }
    return most ? most : USERS_MESSAGE_SIZE;
}
