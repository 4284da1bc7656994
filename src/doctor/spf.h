/* Does a domain's SPF record (RFC 7208) name this provider? Pure: the texts come in. It is no check of an address: no
 * macro is expanded, no address looked up. It is read as receivers read it otherwise - ten lookups at most (4.6.4), one
 * record for a name -, for a record that they can't read names nobody.
 *
 *     spf_begin(&walk, domain, &profile->spf)
 *     while ((name = spf_next(&walk)))
 *         spf_answer(&walk, texts of that name, or why there are none)
 *     walk.state
 */
#ifndef OUTPOST_DOCTOR_SPF_H
#define OUTPOST_DOCTOR_SPF_H

#include "know/profile.h"
#include "net/resolve.h"

enum { SPF_LOOKUPS_MAX = 10 };

enum spf_state {
    SPF_UNKNOWN, /* nobody answered, or a macro decides */
    SPF_MISSING,
    SPF_BROKEN,  /* receivers can't read it: see `why` */
    SPF_THERE,   /* it can be read; of the provider's names none is known */
    SPF_WITHOUT, /* it can be read, and does not name the provider */
    SPF_NAMES,   /* it does */
};
const char *spf_word(enum spf_state state); /* "names-provider" */

struct spf_walk {
    enum spf_state state;
    const char *why; /* of SPF_BROKEN: a sentence's end; static */
    /* the rest is its own */
    const struct words *wanted;
    char names[SPF_LOOKUPS_MAX + 1][HOST_NAME_MAX_LEN + 1]; /* the domain, and what it leads to */
    size_t count, asked;
    unsigned lookups;
    bool found, macros, over;
};

/* `wanted`: names that the provider has people include; empty: not known. Borrowed. */
void spf_begin(struct spf_walk *walk, struct span domain, const struct words *wanted);
/* The name whose TXT is wanted next; NULL: none, and the state is known. */
const char *spf_next(const struct spf_walk *walk);
/* Of the name last given: `texts` NULL: there are none, or, where `failed`, nobody said. */
void spf_answer(struct spf_walk *walk, const struct resolve_texts *texts, bool failed);

#endif
