/* outpost send: a message from text and files, or a whole one, to the provider's last word. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/queued.h"
#include "cli/sent.h"
#include "cli/world.h"
#include "intake/compose.h"
#include "intake/intake.h"
#include "intake/peek.h"
#include "intake/local.h"
#include "intake/spool.h"
#include "os/clock.h"
#include "os/random.h"

#include "base/banned.h"

static const struct option options[] = {
    { 's', "subject", OPTION_VALUE, "TEXT", "the subject" },
    { 'A', "attach", OPTION_MANY, "FILE", "attach a file; repeatable" },
    { 0, "html", OPTION_VALUE, "FILE", "the same text as HTML" },
    { 0, "from", OPTION_VALUE, "ADDRESS", "the sender; chooses the account, too" },
    { 0, "to", OPTION_MANY, "ADDRESS", "a recipient, like RCPT; repeatable" },
    { 0, "cc", OPTION_MANY, "ADDRESS", "a recipient of a copy; repeatable" },
    { 0, "bcc", OPTION_MANY, "ADDRESS", "a recipient whom the others don't see; repeatable" },
    { 0, "raw", OPTION_FLAG, NULL, "standard input is a whole message; without RCPT to its header's" },
    { 't', "header-recipients", OPTION_FLAG, NULL, "the same, to its header's recipients and RCPT" },
    { 'a', "account", OPTION_VALUE, "NAME", "send by this account or route" },
    { 'n', "dry-run", OPTION_FLAG, NULL, "show envelope and message, send nothing" },
    { 0, "direct", OPTION_FLAG, NULL, "no queue: the outcome is the exit status" },
    { 0, "wait", OPTION_NUMBER, "SECONDS", "wait so long for the outcome" },
    { 0, "key", OPTION_VALUE, "KEY", "the same key and message within a day is accepted once" },
};

enum { LISTS_MAX = 1000 };

/* Repeated values of options, and the operands, as lists that end with NULL. */
struct lists {
    const char *to[LISTS_MAX + 1], *cc[LISTS_MAX + 1], *all[LISTS_MAX + 1], *files[LISTS_MAX + 1];
    size_t to_count, cc_count, all_count, file_count;
};

static bool add(const char **list, size_t *count, const char *value, struct err *err)
{
    if (*count == LISTS_MAX)
        return err_set(err, ERR_USAGE, "that is more than %d values of one kind", LISTS_MAX);
    list[(*count)++] = value;
    list[*count] = NULL;
    return true;
}

static bool add_option(const struct cli *cli, const char *name, const char **list, size_t *count,
                       struct err *err)
{
    const char *value;

    for (size_t at = 0; (value = arguments_next(&cli->args, name, &at));)
        if (!add(list, count, value, err))
            return false;
    return true;
}

static bool gather(const struct cli *cli, struct lists *lists, struct err *err)
{
    for (size_t i = 0; i < cli->args.operand_count; i++)
        if (!add(lists->to, &lists->to_count, cli->args.operands[i], err) ||
            !add(lists->all, &lists->all_count, cli->args.operands[i], err))
            return false;
    return add_option(cli, "to", lists->to, &lists->to_count, err) &&
           add_option(cli, "to", lists->all, &lists->all_count, err) &&
           add_option(cli, "cc", lists->cc, &lists->cc_count, err) &&
           add_option(cli, "cc", lists->all, &lists->all_count, err) &&
           add_option(cli, "bcc", lists->all, &lists->all_count, err) &&
           add_option(cli, "attach", lists->files, &lists->file_count, err);
}

static bool check_somebody(const struct cli *cli, const struct lists *lists, struct err *err)
{
    if (lists->all_count || arguments_has(&cli->args, "raw") ||
        arguments_has(&cli->args, "header-recipients"))
        return true;
    return err_set(err, ERR_USAGE, "to whom? outpost send RCPT..., or --raw for a whole message");
}

static bool is_raw(const struct cli *cli)
{
    return arguments_has(&cli->args, "raw") || arguments_has(&cli->args, "header-recipients");
}

/* ---- the message, whole, in a file without a name ---- */

static bool spool_input(const char *directory, int *ret_fd, struct err *err)
{
    struct spool spool = spool_begin(&disk_system, directory);
    char piece[16 * 1024];
    size_t len = 0;
    bool good = true;

    while (good) {
        good = spool_read(&disk_system, STDIN_FILENO, "standard input", piece, sizeof piece, &len,
                          err);
        if (!good || len == 0)
            break;
        good = spool_add(&spool, (struct span){ piece, len }, err);
    }
    good = good && spool_give(&spool, ret_fd, err);
    spool_done(&spool);
    return good;
}

static bool compose(const struct cli *cli, const struct lists *lists, const char *directory,
                    int *ret_fd, struct err *err)
{
    const char *html = arguments_text(&cli->args, "html");
    bool typed = isatty(STDIN_FILENO);
    struct compose_order order = {
        .disk = &disk_system,
        .directory = directory,
        .from = arguments_text(&cli->args, "from"),
        .to = lists->to,
        .cc = lists->cc,
        .subject = arguments_text(&cli->args, "subject"),
        .text_fd = typed && html ? -1 : STDIN_FILENO,
        .html = html,
        .attachments = lists->files,
    };

    if (order.text_fd >= 0 && typed)
        note(cli, "Type the message; end it with Ctrl-D on a line of its own.");
    return random_fill(&dice_system, order.random, sizeof order.random, err) &&
           compose_message(&order, ret_fd, err);
}

/* ---- who sends ---- */

/* A route is for what waits: without a queue there is an account, or nothing. */
static const struct account *by_name_or_sender(const struct cli *cli, const struct config *config, struct span sender,
                                               struct err *err)
{
    const char *name = arguments_text(&cli->args, "account");
    struct config_lane lane = { 0 };
    bool good = arguments_has(&cli->args, "direct") ? config_choose(config, name, sender, &lane.account, err)
                                                    : config_choose_lane(config, name, sender, &lane, err);

    return good ? lane.account : NULL;
}

static const struct account *choose(struct cli *cli, const struct config *config, int fd,
                                    struct err *err)
{
    const char *name = arguments_text(&cli->args, "account");
    const char *from = arguments_text(&cli->args, "from");
    HELD(buf) sender = BUF(1000);

    if (from)
        peek_bare_address(from, &sender);
    else if (!name && config->account_count > 1 && !peek_sender(fd, &sender, err))
        return NULL;
    return by_name_or_sender(cli, config, buf_span(&sender), err);
}

/* What can be known before the message is read: that would be in vain. */
static bool check_account(const struct cli *cli, const struct config *config, struct err *err)
{
    const char *name = arguments_text(&cli->args, "account");

    return (!name && config->account_count) || by_name_or_sender(cli, config, SPAN_NONE, err);
}

/* ---- the road ---- */

/* Where mail for names of this machine goes. A file that can't be read leads nowhere, which is no reason to leave
 * mail for others unsent. */
static bool read_aliases(struct cli *cli, const struct local_settings *local, struct aliases **ret_aliases,
                         struct err *err)
{
    struct err why = { 0 };

    if (local_aliases(local, &disk_system, ret_aliases, &why))
        return true;
    note(cli, "outpost: the aliases are left out: %s", why.text);
    return aliases_parse(SPAN_NONE, ret_aliases, err);
}

static bool prepare(struct cli *cli, const struct lists *lists, const struct account *account, int fd,
                    const char *directory, struct prepared **ret_prepared, struct err *err)
{
    const struct local_settings *local = config_section(cli_config(cli, NULL), &local_part, NULL);
    OWN(aliases) aliases = NULL;
    uint64_t wall = clock_wall(&clock_system);
    struct intake_order order = {
        .account = account,
        .disk = &disk_system,
        .directory = directory,
        .wall = wall / 1000,
        .zone_minutes = clock_zone_minutes(wall),
        .hostname = cli_hostname(cli),
        .fd = fd,
        .sender = is_raw(cli) ? arguments_text(&cli->args, "from") : NULL,
        .recipients = lists->all,
        .recipient_count = lists->all_count,
        .header_recipients = arguments_has(&cli->args, "header-recipients") ||
                             (is_raw(cli) && lists->all_count == 0),
        .admin = local->admin,
    };

    if (!read_aliases(cli, local, &aliases, err))
        return false;
    order.aliases = aliases;
    return random_fill(&dice_system, order.random, sizeof order.random, err) &&
           intake_prepare(&order, ret_prepared, err);
}

static int send_it(struct cli *cli, const struct account *account, struct prepared *prepared)
{
    const struct sending_message message = { prepared->envelope, prepared->fd };
    struct sending sending;

    sending_run(cli, account, &message, &sending);
    int status = sent_tell(cli, account, prepared, &sending);
    sending_done(&sending);
    return status;
}

/* ---- through the queue ---- */

struct outcome {
    struct cli *cli;
    int status;
};

static void tell(void *who, const struct handed *handed)
{
    struct outcome *outcome = who;

    outcome->status = queued_tell(outcome->cli, handed);
}

static int hand_over(struct cli *cli, const struct lists *lists, int fd)
{
    struct submission *said = NEW(submission);
    struct outcome outcome = { .cli = cli };
    const struct handing handing = { said, fd, 1000 * arguments_number(&cli->args, "wait", 0), tell, &outcome };
    struct handed handed = { 0 };
    struct err err = { 0 };

    if (!said) {
        err_no_memory(&err);
        return fail_here(cli, &err);
    }
    said->sender = is_raw(cli) ? arguments_text(&cli->args, "from") : NULL;
    said->account = arguments_text(&cli->args, "account");
    said->key = arguments_text(&cli->args, "key");
    said->header_recipients = arguments_has(&cli->args, "header-recipients") ||
                              (is_raw(cli) && lists->all_count == 0);
    memcpy(said->recipients, lists->all, lists->all_count * sizeof *lists->all);
    said->recipient_count = lists->all_count;
    int status = handing_run(cli, &handing, &handed, &err) ? outcome.status : fail_here(cli, &err);
    handed_done(&handed);
    mem_free(said);
    return status;
}

/* At once, with no queue between, or not at all. */
static int send_now(struct cli *cli, const struct config *config, const struct lists *lists, int fd,
                    const char *directory)
{
    struct err err = { 0 };
    OWN(prepared) prepared = NULL;
    const struct account *account = choose(cli, config, fd, &err);

    if (!account || !prepare(cli, lists, account, fd, directory, &prepared, &err))
        return fail_here(cli, &err);
    return arguments_has(&cli->args, "dry-run") ? sent_dry(cli, account, prepared)
                                                : send_it(cli, account, prepared);
}

/* ---- where it is made ---- */

struct workshop {
    const struct config *config; /* NULL: the accounts are the daemon's alone */
    const char *directory;       /* for the message, in files without a name */
};

static bool is_now(const struct cli *cli)
{
    return arguments_has(&cli->args, "dry-run") || arguments_has(&cli->args, "direct");
}

/* In system scope most who send may read neither configuration nor state, and need not: the daemon looks. */
static bool open_workshop(struct cli *cli, struct workshop *ret, struct err *err)
{
    const struct place *place = cli_place(cli, err);
    const char *temporary = secure_getenv("TMPDIR");
    bool is_anothers = place && place_is_anothers(place);
    struct secret_world world;

    if (!place)
        return false;
    *ret = (struct workshop){ NULL, temporary && *temporary ? temporary : "/tmp" };
    if (is_anothers && !is_now(cli))
        return true;
    if (is_anothers && geteuid() != 0)
        return err_set(err, ERR_USAGE, "the machine's accounts are the daemon's alone, so --direct and --dry-run are for "
                                       "root: sudo outpost send ...");
    ret->config = cli_config(cli, err);
    if (!ret->config || !check_account(cli, ret->config, err))
        return false;
    if (is_anothers)
        return true; /* root reads what is attached as root */
    if (!cli_secrets(cli, &world, err))
        return false;
    ret->directory = world.state;
    return true;
}

static int run(struct cli *cli)
{
    struct err err = { 0 };
    struct workshop shop = { 0 };
    struct lists *lists = NEW(lists);
    int fd = -1, status;

    bool good = (lists || err_no_memory(&err)) && gather(cli, lists, &err) && check_somebody(cli, lists, &err) &&
                open_workshop(cli, &shop, &err) &&
                (is_raw(cli) ? spool_input(shop.directory, &fd, &err)
                             : compose(cli, lists, shop.directory, &fd, &err));
    status = !good         ? fail_here(cli, &err)
             : is_now(cli) ? send_now(cli, shop.config, lists, fd, shop.directory)
                           : hand_over(cli, lists, fd);
    mem_free(lists);
    if (fd >= 0)
        close(fd);
    return status;
}

const struct command command_send = {
    .name = "send",
    .takes = "[RCPT...]",
    .does = "send a message: text from standard input, or a whole one with --raw",
    .options = options,
    .option_count = COUNT(options),
    .operands_most = LISTS_MAX,
    .is_outcome = true,
    .run = run,
};
