/* The one door in: whatever the entrance, a message passes here and comes out ready to be sent.
 *
 *     struct intake_order order = {
 *         .account = account, .disk = &disk_system, .directory = "/tmp", .wall = clock_wall(clock) / 1000,
 *         .zone_minutes = ..., .hostname = "web1.example", .fd = STDIN_FILENO, .header_recipients = true,
 *     };
 *     random_fill(dice, order.random, sizeof order.random, err)
 *     OWN(prepared) prepared = NULL;
 *     if (!intake_prepare(&order, &prepared, err))
 *         return false;
 *     ... prepared->envelope goes to the client, prepared->fd is read from its front to its end
 *
 * What happens on the way:
 *   - Line ends become CRLF, the header is told from the body (mail/filter.h). NUL bytes are refused
 *     ("message:nul"), and so is a message of no bytes at all ("message:empty").
 *   - Recipients are those handed in, and with `header_recipients` those of To, Cc and Bcc; where there
 *     are Resent- fields, of these only. Bare names get `hostname`. A list with one bad member is refused
 *     whole. None at all: ERR_DATA, "recipients:none".
 *   - With `aliases` mail for names of this machine goes where they lead (intake/aliases.h).
 *   - Bcc, Resent-Bcc, Return-Path and X-Outpost- fields leave the header (X-Outpost-Key becomes the key).
 *   - The sender follows the account (intake/sender.h). A message without From gets the account's.
 *   - A missing Date and Message-ID are added in front, behind the trace of earlier servers, and Received
 *     on top where `received_from` is set. A message with
 *     100 Received fields goes in a circle: refused, "message:loop".
 *   - A header that is not ASCII becomes ASCII, unless an address needs SMTPUTF8. Lines over 998 octets are
 *     folded in the header and encoded in the body (mail/convert.h).
 *
 * Memory: the header and some buffers, whatever the message's size. Errors: ERR_DATA and ERR_LIMIT for the
 * message, ERR_INPUT when it can't be read, ERR_CREATE and ERR_IO for the temporary file. On failure nothing
 * is left behind.
 */
#ifndef OUTPOST_INTAKE_INTAKE_H
#define OUTPOST_INTAKE_INTAKE_H

#include "account/account.h"
#include "mail/envelope.h"
#include "os/disk.h"

struct aliases;

enum { INTAKE_RECEIVED_MAX = 100, INTAKE_RANDOM = 16 };

struct intake_order {
    /* Who sends, and the facts of the moment. */
    const struct account *account; /* its address is set */
    const struct disk *disk;
    const char *directory; /* for the file without a name */
    uint64_t wall;         /* seconds since 1970 */
    int zone_minutes;
    unsigned char random[INTAKE_RANDOM]; /* for the Message-ID */
    const char *hostname;                /* a valid domain: qualifies bare names, stands in Received */
    const char *received_from;           /* "uid 1000"; NULL: no Received line is added */

    /* The message: read from `fd` to its end, unless `bytes` holds it. */
    int fd;
    struct span bytes;

    /* The envelope. */
    const char *sender;            /* -f; NULL: not said; "" and "<>": the null sender */
    const char *const *recipients; /* lists of addresses, as a header has them */
    size_t recipient_count;
    bool header_recipients; /* -t */
    unsigned notify;        /* of enum envelope_notify */
    enum envelope_ret ret;
    const char *envid; /* or NULL */
    const char *key;   /* or NULL */
    /* SMTP's: its recipients with their wishes, RET and ENVID are taken over; the sender is `sender`. NULL: there is
     * none. */
    const struct envelope *envelope;

    /* Where mail for names of this machine goes; NULL: nowhere else. */
    const struct aliases *aliases; /* intake/aliases.h */
    const char *admin;             /* who gets what has no alias; NULL: the account's address */
};

struct prepared {
    struct envelope *envelope; /* size, body kind and smtputf8 are set */
    const struct disk *disk;   /* by which fd is read, and closed */
    int fd;                    /* the message, at its front: CRLF lines, not dot-stuffed; closed by free */
    uint64_t size;
    uint64_t longest_line; /* octets without CRLF, at most 998 */
    bool eightbit;         /* a server without 8BITMIME needs mail/convert.h */
    bool silent;           /* it answers a message by itself: no mail is ever sent about it */
    char *message_id;      /* "<...>" */
    char *from;            /* the header's address */
};

MUST_USE bool intake_prepare(const struct intake_order *order, struct prepared **ret_prepared,
                             struct err *err);
void prepared_free(struct prepared *prepared);
OWNED(prepared);

#endif
