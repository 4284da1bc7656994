/* What another mail program's configuration says of who sends, and by what: its accounts in the words of ours, each
 * value with the line it stands on, and every line that is not carried with the reason.
 *
 *     import_kind_of("msmtprc", text, &kind)                   by the file's name, else by what stands in it
 *     import_wants(kind, text, &wish)                          other files that belong to it; whoever has a disk reads them
 *     import_read(kind, files, count, &import, err)
 *     import_make(import, account, address, know, &account, err)
 *
 * Pure. Nothing is run: a command for a password is told as text. Passwords are struct secret and stand in no note. Bounds:
 * a file of IMPORT_FILE_MAX, IMPORT_ACCOUNTS_MAX accounts, IMPORT_NOTES_MAX notes; what is beyond is told as one note.
 */
#ifndef OUTPOST_DISCOVER_IMPORT_H
#define OUTPOST_DISCOVER_IMPORT_H

#include "account/account.h"
#include "base/pool.h"
#include "base/secret.h"

enum import_kind { IMPORT_MSMTP, IMPORT_SSMTP, IMPORT_NULLMAILER, IMPORT_DMA, IMPORT_POSTFIX, IMPORT_PROXY, IMPORT_KINDS };

enum {
    IMPORT_FILE_MAX = 1024 * 1024,
    IMPORT_FILES_MAX = 6,
    IMPORT_ACCOUNTS_MAX = 64,
    IMPORT_SETTINGS_MAX = 16,
    IMPORT_NOTES_MAX = 300,
    IMPORT_PATH_MAX = 1024,
};

const char *import_kind_word(enum import_kind kind);  /* "msmtp": of --from */
const char *import_kind_words(enum import_kind kind); /* for people: "email-oauth2-proxy" */
MUST_USE bool import_kind_from_word(struct span word, enum import_kind *ret_kind);
/* By the last part of the path, else by the text. False: it is like none. */
MUST_USE bool import_kind_of(const char *path, struct span text, enum import_kind *ret_kind);

/* A file, by the name that errors and notes say. */
struct import_file {
    const char *path;
    struct span text;
};

/* Files that this one names and that are needed, too: paths as they stand there. */
struct import_wish {
    char paths[IMPORT_FILES_MAX - 1][IMPORT_PATH_MAX];
    size_t count;
};
void import_wants(enum import_kind kind, struct span text, struct import_wish *ret_wish);

struct import_setting {
    const char *key;   /* of account_kind: "server" */
    const char *value; /* as our file would say it */
    const char *file;  /* NULL: what that program does where nothing is said */
    unsigned line;
};

struct import_account {
    const char *name; /* as it is called there; "" where accounts have no names */
    struct import_setting settings[IMPORT_SETTINGS_MAX];
    size_t count;
    struct secret *password;      /* NULL: none is there */
    const char *password_command; /* for a shell; NULL: none */
    bool signs_in_elsewhere;      /* by OAuth, with tokens that only that program can read */
};

struct import_note {
    const char *file;
    unsigned line;
    const char *what; /* the word it begins with, safe to show; never a value */
    const char *why;  /* static */
};

struct import {
    enum import_kind kind;
    struct pool pool;
    struct import_account accounts[IMPORT_ACCOUNTS_MAX];
    size_t count;
    size_t usual; /* of `accounts`: the one used when none is named */
    struct import_note notes[IMPORT_NOTES_MAX];
    size_t note_count;
    bool full; /* there was more of accounts, settings or notes than is kept */
    bool no_memory;
    const char *path, *kept_path; /* the file whose name was kept last */
};

/* The first file is the configuration; the others are those that were wanted, as far as they could be read. ERR_CONFIG
 * (config:bad) where no account is in it. The texts may go afterwards. */
MUST_USE bool import_read(enum import_kind kind, const struct import_file *files, size_t count, struct import **ret_import,
                          struct err *err);
void import_free(struct import *import);
OWNED(import);

/* The value, or NULL. */
const char *import_value(const struct import_account *account, const char *key);

/* The account as ours, filled and checked; `address` (or NULL) is used where none is told there. Values that ours does not
 * take become notes. ERR_CONFIG where what is left is no account: no server, or no address. The knowledge must outlive it. */
MUST_USE bool import_make(struct import *import, const struct import_account *from, const char *address,
                          const struct knowledge *know, struct account **ret_account, struct err *err);

/* How that program says it, with the place: "msmtprc:4: port 465". One line for each part of the server, without indent. */
void import_say_server(const struct import *import, const struct import_account *account, const char *host, uint16_t port,
                       enum security security, struct buf *out);
void import_say_username(const struct import *import, const struct import_account *account, const char *username,
                         struct buf *out);

#endif
