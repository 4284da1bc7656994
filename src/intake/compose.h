/* A message made from its parts, for people and scripts that have no message yet: text, the same text as
 * HTML, attachments. What comes out goes through intake like any other message.
 *
 * Composing is done by a module with GMime in it ("outpost-compose.so"), loaded when it is first needed;
 * where it is missing: ERR_INTERNAL, "... outpost was built without composing".
 *
 * What people typed is checked before anything is made: a line break in the subject or an address would
 * begin another header line ("message:header"); addresses follow their grammar and name the place.
 * Text is taken as UTF-8, else as windows-1252; NUL in it is refused ("message:nul"). Attachments are
 * regular files at paths the caller names, never found in the text; what can't be read is ERR_INPUT with
 * the file and the reason, and so is a file that changes its size while it is read.
 *
 * Memory does not grow with the attachments: they stream to a file without a name.
 */
#ifndef OUTPOST_INTAKE_COMPOSE_H
#define OUTPOST_INTAKE_COMPOSE_H

#include "base/err.h"
#include "base/own.h"
#include "os/disk.h"

enum { COMPOSE_RANDOM = 32, COMPOSE_ATTACHMENTS_MAX = 1000 };

struct compose_order {
    const struct disk *disk;
    const char *directory;                /* for files without a name */
    unsigned char random[COMPOSE_RANDOM]; /* for the boundaries */

    const char *from;       /* "My Name <me@live.com>"; NULL: none, intake adds it */
    const char *const *to;  /* lists of addresses, each as a header has it; NULL ends them; or NULL */
    const char *const *cc;
    const char *subject;    /* NULL: none */
    const char *domain;     /* for bare names; NULL: they are refused */
    int text_fd;            /* read to its end; -1: no text */
    const char *html;       /* a path; NULL: none */
    const char *const *attachments; /* paths; NULL ends them; or NULL */
};

/* The message, in a file without a name, at its front; CRLF lines, no Date and no Message-ID: those
 * are intake's. The descriptor is the caller's to close. */
MUST_USE bool compose_message(const struct compose_order *order, int *ret_fd, struct err *err);

#endif
