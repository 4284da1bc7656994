/* An answer as it is being written, for serve_answer(): pure endpoints fill it. The room's own. */
#ifndef OUTPOST_SANDBOX_REPLY_H
#define OUTPOST_SANDBOX_REPLY_H

#include "base/json.h"

enum { REPLY_MAX = 64 * 1024, REPLY_HEADERS_MAX = 10, REPLY_HEADER_MAX = 8 * 1024 };

struct reply {
    unsigned status;
    const char *type; /* static; NULL: no body */
    struct buf body;
    struct buf headers; /* "Name: value" lines, a NUL behind each */
};

#define REPLY { .status = 500, .body = BUF(REPLY_MAX), .headers = BUF(REPLY_HEADER_MAX) }
void reply_done(struct reply *reply);

/* Foreign bytes in it are the caller's to have checked: no control characters. */
void reply_header(struct reply *reply, const char *format, ...) PRINTF_LIKE(2, 3);
/* What every answer of an identity provider has (RFC 6749, 5.1). */
void reply_keep_private(struct reply *reply);

/* 200, private, and an object that is open: the caller closes it. */
struct json reply_begin_json(struct reply *reply);

/* The headers as serve_answer() wants them: good as long as the reply is not changed. */
void reply_lines(const struct reply *reply, const char *ret_lines[REPLY_HEADERS_MAX + 1]);

/* Adds foreign text where HTML stands, between tags or in a quoted attribute. */
void reply_html(struct buf *out, struct span text);

#endif
