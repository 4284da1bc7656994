#include "sandbox/scenario.h"

#include "base/banned.h"

static const char *const names[] = {
#define X(id, name, does) [SCENARIO_##id] = name,
    SCENARIO_LIST(X)
#undef X
};

const char *scenario_name(enum scenario scenario)
{
    return names[scenario];
}

bool scenario_find(struct span name, enum scenario *ret_scenario)
{
    for (size_t i = 0; i < SCENARIOS; i++) {
        if (span_is(name, names[i])) {
            *ret_scenario = (enum scenario)i;
            return true;
        }
    }
    return false;
}
