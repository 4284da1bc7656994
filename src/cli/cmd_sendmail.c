/* outpost sendmail: what other programs call sendmail, mailq and newaliases. The small program (cli/sendmail.c) does the
 * first of it by itself and becomes this one for the rest. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/failure.h"
#include "cli/mailing.h"
#include "cli/sendmail_modes.h"
#include "cli/standin.h"
#include "cli/starting.h"
#include "cli/world.h"

#include "base/banned.h"

static int send_it(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags)
{
    (void)cli;
    return mailing_run(plan, flags);
}

static int (*const modes[])(struct cli *cli, const struct carrier_plan *plan, const struct sendmail_flags *flags) = {
    [SENDMAIL_SEND] = send_it,          [SENDMAIL_SMTP] = sendmail_smtp,     [SENDMAIL_LIST] = sendmail_list,
    [SENDMAIL_ALIASES] = sendmail_aliases, [SENDMAIL_VERIFY] = sendmail_verify, [SENDMAIL_RUN] = sendmail_wake,
};

static int run_flags(struct cli *cli, const struct sendmail_flags *flags)
{
    const char **words = mem_array((size_t)cli->front_count + 1, sizeof *words);
    struct err err = { 0 };
    const struct place *place = words ? cli_place(cli, &err) : NULL;
    int status;

    if (!words)
        err_no_memory(&err);
    for (int i = 0; words && i < cli->front_count; i++)
        words[i] = cli->front[i];
    const struct carrier_plan plan = { .place = place, .words = words };
    status = place ? modes[flags->mode](cli, &plan, flags) : mailing_fail(&err);
    mem_free(words);
    return status;
}

static int run(struct cli *cli)
{
    const char **recipients = mem_array((size_t)cli->word_count + 1, sizeof *recipients);
    struct sendmail_flags flags;
    struct err err = { 0 };
    int status;

    if (cli->word_count == 1 && strcmp(cli->words[0], STARTING_STANDIN) == 0)
        status = standin_run(cli);
    else if (!recipients)
        status = mailing_fail((err_no_memory(&err), &err));
    else if (!sendmail_flags_read(cli->word_count + 1, cli->words - 1, recipients, &flags, &err))
        status = mailing_fail(&err);
    else
        status = run_flags(cli, &flags);
    mem_free(recipients);
    return status;
}

const struct command command_sendmail = {
    .name = "sendmail",
    .takes = "[FLAG...] [RCPT...]",
    .does = "what programs call sendmail: hand in a message from standard input; list, wake, check",
    .more = "For programs that call /usr/sbin/sendmail; build/sendmail, installed in lib/outpost, is the same, and quicker.\n"
            "  -t  recipients are the header's, too      -f ADDRESS  the sender      -F NAME  the sender's full name\n"
            "  -a ACCOUNT  send by this account          -N -R -V  reports (RFC 3461)  -v  tell what goes on\n"
            "  -i, -oi  a dot alone on a line ends nothing: always so, unless it is typed at a terminal\n"
            "  -bs  speak SMTP    -bp, mailq  list what waits    -q...  try it now    -bv  where would it go?\n"
            "  -bi, newaliases  look through the aliases file    --  only recipients follow\n"
            "Old flags and -o options that choose nothing here are passed over, with a line in the system's log; -C and\n"
            "-bd are refused. 0 means on disk. Where no daemon runs, one that stands in is started and delivers in the\n"
            "background; in system scope the daemon is waited for, 10 seconds, and then it is exit status 75.",
    .operands_most = 10000,
    .reads_words = true,
    .is_outcome = true,
    .run = run,
};
