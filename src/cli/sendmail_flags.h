/* The flags of sendmail, as forty years of programs call it: values attached or apart, letters in clusters, the
 * name it was called by. A closed list: what is harmless and old is taken, or passed over and told; what would
 * choose files, programs or another configuration is refused (threats M1: CVE-2016-10033).
 *
 * Pure, and nothing but libc behind it: argv in, a struct out.
 *
 *     -t                     recipients are the header's, too
 *     -f ADDRESS, -r ADDRESS the envelope's sender; "" and <> are none
 *     -F NAME                the sender's full name, where the header has none
 *     -a ACCOUNT             the account that sends
 *     -i, -oi                a dot alone on a line ends nothing
 *     -N WHEN  -R WHAT  -V ID    reports: when, how much comes back, what they are called by (RFC 3461)
 *     -B TYPE                7bit or 8bitmime
 *     -v                     tells what goes on
 *     -bm -bs -bp -bi -bv -q*    what to do: send; speak SMTP; list the queue; aliases; verify; run the queue
 *     -o... -O... -e? -A? -G -U -I -L -X -n -m -h    taken or passed over
 *     --                     what follows is recipients, whatever it begins with
 */
#ifndef OUTPOST_CLI_SENDMAIL_FLAGS_H
#define OUTPOST_CLI_SENDMAIL_FLAGS_H

#include "base/err.h"
#include "mail/envelope.h"

enum sendmail_mode {
    SENDMAIL_SEND,    /* -bm, and nothing said */
    SENDMAIL_SMTP,    /* -bs: a conversation on standard input and output */
    SENDMAIL_LIST,    /* -bp, mailq */
    SENDMAIL_ALIASES, /* -bi, -I, newaliases */
    SENDMAIL_VERIFY,  /* -bv: where would it go? */
    SENDMAIL_RUN,     /* -q...: what waits is tried now */
};

enum sendmail_errors { /* what becomes of an error */
    SENDMAIL_ERRORS_PRINTED, /* -oep, -oeq, -oew, and nothing said */
    SENDMAIL_ERRORS_MAILED,  /* -oem, -oee */
};

enum { SENDMAIL_PASSED_OVER_MAX = 16, SENDMAIL_TEXT_MAX = 998 };

struct sendmail_flags {
    enum sendmail_mode mode;
    enum sendmail_errors errors;
    bool header_recipients, keeps_dots, verbose;
    const char *sender; /* NULL: not said; "": none */
    const char *full_name, *account, *envid; /* NULL: not said */
    unsigned notify;        /* of enum envelope_notify; 0: not said */
    enum envelope_ret ret;
    enum envelope_body body;
    const char **recipients; /* point into argv */
    size_t recipient_count;
    const char *passed_over[SENDMAIL_PASSED_OVER_MAX]; /* what means nothing here, for a line in the log */
    size_t passed_over_count;
};

/* argv[0] is the name it was called by. `recipients` has room for argc pointers. ERR_USAGE with a line for whoever
 * wrote the call. */
MUST_USE bool sendmail_flags_read(int argc, char **argv, const char **recipients,
                                  struct sendmail_flags *ret_flags, struct err *err);

#endif
