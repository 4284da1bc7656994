#include "letters.h"

#include <stdlib.h>
#include <string.h>

#include "books.h"
#include "clockwork.h"
#include "machine.h"
#include "mail/envelope.h"
#include "session/client.h"

enum { TRIES_MAX = 60 };

struct hand { /* that holds a letter */
    struct letter *letter;
    bool local;           /* a program of the machine's own */
    bool waits;           /* for the provider's own answer */
    bool open;            /* it is at it */
    bool done;
    unsigned tries;
    uint64_t first;       /* when it was tried first */
    uint64_t taken;       /* when it was promised */
    struct event again;
    struct session *session;
    struct envelope *envelope;
    struct buf text;
    size_t at;
};

static struct {
    struct loop *loop;
    struct hand hands[LETTERS_MAX];
    unsigned count, done;
    struct session_plan plan, waiting_plan;
} letters;

static struct hand *hand_of(const struct letter *letter)
{
    return &letters.hands[letter - books.letters];
}

static void put_away(struct hand *hand)
{
    session_free(GIVE(hand->session));
    envelope_free(GIVE(hand->envelope));
    buf_done(&hand->text);
    hand->open = false;
}

static void finish(struct hand *hand, bool again)
{
    put_away(hand);
    if (again && hand->tries < TRIES_MAX) {
        event_set(&hand->again, sim_now() + sim_between(SECOND, 20 * MINUTE));
        return;
    }
    hand->done = true;
    letters.done++;
}

/* What each recipient's fate is for whoever handed it in. */
static void note(struct person *person, enum letter_news news)
{
    person->promised |= news == LETTER_PROMISED;
    person->maybe |= news == LETTER_UNHEARD;
    person->told_no |= news == LETTER_FAILED;
}

void letters_heard(struct letter *letter, enum letter_news news)
{
    struct hand *hand = hand_of(letter);

    for (unsigned i = 0; i < letter->count; i++)
        note(&books.people[letter->first + i], news);
    if (news == LETTER_PROMISED) {
        hand->taken = sim_now() + books.leapt;
        sim_count(SIM_PROMISES);
    }
    if (news == LETTER_FAILED)
        sim_count(SIM_ANSWERS);
    sim_trace("letter %u: %s", (unsigned)(letter - books.letters),
              news == LETTER_PROMISED  ? "promised"
              : news == LETTER_REFUSED ? "refused"
              : news == LETTER_FAILED  ? "failed, its sender hears"
                                       : "unheard");
    finish(hand, news == LETTER_REFUSED || (news == LETTER_UNHEARD && letter->keyed && !hand->local));
}

bool letters_is_open(const struct letter *letter)
{
    return hand_of(letter)->open;
}

bool letters_waited(const struct letter *letter)
{
    return hand_of(letter)->waits;
}

uint64_t letters_first(const struct letter *letter)
{
    return hand_of(letter)->first;
}

uint64_t letters_taken(const struct letter *letter)
{
    return hand_of(letter)->taken;
}

/* By SMTP -------------------------------------------------------------------------------------------------------- */

static bool read_text(void *of, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct hand *hand = of;
    struct span rest = span_from(buf_span(&hand->text), hand->at);

    (void)err;
    *ret_len = rest.len < room ? rest.len : room;
    if (*ret_len)
        memcpy(into, rest.at, *ret_len);
    hand->at += *ret_len;
    return true;
}

static void ready(void *who)
{
    struct hand *hand = who;
    const struct session_body body = { read_text, hand };

    session_send(hand->session, hand->envelope, 0, hand->envelope->count, &body);
}

/* The gateway refuses no single recipient here: all have the same fate. */
static void sent(void *who)
{
    struct hand *hand = who;
    struct smtp_outcome outcome;

    session_outcome(hand->session, 0, &outcome);
    if (outcome.fate == SMTP_FATE_REFUSED && !hand->waits)
        sim_broken("the gateway refuses a letter for good: %s %s", outcome.err.text, outcome.err.said);
    letters_heard(hand->letter, outcome.fate == SMTP_FATE_TAKEN     ? LETTER_PROMISED
                                : outcome.fate == SMTP_FATE_UNKNOWN ? LETTER_UNHEARD
                                : outcome.fate == SMTP_FATE_REFUSED ? LETTER_FAILED
                                                                    : LETTER_REFUSED);
}

static void failed(void *who, const struct evidence *evidence)
{
    struct hand *hand = who;

    (void)evidence;
    letters_heard(hand->letter, LETTER_REFUSED);
}

static void no_credential(void *who, const char *mechanism)
{
    (void)who, (void)mechanism;
    abort();
}

static void fill_envelope(struct hand *hand)
{
    const struct letter *letter = hand->letter;

    hand->envelope = envelope_new();
    if (!hand->envelope || !envelope_set_sender(hand->envelope, span_of(letter->sender->address), NULL))
        abort();
    for (unsigned i = 0; i < letter->count; i++) {
        HELD(buf) address = BUF(100);
        books_address(letter->first + i, &address);
        if (!envelope_add(hand->envelope, buf_span(&address), NULL))
            abort();
    }
    hand->envelope->size = hand->text.len;
}

static void call(struct hand *hand)
{
    static const struct session_events events = { .credential = no_credential, .ready = ready, .sent = sent, .failed = failed };

    hand->text = (struct buf)BUF(LETTER_OCTETS_MAX);
    hand->at = 0;
    books_text(hand->letter, &hand->text);
    fill_envelope(hand);
    if (!session_open(letters.loop, hand->waits ? &letters.waiting_plan : &letters.plan, &events, hand, &hand->session, NULL))
        abort();
}

/* All of them ------------------------------------------------------------------------------------------------------ */

static void try_it(void *of)
{
    struct hand *hand = of;

    if (hand->tries++ == 0)
        hand->first = sim_now() + books.leapt;
    hand->open = true;
    if (!hand->local)
        call(hand);
    else if (!machine_hand_in(hand->letter))
        letters_heard(hand->letter, LETTER_REFUSED);
}

void letters_begin(struct loop *outside, unsigned count, uint64_t within)
{
    memset(&letters, 0, sizeof letters);
    letters.loop = outside;
    letters.plan = (struct session_plan){
        .host = "127.0.0.1", .port = MACHINE_PORT, .security = SECURITY_NONE, .hello = "device.example",
        .connect_timeout_ms = MINUTE,
    };
    letters.waiting_plan = letters.plan;
    letters.waiting_plan.port = MACHINE_WAITING_PORT;
    for (unsigned i = 0; i < count; i++) {
        struct letter *letter = books_letter();
        if (!letter)
            break;
        struct hand *hand = hand_of(letter);
        hand->letter = letter;
        hand->local = sim_chance(25);
        hand->waits = !hand->local && sim_chance(30);
        if (hand->local && sim_chance(40))
            letter->by_ms = sim_between(MINUTE, 12 * HOUR);
        if (hand->local && sim_chance(50))
            letter->lane = "either";
        hand->again = (struct event){ .happen = try_it, .of = hand };
        event_set(&hand->again, sim_now() + (sim_chance(50) ? sim_below(within / 20) : sim_below(within)));
        letters.count++;
    }
}

void letters_end(void)
{
    for (unsigned i = 0; i < letters.count; i++) {
        event_cancel(&letters.hands[i].again);
        put_away(&letters.hands[i]);
    }
}

bool letters_are_in(void)
{
    return letters.done == letters.count;
}
