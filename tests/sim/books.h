/* What everybody outside of outpost knows: the letters that were handed in, who was promised what, and what the providers
 * took. The judge compares it with what outpost's own store says.
 *
 * A recipient's address is its number: "r12.ok@there.example". So whoever meets one knows which letter it is of.
 */
#ifndef OUTPOST_SIM_BOOKS_H
#define OUTPOST_SIM_BOOKS_H

#include "base/buf.h"

enum {
    LETTERS_MAX = 120,
    PEOPLE_MAX = 600,
    TAKINGS_MAX = 2000,
    PARTIES = 2,       /* accounts, each with its provider */
    LETTER_OCTETS_MAX = 220 * 1024,
};

struct party { /* an account */
    const char *name, *address;
    uint16_t port; /* of its provider */
    uint64_t per_minute, per_hour, recipients_per_day, recipients_per_message, connections; /* 0: no limit */
};

enum person_kind {
    PERSON_OK,
    PERSON_NOBODY, /* the provider never takes this one */
    PERSON_GREY,   /* nor this one before it was asked some times */
};

struct person { /* a recipient */
    unsigned letter;
    enum person_kind kind;
    unsigned asked;        /* times its provider was asked for it */
    bool promised;         /* somebody heard "250" for it */
    bool told_no;          /* somebody heard that it failed for good */
    bool maybe;            /* somebody heard nothing at all: it may have been taken */
    unsigned taken;        /* times its provider took the message for it */
    bool refused;          /* its provider refused it for good */
    unsigned told;         /* times a report about it arrived */
};

struct letter {
    const char *lane;      /* an account's name, or a route's */
    const struct party *sender;
    unsigned first, count; /* of the people */
    size_t lines;
    uint64_t by_ms;        /* it is to be delivered so soon after it was accepted, or to come back; 0: it has time */
    bool keyed;            /* with an idempotency key: may be handed in again */
    unsigned bad;          /* these providers refuse what is in it: bits, by number */
    uint64_t body_hash;
};

/* A message that a provider took, or may have. */
struct taking {
    const struct party *party;
    uint64_t at;           /* when MAIL was sent, in the judge's time */
    unsigned recipients;
};

struct books {
    struct party parties[PARTIES];
    struct letter letters[LETTERS_MAX];
    unsigned letter_count;
    struct person people[PEOPLE_MAX];
    unsigned person_count;
    struct taking takings[TAKINGS_MAX];
    unsigned taking_count;
    uint64_t give_up_ms;
    bool goes_on;   /* a route goes on to the next account when a message is refused */
    bool calm;      /* nothing ever cuts off a delivery: nothing is delivered twice */
    bool plain;     /* no limits, and nobody is to come again */
    uint64_t leapt; /* how far the wall's clock was set ahead while outpost did not run: it can't know that from sleep */
};

extern struct books books;

/* An empty one, with accounts whose limits chance chose; `plain`: without limits, and with patience for days. */
void books_begin(bool plain);
/* NULL: they are full. */
struct letter *books_letter(void);
void books_address(unsigned person, struct buf *out);
/* UINT_MAX: it is nobody's. */
unsigned books_person(struct span address);
const struct party *books_party(const char *name); /* NULL: there is none */
/* Its text, with header, as it is handed in. */
void books_text(const struct letter *letter, struct buf *out);
/* What stands behind the header, as it is to arrive. */
uint64_t books_body_hash(struct span text);
/* A provider took one, whose MAIL command had been sent then. */
void books_took(const struct party *party, uint64_t sent, unsigned recipients);

#endif
