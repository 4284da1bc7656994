#include "doctor/doctor_int.h"

#include <errno.h>

#include "doctor/greeting.h"
#include "know/knowledge.h"
#include "net/interfaces.h"
#include "smtp/sasl.h"

#include "base/banned.h"

void doctor_fail(struct doctor *doctor, const struct evidence *why)
{
    if (doctor->here) /* known before anything was asked, and nothing changes it */
        return;
    doctor->failed = true;
    doctor->evidence = *why;
    doctor->evidence.host = doctor->target.host;
    doctor->evidence.port = doctor->target.port;
    doctor->evidence.security = security_word(doctor->target.security);
}

/* ---- the verdict ---- */

/* Is this issuer one that the rules know as an anti-virus program or a proxy? */
static bool issuer_is_known(const struct doctor *doctor)
{
    const struct tls_description *shown = &doctor->ladder.shown;
    struct evidence words = { .stage = STAGE_TLS };
    struct verdict verdict;

    if (!shown->chain_len || !doctor->evidence.err.fact ||
        !span_starts(span_of(doctor->evidence.err.fact), "cert:"))
        return false;
    err_set(&words.err, ERR_CERTIFICATE, "issued by %s", shown->chain[0].issuer);
    return classify(doctor->plan.know, &words, &verdict) && strcmp(verdict.cause->id, "tls_interception") == 0;
}

/* Where no name can be looked up, it may be that no cable is in. Detours lead elsewhere. */
static bool has_no_network(const struct doctor *doctor)
{
    const char *fact = doctor->evidence.err.fact;
    struct ip ips[INTERFACES_MAX];
    size_t count;

    return fact && strcmp(fact, "name:failure") == 0 && !doctor->world.credentials.detours.count &&
           interfaces_list(ips, &count, NULL) && count == 0;
}

static bool is_on_this_machine(const struct doctor *doctor)
{
    struct ip ip;

    if (ip_parse(span_of(doctor->target.host), &ip))
        return ip_is_loopback(ip);
    for (size_t i = 0; i < doctor->answer.count; i++)
        if (!ip_is_loopback(doctor->answer.at[i]))
            return false;
    return doctor->answer.count > 0;
}

static bool is_alike_any(const struct ip *ips, size_t count, struct ip ip)
{
    for (size_t i = 0; i < count; i++)
        if (ip_is_alike_private(ips[i], ip))
            return true;
    return false;
}

/* Its address is of some inner network, and this machine has none of that kind. */
static bool is_elsewhere(const struct doctor *doctor)
{
    struct ip ips[INTERFACES_MAX], named;
    size_t count;

    if (is_on_this_machine(doctor) || !interfaces_list(ips, &count, NULL) || !count)
        return false;
    if (ip_parse(span_of(doctor->target.host), &named))
        return !is_alike_any(ips, count, named);
    for (size_t i = 0; i < doctor->answer.count; i++)
        if (is_alike_any(ips, count, doctor->answer.at[i]))
            return false;
    return doctor->answer.count > 0;
}

static bool has_no_loopback(struct doctor *doctor)
{
    const char *fact = doctor->evidence.err.fact;

    if (!fact || !span_starts(span_of(fact), "connect:unreachable") || !is_on_this_machine(doctor) || interfaces_loop_back())
        return false;
    notes_add(&doctor->notes, "loopback-down",
              "The network within this machine is switched off, so nothing on it can be reached, not even by itself: ip link set lo up");
    return true;
}

bool doctor_has_ipv4(void)
{
    struct ip ips[INTERFACES_MAX];
    size_t count;

    return interfaces_list(ips, &count, NULL) && count > 0 && ips[0].family == 4; /* which come first */
}

static void judge(struct doctor *doctor)
{
    const struct findings_of of = {
        .target = &doctor->target,
        .view = &doctor->view,
        .ladder = &doctor->ladder,
        .seen = &doctor->seen,
        .domain = &doctor->domain,
        .fact = doctor->evidence.err.fact,
        .no_route = doctor->evidence.err.sys == ENETUNREACH,
        .has_ipv4 = doctor_has_ipv4(),
        .no_network = has_no_network(doctor),
        .no_loopback = has_no_loopback(doctor),
        .names = &doctor->names,
        .in_container = doctor->plan.in_container,
        .is_elsewhere = is_elsewhere(doctor),
        .issuer_is_known = issuer_is_known(doctor),
    };
    struct doctor_report *report = &doctor->report;

    doctor_findings(&of, &doctor->findings);
    doctor->evidence.found = doctor->findings.at;
    if (!doctor->evidence.provider && doctor->target.profile)
        doctor->evidence.provider = doctor->target.profile->id;
    report->evidence = doctor->evidence;
    report->judged = classify(doctor->plan.know, &doctor->evidence, &report->verdict);
}

/* ---- the end ---- */

void doctor_skip_the_rest(struct doctor *doctor)
{
    static const enum doctor_rung by_starttls[] = { RUNG_RESOLVE, RUNG_ROUTE, RUNG_CONNECT, RUNG_BANNER, RUNG_EHLO,
                                                    RUNG_STARTTLS, RUNG_TLS };
    static const enum doctor_rung at_once[] = { RUNG_RESOLVE, RUNG_ROUTE, RUNG_CONNECT, RUNG_TLS, RUNG_BANNER, RUNG_EHLO };
    bool tls = doctor->target.security == SECURITY_TLS;
    const enum doctor_rung *rungs = tls ? at_once : by_starttls;
    size_t count = tls ? COUNT(at_once) : COUNT(by_starttls);
    enum doctor_rung last[] = { RUNG_AUTH, RUNG_SENDER };

    for (size_t i = 0; i < count + (doctor->plan.account ? COUNT(last) : 0); i++) {
        enum doctor_rung rung = i < count ? rungs[i] : last[i - count];
        if (ladder_has(&doctor->ladder, rung))
            continue;
        ladder_enter(&doctor->ladder, rung);
        ladder_leave(&doctor->ladder, STEP_SKIPPED, doctor->ladder.from);
    }
}

/* By which mechanism it goes, and whether nobody need name that. */
static void tell_mechanism(struct doctor *doctor)
{
    struct doctor_report *report = &doctor->report;
    unsigned usual = doctor->ladder.offered & sasl_for_credential(SASL_PASSWORD) & SASL_USUAL;
    enum sasl_mechanism works;

    report->mechanism = doctor->seen.mechanism;
    report->mechanism_is_usual = report->mechanism && sasl_from_name(span_of(report->mechanism), &works) &&
                                 (usual & (SASL_BIT(works) - 1)) == 0;
}

void doctor_finish(struct doctor *doctor)
{
    struct doctor_report *report = &doctor->report;

    doctor->over = true;
    timer_set(doctor->timer, UINT64_MAX);
    if (doctor->failed && !doctor->here && !doctor->only_https)
        doctor_skip_the_rest(doctor);
    report->ok = !doctor->failed;
    report->target = &doctor->target;
    report->steps = doctor->ladder.steps;
    report->step_count = doctor->ladder.count;
    report->around = &doctor->view;
    report->notes = &doctor->notes;
    tell_mechanism(doctor);
    greeting_notes(doctor->target.profile, report->steps, report->step_count, &doctor->notes);
    if (doctor->failed)
        judge(doctor);
    doctor->events.done(doctor->who, report);
}

/* ---- before there is a doctor ---- */

void doctor_early_report(const struct knowledge *know, enum doctor_rung rung, const struct err *why,
                         struct doctor_early *ret_early)
{
    struct doctor_report *report = &ret_early->report;

    *ret_early = (struct doctor_early){ .report = { .evidence = { .stage = STAGE_LOCAL, .err = *why } } };
    ladder_begin(&ret_early->ladder, 0, NULL, NULL);
    ladder_enter(&ret_early->ladder, rung);
    ret_early->ladder.open.fact = why->fact;
    ladder_detail(&ret_early->ladder, "error", span_of(why->text));
    ladder_leave(&ret_early->ladder, STEP_FAILED, 0);
    report->target = &ret_early->target;
    report->steps = ret_early->ladder.steps;
    report->step_count = ret_early->ladder.count;
    report->around = &ret_early->around;
    report->notes = &ret_early->notes;
    report->judged = classify(know, &report->evidence, &report->verdict);
}
