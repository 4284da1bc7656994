/* Any evidence: the first bytes choose codes, stage and provider, the rest is what was said. */
#include <assert.h>
#include <stdint.h>

#include "know/classify.h"
#include "know/embedded.h"
#include "know/profile.h"

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
    enum { HEAD = 6 };
    if (len < HEAD)
        return 0;
    const struct knowledge *know = built_in();
    struct evidence evidence = { .stage = (enum stage)(data[0] % STAGE_COUNT) };
    evidence.err.reply = (uint16_t)(334 + data[1]);
    if (data[2] % 4)
        memcpy(evidence.err.enhanced, (uint16_t[]){ data[2] % 4 + 2, data[3] % 8, data[4] }, 6);
    if (data[5])
        evidence.provider = know_profile_at(know, data[5] % know_profile_count(know))->id;
    err_said(&evidence.err, (struct span){ (const char *)data + HEAD, len - HEAD });

    struct verdict verdict;
    if (!classify(know, &evidence, &verdict))
        return 0;
    assert(verdict.cause && verdict.rule && verdict.provider);
    assert(verdict.also_count <= VERDICT_ALSO_MAX);
    for (size_t i = 0; i < verdict.also_count; i++)
        assert(verdict.also[i] && verdict.also[i] != verdict.cause);
    return 0;
}
