/* Secrets in the desktop's keyring: on a worker thread, with a deadline. */
#include <limits.h>
#include <stdlib.h>

#include "account/keyring_face.h"
#include "account/secret_int.h"
#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/timer.h"
#include "net/work.h"
#include "os/module.h"

#include "base/banned.h"

enum { ASKING_MAGIC = 0x72696e67, LABEL_MOST = 400 };

enum wish { READ, KEEP, FORGET };

/* One question to the keyring. It outlives whoever gave up waiting, until the thread has let go of it. */
struct asking {
    uint32_t magic;
    const struct keyring_face *face;
    struct keyring_stop *stop;
    struct keyring_item item; /* its texts are ours */
    enum wish wish;
    struct secret_fetch *fetch; /* NULL: nobody waits any more */
    struct timer *timer;
    struct work *work;
    bool ok;
    struct err err;
    size_t len;
    char bytes[SECRET_MAX];
};

static void asking_free(struct asking *asking)
{
    if (!asking)
        return;
    timer_free(asking->timer);
    if (asking->stop)
        asking->face->stop_free(asking->stop);
    mem_free((void *)(uintptr_t)asking->item.state);
    mem_free((void *)(uintptr_t)asking->item.name);
    mem_free((void *)(uintptr_t)asking->item.label);
    str_wipe(asking->bytes, sizeof asking->bytes);
    OBJ_GONE(asking);
    mem_free(asking);
}
OWNED(asking);

/* ---- on the thread ---- */

static void run(void *data)
{
    struct asking *asking = OBJ(asking, ASKING_MAGIC, data);
    const struct keyring_face *face = asking->face;

    switch (asking->wish) {
    case READ:
        asking->ok = face->read(&asking->item, asking->stop, asking->bytes, sizeof asking->bytes,
                                &asking->len, &asking->err);
        break;
    case KEEP:
        asking->ok = face->keep(&asking->item, asking->stop, (struct span){ asking->bytes, asking->len },
                                &asking->err);
        break;
    case FORGET:
        asking->ok = face->forget(&asking->item, asking->stop, &asking->err);
        break;
    }
}

/* ---- on the loop ---- */

/* Whoever waits is told, and the timer rings no more. */
static void tell(struct asking *asking, struct secret *secret, const struct err *err)
{
    timer_set(asking->timer, UINT64_MAX);
    secret_fetch_over(GIVE(asking->fetch), secret, err);
}

static void answered(void *data)
{
    struct asking *asking = OBJ(asking, ASKING_MAGIC, data);
    struct secret *secret = NULL;

    if (asking->ok && asking->wish == READ) {
        secret = secret_new((struct span){ asking->bytes, asking->len });
        asking->ok = secret || err_no_memory(&asking->err);
    }
    tell(asking, secret, asking->ok ? NULL : &asking->err);
}

static void dropped(void *data)
{
    asking_free(OBJ(asking, ASKING_MAGIC, data));
}

static void give_up(struct asking *asking)
{
    asking->face->stop(asking->stop);
    work_abandon(GIVE(asking->work));
}

static void too_late(void *data)
{
    struct asking *asking = OBJ(asking, ASKING_MAGIC, data);
    struct err err;

    err_found(&err, ERR_LATER, "secret:locked", "the keyring did not answer in time");
    give_up(asking);
    tell(asking, NULL, &err);
}

static void cancel(void *under_way)
{
    struct asking *asking = OBJ(asking, ASKING_MAGIC, under_way);

    asking->fetch = NULL;
    timer_set(asking->timer, UINT64_MAX);
    give_up(asking);
}

/* ---- its beginning ---- */

/* The same account may be in two configurations: the state directory tells them apart. */
static char *place_of(const char *state)
{
    char path[PATH_MAX];

    return str_copy(realpath(state, path) ? path : state);
}

static char *label_of(const struct secret_order *order)
{
    const char *address = order->account->address;
    HELD(buf) label = BUF(LABEL_MOST);

    buf_addf(&label, "outpost: %s%s%s%s", address ? address : "", address ? " (" : "", order->name,
             address ? ")" : "");
    return buf_give(&label);
}

static bool load(const struct keyring_face **ret_face, struct err *err)
{
    const void *face;

    if (module_load(KEYRING_MODULE, KEYRING_SYMBOL, &face, err)) {
        *ret_face = face;
        return true;
    }
    if (err) {
        err->kind = ERR_CONFIG;
        err->fact = "secret:unreadable";
    }
    return err_in(err, "there is no way to keyrings in this installation");
}

static bool asking_new(const struct secret_order *order, enum wish wish, struct asking **ret_asking,
                       struct err *err)
{
    OWN(asking) asking = NEW(asking);

    if (!asking)
        return err_no_memory(err);
    asking->magic = ASKING_MAGIC;
    asking->wish = wish;
    if (!load(&asking->face, err))
        return false;
    asking->stop = asking->face->stop_new();
    asking->item = (struct keyring_item){
        .state = place_of(order->world->state),
        .name = str_copy(order->name),
        .label = label_of(order),
        .may_ask = order->world->may_ask,
    };
    asking->timer = timer_new(order->world->loop, too_late, asking);
    if (!asking->stop || !asking->item.state || !asking->item.name || !asking->item.label || !asking->timer)
        return err_no_memory(err);
    if (wish == KEEP) {
        struct span bytes = secret_bytes(order->secret);
        memcpy(asking->bytes, bytes.at, bytes.len);
        asking->len = bytes.len;
    }
    *ret_asking = GIVE(asking);
    return true;
}

static bool ask(const struct secret_order *order, enum wish wish, struct secret_fetch *fetch,
                struct err *err)
{
    struct asking *asking = NULL;

    if (!order->world->loop)
        return err_set(err, ERR_INTERNAL, "a keyring needs a loop to be waited for");
    if (!asking_new(order, wish, &asking, err))
        return false;
    const struct work_plan plan = { run, answered, dropped, asking };
    if (!work_start(order->world->loop, &plan, &asking->work, err)) {
        asking_free(asking);
        return false;
    }
    timer_set(asking->timer, order->deadline);
    asking->fetch = fetch;
    fetch->cancel = cancel;
    fetch->under_way = asking;
    return true;
}

bool secret_keyring_read(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    return ask(order, READ, fetch, err);
}

bool secret_keyring_keep(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    return ask(order, KEEP, fetch, err);
}

bool secret_keyring_forget(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    return ask(order, FORGET, fetch, err);
}

void secret_keyring_describe(const struct secret_order *order, struct buf *out)
{
    buf_addf(out, "in the desktop's keyring, as \"%s\"", order->name);
}
