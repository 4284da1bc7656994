#include "smtp/pipeline.h"

#include "base/banned.h"

void pipeline_said(struct pipeline *pipeline, struct asked asked)
{
    pipeline->ring[(pipeline->first + pipeline->count++) % PIPELINE_MAX] = asked;
}

const struct asked *pipeline_front(const struct pipeline *pipeline)
{
    return pipeline->count ? &pipeline->ring[pipeline->first] : NULL;
}

const struct asked *pipeline_back(const struct pipeline *pipeline)
{
    if (!pipeline->count)
        return NULL;
    return &pipeline->ring[(pipeline->first + pipeline->count - 1) % PIPELINE_MAX];
}

struct asked pipeline_heard(struct pipeline *pipeline)
{
    struct asked asked = pipeline->ring[pipeline->first];

    pipeline->first = (pipeline->first + 1) % PIPELINE_MAX;
    pipeline->count--;
    return asked;
}

bool pipeline_holds(const struct pipeline *pipeline, unsigned step)
{
    for (unsigned i = 0; i < pipeline->count; i++)
        if (pipeline->ring[(pipeline->first + i) % PIPELINE_MAX].step == step)
            return true;
    return false;
}
