/* What became of a message, told to whoever sent it: a delivery status notification (RFC 3464) in a multipart/report
 * (RFC 6522). First words for people, then fields for programs, then the message it is about, or its header. Pure.
 *
 * Texts of others - what a server said, addresses, the subject - are made safe before they are written: no line of
 * the report begins with what they hold, and no control character is left of them.
 *
 * The fields are ASCII, whatever the addresses are: those with other letters go as "utf-8; \x{FC}..." (RFC 6533, 3),
 * so that any server takes the report.
 */
#ifndef OUTPOST_MAIL_REPORT_H
#define OUTPOST_MAIL_REPORT_H

#include "base/buf.h"

/* All recipients of a report share one. */
enum report_action {
    ACTION_FAILED,  /* it will not be delivered */
    ACTION_DELAYED, /* it is still tried, or may have been delivered: see `unsure` */
    ACTION_RELAYED, /* a server took it that will not tell what becomes of it (RFC 3461, 5.2.2) */
};

enum {
    REPORT_RANDOM = 16,
    REPORT_SHOWN = 50,               /* recipients named to people under one cause; the fields have them all */
    REPORT_WHOLE_MAX = 1024 * 1024,  /* a larger message comes back as its header alone */
    REPORT_HEADER_MAX = 64 * 1024,   /* and of that so much */
};

/* The words of a cause: title, meaning and what to do. */
struct report_story {
    const char *title, *meaning;
    const char *const *steps;
    size_t step_count;
};

struct report_recipient {
    const char *address;  /* as on the wire */
    const char *orcpt;    /* "rfc822;me@example.com", plain; NULL or "": not said */
    uint16_t reply, enhanced[3]; /* 0: none */
    const char *said;     /* by the server or, where `reply` is 0, by us; NULL or "": nothing */
    const char *remote;   /* the server that replied; NULL: not known */
    uint64_t tried;       /* the last time; seconds since 1970; 0: never */
    uint64_t until;       /* delayed: so long it is tried; 0: not known */
    bool unsure;          /* delayed: the body went out and no answer came; a person decides */
    const struct report_story *story; /* NULL: none is known. Recipients of one cause share one */
};

struct report { /* borrowed */
    enum report_action action;
    const char *host;     /* this machine's name */
    const char *from, *to; /* addresses as on the wire */
    uint64_t now, arrived; /* seconds since 1970 */
    int zone_minutes;
    unsigned char random[REPORT_RANDOM]; /* for the boundary and the Message-ID */
    uint64_t id;          /* of the message in the queue */
    const char *envid;    /* plain; NULL or "": not said */
    const char *message_id; /* of the message; NULL or "": not known */
    const struct report_recipient *recipients; /* one at least */
    size_t count;
    struct span message;  /* what goes back: all of it, or (`whole` false) its header's lines */
    bool whole;
    bool smtputf8;        /* the message has addresses or a header that are not ASCII */
};

/* Adds the report, with CRLF line ends. */
void report_write(const struct report *report, struct buf *out);
/* "<...>", as report_write() sets it. */
void report_message_id(const struct report *report, struct buf *out);

/* The header's lines, with their last CRLF and without the blank line; of a message that was cut, what is whole. */
struct span report_header_of(struct span message);

#endif
