/* The XML with which a domain, or Thunderbird's database, tells a mail program its settings
 * (draft-ietf-mailmaint-autoconfig): of its outgoing servers, what we can use. Pure.
 *
 * Foreign bytes: at most 64 KB, nested at most 20 deep, no document type, and so no entity but the five
 * that XML has. Unknown elements and servers that we can't use are passed over in silence; what
 * is not XML, or not this, is an error.
 */
#ifndef OUTPOST_DISCOVER_AUTOCONFIG_H
#define OUTPOST_DISCOVER_AUTOCONFIG_H

#include "base/err.h"
#include "discover/candidate.h"

enum {
    AUTOCONFIG_MAX = 64 * 1024,
    AUTOCONFIG_DEPTH_MAX = 20,
    AUTOCONFIG_SERVERS_MAX = 8, /* the first ones; the document's order is its preference */
};

struct autoconfig {
    size_t count;
    struct candidate at[AUTOCONFIG_SERVERS_MAX]; /* `source` is left 0, for the caller to say */
};

/* `address` fills %EMAILADDRESS%, %EMAILLOCALPART% and %EMAILDOMAIN%. An answer without any server that
 * could be used is no failure. */
MUST_USE bool autoconfig_parse(struct span xml, struct span address, struct autoconfig *ret_autoconfig,
                               struct err *err);

#endif
