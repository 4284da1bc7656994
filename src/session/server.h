/* A caller served: the pure machine of smtp/server.h joined to an accepted line, with its
 * deadlines and, where the plan says so, its TLS. Gateway and sandbox both use it; what they
 * decide, they answer.
 *
 *     session_serve(loop, stream, &plan, &events, me, &session, &err)
 *         asked(me, session, question)  -> session_server_answer(session, &answer), now or later
 *         body(me, session, piece)      -> session_server_body_kept(session), now or later
 *         dropped(me, session)          the message that had begun will not be: forget it
 *         over(me, session, why)        -> session_server_free(session)
 *
 * A client is read no faster than it is served: while an answer is awaited, or its replies lie
 * unread, the line is not read.
 */
#ifndef OUTPOST_SESSION_SERVER_H
#define OUTPOST_SESSION_SERVER_H

#include "net/stream.h"
#include "smtp/server.h"

struct clock;

/* Borrowed, with all it points at, until the session is gone. */
struct session_server_plan {
    struct smtp_server_plan smtp;
    struct tls_context *tls; /* NULL: none can be had; then the plan offers no STARTTLS */
    bool tls_first;          /* the handshake comes first */
    const struct clock *clock; /* for what is offered by date; NULL: nothing is */
};

struct session_server;

/* None may free the session but `over`. They may answer from within. */
struct session_server_events {
    /* session_server_machine() tells about whom or what. */
    void (*asked)(void *who, struct session_server *session, enum smtp_question question);
    /* A piece of the message that SMTP_ASK_BEGIN announced; good until it is said to be kept. */
    void (*body)(void *who, struct session_server *session, struct span piece);
    /* No message came of what SMTP_ASK_BEGIN announced: refused, or the line broke. Nor was it told
     * of after SMTP_ASK_KEEP. */
    void (*dropped)(void *who, struct session_server *session);
    /* The last word; `why->kind` is ERR_NONE where the conversation ended in order. */
    void (*over)(void *who, struct session_server *session, const struct err *why);
};

/* Takes the stream in any case. `tls_first` stands in the place of the plan's; `early` is what was read already
 * (session/preamble.h), at most STREAM_READ_MAX. Nobody is asked anything within this call. */
MUST_USE bool session_serve_from(struct loop *loop, struct stream *stream,
                                 const struct session_server_plan *plan, bool tls_first, struct span early,
                                 const struct session_server_events *events, void *who,
                                 struct session_server **ret_session, struct err *err);
/* The same, where nothing was. */
MUST_USE bool session_serve(struct loop *loop, struct stream *stream,
                            const struct session_server_plan *plan,
                            const struct session_server_events *events, void *who,
                            struct session_server **ret_session, struct err *err);
void session_server_free(struct session_server *session); /* the line is cut, if it is there */
OWNED(session_server);

/* For the facts of its questions. */
struct smtp_server *session_server_machine(struct session_server *session);
const char *session_server_peer(const struct session_server *session);      /* "192.0.2.1:52044" */

void session_server_answer(struct session_server *session, const struct smtp_answer *answer);
void session_server_password(struct session_server *session, const struct secret *password);
void session_server_stored_key(struct session_server *session, const struct sasl_stored_key *key);
void session_server_body_kept(struct session_server *session);
void session_server_body_lost(struct session_server *session, const struct smtp_answer *answer);

/* 421, and over as soon as that has left; over() is told. */
void session_server_shut(struct session_server *session, const char *enhanced, const char *text);
/* The line goes dead, without a word; over() is told by the loop's next turn, or when `asked`
 * returns. */
void session_server_cut(struct session_server *session);

#endif
