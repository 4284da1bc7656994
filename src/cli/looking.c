#include "cli/looking.h"

#include "base/alloc.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/transports.h"
#include "doctor/doctor.h"
#include "net/loop.h"
#include "os/container.h"

#include "base/banned.h"

enum { LOOKING_MS = 12 * 1000 };

struct looking {
    struct transport_world world;
    struct doctor *doctor;
    const struct doctor_report *report;
    bool done;
};

static void on_done(void *who, const struct doctor_report *report)
{
    struct looking *looking = who;

    looking->report = report;
    looking->done = true;
}

/* What a server answered stands for itself; and a look must not bring one more line to a server that says it has too many. */
static bool is_worth_it(const struct account *account, const struct evidence *evidence)
{
    bool by_smtp = account->transport == TRANSPORT_AUTO || account->transport == TRANSPORT_SMTP;

    return by_smtp && !evidence->err.reply && evidence->err.kind != ERR_MEMORY && evidence->err.kind != ERR_INTERNAL &&
           doctor_would_look_around(evidence);
}

static bool look(struct cli *cli, const struct account *account, struct looking *looking)
{
    static const struct doctor_events events = { .done = on_done };
    const struct knowledge *know = failure_knowledge(cli);
    struct transport_world *world = &looking->world;

    if (!know || !cli_bare_world(cli, world, NULL))
        return false;
    if (!world->timeout_ms || world->timeout_ms > LOOKING_MS)
        world->timeout_ms = LOOKING_MS;
    const struct doctor_plan plan = {
        .world = world,
        .know = know,
        .account = account,
        .withhold = true,
        .in_container = container_is_here(),
    };
    struct loop *loop = world->credentials.secrets.loop;
    if (!doctor_start(loop, &plan, &events, looking, &looking->doctor, NULL))
        return false;
    loop_run_until(loop, &looking->done);
    return looking->done;
}

/* The first word stands: who says no to all of us need not say it each time. */
static void take(const struct doctor_report *report, struct evidence *evidence)
{
    struct evidence first = *evidence;

    *evidence = report->evidence;
    if (first.stage == evidence->stage)
        evidence->err = first.err;
}

struct looking *looking_around(struct cli *cli, const struct account *account, struct evidence *evidence)
{
    struct looking *looking = is_worth_it(account, evidence) ? NEW(looking) : NULL;

    if (!looking)
        return NULL;
    if (cli->draws_on_stderr)
        note(cli, "%s. Looking at what is around it ...", evidence->err.text);
    if (look(cli, account, looking) && !looking->report->ok && looking->report->judged)
        take(looking->report, evidence);
    return looking;
}

void looking_free(struct looking *looking)
{
    if (!looking)
        return;
    doctor_free(looking->doctor);
    mem_free(looking);
}
