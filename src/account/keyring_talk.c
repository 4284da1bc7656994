#include "account/keyring_talk.h"

#include "base/buf.h"
#include "base/str.h"

#include "base/banned.h"

static const struct {
    const char *fact;
    enum err_kind kind;
} facts[] = {
    { KEYRING_NOT_NOW, ERR_LATER },
    { KEYRING_NONE, ERR_CONFIG },
    { KEYRING_EMPTY, ERR_SIGNIN },
};

static bool next_line(struct span *rest, struct span *ret_line)
{
    size_t end = span_find(*rest, '\n');

    *ret_line = span_cut(*rest, 0, end);
    *rest = span_from(*rest, end < rest->len ? end + 1 : end);
    return end > 0;
}

static bool no_sense(struct err *err)
{
    return err_found(err, ERR_LATER, KEYRING_NOT_NOW, "the program for keyrings made no sense");
}

static bool take_secret(struct span bytes, struct secret **ret_secret, struct err *err)
{
    if (!bytes.len || bytes.len > KEYRING_SECRET_MAX)
        return no_sense(err);
    *ret_secret = secret_new(bytes);
    return *ret_secret || err_no_memory(err);
}

bool keyring_answer_read(struct span answer, bool has_secret, struct secret **ret_secret, struct err *err)
{
    HELD(buf) shown = BUF(ERR_TEXT_MAX);
    struct span first, text;

    if (!next_line(&answer, &first))
        return no_sense(err);
    if (span_is(first, KEYRING_OK)) {
        *ret_secret = NULL;
        return !has_secret || take_secret(answer, ret_secret, err);
    }
    for (size_t i = 0; i < COUNT(facts); i++) {
        if (!span_is(first, facts[i].fact) || !next_line(&answer, &text))
            continue;
        str_printable(&shown, text, ERR_TEXT_MAX / 2);
        err_found(err, facts[i].kind, facts[i].fact, "%s", buf_text(&shown));
        return err_said(err, answer);
    }
    return no_sense(err);
}
