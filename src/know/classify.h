/* From evidence to a cause, by the rules of the profile files. The provider's own rules go first,
 * then its family's, then the generic ones; among them the most exact. Where the provider isn't
 * known, every provider's rules are tried, but only those that know the server's words; generic
 * ones win a tie.
 *
 * A refusal that quotes another ("530 5.7.57 ... Error: 535 5.7.139 ...") is classified by what it
 * quotes. Text that no rule knows gets the best generic cause for its stage and codes, as a guess.
 */
#ifndef OUTPOST_KNOW_CLASSIFY_H
#define OUTPOST_KNOW_CLASSIFY_H

#include "know/cause.h"
#include "know/evidence.h"

struct knowledge;

enum { VERDICT_ALSO_MAX = 4 };

struct verdict {
    const struct cause *cause;
    const struct cause *also[VERDICT_ALSO_MAX]; /* what it may be as well, the likeliest first */
    size_t also_count;
    bool guess;
    enum scope scope; /* the cause's, unless the rule knows better */
    enum retry retry;
    uint64_t wait_ms;     /* what the server asked for, else what it is known to want; 0: not known */
    const char *rule;     /* its name: "basic-auth-off" */
    const char *provider; /* whose rule it was: a profile or family id, "generic" */
};

/* False where the evidence holds nothing to go by. `provider` in the evidence may be any id or
 * NULL. */
MUST_USE bool classify(const struct knowledge *know, const struct evidence *evidence,
                       struct verdict *ret_verdict);

/* The other way round, for whoever plays a provider: the reply with which it, or its family, tells of
 * this cause ("535 5.7.139 ..."), as a rule of it says. NULL where none does. */
const char *know_reply_example(const struct knowledge *know, const char *provider, const char *cause);

#endif
