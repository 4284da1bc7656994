#include "doctor/doctor.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "doctor/domain.h"
#include "doctor/greeting.h"
#include "doctor/https.h"
#include "doctor/road.h"
#include "doctor/second.h"
#include "know/knowledge.h"
#include "mail/date.h"
#include "net/resolve.h"
#include "net/timer.h"
#include "relay/choice.h"

#include "base/banned.h"

enum {
    DOCTOR_MAGIC = 0x646f6374,
    LOOK_AROUND_MS = 1000, /* so long the road alone may take: a healthy one needs nobody beside it */
    DIAL_MS = 9 * 1000,
    REPLY_MS = 15 * 1000,
    DOMAIN_MS = 5 * 1000,
    DOMAIN_MORE_MS = 1000, /* so long the end waits for it */
    MARGIN_MS = 1000, /* the road ends by itself before the whole does */
};

struct doctor {
    uint32_t magic;
    struct loop *loop;
    struct doctor_plan plan;
    struct doctor_events events;
    void *who;
    uint64_t began, give_up;
    struct timer *timer; /* rings for the next step: never from within somebody's callback */

    struct around_target target;
    struct transport_world world; /* the plan's, with the doctor's patience */
    struct account *by_smtp, *by_https; /* the account, by one way only; NULL: there is no such way */
    struct ladder ladder;

    struct resolve *question;
    struct road *road;
    struct around *around;
    struct around_plan around_plan;
    struct around_view view;
    bool sight_told[AROUND_MAX];
    struct doctor_https *https;
    struct domain_look *domain_look;
    struct domain_seen domain;
    bool domain_asked, domain_over;
    uint64_t domain_until; /* once the road is over */
    struct second *second;
    struct second_plan second_plan;
    struct second_view seen; /* what it showed */

    bool over; /* and told; whoever is still being asked changes nothing */
    bool begun, road_over, failed, here, https_over;
    bool only_https; /* the account goes by no other way */
    bool spared;     /* the day is used up: nobody is asked */
    bool withheld;   /* no connection to sign in on: it is walked without */
    struct machine_sight machine;
    struct evidence full; /* where the disk is */
    bool is_full;
    struct doctor_notes notes;
    struct evidence evidence;
    struct doctor_findings findings;
    struct doctor_report report;
};

static uint64_t sooner(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static uint64_t now_of(const struct doctor *doctor)
{
    return loop_now(doctor->loop);
}

static void go_on(struct doctor *doctor)
{
    if (!doctor->over)
        timer_set(doctor->timer, now_of(doctor));
}

static const char *own_or(const char *own, const char *otherwise)
{
    return own ? own : otherwise;
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
        .in_container = doctor->plan.in_container,
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

/* Rungs that nobody came to. */
static void skip_the_rest(struct doctor *doctor)
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

static void finish(struct doctor *doctor)
{
    struct doctor_report *report = &doctor->report;

    doctor->over = true;
    timer_set(doctor->timer, UINT64_MAX);
    if (doctor->failed && !doctor->here && !doctor->only_https)
        skip_the_rest(doctor);
    report->ok = !doctor->failed;
    report->target = &doctor->target;
    report->steps = doctor->ladder.steps;
    report->step_count = doctor->ladder.count;
    report->around = &doctor->view;
    report->notes = &doctor->notes;
    greeting_notes(doctor->target.profile, report->steps, report->step_count, &doctor->notes);
    if (doctor->failed)
        judge(doctor);
    doctor->events.done(doctor->who, report);
}

/* ---- the road ---- */

static void fail(struct doctor *doctor, const struct evidence *why)
{
    if (doctor->here) /* known before anything was asked, and nothing changes it */
        return;
    doctor->failed = true;
    doctor->evidence = *why;
    doctor->evidence.host = doctor->target.host;
    doctor->evidence.port = doctor->target.port;
    doctor->evidence.security = security_word(doctor->target.security);
}

static void road_ends(void *who, const struct evidence *why)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    doctor->road_over = true;
    if (why) {
        fail(doctor, why);
        ladder_failed(&doctor->ladder, why, now_of(doctor));
    } else {
        ladder_went_well(&doctor->ladder, now_of(doctor));
    }
    go_on(doctor);
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
        ladder_failed(&doctor->ladder, &(struct evidence){ .stage = STAGE_HTTPS, .err = why->err }, now_of(doctor));
    else
        ladder_leave(&doctor->ladder, STEP_OK, now_of(doctor));
    if (doctor->only_https) {
        doctor->road_over = true;
        if (why)
            fail(doctor, why);
    }
    go_on(doctor);
}

static const char *https_name(const struct account *account)
{
    return account->transport == TRANSPORT_GMAIL ? "gmail" : "graph";
}

/* True: it is not over yet. */
static bool try_https(struct doctor *doctor)
{
    struct err err = { 0 };

    if (!doctor->by_https || doctor->https_over)
        return false;
    if (doctor->https)
        return true;
    if (doctor->failed && !doctor->here)
        skip_the_rest(doctor);
    doctor->report.https = doctor->only_https ? NULL : choice_other_way(doctor->plan.account);
    ladder_enter(&doctor->ladder, RUNG_HTTPS);
    ladder_detail(&doctor->ladder, "interface", span_of(https_name(doctor->by_https)));
    if (doctor_https_start(doctor->loop, &doctor->world, doctor->by_https, https_ends, doctor, &doctor->https, &err))
        return true;
    https_ends(doctor, &(struct evidence){ .stage = STAGE_HTTPS, .err = err });
    return false;
}

/* ---- the sender's domain ---- */

static void domain_seen(void *who)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    doctor->domain_over = true;
    go_on(doctor);
}

/* Beside the road. Of a server in the house nobody outside is asked. */
static void ask_for_domain(struct doctor *doctor)
{
    const struct account *account = doctor->plan.account;
    const struct profile *profile = doctor->target.profile;

    if (!account || !account->address || doctor->target.is_private || doctor->domain_asked)
        return;
    doctor->domain_asked = true;
    const struct domain_plan plan = {
        .resolver = doctor->world.credentials.resolver,
        .domain = domain_of_ones_own(doctor->plan.know, account->address, profile),
        .profile = profile,
        .deadline = now_of(doctor) + sooner(DOMAIN_MS, doctor->world.timeout_ms),
    };
    if (!plan.domain.len || !domain_look_start(doctor->loop, &plan, &doctor->domain, domain_seen, doctor,
                                               &doctor->domain_look, NULL))
        doctor->domain_over = true;
}

/* True: it is not over yet, and may take its time. */
static bool await_domain(struct doctor *doctor)
{
    if (!doctor->domain_look || doctor->domain_over)
        return false;
    if (!doctor->domain_until)
        doctor->domain_until = now_of(doctor) + DOMAIN_MORE_MS;
    return now_of(doctor) < doctor->domain_until;
}

static void tell_domain(struct doctor *doctor)
{
    domain_climb(&doctor->domain, doctor->target.profile, &doctor->ladder, now_of(doctor));
    domain_notes(&doctor->domain, doctor->target.profile, &doctor->notes);
}

/* ---- the name, and the way there ---- */

static void take_road(struct doctor *doctor)
{
    ask_for_domain(doctor);
    if (doctor->only_https) {
        doctor->road_over = doctor->here;
        if (!doctor->here)
            try_https(doctor);
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
    tell_addresses(doctor, answer);
    ladder_leave(&doctor->ladder, STEP_OK, now_of(doctor));
    doctor->target.is_private = !doctor->target.profile && is_all_private(answer);
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

static void look_up(struct doctor *doctor)
{
    struct err err = { 0 };

    ladder_enter(&doctor->ladder, RUNG_RESOLVE);
    if (needs_no_name(doctor)) {
        ladder_leave(&doctor->ladder, STEP_SKIPPED, now_of(doctor));
        take_road(doctor);
        return;
    }
    if (!host_check(span_of(doctor->target.host), &err) ||
        !resolve_addresses(doctor->world.credentials.resolver, span_of(doctor->target.host),
                           now_of(doctor) + sooner(DIAL_MS, doctor->world.timeout_ms), resolved, doctor,
                           &doctor->question, &err))
        fail_at(doctor, STAGE_RESOLVE, &err);
}

/* ---- what is around ---- */

static void around_changed(void *who)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    for (size_t i = 0; i < doctor->view.count && !doctor->over; i++) {
        if (doctor->sight_told[i] || doctor->view.at[i].state == AROUND_UNTRIED)
            continue;
        doctor->sight_told[i] = true;
        if (doctor->events.sight)
            doctor->events.sight(doctor->who, &doctor->view.at[i]);
    }
    go_on(doctor);
}

/* Does it matter what others show? Once somebody has answered over TLS it is between the two. */
static bool needs_around(const struct doctor *doctor)
{
    const char *fact = doctor->evidence.err.fact;
    enum stage stage = doctor->evidence.stage;

    return (stage >= STAGE_RESOLVE && stage <= STAGE_STARTTLS) || (fact && strcmp(fact, "auth:not-offered") == 0);
}

/* It has answered, and then not gone on: perhaps it waits for TLS, or we do. */
static bool breaks_between(const struct doctor *doctor)
{
    if (!doctor->road_over)
        return doctor->road && ladder_has(&doctor->ladder, RUNG_ROUTE) && !ladder_has(&doctor->ladder, RUNG_BANNER);
    return doctor->evidence.stage >= STAGE_TLS && doctor->evidence.stage <= STAGE_STARTTLS &&
           (!doctor->evidence.err.fact || !span_starts(span_of(doctor->evidence.err.fact), "cert:"));
}

static void begin_around(struct doctor *doctor)
{
    const struct account *account = doctor->plan.account;
    const char *ca_file = doctor->world.credentials.ca_file;
    uint64_t left = doctor->give_up - sooner(doctor->give_up, now_of(doctor) + MARGIN_MS / 2);
    struct err err = { 0 };

    around_choose(doctor->plan.know, &doctor->target, &doctor->view);
    doctor->around_plan = (struct around_plan){
        .hello = doctor->world.hello,
        .ca_file = own_or(ca_file, account ? account->ca_file : NULL),
        .tls_pin = account ? account->tls_pin : NULL,
        .source_address = account ? account->source_address : NULL,
        .proxy = account ? account->proxy : NULL,
        .other_ca_file = ca_file,
        .resolver = doctor->world.credentials.resolver,
        .detours = doctor->world.credentials.detours,
        .patience_ms = sooner(doctor->world.dial_timeout_ms, left ? left : 1),
    };
    if (!around_start(doctor->loop, &doctor->around_plan, &doctor->view, around_changed, doctor, &doctor->around, &err))
        doctor->view.count = 0; /* without memory there is nobody around */
}

/* True: it is not over yet. */
static bool look_around(struct doctor *doctor)
{
    if (!doctor->around)
        begin_around(doctor);
    if (!doctor->around)
        return false;
    if (breaks_between(doctor)) {
        around_add_otherwise(&doctor->target, &doctor->view);
        around_more(doctor->around);
    }
    return !around_is_done(doctor->around);
}

/* ---- the second look ---- */

static void second_changed(void *who)
{
    go_on(OBJ(doctor, DOCTOR_MAGIC, who));
}

static void tell_clock(struct doctor *doctor)
{
    const struct clock_reading *clock = &doctor->seen.clock;
    int64_t ahead = clock_ahead(clock);
    HELD(buf) theirs = BUF(STEP_VALUE_MAX), off = BUF(STEP_VALUE_MAX);

    if (!clock->known || ladder_has(&doctor->ladder, RUNG_CLOCK))
        return;
    date_add_rfc3339(&theirs, clock->theirs);
    buf_addf(&off, "%lld", (long long)ahead);
    ladder_enter(&doctor->ladder, RUNG_CLOCK);
    ladder_detail(&doctor->ladder, "by", span_of(clock->host));
    ladder_detail(&doctor->ladder, "time", buf_span(&theirs));
    ladder_detail(&doctor->ladder, "seconds_ahead", buf_span(&off));
    ladder_leave(&doctor->ladder, STEP_OK, now_of(doctor));
}

/* True: it is not over yet. */
static bool look_again(struct doctor *doctor)
{
    doctor->second_plan = (struct second_plan){
        .know = doctor->plan.know,
        .world = &doctor->world,
        .account = doctor->by_smtp,
        .trust = doctor->plan.account,
        .target = &doctor->target,
        .ladder = &doctor->ladder,
        .evidence = &doctor->evidence,
    };
    if (!doctor->second && !second_start(doctor->loop, &doctor->second_plan, &doctor->seen, second_changed, doctor,
                                         &doctor->second, NULL))
        return false;
    if (!second_is_done(doctor->second))
        return true;
    tell_clock(doctor);
    return false;
}

/* ---- the steps ---- */

/* Known before anything is asked: the account can't sign in as it stands. The road is walked all the same, without. */
static void look_here(struct doctor *doctor)
{
    struct evidence evidence = { .stage = STAGE_LOCAL };

    if (!doctor->plan.account || account_check_sendable(doctor->plan.account, &evidence.err))
        return;
    fail(doctor, &evidence);
    doctor->here = true;
}

/* What is known from the account's own books. True: nobody needs to be asked. */
static bool look_into_books(struct doctor *doctor)
{
    const struct doctor_books *books = doctor->plan.books;
    const struct clock *clock = doctor->world.credentials.clock;
    struct evidence evidence;

    if (!books || doctor->here)
        return false;
    doctor->withheld = books->line == BOOKS_ALL_BUSY && doctor->by_smtp;
    bool used_up = clock && books_used_up(books, clock_wall(clock) / 1000, &evidence);
    books_climb(books, used_up ? &evidence : NULL, &doctor->ladder, now_of(doctor));
    if (!used_up)
        return false;
    fail(doctor, &evidence);
    doctor->spared = doctor->road_over = true;
    return true;
}

/* Before anything else, for it takes no time. */
static void look_at_machine(struct doctor *doctor)
{
    if (!doctor->plan.machine)
        return;
    machine_look(doctor->plan.machine, &doctor->machine);
    machine_notes(&doctor->machine, &doctor->notes);
    doctor->is_full = machine_is_full(&doctor->machine, &doctor->full);
    if (!doctor->is_full)
        machine_climb(&doctor->machine, NULL, &doctor->ladder, now_of(doctor));
}

/* A full disk keeps mail from being taken in, wherever the road leads: it is the cause where there is no other. */
static void tell_full(struct doctor *doctor)
{
    if (!doctor->is_full)
        return;
    if (doctor->failed) {
        notes_add(&doctor->notes, "disk-reserve", "Mail is not taken in either: %s.", doctor->full.err.text);
        return;
    }
    machine_climb(&doctor->machine, &doctor->full, &doctor->ladder, now_of(doctor));
    fail(doctor, &doctor->full);
}

static void tell_mechanism(struct doctor *doctor)
{
    const char *works = doctor->seen.mechanism;

    if (works)
        notes_add(&doctor->notes, "mechanism-works",
                  "Signing in by %s works. To use that alone, write under [account %s] in outpost.conf: mechanisms = %s", works,
                  doctor->plan.account->name, works);
}

/* The road was good as far as it could be walked. */
static void tell_withheld(struct doctor *doctor)
{
    if (!doctor->withheld || doctor->spared || ladder_has(&doctor->ladder, RUNG_AUTH))
        return;
    notes_add(&doctor->notes, "signin-untried",
              "Signing in was not tried: the outpost that sends this account's mail has all of its connections in use.");
    if (doctor->failed)
        return;
    ladder_enter(&doctor->ladder, RUNG_AUTH);
    ladder_leave(&doctor->ladder, STEP_SKIPPED, now_of(doctor));
}

static void too_late(struct doctor *doctor)
{
    struct evidence evidence = { .stage = doctor->road ? road_stage(doctor->road) : STAGE_RESOLVE };

    if (!doctor->road_over) {
        err_found(&evidence.err, ERR_NETWORK, "line:timeout", "%s came to no end in the time that was given",
                  stage_words(evidence.stage));
        fail(doctor, &evidence);
        ladder_failed(&doctor->ladder, &evidence, now_of(doctor));
    }
    tell_domain(doctor);
    finish(doctor);
}

/* The rung that a person looks for, where it is known without trying that it breaks. */
static void tell_here(struct doctor *doctor)
{
    if (ladder_broken(&doctor->ladder))
        return;
    ladder_enter(&doctor->ladder, RUNG_AUTH);
    doctor->ladder.open.fact = doctor->evidence.err.fact;
    ladder_detail(&doctor->ladder, "error", span_of(doctor->evidence.err.text));
    ladder_leave(&doctor->ladder, STEP_FAILED, now_of(doctor));
}

static void rang(void *who)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);
    uint64_t now = now_of(doctor), look_at = doctor->began + LOOK_AROUND_MS;

    if (!doctor->begun) {
        doctor->begun = true;
        look_at_machine(doctor);
        look_here(doctor);
        if (!look_into_books(doctor))
            look_up(doctor);
    }
    if (now >= doctor->give_up) {
        too_late(doctor);
        return;
    }
    bool waits = !doctor->road_over;
    if (!doctor->only_https && (waits ? now >= look_at : doctor->failed && !doctor->here && needs_around(doctor)))
        waits |= look_around(doctor);
    if (doctor->road_over && doctor->here)
        tell_here(doctor);
    if (doctor->road_over && doctor->failed && !doctor->here)
        waits |= look_again(doctor);
    if (!waits && doctor->failed && !doctor->here && !doctor->spared && !doctor->only_https)
        waits = try_https(doctor);
    if (!waits)
        waits = await_domain(doctor);
    if (!waits) {
        tell_withheld(doctor);
        tell_domain(doctor);
        tell_mechanism(doctor);
        tell_full(doctor);
        finish(doctor);
        return;
    }
    uint64_t next = sooner(doctor->give_up, now < look_at ? look_at : UINT64_MAX);
    timer_set(doctor->timer, doctor->domain_until > now ? sooner(next, doctor->domain_until) : next);
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
           (!other || account->transport == TRANSPORT_SMTP || copy_by(account, other, &doctor->by_https, err));
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
        doctor->world.connect_timeout_ms = sooner(REPLY_MS, doctor->world.timeout_ms);
        doctor->world.dial_timeout_ms = DIAL_MS;
    } else {
        doctor->world.dial_timeout_ms = doctor->world.connect_timeout_ms;
    }
    doctor->world.dial_timeout_ms = sooner(doctor->world.dial_timeout_ms, doctor->world.timeout_ms);
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
    doctor->began = loop_now(loop);
    doctor->timer = timer_new(loop, rang, doctor);
    if (!doctor->timer)
        return err_no_memory(err);
    if (!choose_ways(doctor, err))
        return false;
    choose_target(doctor);
    choose_patience(doctor);
    ladder_begin(&doctor->ladder, doctor->began, events->step, who);
    go_on(doctor);
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
    domain_look_free(doctor->domain_look);
    timer_free(doctor->timer);
    account_free(doctor->by_smtp);
    account_free(doctor->by_https);
    OBJ_GONE(doctor);
    mem_free(doctor);
}
