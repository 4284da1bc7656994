/* Reads what people paste: a reply, a line of a log, a bounce, a delivery report (RFC 3464), the
 * JSON of a token endpoint, a program's error text. Finds in it the evidence that classify() wants:
 * the reply and its codes, the words, the stage and the provider where the text shows them.
 */
#ifndef OUTPOST_KNOW_TEXT_H
#define OUTPOST_KNOW_TEXT_H

#include "know/cause.h"
#include "know/evidence.h"

struct knowledge;

enum {
    TEXT_MOST = 1024 * 1024, /* what is longer is read so far only */
    TEXT_RECIPIENTS_MAX = 200,
};

struct text_recipient { /* a group of a delivery report */
    char address[320];  /* safe to show, as is all here */
    char action[16];    /* "failed", "delayed"; "" where not told */
    char status[16];    /* "5.1.1" */
    struct evidence evidence;
};

struct text_evidence {
    struct evidence
        evidence; /* the telling part of the text; err.kind ERR_NONE: nothing was found */
    const struct cause *named; /* by its id alone, or by outpost, whose words these are; NULL: they are another's */
    struct text_recipient *recipients;
    size_t recipient_count;
    char host[256]; /* the server that mail was handed to, as far as the text names it: its name in letters, digits,
                     * dots and hyphens; else "" */
    uint16_t port;  /* its port; 0: not told */
};

/* Fails only when memory runs out. */
MUST_USE bool text_read(const struct knowledge *know, struct span text,
                        struct text_evidence **ret_found, struct err *err);
void text_evidence_free(struct text_evidence *found);
OWNED(text_evidence);

#endif
