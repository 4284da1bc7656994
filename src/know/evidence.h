/* What is known of a failure when a cause is looked for: how far we had come, what was said, and
 * what was found. Filled in by whoever met the failure; read by classify().
 */
#ifndef OUTPOST_KNOW_EVIDENCE_H
#define OUTPOST_KNOW_EVIDENCE_H

#include "base/err.h"

/* How far a conversation had come, in the order of a conversation. The word is what --stage takes,
 * what rules write, what JSON shows. */
#define STAGES(X)                                                             \
    X(NONE,     "none",     "before anything was tried")                      \
    X(LOCAL,    "local",    "on this machine: files, settings, the message")  \
    X(RESOLVE,  "resolve",  "looking up the server's name")                   \
    X(CONNECT,  "connect",  "connecting")                                     \
    X(TLS,      "tls",      "the TLS handshake")                              \
    X(GREETING, "greeting", "waiting for the greeting")                       \
    X(EHLO,     "ehlo",     "saying EHLO")                                    \
    X(STARTTLS, "starttls", "asking for STARTTLS")                            \
    X(TOKEN,    "token",    "getting an access token")                        \
    X(AUTH,     "auth",     "signing in")                                     \
    X(MAIL,     "mail",     "naming the sender")                              \
    X(RCPT,     "rcpt",     "naming a recipient")                             \
    X(DATA,     "data",     "asking to send the message")                     \
    X(BODY,     "body",     "sending the message")                            \
    X(END,      "end",      "waiting for the final word")                     \
    X(QUIT,     "quit",     "saying goodbye")                                 \
    X(HTTPS,    "https",    "an HTTPS request")

enum stage {
#define X(name, word, words) STAGE_##name,
    STAGES(X)
#undef X
    STAGE_COUNT
};

const char *stage_word(enum stage stage);  /* "auth" */
const char *stage_words(enum stage stage); /* "signing in" */
MUST_USE bool stage_from_word(struct span word, enum stage *ret_stage);

/* The facts: words that err.fact may hold, for rules to match. An area and a finding; static text.
 *
 *   name:not-found name:malformed name:failure (the resolver did not answer, SERVFAIL)
 *   connect:timeout connect:refused connect:unreachable connect:unreachable-ipv4
 *   connect:unreachable-ipv6 connect:reset connect:denied (a local rule: EPERM, EACCES)
 *   proxy:unreachable proxy:protocol (it is none, wants a sign-in, hangs up)
 *   proxy:denied (its rules forbid it)
 *   line:closed line:reset line:timeout     in mid conversation
 *   greeting:closed greeting:timeout greeting:not-smtp
 *   tls:plaintext (the peer answered in clear text) tls:protocol-version tls:weak-dh
 *   tls:legacy-signature tls:handshake tls:closed tls:timeout
 *   tls:name-unknown (it has no certificate for the name that was asked for)
 *   cert:expired cert:not-yet-valid cert:self-signed cert:untrusted-issuer cert:hostname
 *   cert:pin cert:weak cert:revoked cert:no-ca-bundle
 *   cert:root-expired (of the authority's certificate that this machine's list has)
 *   cert:client-refused (the server refuses the certificate that we show, or misses one)
 *   starttls:not-offered starttls:injected (bytes waiting before the handshake)
 *   auth:not-offered auth:in-tls (not in clear text; but STARTTLS is) auth:no-common-mechanism auth:server-signature auth:empty-password
 *   auth:not-understood (500 or 502 to AUTH, by a server that had offered it)
 *   reply:malformed reply:too-long reply:unasked ehlo:refused
 *   size:too-big smtputf8:not-offered eightbit:not-offered line:too-long recipients:too-many
 *   message:nul message:bare-line-end message:header message:empty message:loop recipients:none
 *   sender:missing sender:foreign address:malformed
 *   config:no-account config:unreadable config:bad config:untrusted-mode secret:unreadable
 *   secret:no-token (what should be a token has lines, or is JSON)
 *   config:source-address (it is not this machine's now, or the server has none of its family)
 *   secret:locked (a keyring or key that is not to be had now: nothing is lost)
 *   profile:no-passwords (before anything is sent)
 *   limit:day (used up, by our own books) disk:full disk:reserve (nearly full) disk:failed disk:read-only clock:wrong https:unreachable
 *   store:damaged store:newer store:foreign store:locked queue:full (queue/store.h, queue/queue.h)
 *   https:recipients (the header names somebody who is not to get the message, and that way it goes to
 *   everybody whom the header names) https:tied (what may have been sent one way goes no other)
 *   oauth:client-id-missing oauth:no-sign-in (none is kept) oauth:other-sign-in (the one kept is another's)
 *   oauth:invalid-grant oauth:interaction-required oauth:consent-required oauth:invalid-client
 *   oauth:invalid-request oauth:invalid-scope oauth:refused (their words, RFC 6749 5.2) oauth:busy
 *   oauth:declined oauth:device-expired oauth:pending oauth:nobody (nobody came back from the browser)
 *   oauth:scope-withheld (less was agreed to than asked) oauth:tenant
 *   oauth:no-metadata oauth:other-issuer oauth:page oauth:not-found oauth:malformed (what answered)
 *   settings:not-found (for an address) listen:failed daemon:unreachable
 *
 * Where nobody spoke, err.fact is NULL and the stage is known, the rules see what failed (err.kind) as a
 * fact of its own:
 *   kind:usage kind:data kind:input kind:limit kind:create kind:io kind:config kind:memory kind:internal
 *   kind:protocol
 */

struct evidence {
    enum stage stage;
    struct err err;        /* reply, enhanced code, their words, fact */
    const char *provider;  /* profile id, or NULL: not known */
    const char *mechanism; /* "PLAIN", when one was tried; or NULL */
    const char *host;      /* the server's name as configured; or NULL */
    uint16_t port;         /* 0: not known */
    const char *security;  /* "starttls", "tls", "none"; or NULL */
    /* What the neighbours showed: findings as facts, ended by NULL; or NULL.
     *   machine:container machine:cloud machine:no-ipv6 machine:no-ipv4
     *   machine:no-network (no interface is up; looked at where no name can be looked up)
     *   machine:no-loopback (the server is on this machine, and its network within itself is switched off)
     *   host:private (on this machine or in the house) host:elsewhere (private, of a kind that this machine has no address of)
     *   name:known (a profile has this server, so it exists) names:none (no other server's name can be
     *   looked up either)
     *   name:this-machine (all its addresses are this machine's own, and it is another's name)
     *   names:made-up (a name that nobody has leads to where the server's leads) names:alike (another provider's does)
     *   host:by-nat64 (its addresses are IPv4's, as this network translates them) host:ipv6-alone (it has IPv6's alone, and
     *   nobody was reached by that)
     *   others:unreachable (every server tried on this port) others:reachable
     *   others:alike (another provider's server breaks off in the same way)
     *   others:untrusted (another provider's certificate is not trusted either, and has another issuer)
     *   others:out-of-date (another provider's certificate has the wrong dates, too)
     *   others:misnamed (another provider's server shows one that is not for its name either)
     *   web:unreachable (HTTPS of providers) web:reachable
     *   port:other-open (another port of this server answers) port:none-open
     *   port:other-security (this port speaks by the other of TLS at once and STARTTLS)
     *   port:short-packets (asked with short packets alone, it goes on) port:not-by-length (nor then)
     *   connect:late (what said that there is no way took its time)
     *   port:neither-security (it was asked by the other, too, and says nothing that way either)
     *   port:served (a provider that was looked at closely has this server with this port; a line of a public
     *   list proves nothing) port:not-served (a profile has it with others only)
     *   greeting:masked (something overwrites what the server says)
     *   ehlo:turned-away (it offers what sendmail does to whom it is going to refuse)
     *   clock:wrong (by more than five minutes, as HTTPS says) clock:right
     *   cert:dates-hold (at the time that HTTPS says, and not by this machine's clock)
     *   cert:intermediate-missing (its issuer, who is trusted in turn, was not sent along)
     *   cert:trusted-unpinned (the server's certificate is good, but for the account's own pin, or CA file)
     *   cert:same-issuer (it is not the pinned one, and another provider's is by the same issuer)
     *   cert:interception (the issuer is a known anti-virus or proxy, or the same at another provider)
     *   token:renewed (got from the sign-in server just now, which says that it is good)
     *   token:fresh token:expired token:not-yet-valid (by this machine's clock) token:dates-differ (by the time
     *   that HTTPS says it is the other way round)
     *   token:wrong-audience token:wrong-scope token:other-user
     *   token:other-tenant (it is of another tenant than the mailbox) token:other-server (this server takes tokens of
     *   another one) token:application (of an application that signs in by itself)
     *   mechanism:other-works (the same password by another way of signing in)
     *   spf:missing spf:broken spf:without (the sender's domain does not let the provider send)
     *   dkim:missing dmarc:unaligned (it asks for what fails here to be refused or put aside)
     *   user:shared-mailbox */
    const char *const *found;
    bool pasted;      /* somebody showed another program's words: neither its files nor its settings are outpost's */
    uint64_t wait_ms; /* what the server itself asked to wait (Retry-After); 0: it did not */
};

#endif
