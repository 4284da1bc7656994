/* Who may send as whom, and to whom: asked at MAIL and RCPT, so that the sender can still be told. */
#include "gateway/gateway_int.h"

#include <stdio.h>

#include "mail/address.h"
#include "mail/envelope.h"
#include "smtp/params.h"

#include "base/banned.h"

static const struct smtp_answer yes = { .yes = true };

/* This machine's own programs are not counted. */
static bool is_counted(const struct guest *guest)
{
    return !guest->is_unix && !(guest->is_known && ip_is_loopback(guest->from));
}

static struct span counted_as(const struct guest *guest)
{
    if (guest->user)
        return span_of(guest->user->name);
    return (struct span){ (const char *)guest->from.bytes, sizeof guest->from.bytes };
}

static bool is_too_large(struct guest *guest)
{
    uint64_t most = guest->choice.account->limits.message_size;
    uint64_t size = smtp_server_envelope(guest_machine(guest))->size;
    char text[100];

    if (!most || size <= most)
        return false;
    snprintf(text, sizeof text, "The message is larger than the %llu octets the provider takes",
             (unsigned long long)most);
    guest_refuse(guest, STAGE_MAIL, "gateway_message_too_big", &(struct smtp_answer){ false, 552, "5.3.4", text });
    return true;
}

/* A message that may go out no earlier than it must have arrived. */
static bool wishes_make_sense(const struct smtp_wishes *wishes, uint64_t wall)
{
    uint64_t hold = wishes->hold_for;

    if (wishes->hold_until > wall / 1000)
        hold = wishes->hold_until - wall / 1000;
    return !wishes->has_by || !wishes->by_returns || (uint64_t)wishes->by_time > hold;
}

void guest_check_sender(struct guest *guest)
{
    static const struct smtp_answer
        too_many = { false, 450, "4.7.1", "Too many messages a minute; try again in one" },
        no_sense = { false, 501, "5.5.4", "It would be too late when it may go out" },
        no_rank = { true, 250, "2.3.6", "0 is the priority without a sign-in" };
    const struct smtp_wishes *wishes = smtp_server_wishes(guest_machine(guest));
    const char *sender = smtp_server_envelope(guest_machine(guest))->sender;
    struct gateway *gateway = guest->gateway;
    struct err err = { 0 };

    if (!users_choose(guest->face->config, guest->face->settings, guest->user, span_of(sender),
                      guest->face->hostname, &guest->choice, &err)) {
        guest_refuse_for(guest, STAGE_MAIL, &err);
        return;
    }
    if (is_too_large(guest))
        return;
    if (!wishes_make_sense(wishes, gateway_wall(gateway)))
        guest_refuse(guest, STAGE_MAIL, NULL, &no_sense);
    else if (is_counted(guest) && !caps_message(gateway->caps, counted_as(guest), guest_now(guest)))
        guest_refuse(guest, STAGE_MAIL, "rate_limit_short", &too_many);
    else
        session_server_answer(guest->session, wishes->priority && !guest->user ? &no_rank : &yes);
}

/* A name of this machine that leads nowhere is refused now, when the sender can still be told. */
static bool leads_somewhere(struct guest *guest, struct span address, struct err *err)
{
    struct gateway *gateway = guest->gateway;
    const struct local_settings *local = gateway_local(gateway);
    size_t at = span_find_last(address, '@');
    const struct alias_asker asker = {
        guest->face->hostname, local->admin ? local->admin : guest->choice.account->address,
    };
    const struct aliases *aliases;
    HELD(alias_found) found = { 0 };

    if (!aliases_is_local(span_from(address, at + 1), guest->face->hostname))
        return true;
    return gateway_aliases(gateway, &aliases, err) &&
           aliases_expand(aliases, &asker, span_cut(address, 0, at), &found, err);
}

void guest_check_recipient(struct guest *guest)
{
    static const struct smtp_answer
        too_many = { false, 450, "4.7.1", "Too many recipients a minute; try again in one" };
    struct span recipient = span_of(smtp_server_recipient(guest_machine(guest)));
    struct err err = { 0 };

    if (is_counted(guest) &&
        !caps_recipient(guest->gateway->caps, counted_as(guest), guest_now(guest)))
        guest_refuse(guest, STAGE_RCPT, "rate_limit_short", &too_many);
    else if (!leads_somewhere(guest, recipient, &err))
        guest_refuse_for(guest, STAGE_RCPT, &err);
    else
        session_server_answer(guest->session, &yes);
}
