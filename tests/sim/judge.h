/* Compares what outpost says with the books:
 *
 *     what was promised ("250") is there, once, until its end, and what was refused is not;
 *     what was delivered was taken by the provider, and nothing was taken twice that had not been called unknown;
 *     no minute, hour or day held more than the account's limit, nor were there more lines at once;
 *     nothing failed but by its provider's word, by its deadline, or by its age, of which parked time is no part;
 *     nor does what is too old, or past its deadline, wait unnoticed, whatever its account waits for;
 *     of every failure somebody is told by one report, whatever crashes in between;
 *     in the end every recipient has a state that is an end.
 */
#ifndef OUTPOST_SIM_JUDGE_H
#define OUTPOST_SIM_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

struct relay_event;
struct store;

void judge_begin(void);
/* The store as a life finds it. */
void judge_look_at(struct store *store);
/* What the relay says of itself; then a commit was done; then a life ended. */
void judge_saw(const struct relay_event *event);
void judge_committed(void);
void judge_forget(void);

/* What waits longer than it may? It runs for so long. */
void judge_watch(uint64_t up_for);

/* Is all over? Looked at in the store. */
bool judge_all_over(void);
/* The last word. */
void judge_end(void);

#endif
