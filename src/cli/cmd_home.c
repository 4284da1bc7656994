/* outpost alone: how things stand, and the next step. */
#include "base/json.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/world.h"

#include "base/banned.h"

static bool tell_json(const struct config *config)
{
    const struct account *by_default = config_default(config);
    HELD(buf) text = BUF(4096);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_number(&json, "accounts", config->account_count);
    json_text(&json, "default", by_default ? by_default->name : NULL);
    json_close(&json);
    return say_json(&text);
}

static int run(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);

    if (!config)
        return fail_here(cli, &err);
    if (cli->json)
        return tell_json(config) ? 0 : err_exit_status(ERR_IO);
    say_heading(cli, "outpost - outgoing mail that gets through");
    if (config->account_count == 0) {
        say(cli, "No account is set up yet. The next step:\n\n  outpost setup you@example.com");
        return 0;
    }
    const struct account *account = config_default(config);
    if (!account)
        account = config->accounts[0];
    say(cli, "%zu account%s; mail goes out as %s through %s.\n", config->account_count,
        config->account_count == 1 ? "" : "s", account->address, account->server.name);
    say(cli, "  outpost send friend@example.com -s Hello < letter.txt\n"
             "  outpost account\n"
             "  outpost help");
    return 0;
}

const struct command command_home = {
    .name = "",
    .takes = "",
    .does = "tell how things stand, and the next step",
    .run = run,
};
