#include "gateway/submission.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "base/str.h"

#include "base/banned.h"

enum { LINE_MAX_LEN = 64 * 1024, LENGTH_LINE_MAX = 16 };

struct submission_reader {
    struct pool pool;
    struct submission said;
    struct buf line;
    size_t head;    /* octets of the lines so far */
    uint64_t left;  /* of the piece */
    enum { FIRST, LINES, LENGTH, BYTES, OVER } where;
};

struct submission_reader *submission_reader_new(void)
{
    struct submission_reader *reader = NEW(submission_reader);

    if (reader)
        reader->line = (struct buf)BUF(LINE_MAX_LEN);
    return reader;
}

void submission_reader_free(struct submission_reader *reader)
{
    if (!reader)
        return;
    pool_done(&reader->pool);
    buf_done(&reader->line);
    mem_free(reader);
}

const struct submission *submission_lines(const struct submission_reader *reader)
{
    return &reader->said;
}

/* ---- what a line says ---- */

static bool wrong(struct err *err, const char *what)
{
    return err_set(err, ERR_PROTOCOL, "%s", what);
}

static bool keep(struct submission_reader *reader, struct span value, const char **ret_text, struct err *err)
{
    *ret_text = pool_text(&reader->pool, value);
    return *ret_text || err_no_memory(err);
}

static bool take_sender(struct submission_reader *reader, struct span value, struct err *err)
{
    return keep(reader, value, &reader->said.sender, err);
}

static bool take_account(struct submission_reader *reader, struct span value, struct err *err)
{
    return keep(reader, value, &reader->said.account, err);
}

static bool take_name(struct submission_reader *reader, struct span value, struct err *err)
{
    return keep(reader, value, &reader->said.name, err);
}

static bool take_envid(struct submission_reader *reader, struct span value, struct err *err)
{
    return keep(reader, value, &reader->said.envid, err);
}

static bool take_key(struct submission_reader *reader, struct span value, struct err *err)
{
    return keep(reader, value, &reader->said.key, err);
}

static bool take_recipient(struct submission_reader *reader, struct span value, struct err *err)
{
    if (reader->said.recipient_count == SUBMISSION_LISTS_MAX)
        return wrong(err, "that is more recipients than are taken");
    return keep(reader, value, &reader->said.recipients[reader->said.recipient_count++], err);
}

static bool take_header_recipients(struct submission_reader *reader, struct span value, struct err *err)
{
    reader->said.header_recipients = span_is(value, "yes");
    return reader->said.header_recipients || wrong(err, "header-recipients is yes, or is not there");
}

static const struct {
    const char *word;
    enum envelope_notify bit;
} notifies[] = {
    { "never", NOTIFY_NEVER }, { "success", NOTIFY_SUCCESS }, { "failure", NOTIFY_FAILURE }, { "delay", NOTIFY_DELAY },
};

static bool take_notify(struct submission_reader *reader, struct span value, struct err *err)
{
    struct span word;

    while (span_split(&value, ',', &word)) {
        size_t i = 0;
        while (i < COUNT(notifies) && !span_is(word, notifies[i].word))
            i++;
        if (i == COUNT(notifies))
            return wrong(err, "notify is never, success, failure, delay");
        reader->said.notify |= notifies[i].bit;
    }
    return true;
}

static bool take_ret(struct submission_reader *reader, struct span value, struct err *err)
{
    reader->said.ret = span_is(value, "full") ? RET_FULL : span_is(value, "headers") ? RET_HEADERS : RET_UNSAID;
    return reader->said.ret != RET_UNSAID || wrong(err, "ret is full or headers");
}

static const struct {
    const char *key;
    bool (*take)(struct submission_reader *reader, struct span value, struct err *err);
} keys[] = {
    { "sender", take_sender },   { "recipient", take_recipient }, { "header-recipients", take_header_recipients },
    { "account", take_account }, { "name", take_name },           { "notify", take_notify },
    { "ret", take_ret },         { "envid", take_envid },         { "key", take_key },
};

static bool take_line(struct submission_reader *reader, struct span line, struct err *err)
{
    size_t blank = span_find(line, ' ');

    for (size_t i = 0; i < COUNT(keys); i++)
        if (span_is(span_cut(line, 0, blank), keys[i].key))
            return keys[i].take(reader, span_from(line, blank + 1), err);
    return wrong(err, "a line says something unknown; is the program another version?");
}

/* ---- bytes ---- */

/* The next line without its end, in reader->line: false where it has not come whole. */
static bool whole_line(struct submission_reader *reader, struct span *bytes)
{
    size_t end = span_find(*bytes, '\n');
    bool whole = end < bytes->len;

    buf_add_span(&reader->line, span_cut(*bytes, 0, end));
    *bytes = span_from(*bytes, whole ? end + 1 : end);
    return whole;
}

static enum submission_step line_step(struct submission_reader *reader, struct err *err)
{
    struct span line = buf_span(&reader->line);
    uint64_t length;

    switch (reader->where) {
    case FIRST:
        reader->where = LINES;
        if (span_is(line, SUBMISSION_FIRST))
            return SUBMISSION_MORE;
        wrong(err, "this is not how a message is handed in; is the program another version?");
        return SUBMISSION_WRONG;
    case LINES:
        if (line.len)
            return take_line(reader, line, err) ? SUBMISSION_MORE : SUBMISSION_WRONG;
        reader->where = LENGTH;
        return SUBMISSION_BEGUN;
    case LENGTH:
        if (line.len > LENGTH_LINE_MAX || !str_to_u64(line, 0, SUBMISSION_PIECE_MAX, &length)) {
            wrong(err, "a piece of the message has no length");
            return SUBMISSION_WRONG;
        }
        reader->left = length;
        reader->where = length ? BYTES : OVER;
        return length ? SUBMISSION_MORE : SUBMISSION_WHOLE;
    case BYTES:
    case OVER:
        break;
    }
    wrong(err, "there is something behind the end");
    return SUBMISSION_WRONG;
}

static enum submission_step piece_step(struct submission_reader *reader, struct span *bytes, struct span *ret_piece)
{
    size_t len = bytes->len < reader->left ? bytes->len : (size_t)reader->left;

    *ret_piece = span_cut(*bytes, 0, len);
    *bytes = span_from(*bytes, len);
    reader->left -= len;
    if (!reader->left)
        reader->where = LENGTH;
    return SUBMISSION_PIECE;
}

enum submission_step submission_read(struct submission_reader *reader, struct span *bytes, struct span *ret_piece,
                                     struct err *err)
{
    while (bytes->len) {
        if (reader->where == BYTES)
            return piece_step(reader, bytes, ret_piece);
        size_t before = bytes->len;
        bool whole = whole_line(reader, bytes);
        reader->head += reader->where == LENGTH ? 0 : before - bytes->len;
        if (reader->line.full || reader->head > SUBMISSION_HEAD_MAX) {
            wrong(err, "a line is too long, or there are too many");
            return SUBMISSION_WRONG;
        }
        if (!whole)
            break;
        enum submission_step step = line_step(reader, err);
        buf_clear(&reader->line);
        if (step != SUBMISSION_MORE)
            return step;
    }
    return SUBMISSION_MORE;
}

/* ---- the other side ---- */

static bool add_line(struct buf *out, const char *key, const char *value, struct err *err)
{
    if (!value)
        return true;
    for (const char *at = value; *at; at++)
        if (*at == '\n' || *at == '\r')
            return err_found(err, ERR_DATA, "message:header", "a line break stands in %s", key);
    buf_addf(out, "%s %s\n", key, value);
    return true;
}

static void add_notify(struct buf *out, unsigned notify)
{
    const char *lead = "notify ";

    for (size_t i = 0; i < COUNT(notifies); i++) {
        if (!(notify & notifies[i].bit))
            continue;
        buf_addf(out, "%s%s", lead, notifies[i].word);
        lead = ",";
    }
    if (notify)
        buf_add(out, "\n");
}

bool submission_write(const struct submission *s, struct buf *out, struct err *err)
{
    buf_add(out, SUBMISSION_FIRST "\n");
    if (!add_line(out, "sender", s->sender, err) || !add_line(out, "account", s->account, err) ||
        !add_line(out, "name", s->name, err) || !add_line(out, "envid", s->envid, err) ||
        !add_line(out, "key", s->key, err))
        return false;
    for (size_t i = 0; i < s->recipient_count; i++)
        if (!add_line(out, "recipient", s->recipients[i], err))
            return false;
    add_notify(out, s->notify);
    if (s->ret != RET_UNSAID)
        buf_addf(out, "ret %s\n", s->ret == RET_FULL ? "full" : "headers");
    buf_add(out, s->header_recipients ? "header-recipients yes\n\n" : "\n");
    return !out->full || err_set(err, ERR_LIMIT, "that is more than can be handed in at once");
}

void submission_write_piece(struct span piece, struct buf *out)
{
    buf_addf(out, "%zu\n", piece.len);
    buf_add_span(out, piece);
}
