#include "cli/announcing.h"

#include "base/alloc.h"
#include "base/pool.h"
#include "base/str.h"
#include "cli/failure.h"
#include "cli/forecast.h"
#include "net/loop.h"
#include "net/timer.h"
#include "os/clock.h"
#include "os/random.h"
#include "relay/notice.h"
#include "relay/notify_health.h"

#include "base/banned.h"

enum {
    SOON_MS = 2 * 1000,              /* what happens together is told together */
    DAILY_MS = 24 * 60 * 60 * 1000,
    AGAIN_MS = 10 * 60 * 1000,       /* when a way of [notify] failed */
    PATIENCE_MS = 3 * 60 * 1000,
    NOTICES_MAX = 100,
    TEXT_MAX = 8 * 1024,
};

/* What is told of, as two sources (relay/notify.h): sign-ins by the one that `outpost status --health` also tells by,
 * so that whoever is first has told it for both. */
enum source { OF_ACCOUNTS, OF_SIGNINS, SOURCES };
static const char *const source_words[SOURCES] = { "daemon", "health" };

struct announcing {
    struct owner *owner;
    struct log *log;
    const struct notify_settings *settings;
    struct timer *timer;
    struct queue_ask *ask;
    struct notify *notify;
    struct notify_plan plan; /* of it */
    struct notices *messages; /* what people are to know of them */
    struct pool pool; /* of what is told here */
    struct announced {
        struct notice at[NOTICES_MAX];
        size_t count;
    } notices[SOURCES];
    enum source source; /* told of now */
    size_t failures;    /* of ways, in this telling */
    bool again;       /* something happened meanwhile */
};

/* What the queue knows; filled in on its thread. */
struct gathering {
    struct announcing *announcing;
    struct store_accounts accounts;
};

/* ---- texts ---- */

static const char *kept(struct announcing *a, const struct buf *text)
{
    return pool_text(&a->pool, buf_span(text));
}

static const struct cause *cause_of(const struct announcing *a, const char *id)
{
    const struct knowledge *know = cli_knowledge(a->owner->cli, NULL);

    return know && *id ? know_cause(know, id) : NULL;
}

static void add_cause(const struct announcing *a, const char *id, const char *account, struct buf *text)
{
    const struct cause *cause = cause_of(a, id);
    const char *steps[FAILURE_STEPS_MAX];

    if (!cause)
        return;
    buf_addf(text, "\n%s\n%s\n", cause->title, cause->meaning);
    size_t count = failure_steps_of(a->owner->cli, cause, span_of(account), steps);
    for (size_t i = 0; i < count; i++)
        buf_addf(text, "  %zu. %s\n", i + 1, steps[i]);
}

static void add_notice(struct announcing *a, enum source source, struct notice notice)
{
    struct announced *all = &a->notices[source];

    if (all->count < NOTICES_MAX && notice.subject && notice.text)
        all->at[all->count++] = notice;
}

static void add_parked(struct announcing *a, const struct store_account *account)
{
    HELD(buf) subject = BUF(400), text = BUF(TEXT_MAX), name = BUF(STORE_NAME_MAX), because = BUF(STORE_NAME_MAX);

    buf_addf(&subject, "outpost: the account %s can't send", account->name);
    buf_addf(&text, "Its mail waits and does not get old. The server's words: %s\n", account->parked_text);
    add_cause(a, account->parked_because, account->name, &text);
    buf_add(&name, account->name);
    buf_add(&because, account->parked_because);
    add_notice(a, OF_ACCOUNTS,
               (struct notice){ .event = "account-parked", .account = kept(a, &name), .cause = kept(a, &because),
                                .about = kept(a, &because), .subject = kept(a, &subject), .text = kept(a, &text) });
}

static bool is_parked(const struct store_accounts *accounts, const char *name)
{
    for (size_t i = 0; i < accounts->count; i++)
        if (accounts->at[i].parked_since && strcmp(accounts->at[i].name, name) == 0)
            return true;
    return false;
}

/* A sign-in that will end, or has, is known on this machine. Of an account that is parked a person hears anyway. */
static void add_signins(struct announcing *a, const struct store_accounts *accounts)
{
    const struct config *config = cli_config(a->owner->cli, NULL);

    for (size_t i = 0; config && i < config->account_count; i++) {
        const struct account *account = config->accounts[i];
        struct notify_health *health = pool_array(&a->pool, 1, sizeof *health);
        struct health_report report;
        forecast(a->owner->cli, account, &report);
        if (health && !is_parked(accounts, account->name) && notify_health(account, &report, health))
            add_notice(a, OF_SIGNINS, health->notice);
    }
}

/* ---- telling ---- */

static void told(void *who, const struct notice *notice, const char *way, const struct err *err)
{
    struct announcing *a = who;

    a->failures += err != NULL;
    if (err)
        log_event(a->log, LOG_AT_ERROR, "notify", log_text("what", notice->event), log_text("way", way),
                  log_text("why", err->text));
    else
        log_event(a->log, LOG_AT_INFO, "notify", log_text("what", notice->event), log_text("way", way));
}

static void forget(struct announcing *a)
{
    pool_done(&a->pool);
    a->pool = (struct pool){ NULL };
    for (enum source source = 0; source < SOURCES; source++)
        a->notices[source].count = 0;
}

static void tell(struct announcing *a);

static void all_told(void *who)
{
    struct announcing *a = who;
    uint64_t next = a->again ? SOON_MS : a->failures ? AGAIN_MS : DAILY_MS;

    a->notify = NULL;
    if (++a->source < SOURCES) {
        tell(a);
        return;
    }
    forget(a);
    timer_set(a->timer, loop_now(a->owner->world.credentials.secrets.loop) + next);
}

static void tell(struct announcing *a)
{
    const struct transport_world *world = &a->owner->world;
    const struct place *place = cli_place(a->owner->cli, NULL);
    struct loop *loop = world->credentials.secrets.loop;
    struct err err = { 0 };

    a->plan = (struct notify_plan){
        .settings = a->settings,
        .source = source_words[a->source],
        .state = place->state,
        .host = cli_hostname(a->owner->cli),
        .disk = &disk_system,
        .dice = &dice_system,
        .clock = &clock_system,
        .loop = loop,
        .resolver = world->credentials.resolver,
        .detours = world->credentials.detours,
        .ca_file = world->credentials.ca_file,
        .proxy = world->credentials.proxy,
        .deadline = loop_now(loop) + PATIENCE_MS,
        .told = told,
        .done = all_told,
        .who = a,
    };
    if (notify_tell(&a->plan, a->notices[a->source].at, a->notices[a->source].count, &a->notify, &err))
        return;
    log_event(a->log, LOG_AT_ERROR, "notify", log_text("why", err.text));
    forget(a);
    timer_set(a->timer, loop_now(loop) + AGAIN_MS);
}

/* ---- gathering ---- */

static bool run_gather(void *data, struct store *store, uint64_t now, struct err *err)
{
    struct gathering *g = data;

    return store_accounts(store, NULL, now, &g->accounts, err);
}

static void gathered(void *data, const struct err *err)
{
    struct gathering *g = data;
    struct announcing *a = g->announcing;

    a->ask = NULL;
    if (err->kind != ERR_NONE) {
        timer_set(a->timer, loop_now(a->owner->world.credentials.secrets.loop) + AGAIN_MS);
        return;
    }
    for (size_t i = 0; i < g->accounts.count; i++)
        if (g->accounts.at[i].parked_since)
            add_parked(a, &g->accounts.at[i]);
    add_signins(a, &g->accounts);
    a->source = OF_ACCOUNTS;
    a->failures = 0;
    tell(a);
}

static void drop_gathering(void *data)
{
    struct gathering *g = data;

    store_accounts_done(&g->accounts);
    mem_free(g);
}

static void rang(void *who)
{
    struct announcing *a = who;
    struct gathering *g = NEW(gathering);
    const struct queue_job job = { .run = run_gather, .done = gathered, .drop = drop_gathering, .data = g };

    if (!g || a->ask || a->notify) {
        a->again = true;
        mem_free(g);
        return;
    }
    a->again = false;
    g->announcing = a;
    if (queue_ask(a->owner->port, &job, &a->ask, NULL))
        return;
    mem_free(g);
    timer_set(a->timer, loop_now(a->owner->world.credentials.secrets.loop) + AGAIN_MS);
}

/* ---- messages ---- */

static void told_of_message(void *who, uint64_t id, const char *how, const struct err *err)
{
    struct announcing *a = who;

    if (err)
        log_event(a->log, LOG_AT_ERROR, "told", log_number("id", id), log_text("how", how), log_text("why", err->text));
    else
        log_event(a->log, LOG_AT_INFO, "told", log_number("id", id), log_text("how", how));
}

static bool start_notices(struct announcing *a, struct err *err)
{
    const struct notices_plan plan = {
        .queue = a->owner->queue,
        .config = cli_config(a->owner->cli, NULL),
        .know = cli_knowledge(a->owner->cli, NULL),
        .world = &a->owner->world,
        .disk = &disk_system,
        .dice = &dice_system,
        .clock = &clock_system,
        .state = cli_place(a->owner->cli, NULL)->state,
        .host = cli_hostname(a->owner->cli),
        .saw = told_of_message,
        .who = a,
    };

    return notices_start(&plan, &a->messages, err);
}

/* ---- life ---- */

static void look(struct announcing *a)
{
    if (!notify_has_ways(a->settings))
        return;
    a->again = true;
    if (!a->ask && !a->notify)
        timer_set(a->timer, loop_now(a->owner->world.credentials.secrets.loop) + SOON_MS);
}

bool announcing_start(struct owner *owner, struct log *log, struct announcing **ret_announcing, struct err *err)
{
    OWN(announcing) a = NEW(announcing);

    if (!a)
        return err_no_memory(err);
    a->owner = owner;
    a->log = log;
    a->settings = config_section(cli_config(owner->cli, NULL), &notify_part, NULL);
    a->timer = timer_new(owner->world.credentials.secrets.loop, rang, a);
    if (!a->timer)
        return err_no_memory(err);
    if (!start_notices(a, err))
        return false;
    look(a);
    *ret_announcing = GIVE(a);
    return true;
}

void announcing_saw(struct announcing *a, const struct relay_event *event)
{
    if (!a)
        return;
    if (event->reports)
        notices_look(a->messages);
    if (event->kind == RELAY_EVENT_PARKED || event->kind == RELAY_EVENT_UNPARKED)
        look(a);
}

void announcing_free(struct announcing *a)
{
    if (!a)
        return;
    queue_abandon(a->ask);
    notify_cancel(a->notify);
    notices_stop(a->messages);
    timer_free(a->timer);
    forget(a);
    mem_free(a);
}
