/* outpost listen ...: where devices and programs hand mail in. */
#include "cli/card.h"
#include "cli/failure.h"
#include "cli/in_force.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/section.h"
#include "cli/world.h"

#include "base/banned.h"

/* The options that set a key; the others are everyday ones. */
static const struct {
    const char *option, *key;
} keys[] = {
    { "address", "address" },
    { "security", "security" },
    { "allow", "allow" },
    { "no-password-from", "no_password_from" },
    { "tls-minimum", "tls_minimum" },
    { "plaintext-auth", "plaintext_auth" },
    { "line-ends", "line_ends" },
    { "account", "account" },
};

static const struct option add_options[] = {
    { 0, "address", OPTION_VALUE, "ADDRESS:PORT", "where it listens: 0.0.0.0:587, [::1]:25, *:465, unix:/PATH" },
    { 0, "security", OPTION_VALUE, "WORD", "starttls (the default), tls, auto (both on one port), none" },
    { 0, "allow", OPTION_MANY, "NETWORKS", "who may come in: private (the default), any, or networks" },
    { 0, "no-password-from", OPTION_MANY, "NETWORKS", "networks that need no sign-in" },
    { 0, "tls-minimum", OPTION_VALUE, "VERSION", "1.0, 1.1, 1.2 (the default), 1.3" },
    { 0, "plaintext-auth", OPTION_FLAG, NULL, "take passwords without TLS, from networks that --allow names" },
    { 0, "line-ends", OPTION_VALUE, "WORD", "strict (the default), or repair: mend a bare LF" },
    { 0, "account", OPTION_VALUE, "NAME", "the account that sends; default: by the sender" },
};

/* All values given for an option, with commas between them. */
static void values_of(const struct cli *cli, const char *option, struct buf *out)
{
    const char *value;

    for (size_t at = 0; (value = arguments_next(&cli->args, option, &at));)
        buf_addf(out, "%s%s", out->len ? ", " : "", value);
}

static bool take_options(const struct cli *cli, struct listen_settings *listen, struct err *err)
{
    const struct setting_origin origin = { .from = "the command line" };
    const struct setting_kind *kind = listen_part.kind;

    for (size_t i = 0; i < COUNT(keys); i++) {
        HELD(buf) value = BUF(64 * 1024);
        if (!arguments_has(&cli->args, keys[i].option))
            continue;
        if (option_find(cli->args.command, span_of(keys[i].option))->kind == OPTION_FLAG)
            buf_add(&value, "yes");
        else if (option_find(cli->args.command, span_of(keys[i].option))->kind == OPTION_MANY)
            values_of(cli, keys[i].option, &value);
        else
            buf_add(&value, arguments_text(&cli->args, keys[i].option));
        if (value.full)
            return err_no_memory(err);
        struct span text = { buf_text(&value), value.len };
        if (!settings_set(kind, keys[i].key, text, origin, listen, listen->origins, err))
            return false;
    }
    return settings_fill(kind, listen, listen->origins, err);
}

/* `asks`: what was refused there, too. */
static bool listen_json(struct cli *cli, const struct listen_settings *listen, bool asks)
{
    HELD(buf) text = BUF(64 * 1024), server = BUF(512);
    struct json json = json_to(&text);
    struct listen_address address = { .where = LISTEN_AT_IP };

    if (!listen_address(listen, &address))
        return false;
    card_server(cli, listen, &server);
    json_open(&json, NULL, '{');
    json_text(&json, "name", listen->name);
    json_text(&json, "address", listen->address);
    json_text(&json, "server", buf_text(&server));
    json_number(&json, "port", address.port);
    json_text(&json, "security", gateway_security_word(listen->security));
    json_text(&json, "account", listen->account);
    json_bool(&json, "weak", listen_weaknesses(listen) != 0);
    if (asks)
        refusals_member(cli, &json, "listener", listen->name);
    json_close(&json);
    return say_json(&text);
}

static bool is_new(const struct config *config, const char *name, struct err *err)
{
    if (!setting_name_check(span_of(name), err)) {
        if (err)
            err->kind = ERR_USAGE;
        return false;
    }
    return !config_section(config, &listen_part, name) ||
           err_set(err, ERR_USAGE, "there is a listener %s already; outpost listen remove %s takes it away",
                   name, name);
}

static int add(struct cli *cli, struct listen_settings *listen)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);

    if (!config || !is_new(config, listen->name, &err) || !take_options(cli, listen, &err) ||
        !listen_part.check(listen, config, &err) ||
        !config_write_section(cli_place(cli, NULL), &disk_system, &listen_part, listen->name, listen, &err))
        return fail_here(cli, &err);
    card_warn(cli, listen);
    bool runs = in_force_now(cli);
    if (cli->json)
        return listen_json(cli, listen, false) ? 0 : err_exit_status(ERR_IO);
    say(cli, "The listener %s is set up: %s, %s.", listen->name, listen->address,
        gateway_security_word(listen->security));
    if (!runs)
        say(cli, "It listens as soon as outpost serve runs.");
    if (!listen->no_password_from.count) {
        size_t at = 0;
        if (!config_next(config, &user_part, &at))
            say(cli, "Nobody can sign in there yet: outpost user add NAME");
    }
    return 0;
}

static int run_add(struct cli *cli)
{
    struct listen_settings listen = { .name = cli->args.operands[0] };
    int status = add(cli, &listen);

    settings_done(listen_part.kind, &listen);
    return status;
}

static int run_list(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    const struct listen_settings *listen;
    int name = 0, address = 0;
    size_t at;

    if (!config)
        return fail_here(cli, &err);
    for (at = 0; (listen = config_next(config, &listen_part, &at));) {
        name = column_width(name, listen->name);
        address = column_width(address, listen->address);
    }
    if (!name && !cli->json)
        say(cli, "There is no listener. The way to one: outpost listen add submission --address 0.0.0.0:587");
    for (at = 0; (listen = config_next(config, &listen_part, &at));) {
        if (cli->json)
            listen_json(cli, listen, false);
        else
            say(cli, "%-*s  %-*s  %s, %s%s", name, listen->name, address, listen->address,
                gateway_security_word(listen->security), listen->account,
                listen_weaknesses(listen) ? ", weak: see outpost listen show" : "");
    }
    return 0;
}

static int run_show(struct cli *cli)
{
    struct err err = { 0 };
    const struct config *config = cli_config(cli, &err);
    const char *name = cli->args.operands[0];
    const struct listen_settings *listen = config ? config_find_section(config, &listen_part, name, &err) : NULL;

    if (!listen)
        return fail_here(cli, &err);
    card_warn(cli, listen);
    if (cli->json)
        return listen_json(cli, listen, true) ? 0 : err_exit_status(ERR_IO);
    section_show(cli, &(struct config_view){ listen_part.kind, name, listen, listen->origins }, true);
    refusals_show(cli, "listener", name);
    return 0;
}

static int run_remove(struct cli *cli)
{
    int status = section_remove(cli, &listen_part, "listener");

    if (status == 0)
        (void)in_force_now(cli);
    return status;
}

const struct command command_listen = {
    .name = "listen",
    .takes = "",
    .does = "list where devices and programs hand mail in",
    .run = run_list,
};

const struct command command_listen_list = {
    .name = "listen list",
    .takes = "",
    .does = "the same as listen",
    .run = run_list,
};

const struct command command_listen_add = {
    .name = "listen add",
    .takes = "NAME --address ADDRESS:PORT",
    .does = "take mail from devices and programs at an address",
    .more = "Private networks may come in, and whoever signs in as one of outpost user. What weakens it - passwords\n"
            "without TLS, TLS before 1.2, no TLS - is taken only together with an --allow that names networks.",
    .options = add_options,
    .option_count = COUNT(add_options),
    .operands_least = 1,
    .operands_most = 1,
    .run = run_add,
};

const struct command command_listen_show = {
    .name = "listen show",
    .takes = "NAME",
    .does = "show a listener's settings, where each comes from, and what was refused there last",
    .operands_least = 1,
    .operands_most = 1,
    .run = run_show,
};

const struct command command_listen_remove = {
    .name = "listen remove",
    .takes = "NAME",
    .does = "take a listener away",
    .options = section_remove_options,
    .option_count = SECTION_REMOVE_OPTIONS,
    .operands_least = 1,
    .operands_most = 1,
    .run = run_remove,
};
