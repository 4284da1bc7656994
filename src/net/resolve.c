#include "net/resolve.h"

#include "base/alloc.h"
#include "base/obj.h"
#include "base/str.h"
#include "net/resolve_int.h"
#include "net/timer.h"

#include "base/banned.h"

enum { RESOLVE_MAGIC = 0x7265736f };

struct resolver {
    struct loop *loop;
    struct dns *dns;         /* made with the first question that needs it */
    char *server;            /* NULL: the system's */
    uint64_t seed;
    struct resolve *first;   /* all that is under way */
};

struct resolve {
    uint32_t magic;
    struct resolver *resolver;
    struct resolve *next, **link; /* in resolver->first */
    enum resolve_kind kind;
    union {
        resolve_addresses_done *addresses;
        resolve_srv_done *srv;
        resolve_mx_done *mx;
        resolve_text_done *text;
    } done;
    void *data;
    struct timer *timer;        /* the deadline; once answered, the next turn */
    struct lookup *lookup;      /* who is asked: one of these, or none when it is answered */
    struct dns_question *question;
    bool answered, ok;
    bool system_first;          /* although a server was named */
    char name[HOST_NAME_MAX_LEN + 2];
    struct err err;
    union resolve_answer answer;
};

/* ---- the resolver ---- */

bool resolver_new(struct loop *loop, const struct resolver_plan *plan,
                  struct resolver **ret_resolver, struct err *err)
{
    OWN(resolver) resolver = NEW(resolver);

    if (!resolver)
        return err_no_memory(err);
    resolver->loop = loop;
    resolver->seed = plan->seed;
    if (plan->server) {
        resolver->server = str_copy(plan->server);
        if (!resolver->server)
            return err_no_memory(err);
        if (!dns_new(loop, resolver->server, &resolver->dns, err))
            return false;
    }
    *ret_resolver = GIVE(resolver);
    return true;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    while (resolver->first)
        resolve_cancel(resolver->first);
    dns_free(resolver->dns);
    mem_free(resolver->server);
    mem_free(resolver);
}

/* ---- a question's life ---- */

void resolve_cancel(struct resolve *resolve)
{
    if (!resolve)
        return;
    *resolve->link = resolve->next;
    if (resolve->next)
        resolve->next->link = resolve->link;
    timer_free(resolve->timer);
    lookup_forget(resolve->lookup);
    dns_forget(resolve->question);
    OBJ_GONE(resolve);
    mem_free(resolve);
}

/* The question is copied out first: whoever is told may free the resolver. */
static void tell(struct resolve *resolve)
{
    bool ok = resolve->ok;
    const union resolve_answer *answer = &resolve->answer;
    const struct err *err = ok ? NULL : &resolve->err;

    switch (resolve->kind) {
    case RESOLVE_ADDRESSES:
        resolve->done.addresses(resolve->data, ok ? &answer->addresses : NULL, err);
        break;
    case RESOLVE_SRV:
        resolve->done.srv(resolve->data, ok ? &answer->srvs : NULL, err);
        break;
    case RESOLVE_MX:
        resolve->done.mx(resolve->data, ok ? &answer->mxs : NULL, err);
        break;
    case RESOLVE_TEXT:
        resolve->done.text(resolve->data, ok ? &answer->texts : NULL, err);
        break;
    }
}

/* The answer is there, or the deadline has passed. The question leaves the list before anybody is told,
 * so that resolver_free() from there does not meet it. */
static void rang(void *who)
{
    struct resolve *resolve = OBJ(resolve, RESOLVE_MAGIC, who);

    if (!resolve->answered)
        err_found(&resolve->err, ERR_NETWORK, "name:failure",
                  "no answer about %s came in time", resolve->name);
    *resolve->link = resolve->next;
    if (resolve->next)
        resolve->next->link = resolve->link;
    resolve->next = NULL;
    resolve->link = &resolve->next;
    tell(resolve);
    resolve_cancel(resolve);
}

union resolve_answer *resolve_answer(struct resolve *resolve)
{
    return &resolve->answer;
}

struct err *resolve_err(struct resolve *resolve)
{
    return &resolve->err;
}

static bool ask_dns(struct resolve *resolve, struct err *err);

void resolve_answered(struct resolve *resolve, bool ok)
{
    bool ask_on = !ok && resolve->lookup && resolve->resolver->server;

    resolve->question = NULL;
    resolve->lookup = NULL;
    if (ask_on && ask_dns(resolve, &resolve->err))
        return;
    resolve->answered = true;
    resolve->ok = ok;
    if (ok && resolve->kind == RESOLVE_SRV)
        resolve_srv_order(&resolve->answer.srvs, resolve->resolver->seed++);
    timer_set(resolve->timer, loop_now(resolve->resolver->loop));
}

bool resolve_take_name(const char *from, char into[static HOST_NAME_MAX_LEN + 1])
{
    struct span name = span_of(from);

    if (!host_is_name(name))
        return false;
    if (name.at[name.len - 1] == '.')
        name.len--;
    for (size_t i = 0; i < name.len; i++)
        into[i] = str_lower(name.at[i]);
    into[name.len] = '\0';
    return true;
}

void resolve_add_canonical(struct resolve_addresses *addresses, const char *asked, const char *canonical)
{
    char name[HOST_NAME_MAX_LEN + 1] = "", other[HOST_NAME_MAX_LEN + 1] = "";

    if (resolve_take_name(asked, name) && resolve_take_name(canonical, other) && strcmp(name, other) != 0)
        memcpy(addresses->canonical, other, sizeof other);
}

void resolve_add_address(struct resolve_addresses *addresses, const struct sockaddr *address)
{
    struct ip ip;

    if (!ip_from_sockaddr(address, &ip) || addresses->count == RESOLVE_ADDRESSES_MAX)
        return;
    for (size_t i = 0; i < addresses->count; i++)
        if (ip_equal(addresses->at[i], ip))
            return;
    addresses->at[addresses->count++] = ip;
}

/* ---- asking ---- */

static bool ask_dns(struct resolve *resolve, struct err *err)
{
    struct resolver *resolver = resolve->resolver;

    if (!resolver->dns && !dns_new(resolver->loop, NULL, &resolver->dns, err))
        return false;
    struct dns_question *question = dns_ask(resolver->dns, resolve, resolve->kind, resolve->name);
    if (!question)
        return err_no_memory(err);
    if (!resolve->answered)
        resolve->question = question;
    return true;
}

static bool is_localhost(struct span name)
{
    if (name.len && name.at[name.len - 1] == '.')
        name.len--;
    return span_is_word(name, "localhost") || span_ends_word(name, ".localhost");
}

static void answer_localhost(struct resolve *resolve)
{
    resolve->answer.addresses = (struct resolve_addresses){
        .count = 2,
        .at = { { .family = 6, .bytes = { [15] = 1 } }, { .family = 4, .bytes = { 127, 0, 0, 1 } } },
    };
    resolve_answered(resolve, true);
}

static bool ask(struct resolve *resolve, struct err *err)
{
    struct resolver *resolver = resolve->resolver;
    struct ip ip;

    if (resolve->kind != RESOLVE_ADDRESSES)
        return ask_dns(resolve, err);
    if (ip_parse(span_of(resolve->name), &ip)) {
        resolve->answer.addresses = (struct resolve_addresses){ .count = 1, .at[0] = ip };
        resolve_answered(resolve, true);
        return true;
    }
    if (resolver->server && is_localhost(span_of(resolve->name))) {
        answer_localhost(resolve);
        return true;
    }
    if (resolver->server && !resolve->system_first)
        return ask_dns(resolve, err);
    resolve->lookup = lookup_ask(resolver->loop, resolve, resolve->name, err);
    return resolve->lookup;
}

/* A question of some kind, its `done` and `data` still to be filled in; nothing comes before that. */
static struct resolve *begin(struct resolver *resolver, enum resolve_kind kind, bool system_first,
                             struct span name, uint64_t deadline, struct err *err)
{
    struct resolve *resolve = NEW(resolve);

    if (!resolve) {
        err_no_memory(err);
        return NULL;
    }
    resolve->magic = RESOLVE_MAGIC;
    resolve->resolver = resolver;
    resolve->kind = kind;
    resolve->system_first = system_first;
    memcpy(resolve->name, name.at, name.len);
    resolve->next = resolver->first;
    resolve->link = &resolver->first;
    if (resolver->first)
        resolver->first->link = &resolve->next;
    resolver->first = resolve;

    resolve->timer = timer_new(resolver->loop, rang, resolve);
    if (!resolve->timer)
        err_no_memory(err);
    else
        timer_set(resolve->timer, deadline);
    if (!resolve->timer || !ask(resolve, err)) {
        resolve_cancel(resolve);
        return NULL;
    }
    return resolve;
}

static struct resolve *begin_record(struct resolver *resolver, enum resolve_kind kind,
                                    struct span name, uint64_t deadline, struct err *err)
{
    if (!host_is_name(name)) {
        err_found(err, ERR_CONFIG, "name:malformed", "not a domain name");
        return NULL;
    }
    return begin(resolver, kind, false, name, deadline, err);
}

static bool asked(struct resolve *resolve, struct resolve **ret_resolve)
{
    if (resolve && ret_resolve)
        *ret_resolve = resolve;
    return resolve;
}

static bool begin_addresses(struct resolver *resolver, bool system_first, struct span host,
                            uint64_t deadline, resolve_addresses_done *done, void *data,
                            struct resolve **ret_resolve, struct err *err)
{
    if (!host_check(host, err))
        return false;
    struct resolve *resolve = begin(resolver, RESOLVE_ADDRESSES, system_first, host, deadline, err);
    if (resolve) {
        resolve->done.addresses = done;
        resolve->data = data;
    }
    return asked(resolve, ret_resolve);
}

bool resolve_addresses(struct resolver *resolver, struct span host, uint64_t deadline,
                       resolve_addresses_done *done, void *data, struct resolve **ret_resolve,
                       struct err *err)
{
    return begin_addresses(resolver, false, host, deadline, done, data, ret_resolve, err);
}

bool resolve_local_addresses(struct resolver *resolver, struct span host, uint64_t deadline,
                             resolve_addresses_done *done, void *data, struct resolve **ret_resolve,
                             struct err *err)
{
    return begin_addresses(resolver, true, host, deadline, done, data, ret_resolve, err);
}

bool resolve_srv(struct resolver *resolver, struct span name, uint64_t deadline,
                 resolve_srv_done *done, void *data, struct resolve **ret_resolve, struct err *err)
{
    struct resolve *resolve = begin_record(resolver, RESOLVE_SRV, name, deadline, err);

    if (resolve) {
        resolve->done.srv = done;
        resolve->data = data;
    }
    return asked(resolve, ret_resolve);
}

bool resolve_mx(struct resolver *resolver, struct span name, uint64_t deadline,
                resolve_mx_done *done, void *data, struct resolve **ret_resolve, struct err *err)
{
    struct resolve *resolve = begin_record(resolver, RESOLVE_MX, name, deadline, err);

    if (resolve) {
        resolve->done.mx = done;
        resolve->data = data;
    }
    return asked(resolve, ret_resolve);
}

bool resolve_text(struct resolver *resolver, struct span name, uint64_t deadline,
                  resolve_text_done *done, void *data, struct resolve **ret_resolve,
                  struct err *err)
{
    struct resolve *resolve = begin_record(resolver, RESOLVE_TEXT, name, deadline, err);

    if (resolve) {
        resolve->done.text = done;
        resolve->data = data;
    }
    return asked(resolve, ret_resolve);
}
