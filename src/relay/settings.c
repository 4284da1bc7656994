/* The tables of [queue] and [route NAME]. */
#include "relay/settings.h"

#include "base/str.h"

#include "base/banned.h"

enum { RESERVE_MOST = 50 };

static const char *const unknown_words[] = { "retry", "hold", NULL };

static const struct {
    const char *word;
    enum route_advance bit;
} advances[] = {
    { "connect", ROUTE_ON_CONNECT },
    { "auth", ROUTE_ON_AUTH },
    { "quota", ROUTE_ON_QUOTA },
    { "refused", ROUTE_ON_REFUSED },
};

static bool percent(struct span value, uint64_t *ret_percent)
{
    return value.len > 1 && value.at[value.len - 1] == '%' &&
           str_to_u64(span_cut(value, 0, value.len - 1), 0, RESERVE_MOST, ret_percent);
}

static bool is_percent(struct span value, struct err *err)
{
    uint64_t part;

    return percent(value, &part) ||
           err_found(err, ERR_CONFIG, "config:bad", "a part of the disk is wanted, from 0%% to %d%%", RESERVE_MOST);
}

static bool advance_bit(struct span word, unsigned *bits)
{
    for (size_t i = 0; i < COUNT(advances); i++) {
        if (span_is(word, advances[i].word)) {
            *bits |= advances[i].bit;
            return true;
        }
    }
    return false;
}

static bool are_advances(struct span value, struct err *err)
{
    struct span part;
    unsigned bits = 0;

    while (span_split(&value, ',', &part))
        if (!advance_bit(span_trim(part), &bits))
            return err_found(err, ERR_CONFIG, "config:bad", "these words are wanted: connect, auth, quota, refused");
    return true;
}

#define AT(member_) .offset = offsetof(struct queue_settings, member_)

static const struct setting queue_settings[] = {
    { .key = "give_up_after", .type = SETTING_DURATION, AT(give_up_after), .least = 60 * 1000,
      .most = 30 * 86400000ull, .fallback = "5d",
      .doc = "a message that could have been sent for so long comes back; time when its account is parked "
             "does not count" },
    { .key = "unknown", .type = SETTING_WORD, AT(unknown), .words = unknown_words, .fallback = "retry",
      .doc = "the body went out and no answer came: retry (it may arrive twice), or hold for a person" },
    { .key = "keep_history", .type = SETTING_DURATION, AT(keep_history), .most = 3650 * 86400000ull,
      .fallback = "30d", .doc = "how long envelopes and outcomes are kept, never bodies" },
    { .key = "reserve", .type = SETTING_TEXT, AT(reserve), .check = is_percent, .fallback = "5%",
      .doc = "of the disk, kept free: below it nothing is accepted" },
};

_Static_assert(COUNT(queue_settings) == QUEUE_SETTINGS, "each setting has an origin");
#undef AT

static const struct setting_kind queue_kind = {
    "queue", false, queue_settings, COUNT(queue_settings), "how long mail waits",
};

const struct config_part queue_part = {
    .kind = &queue_kind,
    .size = sizeof(struct queue_settings),
    .origins = offsetof(struct queue_settings, origins),
};

#define AT(member_) .offset = offsetof(struct route_settings, member_)

static const struct setting route_settings[] = {
    { .key = "accounts", .type = SETTING_LIST, AT(accounts),
      .doc = "the accounts it may go by; the first is the usual one" },
    { .key = "advance", .type = SETTING_LIST, AT(advance), .check = are_advances,
      .fallback = "connect, auth, quota",
      .doc = "what makes the next one be used: its server can't be reached, its sign-in is lost, its quota is "
             "used up; refused: its provider refuses a message for its sender or content, and the next one may "
             "send as that sender" },
};

_Static_assert(COUNT(route_settings) == ROUTE_SETTINGS, "each setting has an origin");
#undef AT

static const struct setting_kind route_kind = {
    "route", true, route_settings, COUNT(route_settings), "ordered accounts, for mail that must not wait for one",
};

static bool route_check(const void *section, const struct config *config, struct err *err)
{
    const struct route_settings *route = section;

    if (config_account(config, route->name))
        return setting_wrong(&route_kind, route->origins, route->name, "accounts", err,
                             "an account has this name already");
    if (route->accounts.count == 0 || route->accounts.count > ROUTE_ACCOUNTS_MAX)
        return setting_wrong(&route_kind, route->origins, route->name, "accounts", err,
                             "one to eight accounts are wanted");
    for (size_t i = 0; i < route->accounts.count; i++)
        if (!config_account(config, route->accounts.at[i]))
            return setting_wrong(&route_kind, route->origins, route->name, "accounts", err,
                                 "there is no account of one of these names");
    return true;
}

static const struct setting_list *route_accounts(const void *section)
{
    const struct route_settings *route = section;

    return &route->accounts;
}

const struct config_part route_part = {
    .kind = &route_kind,
    .size = sizeof(struct route_settings),
    .origins = offsetof(struct route_settings, origins),
    .name = offsetof(struct route_settings, name),
    .check = route_check,
    .accounts = route_accounts,
};

unsigned route_advances(const struct route_settings *route)
{
    unsigned bits = 0;

    for (size_t i = 0; i < route->advance.count; i++)
        advance_bit(span_of(route->advance.at[i]), &bits);
    return bits;
}

unsigned queue_reserve_percent(const struct queue_settings *queue)
{
    uint64_t part = 0;

    return queue->reserve && percent(span_of(queue->reserve), &part) ? (unsigned)part : 0;
}
