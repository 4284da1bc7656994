/* A JSON writer that streams (RFC 8259): what is written is complete as far as it goes, and nothing
 * is held but the buffer. Keys and values in the order of the calls; commas and quotes are ours.
 *
 *     struct json json = json_to(&out);
 *     json_open(&json, NULL, '{');
 *     json_text(&json, "cause", "cert_expired");
 *     json_open(&json, "fix", '[');
 *     json_text(&json, NULL, "wait");
 *     json_close(&json);
 *     json_close(&json);                       {"cause":"cert_expired","fix":["wait"]}
 *
 * A key is NULL inside an array and for the outermost value. Foreign bytes are safe here: control
 * characters are escaped, what is not UTF-8 becomes U+FFFD. What did not fit shows in out->full.
 * Nesting deeper than JSON_DEPTH is refused by marking the buffer full.
 */
#ifndef OUTPOST_BASE_JSON_H
#define OUTPOST_BASE_JSON_H

#include <stdint.h>

#include "base/buf.h"

enum { JSON_DEPTH = 32 };

struct json {
    struct buf *out;
    unsigned depth;
    char closes[JSON_DEPTH]; /* what each open level ends with */
    bool filled[JSON_DEPTH]; /* does the next value of this level need a comma? */
};

struct json json_to(struct buf *out);
void json_open(struct json *json, const char *key, char kind); /* '{' or '[' */
void json_close(struct json *json);                            /* the innermost open one */
void json_text(struct json *json, const char *key, const char *text); /* NULL writes null */
void json_span(struct json *json, const char *key, struct span text);
void json_number(struct json *json, const char *key, uint64_t number);
void json_bool(struct json *json, const char *key, bool value);
void json_none(struct json *json, const char *key);

#endif
