#include "base/json_read.h"

#include <jansson.h>
#include <stddef.h>
#include <threads.h>

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

/* ---- jansson's memory: ours, and wiped ---- */

union block {
    size_t size;
    max_align_t aligned;
};

/* Did memory run out while this thread read? jansson hands its allocator nothing to note it in, and tells
 * of it in its own words only now and then. */
static thread_local bool spent;

static void *take(size_t size)
{
    union block *block = size > SIZE_MAX - sizeof *block ? NULL : mem_new(sizeof *block + size);

    if (!block) {
        spent = true;
        return NULL;
    }
    block->size = size;
    return block + 1;
}

static void give_back(void *at)
{
    if (!at)
        return;
    union block *block = (union block *)at - 1;
    str_wipe(at, block->size);
    mem_free(block);
}

static void use_our_memory(void)
{
    json_set_alloc_funcs(take, give_back);
}

/* ---- reading ---- */

/* jansson's own limit of depth is a constant of 2048, each a call deeper. */
static bool too_deep(struct span text)
{
    size_t depth = 0;
    bool quoted = false;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == '{' || c == '['))
            depth++;
        else if (!quoted && (c == '}' || c == ']') && depth)
            depth--;
        if (depth > JSON_READ_DEPTH)
            return true;
    }
    return false;
}

bool json_read(struct span text, size_t most, struct json_tree **ret_tree, struct err *err)
{
    static once_flag once = ONCE_FLAG_INIT;
    json_error_t why;

    if (text.len > most)
        return err_set(err, ERR_LIMIT, "more than %zu bytes of JSON", most);
    if (too_deep(text))
        return err_set(err, ERR_PROTOCOL, "JSON nested deeper than %d", JSON_READ_DEPTH);
    call_once(&once, use_our_memory);
    spent = false;
    json_t *root = json_loadb(text.at ? text.at : "", text.len, JSON_REJECT_DUPLICATES, &why);
    if (spent) { /* it may have read on all the same, with a piece of a text missing */
        json_decref(root);
        return err_no_memory(err);
    }
    if (!root)
        return err_set(err, ERR_PROTOCOL, "this is no JSON: line %d, column %d", why.line, why.column);
    *ret_tree = (struct json_tree *)root;
    return true;
}

const struct json_value *json_root(const struct json_tree *tree)
{
    return (const struct json_value *)tree;
}

void json_tree_free(struct json_tree *tree)
{
    json_decref((json_t *)tree);
}

/* ---- looking ---- */

static const enum json_kind kinds[] = {
    [JSON_OBJECT] = JSON_KIND_OBJECT, [JSON_ARRAY] = JSON_KIND_ARRAY,    [JSON_STRING] = JSON_KIND_TEXT,
    [JSON_INTEGER] = JSON_KIND_NUMBER, [JSON_REAL] = JSON_KIND_NUMBER,   [JSON_TRUE] = JSON_KIND_BOOL,
    [JSON_FALSE] = JSON_KIND_BOOL,    [JSON_NULL] = JSON_KIND_NULL,
};

static const json_t *inside(const struct json_value *value)
{
    return (const json_t *)value;
}

enum json_kind json_kind(const struct json_value *value)
{
    return value ? kinds[json_typeof(inside(value))] : JSON_KIND_NONE;
}

const struct json_value *json_member(const struct json_value *object, const char *key)
{
    return (const struct json_value *)json_object_get(inside(object), key);
}

size_t json_count(const struct json_value *value)
{
    return json_array_size(inside(value)) + json_object_size(inside(value)); /* it can't be both */
}

const struct json_value *json_element(const struct json_value *array, size_t at)
{
    return (const struct json_value *)json_array_get(inside(array), at);
}

struct span json_as_text(const struct json_value *value)
{
    const char *text = json_string_value(inside(value));

    return text ? (struct span){ text, json_string_length(inside(value)) } : SPAN_NONE;
}

bool json_as_number(const struct json_value *value, uint64_t *ret_number)
{
    const json_t *json = inside(value);

    if (json_is_integer(json) && json_integer_value(json) >= 0) {
        *ret_number = (uint64_t)json_integer_value(json);
        return true;
    }
    double real = json_is_real(json) ? json_real_value(json) : -1;
    if (!(real >= 0 && real < 9007199254740992.0) || (double)(uint64_t)real < real)
        return false; /* negative, beyond what a double counts, or with a fraction */
    *ret_number = (uint64_t)real;
    return true;
}

bool json_as_bool(const struct json_value *value, bool *ret_bool)
{
    if (!json_is_boolean(inside(value)))
        return false;
    *ret_bool = json_is_true(inside(value));
    return true;
}

struct span json_text_at(const struct json_value *object, const char *key)
{
    return json_as_text(json_member(object, key));
}

bool json_number_at(const struct json_value *object, const char *key, uint64_t *ret_number)
{
    return json_as_number(json_member(object, key), ret_number);
}

bool json_bool_at(const struct json_value *object, const char *key, bool *ret_bool)
{
    return json_as_bool(json_member(object, key), ret_bool);
}
