#include "sandbox/assertion.h"

#include "base/base64.h"
#include "base/json_read.h"

#include "base/banned.h"

static struct json_tree *read_part(struct span part)
{
    HELD(buf) text = BUF(ASSERTION_MAX);
    struct json_tree *tree = NULL;

    if (!base64url_decode(&text, part) || !json_read(buf_span(&text), ASSERTION_MAX, &tree, NULL))
        return NULL;
    return tree;
}

static bool is_signed(const struct json_value *head)
{
    static const char *const kinds[] = { "RS256", "PS256", "ES256" };
    struct span kind = json_text_at(head, "alg");
    bool known = false;

    for (size_t i = 0; i < COUNT(kinds); i++)
        known |= span_is(kind, kinds[i]);
    return known && (json_text_at(head, "x5t").len || json_text_at(head, "x5t#S256").len ||
                     json_text_at(head, "kid").len);
}

static bool is_alive(const struct json_value *claims, uint64_t now)
{
    uint64_t expires = 0, begins = 0;

    if (!json_number_at(claims, "exp", &expires) || expires <= now || expires - now > ASSERTION_LIFE_MAX)
        return false;
    return !json_number_at(claims, "nbf", &begins) || begins <= now + 300;
}

static bool is_theirs(const struct json_value *claims, struct span client, struct span endpoint)
{
    return span_equal(json_text_at(claims, "iss"), client) &&
           span_equal(json_text_at(claims, "sub"), client) &&
           span_equal(json_text_at(claims, "aud"), endpoint) && json_text_at(claims, "jti").len;
}

bool assertion_is_good(struct span assertion, struct span client, struct span endpoint, uint64_t now)
{
    struct span rest = assertion, head_text, claims_text;
    HELD(buf) signature = BUF(ASSERTION_MAX);

    if (!span_split(&rest, '.', &head_text) || !span_split(&rest, '.', &claims_text) || !rest.len ||
        !base64url_decode(&signature, rest) || !signature.len)
        return false;
    OWN(json_tree) head = read_part(head_text);
    OWN(json_tree) claims = read_part(claims_text);
    return head && claims && is_signed(json_root(head)) &&
           is_theirs(json_root(claims), client, endpoint) && is_alive(json_root(claims), now);
}
