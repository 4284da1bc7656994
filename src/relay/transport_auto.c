/* transport = auto: SMTP, and the provider's HTTPS where SMTP is shut; by the verdict's cause, remembered. */
#include "net/loop.h"
#include "relay/transport_int.h"

#include "base/banned.h"

static const struct transport_kind *const kinds[] = { &transport_smtp, &transport_graph, &transport_gmail };

static const struct transport_kind *kind_of(const char *name)
{
    for (size_t i = 0; i < COUNT(kinds); i++)
        if (strcmp(kinds[i]->name, name) == 0)
            return kinds[i];
    return NULL;
}

static uint64_t wall(const struct transport *t)
{
    return clock_wall(t->credentials.clock);
}

/* As the account's setting says it. */
static const struct transport_kind *wished(const struct account *account)
{
    switch ((enum account_transport)account->transport) {
    case TRANSPORT_GRAPH:
        return &transport_graph;
    case TRANSPORT_GMAIL:
        return &transport_gmail;
    case TRANSPORT_UNSET:
    case TRANSPORT_AUTO:
    case TRANSPORT_SMTP:
        break;
    }
    return &transport_smtp;
}

void transport_choose(struct transport *t)
{
    const struct secret_world *secrets = &t->credentials.secrets;

    t->kind = wished(t->account);
    if (t->account->transport != TRANSPORT_AUTO && t->account->transport != TRANSPORT_UNSET)
        return;
    t->other = choice_other_way(t->account);
    if (!t->other)
        return;
    choice_read(secrets->disk, secrets->state, t->account, &t->choice);
    if (strcmp(t->choice.uses, t->other) != 0 || !choice_holds(&t->choice, wall(t)))
        return;
    t->kind = kind_of(t->other);
    t->other = NULL;
    transport_note(t, STAGE_LOCAL, "by %s: SMTP was found shut (%s)", t->kind->name, t->choice.because);
}

/* Both ways failed: the second tells more, unless nothing could be reached at all. */
static void tell_both(const struct transport *t, struct evidence *why)
{
    enum err_kind kind = why->err.kind;

    if (kind == ERR_NETWORK || kind == ERR_NAME)
        *why = t->shut;
    else
        err_in(&why->err, "SMTP is shut (%s), and by %s", t->choice.because, t->kind->name);
}

/* What SMTP may be shut for. A token that is refused in words that nobody knows is refused for the mailbox as likely as for
 * what it is: by the other way that shows. */
static const char *shut_for(const struct transport *t, const struct evidence *why)
{
    struct verdict verdict;

    if (!transport_verdict(t, why, &verdict))
        return NULL;
    bool unknown = verdict.guess && why->stage == STAGE_AUTH && why->err.reply / 100 == 5;
    return unknown && !choice_is_shut(verdict.cause->id) ? "auth_bad_credentials" : verdict.cause->id;
}

bool transport_moves(struct transport *t, struct evidence *why)
{
    bool tied = t->sending && t->message.tied_to;
    const char *cause = t->other && !tied ? shut_for(t, why) : NULL;
    struct err err = { 0 };

    if (t->moved)
        tell_both(t, why);
    if (!choice_is_shut(cause))
        return false;
    t->shut = *why;
    t->moved = true;
    choice_make(&t->choice, t->other, cause, wall(t));
    transport_note(t, why->stage, "%s (%s): going by %s", why->err.text, cause, t->other);
    t->kind->close(t);
    t->own = NULL;
    t->kind = kind_of(t->other);
    t->other = NULL;
    if (!t->kind->open(t, &err))
        transport_fail_soon(t, STAGE_LOCAL, &err);
    return true;
}

static bool has_taken(const struct transport *t)
{
    for (size_t i = 0; i < t->message.count; i++)
        if (t->message.outcomes[i].fate == SMTP_FATE_TAKEN)
            return true;
    return false;
}

/* What can't be remembered is found out again. */
void transport_went(struct transport *t)
{
    const struct secret_world *secrets = &t->credentials.secrets;
    struct err err = { 0 };
    bool good = true;

    if (!has_taken(t))
        return;
    if (t->moved) {
        good = choice_keep(secrets->disk, secrets->state, t->account, &t->choice, &err);
    } else if (t->other && t->choice.uses[0]) { /* SMTP, which was shut once */
        good = choice_forget(secrets->disk, secrets->state, t->account, &err);
        t->choice = (struct choice){ 0 };
    }
    t->moved = false;
    if (!good)
        transport_note(t, STAGE_LOCAL, "the way out can't be remembered: %s", err.text);
}
