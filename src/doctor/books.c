#include "doctor/books.h"

#include "base/str.h"
#include "mail/date.h"

#include "base/banned.h"

static const char *unit_of(const struct doctor_books *books)
{
    return books->counts_recipients ? "recipients" : "messages";
}

/* Blocked for an hour or for too many connections is not a day: the road shows what that is. */
static bool is_the_day(const struct doctor_books *books)
{
    return !books->because[0] || strcmp(books->because, "rate_limit_daily") == 0;
}

bool books_used_up(const struct doctor_books *books, uint64_t wall, struct evidence *ret_evidence)
{
    HELD(buf) until = BUF(60);

    if (!books->known || books->until <= wall || !is_the_day(books))
        return false;
    date_add_rfc3339(&until, books->until);
    *ret_evidence = (struct evidence){ .stage = STAGE_LOCAL, .wait_ms = (books->until - wall) * 1000 };
    if (books->limit && books->sent >= books->limit)
        err_found(&ret_evidence->err, ERR_LATER, "limit:day",
                  "the account has sent all of the %llu %s that it may in a day; the next may go at %s",
                  (unsigned long long)books->limit, unit_of(books), buf_text(&until));
    else
        err_found(&ret_evidence->err, ERR_LATER, "limit:day", "nothing more may go from the account until %s",
                  buf_text(&until));
    return true;
}

static void add_number(struct ladder *ladder, const char *key, uint64_t number)
{
    HELD(buf) text = BUF(24);

    buf_addf(&text, "%llu", (unsigned long long)number);
    ladder_detail(ladder, key, buf_span(&text));
}

void books_climb(const struct doctor_books *books, const struct evidence *used_up, struct ladder *ladder, uint64_t now)
{
    HELD(buf) until = BUF(60);

    if (!books->known || (!books->limit && !used_up))
        return;
    ladder_enter(ladder, RUNG_LIMITS);
    add_number(ladder, "sent", books->sent);
    if (books->limit)
        add_number(ladder, "limit", books->limit);
    ladder_detail(ladder, "counts", span_of(unit_of(books)));
    if (used_up) {
        date_add_rfc3339(&until, books->until);
        ladder_detail(ladder, "until", buf_span(&until));
        ladder_detail(ladder, "error", span_of(used_up->err.text));
        ladder->open.fact = used_up->err.fact;
    }
    ladder_leave(ladder, used_up ? STEP_FAILED : STEP_OK, now);
}
