/* What must not be called does not exist: the last include of every .c file of ours (a test sees
 * to that), for the system's own headers name these functions.
 *
 *   need                        use                                never
 *   memory                      mem_new, mem_array (base/alloc)    malloc, calloc, realloc, strdup
 *   text you build              buf (base/buf)                     sprintf, strcpy, strcat
 *   numbers you read            str_to_u64 (base/str)              atoi, strtol, sscanf
 *   words of foreign text       scan, span (base/scan, base/span)  strtok
 *   now                         the argument; os/clock at the top  time, gettimeofday
 *   random bytes                os/random, handed in               rand, random
 *   another program             net/child, a vector                system, popen
 *   a temporary file            os/file                            tmpnam, mktemp
 */
#ifndef OUTPOST_BASE_BANNED_H
#define OUTPOST_BASE_BANNED_H

#ifdef ALLOC_OWNER
#define OUTPOST_MAY_ALLOCATE 1
#endif

/* clang's hardened headers make macros of some of these, which can't be poisoned: GCC's build watches. */
#ifndef __clang__
#pragma GCC poison strcpy strcat strncpy strncat sprintf vsprintf strtok strtok_r gets
#pragma GCC poison atoi atol atoll strtol strtoul strtoll strtoull strtod sscanf
#pragma GCC poison popen tmpnam tempnam mktemp rand srand gmtime localtime ctime asctime
/* A word that we use for other things, too: only the call is banned. */
#define system(command) sorry_system_is_banned_see_net_child

#ifndef OUTPOST_MAY_ALLOCATE
#pragma GCC poison malloc calloc realloc strdup strndup
#endif
#endif

#endif
