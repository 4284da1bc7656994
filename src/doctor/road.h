/* The road that mail takes, walked as far as it goes without a message: for an account its transport, with
 * the sign-in, and then MAIL and RCPT for each of its addresses, taken back; for a server alone a session as
 * far as EHLO. Then goodbye, whose answer shows whether the server has answered more than it was asked. The ladder is
 * told of each step.
 */
#ifndef OUTPOST_DOCTOR_ROAD_H
#define OUTPOST_DOCTOR_ROAD_H

#include "doctor/ladder.h"
#include "doctor/around.h"
#include "relay/transport.h"

struct road;

struct road_plan { /* borrowed, with all it points at, until the road is gone */
    const struct transport_world *world; /* the observer is told, too */
    const struct account *account;       /* NULL: no sign-in, a session with the target */
    const struct account *trust;         /* whose CA file, pin, proxy and source address hold then; NULL: nobody's */
    const struct around_target *target;
    struct ladder *ladder;
};

/* Told once, from the loop: NULL where all went well. */
typedef void road_ended(void *who, const struct evidence *why);

MUST_USE bool road_start(struct loop *loop, const struct road_plan *plan, road_ended *ended, void *who,
                         struct road **ret_road, struct err *err);
/* How far it came. */
enum stage road_stage(const struct road *road);
void road_free(struct road *road);
OWNED(road);

#endif
