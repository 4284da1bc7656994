/* Signing in: passwords, SCRAM's keys, and how long who guessed has to wait. */
#include "gateway/gateway_int.h"

#include <stdio.h>

#include "base/str.h"

#include "base/banned.h"

/* What the machine found out by itself: SCRAM's proofs it looks at alone. Asked for before each answer. */
void guest_count_sign_ins(struct guest *guest)
{
    struct smtp_server *machine = guest_machine(guest);
    struct attempts *attempts = guest->gateway->attempts;
    struct span claimed = span_of(guest->claimed);
    const char *user = smtp_server_user(machine);
    unsigned failed = smtp_server_failed_sign_ins(machine);

    if (failed > guest->failed && guest->compared) {
        attempts_failed(attempts, guest->from, claimed, guest_now(guest));
        guest_refused(guest, STAGE_AUTH, "gateway_bad_password", 535, SPAN("the user name or the password is wrong"));
        guest->compared = false;
    }
    guest->failed = failed;
    if (!user)
        guest->user = NULL; /* nobody has, or not any more: behind STARTTLS */
    if (!user || !guest->compared)
        return;
    guest->compared = false;
    attempts_succeeded(attempts, guest->from, claimed, guest_now(guest));
    guest->user = users_find(guest->face->config, span_of(user));
    if (guest->gateway->world.log)
        log_event(guest->gateway->world.log, LOG_AT_DEBUG, "signed-in", log_text("user", user),
                  log_text("peer", guest->peer));
}

/* Remembers who says to be whom; false where they have to wait, which was said. */
static bool may_try(struct guest *guest, struct span user)
{
    uint64_t wait = attempts_wait(guest->gateway->attempts, guest->from, user, guest_now(guest));
    char text[100];

    refusal_text(guest->claimed, sizeof guest->claimed, user);
    guest->compared = wait == 0;
    if (!wait)
        return true;
    snprintf(text, sizeof text, "Too many failed sign-ins; wait %llu seconds", (unsigned long long)(wait + 999) / 1000);
    guest_refuse(guest, STAGE_AUTH, "gateway_bad_password", &(struct smtp_answer){ false, 454, "4.7.0", text });
    return false;
}

static void compared(void *who, bool right)
{
    struct guest *guest = who;

    guest->check = NULL;
    session_server_answer(guest->session, &(struct smtp_answer){ .yes = right });
}

void guest_check_password(struct guest *guest)
{
    struct smtp_claim claim = smtp_server_claim(guest_machine(guest));
    struct err err = { 0 };

    if (!may_try(guest, claim.user))
        return;
    const struct user_settings *user = users_find(guest->face->config, claim.user);
    if (checks_ask(guest->gateway->checks, claim.user, user ? user->password : NULL, claim.proof, compared, guest,
                   &guest->check, &err))
        return;
    guest->compared = false;
    session_server_answer(guest->session,
                          &(struct smtp_answer){ false, 454, "4.7.0", "Too many sign in at once; try again" });
}

void guest_give_key(struct guest *guest)
{
    struct smtp_claim claim = smtp_server_claim(guest_machine(guest));
    struct password_scram keys;

    if (!may_try(guest, claim.user))
        return;
    const struct user_settings *user = users_find(guest->face->config, claim.user);
    if (!users_scram(user, claim.user, guest->gateway->secret, &keys, NULL)) {
        guest->compared = false;
        session_server_answer(guest->session, &(struct smtp_answer){ false, 454, "4.3.0", "No memory" });
        return;
    }
    const struct sasl_stored_key stored = password_stored_key(&keys);
    session_server_stored_key(guest->session, &stored);
    str_wipe((char *)&keys, sizeof keys);
}
