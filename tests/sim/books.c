#include "books.h"

#include <limits.h>
#include <string.h>

#include "clockwork.h"

struct books books;

static const char *const kinds[] = { "ok", "nobody", "grey" };

static uint64_t maybe_limit(uint64_t least, uint64_t most)
{
    return !books.plain && sim_chance(50) ? sim_between(least, most) : 0;
}

void books_begin(bool plain)
{
    static const char *const names[] = { "live", "backup" }, *const addresses[] = { "me@live.example", "me@backup.example" };

    memset(&books, 0, sizeof books);
    books.plain = plain;
    for (unsigned i = 0; i < PARTIES; i++)
        books.parties[i] = (struct party){
            .name = names[i],
            .address = addresses[i],
            .port = (uint16_t)(2501 + i),
            .per_minute = maybe_limit(2, 12),
            .per_hour = maybe_limit(10, 60),
            .recipients_per_day = maybe_limit(30, 200),
            .recipients_per_message = maybe_limit(1, 4),
            .connections = sim_between(1, 4),
        };
    books.goes_on = sim_chance(50);
    books.give_up_ms = plain ? 5 * (uint64_t)DAY : sim_between(6, 72) * HOUR;
}

const struct party *books_party(const char *name)
{
    for (unsigned i = 0; i < PARTIES; i++)
        if (strcmp(books.parties[i].name, name) == 0)
            return &books.parties[i];
    return NULL;
}

static enum person_kind any_kind(void)
{
    uint64_t any = sim_below(100);

    return any < 4 ? PERSON_NOBODY : any < 12 && !books.plain ? PERSON_GREY : PERSON_OK;
}

struct letter *books_letter(void)
{
    struct letter *letter = &books.letters[books.letter_count];
    unsigned count = sim_chance(60) ? 1 : (unsigned)sim_between(1, 6);

    if (books.letter_count == LETTERS_MAX || books.person_count + count > PEOPLE_MAX)
        return NULL;
    *letter = (struct letter){
        .sender = &books.parties[sim_below(PARTIES)],
        .first = books.person_count,
        .count = count,
        .lines = sim_chance(4) ? (size_t)sim_between(1000, 3000) : (size_t)sim_below(20),
        .keyed = sim_chance(40),
        .bad = sim_chance(6) ? (unsigned)sim_between(1, (1 << PARTIES) - 1) : 0,
    };
    letter->lane = letter->sender->name;
    for (unsigned i = 0; i < count; i++)
        books.people[books.person_count++] = (struct person){ .letter = books.letter_count, .kind = any_kind() };
    books.letter_count++;
    HELD(buf) text = BUF(LETTER_OCTETS_MAX);
    books_text(letter, &text);
    letter->body_hash = books_body_hash(buf_span(&text));
    return letter;
}

void books_address(unsigned person, struct buf *out)
{
    buf_addf(out, "r%u.%s@there.example", person, kinds[books.people[person].kind]);
}

unsigned books_person(struct span address)
{
    unsigned number = 0;

    if (!address.len || *address.at != 'r')
        return UINT_MAX;
    for (size_t i = 1; i < address.len && address.at[i] >= '0' && address.at[i] <= '9'; i++)
        number = number * 10 + (unsigned)(address.at[i] - '0');
    return number < books.person_count ? number : UINT_MAX;
}

void books_text(const struct letter *letter, struct buf *out)
{
    unsigned number = (unsigned)(letter - books.letters);

    buf_addf(out, "From: %s\r\nTo: ", letter->sender->address);
    for (unsigned i = 0; i < letter->count; i++) {
        buf_add(out, i ? ",\r\n " : "");
        books_address(letter->first + i, out);
    }
    buf_addf(out, "\r\nSubject: letter %u\r\nMessage-ID: <%u@letters.example>\r\n", number, number);
    buf_add(out, "Date: Wed, 25 Nov 2026 12:00:00 +0000\r\n");
    if (letter->keyed)
        buf_addf(out, "X-Outpost-Key: key-%u\r\n", number);
    buf_add(out, "\r\n");
    for (size_t i = 0; i < letter->lines; i++)
        buf_addf(out, "%sline %zu of letter %u, which goes on for a while\r\n", i % 7 == 3 ? "." : "", i, number);
    buf_addf(out, ".\r\n..\r\nthe end of letter %u\r\n", number);
}

uint64_t books_body_hash(struct span text)
{
    for (size_t i = 0; i + 4 <= text.len; i++)
        if (memcmp(text.at + i, "\r\n\r\n", 4) == 0)
            return sim_hash(0, text.at + i, text.len - i);
    return 0;
}

void books_took(const struct party *party, uint64_t sent, unsigned recipients)
{
    if (books.taking_count < TAKINGS_MAX)
        books.takings[books.taking_count++] = (struct taking){ party, sent + books.leapt, recipients };
}
