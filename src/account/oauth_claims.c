#include "account/oauth_claims.h"

#include "base/base64.h"
#include "base/str.h"

#include "base/banned.h"

bool oauth_claims_read(const struct secret *id_token, struct json_tree **ret_claims, struct err *err)
{
    struct span rest = secret_bytes(id_token), head, claims;
    HELD(buf) json = BUF(OAUTH_CLAIMS_MAX);
    struct json_tree *tree = NULL;

    if (!span_split(&rest, '.', &head) || !span_split(&rest, '.', &claims) ||
        !base64url_decode(&json, claims) || !json_read(buf_span(&json), OAUTH_CLAIMS_MAX, &tree, NULL))
        return err_found(err, ERR_PROTOCOL, "oauth:malformed", "the sign-in server's id_token can't be read");
    *ret_claims = tree;
    return true;
}

static bool has_audience(const struct json_value *claims, const char *client_id)
{
    const struct json_value *audience = json_member(claims, "aud");
    struct span party = json_text_at(claims, "azp");
    bool is_for_us = span_is(json_as_text(audience), client_id);

    for (size_t i = 0; i < json_count(audience); i++)
        is_for_us |= span_is(json_as_text(json_element(audience, i)), client_id);
    return is_for_us && (!party.at || span_is(party, client_id) || json_count(audience) < 2);
}

static bool has_nonce(const struct json_value *claims, const char *nonce)
{
    return !nonce || str_equal_secret(json_text_at(claims, "nonce"), span_of(nonce));
}

static bool check_time(const struct json_value *claims, uint64_t wall, struct err *err)
{
    uint64_t made = 0, expires = 0;
    const uint64_t slack = OAUTH_CLOCK_SKEW_MS / 1000, now = wall / 1000;

    bool off = (json_number_at(claims, "iat", &made) && (made > now + slack || now > made + slack)) ||
               (json_number_at(claims, "exp", &expires) && now > expires + slack);
    return !off || err_found(err, ERR_SIGNIN, "clock:wrong",
                             "the sign-in server's clock and this machine's are far apart");
}

bool oauth_claims_check(const struct oauth_way *way, const struct json_value *claims,
                        const char *nonce_or_null, uint64_t wall, struct err *err)
{
    if (!oauth_way_is_issuer(way, json_text_at(claims, "iss")))
        return err_found(err, ERR_SIGNIN, "oauth:other-issuer", "the id_token is another issuer's");
    if (!has_audience(claims, way->client_id))
        return err_found(err, ERR_SIGNIN, "oauth:other-issuer", "the id_token is another application's");
    if (!has_nonce(claims, nonce_or_null))
        return err_found(err, ERR_SIGNIN, "oauth:other-issuer", "the id_token answers another sign-in");
    return check_time(claims, wall, err);
}

bool oauth_is_address_of(struct span address, const char *user)
{
    bool whole = span_find(span_of(user), '@') < strlen(user);

    return span_is_word(whole ? address : span_cut(address, 0, span_find(address, '@')), user);
}

struct span oauth_claims_address(const struct json_value *claims, const char *user)
{
    static const char *const keys[] = { "upn", "preferred_username", "unique_name", "email", "sub" };
    struct span first = SPAN_NONE;

    for (size_t i = 0; i < COUNT(keys); i++) {
        struct span address = json_text_at(claims, keys[i]);
        if (span_find(address, '@') == address.len)
            continue;
        if (oauth_is_address_of(address, user))
            return address;
        if (!first.len)
            first = address;
    }
    return first;
}
