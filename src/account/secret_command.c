/* Secrets that another program hands over on its standard output. */
#include "account/secret_int.h"
#include "base/alloc.h"
#include "base/str.h"
#include "net/child.h"
#include "net/command.h"

#include "base/banned.h"

static void ended(void *data, struct buf *output, const struct err *err)
{
    struct err why = err ? *err : (struct err){ 0 };
    struct secret *secret = NULL;

    if (output) {
        secret_drop_line_end(output);
        if (output->len == 0)
            err_found(&why, ERR_SIGNIN, "auth:empty-password", "it printed nothing");
        else if (!(secret = secret_take(output)))
            err_no_memory(&why);
    }
    if (!secret) {
        /* What it complained of may hold what it should have kept to itself. */
        str_wipe(why.said, sizeof why.said);
        if (!why.fact)
            why.fact = "secret:unreadable";
        err_in(&why, "the command");
    }
    secret_fetch_over(data, secret, secret ? NULL : &why);
}

static void cancel(void *under_way)
{
    child_cancel(under_way);
}

bool secret_command_read(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    struct child *child;

    if (!order->world->loop)
        return err_set(err, ERR_INTERNAL, "a command needs a loop to run on");
    if (!child_run_command(order->world->loop, order->rest, order->deadline, ended, fetch, &child, err)) {
        if (err && !err->fact)
            err->fact = "secret:unreadable";
        return err_in(err, "the command");
    }
    fetch->cancel = cancel;
    fetch->under_way = child;
    return true;
}

bool secret_command_check(struct span rest, struct err *err)
{
    struct command command;
    bool good = command_parse(rest, &command, err);

    if (good)
        command_done(&command);
    return good;
}

/* Its words may be nobody's business; account show has the setting itself. */
void secret_command_describe(const struct secret_order *order, struct buf *out)
{
    (void)order;
    buf_add(out, "printed by a command, each time it is needed");
}
