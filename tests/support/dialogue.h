/* A dialogue: a test that reads as the conversation it is about (tests/dialogue/).
 *
 *     # What it shows.
 *     security: starttls                  the plan and the message, a word and a value a line
 *     to: you@example.org
 *     text: Hi                            a line of the message
 *
 *     S: 220 mail.example.org             the server says a line; S lines in a row come at once
 *     C: EHLO me.example.net              the client must have said this line
 *     C: AUTH SCRAM-SHA-1 (anything)      ... or a line that begins so
 *     C: (70000 octets)                   ... or this much, whatever it is
 *     s: 250 half a li                    raw bytes; \r \n \0 \\ \xNN
 *     c: .\r\n
 *     (tls)                               the handshake succeeds
 *     (hangs up)  (resets)                the server ends the line
 *     (waits)                             the deadline passes
 *     (no credential)  (no body)          it is asked for, and can't be had
 *     (quits)                             the client is told to say goodbye
 *     => taken at end 250: "..." (...)    what became of it; one line for each recipient
 *
 * bad-to is a recipient that the envelope itself would refuse. Words of the plan: hello security mechanisms credential user secret long-initial clear-password
 * pipelining patience binding. Of the message: from to notify orcpt body smtputf8 ret envid size text
 * raw fill (lines of 100 octets) pieces (octets handed over at once) transactions (how often it is sent)
 * rehearsed (yes: sender and recipient are named, and taken back; last: QUIT ends the last of them).
 */
#ifndef OUTPOST_TESTS_DIALOGUE_H
#define OUTPOST_TESTS_DIALOGUE_H

#include "mail/envelope.h"
#include "smtp/client.h"

enum event_kind {
    EVENT_SERVER, /* text: the bytes */
    EVENT_CLIENT, /* text: the bytes */
    EVENT_CLIENT_BEGINS, /* text: how the line begins */
    EVENT_CLIENT_OCTETS,
    EVENT_TLS,
    EVENT_HANGS_UP,
    EVENT_RESETS,
    EVENT_WAITS,
    EVENT_NO_CREDENTIAL,
    EVENT_NO_BODY,
    EVENT_QUITS,
    EVENT_OUTCOME, /* text: the lines */
};

struct event {
    enum event_kind kind;
    unsigned line; /* of the file */
    struct buf text;
    size_t octets;
};

enum { EVENTS_MAX = 400 };

struct dialogue {
    char *name;
    struct smtp_plan plan;
    struct envelope *envelope;
    struct buf words; /* the plan's texts */
    struct buf secret, body;
    size_t piece;
    unsigned transactions;
    bool binding, rehearsed, rehearsed_last;
    struct event events[EVENTS_MAX];
    size_t event_count;
};

/* Reads one; prints what is wrong with the file and gives NULL. */
struct dialogue *dialogue_read(const char *path);
void dialogue_free(struct dialogue *dialogue);

#endif
