/* What the files of the doctor share, each with a duty of its own:
 *
 *     doctor.c          a life, and what comes after what
 *     doctor_here.c     what is known without asking anybody: the machine, the account, its books
 *     doctor_way.c      the way that mail takes: the name, the road, HTTPS
 *     doctor_beside.c   who is asked beside it: the sender's domain, the neighbours, a second look
 *     doctor_verdict.c  what it all comes to
 *
 * Whoever has learned something says doctor_go_on(); doctor.c then sees what is still waited for.
 */
#ifndef OUTPOST_DOCTOR_DOCTOR_INT_H
#define OUTPOST_DOCTOR_DOCTOR_INT_H

#include "base/obj.h"
#include "doctor/doctor.h"
#include "doctor/domain.h"
#include "doctor/https.h"
#include "doctor/names_look.h"
#include "doctor/road.h"
#include "doctor/second.h"
#include "net/loop.h"
#include "net/resolve.h"
#include "net/timer.h"

enum {
    DOCTOR_MAGIC = 0x646f6374,
    DOCTOR_DIAL_MS = 9 * 1000,
};

struct doctor {
    uint32_t magic;
    struct loop *loop;
    struct doctor_plan plan;
    struct doctor_events events;
    void *who;
    struct timer *timer; /* rings for the next step: never from within somebody's callback */
    uint64_t began, give_up;
    bool begun, over; /* over: and told; whoever is still being asked changes nothing */

    /* who is asked, and by which way */
    struct around_target target;
    struct transport_world world; /* the plan's, with the doctor's patience */
    struct account *by_smtp, *by_https; /* the account, by one way only; NULL: there is no such way */
    bool only_https; /* the account goes by no other way */

    /* known without asking */
    struct machine_sight machine;
    struct evidence full; /* where the disk is */
    bool is_full;
    bool here;     /* the account can't sign in as it stands: the road is walked without */
    bool spared;   /* the day is used up: nobody is asked */
    bool withheld; /* no connection to sign in on: it is walked without */

    /* the way */
    struct ladder ladder;
    struct resolve *question;
    struct resolve_addresses answer; /* of the server's name; none: it was not asked for */
    struct road *road;
    struct doctor_https *https;
    bool road_over, https_over;

    /* beside it */
    struct domain_look *domain_look;
    struct domain_seen domain;
    bool domain_asked, domain_over;
    uint64_t domain_until; /* once the road is over */
    struct around *around;
    struct around_plan around_plan;
    struct around_view view;
    uint64_t around_until; /* once a certificate is known to be what is wrong; 0: it is not */
    bool sight_told[AROUND_MAX];
    struct names_look *names_look;
    struct names_seen names;
    bool names_asked, names_over;
    struct second *second;
    struct second_plan second_plan;
    struct second_view seen;

    /* what it comes to */
    bool failed;
    struct evidence evidence; /* of the failure */
    struct doctor_findings findings;
    struct doctor_notes notes;
    struct doctor_report report;
};

static inline uint64_t doctor_now(const struct doctor *doctor)
{
    return loop_now(doctor->loop);
}

static inline uint64_t doctor_sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline void doctor_go_on(struct doctor *doctor)
{
    if (!doctor->over)
        timer_set(doctor->timer, doctor_now(doctor));
}

/* ---- doctor_here.c ---- */

/* Takes no time, and so comes before anything else. */
void doctor_look_at_machine(struct doctor *doctor);
void doctor_look_at_account(struct doctor *doctor);
/* True: nobody needs to be asked. */
bool doctor_look_into_books(struct doctor *doctor);
/* At the end, the rungs and notes of these: of the account, of a sign-in that was not tried, of the disk. */
void doctor_tell_account(struct doctor *doctor);
void doctor_tell_withheld(struct doctor *doctor);
void doctor_tell_full(struct doctor *doctor);

/* ---- doctor_way.c ---- */

void doctor_set_out(struct doctor *doctor);
/* Begins with it, or waits for it. True: it is not over yet. */
bool doctor_try_https(struct doctor *doctor);

/* ---- doctor_beside.c: true: it is not over yet ---- */

void doctor_ask_for_domain(struct doctor *doctor);
bool doctor_await_domain(struct doctor *doctor);
void doctor_tell_domain(struct doctor *doctor);
bool doctor_look_around(struct doctor *doctor);
bool doctor_look_at_names(struct doctor *doctor);
bool doctor_look_again(struct doctor *doctor);
/* What was seen of names, and what the second look showed, where it is worth a note. */
void doctor_tell_seen(struct doctor *doctor);

/* ---- doctor_verdict.c ---- */

/* Has this machine an address of IPv4 that others can reach? */
bool doctor_has_ipv4(void);
/* What the verdict will be about. */
void doctor_fail(struct doctor *doctor, const struct evidence *why);
/* Rungs that nobody came to. */
void doctor_skip_the_rest(struct doctor *doctor);
/* Judges, and tells. */
void doctor_finish(struct doctor *doctor);

#endif
