#include "doctor/findings.h"

#include "base/banned.h"

enum { LATE_MS = 2000 };

/* What all of one kind showed. */
struct tally {
    bool asked, answered, silent, named;
};

static struct tally count(const struct around_view *view, enum around_role role)
{
    struct tally tally = { 0 };

    for (size_t i = 0; view && i < view->count; i++) {
        const struct around_sight *sight = &view->at[i];
        if (sight->role != role || sight->state == AROUND_UNTRIED)
            continue;
        bool answered = sight->state == AROUND_WORKS || sight->state == AROUND_ANSWERS;
        tally.asked = true;
        tally.answered |= answered;
        tally.named |= sight->state != AROUND_NO_NAME;
        tally.silent |= !answered && sight->state != AROUND_NO_NAME;
    }
    return tally;
}

static void add(struct doctor_findings *findings, bool holds, const char *fact)
{
    if (holds && findings->count < FINDINGS_MAX)
        findings->at[findings->count++] = fact;
}

/* What is wrong with a certificate is known of a server that speaks TLS there. */
static bool shows_certificate(const struct around_sight *sight)
{
    return sight->fact && span_starts(span_of(sight->fact), "cert:");
}

static void add_ports(const struct around_view *view, struct doctor_findings *findings)
{
    struct tally port = count(view, AROUND_PORT), otherwise = count(view, AROUND_OTHERWISE);
    bool other_way = false, alive = false, trusted = false;
    enum around_state by_short = AROUND_UNTRIED;

    for (size_t i = 0; view && i < view->count; i++) {
        const struct around_sight *sight = &view->at[i];
        other_way |= sight->role == AROUND_OTHERWISE && sight->state == AROUND_WORKS;
        alive |= sight->role == AROUND_OTHERWISE && shows_certificate(sight);
        trusted |= sight->role == AROUND_UNPINNED && sight->state == AROUND_WORKS;
        if (sight->role == AROUND_SHORT)
            by_short = shows_certificate(sight) ? AROUND_WORKS : sight->state;
    }
    add(findings, port.answered, "port:other-open");
    add(findings, port.silent && !port.answered, "port:none-open");
    add(findings, otherwise.asked && other_way, "port:other-security");
    add(findings, otherwise.asked && !other_way && !alive, "port:neither-security");
    add(findings, by_short == AROUND_WORKS, "port:short-packets");
    add(findings, by_short == AROUND_ANSWERS, "port:not-by-length");
    add(findings, trusted, "cert:trusted-unpinned");
}

static void add_others(const struct around_view *view, struct doctor_findings *findings)
{
    struct tally other = count(view, AROUND_OTHER), web = count(view, AROUND_WEB);

    add(findings, other.answered, "others:reachable");
    add(findings, other.silent && !other.answered, "others:unreachable");
    add(findings, web.answered, "web:reachable");
    add(findings, web.silent && !web.answered, "web:unreachable");
    add(findings, (other.asked || web.asked) && !other.named && !web.named, "names:none");
}

/* Two servers that have nothing to do with each other break off in the same way: it is what lies before both. The ways in
 * which one that is well never breaks off; where a line ends between words is told in several. */
static const char *way_of_breaking_off(const char *fact)
{
    static const struct {
        const char *fact, *way;
    } ways[] = {
        { "greeting:closed", "hangs up" },   { "line:closed", "hangs up" },         { "line:reset", "hangs up" },
        { "connect:reset", "hangs up" },     { "greeting:timeout", "is silent" },   { "greeting:not-smtp", "is another" },
        { "tls:plaintext", "has no TLS" },   { "tls:timeout", "falls silent" },     { "line:timeout", "falls silent" },     { "tls:closed", "hangs up in TLS" },
        { "starttls:not-offered", "offers none" },
    };

    for (size_t i = 0; fact && i < COUNT(ways); i++)
        if (strcmp(ways[i].fact, fact) == 0)
            return ways[i].way;
    return NULL;
}

static void add_alike(const struct findings_of *of, struct doctor_findings *findings)
{
    const char *ours = way_of_breaking_off(of->fact);
    bool alike = false;

    for (size_t i = 0; ours && of->view && i < of->view->count; i++) {
        const struct around_sight *sight = &of->view->at[i];
        const char *theirs = sight->role == AROUND_OTHER && sight->state == AROUND_ANSWERS ? way_of_breaking_off(sight->fact) : NULL;
        alike |= theirs && strcmp(theirs, ours) == 0;
    }
    add(findings, alike, "others:alike");
}

/* There is no way by IPv4 here - of IPv6 alone it would be said -, and others are reached all the same: by IPv6. Where this
 * machine has an address of IPv4, somebody on the way has said so. */
static void add_no_way(const struct findings_of *of, struct doctor_findings *findings)
{
    bool reached = count(of->view, AROUND_OTHER).answered || count(of->view, AROUND_WEB).answered;

    add(findings, of->no_route && !of->has_ipv4 && of->fact && strcmp(of->fact, "connect:unreachable") == 0 && reached, "machine:no-ipv4");
}

/* More is known of it than what stands in a public list, which may be old and is no promise: how it signs people in, what
 * its server offers, its limits. These are the big ones, and what their servers show to everybody else is known, too. */
static bool is_known_closely(const struct profile *profile)
{
    static const struct profile_limits unknown;

    return profile->oauth.token || profile->capabilities.ehlo.count ||
           memcmp(&profile->limits, &unknown, sizeof unknown) != 0;
}

/* Does IPv6 lead out of here? */
static bool reached_by_ipv6(const struct around_view *view)
{
    bool reached = false;

    for (size_t i = 0; view && i < view->count; i++)
        reached |= view->at[i].by_ipv6;
    return reached;
}

/* A router asks thrice for a machine that is not there; a firewall's no comes at once. */
static void add_late(const struct ladder *ladder, struct doctor_findings *findings)
{
    const struct doctor_step *broken = ladder_broken(ladder);

    add(findings, broken && broken->rung == RUNG_ROUTE && broken->ms >= LATE_MS, "connect:late");
}

/* What a profile says of this server. A bridge stands on the own machine: of that one nothing is known. */
static void add_profile(const struct around_target *target, bool is_there, struct doctor_findings *findings)
{
    const struct profile *profile = target->profile;
    bool host = false, port = false;

    if (!profile || profile->kind == PROFILE_BRIDGE)
        return;
    for (size_t i = 0; i < profile->server_count; i++) {
        bool same = strcmp(profile->servers[i].host, target->host) == 0;
        host |= same;
        port |= same && profile->servers[i].port == target->port && profile->servers[i].security == target->security;
    }
    add(findings, host, "name:known");
    add(findings, is_there && port && is_known_closely(profile), "port:served");
    add(findings, is_there && host && !port, "port:not-served");
}

static bool is_distrusted(const char *fact)
{
    return fact && (strcmp(fact, "cert:untrusted-issuer") == 0 || strcmp(fact, "cert:self-signed") == 0);
}

static bool is_out_of_date(const char *fact)
{
    return fact && (strcmp(fact, "cert:expired") == 0 || strcmp(fact, "cert:root-expired") == 0 ||
                    strcmp(fact, "cert:not-yet-valid") == 0);
}

static bool is_misnamed(const char *fact)
{
    return fact && strcmp(fact, "cert:hostname") == 0;
}

/* Another provider's certificate has the same fault: it is not this server's. */
static void add_certificates(const struct findings_of *of, struct doctor_findings *findings)
{
    const struct tls_description *shown = &of->ladder->shown;
    const char *issuer = shown->chain_len ? shown->chain[0].issuer : "";
    bool same_issuer = false, distrusted = false, out_of_date = false, left_out = of->seen && of->seen->left_out;
    bool by_our_list = false; /* what it sent is enough for this machine's own list */
    bool same_everywhere = false; /* and another provider's is signed by the same: a gateway whose authority is installed here */
    bool misnamed = false;

    for (size_t i = 0; of->view && i < of->view->count; i++) {
        const struct around_sight *sight = &of->view->at[i];
        bool by_the_same = sight->issuer[0] && strcmp(sight->issuer, issuer) == 0;
        /* Signed by the same authority, and there it is trusted: so what leads to it comes with that one only. */
        left_out |= sight->state == AROUND_WORKS && by_the_same;
        same_everywhere |= sight->role == AROUND_OTHER && sight->state == AROUND_WORKS && by_the_same;
        by_our_list |= sight->role == AROUND_UNPINNED && sight->state == AROUND_WORKS;
        if (sight->role != AROUND_OTHER)
            continue;
        distrusted |= is_distrusted(sight->fact);
        out_of_date |= is_out_of_date(sight->fact);
        misnamed |= is_misnamed(sight->fact);
        same_issuer |= is_distrusted(sight->fact) && by_the_same;
    }
    add(findings, same_issuer || of->issuer_is_known, "cert:interception");
    add(findings, same_everywhere && of->fact && strcmp(of->fact, "cert:pin") == 0, "cert:same-issuer");
    add(findings, left_out && !by_our_list && is_distrusted(of->fact), "cert:intermediate-missing");
    add(findings, distrusted && !same_issuer, "others:untrusted");
    add(findings, out_of_date, "others:out-of-date");
    add(findings, misnamed && is_misnamed(of->fact), "others:misnamed");
}

static void add_seen(const struct second_view *seen, struct doctor_findings *findings)
{
    add(findings, seen->mechanism != NULL, "mechanism:other-works");
    for (size_t i = 0; i < seen->token.count; i++)
        add(findings, true, seen->token.at[i]);
    for (size_t i = 0; i < seen->clock_facts.count; i++)
        add(findings, true, seen->clock_facts.at[i]);
}

/* ENHANCEDSTATUSCODES, and nothing else. */
static bool is_turned_away(const struct ladder *ladder)
{
    const char *offers = NULL;

    for (size_t i = 0; i < ladder->count; i++)
        if (ladder->steps[i].rung == RUNG_EHLO)
            offers = doctor_step_detail(&ladder->steps[i], "offers");
    return offers && strcmp(offers, "ENHANCEDSTATUSCODES") == 0;
}

static void add_domain(const struct findings_of *of, struct doctor_findings *findings)
{
    const char *facts[DOMAIN_FACTS_MAX];
    size_t count = of->domain ? domain_facts(of->domain, of->target->profile, facts) : 0;

    for (size_t i = 0; i < count; i++)
        add(findings, true, facts[i]);
}

void doctor_findings(const struct findings_of *of, struct doctor_findings *ret_findings)
{
    static const struct names_seen nothing;
    const struct names_seen names = of->names ? *of->names : nothing;
    /* Where names lead anywhere, nobody was met who tells of the server, or of others. */
    bool is_there = !names.made_up && !names.alike;

    *ret_findings = (struct doctor_findings){ 0 };
    add(ret_findings, of->in_container, "machine:container");
    add(ret_findings, of->target->is_private, "host:private");
    add(ret_findings, of->target->is_private && of->is_elsewhere, "host:elsewhere");
    add(ret_findings, of->target->leads_home, "name:this-machine");
    add(ret_findings, names.made_up, "names:made-up");
    add(ret_findings, names.alike && !names.made_up, "names:alike");
    add(ret_findings, names.by_nat64, "host:by-nat64");
    add(ret_findings, names.is_ipv6_alone && !reached_by_ipv6(of->view), "host:ipv6-alone");
    add(ret_findings, of->no_network, "machine:no-network");
    add(ret_findings, of->no_loopback, "machine:no-loopback");
    add(ret_findings, of->ladder->masked, "greeting:masked");
    add(ret_findings, is_turned_away(of->ladder), "ehlo:turned-away");
    add_profile(of->target, is_there, ret_findings);
    if (is_there) {
        add_ports(of->view, ret_findings);
        add_others(of->view, ret_findings);
        add_alike(of, ret_findings);
    }
    add_no_way(of, ret_findings);
    add_late(of->ladder, ret_findings);
    add_certificates(of, ret_findings);
    if (of->seen)
        add_seen(of->seen, ret_findings);
    add_domain(of, ret_findings);
}
