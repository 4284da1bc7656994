#include "account/verdicts.h"

#include "base/crypto.h"
#include "base/str.h"

#include "base/banned.h"

_Static_assert((int)VERDICT_LEN == (int)CRYPTO_SHA256_LEN, "a digest is whole");

enum { CASE_MAX = 64 * 1024 };

/* Each part with its length before it, so that none can be taken for another's end. */
static void add_part(struct buf *out, struct span part)
{
    buf_addf(out, "%zu:", part.len);
    buf_add_span(out, part);
}

bool verdict_digest(const struct verdicts *verdicts, const struct verdict_case *of,
                    unsigned char ret_digest[VERDICT_LEN], struct err *err)
{
    HELD(buf) text = BUF(CASE_MAX);

    add_part(&text, of->user);
    add_part(&text, of->hash);
    add_part(&text, of->password);
    if (text.full)
        return err_no_memory(err);
    return crypto_hmac_sha256((struct span){ verdicts->key, sizeof verdicts->key }, buf_span(&text),
                              ret_digest, err);
}

static struct span bytes_of(const unsigned char digest[VERDICT_LEN])
{
    return (struct span){ (const char *)digest, VERDICT_LEN };
}

bool verdict_find(const struct verdicts *verdicts, const unsigned char digest[VERDICT_LEN], uint64_t now,
                  bool *ret_right)
{
    for (size_t i = 0; i < VERDICTS_MAX; i++) {
        const struct verdict *verdict = &verdicts->at[i];
        if (verdict->until > now && str_equal_secret(bytes_of(verdict->digest), bytes_of(digest))) {
            *ret_right = verdict->right;
            return true;
        }
    }
    return false;
}

void verdict_keep(struct verdicts *verdicts, const unsigned char digest[VERDICT_LEN], bool right,
                  uint64_t now)
{
    struct verdict *verdict = &verdicts->at[verdicts->next];

    verdicts->next = (verdicts->next + 1) % VERDICTS_MAX;
    memcpy(verdict->digest, digest, VERDICT_LEN);
    verdict->until = now + VERDICTS_MS;
    verdict->right = right;
}
