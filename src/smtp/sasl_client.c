/* The client's side of a sign-in: a row for each mechanism says how it begins, what it does with
 * the credential, and what with a challenge. */
#include "base/alloc.h"
#include "base/base64.h"
#include "base/str.h"
#include "smtp/sasl_int.h"

#include "base/banned.h"

struct sasl_client {
    enum sasl_mechanism mechanism;
    enum sasl_need need;
    enum sasl_need after_sent; /* what is needed once the output has gone */
    unsigned rounds;           /* challenges so far */
    bool refused;              /* the server told of a token's error: no 235 may follow */
    bool proven;               /* the server has shown that it knows the key, or needn't */
    struct buf user, host, output, password;
    uint16_t port;
    struct sasl_exchange *exchange; /* SCRAM, CRAM-MD5 */
    struct buf nonce;               /* SCRAM: ours */
    struct buf challenge;           /* SCRAM: the server's first message, kept while salting */
    struct buf salt;
    uint32_t iterations;
    struct buf error_text;
    struct sasl_bearer_error bearer_error;
    struct err err;
};

static void fail(struct sasl_client *client)
{
    buf_clear(&client->output);
    buf_clear(&client->password);
    client->need = SASL_FAILED;
}

static void fail_with(struct sasl_client *client, enum err_kind kind, const char *why)
{
    (void)err_set(&client->err, kind, "%s", why);
    fail(client);
}

static void say(struct sasl_client *client, enum sasl_need after)
{
    if (client->output.full) {
        (void)err_set(&client->err, ERR_LIMIT, "the sign-in message is too long");
        fail(client);
        return;
    }
    client->need = SASL_NEED_SEND;
    client->after_sent = after;
}

/* -- SCRAM -- */

static void scram_begin(struct sasl_client *client)
{
    if (sasl_exchange_step(client->exchange, SPAN_NONE, &client->output, &client->err)
        != SASL_STEP_MORE) {
        fail(client);
        return;
    }
    buf_add_span(&client->nonce, scram_nonce(buf_span(&client->output)));
    if (client->nonce.full || !client->nonce.len)
        fail_with(client, ERR_INTERNAL, "SCRAM begins without a nonce");
    else
        say(client, SASL_NEED_PEER);
}

static void scram_key(struct sasl_client *client, struct span key)
{
    if (key.len != sasl_key_len(sasl_hash_of(client->mechanism))) {
        fail_with(client, ERR_INTERNAL, "the salted password has not the hash's length");
        return;
    }
    if (!sasl_exchange_set(client->exchange, SASL_PROPERTY_SALTED, key, &client->err) ||
        sasl_exchange_step(client->exchange, buf_span(&client->challenge), &client->output,
                              &client->err) != SASL_STEP_MORE)
        fail(client);
    else
        say(client, SASL_NEED_PEER);
}

static void scram_credential(struct sasl_client *client, struct span password)
{
    struct sasl_salting how = sasl_client_salting(client);
    OWN(secret) key = sasl_salt(&how, password);

    if (key)
        scram_key(client, secret_bytes(key));
    else
        fail_with(client, ERR_CONFIG, "this password can't be used with SCRAM");
}

static void scram_challenge(struct sasl_client *client, struct span text)
{
    struct scram_challenge first;

    if (!scram_read_challenge(text, buf_span(&client->nonce), &first, &client->err)) {
        fail(client);
        return;
    }
    buf_add_span(&client->challenge, text);
    if (client->challenge.full || !base64_decode(&client->salt, first.salt) || !client->salt.len) {
        fail_with(client, ERR_PROTOCOL, "the server's SCRAM salt is not base64, or too long");
        return;
    }
    client->iterations = first.iterations;
    client->need = SASL_NEED_KEY;
}

/*= RFC 5802 5
 *# The client then authenticates the server by computing the ServerSignature and comparing it to
 *# the value sent by the server.  If the two are different, the client MUST consider the
 *# authentication exchange to be unsuccessful */
static void scram_final(struct sasl_client *client, struct span text)
{
    if (span_starts(text, "e=")) {
        fail_with(client, ERR_SIGNIN, "the server refused the proof of the password");
        (void)err_said(&client->err, text);
        return;
    }
    enum sasl_step step =
        sasl_exchange_step(client->exchange, text, &client->output, &client->err);
    if (step != SASL_STEP_DONE || client->output.len) {
        (void)err_found(&client->err, ERR_SIGNIN, "auth:server-signature",
                        "the server could not prove that it knows the account's password");
        fail(client);
        return;
    }
    client->proven = true;
    say(client, SASL_DONE);
}

static void scram_input(struct sasl_client *client, struct span text)
{
    if (client->challenge.len)
        scram_final(client, text);
    else
        scram_challenge(client, text);
}

/* -- CRAM-MD5 -- */

static void cram_credential(struct sasl_client *client, struct span password)
{
    if (!sasl_exchange_set(client->exchange, SASL_PROPERTY_PASSWORD, password, &client->err))
        fail(client);
    else
        client->need = SASL_NEED_PEER;
}

static void cram_input(struct sasl_client *client, struct span text)
{
    if (sasl_exchange_step(client->exchange, text, &client->output, &client->err)
        != SASL_STEP_DONE)
        fail(client);
    else
        say(client, SASL_DONE);
}

/* -- PLAIN, LOGIN, EXTERNAL -- */

static void plain_credential(struct sasl_client *client, struct span password)
{
    buf_add_char(&client->output, '\0');
    buf_add_span(&client->output, buf_span(&client->user));
    buf_add_char(&client->output, '\0');
    buf_add_span(&client->output, password);
    say(client, SASL_DONE);
}

static void login_credential(struct sasl_client *client, struct span password)
{
    buf_add_span(&client->password, password);
    if (client->password.full)
        fail_with(client, ERR_MEMORY, "no memory for the password");
    else
        client->need = SASL_NEED_PEER;
}

/* What the prompts say is nobody's business: servers word them as they like. */
static void login_input(struct sasl_client *client, struct span prompt)
{
    (void)prompt;
    bool first = client->rounds == 1;

    buf_add_span(&client->output, buf_span(first ? &client->user : &client->password));
    say(client, first ? SASL_NEED_PEER : SASL_DONE);
}

static void external_begin(struct sasl_client *client)
{
    buf_add_span(&client->output, buf_span(&client->user));
    say(client, SASL_DONE);
}

/* -- the bearers -- */

static bool is_token(struct span token)
{
    for (size_t i = 0; i < token.len; i++) {
        if (token.at[i] <= ' ' || token.at[i] > '~')
            return false;
    }
    return true;
}

static void bearer_credential(struct sasl_client *client, struct span token)
{
    const struct bearer bearer = { buf_span(&client->user), token };

    if (!is_token(token)) {
        fail_with(client, ERR_CONFIG, "the access token holds a space or what is no letter");
        return;
    }
    if (client->mechanism == SASL_XOAUTH2)
        xoauth2_write(&client->output, &bearer);
    else
        oauthbearer_write(&client->output, &bearer, buf_span(&client->host), client->port);
    say(client, SASL_DONE);
}

/* RFC 7628, 3.2.3: a refused token is told in a challenge, and the exchange finished by an
 * answer that says nothing: %x01 (XOAUTH2: nothing at all). The refusal itself is the reply that
 * follows. */
static void bearer_input(struct sasl_client *client, struct span json)
{
    bearer_error_read(json, &client->error_text, &client->bearer_error);
    client->refused = true;
    if (client->mechanism == SASL_OAUTHBEARER)
        buf_add_char(&client->output, '\1');
    say(client, SASL_DONE);
}

/* -- the rows -- */

static const struct row {
    void (*begin)(struct sasl_client *);                   /* NULL: waits for the credential */
    void (*credential)(struct sasl_client *, struct span); /* in NEED_CREDENTIAL and NEED_KEY */
    void (*input)(struct sasl_client *, struct span);      /* NULL: no challenge may come */
    unsigned inputs;                                       /* challenges that may come */
    bool proves_server;
} rows[] = {
    [SASL_XOAUTH2]            = { NULL, bearer_credential, bearer_input, 1, false },
    [SASL_OAUTHBEARER]        = { NULL, bearer_credential, bearer_input, 1, false },
    [SASL_EXTERNAL]           = { external_begin, NULL, NULL, 0, false },
    [SASL_SCRAM_SHA_256_PLUS] = { scram_begin, scram_credential, scram_input, 2, true },
    [SASL_SCRAM_SHA_1_PLUS]   = { scram_begin, scram_credential, scram_input, 2, true },
    [SASL_SCRAM_SHA_256]      = { scram_begin, scram_credential, scram_input, 2, true },
    [SASL_SCRAM_SHA_1]        = { scram_begin, scram_credential, scram_input, 2, true },
    [SASL_PLAIN]              = { NULL, plain_credential, NULL, 0, false },
    [SASL_LOGIN]              = { NULL, login_credential, login_input, 2, false },
    [SASL_CRAM_MD5]           = { NULL, cram_credential, cram_input, 1, false },
};

static bool exchange_begin(struct sasl_client *client, struct span binding, struct err *err)
{
    bool is_plus = sasl_is_plus(client->mechanism);

    return sasl_exchange_new(client->mechanism, false, &client->exchange, err) &&
           sasl_exchange_set(client->exchange, SASL_PROPERTY_USER, buf_span(&client->user), err) &&
           (!is_plus ||
               sasl_exchange_set(client->exchange, SASL_PROPERTY_BINDING, binding, err));
}

bool sasl_client_new(const struct sasl_client_plan *plan, struct sasl_client **ret_client,
                     struct err *err)
{
    const struct row *row = &rows[plan->mechanism];

    if (!sasl_is_text(plan->username) || !sasl_is_text(plan->host))
        return err_set(err, ERR_DATA, "the user name holds what can't be sent");
    if (!plan->username.len && plan->mechanism != SASL_EXTERNAL)
        return err_set(err, ERR_DATA, "the user name is empty");

    OWN(sasl_client) client = NEW(sasl_client);
    if (!client)
        return err_no_memory(err);
    *client = (struct sasl_client){
        .mechanism = plan->mechanism,
        .need = SASL_NEED_CREDENTIAL,
        .proven = !row->proves_server,
        .user = BUF(1024),
        .host = BUF(255),
        .port = plan->port,
        .output = BUF(SECRET_MAX + 4096),
        .password = BUF(SECRET_MAX),
        .nonce = BUF(256),
        .challenge = BUF(SASL_STEP_MAX),
        .salt = BUF(SASL_SALT_MAX),
        .error_text = BUF(1024),
    };
    buf_add_span(&client->user, plan->username);
    buf_add_span(&client->host, plan->host);
    if (client->user.full || client->host.full)
        return err_set(err, ERR_DATA, "the user name is too long");
    if ((sasl_is_scram(plan->mechanism) || plan->mechanism == SASL_CRAM_MD5) &&
        !exchange_begin(client, plan->channel_binding, err))
        return false;
    if (row->begin)
        row->begin(client);
    if (client->need == SASL_FAILED) {
        if (err)
            *err = client->err;
        return false;
    }
    *ret_client = GIVE(client);
    return true;
}

void sasl_client_free(struct sasl_client *client)
{
    if (!client)
        return;
    sasl_exchange_free(client->exchange);
    buf_done(&client->user);
    buf_done(&client->host);
    buf_done(&client->output);
    buf_done(&client->password);
    buf_done(&client->nonce);
    buf_done(&client->challenge);
    buf_done(&client->salt);
    buf_done(&client->error_text);
    mem_free(client);
}

enum sasl_need sasl_client_need(const struct sasl_client *client)
{
    return client->need;
}

void sasl_client_credential(struct sasl_client *client, const struct secret *credential)
{
    struct span bytes = secret_bytes(credential);

    if (client->need != SASL_NEED_CREDENTIAL && client->need != SASL_NEED_KEY)
        return;
    if (!bytes.len) {
        (void)err_found(&client->err, ERR_SIGNIN, "auth:empty-password",
                        "the password or token is empty");
        fail(client);
    } else if (!sasl_is_text(bytes)) {
        (void)err_found(&client->err, ERR_CONFIG, "secret:unreadable", "the password or token holds what can't be sent");
        fail(client);
    } else {
        rows[client->mechanism].credential(client, bytes);
    }
}

struct sasl_salting sasl_client_salting(const struct sasl_client *client)
{
    return (struct sasl_salting){ sasl_hash_of(client->mechanism), client->iterations,
                                  buf_span(&client->salt) };
}

void sasl_client_key(struct sasl_client *client, const struct secret *key)
{
    if (client->need == SASL_NEED_KEY)
        scram_key(client, secret_bytes(key));
}

struct span sasl_client_output(const struct sasl_client *client)
{
    return buf_span(&client->output);
}

void sasl_client_sent(struct sasl_client *client)
{
    if (client->need != SASL_NEED_SEND)
        return;
    buf_clear(&client->output);
    client->need = client->after_sent;
}

void sasl_client_input(struct sasl_client *client, struct span challenge)
{
    const struct row *row = &rows[client->mechanism];
    bool waits = client->need == SASL_NEED_PEER || client->need == SASL_DONE;

    if (client->need == SASL_FAILED)
        return;
    client->rounds++;
    if (!waits || client->rounds > row->inputs || client->rounds > SASL_ROUNDS_MAX)
        fail_with(client, ERR_PROTOCOL, "the server goes on asking where the sign-in is over");
    else if (challenge.len > SASL_STEP_MAX)
        fail_with(client, ERR_PROTOCOL, "the server's challenge is too long");
    else
        row->input(client, challenge);
}

bool sasl_client_accepted(const struct sasl_client *client, struct err *err)
{
    if (client->refused)
        return err_set(err, ERR_PROTOCOL, "the server refused the token and then accepted it");
    if (!client->proven)
        return err_found(err, ERR_SIGNIN, "auth:server-signature",
                         "the server accepted the sign-in without proving that it knows the "
                         "account's password");
    if (client->need != SASL_DONE)
        return err_set(err, ERR_PROTOCOL, "the server accepted a sign-in that was not finished");
    return true;
}

const struct err *sasl_client_error(const struct sasl_client *client)
{
    return &client->err;
}

struct sasl_bearer_error sasl_client_bearer_error(const struct sasl_client *client)
{
    return client->bearer_error;
}
