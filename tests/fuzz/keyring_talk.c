/* What a program says in outpost-keyring's place: a secret is what stands behind its line, byte for byte; a failure has a
 * fact and a kind that know each other, and words that can be shown. */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "account/keyring_talk.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_failure(const struct err *err)
{
    enum err_kind kind = strcmp(err->fact, KEYRING_NONE) == 0    ? ERR_CONFIG
                         : strcmp(err->fact, KEYRING_EMPTY) == 0 ? ERR_SIGNIN
                                                                 : ERR_LATER;

    assert(err->kind == kind && (kind != ERR_LATER || strcmp(err->fact, KEYRING_NOT_NOW) == 0));
    assert(*err->text && str_is_safe(span_of(err->text)) && str_is_safe(span_of(err->said)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct span answer = { (const char *)data, len };
    bool is_ok = span_is(span_cut(answer, 0, span_find(answer, '\n')), KEYRING_OK);
    struct span behind = span_from(answer, strlen(KEYRING_OK) + 1);
    OWN(secret) secret = NULL;
    OWN(secret) none = NULL;
    struct err err = { 0 };

    if (keyring_answer_read(answer, true, &secret, &err)) {
        assert(is_ok && behind.len && span_equal(secret_bytes(secret), behind));
        assert(behind.len <= KEYRING_SECRET_MAX);
    } else {
        check_failure(&err);
        assert(!is_ok || !behind.len || behind.len > KEYRING_SECRET_MAX);
    }
    if (keyring_answer_read(answer, false, &none, &err)) {
        assert(is_ok && !none);
    } else {
        check_failure(&err);
        assert(!is_ok);
    }
    return 0;
}
