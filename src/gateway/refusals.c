#include "gateway/refusals.h"

#include "base/str.h"

#include "base/banned.h"

void refusals_add(struct refusals *refusals, const struct refusal *refusal)
{
    refusals->at[refusals->next] = *refusal;
    refusals->next = (refusals->next + 1) % REFUSALS_KEPT;
    if (refusals->count < REFUSALS_KEPT)
        refusals->count++;
}

const struct refusal *refusals_at(const struct refusals *refusals, size_t at)
{
    if (at >= refusals->count)
        return NULL;
    return &refusals->at[(refusals->next + REFUSALS_KEPT - 1 - at) % REFUSALS_KEPT];
}

void refusal_text(char *into, size_t room, struct span foreign)
{
    HELD(buf) shown = BUF(4096);

    str_printable(&shown, foreign, room - 1);
    size_t len = shown.len < room ? shown.len : room - 1;
    if (len)
        memcpy(into, shown.at, len);
    into[len] = '\0';
}
