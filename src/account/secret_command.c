/* Secrets that another program hands over on its standard output. */
#include "account/secret_int.h"
#include "base/alloc.h"
#include "base/str.h"
#include "net/child.h"

#include "base/banned.h"

/* The line end that programs put behind their answer, once. */
static void drop_line_end(struct buf *output)
{
    struct span text = buf_span(output);

    if (text.len && text.at[text.len - 1] == '\n')
        buf_cut(output, text.len - 1);
    text = buf_span(output);
    if (text.len && text.at[text.len - 1] == '\r')
        buf_cut(output, text.len - 1);
}

static void ended(void *data, struct buf *output, const struct err *err)
{
    const struct secret_fetch fetch = *(struct secret_fetch *)data;
    struct err why = err ? *err : (struct err){ 0 };
    struct secret *secret = NULL;

    mem_free(data);
    if (output) {
        drop_line_end(output);
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
        err_in(&why, "the command of `secret`");
    }
    fetch.done(fetch.data, secret, secret ? NULL : &why);
}

bool secret_command_run(const struct secret_world *world, struct span command, uint64_t deadline,
                        struct secret_fetch *fetch, struct err *err)
{
    if (!world->loop)
        return err_set(err, ERR_INTERNAL, "a command needs a loop to run on");
    if (child_run_command(world->loop, command, deadline, ended, fetch, &fetch->child, err))
        return true;
    if (err && !err->fact)
        err->fact = "secret:unreadable";
    return err_in(err, "the command of `secret`");
}
