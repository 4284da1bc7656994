#include "cli/remedy.h"

#include "base/alloc.h"
#include "cli/failure.h"
#include "cli/in_force.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/way.h"
#include "cli/world.h"

#include "base/banned.h"

enum { VALUE_MAX = 4096 };

static const struct setting_origin *origin_of(const struct account *account, const char *key)
{
    const struct setting *setting = setting_find(&account_kind, span_of(key));

    return &account->origins[setting - account_kind.settings];
}

static bool is_written(const struct account *account, const char *key)
{
    const struct setting_origin *origin = origin_of(account, key);

    return origin->from && !origin->filled;
}

static void value_of(const struct account *account, const char *key, struct buf *out)
{
    setting_show(setting_find(&account_kind, span_of(key)), account, out);
}

/* ---- shown ---- */

/* As a diff of the file that would be written. */
static void show_changes(const struct cli *cli, const struct account *account, const struct mending *mending, const char *file)
{
    say(cli, "\n--- %s", file);
    say(cli, " [account %s]", account->name);
    for (size_t i = 0; i < mending->count; i++) {
        const struct mending_change *change = &mending->changes[i];
        HELD(buf) now = BUF(VALUE_MAX);
        value_of(account, change->key, &now);
        if (is_written(account, change->key))
            say(cli, "-%s = %s", change->key, buf_text(&now));
        if (change->value[0])
            say(cli, "+%s = %s", change->key, change->value);
    }
}

/* The account's first line that a person wrote: where the others stand. */
static const struct setting_origin *first_line(const struct account *account)
{
    const struct setting_origin *first = NULL;

    for (size_t i = 0; i < account_kind.count; i++) {
        const struct setting_origin *origin = &account->origins[i];
        if (origin->from && !origin->filled && (!first || origin->line < first->line))
            first = origin;
    }
    return first;
}

static void show_line(const struct cli *cli, const struct account *account, const struct mending_change *change)
{
    const struct setting_origin *origin = origin_of(account, change->key);
    HELD(buf) now = BUF(VALUE_MAX);

    value_of(account, change->key, &now);
    if (!is_written(account, change->key)) {
        const struct setting_origin *first = first_line(account);
        say(cli, "  %s, in [account %s]: add %s = %s", first ? first->from : "", account->name, change->key, change->value);
    } else if (change->value[0]) {
        say(cli, "  %s:%u: %s = %s, in place of %s", origin->from, origin->line, change->key, change->value, buf_text(&now));
    } else {
        say(cli, "  %s:%u: take away %s = %s", origin->from, origin->line, change->key, buf_text(&now));
    }
}

/* What the list of mechanisms is good for, and is not any more then. */
static void show_weaker(const struct cli *cli, const struct account *account, const struct mending *mending)
{
    HELD(buf) now = BUF(VALUE_MAX);

    if (!mending->is_weaker)
        return;
    value_of(account, "mechanisms", &now);
    say(cli, "\nThis makes the account less strict than it was set. With mechanisms = %s\n"
             "the password itself never goes to the server. %s;\n"
             "without them the password itself may go there, inside TLS.", buf_text(&now),
        mending->was_tried ? "It refuses these, and takes the same password by another" : "The provider is known to have none of these");
}

static void show_lines(const struct cli *cli, const struct account *account, const struct mending *mending)
{
    say(cli, "\nThis account stands in a file of your own, which outpost does not change. What would mend it:");
    for (size_t i = 0; i < mending->count; i++)
        show_line(cli, account, &mending->changes[i]);
    show_weaker(cli, account, mending);
    say(cli, "Then: %soutpost doctor %s", mending->wants_sign_in ? "outpost account login, and " : "", account->name);
}

/* ---- done ---- */

/* False: no; *ret_status then is what to end with. --yes was said before anybody saw whose server it would be, or that it
 * would be less strict. */
static bool is_agreed(struct cli *cli, const struct account *account, const struct mending *mending, int *ret_status)
{
    HELD(buf) question = BUF(200);
    struct err err = { 0 };

    *ret_status = 1;
    if (arguments_has(&cli->args, "yes") && !mending->is_strange && !mending->is_weaker)
        return true;
    if (!cli->may_ask) {
        err_set(&err, ERR_USAGE, mending->is_strange  ? "whether this is the server of the account %s a person has to say, at a terminal"
                                 : mending->is_weaker ? "whether the password of the account %s may itself go to the server a person has "
                                                        "to say, at a terminal"
                                                      : "changing the account %s wants to be confirmed: add --yes",
                account->name);
        *ret_status = fail_here(cli, &err);
        return false;
    }
    buf_addf(&question, mending->is_weaker ? "Let the password itself go to the server, and change the account %s so if that works?"
                                           : "Try it, and change the account %s so if it works?", account->name);
    return input_yes(cli, buf_text(&question));
}

static bool write_it(struct cli *cli, const struct account *account, struct err *err)
{
    const struct place *place = cli_place(cli, err);
    struct secret_world world;

    if (!place || !cli_may_manage(cli, err) || !cli_secrets(cli, &world, err) ||
        !config_write_account(place, &disk_system, account, err) || !way_forget(&world, account, err))
        return false;
    (void)in_force_now(cli);
    return true;
}

/* What only works once somebody has signed in can't be proven before. */
static bool prove(const struct account *mended, remedy_look *look, void *who, struct remedy *remedy, struct err *err)
{
    if (remedy->mending.wants_sign_in)
        return true;
    return look(who, mended, &remedy->proven, err);
}

static int tell_end(const struct cli *cli, const struct account *account, const struct remedy *remedy)
{
    if (remedy->mending.wants_sign_in)
        say(cli, "Changed. It works once you have signed in: outpost account login %s", account->name);
    else if (remedy->written)
        say(cli, "It works so: the doctor looked again, and mail goes. The account %s is changed.", account->name);
    else
        say(cli, "It does not work so either: nothing was changed.");
    return remedy->written ? 0 : 1;
}

static int change_ours(struct cli *cli, const struct account *account, const struct knowledge *know, remedy_look *look,
                       void *who, struct remedy *remedy)
{
    OWN(account) mended = NULL;
    struct err err = { 0 };
    int status;

    show_changes(cli, account, &remedy->mending, remedy->file);
    show_weaker(cli, account, &remedy->mending);
    if (!is_agreed(cli, account, &remedy->mending, &status))
        return status;
    remedy->agreed = true;
    if (!mending_account(account, &remedy->mending, know, &mended, &err) || !prove(mended, look, who, remedy, &err))
        return fail_here(cli, &err);
    if ((remedy->proven || remedy->mending.wants_sign_in) && !write_it(cli, mended, &err))
        return fail_here(cli, &err);
    remedy->written = remedy->proven || remedy->mending.wants_sign_in;
    return tell_end(cli, account, remedy);
}

int remedy_apply(struct cli *cli, const struct account *account, const struct knowledge *know,
                 const struct doctor_report *report, remedy_look *look, void *who, struct remedy *ret_remedy)
{
    const struct place *place = cli_place(cli, NULL);
    const struct setting_origin *first = first_line(account);

    *ret_remedy = (struct remedy){ .agreed = false };
    mending_choose(account, know, report, &ret_remedy->mending);
    if (ret_remedy->mending.count == 0) {
        say(cli, "\nNothing of this is outpost's to change.");
        return 1;
    }
    if (!place || !config_account_is_ours(place, account, NULL)) {
        show_lines(cli, account, &ret_remedy->mending);
        return 1;
    }
    ret_remedy->file = first ? first->from : "";
    return change_ours(cli, account, know, look, who, ret_remedy);
}

void remedy_json(struct json *json, const struct account *account, const struct remedy *remedy)
{
    json_open(json, "mended", '{');
    json_open(json, "changes", '[');
    for (size_t i = 0; i < remedy->mending.count; i++) {
        const struct mending_change *change = &remedy->mending.changes[i];
        const struct setting_origin *origin = origin_of(account, change->key);
        HELD(buf) now = BUF(VALUE_MAX);
        value_of(account, change->key, &now);
        json_open(json, NULL, '{');
        json_text(json, "key", change->key);
        json_text(json, "from", buf_text(&now));
        json_text(json, "to", change->value[0] ? change->value : NULL);
        json_text(json, "file", is_written(account, change->key) ? origin->from : NULL);
        if (is_written(account, change->key))
            json_number(json, "line", origin->line);
        json_close(json);
    }
    json_close(json);
    json_text(json, "file", remedy->file);
    json_bool(json, "proven", remedy->proven);
    json_bool(json, "written", remedy->written);
    json_bool(json, "weakens", remedy->mending.is_weaker);
    json_bool(json, "sign_in", remedy->mending.wants_sign_in);
    json_close(json);
}
