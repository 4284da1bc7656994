#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>

#include "base/alloc.h"
#include "base/obj.h"
#include "net/loop_int.h"
#include "net/resolve_int.h"
#include "net/timer.h"

#include "base/banned.h"

enum {
    LOOKUP_MAGIC = 0x6c6f6f6b,
    STACK = 512 * 1024,
    IPV4_ALONE_MS = 2000, /* the system waits some ten seconds for IPv6's half of an answer, however long it has IPv4's */
};

/* What the system is asked for: all it knows; and where that takes too long, IPv4 alone, for there are name servers that
 * never answer about IPv6 (RFC 4074, 4.1). The first that has an address wins. */
enum half { ALL, IPV4_ALONE, HALVES };

/* getaddrinfo() can't be stopped, and with a dead name server takes its time. So it has a thread of its
 * own and not one of libuv's workers, for which the end of the program would wait. Whoever comes
 * last, the thread or the loop, frees this. */
struct errand {
    pthread_mutex_t lock; /* for all that follows */
    struct lookup *lookup; /* NULL: nobody waits any more */
    bool finished;
    int status;
    struct addrinfo *list;
    int family;
    char name[]; /* written before the thread begins */
};

struct lookup {
    uint32_t magic;
    uv_async_t finished;
    struct timer *timer; /* for IPv4 alone */
    struct resolve *resolve;
    struct errand *errands[HALVES]; /* NULL: not asked */
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
    struct errand *errand = data;
    const struct addrinfo hints = { .ai_family = errand->family, .ai_socktype = SOCK_STREAM, .ai_flags = AI_CANONNAME };
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

static void errand_forget(struct errand *errand)
{
    if (!errand)
        return;
    pthread_mutex_lock(&errand->lock);
    bool finished = errand->finished;
    errand->lookup = NULL;
    pthread_mutex_unlock(&errand->lock);
    if (finished)
        errand_free(errand);
}

void lookup_forget(struct lookup *lookup)
{
    if (!lookup)
        return;
    for (size_t i = 0; i < HALVES; i++)
        errand_forget(lookup->errands[i]);
    timer_free(lookup->timer);
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

/* What one of them has brought, once it is over. */
static bool has_come(struct errand *errand, struct resolve_addresses *found)
{
    pthread_mutex_lock(&errand->lock);
    bool finished = errand->finished;
    for (const struct addrinfo *one = errand->list; finished && one; one = one->ai_next)
        resolve_add_address(found, one->ai_addr);
    if (finished && errand->list && errand->list->ai_canonname)
        resolve_add_canonical(found, errand->name, errand->list->ai_canonname);
    pthread_mutex_unlock(&errand->lock);
    return finished;
}

static void on_finished(uv_async_t *async)
{
    struct lookup *lookup = OBJ(lookup, LOOKUP_MAGIC, async->data);
    struct resolve *resolve = lookup->resolve;
    struct resolve_addresses *found = &resolve_answer(resolve)->addresses;
    bool all_over = true;

    for (size_t i = 0; i < HALVES && !found->count; i++)
        all_over &= !lookup->errands[i] || has_come(lookup->errands[i], found);
    if (!found->count && !all_over)
        return;
    if (!found->count)
        tell_failure(resolve, lookup->errands[ALL]->name, lookup->errands[ALL]->status);
    resolve_answered(resolve, found->count > 0);
    lookup_forget(lookup);
}

/* ---- asking ---- */

static struct errand *errand_new(struct lookup *lookup, const char *name, int family)
{
    size_t len = strlen(name);
    struct errand *errand = mem_new(sizeof *errand + len + 1);

    if (!errand)
        return NULL;
    memcpy(errand->name, name, len + 1);
    errand->family = family;
    pthread_mutex_init(&errand->lock, NULL);
    errand->lookup = lookup;
    return errand;
}

/* The whole is still out. Without memory or a thread it is waited for. */
static void ask_for_ipv4(void *who)
{
    struct lookup *lookup = OBJ(lookup, LOOKUP_MAGIC, who);
    struct errand *errand = errand_new(lookup, lookup->errands[ALL]->name, AF_INET);

    if (errand && start(errand) == 0)
        lookup->errands[IPV4_ALONE] = errand;
    else if (errand)
        errand_free(errand);
}

/* Its handle is the loop's from here on; whatever goes wrong, lookup_forget() ends it. */
static struct lookup *lookup_new(struct loop *loop, struct resolve *resolve, struct err *err)
{
    struct lookup *lookup = NEW(lookup);

    if (!lookup) {
        err_no_memory(err);
        return NULL;
    }
    *lookup = (struct lookup){ .magic = LOOKUP_MAGIC, .resolve = resolve };
    int bad = uv_async_init(loop_uv(loop), &lookup->finished, on_finished);
    if (bad) {
        mem_free(lookup);
        err_sys(err, ERR_INTERNAL, loop_errno(bad), "looking up a name");
        return NULL;
    }
    lookup->finished.data = lookup;
    return lookup;
}

struct lookup *lookup_ask(struct loop *loop, struct resolve *resolve, const char *name, struct err *err)
{
    struct lookup *lookup = lookup_new(loop, resolve, err);

    if (!lookup)
        return NULL;
    lookup->timer = timer_new(loop, ask_for_ipv4, lookup);
    struct errand *errand = lookup->timer ? errand_new(lookup, name, AF_UNSPEC) : NULL;
    int bad = errand ? start(errand) : 0;
    if (!errand || bad) {
        if (errand)
            errand_free(errand);
        lookup_forget(lookup);
        if (bad)
            err_set(err, bad == EAGAIN ? ERR_MEMORY : ERR_INTERNAL, "a thread to look up %s can't be had: %s", name, strerror(bad));
        else
            err_no_memory(err);
        return NULL;
    }
    lookup->errands[ALL] = errand;
    timer_set(lookup->timer, loop_now(loop) + IPV4_ALONE_MS);
    return lookup;
}
