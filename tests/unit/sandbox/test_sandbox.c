/* Our own client against our own provider, over real sockets and TLS. */
#include "support/check.h"

#include "base/base64.h"
#include "base/form.h"
#include "base/json_read.h"
#include "know/embedded.h"
#include "mail/envelope.h"
#include "net/fetch.h"
#include "net/resolve.h"
#include "os/file.h"
#include "sandbox/sandbox.h"
#include "sandbox/scenario.h"
#include "session/client.h"
#include "support/scratch.h"

#define MESSAGE "Subject: hi\r\n\r\n.dot\r\n..\r\n"

static struct knowledge *know;
static struct loop *loop;

struct talk {
    struct session *session;
    struct session_plan plan;
    struct dial_detour detour;
    const char *credential, *user;
    struct envelope *envelope;
    size_t body_at;
    bool over, sent;
    struct evidence evidence;
};

static bool read_body(void *of, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct talk *talk = of;
    struct span piece = span_cut(span_from(SPAN(MESSAGE), talk->body_at), 0, room < 5 ? room : 5);

    (void)err;
    if (piece.len)
        memcpy(into, piece.at, piece.len);
    talk->body_at += piece.len;
    *ret_len = piece.len;
    return true;
}

static void on_credential(void *who, const char *mechanism)
{
    struct talk *talk = who;

    (void)mechanism;
    session_credential(talk->session, secret_new(span_of(talk->credential)));
}

static void on_ready(void *who)
{
    struct talk *talk = who;

    session_send(talk->session, talk->envelope, 0, talk->envelope->count,
                 &(struct session_body){ read_body, talk });
}

static void on_sent(void *who)
{
    struct talk *talk = who;

    talk->sent = talk->over = true;
}

static void on_failed(void *who, const struct evidence *evidence)
{
    struct talk *talk = who;

    talk->evidence = *evidence;
    talk->over = true;
}

static const struct session_events events = {
    .credential = on_credential, .ready = on_ready, .sent = on_sent, .failed = on_failed,
};

enum { STARTTLS = SECURITY_STARTTLS, TLS_FIRST = SECURITY_TLS };

#define ME "me@outlook.com"

static const struct {
    const char *label, *provider, *host, *user;
    int security;
    unsigned mechanisms;
    int with;
    const char *credential, *sender, *recipient;
    int fate; /* -1: the session failed before it came to that */
    uint16_t code, enhanced[3];
    size_t kept;
} cases[] = {
    { "a token, STARTTLS", "outlook.com", "smtp-mail.outlook.com", ME, STARTTLS, SASL_USUAL, SASL_TOKEN,
      "sandbox-token", ME, "you@x.org", SMTP_FATE_TAKEN, 250, { 2, 0, 0 }, 1 },
    { "the old name, TLS", "outlook.com", "smtp.live.com", ME, TLS_FIRST, SASL_USUAL, SASL_TOKEN,
      "sandbox-token", ME, "you@x.org", SMTP_FATE_TAKEN, 250, { 2, 0, 0 }, 1 },
    { "a wrong token", "outlook.com", "smtp-mail.outlook.com", ME, STARTTLS, SASL_USUAL, SASL_TOKEN,
      "another", ME, "you@x.org", -1, 535, { 5, 7, 3 }, 0 },
    { "a password", "outlook.com", "smtp-mail.outlook.com", ME, STARTTLS, SASL_USUAL, SASL_PASSWORD,
      "sandbox-password", ME, "you@x.org", -1, 535, { 5, 7, 139 }, 0 },
    { "another's sender", "outlook.com", "smtp-mail.outlook.com", ME, STARTTLS, SASL_USUAL, SASL_TOKEN,
      "sandbox-token", "other@x.org", "you@x.org", SMTP_FATE_REFUSED, 550, { 5, 7, 60 }, 0 },
    { "SCRAM", "generic", "localhost", "me@sandbox.test", STARTTLS, SASL_BIT(SASL_SCRAM_SHA_256), SASL_PASSWORD,
      "sandbox-password", "me@sandbox.test", "you@x.org", SMTP_FATE_TAKEN, 250, { 2, 0, 0 }, 1 },
    { "SCRAM, a wrong password", "generic", "localhost", "me@sandbox.test", TLS_FIRST, SASL_BIT(SASL_SCRAM_SHA_256),
      SASL_PASSWORD, "Sandbox-password", "me@sandbox.test", "you@x.org", -1, 535, { 5, 7, 8 }, 0 },
    { "SCRAM, nobody", "generic", "localhost", "you@sandbox.test", TLS_FIRST, SASL_BIT(SASL_SCRAM_SHA_256),
      SASL_PASSWORD, "sandbox-password", "me@sandbox.test", "you@x.org", -1, 535, { 5, 7, 8 }, 0 },
    { "PLAIN", "generic", "localhost", "me@sandbox.test", TLS_FIRST, SASL_BIT(SASL_PLAIN), SASL_PASSWORD,
      "sandbox-password", "me@sandbox.test", "you@x.org", SMTP_FATE_TAKEN, 250, { 2, 0, 0 }, 1 },
    { "LOGIN", "generic", "localhost", "me@sandbox.test", STARTTLS, SASL_BIT(SASL_LOGIN), SASL_PASSWORD,
      "sandbox-password", "me@sandbox.test", "you@x.org", SMTP_FATE_TAKEN, 250, { 2, 0, 0 }, 1 },
    { "OAUTHBEARER", "generic", "localhost", "me@sandbox.test", STARTTLS, SASL_BIT(SASL_OAUTHBEARER), SASL_TOKEN,
      "sandbox-token", "me@sandbox.test", "you@x.org", SMTP_FATE_TAKEN, 250, { 2, 0, 0 }, 1 },
    { "OAUTHBEARER, wrong", "generic", "localhost", "me@sandbox.test", STARTTLS, SASL_BIT(SASL_OAUTHBEARER), SASL_TOKEN,
      "another", "me@sandbox.test", "you@x.org", -1, 535, { 5, 7, 8 }, 0 },
    { "not now", "generic", "localhost", "me@sandbox.test", TLS_FIRST, SASL_USUAL, SASL_PASSWORD,
      "sandbox-password", "me@sandbox.test", "you+451-4.7.500@x.org", SMTP_FATE_LATER, 451, { 4, 7, 500 }, 0 },
    { "the line goes dead", "generic", "localhost", "me@sandbox.test", TLS_FIRST, SASL_USUAL, SASL_PASSWORD,
      "sandbox-password", "me@sandbox.test", "you+drop-after-dot@x.org", SMTP_FATE_UNKNOWN, 0, { 0, 0, 0 }, 1 },
};

static struct sandbox *start(const char *dir, struct sandbox_options *options)
{
    struct sandbox *sandbox = NULL;
    struct err err = { 0 };

    options->know = know;
    options->dir = dir;
    options->disk = &disk_system;
    options->clock = &clock_system;
    options->dice = &dice_system;
    if (!sandbox_start(loop, options, &sandbox, &err))
        fail_msg("%s", err.text);
    return sandbox;
}

static void talk_as(size_t i, const struct sandbox *sandbox, struct talk *talk, const char *credential)
{
    bool tls_first = cases[i].security == TLS_FIRST;

    talk->detour = (struct dial_detour){ .to_host = "127.0.0.1" };
    talk->plan = (struct session_plan){
        .host = cases[i].host,
        .port = tls_first ? 465 : 587,
        .security = (enum security)cases[i].security,
        .hello = "client.example.org",
        .mechanisms = cases[i].mechanisms,
        .sign_in_with = (enum sasl_credential)cases[i].with,
        .user = talk->user ? talk->user : cases[i].user,
        .ca_file = sandbox_ca_file(sandbox),
        .detours = { &talk->detour, 1 },
    };
    struct err err = { 0 };

    talk->detour.to_port = tls_first ? sandbox_port_tls(sandbox) : sandbox_port_starttls(sandbox);
    talk->credential = credential;
    talk->envelope = envelope_new();
    assert_true(envelope_set_sender(talk->envelope, span_of(cases[i].sender), &err));
    assert_true(envelope_add(talk->envelope, span_of(cases[i].recipient), &err));
    talk->envelope->size = sizeof MESSAGE - 1;
    if (!session_open(loop, &talk->plan, &events, talk, &talk->session, &err))
        fail_msg("%s: %s", cases[i].label, err.text);
    assert_true(loop_run_until(loop, &talk->over));
}

/* The one message that was kept, and the envelope beside it. */
static void check_kept(const char *label, struct scratch *dir, size_t i)
{
    struct file_names names;
    HELD(buf) path = BUF(300), bytes = BUF(10000), json = BUF(10000), want = BUF(300);

    assert_true(file_list(scratch_path(dir, "box/mail/new"), "", &names, NULL));
    check_row(label, names.count == cases[i].kept);
    if (names.count) {
        buf_addf(&path, "box/mail/new/%s", names.at[0]);
        assert_true(file_read(&disk_system, scratch_path(dir, buf_text(&path)), 10000, FILE_ANY, &bytes, NULL));
        check_bytes(label, buf_span(&bytes), SPAN(MESSAGE));
        buf_clear(&path);
        buf_addf(&path, "box/mail/envelopes/%s.json", names.at[0]);
        assert_true(file_read(&disk_system, scratch_path(dir, buf_text(&path)), 10000, FILE_ANY, &json, NULL));
        buf_addf(&want, "{\"from\":\"%s\",\"to\":[\"%s\"],\"user\":\"%s\"", cases[i].sender, cases[i].recipient,
                 cases[i].user);
        check_row(label, span_starts(buf_span(&json), buf_text(&want)));
        check_row(label, strstr(buf_text(&json), "\"tls\":true"));
    }
    file_names_done(&names);
    check_row(label, scratch_count(scratch_path(dir, "box/mail/tmp")) == 0);
}

static void test_talks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        SCRATCH(dir);
        struct sandbox_options options = { .provider = cases[i].provider };
        OWN(sandbox) sandbox = start(scratch_path(dir, "box"), &options);
        struct talk talk = { 0 };
        struct smtp_outcome outcome = { .fate = SMTP_FATE_OPEN };

        talk_as(i, sandbox, &talk, cases[i].credential);
        if (talk.sent)
            session_outcome(talk.session, 0, &outcome);
        const struct err *err = talk.sent ? &outcome.err : &talk.evidence.err;
        if (talk.sent != (cases[i].fate >= 0) || err->reply != cases[i].code ||
            memcmp(err->enhanced, cases[i].enhanced, sizeof err->enhanced))
            fail_msg("%s: %u %u.%u.%u %s (%s)", cases[i].label, err->reply, err->enhanced[0],
                     err->enhanced[1], err->enhanced[2], err->said, err->text);
        if (talk.sent)
            check_row(cases[i].label, (int)outcome.fate == cases[i].fate);
        session_free(talk.session);
        envelope_free(talk.envelope);
        check_kept(cases[i].label, dir, i);
    }
}

static void test_tells(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct sandbox_user users[] = { { "a@x.org", "pw", "tok" } };
    struct sandbox_options options = { .provider = "outlook.com", .users = users, .user_count = 1 };
    OWN(sandbox) sandbox = start(scratch_path(dir, "box"), &options);
    HELD(buf) line = BUF(100000), want = BUF(1000);

    sandbox_tell(sandbox, &line);
    buf_addf(&want, "{\"provider\":\"outlook.com\",\"endpoints\":[{\"host\":\"127.0.0.1\",\"port\":%u,"
                    "\"security\":\"starttls\"},{\"host\":\"127.0.0.1\",\"port\":%u,\"security\":\"tls\"}],"
                    "\"connect_to\":[\"smtp-mail.outlook.com:587:127.0.0.1:%u\",",
             sandbox_port_starttls(sandbox), sandbox_port_tls(sandbox), sandbox_port_starttls(sandbox));
    check_bytes("front", span_cut(buf_span(&line), 0, want.len), buf_span(&want));
    assert_non_null(strstr(buf_text(&line), "\"users\":[{\"username\":\"a@x.org\",\"password\":\"pw\",\"token\":\"tok\"}],"
                                            "\"web\":{\"url\":\"https://localhost:"));
    assert_non_null(strstr(buf_text(&line), "\"graph.microsoft.com:443:127.0.0.1:"));
    assert_non_null(strstr(buf_text(&line), "/consumers/oauth2/v2.0/token\""));
    assert_non_null(strstr(buf_text(&line), "\"api\":{\"kind\":\"graph\""));
    assert_null(strchr(buf_text(&line), '\n'));
    assert_true(file_exists(sandbox_ca_file(sandbox)));
}

/* -- over HTTPS -- */

struct told {
    bool done;
    unsigned status;
    struct buf body;
    struct err err;
};

static void was_told(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct told *told = who;

    told->done = true;
    if (err) {
        told->err = *err;
        return;
    }
    told->status = answer->status;
    buf_add_span(&told->body, buf_span(answer->body));
}

/* By the provider's own address, over our own HTTPS. */
static void ask(const struct sandbox *sandbox, const char *url, const char *const *headers, struct span body,
                struct told *told)
{
    struct dial_detour detour = { .port = 443, .to_host = "127.0.0.1", .to_port = sandbox_port_https(sandbox) };
    OWN(resolver) resolver = NULL;
    struct err err = { 0 };

    assert_true(resolver_new(loop, &(struct resolver_plan){ NULL, 0 }, &resolver, &err));
    const struct fetch_plan plan = {
        .url = url, .post = body.at, .body = body, .headers = headers, .resolver = resolver,
        .detours = { &detour, 1 }, .ca_file = sandbox_ca_file(sandbox), .deadline = UINT64_MAX,
    };
    buf_done(&told->body);
    *told = (struct told){ .body = BUF(64 * 1024) };
    if (!fetch_start(loop, &plan, was_told, told, NULL, &err))
        fail_msg("%s", err.text);
    loop_run_until(loop, &told->done);
    if (told->err.kind)
        fail_msg("%s: %s", url, told->err.text);
}

static void take(const struct told *told, const char *key, char into[4096])
{
    struct json_tree *tree = NULL;

    if (!json_read(buf_span(&told->body), 64 * 1024, &tree, NULL))
        fail_msg("no JSON: %s", buf_text(&told->body));
    struct span text = json_text_at(json_root(tree), key);
    assert_true(text.len && text.len < 4096);
    memcpy(into, text.at, text.len);
    into[text.len] = '\0';
    json_tree_free(tree);
}

#define LOGIN "https://login.microsoftonline.com/consumers/oauth2/v2.0"

/* A device's sign-in; the answer to its last question is in *told. */
static void sign_in(struct sandbox *sandbox, const char *scope, struct told *told)
{
    HELD(buf) form = BUF(8192), url = BUF(100);
    char device[4096], user[4096];

    form_add_text(&form, "client_id", "app");
    form_add_text(&form, "scope", scope);
    ask(sandbox, LOGIN "/devicecode", NULL, buf_span(&form), told);
    take(told, "device_code", device);
    take(told, "user_code", user);
    buf_addf(&url, "https://localhost:%u/sandbox/approve", (unsigned)sandbox_port_https(sandbox));
    buf_clear(&form);
    form_add_text(&form, "user_code", user);
    ask(sandbox, buf_text(&url), NULL, buf_span(&form), told);
    buf_clear(&url);
    buf_addf(&url, "https://localhost:%u/sandbox/clock", (unsigned)sandbox_port_https(sandbox));
    ask(sandbox, buf_text(&url), NULL, SPAN("advance=6"), told);
    buf_clear(&form);
    form_add_text(&form, "client_id", "app");
    form_add_text(&form, "grant_type", "urn:ietf:params:oauth:grant-type:device_code");
    form_add_text(&form, "device_code", device);
    ask(sandbox, LOGIN "/token", NULL, buf_span(&form), told);
    assert_int_equal(told->status, 200);
}

static void count_kept(struct scratch *dir, size_t count, const char *via)
{
    struct file_names names;
    HELD(buf) path = BUF(300), json = BUF(10000);

    assert_true(file_list(scratch_path(dir, "box/mail/new"), "", &names, NULL));
    assert_int_equal(names.count, count);
    for (size_t i = 0; i < names.count && via; i++) {
        buf_clear(&path);
        buf_clear(&json);
        buf_addf(&path, "box/mail/envelopes/%s.json", names.at[i]);
        assert_true(file_read(&disk_system, scratch_path(dir, buf_text(&path)), 10000, FILE_ANY, &json, NULL));
        assert_non_null(strstr(buf_text(&json), via));
    }
    file_names_done(&names);
    assert_int_equal(scratch_count(scratch_path(dir, "box/mail/tmp")), 0);
}

/* One consent: a token for SMTP, another for the API, and each is good for its own only. */
static void test_web(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct sandbox_options options = { .provider = "outlook.com", .users = (const struct sandbox_user[]){ { ME, "pw", "tok" } },
                                       .user_count = 1 };
    OWN(sandbox) sandbox = start(scratch_path(dir, "box"), &options);
    struct told told = { 0 };
    struct talk talk = { 0 };
    char smtp[4096], refresh[4096], graph[4096];
    HELD(buf) form = BUF(8192), bearer = BUF(8192), message = BUF(8192);

    sign_in(sandbox, "https://outlook.office.com/SMTP.Send offline_access", &told);
    take(&told, "access_token", smtp);
    take(&told, "refresh_token", refresh);
    form_add_text(&form, "client_id", "app");
    form_add_text(&form, "grant_type", "refresh_token");
    form_add_text(&form, "refresh_token", refresh);
    form_add_text(&form, "scope", "https://graph.microsoft.com/Mail.Send");
    ask(sandbox, LOGIN "/token", NULL, buf_span(&form), &told);
    take(&told, "access_token", graph);

    talk_as(0, sandbox, &talk, smtp);
    assert_true(talk.sent);
    session_free(talk.session);
    envelope_free(talk.envelope);
    talk = (struct talk){ 0 };
    talk_as(0, sandbox, &talk, graph);
    assert_false(talk.sent);
    assert_int_equal(talk.evidence.err.reply, 535);
    session_free(talk.session);
    envelope_free(talk.envelope);
    count_kept(dir, 1, "\"via\":\"smtp\"");

    base64_encode(&message, SPAN("From: " ME "\r\nTo: a@x.org\r\nBcc: b@x.org\r\n\r\nhi\r\n"));
    buf_addf(&bearer, "Authorization: Bearer %s", smtp);
    const char *headers[] = { buf_text(&bearer), "Content-Type: text/plain", NULL };
    ask(sandbox, "https://graph.microsoft.com/v1.0/me/sendMail", headers, buf_span(&message), &told);
    assert_int_equal(told.status, 401);
    count_kept(dir, 1, NULL);
    buf_clear(&bearer);
    buf_addf(&bearer, "Authorization: Bearer %s", graph);
    headers[0] = buf_text(&bearer);
    ask(sandbox, "https://graph.microsoft.com/v1.0/me/sendMail", headers, buf_span(&message), &told);
    assert_int_equal(told.status, 202);
    assert_int_equal(told.body.len, 0);
    count_kept(dir, 2, NULL);
    ask(sandbox, "https://graph.microsoft.com/v1.0/me/sendMail", headers, SPAN("not base64"), &told);
    assert_int_equal(told.status, 400);
    count_kept(dir, 2, NULL);
    buf_done(&told.body);
}

/* A message in 35 MB goes to disk as it comes; what is cut leaves nothing. */
static void test_upload(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct sandbox_options options = { .provider = "gmail" };
    OWN(sandbox) sandbox = start(scratch_path(dir, "box"), &options);
    static const char *const headers[] = { "Authorization: Bearer sandbox-token", "Content-Type: message/rfc822", NULL };
    struct told told = { 0 };
    HELD(buf) message = BUF(20 * 1024 * 1024);

    buf_add(&message, "To: a@x.org\r\n\r\n");
    while (message.len < 16 * 1024 * 1024)
        buf_add(&message, "0123456789012345678901234567890123456789012345678901234567890123456789\r\n");
    ask(sandbox, "https://gmail.googleapis.com/upload/gmail/v1/users/me/messages/send?uploadType=media", headers,
        buf_span(&message), &told);
    assert_int_equal(told.status, 200);
    assert_non_null(strstr(buf_text(&told.body), "\"labelIds\":[\"SENT\"]"));
    count_kept(dir, 1, "\"via\":\"gmail\"");
    ask(sandbox, "https://gmail.googleapis.com/upload/gmail/v1/users/me/messages/send?uploadType=media", headers,
        SPAN("Subject: to nobody\r\n\r\n"), &told);
    assert_int_equal(told.status, 400);
    count_kept(dir, 1, NULL);
    buf_done(&told.body);
}

static void test_smtp_scenarios(void **state)
{
    (void)state;
    static const struct {
        enum scenario scenario;
        const char *user;
        bool sent;
        uint16_t code, enhanced[3];
        const char *says;
    } rows[] = {
        { SCENARIO_SMTP_AUTH_OFF, ME, false, 535, { 5, 7, 139 }, "SmtpClientAuthentication is disabled for the Mailbox" },
        { SCENARIO_SMTP_AUTH_OFF_TENANT, ME, false, 535, { 5, 7, 139 }, "SmtpClientAuthentication is disabled for the Tenant" },
        { SCENARIO_OTHER_ADDRESS, ME, false, 535, { 5, 7, 3 }, "Authentication unsuccessful" },
        { SCENARIO_OTHER_ADDRESS, "signin." ME, true, 0, { 0, 0, 0 }, "" },
        { SCENARIO_THROTTLED, ME, true, 0, { 0, 0, 0 }, "" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        const struct sandbox_user user = { ME, "pw", "sandbox-token" };
        struct sandbox_options options = { .provider = "outlook.com", .users = &user, .user_count = 1,
                                           .scenarios = 1u << rows[i].scenario };
        OWN(sandbox) sandbox = start(scratch_path(dir, "box"), &options);
        struct talk talk = { .user = rows[i].user };

        talk_as(0, sandbox, &talk, "sandbox-token");
        check_row(rows[i].user, talk.sent == rows[i].sent);
        if (!rows[i].sent && (talk.evidence.err.reply != rows[i].code || memcmp(talk.evidence.err.enhanced, rows[i].enhanced, 6) ||
                              !strstr(talk.evidence.err.said, rows[i].says)))
            fail_msg("%s: %s", rows[i].user, talk.evidence.err.said);
        session_free(talk.session);
        envelope_free(talk.envelope);
    }
}

static void test_refuses(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct sandbox *sandbox = NULL;
    struct err err = { 0 };
    struct sandbox_options options = { .provider = "generic" };
    OWN(sandbox) first = start(scratch_path(dir, "box"), &options);
    struct sandbox_options taken = options, nobody = options;

    taken.port_base = sandbox_port_starttls(first);
    assert_false(sandbox_start(loop, &taken, &sandbox, &err));
    assert_int_equal(err.kind, ERR_IO);
    nobody.provider = "nobody.example";
    assert_false(sandbox_start(loop, &nobody, &sandbox, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static int set_up(void **state)
{
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    (void)state;
    return know_new(texts, count, &know, NULL) && loop_new(&loop, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    loop_free(loop);
    knowledge_free(know);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_tells),
        cmocka_unit_test(test_web),
        cmocka_unit_test(test_upload),
        cmocka_unit_test(test_smtp_scenarios),
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
