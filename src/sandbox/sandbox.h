/* A provider on the desk: the submission endpoints of a profile, with its words, limits and
 * refusals, on loopback, behind a test authority of its own. What arrives is kept as Maildir.
 *
 *     OWN(sandbox) sandbox = NULL;
 *     if (!sandbox_start(loop, &options, &sandbox, &err)) ...
 *     sandbox_tell(sandbox, &line);        the JSON line that says it is ready, and where
 *     loop_run(loop);
 *
 * DIR/ca.pem               the authority, made anew at each start
 * DIR/mail/{tmp,new,cur}   Maildir: the octets as they were received, CRLF and all
 * DIR/mail/envelopes/NAME.json   from, to, user, hello, tls, received, size of the message new/NAME,
 *                          and by which way it came: smtp, graph or gmail
 *
 * Over HTTPS it is the provider's sign-in (OAuth: pages, devices, tokens, as the profile tells) and its API
 * for sending, where it has them. The tokens it issues are good at its SMTP, too, each for what it was
 * issued for. sandbox/issuer.h has the addresses.
 *
 * A recipient can say what is to become of it: user+451-4.7.500@ and user+550@ get that reply to
 * RCPT; with user+drop-after-dot@ the line goes dead when the message has been kept, before a
 * word is said.
 */
#ifndef OUTPOST_SANDBOX_SANDBOX_H
#define OUTPOST_SANDBOX_SANDBOX_H

#include "know/knowledge.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/disk.h"
#include "os/random.h"

enum { SANDBOX_USERS_MAX = 64 };

struct sandbox_user {
    const char *username, *password, *token;
};

/* Borrowed until sandbox_free(). */
struct sandbox_options {
    const struct knowledge *know;
    const char *provider;             /* a profile's id */
    const char *dir;                  /* made where it is not there; ours alone */
    const struct sandbox_user *users; /* none: one, at the provider's first domain */
    size_t user_count;
    uint16_t port_base; /* +0 speaks STARTTLS, +1 TLS from the start, +2 HTTPS; 0: ports that are free */
    unsigned scenarios; /* bits of 1 << enum scenario (sandbox/scenario.h) */
    uint64_t token_life_ms, device_interval_ms; /* 0: an hour; as the profile says */
    const struct disk *disk;
    const struct clock *clock;
    const struct dice *dice;
};

struct sandbox;

/* Fails with ERR_CONFIG for a provider nobody knows, ERR_CREATE for the directory, ERR_IO for a
 * port that is taken. */
MUST_USE bool sandbox_start(struct loop *loop, const struct sandbox_options *options,
                            struct sandbox **ret_sandbox, struct err *err);
void sandbox_free(struct sandbox *sandbox); /* lines are cut */
OWNED(sandbox);

uint16_t sandbox_port_starttls(const struct sandbox *sandbox);
uint16_t sandbox_port_tls(const struct sandbox *sandbox);
uint16_t sandbox_port_https(const struct sandbox *sandbox); /* 0: this build serves no HTTPS */
/* Adds the token endpoint's address at localhost; nothing where there is none. */
void sandbox_token_url(const struct sandbox *sandbox, struct buf *out);
const char *sandbox_ca_file(const struct sandbox *sandbox);
const char *sandbox_mail(const struct sandbox *sandbox); /* the Maildir */

const struct sandbox_user *sandbox_user(const struct sandbox *sandbox); /* the first */
/* Adds the values for --connect-to, with commas between: $OUTPOST_CONNECT_TO. */
enum { SANDBOX_DETOURS_MAX = 64 * 1024 };
void sandbox_detours(const struct sandbox *sandbox, struct buf *out);

/* Adds one line of JSON, without its line end:
 * {"provider","endpoints":[{"host","port","security"}],
 * "connect_to":["HOST:PORT:127.0.0.1:PORT"],"ca_file","mail",
 * "users":[{"username","password","token"}],
 * "web":{"url"},"oauth":{"client_id","scope","https_scope","authorize","token","device","revoke",
 * "introspect","metadata"},"api":{"kind","url"}}.
 * The last three are at localhost, and there as far as there is such a thing; any client_id is taken.
 * Each of connect_to is a value for --connect-to: whoever uses them all believes to speak to the
 * provider. */
void sandbox_tell(const struct sandbox *sandbox, struct buf *out);

#endif
