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
    struct evidence evidence; /* of the failure; then, what is known of it */
    struct doctor *doctor;
    void (*looked)(void *of, const struct evidence *evidence);
    void *of;
};

/* Where the doctor came as far, the first word stands: who says no to all of us need not say it each time. */
static void on_done(void *who, const struct doctor_report *report)
{
    struct looking *looking = who;
    struct evidence first = looking->evidence;

    if (!report->ok && report->judged) {
        looking->evidence = report->evidence;
        if (first.stage == report->evidence.stage)
            looking->evidence.err = first.err;
    }
    looking->looked(looking->of, &looking->evidence);
}

/* What a server answered stands for itself; and a look must not bring one more line to a server that says it has too many. */
static bool is_worth_it(const struct account *account, const struct evidence *evidence)
{
    bool by_smtp = account->transport == TRANSPORT_AUTO || account->transport == TRANSPORT_SMTP;

    return by_smtp && !evidence->err.reply && evidence->err.kind != ERR_MEMORY && evidence->err.kind != ERR_INTERNAL &&
           doctor_would_look_around(evidence);
}

static bool begin(struct cli *cli, const struct account *account, struct looking *looking)
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
    return doctor_start(world->credentials.secrets.loop, &plan, &events, looking, &looking->doctor, NULL);
}

/* What it points to is the lost line's, which may be gone before the look is over. */
static struct evidence own(const struct evidence *why, const struct account *account)
{
    return (struct evidence){
        .stage = why->stage,
        .err = why->err,
        .provider = account->profile ? account->profile->id : NULL,
        .host = account->server.name,
        .port = account->server.port,
        .security = security_word(account_security(account)),
    };
}

struct looking *looking_start(struct cli *cli, const struct account *account, const struct evidence *why,
                              void (*looked)(void *of, const struct evidence *evidence), void *of)
{
    struct looking *looking = is_worth_it(account, why) ? NEW(looking) : NULL;

    if (!looking)
        return NULL;
    looking->looked = looked;
    looking->of = of;
    looking->evidence = own(why, account);
    if (!begin(cli, account, looking)) {
        looking_free(looking);
        return NULL;
    }
    if (cli->draws_on_stderr)
        note(cli, "%s. Looking at what is around it ...", why->err.text);
    return looking;
}

/* ---- and waited for ---- */

struct waiting {
    struct evidence *evidence;
    bool done;
};

static void is_known(void *of, const struct evidence *evidence)
{
    struct waiting *waiting = of;
    const char *const *found = waiting->evidence->found; /* by whoever met it, and is still there */

    *waiting->evidence = *evidence;
    if (!evidence->found)
        waiting->evidence->found = found;
    waiting->done = true;
}

struct looking *looking_around(struct cli *cli, const struct account *account, struct evidence *evidence)
{
    struct waiting waiting = { .evidence = evidence };
    struct looking *looking = looking_start(cli, account, evidence, is_known, &waiting);

    if (looking)
        loop_run_until(looking->world.credentials.secrets.loop, &waiting.done);
    return looking;
}

void looking_free(struct looking *looking)
{
    if (!looking)
        return;
    doctor_free(looking->doctor);
    mem_free(looking);
}
