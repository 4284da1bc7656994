#include "doctor/doctor_int.h"

#include "base/alloc.h"
#include "know/knowledge.h"
#include "relay/choice.h"

#include "base/banned.h"

enum {
    LOOK_AROUND_MS = 1000, /* so long the road alone may take: a healthy one needs nobody beside it */
    REPLY_MS = 15 * 1000,
    MARGIN_MS = 1000, /* the road ends by itself before the whole does */
};

/* ---- what comes after what ---- */

static void begin(struct doctor *doctor)
{
    doctor->begun = true;
    doctor_look_at_machine(doctor);
    doctor_look_at_account(doctor);
    if (!doctor_look_into_books(doctor))
        doctor_set_out(doctor);
}

static bool wants_around(const struct doctor *doctor)
{
    if (doctor->only_https)
        return false;
    if (!doctor->road_over)
        return doctor_now(doctor) >= doctor->began + LOOK_AROUND_MS;
    return doctor->failed && !doctor->here && doctor_would_look_around(&doctor->evidence);
}

/* Is there anybody to wait for? All whom this stage of it needs are asked at once; the other way comes when it is known
 * that it is needed, and the sender's domain has until then. */
static bool is_under_way(struct doctor *doctor)
{
    bool waits = !doctor->road_over, fails = doctor->failed && !doctor->here;

    if (wants_around(doctor)) {
        waits |= doctor_look_around(doctor);
        waits |= doctor_look_at_names(doctor);
    }
    if (doctor->road_over && doctor->here)
        doctor_tell_account(doctor);
    if (doctor->road_over && fails)
        waits |= doctor_look_again(doctor);
    if (!waits && fails && !doctor->spared && !doctor->only_https)
        waits = doctor_try_https(doctor);
    return waits || doctor_await_domain(doctor);
}

static void end(struct doctor *doctor)
{
    doctor_tell_withheld(doctor);
    doctor_tell_domain(doctor);
    doctor_tell_seen(doctor);
    doctor_tell_full(doctor);
    doctor_finish(doctor);
}

static void end_too_late(struct doctor *doctor)
{
    struct evidence evidence = { .stage = doctor->road ? road_stage(doctor->road) : STAGE_RESOLVE };

    if (!doctor->road_over) {
        err_found(&evidence.err, ERR_NETWORK, "line:timeout", "%s came to no end in the time that was given",
                  stage_words(evidence.stage));
        doctor_fail(doctor, &evidence);
        ladder_failed(&doctor->ladder, &evidence, doctor_now(doctor));
    }
    doctor_tell_domain(doctor);
    doctor_finish(doctor);
}

/* When somebody who has said nothing would be done without. */
static uint64_t next_look(const struct doctor *doctor)
{
    uint64_t now = doctor_now(doctor), look_at = doctor->began + LOOK_AROUND_MS;
    uint64_t next = doctor_sooner(doctor->give_up, now < look_at ? look_at : UINT64_MAX);

    if (doctor->around_until > now)
        next = doctor_sooner(next, doctor->around_until);
    return doctor->domain_until > now ? doctor_sooner(next, doctor->domain_until) : next;
}

static void rang(void *who)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    if (!doctor->begun)
        begin(doctor);
    if (doctor_now(doctor) >= doctor->give_up)
        end_too_late(doctor);
    else if (is_under_way(doctor))
        timer_set(doctor->timer, next_look(doctor));
    else
        end(doctor);
}

/* ---- a life ---- */

static bool copy_by(const struct account *account, const char *way, struct account **ret_copy, struct err *err)
{
    return account_copy(account, ret_copy, err) && account_set(*ret_copy, "transport", span_of(way), err);
}

/* The account by SMTP alone, so that a failure of it shows; and by its other way, where it has one; or, where it goes
 * by HTTPS only, that. */
static bool choose_ways(struct doctor *doctor, struct err *err)
{
    const struct account *account = doctor->plan.account;
    const char *other = account ? choice_other_way(account) : NULL;

    if (!account)
        return true;
    doctor->only_https = account->transport == TRANSPORT_GRAPH || account->transport == TRANSPORT_GMAIL;
    if (doctor->only_https)
        return account_copy(account, &doctor->by_https, err);
    return copy_by(account, "smtp", &doctor->by_smtp, err) &&
           (!other || doctor->plan.withhold || account->transport == TRANSPORT_SMTP || copy_by(account, other, &doctor->by_https, err));
}

static void choose_target(struct doctor *doctor)
{
    const struct doctor_plan *plan = &doctor->plan;
    const struct account *account = plan->account;

    doctor->target.host = account ? account->server.name : plan->host;
    doctor->target.port = account ? account->server.port : plan->port;
    doctor->target.security = account ? account_security(account) : plan->security;
    doctor->target.profile = know_profile_of_host(plan->know, span_of(doctor->target.host));
    if (doctor->only_https && account->profile && account->profile->http_api_host) {
        doctor->target.host = account->profile->http_api_host;
        doctor->target.port = 443;
        doctor->target.security = SECURITY_TLS;
    }
}

static void choose_patience(struct doctor *doctor)
{
    uint64_t whole = doctor->world.timeout_ms ? doctor->world.timeout_ms : DOCTOR_PATIENCE_MS;

    doctor->give_up = doctor->began + whole;
    doctor->world.timeout_ms = whole > 2 * MARGIN_MS ? whole - MARGIN_MS : whole / 2 + 1;
    if (!doctor->world.connect_timeout_ms) {
        doctor->world.connect_timeout_ms = doctor_sooner(REPLY_MS, doctor->world.timeout_ms);
        doctor->world.dial_timeout_ms = DOCTOR_DIAL_MS;
    } else {
        doctor->world.dial_timeout_ms = doctor->world.connect_timeout_ms;
    }
    doctor->world.dial_timeout_ms = doctor_sooner(doctor->world.dial_timeout_ms, doctor->world.timeout_ms);
}

bool doctor_start(struct loop *loop, const struct doctor_plan *plan, const struct doctor_events *events,
                  void *who, struct doctor **ret_doctor, struct err *err)
{
    OWN(doctor) doctor = NEW(doctor);

    if (!doctor)
        return err_no_memory(err);
    doctor->magic = DOCTOR_MAGIC;
    doctor->loop = loop;
    doctor->plan = *plan;
    doctor->events = *events;
    doctor->who = who;
    doctor->world = *plan->world;
    doctor->withheld = plan->withhold;
    doctor->began = loop_now(loop);
    doctor->timer = timer_new(loop, rang, doctor);
    if (!doctor->timer)
        return err_no_memory(err);
    if (!choose_ways(doctor, err))
        return false;
    choose_target(doctor);
    choose_patience(doctor);
    ladder_begin(&doctor->ladder, doctor->began, events->step, who);
    doctor_go_on(doctor);
    *ret_doctor = GIVE(doctor);
    return true;
}

void doctor_free(struct doctor *doctor)
{
    if (!doctor)
        return;
    resolve_cancel(doctor->question);
    road_free(doctor->road);
    around_free(doctor->around);
    doctor_https_free(doctor->https);
    second_free(doctor->second);
    names_look_free(doctor->names_look);
    domain_look_free(doctor->domain_look);
    timer_free(doctor->timer);
    account_free(doctor->by_smtp);
    account_free(doctor->by_https);
    OBJ_GONE(doctor);
    mem_free(doctor);
}
