#include "cli/setup.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/in_force.h"
#include "cli/keeping.h"
#include "cli/print.h"
#include "cli/secrets.h"
#include "cli/senders.h"
#include "cli/sent.h"
#include "cli/trial.h"
#include "cli/way.h"

#include "base/banned.h"

void setup_done(struct setup *setup)
{
    address_done(&setup->address);
    mem_free(setup->name);
    mem_free(setup->client_id);
    proofs_free(setup->proofs);
    discovery_free(setup->found);
    secret_free(setup->secret);
}

bool setup_name(struct setup *setup, struct err *err)
{
    const char *given = arguments_text(&setup->cli->args, "account");

    if (given && !account_name_check(span_of(given), err)) {
        if (err)
            err->kind = ERR_USAGE;
        return err_in(err, "--account");
    }
    setup->name = given ? str_copy(given) : account_name_from(span_of(setup->address.wire));
    return setup->name || err_no_memory(err);
}

/* ---- the account ---- */

static bool set(struct account *account, const char *key, const char *value, struct err *err)
{
    return !value || account_set(account, key, span_of(value), err);
}

/* The provider's own first server needs no word: the profile tells it, and may tell a better one when
 * the provider moves. */
static bool set_server(struct account *account, const struct candidate *candidate, struct err *err)
{
    const struct profile *profile = candidate->profile;
    HELD(buf) server = BUF(300);

    if (profile && profile->kind != PROFILE_GENERIC && !set(account, "provider", profile->id, err))
        return false;
    if (profile && profile->server_count && candidate->source == SOURCE_PROFILE &&
        strcmp(profile->servers[0].host, candidate->host) == 0 &&
        profile->servers[0].port == candidate->port)
        return true;
    buf_addf(&server, "%s:%u", candidate->host, candidate->port);
    return set(account, "server", buf_text(&server), err) &&
           set(account, "security", security_word(candidate->security), err);
}

/* Where the strongest mechanism that the server offers was refused and another one worked, only that one
 * is to be tried from now on: each refusal counts towards a lock-out. */
static bool set_mechanism(struct account *account, const struct proof *proof, struct err *err)
{
    enum sasl_mechanism best;

    if (!proof || !proof->mechanism ||
        !sasl_choose(proof->mechanisms, SASL_USUAL, account_credential(account), true, &best, NULL) ||
        strcmp(sasl_name(best), proof->mechanism) == 0)
        return true;
    return set(account, "mechanisms", proof->mechanism, err);
}

/* Who we are to the provider, and by which way mail is to go. */
static bool set_application(const struct setup *setup, struct account *account, struct err *err)
{
    static const struct {
        const char *option, *key;
    } keys[] = {
        { "client-secret", "client_secret" }, { "certificate", "certificate" },
        { "tenant", "tenant" },       { "issuer", "issuer" },               { "transport", "transport" },
    };

    const char *client_id = setup->client_id ? setup->client_id : arguments_text(&setup->cli->args, "client-id");

    if (!set(account, "client_id", client_id, err))
        return err_in(err, "the client id");
    for (size_t i = 0; i < COUNT(keys); i++)
        if (!set(account, keys[i].key, arguments_text(&setup->cli->args, keys[i].option), err)) {
            if (err && err->kind == ERR_CONFIG)
                err->kind = ERR_USAGE;
            return err_in(err, "--%s", keys[i].option);
        }
    return true;
}

static bool set_secret(const struct setup *setup, struct account *account, struct err *err)
{
    const char *command = arguments_text(&setup->cli->args, "password-command");
    HELD(buf) source = BUF(8192);

    if (!command)
        return set(account, "secret", arguments_text(&setup->cli->args, "secret"), err);
    buf_addf(&source, "command:%s", command);
    return set(account, "secret", buf_text(&source), err);
}

static bool set_senders(const struct setup *setup, struct account *account, struct err *err)
{
    HELD(buf) list = BUF(64 * 1024);
    const char *given;

    for (size_t at = 0; (given = arguments_next(&setup->cli->args, "send-as", &at));)
        buf_addf(&list, "%s%s", list.len ? ", " : "", given);
    return set(account, "send_as", list.len ? buf_text(&list) : NULL, err);
}

/* A file that was named for this command is named for the account, too: it will be needed. */
static bool set_file(const struct setup *setup, struct account *account, const char *option,
                     const char *key, struct err *err)
{
    const char *given = arguments_text(&setup->cli->args, option);
    char path[PATH_MAX];

    return !given || set(account, key, realpath(given, path) ? path : given, err);
}

static bool set_files(const struct setup *setup, struct account *account, struct err *err)
{
    return set_file(setup, account, "ca-file", "ca_file", err) &&
           set_file(setup, account, "client-certificate", "client_certificate", err) &&
           set_file(setup, account, "client-key", "client_key", err);
}

bool setup_account(struct setup *setup, const struct candidate *candidate, const struct proof *proof,
                   struct account **ret_account, struct err *err)
{
    const struct arguments *args = &setup->cli->args;
    const char *username = arguments_text(args, "username");
    OWN(account) account = NULL;

    if (!username && strcmp(setup->auth, "certificate") != 0 && *candidate->username && strcmp(candidate->username, setup->address.wire) != 0)
        username = candidate->username;
    if (!account_new(span_of(setup->name), &account, err) ||
        !set(account, "address", setup->address.wire, err) ||
        !set(account, "name", arguments_text(args, "name"), err) ||
        !set_server(account, candidate, err) || !set(account, "auth", setup->auth, err) ||
        !set(account, "username", username, err) || !set_mechanism(account, proof, err) ||
        !set_application(setup, account, err) || !set_senders(setup, account, err) || !set_secret(setup, account, err) || !set_files(setup, account, err) ||
        !account_fill(account, cli_knowledge(setup->cli, NULL), err) ||
        !account_check(account, err))
        return false;
    *ret_account = GIVE(account);
    return true;
}

bool setup_fetch_secret(struct setup *setup, struct secret **ret_secret, struct err *err)
{
    OWN(account) account = NULL;

    return setup_account(setup, &setup->found->candidates.at[0], NULL, &account, err) &&
           (secret_is_ours(account, SECRET_SIGN_IN) ||
            secrets_fetch(setup->cli, account, SECRET_SIGN_IN, ret_secret, err));
}

/* ---- what is done with it ---- */

bool setup_chosen(struct setup *setup, struct account **ret_account, struct err *err)
{
    const struct candidate *chosen = setup->proofs->chosen;
    size_t at = (size_t)(chosen - setup->found->candidates.at);

    return setup_account(setup, chosen, &setup->proofs->at[at], ret_account, err);
}

/* `file` and what was made of its senders, or `section` where nothing was written; the other is NULL. */
static void tell_json(struct setup *setup, const struct account *account, const char *file,
                      const struct senders *senders, const char *section)
{
    int proven[CANDIDATES_MAX];
    HELD(buf) text = BUF(256 * 1024);
    struct json json = json_to(&text);

    for (size_t i = 0; i < CANDIDATES_MAX; i++)
        proven[i] = -1;
    for (size_t i = 0; setup->proofs && i < setup->proofs->count; i++) {
        enum proof_state state = setup->proofs->at[i].state;
        proven[i] = state == PROOF_UNTRIED ? -1 : state != PROOF_FAILED;
    }
    json_open(&json, NULL, '{');
    finding_json(&json, setup->address.wire, setup->found, proven);
    json_text(&json, "account", account->name);
    json_text(&json, "server", account->server.name);
    json_number(&json, "port", account->server.port);
    json_text(&json, "security", security_word(account_security(account)));
    json_text(&json, "file", file);
    if (senders)
        senders_json(setup->cli, senders, &json);
    if (section)
        json_text(&json, "section", section);
    json_close(&json);
    say_json(&text);
}

int setup_print_account(struct setup *setup, const struct account *account)
{
    HELD(buf) text = BUF(64 * 1024);
    struct err err = { 0 };

    if (!account_text(account, &text, &err))
        return fail_here(setup->cli, &err);
    if (setup->cli->json)
        tell_json(setup, account, NULL, NULL, buf_text(&text));
    else
        fputs(buf_text(&text), stdout);
    return 0;
}

static bool write_all(struct setup *setup, const struct account *account, struct err *err)
{
    const struct place *place = cli_place(setup->cli, err);
    struct secret_world world;

    if (!place || !keeping_write(setup->cli, account, setup->secret, err) ||
        !cli_secrets(setup->cli, &world, err) || !way_forget(&world, account, err))
        return false;
    if (arguments_has(&setup->cli->args, "default") &&
        !config_set_default(place, &disk_system, account->name, err))
        return false;
    (void)in_force_now(setup->cli);
    return true;
}

/* The message that proves the rest of the road. */
static bool test_message(struct setup *setup, const struct account *account, struct prepared **ret_prepared,
                         struct err *err)
{
    HELD(buf) body = BUF(4096);

    buf_addf(&body,
             "This message went out by the account \"%s\", through %s port %u.\r\n"
             "If you read it, mail from this machine arrives.\r\n",
             account->name, account->server.name, account->server.port);
    const struct trial_text text = {
        .to = arguments_text(&setup->cli->args, "test-to"),
        .subject = "outpost: it works",
        .body = buf_text(&body),
    };
    return trial_prepare(setup->cli, account, &text, ret_prepared, err);
}

static int send_test(struct setup *setup, const struct account *account)
{
    OWN(prepared) prepared = NULL;
    struct sending sending;
    struct err err = { 0 };

    if (arguments_has(&setup->cli->args, "no-test"))
        return 0;
    if (!test_message(setup, account, &prepared, &err))
        return fail_here(setup->cli, &err);
    const struct sending_message message = { prepared->envelope, prepared->fd };
    sending_run(setup->cli, account, &message, &sending);
    int status = sent_tell(setup->cli, account, prepared, &sending);
    sending_done(&sending);
    return status;
}

static void tell_all(struct setup *setup, const struct account *account, const struct senders *senders)
{
    char *file = config_account_file(cli_place(setup->cli, NULL), account->name);

    if (setup->cli->json)
        tell_json(setup, account, file, senders, NULL);
    else
        say(setup->cli, "The account %s is set up: %s", account->name, file ? file : "");
    mem_free(file);
    senders_tell(setup->cli, senders, !arguments_has(&setup->cli->args, "no-test"));
}

/* The account is written. Whom it may send as is asked then, for its secret lies where it will lie. */
static int finish(struct setup *setup, const struct account *account, struct senders *senders)
{
    bool offers = !arguments_has(&setup->cli->args, "no-test");
    struct err err = { 0 };

    if (!write_all(setup, account, &err) || !senders_prove(setup->cli, account, offers, senders, &err))
        return fail_here(setup->cli, &err);
    tell_all(setup, account, senders);
    const struct sender_proof *refused = senders_refused(senders);
    int status = refused && refused == senders->at ? 0 : send_test(setup, account);
    return status || !refused ? status : failure_status(&refused->evidence);
}

int setup_finish_account(struct setup *setup, const struct account *account)
{
    struct senders senders = { 0 };
    int status = finish(setup, account, &senders);

    senders_done(&senders);
    if (status == 0)
        say(setup->cli, "\nSend mail by it:\n  outpost send friend@example.com -s Hello < letter.txt\n"
                        "  outpost send -t < message.eml");
    return status;
}
