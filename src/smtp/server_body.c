/* The message as it arrives: by DATA up to CRLF.CRLF, by BDAT in chunks of a told size. Both
 * hand on the same octets, and both end in the same place. */
#include "smtp/server_int.h"

#include "base/scan.h"
#include "base/str.h"
#include "mail/envelope.h"

#include "base/banned.h"

enum {
    PIECE_MAX = 64 * 1024,
    REFUSED_MAX = 64 * 1024 * 1024, /* octets of what was refused that are still read */
};
static const uint64_t CHUNK_MAX = 1ULL << 31;

static uint64_t size_limit(const struct smtp_server *server)
{
    uint64_t told = smtp_server_offers(server)->size;

    return told ? told : UINT64_MAX;
}

/* The message is lost: what comes of it is read and dropped, and this is said at its end. */
static void spoil_by_answer(struct smtp_server *server, uint16_t code, const char *enhanced, const char *text)
{
    if (!server->spoiled.code)
        smtp_server_keep_reply(&server->spoiled, code, enhanced, text);
    server->in_message = false;
    buf_done(&server->body);
}

static void spoil(struct smtp_server *server, uint16_t code, const char *enhanced, const char *text)
{
    if (!server->spoiled.code)
        smtp_server_note_refusal(server, code, text, true);
    spoil_by_answer(server, code, enhanced, text);
}

/* -- what a piece may hold -- */

static void header_line_ended(struct smtp_header_count *header)
{
    header->lines++;
    header->received += header->is_received;
    header->in_line = header->is_received = false;
    header->matched = 0;
}

/* Counts the octets of the header as they pass. */
static void count_header(struct smtp_header_count *header, struct span piece)
{
    static const char received[] = "received:";

    for (size_t i = 0; i < piece.len && !header->done; i++) {
        char c = piece.at[i];
        header->octets++;
        if (c == '\n') {
            header->done = !header->in_line;
            header_line_ended(header);
        } else if (c != '\r') {
            header->in_line = true;
            if (header->matched < sizeof received - 1)
                header->matched = str_lower(c) == received[header->matched] ? header->matched + 1
                                                                            : sizeof received;
            header->is_received |= header->matched == sizeof received - 1;
        }
    }
}

static void check_header(struct smtp_server *server)
{
    const struct smtp_header_count *header = &server->header;

    if (header->received > SMTP_SERVER_RECEIVED_MAX)
        spoil(server, 554, "5.4.6", "The message goes round in a loop");
    else if (header->octets > SMTP_SERVER_HEADER_MAX ||
             header->lines > SMTP_SERVER_HEADER_LINES_MAX)
        spoil(server, 552, "5.3.4", "The message's header is too large");
}

static void spoil_too_large(struct smtp_server *server, uint64_t limit)
{
    HELD(buf) text = BUF(80);

    buf_addf(&text, "The message is larger than %llu octets", (unsigned long long)limit);
    spoil(server, 552, "5.3.4", buf_text(&text));
}

/* Hands on what is in `body`, unless the message is lost. */
static void hand_on(struct smtp_server *server, uint64_t raw)
{
    uint64_t limit = size_limit(server);

    server->size += raw;
    if (server->size > limit)
        spoil_too_large(server, limit);
    if (server->size > limit && server->size - limit > REFUSED_MAX) {
        smtp_server_shut(server, "4.3.4", "The message is larger than allowed");
        return;
    }
    if (server->body.full)
        spoil(server, 451, "4.3.0", "No memory");
    if (!server->spoiled.code) {
        count_header(&server->header, buf_span(&server->body));
        check_header(server);
    }
    if (server->spoiled.code)
        buf_done(&server->body);
    else if (server->body.len)
        server->need = SMTP_SERVER_BODY;
}

/* -- DATA -- */

void smtp_server_data(struct smtp_server *server, uint64_t now)
{
    (void)now;
    if (server->envelope->body == BODY_BINARY) {
        smtp_server_reset(server);
        smtp_server_refuse(server, 503, "5.5.1", "BINARYMIME goes by BDAT");
        return;
    }
    smtp_server_ask(server, SMTP_ASK_BEGIN);
}

/* A message with a bare CR, a bare LF or a NUL is read to its real end, and dropped: nobody
 * after us is to guess where its lines end. */
static void check_data(struct smtp_server *server)
{
    if (server->data.bare_cr || server->data.bare_lf)
        spoil(server, 550, "5.6.0", "The message has a line end that is not CR LF");
    if (server->data.bare_dot)
        spoil(server, 550, "5.6.0", "The message has a dot alone, and a line end beside it is not CR LF");
    if (server->data.nul)
        spoil(server, 550, "5.6.0", "The message has a NUL");
}

static void message_ended(struct smtp_server *server)
{
    if (server->spoiled.code) {
        struct smtp_server_reply reply = server->spoiled;
        server->spoiled = (struct smtp_server_reply){ .text = BUF(2048) };
        smtp_server_reset(server);
        smtp_server_say_kept(server, &reply);
        return;
    }
    server->messages++;
    smtp_server_ask(server, SMTP_ASK_KEEP);
}

void smtp_server_read_data(struct smtp_server *server, uint64_t now)
{
    struct span piece = span_cut(server->in, 0, PIECE_MAX);
    struct span rest = piece;

    buf_expect(&server->body, piece.len);
    bool ended = smtp_data_read(&server->data, &rest, &server->body);
    size_t used = piece.len - rest.len;

    server->in = span_from(server->in, used);
    server->looked = 0;
    check_data(server);
    if (server->data.eight && server->envelope->body == BODY_7BIT)
        server->envelope->body = BODY_8BIT;
    hand_on(server, server->body.len);
    if (server->need != SMTP_SERVER_BODY && ended) {
        smtp_server_read_next(server, SMTP_READS_COMMAND, now);
        message_ended(server);
    }
}

/* -- BDAT -- */

void smtp_server_bdat(struct smtp_server *server, struct span argument, bool refused, uint64_t now)
{
    uint64_t size, limit = size_limit(server);
    bool last;

    if (!smtp_bdat_read(argument, limit < CHUNK_MAX ? limit : CHUNK_MAX, &size, &last)) {
        smtp_server_end(server, 501, "5.5.4", "Syntax: BDAT <size> [LAST]");
        return;
    }
    if (refused) {
        server->refused_octets += size;
        if (server->refused_octets > REFUSED_MAX) {
            smtp_server_shut(server, "4.7.0", "Too many chunks that nobody asked for");
            return;
        }
    }
    server->chunk_left = size;
    server->chunk_last = last;
    server->chunk_refused = refused;
    if (!refused && server->state != SMTP_AT_CHUNKS) {
        server->state = SMTP_AT_CHUNKS;
        smtp_server_ask(server, SMTP_ASK_BEGIN);
        return;
    }
    smtp_server_read_next(server, SMTP_READS_CHUNK, now);
    if (!size)
        smtp_server_read_chunk(server, now);
}

/*= RFC 3030 2
 *# A 250 response MUST be sent to each successful BDAT data block within a mail transaction.  If a
 *# failure occurs after a BDAT command is received, the receiver-SMTP MUST accept and discard the
 *# associated message data before sending the appropriate 5XX or 4XX code. */
static void chunk_ended(struct smtp_server *server, uint64_t now)
{
    smtp_server_read_next(server, SMTP_READS_COMMAND, now);
    if (server->chunk_refused) {
        smtp_server_reset(server);
        smtp_server_refuse(server, 503, "5.5.1", "No chunk is expected here");
    } else if (server->spoiled.code || server->chunk_last) {
        message_ended(server);
    } else {
        smtp_server_reply(server, 250, "2.0.0", "Chunk taken");
    }
}

static void check_chunk(struct smtp_server *server, struct span piece)
{
    struct err err = { 0 };
    bool last = server->chunk_last && !server->chunk_left;

    server->check.binary = server->envelope->body == BODY_BINARY;
    server->check.eight = true;
    if (!server->check.binary && !str_is_ascii(piece))
        server->envelope->body = BODY_8BIT;
    if (!server->spoiled.code && !smtp_data_check(&server->check, piece, last, &err))
        spoil(server, 550, "5.6.0", "The message has a NUL, or a line end that is not CR LF");
}

/* A piece with its bare LFs repaired, unless it is to stay as it is. */
static struct span mend_chunk(struct smtp_server *server, struct span piece, struct buf *mended)
{
    if (server->envelope->body == BODY_BINARY || server->spoiled.code)
        return piece;
    smtp_data_mend(&server->mender, piece, mended);
    if (mended->full)
        spoil(server, 451, "4.3.0", "No memory");
    if (server->mender.bare_dot)
        spoil(server, 550, "5.6.0", "The message has a dot alone, and a line end beside it is not CR LF");
    return buf_span(mended);
}

void smtp_server_read_chunk(struct smtp_server *server, uint64_t now)
{
    size_t most = server->chunk_left < PIECE_MAX ? (size_t)server->chunk_left : PIECE_MAX;
    struct span piece = span_cut(server->in, 0, most);
    HELD(buf) mended = BUF(2 * PIECE_MAX);

    server->in = span_from(server->in, piece.len);
    server->looked = 0;
    server->chunk_left -= piece.len;
    if (!server->chunk_refused) {
        struct span kept = server->plan->repair ? mend_chunk(server, piece, &mended) : piece;
        check_chunk(server, kept);
        if (!server->spoiled.code)
            buf_add_span(&server->body, kept);
        hand_on(server, kept.len);
    }
    if (server->need != SMTP_SERVER_BODY && !server->chunk_left)
        chunk_ended(server, now);
}

/* -- answers -- */

void smtp_server_piece_done(struct smtp_server *server, uint64_t now)
{
    bool data = server->mode == SMTP_READS_DATA;
    bool ended = data ? server->data.ended : !server->chunk_left;

    buf_done(&server->body);
    if (!ended) {
        smtp_server_read_next(server, server->mode, now);
    } else if (data) {
        smtp_server_read_next(server, SMTP_READS_COMMAND, now);
        message_ended(server);
    } else {
        chunk_ended(server, now);
    }
}

static void say_answer(struct smtp_server *server, const struct smtp_answer *answer, uint16_t code,
                       const char *enhanced, const char *text)
{
    if (answer->code)
        smtp_server_reply(server, answer->code, answer->enhanced, answer->text);
    else
        smtp_server_reply(server, code, enhanced, text);
}

void smtp_server_begin_answered(struct smtp_server *server, const struct smtp_answer *answer,
                                uint64_t now)
{
    bool chunk = server->state == SMTP_AT_CHUNKS;

    if (chunk && !answer->yes)
        spoil_by_answer(server, answer->code ? answer->code : 452, answer->code ? answer->enhanced : "4.3.1",
                        answer->code ? answer->text : "No room for a message now");
    server->in_message = answer->yes;
    if (chunk) {
        smtp_server_read_next(server, SMTP_READS_CHUNK, now);
        if (!server->chunk_left)
            smtp_server_read_chunk(server, now);
    } else if (answer->yes) {
        server->data.repair = server->plan->repair;
        smtp_server_read_next(server, SMTP_READS_DATA, now);
        smtp_server_reply(server, 354, NULL, "Go on; end with a dot on a line of its own");
    } else {
        smtp_server_reset(server);
        say_answer(server, answer, 452, "4.3.1", "No room for a message now");
    }
}

void smtp_server_keep_answered(struct smtp_server *server, const struct smtp_answer *answer)
{
    smtp_server_reset(server);
    if (answer->yes)
        server->idle = 0;
    if (answer->yes)
        say_answer(server, answer, 250, "2.0.0", "Kept");
    else
        say_answer(server, answer, 451, "4.3.0", "The message can't be kept now");
}
