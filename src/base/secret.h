/* Bytes that can't be printed or copied by accident: a password, a token, a key. There is no way to
 * them but secret_bytes(); they lie in locked pages (base/alloc.h) and are wiped when freed, and the
 * struct's name in a diff says what passes there. Made from a span, the source is the caller's to wipe.
 */
#ifndef OUTPOST_BASE_SECRET_H
#define OUTPOST_BASE_SECRET_H

#include "base/buf.h"
#include "base/err.h"

enum { SECRET_MAX = 64 * 1024 }; /* access tokens have 1.5 to 3 KB */

struct secret;

MUST_USE struct secret *secret_new(struct span bytes); /* NULL: no memory, or above SECRET_MAX */
MUST_USE struct secret *secret_take(struct buf *buf);  /* the same; *buf is wiped and left empty */
struct span secret_bytes(const struct secret *secret); /* good until secret_free(); NULL gives none */
void secret_free(struct secret *secret);
OWNED(secret);

/* Adds foreign text, "***" in the place of the secret and of every word that holds it in base64 or percent
 * form; of a long one its beginning is enough, for the text may have been cut. One of less than four
 * bytes is not looked for: it would stand in innocent words. */
void secret_hide(struct buf *out, struct span text, const struct secret *secret);
/* The same in all that an error says. Without memory it says nothing. */
void secret_hide_err(struct err *err, const struct secret *secret);

#endif
