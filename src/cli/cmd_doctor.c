/* outpost doctor: the one thing that is wrong, who can change it, and how. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/diagnosis.h"
#include "cli/failure.h"
#include "cli/lending.h"
#include "cli/print.h"
#include "cli/remedy.h"
#include "cli/transports.h"
#include "net/loop.h"
#include "os/container.h"
#include "os/place.h"
#include "relay/settings.h"

#include "base/banned.h"

enum { BORROW_MS = 5 * 1000 };

static const struct option options[] = {
    { 0, "fix", OPTION_FLAG, NULL, "change the account's settings, where they are what is wrong; asks first" },
    { 0, "import", OPTION_VALUE, "FILE", "an account of another program, by its configuration; writes nothing" },
    { 0, "from", OPTION_VALUE, "KIND", "whose it is: msmtp, ssmtp, nullmailer, dma, postfix, email-oauth2-proxy" },
    { 0, "security", OPTION_VALUE, "KIND", "of a server that is named: tls or starttls" },
    { 0, "share", OPTION_FLAG, NULL, "tell it so that it can be shown to anybody: nothing private is in it" },
    { 'y', "yes", OPTION_FLAG, NULL, "don't ask before settings are changed, or another program's password command is run" },
};

struct visit {
    struct cli *cli;
    struct patient patient;
    struct foreign foreign; /* --import */
    struct transport_world world;
    struct lending lending;
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

static void on_sight(void *who, const struct around_sight *sight)
{
    struct visit *visit = who;

    diagnosis_live_sight(&visit->live, sight);
}

static void on_done(void *who, const struct doctor_report *report)
{
    struct visit *visit = who;

    visit->report = report;
    visit->done = true;
}

/* An account of ours: with a place for its secrets, and perhaps an outpost that sends its mail. */
static bool is_kept_here(const struct visit *visit)
{
    return visit->patient.account && !visit->foreign.import;
}

/* A server alone needs no secrets, and another program's account brings its own: no place where they are kept. */
static bool make_world(struct visit *visit, struct err *err)
{
    if (is_kept_here(visit))
        return cli_transport_world(visit->cli, &visit->world, err);
    if (!cli_bare_world(visit->cli, &visit->world, err))
        return false;
    visit->world.credentials.secrets.in_hand = foreign_secret(&visit->foreign);
    return true;
}

/* The outpost that sends the account's mail, if one does, knows of its day, and lends one of its connections. What that
 * takes is part of the whole. */
static void borrow(struct visit *visit)
{
    struct loop *loop = visit->world.credentials.secrets.loop;
    uint64_t whole = visit->world.timeout_ms ? visit->world.timeout_ms : DOCTOR_PATIENCE_MS, began = loop_now(loop);

    if (!is_kept_here(visit))
        return;
    lending_begin(visit->cli, visit->patient.account, whole / 4 < BORROW_MS ? whole / 4 : BORROW_MS, &visit->lending);
    uint64_t took = loop_now(loop) - began;
    visit->world.timeout_ms = took < whole ? whole - took : 1;
}

static bool examine(struct visit *visit, const struct knowledge *know, struct err *err)
{
    static const struct doctor_events events = { on_step, on_done, on_sight };
    const struct place *place = cli_place(visit->cli, NULL);
    const struct machine_place machine = {
        .config = place->config,
        .drop_in = place->drop_in,
        .state = place->state,
        .reserve_percent = queue_reserve_percent(config_section(cli_config(visit->cli, NULL), &queue_part, NULL)),
    };
    const struct doctor_plan plan = {
        .world = &visit->world,
        .know = know,
        .account = visit->patient.account,
        .host = visit->patient.host,
        .port = visit->patient.port,
        .security = visit->patient.security,
        .in_container = container_is_here(),
        .machine = is_kept_here(visit) && !place_is_anothers(place) ? &machine : NULL,
        .books = is_kept_here(visit) ? &visit->lending.books : NULL,
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

/* What stdout does not take is told at the end of all commands; else there was no memory for an object of that size. */
static int not_told(struct cli *cli)
{
    struct err err = { 0 };

    if (ferror(stdout))
        return err_exit_status(ERR_IO);
    err_no_memory(&err);
    return fail_here(cli, &err);
}

static int tell(struct visit *visit, const struct knowledge *know)
{
    const struct diagnosis_more more = { .foreign = visit->foreign.import ? &visit->foreign : NULL };
    bool told = true;

    diagnosis_live_end(&visit->live);
    if (arguments_has(&visit->cli->args, "share"))
        told = diagnosis_share(visit->cli, visit->report);
    else if (visit->cli->json)
        told = diagnosis_json(visit->cli, &visit->patient, know, visit->report, &more);
    else
        diagnosis_tell(visit->cli, &visit->patient, know, visit->report, &more);
    if (!told)
        return not_told(visit->cli);
    return visit->report->ok ? 0 : 1;
}

/* There is nobody to look at, and why is the diagnosis: a configuration that can't be read or has no account, an address
 * whose settings are not to be found. What was asked wrongly, and a fault of ours, are none. */
static bool is_early_diagnosis(const struct visit *visit, const struct err *why)
{
    return !arguments_has(&visit->cli->args, "import") && why->kind != ERR_USAGE && why->kind != ERR_MEMORY &&
           why->kind != ERR_INTERNAL;
}

static int tell_early(struct visit *visit, const struct knowledge *know, const struct err *why)
{
    struct doctor_early early;

    doctor_early_report(know, visit->patient.address[0] ? RUNG_RESOLVE : RUNG_MACHINE, why, &early);
    visit->report = &early.report;
    int status = tell(visit, know);
    visit->report = NULL;
    return status;
}

/* ---- --fix ---- */

struct second_look {
    const struct visit *first;
    const struct knowledge *know;
};

/* Mail goes: by SMTP, or by the account's other way. */
static bool look_again(void *who, const struct account *account, bool *ret_works, struct err *err)
{
    const struct second_look *look = who;
    struct visit visit = *look->first;

    visit.doctor = NULL;
    visit.patient.account = account;
    visit.live.lines = 0;
    bool good = examine(&visit, look->know, err);
    diagnosis_live_end(&visit.live);
    *ret_works = good && (visit.report->ok || (visit.report->https && visit.report->https_works));
    doctor_free(visit.doctor);
    return good;
}

/* People read first what is wrong, then what would be changed; a program gets one object of both. */
static int tell_and_mend(struct visit *visit, const struct knowledge *know)
{
    struct cli *cli = visit->cli;
    struct second_look look = { visit, know };
    struct remedy remedy = { .file = NULL };
    const struct diagnosis_more more = { .remedy = &remedy };

    diagnosis_live_end(&visit->live);
    if (!cli->json)
        diagnosis_tell(cli, &visit->patient, know, visit->report, &more);
    int status = visit->report->ok ? 0 : remedy_apply(cli, visit->patient.account, know, visit->report, look_again, &look,
                                                      &remedy);
    if (cli->json && status <= 1 && !diagnosis_json(cli, &visit->patient, know, visit->report, &more))
        return not_told(cli);
    return status;
}

static bool may_mend(const struct visit *visit, struct err *err)
{
    const struct arguments *args = &visit->cli->args;

    if (!arguments_has(args, "fix"))
        return true;
    if (arguments_has(args, "share"))
        return err_set(err, ERR_USAGE, "--share shows, --fix changes: one of them");
    if (visit->foreign.import)
        return err_set(err, ERR_USAGE, "--fix changes outpost's own settings, and --import names another program's");
    return visit->patient.account || err_set(err, ERR_USAGE, "--fix changes an account's settings: name one");
}

static bool find_patient(struct visit *visit, struct err *err)
{
    const struct arguments *args = &visit->cli->args;

    if (arguments_has(args, "import"))
        return foreign_find(visit->cli, &visit->foreign, &visit->patient, err);
    if (arguments_has(args, "from"))
        return err_set(err, ERR_USAGE, "--from says whose file --import names");
    return patient_find(visit->cli, &visit->patient, err);
}

static int run(struct cli *cli)
{
    struct visit visit = { .cli = cli, .live = { cli, 0 } };
    const struct knowledge *know = failure_knowledge(cli);
    struct err err = { 0 };
    int status;

    if (know && !cli_config(cli, &err) && err.kind == ERR_CONFIG)
        return tell_early(&visit, know, &err);
    bool good = (know || err_no_memory(&err)) && find_patient(&visit, &err);
    if (!good && know && is_early_diagnosis(&visit, &err))
        return tell_early(&visit, know, &err);
    good = good && may_mend(&visit, &err) && make_world(&visit, &err);
    if (good) {
        borrow(&visit);
        good = examine(&visit, know, &err);
    }
    if (good && is_mistaken(&visit)) {
        diagnosis_live_end(&visit.live);
        patient_turn(&visit.patient);
        good = examine(&visit, know, &err);
    }
    if (!good)
        status = fail_here(cli, &err);
    else
        status = arguments_has(&cli->args, "fix") ? tell_and_mend(&visit, know) : tell(&visit, know);
    doctor_free(visit.doctor);
    lending_end(&visit.lending);
    foreign_done(&visit.foreign);
    return status;
}

const struct command command_doctor = {
    .name = "doctor",
    .takes = "[ACCOUNT|ADDRESS|HOST[:PORT]]",
    .does = "find the one thing that is wrong, who can change it, and how",
    .more = "Walks the road that mail takes, and sends none: names, connection, TLS, greeting, sign-in, sender. Where it "
            "breaks off, the server's other ports, other providers and HTTPS are looked at, too, to tell what it is. An "
            "account signs in as it does for mail; a server that is named is looked at without.\n\n"
            "--fix changes what is wrong in an account's settings - server, port, kind of encryption, user name, way out - if "
            "another look shows that mail goes then. It asks first, and never changes your own files: of those it "
            "names the lines. Security is never weakened; but for mechanisms that a provider has not, where a question of its own "
            "asks for that, which --yes does not answer.\n\n"
            "--import looks at an account of another mail program: that program's configuration is read, and what would "
            "mend it is said in that program's words. An operand then chooses one of its accounts, or names the address it "
            "sends from.\n\n"
            "A configuration that can't be read, that others may write, or that has no account, is what is wrong then, and "
            "nobody is asked.\n\n"
            "The exit status is 0 where nothing is wrong, or no longer; 1 where something is.",
    .options = options,
    .option_count = COUNT(options),
    .operands_most = 1,
    .run = run,
};
