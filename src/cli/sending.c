#include "cli/sending.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/progress.h"
#include "intake/lower.h"
#include "net/loop.h"

#include "base/banned.h"

enum { SECRET_PATIENCE_MS = 60 * 1000 };

struct drive {
    struct cli *cli;
    const struct account *account;
    struct sending_message *message;
    struct session *session;
    struct session_plan plan;
    struct secret_world secrets;
    struct secret_fetch *fetch;
    struct progress progress;
    struct sending *sending;
    uint64_t at;         /* octets of the body that were read in this transaction */
    size_t first, count; /* recipients of this transaction */
    bool done;
};

/* ---- what is shown ---- */

static void show_line(void *who, enum session_sight sight, enum stage stage, struct span text,
                      uint64_t now)
{
    static const char *const marks[] = { "*", ">", "<" };
    HELD(buf) line = BUF(4000);

    (void)who;
    (void)stage;
    (void)now;
    str_printable(&line, text, 2000);
    fprintf(stderr, "%s %s\n", marks[sight], buf_text(&line));
}

struct session_observer sending_observer(struct cli *cli)
{
    return (struct session_observer){ cli->verbose ? show_line : NULL, cli };
}

/* ---- the plan ---- */

static enum smtp_pipelining pipelining_of(const struct account *account)
{
    switch (account_pipeline(account)) {
    case PIPELINE_OFF:
        return SMTP_PIPELINING_OFF;
    case PIPELINE_COMMANDS:
        return SMTP_PIPELINING_COMMANDS;
    case PIPELINE_AUTO:
    case PIPELINE_TRANSACTIONS:
        break;
    }
    return SMTP_PIPELINING_AUTO;
}

void sending_plan(struct cli *cli, const struct account *account, struct session_plan *ret_plan)
{
    const struct network *network = cli_network(cli, NULL);
    bool signs_in = account->auth != ACCOUNT_AUTH_NONE;

    *ret_plan = (struct session_plan){
        .host = account->server.name,
        .port = account->server.port,
        .security = account_security(account),
        .hello = cli_hostname(cli),
        .mechanisms = signs_in ? account_mechanisms(account) : 0,
        .sign_in_with = account->auth == ACCOUNT_AUTH_TOKEN ? SASL_TOKEN : SASL_PASSWORD,
        .user = account->username,
        .allow_plaintext = account->allow_plaintext,
        .long_initial = account->profile && account->profile->capabilities.long_initial_response,
        .pipelining = pipelining_of(account),
        .ca_file = network->ca_file ? network->ca_file : account->ca_file,
        .tls_pin = account->tls_pin,
        .source_address = account->source_address,
        .resolver = network->resolver,
        .detours = network->detours,
        .connect_timeout_ms = network->connect_timeout_ms,
        .timeout_ms = network->timeout_ms,
        .observer = sending_observer(cli),
    };
}

/* ---- the session's events ---- */

static void secret_came(void *data, struct secret *secret, const struct err *err)
{
    struct drive *d = data;

    d->fetch = NULL;
    if (secret)
        session_credential(d->session, secret);
    else
        session_no_credential(d->session, err);
}

static void credential(void *who, const char *mechanism)
{
    struct drive *d = who;
    struct err err = { 0 };
    uint64_t deadline = loop_now(d->secrets.loop) + SECRET_PATIENCE_MS;

    (void)mechanism;
    if (!secret_fetch(&d->secrets, d->account, deadline, secret_came, d, &d->fetch, &err))
        session_no_credential(d->session, &err);
}

static bool read_body(void *of, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct drive *d = of;
    ssize_t got;

    do
        got = pread(d->message->fd, into, room, (off_t)d->at);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return err_sys(err, ERR_IO, errno, "reading the message");
    d->at += (uint64_t)got;
    *ret_len = (size_t)got;
    return true;
}

static void finish(struct drive *d)
{
    session_finish(GIVE(d->session));
    d->done = true;
}

/* How many recipients the next transaction takes, by the server's word and by the account's; 0: none on
 * this connection. */
static size_t fitting(const struct drive *d)
{
    size_t fit = session_recipients_fit(d->session, d->message->envelope, d->first);
    uint64_t own = d->account->limits.recipients_per_message;

    return own && own < fit ? (size_t)own : fit;
}

static void next_transaction(struct drive *d)
{
    const struct session_body body = { read_body, d };

    d->count = fitting(d);
    d->at = 0;
    session_send(d->session, d->message->envelope, d->first, d->count, &body);
}

/* For those whose turn did not come. */
static void give_up_rest(struct drive *d, const struct evidence *why)
{
    for (size_t i = d->first; i < d->message->envelope->count; i++) {
        struct smtp_outcome *outcome = &d->sending->outcomes[i];
        if (outcome->err.kind != ERR_NONE)
            continue;
        *outcome = (struct smtp_outcome){ .fate = SMTP_FATE_LATER, .stage = why->stage, .err = why->err };
        d->sending->evidence[i] = *why;
        d->sending->evidence[i].provider = d->account->profile ? d->account->profile->id : NULL;
    }
}

/* There is no session, or none any more; where others were served by one before, only the rest fails. */
static void failed(void *who, const struct evidence *evidence)
{
    struct drive *d = who;

    progress_clear(&d->progress);
    d->done = true;
    if (d->first) {
        give_up_rest(d, evidence);
        return;
    }
    d->sending->failed = true;
    d->sending->failure = *evidence;
    d->sending->failure.provider = d->account->profile ? d->account->profile->id : NULL;
}

/* What the server can't take as it is, is made fit for it before anything of it is sent. */
static bool fit_for_server(struct drive *d, struct err *err)
{
    struct envelope *envelope = d->message->envelope;
    bool eight = smtp_offers(session_extensions(d->session), SMTP_8BITMIME);
    int lowered;

    if (envelope->body == BODY_7BIT || eight)
        return true;
    if (!message_lower(d->secrets.disk, d->secrets.state, d->message->fd, &lowered,
                       &envelope->size, err))
        return err_in(err, "the server takes no 8-bit text, and this message can't be changed");
    close(d->message->fd);
    d->message->fd = lowered;
    envelope->body = BODY_7BIT;
    return true;
}

/* Where the server counts domains, those of one domain go together; before any was named. */
static bool group_for_server(struct drive *d, struct err *err)
{
    return d->first || !session_extensions(d->session)->rcpt_domain_max ||
           envelope_group(d->message->envelope, err);
}

static void ready(void *who)
{
    struct drive *d = who;
    struct err err = { 0 };

    if (fit_for_server(d, &err) && group_for_server(d, &err)) {
        next_transaction(d);
        return;
    }
    const struct evidence evidence = { .stage = STAGE_LOCAL, .err = err };
    session_finish(GIVE(d->session));
    failed(d, &evidence);
}

static void progressed(void *who, uint64_t sent, uint64_t size)
{
    struct drive *d = who;

    progress_show(&d->progress, sent, size, loop_now(d->secrets.loop));
}

/* "452 too many recipients" at the end of a list means the rest goes in another transaction
 * (RFC 5321, 4.5.3.1.10), where at least one got through in this. How many were done with. */
static size_t settled(const struct drive *d)
{
    const struct smtp_outcome *outcomes = d->sending->outcomes + d->first;
    size_t count = d->count;

    while (count && outcomes[count - 1].stage == STAGE_RCPT && outcomes[count - 1].err.reply == 452)
        count--;
    for (size_t i = 0; i < count; i++)
        if (outcomes[i].fate == SMTP_FATE_TAKEN)
            return count;
    return d->count;
}

static void take_evidence(struct drive *d, size_t i)
{
    struct evidence *evidence = &d->sending->evidence[i];

    session_evidence(d->session, &d->sending->outcomes[i], evidence);
    evidence->provider = d->account->profile ? d->account->profile->id : NULL;
}

static void sent(void *who);

static const struct session_events events = { credential, ready, progressed, sent, failed };

/* This connection takes no more, and the next one will (RFC 9422). */
static void another_connection(struct drive *d)
{
    struct evidence evidence = { .stage = STAGE_LOCAL };

    session_finish(GIVE(d->session));
    if (!session_open(d->secrets.loop, &d->plan, &events, d, &d->session, &evidence.err))
        failed(d, &evidence);
}

/* The line is gone, and some recipients were to have a transaction of their own. */
static void tell_cut(struct drive *d)
{
    struct smtp_outcome outcome = { .fate = SMTP_FATE_LATER, .stage = STAGE_MAIL };
    struct evidence evidence;

    err_found(&outcome.err, ERR_NETWORK, "line:closed",
              "the server hung up before it was this recipient's turn");
    session_evidence(d->session, &outcome, &evidence);
    give_up_rest(d, &evidence);
}

static void sent(void *who)
{
    struct drive *d = who;

    progress_clear(&d->progress);
    for (size_t i = d->first; i < d->first + d->count; i++) {
        session_outcome(d->session, i, &d->sending->outcomes[i]);
        take_evidence(d, i);
    }
    d->first += settled(d);
    if (d->first == d->message->envelope->count) {
        finish(d);
    } else if (!session_open_still(d->session)) {
        tell_cut(d);
        finish(d);
    } else if (fitting(d)) {
        next_transaction(d);
    } else {
        another_connection(d);
    }
}

/* ---- the run ---- */

static bool prepare(struct drive *d, struct err *err)
{
    struct sending *sending = d->sending;

    sending->count = d->message->envelope->count;
    sending->outcomes = mem_array(sending->count, sizeof *sending->outcomes);
    sending->evidence = mem_array(sending->count, sizeof *sending->evidence);
    if (!sending->outcomes || !sending->evidence)
        return err_no_memory(err);
    if (!account_check_sendable(d->account, err))
        return false;
    const struct network *network = cli_network(d->cli, err);
    if (!network || !cli_secrets(d->cli, &d->secrets, err))
        return false;
    sending_plan(d->cli, d->account, &d->plan);
    d->progress = progress_on(d->cli);
    return true;
}

bool sending_run(struct cli *cli, const struct account *account, struct sending_message *message,
                 struct sending *ret)
{
    struct drive d = { .cli = cli, .account = account, .message = message, .sending = ret };
    struct err err = { 0 };

    *ret = (struct sending){ 0 };
    if (!prepare(&d, &err) ||
        !session_open(d.secrets.loop, &d.plan, &events, &d, &d.session, &err)) {
        ret->failed = true;
        ret->failure = (struct evidence){
            .stage = STAGE_LOCAL,
            .err = err,
            .provider = account->profile ? account->profile->id : NULL,
        };
        return false;
    }
    loop_run_until(d.secrets.loop, &d.done);
    secret_fetch_cancel(d.fetch);
    session_free(d.session);
    return !ret->failed;
}

void sending_done(struct sending *sending)
{
    mem_free(sending->outcomes);
    mem_free(sending->evidence);
    *sending = (struct sending){ 0 };
}

int sending_status(const struct sending *sending)
{
    const struct evidence *refused = NULL, *later = NULL;
    size_t taken = 0;

    if (sending->failed)
        return failure_status(&sending->failure);
    for (size_t i = 0; i < sending->count; i++) {
        enum smtp_fate fate = sending->outcomes[i].fate;
        if (fate == SMTP_FATE_UNKNOWN)
            return err_exit_status(ERR_UNKNOWN);
        if (fate == SMTP_FATE_REFUSED)
            refused = &sending->evidence[i];
        else if (fate != SMTP_FATE_TAKEN)
            later = &sending->evidence[i];
        taken += fate == SMTP_FATE_TAKEN;
    }
    if (refused && taken)
        return err_exit_status(ERR_RECIPIENT);
    if (refused)
        return failure_status(refused);
    return later ? err_exit_status(ERR_LATER) : 0;
}
