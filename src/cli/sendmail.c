/* sendmail, mailq, newaliases: the small program that others call. It hands a message to the owner of the queue with
 * nothing but libc loaded; for anything else it becomes outpost sendmail (cli/cmd_sendmail.c). */
#include <signal.h>

#include "base/alloc.h"
#include "cli/mailing.h"
#include "cli/starting.h"
#include "os/private.h"

#include "base/banned.h"

static int send_it(const struct sendmail_flags *flags, struct err *err)
{
    const struct place_wish wish = { 0 };
    const struct place_asker asker = place_asker();
    OWN(place) place = NULL;

    if (!place_find(&wish, &asker, &place, err))
        return mailing_fail(err);
    const struct carrier_plan plan = { .place = place };
    return mailing_run(&plan, flags);
}

int main(int argc, char **argv)
{
    struct private_before before;
    struct sendmail_flags flags;
    struct err err = { 0 };
    int status;

    private_process(&before);
    signal(SIGPIPE, SIG_IGN);
    const char **recipients = mem_array((size_t)argc + 1, sizeof *recipients);
    if (!recipients || !sendmail_flags_read(argc, argv, recipients, &flags, &err)) {
        status = mailing_fail(recipients ? &err : (err_no_memory(&err), &err));
    } else if (flags.mode == SENDMAIL_SEND) {
        status = send_it(&flags, &err);
    } else {
        private_lend(&before);
        starting_instead(flags.mode == SENDMAIL_LIST ? "-bp" : flags.mode == SENDMAIL_ALIASES ? "-bi" : NULL,
                         argv + 1, &err);
        status = mailing_fail(&err);
    }
    mem_free(recipients);
    return status;
}
