#include "cli/setup_oauth.h"

#include "account/grant.h"
#include "cli/failure.h"
#include "cli/looking.h"
#include "cli/opening.h"
#include "cli/print.h"

#include "base/banned.h"

/* The server refused a token that is somebody else's. */
static const char *const of_another[] = { "token:renewed", "token:other-user", NULL };

/* A sign-in that leads nowhere is not left behind; but one that an account of this name had, is its own. */
static void forget(struct setup *s, const struct account *account)
{
    const struct config *config = cli_config(s->cli, NULL);
    struct secret_world world;

    if (config && !config_account(config, account->name) && cli_secrets(s->cli, &world, NULL))
        (void)!grant_forget(&world, account, NULL);
}

static int tell_failure(struct setup *s, const struct evidence *evidence, enum stage stage)
{
    struct evidence told = *evidence;

    told.provider = s->found->profile ? s->found->profile->id : told.provider;
    if (told.stage == STAGE_LOCAL)
        told.stage = stage;
    return fail(s->cli, &told);
}

static void tell_way(struct setup *s, const struct account *account, const struct signed_in *who, const char *way)
{
    if (*who->address)
        note(s->cli, "Signed in as %s.", who->address);
    if (!who->same_person)
        note(s->cli, "That is another address than %s: mail goes out by it only if the two belong to one mailbox.",
             account->address);
    if (strcmp(way, "smtp") == 0)
        note(s->cli, "%s:%u took the sign-in.", account->server.name, account->server.port);
    else
        note(s->cli, "The server takes no sign-in over SMTP for this mailbox; mail goes out over HTTPS instead (%s).", way);
}

int setup_oauth(struct setup *s)
{
    OWN(account) account = NULL;
    struct signed_in who = { 0 };
    struct evidence evidence = { .stage = STAGE_TOKEN };
    const char *way = NULL;

    if (!setup_account(s, &s->found->candidates.at[0], NULL, &account, &evidence.err))
        return tell_failure(s, &evidence, STAGE_LOCAL);
    const struct signing signing = { s->cli, account, signing_purposes(account) };
    if (!signing_run(&signing, &who, &evidence.err)) {
        evidence.stage = evidence.err.kind == ERR_USAGE ? STAGE_LOCAL : STAGE_TOKEN;
        return tell_failure(s, &evidence, evidence.stage);
    }
    if (!opening_prove(&signing, &who, &way, &evidence)) {
        forget(s, account);
        if (!who.same_person && evidence.stage == STAGE_AUTH && evidence.err.reply / 100 == 5)
            evidence.found = of_another;
        struct looking *looking = looking_around(s->cli, account, &evidence);
        int status = tell_failure(s, &evidence, STAGE_AUTH);
        looking_free(looking);
        return status;
    }
    tell_way(s, account, &who, way);
    if (arguments_has(&s->cli->args, "print")) {
        forget(s, account);
        return setup_print_account(s, account);
    }
    return setup_finish_account(s, account);
}
