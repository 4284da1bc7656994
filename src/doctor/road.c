#include "doctor/road.h"

#include "base/alloc.h"
#include "mail/envelope.h"
#include "net/loop.h"
#include "session/client.h"

#include "base/banned.h"

enum { SENDERS_MAX = 8 };

struct road {
    struct loop *loop;
    struct road_plan plan;
    road_ended *ended;
    void *who;
    enum stage stage;

    /* an account's */
    struct transport_world world;
    struct transport *transport;
    const char *senders[SENDERS_MAX]; /* its own address first */
    size_t sender_count, next;
    struct envelope *envelope;
    struct transport_outcome outcome;

    /* a server's alone */
    struct session_plan session_plan;
    struct session *session;
};

/* ---- watching ---- */

static void saw(void *who, enum session_sight sight, enum stage stage, struct span text, uint64_t now)
{
    struct road *road = who;
    const struct session_observer *also = &road->plan.world->observer;

    road->stage = stage;
    ladder_saw(road->plan.ladder, sight, stage, text, now);
    if (also->saw)
        also->saw(also->who, sight, stage, text, now);
}

static void shook(void *who, const struct tls_description *shown, uint64_t now)
{
    struct road *road = who;

    ladder_shook(road->plan.ladder, shown, now);
}

/* ---- the end ---- */

/* Mechanism names live elsewhere than a session: they outlive it. */
static const char *lasting_name(const char *mechanism)
{
    enum sasl_mechanism known;

    return mechanism && sasl_from_name(span_of(mechanism), &known) ? sasl_name(known) : NULL;
}

/* The last thing a function does. */
static void end(struct road *road, const struct evidence *why)
{
    struct evidence told;

    if (!why) {
        road->ended(road->who, NULL);
        return;
    }
    told = *why;
    told.mechanism = lasting_name(told.mechanism);
    told.host = road->plan.target->host;
    road->ended(road->who, &told);
}

static void end_here(struct road *road, enum stage stage, const struct err *err)
{
    const struct evidence evidence = { .stage = stage, .err = *err };

    end(road, &evidence);
}

/* ---- an account's ---- */

/* Patterns stand for many addresses: there is nobody to be asked about. */
static void list_senders(struct road *road)
{
    const struct account *account = road->plan.account;

    road->senders[road->sender_count++] = account->address;
    for (size_t i = 0; i < account->send_as.count && road->sender_count < SENDERS_MAX; i++)
        if (!strchr(account->send_as.at[i], '*') && strcmp(account->send_as.at[i], account->address) != 0)
            road->senders[road->sender_count++] = account->send_as.at[i];
}

static bool name_them(struct road *road, struct err *err)
{
    envelope_free(road->envelope);
    road->envelope = envelope_new();
    return (road->envelope || err_no_memory(err)) &&
           envelope_set_sender(road->envelope, span_of(road->senders[road->next]), err) &&
           envelope_add(road->envelope, span_of(road->plan.account->address), err);
}

static void ask_next_sender(struct road *road)
{
    struct err err = { 0 };

    if (road->next == road->sender_count) {
        end(road, NULL);
        return;
    }
    if (!name_them(road, &err)) {
        end_here(road, STAGE_MAIL, &err);
        return;
    }
    const struct transport_message message = { .envelope = road->envelope, .count = 1, .rehearsal = true,
                                               .last = road->next + 1 == road->sender_count, .outcomes = &road->outcome };
    transport_send(road->transport, &message);
}

static void on_ready(void *who)
{
    struct road *road = who;

    if (strcmp(transport_name(road->transport), "smtp") == 0)
        ask_next_sender(road);
    else /* over HTTPS nothing is asked but the message */
        end(road, NULL);
}

static void on_sent(void *who)
{
    struct road *road = who;

    if (road->outcome.fate != SMTP_FATE_TAKEN) {
        end(road, &road->outcome.evidence);
        return;
    }
    road->next++;
    ask_next_sender(road);
}

static void on_no_way(void *who, const struct evidence *why)
{
    end(who, why);
}

static bool start_account(struct road *road, struct err *err)
{
    static const struct transport_events events = { on_ready, NULL, on_sent, on_no_way };

    road->world = *road->plan.world;
    road->world.observer = (struct session_observer){ saw, road, shook };
    list_senders(road);
    return transport_open(&road->world, road->plan.account, &events, road, &road->transport, err);
}

/* ---- a server's alone ---- */

/* Never: nothing is signed in with. */
static void on_credential(void *who, const char *mechanism)
{
    struct road *road = who;
    struct err err;
    (void)mechanism;

    err_set(&err, ERR_SIGNIN, "nobody signs in here");
    session_no_credential(road->session, &err);
}

static void on_known(void *who)
{
    struct road *road = who;

    session_leave(road->session);
}

static void on_left(void *who)
{
    end(who, NULL);
}

static void on_failed(void *who, const struct evidence *evidence)
{
    end(who, evidence);
}

static bool start_server(struct road *road, struct err *err)
{
    static const struct session_events events = { .credential = on_credential, .ready = on_known, .failed = on_failed,
                                                  .left = on_left };
    const struct transport_world *world = road->plan.world;
    const struct account *trust = road->plan.trust;
    const char *ca_file = world->credentials.ca_file;

    road->session_plan = (struct session_plan){
        .host = road->plan.target->host,
        .port = road->plan.target->port,
        .security = road->plan.target->security,
        .hello = world->hello,
        .probe = true,
        .ca_file = !ca_file && trust ? trust->ca_file : ca_file,
        .tls_pin = trust ? trust->tls_pin : NULL,
        .source_address = trust ? trust->source_address : NULL,
        .proxy = trust ? trust->proxy : NULL,
        .resolver = world->credentials.resolver,
        .detours = world->credentials.detours,
        .connect_timeout_ms = world->connect_timeout_ms,
        .dial_timeout_ms = world->dial_timeout_ms,
        .timeout_ms = world->timeout_ms,
        .observer = { saw, road, shook },
    };
    return session_open(road->loop, &road->session_plan, &events, road, &road->session, err);
}

/* ---- a life ---- */

bool road_start(struct loop *loop, const struct road_plan *plan, road_ended *ended, void *who,
                struct road **ret_road, struct err *err)
{
    OWN(road) road = NEW(road);

    if (!road)
        return err_no_memory(err);
    road->loop = loop;
    road->plan = *plan;
    road->ended = ended;
    road->who = who;
    road->stage = STAGE_CONNECT;
    if (!(plan->account ? start_account(road, err) : start_server(road, err)))
        return false;
    *ret_road = GIVE(road);
    return true;
}

enum stage road_stage(const struct road *road)
{
    return road->stage;
}

void road_free(struct road *road)
{
    if (!road)
        return;
    transport_close(road->transport);
    if (road->session)
        session_finish(road->session);
    envelope_free(road->envelope);
    mem_free(road);
}
