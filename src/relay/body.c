#include "relay/body.h"

#include "mail/convert.h"

#include "base/banned.h"

enum { PIECE = 32 * 1024, READY_MAX = 8 * PIECE + 1024 * 1024 };

void body_begin(struct body *body, const struct transport_body *source)
{
    *body = (struct body){ .source = source, .ready = BUF(READY_MAX) };
}

void body_rewind(struct body *body)
{
    convert_free(GIVE(body->convert));
    buf_clear(&body->ready);
    body->at = 0;
    body->ended = false;
}

void body_done(struct body *body)
{
    body_rewind(body);
    buf_done(&body->ready);
}

static bool convert_piece(struct body *body, struct err *err)
{
    char piece[PIECE];
    size_t len = 0;

    if (!body->convert && !(body->convert = convert_new()))
        return err_no_memory(err);
    if (!body->source->read(body->source->of, body->at, piece, sizeof piece, &len, err))
        return false;
    body->at += len;
    body->ended = len == 0;
    if (len ? !convert_feed(body->convert, (struct span){ piece, len }, &body->ready, err)
            : !convert_end(body->convert, &body->ready, err))
        return false;
    return !body->ready.full || err_no_memory(err);
}

static bool read_lowered(struct body *body, char *into, size_t room, size_t *ret_len, struct err *err)
{
    while (body->ready.len == 0 && !body->ended)
        if (!convert_piece(body, err))
            return false;
    *ret_len = body->ready.len < room ? body->ready.len : room;
    if (*ret_len)
        memcpy(into, body->ready.at, *ret_len);
    buf_drop_front(&body->ready, *ret_len);
    return true;
}

static bool read_on(void *of, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct body *body = of;

    if (body->lowers)
        return read_lowered(body, into, room, ret_len, err);
    if (!body->source->read(body->source->of, body->at, into, room, ret_len, err))
        return false;
    body->at += *ret_len;
    return true;
}

bool body_lower(struct body *body, uint64_t *ret_size, struct err *err)
{
    uint64_t size = 0;

    body->lowers = true;
    body_rewind(body);
    while (!body->ended) {
        if (!convert_piece(body, err))
            return false;
        size += body->ready.len;
        buf_clear(&body->ready);
    }
    body_rewind(body);
    *ret_size = size;
    return true;
}

struct session_body body_for_session(struct body *body)
{
    return (struct session_body){ read_on, body };
}
