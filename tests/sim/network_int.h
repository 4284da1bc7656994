/* What loops.c and network.c share. */
#ifndef OUTPOST_SIM_NETWORK_INT_H
#define OUTPOST_SIM_NETWORK_INT_H

#include "clockwork.h"
#include "network.h"

struct loop {
    uint64_t base;    /* of loop_now() */
    bool unplugged;   /* its process is gone */
    unsigned things;  /* made on it, and not freed */
    struct stream *streams;
    struct dial *dials;
    struct work *works;
    void *kept;
    void (*kept_gone)(void *thing);
};

/* A thing was made on a loop, or freed. */
void loop_count(struct loop *loop, int change);
uint64_t loop_to_sim(const struct loop *loop, uint64_t when); /* a time of loop_now() */

#endif
