/* outpost account secret, outpost account seal: where secrets are kept, and with which key, changed. */
#include "account/seal_key.h"
#include "account/sealed_file.h"
#include "base/alloc.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/in_force.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/secrets.h"
#include "cli/world.h"
#include "os/file.h"
#include "os/lock.h"

#include "base/banned.h"

/* ---- account secret ---- */

struct move {
    struct cli *cli;
    const struct account *from; /* as configured */
    struct account *to;         /* the same, with the new source */
    enum secret_which which;
    struct secret *secret;
};

static bool which_of(const struct cli *cli, enum secret_which *ret_which, struct err *err)
{
    const char *word = arguments_text(&cli->args, "of");

    for (*ret_which = 0; *ret_which < SECRET_KINDS; ++*ret_which)
        if (!word || strcmp(word, secret_key(*ret_which)) == 0)
            return true;
    return err_set(err, ERR_USAGE, "--of takes secret, client_secret or certificate");
}

/* The password's one line; of a certificate all there is. */
static bool read_input(enum secret_which which, struct secret **ret_secret, struct err *err)
{
    HELD(buf) text = BUF(SECRET_MAX);

    if (which != SECRET_CERTIFICATE)
        return input_secret_line(ret_secret, err);
    if (!input_all(&text, err))
        return false;
    *ret_secret = secret_take(&text);
    return *ret_secret || err_no_memory(err);
}

static bool take_secret(struct move *m, struct err *err)
{
    if (arguments_has(&m->cli->args, "stdin"))
        return read_input(m->which, &m->secret, err);
    return secrets_fetch(m->cli, m->from, m->which, &m->secret, err);
}

/* A place that is not ours must hold the same already, or the account would be cut off. */
static bool check_there(struct move *m, struct err *err)
{
    OWN(secret) there = NULL;

    if (!secrets_fetch(m->cli, m->to, m->which, &there, err))
        return false;
    return str_equal_secret(secret_bytes(there), secret_bytes(m->secret)) ||
           err_set(err, ERR_CONFIG, "account %s: another secret is there than the one it has now; nothing "
                                    "was changed", m->from->name);
}

/* At each step the account works: the new place holds it before the account points there, and the old one
 * is emptied last. */
static bool move(struct move *m, struct err *err)
{
    const char *old = secret_source(m->from, m->which), *source = secret_source(m->to, m->which);
    bool stays = old && strcmp(old, source) == 0;
    const struct place *place = cli_place(m->cli, err);

    if (!place || (!stays && !config_account_is_ours(place, m->from, err)) || !take_secret(m, err))
        return false;
    if (secret_is_ours(m->to, m->which) ? !secrets_keep(m->cli, m->to, m->which, m->secret, err)
                                        : !check_there(m, err))
        return false;
    if (stays)
        return true;
    return config_write_account(place, &disk_system, m->to, err) &&
           (!old || secrets_forget(m->cli, m->from, m->which, err));
}

static bool prepare(struct move *m, struct err *err)
{
    const char *const *operands = m->cli->args.operands;
    const struct config *config = cli_config(m->cli, err);

    if (!which_of(m->cli, &m->which, err) || !config ||
        !config_choose(config, operands[0], SPAN_NONE, &m->from, err) ||
        !account_copy(m->from, &m->to, err))
        return false;
    if (account_set(m->to, secret_key(m->which), span_of(operands[1]), err))
        return true;
    if (err && err->kind == ERR_CONFIG)
        err->kind = ERR_USAGE;
    return false;
}

static int tell(const struct move *m)
{
    HELD(buf) where = BUF(2 * 4096), text = BUF(4 * 4096);
    struct json json = json_to(&text);
    struct secret_world world;

    if (cli_secrets(m->cli, &world, NULL))
        secret_describe(&world, m->to, m->which, &where);
    say(m->cli, "%s of %s: %s", secret_key(m->which), m->to->name, buf_text(&where));
    if (!m->cli->json)
        return 0;
    json_open(&json, NULL, '{');
    json_text(&json, "name", m->to->name);
    json_text(&json, "key", secret_key(m->which));
    json_text(&json, "source", secret_source(m->to, m->which));
    json_text(&json, "where", buf_text(&where));
    json_close(&json);
    return say_json(&text) ? 0 : err_exit_status(ERR_IO);
}

static int run_secret(struct cli *cli)
{
    struct move m = { .cli = cli };
    struct err err = { 0 };
    bool moved = prepare(&m, &err) && move(&m, &err);
    int status = moved ? tell(&m) : fail_here(cli, &err);

    if (moved)
        (void)in_force_now(cli);
    account_free(m.to);
    secret_free(m.secret);
    return status;
}

static const struct option secret_options[] = {
    { 0, "of", OPTION_VALUE, "KEY", "secret (the password or token; the default), client_secret, certificate" },
    { 0, "stdin", OPTION_FLAG, NULL, "a new one, from standard input: the first line; of a certificate all" },
};

const struct command command_account_secret = {
    .name = "account secret",
    .takes = "NAME SOURCE",
    .does = "keep its secret elsewhere: file (sealed), keyring, systemd:NAME, command:...",
    .options = secret_options,
    .option_count = COUNT(secret_options),
    .operands_least = 2,
    .operands_most = 2,
    .run = run_secret,
};

/* ---- account seal ---- */

#define GRANTS "grants"
static const char *const folders[] = { "secrets", "pending", GRANTS };

struct sealing {
    const struct secret_world *world;
    enum sealed_key to;
    size_t moved, stayed;
};

static bool seal_file(struct sealing *s, struct sealed_file file, struct err *err)
{
    enum sealed_key kept;

    if (!sealed_file_key(s->world, file, &kept, err))
        return err_in(err, "%s/%s", file.folder, file.name);
    if (kept == s->to) {
        s->stayed++;
        return true;
    }
    s->moved++;
    return sealed_file_move(s->world, file, s->to, err);
}

/* A sign-in that is being renewed just now would be sealed with the former key behind our back. */
static bool seal_grant(struct sealing *s, struct sealed_file file, struct err *err)
{
    HELD(buf) name = BUF(2 * ACCOUNT_NAME_MAX);
    struct lock lock = LOCK_NONE;
    bool taken = false;

    buf_addf(&name, "%s/.%s.lock", file.folder, file.name);
    char *path = name.full ? NULL : file_path(s->world->state, buf_text(&name));
    bool ok = path ? lock_try(path, &lock, &taken, err) : err_no_memory(err);
    mem_free(path);
    if (ok && !taken)
        ok = err_set(err, ERR_LATER, "%s is being renewed by another process; once more, then", file.name);
    ok = ok && seal_file(s, file, err);
    lock_done(&lock);
    return ok;
}

static bool seal_folder(struct sealing *s, const char *folder, struct err *err)
{
    HELD(file_names) names = { 0 };
    char *path = file_path(s->world->state, folder);
    bool ok = path ? file_list(path, "", &names, err) : err_no_memory(err);

    mem_free(path);
    for (size_t i = 0; ok && i < names.count; i++) {
        const struct sealed_file file = { folder, names.at[i] };
        ok = strcmp(folder, GRANTS) == 0 ? seal_grant(s, file, err) : seal_file(s, file, err);
    }
    return ok;
}

static bool seal_folders(struct sealing *s, struct err *err)
{
    for (size_t i = 0; i < COUNT(folders); i++)
        if (!seal_folder(s, folders[i], err))
            return false;
    return true;
}

/* The file with the key goes when nothing needs it any more. */
static bool drop_key_file(const struct sealing *s, struct err *err)
{
    char *path = s->to == SEALED_KEY_FILE ? NULL : seal_key_file(s->world);
    bool ok = !path || !file_exists(path) || file_remove(s->world->disk, path, err);

    mem_free(path);
    return ok;
}

static bool seal_all(struct sealing *s, const char *word, struct err *err)
{
    OWN(secret) key = NULL;

    if (word && !seal_key_from_word(span_of(word), &s->to))
        return err_set(err, ERR_USAGE, "the key is kept in one of: file, kernel, systemd");
    if (word ? !seal_key_ready(s->world, s->to, &key, err) : !seal_key_best(s->world, &s->to, &key, err))
        return false;
    /* Once more, for what another process sealed with the former key meanwhile. */
    struct sealing again = { .world = s->world, .to = s->to };
    return seal_folders(s, err) && seal_folders(&again, err) && drop_key_file(s, err);
}

static int run_seal(struct cli *cli)
{
    struct secret_world world;
    struct sealing s = { .world = &world };
    struct err err = { 0 };
    HELD(buf) text = BUF(1024);
    struct json json = json_to(&text);

    if (!cli_secrets(cli, &world, &err) ||
        !seal_all(&s, cli->args.operand_count ? cli->args.operands[0] : NULL, &err))
        return fail_here(cli, &err);
    say(cli, "%zu sealed anew, with the key of: %s; %zu were already.", s.moved, seal_key_word(s.to),
        s.stayed);
    if (!cli->json)
        return 0;
    json_open(&json, NULL, '{');
    json_text(&json, "key", seal_key_word(s.to));
    json_number(&json, "sealed", s.moved);
    json_number(&json, "unchanged", s.stayed);
    json_close(&json);
    return say_json(&text) ? 0 : err_exit_status(ERR_IO);
}

const struct command command_account_seal = {
    .name = "account seal",
    .takes = "[KEY]",
    .does = "seal all that is kept in files with the key of: file, kernel, systemd; default: the best there is",
    .operands_most = 1,
    .run = run_seal,
};
