/* What the provider's web side answers: pages, devices, tokens, and its own words when it says no. */
#include "support/check.h"

#include "base/base64.h"
#include "know/embedded.h"
#include "sandbox/scope.h"
#include "support/office.h"
#include "support/world.h"

#define MS       "https://login.microsoftonline.com/consumers"
#define MS_TOKEN MS "/oauth2/v2.0/token"
#define SMTP     "https%3A%2F%2Foutlook.office.com%2FSMTP.Send"
#define GRAPH    "https%3A%2F%2Fgraph.microsoft.com%2FMail.Send"
#define WHO      "openid%20profile%20email"
#define VERIFIER "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
#define CHALLENGE "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" /* RFC 7636, appendix B */
#define DEVICE_GRANT "urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code"

static struct knowledge *know;

static void open_at(struct office *office, const char *provider)
{
    assert_true(office_open(office, know, provider));
}

/* A text of the JSON answer, or of an object in it. */
static struct span text_of(const struct reply *reply, const char *key, char into[8192])
{
    struct json_tree *tree = NULL;

    if (!json_read(buf_span(&reply->body), 64 * 1024, &tree, NULL))
        fail_msg("no JSON: %s", buf_text(&reply->body));
    struct span text = json_text_at(json_root(tree), key);
    assert_true(text.len < 8192);
    if (text.len)
        memcpy(into, text.at, text.len);
    json_tree_free(tree);
    return (struct span){ into, text.len };
}

static bool says(const struct reply *reply, const char *text)
{
    return strstr(buf_text(&reply->body), text) != NULL;
}

/* A header's value. */
static struct span header_of(const struct reply *reply, const char *name)
{
    const char *lines[REPLY_HEADERS_MAX + 1];

    reply_lines(reply, lines);
    for (size_t i = 0; lines[i]; i++)
        if (span_starts(span_of(lines[i]), name) && lines[i][strlen(name)] == ':')
            return span_of(lines[i] + strlen(name) + 2);
    return SPAN_NONE;
}

static void post(struct office *office, const char *to, const char *form, struct reply *reply)
{
    HELD(buf) line = BUF(8192);

    buf_addf(&line, "POST %s", to);
    office_ask(office, buf_text(&line), "Content-Type: application/x-www-form-urlencoded\n", span_of(form), reply);
}

/* The form, and behind it a value that only now is known. */
static void post_with(struct office *office, const char *to, const char *form, struct span value,
                      struct reply *reply)
{
    HELD(buf) whole = BUF(16384);

    buf_add(&whole, form);
    buf_add_span(&whole, value);
    post(office, to, buf_text(&whole), reply);
}

/* ---- addresses ---- */

static void test_addresses(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *line;
        unsigned status;
    } cases[] = {
        { "outlook.com", "GET " MS "/v2.0/.well-known/openid-configuration", 200 },
        { "outlook.com", "HEAD " MS "/v2.0/.well-known/openid-configuration", 200 },
        { "outlook.com", "POST " MS "/v2.0/.well-known/openid-configuration", 405 },
        { "outlook.com", "GET https://localhost:2502/consumers/v2.0/.well-known/openid-configuration", 200 },
        { "outlook.com", "GET https://127.0.0.1:2502/sandbox/keys", 200 },
        { "outlook.com", "GET https://[::1]:2502/sandbox", 200 },
        { "outlook.com", "GET https://login.microsoftonline.com:2502/common/v2.0/.well-known/openid-configuration", 200 },
        { "outlook.com", "GET https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration", 400 },
        { "outlook.com", "GET https://login.microsoftonline.com/a/b/v2.0/.well-known/openid-configuration", 404 },
        { "outlook.com", "GET https://login.microsoftonline.com//v2.0/.well-known/openid-configuration", 404 },
        { "outlook.com", "GET https://login.microsoftonline.com/v2.0/.well-known/openid-configuration", 404 },
        { "microsoft365", "GET https://login.microsoftonline.com/contoso.com/v2.0/.well-known/openid-configuration", 200 },
        { "microsoft365", "GET https://login.microsoftonline.com/consumers/v2.0/.well-known/openid-configuration", 400 },
        { "gmail", "GET https://accounts.google.com/.well-known/openid-configuration", 200 },
        { "gmail", "POST https://oauth2.googleapis.com/token", 400 },
        { "gmail", "POST https://accounts.google.com/token", 404 }, /* another host's address */
        { "gmail", "POST https://localhost:2502/token", 400 },
        { "generic", "GET https://smtp.sandbox.test/.well-known/oauth-authorization-server", 200 },
        { "generic", "GET https://smtp.sandbox.test/.well-known/openid-configuration", 200 },
        { "yahoo", "POST https://api.login.yahoo.com/oauth2/get_token", 400 },
        { "gmx", "GET https://localhost:2502/sandbox", 200 }, /* has no OAuth */
        /* the sandbox's own are localhost's */
        { "outlook.com", "POST https://login.microsoftonline.com/sandbox/clock", 404 },
        { "outlook.com", "GET https://graph.microsoft.com/device", 404 },
        { "outlook.com", "GET https://localhost:2503/sandbox", 421 },
        { "outlook.com", "GET https://localhost/sandbox", 421 },
        { "outlook.com", "GET https://evil.example:2502/sandbox", 421 },
        { "outlook.com", "GET https://localhost:2502/", 404 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;

        open_at(&office, cases[i].provider);
        office_ask(&office, cases[i].line, "", SPAN_NONE, &reply);
        if (reply.status != cases[i].status)
            fail_msg("%s: %u, %s", cases[i].line, reply.status, buf_text(&reply.body));
        reply_done(&reply);
        office_close(&office);
    }
}

static void test_metadata(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *line, *key, *value;
    } cases[] = {
        { "generic", "GET https://smtp.sandbox.test/.well-known/oauth-authorization-server", "issuer",
          "https://smtp.sandbox.test" },
        { "generic", "GET https://smtp.sandbox.test/.well-known/oauth-authorization-server", "device_authorization_endpoint",
          "https://smtp.sandbox.test/device" },
        { "generic", "GET https://localhost:2502/.well-known/openid-configuration", "issuer", "https://localhost:2502" },
        { "generic", "GET https://localhost:2502/.well-known/openid-configuration", "token_endpoint",
          "https://localhost:2502/token" },
        { "outlook.com", "GET " MS "/v2.0/.well-known/openid-configuration", "issuer",
          "https://login.microsoftonline.com/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0" },
        { "outlook.com", "GET " MS "/v2.0/.well-known/openid-configuration", "token_endpoint", MS_TOKEN },
        { "outlook.com", "GET https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration", "issuer",
          "https://login.microsoftonline.com/{tenantid}/v2.0" },
        { "gmail", "GET https://accounts.google.com/.well-known/openid-configuration", "revocation_endpoint",
          "https://oauth2.googleapis.com/revoke" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;
        char text[8192];

        open_at(&office, cases[i].provider);
        office_ask(&office, cases[i].line, "", SPAN_NONE, &reply);
        check_bytes(cases[i].line, text_of(&reply, cases[i].key, text), span_of(cases[i].value));
        reply_done(&reply);
        office_close(&office);
    }
}

/* ---- the page ---- */

#define ASK MS "/oauth2/v2.0/authorize?client_id=app&response_type=code&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2F" \
            "&state=s%26t&nonce=n&login_hint=you%40hotmail.com&scope=" SMTP "%20offline_access%20" WHO
#define PKCE "&code_challenge=" CHALLENGE "&code_challenge_method=S256"

/* The page's text for its form. */
static struct span page_text(const struct reply *reply, char into[8192])
{
    const char *at = strstr(buf_text(&reply->body), "name=\"request\" value=\"");

    assert_non_null(at);
    struct span text = span_of(at + strlen("name=\"request\" value=\""));
    text = span_cut(text, 0, span_find(text, '"'));
    memcpy(into, text.at, text.len);
    return (struct span){ into, text.len };
}

static void test_page(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;
    char page[8192];

    open_at(&office, "outlook.com");
    office_ask(&office, "GET " ASK PKCE, "", SPAN_NONE, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(says(&reply, "value=\"you@hotmail.com\""));
    assert_true(says(&reply, "<b>app</b>"));
    assert_true(says(&reply, "<li>https://outlook.office.com/SMTP.Send</li>"));
    assert_true(span_starts(header_of(&reply, "Content-Security-Policy"), "default-src 'none'; style-src 'sha256-"));
    assert_true(span_is(header_of(&reply, "Cache-Control"), "no-store"));
    struct span text = page_text(&reply, page);

    /* Not from elsewhere. */
    HELD(buf) form = BUF(1000);
    buf_addf(&form, "user=me%%40hotmail.com&password=pw-me&choice=allow&request=%.*s", SPAN_ARG(text));
    office_ask(&office, "POST " MS "/oauth2/v2.0/authorize", "Sec-Fetch-Site: cross-site\n", buf_span(&form), &reply);
    assert_int_equal(reply.status, 403);

    /* Not this password; the page again, and then right. */
    post_with(&office, ASK, "user=me%40hotmail.com&password=pw-you&choice=allow&request=", text, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(says(&reply, "role=\"alert\""));
    assert_true(says(&reply, "value=\"me@hotmail.com\""));
    post_with(&office, ASK, "user=me%40hotmail.com&password=pw-me&choice=allow&request=", text, &reply);
    assert_int_equal(reply.status, 302);
    struct span location = header_of(&reply, "Location");
    assert_true(span_starts(location, "http://localhost:4711/?code=c."));
    assert_true(span_find_text(location, "&state=s%26t") < location.len);

    /* Once only. */
    post_with(&office, ASK, "user=me%40hotmail.com&password=pw-me&choice=allow&request=", text, &reply);
    assert_int_equal(reply.status, 400);
    assert_true(says(&reply, "too old"));
    reply_done(&reply);
    office_close(&office);
}

static void test_page_refuses(void **state)
{
    (void)state;
#define AT MS "/oauth2/v2.0/authorize?"
#define TO "&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2F"
#define REST "&response_type=code&scope=" SMTP
    static const struct {
        const char *label, *query;
        unsigned status;
        const char *location; /* begins so; NULL: a page */
    } cases[] = {
        { "another path", "client_id=app" REST PKCE "&redirect_uri=http%3A%2F%2Flocalhost%3A4711%2Fx", 400, NULL },
        { "another host", "client_id=app" REST PKCE "&redirect_uri=http%3A%2F%2Fevil.example%3A4711%2F", 400, NULL },
        { "another host, as long", "client_id=app" REST PKCE "&redirect_uri=http%3A%2F%2Fevil12345%3A4711%2F", 400, NULL },
        { "a host behind the port", "client_id=app" REST PKCE "&redirect_uri=http%3A%2F%2Flocalhost%3A4711%40evil.example%2F",
          400, NULL },
        { "https", "client_id=app" REST PKCE "&redirect_uri=https%3A%2F%2Flocalhost%3A4711%2F", 400, NULL },
        { "no port", "client_id=app" REST PKCE "&redirect_uri=http%3A%2F%2Flocalhost%2F", 400, NULL },
        { "port 0", "client_id=app" REST PKCE "&redirect_uri=http%3A%2F%2Flocalhost%3A0%2F", 400, NULL },
        { "no address", "client_id=app" REST PKCE, 400, NULL },
        { "two addresses", "client_id=app" REST PKCE TO TO, 400, NULL },
        { "no client", "response_type=code&scope=" SMTP PKCE TO, 400, NULL },
        { "no code", "client_id=app&response_type=token&state=x&scope=" SMTP PKCE TO, 302,
          "http://localhost:4711/?error=unsupported_response_type&" },
        { "no PKCE", "client_id=app" REST TO, 302, "http://localhost:4711/?error=invalid_request&" },
        { "plain PKCE", "client_id=app&code_challenge_method=plain&code_challenge=" CHALLENGE REST TO, 302,
          "http://localhost:4711/?error=invalid_request&" },
        { "a short challenge", "client_id=app&code_challenge_method=S256&code_challenge=abc" REST TO, 302,
          "http://localhost:4711/?error=invalid_request&" },
        { "a scope nobody knows", "client_id=app&response_type=code&scope=everything" PKCE TO, 302,
          "http://localhost:4711/?error=invalid_scope&" },
        { "no scope", "client_id=app&response_type=code" PKCE TO, 302, "http://localhost:4711/?error=invalid_scope&" },
        { "two resources", "client_id=app&response_type=code&scope=" SMTP "%20" GRAPH PKCE TO, 302,
          "http://localhost:4711/?error=invalid_scope&error_description=AADSTS28000" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;
        HELD(buf) line = BUF(4096);

        open_at(&office, "outlook.com");
        buf_addf(&line, "GET " AT "%s", cases[i].query);
        office_ask(&office, buf_text(&line), "", SPAN_NONE, &reply);
        if (reply.status != cases[i].status)
            fail_msg("case \"%s\": %u", cases[i].label, reply.status);
        if (cases[i].location)
            check_row(cases[i].label, span_starts(header_of(&reply, "Location"), cases[i].location));
        reply_done(&reply);
        office_close(&office);
    }
}

/* What a stranger writes into the address comes back as text. */
static void test_page_escapes(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;

    open_at(&office, "outlook.com");
    office_ask(&office, "GET " MS "/oauth2/v2.0/authorize?client_id=%3Cscript%3Ealert(1)%3C%2Fscript%3E&login_hint=%22%3E%3Cb%3E"
                        REST TO PKCE, "", SPAN_NONE, &reply);
    assert_int_equal(reply.status, 200);
    assert_false(says(&reply, "<script"));
    assert_false(says(&reply, "\"><b>"));
    assert_true(says(&reply, "&lt;script&gt;"));
    office_ask(&office, "GET https://localhost:2502/device?user_code=%22%3E%3Cscript%3E", "", SPAN_NONE, &reply);
    assert_false(says(&reply, "<script"));
    reply_done(&reply);
    office_close(&office);
}

static void test_declines(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;
    char page[8192];

    open_at(&office, "outlook.com");
    office_ask(&office, "GET " ASK PKCE, "", SPAN_NONE, &reply);
    struct span text = page_text(&reply, page);
    post_with(&office, ASK, "choice=deny&request=", text, &reply);
    assert_int_equal(reply.status, 302);
    assert_true(span_starts(header_of(&reply, "Location"), "http://localhost:4711/?error=access_denied&error_description=AADSTS65004"));
    reply_done(&reply);
    office_close(&office);
}

static void test_other_sites(void **state)
{
    (void)state;
    static const struct {
        const char *label, *headers;
        unsigned status;
    } cases[] = {
        { "a script", "", 404 },
        { "our page", "Sec-Fetch-Site: same-origin\nOrigin: null\n", 404 },
        { "typed", "Sec-Fetch-Site: none\n", 404 },
        { "our page, an older browser", "Origin: https://localhost:2502\n", 404 },
        { "another's page", "Sec-Fetch-Site: cross-site\n", 403 },
        { "a neighbour's page", "Sec-Fetch-Site: same-site\n", 403 },
        { "another's page, an older browser", "Origin: https://evil.example\n", 403 },
        { "nobody's page, an older browser", "Origin: null\n", 403 },
        { "the same in clear text", "Origin: http://localhost:2502\n", 403 },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;

        open_at(&office, "outlook.com");
        office_ask(&office, "POST https://localhost:2502/sandbox/approve", cases[i].headers, SPAN("user_code=x"), &reply);
        if (reply.status != cases[i].status)
            fail_msg("case \"%s\": %u", cases[i].label, reply.status);
        reply_done(&reply);
        office_close(&office);
    }
}

/* ---- tokens ---- */

static struct span sign_in(struct office *office, const char *scope, struct reply *reply, char code[8192])
{
    HELD(buf) line = BUF(4096);
    char page[8192];

    buf_addf(&line, "GET %sclient_id=app&response_type=code&nonce=n&scope=%s%s%s", AT, scope, PKCE, TO);
    office_ask(office, buf_text(&line), "", SPAN_NONE, reply);
    struct span text = page_text(reply, page);
    post_with(office, ASK, "user=me%40hotmail.com&password=pw-me&choice=allow&request=", text, reply);
    struct span location = header_of(reply, "Location");
    struct span found = span_from(location, span_find_text(location, "code=") + 5);
    found = span_cut(found, 0, span_find(found, '&'));
    memcpy(code, found.at, found.len);
    return (struct span){ code, found.len };
}

#define REDEEM "client_id=app&grant_type=authorization_code" TO "&code_verifier=" VERIFIER "&code="

/* The claims in the middle of a token. */
static const char *claims_of(struct span token)
{
    static char text[16384];
    HELD(buf) json = BUF(sizeof text - 1);
    struct span head, claims;

    span_split(&token, '.', &head);
    span_split(&token, '.', &claims);
    assert_true(base64url_decode(&json, claims));
    memcpy(text, buf_text(&json), json.len + 1);
    return text;
}

static void test_code_to_tokens(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;
    char code_text[8192], access[8192], identity[8192], refresh[8192];
    size_t owner;

    open_at(&office, "outlook.com");
    struct span code = sign_in(&office, SMTP "%20offline_access%20" WHO, &reply, code_text);
    post_with(&office, MS_TOKEN, "scope=" SMTP "%20offline_access%20" WHO "&" REDEEM "", code, &reply);
    assert_int_equal(reply.status, 200);
    assert_true(says(&reply, "\"expires_in\":3600"));
    assert_true(span_is(header_of(&reply, "Cache-Control"), "no-store"));
    struct span token = text_of(&reply, "access_token", access);
    assert_true(token.len > 1500);
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_SMTP, office.now, &owner), TOKEN_GOOD);
    assert_int_equal(owner, 0);
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_HTTPS, office.now, &owner), TOKEN_POWERLESS);
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_SMTP, office.now + 3600 * 1000, &owner), TOKEN_EXPIRED);
    token.len--;
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_SMTP, office.now, &owner), TOKEN_UNKNOWN);

    const char *claims = claims_of(text_of(&reply, "id_token", identity));
    assert_non_null(strstr(claims, "\"preferred_username\":\"me@hotmail.com\""));
    assert_non_null(strstr(claims, "\"nonce\":\"n\""));
    assert_non_null(strstr(claims, "\"aud\":\"app\""));
    assert_non_null(strstr(claims, "\"iss\":\"https://login.microsoftonline.com/9188040d-"));
    assert_non_null(strstr(claims_of(text_of(&reply, "access_token", access)), "\"aud\":\"https://outlook.office.com\""));

    /* One refresh token is good for both resources, one at a time. */
    struct span again = text_of(&reply, "refresh_token", refresh);
    post_with(&office, MS_TOKEN, "client_id=app&grant_type=refresh_token&scope=" GRAPH "&refresh_token=", again, &reply);
    assert_int_equal(reply.status, 200);
    token = text_of(&reply, "access_token", access);
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_HTTPS, office.now, &owner), TOKEN_GOOD);
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_SMTP, office.now, &owner), TOKEN_POWERLESS);
    post_with(&office, MS_TOKEN, "client_id=app&grant_type=refresh_token&scope=" GRAPH "%20" SMTP "&refresh_token=", again,
              &reply);
    assert_int_equal(reply.status, 400);
    assert_true(says(&reply, "AADSTS28000"));
    reply_done(&reply);
    office_close(&office);
}

/* Where organizations sign in, two resources may be agreed to at once, and nothing more is. */
static void test_agrees_to_two(void **state)
{
    (void)state;
#define ORG "https://login.microsoftonline.com/organizations/oauth2/v2.0"
    struct office office;
    struct reply reply = REPLY;
    char device[8192], user[8192], refresh[8192];
    static const struct {
        const char *asked;
        unsigned status;
    } cases[] = { { SMTP "%20" GRAPH, 200 }, { SMTP, 400 } };

    for (size_t i = 0; i < COUNT(cases); i++) {
        open_at(&office, "microsoft365");
        post_with(&office, ORG "/devicecode", "client_id=app&scope=offline_access%20", span_of(cases[i].asked), &reply);
        struct span code = text_of(&reply, "device_code", device), typed = text_of(&reply, "user_code", user);
        post_with(&office, "https://localhost:2502/sandbox/approve", "user_code=", typed, &reply);
        office.now += 5000;
        post_with(&office, ORG "/token", "client_id=app&grant_type=" DEVICE_GRANT "&device_code=", code, &reply);
        assert_true(says(&reply, "SMTP.Send") && !says(&reply, "Mail.Send"));
        struct span token = text_of(&reply, "refresh_token", refresh);
        post_with(&office, ORG "/token", "client_id=app&grant_type=refresh_token&scope=" GRAPH "&refresh_token=", token, &reply);
        assert_int_equal(reply.status, cases[i].status);
        assert_true(says(&reply, cases[i].status == 200 ? "Mail.Send" : "AADSTS65001"));
        reply_done(&reply);
        office_close(&office);
    }
}

static void test_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *label, *form; /* a code is behind it */
        unsigned status;
        const char *error, *says;
    } cases[] = {
        { "another verifier", "client_id=app&grant_type=authorization_code" TO "&code_verifier=x&code=", 400, "invalid_grant",
          "AADSTS70000" },
        { "another client", "client_id=other&grant_type=authorization_code" TO "&code_verifier=" VERIFIER "&code=", 400,
          "invalid_grant", "AADSTS70000" },
        { "no client", "grant_type=authorization_code" TO "&code_verifier=" VERIFIER "&code=", 400, "invalid_request",
          "AADSTS90014" },
        { "a client twice", "client_id=app&client_id=app&grant_type=authorization_code&code=", 400, "invalid_request", "" },
        { "no grant type", "client_id=app" TO "&code=", 400, "invalid_request", "" },
        { "a grant type nobody serves", "client_id=app&grant_type=password&code=", 400, "unsupported_grant_type", "AADSTS70003" },
        { "more than agreed", "client_id=app&grant_type=authorization_code" TO "&code_verifier=" VERIFIER "&scope=calendar&code=",
          400, "invalid_grant", "AADSTS65001" },
        { "an application of no tenant", "client_id=app&client_secret=s&grant_type=client_credentials&x=", 400,
          "unsupported_grant_type", "" },
        { "a foreign refresh token", "client_id=app&grant_type=refresh_token&refresh_token=", 400, "invalid_grant",
          "AADSTS50173" },
        { "a foreign device code", "client_id=app&grant_type=" DEVICE_GRANT "&device_code=", 400, "bad_verification_code",
          "AADSTS70018" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;
        char code_text[8192], text[8192];

        open_at(&office, "outlook.com");
        struct span code = sign_in(&office, SMTP, &reply, code_text);
        post_with(&office, MS_TOKEN, cases[i].form, code, &reply);
        if (reply.status != cases[i].status)
            fail_msg("case \"%s\": %u %s", cases[i].label, reply.status, buf_text(&reply.body));
        check_bytes(cases[i].label, text_of(&reply, "error", text), span_of(cases[i].error));
        check_row(cases[i].label, says(&reply, cases[i].says));
        reply_done(&reply);
        office_close(&office);
    }
}

/* Scenarios at the token endpoint: what a refresh then gets. */
static void test_scenarios(void **state)
{
    (void)state;
    static const struct {
        const char *scenario;
        unsigned status;
        const char *says;
    } cases[] = {
        { "consent-revoked", 400, "AADSTS50173" },
        { "unknown-client", 400, "AADSTS700016" },
        { "client-needs-secret", 401, "AADSTS7000218" },
        { "blocked-by-policy", 400, "AADSTS53003" },
        { "token-busy", 503, "temporarily_unavailable" },
        { "token-page", 200, "<!doctype html>" },
        { "throttled", 200, "access_token" }, /* is another's */
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;
        char code_text[8192], refresh[8192];

        open_at(&office, "outlook.com");
        struct span code = sign_in(&office, SMTP "%20offline_access", &reply, code_text);
        post_with(&office, MS_TOKEN, REDEEM "", code, &reply);
        struct span token = text_of(&reply, "refresh_token", refresh);
        check_row(cases[i].scenario, token.len > 0);
        post_with(&office, "https://localhost:2502/sandbox/scenario", "on=yes&name=", span_of(cases[i].scenario), &reply);
        check_row(cases[i].scenario, reply.status == 200 && says(&reply, cases[i].scenario));
        post_with(&office, MS_TOKEN, "client_id=app&grant_type=refresh_token&refresh_token=", token, &reply);
        if (reply.status != cases[i].status || !says(&reply, cases[i].says))
            fail_msg("scenario \"%s\": %u %s", cases[i].scenario, reply.status, buf_text(&reply.body));
        post_with(&office, "https://localhost:2502/sandbox/scenario", "on=no&name=", span_of(cases[i].scenario), &reply);
        check_bytes(cases[i].scenario, buf_span(&reply.body), SPAN("{\"scenarios\":[]}"));
        post_with(&office, MS_TOKEN, "client_id=app&grant_type=refresh_token&refresh_token=", token, &reply);
        check_row(cases[i].scenario, reply.status == 200);
        reply_done(&reply);
        office_close(&office);
    }
}

static void test_other_address(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;
    char code_text[8192], identity[8192];
    HELD(buf) name = BUF(ISSUER_NAME_MAX);

    open_at(&office, "outlook.com");
    office.issuer.scenarios = 1u << SCENARIO_OTHER_ADDRESS;
    struct span code = sign_in(&office, SMTP "%20" WHO, &reply, code_text);
    post_with(&office, MS_TOKEN, REDEEM "", code, &reply);
    assert_non_null(strstr(claims_of(text_of(&reply, "id_token", identity)), "\"preferred_username\":\"signin.me@hotmail.com\""));
    issuer_name(&office.issuer, 0, &name);
    assert_string_equal(buf_text(&name), "signin.me@hotmail.com");
    assert_int_equal(issuer_find_user(&office.issuer, SPAN("signin.me@hotmail.com")), 0);
    assert_int_equal(issuer_find_user(&office.issuer, SPAN("ME@hotmail.com")), 0);
    assert_true(issuer_find_user(&office.issuer, SPAN("he@hotmail.com")) == IDENTITY_NOBODY);
    reply_done(&reply);
    office_close(&office);
}

/* ---- devices ---- */

#define DEVICE MS "/oauth2/v2.0/devicecode"

static void test_device(void **state)
{
    (void)state;
    static const struct {
        const char *label, *to, *form; /* the user's code is behind the form */
        unsigned status;
        const char *says, *then;
    } cases[] = {
        { "a script agrees", "https://localhost:2502/sandbox/approve", "user=you%40hotmail.com&user_code=", 200,
          "\"choice\":\"allow\"", "access_token" },
        { "a script declines", "https://localhost:2502/sandbox/approve", "choice=deny&user_code=", 200, "\"choice\":\"deny\"",
          "authorization_declined" },
        { "nobody of that name", "https://localhost:2502/sandbox/approve", "user=he%40hotmail.com&user_code=", 400, "no such user",
          "authorization_pending" },
        { "a person agrees", "https://localhost:2502/device", "user=me%40hotmail.com&password=pw-me&choice=allow&user_code=", 200,
          "<h1>Signed in</h1>", "access_token" },
        { "a person declines", "https://localhost:2502/device", "user=me%40hotmail.com&password=pw-me&choice=deny&user_code=",
          200, "<h1>Declined</h1>", "authorization_declined" },
        { "with a wrong password", "https://localhost:2502/device", "user=me%40hotmail.com&password=pw&choice=allow&user_code=",
          200, "role=\"alert\"", "authorization_pending" },
        { "with a wrong code", "https://localhost:2502/device", "user=me%40hotmail.com&password=pw-me&choice=allow&user_code=X",
          200, "No device waits", "authorization_pending" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;
        char device[8192], user[8192];

        open_at(&office, "outlook.com");
        post(&office, DEVICE, "client_id=app&scope=" SMTP "%20offline_access", &reply);
        check_row(cases[i].label, reply.status == 200 && says(&reply, "\"interval\":5") && says(&reply, "\"expires_in\":900"));
        check_row(cases[i].label, says(&reply, "\"verification_uri\":\"https://localhost:2502/device\""));
        struct span code = text_of(&reply, "device_code", device), typed = text_of(&reply, "user_code", user);
        post_with(&office, cases[i].to, cases[i].form, typed, &reply);
        if (reply.status != cases[i].status || !says(&reply, cases[i].says))
            fail_msg("case \"%s\": %u %s", cases[i].label, reply.status, buf_text(&reply.body));
        office.now += 5000;
        post_with(&office, MS_TOKEN, "client_id=app&grant_type=" DEVICE_GRANT "&device_code=", code, &reply);
        if (!says(&reply, cases[i].then))
            fail_msg("case \"%s\": %s", cases[i].label, buf_text(&reply.body));
        reply_done(&reply);
        office_close(&office);
    }
}

static void test_device_page_shows(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;
    HELD(buf) line = BUF(200);
    char user[8192];

    open_at(&office, "generic");
    post(&office, "https://smtp.sandbox.test/device", "client_id=my-app&scope=smtp", &reply);
    struct span typed = text_of(&reply, "user_code", user);
    assert_true(says(&reply, "\"verification_uri_complete\":\"https://localhost:2502/device?user_code="));
    buf_addf(&line, "GET https://localhost:2502/device?user_code=%.*s", SPAN_ARG(typed));
    office_ask(&office, buf_text(&line), "", SPAN_NONE, &reply);
    assert_true(says(&reply, "<b>my-app</b>") && says(&reply, "<li>smtp</li>"));
    reply_done(&reply);
    office_close(&office);
}

/* ---- applications ---- */

static void test_application(void **state)
{
    (void)state;
#define CONTOSO "https://login.microsoftonline.com/contoso.com/oauth2/v2.0/token"
#define APP "client_id=app&grant_type=client_credentials&scope=https%3A%2F%2Foutlook.office365.com%2F.default"
    static const struct {
        const char *label, *to, *headers, *form;
        unsigned status;
        const char *says;
    } cases[] = {
        { "a secret", CONTOSO, "", APP "&client_secret=s", 200, "access_token" },
        { "in the header", CONTOSO, "Authorization: Basic YXBwOnMlM0Q=\n",
          "grant_type=client_credentials&scope=https%3A%2F%2Foutlook.office365.com%2F.default", 200, "access_token" },
        { "two clients", CONTOSO, "Authorization: Basic b3RoZXI6cw==\n", APP, 400, "invalid_request" },
        { "a header that is none", CONTOSO, "Authorization: Basic ???\n", APP, 400, "invalid_request" },
        { "no proof", CONTOSO, "", APP, 401, "AADSTS7000218" },
        { "an assertion that is none", CONTOSO, "", APP "&client_assertion=a.b.c", 401, "AADSTS700027" },
        { "for everybody", "https://login.microsoftonline.com/organizations/oauth2/v2.0/token", "", APP "&client_secret=s", 400,
          "AADSTS9001023" },
        { "a scope that opens nothing", CONTOSO, "", "client_id=app&client_secret=s&grant_type=client_credentials&scope=openid",
          400, "AADSTS70011" },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        struct office office;
        struct reply reply = REPLY;
        HELD(buf) line = BUF(300);
        char access[8192];
        size_t owner;

        open_at(&office, "microsoft365");
        buf_addf(&line, "POST %s", cases[i].to);
        office_ask(&office, buf_text(&line), cases[i].headers, span_of(cases[i].form), &reply);
        if (reply.status != cases[i].status || !says(&reply, cases[i].says))
            fail_msg("case \"%s\": %u %s", cases[i].label, reply.status, buf_text(&reply.body));
        if (cases[i].status == 200) {
            struct span token = text_of(&reply, "access_token", access);
            check_row(cases[i].label, issuer_check_token(&office.issuer, token, SCOPE_SMTP, office.now, &owner) == TOKEN_GOOD);
            check_row(cases[i].label, owner == IDENTITY_NOBODY);
            check_row(cases[i].label, !says(&reply, "refresh_token"));
        }
        reply_done(&reply);
        office_close(&office);
    }
}

/* ---- what became of a token ---- */

static void test_introspection_and_revocation(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;
    char device[8192], user[8192], access[8192], refresh[8192];

    open_at(&office, "generic");
    post(&office, "https://smtp.sandbox.test/device", "client_id=app&scope=smtp%20offline_access", &reply);
    struct span code = text_of(&reply, "device_code", device), typed = text_of(&reply, "user_code", user);
    post_with(&office, "https://localhost:2502/sandbox/approve", "user_code=", typed, &reply);
    office.now += 5000;
    post_with(&office, "https://smtp.sandbox.test/token", "client_id=app&grant_type=" DEVICE_GRANT "&device_code=", code, &reply);
    struct span token = text_of(&reply, "access_token", access), again = text_of(&reply, "refresh_token", refresh);

    post_with(&office, "https://localhost:2502/sandbox/introspect", "token=", token, &reply);
    assert_true(says(&reply, "\"active\":true") && says(&reply, "\"username\":\"me@sandbox.test\"") && says(&reply, "\"scope\":\"smtp offline_access\""));
    post_with(&office, "https://localhost:2502/sandbox/introspect", "token=", again, &reply);
    check_bytes("a refresh token", buf_span(&reply.body), SPAN("{\"active\":false}"));

    /* An hour is over at once. */
    post(&office, "https://localhost:2502/sandbox/clock", "advance=3600", &reply);
    assert_int_equal(reply.status, 200);
    post_with(&office, "https://localhost:2502/sandbox/introspect", "token=", token, &reply);
    check_bytes("expired", buf_span(&reply.body), SPAN("{\"active\":false}"));
    post(&office, "https://localhost:2502/sandbox/clock", "advance=-1", &reply);
    assert_int_equal(reply.status, 400);

    post_with(&office, "https://smtp.sandbox.test/token", "client_id=app&grant_type=refresh_token&refresh_token=", again, &reply);
    token = text_of(&reply, "access_token", access);
    struct span newer = text_of(&reply, "refresh_token", refresh);
    post_with(&office, "https://smtp.sandbox.test/revoke", "client_id=app&token=", newer, &reply);
    assert_int_equal(reply.status, 200);
    post_with(&office, "https://localhost:2502/sandbox/introspect", "token=", token, &reply);
    check_bytes("revoked", buf_span(&reply.body), SPAN("{\"active\":false}"));
    post(&office, "https://smtp.sandbox.test/revoke", "token=never-heard-of", &reply);
    assert_int_equal(reply.status, 200);
    post(&office, "https://smtp.sandbox.test/revoke", "", &reply);
    assert_int_equal(reply.status, 400);
    reply_done(&reply);
    office_close(&office);
}

/* Google's words, and that it tells who it is in the redirect. */
static void test_google(void **state)
{
    (void)state;
#define GOOGLE "https://accounts.google.com/o/oauth2/v2/auth?client_id=app&response_type=code&scope=https%3A%2F%2Fmail.google.com%2F%20openid%20email" \
               "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F&state=s" PKCE
    struct office office;
    struct reply reply = REPLY;
    char page[8192], code_text[8192], access[8192];
    size_t owner;

    open_at(&office, "gmail");
    office_ask(&office, "GET " GOOGLE "&access_type=offline", "", SPAN_NONE, &reply);
    struct span text = page_text(&reply, page);
    post_with(&office, GOOGLE, "user=me%40gmail.com&password=pw-me&choice=allow&request=", text, &reply);
    struct span location = header_of(&reply, "Location");
    assert_true(span_find_text(location, "&iss=https%3A%2F%2Faccounts.google.com") < location.len);
    struct span code = span_from(location, span_find_text(location, "code=") + 5);
    code = span_cut(code, 0, span_find(code, '&'));
    memcpy(code_text, code.at, code.len);
    code.at = code_text;
    post_with(&office, "https://oauth2.googleapis.com/token", "client_id=app&grant_type=authorization_code&code_verifier=" VERIFIER
          "&redirect_uri=http%3A%2F%2F127.0.0.1%3A9%2F&code=", code, &reply);
    assert_true(says(&reply, "refresh_token"));
    struct span token = text_of(&reply, "access_token", access);
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_SMTP, office.now, &owner), TOKEN_GOOD);
    assert_int_equal(issuer_check_token(&office.issuer, token, SCOPE_HTTPS, office.now, &owner), TOKEN_GOOD);
    post(&office, "https://oauth2.googleapis.com/token", "client_id=app&grant_type=refresh_token&refresh_token=x", &reply);
    assert_true(says(&reply, "Token has been expired or revoked."));
    post(&office, "https://oauth2.googleapis.com/device/code", "client_id=app&scope=everything", &reply);
    assert_true(says(&reply, "invalid_scope"));
    reply_done(&reply);
    office_close(&office);
}

/* ---- memory ---- */

static bool ask_all(struct office *office, struct reply *reply)
{
    static const struct {
        const char *line, *body;
    } asked[] = {
        { "GET " ASK PKCE, "" },
        { "GET " MS "/v2.0/.well-known/openid-configuration", "" },
        { "POST " DEVICE, "client_id=app&scope=" SMTP },
        { "POST " MS_TOKEN, REDEEM "c.x" },
        { "POST https://localhost:2502/sandbox/introspect", "token=x" },
        { "POST https://localhost:2502/device", "user=me%40hotmail.com&password=pw-me&user_code=x" },
        { "POST https://login.microsoftonline.com/common/oauth2/v2.0/token", "client_id=app&client_assertion=a.b.c" },
    };
    bool whole = true;

    for (size_t i = 0; i < COUNT(asked); i++) {
        office_ask(office, asked[i].line, "", span_of(asked[i].body), reply);
        whole &= !reply->body.full && !reply->headers.full && reply->status != 500;
    }
    return whole;
}

/* Let each piece of memory be missing once: something is answered, or it shows that nothing whole is there. */
static void test_everything_fails_once(void **state)
{
    (void)state;
    struct office office;
    struct reply reply = REPLY;

    open_at(&office, "outlook.com");
    for (unsigned n = 1;; n++) {
        struct world world;

        world_begin(&world, n);
        bool whole = ask_all(&office, &reply);
        bool failed = world_end(&world);
        reply_done(&reply);
        assert_int_equal(world_leaks(&world), 0);
        if (failed)
            continue;
        assert_true(whole && n > 20);
        break;
    }
    office_close(&office);
}

/* ---- scopes ---- */

static void test_scopes(void **state)
{
    (void)state;
    static const struct {
        const char *provider, *scope;
        unsigned powers;
    } cases[] = {
        { "outlook.com", "https://outlook.office.com/SMTP.Send offline_access", SCOPE_SMTP },
        { "outlook.com", "https://graph.microsoft.com/Mail.Send", SCOPE_HTTPS },
        { "outlook.com", "https://outlook.office.com/IMAP.AccessAsUser.All", 0 },
        { "outlook.com", "openid profile email offline_access", 0 },
        { "outlook.com", "", 0 },
        { "microsoft365", "https://outlook.office365.com/.default", SCOPE_SMTP },
        { "microsoft365", "https://graph.microsoft.com/.default", SCOPE_HTTPS },
        { "gmail", "https://mail.google.com/", SCOPE_SMTP | SCOPE_HTTPS },
        { "gmail", "https://www.googleapis.com/auth/gmail.send", SCOPE_HTTPS },
        { "generic", "smtp", SCOPE_SMTP | SCOPE_HTTPS },
        { "mail.ru", "mail.imap", 0 },
        { "mail.ru", "mail.imap userinfo", SCOPE_SMTP | SCOPE_HTTPS },
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        check_row(cases[i].scope, scope_powers(know_profile(know, cases[i].provider), span_of(cases[i].scope)) ==
                                      cases[i].powers);
    assert_true(scope_is_one_resource(SPAN("a https://x/1 https://x/2 openid")));
    assert_false(scope_is_one_resource(SPAN("https://x/1 https://y/1")));
    assert_true(scope_is_one_resource(SPAN("")));
}

static int set_up(void **state)
{
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    (void)state;
    return know_new(texts, count, &know, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    knowledge_free(know);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_page),
        cmocka_unit_test(test_page_refuses),
        cmocka_unit_test(test_page_escapes),
        cmocka_unit_test(test_declines),
        cmocka_unit_test(test_other_sites),
        cmocka_unit_test(test_code_to_tokens),
        cmocka_unit_test(test_agrees_to_two),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_scenarios),
        cmocka_unit_test(test_other_address),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_device_page_shows),
        cmocka_unit_test(test_application),
        cmocka_unit_test(test_introspection_and_revocation),
        cmocka_unit_test(test_google),
        cmocka_unit_test(test_everything_fails_once),
        cmocka_unit_test(test_scopes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
