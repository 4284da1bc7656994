#include "doctor/doctor_int.h"

#include "mail/date.h"

#include "base/banned.h"

enum {
    DOMAIN_MS = 5 * 1000,
    DOMAIN_MORE_MS = 1000, /* so long the end waits for it */
    NAMES_MS = 3 * 1000,
    CERTIFICATES_MS = 3 * 1000, /* and as long as this server took: those who show one have done so by then */
    LAST_MS = 500,         /* the neighbours end by themselves before the whole does */
};

/* ---- the sender's domain ---- */

static void domain_seen(void *who)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    doctor->domain_over = true;
    doctor_go_on(doctor);
}

/* Beside the road. Of a server in the house nobody outside is asked. */
void doctor_ask_for_domain(struct doctor *doctor)
{
    const struct account *account = doctor->plan.account;
    const struct profile *profile = doctor->target.profile;

    if (!account || !account->address || doctor->plan.withhold || doctor->target.is_private || doctor->domain_asked)
        return;
    doctor->domain_asked = true;
    const struct domain_plan plan = {
        .resolver = doctor->world.credentials.resolver,
        .domain = domain_of_ones_own(doctor->plan.know, account->address, profile),
        .profile = profile,
        .deadline = doctor_now(doctor) + doctor_sooner(DOMAIN_MS, doctor->world.timeout_ms),
    };
    if (!plan.domain.len || !domain_look_start(doctor->loop, &plan, &doctor->domain, domain_seen, doctor,
                                               &doctor->domain_look, NULL))
        doctor->domain_over = true;
}

/* It may take its time. */
bool doctor_await_domain(struct doctor *doctor)
{
    if (!doctor->domain_look || doctor->domain_over)
        return false;
    if (!doctor->domain_until)
        doctor->domain_until = doctor_now(doctor) + DOMAIN_MORE_MS;
    return doctor_now(doctor) < doctor->domain_until;
}

void doctor_tell_domain(struct doctor *doctor)
{
    domain_climb(&doctor->domain, doctor->target.profile, &doctor->ladder, doctor_now(doctor));
    domain_notes(&doctor->domain, doctor->target.profile, &doctor->notes);
}

/* ---- what is around ---- */

static const char *own_or(const char *own, const char *otherwise)
{
    return own ? own : otherwise;
}

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
    doctor_go_on(doctor);
}

bool doctor_would_look_around(const struct evidence *evidence)
{
    const char *fact = evidence->err.fact;

    return (evidence->stage >= STAGE_RESOLVE && evidence->stage <= STAGE_STARTTLS) ||
           (fact && strcmp(fact, "auth:not-offered") == 0);
}

/* It has answered, and then not gone on: perhaps it waits for TLS, or we do. */
static bool breaks_between(const struct doctor *doctor)
{
    if (!doctor->road_over)
        return doctor->road && ladder_has(&doctor->ladder, RUNG_ROUTE) && !ladder_has(&doctor->ladder, RUNG_BANNER);
    return doctor->evidence.stage >= STAGE_TLS && doctor->evidence.stage <= STAGE_STARTTLS &&
           (!doctor->evidence.err.fact || !span_starts(span_of(doctor->evidence.err.fact), "cert:"));
}

static bool has_fact(const struct doctor *doctor, const char *fact)
{
    const char *has = doctor->evidence.err.fact;

    return has && strcmp(has, fact) == 0;
}

/* Short words came and went, and the first long ones are those of TLS. */
static bool stops_in_tls(const struct doctor *doctor)
{
    if (!doctor->road_over)
        return doctor->road && road_stage(doctor->road) == STAGE_TLS;
    return has_fact(doctor, "tls:timeout");
}

/* The account says itself whom it trusts, and this is not he. */
static bool distrusts_by_settings(const struct doctor *doctor)
{
    const struct account *account = doctor->plan.account;
    bool by_own_list = account && account->ca_file && !doctor->world.credentials.ca_file;

    return has_fact(doctor, "cert:pin") || (by_own_list && (has_fact(doctor, "cert:untrusted-issuer") || has_fact(doctor, "cert:self-signed")));
}

static void begin_around(struct doctor *doctor)
{
    const struct account *account = doctor->plan.account;
    const char *ca_file = doctor->world.credentials.ca_file;
    uint64_t left = doctor->give_up - doctor_sooner(doctor->give_up, doctor_now(doctor) + LAST_MS);
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
        .patience_ms = doctor_sooner(doctor->world.dial_timeout_ms, left ? left : 1),
    };
    if (!around_start(doctor->loop, &doctor->around_plan, &doctor->view, around_changed, doctor, &doctor->around, &err))
        doctor->view.count = 0; /* without memory there is nobody around */
}

/* Where a certificate is what is wrong, others tell by theirs; a port that is silent tells nothing of it. */
static bool has_seen_enough(struct doctor *doctor)
{
    const char *fact = doctor->evidence.err.fact;

    if (!doctor->road_over || !fact || !span_starts(span_of(fact), "cert:"))
        return false;
    uint64_t now = doctor_now(doctor);
    if (!doctor->around_until)
        doctor->around_until = now + CERTIFICATES_MS + (now - doctor->began);
    return now >= doctor->around_until;
}

bool doctor_look_around(struct doctor *doctor)
{
    if (!doctor->around)
        begin_around(doctor);
    if (!doctor->around)
        return false;
    if (breaks_between(doctor)) {
        around_add_otherwise(&doctor->target, &doctor->view);
        around_more(doctor->around);
    }
    if (stops_in_tls(doctor)) {
        around_add_short(&doctor->target, &doctor->view);
        around_more(doctor->around);
    }
    if (doctor->road_over && distrusts_by_settings(doctor)) {
        around_add_unpinned(&doctor->target, &doctor->view);
        around_more(doctor->around);
    }
    return !around_is_done(doctor->around) && !has_seen_enough(doctor);
}

/* ---- where names lead ---- */

static void names_seen(void *who)
{
    struct doctor *doctor = OBJ(doctor, DOCTOR_MAGIC, who);

    doctor->names_over = true;
    doctor_go_on(doctor);
}

static const char *another_provider(const struct doctor *doctor)
{
    for (size_t i = 0; i < doctor->view.count; i++)
        if (doctor->view.at[i].role == AROUND_OTHER || doctor->view.at[i].role == AROUND_WEB)
            return doctor->view.at[i].host;
    return NULL;
}

/* Once somebody is asked what is around, and so whoever is another provider is chosen. */
bool doctor_look_at_names(struct doctor *doctor)
{
    const struct names_plan plan = {
        .resolver = doctor->world.credentials.resolver,
        .answer = &doctor->answer,
        .no_ipv4 = !doctor_has_ipv4(),
        .other = another_provider(doctor),
        .deadline = doctor_now(doctor) + doctor_sooner(NAMES_MS, doctor->world.timeout_ms),
    };

    if (doctor->names_asked)
        return !doctor->names_over;
    doctor->names_asked = true;
    doctor->names_over = !doctor->answer.count || doctor->target.leads_home ||
                         !names_look_start(doctor->loop, &plan, &doctor->names, names_seen, doctor, &doctor->names_look, NULL);
    return !doctor->names_over;
}

/* ---- the second look ---- */

static void second_changed(void *who)
{
    doctor_go_on(OBJ(doctor, DOCTOR_MAGIC, who));
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
    ladder_leave(&doctor->ladder, STEP_OK, doctor_now(doctor));
}

bool doctor_look_again(struct doctor *doctor)
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

static bool was_found(const struct token_facts *facts, const char *fact)
{
    for (size_t i = 0; i < facts->count; i++)
        if (strcmp(facts->at[i], fact) == 0)
            return true;
    return false;
}

static void tell_mechanism(struct doctor *doctor, const char *works)
{
    const struct account *account = doctor->plan.account;
    HELD(buf) named = BUF(512);

    for (size_t i = 0; i < account->mechanisms.count; i++)
        buf_addf(&named, "%s%s", i ? " " : "", account->mechanisms.at[i]);
    if (named.len)
        notes_add(&doctor->notes, "mechanism-works",
                  "Signing in by %s works, which the line mechanisms = %s under [account %s] in outpost.conf leaves out: take it away, or "
                  "write %s there.", works, buf_text(&named), account->name, works);
    else
        notes_add(&doctor->notes, "mechanism-works",
                  "Signing in by %s works. To use that alone, write under [account %s] in outpost.conf: mechanisms = %s", works,
                  account->name, works);
}

void doctor_tell_seen(struct doctor *doctor)
{
    const struct token_facts *token = &doctor->seen.token;
    const char *works = doctor->seen.mechanism;

    if (doctor->names.made_up)
        notes_add(&doctor->notes, "names-made-up",
                  "Here even a name that nobody has leads to where the server's name leads: whoever answers for names makes them up.");
    else if (doctor->names.alike)
        notes_add(&doctor->notes, "names-alike", "Here another provider's name (%s) leads to where this server's name leads.",
                  another_provider(doctor));
    if (was_found(token, "token:other-tenant") || was_found(token, "token:other-server"))
        notes_add(&doctor->notes, "token-tenant", "The token that was refused is one of the tenant %s.", token->tenant);
    if (works)
        tell_mechanism(doctor, works);
}
