/* outpost service: the daemon as a unit of systemd's, the person's own or the system's. What is done is what a person
 * would type, and said so with --verbose; where no systemd runs, what to do instead. */
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/failure.h"
#include "cli/print.h"
#include "cli/world.h"
#include "net/child.h"
#include "net/loop.h"
#include "os/file.h"

#include "base/banned.h"

enum { PATIENCE_MS = 3 * 60 * 1000, UNAVAILABLE = 69, NOT_RUNNING = 1, WORDS_MAX = 8, STATES_MAX = 8 * 1024 };

#define UNIT "outpost.service"
#define SYSTEM_UNITS "outpost.socket", "outpost-control.socket", UNIT

/* Each ends with NULL. */
typedef const char *line[WORDS_MAX];

static const line enable_user[] = {
    { "systemctl", "--user", "daemon-reload" },
    { "systemctl", "--user", "enable", "--now", UNIT },
    { NULL },
};
static const line enable_system[] = {
    { "systemd-sysusers", "outpost.conf" },
    { "systemd-tmpfiles", "--create", "outpost.conf" },
    { "systemctl", "daemon-reload" },
    { "systemctl", "enable", "--now", SYSTEM_UNITS },
    { NULL },
};
static const line disable_user[] = { { "systemctl", "--user", "disable", "--now", UNIT }, { NULL } };
static const line disable_system[] = { { "systemctl", "disable", "--now", SYSTEM_UNITS }, { NULL } };
#define SHOWN "--property=LoadState,UnitFileState,ActiveState,SubState,MainPID,NRestarts"
static const line show_user = { "systemctl", "--user", "show", SHOWN, UNIT };
static const line show_system = { "systemctl", "show", SHOWN, UNIT };

/* ---- a program, awaited ---- */

struct awaited {
    bool done;
    struct err err;
    struct buf *output;
};

static void ended(void *data, struct buf *output, const struct err *err)
{
    struct awaited *awaited = data;

    awaited->done = true;
    if (err)
        awaited->err = *err;
    else
        buf_add_span(awaited->output, buf_span(output));
}

static void tell_line(struct cli *cli, const char *const *argv)
{
    HELD(buf) text = BUF(1000);

    for (; *argv; argv++)
        buf_addf(&text, " %s", *argv);
    if (cli->verbose)
        note(cli, "+%s", buf_text(&text));
}

static bool run_line(struct cli *cli, const char *const *argv, struct buf *output, struct err *err)
{
    const struct network *network = cli_network(cli, err);
    struct awaited awaited = { .output = output };
    struct child *child;

    tell_line(cli, argv);
    if (!network || !child_run(network->loop, argv, loop_now(network->loop) + PATIENCE_MS, ended, &awaited, &child, err))
        return false;
    loop_run_until(network->loop, &awaited.done);
    if (awaited.err.kind == ERR_NONE)
        return true;
    *err = awaited.err;
    err->kind = ERR_CREATE;
    return false;
}

static bool run_lines(struct cli *cli, const line *lines, struct err *err)
{
    for (; **lines; lines++) {
        HELD(buf) output = BUF(CHILD_OUTPUT_MAX);
        if (!run_line(cli, *lines, &output, err))
            return false;
    }
    return true;
}

/* ---- without systemd ---- */

static bool systemd_runs(void)
{
    return file_exists("/run/systemd/system");
}

static int tell_instead(struct cli *cli, bool of_system)
{
    char program[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", program, sizeof program - 1);

    program[len > 0 ? len : 0] = '\0';
    if (cli->json) {
        HELD(buf) text = BUF(100);
        buf_add(&text, "{\"manager\":null,\"enabled\":null,\"active\":null}");
        return say_json(&text) ? UNAVAILABLE : err_exit_status(ERR_IO);
    }
    say(cli, "systemd does not run here, so outpost can't be made a service of it. What does the same:");
    if (of_system)
        say(cli, "  echo '@reboot outpost %s serve --system' > /etc/cron.d/outpost    (a user outpost, who owns\n"
                 "                              /var/lib/outpost and /run/outpost, which must be there)", program);
    else
        say(cli, "  (crontab -l; echo '@reboot %s serve --user') | crontab -", program);
    say(cli, "and for now: outpost serve &");
    return UNAVAILABLE;
}

/* The units know two scopes; whoever named a configuration of his own must say so in a unit of his own. */
static bool find_scope(struct cli *cli, bool *ret_system, struct err *err)
{
    const struct place *place = cli_place(cli, err);

    if (!place)
        return false;
    *ret_system = place->scope == PLACE_SYSTEM;
    return place->scope != PLACE_GIVEN ||
           err_set(err, ERR_USAGE, "the service is of your own configuration or the system's: --user or --system, and "
                                   "neither --config nor OUTPOST_CONFIG");
}

/* ---- what systemd says of it ---- */

struct unit {
    struct buf text;
    struct span load, enabled, active, sub, pid, restarts;
};

static struct span value_of(struct span text, const char *key)
{
    struct span one;

    while (span_split(&text, '\n', &one)) {
        size_t equals = span_find(one, '=');
        if (equals < one.len && span_is(span_cut(one, 0, equals), key))
            return span_from(one, equals + 1);
    }
    return (struct span){ 0 };
}

static bool ask(struct cli *cli, bool of_system, struct unit *unit, struct err *err)
{
    unit->text = (struct buf)BUF(STATES_MAX);
    if (!run_line(cli, of_system ? show_system : show_user, &unit->text, err))
        return false;
    unit->load = value_of(buf_span(&unit->text), "LoadState");
    unit->enabled = value_of(buf_span(&unit->text), "UnitFileState");
    unit->active = value_of(buf_span(&unit->text), "ActiveState");
    unit->sub = value_of(buf_span(&unit->text), "SubState");
    unit->pid = value_of(buf_span(&unit->text), "MainPID");
    unit->restarts = value_of(buf_span(&unit->text), "NRestarts");
    return true;
}

/* A person's units end with his last session, unless he lingers. */
static bool lingers(void)
{
    const struct passwd *me = getpwuid(getuid());
    HELD(buf) path = BUF(PATH_MAX);

    buf_addf(&path, "/var/lib/systemd/linger/%s", me ? me->pw_name : "");
    return me && file_exists(buf_text(&path));
}

static void tell_next(struct cli *cli, const struct unit *unit, bool of_system)
{
    const char *whose = of_system ? "" : " --user";

    if (span_is(unit->load, "not-found"))
        say(cli, "No unit %s is installed: make install brings it.", UNIT);
    else if (!span_is(unit->enabled, "enabled"))
        say(cli, "It does not start by itself. To change that: outpost service enable%s", of_system ? " --system" : "");
    else if (!span_is(unit->active, "active"))
        say(cli, "Why: journalctl%s -u outpost", whose);
    else if (!of_system && !lingers())
        say(cli, "It ends when you log out. To keep it: loginctl enable-linger");
}

static int tell(struct cli *cli, const struct unit *unit, bool of_system)
{
    int status = span_is(unit->active, "active") ? 0 : NOT_RUNNING;
    HELD(buf) text = BUF(STATES_MAX);
    struct json json = json_to(&text);

    if (!cli->json) {
        say(cli, "%s of %s systemd: %.*s, %.*s (%.*s)%s%.*s", UNIT, of_system ? "the system's" : "your",
            SPAN_ARG(unit->enabled.len ? unit->enabled : unit->load), SPAN_ARG(unit->active), SPAN_ARG(unit->sub),
            status ? "" : ", process ", SPAN_ARG(status ? (struct span){ 0 } : unit->pid));
        if (!span_is(unit->restarts, "0"))
            say(cli, "Restarted %.*s times since.", SPAN_ARG(unit->restarts));
        tell_next(cli, unit, of_system);
        return status;
    }
    json_open(&json, NULL, '{');
    json_text(&json, "manager", "systemd");
    json_text(&json, "scope", of_system ? "system" : "user");
    json_span(&json, "enabled", unit->enabled.len ? unit->enabled : unit->load);
    json_span(&json, "active", unit->active);
    json_span(&json, "state", unit->sub);
    json_close(&json);
    return say_json(&text) ? status : err_exit_status(ERR_IO);
}

/* ---- the commands ---- */

static int status_of(struct cli *cli, bool of_system)
{
    struct unit unit;
    struct err err = { 0 };
    int status = ask(cli, of_system, &unit, &err) ? tell(cli, &unit, of_system) : fail_here(cli, &err);

    buf_done(&unit.text);
    return status;
}

static int change(struct cli *cli, const line *of_user, const line *of_the_system)
{
    bool of_system;
    struct err err = { 0 };

    if (!find_scope(cli, &of_system, &err))
        return fail_here(cli, &err);
    if (!systemd_runs())
        return tell_instead(cli, of_system);
    if (of_user && !run_lines(cli, of_system ? of_the_system : of_user, &err))
        return fail_here(cli, &err);
    return status_of(cli, of_system);
}

static int run_enable(struct cli *cli)
{
    return change(cli, enable_user, enable_system);
}

static int run_disable(struct cli *cli)
{
    int status = change(cli, disable_user, disable_system);

    return status == NOT_RUNNING ? 0 : status;
}

static int run_status(struct cli *cli)
{
    return change(cli, NULL, NULL);
}

const struct command command_service = {
    .name = "service",
    .takes = "",
    .does = "show whether systemd runs outpost",
    .run = run_status,
};

const struct command command_service_status = {
    .name = "service status",
    .takes = "",
    .does = "the same as service",
    .more = "Exit status 1 where it does not run.",
    .run = run_status,
};

const struct command command_service_enable = {
    .name = "service enable",
    .takes = "",
    .does = "start outpost now, and whenever you log in or, as root, the machine starts",
    .more = "For your own configuration a unit of your own systemd; with --system, as root, the system's with its sockets\n"
            "and its user. --verbose says what is run. Without systemd it says what to do instead.",
    .run = run_enable,
};

const struct command command_service_disable = {
    .name = "service disable",
    .takes = "",
    .does = "end it, and start it no more",
    .run = run_disable,
};
