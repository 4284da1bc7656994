/* What sandbox.c and caller.c share. The room's own. */
#ifndef OUTPOST_SANDBOX_SANDBOX_INT_H
#define OUTPOST_SANDBOX_SANDBOX_INT_H

#include "net/listen.h"
#include "sandbox/maildir.h"
#include "sandbox/provider.h"
#include "sandbox/sandbox.h"
#include "session/server.h"

struct caller;

struct endpoint {
    struct sandbox *sandbox;
    struct session_server_plan plan;
    struct listener *listeners[2]; /* 127.0.0.1, and ::1 where there is one */
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
    uint64_t names;         /* given to messages so far */
    char *dir, *ca_file, *mail;
    struct sandbox_user only; /* where none were handed in */
    const struct sandbox_user *users;
    size_t user_count;
};

/* Serves a caller until it is over; takes the stream. */
void caller_new(struct endpoint *endpoint, struct stream *stream);
void callers_free(struct sandbox *sandbox);

#endif
