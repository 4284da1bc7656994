/* A name server for tests: one UDP socket on the test's own loop, with answers from a table. */
#ifndef OUTPOST_TESTS_NAME_SERVER_H
#define OUTPOST_TESTS_NAME_SERVER_H

#include <uv.h>

#include "base/buf.h"

struct loop;

enum dns_type { DNS_A = 1, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_SRV = 33 };
enum dns_says {
    DNS_OK = 0,
    DNS_SERVFAIL = 2,
    DNS_NXDOMAIN = 3, /* also for what is not in the table */
    DNS_SILENT = -1,  /* no answer at all */
    DNS_CUT = -2,     /* an answer that lacks its last bytes */
};

#define DNS_DATA(bytes) { "" bytes, sizeof(bytes) - 1 }

struct dns_entry {
    const char *name;
    enum dns_type type;
    enum dns_says says;
    struct span records[3]; /* the data of each, as on the wire: DNS_DATA("...") */
};

struct name_server {
    uv_udp_t udp;
    const struct dns_entry *zone;
    size_t zone_count;
    char address[32]; /* "127.0.0.1:54321" */
    char bytes[2048];
    struct buf out;
    unsigned asked;   /* questions so far */
};

void name_server_start(struct name_server *server, struct loop *loop, const struct dns_entry *zone,
                       size_t zone_count);
void name_server_stop(struct name_server *server); /* its memory is needed until the loop is freed */

#endif
