#include <stdio.h>

#include "support/check.h"

#include "base/buf.h"
#include "know/classify.h"
#include "know/embedded.h"
#include "know/text.h"
#include "support/alloc_fails.h"

static struct knowledge *know;

static int load(void **state)
{
    (void)state;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);
    return know_new(texts, count, &know, NULL) ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    knowledge_free(know);
    return 0;
}

static const struct {
    const char *label, *text;
    unsigned reply;
    const char *enhanced, *said; /* said: how the words begin */
    enum stage stage;
    const char *provider, *mechanism;
} replies[] = {
    { "a bare reply", "550 5.1.1 User unknown", 550, "5.1.1", "User unknown", STAGE_NONE, NULL, NULL },
    { "without an enhanced code", "550 User unknown", 550, "", "User unknown", STAGE_NONE, NULL, NULL },
    { "nothing but a code", "535", 535, "", "", STAGE_AUTH, NULL, NULL },
    { "of many lines", "535-5.7.8 Username and\r\n535-5.7.8 Password not\r\n535 5.7.8 accepted", 535,
      "5.7.8", "Username and 5.7.8 Password not 5.7.8 accepted", STAGE_AUTH, NULL, NULL },
    { "of many lines in a transcript", "<** 550-5.7.1 one\n<** 550 5.7.1 two\n -> QUIT\n<-  221 bye", 550,
      "5.7.1", "one 5.7.1 two", STAGE_NONE, NULL, NULL },
    { "in a log line",
      "postfix/smtp[1]: 4X: to=<you@example.org>, dsn=5.1.1, status=bounced (host mx.example.org[192.0.2.1] "
      "said: 550 5.1.1 <you@example.org>: User unknown (in reply to RCPT TO command))",
      550, "5.1.1", "<you@example.org>: User unknown", STAGE_RCPT, NULL, NULL },
    { "in an exception of Python",
      "smtplib.SMTPAuthenticationError: (535, b'5.7.139 Authentication unsuccessful\\n5.7.139 twice')", 535,
      "5.7.139", "Authentication unsuccessful 5.7.139 twice", STAGE_AUTH, NULL, NULL },
    { "in an exception of .NET", "The server response was: 5.7.57 Client not authenticated", 0, "5.7.57",
      "Client not authenticated", STAGE_NONE, NULL, NULL },
    { "at the end, as a qmail says it", "553 sorry, that domain isn't allowed (#5.7.1)", 553, "5.7.1",
      "sorry, that domain", STAGE_NONE, NULL, NULL },
    { "behind the time in a log", "2026/11/26 03:46:59 554 5.7.1 Not from there", 554, "5.7.1", "Not from there",
      STAGE_NONE, NULL, NULL },
    { "behind a time that is none", "at 3:46:59 554 of them: Connection refused", 0, "", "at 3:46:59 554", STAGE_NONE,
      NULL, NULL },
    { "in brackets", "permanent error (535): 5.7.8 Wrong", 535, "5.7.8", "Wrong", STAGE_AUTH, NULL, NULL },
    { "in brackets with its response", "[SMTP: Invalid response code (code: 554, response: 5.7.1 Not today)]", 554,
      "5.7.1", "Not today)]", STAGE_NONE, NULL, NULL },
    { "nor is one of PHP", "Connection refused\n#1 /usr/share/php/Smtp.php(503): Smtp->login()", 0, "",
      "Connection refused #1 /usr", STAGE_NONE, NULL, NULL },
    { "at the greeting, as JavaMail says it",
      "Got bad greeting from SMTP host: smtp.example.com, port: 587, response: 554 Not today", 554, "", "Not today",
      STAGE_GREETING, NULL, NULL },
    { "wrapped lines", "550 5.1.1 The account\n    you wrote to\n", 550, "5.1.1",
      "The account you wrote to", STAGE_NONE, NULL, NULL },
    { "a port is no code", "connect to mail.example.org port 587 failed: Connection refused", 0, "",
      "connect to mail.example.org port 587", STAGE_NONE, NULL, NULL },
    { "nor is an address", "connect to 5.1.1.7: Connection refused", 0, "", "connect to 5.1.1.7",
      STAGE_NONE, NULL, NULL },
    { "nor a size", "sent 550 bytes of 552 bytes, then: Connection reset by peer", 0, "", "sent 550",
      STAGE_NONE, NULL, NULL },
    { "the provider by its server", "smtp.fastmail.com said: 535 5.7.8 Authentication failed", 535,
      "5.7.8", "Authentication failed", STAGE_AUTH, "fastmail", NULL },
    { "the provider by its words", "451 4.7.0 Try later [AM0PR04.eurprd04.prod.outlook.com]", 451, "4.7.0",
      "Try later", STAGE_NONE, "microsoft", NULL },
    { "within a sentence, with its status", "AUTH XOAUTH2 failed 535-5.7.8 Not accepted. Learn more at\n535 5.7.8 there", 535,
      "5.7.8", "Not accepted. Learn more at 5.7.8 there", STAGE_AUTH, NULL, "XOAUTH2" },
    { "behind a sign beyond ASCII", "\xe2\x94\x94\xe2\x94\x80\xe2\x94\x80" "550 5.1.1 User unknown", 550, "5.1.1",
      "User unknown", STAGE_NONE, NULL, NULL },
    { "nor is a number with another status", "item 550 4.1.1 of them: Connection refused", 0, "", "item 550 4.1.1",
      STAGE_NONE, NULL, NULL },
    { "a mechanism asked for beside those offered", "250-AUTH XOAUTH2 PLAIN\n250 SIZE\nAUTH PLAIN\n535 5.7.8 Not accepted",
      535, "5.7.8", "Not accepted", STAGE_AUTH, NULL, NULL },
    { "and the one that was asked for", "250-AUTH PLAIN XOAUTH2\n250 SIZE\nAUTH XOAUTH2 dXNlcj0=\n535 5.7.8 Not accepted",
      535, "5.7.8", "Not accepted", STAGE_AUTH, NULL, "XOAUTH2" },
    { "the mechanism", "AUTH XOAUTH2 failed: 535 5.7.3 Authentication unsuccessful", 535, "5.7.3",
      "Authentication unsuccessful", STAGE_AUTH, NULL, "XOAUTH2" },
    { "the last that stopped it",
      "504 5.7.4 Unrecognized authentication type\n535 5.7.8 Error: authentication failed: wrong password",
      535, "5.7.8", "Error: authentication failed", STAGE_AUTH, NULL, NULL },
    { "as curl shows it", "> MAIL FROM:<me@example.org>\n< 550 5.7.1 Not today", 550, "5.7.1", "Not today",
      STAGE_MAIL, NULL, NULL },
    { "behind a sign-in that went well",
      "S: 250-AUTH LOGIN PLAIN\nC: AUTH LOGIN\nS: 235 ok\nC: RCPT TO:<you@example.org>\nS: 550 No", 550, "", "No",
      STAGE_RCPT, NULL, NULL },
    { "to what smtplib sends", "send: 'mail FROM:<me@example.org>\\r\\n'\nreply: b'550 No", 550, "", "No",
      STAGE_MAIL, NULL, NULL },
    { "typed by hand", "rcpt to: <you@example.org>\n250 ok\ndata\n354 go on\nhello\n.\n550 No", 550, "", "No",
      STAGE_DATA, NULL, NULL },
    { "an offer is no command", "250-STARTTLS\n250-AUTH LOGIN PLAIN\n250 DATA\n550 No", 550, "", "No", STAGE_NONE,
      NULL, NULL },
    { "nor is a word in a reply", "553 MAIL FROM: must be yours\n550 No", 550, "", "No", STAGE_NONE, NULL, NULL },
    { "of a transcript that is set in",
      "  1 SMTP<< 504 5.5.2 <box>: Helo command rejected: need fully-qualified hostname\n"
      "  1 SMTP<< 554 5.5.1 Error: no valid recipients\n",
      504, "5.5.2", "<box>: Helo command rejected: need fully-qualified hostname", STAGE_NONE, NULL, NULL },
    { "said again in fewer words", "535 5.7.8 Invalid login or password\nError: 535 5.7.8 Invalid login", 535,
      "5.7.8", "Invalid login or password", STAGE_AUTH, NULL, NULL },
    { "a line of a program is no code", "Helo command rejected: mymail.py:503", 0, "",
      "Helo command rejected: mymail.py:503", STAGE_NONE, NULL, NULL },
    { "of Swift's", "invalidPassword(534, \"5.7.14 <https://accounts.google.com/signin/continue\")", 534, "5.7.14",
      "<https://accounts.google.com", STAGE_AUTH, "google", NULL },
    { "a code in a program's own sentence", "Unable to send: SMTP Error (535)", 535, "", "Unable to send", STAGE_AUTH,
      NULL, NULL },
    { "the code that came, not the one that was wanted", "Error: Expected smtp code 250, got 552", 552, "",
      "Error: Expected", STAGE_NONE, NULL, NULL },
    { "a stage that only seems to be told", "MAIL failed: dial tcp 192.0.2.1:25: i/o timeout", 0, "", "MAIL failed",
      STAGE_NONE, NULL, NULL },
    { "none within a word", "email failed: dial tcp 192.0.2.1:25: i/o timeout", 0, "", "email failed",
      STAGE_NONE, NULL, NULL },
    { "a package's version is no code", "exim4 4.9.4-1: Connection refused", 0, "", "exim4 4.9.4",
      STAGE_NONE, NULL, NULL },
    { "what a web server answered is none", "Connection refused\nOutcome: Success(500 Internal Server Error)", 0, "",
      "Connection refused Outcome", STAGE_NONE, NULL, NULL },
    { "nor in its log", "Connection refused\nweb | status=550 method=POST path=/mail/test", 0, "", "Connection refused web",
      STAGE_NONE, NULL, NULL },
    { "nor in its log, where the request stands first",
      "Connection refused\nmethod=POST path=/mail/test status=550 remote_addr=::1", 0, "", "Connection refused method=POST",
      STAGE_NONE, NULL, NULL },
    { "a field's next line that lost its blank", "Diagnostic-Code: smtp; 550 Not by the\nname of (web1)\n\nHm", 550, "",
      "Not by the name of (web1)", STAGE_NONE, NULL, NULL },
    { "the next field is none", "Diagnostic-Code: smtp; 550 Not by the\nAction: failed", 550, "", "Not by the", STAGE_NONE,
      NULL, NULL },
    { "nor is a line behind another reply", "550 Not by the\nname of it", 550, "", "Not by the", STAGE_NONE, NULL, NULL },
    { "what followed from a refusal",
      "501 5.5.2 Helo command rejected: Invalid name\n503 5.5.1 Error: need RCPT command\n554 5.5.1 Error: no valid recipients",
      501, "5.5.2", "Helo command rejected: Invalid name", STAGE_NONE, NULL, NULL },
    { "and where nothing else is told", "554 5.5.1 Error: no valid recipients", 554, "5.5.1", "Error: no valid recipients",
      STAGE_NONE, NULL, NULL },
    { "quoted within JSON", "{\"msg\":\"535 5.7.8 No\",\"code\":\"busy\"}", 535, "5.7.8", "No", STAGE_AUTH, NULL, NULL },
    { "quoted in a log", "with message \"550 5.7.60 The \"From\" is not yours \" Log data: ++ busy", 550, "5.7.60",
      "The \"From\" is not yours", STAGE_NONE, NULL, NULL },
    { "quoted line by line", "[\"554-Not\", \"554 today\", \"\"]", 554, "", "Not\", \"554 today\"", STAGE_NONE, NULL, NULL },
    { "before a stack trace", "Error: 550 5.1.1 No one\\n    at Server.busy (later.js:1:2)\",", 550, "5.1.1", "No one",
      STAGE_NONE, NULL, NULL },
    { "of the token endpoint", "{\"error\":\"invalid_grant\",\"error_description\":\"AADSTS70008: expired\"}",
      0, "", "{\"error\"", STAGE_TOKEN, "microsoft", NULL },
};

static void test_replies(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(replies); i++) {
        OWN(text_evidence) found = NULL;
        char enhanced[32] = "";
        check_row(replies[i].label, text_read(know, span_of(replies[i].text), &found, NULL));
        const struct evidence *e = &found->evidence;
        if (e->err.enhanced[0])
            snprintf(enhanced, sizeof enhanced, "%d.%d.%d", e->err.enhanced[0], e->err.enhanced[1],
                     e->err.enhanced[2]);
        check_row(replies[i].label, e->err.kind != ERR_NONE);
        check_row(replies[i].label, e->err.reply == replies[i].reply);
        check_bytes(replies[i].label, span_of(enhanced), span_of(replies[i].enhanced));
        check_bytes(replies[i].label, span_cut(span_of(e->err.said), 0, strlen(replies[i].said)),
                    span_of(replies[i].said));
        check_row(replies[i].label, e->stage == replies[i].stage);
        check_bytes(replies[i].label, span_of(e->provider), span_of(replies[i].provider));
        check_bytes(replies[i].label, span_of(e->mechanism), span_of(replies[i].mechanism));
    }
}

static void test_nothing(void **state)
{
    (void)state;
    static const char *const texts[] = { "", "lunch is at noon", "\n\n", "250 2.0.0 Ok", "in reply to DATA: 250-mx.example.org well", "\x1b[2J\xff" };

    for (size_t i = 0; i < COUNT(texts); i++) {
        OWN(text_evidence) found = NULL;
        struct verdict verdict;
        check_row(texts[i], text_read(know, span_of(texts[i]), &found, NULL));
        check_row(texts[i], found->evidence.err.kind == ERR_NONE && found->recipient_count == 0);
        check_row(texts[i], !classify(know, &found->evidence, &verdict));
    }
}

static const char report[] =
    "Content-Type: message/delivery-status\r\n\r\n"
    "Reporting-MTA: dns; mail.example.net\r\n\r\n"
    "Final-Recipient: rfc822; late@example.org\r\n"
    "Action: delayed\r\nStatus: 4.2.0\r\n"
    "Diagnostic-Code: smtp; 450 4.2.0 Greylisted, see\r\n    postgrey\r\n\r\n"
    "Original-Recipient: rfc822;you@example.org\r\n"
    "final-recipient: RFC822;you@example.org\r\n"
    "Action: failed\r\nStatus: 5.1.1 (no such user)\r\n"
    "Remote-MTA: dns; mx.example.org\r\n"
    "Diagnostic-Code: smtp;\r\n 550-5.1.1 No such\r\n 550 5.1.1 user\x1b[2J here\r\n\r\n"
    "Final-Recipient: rfc822;dumb@example.org\r\nAction: failed\r\nStatus: 5.2.2\r\n";

static const struct {
    const char *address, *action, *status, *cause;
} recipients[] = {
    { "late@example.org", "delayed", "4.2.0",          "greylisted"         },
    { "you@example.org",  "failed",  "5.1.1 (no such", "recipient_rejected" },
    { "dumb@example.org", "failed",  "5.2.2",          "recipient_rejected" },
};

/* The port is what all say that name one: a text may tell of several tries. */
static const struct {
    const char *text;
    uint16_t port;
} ports[] = {
    { "javax.mail.MessagingException: Could not connect to SMTP host: x, port: 465, response: -1", 465 },
    { "connect to smtp.example.com[192.0.2.7]:587: Connection timed out", 587 },
    { "msmtp: cannot connect to localhost, port 25: Connection refused", 25 },
    { "dial tcp smtp.example.com:2525: connect: connection refused", 2525 },
    { "port=465 failed; 535 No", 465 },
    { "smtp.example.com:465 refused, smtp.example.com:587 refused", 0 },
    { "connect to [192.0.2.7]:443: Connection refused", 0 },
    { "port port: ]: 535 report", 0 },
};

#define SAID_EHLO "send: 'ehlo me\\r\\n'\nreply: b'250-mx\\r\\n'\nreply: b'250-STARTTLS\\r\\n'\nreply: b'250 SMTPUTF8\\r\\n'\n" \
                  "reply: retcode (250); Msg: b'mx\\nSTARTTLS\\nSMTPUTF8'\n"
#define SAID_TLS "send: 'STARTTLS\\r\\n'\nreply: b'220 go ahead\\r\\n'\n"

/* Conversations as Python's smtplib shows them: what the server offers and grants is no failure, and each reply
 * answers the command before it. */
static const struct {
    const char *label, *text, *cause; /* NULL: nothing is wrong */
} talks[] = {
    { "all went well", SAID_EHLO SAID_TLS SAID_EHLO "data: (250, b'2.0.0 kept')\n", NULL },
    { "a refusal that nobody knows", SAID_EHLO SAID_TLS SAID_EHLO "send: 'data\\r\\n'\nreply: b'550 Hm\\r\\n'\n",
      "content_rejected_spam" },
    { "at EHLO", "send: 'ehlo me\\r\\n'\nreply: b'550 That name does not exist\\r\\n'\n", "helo_rejected" },
    { "at STARTTLS", SAID_EHLO "send: 'STARTTLS\\r\\n'\nreply: b'454 hm\\r\\n'\n", "server_side_error" },
    { "no sign-in in clear text",
      SAID_EHLO "smtplib.SMTPNotSupportedError: SMTP AUTH extension not supported by server.\n", "starttls_required" },
    { "no sign-in inside TLS",
      SAID_EHLO SAID_TLS SAID_EHLO "smtplib.SMTPNotSupportedError: SMTP AUTH extension not supported by server.\n",
      "auth_not_offered" },
    { "a failure behind a success", "SMTP Error (250): Authentication failed\nRecv: 250-mx\nRecv: 250 DSN\n", "auth_not_offered" },
    { "what a server's log writes of every connection",
      "postfix/smtpd[1]: warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: UGFz\n"
      "postfix/smtpd[1]: disconnect from unknown[192.0.2.7] ehlo=2 auth=0/1 unknown=0/1 commands=4/6\n",
      "auth_bad_credentials" },
    { "a refused token, and the scopes beside it are not SMTP's",
      "535 5.7.3 Authentication unsuccessful\nAUTH XOAUTH2\nscopes: ['offline_access', 'Mail.Send', 'User.Read']\n", "oauth_wrong_scope" },
    { "they are", "535 5.7.3 Authentication unsuccessful\nAUTH XOAUTH2\nscopes: ['Mail.Send', 'SMTP.Send']\n", "oauth_wrong_user" },
    { "a program's own names are none", "535 Incorrect authentication data\nself.mail.send(email.sender)\nMail.Send()\n",
      "auth_bad_credentials" },
    { "Google's", "SCOPES = ['https://www.googleapis.com/auth/gmail.send']\nAUTH XOAUTH2\n535-5.7.8 Username and Password not accepted.\n",
      "oauth_wrong_scope" },
    { "the line a program ends on",
      "msmtp: could not send mail (account work from /home/me/.msmtprc)\nError sending message, child exited 74 (I/O error.)\n",
      "connect_timeout_port_blocked" },
    { "masked offers", "reply: b'250-mx\\r\\n'\nreply: b'250-XXXXXXXA\\r\\n'\n", "smtp_intercepted" },
    { "a log with underscores for blanks",
      "delivery 7: failure: 192.0.2.1_does_not_like_recipient./Remote_host_said:_554_5.7.1_Service_unavailable;_"
      "Client_host_[192.0.2.7]_blocked_using_bl.example.net/Giving_up_on_192.0.2.1./\n",
      "ip_reputation_blocked" },
    { "underscores that are none", "authentication failure: invalid_grant", "oauth_refresh_token_expired" },
    { "a bare status beside words",
      "you... Deferred: Connection refused by [127.0.0.1]\nMessage will be deleted from queue\n\n"
      "Final-Recipient: rfc822; you@example.org\nAction: failed\nStatus: 4.4.7\n",
      "connect_refused_no_listener" },
    { "a status that a diagnostic code goes with",
      "Connection refused by [127.0.0.1]\n\nFinal-Recipient: rfc822; you@example.org\nAction: failed\nStatus: 5.2.2\n"
      "Diagnostic-Code: smtp; 552 5.2.2 Over quota\n",
      "recipient_rejected" },
    { "the ways that a report went",
      "you@example.org: a thing went wrong\nReporting-MTA: dns; mx.example.org\nReceived-SPF: fail\n client-ip=192.0.2.7\n",
      NULL },
    { "asides of a log",
      "postfix/smtpd[7]: warning: hostname pc.example.net does not resolve to address 192.0.2.7: Name or service not known\n"
      "postfix/smtpd[7]: warning: unknown[192.0.2.7]: SASL LOGIN authentication failed: UGFzc3dvcmQ6\n",
      "auth_bad_credentials" },
    { "a word within an address", "550 5.1.1 <dmarc@example.com>: Recipient address rejected: User unknown; to=<spam@example.com>",
      "recipient_rejected" },
    { "a port", "Connection: opening to ssl://smtp.example.com:25, timeout=300\nSMTP NOTICE: EOF caught while checking if connected",
      "tls_on_plaintext_port" },
    { "a port that begins like it",
      "Connection: opening to ssl://smtp.example.com:2525, timeout=300\nSMTP NOTICE: EOF caught while checking if connected",
      "connection_closed_before_banner" },
    { "another such", "opening to ssl://smtp.example.com:5870 SMTP NOTICE: EOF caught while checking if connected",
      "connection_closed_before_banner" },
    { "behind no host", "unable to connect to :2525 (php_network_getaddresses: getaddrinfo failed: Name or service not known)",
      "dns_host_malformed" },
    { "quoted by the server before",
      "5.1.0 - Unknown address error 550-'5.7.1 <me@example.com>... Relaying denied' (delivery attempts: 0)",
      "relay_denied" },
};

/* What stands around what is said: words in it lie near one another by chance. */
static const struct {
    const char *label, *text, *cause; /* NULL: nobody says anything */
} chances[] = {
    { "said", "the service is too busy, later", "server_busy_temporary" },
    { "a setting", "SERVICE_BUSY=later\nSERVER_LOAD=high\nIt did not go.", NULL },
    { "a remark beside settings", "# the server is busy later\nmode: on\n  level => 'high'\nIt did not go.", NULL },
    { "one of several guesses",
      "The certificate is not trusted by the system for one or more of\nthe following reasons:\n\n"
      "1. The server is using a self-signed certificate.\n2. The certificate is expired or invalid.",
      "cert_untrusted_issuer" },
    { "a numbered list of another kind", "What was done:\n1. the server is using a self-signed certificate", "cert_self_signed" },
    { "one line alone is none", "service_busy: later", "server_busy_temporary" },
    { "nor is an outcome", "level: 3\nmode: on\nerror: ServerBusyLater", "server_busy_temporary" },
    { "a frame of JavaScript", "It did not go\n    at Server.busy (later.js:1:2)", NULL },
    { "a quoted one", "\"stack\": \"It did not go\\n    at Server.busy (later.js:1:2)\"", NULL },
    { "one of .NET in German", "Es ging nicht\n   bei System.Server.Busy(Object later)", NULL },
    { "one of Python", "  File \"server.py\", line 1, in busy\n    server.busy(later)\nIt did not go", NULL },
    { "one of Ruby", "server.rb:12:in `busy_later'\nIt did not go", NULL },
    { "one of PHP", "#3 Server->busy(Later)\nIt did not go", NULL },
    { "one of PowerShell", "At C:\\server\\busy.ps1:2 char:5 later\n+ ~~~~ server busy later\nIt did not go", NULL },
    { "of a container", "web-1  |     at Server.busy (later.js:1:2)\nweb-1  | It did not go", NULL },
    { "a sentence is no frame", "at this hour the server is busy, later", "server_busy_temporary" },
    { "a class", "It did not go: Acme\\Server\\Busy\\Later", NULL },
    { "a path", "It did not go in /srv/server/busy/later/it.js", NULL },
    { "a field without a value", "{\"service\": \"it\", \"busy\": null, \"later\":null}", NULL },
    { "a code of a web server", "{\"msg\": \"It did not go\", \"http_code\":550}", NULL },
    { "a code of a mail server", "{\"msg\": \"It did not go\", \"smtp_code\":552}", "message_too_big" },
};

static void test_chances(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(chances); i++) {
        OWN(text_evidence) found = NULL;
        struct verdict verdict;
        check_row(chances[i].label, text_read(know, span_of(chances[i].text), &found, NULL));
        bool known = found->evidence.err.kind != ERR_NONE && classify(know, &found->evidence, &verdict);
        check_row(chances[i].label, known == (chances[i].cause != NULL));
        if (known)
            check_bytes(chances[i].label, span_of(verdict.cause->id), span_of(chances[i].cause));
    }
}

static void test_talks(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(talks); i++) {
        OWN(text_evidence) found = NULL;
        struct verdict verdict;
        check_row(talks[i].label, text_read(know, span_of(talks[i].text), &found, NULL));
        bool wrong = classify(know, &found->evidence, &verdict);
        check_row(talks[i].label, wrong == (talks[i].cause != NULL));
        if (wrong)
            check_bytes(talks[i].label, span_of(verdict.cause->id), span_of(talks[i].cause));
    }
}

/* outpost's own words, in each form in which they tell a cause; and what only looks so. */
static const struct {
    const char *label, *text, *named; /* NULL: another's */
} own_words[] = {
    { "a line for people", "outpost: /etc/outpost.conf: no account is set up (no_account)", "no_account" },
    { "the last of several", "outpost: a (disk_full)\noutpost: b (no_account)\r\n", "no_account" },
    { "a line of the log", "outpost[7]: deferred id=7 cause=greylisted attempt=2", "greylisted" },
    { "a diagnosis", "The server wants a sign-in first\n  1. outpost setup ADDRESS\n  Cause   auth_not_attempted\n",
      "auth_not_attempted" },
    { "an object, and not its parts",
      "{\"cause\":\"relay_denied\",\"also\":[\"no_account\"],\"fix\":[\"outpost setup\"],\"recipients\":[{\"cause\":\"no_account\"}]}",
      "relay_denied" },
    { "an object over lines", "{\n  \"outpost\": \"0.1\",\n  \"cause\": \"clock_wrong\"\n}", "clock_wrong" },
    { "what explain says", "greylisted\n\nCome back\n  1. Wait: outpost queue retry\n", "greylisted" },
    { "an id alone", " greylisted\n", "greylisted" },
    { "no cause", "outpost: all is well (no_such_cause)", NULL },
    { "part of a word", "outpost: (my_no_account) (no_account_x)", NULL },
    { "a word within a sentence", "outpost says no_account here", NULL },
    { "behind a word that ends like it", "outpost because no_account", NULL },
    { "another program's", "mailer: refused (greylisted)", NULL },
    { "nothing", "", NULL },
};

static void test_own_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(own_words); i++) {
        OWN(text_evidence) found = NULL;
        check_row(own_words[i].label, text_read(know, span_of(own_words[i].text), &found, NULL));
        check_row(own_words[i].label, (found->named != NULL) == (own_words[i].named != NULL));
        check_row(own_words[i].label, found->evidence.pasted == (own_words[i].named == NULL));
        if (found->named)
            check_bytes(own_words[i].label, span_of(found->named->id), span_of(own_words[i].named));
    }
}

static void test_port(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(ports); i++) {
        OWN(text_evidence) found = NULL;
        check_row(ports[i].text, text_read(know, span_of(ports[i].text), &found, NULL));
        check_row(ports[i].text, found->evidence.port == ports[i].port);
    }
}

static void test_report(void **state)
{
    (void)state;
    OWN(text_evidence) found = NULL;
    struct verdict verdict;

    assert_true(text_read(know, span_of(report), &found, NULL));
    assert_int_equal(found->recipient_count, COUNT(recipients));
    for (size_t i = 0; i < COUNT(recipients); i++) {
        const struct text_recipient *recipient = &found->recipients[i];
        check_bytes(recipients[i].address, span_of(recipient->address), span_of(recipients[i].address));
        check_bytes(recipients[i].address, span_of(recipient->action), span_of(recipients[i].action));
        check_row(recipients[i].address, span_starts(span_of(recipient->status), recipients[i].status));
        check_row(recipients[i].address, classify(know, &recipient->evidence, &verdict));
        check_bytes(recipients[i].address, span_of(verdict.cause->id), span_of(recipients[i].cause));
    }
    assert_int_equal(found->evidence.err.reply, 550); /* the first that failed */
    assert_null(strchr(found->evidence.err.said, '\x1b'));
    assert_int_equal(found->recipients[2].evidence.err.enhanced[1], 2);
}

static void test_many_recipients(void **state)
{
    (void)state;
    OWN(text_evidence) found = NULL;
    HELD(buf) text = BUF(64 * 1024);

    for (int i = 0; i < TEXT_RECIPIENTS_MAX + 50; i++)
        buf_addf(&text, "Final-Recipient: rfc822; r%d@example.org\nAction: failed\n\n", i);
    assert_true(text_read(know, buf_span(&text), &found, NULL));
    assert_int_equal(found->recipient_count, TEXT_RECIPIENTS_MAX);
}

static void test_no_memory(void **state)
{
    (void)state;
    size_t before = alloc_alive();

    for (unsigned n = 1; n < 500; n++) {
        struct text_evidence *found = NULL;
        struct err err = { 0 };
        alloc_fail_at(n);
        bool ok = text_read(know, span_of(report), &found, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(ok || (failed && err.kind == ERR_MEMORY));
        text_evidence_free(found);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            return;
    }
    fail();
}

static const struct {
    const char *label, *text, *host;
    uint16_t port;
} servers[] = {
    { "of a log", "relay=mail.example.org[192.0.2.1]:587, delay=1", "mail.example.org", 587 },
    { "of Java", "Could not connect to SMTP host: smtp.example.com, port: 465;", "smtp.example.com", 465 },
    { "of Go", "dial tcp: lookup smtp.example.com:2525: no", "smtp.example.com", 2525 },
    { "a known one before one that is called so", "mail.example.org via smtp.gmail.com:587", "smtp.gmail.com", 587 },
    { "not of an address", "me@mail.example.org failed", "", 0 },
    { "not a web page", "see https://mail.example.org/help", "", 0 },
    { "not a class", "mail.MessagingException: mail.jar", "mail.jar", 0 },
    { "not a version", "mail 1.2.3.4 and smtp.5", "", 0 },
    { "none", "it did not want to", "", 0 },
};

static void test_server(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(servers); i++) {
        OWN(text_evidence) found = NULL;
        check_row(servers[i].label, text_read(know, span_of(servers[i].text), &found, NULL));
        check_bytes(servers[i].label, span_of(found->host), span_of(servers[i].host));
        check_row(servers[i].label, found->port == servers[i].port);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server),          cmocka_unit_test(test_replies),
        cmocka_unit_test(test_nothing),         cmocka_unit_test(test_chances),
        cmocka_unit_test(test_port),            cmocka_unit_test(test_talks),
        cmocka_unit_test(test_own_words),
        cmocka_unit_test(test_report),          cmocka_unit_test(test_many_recipients),
        cmocka_unit_test(test_no_memory),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
