/* What is taken as an address must hold to the envelope's grammar, stay the same when it is parsed
 * again, and survive being written with its name; names and comments must add no recipient. */
#include <assert.h>
#include <stdint.h>

#include "mail/address.h"
#include "mail/words.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_wire(const char *wire)
{
    HELD(address) again = { 0 };

    for (const char *at = wire; *at; at++)
        assert((unsigned char)*at > 31 && *at != 127);
    assert(address_parse(span_of(wire), &again, NULL));
    assert(strcmp(again.wire, wire) == 0);
}

static void check_written(const struct address *address)
{
    HELD(buf) name = BUF(1 << 20), text = BUF(1 << 20);
    HELD(address_list) list = { 0 };

    words_decode(&name, span_of(address->name));
    address_add(&text, buf_span(&name), span_of(address->wire));
    assert(address_list_parse(buf_span(&text), NULL, &list, NULL));
    assert(list.count == 1 && strcmp(list.at[0].wire, address->wire) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span input = { (const char *)data, len };
    struct scan scan = scan_of(input);
    HELD(address) one = { 0 }, path = { 0 };
    HELD(address_list) list = { 0 };

    if (len > 1 << 14)
        return 0;
    if (address_parse(input, &one, NULL))
        check_wire(one.wire);
    if (address_path_scan(&scan, PATH_REVERSE, &path, NULL) && path.wire[0])
        check_wire(path.wire);
    if (address_list_parse(input, "h.example", &list, NULL))
        for (size_t i = 0; i < list.count; i++) {
            check_wire(list.at[i].wire);
            check_written(&list.at[i]);
        }
    return 0;
}
