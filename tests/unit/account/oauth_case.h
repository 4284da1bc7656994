/* What the tests of OAuth share: the built-in profiles, accounts from keys, the way of an account. */
#ifndef OUTPOST_TESTS_OAUTH_CASE_H
#define OUTPOST_TESTS_OAUTH_CASE_H

#include "account/oauth_way.h"
#include "base/str.h"
#include "know/embedded.h"
#include "know/knowledge.h"

static struct knowledge *known;

static inline int make_known(void **state)
{
    (void)state;
    struct err err = { 0 };
    size_t count = 0;
    const struct knowledge_text *texts = know_embedded(&count);

    if (!know_new(texts, count, &known, &err))
        print_error("%s\n", err.text);
    return known ? 0 : -1;
}

static int free_known(void **state)
{
    (void)state;
    knowledge_free(known);
    return 0;
}

/* From "key=value" texts, NULL ends. */
static inline struct account *account_of(const char *const *keys)
{
    struct account *account = NULL;
    struct err err = { 0 };
    bool good = account_new(SPAN("mine"), &account, &err);

    for (size_t i = 0; good && keys[i]; i++) {
        HELD(buf) key = BUF(100);
        struct span text = span_of(keys[i]);
        size_t equals = span_find(text, '=');
        buf_add_span(&key, span_cut(text, 0, equals));
        good = account_set(account, buf_text(&key), span_from(text, equals + 1), &err);
    }
    if (!good || !account_fill(account, known, &err))
        fail_msg("%s", err.text);
    return account;
}

#define ACCOUNT(...) account_of((const char *const[]){ __VA_ARGS__, NULL })

static inline struct oauth_way way_of(const struct account *account)
{
    struct oauth_way way;
    struct err err = { 0 };

    if (!oauth_way_of(account, &way, &err))
        fail_msg("%s", err.text);
    return way;
}

#endif
