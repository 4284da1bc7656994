#include "relay/today.h"

#include "base/banned.h"

struct limit_allowed relay_allowed(const struct account *account)
{
    const struct profile_limits *limits = &account->limits;

    return (struct limit_allowed){ {
        [LIMIT_MINUTE] = limits->messages_per_minute,
        [LIMIT_HOUR] = limits->messages_per_hour,
        [LIMIT_DAY] = limits->messages_per_day,
        [LIMIT_RECIPIENTS] = limits->recipients_per_day,
    } };
}

void relay_today(struct limit *limit, const struct limit_allowed *allowed, uint64_t now, struct relay_today *ret_today)
{
    enum limit_kind kind = allowed->most[LIMIT_DAY] ? LIMIT_DAY : LIMIT_RECIPIENTS;
    struct limit_answer answer = limit_ask(limit, allowed, 1, now);
    bool passes_soon = answer.by == LIMIT_MINUTE || answer.by == LIMIT_HOUR;

    *ret_today = (struct relay_today){
        .sent = limit_used(limit, kind, now),
        .limit = allowed->most[kind],
        .counts_recipients = kind == LIMIT_RECIPIENTS,
        .until = answer.yes || passes_soon ? 0 : answer.free_at,
    };
}
