/* What the readers of other programs' files share. */
#ifndef OUTPOST_DISCOVER_IMPORT_INT_H
#define OUTPOST_DISCOVER_IMPORT_INT_H

#include "base/scan.h"
#include "discover/import.h"

/* A line of a file, blanks around it taken off. */
struct import_lines {
    const char *file;
    struct span rest;
    unsigned line; /* of the one that was given */
};

static inline struct import_lines import_lines_of(const struct import_file *file)
{
    return (struct import_lines){ file->path, file->text, 0 };
}

bool import_line(struct import_lines *lines, struct span *ret_line);

/* Cuts "KEY VALUE" or "KEY = VALUE" apart: at blanks, or at the first of `separators`. */
struct span import_word(struct span *rest, const char *separators);
/* What stands between quotes, without them; else as it is. */
struct span import_unquoted(struct span value);
bool import_is_yes(struct span value); /* yes, on, true, 1 */

/* A new account, or NULL where there are too many. */
struct import_account *import_add(struct import *import, struct span name);
/* Sets a key, in place of what it was. */
void import_set(struct import *import, struct import_account *account, const char *key, struct span value,
                const struct import_lines *where);
/* HOST and PORT, as `server` has them. */
void import_set_server(struct import *import, struct import_account *account, struct span host, uint16_t port,
                       const struct import_lines *where);
void import_set_password(struct import *import, struct import_account *account, struct span password);
const char *import_keep(struct import *import, struct span text); /* never NULL */
/* A key as a note may show it: nothing that could be a password that stands where it should not. */
struct span import_shown(struct span key, struct span value);
void import_note(struct import *import, const struct import_lines *where, struct span what, const char *why);

/* [HOST]:PORT, HOST:PORT, HOST; false for what is none of these. */
bool import_host(struct span text, struct span *ret_host, uint16_t *port);

/* One of each kind. */
typedef void import_reader(struct import *import, const struct import_file *files, size_t count);
import_reader import_msmtp, import_ssmtp, import_nullmailer, import_dma, import_postfix, import_proxy;

typedef void import_wisher(struct span text, struct import_wish *wish);
import_wisher import_dma_wants, import_postfix_wants;
void import_wish_for(struct import_wish *wish, struct span path);

extern const char import_why_own[];    /* what concerns the program itself */
extern const char import_why_other[];  /* what outpost does otherwise */
extern const char import_why_safety[]; /* what would make it less safe */

#endif
