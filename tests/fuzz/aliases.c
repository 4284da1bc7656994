/* Whatever stands in the file: it is read or refused, each name is followed to its end, and nothing but addresses
 * comes out. */
#include <assert.h>
#include <stdint.h>

#include "intake/aliases.h"
#include "mail/address.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void follow(const struct aliases *aliases, struct span name)
{
    static const struct alias_asker asker = { "web1.example", "admin@example.org" };
    HELD(alias_found) found = { 0 };
    struct err err = { 0 };

    if (!aliases_expand(aliases, &asker, name, &found, &err))
        assert(err.kind != ERR_NONE && found.count == 0);
    for (size_t i = 0; i < found.count; i++) {
        struct address address;
        assert(address_parse(span_of(found.at[i]), &address, NULL));
        assert(found.at[i][0] != '|' && found.at[i][0] != '/');
        address_done(&address);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data, len }, rest = text, name;
    OWN(aliases) aliases = NULL;

    if (len > 20000 || !aliases_parse(text, &aliases, NULL))
        return 0;
    for (size_t i = 0; i < aliases_fault_count(aliases); i++)
        assert(aliases_fault(aliases, i)->line > 0 && aliases_fault(aliases, i)->why);
    for (unsigned n = 0; n < 20 && span_split(&rest, ':', &name); n++)
        follow(aliases, span_trim(span_from(name, span_find_last(name, '\n') + 1)));
    return 0;
}
