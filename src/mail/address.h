/* Addresses: one mailbox (RFC 5321, 4.1.2), the path of a command, and the lists of a header
 * (RFC 5322, 3.4), all with UTF-8 as RFC 6531 and 6532 allow.
 *
 * What is parsed is what goes out: `wire` is checked by the grammar of the envelope, its domain in
 * A-labels, so it holds no control character, no blank outside quotes and no angle bracket outside
 * quotes, and can be written between < and > as it is. Local parts have at most 64 octets, domains 255.
 *
 * Addresses are parsed before anything is decoded: nothing in a display name, a comment or an
 * encoded-word ever becomes an address. No input makes these functions recurse; their time is linear.
 *
 * Errors are ERR_DATA with the fact "address:malformed" and name the place:
 * "at character 7: a domain is missing after \"@\"".
 */
#ifndef OUTPOST_MAIL_ADDRESS_H
#define OUTPOST_MAIL_ADDRESS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/scan.h"

enum { ADDRESS_LOCAL_MAX = 64, ADDRESS_DOMAIN_MAX = 255, ADDRESS_LIST_MAX = 10000 };

struct address {
    char *wire;     /* "me@xn--bcher-kva.example"; "" for the null path <> */
    char *name;     /* the display name without quotes, encoded-words as they stand; "" if none */
    bool smtputf8;  /* the local part is not ASCII: only a server with SMTPUTF8 takes it */
    bool qualified; /* it was a bare name, and got the domain handed in */
    size_t end;     /* in a list: the offset after its local part, where a bare name lacks "@domain" */
};

void address_done(struct address *address); /* leaves it empty */

struct span address_local(const struct address *address);  /* before the last "@" outside quotes */
struct span address_domain(const struct address *address); /* after it; empty if there is none */

/* Exactly one address, "me@live.com", without name or brackets. */
MUST_USE bool address_parse(struct span text, struct address *ret_address, struct err *err);
/* The same, where a bare name ("root") gets `domain`. */
MUST_USE bool address_parse_bare(struct span text, const char *domain, struct address *ret_address,
                                 struct err *err);

/* A domain alone: *out gets it in A-labels, or an address literal "[192.0.2.1]" as it is. */
MUST_USE bool address_domain_parse(struct span text, struct buf *out, struct err *err);

/* The path of MAIL FROM:<...> and RCPT TO:<...>, RFC 5321 4.1.2: brackets, an old source route
 * (read and dropped), a mailbox. */
enum path_kind {
    PATH_REVERSE, /* MAIL: may be <> */
    PATH_FORWARD, /* RCPT: may be <Postmaster>, without a domain */
};
MUST_USE bool address_path_scan(struct scan *scan, enum path_kind kind, struct address *ret_address,
                                struct err *err);

/* The value of To, Cc, From...: display names, comments, groups, folded lines, and the obsolete
 * forms (routes, empty members, blanks around dots). */
struct address_list {
    struct address *at;
    size_t count;
    size_t room;
};

void address_list_done(struct address_list *list);

/* Adds the members of `value` to *list. A bare name gets `domain`; without one (NULL) it is an error.
 * A list with one bad member is refused whole: the error tells which ("address 2: at character 19: ...")
 * and *list is as it was. More than ADDRESS_LIST_MAX are refused: ERR_LIMIT, "recipients:too-many". */
MUST_USE bool address_list_parse(struct span value, const char *domain, struct address_list *list,
                                 struct err *err);

/* The same mailbox? Local parts byte by byte, domains with ASCII case aside. */
bool address_same(struct span wire, struct span other_wire);

/* Writes a display name so that it can't be taken for anything else: as it is where it is plain words,
 * in quotes, or as encoded-words (RFC 2047). Control characters become blanks. Nothing for "". */
void address_name_add(struct buf *out, struct span name);
/* `Name <address>`, or the bare address where there is no name. */
void address_add(struct buf *out, struct span name, struct span wire);

#endif
