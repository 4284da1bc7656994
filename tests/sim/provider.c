#include "provider.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "books.h"
#include "clockwork.h"
#include "mail/envelope.h"
#include "net/listen.h"
#include "network.h"
#include "session/server.h"

#define PASSWORD "right-one"

enum { GREY_TIMES = 3 };

struct provider {
    const struct party *party;
    struct session_server_plan plan;
    struct listener *listener; /* NULL: it is away */
    struct event turns;        /* something about it changes */
    bool locked;               /* no password is good enough */
    struct visit *visits;
};

/* What is done when the answer was thought over. */
enum then { THEN_ANSWER, THEN_CUT };

struct visit {
    struct provider *provider;
    struct visit *next, **link;
    struct stream *stream; /* the session's, to be asked about its time */
    struct session_server *session;
    struct event thought;
    enum then then;
    struct smtp_answer answer;
    uint64_t mail_sent;
    struct buf text;
};

static struct {
    struct loop *loop;
    struct provider at[PARTIES];
    unsigned faults;
} providers;

static bool fault(void)
{
    return sim_chance(providers.faults);
}

/* Answers ------------------------------------------------------------------------------------------------------- */

static const struct smtp_answer yes = { .yes = true };

/* After which the visit may be over. */
static void say(struct visit *visit, const struct smtp_answer *answer)
{
    session_server_answer(visit->session, answer);
}

static void no(struct visit *visit, uint16_t code, const char *enhanced, const char *text)
{
    say(visit, &(struct smtp_answer){ false, code, enhanced, text });
}

static void thought_over(void *of)
{
    struct visit *visit = of;

    if (visit->then == THEN_CUT)
        session_server_cut(visit->session);
    else
        say(visit, &visit->answer);
}

static void think(struct visit *visit, uint64_t ms, enum then then, const struct smtp_answer *answer)
{
    visit->then = then;
    visit->answer = *answer;
    event_set(&visit->thought, sim_now() + ms);
}

/* Reports -------------------------------------------------------------------------------------------------------- */

/* They go to the account's own address, and alone. */
static bool is_report(const struct visit *visit)
{
    const struct envelope *envelope = smtp_server_envelope(session_server_machine(visit->session));

    return envelope->count && strcmp(envelope->recipients[0].address, visit->provider->party->address) == 0;
}

static void take_report(struct visit *visit)
{
    static const char about[] = "\r\nFinal-Recipient: rfc822; ";
    struct span rest = buf_span(&visit->text);

    for (size_t at; (at = span_find_text(rest, about)) < rest.len;) {
        rest = span_from(rest, at + strlen(about));
        struct span address = span_cut(rest, 0, span_find(rest, '\r'));
        unsigned number = books_person(address);
        if (number == UINT_MAX) {
            sim_broken("a report is about %.*s, whom nobody wrote to", (int)address.len, address.at);
            continue;
        }
        books.people[number].told++;
        sim_trace("%s takes a report about r%u", visit->provider->party->name, number);
    }
    books_took(visit->provider->party, visit->mail_sent, 1);
}

/* Questions ------------------------------------------------------------------------------------------------------ */

static void sign_in(struct visit *visit)
{
    struct smtp_claim claim = smtp_server_claim(session_server_machine(visit->session));

    if (!span_is(claim.proof, PASSWORD))
        sim_broken("a provider was shown another password");
    if (fault())
        no(visit, 454, "4.7.0", "Temporary authentication failure");
    else
        say(visit, &(struct smtp_answer){ .yes = !visit->provider->locked });
}

static void sender(struct visit *visit)
{
    visit->mail_sent = network_written_at(visit->stream);
    if (fault())
        no(visit, 451, "4.3.0", "Try again later");
    else
        say(visit, &yes);
}

static void recipient(struct visit *visit)
{
    const char *address = smtp_server_recipient(session_server_machine(visit->session));
    unsigned number = books_person(span_of(address));

    if (strcmp(address, visit->provider->party->address) == 0) {
        say(visit, &yes);
        return;
    }
    if (number == UINT_MAX) {
        sim_broken("a provider was asked for %s, whom nobody wrote to", address);
        no(visit, 550, "5.1.1", "No such user");
        return;
    }
    struct person *person = &books.people[number];
    person->asked++;
    if (person->kind == PERSON_NOBODY) {
        person->refused = true;
        no(visit, 550, "5.1.1", "No such user");
    } else if ((person->kind == PERSON_GREY && person->asked < GREY_TIMES) || fault()) {
        no(visit, 450, "4.2.0", "Greylisted, try again later");
    } else {
        say(visit, &yes);
    }
}

static void take(struct visit *visit)
{
    const struct party *party = visit->provider->party;
    const struct envelope *envelope = smtp_server_envelope(session_server_machine(visit->session));
    uint64_t hash = books_body_hash(buf_span(&visit->text));

    if (is_report(visit)) {
        take_report(visit);
        return;
    }
    for (size_t i = 0; i < envelope->count; i++) {
        struct person *person = &books.people[books_person(span_of(envelope->recipients[i].address))];
        const struct letter *letter = &books.letters[person->letter];
        person->taken++;
        sim_trace("%s takes letter %u for %s", party->name, person->letter, envelope->recipients[i].address);
        if (hash != letter->body_hash)
            sim_broken("letter %u arrived as another", person->letter);
    }
    if (party->recipients_per_message && envelope->count > party->recipients_per_message)
        sim_broken("%s got %zu recipients at once, and allows %llu", party->name, envelope->count,
                   (unsigned long long)party->recipients_per_message);
    books_took(party, visit->mail_sent, (unsigned)envelope->count);
}

static bool is_bad(struct visit *visit)
{
    if (is_report(visit))
        return false;
    const struct envelope *envelope = smtp_server_envelope(session_server_machine(visit->session));
    struct person *person = &books.people[books_person(span_of(envelope->recipients[0].address))];

    if (!(books.letters[person->letter].bad & 1u << (visit->provider->party - books.parties)))
        return false;
    for (size_t i = 0; i < envelope->count; i++)
        books.people[books_person(span_of(envelope->recipients[i].address))].refused = true;
    return true;
}

/* Behind the dot. */
static void keep(struct visit *visit)
{
    if (is_bad(visit)) {
        no(visit, 554, "5.6.0", "This message is not well-formed");
        return;
    }
    if (!fault() && !fault()) {
        take(visit);
        say(visit, &yes);
        return;
    }
    switch (sim_below(5)) {
    case 0:
        no(visit, 451, "4.3.0", "Try again later");
        return;
    case 1:
        take(visit);
        think(visit, sim_below(SECOND), THEN_CUT, &yes);
        return;
    case 2:
        think(visit, sim_below(SECOND), THEN_CUT, &yes);
        return;
    case 3:
        take(visit);
        think(visit, sim_between(MINUTE, 20 * MINUTE), THEN_ANSWER, &yes);
        return;
    default:
        no(visit, 421, "4.3.2", "Going down");
        return;
    }
}

static void asked(void *who, struct session_server *session, enum smtp_question question)
{
    struct visit *visit = who;

    visit->session = session;
    switch (question) {
    case SMTP_ASK_SIGN_IN:
        sign_in(visit);
        return;
    case SMTP_ASK_SENDER:
        sender(visit);
        return;
    case SMTP_ASK_RECIPIENT:
        recipient(visit);
        return;
    case SMTP_ASK_BEGIN:
        buf_clear(&visit->text);
        if (fault())
            no(visit, 452, "4.3.1", "Out of room");
        else
            say(visit, &yes);
        return;
    case SMTP_ASK_KEEP:
        keep(visit);
        return;
    case SMTP_ASK_KEY:
    case SMTP_ASK_CLIENT:
        break;
    }
    abort(); /* not offered */
}

static void piece(void *who, struct session_server *session, struct span piece)
{
    struct visit *visit = who;

    buf_add_span(&visit->text, piece);
    session_server_body_kept(session);
}

static void dropped(void *who, struct session_server *session)
{
    struct visit *visit = who;

    (void)session;
    event_cancel(&visit->thought);
}

static void visit_free(struct visit *visit)
{
    event_cancel(&visit->thought);
    session_server_free(visit->session);
    buf_done(&visit->text);
    *visit->link = visit->next;
    if (visit->next)
        visit->next->link = visit->link;
    mem_free(visit);
}

static void over(void *who, struct session_server *session, const struct err *why)
{
    (void)session, (void)why;
    visit_free(who);
}

static void came(void *who, struct stream *stream)
{
    static const struct session_server_events events = { asked, piece, dropped, over };
    struct provider *provider = who;
    struct visit *visit = NEW(visit);

    if (!visit)
        abort();
    *visit = (struct visit){ .provider = provider, .next = provider->visits, .link = &provider->visits,
                             .stream = stream, .text = BUF(2 * LETTER_OCTETS_MAX) };
    visit->thought = (struct event){ .happen = thought_over, .of = visit };
    if (visit->next)
        visit->next->link = &visit->next;
    provider->visits = visit;
    if (!session_serve(providers.loop, stream, &provider->plan, &events, visit, &visit->session, NULL))
        abort();
    if (fault())
        session_server_shut(visit->session, "4.3.2", "Too many connections");
}

/* Their lives ---------------------------------------------------------------------------------------------------- */

static void open_door(struct provider *provider)
{
    const struct listen_plan plan = { .address = "127.0.0.1", .port = provider->party->port };

    if (!provider->listener && !listen_open(providers.loop, &plan, came, provider, &provider->listener, NULL))
        abort();
}

static void leave(struct provider *provider)
{
    listener_free(GIVE(provider->listener));
    while (provider->visits)
        visit_free(provider->visits);
}

static void turn(void *of)
{
    struct provider *provider = of;

    event_set(&provider->turns, sim_now() + sim_between(10 * MINUTE, 12 * HOUR));
    provider->locked = sim_chance(25);
    if (sim_chance(20) && provider->listener && !books.calm)
        leave(provider);
    else
        open_door(provider);
    sim_trace("%s is %s%s", provider->party->name, provider->listener ? "there" : "away",
              provider->locked ? ", and lets nobody in" : "");
}

static void choose_plan(const struct party *party, struct smtp_extensions *offers)
{
    *offers = (struct smtp_extensions){
        .offered = SMTP_AUTH | SMTP_ENHANCEDSTATUSCODES | SMTP_SIZE, .size = 10 * 1024 * 1024,
        .mechanism_count = 1, .mechanisms = { "PLAIN" },
    };
    offers->offered |= sim_chance(70) ? SMTP_PIPELINING : 0;
    offers->offered |= sim_chance(50) ? SMTP_CHUNKING : 0;
    offers->offered |= sim_chance(50) ? SMTP_8BITMIME : 0;
    offers->offered |= sim_chance(20) ? SMTP_LIMITS : 0;
    if (smtp_offers(offers, SMTP_LIMITS)) {
        /* A message that the server parts is counted when that is known: then some minute may hold its parts, too. */
        offers->rcpt_max = (uint32_t)sim_between(party->per_minute || party->per_hour ? 6 : 2, 20);
        offers->mail_max = (uint32_t)sim_between(1, 10);
    }
}

void providers_begin(struct loop *outside, unsigned fault_percent)
{
    memset(&providers, 0, sizeof providers);
    providers.loop = outside;
    providers.faults = fault_percent;
    for (unsigned i = 0; i < PARTIES; i++) {
        struct provider *provider = &providers.at[i];
        provider->party = &books.parties[i];
        provider->plan.smtp = (struct smtp_server_plan){ .name = "smtp.provider.example", .must_sign_in = true };
        choose_plan(provider->party, &provider->plan.smtp.clear);
        provider->turns = (struct event){ .happen = turn, .of = provider };
        event_set(&provider->turns, sim_now() + sim_below(6 * HOUR));
        open_door(provider);
    }
}

void providers_leave(void)
{
    for (unsigned i = 0; i < PARTIES; i++) {
        event_cancel(&providers.at[i].turns);
        leave(&providers.at[i]);
    }
}

void providers_behave(void)
{
    providers.faults = 0;
    for (unsigned i = 0; i < PARTIES; i++) {
        event_cancel(&providers.at[i].turns);
        providers.at[i].locked = false;
        open_door(&providers.at[i]);
    }
}

void providers_end(void)
{
    for (unsigned i = 0; i < PARTIES; i++) {
        event_cancel(&providers.at[i].turns);
        listener_free(providers.at[i].listener);
        while (providers.at[i].visits)
            visit_free(providers.at[i].visits);
    }
}
