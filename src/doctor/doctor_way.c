#include "doctor/doctor_int.h"

#include "relay/choice.h"

#include "base/banned.h"

/* ---- the road ---- */

static void road_ends(void *who, const struct evidence *why)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    doctor->road_over = true;
    if (why) {
        doctor_fail(doctor, why);
        ladder_failed(&doctor->ladder, why, doctor_now(doctor));
    } else {
        ladder_went_well(&doctor->ladder, doctor_now(doctor));
    }
    doctor_go_on(doctor);
}

static void fail_at(struct doctor *doctor, enum stage stage, const struct err *err)
{
    const struct evidence evidence = { .stage = stage, .err = *err };

    road_ends(doctor, &evidence);
}

/* ---- by HTTPS ---- */

static void https_ends(void *who, const struct evidence *why)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    doctor->https_over = true;
    doctor->report.https_works = !why;
    if (why)
        ladder_failed(&doctor->ladder, &(struct evidence){ .stage = STAGE_HTTPS, .err = why->err }, doctor_now(doctor));
    else
        ladder_leave(&doctor->ladder, STEP_OK, doctor_now(doctor));
    if (doctor->only_https) {
        doctor->road_over = true;
        if (why)
            doctor_fail(doctor, why);
    }
    doctor_go_on(doctor);
}

static const char *https_name(const struct account *account)
{
    return account->transport == TRANSPORT_GMAIL ? "gmail" : "graph";
}

bool doctor_try_https(struct doctor *doctor)
{
    struct err err = { 0 };

    if (!doctor->by_https || doctor->https_over)
        return false;
    if (doctor->https)
        return true;
    if (doctor->failed && !doctor->here)
        doctor_skip_the_rest(doctor);
    doctor->report.https = doctor->only_https ? NULL : choice_other_way(doctor->plan.account);
    ladder_enter(&doctor->ladder, RUNG_HTTPS);
    ladder_detail(&doctor->ladder, "interface", span_of(https_name(doctor->by_https)));
    if (doctor_https_start(doctor->loop, &doctor->world, doctor->by_https, https_ends, doctor, &doctor->https, &err))
        return true;
    https_ends(doctor, &(struct evidence){ .stage = STAGE_HTTPS, .err = err });
    return false;
}

/* ---- the name, and the way there ---- */

static void take_road(struct doctor *doctor)
{
    doctor_ask_for_domain(doctor);
    if (doctor->only_https) {
        doctor->road_over = doctor->here;
        if (!doctor->here)
            doctor_try_https(doctor);
        return;
    }
    const struct road_plan plan = {
        .world = &doctor->world,
        .account = doctor->here || doctor->withheld ? NULL : doctor->by_smtp,
        .trust = doctor->plan.account,
        .target = &doctor->target,
        .ladder = &doctor->ladder,
    };
    struct err err = { 0 };

    if (!road_start(doctor->loop, &plan, road_ends, doctor, &doctor->road, &err))
        fail_at(doctor, STAGE_LOCAL, &err);
}

static bool is_all_private(const struct resolve_addresses *addresses)
{
    for (size_t i = 0; i < addresses->count; i++)
        if (!ip_is_private(addresses->at[i]))
            return false;
    return addresses->count > 0;
}

static bool is_this_machine(struct ip ip)
{
    static const struct ip nowhere; /* "0.0.0.0" and "::" call this machine, too */

    return ip_is_loopback(ip) || memcmp(ip.bytes, nowhere.bytes, sizeof ip.bytes) == 0;
}

/* A name that is not this machine's, and leads here all the same: a filter or a line in a file says so. */
static bool leads_home(const struct doctor *doctor, const struct resolve_addresses *addresses)
{
    struct span host = span_of(doctor->target.host);
    const char *own = doctor->world.hello;

    if (span_is_word(host, "localhost") || span_ends_word(host, ".localhost") || span_find(host, '.') == host.len ||
        (own && span_is_word(host, own)))
        return false;
    for (size_t i = 0; i < addresses->count; i++)
        if (!is_this_machine(addresses->at[i]))
            return false;
    return addresses->count > 0;
}

static void tell_addresses(struct doctor *doctor, const struct resolve_addresses *answer)
{
    HELD(buf) text = BUF(STEP_VALUE_MAX);

    for (size_t i = 0; i < answer->count && text.len < STEP_VALUE_MAX / 2; i++) {
        buf_add(&text, i ? ", " : "");
        ip_write(&text, answer->at[i]);
    }
    ladder_detail(&doctor->ladder, "addresses", buf_span(&text));
    if (answer->canonical[0])
        ladder_detail(&doctor->ladder, "alias-of", span_of(answer->canonical));
}

static void resolved(void *who, const struct resolve_addresses *answer, const struct err *err)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    doctor->question = NULL;
    if (!answer || !answer->count) {
        fail_at(doctor, STAGE_RESOLVE, err);
        return;
    }
    doctor->answer = *answer;
    tell_addresses(doctor, answer);
    ladder_leave(&doctor->ladder, STEP_OK, doctor_now(doctor));
    doctor->target.leads_home = leads_home(doctor, answer);
    doctor->target.is_private = !doctor->target.profile && !doctor->target.leads_home && is_all_private(answer);
    take_road(doctor);
}

/* An address, another way (--connect-to) or a proxy: there is no name for us to look up. */
static bool needs_no_name(struct doctor *doctor)
{
    const char *host = doctor->target.host;
    uint16_t port = doctor->target.port;
    struct ip ip;

    dial_detour_follow(doctor->world.credentials.detours, &host, &port);
    bool is_address = ip_parse(span_of(doctor->target.host), &ip);
    doctor->target.is_private = is_address && ip_is_private(ip) && host == doctor->target.host;
    return is_address || host[0] == '/' || host != doctor->target.host ||
           (doctor->plan.account && doctor->plan.account->proxy);
}

void doctor_set_out(struct doctor *doctor)
{
    struct err err = { 0 };

    ladder_enter(&doctor->ladder, RUNG_RESOLVE);
    if (needs_no_name(doctor)) {
        ladder_leave(&doctor->ladder, STEP_SKIPPED, doctor_now(doctor));
        take_road(doctor);
        return;
    }
    if (!host_check(span_of(doctor->target.host), &err) ||
        !resolve_addresses(doctor->world.credentials.resolver, span_of(doctor->target.host),
                           doctor_now(doctor) + doctor_sooner(DOCTOR_DIAL_MS, doctor->world.timeout_ms), resolved, doctor,
                           &doctor->question, &err))
        fail_at(doctor, STAGE_RESOLVE, &err);
}
