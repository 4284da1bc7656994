#include "account/secret_int.h"
#include "account/pending.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/str.h"

#include "base/banned.h"

static const struct backend {
    const char *word;                                  /* of the source; with ':' more follows */
    bool (*check)(struct span rest, struct err *err);  /* of what follows */
    secret_act *read, *keep, *forget;                  /* the last two NULL: it is not ours to write */
    const char *keeper;                                /* who changes it instead */
    secret_tell *describe;
} backends[] = {
    { .word = "file", .read = secret_file_read, .keep = secret_file_keep, .forget = secret_file_forget,
      .describe = secret_file_describe },
    { .word = "keyring", .read = secret_keyring_read, .keep = secret_keyring_keep,
      .forget = secret_keyring_forget, .describe = secret_keyring_describe },
    { .word = "systemd:", .check = secret_systemd_check, .read = secret_systemd_read,
      .keeper = "systemd", .describe = secret_systemd_describe },
    { .word = "command:", .check = secret_command_check, .read = secret_command_read,
      .keeper = "a command", .describe = secret_command_describe },
};

static const struct backend *backend_of(struct span source)
{
    for (size_t i = 0; i < COUNT(backends); i++)
        if (backends[i].check ? span_starts(source, backends[i].word) : span_is(source, backends[i].word))
            return &backends[i];
    return NULL;
}

bool secret_source_check(struct span source, struct err *err)
{
    const struct backend *backend = backend_of(source);

    if (!backend)
        return err_found(err, ERR_CONFIG, "config:bad",
                         "file, keyring, systemd:NAME, command:ARGV... or command:| LINE is wanted");
    if (!backend->check || backend->check(span_from(source, strlen(backend->word)), err))
        return true;
    if (err && !err->fact)
        err->fact = "config:bad";
    return false;
}

void secret_drop_line_end(struct buf *bytes)
{
    static const char ends[] = { '\n', '\r' };

    for (size_t i = 0; i < sizeof ends; i++)
        if (bytes->len && bytes->at[bytes->len - 1] == ends[i])
            buf_cut(bytes, bytes->len - 1);
}

/* ---- an account's ---- */

static const struct {
    const char *key, *suffix;
    size_t offset;
    const char *words;
} kinds[SECRET_KINDS] = {
    [SECRET_SIGN_IN] = { "secret", "", offsetof(struct account, secret), "its secret" },
    [SECRET_OF_CLIENT] = { "client_secret", ":client_secret", offsetof(struct account, client_secret),
                           "its client secret" },
    [SECRET_CERTIFICATE] = { "certificate", ":certificate", offsetof(struct account, certificate),
                             "its certificate" },
};

const char *secret_key(enum secret_which which)
{
    return kinds[which].key;
}

const char *secret_source(const struct account *account, enum secret_which which)
{
    const char *source = *(char *const *)(const void *)((const char *)account + kinds[which].offset);

    return source || which != SECRET_SIGN_IN ? source : "file";
}

bool secret_is_ours(const struct account *account, enum secret_which which)
{
    const struct backend *backend = backend_of(span_of(secret_source(account, which)));

    return backend && backend->keep;
}

/* The backend, and what it is asked of; false where this account has no such secret. */
static bool order_of(const struct secret_world *world, const struct account *account,
                     enum secret_which which, struct buf *name, struct secret_order *ret_order,
                     const struct backend **ret_backend, struct err *err)
{
    struct span source = span_of(secret_source(account, which));

    if (!source.at)
        return err_set(err, ERR_CONFIG, "account %s: it says no %s", account->name, kinds[which].key);
    if (!secret_source_check(source, err))
        return err_in(err, "account %s: %s", account->name, kinds[which].key);
    *ret_backend = backend_of(source);
    buf_addf(name, "%s%s", account->name, kinds[which].suffix);
    if (name->full)
        return err_no_memory(err);
    *ret_order = (struct secret_order){
        .world = world,
        .account = account,
        .name = buf_text(name),
        .rest = span_from(source, strlen((*ret_backend)->word)),
    };
    return true;
}

void secret_describe(const struct secret_world *world, const struct account *account,
                     enum secret_which which, struct buf *out)
{
    HELD(buf) name = BUF(SECRET_NAME_MAX);
    struct secret_order order;
    const struct backend *backend;

    if (order_of(world, account, which, &name, &order, &backend, NULL))
        backend->describe(&order, out);
}

/* ---- what is under way ---- */

void secret_fetch_over(struct secret_fetch *fetch, struct secret *secret, const struct err *err)
{
    const struct secret_fetch who = *fetch;
    struct err why = { 0 };

    if (err) {
        why = *err;
        err_in(&why, "%s", who.doing);
        err = &why;
    }
    if (fetch->begun)
        mem_free(fetch);
    else
        fetch->over = true;
    if (who.fetched)
        who.fetched(who.data, secret, err);
    else
        who.told(who.data, err);
}

void secret_fetch_cancel(struct secret_fetch *fetch)
{
    if (!fetch)
        return;
    fetch->cancel(fetch->under_way);
    mem_free(fetch);
}

/* Hands the order to a backend, and to the caller what is not over then. */
static bool begin(secret_act *act, const struct secret_order *order, const struct secret_fetch *who,
                  struct secret_fetch **ret_fetch, struct err *err)
{
    struct secret_fetch *fetch = NEW(secret_fetch);

    if (!fetch)
        return err_no_memory(err);
    *fetch = *who;
    if (!act(order, fetch, err)) {
        mem_free(fetch);
        return err_in(err, "%s", who->doing);
    }
    *ret_fetch = NULL;
    fetch->begun = true;
    if (fetch->over)
        mem_free(fetch);
    else
        *ret_fetch = fetch;
    return true;
}

/* A secret that waits for this account goes before the one that is kept. In a file of ours it is put in its
 * place at once: waiting longer would serve nobody. */
static bool read_waiting(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    const struct backend *backend = backend_of(span_of(secret_source(order->account, SECRET_SIGN_IN)));
    struct secret *secret = NULL;

    if (!pending_read(order->world, order->account, &secret, err))
        return false;
    if (!secret)
        return backend->read(order, fetch, err);
    if (backend->keep == secret_file_keep)
        secret_file_settle(order, secret);
    secret_fetch_over(fetch, secret, NULL);
    return true;
}

/* It needs no place, and so no state directory. */
static bool read_in_hand(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    struct secret *secret = secret_new(secret_bytes(order->world->in_hand.secret));

    if (!secret)
        return err_no_memory(err);
    secret_fetch_over(fetch, secret, NULL);
    return true;
}

static bool is_in_hand(const struct secret_world *world, const struct account *account, enum secret_which which)
{
    return which == SECRET_SIGN_IN && world->in_hand.account && strcmp(world->in_hand.account, account->name) == 0;
}

bool secret_source_read(const struct secret_world *world, const struct account *account,
                        enum secret_which which, uint64_t deadline, secret_fetched *done, void *data,
                        struct secret_fetch **ret_fetch, struct err *err)
{
    HELD(buf) name = BUF(SECRET_NAME_MAX);
    struct secret_fetch who = { .fetched = done, .data = data };
    struct secret_order order;
    const struct backend *backend;

    if (!order_of(world, account, which, &name, &order, &backend, err))
        return false;
    order.deadline = deadline;
    snprintf(who.doing, sizeof who.doing, "account %s: %s", account->name, kinds[which].words);
    bool may_wait = which == SECRET_SIGN_IN && backend->keep;
    if (is_in_hand(world, account, which))
        return begin(read_in_hand, &order, &who, ret_fetch, err);
    return begin(may_wait ? read_waiting : backend->read, &order, &who, ret_fetch, err);
}

bool secret_fetch(const struct secret_world *world, const struct account *account, uint64_t deadline,
                  secret_fetched *done, void *data, struct secret_fetch **ret_fetch, struct err *err)
{
    return secret_source_read(world, account, SECRET_SIGN_IN, deadline, done, data, ret_fetch, err);
}

bool secret_keep(const struct secret_world *world, const struct account *account, enum secret_which which,
                 const struct secret *secret, uint64_t deadline, secret_told *done, void *data,
                 struct secret_fetch **ret_fetch, struct err *err)
{
    HELD(buf) name = BUF(SECRET_NAME_MAX);
    struct secret_fetch who = { .told = done, .data = data };
    struct secret_order order;
    const struct backend *backend;

    if (!order_of(world, account, which, &name, &order, &backend, err))
        return false;
    if (!backend->keep)
        return err_set(err, ERR_CONFIG, "account %s: %s comes from %s; change it there", account->name,
                       kinds[which].words, backend->keeper);
    if (secret_bytes(secret).len == 0)
        return err_found(err, ERR_SIGNIN, "auth:empty-password", "account %s: %s is empty", account->name,
                         kinds[which].words);
    order.deadline = deadline;
    order.secret = secret;
    snprintf(who.doing, sizeof who.doing, "account %s: keeping %s", account->name, kinds[which].words);
    return begin(backend->keep, &order, &who, ret_fetch, err);
}

bool secret_forget(const struct secret_world *world, const struct account *account, enum secret_which which,
                   uint64_t deadline, secret_told *done, void *data, struct secret_fetch **ret_fetch,
                   struct err *err)
{
    HELD(buf) name = BUF(SECRET_NAME_MAX);
    struct secret_fetch who = { .told = done, .data = data };
    struct secret_order order;
    const struct backend *backend;

    if (!secret_is_ours(account, which)) {
        *ret_fetch = NULL;
        done(data, NULL);
        return true;
    }
    if (!order_of(world, account, which, &name, &order, &backend, err))
        return false;
    order.deadline = deadline;
    snprintf(who.doing, sizeof who.doing, "account %s: removing %s", account->name, kinds[which].words);
    return begin(backend->forget, &order, &who, ret_fetch, err);
}
