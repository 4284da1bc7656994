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
#include "sandbox/scenario.h"

#include "base/banned.h"

static const struct option options[] = {
    { 0, "dir", OPTION_VALUE, "DIR", "keep authority and mail there; default: ./outpost-sandbox" },
    { 0, "port-base", OPTION_NUMBER, "PORT", "PORT speaks STARTTLS, PORT+1 TLS, PORT+2 HTTPS; 0: free ones" },
    { 0, "scenario", OPTION_MANY, "NAME", "what goes wrong there (see below)" },
    { 0, "token-life", OPTION_NUMBER, "SECONDS", "of access tokens; default: an hour" },
    { 0, "device-interval", OPTION_NUMBER, "SECONDS", "between a device's questions; default: the provider's" },
};

enum {
    PORT_BASE = 2500,
    PORT_BASE_MOST = UINT16_MAX - 2,
    EX_NOT_READY = 69,
    VARIABLES_MAX = 12,
    LIFE_MOST = 86400, /* seconds */
};

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

static bool make_web_variables(struct desk *desk, struct err *err)
{
    uint16_t port = sandbox_port_https(desk->sandbox);
    HELD(buf) token = BUF(1024);

    if (!port)
        return true;
    sandbox_token_url(desk->sandbox, &token);
    return add_variable(desk, err, "SANDBOX_URL=https://localhost:%u", (unsigned)port) &&
           (!token.len || add_variable(desk, err, "OAUTH_TOKEN_URL=%s", buf_text(&token)));
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
           add_variable(desk, err, "OUTPOST_CONNECT_TO=%s", buf_text(&detours)) &&
           make_web_variables(desk, err);
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

static bool read_scenarios(const struct arguments *args, unsigned *ret_set, struct err *err)
{
    size_t at = 0;
    enum scenario scenario = SCENARIOS;

    *ret_set = 0;
    for (const char *name; (name = arguments_next(args, "scenario", &at));) {
        if (!scenario_find(span_of(name), &scenario))
            return err_set(err, ERR_USAGE, "there is no scenario \"%.60s\": see outpost sandbox --help", name);
        *ret_set |= 1u << scenario;
    }
    return true;
}

static bool read_options(const struct arguments *args, struct sandbox_options *ret_options, struct err *err)
{
    uint64_t port = arguments_number(args, "port-base", PORT_BASE);
    uint64_t life = arguments_number(args, "token-life", 0);
    uint64_t interval = arguments_number(args, "device-interval", 0);
    const char *dir = arguments_text(args, "dir");

    if (args->after_dashes > 1)
        return err_set(err, ERR_USAGE, "one provider at a time: outpost sandbox PROVIDER");
    if (port > PORT_BASE_MOST)
        return err_set(err, ERR_USAGE, "--port-base is at most %d", PORT_BASE_MOST);
    if (life > LIFE_MOST || interval > LIFE_MOST)
        return err_set(err, ERR_USAGE, "a day is the most: %d seconds", LIFE_MOST);
    *ret_options = (struct sandbox_options){
        .provider = args->after_dashes ? args->operands[0] : "generic",
        .dir = dir ? dir : "outpost-sandbox",
        .port_base = (uint16_t)port,
        .token_life_ms = life * 1000,
        .device_interval_ms = interval * 1000,
        .disk = &disk_system,
        .clock = &clock_system,
        .dice = &dice_system,
    };
    return read_scenarios(args, &ret_options->scenarios, err);
}

static int run(struct cli *cli)
{
    const struct arguments *args = &cli->args;
    struct err err = { 0 };
    struct sandbox_options sandbox_options;
    const struct knowledge *know = cli_knowledge(cli, &err);
    const struct network *network = know ? cli_network(cli, &err) : NULL;

    if (!network || !read_options(args, &sandbox_options, &err))
        return fail_here(cli, &err);
    sandbox_options.know = know;
    struct desk desk = { .cli = cli, .loop = network->loop };
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

#define X(id, name, does) "\n  " name ": " does "."

const struct command command_sandbox = {
    .name = "sandbox",
    .takes = "[PROVIDER] [-- COMMAND...]",
    .does = "run a provider on this machine, to try things and to test programs",
    .more = "PROVIDER is generic, outlook.com or another provider's id. When it is ready a line of JSON "
            "tells\nwhere. With a COMMAND, that one is run with SMTP_HOST, SMTP_PORT, SMTP_USER, "
            "SMTP_PASS,\nOUTPOST_CONNECT_TO, OUTPOST_CA_FILE and others set; its exit status is "
            "returned, 69 if the sandbox\ncould not be started.\n\n"
            "It plays the provider's sign-in (OAuth) and its HTTPS API, too, at SANDBOX_URL and, for who "
            "uses the\ndetours, at the provider's own addresses. A device code is agreed to at SANDBOX_URL/device, "
            "or by a\nscript:\n\n"
            "  curl --cacert DIR/ca.pem -d user_code=CODE -d user=ADDRESS -d choice=allow $SANDBOX_URL/sandbox/approve\n\n"
            "and likewise -d name=SCENARIO -d on=yes to /sandbox/scenario, -d advance=SECONDS to "
            "/sandbox/clock.\nOther servers check its tokens by -d token=TOKEN to /sandbox/introspect.\n\n"
            "Scenarios:" SCENARIO_LIST(X),
    .options = options,
    .option_count = COUNT(options),
    .operands_most = 10000,
    .run = run,
};
#undef X
