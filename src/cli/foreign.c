#include "cli/foreign.h"

#include <stdio.h>

#include "base/json.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/mending.h"
#include "cli/print.h"
#include "os/file.h"

#include "base/banned.h"

enum { STEPS_MAX = 16 * 1024, QUESTION_MAX = 2000 };

void foreign_done(struct foreign *foreign)
{
    account_free(foreign->account);
    import_free(foreign->import);
}

/* ---- the files ---- */

struct texts {
    struct buf bytes[IMPORT_FILES_MAX];
    struct import_file files[IMPORT_FILES_MAX];
    struct import_wish wish;
    size_t count;
};

static void texts_done(struct texts *texts)
{
    for (size_t i = 0; i < IMPORT_FILES_MAX; i++)
        buf_done(&texts->bytes[i]);
}

static bool read_text(struct texts *texts, const char *path, enum file_trust trust, struct err *err)
{
    struct buf *bytes = &texts->bytes[texts->count];

    buf_done(bytes);
    *bytes = (struct buf)BUF(IMPORT_FILE_MAX);
    if (!file_read(&disk_system, path, IMPORT_FILE_MAX, trust, bytes, err))
        return false;
    texts->files[texts->count++] = (struct import_file){ path, buf_span(bytes) };
    return true;
}

/* What else is wanted is not always there, or not for us: that is said, and the rest is told without. */
static void read_others(struct cli *cli, struct texts *texts, enum import_kind kind)
{
    import_wants(kind, texts->files[0].text, &texts->wish);
    for (size_t i = 0; i < texts->wish.count; i++) {
        struct err err = { 0 };
        if (!read_text(texts, texts->wish.paths[i], FILE_ANY, &err))
            note(cli, "%s", err.text);
    }
}

static bool find_kind(const struct cli *cli, const struct texts *texts, enum import_kind *ret_kind, struct err *err)
{
    const char *word = arguments_text(&cli->args, "from");

    if (word)
        return import_kind_from_word(span_of(word), ret_kind) ||
               err_set(err, ERR_USAGE, "--from takes msmtp, ssmtp, nullmailer, dma, postfix or email-oauth2-proxy");
    return import_kind_of(texts->files[0].path, texts->files[0].text, ret_kind) ||
           err_set(err, ERR_USAGE, "nothing in it tells whose configuration this is: add --from msmtp, ssmtp, nullmailer, dma, "
                                   "postfix or email-oauth2-proxy");
}

/* Nobody else could write it, so what it says is its owner's will. */
static bool read_trusted(struct texts *texts, const char *path, bool *ret_is_trusted, struct err *err)
{
    *ret_is_trusted = read_text(texts, path, FILE_TRUSTED, NULL);
    return *ret_is_trusted || read_text(texts, path, FILE_ANY, err);
}

static bool read_all(struct cli *cli, struct import **ret_import, bool *ret_is_trusted, struct err *err)
{
    struct texts texts = { .count = 0 };
    enum import_kind kind;
    bool good = read_trusted(&texts, arguments_text(&cli->args, "import"), ret_is_trusted, err) &&
                find_kind(cli, &texts, &kind, err);

    if (good) {
        read_others(cli, &texts, kind);
        good = import_read(kind, texts.files, texts.count, ret_import, err);
    }
    texts_done(&texts);
    return good;
}

/* ---- the account ---- */

static bool is_called(const struct import_account *account, const char *word)
{
    const char *address = import_value(account, "address");

    return span_is_word(span_of(account->name), word) || (address && span_is_word(span_of(address), word));
}

/* An address that none has is whose the usual one is. */
static bool choose(struct foreign *foreign, const char *word, const char **ret_address, struct err *err)
{
    const struct import *import = foreign->import;

    *ret_address = NULL;
    foreign->from = &import->accounts[import->usual];
    for (size_t i = 0; word && i < import->count; i++)
        if (is_called(&import->accounts[i], word)) {
            foreign->from = &import->accounts[i];
            return true;
        }
    if (word && !strchr(word, '@'))
        return err_set(err, ERR_USAGE, "no account in it is called \"%.60s\"", word);
    *ret_address = word;
    return true;
}

/* A shell command of somebody's file is run only where a person says so. */
static bool may_run(struct cli *cli, const struct foreign *foreign)
{
    HELD(buf) question = BUF(QUESTION_MAX);

    if (arguments_has(&cli->args, "yes"))
        return true;
    if (!cli->may_ask)
        return false;
    buf_add(&question, "It gets the password by a command. Run it now: ");
    str_printable(&question, span_of(foreign->from->password_command), QUESTION_MAX - 200);
    buf_add(&question, "?");
    return input_yes(cli, buf_text(&question));
}

static bool take_command(struct foreign *foreign, struct err *err)
{
    HELD(buf) source = BUF(IMPORT_FILE_MAX);

    buf_addf(&source, "command:| %s", foreign->from->password_command);
    return account_set(foreign->account, "secret", buf_span(&source), err);
}

static bool take_sign_in(struct cli *cli, struct foreign *foreign, struct err *err)
{
    const struct import_account *from = foreign->from;
    bool wants_secret = foreign->account->auth == ACCOUNT_AUTH_PASSWORD || foreign->account->auth == ACCOUNT_AUTH_TOKEN;

    if (from->signs_in_elsewhere)
        foreign->why_no_sign_in = "its sign-in is by tokens that only that program can read";
    else if (wants_secret && !from->password && !from->password_command)
        foreign->why_no_sign_in = "no password is in its files";
    else if (wants_secret && !from->password && !foreign->is_trusted)
        foreign->why_no_sign_in = "others may write its file, so its command for the password is not run";
    else if (wants_secret && !from->password && !may_run(cli, foreign))
        foreign->why_no_sign_in = "the command for its password was not run (--yes runs it)";
    else if (wants_secret && !from->password)
        return take_command(foreign, err);
    return true;
}

/* Without a sign-in it is a server that is looked at. */
static void make_patient(const struct foreign *foreign, struct patient *patient)
{
    const struct account *account = foreign->account;

    *patient = (struct patient){ .is_sure = true };
    if (!foreign->why_no_sign_in) {
        patient->account = account;
        return;
    }
    snprintf(patient->address, sizeof patient->address, "%s", account->address);
    snprintf(patient->host, sizeof patient->host, "%s", account->server.name);
    patient->port = account->server.port;
    patient->security = account_security(account);
}

bool foreign_find(struct cli *cli, struct foreign *ret_foreign, struct patient *patient, struct err *err)
{
    const char *word = cli->args.operand_count ? cli->args.operands[0] : NULL, *address;
    const struct knowledge *know = cli_knowledge(cli, err);

    *ret_foreign = (struct foreign){ .import = NULL };
    if (!know || !read_all(cli, &ret_foreign->import, &ret_foreign->is_trusted, err) || !choose(ret_foreign, word, &address, err) ||
        !import_make(ret_foreign->import, ret_foreign->from, address, know, &ret_foreign->account, err) ||
        !take_sign_in(cli, ret_foreign, err))
        return false;
    make_patient(ret_foreign, patient);
    return true;
}

struct secret_in_hand foreign_secret(const struct foreign *foreign)
{
    if (!foreign->account || !foreign->from->password)
        return (struct secret_in_hand){ NULL, NULL };
    return (struct secret_in_hand){ foreign->account->name, foreign->from->password };
}

/* ---- told ---- */

/* What would be changed in an account of ours, said for theirs. */
static void add_steps(const struct foreign *foreign, const struct knowledge *know, const struct doctor_report *report,
                      struct buf *out)
{
    struct mending mending;
    OWN(account) mended = NULL;

    mending_choose(foreign->account, know, report, &mending);
    if (mending.count == 0 || !mending_account(foreign->account, &mending, know, &mended, NULL))
        return;
    for (size_t i = 0; i < mending.count; i++)
        if (strcmp(mending.changes[i].key, "server") == 0 || strcmp(mending.changes[i].key, "security") == 0) {
            import_say_server(foreign->import, foreign->from, mended->server.name, mended->server.port, account_security(mended), out);
            break;
        }
    for (size_t i = 0; i < mending.count; i++)
        if (strcmp(mending.changes[i].key, "username") == 0)
            import_say_username(foreign->import, foreign->from, mending.changes[i].value, out);
}

static void tell_notes(struct cli *cli, const struct import *import)
{
    if (import->note_count == 0)
        return;
    say(cli, "\nNot taken from its files:");
    for (size_t i = 0; i < import->note_count; i++) {
        const struct import_note *at = &import->notes[i];
        if (at->line)
            say(cli, "  %s:%u: %s: %s", at->file, at->line, at->what, at->why);
        else
            say(cli, "  %s: %s: %s", at->file, at->what, at->why);
    }
    if (import->full)
        say(cli, "  and more");
}

void foreign_tell(struct cli *cli, const struct foreign *foreign, const struct knowledge *know,
                  const struct doctor_report *report)
{
    HELD(buf) steps = BUF(STEPS_MAX);

    if (foreign->why_no_sign_in)
        say(cli, "\nNobody signed in: %s.", foreign->why_no_sign_in);
    add_steps(foreign, know, report, &steps);
    struct span rest = buf_span(&steps), line;
    if (rest.len)
        say(cli, "\nIn the words of %s:", import_kind_words(foreign->import->kind));
    while (span_split(&rest, '\n', &line))
        say(cli, "  %.*s", SPAN_ARG(line));
    tell_notes(cli, foreign->import);
}

void foreign_json(struct json *json, const struct foreign *foreign, const struct knowledge *know,
                  const struct doctor_report *report)
{
    HELD(buf) steps = BUF(STEPS_MAX);
    const struct import *import = foreign->import;

    add_steps(foreign, know, report, &steps);
    struct span rest = buf_span(&steps), line;
    json_open(json, "import", '{');
    json_text(json, "kind", import_kind_word(import->kind));
    json_text(json, "account", foreign->from->name[0] ? foreign->from->name : NULL);
    json_bool(json, "signs_in", !foreign->why_no_sign_in);
    json_open(json, "steps", '[');
    while (span_split(&rest, '\n', &line))
        json_span(json, NULL, line);
    json_close(json);
    json_open(json, "notes", '[');
    for (size_t i = 0; i < import->note_count; i++) {
        json_open(json, NULL, '{');
        json_text(json, "file", import->notes[i].file);
        json_number(json, "line", import->notes[i].line);
        json_text(json, "what", import->notes[i].what);
        json_text(json, "why", import->notes[i].why);
        json_close(json);
    }
    json_close(json);
    json_close(json);
}
