/* outpost doctor: the one thing that is wrong, who can change it, and how. */
#include <stdlib.h>

#include "cli/diagnosis.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/transports.h"
#include "net/loop.h"
#include "os/file.h"

#include "base/banned.h"

static const struct option options[] = {
    { 0, "security", OPTION_VALUE, "KIND", "of a server that is named: tls or starttls" },
    { 0, "share", OPTION_FLAG, NULL, "tell it so that it can be shown to anybody: nothing private is in it" },
};

struct visit {
    struct cli *cli;
    struct patient patient;
    struct transport_world world;
    struct doctor *doctor;
    const struct doctor_report *report;
    struct diagnosis_live live;
    bool done;
};

static void on_step(void *who, const struct doctor_step *step)
{
    struct visit *visit = who;

    diagnosis_live_step(&visit->live, step);
}

static void on_done(void *who, const struct doctor_report *report)
{
    struct visit *visit = who;

    visit->report = report;
    visit->done = true;
}

/* As container managers tell those who are within: by a file, or by a variable (systemd's, podman's, LXC's). */
static bool is_container(void)
{
    const char *variable = getenv("container");

    return (variable && *variable) || file_exists("/.dockerenv") || file_exists("/run/.containerenv");
}

/* A server alone needs no secrets, and so no place where they are kept. */
static bool make_world(struct visit *visit, struct err *err)
{
    const struct network *network = cli_network(visit->cli, err);
    const struct config *config = network ? cli_config(visit->cli, err) : NULL;

    if (!config)
        return false;
    if (visit->patient.account)
        return cli_transport_world(visit->cli, &visit->world, err);
    visit->world = (struct transport_world){
        .hello = cli_hello(visit->cli),
        .connect_timeout_ms = network->connect_timeout_ms,
        .timeout_ms = network->timeout_ms,
        .observer = cli_observer(visit->cli),
    };
    visit->world.credentials.secrets.loop = network->loop;
    visit->world.credentials.resolver = network->resolver;
    visit->world.credentials.detours = network->detours;
    visit->world.credentials.ca_file = network->ca_file;
    return true;
}

static bool examine(struct visit *visit, const struct knowledge *know, struct err *err)
{
    static const struct doctor_events events = { on_step, on_done };
    const struct doctor_plan plan = {
        .world = &visit->world,
        .know = know,
        .account = visit->patient.account,
        .host = visit->patient.host,
        .port = visit->patient.port,
        .security = visit->patient.security,
        .in_container = is_container(),
    };
    struct loop *loop = visit->world.credentials.secrets.loop;

    visit->done = false;
    doctor_free(GIVE(visit->doctor));
    if (!doctor_start(loop, &plan, &events, visit, &visit->doctor, err))
        return false;
    loop_run_until(loop, &visit->done);
    return visit->done || err_set(err, ERR_INTERNAL, "the doctor came to no end");
}

/* Nobody said how the port speaks, and it speaks the other way: that is no fault of anybody's. */
static bool is_mistaken(const struct visit *visit)
{
    const char *const *found = visit->report->evidence.found;

    if (visit->patient.is_sure || visit->report->ok)
        return false;
    while (found && *found && strcmp(*found, "port:other-security") != 0)
        found++;
    return found && *found;
}

static int tell(struct visit *visit, const struct knowledge *know)
{
    bool told = true;

    diagnosis_live_end(&visit->live);
    if (arguments_has(&visit->cli->args, "share"))
        told = diagnosis_share(visit->cli, visit->report);
    else if (visit->cli->json)
        told = diagnosis_json(visit->cli, &visit->patient, know, visit->report);
    else
        diagnosis_tell(visit->cli, &visit->patient, know, visit->report);
    if (!told)
        return err_exit_status(ERR_IO);
    return visit->report->ok ? 0 : 1;
}

static int run(struct cli *cli)
{
    struct visit visit = { .cli = cli, .live = { cli, 0 } };
    const struct knowledge *know = failure_knowledge(cli);
    struct err err = { 0 };
    int status;

    bool good = (know || err_no_memory(&err)) && patient_find(cli, &visit.patient, &err) &&
                make_world(&visit, &err) && examine(&visit, know, &err);
    if (good && is_mistaken(&visit)) {
        diagnosis_live_end(&visit.live);
        patient_turn(&visit.patient);
        good = examine(&visit, know, &err);
    }
    status = good ? tell(&visit, know) : fail_here(cli, &err);
    doctor_free(visit.doctor);
    return status;
}

const struct command command_doctor = {
    .name = "doctor",
    .takes = "[ACCOUNT|ADDRESS|HOST[:PORT]]",
    .does = "find the one thing that is wrong, who can change it, and how",
    .more = "Walks the road that mail takes, and sends none: names, connection, TLS, greeting, sign-in, sender. Where it "
            "breaks off, the server's other ports, other providers and HTTPS are looked at, too, to tell what it is. An "
            "account signs in as it does for mail; a server that is named is looked at without.\n\n"
            "The exit status is 0 where nothing is wrong, 1 where something is.",
    .options = options,
    .option_count = COUNT(options),
    .operands_most = 1,
    .run = run,
};
