/* The two fingers on the table of steps (RFC 2920): what was said, and what was heard. A command that
 * was said waits here until its reply comes, so replies are matched by count and by nothing else.
 */
#ifndef OUTPOST_SMTP_PIPELINE_H
#define OUTPOST_SMTP_PIPELINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PIPELINE_MAX = 64 }; /* commands under way; more wait for replies */

struct asked {
    unsigned step;
    size_t recipient; /* of RCPT: its place in the transaction */
    uint64_t ends;    /* the output's octet after the command's last */
};

struct pipeline {
    struct asked ring[PIPELINE_MAX];
    unsigned first, count;
};

static inline bool pipeline_empty(const struct pipeline *pipeline)
{
    return pipeline->count == 0;
}

static inline bool pipeline_full(const struct pipeline *pipeline)
{
    return pipeline->count == PIPELINE_MAX;
}

void pipeline_said(struct pipeline *pipeline, struct asked asked); /* there must be room */
const struct asked *pipeline_front(const struct pipeline *pipeline); /* NULL: nothing is waited for */
const struct asked *pipeline_back(const struct pipeline *pipeline);
struct asked pipeline_heard(struct pipeline *pipeline); /* takes the front; there must be one */
bool pipeline_holds(const struct pipeline *pipeline, unsigned step);

#endif
