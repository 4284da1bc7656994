#include "cli/senders.h"

#include "base/alloc.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/input.h"
#include "cli/print.h"
#include "cli/sending.h"
#include "cli/transports.h"
#include "cli/trial.h"
#include "mail/address.h"
#include "net/loop.h"

#include "base/banned.h"

/* The questions, one after another over one line. */
struct asking {
    struct transport *transport;
    struct senders *senders;
    const struct account *account;
    struct knowledge const *know;
    struct envelope *envelope;
    struct transport_outcome outcome;
    size_t next;
    struct err err;
    bool recipient_taken; /* from one of them */
    bool compares;        /* the server does, early */
    bool done;
};

/* ---- which ---- */

static bool is_pattern(const char *address)
{
    return strchr(address, '*') != NULL;
}

static enum profile_sender_check check_of(const struct account *account)
{
    return account->profile ? account->profile->capabilities.sender_check : SENDER_CHECK_UNKNOWN;
}

/* Does it tell before there is a message, as far as is known? */
static bool tells_early(const struct account *account)
{
    enum profile_sender_check check = check_of(account);

    return check == SENDER_CHECK_MAIL || check == SENDER_CHECK_RCPT;
}

static bool list(const struct account *account, struct senders *ret, struct err *err)
{
    ret->at = mem_array(account->send_as.count + 1, sizeof *ret->at);
    if (!ret->at)
        return err_no_memory(err);
    ret->at[ret->count++].address = account->address;
    for (size_t i = 0; i < account->send_as.count; i++) {
        const char *address = account->send_as.at[i];
        if (span_is_word(span_of(address), account->address))
            continue;
        struct sender_proof *sender = &ret->at[ret->count++];
        *sender = (struct sender_proof){ .address = address };
        if (is_pattern(address)) {
            sender->state = SENDER_UNPROVABLE;
            sender->why = "it stands for many addresses";
        }
    }
    return true;
}

void senders_done(struct senders *senders)
{
    mem_free(senders->at);
    *senders = (struct senders){ 0 };
}

/* ---- asking the server ---- */

/* A recipient may be refused for many reasons; one that was good with another sender, for the sender alone, and that
 * is what the rules are then asked about. */
static bool is_about_the_sender(const struct asking *a, struct evidence *evidence)
{
    struct verdict verdict;

    if (a->recipient_taken || (a->know && classify(a->know, evidence, &verdict) && verdict.scope == SCOPE_SENDER))
        evidence->stage = STAGE_MAIL;
    return evidence->stage != STAGE_RCPT;
}

/* What the server made of one. */
static void conclude(struct asking *a)
{
    struct sender_proof *sender = &a->senders->at[a->next];
    const struct transport_outcome *outcome = &a->outcome;

    sender->evidence = outcome->evidence;
    if (outcome->fate == SMTP_FATE_TAKEN) {
        sender->state = SENDER_PROVEN;
        a->recipient_taken = true;
    } else if (outcome->fate == SMTP_FATE_REFUSED && is_about_the_sender(a, &sender->evidence)) {
        sender->state = SENDER_REFUSED;
        a->compares = true;
    }
}

/* A server that was never seen to refuse one may take any, or look later. */
static void doubt(const struct asking *a)
{
    for (size_t i = 0; !a->compares && i < a->senders->count; i++)
        if (a->senders->at[i].state == SENDER_PROVEN)
            a->senders->at[i].state = SENDER_UNPROVEN;
}

static bool name_them(struct asking *a, const struct sender_proof *sender)
{
    envelope_free(a->envelope);
    a->envelope = envelope_new();
    return (a->envelope || err_no_memory(&a->err)) &&
           envelope_set_sender(a->envelope, span_of(sender->address), &a->err) &&
           envelope_add(a->envelope, span_of(a->account->address), &a->err);
}

/* The next one that can be asked about; false: that was all. */
static bool ask_next(struct asking *a)
{
    for (; a->next < a->senders->count; a->next++) {
        struct sender_proof *sender = &a->senders->at[a->next];
        if (sender->state == SENDER_UNPROVABLE)
            continue;
        if (!name_them(a, sender)) {
            sender->evidence = (struct evidence){ .stage = STAGE_LOCAL, .err = a->err };
            continue;
        }
        const struct transport_message message = { .envelope = a->envelope, .count = 1, .rehearsal = true,
                                                   .outcomes = &a->outcome };
        transport_send(a->transport, &message);
        return true;
    }
    return false;
}

static void over_https(struct asking *a)
{
    for (size_t i = 1; i < a->senders->count; i++)
        if (a->senders->at[i].state == SENDER_UNPROVEN) {
            a->senders->at[i].state = SENDER_UNPROVABLE;
            a->senders->at[i].why = "its mail goes over HTTPS, where nothing is asked but the message";
        }
}

static void ready(void *who)
{
    struct asking *a = who;
    bool smtp = strcmp(transport_name(a->transport), "smtp") == 0;

    if (!smtp)
        over_https(a);
    a->done = !smtp || !ask_next(a);
}

static void sent(void *who)
{
    struct asking *a = who;

    conclude(a);
    a->next++;
    a->done = !ask_next(a);
}

/* No way out now: the rest is as it was, and why. */
static void failed(void *who, const struct evidence *why)
{
    struct asking *a = who;

    for (size_t i = a->next; i < a->senders->count; i++)
        if (a->senders->at[i].state == SENDER_UNPROVEN)
            a->senders->at[i].evidence = *why;
    a->done = true;
}

static bool ask_server(struct cli *cli, const struct account *account, struct senders *senders, struct err *err)
{
    static const struct transport_events events = { ready, NULL, sent, failed };
    struct asking a = { .senders = senders, .account = account, .know = failure_knowledge(cli),
                        .compares = tells_early(account) };
    struct transport_world world;

    if (!cli_transport_world(cli, &world, err) ||
        !transport_open(&world, account, &events, &a, &a.transport, err))
        return false;
    loop_run_until(world.credentials.secrets.loop, &a.done);
    doubt(&a);
    transport_close(a.transport);
    envelope_free(a.envelope);
    return true;
}

/* ---- by a message ---- */

static void take_outcome(struct sender_proof *sender, const struct sending *sending)
{
    enum smtp_fate fate = sending->failed ? SMTP_FATE_LATER : sending->outcomes[0].fate;

    sender->evidence = sending->failed ? sending->failure : sending->outcomes[0].evidence;
    if (fate == SMTP_FATE_TAKEN)
        sender->state = SENDER_TOOK;
    else if (fate == SMTP_FATE_REFUSED)
        sender->state = SENDER_REFUSED;
}

static void send_from(struct cli *cli, const struct account *account, struct sender_proof *sender)
{
    const struct trial_text text = {
        .from = sender->address,
        .subject = "outpost: whom is this from?",
        .body = "This message was handed over with another address of yours as the sender.\r\n"
                "If it arrived with that address, mail from it arrives.\r\n",
    };
    OWN(prepared) prepared = NULL;
    struct sending sending;
    struct err err = { 0 };

    if (!trial_prepare(cli, account, &text, &prepared, &err)) {
        sender->evidence = (struct evidence){ .stage = STAGE_LOCAL, .err = err };
        return;
    }
    const struct sending_message message = { prepared->envelope, prepared->fd };
    sending_run(cli, account, &message, &sending);
    take_outcome(sender, &sending);
    sending_done(&sending);
}

static void offer_messages(struct cli *cli, const struct account *account, struct senders *senders)
{
    for (size_t i = 1; i < senders->count; i++) {
        struct sender_proof *sender = &senders->at[i];
        HELD(buf) question = BUF(800), address = BUF(400);
        if (sender->state != SENDER_UNPROVEN || sender->evidence.err.kind != ERR_NONE)
            continue;
        str_printable(&address, span_of(sender->address), 320);
        buf_addf(&question, "Only a message shows whether mail from %s is taken. Send one from it to %s?",
                 buf_text(&address), account->address);
        if (input_yes(cli, buf_text(&question)))
            send_from(cli, account, sender);
    }
}

bool senders_prove(struct cli *cli, const struct account *account, bool offers, struct senders *ret,
                   struct err *err)
{
    enum profile_sender_check check = check_of(account);

    *ret = (struct senders){ 0 };
    if (!list(account, ret, err))
        return false;
    if (check != SENDER_CHECK_NONE && check != SENDER_CHECK_END && !ask_server(cli, account, ret, err))
        return false;
    if (offers)
        offer_messages(cli, account, ret);
    return true;
}

/* ---- telling ---- */

const struct sender_proof *senders_refused(const struct senders *senders)
{
    for (size_t i = 0; i < senders->count; i++)
        if (senders->at[i].state == SENDER_REFUSED)
            return &senders->at[i];
    return NULL;
}

static void tell_unproven(const struct cli *cli, const struct sender_proof *sender, const char *address)
{
    bool asked = sender->evidence.err.kind != ERR_NONE;

    note(cli, "Not proven: whether mail from %s is taken%s%s.%s", address, asked ? ": " : "",
         asked ? sender->evidence.err.text : "", asked ? "" : " A message from it would show it.");
}

static void tell_one(struct cli *cli, const struct sender_proof *sender)
{
    struct evidence told = sender->evidence;
    HELD(buf) address = BUF(400);

    str_printable(&address, span_of(sender->address), 320);
    switch (sender->state) {
    case SENDER_PROVEN:
        say(cli, "The server takes mail from %s.", buf_text(&address));
        break;
    case SENDER_TOOK:
        say(cli, "The server took a message from %s; see whether it arrives with that sender.", buf_text(&address));
        break;
    case SENDER_REFUSED:
        err_in(&told.err, "as %s", buf_text(&address));
        failure_tell(cli, &told);
        break;
    case SENDER_UNPROVEN:
        tell_unproven(cli, sender, buf_text(&address));
        break;
    case SENDER_UNPROVABLE:
        note(cli, "Not provable: whether mail from %s is taken: %s.", buf_text(&address), sender->why);
        break;
    }
}

void senders_tell(struct cli *cli, const struct senders *senders, bool test_follows)
{
    for (size_t i = 0; i < senders->count; i++)
        if (i || !test_follows || senders->at[i].state != SENDER_UNPROVEN)
            tell_one(cli, &senders->at[i]);
}

static const char *how(const struct sender_proof *sender)
{
    return sender->state == SENDER_PROVEN ? "mail" : sender->state == SENDER_TOOK ? "message" : NULL;
}

static void proven_json(struct json *json, const struct sender_proof *sender)
{
    if (sender->state == SENDER_UNPROVEN || sender->state == SENDER_UNPROVABLE)
        json_none(json, "proven");
    else
        json_bool(json, "proven", sender->state != SENDER_REFUSED);
}

void senders_json(struct cli *cli, const struct senders *senders, struct json *json)
{
    const struct knowledge *know = failure_knowledge(cli);

    json_open(json, "senders", '[');
    for (size_t i = 0; i < senders->count; i++) {
        const struct sender_proof *sender = &senders->at[i];
        bool failed = sender->state == SENDER_REFUSED || (!how(sender) && sender->evidence.err.kind != ERR_NONE);
        struct verdict verdict;
        json_open(json, NULL, '{');
        json_text(json, "address", sender->address);
        proven_json(json, sender);
        json_text(json, "by", how(sender));
        json_text(json, "why", sender->why);
        json_text(json, "cause", failed && know && classify(know, &sender->evidence, &verdict) ? verdict.cause->id
                                                                                                : NULL);
        json_close(json);
    }
    json_close(json);
}
