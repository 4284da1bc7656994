#include "net/environment.h"

#include <unistd.h>

#include "base/alloc.h"
#include "base/span.h"

#include "base/banned.h"

/* Is this variable of ours set anew by one of the plan's? */
static bool is_replaced(const char *ours, const char *const *variables)
{
    size_t len = span_find(span_of(ours), '=') + 1;

    for (; *variables; variables++)
        if (strncmp(ours, *variables, len) == 0)
            return true;
    return false;
}

const char **environment_with(const char *const *variables)
{
    size_t count = 1, at = 0;

    for (char **ours = environ; *ours; ours++)
        count++;
    for (const char *const *theirs = variables; *theirs; theirs++)
        count++;
    const char **all = mem_array(count, sizeof *all);
    if (!all)
        return NULL;
    for (char **ours = environ; *ours; ours++)
        if (!is_replaced(*ours, variables))
            all[at++] = *ours;
    for (; *variables; variables++)
        all[at++] = *variables;
    return all;
}
