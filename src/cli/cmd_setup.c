/* outpost setup ADDRESS: finds the settings, proves them, signs in, keeps the secret, writes the account,
 * and sends a first message to see it arrive. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/failure.h"
#include "cli/finding.h"
#include "cli/input.h"
#include "cli/looking.h"
#include "cli/print.h"
#include "cli/proving.h"
#include "cli/setup.h"
#include "cli/setup_oauth.h"
#include "cli/signing.h"

#include "base/banned.h"

enum { CLIENT_ID_MAX = 256 };

static const struct option options[] = {
    { 'a', "account", OPTION_VALUE, "NAME", "what to call the account; default: from the address" },
    { 0, "name", OPTION_VALUE, "NAME", "your name, as it shall stand before the address" },
    { 0, "username", OPTION_VALUE, "NAME", "the name to sign in with; default: the address" },
    { 0, "server", OPTION_VALUE, "HOST:PORT", "this server, and no search" },
    { 0, "security", OPTION_VALUE, "KIND", "with --server: tls (465) or starttls (587, 25)" },
    { 0, "auth", OPTION_VALUE, "KIND", "password, oauth, token, certificate or none" },
    { 0, "client-id", OPTION_VALUE, "ID", "of your registration with the provider (outpost help microsoft-app)" },
    { 0, "client-secret", OPTION_VALUE, "SOURCE", "where its secret is: file, keyring, systemd:NAME, command:..." },
    { 0, "certificate", OPTION_VALUE, "SOURCE", "where its certificate and key are, likewise" },
    { 0, "tenant", OPTION_VALUE, "NAME", "the organisation that signs in" },
    { 0, "issuer", OPTION_VALUE, "URL", "your own identity provider" },
    SIGNING_OPTIONS,
    { 0, "transport", OPTION_VALUE, "WAY", "auto, smtp, graph or gmail" },
    { 0, "password-stdin", OPTION_FLAG, NULL, "the password is the first line of standard input" },
    { 0, "password-command", OPTION_VALUE, "CMD", "the password is what this prints, each time" },
    { 0, "secret", OPTION_VALUE, "SOURCE", "keep it in: file (sealed), keyring; or it is in: systemd:NAME, command:..." },
    { 0, "client-certificate", OPTION_VALUE, "FILE", "sign in by this certificate (PEM), or show it" },
    { 0, "client-key", OPTION_VALUE, "FILE", "its key (PEM)" },
    { 0, "send-as", OPTION_MANY, "ADDRESS", "a further address of yours to send from" },
    { 0, "default", OPTION_FLAG, NULL, "make it the default account" },
    { 0, "print", OPTION_FLAG, NULL, "prove it and show the account's section; write nothing" },
    { 0, "no-test", OPTION_FLAG, NULL, "send no test message" },
    { 0, "test-to", OPTION_VALUE, "RCPT", "send the test message there; default: to the address" },
    { 'y', "yes", OPTION_FLAG, NULL, "replace an account of this name without asking" },
};

/* ---- where ---- */

static bool add_given(struct setup *s, const struct candidate *base, enum security security,
                      struct err *err)
{
    struct candidate candidate = *base;

    candidate.security = security;
    return candidates_add(&s->found->candidates, &candidate, address_domain(&s->address),
                          cli_knowledge(s->cli, NULL)) ||
           err_found(err, ERR_USAGE, "name:malformed", "--server: \"%.80s\" is not the name of a server",
                     candidate.host);
}

/* Where nobody says how the port speaks, it is asked both ways, the customary one first. */
static bool given_server(struct setup *s, const char *server, struct err *err)
{
    const char *word = arguments_text(&s->cli->args, "security");
    struct candidate candidate = { .source = SOURCE_GIVEN };
    struct span host = span_of(server);
    size_t colon = span_find_last(host, ':');
    enum security security;

    if (!str_to_u16(span_from(host, colon + 1), 1, UINT16_MAX, &candidate.port) ||
        colon >= sizeof candidate.host)
        return err_set(err, ERR_USAGE, "--server wants HOST:PORT, such as smtp.example.com:465");
    if (word && (!security_from_word(span_of(word), &security) || security == SECURITY_NONE))
        return err_set(err, ERR_USAGE, "--security takes tls or starttls");
    memcpy(candidate.host, host.at, colon);
    snprintf(candidate.username, sizeof candidate.username, "%s", s->address.wire);
    s->found->candidates.count = 0;
    if (word)
        return add_given(s, &candidate, security, err);
    security = candidate.port == 587 || candidate.port == 25 ? SECURITY_STARTTLS : SECURITY_TLS;
    return add_given(s, &candidate, security, err) &&
           add_given(s, &candidate, security == SECURITY_TLS ? SECURITY_STARTTLS : SECURITY_TLS, err);
}

static bool find(struct setup *s, struct err *err)
{
    const char *server = arguments_text(&s->cli->args, "server");

    if (!server)
        note(s->cli, "Looking for the settings of %s ...", s->address.wire);
    if (!finding_run(s->cli, s->address.wire, server != NULL, &s->found, err))
        return false;
    if (server)
        return given_server(s, server, err);
    if (s->found->candidates.count)
        return true;
    if (s->cli->verbose)
        finding_looks(s->cli, s->found);
    return discovery_empty(s->found, s->address.wire, err);
}

/* ---- with what ---- */

static bool check_auth(const struct setup *s, struct err *err)
{
    static const char *const words[] = { "password", "token", "none", "oauth", "certificate" };
    const char *word = arguments_text(&s->cli->args, "auth");

    for (size_t i = 0; word && i < COUNT(words); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return !word || err_set(err, ERR_USAGE, "--auth takes password, oauth, token, certificate or none");
}

/* A certificate and its key are of no use without each other, nor signing in by one without both. */
static bool check_certificate(const struct setup *s, struct err *err)
{
    bool certificate = arguments_has(&s->cli->args, "client-certificate");
    bool key = arguments_has(&s->cli->args, "client-key");
    const char *word = arguments_text(&s->cli->args, "auth");
    bool wanted = certificate || key || (word && strcmp(word, "certificate") == 0);

    return !wanted || (certificate && key) ||
           err_set(err, ERR_USAGE, "a certificate wants both, --client-certificate FILE and --client-key FILE");
}

static bool check_secret(const struct setup *s, struct err *err)
{
    const char *source = arguments_text(&s->cli->args, "secret");

    if (source && arguments_has(&s->cli->args, "password-command"))
        return err_set(err, ERR_USAGE, "--password-command CMD is --secret command:CMD; one of them will do");
    if (!source || secret_source_check(span_of(source), err))
        return true;
    if (err && err->kind == ERR_CONFIG)
        err->kind = ERR_USAGE;
    return err_in(err, "--secret");
}

/* Each is an address, or a pattern of them. */
static bool check_senders(const struct setup *s, struct err *err)
{
    const char *given;

    for (size_t at = 0; (given = arguments_next(&s->cli->args, "send-as", &at));) {
        struct address address = { 0 };
        bool good = strchr(given, '*') || address_parse(span_of(given), &address, err);
        address_done(&address);
        if (good)
            continue;
        if (err)
            err->kind = ERR_USAGE;
        return err_in(err, "--send-as");
    }
    return true;
}

/* Who hands a password over means to sign in by one; where none is taken that is said, and not something else. */
static void choose_auth(struct setup *s)
{
    const char *word = arguments_text(&s->cli->args, "auth");
    const struct profile *profile = s->found->candidates.at[0].profile;

    s->auth = word                                                 ? word
              : arguments_has(&s->cli->args, "client-id")          ? "oauth"
              : arguments_has(&s->cli->args, "client-certificate") ? "certificate"
              : arguments_has(&s->cli->args, "password-stdin")     ? "password"
              : profile && profile->password == PASSWORD_OFF       ? "oauth"
                                                                   : "password";
}

/* What is known to fail is refused here, before anybody is asked and anything is sent. */
static bool check_sendable(struct setup *s, struct err *err)
{
    OWN(account) sketch = NULL;

    return setup_account(s, &s->found->candidates.at[0], NULL, &sketch, err) &&
           account_check_sendable(sketch, err);
}

static bool check_replacing(struct setup *s, struct err *err)
{
    const struct config *config = cli_config(s->cli, err);
    const struct account *there = config ? config_account(config, s->name) : NULL;
    HELD(buf) question = BUF(300);

    if (!config)
        return false;
    if (!there || arguments_has(&s->cli->args, "yes") || arguments_has(&s->cli->args, "print"))
        return true;
    buf_addf(&question, "There is an account %s (%s) already. Replace it?", s->name, there->address);
    if (input_yes(s->cli, buf_text(&question)))
        return true;
    return err_set(err, ERR_USAGE, "there is an account %s already; replace it with --yes, or call "
                                   "this one differently with --account NAME", s->name);
}

static bool take_secret(struct setup *s, struct proving *proving, struct err *err)
{
    if (!proving->sign_in || proving->sign_in_with == SASL_CERTIFICATE)
        return true;
    if (arguments_has(&s->cli->args, "password-stdin"))
        return input_secret_line(&proving->secret, err);
    return setup_fetch_secret(s, &proving->secret, err);
}

/* ---- the road ---- */

static void show_proofs(const struct setup *s)
{
    const char *marks[CANDIDATES_MAX];
    char verdicts[CANDIDATES_MAX][PROVING_VERDICT_MAX];

    for (size_t i = 0; i < s->proofs->count; i++) {
        proving_verdict(&s->proofs->at[i], verdicts[i]);
        marks[i] = verdicts[i];
    }
    finding_table(s->cli, &s->found->candidates, marks);
    say(s->cli, "%s", "");
}

static enum sasl_credential sign_in_with(const struct setup *s)
{
    return strcmp(s->auth, "token") == 0         ? SASL_TOKEN
           : strcmp(s->auth, "certificate") == 0 ? SASL_CERTIFICATE
                                                 : SASL_PASSWORD;
}

/* A failure before anything was tried; whose mail it is, may be known by then. */
static int fail_early(struct setup *s, const struct err *err)
{
    const struct profile *profile = s->found ? s->found->profile : NULL;
    const struct evidence evidence = {
        .stage = STAGE_LOCAL,
        .err = *err,
        .provider = profile ? profile->id : NULL,
    };

    return fail(s->cli, &evidence);
}

static const struct candidate *candidate_of(const struct candidates *candidates, const struct evidence *evidence)
{
    for (size_t i = 0; i < candidates->count && evidence->host && evidence->security; i++) {
        const struct candidate *candidate = &candidates->at[i];
        if (strcmp(candidate->host, evidence->host) == 0 && candidate->port == evidence->port &&
            strcmp(security_word(candidate->security), evidence->security) == 0)
            return candidate;
    }
    return NULL;
}

/* Looked at as the account would reach it. */
static int tell_failure(struct setup *s, struct evidence *evidence)
{
    const struct candidate *about = candidate_of(&s->found->candidates, evidence);
    OWN(account) account = NULL;
    struct looking *looking = NULL;

    if (about && setup_account(s, about, NULL, &account, NULL))
        looking = looking_around(s->cli, account, evidence);
    evidence->provider = s->found->profile ? s->found->profile->id : evidence->provider;
    int status = fail(s->cli, evidence);
    looking_free(looking);
    return status;
}

/* Nobody named a server, and where one would be by custom it is said that there is none. */
static bool is_guessed_in_vain(const struct setup *s)
{
    const struct candidates *candidates = &s->found->candidates;
    bool in_vain = candidates->count > 0;

    for (size_t i = 0; i < candidates->count; i++) {
        const struct proof *proof = &s->proofs->at[i];
        const char *fact = proof->state == PROOF_FAILED ? proof->evidence.err.fact : NULL;
        in_vain &= candidates->at[i].source == SOURCE_GUESS && fact && strcmp(fact, "connect:refused") == 0;
    }
    return in_vain;
}

static int prove(struct setup *s)
{
    struct proving proving = {
        .cli = s->cli,
        .address = s->address.wire,
        .user = arguments_text(&s->cli->args, "username"),
        .sign_in = strcmp(s->auth, "none") != 0,
        .sign_in_with = sign_in_with(s),
    };
    struct err err = { 0 };
    struct evidence evidence;

    bool good = take_secret(s, &proving, &err) &&
                proving_run(&proving, &s->found->candidates, &s->proofs, &err);
    s->secret = proving.secret;
    if (!good)
        return fail_here(s->cli, &err);
    show_proofs(s);
    if (s->proofs->chosen)
        return 0;
    if (is_guessed_in_vain(s) && !discovery_empty(s->found, s->address.wire, &err))
        return fail_early(s, &err);
    if (proving_failure(s->proofs, &evidence))
        return tell_failure(s, &evidence);
    err_set(&err, ERR_CONFIG, "none of these servers can be used");
    return fail_here(s->cli, &err);
}

/* Some have a client id at hand. What it is, and the ways without one, are told first. */
static bool ask_client_id(struct setup *s, const struct err *why)
{
    const struct profile *profile = s->found->profile;
    const struct evidence evidence = { .stage = STAGE_LOCAL, .err = *why, .provider = profile ? profile->id : NULL };
    HELD(buf) id = BUF(CLIENT_ID_MAX);

    failure_tell(s->cli, &evidence);
    if (!input_line(s->cli, "\nYour client id, if you have one (else press Enter): ", &id))
        return false;
    s->client_id = buf_give(&id);
    return s->client_id != NULL;
}

static bool lacks_client_id(const struct err *err)
{
    return err->fact && strcmp(err->fact, "oauth:client-id-missing") == 0;
}

/* Before anybody is asked for anything else. The exit status; 0: go on. */
static int check_all(struct setup *s)
{
    struct err err = { 0 };
    bool good = check_sendable(s, &err);

    if (!good && lacks_client_id(&err) && s->cli->may_ask && !s->cli->json) {
        if (!ask_client_id(s, &err))
            return err_exit_status(err.kind);
        err = (struct err){ 0 };
        good = check_sendable(s, &err);
    }
    return good && check_replacing(s, &err) ? 0 : fail_early(s, &err);
}

/* With a password, or whatever a server can be shown at once. */
static int set_up_proven(struct setup *s)
{
    OWN(account) account = NULL;
    struct err err = { 0 };
    int status = prove(s);

    if (status)
        return status;
    if (!setup_chosen(s, &account, &err))
        return fail_here(s->cli, &err);
    return arguments_has(&s->cli->args, "print") ? setup_print_account(s, account)
                                                 : setup_finish_account(s, account);
}

static int set_up(struct setup *s)
{
    struct err err = { 0 };

    if (!check_auth(s, &err) || !check_certificate(s, &err) || !check_secret(s, &err) || !check_senders(s, &err) ||
        !finding_address(s->cli->args.operands[0], &s->address, &err) ||
        !setup_name(s, &err) || !find(s, &err))
        return fail_early(s, &err);
    choose_auth(s);
    int status = check_all(s);
    if (status)
        return status;
    return strcmp(s->auth, "oauth") == 0 ? setup_oauth(s) : set_up_proven(s);
}

static int run(struct cli *cli)
{
    struct setup setup = { .cli = cli };
    int status = set_up(&setup);

    setup_done(&setup);
    return status;
}

const struct command command_setup = {
    .name = "setup",
    .takes = "ADDRESS",
    .does = "set up an account: find the settings, prove them, sign in, send a test",
    .options = options,
    .option_count = COUNT(options),
    .operands_least = 1,
    .operands_most = 1,
    .run = run,
};
