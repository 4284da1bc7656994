/* Whose turn it is near a limit. Where there is room for one recipient and not for forty, small messages pass a large one:
 * the room shall not lie idle. But only so many: then it is the large one's turn, and nobody leaves until there is room for
 * it. Pure; one for each account. Forgotten at the end of the process, and noticed anew.
 */
#ifndef OUTPOST_RELAY_TURN_H
#define OUTPOST_RELAY_TURN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { TURN_PASSES = 50 }; /* messages that may pass one */

struct turn { /* begins as { 0 } */
    uint64_t id;  /* of the first message that found no room; 0: none did */
    size_t need;  /* recipients that there is to be room for */
    unsigned passed;
};

/* There was no room for so many of this message now. */
static inline void turn_refused(struct turn *turn, uint64_t id, size_t need)
{
    if (!turn->id)
        turn->id = id;
    if (turn->id == id)
        turn->need = need;
}

/* This message leaves. */
static inline void turn_taken(struct turn *turn, uint64_t id)
{
    if (turn->id == id)
        *turn = (struct turn){ 0 };
    else if (turn->id)
        turn->passed++;
}

/* Enough have passed it. */
static inline bool turn_is_up(const struct turn *turn)
{
    return turn->id && turn->passed >= TURN_PASSES;
}

/* Must this message wait for the one whose turn it is? */
static inline bool turn_is_anothers(const struct turn *turn, uint64_t id)
{
    return turn_is_up(turn) && turn->id != id;
}

/* For how many recipients there is to be room before anybody leaves. */
static inline size_t turn_need(const struct turn *turn)
{
    return turn_is_up(turn) ? turn->need : 1;
}

#endif
