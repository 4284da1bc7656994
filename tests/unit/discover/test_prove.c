#include "support/check.h"

#include "discover/neighbours.h"
#include "discover/prove.h"
#include "know/embedded.h"
#include "net/listen.h"
#include "net/resolve.h"
#include "support/identity.h"

/* ---- servers, each of one kind ---- */

enum kind {
    GOOD,      /* takes "secret" by PLAIN */
    REFUSES,   /* says 535 to every sign-in */
    BUSY,      /* says 454 to every sign-in */
    OAUTH,     /* offers XOAUTH2 alone */
    NO_AUTH,   /* offers no sign-in */
    NO_TLS,    /* offers no STARTTLS */
    NOT_HERE,  /* nobody listens */
    KINDS,
};

struct peer {
    enum kind kind;
    bool implicit;
    struct listener *listener;
    struct stream *stream;
    struct tls_context *context;
    struct buf in;
    unsigned sign_ins; /* how often a credential came here */
};

static const struct {
    const char *clear, *secure; /* the lines of EHLO's reply behind the first */
    const char *auth;
} scripts[KINDS] = {
    [GOOD] = { "250 STARTTLS\r\n", "250 AUTH PLAIN LOGIN\r\n", "235 2.7.0 welcome\r\n" },
    [REFUSES] = { "250 STARTTLS\r\n", "250 AUTH PLAIN\r\n", "535 5.7.8 wrong\r\n" },
    [BUSY] = { "250 STARTTLS\r\n", "250 AUTH PLAIN\r\n", "454 4.7.0 later\r\n" },
    [OAUTH] = { "250 STARTTLS\r\n", "250 AUTH XOAUTH2\r\n", "535 5.7.3 no\r\n" },
    [NO_AUTH] = { "250 STARTTLS\r\n", "250 8BITMIME\r\n", "503 no\r\n" },
    [NO_TLS] = { "250 AUTH PLAIN\r\n", "250 AUTH PLAIN\r\n", "235 2.7.0 welcome\r\n" },
};

static void peer_says(struct peer *peer, const char *text)
{
    if (peer->stream)
        stream_write(peer->stream, span_of(text));
}

static void peer_secured(void *who, const struct err *why)
{
    struct peer *peer = who;

    if (why->kind == ERR_NONE && peer->implicit)
        peer_says(peer, "220 hello ESMTP\r\n");
}

static void peer_secures(struct peer *peer)
{
    struct tls *tls;
    struct err err;

    assert_true(tls_server(peer->context, &tls, &err));
    stream_secure(peer->stream, tls, peer_secured, peer);
}

static void peer_answers(struct peer *peer, struct span line)
{
    if (span_starts(line, "EHLO ")) {
        peer_says(peer, "250-hello\r\n");
        peer_says(peer, stream_tls(peer->stream) ? scripts[peer->kind].secure : scripts[peer->kind].clear);
    } else if (span_starts(line, "STARTTLS")) {
        peer_says(peer, "220 go\r\n");
        peer_secures(peer);
    } else if (span_starts(line, "AUTH ")) {
        peer->sign_ins++;
        peer_says(peer, scripts[peer->kind].auth);
    } else {
        peer_says(peer, "221 bye\r\n");
    }
}

static void peer_read(void *who, struct span bytes)
{
    struct peer *peer = who;
    size_t end;

    buf_add_span(&peer->in, bytes);
    while ((end = span_find(buf_span(&peer->in), '\n')) < peer->in.len) {
        peer_answers(peer, span_trim(span_cut(buf_span(&peer->in), 0, end)));
        buf_drop_front(&peer->in, end + 1);
    }
}

static void peer_ended(void *who, const struct err *why)
{
    struct peer *peer = who;
    (void)why;

    stream_free(GIVE(peer->stream));
}

static void peer_came(void *who, struct stream *stream)
{
    static const struct stream_events events = { .read = peer_read, .ended = peer_ended };
    struct peer *peer = who;

    stream_free(peer->stream);
    buf_clear(&peer->in);
    peer->stream = stream;
    stream_on(stream, &events, peer);
    if (peer->implicit)
        peer_secures(peer);
    else
        peer_says(peer, "220 hello ESMTP\r\n");
}

/* ---- a scene: up to four candidates and their servers ---- */

enum { PEERS = 4 };

struct wish {
    enum kind kind;
    const char *host;
    enum candidate_source source;
    enum security security;
};

struct scene {
    struct identity identity;
    struct loop *loop;
    struct tls_context *context;
    struct resolver *resolver;
    struct knowledge *know;
    struct peer peers[PEERS];
    struct dial_detour detours[PEERS];
    struct candidates candidates;
    size_t count;
    bool agrees;
    bool forgot;
    unsigned confirms, probes, asked;
    bool done;
    struct proofs *proofs;
};

static const char *const names[] = { "b.example.com", "c.example.com", "d.example.com",
                                     "smtp.stranger.test", "smtp-mail.outlook.com", NULL };

static void open_peer(struct scene *scene, size_t at, const struct wish *wish)
{
    struct peer *peer = &scene->peers[at];
    struct dial_detour *detour = &scene->detours[at];
    struct candidate candidate = { .port = (uint16_t)(1000 + at), .security = wish->security,
                                   .source = wish->source };
    struct err err;

    *peer = (struct peer){ .kind = wish->kind, .implicit = wish->security == SECURITY_TLS,
                           .context = scene->context, .in = BUF(4096) };
    assert_true(listen_open(scene->loop, &(struct listen_plan){ .address = "127.0.0.1" }, peer_came,
                            peer, &peer->listener, &err));
    *detour = (struct dial_detour){ .to_host = "127.0.0.1", .port = candidate.port,
                                    .to_port = listener_port(peer->listener) };
    if (wish->kind == NOT_HERE)
        listener_free(GIVE(peer->listener));
    memcpy(candidate.host, wish->host, strlen(wish->host) + 1);
    memcpy(candidate.username, "me@example.com", sizeof "me@example.com");
    assert_true(candidates_add(&scene->candidates, &candidate, SPAN("example.com"), scene->know));
}

static void scene_begin(struct scene *scene, const struct wish *wishes)
{
    struct err err;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    *scene = (struct scene){ 0 };
    identity_make(&scene->identity);
    scene->identity.also = names;
    assert_true(know_new(texts, count, &scene->know, &err));
    assert_true(loop_new(&scene->loop, &err));
    scene->context = identity_server(&scene->identity, IDENTITY_GOOD, "a.example.com", false);
    assert_true(resolver_new(scene->loop, &(struct resolver_plan){ NULL, 1 }, &scene->resolver, &err));
    for (; scene->count < PEERS && wishes[scene->count].host; scene->count++)
        open_peer(scene, scene->count, &wishes[scene->count]);
}

static void scene_end(struct scene *scene)
{
    proofs_free(scene->proofs);
    for (size_t i = 0; i < scene->count; i++) {
        stream_free(scene->peers[i].stream);
        listener_free(scene->peers[i].listener);
        buf_done(&scene->peers[i].in);
    }
    resolver_free(scene->resolver);
    tls_context_free(scene->context);
    loop_free(scene->loop);
    knowledge_free(scene->know);
    identity_done(&scene->identity);
}

static void on_probed(void *who, const struct candidate *candidate, const struct proof *proof)
{
    struct scene *scene = who;

    assert_true(candidate->port && proof->state != PROOF_UNTRIED);
    scene->probes++;
}

static bool on_confirm(void *who, const struct candidate *candidate)
{
    struct scene *scene = who;

    assert_true(candidate->needs_confirmation);
    scene->confirms++;
    return scene->agrees;
}

static struct secret *on_credential(void *who, const struct candidate *candidate, struct err *err)
{
    struct scene *scene = who;
    (void)candidate;

    scene->asked++;
    if (!scene->forgot)
        return secret_new(SPAN("secret"));
    err_found(err, ERR_CONFIG, "secret:unreadable", "it was forgotten");
    return NULL;
}

static void on_done(void *who, struct proofs *proofs)
{
    struct scene *scene = who;

    assert_false(scene->done);
    scene->done = true;
    scene->proofs = proofs;
}

static const struct prove_events events = { on_probed, on_confirm, on_credential, on_done };

static struct prove_plan plan_for(const struct scene *scene)
{
    return (struct prove_plan){
        .candidates = &scene->candidates,
        .hello = "client.example.com",
        .ca_file = scene->identity.ca_file,
        .resolver = scene->resolver,
        .detours = { scene->detours, scene->count },
        .connect_timeout_ms = 5000,
    };
}

/* "state fact" of each, and how often a credential came to its server. */
static void write_proofs(struct buf *out, const struct scene *scene)
{
    static const char *const states[] = { "untried", "reached", "signed-in", "failed" };

    for (size_t i = 0; i < scene->proofs->count; i++) {
        const struct proof *proof = &scene->proofs->at[i];
        const struct peer *peer = &scene->peers[scene->candidates.at[i].port - 1000];
        buf_addf(out, "%s%s", i ? ", " : "", states[proof->state]);
        if (proof->state == PROOF_FAILED)
            buf_addf(out, " %s", proof->evidence.err.fact ? proof->evidence.err.fact
                                                          : stage_word(proof->evidence.stage));
        buf_addf(out, " %u", peer->sign_ins);
    }
}

/* ---- the tests ---- */

static const struct {
    const char *label;
    struct wish wishes[PEERS];
    bool sign_in, agrees;
    const char *proofs;
    const char *chosen; /* a host, or NULL */
    unsigned confirms;
} cases[] = {
    { "probing shows nobody a credential",
      { { GOOD, "a.example.com", SOURCE_SRV, SECURITY_TLS },
        { GOOD, "b.example.com", SOURCE_SRV, SECURITY_STARTTLS },
        { NOT_HERE, "c.example.com", SOURCE_GUESS, SECURITY_TLS },
        { NO_TLS, "d.example.com", SOURCE_GUESS, SECURITY_STARTTLS } },
      false, false, "reached 0, reached 0, failed connect:refused 0, failed starttls:not-offered 0",
      "a.example.com", 0 },
    { "the best that is there is signed in at, and no other",
      { { NOT_HERE, "a.example.com", SOURCE_AUTOCONFIG, SECURITY_TLS },
        { GOOD, "b.example.com", SOURCE_SRV, SECURITY_STARTTLS },
        { GOOD, "c.example.com", SOURCE_GUESS, SECURITY_TLS } },
      true, false, "signed-in 1, failed connect:refused 0, reached 0", "b.example.com", 0 },
    { "one refusal is enough",
      { { REFUSES, "a.example.com", SOURCE_SRV, SECURITY_TLS },
        { GOOD, "b.example.com", SOURCE_GUESS, SECURITY_TLS } },
      true, false, "failed auth 1, reached 0", NULL, 0 },
    { "not now is not a refusal",
      { { BUSY, "a.example.com", SOURCE_SRV, SECURITY_TLS },
        { GOOD, "b.example.com", SOURCE_GUESS, SECURITY_TLS } },
      true, false, "failed auth 1, signed-in 1", "b.example.com", 0 },
    { "a password does not go where none is asked for",
      { { OAUTH, "a.example.com", SOURCE_SRV, SECURITY_TLS },
        { NO_AUTH, "b.example.com", SOURCE_SRV, SECURITY_TLS },
        { GOOD, "c.example.com", SOURCE_GUESS, SECURITY_TLS } },
      true, false, "failed auth:no-common-mechanism 0, failed auth:not-offered 0, signed-in 1", "c.example.com", 0 },
    { "nor to who is not who they should be",
      { { GOOD, "not-in-the-certificate.example.com", SOURCE_SRV, SECURITY_TLS } },
      true, false, "failed cert:hostname 0", NULL, 0 },
    { "nor to a stranger, unless somebody agrees",
      { { GOOD, "smtp.stranger.test", SOURCE_SRV, SECURITY_TLS },
        { GOOD, "b.example.com", SOURCE_GUESS, SECURITY_TLS } },
      true, false, "reached 0, signed-in 1", "b.example.com", 1 },
    { "somebody agrees",
      { { GOOD, "smtp.stranger.test", SOURCE_SRV, SECURITY_TLS } },
      true, true, "signed-in 1", "smtp.stranger.test", 1 },
    { "nor to a provider that is known to take none",
      { { GOOD, "smtp-mail.outlook.com", SOURCE_PROFILE, SECURITY_STARTTLS } },
      true, false, "failed profile:no-passwords 0", NULL, 0 },
    { "nor in clear text, which is not even tried",
      { { GOOD, "a.example.com", SOURCE_AUTOCONFIG, SECURITY_NONE } },
      true, true, "untried 0", NULL, 0 },
    { "nobody at all", { { .host = NULL } }, true, true, "", NULL, 0 },
};

static void test_proofs(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct scene scene;
        struct err err = { 0 };
        HELD(buf) proofs = BUF(1024);

        scene_begin(&scene, cases[i].wishes);
        scene.agrees = cases[i].agrees;
        struct prove_plan plan = plan_for(&scene);
        plan.sign_in = cases[i].sign_in;
        plan.sign_in_with = SASL_PASSWORD;
        check_row(cases[i].label, prove_start(scene.loop, &plan, &events, &scene, NULL, &err));
        check_row(cases[i].label, !scene.done);
        loop_run_until(scene.loop, &scene.done);
        write_proofs(&proofs, &scene);
        check_bytes(cases[i].label, buf_span(&proofs), span_of(cases[i].proofs));
        check_bytes(cases[i].label,
                    span_of(scene.proofs->chosen ? scene.proofs->chosen->host : NULL),
                    span_of(cases[i].chosen));
        check_row(cases[i].label, scene.confirms == cases[i].confirms);
        scene_end(&scene);
    }
}

static void test_tells_what_was_seen(void **state)
{
    (void)state;
    static const struct wish wishes[PEERS] = {
        { REFUSES, "a.example.com", SOURCE_SRV, SECURITY_STARTTLS },
        { OAUTH, "b.example.com", SOURCE_GUESS, SECURITY_TLS },
    };
    struct scene scene;
    struct err err;

    scene_begin(&scene, wishes);
    struct prove_plan plan = plan_for(&scene);
    plan.sign_in = true;
    assert_true(prove_start(scene.loop, &plan, &events, &scene, NULL, &err));
    loop_run_until(scene.loop, &scene.done);

    const struct proof *refused = &scene.proofs->at[0];
    assert_int_equal(scene.probes, 2);
    assert_ptr_equal(scene.proofs->refused, &scene.candidates.at[0]);
    assert_int_equal(refused->evidence.stage, STAGE_AUTH);
    assert_int_equal(refused->evidence.err.reply, 535);
    assert_string_equal(refused->evidence.host, "a.example.com");
    assert_string_equal(refused->evidence.security, "starttls");
    assert_string_equal(refused->mechanism, "PLAIN");
    assert_int_equal(scene.proofs->at[1].mechanisms, SASL_BIT(SASL_XOAUTH2));
    scene_end(&scene);
}

static void test_no_credential(void **state)
{
    (void)state;
    static const struct wish wishes[PEERS] = {
        { GOOD, "a.example.com", SOURCE_SRV, SECURITY_TLS },
        { GOOD, "b.example.com", SOURCE_GUESS, SECURITY_TLS },
    };
    struct scene scene;
    struct err err;

    scene_begin(&scene, wishes);
    scene.forgot = true;
    struct prove_plan plan = plan_for(&scene);
    plan.sign_in = true;
    assert_true(prove_start(scene.loop, &plan, &events, &scene, NULL, &err));
    loop_run_until(scene.loop, &scene.done);
    assert_int_equal(scene.asked, 1);
    assert_null(scene.proofs->chosen);
    assert_int_equal(scene.proofs->at[0].state, PROOF_FAILED);
    assert_string_equal(scene.proofs->at[0].evidence.err.fact, "secret:unreadable");
    assert_int_equal(scene.proofs->at[1].state, PROOF_REACHED);
    scene_end(&scene);
}

static void test_compares(void **state)
{
    (void)state;
    static const struct {
        const char *label;
        struct {
            const char *host;
            uint16_t port;
            enum proof_state state;
            enum stage stage;
        } ways[4];
        const char *found; /* of the first */
    } rows[] = {
        { "alone", { { "a", 465, PROOF_FAILED, STAGE_CONNECT } }, "" },
        { "nobody answers at this port",
          { { "a", 465, PROOF_FAILED, STAGE_CONNECT }, { "b", 465, PROOF_FAILED, STAGE_CONNECT },
            { "c", 587, PROOF_REACHED, STAGE_NONE } }, "others:unreachable " },
        { "others answer at this port",
          { { "a", 465, PROOF_FAILED, STAGE_CONNECT }, { "b", 465, PROOF_FAILED, STAGE_CONNECT },
            { "c", 465, PROOF_FAILED, STAGE_TLS } }, "others:reachable " },
        { "another port of this one answers",
          { { "a", 465, PROOF_FAILED, STAGE_CONNECT }, { "a", 587, PROOF_SIGNED_IN, STAGE_NONE } },
          "port:other-open " },
        { "no port of this one answers, but another's",
          { { "a", 465, PROOF_FAILED, STAGE_CONNECT }, { "a", 587, PROOF_FAILED, STAGE_CONNECT },
            { "b", 465, PROOF_REACHED, STAGE_NONE } }, "others:reachable port:none-open " },
        { "who was not tried shows nothing",
          { { "a", 465, PROOF_FAILED, STAGE_CONNECT }, { "b", 465, PROOF_UNTRIED, STAGE_NONE },
            { "c", 465, PROOF_FAILED, STAGE_RESOLVE } }, "" },
        { "who failed later is not asked about",
          { { "a", 465, PROOF_FAILED, STAGE_TLS }, { "b", 465, PROOF_REACHED, STAGE_NONE } }, "" },
    };

    for (size_t i = 0; i < COUNT(rows); i++) {
        struct candidates candidates = { 0 };
        struct proofs proofs = { 0 };
        HELD(buf) found = BUF(256);

        for (; rows[i].ways[proofs.count].host; proofs.count++) {
            struct candidate *candidate = &candidates.at[candidates.count++];
            memcpy(candidate->host, rows[i].ways[proofs.count].host, 2);
            candidate->port = rows[i].ways[proofs.count].port;
            proofs.at[proofs.count].state = rows[i].ways[proofs.count].state;
            proofs.at[proofs.count].evidence.stage = rows[i].ways[proofs.count].stage;
        }
        proofs_compare(&proofs, &candidates);
        for (const char *const *word = proofs.at[0].evidence.found; word && *word; word++)
            buf_addf(&found, "%s ", *word);
        check_bytes(rows[i].label, buf_span(&found), span_of(rows[i].found));
    }
}

static void test_cancelled(void **state)
{
    (void)state;
    static const struct wish wishes[PEERS] = { { GOOD, "a.example.com", SOURCE_SRV, SECURITY_TLS },
                                               { GOOD, "b.example.com", SOURCE_SRV, SECURITY_TLS } };

    for (int turns = 0; turns < 12; turns++) {
        struct scene scene;
        struct prove *prove;
        struct err err;

        scene_begin(&scene, wishes);
        struct prove_plan plan = plan_for(&scene);
        assert_true(prove_start(scene.loop, &plan, &events, &scene, &prove, &err));
        for (int i = 0; i < turns && !scene.done; i++)
            loop_turn(scene.loop);
        if (!scene.done)
            prove_cancel(prove);
        scene_end(&scene);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proofs),
        cmocka_unit_test(test_tells_what_was_seen),
        cmocka_unit_test(test_no_credential),
        cmocka_unit_test(test_compares),
        cmocka_unit_test(test_cancelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
