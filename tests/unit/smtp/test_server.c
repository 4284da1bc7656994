#include "support/check.h"


#include "mail/envelope.h"
#include "smtp/server_int.h"
#include "support/alloc_fails.h"

/* -- a driver that decides by what it reads -- */

enum how { CLEAR = 0, TLS = 1, SIGN_IN = 2, SMALL = 4, LIMITS = 8, CHALLENGE = 16, FULL = 32, NO_BEGIN = 64,
           REPAIR = 128, LATER = 256, PROXIED = 512, ANY_SIZE = 1024 };

static struct smtp_server_plan plan_of(int how)
{
    struct smtp_server_plan plan = {
        .name = "mail.example",
        .must_secure = how & SIGN_IN,
        .must_sign_in = how & SIGN_IN,
        .error_challenge = how & CHALLENGE,
        .repair = how & REPAIR,
    };
    smtp_extensions_read(SPAN("x\nPIPELINING\nSIZE 100000\n8BITMIME\nSMTPUTF8\nBINARYMIME\nCHUNKING\nDSN\n"
                              "ENHANCEDSTATUSCODES\nSTARTTLS"), &plan.clear);
    smtp_extensions_read(SPAN("x\nPIPELINING\nSIZE 100000\n8BITMIME\nSMTPUTF8\nBINARYMIME\nCHUNKING\nDSN\n"
                              "ENHANCEDSTATUSCODES\nAUTH PLAIN LOGIN XOAUTH2 CRAM-MD5 SCRAM-SHA-256 "
                              "SCRAM-SHA-256-PLUS"), &plan.secured);
    if (how & SMALL)
        plan.clear.size = plan.secured.size = 20;
    if (how & ANY_SIZE)
        plan.clear.size = plan.secured.size = 0;
    if (how & LATER) {
        plan.clear.offered |= SMTP_FUTURERELEASE | SMTP_DELIVERBY | SMTP_MT_PRIORITY;
        plan.clear.hold_max = 3600;
    }
    if (how & PROXIED)
        plan.clear.offered |= SMTP_XCLIENT;
    if (how & LIMITS)
        plan.clear.rcpt_max = plan.secured.mail_max = 2;
    return plan;
}

struct driver {
    int how;
    struct buf said; /* all that the server wrote */
    struct buf kept; /* all messages kept, "sender>first recipient|text" each */
    struct buf body;
};

static void decide(struct smtp_server *server, struct driver *driver)
{
    struct smtp_answer answer = { .yes = true };
    const struct envelope *envelope = smtp_server_envelope(server);
    OWN(secret) secret = secret_new(SPAN("secret"));

    switch (smtp_server_question(server)) {
    case SMTP_ASK_SIGN_IN:
        answer.yes = span_is(smtp_server_claim(server).user, "me") &&
                     span_is(smtp_server_claim(server).proof, "secret");
        if (span_is(smtp_server_claim(server).proof, "basic"))
            answer = (struct smtp_answer){ false, 535, "5.7.139", "basic authentication is disabled" };
        break;
    case SMTP_ASK_KEY:
        if (span_is(smtp_server_claim(server).user, "late")) {
            smtp_server_answer(server, &(struct smtp_answer){ false, 454, "4.7.0", "Wait a minute" }, 0);
            return;
        }
        smtp_server_password(server, span_is(smtp_server_claim(server).user, "me") ? secret : NULL, 0);
        return;
    case SMTP_ASK_SENDER:
        answer.yes = strcmp(envelope->sender, "no@x.org") != 0;
        break;
    case SMTP_ASK_RECIPIENT:
        answer.yes = strcmp(smtp_server_recipient(server), "no@x.org") != 0;
        if (!strcmp(smtp_server_recipient(server), "bye@x.org"))
            answer = (struct smtp_answer){ false, 421, "4.3.2", "Going down" };
        break;
    case SMTP_ASK_CLIENT:
        answer.yes = strcmp(smtp_server_told(server)->address, "192.0.2.66") != 0;
        break;
    case SMTP_ASK_BEGIN:
        answer.yes = !(driver->how & NO_BEGIN);
        break;
    case SMTP_ASK_KEEP:
        buf_addf(&driver->kept, "%s>%s|", envelope->sender, envelope->recipients[0].address);
        buf_add_span(&driver->kept, buf_span(&driver->body));
        buf_clear(&driver->body);
        break;
    }
    smtp_server_answer(server, &answer, 0);
}

static void pump(struct smtp_server *server, struct driver *driver)
{
    for (;;) {
        struct span output = smtp_server_output(server);
        buf_add_span(&driver->said, output);
        smtp_server_wrote(server, output.len, 0);
        if (!smtp_server_in_message(server))
            buf_clear(&driver->body);
        switch (smtp_server_need(server)) {
        case SMTP_SERVER_QUESTION:
            decide(server, driver);
            break;
        case SMTP_SERVER_BODY:
            buf_add_span(&driver->body, smtp_server_body(server));
            if (driver->how & FULL)
                smtp_server_body_lost(server, &(struct smtp_answer){ 0 }, 0);
            else
                smtp_server_body_kept(server, 0);
            break;
        case SMTP_SERVER_TLS:
            smtp_server_secured(server, SPAN("binding"), 0);
            break;
        default:
            if (!smtp_server_output(server).len)
                return;
        }
    }
}

static void feed(struct smtp_server *server, struct driver *driver, struct span bytes)
{
    if (smtp_server_need(server) == SMTP_SERVER_BYTES)
        smtp_server_recv(server, bytes, 0);
    pump(server, driver);
}

#define DRIVER(flags) { .how = (flags), .said = BUF(1 << 20), .kept = BUF(1 << 20), .body = BUF(1 << 20) }

static void driver_done(struct driver *driver)
{
    buf_done(&driver->said);
    buf_done(&driver->kept);
    buf_done(&driver->body);
}

/* The codes of the replies' last lines: "220 250". */
static void codes(struct buf *out, struct span said)
{
    struct span line;

    while (span_split(&said, '\n', &line)) {
        if (line.len > 3 && line.at[3] == ' ')
            buf_addf(out, "%s%.3s", out->len ? " " : "", line.at);
    }
}

/* -- conversations, each played whole, octet by octet, and cut in two at every place -- */

#define HI      "EHLO me\r\n"
#define TO_X    "MAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\n"
#define AUTH_ME "AUTH PLAIN AG1lAHNlY3JldA==\r\n"

static const struct {
    const char *label;
    int how;
    struct span said;
    const char *replies, *kept;
} talks[] = {
    { "a message", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nHi\r\n..dot\r\n.\r\nQUIT\r\n"),
      "220 250 250 250 354 250 221", "a@x.org>b@x.org|Hi\r\n.dot\r\n" },
    { "two messages", CLEAR, SPAN_INIT(HI TO_X "DATA\r\n1\r\n.\r\n" TO_X "DATA\r\n2\r\n.\r\n"),
      "220 250 250 250 354 250 250 250 354 250", "a@x.org>b@x.org|1\r\na@x.org>b@x.org|2\r\n" },
    { "an empty message", CLEAR, SPAN_INIT(HI TO_X "DATA\r\n.\r\n"), "220 250 250 250 354 250", "a@x.org>b@x.org|" },
    { "by chunks", CLEAR, SPAN_INIT(HI TO_X "BDAT 6\r\nHi\r\n.\rBDAT 3 LAST\r\n\n\r\n"),
      "220 250 250 250 250 250", "a@x.org>b@x.org|Hi\r\n.\r\n\r\n" },
    { "an empty last chunk", CLEAR, SPAN_INIT(HI TO_X "BDAT 4\r\nHi\r\nBDAT 0 LAST\r\nNOOP\r\n"),
      "220 250 250 250 250 250 250", "a@x.org>b@x.org|Hi\r\n" },
    { "an empty first chunk", CLEAR, SPAN_INIT(HI TO_X "BDAT 0\r\nBDAT 4 LAST\r\nHi\r\n"),
      "220 250 250 250 250 250", "a@x.org>b@x.org|Hi\r\n" },
    { "commands inside a chunk are content", CLEAR, SPAN_INIT(HI TO_X "BDAT 9 LAST\r\nQUIT\r\n.\r\n"),
      "220 250 250 250 250", "a@x.org>b@x.org|QUIT\r\n.\r\n" },
    { "binary", CLEAR, SPAN_INIT(HI "MAIL FROM:<a@x.org> BODY=BINARYMIME\r\nRCPT TO:<b@x.org>\r\nBDAT 3 LAST\r\n\0\n\r"),
      "220 250 250 250 250", NULL },
    { "binary by DATA", CLEAR, SPAN_INIT(HI "MAIL FROM:<a@x.org> BODY=BINARYMIME\r\nRCPT TO:<b@x.org>\r\nDATA\r\nRCPT TO:<c@x.org>\r\n"),
      "220 250 250 250 503 503", "" },

    /* ends of data that some take for one, and what followed was a second message */
    { "LF.LF", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nx\n.\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "LF.CRLF", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nx\n.\r\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "CRLF.LF", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nx\r\n.\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "CR.CR", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nx\r.\rMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "CR.CRLF", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nx\r.\r\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "CRLF NUL . CRLF", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nx\r\n\0.\r\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "CRCRLF.CRLF", CLEAR, SPAN_INIT(HI TO_X "DATA\r\nx\r\r\n.\r\nNOOP\r\n"), "220 250 250 250 354 550 250", "" },
    { "a bare LF in a chunk", CLEAR, SPAN_INIT(HI TO_X "BDAT 4\r\na\nb\nBDAT 1 LAST\r\nxNOOP\r\n"),
      "220 250 250 250 550 503 250", "" },
    { "a bare CR at a chunk's end", CLEAR, SPAN_INIT(HI TO_X "BDAT 2 LAST\r\na\rNOOP\r\n"),
      "220 250 250 250 550 250", "" },

    /* the same, where bare LFs are repaired: a message of LFs is mended, a false end is none, and refused */
    { "LFs mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\na\nb\n\nc\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 250 250", "a@x.org>b@x.org|a\r\nb\r\n\r\nc\r\n" },
    { "dots behind an LF", REPAIR, SPAN_INIT(HI TO_X "DATA\r\na\n..b\n.c\n...\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 250 250", "a@x.org>b@x.org|a\r\n.b\r\n.c\r\n..\r\n" },
    { "LF.LF, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\n.\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "LF.CRLF, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\n.\r\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "LF.CRLF.CRLF, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\n.\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "CRLF.LF, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\r\n.\nMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "LF CRLF.CRLF, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\n\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 250 250", "a@x.org>b@x.org|x\r\n\r\n" },
    { "CR.CR, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\r.\rMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "LF.CR, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\n.\rMAIL FROM:<e@x.org>\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "a NUL, mended", REPAIR, SPAN_INIT(HI TO_X "DATA\r\nx\n\0\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 354 550 250", "" },
    { "chunks mended", REPAIR, SPAN_INIT(HI TO_X "BDAT 5\r\na\nb\r\rBDAT 6 LAST\r\n\nc\n.d\n"),
      "220 250 250 250 550 503", "" },
    { "chunks mended across a cut", REPAIR, SPAN_INIT(HI TO_X "BDAT 4\r\na\nb\rBDAT 6 LAST\r\n\nc\n.d\n"),
      "220 250 250 250 250 250", "a@x.org>b@x.org|a\r\nb\r\nc\r\n.d\r\n" },
    { "a false end in a chunk", REPAIR, SPAN_INIT(HI TO_X "BDAT 5 LAST\r\nx\n.\r\nNOOP\r\n"),
      "220 250 250 250 550 250", "" },
    { "a false end, and another message", REPAIR,
      SPAN_INIT(HI TO_X "BDAT 5 LAST\r\nx\n.\r\n" TO_X "BDAT 4 LAST\r\na\nb\n" TO_X "DATA\r\nc\n.\n\r\n.\r\n" TO_X "DATA\r\nd\n\r\n.\r\n"),
      "220 250 250 250 550 250 250 250 250 250 354 550 250 250 354 250",
      "a@x.org>b@x.org|a\r\nb\r\na@x.org>b@x.org|d\r\n\r\n" },
    { "a true end in a chunk is content", REPAIR, SPAN_INIT(HI TO_X "BDAT 6 LAST\r\nx\r\n.\r\nNOOP\r\n"),
      "220 250 250 250 250 250", "a@x.org>b@x.org|x\r\n.\r\n" },
    { "binary stays as it is", REPAIR,
      SPAN_INIT(HI "MAIL FROM:<a@x.org> BODY=BINARYMIME\r\nRCPT TO:<b@x.org>\r\nBDAT 3 LAST\r\na\nb"),
      "220 250 250 250 250", "a@x.org>b@x.org|a\nb" },

    /* command lines */
    { "a bare LF splits nothing", CLEAR, SPAN_INIT(HI "NOOP\nQUIT\r\nNOOP\r\n"), "220 250 500 250", "" },
    { "a bare CR splits nothing", CLEAR, SPAN_INIT(HI "NOOP\rQUIT\r\nNOOP\r\n"), "220 250 500 250", "" },
    { "an empty line", CLEAR, SPAN_INIT("\r\nNOOP\r\n"), "220 500 250", "" },
    { "any case", CLEAR, SPAN_INIT("ehlo me\r\nmail from:<a@x.org>\r\nrcpt to:<b@x.org>\r\n"), "220 250 250 250", "" },
    { "a browser", CLEAR, SPAN_INIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "220 500", "" },
    { "a browser inside TLS", TLS, SPAN_INIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "220 500", "" },
    { "a proxy's word from nobody in particular", CLEAR,
      SPAN_INIT("PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\nXCLIENT ADDR=192.0.2.1\r\nXFORWARD ADDR=192.0.2.1\r\n"),
      "220 500 500 500", "" },
    { "a browser's form", CLEAR, SPAN_INIT("POST /\nHELO x\r\nMAIL FROM:<a@x.org>\r\n"), "220 500", "" },
    { "any method", CLEAR, SPAN_INIT(HI "BREW pot HTTP/1.0\r\nNOOP\r\n"), "220 250 500", "" },

    /* arguments */
    { "no name", CLEAR, SPAN_INIT("EHLO\r\nHELO \r\n"), "220 501 501", "" },
    { "arguments too many", CLEAR, SPAN_INIT(HI "RSET x\r\nQUIT x\r\nSTARTTLS x\r\n" TO_X "DATA x\r\n"),
      "220 250 501 501 501 250 250 501", "" },
    { "arguments to NOOP and HELP", CLEAR, SPAN_INIT("NOOP x\r\nHELP x\r\nVRFY x\r\nEXPN x\r\nVRFY\r\n"),
      "220 250 214 252 502 501", "" },
    { "bad paths", CLEAR, SPAN_INIT(HI "MAIL FROM:a@x.org\r\nMAIL a@x.org\r\nMAIL FROM:<a@x.org\r\n"
                                    "MAIL FROM:<a@@x>\r\nMAIL FROM:<a@x.org>SIZE=1\r\nMAIL FROM:<a\0b@x.org>\r\n"),
      "220 250 501 501 501 501 501 501", "" },
    { "no sender, and a blank", CLEAR, SPAN_INIT(HI "MAIL FROM: <>\r\nRCPT TO:<>\r\nRCPT TO: <b@x.org>\r\n"),
      "220 250 250 501 250", "" },
    { "the postmaster", CLEAR, SPAN_INIT(HI "MAIL FROM:<>\r\nRCPT TO:<Postmaster>\r\n"), "220 250 250 250", "" },
    { "parameters", CLEAR, SPAN_INIT(HI "MAIL FROM:<a@x.org> SIZE=5 BODY=8BITMIME RET=HDRS ENVID=a+2Bb\r\n"
                                     "RCPT TO:<b@x.org> NOTIFY=SUCCESS,DELAY ORCPT=rfc822;b@x.org\r\n"),
      "220 250 250 250", "" },
    { "bad parameters", CLEAR, SPAN_INIT(HI "MAIL FROM:<a@x.org> FOO=1\r\nMAIL FROM:<a@x.org> SIZE=1 SIZE=1\r\n"
                                         "MAIL FROM:<a@x.org> SIZE=999999\r\nMAIL FROM:<a@x.org> SIZE=x\r\n"
                                         "MAIL FROM:<a@x.org> ENVID=+0D+0A\r\n"),
      "220 250 555 501 552 501 501", "" },
    { "bad parameters of RCPT", CLEAR, SPAN_INIT(HI "MAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org> FOO=1\r\n"
                                                 "RCPT TO:<b@x.org> NOTIFY=NEVER,SUCCESS\r\n"),
      "220 250 250 555 501", "" },
    { "after HELO no parameters", CLEAR, SPAN_INIT("HELO me\r\nMAIL FROM:<a@x.org> BODY=8BITMIME\r\n"), "220 250 555", "" },
    { "UTF-8 without SMTPUTF8", CLEAR, SPAN_INIT(HI "MAIL FROM:<\xc3\xa4@x.org>\r\nMAIL FROM:<a@x.org>\r\n"
                                                 "RCPT TO:<\xc3\xa4@x.org>\r\nRCPT TO:<a@\xc3\xa4.org>\r\n"),
      "220 250 553 250 553 553", "" },
    { "UTF-8 with it", CLEAR, SPAN_INIT(HI "MAIL FROM:<\xc3\xa4@x.org> SMTPUTF8\r\nRCPT TO:<\xc3\xb6@x.org>\r\n"),
      "220 250 250 250", "" },

    /* wishes for the time of delivery */
    { "later", LATER, SPAN_INIT(HI "MAIL FROM:<a@x.org> HOLDFOR=60 BY=120;R MT-PRIORITY=-3\r\n"), "220 250 250", "" },
    { "until", LATER, SPAN_INIT(HI "MAIL FROM:<a@x.org> HOLDUNTIL=2026-11-23T00:15:00Z\r\n"), "220 250 250", "" },
    { "until too late", LATER, SPAN_INIT(HI "MAIL FROM:<a@x.org> HOLDUNTIL=2026-11-23T00:15:01Z\r\n"), "220 250 501", "" },
    { "too long", LATER, SPAN_INIT(HI "MAIL FROM:<a@x.org> HOLDFOR=3601\r\nMAIL FROM:<a@x.org>\r\n"), "220 250 501 250", "" },
    { "not offered", CLEAR, SPAN_INIT(HI "MAIL FROM:<a@x.org> HOLDFOR=60\r\nMAIL FROM:<a@x.org> BY=1;N\r\n"
                                      "MAIL FROM:<a@x.org> MT-PRIORITY=1\r\n"), "220 250 555 555 555", "" },

    /* a proxy speaks for others */
    { "for a client", PROXIED, SPAN_INIT(HI "XCLIENT ADDR=192.0.2.1 NAME=client.example\r\nMAIL FROM:<a@x.org>\r\n" HI TO_X),
      "220 250 220 503 250 250 250", "" },
    { "before EHLO", PROXIED, SPAN_INIT("XCLIENT ADDR=IPV6:2001:db8::1\r\n" HI), "220 220 250", "" },
    { "who may not come in", PROXIED, SPAN_INIT(HI "XCLIENT ADDR=192.0.2.66\r\nNOOP\r\n"), "220 250 550", "" },
    { "who has signed in there", PROXIED | SIGN_IN, SPAN_INIT(HI "XCLIENT ADDR=192.0.2.1 LOGIN=me+40x\r\nXCLIENT ADDR=192.0.2.2\r\n"),
      "220 250 220 503", "" },
    { "in a transaction", PROXIED, SPAN_INIT(HI TO_X "XCLIENT ADDR=192.0.2.1\r\n"), "220 250 250 250 503", "" },
    { "in other words", PROXIED, SPAN_INIT("XCLIENT\r\nXCLIENT ADDR\r\nXCLIENT COLOUR=red\r\nXCLIENT ADDR=1 ADDR=2\r\n"
                                           "XCLIENT NAME=a+0D+0Ab\r\nXCLIENT NAME=a+b\r\nXCLIENT PORT=123456789\r\n"),
      "220 501 501 501 501 501 501 501", "" },
    { "what it does not know", PROXIED, SPAN_INIT("XCLIENT NAME=[UNAVAILABLE] ADDR=[TEMPUNAVAIL] PROTO=ESMTP DESTPORT=25\r\n"),
      "220 220", "" },

    /* no and not now */
    { "decisions", CLEAR, SPAN_INIT(HI "MAIL FROM:<no@x.org>\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<no@x.org>\r\nDATA\r\n"
                                    "RCPT TO:<b@x.org>\r\nDATA\r\nHi\r\n.\r\n"),
      "220 250 550 250 550 503 250 354 250", "a@x.org>b@x.org|Hi\r\n" },
    { "a decision ends it", CLEAR, SPAN_INIT(HI "MAIL FROM:<a@x.org>\r\nRCPT TO:<bye@x.org>\r\nNOOP\r\n"), "220 250 250 421", "" },
    { "no room", NO_BEGIN, SPAN_INIT(HI TO_X "DATA\r\nNOOP\r\n"), "220 250 250 250 452 250", "" },
    { "no room for chunks", NO_BEGIN, SPAN_INIT(HI TO_X "BDAT 6\r\nNOOP\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"),
      "220 250 250 250 452 503 250", "" },
    { "the disk is full", FULL, SPAN_INIT(HI TO_X "DATA\r\nHi\r\nthere\r\n.\r\nRCPT TO:<b@x.org>\r\n"),
      "220 250 250 250 354 451 503", "" },
    { "too large", SMALL, SPAN_INIT(HI TO_X "DATA\r\n0123456789\r\n0123456789\r\n.\r\nRCPT TO:<b@x.org>\r\n"),
      "220 250 250 250 354 552 503", "" },
    { "just right", SMALL, SPAN_INIT(HI TO_X "DATA\r\n0123456\r\n012345678\r\n.\r\n"),
      "220 250 250 250 354 250", "a@x.org>b@x.org|0123456\r\n012345678\r\n" },
    { "chunks too large together", SMALL, SPAN_INIT(HI TO_X "BDAT 12\r\n0123456789\r\nBDAT 12\r\n0123456789\r\nRCPT TO:<b@x.org>\r\n"),
      "220 250 250 250 250 552 503", "" },
    { "recipients too many", LIMITS, SPAN_INIT(HI TO_X "RCPT TO:<c@x.org>\r\nRCPT TO:<d@x.org>\r\nRCPT TO:<e@x.org>\r\n"),
      "220 250 250 250 250 452 452", "" },
    { "messages too many", LIMITS, SPAN_INIT(HI TO_X "DATA\r\n.\r\n" TO_X "DATA\r\n.\r\n" TO_X),
      "220 250 250 250 354 250 250 250 354 250 421", "a@x.org>b@x.org|a@x.org>b@x.org|" },

    /* chunks nobody asked for */
    { "BDAT before MAIL", CLEAR, SPAN_INIT(HI "BDAT 6\r\nNOOP\r\nNOOP\r\n"), "220 250 503 250", "" },
    { "BDAT before EHLO", CLEAR, SPAN_INIT("BDAT 6\r\nQUIT\r\nNOOP\r\n"), "220 503 250", "" },
    { "DATA after BDAT", CLEAR, SPAN_INIT(HI TO_X "BDAT 2\r\nxxDATA\r\nBDAT 2 LAST\r\n\r\n"),
      "220 250 250 250 250 503 250", "a@x.org>b@x.org|xx\r\n" },
    { "RSET between chunks", CLEAR, SPAN_INIT(HI TO_X "BDAT 2\r\nxxRSET\r\nBDAT 4 LAST\r\nyy\r\n"),
      "220 250 250 250 250 250 503", "" },
    { "EHLO between chunks", CLEAR, SPAN_INIT(HI TO_X "BDAT 2\r\nxx" HI "BDAT 4 LAST\r\nyy\r\nRCPT TO:<b@x.org>\r\n"),
      "220 250 250 250 250 250 503 503", "" },
    { "no size", CLEAR, SPAN_INIT(HI TO_X "BDAT LAST\r\nNOOP\r\n"), "220 250 250 250 501", "" },
    { "a negative size", CLEAR, SPAN_INIT(HI TO_X "BDAT -1 LAST\r\nNOOP\r\n"), "220 250 250 250 501", "" },
    { "a huge size", CLEAR, SPAN_INIT(HI TO_X "BDAT 18446744073709551617 LAST\r\nNOOP\r\n"), "220 250 250 250 501", "" },
    { "above SIZE", SMALL, SPAN_INIT(HI TO_X "BDAT 21 LAST\r\nNOOP\r\n"), "220 250 250 250 501", "" },
    { "a refused one too large to be read", ANY_SIZE, SPAN_INIT(HI "BDAT 2000000000\r\nNOOP\r\n"), "220 250 421", "" },
    { "a refused one without a size", CLEAR, SPAN_INIT(HI "BDAT x\r\nNOOP\r\n"), "220 250 501", "" },
    { "no argument", CLEAR, SPAN_INIT(HI TO_X "BDAT\r\nNOOP\r\n"), "220 250 250 250 501 421", "" },

    /* signing in */
    { "PLAIN at once", TLS | SIGN_IN, SPAN_INIT(HI AUTH_ME TO_X), "220 250 235 250 250", "" },
    { "PLAIN later", TLS, SPAN_INIT(HI "AUTH PLAIN\r\nAG1lAHNlY3JldA==\r\n"), "220 250 334 235", "" },
    { "LOGIN", TLS, SPAN_INIT(HI "AUTH LOGIN\r\nbWU=\r\nc2VjcmV0\r\n"), "220 250 334 334 235", "" },
    { "LOGIN, the user on the line", TLS, SPAN_INIT(HI "AUTH LOGIN bWU=\r\nc2VjcmV0\r\n"), "220 250 334 235", "" },
    { "wrong, in other words", TLS, SPAN_INIT(HI "AUTH PLAIN AG1lAGJhc2lj\r\n"), "220 250 535", "" },
    { "wrong, and again", TLS, SPAN_INIT(HI "AUTH LOGIN\r\nbWU=\r\nYQ==\r\n" AUTH_ME), "220 250 334 334 535 235", "" },
    { "three times wrong", TLS, SPAN_INIT(HI "AUTH PLAIN AG1lAGE=\r\nAUTH PLAIN AG1lAGE=\r\nAUTH PLAIN AG1lAGE=\r\n" AUTH_ME),
      "220 250 535 535 535 421", "" },
    { "cancelled", TLS, SPAN_INIT(HI "AUTH LOGIN\r\n*\r\n" AUTH_ME), "220 250 334 501 235", "" },
    { "no base64", TLS, SPAN_INIT(HI "AUTH PLAIN AG1\r\nAUTH PLAIN\r\nAG1lA\r\nAUTH PLAIN ===\r\nAUTH PLAIN A G\r\nNOOP\r\n"),
      "220 250 501 334 501 501 501 250", "" },
    { "an empty response", TLS, SPAN_INIT(HI "AUTH PLAIN =\r\nAUTH PLAIN\r\n\r\nNOOP\r\n"), "220 250 501 334 501 250", "" },
    { "signing in twice", TLS, SPAN_INIT(HI AUTH_ME AUTH_ME), "220 250 235 503", "" },
    { "in a transaction", TLS, SPAN_INIT(HI "MAIL FROM:<a@x.org>\r\n" AUTH_ME), "220 250 250 503", "" },
    { "no such mechanism", TLS, SPAN_INIT(HI "AUTH NTLM\r\nAUTH SCRAM-SHA-1\r\nAUTH EXTERNAL =\r\n"), "220 250 504 504 504", "" },
    { "a token", TLS, SPAN_INIT(HI "AUTH XOAUTH2 dXNlcj1tZQFhdXRoPUJlYXJlciBzZWNyZXQBAQ==\r\n"), "220 250 235", "" },
    { "a wrong token", TLS, SPAN_INIT(HI "AUTH XOAUTH2 dXNlcj1tZQFhdXRoPUJlYXJlciBiYXNpYwEB\r\n"), "220 250 535", "" },
    { "a wrong token, told", TLS | CHALLENGE, SPAN_INIT(HI "AUTH XOAUTH2 dXNlcj1tZQFhdXRoPUJlYXJlciBiYXNpYwEB\r\n\r\nNOOP\r\n"),
      "220 250 334 535 250", "" },
    { "no key now", TLS, SPAN_INIT(HI "AUTH SCRAM-SHA-256 biwsbj1sYXRlLHI9YWJjZGVmZ2hpams=\r\n" AUTH_ME), "220 250 454 235", "" },
    { "before TLS", SIGN_IN, SPAN_INIT(HI AUTH_ME "MAIL FROM:<a@x.org>\r\n"), "220 250 538 530", "" },
    { "inside, without signing in", TLS | SIGN_IN, SPAN_INIT(HI "MAIL FROM:<a@x.org>\r\n"), "220 250 530", "" },
    { "STARTTLS inside", TLS, SPAN_INIT(HI "STARTTLS\r\n"), "220 250 503", "" },
};

/* What the server says, and keeps, when the client's words arrive in pieces of `piece` octets, the
 * first of them `first` long. */
static void play(size_t at, size_t first, size_t piece, struct driver *driver)
{
    const struct smtp_server_plan plan = plan_of(talks[at].how);
    OWN(smtp_server) server = smtp_server_new(&plan, talks[at].how & TLS, 0, NULL);
    struct span rest = talks[at].said;

    assert_non_null(server);
    smtp_server_tell_wall(server, 1795389300, 0); /* 2026-11-22T23:15:00Z */
    pump(server, driver);
    for (size_t len = first; rest.len; len = piece) {
        feed(server, driver, span_cut(rest, 0, len));
        rest = span_from(rest, len);
    }
}

static void test_talks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(talks); i++) {
        struct driver whole = DRIVER(talks[i].how);
        HELD(buf) replies = BUF(4096);

        play(i, talks[i].said.len, 1, &whole);
        codes(&replies, buf_span(&whole.said));
        check_bytes(talks[i].label, buf_span(&replies), span_of(talks[i].replies));
        if (talks[i].kept)
            check_bytes(talks[i].label, buf_span(&whole.kept), span_of(talks[i].kept));
        for (size_t cut = 0; cut < talks[i].said.len; cut++) {
            struct driver parts = DRIVER(talks[i].how);
            play(i, cut ? cut : 1, cut ? talks[i].said.len : 1, &parts);
            check_bytes(talks[i].label, buf_span(&parts.said), buf_span(&whole.said));
            check_bytes(talks[i].label, buf_span(&parts.kept), buf_span(&whole.kept));
            driver_done(&parts);
        }
        driver_done(&whole);
    }
}

/* -- every command in every state -- */

static const struct {
    const char *label, *before;
    enum smtp_server_state state;
} states[] = {
    { "at the start", "", SMTP_AT_START },
    { "greeted", HI, SMTP_AT_HELLO },
    { "with a sender", HI "MAIL FROM:<a@x.org>\r\n", SMTP_AT_SENDER },
    { "with a recipient", HI TO_X, SMTP_AT_RCPTS },
    { "between chunks", HI TO_X "BDAT 2\r\nxx", SMTP_AT_CHUNKS },
};

static const struct {
    const char *line;
    const char *replies[COUNT(states)];
} matrix[] = {
    /*                            start  greeted sender recipient chunks */
    { "EHLO x\r\n",              { "250", "250", "250", "250", "250" } },
    { "HELO x\r\n",              { "250", "250", "250", "250", "250" } },
    { "STARTTLS\r\n",            { "503", "503", "503", "503", "503" } }, /* we are inside */
    { "AUTH PLAIN AAAA\r\n",     { "503", "501", "503", "503", "503" } },
    { "MAIL FROM:<a@x.org>\r\n", { "503", "250", "503", "503", "503" } },
    { "RCPT TO:<b@x.org>\r\n",   { "503", "503", "250", "250", "503" } },
    { "DATA\r\n",                { "503", "503", "503", "354", "503" } },
    { "BDAT 1\r\nx",             { "503", "503", "503", "250", "250" } },
    { "BDAT 2 LAST\r\n\r\n",     { "503", "503", "503", "250", "250" } },
    { "RSET\r\n",                { "250", "250", "250", "250", "250" } },
    { "NOOP\r\n",                { "250", "250", "250", "250", "250" } },
    { "VRFY x\r\n",              { "252", "252", "252", "252", "252" } },
    { "EXPN x\r\n",              { "502", "502", "502", "502", "502" } },
    { "HELP\r\n",                { "214", "214", "214", "214", "214" } },
    { "QUIT\r\n",                { "221", "221", "221", "221", "221" } },
    { "XCLIENT ADDR=1\r\n",      { "500", "500", "500", "500", "500" } },
    { "XFORWARD ADDR=1\r\n",     { "500", "500", "500", "500", "500" } },
    { "PROXY UNKNOWN\r\n",       { "500", "500", "500", "500", "500" } },
    { "\r\n",                    { "500", "500", "500", "500", "500" } },
    { "DATA\nQUIT\r\n",         { "500", "500", "500", "500", "500" } },
};

/* What is otherwise in the clear, and where a proxy may speak. */
static const struct {
    const char *line;
    const char *replies[COUNT(states)];
} clear_matrix[] = {
    { "STARTTLS\r\n",            { "503", "220", "503", "503", "503" } },
    { "STARTTLS now\r\n",        { "503", "501", "503", "503", "503" } },
    { "AUTH PLAIN AAAA\r\n",     { "503", "538", "503", "503", "503" } },
    { "XCLIENT ADDR=1\r\n",      { "220", "220", "503", "503", "503" } },
};

static void try_in_state(int how, const char *line, size_t k, const char *want)
{
    const struct smtp_server_plan plan = plan_of(how);
    OWN(smtp_server) server = smtp_server_new(&plan, how & TLS, 0, NULL);
    struct driver driver = DRIVER(how);
    HELD(buf) label = BUF(200), replies = BUF(200);

    buf_addf(&label, "%.*s %s", (int)strcspn(line, "\r"), line, states[k].label);
    pump(server, &driver);
    feed(server, &driver, span_of(states[k].before));
    check_row(buf_text(&label), server->state == states[k].state);
    buf_clear(&driver.said);
    feed(server, &driver, span_of(line));
    codes(&replies, buf_span(&driver.said));
    check_bytes(buf_text(&label), buf_span(&replies), span_of(want));
    driver_done(&driver);
}

static void test_every_command_in_every_state(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(matrix); i++)
        for (size_t k = 0; k < COUNT(states); k++)
            try_in_state(TLS, matrix[i].line, k, matrix[i].replies[k]);
    for (size_t i = 0; i < COUNT(clear_matrix); i++)
        for (size_t k = 0; k < COUNT(states); k++)
            try_in_state(PROXIED, clear_matrix[i].line, k, clear_matrix[i].replies[k]);
}

/* Whatever ends a transaction leaves nothing of it: neither sender nor recipient nor chunk. */
static void test_every_end_forgets(void **state)
{
    static const struct {
        const char *label;
        int how;
        const char *end;
    } ends[] = {
        { "EHLO", CLEAR, HI TO_X HI },
        { "HELO", CLEAR, HI TO_X "HELO me\r\n" },
        { "RSET", CLEAR, HI TO_X "RSET\r\n" },
        { "a message", CLEAR, HI TO_X "DATA\r\n.\r\n" },
        { "a message that is refused", CLEAR, HI TO_X "DATA\r\n\n\r\n.\r\n" },
        { "a message that is too large", SMALL, HI TO_X "DATA\r\n0123456789\r\n0123456789\r\n.\r\n" },
        { "a message that can't be kept", FULL, HI TO_X "DATA\r\nx\r\n.\r\n" },
        { "no room", NO_BEGIN, HI TO_X "DATA\r\n" },
        { "the last chunk", CLEAR, HI TO_X "BDAT 2 LAST\r\n\r\n" },
        { "a chunk that is refused", CLEAR, HI TO_X "BDAT 2\r\n\n\n" },
        { "a chunk without room", NO_BEGIN, HI TO_X "BDAT 2\r\n\r\n" },
        { "EHLO between chunks", CLEAR, HI TO_X "BDAT 2\r\n\r\n" HI },
        { "a sender who is refused", CLEAR, HI "MAIL FROM:<no@x.org>\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(ends); i++) {
        const struct smtp_server_plan plan = plan_of(ends[i].how);
        OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
        struct driver driver = DRIVER(ends[i].how);
        HELD(buf) replies = BUF(200);

        pump(server, &driver);
        feed(server, &driver, span_of(ends[i].end));
        check_row(ends[i].label, server->state == SMTP_AT_HELLO && !smtp_server_envelope(server));
        buf_clear(&driver.said);
        feed(server, &driver, SPAN("RCPT TO:<c@x.org>\r\nDATA\r\nBDAT 0 LAST\r\nMAIL FROM:<a@x.org>\r\nDATA\r\n"));
        codes(&replies, buf_span(&driver.said));
        check_bytes(ends[i].label, buf_span(&replies), SPAN("503 503 503 250 503"));
        driver_done(&driver);
    }
}

/* -- what EHLO says is so -- */

static void test_what_is_offered(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(LATER | PROXIED);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
    struct driver driver = DRIVER(0);

    pump(server, &driver);
    feed(server, &driver, SPAN(HI));
    assert_null(strstr(buf_text(&driver.said), "FUTURERELEASE")); /* it does not know the date */
    smtp_server_tell_wall(server, 1795389300, 0);
    buf_clear(&driver.said);
    feed(server, &driver, SPAN(HI));
    assert_non_null(strstr(buf_text(&driver.said), "250-FUTURERELEASE 3600 2026-11-23T00:15:00Z\r\n"));
    assert_non_null(strstr(buf_text(&driver.said), "250-DELIVERBY\r\n250-MT-PRIORITY\r\n"));
    assert_non_null(strstr(buf_text(&driver.said), "250 XCLIENT NAME ADDR PORT PROTO HELO LOGIN DESTADDR DESTPORT\r\n"));
    feed(server, &driver, SPAN("MAIL FROM:<a@x.org> HOLDFOR=60 BY=120;RT MT-PRIORITY=-3\r\n"));
    const struct smtp_wishes *wishes = smtp_server_wishes(server);
    assert_true(wishes->hold_for == 60 && wishes->has_by && wishes->by_time == 120 && wishes->by_returns);
    assert_true(wishes->by_trace && wishes->priority == -3);
    feed(server, &driver, SPAN("RSET\r\n"));
    assert_false(smtp_server_wishes(server)->has_by);
    driver_done(&driver);
}

static void test_the_limit_is_told(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(SMALL);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
    struct driver driver = DRIVER(0);

    pump(server, &driver);
    feed(server, &driver, SPAN(HI "MAIL FROM:<a@x.org> SIZE=21\r\n"));
    assert_non_null(strstr(buf_text(&driver.said), "552 5.3.4 The message is larger than 20 octets\r\n"));
    buf_clear(&driver.said);
    feed(server, &driver, SPAN(TO_X "DATA\r\n0123456789\r\n0123456789\r\n.\r\n"));
    assert_non_null(strstr(buf_text(&driver.said), "552 5.3.4 The message is larger than 20 octets\r\n"));
    driver_done(&driver);
}

static void test_told_by_a_proxy(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(PROXIED | SIGN_IN), other = plan_of(0);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
    struct driver driver = DRIVER(0);

    pump(server, &driver);
    assert_null(smtp_server_told(server));
    feed(server, &driver, SPAN("EHLO proxy\r\n"));
    smtp_server_recv(server, SPAN("XCLIENT ADDR=IPV6:2001:db8::1 PORT=4711 HELO=+5B192.0.2.1+5D LOGIN=me+40x "
                                  "NAME=[UNAVAILABLE]\r\n"), 0);
    assert_int_equal(smtp_server_question(server), SMTP_ASK_CLIENT);
    const struct smtp_told *told = smtp_server_told(server);
    assert_string_equal(told->address, "2001:db8::1");
    assert_string_equal(told->port, "4711");
    assert_string_equal(told->hello, "[192.0.2.1]");
    assert_string_equal(told->login, "me@x");
    assert_string_equal(told->name, "");
    assert_null(smtp_server_user(server)); /* not before the answer */
    smtp_server_change_plan(server, &other);
    pump(server, &driver);
    assert_string_equal(smtp_server_user(server), "me@x");
    assert_string_equal(smtp_server_hello(server), "");
    buf_clear(&driver.said);
    feed(server, &driver, SPAN(HI));
    assert_null(strstr(buf_text(&driver.said), "XCLIENT")); /* what the other plan does not offer */

    /* The proxy stays the proxy inside TLS, but who had signed in has not any more. */
    feed(server, &driver, SPAN("STARTTLS\r\n"));
    assert_true(smtp_server_is_secured(server));
    assert_null(smtp_server_user(server));
    assert_string_equal(smtp_server_told(server)->address, "2001:db8::1");
    smtp_server_change_plan(server, &plan); /* nobody asked */
    assert_ptr_equal(server->plan, &other);
    driver_done(&driver);
}

/* Known or not, wrong is wrong: not an octet tells them apart. */
static void test_unknown_users_are_like_others(void **state)
{
    static const char *const wrong[] = {
        "AUTH PLAIN AG1lAGE=\r\n",  /* me, a */
        "AUTH PLAIN AHlvdQBh\r\n",  /* you, a */
    };
    HELD(buf) first = BUF(4096);

    (void)state;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const struct smtp_server_plan plan = plan_of(TLS);
        OWN(smtp_server) server = smtp_server_new(&plan, true, 0, NULL);
        struct driver driver = DRIVER(0);
        pump(server, &driver);
        feed(server, &driver, SPAN(HI));
        buf_clear(&driver.said);
        feed(server, &driver, span_of(wrong[i]));
        if (i)
            check_bytes(wrong[i], buf_span(&driver.said), buf_span(&first));
        buf_add_span(&first, buf_span(&driver.said));
        driver_done(&driver);
    }
}

/* A line that breaks in the middle leaves nothing, wherever it is cut. */
static void test_cut_anywhere(void **state)
{
    static const char *const talk = HI "AUTH LOGIN\r\nbWU=\r\nc2VjcmV0\r\nMAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\n"
                                    "DATA\r\nHi\r\nthere\r\n";
    size_t before = alloc_alive();

    (void)state;
    for (size_t cut = 0; cut <= strlen(talk); cut++) {
        const struct smtp_server_plan plan = plan_of(TLS);
        struct driver driver = DRIVER(0);
        OWN(smtp_server) server = smtp_server_new(&plan, true, 0, NULL);

        pump(server, &driver);
        feed(server, &driver, span_cut(span_of(talk), 0, cut));
        assert_int_equal(driver.kept.len, 0);
        smtp_server_free(GIVE(server));
        driver_done(&driver);
        assert_int_equal(alloc_alive(), before);
    }
}

/* What a person reads who speaks SMTP by hand, or looks into a program's log. */
static void test_words(void **state)
{
    static const struct {
        const char *label, *talk, *last;
    } rows[] = {
        { "before EHLO", "MAIL FROM:<a@x.org>\r\n", "503 5.5.1 Say EHLO first\r\n" },
        { "RCPT too early", HI "RCPT TO:<b@x.org>\r\n", "503 5.5.1 Not now: other commands come before\r\n" },
        { "MAIL in MAIL", HI "MAIL FROM:<a@x.org>\r\nMAIL FROM:<a@x.org>\r\n",
          "503 5.5.1 Nested MAIL command: a message is under way, and RSET forgets it\r\n" },
        { "MAIL behind recipients", HI TO_X "MAIL FROM:<a@x.org>\r\n",
          "503 5.5.1 Nested MAIL command: a message is under way, and RSET forgets it\r\n" },
        { "STARTTLS in a message", HI TO_X "STARTTLS\r\n", "503 5.5.1 Not now: a message is under way, and RSET forgets it\r\n" },
        { "a name without a domain", HI "MAIL FROM:<a@x.org>\r\nRCPT TO: <ro-ot.x_y+z>\r\n",
          "501 5.1.3 The address lacks its domain: <ro-ot.x_y+z@mail.example>?\r\n" },
        { "no name either", HI "MAIL FROM:<a@x.org>\r\nRCPT TO:<ro ot>\r\n", "501 5.1.3 Syntax: RCPT TO:<address>\r\n" },
        { "behind a name", HI "MAIL FROM:<a@x.org>\r\nRCPT TO:<root\r\n", "501 5.1.3 Syntax: RCPT TO:<address>\r\n" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct smtp_server_plan plan = plan_of(0);
        OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
        struct driver driver = DRIVER(0);
        size_t want = strlen(rows[i].last);

        pump(server, &driver);
        feed(server, &driver, span_of(rows[i].talk));
        struct span said = buf_span(&driver.said);
        check_bytes(rows[i].label, span_from(said, said.len > want ? said.len - want : 0), span_of(rows[i].last));
        check_row(rows[i].label, said.len > want && said.at[said.len - want - 1] == '\n');
        driver_done(&driver);
    }
}

/* -- STARTTLS -- */

static void test_starttls_forgets(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(SIGN_IN);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
    struct driver driver = DRIVER(0);
    HELD(buf) replies = BUF(200);

    pump(server, &driver);
    feed(server, &driver, SPAN("EHLO before\r\n"));
    assert_true(span_find_text(buf_span(&driver.said), "STARTTLS") < driver.said.len);
    assert_true(span_find_text(buf_span(&driver.said), "AUTH") == driver.said.len);
    smtp_server_recv(server, SPAN("STARTTLS\r\n"), 0);
    assert_int_equal(smtp_server_need(server), SMTP_SERVER_TLS);
    assert_string_equal(smtp_server_hello(server), "before");
    pump(server, &driver);
    assert_true(smtp_server_is_secured(server));
    assert_string_equal(smtp_server_hello(server), "");
    buf_clear(&driver.said);
    feed(server, &driver, SPAN(AUTH_ME "EHLO after\r\n" AUTH_ME));
    codes(&replies, buf_span(&driver.said));
    check_bytes("after", buf_span(&replies), SPAN("503 250 235"));
    assert_true(span_find_text(buf_span(&driver.said), "STARTTLS") == driver.said.len);
    assert_true(span_find_text(buf_span(&driver.said), "SCRAM-SHA-256-PLUS") < driver.said.len);
    assert_string_equal(smtp_server_user(server), "me");
    driver_done(&driver);
}

static void test_starttls_injection(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(0);
    OWN(smtp_server) behind = smtp_server_new(&plan, false, 0, NULL);
    struct driver driver = DRIVER(0);
    HELD(buf) replies = BUF(200);

    pump(behind, &driver);
    feed(behind, &driver, SPAN(HI "STARTTLS\r\nEHLO evil\r\n"));
    codes(&replies, buf_span(&driver.said));
    check_bytes("behind the command", buf_span(&replies), SPAN("220 250 501"));
    assert_int_equal(smtp_server_need(behind), SMTP_SERVER_CLOSE);

    OWN(smtp_server) before = smtp_server_new(&plan, false, 0, NULL);
    smtp_server_recv(before, SPAN(HI "STARTTLS\r\n"), 0);
    assert_int_equal(smtp_server_need(before), SMTP_SERVER_TLS);
    smtp_server_recv(before, SPAN("E"), 0);
    assert_int_equal(smtp_server_need(before), SMTP_SERVER_CLOSE);
    driver_done(&driver);
}

/* -- limits -- */

static struct span repeat(struct buf *out, const char *text, unsigned times)
{
    for (unsigned i = 0; i < times; i++)
        buf_add(out, text);
    return buf_span(out);
}

static void expect_last(const char *label, int how, struct span said, const char *want)
{
    const struct smtp_server_plan plan = plan_of(how);
    OWN(smtp_server) server = smtp_server_new(&plan, how & TLS, 0, NULL);
    struct driver driver = DRIVER(how);
    HELD(buf) replies = BUF(1 << 20);

    pump(server, &driver);
    while (said.len && smtp_server_need(server) == SMTP_SERVER_BYTES) {
        feed(server, &driver, span_cut(said, 0, 60000));
        said = span_from(said, 60000);
    }
    codes(&replies, buf_span(&driver.said));
    size_t len = strlen(want);
    check_row(label, replies.len >= len);
    check_bytes(label, span_from(buf_span(&replies), replies.len - len), span_of(want));
    driver_done(&driver);
}

/* The same, in two pieces. */
static void expect_cut(const char *label, struct span said, size_t cut, const char *want)
{
    const struct smtp_server_plan plan = plan_of(0);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
    struct driver driver = DRIVER(0);
    HELD(buf) replies = BUF(4096);

    pump(server, &driver);
    feed(server, &driver, span_cut(said, 0, cut));
    feed(server, &driver, span_from(said, cut));
    codes(&replies, buf_span(&driver.said));
    check_bytes(label, buf_span(&replies), span_of(want));
    driver_done(&driver);
}

static void test_limits(void **state)
{
    (void)state;
    HELD(buf) errors = BUF(1 << 20), idle = BUF(1 << 20), line = BUF(1 << 20), endless = BUF(1 << 20);
    HELD(buf) loop = BUF(1 << 20), header = BUF(1 << 20), auth = BUF(1 << 20);
    HELD(buf) longest = BUF(1 << 20);

    expect_last("20 errors", 0, repeat(&errors, "FOO\r\n", 30), "500 500 421");
    expect_last("100 commands to nowhere", 0, repeat(&idle, "NOOP\r\n", 200), "250 250 421");
    buf_add(&line, "NOOP ");
    repeat(&line, "x", 3000);
    buf_add(&line, "\r\nNOOP\r\n");
    expect_last("a long line", 0, buf_span(&line), "220 500 250");
    buf_add(&longest, "NOOP ");
    repeat(&longest, "x", SMTP_SERVER_LINE_MAX - 7);
    buf_add(&longest, "\r\n");
    expect_last("the longest line", 0, buf_span(&longest), "220 250");
    buf_cut(&longest, longest.len - 2);
    buf_add(&longest, "x\r\n");
    expect_last("one octet more", 0, buf_span(&longest), "220 500");
    expect_last("a line without end", 0, repeat(&endless, "x", 200000), "220 421");
    buf_add(&auth, HI "AUTH PLAIN ");
    repeat(&auth, "AAAA", 2000);
    buf_add(&auth, "\r\n");
    expect_last("a long sign-in", TLS, buf_span(&auth), "250 501");
    buf_cut(&auth, auth.len - 2);
    repeat(&auth, "AAAA", 2000);
    buf_add(&auth, "\r\nNOOP\r\n");
    expect_last("a sign-in too long", TLS, buf_span(&auth), "250 500 250");
    buf_clear(&auth);
    buf_add(&auth, HI "AUTH PLAIN\r\n");
    repeat(&auth, "AAAA", 4000);
    buf_add(&auth, "\r\nNOOP\r\n");
    expect_last("a response too long", TLS, buf_span(&auth), "334 500 250");

    buf_add(&loop, HI TO_X "DATA\r\n");
    repeat(&loop, "RECEIVED: x\r\n", SMTP_SERVER_RECEIVED_MAX);
    size_t before = loop.len;
    buf_add(&loop, "\r\nReceived: in the text\r\n.\r\n");
    expect_last("100 hops", 0, buf_span(&loop), "354 250");
    buf_cut(&loop, before);
    buf_add(&loop, "Received: x\r\n\r\n.\r\n");
    expect_last("101 hops", 0, buf_span(&loop), "354 554");
    HELD(buf) url = BUF(1 << 20), wide = BUF(1 << 20), crowd = BUF(1 << 20);
    buf_add(&url, "GET /");
    repeat(&url, "a", 3000);
    buf_add(&url, " HTTP/1.1\r\nMAIL FROM:<a@x.org>\r\n");
    expect_last("a browser with a long address", 0, buf_span(&url), "220 500");
    expect_cut("a browser with a long address, slowly", buf_span(&url), 2500, "220 500");
    buf_add(&wide, HI TO_X "DATA\r\n");
    for (unsigned i = 0; i < 300; i++) {
        buf_add(&wide, "X: ");
        repeat(&wide, "0123456789", 90);
        buf_add(&wide, "\r\n");
    }
    buf_add(&wide, ".\r\n");
    struct smtp_server_plan any = plan_of(ANY_SIZE);
    assert_int_equal(any.clear.size, 0);
    expect_last("a header of many octets", ANY_SIZE, buf_span(&wide), "354 552");
    buf_add(&crowd, HI "MAIL FROM:<a@x.org>\r\n");
    for (unsigned i = 0; i <= SMTP_SERVER_RECIPIENTS_MAX; i++)
        buf_addf(&crowd, "RCPT TO:<u%u@x.org>\r\n", i);
    expect_last("a thousand and one recipients", 0, buf_span(&crowd), "250 250 452");

    buf_add(&header, HI "MAIL FROM:<a@x.org>\r\nRCPT TO:<b@x.org>\r\nDATA\r\n");
    repeat(&header, "X: y\r\n", SMTP_SERVER_HEADER_LINES_MAX + 1);
    buf_add(&header, ".\r\n");
    expect_last("a header of many lines", 0, buf_span(&header), "354 552");
}

static void test_deadlines(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(0);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 1000, NULL);
    struct driver driver = DRIVER(0);
    uint64_t first = smtp_server_deadline(server);

    assert_int_equal(first, 1000 + 300000);
    smtp_server_recv(server, SPAN("NO"), 2000);
    assert_int_equal(smtp_server_deadline(server), first); /* not one octet, a command */
    smtp_server_recv(server, SPAN("OP\r\n"), 3000);
    assert_int_equal(smtp_server_deadline(server), 303000);
    smtp_server_recv(server, SPAN(HI "MAIL FROM:<a@x.org>\r\n"), 4000);
    assert_int_equal(smtp_server_need(server), SMTP_SERVER_QUESTION);
    assert_true(smtp_server_deadline(server) == UINT64_MAX);
    smtp_server_expired(server);
    pump(server, &driver);
    assert_int_equal(smtp_server_last_code(server), 421);
    assert_null(smtp_server_envelope(server));
    driver_done(&driver);

    OWN(smtp_server) tls = smtp_server_new(&plan, true, 0, NULL);
    assert_int_equal(smtp_server_deadline(tls), 30000);
    smtp_server_expired(tls);
    assert_int_equal(smtp_server_output(tls).len, 0);
    assert_int_equal(smtp_server_need(tls), SMTP_SERVER_CLOSE);
}

/* A megabyte, octet by octet, is a million times the work of one octet and no more: were it looked through
 * anew each time, this would take hours. */
static void test_octet_by_octet(void **state)
{
    (void)state;
    static const struct {
        const char *label, *before, *unit;
    } inputs[] = {
        { "a line without end", "", "x" },
        { "a line of LFs", "NOOP ", "\n" },
        { "text", HI TO_X "DATA\r\n", "0123456789\r\n" },
        { "text without line ends", HI TO_X "DATA\r\n", "0123456789" },
        { "a header", HI TO_X "DATA\r\n", "Received: x\r\n " },
        { "a chunk", HI TO_X "BDAT 1000000\r\n", "0123456789\r\n" },
        { "a sign-in", HI "AUTH LOGIN\r\n", "AAAA" },
    };

    for (size_t i = 0; i < COUNT(inputs); i++) {
        const struct smtp_server_plan plan = plan_of(ANY_SIZE);
        OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
        struct driver driver = DRIVER(FULL);
        size_t len = strlen(inputs[i].unit);

        pump(server, &driver);
        feed(server, &driver, span_of(inputs[i].before));
        for (size_t at = 0; at < 1000000 && smtp_server_need(server) == SMTP_SERVER_BYTES; at++)
            feed(server, &driver, (struct span){ inputs[i].unit + at % len, 1 });
        driver_done(&driver);
    }
}

/* Output that nobody reads stops the work. */
static void test_unread_output(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(0);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
    HELD(buf) many = BUF(1 << 20);

    buf_add(&many, HI "MAIL FROM:<a@x.org>\r\n");
    repeat(&many, "RCPT TO:<\r\n", 18);
    repeat(&many, "RCPT TO:<b@x.org>\r\n", 2000);
    smtp_server_recv(server, buf_span(&many), 0);
    size_t most = 0;
    for (unsigned turns = 0; turns < 5000 && smtp_server_need(server) == SMTP_SERVER_QUESTION; turns++) {
        smtp_server_answer(server, &(struct smtp_answer){ .yes = true }, 0);
        most = smtp_server_output(server).len;
    }
    assert_int_equal(smtp_server_need(server), SMTP_SERVER_ROOM);
    assert_true(most < 20000);
    smtp_server_wrote(server, smtp_server_output(server).len, 0);
    assert_int_equal(smtp_server_need(server), SMTP_SERVER_QUESTION);
}

static void test_idle_is_small(void **state)
{
    (void)state;
    size_t before = alloc_alive();
    const struct smtp_server_plan plan = plan_of(0);
    OWN(smtp_server) server = smtp_server_new(&plan, false, 0, NULL);
    struct driver driver = DRIVER(0);

    pump(server, &driver);
    feed(server, &driver, SPAN(HI TO_X "DATA\r\nHi\r\n.\r\n"));
    driver_done(&driver);
    assert_true(alloc_alive() - before <= 2); /* itself, and the client's name */
    assert_true(sizeof *server < 1600);
}

static void test_out_of_memory(void **state)
{
    (void)state;
    const struct smtp_server_plan plan = plan_of(0);
    size_t before = alloc_alive();

    for (unsigned nth = 1;; nth++) {
        struct driver driver = DRIVER(0);
        OWN(smtp_server) server = NULL;
        buf_add(&driver.said, " ");
        buf_add(&driver.kept, " ");
        buf_add(&driver.body, " ");
        alloc_fail_at(nth);
        server = smtp_server_new(&plan, false, 0, NULL);
        if (server) {
            pump(server, &driver);
            feed(server, &driver, SPAN(HI TO_X "DATA\r\nHi\r\n.\r\n" TO_X "BDAT 2 LAST\r\n\r\nQUIT\r\n"));
        }
        bool failed = alloc_failed();
        alloc_fail_at(0);
        if (server && !failed)
            assert_int_equal(smtp_server_last_code(server), 221);
        smtp_server_free(GIVE(server));
        driver_done(&driver);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_talks),
        cmocka_unit_test(test_every_command_in_every_state),
        cmocka_unit_test(test_every_end_forgets),
        cmocka_unit_test(test_what_is_offered),
        cmocka_unit_test(test_the_limit_is_told),
        cmocka_unit_test(test_told_by_a_proxy),
        cmocka_unit_test(test_unknown_users_are_like_others),
        cmocka_unit_test(test_cut_anywhere),
        cmocka_unit_test(test_octet_by_octet),
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_starttls_forgets),
        cmocka_unit_test(test_starttls_injection),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_unread_output),
        cmocka_unit_test(test_idle_is_small),
        cmocka_unit_test(test_out_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
