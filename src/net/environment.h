/* The environment of a program that we start: ours, with some variables over it. */
#ifndef OUTPOST_NET_ENVIRONMENT_H
#define OUTPOST_NET_ENVIRONMENT_H

#include "base/own.h"

/* "NAME=value" each, NULL ends; the texts are borrowed from both, the array is for mem_free(). NULL: no
 * memory. */
MUST_USE const char **environment_with(const char *const *variables);

#endif
