/* A notice in the form that each way wants. Pure. */
#ifndef OUTPOST_RELAY_NOTIFY_FORM_H
#define OUTPOST_RELAY_NOTIFY_FORM_H

#include "relay/notify.h"

enum { NOTIFY_TEXT_MAX = 32 * 1024, NOTIFY_VARIABLES = 4 };

/* Subject and text, as a person reads them: for a program's standard input. */
void notify_form_text(const struct notice *notice, struct buf *out);

/* The variables, "NAME=value", in *texts; variables[] ends with NULL. A line break or NUL in a value is a blank. */
void notify_form_variables(const struct notice *notice, struct buf *texts,
                           const char *variables[NOTIFY_VARIABLES + 1]);

void notify_form_json(const struct notice *notice, const char *host, uint64_t seconds, struct buf *out);

/* An entry of a mailbox; `random` makes its Message-ID. */
void notify_form_mailbox(const struct notice *notice, const char *host, uint64_t seconds, uint64_t random,
                         struct buf *out);

#endif
