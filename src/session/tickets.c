#include "session/tickets.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

/* The newest stands last. */
struct tickets {
    size_t count;
    struct kept {
        char *name;
        struct ticket ticket;
    } at[TICKETS_MAX];
};

struct tickets *tickets_new(void)
{
    return NEW(tickets);
}

static void remove_at(struct tickets *tickets, size_t at)
{
    mem_free(tickets->at[at].name);
    secret_free(tickets->at[at].ticket.bytes);
    tickets->count--;
    memmove(&tickets->at[at], &tickets->at[at + 1], (tickets->count - at) * sizeof tickets->at[0]);
}

void tickets_free(struct tickets *tickets)
{
    if (!tickets)
        return;
    while (tickets->count)
        remove_at(tickets, tickets->count - 1);
    mem_free(tickets);
}

static bool is_alive(struct ticket ticket, uint64_t now)
{
    return now - ticket.verified < TICKET_LIFE_MS;
}

static void remove_dead(struct tickets *tickets, uint64_t now)
{
    for (size_t i = tickets->count; i--;)
        if (!is_alive(tickets->at[i].ticket, now))
            remove_at(tickets, i);
}

/* No part can be taken for another: a blank is in no host name, and the account stands last. */
static void name_of(struct buf *out, const struct ticket_use *use)
{
    buf_addf(out, "%s %u %s", use->host, use->port, use->account ? use->account : "");
}

bool tickets_take(struct tickets *tickets, const struct ticket_use *use, uint64_t now,
                  struct ticket *ret_ticket)
{
    HELD(buf) name = BUF(2048);

    name_of(&name, use);
    remove_dead(tickets, now);
    for (size_t i = tickets->count; !name.full && i--;) {
        if (strcmp(tickets->at[i].name, buf_text(&name)) != 0)
            continue;
        *ret_ticket = tickets->at[i].ticket;
        tickets->at[i].ticket.bytes = NULL;
        remove_at(tickets, i);
        return true;
    }
    return false;
}

/* Makes room for one of this name: the oldest of too many of them goes, else the oldest of all. */
static void make_room(struct tickets *tickets, const char *name)
{
    size_t same = 0, oldest = 0;

    for (size_t i = tickets->count; i--;) {
        if (strcmp(tickets->at[i].name, name) != 0)
            continue;
        same++;
        oldest = i;
    }
    if (same == TICKETS_EACH_MAX)
        remove_at(tickets, oldest);
    else if (tickets->count == TICKETS_MAX)
        remove_at(tickets, 0);
}

void tickets_keep(struct tickets *tickets, const struct ticket_use *use, struct ticket ticket,
                  uint64_t now)
{
    HELD(buf) name = BUF(2048);

    name_of(&name, use);
    remove_dead(tickets, now);
    char *copy = !name.full && is_alive(ticket, now) ? str_copy(buf_text(&name)) : NULL;
    if (!copy) {
        secret_free(ticket.bytes);
        return;
    }
    make_room(tickets, copy);
    tickets->at[tickets->count++] = (struct kept){ copy, ticket };
}
