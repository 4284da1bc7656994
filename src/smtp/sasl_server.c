/* The server's side of a sign-in. It reads who and with what; whether that is right is the caller's
 * word, or, where a proof takes the place of the password, GNU SASL's reckoning. */
#include "base/alloc.h"
#include "base/str.h"
#include "smtp/sasl_int.h"

#include "base/banned.h"

struct sasl_server {
    enum sasl_mechanism mechanism;
    enum sasl_need need;
    enum sasl_need after_sent;
    unsigned rounds;
    bool error_challenge;
    bool refused;   /* the error challenge has gone: whatever comes back, it is over */
    bool no_user;   /* the exchange takes its course and fails */
    bool finished;  /* SCRAM: our signature has gone, an empty answer is awaited */
    struct buf user, proof, output;
    struct buf response; /* the first message, kept while the key is looked up */
    struct sasl_exchange *exchange;
    struct err err;
};

static void fail(struct sasl_server *server)
{
    buf_clear(&server->output);
    buf_clear(&server->proof);
    server->need = SASL_FAILED;
}

static void fail_with(struct sasl_server *server, enum err_kind kind, const char *why)
{
    (void)err_set(&server->err, kind, "%s", why);
    fail(server);
}

static void say(struct sasl_server *server, enum sasl_need after)
{
    if (server->output.full) {
        fail_with(server, ERR_LIMIT, "the sign-in message is too long");
        return;
    }
    server->need = SASL_NEED_SEND;
    server->after_sent = after;
}

/* Keeps who and with what, and asks for the verdict. */
static void ask_verdict(struct sasl_server *server, struct span user, struct span proof)
{
    if (buf_span(&server->user).at != user.at)
        buf_add_span(&server->user, user);
    buf_add_span(&server->proof, proof);
    if (server->user.full || server->proof.full)
        fail_with(server, ERR_LIMIT, "the user name or the password is too long");
    else
        server->need = SASL_NEED_VERDICT;
}

/* -- PLAIN, LOGIN -- */

static void plain_input(struct sasl_server *server, struct span text)
{
    struct span user, password;

    if (plain_read(text, &user, &password, &server->err))
        ask_verdict(server, user, password);
    else
        fail(server);
}

static void login_begin(struct sasl_server *server)
{
    buf_add(&server->output, "Username:");
    say(server, SASL_NEED_PEER);
}

static void login_input(struct sasl_server *server, struct span text)
{
    if (!text.len || !sasl_is_text(text)) {
        fail_with(server, ERR_PROTOCOL, "no LOGIN message");
    } else if (server->user.len) {
        ask_verdict(server, buf_span(&server->user), text);
    } else {
        buf_add_span(&server->user, text);
        if (server->user.full) {
            fail_with(server, ERR_LIMIT, "the user name is too long");
            return;
        }
        buf_add(&server->output, "Password:");
        say(server, SASL_NEED_PEER);
    }
}

/* -- the bearers -- */

static void bearer_input(struct sasl_server *server, struct span text)
{
    struct bearer bearer;

    if (server->refused)
        fail_with(server, ERR_SIGNIN, "the token is not right");
    else if (server->mechanism == SASL_XOAUTH2
                 ? xoauth2_read(text, &bearer, &server->err)
                 : oauthbearer_read(text, &server->user, &bearer, &server->err))
        ask_verdict(server, bearer.user, bearer.token);
    else
        fail(server);
}

/* -- SCRAM and CRAM-MD5 -- */

static void scram_first(struct sasl_server *server, struct span text)
{
    buf_add_span(&server->response, text);
    if (!scram_read_user(text, &server->user, &server->err) || server->response.full)
        fail(server);
    else
        server->need = SASL_NEED_KEY;
}

static void scram_last(struct sasl_server *server, struct span text)
{
    enum sasl_step step =
        sasl_exchange_step(server->exchange, text, &server->output, &server->err);

    if (step != SASL_STEP_DONE || server->no_user) {
        fail_with(server, ERR_SIGNIN, "the password is not right");
        return;
    }
    server->finished = true;
    say(server, SASL_NEED_PEER);
}

static void scram_input(struct sasl_server *server, struct span text)
{
    if (server->finished && text.len)
        fail_with(server, ERR_PROTOCOL, "the client goes on where the sign-in is over");
    else if (server->finished)
        server->need = SASL_DONE;
    else if (server->response.len)
        scram_last(server, text);
    else
        scram_first(server, text);
}

static void cram_begin(struct sasl_server *server)
{
    if (sasl_exchange_step(server->exchange, SPAN_NONE, &server->output, &server->err)
        != SASL_STEP_MORE)
        fail(server);
    else
        say(server, SASL_NEED_PEER);
}

static void cram_input(struct sasl_server *server, struct span text)
{
    size_t user_len = span_find_last(text, ' ');

    buf_add_span(&server->response, text);
    buf_add_span(&server->user, span_cut(text, 0, user_len));
    if (user_len == text.len || user_len == 0 || !sasl_is_text(text) || server->response.full ||
        server->user.full)
        fail_with(server, ERR_PROTOCOL, "no CRAM-MD5 message");
    else
        server->need = SASL_NEED_KEY;
}

static void cram_check(struct sasl_server *server)
{
    enum sasl_step step = sasl_exchange_step(server->exchange, buf_span(&server->response),
                                             &server->output, &server->err);

    if (step != SASL_STEP_DONE || server->no_user)
        fail_with(server, ERR_SIGNIN, "the password is not right");
    else
        server->need = SASL_DONE;
}

/* The key is here: SCRAM answers with salt and count. */
static void scram_answer(struct sasl_server *server)
{
    if (sasl_exchange_step(server->exchange, buf_span(&server->response), &server->output,
                           &server->err) != SASL_STEP_MORE)
        fail(server);
    else
        say(server, SASL_NEED_PEER);
}

/* -- the rows -- */

static const struct row {
    void (*begin)(struct sasl_server *); /* NULL: the client speaks first */
    void (*input)(struct sasl_server *, struct span);
    void (*keyed)(struct sasl_server *); /* password or key have been set */
} rows[] = {
    [SASL_XOAUTH2]            = { NULL, bearer_input, NULL },
    [SASL_OAUTHBEARER]        = { NULL, bearer_input, NULL },
    [SASL_EXTERNAL]           = { NULL, NULL, NULL },
    [SASL_SCRAM_SHA_256_PLUS] = { NULL, scram_input, scram_answer },
    [SASL_SCRAM_SHA_1_PLUS]   = { NULL, scram_input, scram_answer },
    [SASL_SCRAM_SHA_256]      = { NULL, scram_input, scram_answer },
    [SASL_SCRAM_SHA_1]        = { NULL, scram_input, scram_answer },
    [SASL_PLAIN]              = { NULL, plain_input, NULL },
    [SASL_LOGIN]              = { login_begin, login_input, NULL },
    [SASL_CRAM_MD5]           = { cram_begin, cram_input, cram_check },
};

bool sasl_server_new(const struct sasl_server_plan *plan, struct sasl_server **ret_server,
                     struct err *err)
{
    const struct row *row = &rows[plan->mechanism];

    if (!(SASL_SERVED & SASL_BIT(plan->mechanism)))
        return err_set(err, ERR_USAGE, "%s is not served", sasl_name(plan->mechanism));
    OWN(sasl_server) server = NEW(sasl_server);
    if (!server)
        return err_no_memory(err);
    *server = (struct sasl_server){
        .mechanism = plan->mechanism,
        .need = SASL_NEED_PEER,
        .error_challenge = plan->error_challenge,
        .user = BUF(1024),
        .proof = BUF(SASL_STEP_MAX),
        .output = BUF(SASL_STEP_MAX),
        .response = BUF(SASL_STEP_MAX),
    };
    if (row->keyed && !sasl_exchange_new(plan->mechanism, true, &server->exchange, err))
        return false;
    if (sasl_is_plus(plan->mechanism) &&
        !sasl_exchange_set(server->exchange, SASL_PROPERTY_BINDING, plan->channel_binding, err))
        return false;
    if (row->begin)
        row->begin(server);
    if (server->need == SASL_FAILED) {
        if (err)
            *err = server->err;
        return false;
    }
    *ret_server = GIVE(server);
    return true;
}

void sasl_server_free(struct sasl_server *server)
{
    if (!server)
        return;
    sasl_exchange_free(server->exchange);
    buf_done(&server->user);
    buf_done(&server->proof);
    buf_done(&server->output);
    buf_done(&server->response);
    mem_free(server);
}

enum sasl_need sasl_server_need(const struct sasl_server *server)
{
    return server->need;
}

/* A LOGIN whose AUTH line brings the user name: the prompt for it, still unsent, is dropped. */
static bool takes_early(struct sasl_server *server)
{
    if (server->mechanism != SASL_LOGIN || server->need != SASL_NEED_SEND || server->rounds)
        return false;
    buf_clear(&server->output);
    return true;
}

void sasl_server_input(struct sasl_server *server, struct span response)
{
    if (server->need == SASL_FAILED)
        return;
    if (server->need != SASL_NEED_PEER && !takes_early(server))
        fail_with(server, ERR_PROTOCOL, "the client speaks out of turn");
    else if (++server->rounds > SASL_ROUNDS_MAX || response.len > SASL_STEP_MAX)
        fail_with(server, ERR_PROTOCOL, "the sign-in message is too long");
    else
        rows[server->mechanism].input(server, response);
}

struct span sasl_server_output(const struct sasl_server *server)
{
    return buf_span(&server->output);
}

void sasl_server_sent(struct sasl_server *server)
{
    if (server->need != SASL_NEED_SEND)
        return;
    buf_clear(&server->output);
    server->need = server->after_sent;
}

struct span sasl_server_user(const struct sasl_server *server)
{
    return buf_span(&server->user);
}

struct span sasl_server_proof(const struct sasl_server *server)
{
    return buf_span(&server->proof);
}

void sasl_server_verdict(struct sasl_server *server, bool right)
{
    bool bearer = server->mechanism == SASL_XOAUTH2 || server->mechanism == SASL_OAUTHBEARER;

    if (server->need != SASL_NEED_VERDICT)
        return;
    buf_clear(&server->proof);
    if (right) {
        server->need = SASL_DONE;
    } else if (bearer && server->error_challenge) {
        server->refused = true;
        buf_add(&server->output, "{\"status\":\"401\",\"schemes\":\"Bearer\"}");
        say(server, SASL_NEED_PEER);
    } else {
        fail_with(server, ERR_SIGNIN, "the password or token is not right");
    }
}

void sasl_server_password(struct sasl_server *server, const struct secret *password)
{
    if (server->need != SASL_NEED_KEY)
        return;
    server->no_user = !password;
    if (sasl_exchange_set(server->exchange, SASL_PROPERTY_PASSWORD,
                          password ? secret_bytes(password) : SPAN("nobody's"), &server->err))
        rows[server->mechanism].keyed(server);
    else
        fail(server);
}

void sasl_server_stored_key(struct sasl_server *server, const struct sasl_stored_key *key)
{
    HELD(buf) count = BUF(16);

    if (server->need != SASL_NEED_KEY)
        return;
    buf_addf(&count, "%u", (unsigned)key->iterations);
    if (!sasl_is_scram(server->mechanism) || count.full ||
        !sasl_exchange_set(server->exchange, SASL_PROPERTY_ITERATIONS, buf_span(&count),
                              &server->err) ||
        !sasl_exchange_set(server->exchange, SASL_PROPERTY_SALT, key->salt, &server->err) ||
        !sasl_exchange_set(server->exchange, SASL_PROPERTY_STORED_KEY, key->stored_key,
                              &server->err) ||
        !sasl_exchange_set(server->exchange, SASL_PROPERTY_SERVER_KEY, key->server_key,
                              &server->err))
        fail_with(server, ERR_INTERNAL, "the stored key can't be used");
    else
        rows[server->mechanism].keyed(server);
}

const struct err *sasl_server_error(const struct sasl_server *server)
{
    return &server->err;
}
