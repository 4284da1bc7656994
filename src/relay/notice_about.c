#include "relay/notice_about.h"

#include "base/buf.h"
#include "base/str.h"

#include "base/banned.h"

enum { STEPS_MAX = 8, TEXT_MAX = 8 * 1024, SHOWN = 10, WORDS_SHOWN = 300 };

/* ---- sorting ---- */

static enum about_what what_of(const struct store_row_recipient *r)
{
    bool open = STORE_OPEN & STORE_IN(r->state);

    if (r->wanted & REPORT_FAILURE)
        return r->state == STORE_FAILED ? ABOUT_FAILED : r->state == STORE_UNKNOWN ? ABOUT_UNKNOWN : ABOUT_NOTHING;
    if (r->wanted & REPORT_RELAYED)
        return r->state == STORE_DELIVERED ? ABOUT_RELAYED : ABOUT_NOTHING;
    return open ? ABOUT_DELAYED : ABOUT_NOTHING;
}

static bool add_matter(const struct store_row *row, enum about_what what, struct pool *pool, struct about *about)
{
    *about = (struct about){
        .row = row,
        .what = what,
        .recipients = pool_array(pool, row->recipient_count, sizeof(void *)),
        .numbers = pool_array(pool, row->recipient_count, sizeof(uint32_t)),
    };
    if (!about->recipients || !about->numbers)
        return false;
    for (size_t i = 0; i < row->recipient_count; i++) {
        const struct store_row_recipient *r = &row->recipients[i];
        if (!r->wanted || what_of(r) != what)
            continue;
        about->recipients[about->count] = r;
        about->numbers[about->count++] = r->number;
    }
    return true;
}

bool about_sort(const struct store_row *row, struct pool *pool, struct about *abouts, size_t *count)
{
    bool there[ABOUT_WHATS] = { false };

    for (size_t i = 0; i < row->recipient_count; i++)
        if (row->recipients[i].wanted)
            there[what_of(&row->recipients[i])] = true;
    for (size_t what = 0; what < ABOUT_WHATS; what++)
        if (there[what] && !add_matter(row, (enum about_what)what, pool, &abouts[(*count)++]))
            return false;
    return true;
}

/* A later word says the earlier one, too. */
struct store_told about_told(const struct about *about, const char *how)
{
    static const unsigned kinds[ABOUT_WHATS] = {
        [ABOUT_FAILED] = REPORT_FAILURE | REPORT_DELAY,
        [ABOUT_UNKNOWN] = REPORT_FAILURE | REPORT_DELAY,
        [ABOUT_DELAYED] = REPORT_DELAY,
        [ABOUT_RELAYED] = REPORT_RELAYED | REPORT_DELAY,
        [ABOUT_NOTHING] = REPORT_FAILURE | REPORT_DELAY | REPORT_RELAYED,
    };

    return (struct store_told){
        .id = about->row->id,
        .kinds = kinds[about->what],
        .recipients = about->numbers,
        .count = about->count,
        .how = how,
    };
}

/* RFC 3464, 2 and RFC 5321, 4.5.5: what came from <> is answered by nobody. A report is silent, too. */
bool about_goes_by_mail(const struct about *about)
{
    return !about->row->silent && *about->row->sender;
}

/* ---- a report ---- */

static const struct cause *cause_of(const struct knowledge *know, const char *id)
{
    return *id ? know_cause(know, id) : NULL;
}

static const struct account *account_of(const struct about_accounts *accounts, const struct about *about, size_t at)
{
    const char *by = about->recipients[at]->by;

    return accounts->find(accounts->of, *by ? by : about->row->account);
}

static const char *provider_of(const struct about_accounts *accounts, const struct about *about, size_t at)
{
    const struct account *account = account_of(accounts, about, at);

    return account && account->profile ? account->profile->id : NULL;
}

static const struct report_story *story_of(const struct knowledge *know, const struct cause *cause, const char *provider,
                                           struct pool *pool)
{
    struct report_story *story = pool_array(pool, 1, sizeof *story);
    const char **steps = pool_array(pool, STEPS_MAX, sizeof *steps);

    if (!story || !steps)
        return NULL;
    story->title = cause->title;
    story->meaning = cause->meaning;
    story->steps = steps;
    story->step_count = cause_fixes(know, cause, provider, false, steps, STEPS_MAX);
    return story;
}

static uint64_t seconds_of(const struct about_time *time, uint64_t queue_ms)
{
    int64_t wall = (int64_t)queue_ms + time->to_wall;

    return queue_ms && wall > 0 ? (uint64_t)wall / 1000 : 0;
}

static bool fill_recipient(const struct about *about, size_t at, const struct knowledge *know, const struct about_time *time,
                           const struct about_accounts *accounts, struct pool *pool, struct report_recipient *filled)
{
    const struct store_row_recipient *r = about->recipients[at];
    const struct cause *cause = about->what == ABOUT_RELAYED ? NULL : cause_of(know, r->cause);
    struct report_recipient *is = &filled[at];

    *is = (struct report_recipient){
        .address = r->address,
        .orcpt = r->orcpt,
        .reply = r->reply,
        .enhanced = { r->enhanced[0], r->enhanced[1], r->enhanced[2] },
        .said = r->text,
        .tried = seconds_of(time, r->at),
        .unsure = about->what == ABOUT_UNKNOWN,
    };
    if (about->what == ABOUT_DELAYED)
        is->until = seconds_of(time, about->row->created + about->row->stood + time->give_up_ms);
    for (size_t i = 0; cause && i < at && !is->story; i++)
        if (cause_of(know, about->recipients[i]->cause) == cause)
            is->story = filled[i].story;
    if (cause && !is->story)
        is->story = story_of(know, cause, provider_of(accounts, about, at), pool);
    return !cause || is->story;
}

bool about_report(const struct about *about, const struct knowledge *know, const struct about_time *time,
                  const struct about_accounts *accounts, struct pool *pool, struct report *ret_report)
{
    static const enum report_action actions[] = {
        [ABOUT_FAILED] = ACTION_FAILED, [ABOUT_UNKNOWN] = ACTION_DELAYED, [ABOUT_DELAYED] = ACTION_DELAYED,
        [ABOUT_RELAYED] = ACTION_RELAYED,
    };
    struct report_recipient *filled = pool_array(pool, about->count, sizeof *filled);

    if (!filled)
        return false;
    for (size_t i = 0; i < about->count; i++) {
        const struct account *account = account_of(accounts, about, i);
        if (!fill_recipient(about, i, know, time, accounts, pool, filled))
            return false;
        if (filled[i].reply)
            filled[i].remote = account ? account->server.name : NULL;
    }
    ret_report->action = actions[about->what];
    ret_report->id = about->row->id;
    ret_report->envid = about->row->envid;
    ret_report->message_id = about->row->message_id;
    ret_report->arrived = seconds_of(time, about->row->created);
    ret_report->smtputf8 = about->row->smtputf8;
    ret_report->recipients = filled;
    ret_report->count = about->count;
    return true;
}

/* ---- for [notify] ---- */

static void add_recipients(const struct about *about, struct buf *text)
{
    for (size_t i = 0; i < about->count && i < SHOWN; i++) {
        buf_add(text, "  ");
        str_printable(text, span_of(about->recipients[i]->address), WORDS_SHOWN);
        buf_add(text, ": ");
        str_printable(text, span_of(about->recipients[i]->text), WORDS_SHOWN);
        buf_add(text, "\n");
    }
    if (about->count > SHOWN)
        buf_addf(text, "  and %zu more\n", about->count - SHOWN);
}

static void add_cause(const struct knowledge *know, const struct cause *cause, const char *provider, struct buf *text)
{
    const char *steps[STEPS_MAX];
    size_t count = cause_fixes(know, cause, provider, false, steps, STEPS_MAX);

    buf_addf(text, "\n%s\n%s\n", cause->title, cause->meaning);
    for (size_t i = 0; i < count; i++)
        buf_addf(text, "  %zu. %s\n", i + 1, steps[i]);
}

static void add_text(const struct about *about, const struct knowledge *know, const struct about_accounts *accounts,
                     struct buf *text)
{
    const struct store_row *row = about->row;
    const struct cause *cause = cause_of(know, about->recipients[0]->cause);

    if (row->report_of)
        buf_addf(text, "It was to report of message %llu.\n", (unsigned long long)row->report_of);
    buf_add(text, "From ");
    str_printable(text, span_of(*row->from ? row->from : *row->sender ? row->sender : "<>"), WORDS_SHOWN);
    buf_addf(text, ", %zu recipient%s:\n", about->count, about->count == 1 ? "" : "s");
    add_recipients(about, text);
    if (cause)
        add_cause(know, cause, provider_of(accounts, about, 0), text);
    if (about->what == ABOUT_UNKNOWN)
        buf_addf(text, "\nTo send it once more: outpost queue release %llu\n", (unsigned long long)row->id);
    buf_addf(text, "\nIts story: outpost queue show %llu\n", (unsigned long long)row->id);
}

bool about_notice(const struct about *about, const struct knowledge *know, const struct about_accounts *accounts,
                  const char *host, struct pool *pool, struct notice *ret_notice)
{
    HELD(buf) subject = BUF(400), text = BUF(TEXT_MAX), number = BUF(32);
    const char *what = about->what == ABOUT_UNKNOWN ? "may have been delivered, or not" : "was not delivered";

    buf_addf(&number, "%llu", (unsigned long long)about->row->id);
    buf_addf(&subject, "outpost on %s: message %s %s", host, buf_text(&number), what);
    add_text(about, know, accounts, &text);
    if (text.full || subject.full)
        return false;
    *ret_notice = (struct notice){
        .event = "message-failed",
        .account = about->row->account,
        .cause = *about->recipients[0]->cause ? about->recipients[0]->cause : NULL,
        .about = pool_text(pool, buf_span(&number)),
        .subject = pool_text(pool, buf_span(&subject)),
        .text = pool_text(pool, buf_span(&text)),
    };
    return ret_notice->about && ret_notice->subject && ret_notice->text;
}
