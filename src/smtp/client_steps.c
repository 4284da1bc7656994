/* The conversation as one table, and what it says before the first message. */
#include "smtp/client_int.h"

#include "base/banned.h"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static enum step say_ehlo(struct smtp_client *c)
{
    HELD(buf) line = BUF(1024);

    buf_addf(&line, "EHLO %s", c->plan.hello);
    client_say(c, STEP_EHLO, 0, buf_span(&line));
    return STEP_NONE;
}

static enum step say_helo(struct smtp_client *c)
{
    HELD(buf) line = BUF(1024);

    buf_addf(&line, "HELO %s", c->plan.hello);
    client_say(c, STEP_HELO, 0, buf_span(&line));
    return STEP_NONE;
}

static enum step say_starttls(struct smtp_client *c)
{
    client_say(c, STEP_STARTTLS, 0, SPAN("STARTTLS"));
    return STEP_NONE;
}

static enum step say_quit(struct smtp_client *c)
{
    client_say(c, STEP_QUIT, 0, SPAN("QUIT"));
    return STEP_NONE;
}

static void heard_greeting(struct smtp_client *c, const struct asked *asked,
                           const struct smtp_reply *reply)
{
    HELD(buf) words = BUF(SMTP_REPLY_OCTETS_MAX);

    (void)asked;
    smtp_reply_words(reply, &words);
    buf_add_span(&c->greeting, span_cut(buf_span(&words), 0, GREETING_KEPT));
    c->next = STEP_EHLO;
}

static void greeted(struct smtp_client *c)
{
    if (c->plan.mechanisms)
        signin_begin(c);
    else
        client_enter(c, STEP_READY);
}

static void heard_ehlo(struct smtp_client *c, const struct asked *asked,
                       const struct smtp_reply *reply)
{
    struct err err;

    (void)asked;
    smtp_extensions_read(reply->text, &c->extensions);
    if (c->plan.security != SMTP_SECURITY_STARTTLS || c->secured) {
        greeted(c);
    } else if (smtp_offers(&c->extensions, SMTP_STARTTLS)) {
        c->next = STEP_STARTTLS;
    } else {
        err_found(&err, ERR_PROTOCOL, "starttls:not-offered",
                  "the server does not offer STARTTLS, and without it nothing is sent");
        client_fail_politely(c, STAGE_STARTTLS, &err);
    }
}

/*= RFC 3207 6
 *# A man-in-the-middle attack can be launched by deleting the "250 STARTTLS" response from the
 *# server.  This would cause the client not to try to start a TLS session.
 *
 * Refusing EHLO does the same: where TLS or a sign-in is wanted there is no way back to HELO. */
static void refused_ehlo(struct smtp_client *c, const struct asked *asked,
                         const struct smtp_reply *reply)
{
    bool plain = c->plan.security == SMTP_SECURITY_NONE && !c->plan.mechanisms;

    if (plain && reply->code / 100 == 5)
        c->next = STEP_HELO;
    else
        client_fail_reply(c, asked->step, reply, "ehlo:refused");
}

static void heard_helo(struct smtp_client *c, const struct asked *asked,
                       const struct smtp_reply *reply)
{
    (void)asked;
    (void)reply;
    greeted(c);
}

static void refused_helo(struct smtp_client *c, const struct asked *asked,
                         const struct smtp_reply *reply)
{
    client_fail_reply(c, asked->step, reply, "ehlo:refused");
}

/* smtp_client_recv() sees to it that nothing came behind the 220. */
static void heard_starttls(struct smtp_client *c, const struct asked *asked,
                           const struct smtp_reply *reply)
{
    if (reply->code == 220)
        client_enter(c, STEP_HANDSHAKE);
    else
        client_fail_reply(c, asked->step, reply, NULL);
}

/* Who has answered more often than asked gives an older answer here, and then one more. But some know nothing better to
 * say than "250 bye": then the line ends. */
static void heard_quit(struct smtp_client *c, const struct asked *asked,
                       const struct smtp_reply *reply)
{
    (void)asked;
    if (reply->code == 221 || reply->code / 100 >= 4) {
        client_leave(c);
        return;
    }
    client_enter(c, STEP_PARTING);
    client_asked(c, STEP_PARTING, 0);
}

static void heard_parting(struct smtp_client *c, const struct asked *asked,
                          const struct smtp_reply *reply)
{
    (void)asked;
    client_fail_unasked(c, reply);
}

static void refused_connection(struct smtp_client *c, const struct asked *asked,
                               const struct smtp_reply *reply)
{
    client_fail_reply(c, asked->step, reply, NULL);
}

/* The waiting times are RFC 5321's, 4.5.3.2, which has none for QUIT: nothing hangs on it. A chunk's end is the end of
 * the data. */
static const struct step_row rows[STEPS] = {
    /*                  stage           while_                          wait         good
     *                  alone  unknown  ready  say  heard  refused                              */
    [STEP_NONE]      = { STAGE_NONE,     "waiting",                      0,           0,
                         false, false, NULL, NULL, NULL, NULL },
    [STEP_HANDSHAKE] = { STAGE_TLS,      "shaking hands for TLS",        1 * MINUTE,  0,
                         true,  false, NULL, NULL, NULL, NULL },
    [STEP_GREETING]  = { STAGE_GREETING, "waiting for the greeting",     5 * MINUTE,  2,
                         true,  false, NULL, NULL, heard_greeting, refused_connection },
    [STEP_EHLO]      = { STAGE_EHLO,     "saying EHLO",                  5 * MINUTE,  2,
                         true,  false, NULL, say_ehlo, heard_ehlo, refused_ehlo },
    [STEP_HELO]      = { STAGE_EHLO,     "saying HELO",                  5 * MINUTE,  2,
                         true,  false, NULL, say_helo, heard_helo, refused_helo },
    [STEP_STARTTLS]  = { STAGE_STARTTLS, "asking for STARTTLS",          2 * MINUTE,  2,
                         true,  false, NULL, say_starttls, heard_starttls, refused_connection },
    [STEP_AUTH]      = { STAGE_AUTH,     "signing in",                   5 * MINUTE,  0,
                         true,  false, NULL, NULL, signin_heard, signin_refused },
    [STEP_READY]     = { STAGE_MAIL,     "waiting for the next message", 0,           0,
                         false, false, NULL, NULL, NULL, NULL },
    [STEP_RSET]      = { STAGE_MAIL,     "clearing the last message",    5 * MINUTE,  2,
                         false, false, mail_ready, say_rset, heard_rset, refused_connection },
    [STEP_MAIL]      = { STAGE_MAIL,     "naming the sender",            5 * MINUTE,  2,
                         false, false, mail_ready, say_mail, heard_mail, refused_all },
    [STEP_RCPT]      = { STAGE_RCPT,     "naming a recipient",           5 * MINUTE,  2,
                         false, false, NULL, say_rcpt, heard_rcpt, refused_rcpt },
    [STEP_DATA]      = { STAGE_DATA,     "asking to send the message",   2 * MINUTE,  3,
                         true,  false, NULL, say_data, heard_data, refused_all },
    [STEP_BODY]      = { STAGE_BODY,     "sending the message",          3 * MINUTE,  0,
                         true,  false, NULL, NULL, NULL, NULL },
    [STEP_DOT]       = { STAGE_END,      "waiting for the final word",  10 * MINUTE,  2,
                         true,  true,  NULL, NULL, heard_end, refused_all },
    [STEP_CHUNK]     = { STAGE_BODY,     "sending the message",          3 * MINUTE,  2,
                         false, false, chunk_ready, say_chunk, heard_chunk, refused_all },
    [STEP_LAST]      = { STAGE_END,      "waiting for the final word",  10 * MINUTE,  2,
                         true,  true,  NULL, NULL, heard_end, refused_all },
    [STEP_QUIT]      = { STAGE_QUIT,     "saying goodbye",               5 * SECOND,  0,
                         true,  false, NULL, say_quit, heard_quit, heard_quit },
    [STEP_PARTING]   = { STAGE_QUIT,     "saying goodbye",               1 * SECOND,  0,
                         true,  false, NULL, NULL, heard_parting, heard_parting },
    [STEP_OVER]      = { STAGE_QUIT,     "done",                         0,           0,
                         true,  false, NULL, NULL, NULL, NULL },
};

const struct step_row *step_row(unsigned step)
{
    return &rows[step];
}
