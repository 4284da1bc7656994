/* A gateway on the test's own loop, and what it put into its queue: the store is memory's, and its commits fail when
 * told to.
 *
 *     BENCH(bench, "[listen lan]\naddress = 0.0.0.0:587\n" NETS BENCH_USER)
 *     call(&caller, bench->loop, bench_port(bench, "lan"));
 *     caller.turn = bench_turn, caller.who = bench;
 *
 * Listeners that are no Unix sockets listen at 127.0.0.1 on any port that is free, whatever their address says: as if
 * systemd had handed over the sockets.
 */
#ifndef OUTPOST_TESTS_GATEWAY_BENCH_H
#define OUTPOST_TESTS_GATEWAY_BENCH_H

#include "support/check.h"

#include "gateway/gateway.h"
#include "net/activation.h"
#include "net/loop.h"
#include "net/tls.h"
#include "os/log.h"
#include "queue/queue.h"
#include "support/caller.h"
#include "support/scratch.h"
#include "support/world.h"

#define BENCH_PASSWORD "secret-one"
#define BENCH_SIGN_IN  "AUTH PLAIN AHNjYW5uZXIAc2VjcmV0LW9uZQ==\r\n" /* scanner's */
#define BENCH_NETS     "allow = 192.0.2.0/24, fd00::/8\n"
/* Callers say where they come from. */
#define BENCH_PROXY    "proxy_from = 127.0.0.1/32\n"

struct bench {
    struct scratch *dir;
    struct world world;
    struct loop *loop;
    struct store *store;
    struct queue *queue;
    struct queue_port *port;
    struct knowledge *know;
    struct config *config;
    struct activation sockets;
    struct gateway_world plan;
    struct gateway *gateway;
    struct log log;
    struct buf logged;
    struct store_rows rows; /* of bench_look() */
    struct err err;         /* where it did not open */
};

/* Before it opens: things of the test's own. */
struct bench *bench_begin(void);
/* With an account "live" (me@live.example) and a user "scanner" in front of the text. False: bench->err. */
bool bench_open(struct bench *bench, const char *text);
/* The same, again; the caller's to free after the gateway. */
bool bench_reload(struct bench *bench, const char *text, struct config **ret_config);
void bench_end(struct bench **bench);
struct bench *bench_with(const char *text); /* both; fails the test where it does not open */
#define BENCH(name, text) __attribute__((cleanup(bench_end))) struct bench *name = bench_with(text)

void bench_turn(void *bench); /* the queue does what waits */
/* The commits that follow fail; or don't any more. */
void bench_break(struct bench *bench, bool broken);
unsigned bench_commits(void);

/* A socket for a listener of this name, for when it is opened the next time. */
void bench_hand_over(struct bench *bench, const char *name);

/* Of zeros where there is none. */
struct gateway_view bench_listener(const struct bench *bench, const char *name);
uint16_t bench_port(const struct bench *bench, const char *listener);

/* A client at a listener, which has heard the greeting where one is said. */
void bench_call(struct bench *bench, const char *listener, struct caller *ret_caller);
/* The same, and EHLO is said. */
void bench_greet(struct bench *bench, const char *listener, struct caller *ret_caller);
/* The same, and it has signed in as "scanner". */
void bench_enter(struct bench *bench, const char *listener, struct caller *ret_caller);
/* One whom a balancer introduces. */
void bench_call_as(struct bench *bench, const char *listener, const char *from, struct caller *ret_caller);
void bench_greet_as(struct bench *bench, const char *listener, const char *from, struct caller *ret_caller);
void bench_start_tls(struct bench *bench, struct caller *caller); /* EHLO, STARTTLS, handshake */
/* Turns until all is done that was begun. */
void bench_settle(struct bench *bench);

/* Turns until the gateway has hung up on this caller, who hears nothing meanwhile, or has nothing more to do. Makes no
 * memory of its own. */
void bench_run_out(struct bench *bench, const struct caller *caller);

/* All messages of the store, by id. */
const struct store_row *bench_look(struct bench *bench, size_t *ret_count);
const struct store_row *bench_only(struct bench *bench); /* of one message */
struct span bench_body(struct bench *bench, uint64_t id, struct buf *into);

#endif
