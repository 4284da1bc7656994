/* Whatever is pasted: what is found is safe to show, and classify() bears it. */
#include <assert.h>
#include <stdint.h>

#include "base/str.h"
#include "know/classify.h"
#include "know/embedded.h"
#include "know/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const struct knowledge *built_in(void)
{
    static struct knowledge *know;
    size_t count;

    if (!know) {
        const struct knowledge_text *texts = know_embedded(&count);
        assert(know_new(texts, count, &know, NULL));
    }
    return know;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    OWN(text_evidence) found = NULL;
    struct verdict verdict;

    assert(text_read(built_in(), (struct span){ (const char *)data, len }, &found, NULL));
    assert(str_is_safe(span_of(found->evidence.err.said)));
    assert(str_is_safe(span_of(found->host)));
    bool known = classify(built_in(), &found->evidence, &verdict);
    assert(known || found->evidence.err.kind == ERR_NONE || found->recipient_count);
    for (size_t i = 0; i < found->recipient_count; i++) {
        assert(str_is_safe(span_of(found->recipients[i].address)));
        known = classify(built_in(), &found->recipients[i].evidence, &verdict);
    }
    return 0;
}
