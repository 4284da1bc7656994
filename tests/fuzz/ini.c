/* What is read can be written, and what was written reads back the same. */
#include <assert.h>
#include <stdint.h>

#include "base/ini.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* False where a value is too long to be written, which may be. */
static bool write(const struct ini *ini, struct buf *out)
{
    for (size_t i = 0; i < ini_count(ini); i++) {
        const struct ini_section *section = ini_section_at(ini, i);
        if (!ini_add_section(out, section->kind.at, section->name.at))
            return false;
        for (size_t k = 0; k < section->count; k++)
            if (!ini_add(out, section->entries[k].key.at, section->entries[k].value))
                return false;
    }
    return true;
}

static void same(const struct ini *a, const struct ini *b)
{
    assert(ini_count(a) == ini_count(b));
    for (size_t i = 0; i < ini_count(a); i++) {
        const struct ini_section *one = ini_section_at(a, i), *two = ini_section_at(b, i);
        assert(span_equal(one->kind, two->kind) && span_equal(one->name, two->name));
        assert(one->count == two->count);
        for (size_t k = 0; k < one->count; k++)
            assert(span_equal(one->entries[k].key, two->entries[k].key) &&
                   span_equal(one->entries[k].value, two->entries[k].value));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len };
    OWN(ini) ini = NULL;
    OWN(ini) again = NULL;
    HELD(buf) written = BUF(1 << 20);
    HELD(buf) edited = BUF(1 << 20);

    if (!ini_parse(text, &ini, NULL) || len > 10000 || !write(ini, &written))
        return 0;
    assert(ini_parse(buf_span(&written), &again, NULL));
    same(ini, again);
    assert(ini_set(&edited, text, "s", "n", "k", SPAN("v"), NULL));
    ini_free(again);
    again = NULL;
    assert(ini_parse(buf_span(&edited), &again, NULL));
    assert(span_is(ini_value(ini_find(again, "s", "n"), "k"), "v"));
    return 0;
}
