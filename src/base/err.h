/* An error is evidence: what was found, and how far we had come. The verdict - which cause, who can
 * mend it, whether to try again - is know's, who has the provider, the stage and the neighbours.
 *
 * It lives on the caller's stack and never allocates: telling of a failure can't itself run out of
 * memory. Functions that can fail return bool and are MUST_USE; err_set() and err_in() return false,
 * so failing is one line. Each floor adds its own context with err_in(); nobody adds "Error:", and
 * only the programs print.
 */
#ifndef OUTPOST_BASE_ERR_H
#define OUTPOST_BASE_ERR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/own.h"
#include "base/span.h"

#define ERR_KINDS(X)                                                    \
    /* kind        exit status     who or what failed             */    \
    X(NONE,        0,              "nothing")                           \
    X(USAGE,       64,             "the command line")                  \
    X(DATA,        65,             "the message or an address")         \
    X(INPUT,       66,             "a file to be read")                 \
    X(RECIPIENT,   67,             "a recipient was refused")           \
    X(NAME,        68,             "the name was not found")            \
    X(REPLY,       69,             "the server said no")                \
    X(INTERNAL,    70,             "outpost itself")                    \
    X(MEMORY,      70,             "memory ran out")                    \
    X(LIMIT,       65,             "something is larger than allowed")  \
    X(CREATE,      73,             "a file could not be made")          \
    X(IO,          74,             "reading or writing")                \
    X(NETWORK,     75,             "the line")                          \
    X(TLS,         75,             "the handshake")                     \
    X(LATER,       75,             "the server said: not now")          \
    X(PROTOCOL,    76,             "the server broke the rules")        \
    X(CERTIFICATE, 76,             "the certificate")                   \
    X(SIGNIN,      77,             "the sign-in")                       \
    X(CONFIG,      78,             "the configuration")                 \
    X(UNKNOWN,     79,             "the outcome is unknown")

enum err_kind {
#define X(kind, status, words) ERR_##kind,
    ERR_KINDS(X)
#undef X
};

enum { ERR_TEXT_MAX = 512 };

struct err {
    enum err_kind kind;
    uint16_t reply, enhanced[3]; /* 535 5.7.139, when a server spoke; else 0 */
    int sys;                     /* errno, when the system spoke; else 0 */
    const char *fact;            /* a word for know's rules, such as "cert:expired"; static, or NULL */
    char said[ERR_TEXT_MAX];     /* their own words, safe to show; "" when nobody spoke */
    char text[ERR_TEXT_MAX];     /* ours, outermost first; safe to show; cut, never grown */
};

int err_exit_status(enum err_kind kind); /* of sysexits.h; 79 for an unknown outcome */
const char *err_kind_words(enum err_kind kind);

/* Forgets what err held, tells this instead. Always false. `err` may be NULL: nobody wants to know. */
bool err_set(struct err *err, enum err_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);
/* The same with the fact that was found (a static word, "area:finding"; see know/evidence.h). */
bool err_found(struct err *err, enum err_kind kind, const char *fact, const char *format, ...)
    PRINTF_LIKE(4, 5);
/* The same for a failed system call: adds strerror(sys) to the text and keeps the number. */
bool err_sys(struct err *err, enum err_kind kind, int sys, const char *format, ...)
    PRINTF_LIKE(4, 5);
bool err_no_memory(struct err *err);

/* Adds context in front: "in home.conf: line 3: ...". Always false. */
bool err_in(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);
/* Keeps the foreign words, made safe to show and cut; what is no UTF-8 is taken for ISO 8859-1. Always false. */
bool err_said(struct err *err, struct span foreign);

#endif
