/* What compose.c prepares and the module puts together: the room's own.
 */
#ifndef OUTPOST_INTAKE_COMPOSE_INT_H
#define OUTPOST_INTAKE_COMPOSE_INT_H

#include <sys/types.h>
#include <sys/stat.h>

#include "base/err.h"
#include "base/own.h"
#include "os/disk.h"

/* A text to be shown, in a file with bare LFs. */
struct compose_text {
    const struct disk *disk;
    int fd; /* -1: there is none */
    uint64_t size;
    const char *charset;
    bool quoted; /* it must be quoted-printable; else it goes as 7bit */
};
#define COMPOSE_TEXT_NONE { .fd = -1 }

/* A file to be attached. */
struct compose_file {
    const char *path;
    const char *name; /* what the recipient sees: the path's last part */
    const char *type; /* "application", and */
    const char *subtype; /* "pdf" */
    int fd;
    uint64_t size;
    struct timespec changed;
};

struct compose_parts {
    struct compose_text text, html;
    struct compose_file *files;
    size_t file_count;
    char boundaries[2][40]; /* of the whole, and of text beside HTML */
};

/* Reads a text to its end. `what` names it in errors. */
MUST_USE bool compose_text_read(const struct disk *disk, const char *directory, int fd,
                                const char *what, struct compose_text *ret_text, struct err *err);
void compose_text_done(struct compose_text *text);

/* Opens a regular file. */
MUST_USE bool compose_file_open(const char *path, struct compose_file *ret_file, struct err *err);
/* After it was read: is it still what it was? */
MUST_USE bool compose_file_check(const struct compose_file *file, struct err *err);
void compose_file_done(struct compose_file *file);

/* The module's face: the symbol COMPOSE_FACE of COMPOSE_MODULE. */
struct compose_module {
    /* Writes the entity - its Content- fields, an empty line, its content - to fd, where that stands. */
    bool (*write)(const struct compose_parts *parts, int fd, struct err *err);
};
#define COMPOSE_MODULE "outpost-compose.so"
#define COMPOSE_FACE   "outpost_compose"

#endif
