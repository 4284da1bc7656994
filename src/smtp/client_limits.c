/* LIMITS (RFC 9422): how much of a message's envelope still fits this connection. */
#include "smtp/client_int.h"

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

size_t smtp_client_recipients_max(const struct smtp_client *client)
{
    uint32_t told = client->extensions.rcpt_max;

    return told && told < SMTP_RECIPIENTS_MAX ? told : SMTP_RECIPIENTS_MAX;
}

size_t smtp_client_transactions_left(const struct smtp_client *client)
{
    uint32_t told = client->extensions.mail_max;

    if (!told)
        return SIZE_MAX;
    return client->transactions < told ? told - client->transactions : 0;
}

/* -- domains -- */

static struct span domain_of(const struct envelope *envelope, size_t recipient)
{
    struct span address = span_of(envelope->recipients[recipient].address);

    return span_from(address, span_find_last(address, '@') + 1);
}

/* FNV-1a, ASCII case aside. Two domains of one mark are counted as one, and the server has the last word. */
static uint64_t mark_of(struct span domain)
{
    uint64_t mark = 14695981039346656037u;

    for (size_t i = 0; i < domain.len; i++)
        mark = (mark ^ (unsigned char)str_lower(domain.at[i])) * 1099511628211u;
    return mark;
}

static size_t domains_max(const struct smtp_client *c)
{
    uint32_t told = c->extensions.rcpt_domain_max;

    return told < DOMAINS_KEPT_MAX ? told : DOMAINS_KEPT_MAX;
}

static bool is_named(const struct smtp_client *c, struct span domain)
{
    uint64_t mark = mark_of(domain);

    for (size_t i = 0; i < c->domain_count; i++)
        if (c->domains[i] == mark)
            return true;
    return false;
}

bool limits_begin(struct smtp_client *c)
{
    if (!c->extensions.rcpt_domain_max || c->domains)
        return true;
    c->domains = mem_array(domains_max(c), sizeof *c->domains);
    return c->domains != NULL;
}

void limits_named(struct smtp_client *c, size_t recipient)
{
    struct span domain = domain_of(c->t.envelope, recipient);

    if (c->domains && c->domain_count < domains_max(c) && !is_named(c, domain))
        c->domains[c->domain_count++] = mark_of(domain);
}

/* The recipients from `first` on, `most` of them: how many until one would be of a domain too many. */
static size_t fit_domains(const struct smtp_client *c, const struct envelope *envelope, size_t first,
                          size_t most)
{
    size_t fresh[DOMAINS_KEPT_MAX]; /* who first named a domain that is new to this connection */
    size_t fresh_count = 0, room = domains_max(c) - c->domain_count;

    for (size_t i = 0; i < most; i++) {
        struct span domain = domain_of(envelope, first + i);
        size_t seen = 0;
        if (is_named(c, domain))
            continue;
        while (seen < fresh_count && !span_equal_word(domain, domain_of(envelope, fresh[seen])))
            seen++;
        if (seen < fresh_count)
            continue;
        if (fresh_count == room)
            return i;
        fresh[fresh_count++] = first + i;
    }
    return most;
}

size_t smtp_client_recipients_fit(const struct smtp_client *client, const struct envelope *envelope,
                                  size_t first)
{
    size_t most = smtp_client_recipients_max(client);

    if (first >= envelope->count || smtp_client_transactions_left(client) == 0)
        return 0;
    if (most > envelope->count - first)
        most = envelope->count - first;
    return client->extensions.rcpt_domain_max ? fit_domains(client, envelope, first, most) : most;
}
