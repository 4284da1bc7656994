/* The commands. A verb is a row: when it may be said, what it needs, whether it takes an
 * argument. All refusals for saying it at the wrong time or in the wrong way fall out of the
 * row. */
#include "smtp/server_int.h"

#include "base/alloc.h"
#include "base/scan.h"
#include "base/str.h"
#include "mail/envelope.h"
#include "smtp/params.h"

#include "base/banned.h"

/* What a verb needs besides the right state; the first that is not met gives the reply. */
enum {
    CLEAR = 1,   /* outside TLS */
    NOBODY = 2,  /* nobody has signed in yet */
    OFFERED = 4, /* signing in is offered here */
    SECURED = 8, /* TLS, where the plan says so */
    USER = 16,   /* somebody has signed in, where the plan says so */
};

static bool is_clear(const struct smtp_server *server)
{
    return !server->secured;
}

static bool is_nobody(const struct smtp_server *server)
{
    return server->user.len == 0;
}

static bool is_auth_offered(const struct smtp_server *server)
{
    return smtp_offers(smtp_server_offers(server), SMTP_AUTH);
}

static bool is_secure_enough(const struct smtp_server *server)
{
    return server->secured || !server->plan->must_secure;
}

static bool is_user_known(const struct smtp_server *server)
{
    return server->user.len || !server->plan->must_sign_in;
}

static const struct {
    unsigned need;
    bool (*met)(const struct smtp_server *);
    uint16_t code;
    const char *enhanced, *text;
} needs[] = {
    { CLEAR,   is_clear,         503, "5.5.1",  "TLS is on already"                },
    { SECURED, is_secure_enough, 530, "5.7.0",  "Say STARTTLS first"               },
    { NOBODY,  is_nobody,        503, "5.5.1",  "Signed in already"                },
    /* RFC 4954, 4: AUTH where only TLS would make it safe */
    { OFFERED, is_auth_offered,  538, "5.7.11", "Encryption is required to sign in" },
    { USER,    is_user_known,    530, "5.7.0",  "Sign in first"                    },
};

enum argument { NO_ARG, ARG, MAYBE };

enum {
    HELLO = SMTP_AT_HELLO,
    BEGINNING = SMTP_AT_START | SMTP_AT_HELLO,
    RCPTS = SMTP_AT_RCPTS,
    MAIL_BEGUN = SMTP_AT_SENDER | SMTP_AT_RCPTS,
    CHUNKS_BEGIN = SMTP_AT_RCPTS | SMTP_AT_CHUNKS,
    ANY = SMTP_AT_START | SMTP_AT_HELLO | SMTP_AT_SENDER | SMTP_AT_RCPTS | SMTP_AT_CHUNKS,
};

struct verb {
    const char *name;
    unsigned when;       /* states in which it may be said */
    unsigned needs;
    unsigned extension;  /* that makes it known; 0: always */
    enum argument argument;
    bool leads_nowhere;  /* counted against SMTP_SERVER_IDLE_MAX */
    void (*run)(struct smtp_server *server, struct span argument, uint64_t now);
    const char *syntax;
};

static void do_hello(struct smtp_server *server, struct span name, bool extended)
{
    smtp_server_reset(server);
    buf_clear(&server->hello);
    str_printable(&server->hello, name, 255);
    server->extended = extended;
    server->state = SMTP_AT_HELLO;
}

static void do_helo(struct smtp_server *server, struct span name, uint64_t now)
{
    (void)now;
    do_hello(server, name, false);
    smtp_server_reply(server, 250, NULL, server->plan->name);
}

static void do_ehlo(struct smtp_server *server, struct span name, uint64_t now)
{
    HELD(buf) text = BUF(4096);
    struct smtp_extensions extensions = smtp_server_offers_now(server, now);

    do_hello(server, name, true);
    if (server->secured)
        extensions.offered &= ~(unsigned)SMTP_STARTTLS;
    smtp_server_mechanisms(server, &extensions);
    buf_add(&text, server->plan->name);
    smtp_extensions_write(&extensions, &text);
    smtp_server_reply(server, 250, NULL, buf_text(&text));
}

/* RFC 3207, 4: a client says nothing behind STARTTLS before it has read the reply. What is there
 * all the same was put there by somebody else, and is never run. */
static void do_starttls(struct smtp_server *server, struct span none, uint64_t now)
{
    (void)none;
    if (server->in.len) {
        smtp_server_end(server, 501, "5.5.4", "Nothing may follow STARTTLS before its reply");
        return;
    }
    smtp_server_reset(server);
    smtp_server_reply(server, 220, "2.0.0", "Ready for TLS");
    if (!server->closing) {
        server->need = SMTP_SERVER_TLS;
        server->deadline = now + 30 * 1000;
    }
}

/* "FROM:" or "TO:" and the path; blanks before it, as some say them, are taken. */
static bool read_path(struct span argument, const char *word, enum path_kind kind,
                      struct address *ret_address, struct span *ret_params)
{
    struct scan scan = scan_of(argument);

    if (!scan_word(&scan, word))
        return false;
    scan_blanks(&scan);
    if (!address_path_scan(&scan, kind, ret_address, NULL))
        return false;
    *ret_params = scan_rest(&scan);
    if (ret_params->len == 0 || *ret_params->at == ' ')
        return true;
    address_done(ret_address);
    return false;
}

static void refuse_params(struct smtp_server *server, const struct err *err)
{
    HELD(buf) enhanced = BUF(16), too_large = BUF(80);

    buf_addf(&enhanced, "%u.%u.%u", err->enhanced[0], err->enhanced[1], err->enhanced[2]);
    uint16_t code = err->reply ? err->reply : 451;
    buf_addf(&too_large, "The message is larger than %llu octets",
             (unsigned long long)smtp_server_offers(server)->size);
    const char *text = code == 552   ? buf_text(&too_large)
                       : code == 555 ? "A parameter is not known here"
                       : code == 501 ? "A parameter is wrong, or there twice"
                                     : "No memory";
    if (code == 552)
        smtp_server_note_refusal(server, code, text, false);
    smtp_server_refuse(server, code, err->reply ? buf_text(&enhanced) : "4.3.0", text);
}

/* The parameters that count: none after HELO. */
static struct smtp_extensions known_params(const struct smtp_server *server, uint64_t now)
{
    if (server->extended)
        return smtp_server_offers_now(server, now);
    return (struct smtp_extensions){ .size = smtp_server_offers(server)->size };
}

static void do_mail(struct smtp_server *server, struct span argument, uint64_t now)
{
    struct address address = { 0 };
    struct span params;
    struct err err = { 0 };
    uint32_t most = server->plan->secured.mail_max;
    const struct smtp_extensions extensions = known_params(server, now);

    if (most && server->messages >= most) {
        smtp_server_shut(server, "4.7.0", "Too many messages on one connection");
        return;
    }
    if (!read_path(argument, "FROM:", PATH_REVERSE, &address, &params)) {
        smtp_server_refuse(server, 501, "5.1.7", "Syntax: MAIL FROM:<address>");
        return;
    }
    OWN(envelope) envelope = envelope_new();
    bool taken = envelope && envelope_set_sender(envelope, span_of(address.wire), &err);
    address_done(&address);
    if (envelope)
        envelope->smtputf8 = false; /* it counts when it is said, not when it is needed */
    if (!taken) {
        smtp_server_reply(server, 451, "4.3.0", "No memory");
    } else if (!smtp_mail_params_read(params, &extensions, envelope, &server->wishes, &err)) {
        refuse_params(server, &err);
    } else if (!str_is_ascii(argument) && !envelope->smtputf8) {
        smtp_server_refuse(server, 553, "5.6.7", "An address beyond ASCII needs SMTPUTF8");
    } else {
        server->envelope = GIVE(envelope);
        smtp_server_ask(server, SMTP_ASK_SENDER);
    }
}

void smtp_server_sender_answered(struct smtp_server *server, const struct smtp_answer *answer)
{
    if (answer->yes)
        server->state = SMTP_AT_SENDER;
    else
        smtp_server_reset(server);
    if (answer->code)
        smtp_server_reply(server, answer->code, answer->enhanced, answer->text);
    else if (answer->yes)
        smtp_server_reply(server, 250, "2.1.0", "Sender taken");
    else
        smtp_server_reply(server, 550, "5.7.1", "This sender may not be used");
}

static size_t recipients_max(const struct smtp_server *server)
{
    uint32_t told = smtp_server_offers(server)->rcpt_max;

    return told ? told : SMTP_SERVER_RECIPIENTS_MAX;
}

/* RFC 5321, 4.5.1: <Postmaster> needs no domain; it is ours. */
static bool qualify_postmaster(const struct smtp_server *server, struct address *address)
{
    HELD(buf) wire = BUF(ADDRESS_LOCAL_MAX + 1 + ADDRESS_DOMAIN_MAX);

    if (address_domain(address).len)
        return true;
    buf_addf(&wire, "%s@%s", address->wire, server->plan->name);
    char *qualified = buf_give(&wire);
    if (!qualified)
        return false;
    mem_free(address->wire);
    address->wire = qualified;
    return true;
}

static bool is_name_char(char c)
{
    return str_is_alpha(c) || str_is_digit(c) || c == '.' || c == '-' || c == '_' || c == '+';
}

/* Why a recipient can't be read. "<root>" is no syntax error to whoever is used to it, but only the postmaster is known
 * everywhere (RFC 5321, 4.1.1.3): who else is meant depends on the program that asks. */
static void refuse_path(struct smtp_server *server, struct span argument)
{
    struct scan scan = scan_of(argument);
    struct span name;
    HELD(buf) text = BUF(ADDRESS_LOCAL_MAX + ADDRESS_DOMAIN_MAX + 40);

    buf_add(&text, "Syntax: RCPT TO:<address>");
    if (scan_word(&scan, "TO:") && (scan_blanks(&scan), scan_char(&scan, '<')) &&
        scan_while(&scan, is_name_char, &name) && scan_char(&scan, '>') && name.len <= ADDRESS_LOCAL_MAX) {
        buf_clear(&text);
        buf_addf(&text, "The address lacks its domain: <%.*s@%s>?", SPAN_ARG(name), server->plan->name);
    }
    smtp_server_refuse(server, 501, "5.1.3", buf_text(&text));
}

static void do_rcpt(struct smtp_server *server, struct span argument, uint64_t now)
{
    struct span params;
    struct err err = { 0 };
    const struct smtp_extensions extensions = known_params(server, now);

    address_done(&server->rcpt);
    buf_clear(&server->rcpt_orcpt);
    if (++server->rcpt_commands > ADDRESS_LIST_MAX) {
        smtp_server_shut(server, "4.7.0", "Too many recipients");
    } else if (server->envelope->count >= recipients_max(server)) {
        smtp_server_reply(server, 452, "4.5.3", "Too many recipients");
    } else if (!read_path(argument, "TO:", PATH_FORWARD, &server->rcpt, &params)) {
        refuse_path(server, argument);
    } else if (!smtp_rcpt_params_read(params, &extensions, &server->rcpt_notify,
                                      &server->rcpt_orcpt, &err)) {
        refuse_params(server, &err);
    } else if (!str_is_ascii(argument) && !server->envelope->smtputf8) {
        smtp_server_refuse(server, 553, "5.6.7", "An address beyond ASCII needs SMTPUTF8");
    } else if (!qualify_postmaster(server, &server->rcpt)) {
        smtp_server_reply(server, 451, "4.3.0", "No memory");
    } else {
        smtp_server_ask(server, SMTP_ASK_RECIPIENT);
    }
}

void smtp_server_recipient_answered(struct smtp_server *server, const struct smtp_answer *answer)
{
    bool added = answer->yes &&
                 envelope_add_dsn(server->envelope, span_of(server->rcpt.wire),
                                     server->rcpt_notify, buf_span(&server->rcpt_orcpt), NULL);

    address_done(&server->rcpt);
    if (added)
        server->state = SMTP_AT_RCPTS;
    if (answer->yes && !added)
        smtp_server_reply(server, 451, "4.3.0", "The recipient can't be kept");
    else if (answer->code)
        smtp_server_reply(server, answer->code, answer->enhanced, answer->text);
    else if (added)
        smtp_server_reply(server, 250, "2.1.5", "Recipient taken");
    else
        smtp_server_reply(server, 550, "5.1.1", "No such recipient");
}

static void do_data(struct smtp_server *server, struct span none, uint64_t now)
{
    (void)none;
    smtp_server_data(server, now);
}

static void do_bdat(struct smtp_server *server, struct span argument, uint64_t now)
{
    smtp_server_bdat(server, argument, false, now);
}

static void do_rset(struct smtp_server *server, struct span none, uint64_t now)
{
    (void)none, (void)now;
    smtp_server_reset(server);
    smtp_server_reply(server, 250, "2.0.0", "Forgotten");
}

static void do_noop(struct smtp_server *server, struct span argument, uint64_t now)
{
    (void)argument, (void)now;
    smtp_server_reply(server, 250, "2.0.0", "Still here");
}

static void do_vrfy(struct smtp_server *server, struct span argument, uint64_t now)
{
    (void)argument, (void)now;
    smtp_server_reply(server, 252, "2.5.0", "Try to send, and see");
}

static void do_expn(struct smtp_server *server, struct span argument, uint64_t now)
{
    (void)argument, (void)now;
    smtp_server_refuse(server, 502, "5.5.1", "No lists are told here");
}

static void do_help(struct smtp_server *server, struct span argument, uint64_t now)
{
    (void)argument, (void)now;
    smtp_server_reply(server, 214, "2.0.0", "See RFC 5321 and RFC 6409");
}

static void do_quit(struct smtp_server *server, struct span none, uint64_t now)
{
    (void)none, (void)now;
    smtp_server_end(server, 221, "2.0.0", "Goodbye");
}

/* clang-format off */
static const struct verb verbs[] = {
    /* name        when          needs             extension      argument idle   run and syntax */
    { "EHLO",      ANY,          0,                0,             ARG,     true,
      do_ehlo,          "EHLO <domain>" },
    { "HELO",      ANY,          0,                0,             ARG,     true,
      do_helo,          "HELO <domain>" },
    { "STARTTLS",  HELLO,        CLEAR,            SMTP_STARTTLS, NO_ARG,  false,
      do_starttls,      "STARTTLS" },
    { "AUTH",      HELLO,        NOBODY | OFFERED, SMTP_AUTH,     ARG,     false,
      smtp_server_auth, "AUTH <mechanism> [<data>]" },
    { "XCLIENT",   BEGINNING,    NOBODY,           SMTP_XCLIENT,  ARG,     true,
      smtp_server_xclient, "XCLIENT <name>=<value> ..." },
    { "MAIL",      HELLO,        SECURED | USER,   0,             ARG,     true,
      do_mail,          "MAIL FROM:<address>" },
    { "RCPT",      MAIL_BEGUN,   0,                0,             ARG,     false,
      do_rcpt,          "RCPT TO:<address>" },
    { "DATA",      RCPTS,        0,                0,             NO_ARG,  false,
      do_data,          "DATA" },
    { "BDAT",      CHUNKS_BEGIN, 0,                SMTP_CHUNKING, ARG,     false,
      do_bdat,          "BDAT <size> [LAST]" },
    { "RSET",      ANY,          0,                0,             NO_ARG,  true,
      do_rset,          "RSET" },
    { "NOOP",      ANY,          0,                0,             MAYBE,   true,
      do_noop,          "NOOP" },
    { "VRFY",      ANY,          0,                0,             ARG,     true,
      do_vrfy,          "VRFY <string>" },
    { "EXPN",      ANY,          0,                0,             ARG,     true,
      do_expn,          "EXPN <string>" },
    { "HELP",      ANY,          0,                0,             MAYBE,   true,
      do_help,          "HELP" },
    { "QUIT",      ANY,          0,                0,             NO_ARG,  false,
      do_quit,          "QUIT" },
};
/* clang-format on */

static const struct verb *find_verb(const struct smtp_server *server, struct span word)
{
    unsigned offered = server->plan->clear.offered | server->plan->secured.offered;

    for (size_t i = 0; i < COUNT(verbs); i++) {
        if (span_is_word(word, verbs[i].name) &&
            (!verbs[i].extension || offered & verbs[i].extension))
            return &verbs[i];
    }
    return NULL;
}

/* Each state is a bit above those that come before it. */
static void refuse_untimely(struct smtp_server *server, const struct verb *verb)
{
    bool late = (unsigned)server->state > verb->when;
    HELD(buf) text = BUF(100);

    if (server->state == SMTP_AT_START)
        buf_add(&text, "Say EHLO first");
    else if (late && strcmp(verb->name, "MAIL") == 0)
        buf_add(&text, "Nested MAIL command: a message is under way, and RSET forgets it");
    else
        buf_add(&text, late ? "Not now: a message is under way, and RSET forgets it" : "Not now: other commands come before");
    smtp_server_refuse(server, 503, "5.5.1", buf_text(&text));
}

/* May it be said here and now, and so? False: it was refused. */
static bool is_fit(struct smtp_server *server, const struct verb *verb, struct span argument)
{
    HELD(buf) text = BUF(128);

    if (!(verb->when & (unsigned)server->state)) {
        refuse_untimely(server, verb);
        return false;
    }
    for (size_t i = 0; i < COUNT(needs); i++) {
        if (verb->needs & needs[i].need && !needs[i].met(server)) {
            if (needs[i].code != 503)
                smtp_server_note_refusal(server, needs[i].code, needs[i].text, false);
            smtp_server_refuse(server, needs[i].code, needs[i].enhanced, needs[i].text);
            return false;
        }
    }
    if ((verb->argument == NO_ARG && argument.len) ||
        (verb->argument == ARG && !argument.len)) {
        buf_addf(&text, "Syntax: %s", verb->syntax);
        smtp_server_refuse(server, 501, "5.5.4", buf_text(&text));
        return false;
    }
    return true;
}

void smtp_server_command(struct smtp_server *server, struct span line, uint64_t now)
{
    size_t word = span_find(line, ' ');
    const struct verb *verb = find_verb(server, span_cut(line, 0, word));
    struct span argument = span_trim(span_from(line, word));

    if (!verb) {
        smtp_server_refuse(server, 500, "5.5.1", "Command not known");
        return;
    }
    if (verb->leads_nowhere && ++server->idle > SMTP_SERVER_IDLE_MAX) {
        smtp_server_shut(server, "4.7.0", "Too many commands without a message");
        return;
    }
    /* The octets behind a refused BDAT must be passed over all the same, or the content would be
     * read as commands. */
    if (verb->run == do_bdat && !(verb->when & (unsigned)server->state))
        smtp_server_bdat(server, argument, true, now);
    else if (is_fit(server, verb, argument))
        verb->run(server, argument, now);
    else if (verb->run == do_bdat)
        smtp_server_shut(server, "4.5.0", "Closing: the size of the chunk is not known");
}
