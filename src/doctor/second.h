/* The second look: what tells the causes of a failure apart that say the same. Which of it is wanted is known only with
 * the failure; then all of it is asked at once: the token that was refused, by itself; a clock, where the dates of a
 * certificate or a token may be wrong, or what is proven by one; another mechanism, where a password was; a certificate's
 * issuer, where nobody is known to have signed it.
 */
#ifndef OUTPOST_DOCTOR_SECOND_H
#define OUTPOST_DOCTOR_SECOND_H

#include "doctor/around.h"
#include "doctor/chain_look.h"
#include "doctor/clock_look.h"
#include "doctor/ladder.h"
#include "doctor/mechanism_look.h"
#include "doctor/token.h"
#include "know/evidence.h"
#include "relay/transport.h"

struct second_plan { /* borrowed, with all it points at, until the second is gone */
    const struct knowledge *know;
    const struct transport_world *world;
    const struct account *account; /* that signed in by SMTP; NULL: nobody did */
    const struct account *trust;   /* whose CA file and proxy hold; NULL: nobody's */
    const struct around_target *target;
    const struct ladder *ladder;
    const struct evidence *evidence;
};

struct second_view {
    struct token_facts token;
    struct clock_reading clock;
    struct clock_facts clock_facts;
    const char *mechanism; /* that signs in where another was refused: "LOGIN"; or NULL */
    bool left_out; /* the server does not send the certificate between its own and a root */
};

struct second;

/* Fills in the view, which the caller keeps. `changed` is told when something of it came; never from within a call. */
MUST_USE bool second_start(struct loop *loop, const struct second_plan *plan, struct second_view *view,
                           void (*changed)(void *who), void *who, struct second **ret_second, struct err *err);
bool second_is_done(const struct second *second);
void second_free(struct second *second);
OWNED(second);

#endif
