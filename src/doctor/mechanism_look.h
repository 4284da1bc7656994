/* Is it the password, or the way of signing in? After "wrong user name or password" the account tries what else the server
 * offers and it can speak: two more mechanisms at most, each on a connection of its own, four in all. Whoever asks makes
 * sure that the refusal was about the words and nothing else: no lock, no limit, nothing that is switched off. What the
 * account's own `mechanisms` leaves out is tried as well, in verified TLS: a list may be what is wrong.
 */
#ifndef OUTPOST_DOCTOR_MECHANISM_LOOK_H
#define OUTPOST_DOCTOR_MECHANISM_LOOK_H

#include "relay/transport.h"
#include "smtp/sasl.h"

enum { MECHANISM_LOOK_MAX = 2, MECHANISM_TRIES_MAX = 4 };

struct mechanism_list {
    size_t count;
    enum sasl_mechanism at[MECHANISM_LOOK_MAX];
};

/* What is left to be tried: bits of smtp/sasl.h. The best first; but where nothing has shown the password itself so far, what
 * does, for a server that keeps passwords hashed can do no other. Pure. */
void mechanism_choose(unsigned offered, unsigned able, unsigned tried, struct mechanism_list *ret_list);

struct mechanism_look;

/* `done` is told once, from the loop: the mechanism that signed in, or NULL: none did. */
MUST_USE bool mechanism_look_start(struct loop *loop, const struct transport_world *world, const struct account *account,
                                   const struct mechanism_list *list, void (*done)(void *who, const char *works),
                                   void *who, struct mechanism_look **ret_look, struct err *err);
void mechanism_look_free(struct mechanism_look *look);
OWNED(mechanism_look);

#endif
