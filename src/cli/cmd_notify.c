/* outpost notify: does [notify] reach anybody? */
#include "base/json.h"
#include "cli/failure.h"
#include "cli/print.h"
#include "cli/telling.h"
#include "cli/world.h"

#include "base/banned.h"

static bool tell_json(const struct telling *telling)
{
    HELD(buf) text = BUF(4096);
    struct json json = json_to(&text);

    json_open(&json, NULL, '{');
    json_number(&json, "told", telling->told);
    json_number(&json, "failed", telling->failed);
    json_text(&json, "error", telling->failed ? telling->err.text : NULL);
    json_close(&json);
    return say_json(&text);
}

/* A number makes it another event each time. */
static bool tell(struct cli *cli, struct telling *ret_telling, struct err *err)
{
    HELD(buf) number = BUF(32);
    uint64_t random;

    if (!random_fill(&dice_system, &random, sizeof random, err))
        return false;
    buf_addf(&number, "%016llx", (unsigned long long)random);
    const struct notice test = {
        .event = "test",
        .about = buf_text(&number),
        .subject = "outpost: a test of [notify]",
        .text = "Whoever reads this will be told when something needs a person:\n"
                "a sign-in that ends, mail that does not go out.\n",
    };

    return telling_run(cli, "test", &test, 1, ret_telling, err);
}

static int run(struct cli *cli)
{
    struct telling telling;
    struct err err = { 0 };

    if (!tell(cli, &telling, &err))
        return fail_here(cli, &err);
    if (!telling.told && !telling.failed) {
        err_found(&err, ERR_CONFIG, "config:bad",
                  "nobody would be told: the configuration has no [notify] with command, webhook or mailbox");
        return fail_here(cli, &err);
    }
    if (cli->json && !tell_json(&telling))
        return err_exit_status(ERR_IO);
    say(cli, "%zu told, %zu failed.", telling.told, telling.failed);
    return telling.failed ? err_exit_status(telling.err.kind) : 0;
}

const struct command command_notify = {
    .name = "notify",
    .takes = "",
    .does = "tell a test by each way of [notify], to see that somebody is reached",
    .run = run,
};
