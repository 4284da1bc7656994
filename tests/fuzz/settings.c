/* A configuration file, as an account's settings read it. What was taken is shown, and reads back as the
 * same. */
#include <assert.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/ini.h"
#include "base/settings.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct thing {
    char *text;
    bool yes;
    unsigned word;
    uint64_t number, size, wait;
    struct setting_host host;
    struct setting_list list;
};

static const char *const colours[] = { "red", "green", NULL };

static const struct setting settings[] = {
    { .key = "text", .type = SETTING_TEXT, .offset = offsetof(struct thing, text) },
    { .key = "yes", .type = SETTING_BOOL, .offset = offsetof(struct thing, yes) },
    { .key = "word", .type = SETTING_WORD, .offset = offsetof(struct thing, word), .words = colours },
    { .key = "number", .type = SETTING_NUMBER, .offset = offsetof(struct thing, number), .most = 9999 },
    { .key = "size", .type = SETTING_SIZE, .offset = offsetof(struct thing, size) },
    { .key = "wait", .type = SETTING_DURATION, .offset = offsetof(struct thing, wait) },
    { .key = "host", .type = SETTING_HOST, .offset = offsetof(struct thing, host) },
    { .key = "list", .type = SETTING_LIST, .offset = offsetof(struct thing, list) },
};

static const struct setting_kind kind = { "thing", true, settings, COUNT(settings), "a thing" };
static const struct setting_kind *const kinds[] = { &kind };

static void check_shown(const struct thing *thing, const struct setting_origin *origins)
{
    for (size_t i = 0; i < COUNT(settings); i++) {
        HELD(buf) shown = BUF(1 << 20), again = BUF(1 << 20);
        struct thing other = { 0 };
        struct setting_origin other_origins[COUNT(settings)] = { 0 };
        if (!origins[i].from)
            continue;
        setting_show(&settings[i], thing, &shown);
        bool ok = settings_set(&kind, settings[i].key, buf_span(&shown), origins[i], &other, other_origins,
                               NULL);
        assert(ok);
        setting_show(&settings[i], &other, &again);
        assert(span_equal(buf_span(&shown), buf_span(&again)));
        settings_done(&kind, &other);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct thing thing = { 0 };
    struct setting_origin origins[COUNT(settings)] = { 0 };
    const struct setting_kind *found;
    struct err err;
    OWN(ini) ini = NULL;

    if (!ini_parse((struct span){ (const char *)data, len }, &ini, &err))
        return 0;
    bool ok = true;
    for (size_t i = 0; ok && i < ini_count(ini); i++)
        ok = setting_kind_find(kinds, COUNT(kinds), ini_section_at(ini, i), &found, &err) &&
             settings_read(found, ini_section_at(ini, i), "fuzz", &thing, origins, &err);
    if (ok)
        check_shown(&thing, origins);
    settings_done(&kind, &thing);
    return 0;
}
