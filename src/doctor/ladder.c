#include "doctor/ladder.h"

#include <stdio.h>

#include "base/str.h"
#include "smtp/sasl.h"

#include "base/banned.h"

const char *doctor_rung_word(enum doctor_rung rung)
{
    static const char *const words[] = {
#define X(name, word, words) word,
        DOCTOR_RUNGS(X)
#undef X
    };

    return words[rung];
}

const char *doctor_rung_words(enum doctor_rung rung)
{
    static const char *const words[] = {
#define X(name, word, words) words,
        DOCTOR_RUNGS(X)
#undef X
    };

    return words[rung];
}

const char *doctor_step_detail(const struct doctor_step *step, const char *key)
{
    for (size_t i = 0; i < step->detail_count; i++)
        if (strcmp(step->details[i].key, key) == 0)
            return step->details[i].value;
    return NULL;
}

/* Which rung a stage of a conversation belongs to; RUNG_COUNT: to none. */
static enum doctor_rung rung_of(enum stage stage)
{
    static const enum doctor_rung rungs[] = {
        [STAGE_NONE] = RUNG_COUNT,    [STAGE_LOCAL] = RUNG_COUNT,       [STAGE_RESOLVE] = RUNG_RESOLVE,
        [STAGE_CONNECT] = RUNG_CONNECT, [STAGE_TLS] = RUNG_TLS,         [STAGE_GREETING] = RUNG_BANNER,
        [STAGE_EHLO] = RUNG_EHLO,     [STAGE_STARTTLS] = RUNG_STARTTLS, [STAGE_TOKEN] = RUNG_AUTH,
        [STAGE_AUTH] = RUNG_AUTH,     [STAGE_MAIL] = RUNG_SENDER,       [STAGE_RCPT] = RUNG_SENDER,
        [STAGE_DATA] = RUNG_SENDER,   [STAGE_BODY] = RUNG_SENDER,       [STAGE_END] = RUNG_SENDER,
        [STAGE_QUIT] = RUNG_COUNT,    [STAGE_HTTPS] = RUNG_HTTPS,
    };

    return rungs[stage];
}

void ladder_begin(struct ladder *ladder, uint64_t now, void (*told)(void *who, const struct doctor_step *step),
                  void *who)
{
    *ladder = (struct ladder){ .from = now, .last = now, .told = told, .who = who };
}

/* ---- one step ---- */

void ladder_enter(struct ladder *ladder, enum doctor_rung rung)
{
    ladder->open = (struct doctor_step){ .rung = rung };
    ladder->is_open = true;
    ladder->last = ladder->from;
}

void ladder_detail(struct ladder *ladder, const char *key, struct span foreign)
{
    struct doctor_step *step = &ladder->open;
    HELD(buf) safe = BUF(4 * STEP_VALUE_MAX);

    if (!ladder->is_open || step->detail_count == STEP_DETAILS_MAX || doctor_step_detail(step, key))
        return;
    struct doctor_detail *detail = &step->details[step->detail_count++];
    detail->key = key;
    str_printable(&safe, foreign, STEP_VALUE_MAX - 4);
    snprintf(detail->value, sizeof detail->value, "%s", buf_text(&safe));
}

void ladder_leave(struct ladder *ladder, enum doctor_state state, uint64_t now)
{
    if (!ladder->is_open)
        return;
    ladder->is_open = false;
    ladder->open.state = state;
    ladder->open.ms = now > ladder->from ? now - ladder->from : 0;
    ladder->from = ladder->last = now > ladder->from ? now : ladder->from;
    if (ladder->count == LADDER_STEPS_MAX)
        return;
    ladder->steps[ladder->count++] = ladder->open;
    if (ladder->told)
        ladder->told(ladder->who, &ladder->open);
}

bool ladder_has(const struct ladder *ladder, enum doctor_rung rung)
{
    for (size_t i = 0; i < ladder->count; i++)
        if (ladder->steps[i].rung == rung)
            return true;
    return false;
}

const struct doctor_step *ladder_broken(const struct ladder *ladder)
{
    for (size_t i = 0; i < ladder->count; i++)
        if (ladder->steps[i].state == STEP_FAILED)
            return &ladder->steps[i];
    return NULL;
}

/* ---- what a session shows ---- */

/* The step that this belongs to is the open one from now on; false: it belongs to none, or to one that is settled. */
static bool climb(struct ladder *ladder, enum doctor_rung rung)
{
    if (rung == RUNG_COUNT || (ladder->signing && rung < RUNG_AUTH))
        return false;
    if (ladder->is_open && ladder->open.rung == rung)
        return true;
    ladder_leave(ladder, STEP_OK, ladder->last);
    if (rung == RUNG_CONNECT && !ladder_has(ladder, RUNG_ROUTE)) {
        ladder_enter(ladder, RUNG_ROUTE);
        ladder_leave(ladder, STEP_OK, ladder->from);
    }
    ladder_enter(ladder, rung);
    ladder->signing |= rung >= RUNG_AUTH;
    return true;
}

/* As some firewalls do, so that nothing is said which they don't know (Cisco's "fixup"). */
static bool is_masked(struct span line)
{
    return span_find_text(line, "****") < line.len || span_find_text(line, "XXXX") < line.len;
}

/* "250-SIZE 1000": its first word, for a list. */
static void add_offer(struct ladder *ladder, struct span line)
{
    struct span rest = span_from(line, 4), word;
    struct doctor_step *step = &ladder->open;

    if (!step->detail_count) { /* the first line names the server */
        ladder_detail(ladder, "server", span_cut(rest, 0, span_find(rest, ' ')));
        ladder_detail(ladder, "offers", SPAN(""));
        return;
    }
    struct doctor_detail *offers = &step->details[step->detail_count - 1];
    size_t len = strlen(offers->value);
    if (!span_split(&rest, ' ', &word) || !str_is_safe(word) || len + word.len + 2 > sizeof offers->value)
        return;
    snprintf(offers->value + len, sizeof offers->value - len, "%s%.*s", len ? " " : "", SPAN_ARG(word));
}

static void heard(struct ladder *ladder, struct span line)
{
    enum doctor_rung rung = ladder->open.rung;

    if (rung == RUNG_BANNER)
        ladder_detail(ladder, "said", line);
    else if (rung == RUNG_EHLO && span_starts(line, "250") && line.len > 4)
        add_offer(ladder, line);
    if (rung == RUNG_EHLO && span_starts_word(span_from(line, 4), "AUTH "))
        ladder->offered = sasl_from_list(span_from(line, 9));
    ladder->masked |= (rung == RUNG_BANNER || rung == RUNG_EHLO) && is_masked(line);
}

static void said(struct ladder *ladder, struct span line)
{
    struct span rest = line, word;
    enum sasl_mechanism mechanism;

    if (ladder->open.rung != RUNG_AUTH || !span_split(&rest, ' ', &word) || !span_is(word, "AUTH") ||
        !span_split(&rest, ' ', &word))
        return;
    ladder_detail(ladder, "mechanism", word);
    if (sasl_from_name(word, &mechanism))
        ladder->tried |= SASL_BIT(mechanism);
}

void ladder_saw(struct ladder *ladder, enum session_sight sight, enum stage stage, struct span text, uint64_t now)
{
    static const char connected[] = "connected to ";

    if (!climb(ladder, rung_of(stage)))
        return;
    ladder->last = now;
    if (sight == SESSION_HEARS)
        heard(ladder, text);
    else if (sight == SESSION_SAYS)
        said(ladder, text);
    else if (span_starts(text, connected))
        ladder_detail(ladder, "peer", span_from(text, strlen(connected)));
}

void ladder_shook(struct ladder *ladder, const struct tls_description *shown, uint64_t now)
{
    const struct cert_description *leaf = shown->chain_len ? &shown->chain[0] : NULL;

    if (!climb(ladder, RUNG_TLS))
        return;
    ladder->last = now;
    ladder->shown = *shown;
    ladder_detail(ladder, "version", span_of(shown->version));
    ladder_detail(ladder, "cipher", span_of(shown->cipher));
    if (!leaf)
        return;
    ladder_detail(ladder, "names", span_of(leaf->names));
    ladder_detail(ladder, "issuer", span_of(leaf->issuer));
}

/* ---- the end ---- */

static bool is_no_route(const struct evidence *evidence)
{
    return evidence->err.fact && span_starts(span_of(evidence->err.fact), "connect:unreachable");
}

void ladder_failed(struct ladder *ladder, const struct evidence *evidence, uint64_t now)
{
    enum doctor_rung rung = rung_of(evidence->stage);
    HELD(buf) reply = BUF(2 * ERR_TEXT_MAX);

    if (rung == RUNG_COUNT && !ladder->is_open) /* on this machine, before anything was asked */
        return;
    if (rung == RUNG_CONNECT && is_no_route(evidence) && !ladder_has(ladder, RUNG_ROUTE)) {
        ladder_enter(ladder, RUNG_ROUTE);
    } else if (rung != RUNG_COUNT) {
        ladder->signing = false; /* it broke there, whatever came before */
        climb(ladder, rung);
    }
    ladder->open.fact = evidence->err.fact;
    ladder_detail(ladder, "error", span_of(evidence->err.text));
    if (evidence->err.reply) {
        buf_addf(&reply, "%u %s", (unsigned)evidence->err.reply, evidence->err.said);
        ladder_detail(ladder, "reply", buf_span(&reply));
    }
    ladder_leave(ladder, STEP_FAILED, now);
}

void ladder_went_well(struct ladder *ladder, uint64_t now)
{
    ladder_leave(ladder, STEP_OK, ladder->last > ladder->from ? ladder->last : now);
}
