/* The mechanisms' names, and which of them to use. */
#include "base/str.h"
#include "smtp/sasl_int.h"

#include "base/banned.h"

static const char *const names[] = {
#define X(id, name) name,
    SASL_MECHANISMS(X)
#undef X
};

const char *sasl_name(enum sasl_mechanism mechanism)
{
    return names[mechanism];
}

bool sasl_from_name(struct span name, enum sasl_mechanism *ret_mechanism)
{
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (span_is_word(name, names[i])) {
            *ret_mechanism = (enum sasl_mechanism)i;
            return true;
        }
    }
    return false;
}

unsigned sasl_from_list(struct span words)
{
    unsigned found = 0;
    struct span word;
    enum sasl_mechanism mechanism;

    while (span_split(&words, ' ', &word)) {
        if (sasl_from_name(span_trim(word), &mechanism))
            found |= SASL_BIT(mechanism);
    }
    return found;
}

void sasl_list(struct buf *out, unsigned mechanisms)
{
    const char *comma = "";

    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (mechanisms & SASL_BIT(i)) {
            buf_addf(out, "%s%s", comma, names[i]);
            comma = ", ";
        }
    }
}

unsigned sasl_for_credential(enum sasl_credential credential)
{
    const unsigned bearer = SASL_BIT(SASL_XOAUTH2) | SASL_BIT(SASL_OAUTHBEARER);
    const unsigned external = SASL_BIT(SASL_EXTERNAL);

    switch (credential) {
    case SASL_TOKEN:
        return bearer;
    case SASL_CERTIFICATE:
        return external;
    case SASL_PASSWORD:
        break;
    }
    return SASL_ALL & ~bearer & ~external;
}

bool sasl_choose(unsigned offered, unsigned allowed, enum sasl_credential credential,
                 bool channel_bound, enum sasl_mechanism *ret_mechanism, struct err *err)
{
    const unsigned plus = SASL_BIT(SASL_SCRAM_SHA_256_PLUS) | SASL_BIT(SASL_SCRAM_SHA_1_PLUS);
    unsigned common = offered & allowed & sasl_for_credential(credential);

    if (!channel_bound)
        common &= ~plus;
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++) {
        if (common & SASL_BIT(i)) {
            *ret_mechanism = (enum sasl_mechanism)i;
            return true;
        }
    }
    if (!offered)
        return err_found(err, ERR_SIGNIN, "auth:not-offered",
                         "the server offers no way to sign in that is known here");

    HELD(buf) theirs = BUF(256), ours = BUF(256);
    sasl_list(&theirs, offered);
    sasl_list(&ours, allowed & sasl_for_credential(credential));
    return err_found(err, ERR_SIGNIN, "auth:no-common-mechanism",
                     "the server offers %s; this account can use %s", buf_text(&theirs),
                     ours.len ? buf_text(&ours) : "none of them");
}

bool sasl_client_first(enum sasl_mechanism mechanism)
{
    return mechanism != SASL_LOGIN && mechanism != SASL_CRAM_MD5;
}

enum sasl_hash sasl_hash_of(enum sasl_mechanism mechanism)
{
    return mechanism == SASL_SCRAM_SHA_1 || mechanism == SASL_SCRAM_SHA_1_PLUS ? SASL_SHA_1
                                                                               : SASL_SHA_256;
}

size_t sasl_key_len(enum sasl_hash hash)
{
    return hash == SASL_SHA_1 ? 20 : 32;
}

bool sasl_is_plus(enum sasl_mechanism mechanism)
{
    return mechanism == SASL_SCRAM_SHA_256_PLUS || mechanism == SASL_SCRAM_SHA_1_PLUS;
}

bool sasl_is_scram(enum sasl_mechanism mechanism)
{
    return sasl_is_plus(mechanism) || mechanism == SASL_SCRAM_SHA_256 ||
           mechanism == SASL_SCRAM_SHA_1;
}
