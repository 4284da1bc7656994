/* Secrets in the desktop's keyring: asked by a program of ours that lives as long as the question. */
#include <limits.h>
#include <stdlib.h>

#include "account/keyring_talk.h"
#include "account/secret_int.h"
#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/child.h"
#include "net/loop.h"
#include "os/module.h"

#include "base/banned.h"

enum { ASKING_MAGIC = 0x72696e67, LABEL_MOST = 400 };

struct asking {
    uint32_t magic;
    struct secret_fetch *fetch;
    struct loop *loop;
    uint64_t deadline;
    bool reads;
    struct child *child;
};

/* ---- the answer ---- */

/* It was killed by its deadline, or by somebody, or died: none of it says that the secret is lost. */
static void no_answer(const struct asking *asking, struct err *err)
{
    if (err->kind == ERR_MEMORY)
        return;
    if (loop_now(asking->loop) >= asking->deadline)
        err_found(err, ERR_LATER, KEYRING_NOT_NOW, "the keyring did not answer in time");
    err->kind = ERR_LATER;
    err->fact = KEYRING_NOT_NOW;
}

static void answered(void *data, struct buf *output, const struct err *why)
{
    struct asking *asking = OBJ(asking, ASKING_MAGIC, data);
    struct secret *secret = NULL;
    struct err err = why ? *why : (struct err){ 0 };
    bool good = output && keyring_answer_read(buf_span(output), asking->reads, &secret, &err);

    if (!output)
        no_answer(asking, &err);
    secret_fetch_over(asking->fetch, secret, good ? NULL : &err);
    OBJ_GONE(asking);
    mem_free(asking);
}

static void cancel(void *under_way)
{
    struct asking *asking = OBJ(asking, ASKING_MAGIC, under_way);

    child_cancel(asking->child);
    OBJ_GONE(asking);
    mem_free(asking);
}

/* ---- the question ---- */

static void add_label(const struct secret_order *order, struct buf *label)
{
    const char *address = order->account->address;

    buf_addf(label, "outpost: %s%s%s%s", address ? address : "", address ? " (" : "", order->name,
             address ? ")" : "");
}

static bool start(const struct secret_order *order, const char *verb, struct asking *asking, struct err *err)
{
    HELD(buf) program = BUF(3 * PATH_MAX), label = BUF(LABEL_MOST);
    char state[PATH_MAX];

    add_label(order, &label);
    if (label.full)
        return err_no_memory(err);
    if (!module_find(KEYRING_PROGRAM, &program))
        return program.full ? err_no_memory(err)
                            : err_found(err, ERR_CONFIG, "secret:unreadable",
                                        "there is no way to keyrings in this installation");
    const char *const argv[] = {
        buf_text(&program),
        verb,
        realpath(order->world->state, state) ? state : order->world->state, /* tells configurations apart */
        order->name,
        buf_text(&label),
        order->world->may_ask ? "ask" : "quiet",
        NULL,
    };
    const struct child_told told = { .input = order->secret ? secret_bytes(order->secret) : (struct span){ 0 } };
    return child_tell(order->world->loop, argv, &told, order->deadline, answered, asking, &asking->child, err);
}

static bool ask(const struct secret_order *order, const char *verb, bool reads, struct secret_fetch *fetch,
                struct err *err)
{
    struct asking *asking;

    if (!order->world->loop)
        return err_set(err, ERR_INTERNAL, "a keyring needs a loop to be waited for");
    if (order->secret && secret_bytes(order->secret).len > KEYRING_SECRET_MAX)
        return err_set(err, ERR_LIMIT, "it is too long for a keyring");
    if (!(asking = NEW(asking)))
        return err_no_memory(err);
    *asking = (struct asking){ ASKING_MAGIC, fetch, order->world->loop, order->deadline, reads, NULL };
    if (!start(order, verb, asking, err)) {
        mem_free(asking);
        return false;
    }
    fetch->cancel = cancel;
    fetch->under_way = asking;
    return true;
}

bool secret_keyring_read(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    return ask(order, "read", true, fetch, err);
}

bool secret_keyring_keep(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    return ask(order, "keep", false, fetch, err);
}

bool secret_keyring_forget(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    return ask(order, "forget", false, fetch, err);
}

void secret_keyring_describe(const struct secret_order *order, struct buf *out)
{
    buf_addf(out, "in the desktop's keyring, as \"%s\"", order->name);
}
