#include "intake/enqueue.h"

#include <string.h>

#include "base/alloc.h"
#include "intake/spool.h"
#include "os/file.h"

#include "base/banned.h"

struct enqueue {
    struct enqueue_plan plan;
    struct prepared *prepared;
    enqueued *done;
    void *who;
    struct buf piece;
    struct store_body body;
    uint64_t left; /* octets not handed on */
    struct store_accepted accepted;
    struct queue_ask *ask;
    bool abandoned, over;
    unsigned jobs;
};

static void enqueue_free(struct enqueue *enqueue)
{
    prepared_free(enqueue->prepared);
    buf_done(&enqueue->piece);
    mem_free(enqueue);
}

static void end(struct enqueue *enqueue, const struct store_accepted *accepted, const struct err *why)
{
    enqueue->over = true;
    if (!enqueue->abandoned)
        enqueue->done(enqueue->who, accepted, why);
}

static void drop(void *data)
{
    struct enqueue *enqueue = data;

    if (--enqueue->jobs == 0 && (enqueue->over || enqueue->abandoned))
        enqueue_free(enqueue);
}

static bool next(struct enqueue *enqueue, struct err *err);

/* Piece by piece: each is hashed with the digest of those before it. */
bool enqueue_digest(int fd, unsigned char ret_digest[CRYPTO_SHA256_LEN], struct err *err)
{
    HELD(buf) piece = BUF(CRYPTO_SHA256_LEN + SPOOL_PIECE);
    uint64_t at = 0;
    size_t len;

    memset(ret_digest, 0, CRYPTO_SHA256_LEN);
    do {
        buf_clear(&piece);
        buf_add_span(&piece, (struct span){ (const char *)ret_digest, CRYPTO_SHA256_LEN });
        char *room = buf_room(&piece, SPOOL_PIECE);
        if (!room)
            return err_no_memory(err);
        if (!file_read_at(fd, at, room, SPOOL_PIECE, &len, err))
            return false;
        buf_wrote(&piece, len);
        at += len;
        if (!crypto_sha256(buf_span(&piece), ret_digest, err))
            return false;
    } while (len);
    return true;
}

/* ---- a piece ---- */

static bool run_piece(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct enqueue *enqueue = data;

    return store_body_add(store, &enqueue->body, buf_span(&enqueue->piece), now, err);
}

static void piece_done(void *data, const struct err *why)
{
    struct enqueue *enqueue = data;
    struct err err = *why;

    enqueue->ask = NULL;
    if (why->kind != ERR_NONE || !next(enqueue, &err))
        end(enqueue, NULL, &err);
}

/* ---- the whole ---- */

static bool run_accept(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct enqueue *enqueue = data;
    const struct prepared *prepared = enqueue->prepared;
    const struct store_order order = {
        .account = enqueue->plan.account,
        .submitter = enqueue->plan.submitter,
        .envelope = prepared->envelope,
        .content = enqueue->plan.content,
        .message_id = prepared->message_id,
        .from = prepared->from,
        .priority = enqueue->plan.priority,
        .not_before = enqueue->plan.not_before,
        .deadline = enqueue->plan.deadline,
        .deadline_tells = enqueue->plan.deadline_tells,
        .silent = prepared->silent,
        .body = enqueue->body.pieces ? &enqueue->body : NULL,
        .last = buf_span(&enqueue->piece),
    };

    return store_accept(store, &order, now, &enqueue->accepted, err);
}

static void accept_done(void *data, const struct err *why)
{
    struct enqueue *enqueue = data;

    enqueue->ask = NULL;
    end(enqueue, why->kind == ERR_NONE ? &enqueue->accepted : NULL, why->kind == ERR_NONE ? NULL : why);
}

/* ---- one after another ---- */

static bool read_piece(struct enqueue *enqueue, struct err *err)
{
    size_t want = enqueue->left < STORE_PIECE_MAX ? (size_t)enqueue->left : STORE_PIECE_MAX, got = 0;

    buf_clear(&enqueue->piece);
    char *room = buf_room(&enqueue->piece, STORE_PIECE_MAX);
    if (!room)
        return err_no_memory(err);
    for (size_t at = 0; at < want; at += got) {
        if (!spool_read(enqueue->prepared->disk, enqueue->prepared->fd, "the message", room + at, want - at, &got, err))
            return false;
        if (!got)
            return err_set(err, ERR_IO, "the message became shorter while it was read");
    }
    buf_wrote(&enqueue->piece, want);
    enqueue->left -= want;
    return true;
}

static bool next(struct enqueue *enqueue, struct err *err)
{
    if (!read_piece(enqueue, err))
        return false;
    bool last = enqueue->left == 0;
    const struct queue_job job = {
        .run = last ? run_accept : run_piece,
        .done = last ? accept_done : piece_done,
        .drop = drop,
        .data = enqueue,
        .bytes = enqueue->piece.len,
        .early = !last,
        .bare = !enqueue->prepared->envelope->key,
    };
    if (!queue_ask(enqueue->plan.port, &job, &enqueue->ask, err))
        return false;
    enqueue->jobs++;
    return true;
}

bool enqueue_start(const struct enqueue_plan *plan, struct prepared *prepared, enqueued *done, void *who,
                   struct enqueue **ret_enqueue, struct err *err)
{
    struct enqueue *enqueue = NEW(enqueue);

    if (!enqueue) {
        prepared_free(prepared);
        return err_no_memory(err);
    }
    *enqueue = (struct enqueue){
        .plan = *plan,
        .prepared = prepared,
        .done = done,
        .who = who,
        .piece = BUF(STORE_PIECE_MAX),
        .left = prepared->size,
    };
    if (!next(enqueue, err)) {
        enqueue_free(enqueue);
        return false;
    }
    *ret_enqueue = enqueue;
    return true;
}

void enqueue_abandon(struct enqueue *enqueue)
{
    if (!enqueue)
        return;
    enqueue->abandoned = true;
    queue_abandon(GIVE(enqueue->ask));
    if (!enqueue->jobs)
        enqueue_free(enqueue);
}
