/* What stands between a client and a server of a test, on the test's own loop: counts calls and round trips as
 * they would be on a long line, and breaks what it is told to break. */
#ifndef OUTPOST_TESTS_GO_BETWEEN_H
#define OUTPOST_TESTS_GO_BETWEEN_H

#include "net/listen.h"

struct go_between_line;

struct go_between {
    struct loop *loop;
    struct listener *listener;
    uint16_t port, to_port;  /* both on 127.0.0.1 */
    unsigned calls;          /* lines that were opened */
    unsigned turns;          /* times the client spoke after the server, or first: what it waits for once each */
    uint64_t sent;           /* bytes of the client's that were passed on */
    bool cut_answer;         /* the next bytes of the server's are dropped, and the line with them */
    uint64_t cut_at;         /* when so many bytes have been sent the line is cut; 0: never */
    struct go_between_line *lines;
};

void go_between_start(struct go_between *relay, struct loop *loop, uint16_t to_port);
void go_between_stop(struct go_between *relay);
/* All lines are cut; new ones may come. */
void go_between_cut(struct go_between *relay);

#endif
