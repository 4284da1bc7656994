/* What the neighbours showed, as facts; and what the rules make of them. */
#include "support/check.h"

#include "doctor/findings.h"
#include "know/classify.h"
#include "support/knowledge.h"

#include <stdio.h>

/* "port works; other silent cert:expired 'CN=x'": role, state, fact, issuer. */
static void read_view(const char *text, struct around_view *view)
{
    static const char *const roles[] = { "port", "otherwise", "sibling", "other", "web", "short", "unpinned" };
    static const char *const states[] = { "untried", "works", "answers", "silent", "refused", "no-way", "no-name" };
    static char facts[AROUND_MAX][40];
    struct span rest = span_of(text), part, word;

    *view = (struct around_view){ 0 };
    while (span_split(&rest, ';', &part)) {
        struct around_sight *sight = &view->at[view->count++];
        part = span_trim(part);
        assert_true(span_split(&part, ' ', &word));
        while (!span_is(word, roles[sight->role]))
            assert_true(++sight->role < COUNT(roles));
        assert_true(span_split(&part, ' ', &word));
        while (!span_is(word, states[sight->state]))
            assert_true(++sight->state < COUNT(states));
        sight->by_ipv6 = span_is(span_trim(part), "by-ipv6");
        if (!sight->by_ipv6 && span_split(&part, ' ', &word) && word.len) {
            snprintf(facts[view->count - 1], sizeof facts[0], "%.*s", SPAN_ARG(word));
            sight->fact = facts[view->count - 1];
        }
        if (span_split(&part, ' ', &word))
            snprintf(sight->issuer, sizeof sight->issuer, "%.*s", SPAN_ARG(word));
    }
}

static void write_findings(const struct doctor_findings *findings, char *out, size_t room)
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < findings->count; i++)
        len += (size_t)snprintf(out + len, room - len, "%s%s", i ? " " : "", findings->at[i]);
    assert_null(findings->at[findings->count]);
}

enum { PRIVATE = 1, CONTAINER = 2, MASKED = 4, AV = 8, LEFT_OUT = 16, HOLDS = 32, WRONG = 64, RIGHT = 128, NO_ROUTE = 256,
       LEADS_HOME = 512, NO_NETWORK = 1024, HAS_IPV4 = 2048, LATE = 4096,
       MADE_UP = 8192, ALIKE = 16384, NAT64 = 32768, SIX_ALONE = 65536, NO_LOOPBACK = 131072,
       TURNED_AWAY = 262144, ELSEWHERE = 524288 };

static const struct {
    const char *label, *view;
    const char *host;
    uint16_t port;
    enum security security;
    unsigned with;
    const char *found;
    const char *fact;  /* of the failure... */
    enum stage stage;
    const char *cause; /* ...and what it is then */
} cases[] = {
    /* -- nobody answers -- */
    { "nobody asked", "", "h.example", 587, 0, 0, "", "connect:timeout", STAGE_CONNECT, "connect_timeout_port_blocked" },
    { "all ports of all, and HTTPS", "port silent; port silent; other silent; web silent", "h.example", 587, 0, 0,
      "port:none-open others:unreachable web:unreachable", "connect:timeout", STAGE_CONNECT, "network_unreachable" },
    { "mail only", "port silent; other silent; web works", "h.example", 587, 0, 0,
      "port:none-open others:unreachable web:reachable", "connect:timeout", STAGE_CONNECT, "connect_timeout_port_blocked" },
    { "this port for all", "port works; other silent; web works", "h.example", 587, 0, 0,
      "port:other-open others:unreachable web:reachable", "connect:timeout", STAGE_CONNECT, "connect_timeout_port_blocked" },
    { "this port here alone", "port answers cert:expired; other works; web works", "h.example", 2587, 0, 0,
      "port:other-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT, "connect_timeout_wrong_port" },
    { "a port of its own, with others", "port works", "h.example", 2587, 0, 0, "port:other-open", "connect:timeout",
      STAGE_CONNECT, "connect_timeout_wrong_port" },
    { "this host alone", "port silent; port silent; other works; web works", "h.example", 587, 0, 0,
      "port:none-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT, "connect_timeout_client_banned" },
    { "a port the provider has not", "port works; web works", "smtp-mail.outlook.com", 465, SECURITY_TLS, 0,
      "name:known port:not-served port:other-open web:reachable", "connect:timeout", STAGE_CONNECT,
      "connect_timeout_wrong_port" },
    { "a port it has, blocked for all", "port silent; other silent; web works", "smtp-mail.outlook.com", 587, 0, 0,
      "name:known port:served port:none-open others:unreachable web:reachable", "connect:timeout", STAGE_CONNECT,
      "connect_timeout_port_blocked" },
    { "a port it has, to us not", "port works; other works; web works", "smtp.gmail.com", 587, 0, 0,
      "name:known port:served port:other-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT,
      "connect_timeout_client_banned" },
    { "this machine itself", "port silent; port silent", "localhost", 587, 0, PRIVATE, "host:private port:none-open",
      "connect:timeout", STAGE_CONNECT, "connect_timeout_port_blocked" },
    { "where mail is fetched", "port silent; other works; web works", "imap.example.com", 587, 0, 0,
      "port:none-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT, "connect_timeout_wrong_port" },
    { "in the house", "port silent; port silent", "h.example", 587, 0, PRIVATE, "host:private port:none-open",
      "connect:timeout", STAGE_CONNECT, "connect_timeout_client_banned" },
    /* -- refused -- */
    { "nobody listens", "port refused; other works; web works", "h.example", 587, 0, 0,
      "port:none-open others:reachable web:reachable", "connect:refused", STAGE_CONNECT, "connect_refused_no_listener" },
    { "another port does", "port works; other works; web works", "h.example", 587, 0, 0,
      "port:other-open others:reachable web:reachable", "connect:refused", STAGE_CONNECT, "connect_refused_no_listener" },
    { "refused for all", "port refused; other refused; web works", "h.example", 587, 0, 0,
      "port:none-open others:unreachable web:reachable", "connect:refused", STAGE_CONNECT, "connect_refused_firewall" },
    { "refused where it is served", "port works; other works; web works", "smtp.gmail.com", 587, 0, 0,
      "name:known port:served port:other-open others:reachable web:reachable", "connect:refused", STAGE_CONNECT,
      "connect_refused_firewall" },
    { "localhost in a container", "port refused", "localhost", 587, 0, PRIVATE | CONTAINER,
      "machine:container host:private port:none-open", "connect:refused", STAGE_CONNECT,
      "connect_refused_localhost_in_container" },
    { "the container's own server", "port works", "localhost", 587, 0, PRIVATE | CONTAINER,
      "machine:container host:private port:other-open", "connect:refused", STAGE_CONNECT, "connect_refused_no_listener" },
    { "no way, to this port alone", "port works; other works", "h.example", 587, 0, 0, "port:other-open others:reachable",
      "connect:unreachable", STAGE_CONNECT, "connect_refused_firewall" },
    { "no way to mail, and to HTTPS there is", "port no-way; other no-way; web works", "h.example", 587, 0, 0,
      "port:none-open others:unreachable web:reachable", "connect:unreachable", STAGE_CONNECT, "connect_refused_firewall" },
    { "no way by IPv4, and others have IPv6", "port no-way; other works; web works", "h.example", 587, 0, NO_ROUTE,
      "port:none-open others:reachable web:reachable machine:no-ipv4", "connect:unreachable", STAGE_CONNECT,
      "network_unreachable_ipv4" },
    { "no way from afar, and others are reached", "port no-way; other works; web works", "h.example", 587, 0, 0,
      "port:none-open others:reachable web:reachable", "connect:unreachable", STAGE_CONNECT, "connect_refused_firewall" },
    { "the same, and a router had to look for it", "port no-way; other works; web works", "h.example", 587, 0, LATE,
      "port:none-open others:reachable web:reachable connect:late", "connect:unreachable", STAGE_CONNECT,
      "connect_refused_no_listener" },
    { "no way from afar, in the words of one's own kernel", "port no-way; other works", "h.example", 587, 0, NO_ROUTE | HAS_IPV4,
      "port:none-open others:reachable", "connect:unreachable", STAGE_CONNECT, "connect_refused_firewall" },
    { "no way anywhere", "port no-way; other no-way; web no-way", "h.example", 587, 0, 0,
      "port:none-open others:unreachable web:unreachable", "connect:unreachable", STAGE_CONNECT, "network_unreachable" },
    /* -- names -- */
    { "no such name", "port no-name; other works; web works", "h.example", 587, 0, 0, "others:reachable web:reachable",
      "name:not-found", STAGE_RESOLVE, "dns_host_not_found" },
    { "no name at all", "port no-name; other no-name; web no-name", "h.example", 587, 0, 0, "names:none", "name:not-found",
      STAGE_RESOLVE, "dns_resolver_failure" },
    { "a name there must be", "port no-name; other works; web works", "smtp.gmail.com", 465, SECURITY_TLS, 0,
      "name:known port:served others:reachable web:reachable", "name:not-found", STAGE_RESOLVE, "dns_resolver_failure" },
    { "a name that is known, and no name at all", "port no-name; other no-name", "smtp.gmail.com", 465, SECURITY_TLS, 0,
      "name:known port:served names:none", "name:not-found", STAGE_RESOLVE, "dns_resolver_failure" },
    { "no name, for there is no network", "port no-name; other no-name", "h.example", 587, 0, NO_NETWORK,
      "machine:no-network names:none", "name:failure", STAGE_RESOLVE, "network_unreachable" },
    { "a name that a filter leads here", "port refused; other works; web works", "h.example", 587, 0, LEADS_HOME,
      "name:this-machine port:none-open others:reachable web:reachable", "connect:refused", STAGE_CONNECT,
      "dns_resolver_failure" },
    { "a known one", "port refused; other works; web works", "smtp.gmail.com", 587, 0, LEADS_HOME,
      "name:this-machine name:known port:served port:none-open others:reachable web:reachable", "connect:refused",
      STAGE_CONNECT, "dns_resolver_failure" },
    { "a known one, where mail is taken in here", "port works; other works", "smtp.gmail.com", 587, 0, LEADS_HOME,
      "name:this-machine name:known port:served port:other-open others:reachable", "connect:refused", STAGE_CONNECT,
      "dns_resolver_failure" },
    { "one's own server under its other name", "port works; other works", "h.example", 587, 0, LEADS_HOME,
      "name:this-machine port:other-open others:reachable", "connect:refused", STAGE_CONNECT, "connect_refused_no_listener" },
    /* -- names that lead anywhere -- */
    { "a typing error, where every name leads somewhere", "port refused; other refused; web works", "h.example", 587, 0, MADE_UP,
      "names:made-up", "connect:refused", STAGE_CONNECT, "dns_host_not_found" },
    { "a provider, where every name leads to a portal", "port silent; other silent; web answers cert:hostname", "smtp.gmail.com", 587, 0,
      MADE_UP | ALIKE, "names:made-up name:known", "connect:timeout", STAGE_CONNECT, "smtp_intercepted" },
    { "two providers at one place", "port refused; other refused", "smtp.gmail.com", 587, 0, ALIKE, "names:alike name:known",
      "connect:refused", STAGE_CONNECT, "smtp_intercepted" },
    { "a typing error, and a certificate of whoever is there", "other works", "h.example", 465, SECURITY_TLS, MADE_UP,
      "names:made-up", "cert:hostname", STAGE_TLS, "dns_host_not_found" },
    /* -- IPv6 alone -- */
    { "what translates to IPv4 is silent", "port silent; other silent; web silent", "h.example", 587, 0, NAT64,
      "host:by-nat64 port:none-open others:unreachable web:unreachable", "connect:timeout", STAGE_CONNECT, "network_unreachable_ipv4" },
    { "the same, and others have IPv6 of their own", "port silent; other works; web works", "h.example", 587, 0, NAT64,
      "host:by-nat64 port:none-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT, "network_unreachable_ipv4" },
    { "a server of IPv6 alone, and IPv6 leads nowhere", "port silent; other works; web works", "h.example", 587, 0, SIX_ALONE,
      "host:ipv6-alone port:none-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT, "network_unreachable_ipv6" },
    { "the same, and another is reached by IPv6", "port silent; other works by-ipv6; web works", "h.example", 587, 0, SIX_ALONE,
      "port:none-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT, "connect_timeout_client_banned" },
    /* -- the same everywhere -- */
    { "silent, all of them", "port answers greeting:timeout; other answers greeting:timeout; otherwise answers tls:timeout",
      "h.example", 587, 0, 0, "port:other-open port:neither-security others:reachable others:alike", "greeting:timeout",
      STAGE_GREETING, "smtp_intercepted" },
    { "silent, and others are not", "other works", "h.example", 2587, 0, 0, "others:reachable", "greeting:timeout",
      STAGE_GREETING, "plaintext_on_tls_port" },
    { "no TLS anywhere", "other answers tls:plaintext", "smtp.gmail.com", 465, SECURITY_TLS, 0,
      "name:known port:served others:reachable others:alike", "tls:plaintext", STAGE_TLS, "smtp_intercepted" },
    { "all hang up, one way or another", "other answers line:reset", "h.example", 587, 0, 0, "others:reachable others:alike",
      "greeting:closed", STAGE_GREETING, "smtp_intercepted" },
    { "none offers STARTTLS", "other answers starttls:not-offered", "h.example", 587, 0, 0, "others:reachable others:alike",
      "starttls:not-offered", STAGE_STARTTLS, "smtp_intercepted" },
    { "silent in the handshake, all of them", "other answers tls:timeout", "h.example", 587, 0, 0,
      "others:reachable others:alike", "tls:timeout", STAGE_TLS, "network_packets_lost" },
    { "silent in the handshake alone", "other works", "h.example", 587, 0, 0, "others:reachable", "tls:timeout", STAGE_TLS,
      "tls_handshake_incompatible" },
    { "silent in the handshake but for short packets", "other works; short works", "h.example", 587, 0, 0,
      "port:short-packets others:reachable", "tls:timeout", STAGE_TLS, "network_packets_lost" },
    { "short packets bring a certificate that is no good", "other works; short answers cert:expired", "h.example", 587, 0, 0,
      "port:short-packets others:reachable", "tls:timeout", STAGE_TLS, "network_packets_lost" },
    { "silent in the handshake by any length, all of them", "other answers tls:timeout; short answers tls:timeout", "h.example",
      587, 0, 0, "port:not-by-length others:reachable others:alike", "tls:timeout", STAGE_TLS, "connect_timeout_port_blocked" },
    { "silent in the handshake by any length, alone", "other works; short answers tls:timeout", "h.example", 587, 0, 0,
      "port:not-by-length others:reachable", "tls:timeout", STAGE_TLS, "tls_handshake_incompatible" },
    { "silent midway, all of them", "other answers tls:timeout", "h.example", 587, 0, 0, "others:reachable others:alike",
      "line:timeout", STAGE_EHLO, "network_packets_lost" },
    { "silent midway alone", "other works", "h.example", 587, 0, 0, "others:reachable", "line:timeout", STAGE_EHLO,
      "server_busy_temporary" },
    { "cut off in the handshake, all of them", "other answers tls:closed", "smtp.gmail.com", 465, SECURITY_TLS, 0,
      "name:known port:served others:reachable others:alike", "tls:closed", STAGE_TLS, "connect_refused_firewall" },
    { "another fault than ours", "other answers tls:timeout", "h.example", 587, 0, 0, "others:reachable", "greeting:closed",
      STAGE_GREETING, "connection_closed_before_banner" },
    /* -- encryption -- */
    { "TLS at once", "otherwise works", "h.example", 2587, SECURITY_STARTTLS, 0, "port:other-security", "greeting:timeout",
      STAGE_GREETING, "plaintext_on_tls_port" },
    { "TLS at once, and closed on us", "otherwise works", "h.example", 2587, SECURITY_STARTTLS, 0, "port:other-security",
      "greeting:closed", STAGE_GREETING, "plaintext_on_tls_port" },
    { "a forwarder without a server behind", "otherwise answers", "h.example", 587, SECURITY_STARTTLS, 0, "port:neither-security",
      "greeting:closed", STAGE_GREETING, "connection_closed_before_banner" },
    { "silent by either kind", "otherwise answers", "h.example", 587, SECURITY_STARTTLS, 0, "port:neither-security",
      "greeting:timeout", STAGE_GREETING, "server_busy_temporary" },
    { "STARTTLS", "otherwise works", "h.example", 2465, SECURITY_TLS, 0, "port:other-security", "tls:timeout", STAGE_TLS,
      "tls_on_plaintext_port" },
    { "no STARTTLS", "port refused", "h.example", 587, 0, 0, "port:none-open", "starttls:not-offered", STAGE_STARTTLS,
      "starttls_not_offered" },
    { "STARTTLS under a mask", "", "h.example", 587, 0, MASKED, "greeting:masked", "starttls:not-offered", STAGE_STARTTLS,
      "smtp_intercepted" },
    { "STARTTLS where there is some", "", "smtp.gmail.com", 587, 0, 0, "name:known port:served", "starttls:not-offered",
      STAGE_STARTTLS, "smtp_intercepted" },
    { "both", "", "smtp.gmail.com", 587, 0, MASKED, "greeting:masked name:known port:served", "starttls:not-offered",
      STAGE_STARTTLS, "smtp_intercepted" },
    { "no STARTTLS for whom sendmail will refuse", "", "h.example", 587, 0, TURNED_AWAY, "ehlo:turned-away",
      "starttls:not-offered", STAGE_STARTTLS, "banner_rejected" },
    /* -- certificates -- */
    { "expired here", "other works", "h.example", 587, 0, 0, "others:reachable", "cert:expired", STAGE_TLS, "cert_expired" },
    { "expired everywhere", "other answers cert:expired", "h.example", 587, 0, 0, "others:reachable others:out-of-date",
      "cert:expired", STAGE_TLS, "clock_wrong" },
    { "not yet valid anywhere", "other answers cert:not-yet-valid", "h.example", 587, 0, 0,
      "others:reachable others:out-of-date", "cert:not-yet-valid", STAGE_TLS, "clock_wrong" },
    { "an old list of authorities", "other works", "h.example", 587, 0, RIGHT, "others:reachable clock:right",
      "cert:root-expired", STAGE_TLS, "local_ca_bundle_missing" },
    { "an old list, for others too", "other answers cert:root-expired", "h.example", 587, 0, RIGHT,
      "others:reachable others:out-of-date clock:right", "cert:root-expired", STAGE_TLS, "local_ca_bundle_missing" },
    { "a clock that is decades ahead", "other answers cert:root-expired", "h.example", 587, 0, WRONG,
      "others:reachable others:out-of-date clock:wrong", "cert:root-expired", STAGE_TLS, "clock_wrong" },
    { "another key than the pinned one", "other works; unpinned answers cert:self-signed", "h.example", 587, 0, 0,
      "others:reachable", "cert:pin", STAGE_TLS, "tls_interception" },
    { "another key than the pinned one, and a good one", "other works; unpinned works", "h.example", 587, 0, 0,
      "cert:trusted-unpinned others:reachable", "cert:pin", STAGE_TLS, "config_invalid" },
    { "another key than the pinned one, and a gateway's everywhere", "other works - CN=ours; unpinned works - CN=ours", "h.example", 587,
      0, 0, "cert:trusted-unpinned others:reachable cert:same-issuer", "cert:pin", STAGE_TLS, "tls_interception" },
    { "a list of one's own that lacks its authority", "other works; unpinned works - CN=ours", "h.example", 587, 0, LEFT_OUT,
      "cert:trusted-unpinned others:reachable", "cert:untrusted-issuer", STAGE_TLS, "config_invalid" },
    { "no certificate for this name", "other works", "h.example", 587, 0, 0, "others:reachable", "tls:name-unknown", STAGE_TLS,
      "cert_hostname_mismatch" },
    { "untrusted here", "other works", "h.example", 587, 0, 0, "others:reachable", "cert:untrusted-issuer", STAGE_TLS,
      "cert_untrusted_issuer" },
    { "untrusted everywhere, by one issuer", "other answers cert:untrusted-issuer CN=ours", "h.example", 587, 0, 0,
      "others:reachable cert:interception", "cert:untrusted-issuer", STAGE_TLS, "tls_interception" },
    { "untrusted everywhere, by its own issuer each", "other answers cert:untrusted-issuer CN=theirs", "h.example", 587, 0, 0,
      "others:reachable others:untrusted", "cert:untrusted-issuer", STAGE_TLS, "local_ca_bundle_missing" },
    { "an issuer that is known", "other works", "h.example", 587, 0, AV, "others:reachable cert:interception",
      "cert:untrusted-issuer", STAGE_TLS, "tls_interception" },
    { "a big provider's, untrusted", "other works", "smtp.gmail.com", 587, 0, 0, "name:known port:served others:reachable",
      "cert:self-signed", STAGE_TLS, "tls_interception" },
    { "a big provider's, untrusted as all are", "other answers cert:untrusted-issuer CN=theirs", "smtp.gmail.com", 587, 0, 0,
      "name:known port:served others:reachable others:untrusted", "cert:untrusted-issuer", STAGE_TLS,
      "local_ca_bundle_missing" },
    { "a big provider's, by one issuer", "other answers cert:untrusted-issuer CN=ours", "smtp.gmail.com", 587, 0, 0,
      "name:known port:served others:reachable cert:interception", "cert:untrusted-issuer", STAGE_TLS, "tls_interception" },
    /* -- the clock, by others -- */
    { "our clock is wrong, and that is why", "other works", "h.example", 587, 0, WRONG | HOLDS,
      "others:reachable clock:wrong cert:dates-hold", "cert:expired", STAGE_TLS, "clock_wrong" },
    { "a little wrong, and that is why", "", "h.example", 587, 0, RIGHT | HOLDS, "clock:right cert:dates-hold",
      "cert:not-yet-valid", STAGE_TLS, "clock_wrong" },
    { "wrong, and it has expired all the same", "", "h.example", 587, 0, WRONG, "clock:wrong", "cert:expired", STAGE_TLS,
      "cert_expired" },
    { "right, and it is not valid yet", "", "h.example", 587, 0, RIGHT, "clock:right", "cert:not-yet-valid", STAGE_TLS,
      "cert_expired" },
    { "wrong for everybody", "other answers cert:expired", "smtp.gmail.com", 587, 0, WRONG | HOLDS,
      "name:known port:served others:reachable others:out-of-date clock:wrong cert:dates-hold", "cert:expired", STAGE_TLS,
      "clock_wrong" },
    /* -- what the server leaves out -- */
    { "its issuer was to be had elsewhere", "", "h.example", 587, 0, LEFT_OUT, "cert:intermediate-missing",
      "cert:untrusted-issuer", STAGE_TLS, "cert_intermediate_missing" },
    { "its other port sends it", "port works - CN=ours", "h.example", 587, 0, 0, "port:other-open cert:intermediate-missing",
      "cert:untrusted-issuer", STAGE_TLS, "cert_intermediate_missing" },
    { "its other port has another issuer", "port works - CN=theirs", "h.example", 587, 0, 0, "port:other-open",
      "cert:untrusted-issuer", STAGE_TLS, "cert_untrusted_issuer" },
    { "its other port is no better", "port answers cert:untrusted-issuer CN=ours", "h.example", 587, 0, 0, "port:other-open",
      "cert:untrusted-issuer", STAGE_TLS, "cert_untrusted_issuer" },
    { "a big provider leaves it out", "other works", "smtp.gmail.com", 587, 0, LEFT_OUT,
      "name:known port:served others:reachable cert:intermediate-missing", "cert:untrusted-issuer", STAGE_TLS,
      "cert_intermediate_missing" },
    { "left out, and another's fault", "", "h.example", 587, 0, LEFT_OUT, "", "cert:hostname", STAGE_TLS,
      "cert_hostname_mismatch" },
    { "self-signed here", "", "h.example", 587, 0, 0, "", "cert:self-signed", STAGE_TLS, "cert_self_signed" },
    { "another's name", "", "h.example", 587, 0, 0, "", "cert:hostname", STAGE_TLS, "cert_hostname_mismatch" },
    { "a small provider's, signed by itself", "other works", "smtp.daum.net", 465, SECURITY_TLS, 0,
      "name:known others:reachable", "cert:self-signed", STAGE_TLS, "cert_self_signed" },
    { "another's name, where it is known whose", "", "smtp.gmail.com", 587, 0, 0, "name:known port:served", "cert:hostname",
      STAGE_TLS, "smtp_intercepted" },
    { "another's name, at a stranger's and at a big provider's", "port answers cert:hostname; other answers cert:hostname", "h.example",
      465, SECURITY_TLS, 0, "port:other-open others:reachable others:misnamed", "cert:hostname", STAGE_TLS, "smtp_intercepted" },
    { "another's name, and the big provider has its own", "other works", "h.example", 465, SECURITY_TLS, 0, "others:reachable",
      "cert:hostname", STAGE_TLS, "cert_hostname_mismatch" },
    { "another's name at a big provider's alone", "other answers cert:hostname", "h.example", 465, SECURITY_TLS, 0,
      "others:reachable", "cert:expired", STAGE_TLS, "cert_expired" },
    /* -- and what the neighbours change nothing about -- */
    { "a bridge on the own machine", "", "127.0.0.1", 1025, 0, PRIVATE, "host:private", "cert:self-signed", STAGE_TLS,
      "cert_self_signed" },
    { "this machine's own network is off", "port no-way", "::1", 2525, 0, PRIVATE | NO_LOOPBACK,
      "host:private machine:no-loopback port:none-open", "connect:unreachable-ipv6", STAGE_CONNECT, "network_unreachable" },
    { "it is on, and IPv6 is off", "port no-way", "::1", 2525, 0, PRIVATE, "host:private port:none-open",
      "connect:unreachable-ipv6", STAGE_CONNECT, "network_unreachable_ipv6" },
    { "a translator that is down, at a provider", "port silent; other works; web works", "smtp.gmail.com", 587, 0, NAT64,
      "host:by-nat64 name:known port:served port:none-open others:reachable web:reachable", "connect:timeout", STAGE_CONNECT,
      "network_unreachable_ipv4" },
    { "an inner address of another network", "port silent", "10.20.0.5", 587, 0, PRIVATE | ELSEWHERE,
      "host:private host:elsewhere port:none-open", "connect:timeout", STAGE_CONNECT, "network_unreachable" },
    { "no sign-in on 25", "port works", "h.example", 25, 0, 0, "port:other-open", "auth:not-offered", STAGE_AUTH,
      "wrong_port_use_submission" },
    { "no sign-in on 587", "port works", "h.example", 587, 0, 0, "port:other-open", "auth:not-offered", STAGE_AUTH,
      "auth_not_offered" },
};

static void test_findings(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct around_view view;
        struct ladder ladder = { .masked = cases[i].with & MASKED,
                                 .shown = { .chain_len = 1, .chain = { { .issuer = "CN=ours" } } },
                                 .count = cases[i].with & TURNED_AWAY ? 2 : 1,
                                 .steps = { [1] = { RUNG_EHLO, STEP_OK, .detail_count = 1,
                                                    .details = { { "offers", "ENHANCEDSTATUSCODES" } } },
                                            [0] = { RUNG_ROUTE, STEP_FAILED, .ms = cases[i].with & LATE ? 3000 : 30 } } };
        const struct around_target target = {
            .host = cases[i].host, .port = cases[i].port, .security = cases[i].security,
            .profile = know_profile_of_host(know, span_of(cases[i].host)), .is_private = cases[i].with & PRIVATE,
            .leads_home = cases[i].with & LEADS_HOME,
        };
        const struct names_seen names = {
            .made_up = cases[i].with & MADE_UP, .alike = cases[i].with & ALIKE,
            .by_nat64 = cases[i].with & NAT64, .is_ipv6_alone = cases[i].with & SIX_ALONE,
        };
        struct second_view seen = { .left_out = cases[i].with & LEFT_OUT };
        const struct findings_of of = {
            .target = &target, .view = &view, .ladder = &ladder, .seen = &seen, .names = &names, .fact = cases[i].fact,
            .no_route = cases[i].with & NO_ROUTE, .has_ipv4 = cases[i].with & HAS_IPV4,
            .no_network = cases[i].with & NO_NETWORK, .no_loopback = cases[i].with & NO_LOOPBACK,
            .in_container = cases[i].with & CONTAINER, .is_elsewhere = cases[i].with & ELSEWHERE, .issuer_is_known = cases[i].with & AV,
        };
        struct doctor_findings findings;
        struct evidence evidence = { .stage = cases[i].stage, .host = cases[i].host, .port = cases[i].port,
                                     .security = security_word(cases[i].security) };
        struct verdict verdict;
        char words[400];

        if (cases[i].with & (WRONG | RIGHT))
            seen.clock_facts.at[seen.clock_facts.count++] = cases[i].with & WRONG ? "clock:wrong" : "clock:right";
        if (cases[i].with & HOLDS)
            seen.clock_facts.at[seen.clock_facts.count++] = "cert:dates-hold";
        read_view(cases[i].view, &view);
        doctor_findings(&of, &findings);
        write_findings(&findings, words, sizeof words);
        if (strcmp(words, cases[i].found) != 0)
            fail_msg("case \"%s\": found %s, want %s", cases[i].label, words, cases[i].found);
        err_found(&evidence.err, ERR_NETWORK, cases[i].fact, "it broke");
        evidence.found = findings.at;
        check_row(cases[i].label, classify(know, &evidence, &verdict));
        if (strcmp(verdict.cause->id, cases[i].cause) != 0)
            fail_msg("case \"%s\": %s by rule %s, want %s; found %s", cases[i].label, verdict.cause->id, verdict.rule,
                     cases[i].cause, words);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_findings) };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
