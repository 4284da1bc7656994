/* A network and event loops that are made up: network.c stands, when the simulation is linked, in the place of net's
 * loop.c, timer.c, stream.c, stream_names.c, dial.c, listen.c, work.c and wake.c. Nothing else of the program is changed.
 *
 * A listener is found by its port alone. Lines take their time, cut what they carry wherever they like, and break: at a
 * byte, in order, by a reset or without a word. What waits for the system leaves at once, so that `pending` is what has
 * not arrived.
 */
#ifndef OUTPOST_SIM_NETWORK_H
#define OUTPOST_SIM_NETWORK_H

#include <stdbool.h>
#include <stdint.h>

#include "net/loop.h"

struct stream;

/* A new run. `fault_percent` of the lines and calls go wrong. */
void network_begin(unsigned fault_percent);
void network_faults(unsigned fault_percent);

/* loop_now() counts from there: another one than the simulation's time. Also its clock's (struct clock). */
void network_loop_base(struct loop *loop, uint64_t base);

/* The process behind this loop is gone. Killed, its system ends its lines; without power nothing says a word. Whatever
 * it does from here on reaches nobody. */
void network_unplug(struct loop *loop, bool killed);

/* When the bytes that were read last on it had been written, in sim_now(). */
uint64_t network_written_at(const struct stream *stream);
/* Lines of this loop to a port, those that are being called included. */
unsigned network_lines_to(const struct loop *loop, uint16_t port);
/* Streams, timers, listeners and calls that are there, of all loops. */
unsigned network_alive(void);

#endif
