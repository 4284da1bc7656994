#include "doctor/mechanism_look.h"

#include "base/alloc.h"
#include "net/loop.h"
#include "net/timer.h"

#include "base/banned.h"

struct mechanism_look {
    struct loop *loop;
    struct transport_world world;
    const struct account *account;
    struct mechanism_list list;
    size_t next;
    void (*done)(void *who, const char *works);
    void *who;
    struct timer *timer; /* goes on: never from within a transport's call */
    struct account *copy;
    struct transport *transport;
    bool works;
};

static void take(struct mechanism_list *list, unsigned open, size_t most)
{
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT; i++)
        if ((open & SASL_BIT(i)) && list->count < most && list->count < MECHANISM_LOOK_MAX)
            list->at[list->count++] = (enum sasl_mechanism)i;
}

void mechanism_choose(unsigned offered, unsigned able, unsigned tried, struct mechanism_list *ret_list)
{
    const unsigned shows = SASL_BIT(SASL_PLAIN) | SASL_BIT(SASL_LOGIN);
    unsigned open = offered & able & ~tried;
    size_t most = MECHANISM_TRIES_MAX;

    *ret_list = (struct mechanism_list){ 0 };
    for (unsigned i = 0; i < SASL_MECHANISM_COUNT && most; i++)
        most -= (tried & SASL_BIT(i)) != 0;
    if (!(tried & shows))
        take(ret_list, open & shows, most ? 1 : 0);
    for (size_t i = 0; i < ret_list->count; i++)
        open &= ~SASL_BIT(ret_list->at[i]);
    take(ret_list, open, most);
}

/* ---- one after another ---- */

static void hang_up(struct mechanism_look *look)
{
    transport_close(GIVE(look->transport));
    account_free(GIVE(look->copy));
}

static void on_ready(void *who)
{
    struct mechanism_look *look = who;

    look->works = true;
    timer_set(look->timer, loop_now(look->loop));
}

static void on_sent(void *who)
{
    (void)who; /* nothing is sent */
}

/* A line that breaks, or a lock, ends it: only "wrong" is a reason to go on. */
static void on_failed(void *who, const struct evidence *why)
{
    struct mechanism_look *look = who;

    if (why->stage != STAGE_AUTH || why->err.reply != 535)
        look->next = look->list.count;
    timer_set(look->timer, loop_now(look->loop));
}

static bool try_next(struct mechanism_look *look, struct err *err)
{
    static const struct transport_events events = { on_ready, NULL, on_sent, on_failed };
    const char *name = sasl_name(look->list.at[look->next++]);

    return account_copy(look->account, &look->copy, err) &&
           account_set(look->copy, "mechanisms", span_of(name), err) &&
           transport_open(&look->world, look->copy, &events, look, &look->transport, err);
}

static void rang(void *who)
{
    struct mechanism_look *look = who;

    hang_up(look);
    if (look->works) {
        look->done(look->who, sasl_name(look->list.at[look->next - 1]));
        return;
    }
    if (look->next < look->list.count && try_next(look, NULL))
        return;
    look->done(look->who, NULL);
}

/* ---- a life ---- */

bool mechanism_look_start(struct loop *loop, const struct transport_world *world, const struct account *account,
                          const struct mechanism_list *list, void (*done)(void *who, const char *works), void *who,
                          struct mechanism_look **ret_look, struct err *err)
{
    OWN(mechanism_look) look = NEW(mechanism_look);

    if (!look || !(look->timer = timer_new(loop, rang, look)))
        return err_no_memory(err);
    look->loop = loop;
    look->world = *world;
    look->account = account;
    look->list = *list;
    look->done = done;
    look->who = who;
    if (!list->count)
        return err_set(err, ERR_SIGNIN, "there is nothing else to try");
    if (!try_next(look, err))
        return false;
    *ret_look = GIVE(look);
    return true;
}

void mechanism_look_free(struct mechanism_look *look)
{
    if (!look)
        return;
    hang_up(look);
    timer_free(look->timer);
    mem_free(look);
}
