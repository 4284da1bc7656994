#include "cli/standin.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "base/str.h"
#include "cli/announcing.h"
#include "cli/asking.h"
#include "cli/doors.h"
#include "cli/logging.h"
#include "net/loop.h"
#include "net/timer.h"
#include "os/log_to.h"

#include "base/banned.h"

enum {
    LOOK_MS = 50,
    SETTLED_LOOKS = 2,            /* quiet so long: what was taken is dealt with */
    STAY_LOOKS = 5000 / LOOK_MS,  /* and so long: nobody comes any more */
    FIRST_MS = 30 * 1000,         /* for the one who started it */
    LINE_MOST = 2048,
};

struct standin {
    struct cli *cli;
    struct loop *loop;
    struct owner owner;
    struct doors doors;
    struct announcing *announcing;
    struct log log;
    struct timer *timer;
    struct control_asked *asked;
    uint64_t began;
    uint64_t since; /* the first that was accepted after the last telling */
    unsigned accepted, quiet;
    bool told, ending; /* told: of all that was accepted */
};

/* ---- what it says ---- */

/* To whoever called, as long as somebody listens, and to the log. */
static void say_line(struct standin *s, const struct buf *line)
{
    log_event(&s->log, LOG_AT_WARN, "stays", log_span("what", buf_span(line)));
    printf("outpost: %s\n", buf_text(line));
}

static void stop_talking(void)
{
    int nothing = open("/dev/null", O_WRONLY | O_CLOEXEC);

    fflush(stdout);
    if (nothing >= 0)
        dup2(nothing, STDOUT_FILENO);
    if (nothing > STDERR_FILENO)
        close(nothing);
}

static int cannot(const struct err *why)
{
    printf("%d %s\n", err_exit_status(why->kind), why->text);
    fflush(stdout);
    return err_exit_status(why->kind);
}

/* ---- what stays ---- */

static struct span cause_of(const struct json_value *row)
{
    const struct json_value *recipients = json_member(row, "recipients");

    if (json_text_at(row, "parked_because").at)
        return json_text_at(row, "parked_because");
    for (size_t i = 0; i < json_count(recipients); i++)
        if (json_text_at(json_element(recipients, i), "cause").at)
            return json_text_at(json_element(recipients, i), "cause");
    return SPAN_NONE;
}

static void take_row(void *who, struct span text)
{
    struct standin *s = who;
    OWN(json_tree) tree = NULL;
    HELD(buf) line = BUF(LINE_MOST);
    uint64_t id;

    if (!json_read(text, CONTROL_LINE_MAX, &tree, NULL) || !json_number_at(json_root(tree), "id", &id) || id < s->since)
        return; /* what waited before was told of then */
    struct span cause = cause_of(json_root(tree));
    buf_addf(&line, "message %llu queued; nothing will retry it until: outpost service enable%s%.*s%s",
             (unsigned long long)id, cause.len ? " (" : "", SPAN_ARG(cause), cause.len ? ")" : "");
    say_line(s, &line);
}

static void all_told(void *who)
{
    struct standin *s = who;

    s->asked = NULL;
    stop_talking();
}

static void tell_what_stays(struct standin *s)
{
    static const struct control_events events = { .line = take_row, .done = all_told };
    static const struct span question = SPAN_INIT("{\"verb\":\"queue list\",\"states\":[\"queued\",\"deferred\",\"parked\"]}");
    const struct control_caller caller = { .may_all = true, .submitter = "owner" };
    struct err err = { 0 };

    s->told = true;
    if (!s->asked && !control_ask(&s->owner.control, &caller, question, &events, s, &s->asked, &err))
        stop_talking();
}

/* ---- what happens ---- */

static void saw(void *who, const struct relay_event *event)
{
    struct standin *s = who;

    logging_relay(&s->log, s->owner.queue, event);
    announcing_saw(s->announcing, event);
    if (event->kind != RELAY_EVENT_FAILED && event->kind != RELAY_EVENT_UNKNOWN)
        return;
    HELD(buf) line = BUF(LINE_MOST);
    const struct err *why = event->evidence ? &event->evidence->err : NULL;
    buf_addf(&line, "message %llu to ", (unsigned long long)event->id);
    str_printable(&line, span_of(event->recipient), 300);
    buf_addf(&line, ": %s%s%s%s%s", event->kind == RELAY_EVENT_UNKNOWN ? "it may have been delivered, or not: " : "",
             !why ? "" : why->said[0] ? why->said : why->text, event->cause ? " (" : "", event->cause ? event->cause : "",
             event->cause ? ")" : "");
    say_line(s, &line);
}

static void handed_in(void *who, uint32_t uid, const char *account, uint64_t id, const struct err *why)
{
    struct standin *s = who;

    if (why) {
        log_event(&s->log, LOG_AT_WARN, "refused", log_number("uid", uid), log_text("why", why->text));
        return;
    }
    log_event(&s->log, LOG_AT_INFO, "accepted", log_number("id", id), log_number("uid", uid),
              log_text("account", account));
    s->accepted++;
    if (s->told || !s->since)
        s->since = id;
    s->told = false;
}

static void over(void *who)
{
    struct standin *s = who;

    loop_stop(s->loop);
}

/* Nobody comes in any more: who knocks now finds nobody, and starts the next one. */
static void leave(struct standin *s)
{
    if (s->ending)
        return;
    s->ending = true;
    local_door_free(GIVE(s->doors.submit)); /* questions are answered to the end */
    relay_drain(s->owner.relay, over, s);
}

static void look(void *who)
{
    struct standin *s = who;
    uint64_t now = loop_now(s->loop);

    if (s->ending)
        return;
    bool busy = relay_is_busy(s->owner.relay) || doors_are_busy(&s->doors) || s->asked;
    s->quiet = busy ? 0 : s->quiet + 1;
    if (s->quiet >= SETTLED_LOOKS && s->accepted && !s->told)
        tell_what_stays(s);
    if (s->quiet >= STAY_LOOKS && (s->accepted || now - s->began >= FIRST_MS))
        leave(s);
    else
        timer_set(s->timer, now + LOOK_MS);
}

static void signalled(void *who, int number)
{
    (void)number;
    leave(who);
}

/* ---- a life ---- */

static bool begin(struct standin *s, struct err *err)
{
    bool taken = false;

    if (!owner_take(s->cli, &s->owner, &taken, err))
        return false;
    if (!taken)
        return err_found(err, ERR_LATER, "daemon:unreachable", "another outpost owns %s and does not answer",
                         cli_place(s->cli, NULL)->state);
    s->loop = cli_network(s->cli, NULL)->loop;
    s->timer = timer_new(s->loop, look, s);
    if (!s->timer)
        return err_no_memory(err);
    s->owner.control.role = "stand-in";
    return owner_deliver(&s->owner, saw, s, err) && doors_open(&s->owner, handed_in, s, &s->doors, err) &&
           announcing_start(&s->owner, &s->log, &s->announcing, err) &&
           loop_on_signals(s->loop, signalled, s, err);
}

int standin_run(struct cli *cli)
{
    struct standin s = { .cli = cli, .owner = { .lock = LOCK_NONE }, .log = logging_begin(cli) };
    struct err err = { 0 };
    int status = 0;

    log_to_syslog(&s.log);
    if (begin(&s, &err)) {
        printf("0 ready\n");
        fflush(stdout);
        s.began = loop_now(s.loop);
        timer_set(s.timer, s.began + LOOK_MS);
        loop_run(s.loop);
    } else {
        status = cannot(&err);
    }
    control_abandon(s.asked);
    announcing_free(s.announcing);
    doors_close(&s.doors);
    timer_free(s.timer);
    if (lock_held(&s.owner.lock))
        owner_done(&s.owner);
    return status;
}

/* ---- somebody else's ---- */

struct owner_role {
    bool is_daemon, stands_in;
    uint64_t pid;
};

static void take_role(void *who, const struct json_value *status, struct span text)
{
    const struct json_value *daemon = json_member(status, "daemon");
    struct owner_role *role = who;

    (void)text;
    role->is_daemon = span_is(json_text_at(daemon, "role"), "daemon");
    role->stands_in = span_is(json_text_at(daemon, "role"), "stand-in") && json_number_at(daemon, "pid", &role->pid);
}

bool standin_leaves(struct cli *cli)
{
    static const struct asking_events events = { .line = take_role };
    struct owner_role role = { 0 };
    struct err err = { 0 };
    bool there;

    if (asking_process(cli, SPAN("{\"verb\":\"status\"}"), &events, &role, &there, &err) && role.stands_in)
        kill((pid_t)role.pid, SIGTERM);
    return !role.is_daemon;
}
