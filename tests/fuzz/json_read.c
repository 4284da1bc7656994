/* Whatever is read can be walked from end to end, and no text in it is without its NUL. */
#include <assert.h>
#include <stdint.h>

#include "base/json_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void walk(const struct json_value *value)
{
    struct span text = json_as_text(value);
    uint64_t number;
    bool flag;

    assert(!text.at || (text.at[text.len] == '\0' && strlen(text.at) == text.len));
    assert(!json_as_number(value, &number) || json_kind(value) == JSON_KIND_NUMBER);
    assert(!json_as_bool(value, &flag) || json_kind(value) == JSON_KIND_BOOL);
    if (json_kind(value) == JSON_KIND_ARRAY)
        for (size_t i = 0; i < json_count(value); i++)
            walk(json_element(value, i));
    assert(json_member(value, "a") == NULL || json_kind(value) == JSON_KIND_OBJECT);
    if (json_member(value, "a"))
        walk(json_member(value, "a"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    OWN(json_tree) tree = NULL;

    if (json_read((struct span){ (const char *)data, len }, 64 * 1024, &tree, NULL))
        walk(json_root(tree));
    return 0;
}
