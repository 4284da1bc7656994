/* The HTTPS interfaces of providers that take a whole message: what a request looks like, and what an answer
 * means. Pure: bytes in, bytes and outcomes out; relay/transport_https.c does the asking.
 *
 * They send to whom the header names, and know one outcome for all. So a message goes this way only where
 * that is what is wanted: relay/https_message.h.
 */
#ifndef OUTPOST_RELAY_HTTPS_API_H
#define OUTPOST_RELAY_HTTPS_API_H

#include "base/buf.h"
#include "base/json_read.h"
#include "know/evidence.h"
#include "smtp/client.h"

struct https_api {
    const char *name;        /* of the transport: "graph" */
    const char *host;        /* where no profile names another one */
    const char *path;        /* where the signed-in person's messages go */
    const char *path_of;     /* where an application sends for a mailbox: its address stands for the "*" */
    const char *type;        /* of the request's body */
    bool base64;             /* in which the message goes */
    bool aliases;            /* From may be another address of the account's; else it would be replaced */
    uint64_t most;           /* octets of a request's body */
    /* What the error's object says, the word that rules know first. */
    void (*error)(const struct json_value *error, struct buf *said);
    const char *const *not_now; /* words of a 403 that passes by itself; NULL ends */
};

extern const struct https_api https_graph, https_gmail;

/* The URL to send to; `mailbox` is NULL where a person signed in. */
void https_url(const struct https_api *api, const char *host, const char *mailbox, struct buf *out);

struct https_answer {
    unsigned status;
    struct span retry_after; /* the header; seconds, maybe "2.128". A date is not read: none of them sends it */
    struct span body;
};

/* What became of the message, and with which evidence but for host, port and provider. */
enum smtp_fate https_answer_read(const struct https_api *api, const struct https_answer *answer,
                                 struct evidence *ret_evidence);

enum { HTTPS_ANSWER_MAX = 64 * 1024 };

#endif
