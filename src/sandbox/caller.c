/* One caller of the sandbox: the answers to what the server machine asks. */
#include "base/alloc.h"
#include "base/json.h"
#include "base/str.h"
#include "mail/address.h"
#include "mail/date.h"
#include "mail/envelope.h"
#include "sandbox/sandbox_int.h"

#include "base/banned.h"

struct caller {
    struct sandbox *sandbox;
    struct session_server *session;
    struct caller *next, **link; /* link: what points at this one */
    struct maildir_message *message;
    uint64_t size; /* of the message so far */
    bool drops;    /* a recipient wished that the line goes dead after the dot */
};

static void caller_free(struct caller *caller)
{
    *caller->link = caller->next;
    if (caller->next)
        caller->next->link = caller->link;
    maildir_message_free(caller->message);
    session_server_free(caller->session);
    mem_free(caller);
}

void callers_free(struct sandbox *sandbox)
{
    while (sandbox->callers)
        caller_free(sandbox->callers);
}

/* -- answers -- */

static const struct smtp_answer yes = { .yes = true };

static void refuse(struct caller *caller, const struct provider_reply *reply)
{
    const struct smtp_answer answer = { false, reply->code, reply->enhanced, reply->text };

    session_server_answer(caller->session, &answer);
}

static const struct sandbox_user *find_user(const struct sandbox *sandbox, struct span name)
{
    bool local = sandbox->provider.profile->username == USERNAME_LOCALPART;

    for (size_t i = 0; i < sandbox->user_count; i++) {
        struct span known = span_of(sandbox->users[i].username);
        if (span_equal_word(name, known) ||
            (local && span_equal_word(name, span_cut(known, 0, span_find(known, '@')))))
            return &sandbox->users[i];
    }
    return NULL;
}

static bool takes_passwords(const struct caller *caller)
{
    return caller->sandbox->provider.password_off.code == 0;
}

static void check_sign_in(struct caller *caller)
{
    struct smtp_claim claim = smtp_server_claim(session_server_machine(caller->session));
    const struct sandbox_user *user = find_user(caller->sandbox, claim.user);
    bool token = claim.mechanism == SASL_XOAUTH2 || claim.mechanism == SASL_OAUTHBEARER;

    if (!token && !takes_passwords(caller)) {
        refuse(caller, &caller->sandbox->provider.password_off);
        return;
    }
    const char *right = !user ? "" : token ? user->token : user->password;
    if (user && str_equal_secret(claim.proof, span_of(right)))
        session_server_answer(caller->session, &yes);
    else
        refuse(caller, &caller->sandbox->provider.wrong);
}

static void give_key(struct caller *caller)
{
    struct smtp_claim claim = smtp_server_claim(session_server_machine(caller->session));
    const struct sandbox_user *user = find_user(caller->sandbox, claim.user);
    bool known = user && takes_passwords(caller);
    OWN(secret) password = known ? secret_new(span_of(user->password)) : NULL;

    session_server_password(caller->session, password);
}

/* Is the sender the user's own, as far as this provider looks at this stage? */
static bool may_send(const struct caller *caller, enum profile_sender_check stage)
{
    struct smtp_server *machine = session_server_machine(caller->session);
    const struct profile *profile = caller->sandbox->provider.profile;
    const char *sender = smtp_server_envelope(machine)->sender;
    struct span name = span_of(smtp_server_user(machine));
    const struct sandbox_user *user = find_user(caller->sandbox, name);

    if (profile->capabilities.sender_check != stage || !user)
        return true;
    if (!*sender)
        return profile->capabilities.null_sender;
    return address_same(span_of(sender), span_of(user->username));
}

static void check_sender(struct caller *caller)
{
    caller->drops = false;
    if (may_send(caller, SENDER_CHECK_MAIL))
        session_server_answer(caller->session, &yes);
    else
        refuse(caller, &caller->sandbox->provider.not_owned);
}

static void check_recipient(struct caller *caller)
{
    const char *recipient = smtp_server_recipient(session_server_machine(caller->session));
    struct pool pool = { NULL };
    struct provider_reply wish = provider_wish(&pool, recipient);

    caller->drops |= provider_wishes_drop(recipient);
    if (wish.code)
        refuse(caller, &wish);
    else if (may_send(caller, SENDER_CHECK_RCPT))
        session_server_answer(caller->session, &yes);
    else
        refuse(caller, &caller->sandbox->provider.not_owned);
    pool_done(&pool);
}

/* -- the message -- */

/* A name no other message has: the time, which of this run, and chance. */
static bool name_message(struct sandbox *sandbox, struct buf *out)
{
    uint32_t chance;

    if (!random_fill(sandbox->options->dice, &chance, sizeof chance, NULL))
        return false;
    buf_addf(out, "%llu.%llu_%08x.sandbox",
             (unsigned long long)clock_wall(sandbox->options->clock) / 1000,
             (unsigned long long)++sandbox->names, (unsigned)chance);
    return !out->full;
}

static void begin(struct caller *caller)
{
    HELD(buf) name = BUF(128);
    struct smtp_answer answer = { .yes = false };

    caller->size = 0;
    maildir_message_free(GIVE(caller->message));
    answer.yes = name_message(caller->sandbox, &name) &&
                 maildir_begin(caller->sandbox->maildir, buf_text(&name), &caller->message, NULL);
    session_server_answer(caller->session, &answer);
}

static void add_piece(void *who, struct session_server *session, struct span piece)
{
    static const struct smtp_answer full = { false, 452, "4.3.1", "The disk is full" };
    struct caller *caller = who;

    caller->size += piece.len;
    if (maildir_add(caller->message, piece, NULL))
        session_server_body_kept(session);
    else
        session_server_body_lost(session, &full);
}

static const char *body_word(enum envelope_body body)
{
    return body == BODY_7BIT ? "7bit" : body == BODY_8BIT ? "8bitmime" : "binarymime";
}

static void write_envelope(const struct caller *caller, struct buf *out)
{
    struct smtp_server *machine = session_server_machine(caller->session);
    const struct envelope *envelope = smtp_server_envelope(machine);
    HELD(buf) date = BUF(40);
    struct json json = json_to(out);

    date_add_rfc3339(&date, clock_wall(caller->sandbox->options->clock) / 1000);
    json_open(&json, NULL, '{');
    json_text(&json, "from", envelope->sender);
    json_open(&json, "to", '[');
    for (size_t i = 0; i < envelope->count; i++)
        json_text(&json, NULL, envelope->recipients[i].address);
    json_close(&json);
    json_text(&json, "user", smtp_server_user(machine));
    json_text(&json, "hello", smtp_server_hello(machine));
    json_bool(&json, "tls", smtp_server_is_secured(machine));
    json_text(&json, "received", buf_text(&date));
    json_number(&json, "size", caller->size);
    json_text(&json, "body", body_word(envelope->body));
    json_bool(&json, "smtputf8", envelope->smtputf8);
    json_text(&json, "envid", envelope->envid);
    json_close(&json);
    buf_add_char(out, '\n');
}

static void keep(struct caller *caller)
{
    HELD(buf) envelope = BUF(1024 * 1024);

    if (!may_send(caller, SENDER_CHECK_END)) {
        maildir_message_free(GIVE(caller->message));
        refuse(caller, &caller->sandbox->provider.not_owned);
        return;
    }
    write_envelope(caller, &envelope);
    bool kept = !envelope.full && maildir_keep(caller->message, buf_span(&envelope), NULL);
    maildir_message_free(GIVE(caller->message));
    if (kept && caller->drops)
        session_server_cut(caller->session);
    else
        session_server_answer(caller->session, &(struct smtp_answer){ .yes = kept });
}

/* -- what is told -- */

static void asked(void *who, struct session_server *session, enum smtp_question question)
{
    static void (*const answers[])(struct caller *) = {
        [SMTP_ASK_SIGN_IN]   = check_sign_in,
        [SMTP_ASK_KEY]       = give_key,
        [SMTP_ASK_SENDER]    = check_sender,
        [SMTP_ASK_RECIPIENT] = check_recipient,
        [SMTP_ASK_BEGIN]     = begin,
        [SMTP_ASK_KEEP]      = keep,
    };
    (void)session;
    answers[question](who);
}

static void dropped(void *who, struct session_server *session)
{
    struct caller *caller = who;

    (void)session;
    maildir_message_free(GIVE(caller->message));
}

static void over(void *who, struct session_server *session, const struct err *why)
{
    (void)session, (void)why;
    caller_free(who);
}

void caller_new(struct endpoint *endpoint, struct stream *stream)
{
    static const struct session_server_events events = { asked, add_piece, dropped, over };
    struct sandbox *sandbox = endpoint->sandbox;
    struct caller *caller = NEW(caller);

    if (!caller) {
        stream_free(stream);
        return;
    }
    caller->sandbox = sandbox;
    caller->next = sandbox->callers;
    caller->link = &sandbox->callers;
    if (caller->next)
        caller->next->link = &caller->next;
    sandbox->callers = caller;
    if (!session_serve(sandbox->loop, stream, &endpoint->plan, &events, caller, &caller->session,
                       NULL))
        caller_free(caller);
}
