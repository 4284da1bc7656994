#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop_int.h"
#include "net/resolve_int.h"

#include "base/banned.h"

enum { LOOKUP_MAGIC = 0x6c6f6f6b, STACK = 512 * 1024 };

/* getaddrinfo() can't be stopped, and with a dead name server takes its time. So it has a thread of its
 * own and not one of libuv's workers, for which the end of the program would wait. Whoever comes
 * last, the thread or the loop, frees this. */
struct errand {
    pthread_mutex_t lock; /* for all that follows */
    struct lookup *lookup; /* NULL: nobody waits any more */
    bool finished;
    int status;
    struct addrinfo *list;
    char name[]; /* written before the thread begins */
};

struct lookup {
    uint32_t magic;
    uv_async_t finished;
    struct resolve *resolve;
    struct errand *errand;
};

static void errand_free(struct errand *errand)
{
    if (errand->list)
        freeaddrinfo(errand->list);
    pthread_mutex_destroy(&errand->lock);
    mem_free(errand);
}

/* ---- on the thread ---- */

static void *run(void *data)
{
    static const struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME };
    struct errand *errand = data;
    struct addrinfo *list = NULL;
    int status = getaddrinfo(errand->name, NULL, &hints, &list);

    pthread_mutex_lock(&errand->lock);
    errand->status = status;
    errand->list = list;
    errand->finished = true;
    bool awaited = errand->lookup;
    if (awaited)
        uv_async_send(&errand->lookup->finished);
    pthread_mutex_unlock(&errand->lock);
    if (!awaited)
        errand_free(errand);
    return NULL;
}

/* Signals are the loop's to hear: the thread is born with all of them blocked. */
static int start(struct errand *errand)
{
    pthread_t thread;
    pthread_attr_t how;
    sigset_t all, before;

    sigfillset(&all);
    pthread_attr_init(&how);
    pthread_attr_setdetachstate(&how, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&how, STACK);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int bad = pthread_create(&thread, &how, run, errand);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&how);
    return bad;
}

/* ---- on the loop ---- */

static void on_closed(uv_handle_t *handle)
{
    struct lookup *lookup = OBJ(lookup, LOOKUP_MAGIC, handle->data);

    OBJ_GONE(lookup);
    mem_free(lookup);
}

void lookup_forget(struct lookup *lookup)
{
    if (!lookup)
        return;
    pthread_mutex_lock(&lookup->errand->lock);
    bool finished = lookup->errand->finished;
    lookup->errand->lookup = NULL;
    pthread_mutex_unlock(&lookup->errand->lock);
    if (finished)
        errand_free(lookup->errand);
    uv_close((uv_handle_t *)&lookup->finished, on_closed);
}

static void tell_failure(struct resolve *resolve, const char *name, int status)
{
    struct err *err = resolve_err(resolve);

    if (status == 0 || status == EAI_NONAME || status == EAI_NODATA)
        err_found(err, ERR_NAME, "name:not-found", "%s was not found", name);
    else if (status == EAI_MEMORY)
        err_no_memory(err);
    else
        err_found(err, ERR_NETWORK, "name:failure", "looking up %s: %s", name, gai_strerror(status));
}

static void on_finished(uv_async_t *async)
{
    struct lookup *lookup = OBJ(lookup, LOOKUP_MAGIC, async->data);
    struct resolve *resolve = lookup->resolve;
    struct errand *errand = lookup->errand;
    struct resolve_addresses *found = &resolve_answer(resolve)->addresses;

    pthread_mutex_lock(&errand->lock);
    for (const struct addrinfo *one = errand->list; one; one = one->ai_next)
        resolve_add_address(found, one->ai_addr);
    if (errand->list && errand->list->ai_canonname)
        resolve_add_canonical(found, errand->name, errand->list->ai_canonname);
    if (!found->count)
        tell_failure(resolve, errand->name, errand->status);
    pthread_mutex_unlock(&errand->lock);
    resolve_answered(resolve, found->count > 0);
    lookup_forget(lookup);
}

struct lookup *lookup_ask(struct loop *loop, struct resolve *resolve, const char *name, struct err *err)
{
    size_t len = strlen(name);
    struct lookup *lookup = NEW(lookup);
    struct errand *errand = mem_new(sizeof *errand + len + 1);

    if (!lookup || !errand) {
        mem_free(lookup);
        mem_free(errand);
        err_no_memory(err);
        return NULL;
    }
    memcpy(errand->name, name, len + 1);
    pthread_mutex_init(&errand->lock, NULL);
    errand->lookup = lookup;
    *lookup = (struct lookup){ .magic = LOOKUP_MAGIC, .resolve = resolve, .errand = errand };
    int bad = uv_async_init(loop_uv(loop), &lookup->finished, on_finished);
    if (bad) {
        mem_free(lookup);
        errand_free(errand);
        err_sys(err, ERR_INTERNAL, loop_errno(bad), "looking up %s", name);
        return NULL;
    }
    lookup->finished.data = lookup;
    bad = start(errand);
    if (bad) {
        errand->finished = true;
        lookup_forget(lookup);
        err_sys(err, ERR_INTERNAL, bad, "a thread to look up %s", name);
        return NULL;
    }
    return lookup;
}
