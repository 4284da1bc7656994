#include "cli/sending.h"

#include "base/alloc.h"
#include "cli/failure.h"
#include "cli/looking.h"
#include "cli/progress.h"
#include "cli/transports.h"
#include "net/loop.h"
#include "os/file.h"

#include "base/banned.h"

struct drive {
    struct cli *cli;
    const struct account *account;
    const struct sending_message *message;
    struct transport_world world;
    struct transport *transport;
    struct progress progress;
    struct sending *sending;
    bool done;
};

/* ---- the transport's events ---- */

static bool read_body(void *of, uint64_t at, char *into, size_t room, size_t *ret_len, struct err *err)
{
    struct drive *d = of;

    return file_read_at(d->message->fd, at, into, room, ret_len, err);
}

static void ready(void *who)
{
    struct drive *d = who;
    const struct transport_message message = {
        .envelope = d->message->envelope,
        .count = d->sending->count,
        .body = { read_body, d },
        .outcomes = d->sending->outcomes,
    };

    transport_send(d->transport, &message);
}

static void progressed(void *who, uint64_t sent, uint64_t size)
{
    struct drive *d = who;

    progress_show(&d->progress, sent, size, loop_now(d->world.credentials.secrets.loop));
}

static void sent(void *who)
{
    struct drive *d = who;

    d->done = true;
}

static void failed(void *who, const struct evidence *why)
{
    struct drive *d = who;

    d->sending->failed = true;
    d->sending->failure = *why;
    d->done = true;
}

/* ---- the run ---- */

static bool begin(struct drive *d, struct err *err)
{
    static const struct transport_events events = { ready, progressed, sent, failed };
    struct sending *sending = d->sending;

    sending->count = d->message->envelope->count;
    sending->outcomes = mem_array(sending->count, sizeof *sending->outcomes);
    if (!sending->outcomes)
        return err_no_memory(err);
    d->progress = progress_on(d->cli, "sending");
    return account_check_sendable(d->account, err) && cli_transport_world(d->cli, &d->world, err) &&
           transport_open(&d->world, d->account, &events, d, &d->transport, err);
}

bool sending_run(struct cli *cli, const struct account *account, const struct sending_message *message,
                 struct sending *ret)
{
    struct drive d = { .cli = cli, .account = account, .message = message, .sending = ret };
    struct err err = { 0 };

    *ret = (struct sending){ 0 };
    if (!begin(&d, &err)) {
        ret->failed = true;
        ret->failure = (struct evidence){
            .stage = STAGE_LOCAL,
            .err = err,
            .provider = account->profile ? account->profile->id : NULL,
        };
        return false;
    }
    loop_run_until(d.world.credentials.secrets.loop, &d.done);
    progress_clear(&d.progress);
    ret->transport = transport_name(d.transport);
    transport_close(d.transport);
    if (ret->failed)
        ret->looking = looking_around(cli, account, &ret->failure);
    return !ret->failed;
}

void sending_done(struct sending *sending)
{
    mem_free(sending->outcomes);
    looking_free(sending->looking);
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
            refused = &sending->outcomes[i].evidence;
        else if (fate != SMTP_FATE_TAKEN)
            later = &sending->outcomes[i].evidence;
        taken += fate == SMTP_FATE_TAKEN;
    }
    if (refused && taken)
        return err_exit_status(ERR_RECIPIENT);
    if (refused)
        return failure_status(refused);
    return later ? err_exit_status(ERR_LATER) : 0;
}
