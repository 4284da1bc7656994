/* What net/fetch_curl.c (a request) and net/fetch_lines.c (lines that are kept) share. The module's own. */
#ifndef OUTPOST_NET_FETCH_CURL_INT_H
#define OUTPOST_NET_FETCH_CURL_INT_H

#include <curl/curl.h>
#include <uv.h>

#include "net/fetch_face.h"

enum { PLACE_MAGIC = 0x706c6163 };

struct socket_watch;

/* Lines to one place: a multi handle of curl's, which keeps and reuses them, and never hears of any other
 * place. So no line can be taken for a request to another one, whatever curl compares. */
struct place {
    uint32_t magic;
    struct transfer_pool *pool;
    struct place *next, **link; /* link: what points at this one */
    char *name;
    CURLM *multi;
    uv_timer_t timer; /* when curl wants to be called although nothing came */
    uv_timer_t idle;  /* when what is kept is let go */
    unsigned handles, busy;
    bool kept; /* the last request went well: its line is there */
    struct socket_watch *watches;
};

/* The place of that name, which is busy until place_left(). NULL: no memory. */
struct place *place_enter(struct transfer_pool *pool, const char *name);
void place_left(struct place *place);

/* A request of the place is over: tells whose it was. */
void transfer_over(CURL *easy, CURLcode code);

/* fetch_dates.c: curl's question what is to be trusted: the dates of certificates don't matter. */
CURLcode trust_any_date(CURL *easy, void *context, void *unused);

bool lines_open(struct uv_loop_s *loop, struct transfer_pool **ret_pool, struct err *err);
void lines_close(struct transfer_pool *pool);
bool lines_keep(const struct transfer_pool *pool, const char *name);

#endif
