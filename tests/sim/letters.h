/* Who hands letters in: programs that speak SMTP to the gateway, by the program's own machine for the client's side
 * (session/client.h), and programs of the machine itself. Who was refused, or heard nothing of a letter with a key, comes
 * again; who heard nothing of one without does not.
 */
#ifndef OUTPOST_SIM_LETTERS_H
#define OUTPOST_SIM_LETTERS_H

#include <stdbool.h>
#include <stdint.h>

struct letter;
struct loop;

/* So many letters, handed in within so long. */
void letters_begin(struct loop *outside, unsigned count, uint64_t within);
void letters_end(void);
bool letters_are_in(void); /* nobody wants to hand in anything any more */

/* FAILED: it was taken, and its provider refused it while its sender waited: for good. */
enum letter_news { LETTER_PROMISED, LETTER_REFUSED, LETTER_UNHEARD, LETTER_FAILED };
void letters_heard(struct letter *letter, enum letter_news news);
/* Somebody is at it: whatever the store has of it now is right. */
bool letters_is_open(const struct letter *letter);
/* Its sender waited for the provider's answer: who hears none has it still, and is told nothing else. */
bool letters_waited(const struct letter *letter);
/* When it was first handed in, in the judge's time. */
uint64_t letters_first(const struct letter *letter);
/* When its sender heard that it was taken, likewise. */
uint64_t letters_taken(const struct letter *letter);

#endif
