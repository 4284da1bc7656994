/* Another program's configuration: the first byte says whose, the rest is all of its files. */
#include <stdlib.h>

#include "discover/import.h"
#include "know/embedded.h"
#include "know/knowledge.h"

static void check(bool holds)
{
    if (!holds)
        abort();
}

static const struct knowledge *know(void)
{
    static struct knowledge *known;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    if (!known)
        check(know_new(texts, count, &known, NULL));
    return known;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span text = { (const char *)data + 1, len ? len - 1 : 0 };
    enum import_kind kind = len ? (enum import_kind)(data[0] % IMPORT_KINDS) : IMPORT_MSMTP, guessed;
    OWN(import) import = NULL;
    HELD(buf) said = BUF(64 * 1024);
    struct import_wish wish;

    if (!len)
        return 0;
    (void)!import_kind_of("file", text, &guessed);
    import_wants(kind, text, &wish);
    const struct import_file files[] = { { "file", text }, { wish.count ? wish.paths[0] : "other", text } };
    if (!import_read(kind, files, 2, &import, NULL))
        return 0;
    check(import->count && import->count <= IMPORT_ACCOUNTS_MAX && import->usual < import->count);
    for (size_t i = 0; i < import->count && i < 4; i++) {
        OWN(account) account = NULL;
        (void)!import_make(import, &import->accounts[i], "me@example.com", know(), &account, NULL);
        import_say_server(import, &import->accounts[i], "h", 25, SECURITY_TLS, &said);
    }
    return 0;
}
