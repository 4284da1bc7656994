/* Plays a dialogue to the client, cut as is wished.
 *
 *     struct playing how = PLAY_WHOLE;
 *     if (!play(dialogue, &how, &complaint)) ...
 */
#ifndef OUTPOST_TESTS_PLAYER_H
#define OUTPOST_TESTS_PLAYER_H

#include "support/dialogue.h"

struct playing {
    bool bytewise; /* every byte alone, in both directions and of the message */
    size_t cut;    /* the server's bytes are cut in two here; SIZE_MAX: nowhere */
    bool faulty;   /* memory may run out: only that it ends in order is asked for */
};

#define PLAY_WHOLE { .cut = SIZE_MAX }

/* How many bytes the server says in all: the places where it can be cut. */
size_t dialogue_server_bytes(const struct dialogue *dialogue);

/* False: *complaint tells the line of the file and what was different. */
MUST_USE bool play(const struct dialogue *dialogue, const struct playing *how,
                   struct buf *complaint);

#endif
