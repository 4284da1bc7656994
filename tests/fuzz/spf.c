/* What a domain publishes of its senders: SPF, DMARC, DKIM. Each line is a TXT record; an empty one begins the next
 * name's. */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "doctor/dmarc.h"
#include "doctor/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct resolve_texts texts;

/* The texts of the next name; false: there are none. */
static bool next_texts(struct span *rest)
{
    struct span line;

    texts.count = 0;
    while (span_split(rest, '\n', &line) && line.len)
        if (texts.count < RESOLVE_RECORDS_MAX && line.len <= RESOLVE_TEXT_MAX && span_find(line, '\0') == line.len)
            snprintf(texts.at[texts.count++], sizeof texts.at[0], "%.*s", SPAN_ARG(line));
    return texts.count > 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const char *const names[] = { "spf.provider.test" };
    static const struct words wanted = { .at = names, .count = 1 };
    struct span rest = { (const char *)data, len };
    struct spf_walk walk;
    const char *name;
    unsigned asked = 0;

    spf_begin(&walk, SPAN("example.org"), &wanted);
    while ((name = spf_next(&walk))) {
        assert(*name && ++asked <= SPF_LOOKUPS_MAX + 1);
        bool any = next_texts(&rest);
        if (any) {
            assert(*dmarc_word(dmarc_read(&texts, asked % 2)));
            (void)dkim_is_key(&texts);
        }
        spf_answer(&walk, any ? &texts : NULL, false);
    }
    assert(*spf_word(walk.state) && (walk.state == SPF_BROKEN) == (walk.why != NULL));
    return 0;
}
