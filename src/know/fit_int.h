/* How a rule is held against the evidence; shared by the files that classify(). */
#ifndef OUTPOST_KNOW_FIT_INT_H
#define OUTPOST_KNOW_FIT_INT_H

#include "know/knowledge_int.h"

/* The evidence as rules look at it. */
struct look {
    const struct evidence *evidence;
    const char *fact;   /* what was found, or what failed; NULL */
    struct span text;   /* the words, without repeated codes */
    char code[8];       /* "535", or "" */
    char enhanced[24];  /* "5.7.139", or "" */
    char port[8];
    size_t chain[OWNERS_DEEP]; /* whose rules hold, nearest first */
    size_t chain_len;          /* 0: the provider isn't known */
    char words[2 * ERR_TEXT_MAX];
    struct near_text near;     /* the words, each by itself */
    uint64_t pairs[1024];      /* which two bytes stand beside one another in the words, a bit each; case aside */
};

/* How well a rule fits. Compared from the first to the last. */
struct fit {
    enum sureness sure;
    bool near; /* by words that stand near one another */
    int nearness; /* of the rule's owner to the evidence's provider */
    int exact;
};

/* *look borrows what the evidence borrows. */
void look_at(const struct knowledge *know, const struct evidence *evidence, struct look *look);

/* May the pattern be in the words? False: surely not. */
bool look_may_have(const struct look *look, const char *pattern);

/* The rule that fits best and how well; NULL where none does. */
const struct rule *best_rule(const struct knowledge *know, const struct look *look, struct fit *ret_fit);

/* Does it go by what was said, or by the place and the codes alone? */
bool asks_for_words(const struct rule *rule);

#endif
