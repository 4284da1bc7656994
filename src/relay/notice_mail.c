#include "relay/notice_mail.h"

#include "base/alloc.h"
#include "base/str.h"
#include "mail/address.h"

#include "base/banned.h"

enum { WRITTEN_MAX = 8 * 1024 * 1024, ID_MAX = 400 };

struct mailing {
    struct mailing_plan plan;
    mailed *done;
    void *who;
    struct address from, to;
    struct envelope *envelope;
    struct buf message_id;
    struct buf body;    /* of the message it is about */
    struct buf written;
};

static void mailing_free(struct mailing *mailing)
{
    if (!mailing)
        return;
    address_done(&mailing->from);
    address_done(&mailing->to);
    envelope_free(mailing->envelope);
    buf_done(&mailing->message_id);
    buf_done(&mailing->body);
    buf_done(&mailing->written);
    mem_free(mailing);
}
OWNED(mailing);

/* ---- what comes back ---- */

/* RFC 3461, 4.3: RET speaks of failures; a message that still goes on its way is not sent back. Where nothing was said
 * it is, as nobody else may have it. */
static bool wants_whole(const struct about *about)
{
    const struct store_row *row = about->row;

    return (about->what == ABOUT_FAILED || about->what == ABOUT_UNKNOWN) && row->ret != RET_HEADERS &&
           row->size <= REPORT_WHOLE_MAX;
}

/* A body that is damaged can't come back; that is no reason to be silent. */
static bool read_message(struct mailing *mailing, struct store *store, struct err *err)
{
    const struct store_row *row = mailing->plan.about->row;
    bool whole = wants_whole(mailing->plan.about);
    size_t most = whole ? REPORT_WHOLE_MAX : REPORT_HEADER_MAX;
    struct err why = { 0 };

    mailing->body = (struct buf)BUF(REPORT_WHOLE_MAX + STORE_PIECE_MAX);
    for (uint32_t i = 0; i < row->pieces && mailing->body.len < most; i++) {
        if (store_body_read(store, row->id, i, &mailing->body, &why))
            continue;
        if (!why.fact || strcmp(why.fact, "store:damaged") != 0) {
            *err = why;
            return false;
        }
        buf_clear(&mailing->body);
        whole = false;
        break;
    }
    struct report *report = &mailing->plan.report;
    report->whole = whole;
    report->message = buf_span(&mailing->body);
    if (!whole)
        report->message = report_header_of(span_cut(report->message, 0, REPORT_HEADER_MAX));
    return true;
}

/* ---- on the queue's thread ---- */

static bool add_body(struct mailing *mailing, struct store *store, uint64_t now, struct store_body *body,
                     struct span *rest, struct err *err)
{
    *rest = buf_span(&mailing->written);
    for (; rest->len > STORE_PIECE_MAX; *rest = span_from(*rest, STORE_PIECE_MAX))
        if (!store_body_add(store, body, span_cut(*rest, 0, STORE_PIECE_MAX), now, err))
            return false;
    return true;
}

static bool run(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct mailing *mailing = data;
    const struct mailing_plan *plan = &mailing->plan;
    const struct store_told told = about_told(plan->about, NULL);
    struct store_body body = { 0 };
    struct store_accepted accepted;
    struct span rest;

    if (!read_message(mailing, store, err))
        return false;
    mailing->written = (struct buf)BUF(WRITTEN_MAX);
    report_write(&plan->report, &mailing->written);
    if (mailing->written.full)
        return err_no_memory(err);
    if (!str_is_ascii(buf_span(&mailing->written)))
        mailing->envelope->body = BODY_8BIT;
    if (!add_body(mailing, store, now, &body, &rest, err))
        return false;
    const struct store_order order = {
        .account = plan->account->name,
        .submitter = plan->about->row->submitter,
        .envelope = mailing->envelope,
        .message_id = buf_text(&mailing->message_id),
        .from = mailing->from.wire,
        .silent = true,
        .tells = &told,
        .body = body.pieces ? &body : NULL,
        .last = rest,
    };
    return store_accept(store, &order, now, &accepted, err);
}

static void done(void *data, const struct err *err)
{
    struct mailing *mailing = data;
    bool before = err->fact && strcmp(err->fact, "store:told-already") == 0;

    mailing->done(mailing->who, err->kind == ERR_NONE || before ? NULL : err);
}

static void drop(void *data)
{
    mailing_free(data);
}

/* ---- the order ---- */

/* RFC 3461, 6.1: a report is from <>, asks for no report and says no RET. Not every provider takes mail from <>. */
static bool fill(struct mailing *mailing, struct err *err)
{
    struct mailing_plan *plan = &mailing->plan;
    const struct profile *profile = plan->account->profile;
    struct span from = span_of(plan->account->address), to = plan->to ? span_of(plan->to) : from;
    bool null_sender = profile && profile->capabilities.null_sender;

    mailing->envelope = envelope_new();
    mailing->message_id = (struct buf)BUF(ID_MAX);
    if (!mailing->envelope)
        return err_no_memory(err);
    if (!address_parse(from, &mailing->from, err) || !address_parse(to, &mailing->to, err) ||
        !envelope_set_sender(mailing->envelope, null_sender ? SPAN_NONE : span_of(mailing->from.wire), err) ||
        !envelope_add_dsn(mailing->envelope, span_of(mailing->to.wire), NOTIFY_NEVER, SPAN_NONE, err))
        return false;
    mailing->envelope->smtputf8 |= mailing->from.smtputf8;
    plan->report.from = mailing->from.wire;
    plan->report.to = mailing->to.wire;
    report_message_id(&plan->report, &mailing->message_id);
    return !mailing->message_id.full || err_no_memory(err);
}

bool mailing_start(const struct mailing_plan *plan, mailed *told, void *who, struct err *err)
{
    OWN(mailing) mailing = NEW(mailing);
    const struct queue_job job = { .run = run, .done = done, .drop = drop, .data = mailing };

    if (!mailing)
        return err_no_memory(err);
    mailing->plan = *plan;
    mailing->done = told;
    mailing->who = who;
    if (!fill(mailing, err) || !queue_ask(plan->port, &job, NULL, err))
        return false;
    (void)GIVE(mailing);
    return true;
}
