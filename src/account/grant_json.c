/* A grant as JSON, and back. */
#include "account/grant.h"

#include "base/alloc.h"
#include "base/json.h"
#include "base/json_read.h"

#include "base/banned.h"

enum { VERSION = 1 };

/* The plain members, by their key. */
#define TEXT(key, member)   { key, offsetof(struct grant, member) }
static const struct {
    const char *key;
    size_t offset;
} texts[] = {
    TEXT("issuer", issuer),       TEXT("token_url", token_url), TEXT("revoke_url", revoke_url),
    TEXT("client_id", client_id), TEXT("host", host),           TEXT("user", user),
    TEXT("seed", seed),           TEXT("named", named),
}, numbers[] = {
    TEXT("refresh_expires", refresh_expires), TEXT("signed_in", signed_in), TEXT("succeeded", succeeded),
    TEXT("not_before", not_before),           TEXT("proof_expires", proof_expires),
}, flags[] = {
    TEXT("basic", basic), TEXT("application", application),
};
#undef TEXT

/* ---- writing ---- */

static void write_refusal(struct json *json, const char *key, const struct grant_refusal *refusal)
{
    if (!refusal->at)
        return;
    json_open(json, key, '{');
    json_number(json, "at", refusal->at);
    json_text(json, "fact", refusal->fact);
    json_text(json, "said", refusal->said);
    json_close(json);
}

static void write_token(struct json *json, const struct grant *grant, size_t purpose, bool with_access)
{
    const struct grant_token *token = &grant->tokens[purpose];

    if (!token->access && !token->refusal.at)
        return;
    json_open(json, NULL, '{');
    json_text(json, "for", credential_purpose_word((enum credential_purpose)purpose));
    if (token->access && with_access) {
        json_span(json, "token", secret_bytes(token->access));
        json_number(json, "obtained", token->obtained);
        json_number(json, "expires", token->expires);
        if (token->scope)
            json_text(json, "scope", token->scope);
    }
    write_refusal(json, "refused", &token->refusal);
    json_close(json);
}

static void write_plain(struct json *json, const struct grant *grant)
{
    const char *at = (const char *)grant;

    json_number(json, "version", VERSION);
    for (size_t i = 0; i < COUNT(texts); i++)
        if (*(const char *const *)(const void *)(at + texts[i].offset))
            json_text(json, texts[i].key, *(const char *const *)(const void *)(at + texts[i].offset));
    for (size_t i = 0; i < COUNT(numbers); i++)
        if (*(const uint64_t *)(const void *)(at + numbers[i].offset))
            json_number(json, numbers[i].key, *(const uint64_t *)(const void *)(at + numbers[i].offset));
    for (size_t i = 0; i < COUNT(flags); i++)
        if (*(const bool *)(at + flags[i].offset))
            json_bool(json, flags[i].key, true);
}

static void write_all(struct buf *out, const struct grant *grant, bool with_access)
{
    struct json json = json_to(out);

    json_open(&json, NULL, '{');
    write_plain(&json, grant);
    if (grant->refresh)
        json_span(&json, "refresh_token", secret_bytes(grant->refresh));
    write_refusal(&json, "later", &grant->later);
    json_open(&json, "users", '[');
    for (size_t i = 0; i < grant->user_count; i++)
        json_text(&json, NULL, grant->users[i]);
    json_close(&json);
    json_open(&json, "tokens", '[');
    for (size_t i = 0; i < CREDENTIAL_PURPOSES; i++)
        write_token(&json, grant, i, with_access);
    json_close(&json);
    json_close(&json);
}

bool grant_write(const struct grant *grant, struct secret **ret_json, struct err *err)
{
    HELD(buf) out = BUF(SECRET_MAX);

    write_all(&out, grant, true);
    if (out.full) {
        buf_clear(&out);
        write_all(&out, grant, false);
    }
    struct secret *json = out.full ? NULL : secret_take(&out);
    if (!json)
        return err_no_memory(err);
    *ret_json = json;
    return true;
}

/* ---- reading ---- */

static bool unreadable(struct err *err)
{
    return err_found(err, ERR_CONFIG, "secret:unreadable", "the sign-in that is kept can't be read");
}

/* False for no memory. */
static bool take_text(struct grant *grant, struct span text, const char **ret_text)
{
    *ret_text = text.at ? grant_text(grant, text) : NULL;
    return *ret_text || !text.at;
}

static bool take_secret(struct span text, struct secret **ret_secret)
{
    *ret_secret = text.len ? secret_new(text) : NULL;
    return *ret_secret || !text.len;
}

static bool take_refusal(struct grant *grant, const struct json_value *value, struct grant_refusal *refusal)
{
    if (!json_number_at(value, "at", &refusal->at))
        return true;
    refusal->fact = oauth_fact(json_text_at(value, "fact"));
    return take_text(grant, json_text_at(value, "said"), &refusal->said);
}

static bool take_token(struct grant *grant, const struct json_value *value)
{
    enum credential_purpose purpose;

    if (!credential_purpose_from_word(json_text_at(value, "for"), &purpose))
        return true; /* a later version's */
    struct grant_token *token = &grant->tokens[purpose];
    if (token->access)
        return true;
    if (json_number_at(value, "obtained", &token->obtained) &&
        json_number_at(value, "expires", &token->expires) &&
        (!take_secret(json_text_at(value, "token"), &token->access) ||
         !take_text(grant, json_text_at(value, "scope"), &token->scope)))
        return false;
    return take_refusal(grant, json_member(value, "refused"), &token->refusal);
}

static bool take_plain(struct grant *grant, const struct json_value *root)
{
    char *at = (char *)grant;

    for (size_t i = 0; i < COUNT(texts); i++)
        if (!take_text(grant, json_text_at(root, texts[i].key), (const char **)(void *)(at + texts[i].offset)))
            return false;
    bool there = true; /* or left at zero */
    for (size_t i = 0; i < COUNT(numbers); i++)
        there &= json_number_at(root, numbers[i].key, (uint64_t *)(void *)(at + numbers[i].offset));
    for (size_t i = 0; i < COUNT(flags); i++)
        there &= json_bool_at(root, flags[i].key, (bool *)(at + flags[i].offset));
    (void)there;
    return true;
}

static bool take_lists(struct grant *grant, const struct json_value *root)
{
    const struct json_value *users = json_member(root, "users"), *tokens = json_member(root, "tokens");

    for (size_t i = 0; i < json_count(users) && grant->user_count < GRANT_USERS_MAX; i++) {
        struct span user = json_as_text(json_element(users, i));
        if (!user.len || user.len > GRANT_USER_MAX)
            continue;
        if (!take_text(grant, user, &grant->users[grant->user_count++]))
            return false;
    }
    for (size_t i = 0; i < json_count(tokens); i++)
        if (!take_token(grant, json_element(tokens, i)))
            return false;
    return true;
}

bool grant_parse(struct span text, struct grant **ret_grant, struct err *err)
{
    OWN(json_tree) tree = NULL;
    OWN(grant) grant = NULL;
    struct err why = { 0 };
    uint64_t version = 0;

    if (!json_read(text, SECRET_MAX, &tree, &why))
        return why.kind == ERR_MEMORY ? err_no_memory(err) : unreadable(err);
    const struct json_value *root = json_root(tree);
    if (!json_number_at(root, "version", &version) || version != VERSION)
        return unreadable(err);
    grant = NEW(grant);
    if (!grant || !take_plain(grant, root) || !take_lists(grant, root) ||
        !take_secret(json_text_at(root, "refresh_token"), &grant->refresh) ||
        !take_refusal(grant, json_member(root, "later"), &grant->later))
        return err_no_memory(err);
    if (!grant->client_id || !grant->token_url || !grant->host)
        return unreadable(err);
    *ret_grant = GIVE(grant);
    return true;
}
