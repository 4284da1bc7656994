/* Providers: one server for each account, by the program's own machine for the server's side (session/server.h), with the
 * faults of the seed. They say 450 and 421, cut the line behind the dot with the message kept or not, answer after minutes,
 * refuse a good password for hours, are away for hours. What they take they write into the books.
 */
#ifndef OUTPOST_SIM_PROVIDER_H
#define OUTPOST_SIM_PROVIDER_H

#include <stdbool.h>

struct loop;

void providers_begin(struct loop *outside, unsigned fault_percent);
/* All of them are away, for as long as nobody says that all is well. */
void providers_leave(void);
/* From now on all is well. */
void providers_behave(void);
void providers_end(void);

#endif
