/* outpost status: the whole of it on one screen. */
#include <stdio.h>

#include "cli/asking.h"
#include "cli/card.h"
#include "cli/checking.h"
#include "cli/failure.h"
#include "cli/message.h"
#include "cli/print.h"
#include "cli/world.h"

#include "base/banned.h"

static void tell_account(struct cli *cli, const struct json_value *account)
{
    struct span health = json_text_at(account, "health"), because = json_text_at(account, "because");
    const struct knowledge *know = because.at ? cli_knowledge(cli, NULL) : NULL;
    const struct cause *cause = know ? know_cause(know, because.at) : NULL;
    uint64_t waiting = 0, sent = 0, limit = 0;
    HELD(buf) line = BUF(4096), until = BUF(60);

    buf_addf(&line, "  %-14.*s %-8.*s", SPAN_ARG(json_text_at(account, "name")), SPAN_ARG(health));
    if (json_number_at(account, "waiting", &waiting) && waiting)
        buf_addf(&line, " %llu waiting", (unsigned long long)waiting);
    if (json_number_at(account, "limit_today", &limit) && limit && json_number_at(account, "sent_today", &sent))
        buf_addf(&line, " %llu of %llu %.*s today", (unsigned long long)sent, (unsigned long long)limit,
                 SPAN_ARG(json_text_at(account, "counts")));
    say(cli, "%s", buf_text(&line));
    if (!because.at)
        return;
    message_time(json_text_at(account, "until"), &until);
    say(cli, "      %s (%.*s)%s%s", cause ? cause->title : "", SPAN_ARG(because), until.len ? "; tried again at " : "",
        buf_text(&until));
}

static void tell_queue(struct cli *cli, const struct json_value *queue)
{
    static const char *const states[] = { "queued", "sending", "deferred", "unknown", "held", "parked" };
    HELD(buf) line = BUF(1000), oldest = BUF(60);
    uint64_t count;

    for (size_t i = 0; i < COUNT(states); i++)
        if (json_number_at(queue, states[i], &count) && count)
            buf_addf(&line, "%s%llu %s", line.len ? ", " : "", (unsigned long long)count, states[i]);
    message_time(json_text_at(queue, "oldest"), &oldest);
    say(cli, "Queue     %s%s%s", line.len ? buf_text(&line) : "empty", oldest.len ? "; the oldest of " : "",
        buf_text(&oldest));
}

static void tell_weaknesses(struct cli *cli, const struct json_value *weak)
{
    for (size_t i = 0; i < json_count(weak); i++)
        for (unsigned bit = 1; bit <= LISTEN_OPEN_TO_ALL; bit <<= 1)
            if (span_is(json_as_text(json_element(weak, i)), listen_weakness_word((enum listen_weakness)bit)))
                say(cli, "      weak: %s", card_weakness((enum listen_weakness)bit));
}

static void tell_listener(struct cli *cli, const struct json_value *listener)
{
    struct span why = json_text_at(listener, "why");
    uint64_t sessions = 0, refusals = 0;
    bool open = false;
    HELD(buf) line = BUF(4096);

    buf_addf(&line, "  %-14.*s %.*s, %.*s", SPAN_ARG(json_text_at(listener, "name")),
             SPAN_ARG(json_text_at(listener, "address")), SPAN_ARG(json_text_at(listener, "security")));
    if (!json_bool_at(listener, "open", &open) || !open)
        buf_add(&line, ": not open");
    if (why.at)
        buf_addf(&line, ": %.*s; it is tried again every few seconds", SPAN_ARG(why));
    if (json_number_at(listener, "sessions", &sessions) && sessions)
        buf_addf(&line, ", %llu connected", (unsigned long long)sessions);
    if (json_number_at(listener, "refusals", &refusals) && refusals)
        buf_addf(&line, "; what was refused: outpost listen show %.*s", SPAN_ARG(json_text_at(listener, "name")));
    say(cli, "%s", buf_text(&line));
    tell_weaknesses(cli, json_member(listener, "weak"));
}

static void tell(void *who, const struct json_value *status, struct span text)
{
    struct cli *cli = who;
    const struct json_value *daemon = json_member(status, "daemon"), *accounts = json_member(status, "accounts");
    const struct json_value *listeners = json_member(status, "listeners");
    HELD(buf) started = BUF(60);
    uint64_t pid = 0;

    if (cli->json) {
        printf("%.*s\n", SPAN_ARG(text));
        return;
    }
    message_time(json_text_at(daemon, "started"), &started);
    bool runs = json_text_at(daemon, "role").at && span_is(json_text_at(daemon, "role"), "daemon") &&
                json_number_at(daemon, "pid", &pid);
    if (runs)
        say(cli, "Daemon    runs since %s (process %llu)", buf_text(&started), (unsigned long long)pid);
    else
        say(cli, "Daemon    does not run: %s", cli_daemon_command(cli));
    tell_queue(cli, json_member(status, "queue"));
    if (json_count(accounts))
        say(cli, "Accounts");
    for (size_t i = 0; i < json_count(accounts); i++)
        tell_account(cli, json_element(accounts, i));
    if (json_count(listeners))
        say(cli, "Listeners");
    for (size_t i = 0; i < json_count(listeners); i++)
        tell_listener(cli, json_element(listeners, i));
}

static int run(struct cli *cli)
{
    static const struct asking_events events = { .line = tell };
    uint64_t matched, sending;
    struct err err = { 0 };

    if (arguments_has(&cli->args, "health"))
        return checking_health(cli);
    if (arguments_has(&cli->args, "warn-age") || arguments_has(&cli->args, "critical-age")) {
        err_set(&err, ERR_USAGE, "--warn-age and --critical-age say something of --health alone");
        return fail_here(cli, &err);
    }
    if (!asking(cli, SPAN("{\"verb\":\"status\"}"), &events, cli, &matched, &sending, &err))
        return fail_here(cli, &err);
    return 0;
}

static const struct option options[] = {
    { 0, "health", OPTION_FLAG, NULL, "one line for monitors: exit 0 where all is well, 1 a warning, 2 critical" },
    { 0, "warn-age", OPTION_VALUE, "DURATION", "with --health: how long the oldest message may wait (1h)" },
    { 0, "critical-age", OPTION_VALUE, "DURATION", "with --health: and when it is critical (1d)" },
};

const struct command command_status = {
    .name = "status",
    .takes = "",
    .does = "show the daemon, the queue, the accounts and the listeners",
    .more = "--health looks at the daemon, how long mail waits, the disk, and until when sign-ins last. Where no daemon\n"
            "does so, it also tells a person by [notify] of a sign-in that ends; once, however often it is run.",
    .options = options,
    .option_count = COUNT(options),
    .run = run,
};
