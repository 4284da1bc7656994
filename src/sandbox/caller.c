/* One caller of the sandbox: the answers to what the server machine asks. */
#include "base/alloc.h"
#include "base/str.h"
#include "mail/address.h"
#include "mail/envelope.h"
#include "sandbox/keep.h"
#include "sandbox/scope.h"

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
    size_t user = issuer_find_user(&sandbox->issuer, name);

    return user == IDENTITY_NOBODY ? NULL : &sandbox->users[user];
}

/* A token signs in the account it was issued for, by the account's name; an application's, any. */
static bool is_owner(const struct sandbox *sandbox, struct span name, size_t owner)
{
    HELD(buf) account = BUF(ISSUER_NAME_MAX);
    size_t user = issuer_find_user(&sandbox->issuer, name);

    if (owner == IDENTITY_NOBODY || user != owner)
        return owner == IDENTITY_NOBODY && user != IDENTITY_NOBODY;
    issuer_name(&sandbox->issuer, owner, &account);
    return sandbox->provider.profile->username == USERNAME_LOCALPART ||
           span_equal_word(name, buf_span(&account));
}

static const struct provider_reply *refuse_token(const struct sandbox *sandbox, const struct smtp_claim *claim)
{
    const struct provider *provider = &sandbox->provider;
    size_t owner;

    switch (issuer_check_token(&sandbox->issuer, claim->proof, SCOPE_SMTP, sandbox_wall(sandbox), &owner)) {
    case TOKEN_GOOD:
        return is_owner(sandbox, claim->user, owner) ? NULL : &provider->wrong_token;
    case TOKEN_ENDS_SOON:
        return &provider->ends_soon;
    default:
        return &provider->wrong_token;
    }
}

static const struct provider_reply *refuse_password(const struct sandbox *sandbox, const struct smtp_claim *claim)
{
    const struct sandbox_user *user = find_user(sandbox, claim->user);

    if (user && str_equal_secret(claim->proof, span_of(user->password)))
        return NULL;
    return &sandbox->provider.wrong;
}

/* Whatever is brought: is the door shut? */
static const struct provider_reply *shut(const struct sandbox *sandbox, bool token)
{
    const struct provider *provider = &sandbox->provider;

    if (scenario_is_on(sandbox->issuer.scenarios, SCENARIO_SMTP_AUTH_OFF))
        return &provider->smtp_off[0];
    if (scenario_is_on(sandbox->issuer.scenarios, SCENARIO_SMTP_AUTH_OFF_TENANT))
        return &provider->smtp_off[1];
    return !token && provider->password_off.code ? &provider->password_off : NULL;
}

static void check_sign_in(struct caller *caller)
{
    const struct sandbox *sandbox = caller->sandbox;
    struct smtp_claim claim = smtp_server_claim(session_server_machine(caller->session));
    bool token = claim.mechanism == SASL_XOAUTH2 || claim.mechanism == SASL_OAUTHBEARER;
    const struct provider_reply *no = shut(sandbox, token);

    if (!no)
        no = token ? refuse_token(sandbox, &claim) : refuse_password(sandbox, &claim);
    if (no)
        refuse(caller, no);
    else
        session_server_answer(caller->session, &yes);
}

static void give_key(struct caller *caller)
{
    struct smtp_claim claim = smtp_server_claim(session_server_machine(caller->session));
    const struct sandbox_user *user = find_user(caller->sandbox, claim.user);
    bool known = user && !shut(caller->sandbox, false);
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

static void begin(struct caller *caller)
{
    struct smtp_answer answer = { .yes = false };

    caller->size = 0;
    maildir_message_free(GIVE(caller->message));
    answer.yes = keep_begin(caller->sandbox, &caller->message);
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

static bool keep_it(const struct caller *caller)
{
    struct smtp_server *machine = session_server_machine(caller->session);
    const struct keep_facts facts = {
        .envelope = smtp_server_envelope(machine),
        .user = smtp_server_user(machine),
        .hello = smtp_server_hello(machine),
        .via = "smtp",
        .tls = smtp_server_is_secured(machine),
        .size = caller->size,
    };

    return keep_end(caller->sandbox, caller->message, &facts);
}

static void keep(struct caller *caller)
{
    if (!may_send(caller, SENDER_CHECK_END)) {
        maildir_message_free(GIVE(caller->message));
        refuse(caller, &caller->sandbox->provider.not_owned);
        return;
    }
    bool kept = keep_it(caller);
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
