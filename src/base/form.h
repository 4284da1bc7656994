/* Forms as browsers send them, in a body or behind a URL's '?': application/x-www-form-urlencoded (WHATWG
 * URL, 5). Pure.
 *
 *     HELD(buf) body = BUF(4096);
 *     form_add(&body, "grant_type", SPAN("refresh_token"));
 *     form_add_secret(&body, "refresh_token", token);
 *     if (body.full) ...
 */
#ifndef OUTPOST_BASE_FORM_H
#define OUTPOST_BASE_FORM_H

#include "base/buf.h"
#include "base/secret.h"

/* Adds "KEY=VALUE", with '&' before it unless *out is empty or ends in '?'. What is no letter, digit, '-',
 * '.', '_' or '~' goes as %XX (RFC 3986, 2.1): that is understood as a form and as a query. */
void form_add(struct buf *out, const char *key, struct span value);
void form_add_text(struct buf *out, const char *key, const char *value); /* NULL adds nothing */
void form_add_secret(struct buf *out, const char *key, const struct secret *value);

/* Just the value's bytes, escaped likewise. */
void form_escape(struct buf *out, struct span value);

enum form_found {
    FORM_NONE,
    FORM_ONE,
    FORM_TWICE, /* it may mean this or that: whoever looks for one value refuses */
    FORM_BAD,   /* a '%' that is none, or longer than *out has room for */
};

/* Looks for a key, which is not escaped itself; its value, unescaped, is added to *out, and only for
 * FORM_ONE. */
MUST_USE enum form_found form_value(struct span form, const char *key, struct buf *out);

#endif
