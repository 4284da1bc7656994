/* What an issuer publishes of itself (RFC 8414, 2). */
#include "account/oauth_way.h"

#include "base/json_read.h"
#include "net/url.h"

#include "base/banned.h"

static bool no_metadata(struct err *err, const char *why)
{
    return err_found(err, ERR_CONFIG, "oauth:no-metadata", "the issuer's metadata: %s", why);
}

static bool lists(const struct json_value *list, const char *word)
{
    for (size_t i = 0; i < json_count(list); i++)
        if (span_is(json_as_text(json_element(list, i)), word))
            return true;
    return false;
}

/*= RFC 8414 3.3
 *# The "issuer" value returned MUST be identical to the authorization server's issuer identifier value
 *# into which the well-known URI string was inserted to create the URL used to retrieve the metadata.  */
static bool check_issuer(struct oauth_way *way, const struct json_value *root, struct err *err)
{
    struct span issuer = json_text_at(root, "issuer");

    if (!issuer.at)
        return no_metadata(err, "it names no issuer");
    if (!way->issuer)
        return true; /* a profile knows where they lie, and not whose they are */
    HELD(buf) told = BUF(URL_MAX);
    buf_add_span(&told, issuer);
    bool same = !told.full && oauth_same_address(buf_text(&told), way->issuer);
    if (!same && !(way->issuer_varies && oauth_way_is_issuer(way, issuer)))
        return err_found(err, ERR_CONFIG, "oauth:other-issuer", "the issuer's metadata is another's");
    if (way->issuer_varies)
        return true;
    way->issuer = pool_text(&way->pool, issuer);
    return way->issuer || err_no_memory(err);
}

static bool take_endpoint(struct oauth_way *way, const struct json_value *root, const char *key,
                          const char **ret_url, struct err *err)
{
    struct span text = json_text_at(root, key);
    struct url url;

    *ret_url = NULL;
    if (!text.at)
        return true;
    if (!url_parse(text, &url, NULL))
        return err_found(err, ERR_CONFIG, "oauth:no-metadata", "the issuer's metadata: %s is no https address", key);
    *ret_url = pool_text(&way->pool, text);
    return *ret_url || err_no_memory(err);
}

static void take_grants(struct oauth_way *way, const struct json_value *root)
{
    const struct json_value *types = json_member(root, "grant_types_supported");

    way->grants = way->authorize ? GRANT_CODE : 0;
    if (way->device)
        way->grants |= GRANT_DEVICE;
    if (json_kind(types) != JSON_KIND_ARRAY || lists(types, "client_credentials"))
        way->grants |= GRANT_CLIENT;
}

/* Without a list it is client_secret_basic (RFC 8414, 2). */
static void take_proofs(struct oauth_way *way, const struct json_value *root)
{
    const struct json_value *ways = json_member(root, "token_endpoint_auth_methods_supported");
    const struct json_value *signatures =
        json_member(root, "token_endpoint_auth_signing_alg_values_supported");

    way->basic = json_kind(ways) != JSON_KIND_ARRAY || lists(ways, "client_secret_basic");
    if (json_kind(signatures) == JSON_KIND_ARRAY)
        way->assertion = lists(signatures, "RS256") || !lists(signatures, "PS256") ? CRYPTO_RS256 : CRYPTO_PS256;
}

/* What no profile told us to ask for, the issuer may not know: then it says invalid_scope to all of it. */
static void drop_unknown_scopes(struct oauth_way *way, const struct json_value *root)
{
    const struct json_value *scopes = json_member(root, "scopes_supported");

    if (json_kind(scopes) != JSON_KIND_ARRAY || lists(scopes, OAUTH_SCOPE_ELSEWHERE))
        return;
    for (size_t i = 0; i < CREDENTIAL_PURPOSES; i++)
        if (strcmp(way->scopes[i], OAUTH_SCOPE_ELSEWHERE) == 0)
            way->scopes[i] = "";
}

bool oauth_way_learn(struct oauth_way *way, struct span metadata, struct err *err)
{
    OWN(json_tree) tree = NULL;
    struct err why = { 0 };

    if (!json_read(metadata, OAUTH_METADATA_MAX, &tree, &why))
        return why.kind == ERR_MEMORY ? err_no_memory(err) : no_metadata(err, why.text);
    const struct json_value *root = json_root(tree);
    if (!check_issuer(way, root, err) ||
        !take_endpoint(way, root, "authorization_endpoint", &way->authorize, err) ||
        !take_endpoint(way, root, "token_endpoint", &way->token, err) ||
        !take_endpoint(way, root, "device_authorization_endpoint", &way->device, err) ||
        !take_endpoint(way, root, "revocation_endpoint", &way->revoke, err))
        return false;
    if (!way->token)
        return no_metadata(err, "it names no token endpoint");
    way->issuer_due = false;
    if (!json_bool_at(root, "authorization_response_iss_parameter_supported", &way->issuer_due))
        way->issuer_due = false;
    take_grants(way, root);
    take_proofs(way, root);
    drop_unknown_scopes(way, root);
    memset(way->metadata, 0, sizeof way->metadata);
    return true;
}
