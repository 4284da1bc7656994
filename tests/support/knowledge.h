/* What is built in, for the tests of a file that read it: `know` is there from load_knowledge() to free_knowledge(), the
 * set-up and the tear-down of a group. */
#ifndef OUTPOST_TESTS_KNOWLEDGE_H
#define OUTPOST_TESTS_KNOWLEDGE_H

#include "know/embedded.h"
#include "know/knowledge.h"

static struct knowledge *know;

static inline int load_knowledge(void **state)
{
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    (void)state;
    return know_new(texts, count, &know, NULL) ? 0 : -1;
}

static inline int free_knowledge(void **state)
{
    (void)state;
    knowledge_free(know);
    know = NULL;
    return 0;
}

#endif
