/* outpost account ...: what is set up, from where each value comes, and taking it away again. */
#include <stdio.h>

#include "base/str.h"
#include "cli/failure.h"
#include "cli/forecast.h"
#include "cli/in_force.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/secrets.h"
#include "cli/section.h"
#include "cli/way.h"
#include "cli/world.h"

#include "base/banned.h"

enum { WHERE_MOST = 2 * 4096 };

static const char *const auth_words[] = { "", "oauth", "token", "password", "none", "certificate" };

static void account_members(struct cli *cli, struct json *json, const struct config *config,
                            const struct account *account)
{
    struct health_report report;
    const struct account *by_default = config_default(config);

    json_text(json, "name", account->name);
    json_text(json, "address", account->address);
    json_text(json, "provider", account->provider);
    json_text(json, "server", account->server.name);
    json_number(json, "port", account->server.port);
    json_text(json, "security", security_word(account_security(account)));
    json_text(json, "auth", auth_words[account->auth]);
    json_text(json, "username", account->username);
    json_bool(json, "default", by_default == account);
    forecast(cli, account, &report);
    forecast_json(json, &report);
}

static bool json_line(struct cli *cli, const struct config *config, const struct account *account)
{
    HELD(buf) text = BUF(16 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    account_members(cli, &json, config, account);
    json_close(&json);
    return say_json(&text);
}

/* A sign-in by OAuth is kept as a grant, and no secret of the person's. */
static bool needs_secret(const struct account *account, enum secret_which which)
{
    return which == SECRET_SIGN_IN ? account->auth == ACCOUNT_AUTH_PASSWORD || account->auth == ACCOUNT_AUTH_TOKEN
                                   : secret_source(account, which) != NULL;
}

static void list_line(struct cli *cli, const struct config *config,
                      const struct account *account)
{
    struct health_report report;
    HELD(buf) health = BUF(400);
    int name = 0, address = 1;

    for (size_t i = 0; i < config->account_count; i++) {
        name = column_width(name, config->accounts[i]->name);
        address = column_width(address, config->accounts[i]->address);
    }
    say(cli, "%c %-*s  %-*s  %s:%u %s, %s", config_default(config) == account ? '*' : ' ', name,
        account->name, address, account->address ? account->address : "-", account->server.name,
        account->server.port, security_word(account_security(account)), auth_words[account->auth]);
    forecast(cli, account, &report);
    forecast_words(&report, &health);
    if (health.len)
        say(cli, "    %s", buf_text(&health));
}

static int run_list(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);

    if (!config)
        return fail_here(cli, &err);
    if (config->account_count == 0 && !cli->json)
        say(cli, "No account is set up. The way to one: outpost setup ADDRESS");
    for (size_t i = 0; i < config->account_count; i++) {
        const struct account *account = config->accounts[i];
        if (cli->json)
            json_line(cli, config, account);
        else
            list_line(cli, config, account);
    }
    return 0;
}

/* The one named, else the default. */
static const struct account *chosen(struct cli *cli, const struct config **ret_config,
                                    struct err *err)
{
    const struct account *account;
    const char *name = cli->args.operand_count ? cli->args.operands[0] : NULL;

    *ret_config = cli_config(cli, err);
    if (!*ret_config || !config_choose(*ret_config, name, SPAN_NONE, &account, err))
        return NULL;
    return account;
}

static void secret_json(struct json *json, const char *key, const char *source, const struct buf *where)
{
    json_open(json, NULL, '{');
    json_text(json, "key", key);
    json_text(json, "source", source);
    json_text(json, "where", buf_text(where));
    json_close(json);
}

static bool show_json(struct cli *cli, const struct config *config, const struct account *account,
                      const struct secret_world *world)
{
    HELD(buf) text = BUF(32 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    account_members(cli, &json, config, account);
    json_open(&json, "secrets", '[');
    for (enum secret_which which = 0; which < SECRET_KINDS; which++) {
        HELD(buf) where = BUF(WHERE_MOST);
        if (!needs_secret(account, which))
            continue;
        secret_describe(world, account, which, &where);
        secret_json(&json, secret_key(which), secret_source(account, which), &where);
    }
    if (account->auth == ACCOUNT_AUTH_OAUTH) {
        HELD(buf) where = BUF(WHERE_MOST);
        grant_describe(world, account, &where);
        secret_json(&json, "sign_in", "file", &where);
    }
    json_close(&json);
    way_json(&json, account, world);
    json_close(&json);
    return say_json(&text);
}

static void show_secrets(const struct cli *cli, const struct account *account,
                         const struct secret_world *world)
{
    for (enum secret_which which = 0; which < SECRET_KINDS; which++) {
        HELD(buf) where = BUF(WHERE_MOST);
        if (!needs_secret(account, which))
            continue;
        secret_describe(world, account, which, &where);
        say(cli, "# %s: %s", secret_key(which), buf_text(&where));
    }
    if (account->auth == ACCOUNT_AUTH_OAUTH) {
        HELD(buf) where = BUF(WHERE_MOST);
        grant_describe(world, account, &where);
        say(cli, "# sign-in: %s", buf_text(&where));
    }
}

static void show_health(struct cli *cli, const struct account *account)
{
    struct health_report report;
    HELD(buf) words = BUF(400);

    forecast(cli, account, &report);
    forecast_words(&report, &words);
    if (words.len)
        say(cli, "# %s", buf_text(&words));
}

static int run_show(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config;
    const struct account *account = chosen(cli, &config, &err);
    struct secret_world world;

    if (!account || !cli_secrets(cli, &world, &err))
        return fail_here(cli, &err);
    if (cli->json)
        return show_json(cli, config, account, &world) ? 0 : err_exit_status(ERR_IO);
    section_show(cli, &(struct config_view){ &account_kind, account->name, account, account->origins }, true);
    show_secrets(cli, account, &world);
    show_health(cli, account);
    way_show(cli, account, &world);
    return 0;
}

static int run_default(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config;
    const struct account *account = chosen(cli, &config, &err);

    if (!account || !config_set_default(cli_place(cli, NULL), &disk_system, account->name, &err))
        return fail_here(cli, &err);
    (void)in_force_now(cli);
    say(cli, "%s is the default account now.", account->name);
    return !cli->json || section_changed_json(account->name, "default") ? 0 : err_exit_status(ERR_IO);
}

static int run_remove(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config;
    const struct account *account = chosen(cli, &config, &err);
    struct secret_world world;
    HELD(buf) question = BUF(400);

    if (!account)
        return fail_here(cli, &err);
    buf_addf(&question, "Remove the account %s (%s) and what it signs in with?", account->name,
             account->address);
    if (!arguments_has(&cli->args, "yes") && !cli->may_ask) {
        err_set(&err, ERR_USAGE, "removing an account wants to be confirmed: add --yes");
        return fail_here(cli, &err);
    }
    if (!arguments_has(&cli->args, "yes") && !input_yes(cli, buf_text(&question)))
        return 1;
    bool kept_here = secret_is_ours(account, SECRET_SIGN_IN);
    if (!cli_secrets(cli, &world, &err) ||
        !config_remove_account(cli_place(cli, NULL), &disk_system, config, account->name, &err) ||
        !way_forget(&world, account, &err) || !grant_forget(&world, account, &err))
        return fail_here(cli, &err);
    (void)in_force_now(cli);
    for (enum secret_which which = 0; which < SECRET_KINDS; which++)
        if (!secrets_forget(cli, account, which, &err)) {
            err_in(&err, "the account is gone, but not all that was kept for it");
            return fail_here(cli, &err);
        }
    say(cli, "The account %s is gone%s.", account->name,
        account->auth == ACCOUNT_AUTH_OAUTH ? ", and its sign-in with it"
        : kept_here                         ? ", and its password with it"
                                            : "; its password stays where it is");
    return !cli->json || section_changed_json(account->name, "removed") ? 0 : err_exit_status(ERR_IO);
}

const struct command command_account = {
    .name = "account",
    .takes = "",
    .does = "list the accounts; the default is marked",
    .run = run_list,
};

const struct command command_account_list = {
    .name = "account list",
    .takes = "",
    .does = "the same as account",
    .run = run_list,
};

const struct command command_account_show = {
    .name = "account show",
    .takes = "[NAME]",
    .does = "show an account's settings, and where each comes from",
    .operands_most = 1,
    .run = run_show,
};

const struct command command_account_default = {
    .name = "account default",
    .takes = "NAME",
    .does = "use this account where the sender decides nothing",
    .operands_least = 1,
    .operands_most = 1,
    .run = run_default,
};

static const struct option remove_options[] = {
    { 'y', "yes", OPTION_FLAG, NULL, "don't ask" },
};

const struct command command_account_remove = {
    .name = "account remove",
    .takes = "NAME",
    .does = "take an account away, with its stored password",
    .options = remove_options,
    .option_count = COUNT(remove_options),
    .operands_least = 1,
    .operands_most = 1,
    .run = run_remove,
};
