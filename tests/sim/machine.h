/* The machine that outpost runs on: it starts, stops at any moment, and starts again. While it runs, gateway, queue and
 * relay are the program's own, on one loop; the queue is turned as its thread would.
 */
#ifndef OUTPOST_SIM_MACHINE_H
#define OUTPOST_SIM_MACHINE_H

#include <stdbool.h>
#include <stdint.h>

struct letter;
struct scratch;

enum { /* where its gateway listens */
    MACHINE_PORT = 587,
    MACHINE_WAITING_PORT = 588, /* who comes there hears the provider's own answer, where nothing else waits */
};

/* Of the whole program: what is known of providers. */
void machines_begin(struct scratch *scratch);
void machines_end(void);

struct machine_plan {
    bool is_sqlite, unknown_held;
    unsigned disk_faults; /* percent of the commits */
    unsigned stops;       /* so many times it stops by itself... */
    uint64_t within;      /* ...within this time */
};

/* A new one, with an empty disk; it starts. */
void machine_begin(const struct machine_plan *plan);
void machine_end(void);
/* After every event: the queue's thread may have something to do, the power may have gone. */
void machine_look(void);
/* From now on all is well. */
void machine_behave(void);
bool machine_runs(void);
uint64_t machine_up_for(void); /* milliseconds; 0: it does not run */

/* The wall's clock is set to another time, by so many milliseconds. */
void machine_set_wall(int64_t by);

/* A program of this machine hands in a letter: it is asked for, told by letters.h. False: nothing runs. */
bool machine_hand_in(struct letter *letter);

/* A person looks after what is held. */
void machine_release(void);

#endif
