#include "know/evidence.h"

#include "base/banned.h"

static const struct {
    const char *word, *words;
} stages[STAGE_COUNT] = {
#define X(name, word, words) { word, words },
    STAGES(X)
#undef X
};

const char *stage_word(enum stage stage)
{
    return stages[stage].word;
}

const char *stage_words(enum stage stage)
{
    return stages[stage].words;
}

bool stage_from_word(struct span word, enum stage *ret_stage)
{
    for (size_t i = 0; i < STAGE_COUNT; i++) {
        if (!span_is_word(word, stages[i].word))
            continue;
        *ret_stage = (enum stage)i;
        return true;
    }
    return false;
}
