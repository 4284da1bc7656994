#include "account/secret_int.h"

#include "base/alloc.h"
#include "base/str.h"
#include "net/child.h"
#include "net/command.h"

#include "base/banned.h"

#define COMMAND "command:"

static bool is_command(const struct account *account)
{
    return account->secret && span_starts(span_of(account->secret), COMMAND);
}

bool secret_source_check(struct span source, struct err *err)
{
    struct command command;

    if (span_is(source, "file"))
        return true;
    if (!span_starts(source, COMMAND))
        return err_found(err, ERR_CONFIG, "config:bad",
                         "file, command:ARGV... or command:| LINE is wanted; this version keeps secrets "
                         "nowhere else");
    if (!command_parse(span_from(source, strlen(COMMAND)), &command, err)) {
        if (err && !err->fact)
            err->fact = "config:bad";
        return false;
    }
    command_done(&command);
    return true;
}

/* Its own source, or the default. */
static bool known_source(const struct account *account, struct err *err)
{
    return !account->secret || secret_source_check(span_of(account->secret), err) ||
           err_in(err, "account %s: secret", account->name);
}

static bool fetch_command(const struct secret_world *world, const struct account *account,
                          uint64_t deadline, secret_fetched *done, void *data,
                          struct secret_fetch **ret_fetch, struct err *err)
{
    struct secret_fetch *fetch = NEW(secret_fetch);

    if (!fetch)
        return err_no_memory(err);
    *fetch = (struct secret_fetch){ .done = done, .data = data };
    if (!secret_command_run(world, span_from(span_of(account->secret), strlen(COMMAND)), deadline, fetch,
                            err)) {
        mem_free(fetch);
        return err_in(err, "account %s", account->name);
    }
    *ret_fetch = fetch;
    return true;
}

bool secret_fetch(const struct secret_world *world, const struct account *account, uint64_t deadline,
                  secret_fetched *done, void *data, struct secret_fetch **ret_fetch, struct err *err)
{
    struct secret *secret = NULL;

    if (!known_source(account, err))
        return false;
    if (is_command(account))
        return fetch_command(world, account, deadline, done, data, ret_fetch, err);
    if (!secret_file_read(world, account->name, &secret, err))
        return err_in(err, "account %s: its secret", account->name);
    *ret_fetch = NULL;
    done(data, secret, NULL);
    return true;
}

void secret_fetch_cancel(struct secret_fetch *fetch)
{
    if (!fetch)
        return;
    child_cancel(fetch->child);
    mem_free(fetch);
}

bool secret_keep(const struct secret_world *world, const struct account *account,
                 const struct secret *secret, struct err *err)
{
    if (!known_source(account, err))
        return false;
    if (is_command(account))
        return err_set(err, ERR_CONFIG, "account %s: its secret comes from a command; change it there",
                       account->name);
    if (secret_bytes(secret).len == 0)
        return err_found(err, ERR_SIGNIN, "auth:empty-password", "account %s: the password is empty",
                         account->name);
    return secret_file_keep(world, account->name, secret, err) ||
           err_in(err, "account %s: keeping its secret", account->name);
}

bool secret_forget(const struct secret_world *world, const struct account *account, struct err *err)
{
    if (is_command(account))
        return true;
    return secret_file_forget(world, account->name, err) ||
           err_in(err, "account %s: removing its secret", account->name);
}
