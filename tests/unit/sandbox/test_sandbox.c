/* Our own client against our own provider, over real sockets and TLS. */
#include "support/check.h"

#include "know/embedded.h"
#include "mail/envelope.h"
#include "os/file.h"
#include "sandbox/sandbox.h"
#include "session/client.h"
#include "support/scratch.h"

#define MESSAGE "Subject: hi\r\n\r\n.dot\r\n..\r\n"

static struct knowledge *know;
static struct loop *loop;

struct talk {
    struct session *session;
    struct session_plan plan;
    struct dial_detour detour;
    const char *credential;
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
      "another", ME, "you@x.org", -1, 535, { 5, 7, 139 }, 0 },
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

static void talk_with(size_t i, const struct sandbox *sandbox, struct talk *talk)
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
        .user = cases[i].user,
        .ca_file = sandbox_ca_file(sandbox),
        .detours = { &talk->detour, 1 },
    };
    struct err err = { 0 };

    talk->detour.to_port = tls_first ? sandbox_port_tls(sandbox) : sandbox_port_starttls(sandbox);
    talk->credential = cases[i].credential;
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

        talk_with(i, sandbox, &talk);
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
    assert_non_null(strstr(buf_text(&line), "\"users\":[{\"username\":\"a@x.org\",\"password\":\"pw\",\"token\":\"tok\"}]}"));
    assert_null(strchr(buf_text(&line), '\n'));
    assert_true(file_exists(sandbox_ca_file(sandbox)));
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
        cmocka_unit_test(test_refuses),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
