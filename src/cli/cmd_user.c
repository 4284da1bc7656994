/* outpost user ...: who may sign in at the gateway. */
#include "account/password.h"
#include "cli/card.h"
#include "cli/failure.h"
#include "cli/in_force.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/section.h"
#include "cli/world.h"

#include "base/banned.h"

static const struct option add_options[] = {
    { 0, "password-stdin", OPTION_FLAG, NULL, "read the password from the first line of standard input" },
    { 0, "hash-only", OPTION_FLAG, NULL, "print the section, and write nothing" },
    { 0, "accounts", OPTION_MANY, "NAMES", "the accounts that may be used; default: all" },
};

static bool set(struct user_settings *user, const char *key, const struct buf *value, struct err *err)
{
    const struct setting_origin origin = { .from = "the command line" };
    struct span text = { buf_text(value), value->len };

    if (value->full)
        return err_no_memory(err);
    return settings_set(user_part.kind, key, text, origin, user, user->origins, err);
}

/* What is kept of the password. */
static bool take_password(struct user_settings *user, const struct secret *password, struct err *err)
{
    HELD(buf) hash = BUF(PASSWORD_HASH_MAX), scram = BUF(PASSWORD_SCRAM_MAX);
    struct password_scram keys;

    if (!password_hash(password, &hash, err) || !password_scram(password, &dice_system, &keys, err))
        return false;
    password_scram_write(&keys, &scram);
    return set(user, "password", &hash, err) && set(user, "scram_sha_256", &scram, err);
}

static bool take_accounts(const struct cli *cli, struct user_settings *user, struct err *err)
{
    HELD(buf) names = BUF(64 * 1024);
    const char *name;

    for (size_t at = 0; (name = arguments_next(&cli->args, "accounts", &at));)
        buf_addf(&names, "%s%s", names.len ? ", " : "", name);
    return !names.len || set(user, "accounts", &names, err);
}

/* The password: from standard input, or made up here. */
static bool get_password(const struct cli *cli, struct secret **ret_password, struct err *err)
{
    if (!arguments_has(&cli->args, "password-stdin"))
        return password_make_up(&dice_system, ret_password, err);
    return input_secret_line(ret_password, err) && password_check(secret_bytes(*ret_password), err);
}

static bool is_new(const struct cli *cli, const struct config *config, const char *name, struct err *err)
{
    if (!setting_name_check(span_of(name), err)) {
        if (err)
            err->kind = ERR_USAGE;
        return false;
    }
    return arguments_has(&cli->args, "hash-only") || !config_section(config, &user_part, name) ||
           err_set(err, ERR_USAGE, "there is a user %s already; outpost user remove %s takes it away", name,
                   name);
}

static void accounts_members(struct json *json, const struct user_settings *user)
{
    json_open(json, "accounts", '[');
    for (size_t i = 0; i < user->accounts.count; i++)
        json_text(json, NULL, user->accounts.at[i]);
    json_close(json);
}

/* `password` NULL: it is not ours to tell. */
static bool added_json(struct cli *cli, const struct config *config, const struct user_settings *user,
                       const struct secret *password)
{
    HELD(buf) text = BUF(64 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_text(&json, "name", user->name);
    if (password)
        json_span(&json, "password", secret_bytes(password));
    if (arguments_has(&cli->args, "hash-only")) {
        json_text(&json, "hash", user->password);
        json_text(&json, "scram_sha_256", user->scram_sha_256);
    }
    accounts_members(&json, user);
    card_members(cli, &json, config);
    json_close(&json);
    return say_json(&text);
}

static void add_accounts(const struct user_settings *user, struct buf *out)
{
    for (size_t i = 0; i < user->accounts.count; i++)
        buf_addf(out, "%s%s", i ? ", " : "", user->accounts.at[i]);
}

static void print_section(const struct cli *cli, const struct user_settings *user, const struct secret *password)
{
    if (password)
        note(cli, "The password is %.*s (shown this once).", SPAN_ARG(secret_bytes(password)));
    say(cli, "[user %s]\npassword = %s\nscram_sha_256 = %s", user->name, user->password, user->scram_sha_256);
    if (user->accounts.count) {
        HELD(buf) accounts = BUF(64 * 1024);
        add_accounts(user, &accounts);
        say(cli, "accounts = %s", buf_text(&accounts));
    }
}

static int add(struct cli *cli, struct user_settings *user)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    OWN(secret) password = NULL;

    if (!config || !is_new(cli, config, user->name, &err) || !get_password(cli, &password, &err) ||
        !take_password(user, password, &err) || !take_accounts(cli, user, &err) ||
        !user_part.check(user, config, &err))
        return fail_here(cli, &err);
    if (!arguments_has(&cli->args, "hash-only") &&
        !config_write_section(cli_place(cli, NULL), &disk_system, &user_part, user->name, user, &err))
        return fail_here(cli, &err);
    if (!arguments_has(&cli->args, "hash-only"))
        (void)in_force_now(cli);
    const struct secret *shown = arguments_has(&cli->args, "password-stdin") ? NULL : password;
    if (cli->json)
        return added_json(cli, config, user, shown) ? 0 : err_exit_status(ERR_IO);
    if (arguments_has(&cli->args, "hash-only")) {
        print_section(cli, user, shown);
        return 0;
    }
    say(cli, "%s may sign in now. What the device or program wants to know:\n", user->name);
    card_show(cli, config, user->name, shown);
    return 0;
}

static int run_add(struct cli *cli)
{
    struct user_settings user = { .name = cli->args.operands[0] };
    int status = add(cli, &user);

    settings_done(user_part.kind, &user);
    return status;
}

/* `asks`: what was refused to them, too. */
static bool user_json(struct cli *cli, const struct user_settings *user, bool asks)
{
    HELD(buf) text = BUF(64 * 1024);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_text(&json, "name", user->name);
    accounts_members(&json, user);
    json_bool(&json, "password", user->password != NULL);
    json_bool(&json, "scram", user->scram_sha_256 != NULL);
    if (asks)
        refusals_member(cli, &json, "user", user->name);
    json_close(&json);
    return say_json(&text);
}

static int run_list(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    const struct user_settings *user;
    int name = 0;
    size_t at;

    if (!config)
        return fail_here(cli, &err);
    for (at = 0; (user = config_next(config, &user_part, &at));)
        name = column_width(name, user->name);
    if (!name && !cli->json)
        say(cli, "There is no user. The way to one: outpost user add NAME");
    for (at = 0; (user = config_next(config, &user_part, &at));) {
        HELD(buf) accounts = BUF(64 * 1024);
        add_accounts(user, &accounts);
        if (cli->json)
            user_json(cli, user, false);
        else
            say(cli, "%-*s  %s", name, user->name, accounts.len ? buf_text(&accounts) : "every account");
    }
    return 0;
}

static int run_show(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    const char *name = cli->args.operands[0];
    const struct user_settings *user = config ? config_find_section(config, &user_part, name, &err) : NULL;

    if (!user)
        return fail_here(cli, &err);
    if (cli->json)
        return user_json(cli, user, true) ? 0 : err_exit_status(ERR_IO);
    section_show(cli, &(struct config_view){ user_part.kind, name, user, user->origins }, true);
    say(cli, "%s", "");
    card_show(cli, config, user->name, NULL);
    refusals_show(cli, "user", name);
    return 0;
}

static int run_remove(struct cli *cli)
{
    int status = section_remove(cli, &user_part, "user");

    if (status == 0)
        (void)in_force_now(cli);
    return status;
}

const struct command command_user = {
    .name = "user",
    .takes = "",
    .does = "list who may sign in at the gateway",
    .run = run_list,
};

const struct command command_user_list = {
    .name = "user list",
    .takes = "",
    .does = "the same as user",
    .run = run_list,
};

const struct command command_user_add = {
    .name = "user add",
    .takes = "NAME",
    .does = "let a device or a program sign in, with a password made for it",
    .options = add_options,
    .option_count = COUNT(add_options),
    .operands_least = 1,
    .operands_most = 1,
    .run = run_add,
};

const struct command command_user_show = {
    .name = "user show",
    .takes = "NAME",
    .does = "show a user's settings, what the device wants to know, and what was refused to it last",
    .operands_least = 1,
    .operands_most = 1,
    .run = run_show,
};

const struct command command_user_remove = {
    .name = "user remove",
    .takes = "NAME",
    .does = "take a user away",
    .options = section_remove_options,
    .option_count = SECTION_REMOVE_OPTIONS,
    .operands_least = 1,
    .operands_most = 1,
    .run = run_remove,
};
