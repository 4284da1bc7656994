#include "support/check.h"

#include <sys/stat.h>

#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "net/tls_int.h"
#include "support/alloc_fails.h"
#include "support/identity.h"
#include "support/scratch.h"

#define HOST "smtp.example.org"

static struct identity identity;

struct pair {
    struct tls *client, *server;
    size_t cut; /* at most so many bytes at a time */
};

static void move(struct pair *pair, struct tls *from, struct tls *to)
{
    struct span out = tls_output(from);
    size_t len = out.len < pair->cut ? out.len : pair->cut;

    if (!len)
        return;
    tls_feed(to, span_cut(out, 0, len));
    tls_sent(from, len);
}

/* Carries bytes both ways until nothing more comes. */
static void carry(struct pair *pair)
{
    while (tls_output(pair->client).len || tls_output(pair->server).len) {
        move(pair, pair->client, pair->server);
        move(pair, pair->server, pair->client);
    }
}

static void pair_make(struct pair *pair, struct tls_context *client, struct tls_context *server,
                      const char *name, struct span ticket, size_t cut)
{
    struct err err = { 0 };

    pair->cut = cut;
    assert_true(tls_client(client, name, ticket, &pair->client, &err));
    assert_true(tls_server(server, &pair->server, &err));
    tls_feed(pair->client, SPAN_NONE);
    carry(pair);
}

static void pair_done(struct pair *pair)
{
    tls_free(pair->client);
    tls_free(pair->server);
}

static void expect_plain(const char *label, struct tls *tls, struct span want)
{
    HELD(buf) got = BUF(1000000);
    char bytes[5000];
    size_t len;

    while ((len = tls_read(tls, bytes, sizeof bytes)))
        buf_add_span(&got, (struct span){ bytes, len });
    check_row(label, got.len == want.len && (!want.len || !memcmp(got.at, want.at, want.len)));
}

static void talk(const char *label, struct pair *pair)
{
    HELD(buf) long_text = BUF(1000000);

    for (int i = 0; i < 5000; i++)
        buf_addf(&long_text, "line %d of a message\r\n", i);
    check_row(label, tls_write(pair->server, SPAN("220 hello\r\n")) == 11);
    carry(pair);
    expect_plain(label, pair->client, SPAN("220 hello\r\n"));
    check_row(label, tls_write(pair->client, buf_span(&long_text)) == long_text.len);
    carry(pair);
    expect_plain(label, pair->server, buf_span(&long_text));

    tls_goodbye(pair->client);
    carry(pair);
    expect_plain(label, pair->server, SPAN_NONE);
    check_row(label, tls_state(pair->server) == TLS_ENDED);
    check_row(label, tls_write(pair->client, SPAN("x")) == 0);
    check_row(label, tls_write(pair->server, SPAN("221 bye\r\n")) == 9);
}

/* The whole conversation, and then the resumed one, with the line cut into pieces of each size. */
static void test_cut_anywhere(void **state)
{
    static const struct {
        const char *label;
        size_t cut;
    } cases[] = {
        { "byte by byte", 1 },    { "3 bytes", 3 },         { "a record's head and one", 6 },
        { "517 bytes", 517 },     { "a packet", 1460 },     { "whole", 1000000 },
    };
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, true);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        HELD(buf) ticket = BUF(20000);
        struct tls_description about;
        struct pair pair;
        unsigned char at_client[TLS_BINDING_LEN], at_server[TLS_BINDING_LEN];

        pair_make(&pair, client, server, HOST, SPAN_NONE, cases[i].cut);
        check_row(cases[i].label, tls_state(pair.client) == TLS_OPEN);
        check_row(cases[i].label, tls_state(pair.server) == TLS_OPEN);
        tls_describe(pair.client, &about);
        check_row(cases[i].label, !strcmp(about.version, "TLSv1.3") && !about.resumed);
        check_row(cases[i].label, about.protocol && about.chain_len == 1);
        check_row(cases[i].label, !strcmp(about.chain[0].names, HOST ", 127.0.0.1"));
        check_row(cases[i].label, !strcmp(about.chain[0].issuer, "CN=Test Authority"));
        check_row(cases[i].label, tls_channel_binding(pair.client, at_client) &&
                                      tls_channel_binding(pair.server, at_server));
        check_row(cases[i].label, !memcmp(at_client, at_server, sizeof at_client));
        talk(cases[i].label, &pair);
        check_row(cases[i].label, tls_ticket(pair.client, &ticket));
        pair_done(&pair);

        pair_make(&pair, client, server, HOST, buf_span(&ticket), cases[i].cut);
        tls_describe(pair.client, &about);
        check_row(cases[i].label, about.resumed && tls_state(pair.client) == TLS_OPEN);
        talk(cases[i].label, &pair);
        pair_done(&pair);
    }
}

static void test_not_trusted(void **state)
{
    static const struct {
        const char *label, *fact, *words;
        enum identity_kind kind;
        const char *issued_to, *asked_for;
    } cases[] = {
        { "good", NULL, "", IDENTITY_GOOD, HOST, HOST },
        { "good, with the root's dot", NULL, "", IDENTITY_GOOD, HOST, HOST "." },
        { "good, by its address", NULL, "", IDENTITY_GOOD, HOST, "127.0.0.1" },
        { "a wildcard", NULL, "", IDENTITY_GOOD, "*.example.org", HOST },
        { "another host", "cert:hostname", "names mail.example.net", IDENTITY_GOOD,
          "mail.example.net", HOST },
        { "another address", "cert:hostname", "names " HOST, IDENTITY_GOOD, HOST, "127.0.0.2" },
        { "an address as a name", "cert:hostname", "names 127.0.0.3.example.org", IDENTITY_GOOD,
          "127.0.0.3.example.org", "127.0.0.3" },
        { "a lone asterisk", "cert:hostname", "*", IDENTITY_GOOD, "*", HOST },
        { "a partial wildcard", "cert:hostname", "s*.example.org", IDENTITY_GOOD, "s*.example.org",
          HOST },
        { "a wildcard too deep", "cert:hostname", "", IDENTITY_GOOD, "*.example.org",
          "a.smtp.example.org" },
        { "expired", "cert:expired", "valid until 2017-07-14", IDENTITY_EXPIRED, HOST, HOST },
        { "not yet", "cert:not-yet-valid", "valid from 2099-12-31", IDENTITY_NOT_YET_VALID, HOST,
          HOST },
        { "self-signed", "cert:self-signed", "signed by itself", IDENTITY_SELF_SIGNED, HOST, HOST },
        { "nobody's", "cert:untrusted-issuer", "CN=Nobody Knows", IDENTITY_OTHER_ISSUER, HOST,
          HOST },
    };
    OWN(tls_context) client = identity_client(&identity);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(tls_context) server = identity_server(&identity, cases[i].kind, cases[i].issued_to, true);
        struct pair pair;

        pair_make(&pair, client, server, cases[i].asked_for, SPAN_NONE, 1000);
        const struct err *err = tls_error(pair.client);
        if (!cases[i].fact) {
            check_row(cases[i].label, tls_state(pair.client) == TLS_OPEN);
        } else {
            check_row(cases[i].label, tls_state(pair.client) == TLS_FAILED);
            check_row(cases[i].label, err->fact && !strcmp(err->fact, cases[i].fact));
            check_row(cases[i].label, err->kind == ERR_CERTIFICATE);
            check_row(cases[i].label, strstr(err->text, cases[i].words));
            check_row(cases[i].label, tls_write(pair.client, SPAN("AUTH")) == 0);
            check_row(cases[i].label, tls_state(pair.server) == TLS_FAILED); /* told by an alert */
        }
        pair_done(&pair);
    }
}

/* What a server shows is good, and leads to an authority that this machine's list knows by a certificate of long ago. */
static void test_old_list(void **state)
{
    const char *const names[] = { HOST, NULL };
    static const uint64_t from = 1000000000, expired = 1500000000, until = 4102444800;
    OWN(cert) old = NULL;
    OWN(cert) leaf = NULL;
    OWN(cert) spent = NULL;
    HELD(buf) list = BUF(10000);
    SCRATCH(dir);
    struct err err = { 0 };

    (void)state;
    assert_true(cert_make_authority("Old Root", from, expired, &old, &err));
    assert_true(cert_make(&(struct cert_plan){ .names = names, .from = from, .until = until, .issuer = old }, &leaf, &err));
    assert_true(cert_make(&(struct cert_plan){ .names = names, .from = from, .until = expired, .issuer = old }, &spent, &err));
    cert_add_chain(old, &list);
    const struct {
        const char *label, *fact, *words;
        const struct cert *shown;
    } rows[] = {
        { "the authority alone has run out", "cert:root-expired", "CN=Old Root (it was valid until 2017-07-14", leaf },
        { "and so has what is shown: that is what counts", "cert:expired", "has expired", spent },
    };
    const struct tls_client_plan plan = { .ca_file = scratch_file(dir, "old.pem", buf_text(&list), 0600) };
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(tls_context) client = NULL;
        OWN(tls_context) server = NULL;
        HELD(buf) chain = BUF(10000);
        HELD(buf) key = BUF(10000);
        struct pair pair;

        cert_add_chain(rows[i].shown, &chain);
        cert_add_key(rows[i].shown, &key);
        assert_true(tls_server_context(&(struct tls_server_plan){ .chain_pem = buf_span(&chain), .key_pem = buf_span(&key) },
                                       &server, &err));
        assert_true(tls_client_context(&plan, &client, &err));
        pair_make(&pair, client, server, HOST, SPAN_NONE, 1000);
        const struct err *why = tls_error(pair.client);
        check_row(rows[i].label, tls_state(pair.client) == TLS_FAILED && why->kind == ERR_CERTIFICATE);
        if (!why->fact || strcmp(why->fact, rows[i].fact) != 0 || !strstr(why->text, rows[i].words))
            fail_msg("case \"%s\": %s: %s", rows[i].label, why->fact, why->text);
        pair_done(&pair);
    }
}

static void pin_of(const unsigned char hash[CERT_HASH_LEN], struct buf *out)
{
    buf_add(out, "sha256:");
    for (size_t i = 0; i < CERT_HASH_LEN; i++)
        buf_addf(out, "%02X", hash[i]);
}

/* A server that does not send who issued its certificate. */
static void test_missing_issuer(void **state)
{
    static const uint64_t until = 4102444800;
    const char *const names[] = { HOST, NULL };
    struct cert_plan plan = { .names = names, .from = 1000000000, .until = until, .issuer = identity.authority };
    OWN(tls_context) server = identity_server(&identity, IDENTITY_OTHER_ISSUER, HOST, false);
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) others = NULL;
    OWN(cert) leaf = NULL;
    HELD(buf) authority = BUF(10000), stranger = BUF(10000), sibling = BUF(10000);
    char url[TLS_URL_MAX];
    SCRATCH(dir);
    struct tls_description about;
    struct pair pair;
    struct err err = { 0 };

    (void)state;
    assert_true(cert_make(&plan, &leaf, &err));
    cert_add_chain(leaf, &sibling);
    cert_add_chain(identity.authority, &authority);
    cert_add_chain(identity.stranger, &stranger);
    const struct tls_client_plan plan_of_others = {
        .ca_file = scratch_file(dir, "ca.pem", buf_text(&stranger), 0600), .protocol = "smtp",
    };
    assert_true(tls_client_context(&plan_of_others, &others, &err));

    pair_make(&pair, client, server, HOST, SPAN_NONE, SIZE_MAX);
    assert_int_equal(tls_state(pair.client), TLS_FAILED);
    tls_describe(pair.client, &about);
    assert_true(about.end_len > 100);
    assert_string_equal(about.issuer_url, "");
    struct span end = { (const char *)about.end, about.end_len };
    const struct {
        const char *label;
        const struct tls_context *context;
        struct span shown, found;
        enum tls_issuer issuer;
    } cases[] = {
        { "its issuer, trusted", others, end, buf_span(&stranger), TLS_ISSUER_TRUSTED },
        { "its issuer, whom nobody knows", client, end, buf_span(&stranger), TLS_ISSUER_STRANGE },
        { "an authority, trusted, and not its issuer", client, end, buf_span(&authority), TLS_ISSUER_OTHER },
        { "a server's certificate", client, end, buf_span(&sibling), TLS_ISSUER_OTHER },
        { "itself", others, end, end, TLS_ISSUER_OTHER },
        { "a page", others, end, SPAN("<html>not found</html>"), TLS_ISSUER_OTHER },
        { "cut", others, end, span_cut(buf_span(&stranger), 0, 200), TLS_ISSUER_OTHER },
        { "nothing", others, end, SPAN_NONE, TLS_ISSUER_OTHER },
        { "nothing shown", others, SPAN_NONE, buf_span(&stranger), TLS_ISSUER_OTHER },
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        check_row(cases[i].label,
                  tls_issuer_of(cases[i].context, cases[i].shown, cases[i].found, url) == cases[i].issuer && !url[0]);
    pair_done(&pair);
}

static void test_pin(void **state)
{
    OWN(tls_context) any = identity_client(&identity);
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    OWN(tls_context) expired = identity_server(&identity, IDENTITY_EXPIRED, "elsewhere", false);
    struct tls_description about;
    struct pair pair;

    (void)state;
    pair_make(&pair, any, expired, HOST, SPAN_NONE, 1000);
    tls_describe(pair.client, &about);
    pair_done(&pair);
    for (int i = 0; i < 2; i++) {
        HELD(buf) pin = BUF(100);
        OWN(tls_context) client = NULL;
        struct err err;

        pin_of(i ? about.chain[0].sha256 : about.chain[0].key_sha256, &pin);
        assert_true(tls_client_context(&(struct tls_client_plan){ .pin = buf_text(&pin) }, &client,
                                       &err));
        pair_make(&pair, client, expired, HOST, SPAN_NONE, 1000);
        assert_int_equal(tls_state(pair.client), TLS_OPEN);
        pair_done(&pair);
        pair_make(&pair, client, server, HOST, SPAN_NONE, 1000);
        assert_int_equal(tls_state(pair.client), TLS_FAILED);
        assert_string_equal(tls_error(pair.client)->fact, "cert:pin");
        pair_done(&pair);
    }
}

static void test_bad_plans(void **state)
{
    static const struct {
        const char *label;
        struct tls_client_plan plan;
        const char *fact;
    } cases[] = {
        { "a short pin", { .pin = "sha256:00ff" }, NULL },
        { "another digest", { .pin = "sha1:00ff" }, NULL },
        { "a long pin", { .pin = "sha256:00112233445566778899aabbccddeeff00112233445566778899aabb"
                                 "ccddeeff00" }, NULL },
        { "no CA file", { .ca_file = "/nonexistent" }, "cert:no-ca-bundle" },
        { "a CA file with nothing in it", { .ca_file = "/dev/null" }, "cert:no-ca-bundle" },
        { "no client certificate", { .ca_file = identity.ca_file, .certificate_file = "/nonexistent",
                                     .key_file = "/nonexistent" }, "config:unreadable" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct tls_context *context = NULL;
        struct err err = { 0 };
        check_row(cases[i].label, !tls_client_context(&cases[i].plan, &context, &err));
        check_row(cases[i].label, err.kind == ERR_CONFIG && !context);
        check_row(cases[i].label, err.fact == cases[i].fact || !strcmp(err.fact, cases[i].fact));
    }
}

/* ---- a client that shows a certificate ---- */

/* "NAME.pem" and "NAME.key" in the folder. */
static void write_identity(struct scratch *dir, const char *name, const struct cert *issuer)
{
    static const char *const names[] = { "client.example.org", NULL };
    struct cert_plan plan = { .names = names, .from = 1000000000, .until = 4102444800, .issuer = issuer };
    OWN(cert) cert = NULL;
    HELD(buf) chain = BUF(10000), key = BUF(10000), file = BUF(100);
    struct err err = { 0 };

    assert_true(cert_make(&plan, &cert, &err));
    cert_add_chain(cert, &chain);
    cert_add_key(cert, &key);
    buf_addf(&file, "%s.pem", name);
    scratch_file(dir, buf_text(&file), buf_text(&chain), 0644);
    buf_clear(&file);
    buf_addf(&file, "%s.key", name);
    scratch_file(dir, buf_text(&file), buf_text(&key), 0600);
}

static bool context_with(struct scratch *dir, const char *certificate, const char *key,
                         struct tls_context **ret_context, struct err *err)
{
    const struct tls_client_plan plan = {
        .ca_file = identity.ca_file,
        .certificate_file = certificate ? scratch_path(dir, certificate) : NULL,
        .key_file = key ? scratch_path(dir, key) : NULL,
    };
    return tls_client_context(&plan, ret_context, err);
}

static void test_own_certificate_unfit(void **state)
{
    static const struct {
        const char *label, *certificate, *key, *fact, *words;
    } cases[] = {
        { "both fit", "a.pem", "a.key", NULL, NULL },
        { "another's key", "a.pem", "b.key", "config:bad", "the key is not this certificate's" },
        { "no key", "a.pem", "none", "secret:unreadable", "none" },
        { "no certificate", "none", "a.key", "config:unreadable", "none" },
        { "a key in the certificate's place", "a.key", "a.key", "config:bad", "reading a certificate" },
        { "a certificate in the key's place", "a.pem", "a.pem", "secret:unreadable", "chmod" },
        { "a key that others may read", "a.pem", "open.key", "secret:unreadable", "chmod" },
        { "a key behind a passphrase", "a.pem", "locked.key", "config:bad", "key" },
    };
    SCRATCH(dir);
    (void)state;

    write_identity(dir, "a", identity.authority);
    write_identity(dir, "b", identity.authority);
    write_identity(dir, "open", identity.authority);
    assert_int_equal(chmod(scratch_path(dir, "open.key"), 0644), 0);
    scratch_file(dir, "locked.key", "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIGbMFcGCSqGSIb3DQ==\n"
                                    "-----END ENCRYPTED PRIVATE KEY-----\n", 0600);
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(tls_context) context = NULL;
        struct err err = { 0 };
        bool good = context_with(dir, cases[i].certificate, cases[i].key, &context, &err);
        check_row(cases[i].label, good == !cases[i].fact);
        if (!cases[i].fact)
            continue;
        check_row(cases[i].label, err.kind == ERR_CONFIG && err.fact && !strcmp(err.fact, cases[i].fact));
        check_row(cases[i].label, strstr(err.text, cases[i].words));
    }
}

static void test_own_certificate(void **state)
{
    static const struct {
        const char *label, *certificate, *key;
        int version;
        const char *fact;
    } cases[] = {
        { "shown, TLS 1.3", "a.pem", "a.key", TLS1_3_VERSION, NULL },
        { "shown, TLS 1.2", "a.pem", "a.key", TLS1_2_VERSION, NULL },
        { "none, TLS 1.3", NULL, NULL, TLS1_3_VERSION, "cert:client-refused" },
        { "none, TLS 1.2", NULL, NULL, TLS1_2_VERSION, "tls:handshake" }, /* its alert says no more */
        { "a stranger's, TLS 1.3", "s.pem", "s.key", TLS1_3_VERSION, "cert:client-refused" },
        { "a stranger's, TLS 1.2", "s.pem", "s.key", TLS1_2_VERSION, "cert:client-refused" },
    };
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    SCRATCH(dir);
    (void)state;

    SSL_CTX_set_verify(server->ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_purpose(server->ssl, X509_PURPOSE_ANY);
    assert_int_equal(SSL_CTX_load_verify_file(server->ssl, identity.ca_file), 1);
    write_identity(dir, "a", identity.authority);
    write_identity(dir, "s", identity.stranger);
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(tls_context) context = NULL;
        struct pair pair;
        struct err err = { 0 };
        SSL_CTX_set_max_proto_version(server->ssl, cases[i].version);
        check_row(cases[i].label, context_with(dir, cases[i].certificate, cases[i].key, &context, &err));
        pair_make(&pair, context, server, HOST, SPAN_NONE, 1000);
        expect_plain(cases[i].label, pair.client, SPAN_NONE);
        const char *fact = tls_error(pair.client)->fact;
        check_row(cases[i].label, tls_state(pair.client) == (cases[i].fact ? TLS_FAILED : TLS_OPEN));
        check_row(cases[i].label, !fact == !cases[i].fact && (!fact || !strcmp(fact, cases[i].fact)));
        check_row(cases[i].label, fact || SSL_get0_peer_certificate(pair.server->ssl));
        pair_done(&pair);
    }
}

/* A ticket of one name, or of other trust, is not used for another (CVE-2022-22576, curl). */
static void test_ticket_bound(void **state)
{
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) plain = NULL;
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, "*.example.org", false);
    HELD(buf) ticket = BUF(20000);
    struct tls_description about;
    struct pair pair;
    struct err err;

    (void)state;
    assert_true(tls_client_context(&(struct tls_client_plan){ .ca_file = identity.ca_file }, &plain,
                                   &err));
    pair_make(&pair, client, server, HOST, SPAN_NONE, 1000);
    expect_plain("none yet", pair.client, SPAN_NONE);
    assert_true(tls_ticket(pair.client, &ticket));
    pair_done(&pair);
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            ticket.at[ticket.len / 2] ^= 1; /* damaged: not used, and no harm */
        pair_make(&pair, i == 1 ? plain : client, server, i == 0 ? "other.example.org" : HOST,
                  buf_span(&ticket), 1000);
        tls_describe(pair.client, &about);
        assert_int_equal(tls_state(pair.client), TLS_OPEN);
        assert_true(i == 2 || !about.resumed);
        pair_done(&pair);
    }
}

/* Nor one that was got while other authorities stood in the file of the same name. */
static void test_ticket_of_old_trust(void **state)
{
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    HELD(buf) pem = BUF(10000), ticket = BUF(20000);
    SCRATCH(dir);
    (void)state;

    cert_add_chain(identity.authority, &pem);
    for (int round = 0; round < 3; round++) {
        OWN(tls_context) client = NULL;
        struct tls_client_plan plan = { .ca_file = scratch_path(dir, "ca.pem") };
        struct pair pair;
        struct err err = { 0 };
        if (round == 2)
            buf_add(&pem, "\n");
        if (round != 1)
            scratch_file(dir, "ca.pem", buf_text(&pem), 0644);
        assert_true(tls_client_context(&plan, &client, &err));
        pair_make(&pair, client, server, HOST, buf_span(&ticket), 1000);
        expect_plain("nothing said", pair.client, SPAN_NONE);
        assert_int_equal(tls_state(pair.client), TLS_OPEN);
        assert_int_equal(tls_resumed(pair.client), round == 1);
        buf_clear(&ticket);
        assert_true(tls_ticket(pair.client, &ticket));
        pair_done(&pair);
    }
}

/* With either version a line can follow on the line before it, again and again. */
static void test_resumed_again_and_again(void **state)
{
    static const int versions[] = { TLS1_2_VERSION, TLS1_3_VERSION };
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    OWN(tls_context) client = identity_client(&identity);
    (void)state;

    for (size_t v = 0; v < COUNT(versions); v++) {
        HELD(buf) ticket = BUF(20000);
        SSL_CTX_set_max_proto_version(server->ssl, versions[v]);
        for (int round = 0; round < 4; round++) {
            unsigned char binding[TLS_BINDING_LEN];
            struct pair pair;
            pair_make(&pair, client, server, HOST, buf_span(&ticket), 1000);
            expect_plain("nothing said", pair.client, SPAN_NONE);
            assert_int_equal(tls_state(pair.client), TLS_OPEN);
            assert_int_equal(tls_resumed(pair.client), round > 0);
            assert_int_equal(tls_channel_binding(pair.client, binding), versions[v] == TLS1_3_VERSION);
            buf_clear(&ticket);
            assert_true(tls_ticket(pair.client, &ticket));
            pair_done(&pair);
        }
    }
}

static void test_not_tls(void **state)
{
    static const struct {
        const char *label, *bytes, *fact, *said;
    } cases[] = {
        { "SMTP", "220 smtp.example.org ESMTP\r\n250 x", "tls:plaintext", "220 smtp.example.org ESMTP" },
        { "HTTP", "HTTP/1.1 400 Bad Request\r\n\r\n", "tls:plaintext", "HTTP/1.1 400 Bad Request" },
        { "an alert: old version", "\x15\x03\x01\x00\x02\x02\x46", "tls:protocol-version", "" },
        { "an alert: failure", "\x15\x03\x01\x00\x02\x02\x28", "tls:handshake", "" },
    };
    OWN(tls_context) context = identity_client(&identity);

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(tls) tls = NULL;
        struct err err;
        size_t len = cases[i].bytes[0] == 0x15 ? 7 : strlen(cases[i].bytes);
        assert_true(tls_client(context, HOST, SPAN_NONE, &tls, &err));
        tls_feed(tls, SPAN_NONE);
        check_row(cases[i].label, tls_feed(tls, (struct span){ cases[i].bytes, len }) == TLS_FAILED);
        check_row(cases[i].label, !strcmp(tls_error(tls)->fact, cases[i].fact));
        check_row(cases[i].label, !strcmp(tls_error(tls)->said, cases[i].said));
    }
}

/* A client that offers HTTP only has been led here by somebody. */
static void test_other_protocol(void **state)
{
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    OWN(tls_context) client = NULL;
    struct pair pair;
    struct err err;

    (void)state;
    assert_true(tls_client_context(
        &(struct tls_client_plan){ .ca_file = identity.ca_file, .protocol = "http/1.1" }, &client,
        &err));
    pair_make(&pair, client, server, HOST, SPAN_NONE, 1000);
    assert_int_equal(tls_state(pair.client), TLS_FAILED);
    assert_int_equal(tls_state(pair.server), TLS_FAILED);
    pair_done(&pair);
}

/* A byte changed on the way, anywhere after the handshake, is never plain text. */
static void test_tampered(void **state)
{
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);
    struct pair pair;
    char bytes[200];

    (void)state;
    pair_make(&pair, client, server, HOST, SPAN_NONE, 1000);
    tls_write(pair.server, SPAN("250 accepted\r\n"));
    struct span out = tls_output(pair.server);
    assert_true(out.len < sizeof bytes);
    memcpy(bytes, out.at, out.len);
    bytes[out.len - 3] ^= 1;
    tls_feed(pair.client, (struct span){ bytes, out.len });
    assert_int_equal(tls_read(pair.client, bytes, sizeof bytes), 0);
    assert_int_equal(tls_state(pair.client), TLS_FAILED);
    assert_string_equal(tls_error(pair.client)->fact, "tls:closed");
    pair_done(&pair);
}

static void test_no_memory(void **state)
{
    OWN(tls_context) client = identity_client(&identity);
    OWN(tls_context) server = identity_server(&identity, IDENTITY_GOOD, HOST, false);

    (void)state;
    for (unsigned n = 1;; n++) {
        size_t before = alloc_alive();
        struct pair pair = { .cut = 1000 };
        struct err err;
        alloc_fail_at(n);
        if (tls_client(client, HOST, SPAN_NONE, &pair.client, &err) &&
            tls_server(server, &pair.server, &err)) {
            tls_feed(pair.client, SPAN_NONE);
            carry(&pair);
        }
        bool failed = alloc_failed();
        alloc_fail_at(0);
        bool open = pair.client && pair.server && tls_state(pair.client) == TLS_OPEN &&
                    tls_state(pair.server) == TLS_OPEN;
        assert_true(open || failed);
        pair_done(&pair);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

static int setup(void **state)
{
    (void)state;
    identity_make(&identity);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    identity_done(&identity);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cut_anywhere),  cmocka_unit_test(test_not_trusted),
        cmocka_unit_test(test_old_list),
        cmocka_unit_test(test_missing_issuer),
        cmocka_unit_test(test_pin),           cmocka_unit_test(test_bad_plans),
        cmocka_unit_test(test_ticket_bound),  cmocka_unit_test(test_not_tls),
        cmocka_unit_test(test_other_protocol), cmocka_unit_test(test_tampered),
        cmocka_unit_test(test_own_certificate_unfit), cmocka_unit_test(test_own_certificate),
        cmocka_unit_test(test_ticket_of_old_trust),
        cmocka_unit_test(test_resumed_again_and_again), cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
