/* The doctor: why does mail not go out, and what does work from here?
 *
 * It walks the road that mail takes - an account's transport (relay/transport.h) as far as its sender is
 * taken, or a session without sign-in - and watches each step. Where that is slow or breaks off, it looks
 * around at the same time (doctor/around.h): the server's other ports, another provider, HTTPS. The rules of
 * know/ judge; here is only gathered.
 *
 * Where the day is used up by the account's own books (doctor/books.h), nobody is asked. Where all its connections are
 * in use by its outpost, the road is walked without signing in, for one more would be refused.
 *
 * No message is sent. A credential goes where the account's own mail goes, over verified TLS, and nowhere else.
 *
 *     doctor_start(loop, &plan, &events, me, &doctor, err)
 *         step(me, step)        each as it comes
 *         sight(me, sight)      each as it comes, while a step is still waited for
 *         done(me, report)      -> doctor_free(doctor)
 */
#ifndef OUTPOST_DOCTOR_DOCTOR_H
#define OUTPOST_DOCTOR_DOCTOR_H

#include "doctor/around.h"
#include "doctor/books.h"
#include "doctor/findings.h"
#include "doctor/ladder.h"
#include "doctor/machine.h"
#include "doctor/notes.h"
#include "know/classify.h"
#include "relay/transport.h"

enum { DOCTOR_PATIENCE_MS = 30 * 1000 };

/* Borrowed, with all it points at, until the doctor is gone. */
struct doctor_plan {
    const struct transport_world *world; /* its timeouts hold; timeout_ms 0: DOCTOR_PATIENCE_MS for the whole */
    const struct knowledge *know;
    const struct account *account; /* NULL: the server alone, below; and then `world` needs no secrets */
    const char *host;
    uint16_t port;
    enum security security;
    bool withhold; /* the account is not signed in, by no way: its server is looked at as the account reaches it */
    bool in_container; /* this machine is one */
    const struct machine_place *machine; /* NULL: nothing of it is ours to look at */
    const struct doctor_books *books; /* of whoever sends the account's mail; NULL: there are none */
};

struct doctor_report {
    bool ok;                       /* nothing was found */
    const struct around_target *target;
    const struct doctor_step *steps;
    size_t step_count;
    struct evidence evidence;      /* of the failure, with `found`; where !ok */
    bool judged;                   /* the verdict is there */
    struct verdict verdict;
    const struct around_view *around; /* nobody where nobody was asked */
    const char *https;             /* the other way that the account has, and that was tried: "graph"; or NULL */
    bool https_works;
    const struct doctor_notes *notes;
    const char *mechanism; /* signs in where another was refused: "PLAIN"; or NULL */
    bool mechanism_is_usual; /* it is what outpost would choose by itself */
};

/* Told from the loop, never from within a call. `step` and `sight` must not free the doctor; `done` is told once, and
 * the report is good until the doctor is freed. */
struct doctor_events {
    void (*step)(void *who, const struct doctor_step *step); /* may be NULL */
    void (*done)(void *who, const struct doctor_report *report);
    void (*sight)(void *who, const struct around_sight *sight); /* one of those around has answered, or did not; may be NULL */
};

/* What is wrong before there is anybody to look at: the settings can't be read, or none are found; `rung` is where that
 * was. Its report is as good as it is; of a target it has none (host NULL). Pure. */
struct doctor_early {
    struct ladder ladder;
    struct around_target target;
    struct around_view around;
    struct doctor_notes notes;
    struct doctor_report report;
};
void doctor_early_report(const struct knowledge *know, enum doctor_rung rung, const struct err *why,
                         struct doctor_early *ret_early);

/* May what is around the server tell more of such a failure? Once somebody has answered over TLS it is between the two. */
bool doctor_would_look_around(const struct evidence *evidence);

struct doctor;

MUST_USE bool doctor_start(struct loop *loop, const struct doctor_plan *plan, const struct doctor_events *events,
                           void *who, struct doctor **ret_doctor, struct err *err);
void doctor_free(struct doctor *doctor);
OWNED(doctor);

#endif
