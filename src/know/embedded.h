/* The files of data/ as they were when the program was built, without comments. */
#ifndef OUTPOST_KNOW_EMBEDDED_H
#define OUTPOST_KNOW_EMBEDDED_H

#include "know/knowledge.h"

const struct knowledge_text *know_embedded(size_t *ret_count);

/* By which names their profiles are asked for. */
struct knowledge_index know_embedded_index(void);

#endif
