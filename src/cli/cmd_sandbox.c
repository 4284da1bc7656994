/* outpost sandbox [PROVIDER] [-- COMMAND...]: the provider on the desk. */
#include <signal.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/world.h"
#include "net/attend.h"
#include "net/loop.h"
#include "os/clock.h"
#include "os/random.h"
#include "sandbox/sandbox.h"

#include "base/banned.h"

static const struct option options[] = {
    { 0, "dir", OPTION_VALUE, "DIR", "keep authority and mail there; default: ./outpost-sandbox" },
    { 0, "port-base", OPTION_NUMBER, "PORT", "PORT speaks STARTTLS, PORT+1 TLS; 0: free ones" },
};

enum { PORT_BASE = 2500, EX_NOT_READY = 69, VARIABLES_MAX = 12 };

struct desk {
    struct cli *cli;
    struct loop *loop;
    struct sandbox *sandbox;
    struct attend *attend;
    int status;
    char *variables[VARIABLES_MAX + 1]; /* NULL ends them */
    size_t variable_count;
};

static void signalled(void *who, int number)
{
    struct desk *desk = who;

    if (desk->attend)
        attend_signal(desk->attend, number);
    else
        loop_stop(desk->loop);
}

static void ended(void *who, int status)
{
    struct desk *desk = who;

    desk->status = status;
    loop_stop(desk->loop);
}

static bool add_variable(struct desk *desk, struct err *err, const char *format, ...)
    PRINTF_LIKE(3, 4);

static bool add_variable(struct desk *desk, struct err *err, const char *format, ...)
{
    HELD(buf) text = BUF(SANDBOX_DETOURS_MAX + 100);
    va_list args;

    va_start(args, format);
    buf_addv(&text, format, args);
    va_end(args);
    char *variable = buf_give(&text);
    if (!variable)
        return err_no_memory(err);
    desk->variables[desk->variable_count++] = variable;
    return true;
}

/* What the command needs to know, under the names that other programs look for, too. */
static bool make_variables(struct desk *desk, struct err *err)
{
    const struct sandbox_user *user = sandbox_user(desk->sandbox);
    const char *ca_file = sandbox_ca_file(desk->sandbox);
    static const char *const ca_names[] = { "OUTPOST_CA_FILE", "SSL_CERT_FILE",
                                            "NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE" };
    HELD(buf) detours = BUF(SANDBOX_DETOURS_MAX);

    sandbox_detours(desk->sandbox, &detours);
    for (size_t i = 0; i < COUNT(ca_names); i++)
        if (!add_variable(desk, err, "%s=%s", ca_names[i], ca_file))
            return false;
    return add_variable(desk, err, "SMTP_HOST=localhost") &&
           add_variable(desk, err, "SMTP_PORT=%u", sandbox_port_starttls(desk->sandbox)) &&
           add_variable(desk, err, "SMTP_USER=%s", user->username) &&
           add_variable(desk, err, "SMTP_PASS=%s", user->password) &&
           add_variable(desk, err, "OUTPOST_CONNECT_TO=%s", buf_text(&detours));
}

/* Runs what stood behind "--" until it ends; its status is ours. */
static bool run_command(struct desk *desk, struct err *err)
{
    const struct arguments *args = &desk->cli->args;
    size_t count = args->operand_count - args->after_dashes;
    const char **argv = mem_array(count + 1, sizeof *argv);

    if (!argv)
        return err_no_memory(err);
    memcpy(argv, args->operands + args->after_dashes, count * sizeof *argv);
    const struct attend_plan plan = { argv, (const char *const *)desk->variables, &desk->cli->before };
    bool good = make_variables(desk, err) &&
                attend_start(desk->loop, &plan, ended, desk, &desk->attend, err);
    mem_free(argv);
    return good;
}

static bool tell_ready(const struct desk *desk, struct err *err)
{
    HELD(buf) line = BUF(256 * 1024);

    sandbox_tell(desk->sandbox, &line);
    if (say_json(&line) && fflush(stdout) == 0)
        return true;
    return err_set(err, ERR_IO, "writing to standard output");
}

static bool start(struct desk *desk, const struct sandbox_options *sandbox_options, struct err *err)
{
    const struct arguments *args = &desk->cli->args;
    bool attends = args->after_dashes < args->operand_count;

    return loop_on_signals(desk->loop, signalled, desk, err) &&
           sandbox_start(desk->loop, sandbox_options, &desk->sandbox, err) &&
           (attends ? run_command(desk, err) : tell_ready(desk, err));
}

static void desk_done(struct desk *desk)
{
    attend_free(desk->attend);
    sandbox_free(desk->sandbox);
    for (size_t i = 0; i < desk->variable_count; i++)
        mem_free(desk->variables[i]);
}

static int run(struct cli *cli)
{
    const struct arguments *args = &cli->args;
    struct err err = { 0 };
    const struct knowledge *know = cli_knowledge(cli, &err);
    const struct network *network = know ? cli_network(cli, &err) : NULL;
    uint64_t port = arguments_number(args, "port-base", PORT_BASE);
    const char *dir = arguments_text(args, "dir");

    if (!network)
        return fail_here(cli, &err);
    if (port > UINT16_MAX - 1 || args->after_dashes > 1) {
        err_set(&err, ERR_USAGE, port > UINT16_MAX - 1
                                     ? "--port-base is at most 65534"
                                     : "one provider at a time: outpost sandbox PROVIDER");
        return fail_here(cli, &err);
    }
    struct desk desk = { .cli = cli, .loop = network->loop };
    const struct sandbox_options sandbox_options = {
        .know = know,
        .provider = args->after_dashes ? args->operands[0] : "generic",
        .dir = dir ? dir : "outpost-sandbox",
        .port_base = (uint16_t)port,
        .disk = &disk_system,
        .clock = &clock_system,
        .dice = &dice_system,
    };
    if (start(&desk, &sandbox_options, &err)) {
        loop_run(network->loop);
    } else {
        fail_here(cli, &err);
        desk.status = args->after_dashes < args->operand_count ? EX_NOT_READY
                                                               : err_exit_status(err.kind);
    }
    desk_done(&desk);
    return desk.status;
}

const struct command command_sandbox = {
    .name = "sandbox",
    .takes = "[PROVIDER] [-- COMMAND...]",
    .does = "run a provider on this machine, to try things and to test programs",
    .more = "PROVIDER is generic, outlook.com or another provider's id. When it is ready a line of JSON "
            "tells\nwhere. With a COMMAND, that one is run with SMTP_HOST, SMTP_PORT, SMTP_USER, "
            "SMTP_PASS,\nOUTPOST_CONNECT_TO, OUTPOST_CA_FILE and others set; its exit status is "
            "returned, 69 if the sandbox\ncould not be started.",
    .options = options,
    .option_count = COUNT(options),
    .operands_most = 10000,
    .run = run,
};
