/* outpost account login, logout and token: the sign-in of an account, renewed, given up, and lent out. */
#include <stdio.h>

#include "account/oauth_signin.h"
#include "base/alloc.h"
#include "base/str.h"
#include "cli/asking.h"
#include "cli/failure.h"
#include "cli/opening.h"
#include "cli/print.h"
#include "cli/transports.h"
#include "cli/way.h"
#include "net/loop.h"
#include "os/file.h"

#include "base/banned.h"

enum { PATIENCE_MS = 60 * 1000 };

static const struct option login_options[] = {
    SIGNING_OPTIONS,
    { 0, "also", OPTION_VALUE, "WHAT", "for other programs, too: imap, pop or both with a comma" },
};

static const struct option token_options[] = {
    { 0, "for", OPTION_VALUE, "WHAT", "smtp, imap or pop; default: smtp" },
};

/* The one named, else the default; it signs in by OAuth. */
static const struct account *chosen(struct cli *cli, struct err *err)
{
    const char *name = cli->args.operand_count ? cli->args.operands[0] : NULL;
    const struct config *config = cli_config(cli, err);
    const struct account *account = NULL;

    if (!config || !config_choose(config, name, SPAN_NONE, &account, err))
        return NULL;
    if (account->auth == ACCOUNT_AUTH_OAUTH)
        return account;
    err_set(err, ERR_USAGE, "the account %s signs in without OAuth; a new password is given by outpost setup %s",
            account->name, account->address);
    return NULL;
}

static int told(struct cli *cli, const char *name, const char *key, const char *value)
{
    HELD(buf) text = BUF(4096);
    struct json json = json_to(&text);

    if (!cli->json)
        return 0;
    json_open(&json, NULL, '{');
    json_text(&json, "name", name);
    json_text(&json, key, value);
    json_close(&json);
    return say_json(&text) ? 0 : err_exit_status(ERR_IO);
}

/* ---- login ---- */

static bool add_also(const struct cli *cli, unsigned *purposes, struct err *err)
{
    struct span rest = span_of(arguments_text(&cli->args, "also")), word;
    enum credential_purpose purpose;

    while (span_split(&rest, ',', &word)) {
        if (!credential_purpose_from_word(span_trim(word), &purpose) ||
            (purpose != CREDENTIAL_IMAP && purpose != CREDENTIAL_POP))
            return err_set(err, ERR_USAGE, "--also takes imap, pop, or imap,pop");
        *purposes |= 1u << purpose;
    }
    return true;
}

/* The mail that waited for this goes now, where somebody is there to send it. */
static void wake(struct cli *cli, const struct account *account)
{
    HELD(buf) question = BUF(500);
    struct json json = json_to(&question);
    bool there;

    json_open(&json, NULL, '{');
    json_text(&json, "verb", "wake");
    json_text(&json, "account", account->name);
    json_close(&json);
    (void)!asking_process(cli, buf_span(&question), NULL, NULL, &there, NULL);
}

static int tell_refusal(struct cli *cli, const struct account *account, struct evidence *evidence)
{
    if (evidence->err.kind == ERR_USAGE)
        evidence->stage = STAGE_LOCAL;
    evidence->provider = account->profile ? account->profile->id : NULL;
    return fail(cli, evidence);
}

static int run_login(struct cli *cli)
{
    struct evidence evidence = { .stage = STAGE_TOKEN };
    const struct account *account = chosen(cli, &evidence.err);
    struct secret_world world;
    struct signed_in who;
    const char *way;

    if (!account)
        return fail_here(cli, &evidence.err);
    struct signing signing = { cli, account, signing_purposes(account) };
    if (!add_also(cli, &signing.purposes, &evidence.err))
        return fail_here(cli, &evidence.err);
    if (!signing_run(&signing, &who, &evidence.err))
        return tell_refusal(cli, account, &evidence);
    if (!cli_secrets(cli, &world, &evidence.err))
        return fail_here(cli, &evidence.err);
    if (!way_forget(&world, account, &evidence.err))
        return fail_here(cli, &evidence.err);
    if (signing_lacks_https(&signing, &who) && !opening_prove(&signing, &who, &way, &evidence))
        return tell_refusal(cli, account, &evidence);
    if (!who.same_person)
        note(cli, "That is another address than %s: mail goes out by it only if the two belong to one mailbox.",
             account->address);
    wake(cli, account);
    say(cli, "%s is signed in%s%s.", account->name, *who.address ? " as " : "", who.address);
    return told(cli, account->name, "signed_in_as", *who.address ? who.address : NULL);
}

/* ---- logout ---- */

struct leaving {
    bool done, told, good;
    struct err err;
};

static void left(void *who, bool provider_told, const struct err *why)
{
    struct leaving *leaving = who;

    leaving->told = provider_told;
    leaving->good = !why || why->kind == ERR_NONE;
    if (why)
        leaving->err = *why;
    leaving->done = true;
}

static int run_logout(struct cli *cli)
{
    struct leaving leaving = { .good = true };
    const struct account *account = chosen(cli, &leaving.err);
    struct oauth_signout *signout = NULL;
    struct transport_world world;

    if (!account || !cli_transport_world(cli, &world, &leaving.err))
        return fail_here(cli, &leaving.err);
    struct loop *loop = world.credentials.secrets.loop;
    if (!oauth_signout_start(&world.credentials, account, loop_now(loop) + PATIENCE_MS, left, &leaving, &signout,
                             &leaving.err))
        return fail_here(cli, &leaving.err);
    loop_run_until(loop, &leaving.done);
    if (!leaving.good)
        return fail_here(cli, &leaving.err);
    say(cli, "%s is signed out%s.", account->name,
        leaving.told ? ", and the provider was told"
                     : "; the provider has no way to be told, or was not reached: its own page lists the permission");
    return told(cli, account->name, "revoked", leaving.told ? "yes" : "no");
}

/* ---- token ---- */

struct fetching {
    struct secret *token;
    struct err err;
    bool done;
};

static void fetched(void *who, struct secret *token, const struct err *why)
{
    struct fetching *fetching = who;

    fetching->token = token;
    if (!token)
        fetching->err = *why;
    fetching->done = true;
}

static bool fetch(struct cli *cli, const struct account *account, enum credential_purpose purpose,
                  struct fetching *fetching)
{
    struct credential_fetch *pending = NULL;
    struct transport_world world;

    if (!cli_transport_world(cli, &world, &fetching->err))
        return false;
    struct loop *loop = world.credentials.secrets.loop;
    if (!credential_fetch(&world.credentials, account, purpose, NULL, loop_now(loop) + PATIENCE_MS, fetched,
                          fetching, &pending, &fetching->err))
        return false;
    loop_run_until(loop, &fetching->done);
    return fetching->token != NULL;
}

/* The only thing it says: for `mutt`, `fetchmail` and whoever asks a command for a token. */
static int run_token(struct cli *cli)
{
    const char *word = arguments_text(&cli->args, "for");
    enum credential_purpose purpose = CREDENTIAL_SMTP;
    struct fetching fetching = { .token = NULL };
    const struct account *account = chosen(cli, &fetching.err);

    if (account && word && (!credential_purpose_from_word(span_of(word), &purpose) || purpose == CREDENTIAL_HTTPS)) {
        err_set(&fetching.err, ERR_USAGE, "--for takes smtp, imap or pop");
        account = NULL;
    }
    if (!account)
        return fail_here(cli, &fetching.err);
    if (!fetch(cli, account, purpose, &fetching)) {
        const struct evidence evidence = {
            .stage = STAGE_TOKEN,
            .err = fetching.err,
            .provider = account->profile ? account->profile->id : NULL,
        };
        return fail(cli, &evidence);
    }
    struct span token = secret_bytes(fetching.token);
    if (cli->json) {
        HELD(buf) text = BUF(64 * 1024);
        struct json json = json_to(&text);
        json_open(&json, NULL, '{');
        json_text(&json, "name", account->name);
        json_text(&json, "for", credential_purpose_word(purpose));
        json_span(&json, "token", token);
        json_close(&json);
        say_json(&text);
    } else {
        printf("%.*s\n", SPAN_ARG(token));
    }
    secret_free(fetching.token);
    return 0;
}

const struct command command_account_login = {
    .name = "account login",
    .takes = "[NAME]",
    .does = "sign in once more, by OAuth; waiting mail then leaves",
    .options = login_options,
    .option_count = COUNT(login_options),
    .operands_most = 1,
    .run = run_login,
};

const struct command command_account_logout = {
    .name = "account logout",
    .takes = "[NAME]",
    .does = "give the sign-in up, here and at the provider",
    .operands_most = 1,
    .run = run_logout,
};

const struct command command_account_token = {
    .name = "account token",
    .takes = "[NAME]",
    .does = "print an access token that is good now, for another program",
    .options = token_options,
    .option_count = COUNT(token_options),
    .operands_most = 1,
    .run = run_token,
};
