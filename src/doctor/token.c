#include "doctor/token.h"

#include <stdio.h>

#include "account/oauth_answer.h"
#include "account/oauth_claims.h"
#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

enum {
    CLOCKS_DIFFER_S = 60, /* so far those of any two machines may */
    JUST_NOW_MS = 5 * 60 * 1000,
};

/* ---- reading ---- */

/* Each of them once: what a token says, who gave it may say as well. */
static void add(struct token_facts *facts, bool holds, const char *fact)
{
    for (size_t i = 0; i < facts->count; i++)
        holds &= strcmp(facts->at[i], fact) != 0;
    if (holds && facts->count < TOKEN_FACTS_MAX)
        facts->at[facts->count++] = fact;
}

/* "https://outlook.office.com/SMTP.Send" -> outlook.office.com; empty where it is no URL. */
static struct span host_of(struct span url)
{
    size_t at = span_find_text(url, "://");
    struct span rest = span_from(url, at + 3);

    return at < url.len ? span_cut(rest, 0, span_find(rest, '/')) : SPAN_NONE;
}

static struct span first_word(const char *scope)
{
    struct span rest = span_of(scope), word = SPAN_NONE;

    return span_split(&rest, ' ', &word) ? word : SPAN_NONE;
}

static bool is_for(struct span host, const char *scope)
{
    return scope && span_equal_word(host, host_of(first_word(scope)));
}

/* An audience that is no URL is a number, which says nothing to us. */
static bool has_wrong_audience(const struct json_value *claims, const struct token_wish *wish)
{
    struct span host = host_of(json_text_at(claims, "aud"));

    return host.len && wish->scope && host_of(first_word(wish->scope)).len && !is_for(host, wish->scope) &&
           !is_for(host, wish->app_scope);
}

/* A scope that ends in '/' is one for all. */
static bool is_for_all(const char *scope)
{
    struct span word = first_word(scope);

    return word.len && word.at[word.len - 1] == '/';
}

/* What was granted is not for sending: as is known of this server, else as the scopes' own names tell. */
static bool is_wrong_scope(const char *granted, const char *wanted)
{
    if (!wanted || !wanted[0])
        return !oauth_scope_may_send(span_of(granted));
    return !is_for_all(wanted) && !oauth_scope_granted(wanted, granted, NULL);
}

/* "scp": "IMAP.x SMTP.Send", as Microsoft has it, or a list; "scope" elsewhere (RFC 9068, 2.2.3). */
static void add_granted(const struct json_value *claims, struct buf *granted)
{
    static const char *const keys[] = { "scp", "scope" };

    for (size_t i = 0; i < COUNT(keys); i++) {
        const struct json_value *list = json_member(claims, keys[i]);
        buf_add_span(granted, json_as_text(list));
        buf_add_char(granted, ' ');
        for (size_t j = 0; j < json_count(list); j++) {
            buf_add_span(granted, json_as_text(json_element(list, j)));
            buf_add_char(granted, ' ');
        }
    }
}

static bool has_wrong_scope(const struct json_value *claims, const struct token_wish *wish)
{
    HELD(buf) granted = BUF(OAUTH_CLAIMS_MAX + 64);

    add_granted(claims, &granted);
    return !granted.full && span_trim(buf_span(&granted)).len && is_wrong_scope(buf_text(&granted), wish->scope);
}

/* Whom it names: nobody by an address, this user, or another. */
enum names { NAMES_NOBODY, NAMES_USER, NAMES_ANOTHER };

static enum names whom_it_names(const struct json_value *claims, const char *wanted)
{
    struct span name = wanted ? oauth_claims_address(claims, wanted) : SPAN_NONE;

    return !name.len ? NAMES_NOBODY : oauth_is_address_of(name, wanted) ? NAMES_USER : NAMES_ANOTHER;
}

/* One signs in to a shared mailbox as oneself, but the user that is told the server is the mailbox; who tells
 * his own name there writes as an address of the same domain that is not his. */
static bool is_for_a_shared_mailbox(const struct json_value *claims, const struct token_wish *wish)
{
    const char *user = wish->user, *address = wish->address;

    if (!user || !address || whom_it_names(claims, user) != NAMES_USER || span_is_word(span_of(address), user))
        return false;
    struct span a = span_of(user), b = span_of(address);
    return span_equal_word(span_from(a, span_find(a, '@')), span_from(b, span_find(b, '@')));
}

/* "9188040d-6c67-4c5b-b112-36a304b66dad" */
static bool is_tenant_id(struct span text)
{
    for (size_t i = 0; i < text.len; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? text.at[i] != '-' : strchr("0123456789abcdefABCDEF", text.at[i]) == NULL || !text.at[i])
            return false;
    }
    return text.len == TOKEN_TENANT_LEN;
}

/* By its `tid`, or by the path of who issued it: "https://sts.windows.net/ID/". */
static struct span tenant_of(const struct json_value *claims)
{
    struct span tenant = json_text_at(claims, "tid"), path = json_text_at(claims, "iss"), part;

    while (!is_tenant_id(tenant) && span_split(&path, '/', &part))
        tenant = part;
    return is_tenant_id(tenant) ? tenant : SPAN_NONE;
}

/* Whose mailbox it is comes before where it is shown. */
static void read_tenant(const struct json_value *claims, const struct token_wish *wish, struct token_facts *facts)
{
    struct span tenant = tenant_of(claims);

    if (!tenant.len)
        return;
    snprintf(facts->tenant, sizeof facts->tenant, "%.*s", SPAN_ARG(tenant));
    bool other = (wish->tenant && !span_is_word(tenant, wish->tenant)) ||
                 (wish->foreign_tenant && span_is_word(tenant, wish->foreign_tenant));
    add(facts, other, "token:other-tenant");
    add(facts, !other && wish->server_tenant && !span_is_word(tenant, wish->server_tenant), "token:other-server");
}

static bool is_application(const struct json_value *claims)
{
    return span_is(json_text_at(claims, "idtyp"), "app") ||
           (!json_text_at(claims, "scp").at && json_count(json_member(claims, "roles")));
}

static void read_dates(const struct json_value *claims, uint64_t now, struct token_facts *facts)
{
    bool dated = json_number_at(claims, "exp", &facts->until);

    if (!json_number_at(claims, "nbf", &facts->from) && !json_number_at(claims, "iat", &facts->from))
        facts->from = 0;
    bool spent = dated && facts->until <= now, early = facts->from > now + CLOCKS_DIFFER_S;
    add(facts, spent, "token:expired");
    add(facts, early && !spent, "token:not-yet-valid");
    add(facts, dated && !spent && !early, "token:fresh");
}

void token_facts_read(const struct secret *token, const struct token_wish *wish, struct token_facts *ret_facts)
{
    OWN(json_tree) tree = NULL;

    *ret_facts = (struct token_facts){ 0 };
    if (!oauth_claims_read(token, &tree, NULL))
        return;
    const struct json_value *claims = json_root(tree);
    read_dates(claims, wish->wall / 1000, ret_facts);
    add(ret_facts, has_wrong_audience(claims, wish), "token:wrong-audience");
    add(ret_facts, has_wrong_scope(claims, wish), "token:wrong-scope");
    add(ret_facts, is_application(claims), "token:application");
    add(ret_facts, whom_it_names(claims, wish->user) == NAMES_ANOTHER, "token:other-user");
    add(ret_facts, is_for_a_shared_mailbox(claims, wish), "user:shared-mailbox");
    read_tenant(claims, wish, ret_facts);
}

/* Whose it is, as the sign-in server told beside it. */
static enum names whom_it_is_for(const struct grant *grant, const struct token_wish *wish)
{
    enum names names = NAMES_NOBODY;

    for (size_t i = 0; wish->user && i <= grant->user_count; i++) {
        const char *name = i < grant->user_count ? grant->users[i] : grant->named;
        if (!name || !strchr(name, '@'))
            continue;
        if (oauth_is_address_of(span_of(name), wish->user))
            return NAMES_USER;
        names = NAMES_ANOTHER;
    }
    return names;
}

void token_facts_of_grant(const struct grant *grant, const struct token_wish *wish, struct token_facts *facts)
{
    const struct grant_token *token = &grant->tokens[CREDENTIAL_SMTP];

    if (!token->access)
        return;
    add(facts, token->obtained <= wish->wall && wish->wall - token->obtained < JUST_NOW_MS && token->expires > wish->wall,
        "token:renewed");
    add(facts, token->scope && is_wrong_scope(token->scope, wish->scope), "token:wrong-scope");
    add(facts, whom_it_is_for(grant, wish) == NAMES_ANOTHER, "token:other-user");
}

/* ---- what it should be ---- */

/* Whose mailboxes this address is among, by its domain alone: a server tells it of none. */
static const struct profile *profile_of_mailbox(const struct knowledge *know, const struct account *account)
{
    struct span address = span_of(account->address);
    size_t at = span_find_last(address, '@');

    return at < address.len ? know_profile_of_domain(know, span_from(address, at + 1)) : NULL;
}

void token_wish_for(const struct knowledge *know, const struct account *account, const struct profile *server,
                    uint64_t wall, struct token_wish *ret_wish)
{
    const struct profile *profile = account->profile, *mailbox = profile_of_mailbox(know, account);
    bool named = account->tenant && is_tenant_id(span_of(account->tenant));

    *ret_wish = (struct token_wish){
        .scope = account->scope ? account->scope : profile ? profile->oauth.scope : NULL,
        .app_scope = profile ? profile->oauth.app_scope : NULL,
        .user = account->username ? account->username : account->address,
        .address = account->address,
        .tenant = named ? account->tenant : mailbox ? mailbox->oauth.tenant_id : NULL,
        .foreign_tenant = mailbox ? mailbox->oauth.foreign_tenant_id : profile ? profile->oauth.foreign_tenant_id : NULL,
        .server_tenant = server ? server->oauth.tenant_id : NULL,
        .wall = wall,
    };
}

/* ---- fetching ---- */

struct token_look {
    struct token_wish wish;
    const struct credential_world *world;
    const struct account *account;
    struct credential_fetch *fetch;
    void (*done)(void *who, const struct token_facts *facts);
    void *who;
};

/* What was told of it where it was got. */
static void read_grant(const struct token_look *look, struct token_facts *facts)
{
    OWN(grant) grant = NULL;

    if (look->account->auth == ACCOUNT_AUTH_OAUTH && grant_read(&look->world->secrets, look->account, &grant, NULL))
        token_facts_of_grant(grant, &look->wish, facts);
}

static void came(void *who, struct secret *token, const struct err *err)
{
    struct token_look *look = who;
    struct token_facts facts = { 0 };
    (void)err;

    look->fetch = NULL;
    if (token) {
        token_facts_read(token, &look->wish, &facts);
        read_grant(look, &facts);
    }
    secret_free(token);
    look->done(look->who, &facts);
}

bool token_look_start(const struct credential_world *world, const struct account *account,
                      const struct token_wish *wish, uint64_t deadline, void (*done)(void *who, const struct token_facts *facts), void *who,
                      struct token_look **ret_look, struct err *err)
{
    OWN(token_look) look = NEW(token_look);

    if (!look)
        return err_no_memory(err);
    look->wish = *wish;
    look->world = world;
    look->account = account;
    look->done = done;
    look->who = who;
    if (!credential_fetch(world, account, CREDENTIAL_SMTP, NULL, deadline, came, look, &look->fetch, err))
        return false;
    *ret_look = GIVE(look);
    return true;
}

void token_look_free(struct token_look *look)
{
    if (!look)
        return;
    credential_fetch_cancel(look->fetch);
    mem_free(look);
}
