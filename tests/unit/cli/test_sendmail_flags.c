/* How programs call sendmail, as their sources have it; and how nobody may. */
#include "support/check.h"

#include "base/buf.h"
#include "cli/sendmail_flags.h"

enum { WORDS_MAX = 40 };

/* Words between blanks; '' is the empty one. */
static int split(char *text, char **argv)
{
    int argc = 0;

    for (char *at = text; *at;) {
        while (*at == ' ')
            *at++ = '\0';
        if (!*at)
            break;
        argv[argc] = at;
        while (*at && *at != ' ')
            at++;
        if (*at)
            *at++ = '\0';
        if (strcmp(argv[argc], "''") == 0)
            argv[argc] += 2;
        argc++;
    }
    return argc;
}

/* What was understood, in one line. */
static void describe(const struct sendmail_flags *flags, struct buf *out)
{
    static const char *const modes[] = { "send", "smtp", "list", "aliases", "verify", "run" };

    buf_add(out, modes[flags->mode]);
    buf_add(out, flags->header_recipients ? " t" : "");
    buf_add(out, flags->keeps_dots ? " i" : "");
    buf_add(out, flags->verbose ? " v" : "");
    buf_add(out, flags->errors == SENDMAIL_ERRORS_MAILED ? " mailed" : "");
    buf_add(out, flags->body == BODY_8BIT ? " 8bit" : "");
    if (flags->sender)
        buf_addf(out, " f=<%s>", flags->sender);
    if (flags->full_name)
        buf_addf(out, " F=%s", flags->full_name);
    if (flags->account)
        buf_addf(out, " a=%s", flags->account);
    if (flags->notify)
        buf_addf(out, " N=%u", flags->notify);
    if (flags->ret)
        buf_addf(out, " R=%s", flags->ret == RET_FULL ? "full" : "hdrs");
    if (flags->envid)
        buf_addf(out, " V=%s", flags->envid);
    for (size_t i = 0; i < flags->recipient_count; i++)
        buf_addf(out, " to=%s", flags->recipients[i]);
    for (size_t i = 0; i < flags->passed_over_count; i++)
        buf_addf(out, " over=%s", flags->passed_over[i]);
}

static const struct {
    const char *label, *words, *want; /* "! " and why */
} rows[] = {
    /* programs */
    { "cron, Debian", "/usr/sbin/sendmail -i -FCronDaemon -B8BITMIME -oem root", "send i mailed 8bit F=CronDaemon to=root" },
    { "cronie", "/usr/sbin/sendmail -FCronDaemon -i -odi -oem -oi -t -f root", "send t i mailed f=<root> F=CronDaemon" },
    { "anacron, at", "/usr/sbin/sendmail -i root", "send i to=root" },
    { "mailutils mail", "/usr/sbin/sendmail -oi -t", "send t i" },
    { "mailutils mail, with a sender", "/usr/sbin/sendmail -oi -f me@example.org -t", "send t i f=<me@example.org>" },
    { "bsd-mailx", "/usr/sbin/sendmail -i -t", "send t i" },
    { "bsd-mailx, old", "send-mail -i -m you@example.org", "send i to=you@example.org" },
    { "s-nail", "/usr/sbin/sendmail -i -v -- you@example.org", "send i v to=you@example.org" },
    { "s-nail, -r", "/usr/sbin/sendmail -i -f me@example.org -r me@example.org -- you@example.org",
      "send i f=<me@example.org> to=you@example.org" },
    { "mutt", "/usr/sbin/sendmail -oem -oi -- you@example.org", "send i mailed to=you@example.org" },
    { "mutt, use_envelope_from, dsn", "/usr/sbin/sendmail -oem -oi -f me@example.org -N failure,delay -R hdrs -- a@x.org b@x.org",
      "send i mailed f=<me@example.org> N=12 R=hdrs to=a@x.org to=b@x.org" },
    { "mutt, 8 bits", "/usr/sbin/sendmail -oem -oi -B8BITMIME -- a@x.org", "send i mailed 8bit to=a@x.org" },
    { "neomutt with an account", "/usr/bin/sendmail -a work -- a@x.org", "send a=work to=a@x.org" },
    { "git send-email", "/usr/sbin/sendmail -i you@example.org list@example.net", "send i to=you@example.org to=list@example.net" },
    { "git send-email, --envelope-sender", "/usr/sbin/sendmail -f me@example.org -i a@x.org", "send i f=<me@example.org> to=a@x.org" },
    { "PHP mail()", "/usr/sbin/sendmail -t -i", "send t i" },
    { "PHP mail(), -f of the programmer", "/usr/sbin/sendmail -t -i -fme@example.org", "send t i f=<me@example.org>" },
    { "PHPMailer", "/usr/sbin/sendmail -oi -fme@example.org -t", "send t i f=<me@example.org>" },
    { "PHPMailer, no sender", "/usr/sbin/sendmail -oi -t", "send t i" },
    { "Symfony, Laravel", "/usr/sbin/sendmail -bs", "smtp" },
    { "Symfony, -t", "/usr/sbin/sendmail -t -i", "send t i" },
    { "Drupal, WordPress plugins", "/usr/sbin/sendmail -ti", "send t i" },
    { "Perl MIME::Lite", "/usr/lib/sendmail -t -oi -oem", "send t i mailed" },
    { "Perl MIME::Lite, FromSender", "/usr/lib/sendmail -t -oi -oem -fme@example.org", "send t i mailed f=<me@example.org>" },
    { "Perl Email::Sender", "/usr/sbin/sendmail -i -f me@example.org -- a@x.org b@x.org",
      "send i f=<me@example.org> to=a@x.org to=b@x.org" },
    { "Perl Mail::Mailer", "/usr/lib/sendmail -t", "send t" },
    { "Perl Mail::Sendmail's kin", "/usr/lib/sendmail -oi -t -odq", "send t i" },
    { "Python, Django's kin", "/usr/sbin/sendmail -t -oi", "send t i" },
    { "Python, trac", "/usr/sbin/sendmail -i -f me@example.org a@x.org", "send i f=<me@example.org> to=a@x.org" },
    { "Ruby mail", "/usr/sbin/sendmail -i -f me@example.org -- a@x.org", "send i f=<me@example.org> to=a@x.org" },
    { "Ruby mail, old", "/usr/sbin/sendmail -i -t", "send t i" },
    { "Node nodemailer", "sendmail -i -f me@example.org a@x.org", "send i f=<me@example.org> to=a@x.org" },
    { "Go, Gitea", "/usr/sbin/sendmail -f me@example.org -i a@x.org", "send i f=<me@example.org> to=a@x.org" },
    { "RT", "/usr/sbin/sendmail -oi -t -ODeliveryMode=b -OErrorMode=m", "send t i mailed" },
    { "Bugzilla", "/usr/lib/sendmail -i -f me@example.org a@x.org", "send i f=<me@example.org> to=a@x.org" },
    { "mailman", "/usr/sbin/sendmail -bs", "smtp" },
    { "Emacs, message-send-mail", "/usr/sbin/sendmail -oi -fme -oem -odb -t", "send t i mailed f=<me>" },
    { "Nagios, monit", "/usr/sbin/sendmail -vt", "send t v" },
    { "logcheck, apt-listchanges", "/usr/sbin/sendmail -oi -oem -- root", "send i mailed to=root" },
    { "unattended-upgrades", "/usr/sbin/sendmail -oi -t", "send t i" },
    { "fail2ban", "/usr/sbin/sendmail -f fail2ban@host root", "send f=<fail2ban@host> to=root" },
    { "smartd, mdadm", "/usr/sbin/sendmail -t", "send t" },
    { "Debian's bounce", "/usr/sbin/sendmail -f <> -- a@x.org", "send f=<> to=a@x.org" },
    { "nullmailer's kin", "sendmail -f '' a@x.org", "send f=<> to=a@x.org" },
    { "mailq", "/usr/bin/mailq", "list" },
    { "newaliases", "newaliases", "aliases" },
    { "the queue is run", "/usr/sbin/sendmail -q", "run" },
    { "and again every half an hour", "/usr/sbin/sendmail -q30m", "run" },
    { "of one kind", "/usr/sbin/sendmail -qf -v", "run v" },
    { "verify", "/usr/sbin/sendmail -bv root", "verify to=root" },

    /* forms */
    { "values apart", "sendmail -F Me -f a@x.org -V id1 -N never -R full -B 8bitmime -a w b@x.org",
      "send 8bit f=<a@x.org> F=Me a=w N=1 R=full V=id1 to=b@x.org" },
    { "values attached", "sendmail -FMe -fa@x.org -Vid1 -Nnever -Rfull -B8bitmime -aw b@x.org",
      "send 8bit f=<a@x.org> F=Me a=w N=1 R=full V=id1 to=b@x.org" },
    { "a cluster that ends in a value", "sendmail -tif a@x.org", "send t i f=<a@x.org>" },
    { "a cluster that ends in a value, attached", "sendmail -tifa@x.org", "send t i f=<a@x.org>" },
    { "-o apart", "sendmail -o i -o em a@x.org", "send i mailed to=a@x.org" },
    { "-O apart", "sendmail -O DeliveryMode=q -O IgnoreDots=true a@x.org", "send i to=a@x.org" },
    { "-O in any case, and no", "sendmail -OIGNOREDOTS=no -OVerbose a@x.org", "send v to=a@x.org" },
    { "-b apart", "sendmail -b p", "list" },
    { "recipients between flags", "sendmail a@x.org -i b@x.org -f c@x.org", "send i f=<c@x.org> to=a@x.org to=b@x.org" },
    { "the last sender counts", "sendmail -f a@x.org -r b@x.org c@x.org", "send f=<b@x.org> to=c@x.org" },
    { "behind --", "sendmail -i -- -t -f -- a@x.org", "send i to=-t to=-f to=-- to=a@x.org" },
    { "a dash alone", "sendmail -", "send to=-" },
    { "a value that looks like a flag", "sendmail -f -t a@x.org", "send f=<-t> to=a@x.org" },
    { "nothing", "sendmail", "send" },
    { "errors printed", "sendmail -oep -t", "send t" },
    { "errors quiet and written", "sendmail -oem -oeq -t -ew", "send t" },
    { "passed over", "sendmail -h5 -L tag -X /tmp/log -n -OTimeout=1 -oA/etc/x a@x.org",
      "send to=a@x.org over=-h5 over=-L over=-X over=-n over=-OTimeout=1 over=-oA/etc/x" },
    { "taken without a word", "sendmail -Am -Ac -G -U -m -odb -om -oitrue a@x.org", "send i to=a@x.org" },

    /* never */
    { "another configuration", "sendmail -C/tmp/x -t", "! -C /tmp/x: another configuration" },
    { "another configuration, apart", "sendmail -t -C /tmp/x", "! -C /tmp/x: another configuration" },
    { "a log", "sendmail -D /tmp/x", "! -D /tmp/x: no file is written" },
    { "another queue", "sendmail -oQ/tmp/ -X/var/www/x.php a@x.org", "! -o Q/tmp/: another queue" },
    { "another queue, in words", "sendmail -OQueueDirectory=/tmp a@x.org", "! -O QueueDirectory=/tmp: another queue" },
    { "Exim's expansions", "sendmail -be ${run{/bin/true}}", "! -b e: one of m, s, p, i, v" },
    { "a daemon", "sendmail -bd", "! -b d: the daemon is started by: outpost serve" },
    { "a daemon that runs the queue", "sendmail -bd -q30m", "! -b d: the daemon is started by: outpost serve" },
    { "a test", "sendmail -bt", "! -b t: one of m" },
    { "no such flag", "sendmail -z", "! -z: there is no such flag" },
    { "no such flag in a cluster", "sendmail -tz a@x.org", "! -z: there is no such flag" },
    { "a long option", "sendmail --config x", "! --config: there is no such flag; outpost's own stand in front" },
    { "no value", "sendmail -f", "! -f: a value is missing" },
    { "no such wish", "sendmail -N sometimes a@x.org", "! -N sometimes: never, or some of" },
    { "never and more", "sendmail -N never,delay a@x.org", "! -N never,delay: never, or some of" },
    { "no wish", "sendmail -N '' a@x.org", "! -N : never, or some of" },
    { "half of it back", "sendmail -R half a@x.org", "! -R half: full or hdrs" },
    { "no such body", "sendmail -B9bit a@x.org", "! -B 9bit: 7bit or 8bitmime" },
    { "no such error mode", "sendmail -oex a@x.org", "! -e x: one of m, e, p, q, w" },
    { "no id", "sendmail -V '' a@x.org", "! -V : an id of 1 to 100" },
};

static void test_calls(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char text[400], *argv[WORDS_MAX + 1] = { NULL };
        const char *recipients[WORDS_MAX];
        struct sendmail_flags flags;
        struct err err = { 0 };
        HELD(buf) got = BUF(1000);

        assert_true(strlen(rows[i].words) < sizeof text);
        memcpy(text, rows[i].words, strlen(rows[i].words) + 1);
        int argc = split(text, argv);
        if (sendmail_flags_read(argc, argv, recipients, &flags, &err))
            describe(&flags, &got);
        else
            buf_addf(&got, "! %s", err.text);
        bool refused = rows[i].want[0] == '!';
        check_row(rows[i].label, !refused || err.kind == ERR_USAGE);
        check_bytes(rows[i].label, span_cut(buf_span(&got), 0, refused ? strlen(rows[i].want) : got.len),
                    span_of(rows[i].want));
    }
}

static void test_text_that_is_none(void **state)
{
    static const char *const texts[] = { "a@x.org\r\nRCPT TO:<b@x.org>", "a\nb", "a\x7f", "\x1b[2J" };

    (void)state;
    for (size_t i = 0; i < COUNT(texts); i++) {
        static const char *const letters[] = { "-f", "-F", "-a", "-V", "-r" };
        for (size_t k = 0; k < COUNT(letters); k++) {
            char *argv[] = { (char *)(uintptr_t)"sendmail", (char *)(uintptr_t)letters[k],
                             (char *)(uintptr_t)texts[i], NULL };
            const char *recipients[3];
            struct sendmail_flags flags;
            struct err err = { 0 };
            check_row(texts[i], !sendmail_flags_read(3, argv, recipients, &flags, &err));
            check_row(texts[i], err.kind == ERR_USAGE && !strchr(err.text, '\n') && !strchr(err.text, '\x1b'));
        }
    }
}

static void test_no_words_at_all(void **state)
{
    (void)state;
    struct sendmail_flags flags;

    assert_true(sendmail_flags_read(0, NULL, NULL, &flags, NULL));
    assert_int_equal(flags.mode, SENDMAIL_SEND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls),
        cmocka_unit_test(test_text_that_is_none),
        cmocka_unit_test(test_no_words_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
