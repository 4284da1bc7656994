/* A directory of the test's own, taken away at its end with all that is in it.
 *
 *     SCRATCH(dir);
 *     char *path = scratch_path(dir, "outpost.conf");      good until the directory goes
 */
#ifndef OUTPOST_TESTS_SCRATCH_H
#define OUTPOST_TESTS_SCRATCH_H

#include <stddef.h>
#include <sys/types.h>

struct scratch;

struct scratch *scratch_new(void); /* fails the test where none can be made */
void scratch_free(struct scratch **scratch);
#define SCRATCH(name) __attribute__((cleanup(scratch_free))) struct scratch *name = scratch_new()

const char *scratch_root(const struct scratch *scratch);
const char *scratch_path(struct scratch *scratch, const char *name);

/* A file with this text and mode; its path. */
const char *scratch_file(struct scratch *scratch, const char *name, const char *text, mode_t mode);
/* How many names are in a directory, hidden ones too; 0 where it is not there. */
size_t scratch_count(const char *directory);
/* What stands in a file, at most 64 KB; good until the next call. NULL: no such file. */
const char *scratch_text(const char *path);

#endif
