/* What a failure is answered with - what passes is "not now", what is wrong with a message "never" - and what is kept
 * of each no. */
#include "gateway/gateway_int.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

static const struct {
    const char *fact; /* NULL: any, of this kind */
    enum err_kind kind;
    uint16_t code;
    const char *enhanced;
    const char *text; /* NULL: the failure's own */
    const char *cause;
} rows[] = {
    { "disk:full", ERR_NONE, 452, "4.3.1", "There is no room for a message now", "disk_full" },
    { "disk:reserve", ERR_NONE, 452, "4.3.1", "There is no room for a message now", "disk_full" },
    { "queue:full", ERR_NONE, 451, "4.3.2", "Too much comes in at once; try again in a moment", NULL },
    { "store:gone", ERR_NONE, 451, "4.3.0", "The beginning of the message was lost here; send it again", NULL },
    { "store:key-reused", ERR_NONE, 554, "5.7.0", "This key came with another message already", NULL },
    { "sender:foreign", ERR_NONE, 550, "5.7.1", NULL, "gateway_sender_refused" },
    { "sender:missing", ERR_NONE, 550, "5.7.1", NULL, "gateway_sender_refused" },
    { "config:no-account", ERR_NONE, 451, "4.3.5", "No account is set up to send by", "no_account" },
    { "message:loop", ERR_NONE, 554, "5.4.6", NULL, "malformed_message" },
    { "line:too-long", ERR_NONE, 550, "5.6.0", NULL, "line_too_long" },
    { "recipients:too-many", ERR_NONE, 554, "5.5.3", NULL, "too_many_recipients" },
    { NULL, ERR_RECIPIENT, 550, "5.1.1", NULL, "recipient_rejected" },
    { NULL, ERR_DATA, 550, "5.6.0", NULL, "malformed_message" },
    { NULL, ERR_LIMIT, 552, "5.3.4", NULL, "malformed_message" },
    { NULL, ERR_LATER, 451, "4.3.2", "Too much comes in at once; try again in a moment", NULL },
    { NULL, ERR_NONE, 451, "4.3.0", "Not now: something is wrong here", NULL },
};

static size_t row_of(const struct err *err)
{
    size_t i = 0;

    while (rows[i].fact ? !err->fact || strcmp(rows[i].fact, err->fact) != 0
                        : rows[i].kind != ERR_NONE && rows[i].kind != err->kind)
        i++;
    return i;
}

struct smtp_answer answer_of(const struct err *err)
{
    size_t row = row_of(err);

    return (struct smtp_answer){ false, rows[row].code, rows[row].enhanced,
                                 rows[row].text ? rows[row].text : err->text };
}

const char *cause_of(const struct err *err)
{
    return rows[row_of(err)].cause;
}

/* -- what was refused -- */

/* Kept for a user only where there is one of this name: strangers name anybody. */
static struct refusals *refusals_of_user(struct gateway *gateway, const char *name)
{
    struct known_user *known = gateway->users;

    if (!*name || !users_find(gateway->config, span_of(name)))
        return NULL;
    while (known && !span_is_word(span_of(known->name), name))
        known = known->next;
    if (known)
        return &known->refusals;
    known = NEW(known_user);
    if (!known || !(known->name = str_copy(name))) {
        mem_free(known);
        return NULL;
    }
    known->next = gateway->users;
    gateway->users = known;
    return &known->refusals;
}

void guest_refused(struct guest *guest, enum stage stage, const char *cause, uint16_t reply, struct span text)
{
    struct gateway *gateway = guest->gateway;
    struct refusal refusal = { .wall = gateway_wall(gateway), .stage = stage, .reply = reply };
    const char *user = guest->user ? guest->user->name : guest->claimed;

    memcpy(refusal.peer, guest->peer, sizeof refusal.peer);
    refusal_text(refusal.cause, sizeof refusal.cause, span_of(cause ? cause : ""));
    refusal_text(refusal.user, sizeof refusal.user, span_of(user));
    refusal_text(refusal.text, sizeof refusal.text, text);
    if (guest->door)
        refusals_add(&guest->door->refusals, &refusal);
    struct refusals *users = refusals_of_user(gateway, user);
    if (users)
        refusals_add(users, &refusal);
    if (gateway->world.log)
        log_event(gateway->world.log, LOG_AT_INFO, "refused", log_text("listener", guest->face->settings->name),
                  log_text("peer", guest->peer), log_text("user", refusal.user),
                  log_text("stage", stage_word(stage)), log_number("reply", reply),
                  log_text("cause", cause ? cause : ""), log_text("why", refusal.text));
}

void guest_refuse(struct guest *guest, enum stage stage, const char *cause, const struct smtp_answer *answer)
{
    guest_refused(guest, stage, cause, answer->code, span_of(answer->text));
    session_server_answer(guest->session, answer);
}

void guest_refuse_for(struct guest *guest, enum stage stage, const struct err *err)
{
    struct smtp_answer answer = answer_of(err);

    if (stage == STAGE_MAIL && answer.code == 550)
        answer.code = 553; /* RFC 6409, 6.1 */
    guest_refuse(guest, stage, cause_of(err), &answer);
}

void guest_tell_refusals(struct guest *guest)
{
    static const struct {
        uint16_t code;
        bool of_message;
        enum stage stage;
        const char *cause;
    } silent[] = { /* of the machine's own */
        { 538, false, STAGE_AUTH, "gateway_plaintext_refused" },
        { 530, false, STAGE_MAIL, "auth_not_attempted" },
        { 552, false, STAGE_MAIL, "gateway_message_too_big" },
        { 552, true, STAGE_BODY, "gateway_message_too_big" },
        { 550, true, STAGE_BODY, "malformed_message" },
        { 554, true, STAGE_BODY, "malformed_message" },
    };
    struct smtp_refusal refusal;

    if (!smtp_server_take_refusal(guest_machine(guest), &refusal))
        return;
    for (size_t i = 0; i < COUNT(silent); i++)
        if (refusal.code == silent[i].code && refusal.of_message == silent[i].of_message)
            guest_refused(guest, silent[i].stage, silent[i].cause, refusal.code, span_of(refusal.text));
}

void guest_tell_end(struct guest *guest, const struct err *why)
{
    bool too_old = why->fact && strcmp(why->fact, "tls:protocol-version") == 0;

    guest_tell_refusals(guest);
    if (why->kind == ERR_TLS)
        guest_refused(guest, STAGE_TLS, too_old ? "gateway_tls_too_old" : "tls_handshake_incompatible", 0,
                      span_of(why->text));
}
