/* outpost config ...: is the configuration good, and what is in it? */
#include "base/json.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/section.h"
#include "cli/world.h"

#include "base/banned.h"

static bool json_files(const struct config *config)
{
    HELD(buf) text = BUF(64 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_bool(&json, "ok", true);
    json_open(&json, "files", '[');
    for (size_t i = 0; i < config->file_count; i++)
        json_text(&json, NULL, config->files[i]);
    json_close(&json);
    json_close(&json);
    return say_json(&text);
}

static int run_check(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);

    if (!config)
        return fail_here(cli, &err);
    if (cli->json)
        return json_files(config) ? 0 : err_exit_status(ERR_IO);
    for (size_t i = 0; i < config->file_count; i++)
        say(cli, "%s: good", config->files[i]);
    if (config->file_count == 0)
        say(cli, "There is no configuration yet; it would stand in %s", config->main);
    return 0;
}

static int run_show(struct cli *cli)
{
    struct err err = { 0 };
    bool defaults = arguments_has(&cli->args, "defaults"), some = false;
    const struct config *config = cli_config(cli, &err);
    struct config_view view;

    if (!config)
        return fail_here(cli, &err);
    for (size_t at = 0; config_view(config, at, &view); at++) {
        if (!section_has_lines(&view, defaults))
            continue;
        if (cli->json && !section_json(&view, defaults))
            return err_exit_status(ERR_IO);
        if (some)
            say(cli, "%s", "");
        section_show(cli, &view, defaults);
        some = true;
    }
    if (!some && !cli->json)
        say(cli, "Nothing is configured; it would stand in %s", config->main);
    return 0;
}

const struct command command_config_check = {
    .name = "config check",
    .takes = "",
    .does = "read the configuration, and name the file and line of what is wrong in it",
    .run = run_check,
};

static const struct option show_options[] = {
    { 0, "defaults", OPTION_FLAG, NULL, "what nobody wrote, too: defaults, and what is known of the provider" },
};

const struct command command_config_show = {
    .name = "config show",
    .takes = "",
    .does = "show the configuration as it was read, and where each value comes from",
    .options = show_options,
    .option_count = COUNT(show_options),
    .run = run_show,
};

const struct command command_config = {
    .name = "config",
    .takes = "",
    .does = "the same as config show",
    .options = show_options,
    .option_count = COUNT(show_options),
    .run = run_show,
};
