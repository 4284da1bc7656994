/* What a token says of itself. */
#include "support/check.h"

#include <stdio.h>

#include "account/account.h"
#include "base/base64.h"
#include "doctor/token.h"
#include "support/knowledge.h"

#define SCOPE "https://outlook.office.com/SMTP.Send offline_access"
#define APP   "https://outlook.office365.com/.default"
#define GOOD  "\"aud\":\"https://outlook.office.com\",\"scp\":\"IMAP.x SMTP.Send\",\"upn\":\"Me@Example.org\",\"exp\":2000"

static const struct {
    const char *label, *claims, *scope, *facts;
} cases[] = {
    { "as it should be", "{" GOOD "}", SCOPE, "token:fresh" },
    { "spent", "{\"exp\":1000}", SCOPE, "token:expired" },
    { "spent just now", "{\"exp\":1500}", SCOPE, "token:expired" },
    { "not yet", "{\"exp\":9000,\"nbf\":1561}", SCOPE, "token:not-yet-valid" },
    { "a minute is nothing", "{\"exp\":9000,\"nbf\":1560}", SCOPE, "token:fresh" },
    { "made later than now", "{\"iat\":4000}", SCOPE, "token:not-yet-valid" },
    { "neither", "{\"exp\":1400,\"nbf\":4000}", SCOPE, "token:expired" },
    { "for Graph", "{\"aud\":\"https://graph.microsoft.com\",\"scp\":\"SMTP.Send\"}", SCOPE, "token:wrong-audience" },
    { "for a number", "{\"aud\":\"00000002-0000-0ff1-ce00-000000000000\",\"scp\":\"SMTP.Send\"}", SCOPE, "" },
    { "for Graph, as a path", "{\"aud\":\"https://graph.microsoft.com/x\"}", SCOPE, "token:wrong-audience" },
    { "to read", "{\"scp\":\"Mail.Read IMAP.AccessAsUser.All\"}", SCOPE, "token:wrong-scope" },
    { "a longer word is another", "{\"scp\":\"SMTP.SendAsApp\"}", SCOPE, "token:wrong-scope" },
    { "nothing of it is known", "{\"scp\":\"api.use\",\"aud\":\"https://x.example\"}", NULL, "" },
    { "to read, by its name", "{\"scope\":\"openid email imap.read\"}", NULL, "token:wrong-scope" },
    { "to tell who it is", "{\"scope\":\"openid email offline_access\"}", NULL, "token:wrong-scope" },
    { "to read and to send", "{\"scope\":\"openid imap.read mail.send\"}", NULL, "" },
    { "a list of scopes", "{\"scp\":[\"imap.read\",\"calendar\"]}", NULL, "token:wrong-scope" },
    { "another by its scope", "{\"scope\":\"mail.read\"}", "openid mail.send", "token:wrong-scope" },
    { "the right one by its scope", "{\"scope\":\"openid mail.send\"}", "openid offline_access mail.send", "" },
    { "another's by its subject", "{\"sub\":\"you@example.org\"}", SCOPE, "token:other-user" },
    { "one for all", "{\"scp\":\"Mail.Read\"}", "https://mail.google.com/", "" },
    { "an application's", "{\"aud\":\"https://outlook.office365.com\",\"roles\":[\"SMTP.SendAsApp\"]}", SCOPE, "token:application" },
    { "an application's, it says", "{\"idtyp\":\"app\"}", SCOPE, "token:application" },
    { "a person's with roles", "{\"scp\":\"SMTP.Send\",\"roles\":[\"x\"]}", SCOPE, "" },
    { "another's", "{\"upn\":\"you@example.org\"}", SCOPE, "token:other-user" },
    { "one of its names is right", "{\"upn\":\"you@example.org\",\"email\":\"me@example.org\"}", SCOPE, "" },
    { "a name that is no address", "{\"unique_name\":\"live.com#me\"}", SCOPE, "" },
    { "all at once", "{\"exp\":1,\"aud\":\"https://a.example\",\"scp\":\"a\",\"idtyp\":\"app\",\"upn\":\"a@b\"}", SCOPE,
      "token:expired token:wrong-audience token:wrong-scope token:application token:other-user" },
    { "of other kinds", "{\"exp\":\"soon\",\"aud\":7,\"scp\":[],\"upn\":{},\"roles\":\"x\"}", SCOPE, "" },
    { "no object", "[1]", SCOPE, "" },
    { "no JSON", "hello", SCOPE, "" },
};

static struct secret *token_of(const char *claims)
{
    HELD(buf) text = BUF(8000);

    buf_add(&text, "e30.");
    base64url_encode(&text, span_of(claims));
    buf_add(&text, ".c2ln");
    return secret_new(buf_span(&text));
}

/* With its profile, as it is when a configuration is read. */
static struct account *account_of(const char *address, const char *server, const char *tenant)
{
    struct account *account = NULL;
    struct err err = { 0 };

    assert_true(account_new(SPAN("test"), &account, &err));
    assert_true(account_set(account, "address", span_of(address), &err));
    assert_true(account_set(account, "server", span_of(server), &err));
    assert_true(account_set(account, "security", SPAN("starttls"), &err));
    assert_true(account_set(account, "auth", SPAN("token"), &err));
    assert_true(account_set(account, "secret", SPAN("command:echo"), &err));
    assert_true(!tenant || account_set(account, "tenant", span_of(tenant), &err));
    if (!account_fill(account, know, &err))
        fail_msg("%s", err.text);
    return account;
}

/* The dates themselves, for who knows the time better. */
static void test_dates(void **state)
{
    static const struct {
        const char *claims;
        uint64_t from, until;
    } rows[] = {
        { "{\"exp\":2000,\"nbf\":900,\"iat\":1000}", 900, 2000 },
        { "{\"exp\":2000,\"iat\":1000}", 1000, 2000 },
        { "{\"exp\":\"soon\",\"iat\":-5}", 0, 0 },
        { "{}", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct token_wish wish = { .wall = 1500 * 1000 };
        struct token_facts facts;
        OWN(secret) token = token_of(rows[i].claims);
        token_facts_read(token, &wish, &facts);
        check_row(rows[i].claims, facts.from == rows[i].from && facts.until == rows[i].until);
    }
}

static void read_claims(const char *claims, const char *scope, const char *address, char *out, size_t room)
{
    const struct token_wish wish = { .scope = scope, .app_scope = APP, .user = "me@example.org", .address = address,
                                     .wall = 1500 * 1000 };
    struct token_facts facts;
    size_t len = 0;
    OWN(secret) token = token_of(claims);

    token_facts_read(token, &wish, &facts);
    out[0] = '\0';
    for (size_t i = 0; i < facts.count; i++)
        len += (size_t)snprintf(out + len, room - len, "%s%s", i ? " " : "", facts.at[i]);
}

static void test_facts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        char facts[300];
        read_claims(cases[i].claims, cases[i].scope, NULL, facts, sizeof facts);
        check_bytes(cases[i].label, span_of(facts), span_of(cases[i].facts));
    }
}

/* A person's token, and whose mailbox it is told to be for. */
static void test_shared_mailboxes(void **state)
{
    static const struct {
        const char *claims, *address, *facts;
    } rows[] = {
        { "{\"upn\":\"me@example.org\"}", "team@Example.org", "user:shared-mailbox" },
        { "{\"upn\":\"me@example.org\"}", "Me@example.org", "" },
        { "{\"upn\":\"me@example.org\"}", "me@example.com", "" },
        { "{\"upn\":\"you@example.org\"}", "team@example.org", "token:other-user" },
        { "{\"sub\":\"me\"}", "team@example.org", "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char facts[300];
        read_claims(rows[i].claims, SCOPE, rows[i].address, facts, sizeof facts);
        check_bytes(rows[i].address, span_of(facts), span_of(rows[i].facts));
    }
}

/* What the sign-in server told beside one. */
static void test_grants(void **state)
{
    static const struct {
        const char *label, *scope, *user, *named, *wanted, *facts;
        uint64_t obtained, expires;
    } rows[] = {
        { "got a minute ago", NULL, NULL, NULL, NULL, "token:renewed", 1440, 9000 },
        { "got an hour ago", NULL, NULL, NULL, NULL, "", 1, 9000 },
        { "spent", NULL, NULL, NULL, NULL, "", 1440, 1500 },
        { "got tomorrow", NULL, NULL, NULL, NULL, "", 1501, 9000 },
        { "for sending", "openid mail.send", "me@example.org", NULL, NULL, "", 1, 9000 },
        { "to tell who it is", "openid offline_access email", NULL, NULL, NULL, "token:wrong-scope", 1, 9000 },
        { "for something that is known", "smtp.x", NULL, NULL, "smtp.y", "token:wrong-scope", 1, 9000 },
        { "another's", NULL, NULL, "you@example.org", NULL, "token:other-user", 1, 9000 },
        { "another's, who signed in here", NULL, "you@example.org", NULL, NULL, "token:other-user", 1, 9000 },
        { "one's own by another name", NULL, "you@example.org", "Me@Example.org", NULL, "", 1, 9000 },
        { "a number's", NULL, "7", "8", NULL, "", 1, 9000 },
        { "all at once", "imap.read", NULL, "a@b", NULL, "token:renewed token:wrong-scope token:other-user", 1500, 9000 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct token_wish wish = { .scope = rows[i].wanted, .user = "me@example.org", .wall = 1500 * 1000 };
        OWN(secret) access = secret_new(SPAN("opaque"));
        struct grant grant = { .named = rows[i].named, .users = { rows[i].user }, .user_count = rows[i].user != NULL };
        struct token_facts facts = { 0 };
        char out[200] = "";
        size_t len = 0;
        grant.tokens[CREDENTIAL_SMTP] = (struct grant_token){
            .access = access, .scope = rows[i].scope, .obtained = rows[i].obtained * 1000, .expires = rows[i].expires * 1000,
        };
        token_facts_of_grant(&grant, &wish, &facts);
        token_facts_of_grant(&grant, &wish, &facts); /* none is told twice */
        for (size_t j = 0; j < facts.count; j++)
            len += (size_t)snprintf(out + len, sizeof out - len, "%s%s", j ? " " : "", facts.at[j]);
        check_bytes(rows[i].label, span_of(out), span_of(rows[i].facts));
    }
}

/* Most tokens of providers are sealed: they say nothing. */
static void test_sealed(void **state)
{
    static const char *const tokens[] = { "EwBwA8l6BAAU", "ya29.a0Af_x", "a.b", "a.b.c", "..", "." };
    const struct token_wish wish = { .scope = SCOPE, .app_scope = APP, .user = "me@example.org" };

    (void)state;
    for (size_t i = 0; i < COUNT(tokens); i++) {
        struct token_facts facts = { .count = 9 };
        OWN(secret) token = secret_new(span_of(tokens[i]));
        token_facts_read(token, &wish, &facts);
        check_row(tokens[i], facts.count == 0);
    }
}

/* Whose mailbox it is for, and where: as the profiles know. */
static void test_tenants(void **state)
{
#define PERSONAL "9188040D-6c67-4c5b-b112-36a304b66dad"
#define HOUSE    "00000000-1111-2222-3333-444444444444"
#define OTHER    "00000000-1111-2222-3333-555555555555"
    static const struct {
        const char *label, *claims, *address, *server, *tenant;
        const char *facts;
    } rows[] = {
        { "personal, as it should be", "{\"tid\":\"" PERSONAL "\"}", "me@live.com", "smtp-mail.outlook.com:587", NULL, "" },
        { "personal, at the server for all", "{\"tid\":\"" PERSONAL "\"}", "me@live.com", "smtp.office365.com:587", NULL, "" },
        { "personal, for an organisation's mailbox", "{\"tid\":\"" PERSONAL "\"}", "me@example.org", "smtp.office365.com:587", NULL,
          "token:other-tenant" },
        { "personal, for an organisation's own name", "{\"tid\":\"" PERSONAL "\"}", "me@example.onmicrosoft.com",
          "smtp.office365.com:587", NULL, "token:other-tenant" },
        { "an organisation's, as it should be", "{\"tid\":\"" HOUSE "\"}", "me@example.org", "smtp.office365.com:587", NULL, "" },
        { "an organisation's, for a personal mailbox", "{\"tid\":\"" HOUSE "\"}", "me@live.com", "smtp-mail.outlook.com:587", NULL,
          "token:other-tenant" },
        { "an organisation's, for a personal one, at the server for all", "{\"tid\":\"" HOUSE "\"}", "me@live.com",
          "smtp.office365.com:587", NULL, "token:other-tenant" },
        { "an organisation's, where personal ones are", "{\"tid\":\"" HOUSE "\"}", "me@example.org", "smtp-mail.outlook.com:587",
          NULL, "token:other-server" },
        { "personal, with a domain of its own", "{\"tid\":\"" PERSONAL "\"}", "me@example.org", "smtp-mail.outlook.com:587", NULL, "" },
        { "the one that was named", "{\"tid\":\"" HOUSE "\"}", "me@example.org", "smtp.office365.com:587", HOUSE, "" },
        { "another than was named", "{\"tid\":\"" OTHER "\"}", "me@example.org", "smtp.office365.com:587", HOUSE, "token:other-tenant" },
        { "a domain was named", "{\"tid\":\"" OTHER "\"}", "me@example.org", "smtp.office365.com:587", "example.org", "" },
        { "by its issuer", "{\"iss\":\"https://sts.windows.net/" OTHER "/\"}", "me@example.org", "smtp.office365.com:587", HOUSE,
          "token:other-tenant" },
        { "by its issuer of today", "{\"iss\":\"https://login.example/" PERSONAL "/v2.0\"}", "me@example.org",
          "smtp.office365.com:587", NULL, "token:other-tenant" },
        { "an issuer without one", "{\"iss\":\"https://accounts.example.com\"}", "me@example.org", "smtp.office365.com:587", HOUSE, "" },
        { "no id", "{\"tid\":\"common\"}", "me@live.com", "smtp-mail.outlook.com:587", NULL, "" },
        { "nearly one", "{\"tid\":\"g188040d-6c67-4c5b-b112-36a304b66dad\"}", "me@live.com", "smtp-mail.outlook.com:587", NULL, "" },
        { "of another kind", "{\"tid\":7,\"iss\":[]}", "me@live.com", "smtp-mail.outlook.com:587", NULL, "" },
        { "at nobody's server", "{\"tid\":\"" HOUSE "\"}", "me@example.org", "mail.example.org:587", NULL, "" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct account *account = account_of(rows[i].address, rows[i].server, rows[i].tenant);
        OWN(secret) token = token_of(rows[i].claims);
        struct token_wish wish;
        struct token_facts facts;

        token_wish_for(know, account, know_profile_of_host(know, span_of(account->server.name)), 0, &wish);
        wish.scope = NULL;
        token_facts_read(token, &wish, &facts);
        check_bytes(rows[i].label, span_of(facts.count ? facts.at[0] : ""), span_of(rows[i].facts));
        account_free(account);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_facts),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_shared_mailboxes),
        cmocka_unit_test(test_grants),
        cmocka_unit_test(test_sealed),
        cmocka_unit_test(test_tenants),
    };

    return cmocka_run_group_tests(tests, load_knowledge, free_knowledge);
}
