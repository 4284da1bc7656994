/* The files of data/ as they were when the program was built, without comments. */
#ifndef OUTPOST_KNOW_EMBEDDED_H
#define OUTPOST_KNOW_EMBEDDED_H

#include "know/knowledge.h"

const struct knowledge_text *know_embedded(size_t *ret_count);

#endif
