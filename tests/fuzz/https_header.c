/* The first line names recipients, the rest is a header. Where it may go over HTTPS, header and added Bcc
 * together name these recipients, each of them and nobody else. */
#include <assert.h>
#include <stdint.h>

#include "mail/address.h"
#include "mail/envelope.h"
#include "mail/header.h"
#include "relay/https_message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void collect(struct span block, struct address_list *list)
{
    static const char *const names[] = { "To", "Cc", "Bcc", NULL };
    struct scan scan = scan_of(block);
    struct header_field field;

    while (header_next(&scan, &field))
        if (header_listed(field.name, names))
            assert(address_list_parse(field.value, NULL, list, NULL));
}

static bool has(const struct address_list *list, const char *address)
{
    for (size_t i = 0; i < list->count; i++)
        if (address_same(span_of(list->at[i].wire), span_of(address)))
            return true;
    return false;
}

static void check(const struct envelope *envelope, struct span header, struct span bcc)
{
    struct address_list named = { 0 };

    collect(bcc, &named);
    collect(header, &named);
    for (size_t i = 0; i < envelope->count; i++)
        assert(has(&named, envelope->recipients[i].address));
    for (size_t i = 0; i < named.count; i++) {
        bool wanted = false;
        for (size_t k = 0; k < envelope->count; k++)
            wanted |= address_same(span_of(named.at[i].wire), span_of(envelope->recipients[k].address));
        assert(wanted);
    }
    address_list_done(&named);
    assert(header_count(header, "Bcc") + header_count(bcc, "Bcc") <= 1 || !bcc.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct scan scan = scan_of((struct span){ (const char *)data, len < 20000 ? len : 20000 });
    OWN(account) account = NULL;
    OWN(envelope) envelope = envelope_new();
    HELD(buf) bcc = BUF(1 << 20);
    struct span line, word;

    if (!envelope || !scan_line(&scan, &line) || !account_new(SPAN("a"), &account, NULL) ||
        !account_set(account, "address", SPAN("me@x.test"), NULL) ||
        !envelope_set_sender(envelope, SPAN("me@x.test"), NULL))
        return 0;
    while (span_split(&line, ' ', &word) && envelope->count < 50)
        if (!envelope_add(envelope, word, NULL))
            return 0;
    const struct transport_message message = { .envelope = envelope, .count = envelope->count };
    if (https_header_fits(&https_graph, account, &message, scan_rest(&scan), &bcc, NULL))
        check(envelope, scan_rest(&scan), buf_span(&bcc));
    return 0;
}
