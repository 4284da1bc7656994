/* The loop as libuv knows it: for this room's own files. */
#ifndef OUTPOST_NET_LOOP_INT_H
#define OUTPOST_NET_LOOP_INT_H

#include <uv.h>

#include "net/loop.h"

struct uv_loop_s *loop_uv(struct loop *loop);

/* Room for what is being read, LOOP_ROOM bytes each, shared by all streams of a loop: bytes are handed
 * on before anything else is read. Raw from the line; plain from TLS, to be wiped by who filled it. */
enum { LOOP_ROOM = 64 * 1024 };
char *loop_raw(struct loop *loop);
char *loop_plain(struct loop *loop);

/* What a loop keeps as long as it lives, and `gone` lets go when it is freed; NULL before. There is one such
 * thing: the HTTPS lines of net/fetch.c. */
void *loop_kept(const struct loop *loop);
void loop_keep(struct loop *loop, void *thing, void (*gone)(void *thing));

/* libuv's error as errno has it, for err_sys(); 0 for its own kinds, whose words are uv_strerror(). */
int loop_errno(int uv_error);

#endif
