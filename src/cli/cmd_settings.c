/* outpost settings ADDRESS: server, port, encryption, sign-in - and who says so. */
#include "cli/failure.h"
#include "cli/finding.h"
#include "cli/print.h"

#include "base/banned.h"

static const struct option options[] = {
    { 0, "offline", OPTION_FLAG, NULL, "ask nobody: only what outpost knows itself" },
};

static int tell_json(const char *address, const struct discovery *discovery)
{
    HELD(buf) text = BUF(256 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    finding_json(&json, address, discovery, NULL);
    json_close(&json);
    if (!say_json(&text))
        return err_exit_status(ERR_IO);
    return discovery->candidates.count ? 0 : err_exit_status(ERR_NAME);
}

static int tell(struct cli *cli, const struct address *address, const struct discovery *discovery)
{
    const struct profile *profile = discovery->profile;
    struct err err = { 0 };

    if (cli->verbose || discovery->candidates.count == 0)
        finding_looks(cli, discovery);
    if (discovery->candidates.count == 0) {
        (void)discovery_empty(discovery, address->wire, &err);
        return fail_here(cli, &err);
    }
    if (profile)
        say_heading(cli, "%s: %s", address->wire, profile->name);
    else
        say_heading(cli, "%s", address->wire);
    say(cli, "%s", "");
    finding_table(cli, &discovery->candidates, NULL);
    say(cli, "%s", "");
    if (*discovery->candidates.at[0].username)
        finding_line(cli, "User name", discovery->candidates.at[0].username);
    else if (profile && profile->username_note)
        finding_line(cli, "User name", profile->username_note);
    if (profile)
        finding_profile(cli, profile);
    say(cli, "\nSet it up and prove it: outpost setup %s", address->wire);
    return 0;
}

static int run(struct cli *cli)
{
    bool offline = arguments_has(&cli->args, "offline");
    struct err err = { 0 };
    struct address address = { 0 };
    OWN(discovery) discovery = NULL;

    if (!finding_address(cli->args.operands[0], &address, &err) ||
        !finding_run(cli, address.wire, offline, &discovery, &err)) {
        address_done(&address);
        return fail_here(cli, &err);
    }
    int status = cli->json ? tell_json(address.wire, discovery) : tell(cli, &address, discovery);
    address_done(&address);
    return status;
}

const struct command command_settings = {
    .name = "settings",
    .takes = "ADDRESS",
    .does = "show the mail settings for an address, and who says so",
    .options = options,
    .option_count = COUNT(options),
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
