/* TLS tickets: what servers gave for a shorter handshake, kept for the next line to the same server.
 *
 *     OWN(tickets) tickets = tickets_new();
 *     plan.tickets = tickets;        each session takes one out, if there is one, and puts its own in
 *
 * A ticket is key material: it is wiped when it goes, and lives in memory only (docs/decisions/0004).
 * It serves once (RFC 8446, C.4), and one account at one host and port; net/tls sees to it that the
 * trust, the pin and the client's certificate are the same, too. A day after the certificate was last
 * checked in full no ticket is kept or handed out any more, however often it was renewed.
 *
 * The store is small and bounded, belongs to one loop, and outlives its sessions.
 */
#ifndef OUTPOST_SESSION_TICKETS_H
#define OUTPOST_SESSION_TICKETS_H

#include "base/secret.h"

enum {
    TICKETS_MAX = 64,      /* in all; the oldest goes */
    TICKETS_EACH_MAX = 4,  /* for one account at one server: as many lines as may begin at once */
    TICKET_LIFE_MS = 24 * 60 * 60 * 1000,
};

struct tickets;

MUST_USE struct tickets *tickets_new(void); /* NULL: no memory */
void tickets_free(struct tickets *tickets);
OWNED(tickets);

struct ticket_use { /* whom it is for; borrowed */
    const char *host;
    uint16_t port;
    const char *account; /* whatever tells one account from another; NULL: none */
};

struct ticket {
    struct secret *bytes; /* for tls_client() */
    uint64_t verified;    /* the loop's time of the last handshake that checked a certificate */
};

/* Takes the newest one out: the bytes are the callee's. False: there is none. */
MUST_USE bool tickets_take(struct tickets *tickets, const struct ticket_use *use, uint64_t now,
                           struct ticket *ret_ticket);
/* Takes over the bytes. Without memory the ticket is forgotten, and nothing is lost but time. */
void tickets_keep(struct tickets *tickets, const struct ticket_use *use, struct ticket ticket,
                  uint64_t now);

#endif
