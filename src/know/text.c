#include "know/text.h"

#include "base/alloc.h"
#include "base/str.h"
#include "know/knowledge_int.h"
#include "know/text_int.h"

#include "base/banned.h"

/* A text without a reply is classified window by window, each as long as an error can hold; of a
 * long one its end, where a program says what stopped it. */
enum {
    WINDOW = ERR_TEXT_MAX - 8,
    STEP = WINDOW / 2,
    WINDOWS_MOST = 64,
    REPLIES_MOST = 100,
    HOSTS_MOST = 200,
    SPEAKS_MOST = 2048, /* in a longer text some words stand near one another by chance */
};

void text_evidence_free(struct text_evidence *found)
{
    if (!found)
        return;
    mem_free(found->recipients);
    mem_free(found);
}

static const struct {
    const char *words;
    enum stage stage;
} stages[] = {
    { "in reply to MAIL FROM", STAGE_MAIL },
    { "in reply to RCPT TO", STAGE_RCPT },
    { "in reply to DATA", STAGE_DATA },
    { "in reply to end of DATA", STAGE_END },
    { "in reply to EHLO", STAGE_EHLO },
    { "in reply to HELO", STAGE_EHLO },
    { "in reply to STARTTLS", STAGE_STARTTLS },
    { "after end of data", STAGE_END },
    { "after pipelined end of data", STAGE_END },
    { "after MAIL FROM", STAGE_MAIL },
    { "after pipelined MAIL FROM", STAGE_MAIL },
    { "after RCPT TO", STAGE_RCPT },
    { "after pipelined RCPT TO", STAGE_RCPT },
    { "after EHLO", STAGE_EHLO },
    { "after HELO", STAGE_EHLO },
    { "after initial connection", STAGE_GREETING },
    { "refused to talk to me", STAGE_GREETING },
    { "SMTPAuthenticationError", STAGE_AUTH },
    { "SMTPRecipientsRefused", STAGE_RCPT },
    { "SMTPSenderRefused", STAGE_MAIL },
    { "SMTPDataError", STAGE_END },
    { "SMTPHeloError", STAGE_EHLO },
    { "AuthenticationFailedException", STAGE_AUTH },
    { "Invalid login", STAGE_AUTH },
    { "Could not authenticate", STAGE_AUTH },
    { "authentication failed", STAGE_AUTH },
    { "Authentication unsuccessful", STAGE_AUTH },
    { "AUTH LOGIN failed", STAGE_AUTH },
    { "AUTH PLAIN failed", STAGE_AUTH },
    { "RCPT TO command failed", STAGE_RCPT },
    { "upgrading connection with STARTTLS", STAGE_STARTTLS },
    { "RCPT failed:", STAGE_RCPT },
    { "MAIL failed:", STAGE_MAIL },
    { "DATA failed:", STAGE_END },
    { "unexpected smtp-server response", STAGE_GREETING },
    { "but sender was rejected", STAGE_MAIL }, /* qmail, as the next four */
    { "but my name was rejected", STAGE_EHLO },
    { "but greeting failed", STAGE_GREETING },
    { "does not like recipient", STAGE_RCPT },
    { "failed after I sent the message", STAGE_END },
    { "for MAIL FROM command, host:", STAGE_MAIL }, /* 1&1, as the next two */
    { "for RCPT TO command, host:", STAGE_RCPT },
    { "for TEXT command, host:", STAGE_END },
    { "Escape character is", STAGE_GREETING }, /* of telnet */
    { "Invalid greeting", STAGE_GREETING },
    { "cannot get initial OK message", STAGE_GREETING },
    { "transient error: 421 Service not available", STAGE_CONNECT }, /* Oracle's word for any trouble on the way */
    { "SMTPConnectError", STAGE_GREETING },
    { "MAIL FROM command failed", STAGE_MAIL },
    { "SMTPSenderFailedException", STAGE_MAIL },
    { "SMTPAddressFailedException", STAGE_RCPT },
    { "failed after MAIL FROM", STAGE_MAIL },
    { "error at after DATA", STAGE_END },
    { "failed AUTH:", STAGE_AUTH },
    { "can't STARTTLS:", STAGE_STARTTLS },
    { "STARTTLS failed:", STAGE_STARTTLS },
    { "STARTTLS not available:", STAGE_STARTTLS },
    { "Got bad greeting", STAGE_GREETING },
    { "failed after connect:", STAGE_GREETING },
    { "server refused connection:", STAGE_GREETING },
    { "Expected 220 reply", STAGE_GREETING },
    { "Expected response code 220", STAGE_GREETING },
    { "Expected response code \"220\"", STAGE_GREETING },
    { "ProcessMailFromResponse", STAGE_MAIL }, /* of MailKit */
    { "ProcessRcptToResponse", STAGE_RCPT },
    { "AADSTS", STAGE_TOKEN },
    { "invalid_grant", STAGE_TOKEN },
};

static const char *const mechanisms[] = { "XOAUTH2", "OAUTHBEARER", "SCRAM-SHA-256", "CRAM-MD5" };

/* "email failed" has no "MAIL failed" in it. */
static bool has_phrase(struct span text, const char *phrase)
{
    size_t at;

    for (; (at = span_find_word(text, phrase)) < text.len; text = span_from(text, at + 1))
        if (at == 0 || !str_is_alpha(text.at[at - 1]))
            return true;
    return false;
}

/* Is it asked for here: "AUTH XOAUTH2 dXNlc", "AUTH XOAUTH2 failed"? An EHLO reply's "250-AUTH XOAUTH2 PLAIN" names what there is. */
static bool is_attempted(struct span text, const char *mechanism)
{
    size_t at;

    for (; (at = span_find_word(text, "AUTH ")) < text.len; text = span_from(text, at + 1)) {
        struct span before = span_cut(text, at < 4 ? 0 : at - 4, at);
        if (span_starts_word(span_from(text, at + strlen("AUTH ")), mechanism) && !span_starts(before, "250-") &&
            !span_starts(before, "250 "))
            return true;
    }
    return false;
}

static void find_mechanism(struct span text, struct evidence *evidence)
{
    /* "Using the following authenticators": PHP's mailers try all they know. */
    bool listed = span_find_word(text, "250-") < text.len || span_find_word(text, "authenticators") < text.len;

    for (size_t i = 0; i < COUNT(mechanisms) && !evidence->mechanism; i++)
        if (listed ? is_attempted(text, mechanisms[i]) : span_find_word(text, mechanisms[i]) < text.len)
            evidence->mechanism = mechanisms[i];
}

/* The first server named in the text that some profile knows. */
static const char *provider_of_hosts(const struct knowledge *know, struct span text)
{
    struct scan scan = scan_of(text);
    struct span host;

    for (int tried = 0; tried < HOSTS_MOST && text_next_host(&scan, &host); tried++) {
        const struct profile *profile = know_profile_of_host(know, host);
        if (profile && profile->kind != PROFILE_BRIDGE)
            return profile->id;
    }
    return NULL;
}

/* The port, where all that the text says of one agree: "port 465", "port: 465", "[192.0.2.7]:465". */
static uint16_t find_port(struct span text)
{
    static const char *const leads[] = { "port", "]:", ".com:", ".net:", ".org:" };
    uint16_t port = 0;

    for (size_t i = 0; i < COUNT(leads); i++) {
        struct span rest = text;
        size_t at;
        while ((at = span_find_word(rest, leads[i])) < rest.len) {
            struct scan scan = scan_of(rest = span_from(rest, at + strlen(leads[i])));
            uint64_t number;
            while (scan_char(&scan, ' ') || scan_char(&scan, ':') || scan_char(&scan, '='))
                ;
            if (!scan_number(&scan, 1, UINT16_MAX, &number) || !text_is_mail_port(number))
                continue;
            if (port && port != number)
                return 0;
            port = (uint16_t)number;
        }
    }
    return port;
}

static const char *provider_of_markers(const struct knowledge *know, struct span text)
{
    for (size_t i = 0; i < know->owner_count; i++) {
        struct words markers = know->owners[i].markers;
        for (size_t k = 0; k < markers.count; k++)
            if (span_find_word(text, markers.at[k]) < text.len)
                return know->owners[i].id;
    }
    return NULL;
}

/* What of scopes lets a program send, but not by SMTP: for that the provider has another. */
static const struct {
    const char *scope, *of_smtp;
} other_scopes[] = {
    { "Mail.Send", "SMTP.Send" },
    { "IMAP.AccessAsUser.All", "SMTP.Send" },
    { "googleapis.com/auth/gmail.", "https://mail.google.com" },
};

/* As providers write it; "email.sender" and "mail.send(message)" are of programs. */
static bool names_scope(struct span text, const char *scope)
{
    size_t at, len = strlen(scope);

    for (; (at = span_find_text(text, scope)) < text.len; text = span_from(text, at + 1)) {
        char behind = at + len < text.len ? text.at[at + len] : '\0';
        bool within = str_is_alpha(scope[len - 1]) && (str_is_alpha(behind) || behind == '(');
        if (!within && (at == 0 || !str_is_alpha(text.at[at - 1])))
            return true;
    }
    return false;
}

static bool lacks_scope(struct span text)
{
    for (size_t i = 0; i < COUNT(other_scopes); i++)
        if (names_scope(text, other_scopes[i].scope) && span_find_word(text, other_scopes[i].of_smtp) == text.len)
            return true;
    return false;
}

/* What neighbours would show, as far as the text tells it: a server that a profile has exists, whatever a resolver says of
 * it; and the scopes that were asked for, where they stand beside the refusal. */
static const char *const *found_in(struct span text, const char *server)
{
    static const char *const known[] = { "name:known", NULL }, *const scope[] = { "token:wrong-scope", NULL },
                      *const both[] = { "name:known", "token:wrong-scope", NULL };
    bool lacks = lacks_scope(text);

    return server ? (lacks ? both : known) : lacks ? scope : NULL;
}

/* STARTTLS was offered, and nobody asked for it. */
static bool stayed_in_clear(struct span text)
{
    bool offered = span_find_word(text, "250-STARTTLS") < text.len ||
                   span_find_word(text, "250 STARTTLS") < text.len;

    return offered && !text_has_command(text, STAGE_STARTTLS);
}

void text_circumstances(const struct knowledge *know, struct span text, struct evidence *ret_around)
{
    struct evidence around = { .stage = STAGE_NONE };

    text = span_cut(text, 0, 8192);
    for (size_t i = 0; i < COUNT(stages) && around.stage == STAGE_NONE; i++)
        if (has_phrase(text, stages[i].words))
            around.stage = stages[i].stage;
    find_mechanism(text, &around);
    around.port = find_port(text);
    const char *server = provider_of_hosts(know, text);
    around.found = found_in(text, server);
    around.security = stayed_in_clear(text) ? "none" : NULL;
    around.provider = provider_of_markers(know, text);
    if (!around.provider)
        around.provider = server;
    *ret_around = around;
}

void text_add_circumstances(const struct evidence *around, struct evidence *evidence)
{
    if (evidence->stage == STAGE_NONE)
        evidence->stage = around->stage;
    if (refusal_of_a_sign_in(evidence))
        evidence->stage = STAGE_AUTH;
    evidence->mechanism = around->mechanism;
    evidence->port = around->port;
    evidence->security = around->security;
    evidence->provider = around->provider;
    evidence->found = around->found;
}

/* Judges what was found. Stage, provider and loose codes are guessed at by what stands around; where they keep the words
 * from being known, the words are asked without them. */
static enum sureness judge(const struct knowledge *know, struct evidence *evidence, bool loose_code)
{
    struct verdict verdict;
    enum sureness sure = classify_surely(know, evidence, &verdict);

    for (int without = 0; without < 3 && sure < SURE_WEAK; without++) {
        struct evidence words = *evidence;
        if (without == 0)
            words.stage = STAGE_NONE;
        else if (without == 1)
            words.provider = NULL;
        else if (loose_code)
            words.err.reply = 0;
        enum sureness now = classify_surely(know, &words, &verdict);
        if (now <= sure || (now < SURE_WEAK && sure != SURE_NOTHING))
            continue;
        *evidence = words;
        sure = now;
    }
    return sure;
}

/* Does b say again what a says, in fewer words? */
static bool is_echo(const struct err *a, const struct err *b)
{
    return a->reply && a->reply == b->reply && memcmp(a->enhanced, b->enhanced, sizeof a->enhanced) == 0 &&
           span_starts(span_of(a->said), b->said);
}

/* Only says that what was asked for before was refused: a program that goes on after a refusal hears these. */
static bool is_consequence(const struct err *err)
{
    static const char *const words[] = { "no valid recipients", "need RCPT", "need MAIL", "RCPT first", "MAIL first",
                                         "valid RCPT command must precede", "Bad sequence of commands",
                                         "No recipients have been specified", "bad command sequence" };

    for (size_t i = 0; i < COUNT(words); i++)
        if (span_find_word(span_of(err->said), words[i]) < strlen(err->said))
            return true;
    return false;
}

/* The last of the best known wins: a program that tries again ends with what stopped it. */
static enum sureness best_reply(const struct knowledge *know, struct span text,
                                const struct evidence *around, struct evidence *best)
{
    enum sureness sure = SURE_NOTHING;
    struct scan scan = scan_of(text);
    struct evidence reply;

    for (int i = 0; i < REPLIES_MOST && text_next_reply(&scan, &reply); i++) {
        text_add_circumstances(around, &reply);
        enum sureness now = judge(know, &reply, false);
        bool has_code = reply.err.reply, had_code = best->err.reply;
        if (now == SURE_NOTHING || (had_code && !has_code) || (had_code == has_code && now < sure) ||
            is_echo(&best->err, &reply.err) || (sure >= SURE_WEAK && is_consequence(&reply.err)))
            continue;
        sure = now;
        *best = reply;
    }
    return sure;
}

static enum sureness best_of_windows(const struct knowledge *know, struct span text, const struct evidence *around,
                                     struct evidence *best)
{
    HELD(buf) line = BUF(WINDOWS_MOST * STEP + WINDOW);
    enum sureness sure = SURE_NOTHING;

    if (text.len > line.ceiling)
        text = span_from(text, text.len - line.ceiling);
    text_squeeze(&line, text);
    struct span all = buf_span(&line);
    for (size_t at = 0; at == 0 || at + STEP < all.len; at += STEP) {
        struct evidence window = { .err.kind = ERR_INPUT };
        err_said(&window.err, span_cut(all, at, at + WINDOW));
        if (!window.err.said[0])
            continue;
        window.err.reply = text_loose_code(span_of(window.err.said));
        text_add_circumstances(around, &window);
        enum sureness now = judge(know, &window, window.err.reply != 0);
        if (now == SURE_NOTHING || now < sure || (now == SURE_NEAR && all.len > SPEAKS_MOST))
            continue;
        sure = now;
        *best = window;
    }
    return sure;
}

/* Words that are known decide wherever they stand; those that are only near one another, where somebody says them. */
static enum sureness best_window(const struct knowledge *know, struct span text, const struct evidence *around,
                                 struct evidence *best)
{
    HELD(buf) rest = BUF(TEXT_MOST + 1);
    HELD(buf) said = BUF(TEXT_MOST + 1);

    text_without_success(&rest, text);
    if (!span_trim(buf_span(&rest)).len) /* what went well is all there is: then it is what failed */
        buf_add_span(&rest, text);
    enum sureness sure = best_of_windows(know, buf_span(&rest), around, best);
    if (sure == SURE_NOTHING || sure > SURE_NEAR)
        return sure;
    *best = (struct evidence){ .err.kind = ERR_NONE };
    text_said(&said, buf_span(&rest));
    return best_of_windows(know, buf_span(&said), around, best);
}

static enum sureness find_evidence(const struct knowledge *know, struct span text, struct evidence *found)
{
    struct evidence reply = { .err.kind = ERR_NONE }, window = { .err.kind = ERR_NONE };
    struct evidence around = { .stage = STAGE_NONE };

    text_circumstances(know, text, &around);
    enum sureness by_reply = best_reply(know, text, &around, &reply);
    *found = reply;
    enum sureness least = by_reply == SURE_NOTHING ? SURE_NOTHING : SURE_HINT; /* a reply says more than what is around it */
    if (by_reply == SURE_CODES && !reply.err.said[0])
        least = SURE_CODES; /* but "Status: 4.4.7" alone says less than words */
    bool placed = by_reply >= SURE_CODES || (reply.err.reply == 535 && reply.err.said[0]); /* a refused sign-in is that */
    enum sureness by_window = placed && least != SURE_CODES ? SURE_NOTHING : best_window(know, text, &around, &window);
    if (by_window <= least)
        return by_reply;
    *found = window;
    return by_window;
}

/* The recipient whom a report is about: the first that failed, else the first. */
static const struct text_recipient *telling_recipient(const struct text_evidence *found)
{
    for (size_t i = 0; i < found->recipient_count; i++)
        if (span_is_word(span_of(found->recipients[i].action), "failed"))
            return &found->recipients[i];
    return found->recipient_count ? &found->recipients[0] : NULL;
}

bool text_read(const struct knowledge *know, struct span text, struct text_evidence **ret_found,
               struct err *err)
{
    HELD(buf) blanks = BUF(TEXT_MOST + 1);
    OWN(text_evidence) found = NEW(text_evidence);
    struct evidence whole = { .err.kind = ERR_NONE };
    struct verdict verdict;

    if (!found)
        return err_no_memory(err);
    text = span_cut(text, 0, TEXT_MOST);
    text = text_with_blanks(&blanks, text);
    if (!text_recipients(know, text, found, err))
        return false;
    const struct text_recipient *recipient = telling_recipient(found);
    if (recipient)
        found->evidence = recipient->evidence;
    enum sureness sure = recipient ? classify_surely(know, &found->evidence, &verdict) : SURE_NOTHING;
    /* Many reports have a bare "5.0.0" or "4.4.7", and the server's words in the part for people alone. */
    bool words_told = sure >= SURE_WEAK && found->evidence.err.said[0];
    if (!words_told && find_evidence(know, text, &whole) > sure)
        found->evidence = whole;
    text_server(know, text, found);
    found->named = text_named_cause(know, text);
    found->evidence.pasted = !found->named;
    *ret_found = GIVE(found);
    return true;
}
