/* What sandbox.c and caller.c share. The room's own. */
#ifndef OUTPOST_SANDBOX_SANDBOX_INT_H
#define OUTPOST_SANDBOX_SANDBOX_INT_H

#include "net/serve.h"
#include "sandbox/issuer.h"
#include "sandbox/maildir.h"
#include "sandbox/provider.h"
#include "sandbox/sandbox.h"
#include "session/server.h"

struct caller;

struct endpoint {
    struct sandbox *sandbox;
    struct session_server_plan plan;
    struct listener *listener; /* at both loopback addresses */
    uint16_t port;
};

struct sandbox {
    struct loop *loop;
    const struct sandbox_options *options;
    struct provider provider;
    struct maildir *maildir;
    struct tls_context *tls;
    struct endpoint starttls, tls_first;
    struct caller *callers; /* the first of a list */
    struct issuer issuer;
    struct crypto_key *key; /* signs what the issuer says */
    struct serve *web;      /* NULL: this build serves no HTTPS */
    struct web_visit *visits;
    struct buf about;       /* what sandbox_tell() tells */
    uint64_t names;         /* given to messages so far */
    char *dir, *ca_file, *mail;
    struct sandbox_user only; /* where none were handed in */
    const struct sandbox_user *users;
    size_t user_count;
};

/* Milliseconds since 1970, by a clock that POST /sandbox/clock has moved. */
static inline uint64_t sandbox_wall(const struct sandbox *sandbox)
{
    return clock_wall(sandbox->options->clock) + sandbox->issuer.ahead_ms;
}

/* The HTTPS side: OAuth and the sending API. */
MUST_USE bool web_open(struct sandbox *sandbox, uint16_t port, struct err *err);
void web_free(struct sandbox *sandbox);

/* Serves a caller until it is over; takes the stream. */
void caller_new(struct endpoint *endpoint, struct stream *stream);
void callers_free(struct sandbox *sandbox);

#endif
