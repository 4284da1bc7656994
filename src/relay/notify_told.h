/* What was told, and by which ways: state/notices. */
#ifndef OUTPOST_RELAY_NOTIFY_TOLD_H
#define OUTPOST_RELAY_NOTIFY_TOLD_H

#include "relay/notify.h"

enum notify_way { NOTIFY_COMMAND, NOTIFY_WEBHOOK, NOTIFY_MAILBOX, NOTIFY_WAYS };
const char *notify_way_word(enum notify_way way); /* the setting's key */

struct told; /* all of it */

/* A file that is not there has told nothing, and one that can't be understood neither. */
MUST_USE bool told_read(const struct notify_plan *plan, struct told **ret_told, struct err *err);
MUST_USE bool told_write(const struct notify_plan *plan, const struct told *told, struct err *err);
void told_free(struct told *told);
OWNED(told);

bool told_has(const struct told *told, const char *source, const struct notice *notice, enum notify_way way);
MUST_USE bool told_add(struct told *told, const char *source, const struct notice *notice, enum notify_way way,
                       struct err *err);
/* Forgets what this source has told that is not among these. Was there any? */
bool told_keep_only(struct told *told, const char *source, const struct notice *notices, size_t count);

#endif
