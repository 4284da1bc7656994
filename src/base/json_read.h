/* JSON from strangers (RFC 8259), read whole into a tree and looked at by key.
 *
 *     OWN(json_tree) tree = NULL;
 *     uint64_t expires = 0;
 *     if (!json_read(body, 64 * 1024, &tree, err))
 *         return false;
 *     const struct json_value *root = json_root(tree);
 *     struct span token = json_text_at(root, "access_token");       at == NULL: not there, or no text
 *     json_number_at(root, "expires_in", &expires);                 false: not there, or no number
 *
 * Strict: UTF-8, no key twice in one object, no NUL in a text, nothing behind the end, an object or an
 * array outermost. Looking never fails: a value that is NULL has no members and is no text, so a path is
 * one expression. Everything lives as long as its tree, which is wiped when it is freed: tokens pass
 * through here.
 *
 * By jansson, which draws the seed of its hash tables from the kernel at the first object: the one
 * thing in this room that is not its arguments' doing, and nothing that shows.
 */
#ifndef OUTPOST_BASE_JSON_READ_H
#define OUTPOST_BASE_JSON_READ_H

#include <stdint.h>

#include "base/err.h"
#include "base/own.h"
#include "base/span.h"

enum { JSON_READ_DEPTH = 32 }; /* objects and arrays within one another */

struct json_tree;
struct json_value;

/* ERR_LIMIT above `most` bytes; ERR_PROTOCOL where it is no JSON, or deeper than JSON_READ_DEPTH. No byte
 * of the text is in the error, only the place. */
MUST_USE bool json_read(struct span text, size_t most, struct json_tree **ret_tree, struct err *err);
const struct json_value *json_root(const struct json_tree *tree); /* NULL has none */
void json_tree_free(struct json_tree *tree);
OWNED(json_tree);

/* NULL where there is no such member, or the value is no object, or NULL. */
const struct json_value *json_member(const struct json_value *object, const char *key);
/* How many elements an array or members an object has; 0 of anything else. */
size_t json_count(const struct json_value *value);
const struct json_value *json_element(const struct json_value *array, size_t at); /* or NULL */

enum json_kind {
    JSON_KIND_NONE, /* the value is NULL: nothing is there */
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_NUMBER,
    JSON_KIND_TEXT,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};
enum json_kind json_kind(const struct json_value *value);

/* What a value is; NULL is nothing of all this. A text has no NUL in it and is NUL-terminated; a number is
 * whole (1.0e3 is, too) and not negative. */
struct span json_as_text(const struct json_value *value); /* at == NULL: it is no text */
MUST_USE bool json_as_number(const struct json_value *value, uint64_t *ret_number);
MUST_USE bool json_as_bool(const struct json_value *value, bool *ret_bool);

/* The same of an object's member. */
struct span json_text_at(const struct json_value *object, const char *key);
MUST_USE bool json_number_at(const struct json_value *object, const char *key, uint64_t *ret_number);
MUST_USE bool json_bool_at(const struct json_value *object, const char *key, bool *ret_bool);

#endif
