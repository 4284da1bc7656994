#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "know/embedded.h"
#include "know/knowledge.h"
#include "net/loop.h"
#include "queue/store_int.h"
#include "relay/relay.h"
#include "relay/settings.h"
#include "relay/turn.h"
#include "support/world.h"

/* ---- transports, in place of relay/transport.c: they answer what the test says ---- */

struct transport {
    const struct account *account;
    struct transport_events events;
    void *who;
    const struct transport_message *message;
    bool opening;
    struct transport *next;
};

static struct {
    struct transport *all;
    size_t opened, open, most_open;
    char order[400];  /* the bodies' first letters, as they were sent, with their accounts' */
    size_t sent;
    bool takes_wishes; /* DSN */
    const char *lenient; /* an account whose provider takes everything; NULL: none */
    size_t transactions; /* that the server makes of a message; 0: one */
    /* What a recipient's address begins with decides. */
    const char *fail_open; /* an account that can't be opened; NULL: none */
    enum stage fail_stage;
    struct err fail_err;
} ways;

static struct store *store; /* looked at from within transport_send() */
static struct queue *queue;
static struct loop *loop;

bool transport_open(const struct transport_world *world, const struct account *account,
                    const struct transport_events *events, void *who, struct transport **ret_transport,
                    struct err *err)
{
    struct transport *t = NEW(transport);

    (void)world;
    if (!t)
        return err_no_memory(err);
    *t = (struct transport){ account, *events, who, NULL, true, ways.all };
    ways.all = t;
    ways.opened++;
    if (++ways.open > ways.most_open)
        ways.most_open = ways.open;
    *ret_transport = t;
    return true;
}

void transport_close(struct transport *transport)
{
    struct transport **at = &ways.all;

    if (!transport)
        return;
    while (*at != transport)
        at = &(*at)->next;
    *at = transport->next;
    ways.open--;
    mem_free(transport);
}

const char *transport_name(const struct transport *transport)
{
    (void)transport;
    return "smtp";
}

static void note_order(const struct transport *t)
{
    const struct transport_message *m = t->message;
    HELD(buf) whole = BUF(1024 * 1024);
    char piece[1000];
    size_t len = 0;

    do {
        assert_true(m->body.read(m->body.of, whole.len, piece, sizeof piece, &len, NULL));
        buf_add_span(&whole, (struct span){ piece, len });
    } while (len);
    assert_false(whole.full);
    snprintf(ways.order + strlen(ways.order), sizeof ways.order - strlen(ways.order), "%c%zu:%s ",
             whole.len ? buf_text(&whole)[0] : '-', m->count, t->account->name);
}

void transport_send(struct transport *transport, const struct transport_message *message)
{
    transport->message = message;
    ways.sent++;
    note_order(transport);
}

static void answer(struct transport *t)
{
    static const struct {
        const char *begins;
        enum smtp_fate fate;
        uint16_t reply, enhanced[3];
        enum stage stage;
        const char *said;
    } answers[] = {
        { "no", SMTP_FATE_REFUSED, 550, { 5, 1, 1 }, STAGE_RCPT, "no such user" },
        { "grey", SMTP_FATE_LATER, 450, { 4, 2, 0 }, STAGE_RCPT, "greylisted, try again later" },
        { "lost", SMTP_FATE_UNKNOWN, 0, { 0 }, STAGE_END, "" },
        { "quota", SMTP_FATE_REFUSED, 550, { 5, 4, 5 }, STAGE_MAIL, "Daily user sending limit exceeded." },
        { "spam", SMTP_FATE_REFUSED, 554, { 5, 7, 1 }, STAGE_END, "content rejected as spam" },
        { "", SMTP_FATE_TAKEN, 250, { 2, 0, 0 }, STAGE_END, "kept" },
    };
    const struct transport_message *m = t->message;

    for (size_t i = 0; i < m->count; i++) {
        const char *address = m->envelope->recipients[m->first + i].address;
        size_t a = 0;
        if (ways.lenient && strcmp(ways.lenient, t->account->name) == 0)
            address = "";
        while (strncmp(address, answers[a].begins, strlen(answers[a].begins)) != 0)
            a++;
        struct evidence evidence = { .stage = answers[a].stage, .provider = "gmail" };
        evidence.err.kind = answers[a].fate == SMTP_FATE_TAKEN ? ERR_NONE : ERR_REPLY;
        evidence.err.reply = answers[a].reply;
        memcpy(evidence.err.enhanced, answers[a].enhanced, sizeof evidence.err.enhanced);
        err_said(&evidence.err, span_of(answers[a].said));
        evidence.err.kind = answers[a].fate == SMTP_FATE_TAKEN ? ERR_NONE : ERR_REPLY;
        m->outcomes[i] = (struct transport_outcome){ answers[a].fate, evidence, ways.takes_wishes };
    }
    *m->transactions += ways.transactions ? ways.transactions : 1;
    t->message = NULL;
    t->events.sent(t->who);
}

/* One thing happens on one of the ways; false: nothing is to happen. */
static bool ways_turn(void)
{
    for (struct transport *t = ways.all; t; t = t->next) {
        if (t->opening && ways.fail_open && strcmp(ways.fail_open, t->account->name) == 0) {
            const struct evidence why = { .stage = ways.fail_stage, .err = ways.fail_err, .provider = "gmail" };
            t->events.failed(t->who, &why);
            return true;
        }
        if (t->opening) {
            t->opening = false;
            t->events.ready(t->who);
            return true;
        }
        if (t->message) {
            answer(t);
            return true;
        }
    }
    return false;
}

/* What orders and their recipients wish; 0 between tests. */
static struct store_order wishes;
static unsigned notify;

/* ---- a store whose commits fail when they are told to ---- */

static struct {
    struct store_type type;
    const struct store_type *real;
    unsigned fails; /* so many commits, from the next on */
} disk;

static bool frail_commit(struct store *of, struct err *err)
{
    if (!disk.fails)
        return disk.real->commit(of, err);
    disk.fails--;
    disk.real->abort(of);
    return err_found(err, ERR_IO, "disk:full", "the disk is full");
}

static void make_frail(void)
{
    disk.real = store->type;
    disk.type = *store->type;
    disk.type.commit = frail_commit;
    disk.fails = 0;
    store->type = &disk.type;
}

/* ---- a machine: a queue in line, a relay, a configuration ---- */

static struct world world;
static struct relay *relay;
static struct config config;
static struct account *accounts[2];
static struct transport_world transport_world;
static struct queue_port *port;
static char told[4000];

static void saw(void *who, const struct relay_event *event)
{
    (void)who;
    snprintf(told + strlen(told), sizeof told - strlen(told), "%s %s %s;", relay_event_word(event->kind),
             event->recipient ? event->recipient : event->account, event->cause ? event->cause : "-");
}

static void add_account(const char *name)
{
    struct account *account = NULL;
    HELD(buf) address = BUF(100);

    assert_true(account_new(span_of(name), &account, NULL));
    buf_addf(&address, "me@%s.example", name);
    account->address = buf_give(&address);
    account->limits.connections = 2;
    accounts[config.account_count++] = account;
    config.accounts = accounts;
}

static const struct knowledge *known(void)
{
    static struct knowledge *know;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    if (!know)
        assert_true(know_new(texts, count, &know, NULL));
    return know;
}

/* ---- who looks around, in place of cli/looking.c: says so when the test wants it ---- */

struct looking {
    void (*looked)(void *of, const struct evidence *evidence);
    void *of;
    const char *found[2];
    struct evidence evidence;
};

static struct {
    struct looking is;
    size_t begun, open;
    bool has_eyes; /* somebody looks */
} looker;

static struct looking *look(void *who, const struct account *account, const struct evidence *why,
                            void (*looked)(void *of, const struct evidence *evidence), void *of)
{
    (void)who, (void)account;
    looker.is = (struct looking){ looked, of, { "others:unreachable" }, *why };
    looker.begun++;
    looker.open++;
    return &looker.is;
}

static void look_no_more(struct looking *looking)
{
    assert_ptr_equal(looking, &looker.is);
    looker.open--;
}

static void begin(void)
{
    const struct queue_options options = { .clock = &world.clock, .in_line = true, .unknown_ms = 60000,
                                           .keep_history_ms = 86400000 };
    struct store_opened opened = { 0 };
    struct err err = { 0 };

    world_init(&world);
    memset(&ways, 0, sizeof ways);
    memset(&looker, 0, sizeof looker);
    memset(told, 0, sizeof told);
    wishes = (struct store_order){ 0 };
    notify = 0;
    memset(&config, 0, sizeof config);
    add_account("live");
    add_account("backup");
    assert_true(loop_new(&loop, &err));
    assert_true(store_memory_open(&store, &err));
    make_frail();
    assert_true(queue_open(store, &opened, &options, &queue, &err));
    assert_true(queue_port_new(queue, NULL, NULL, NULL, &port, &err));
    transport_world.credentials.secrets.loop = loop;
}

static void start(void)
{
    const struct relay_plan plan = {
        .looker = { looker.has_eyes ? look : NULL, look_no_more, NULL },
        .queue = queue, .config = &config, .know = known(), .world = &transport_world, .disk = &world.disk,
        .dice = &world.dice, .directory = "/tmp", .policy = ATTEMPT_USUAL, .in_line = true, .saw = saw,
    };
    struct err err = { 0 };

    assert_true(relay_start(&plan, &relay, &err));
}

static void end(void)
{
    relay_free(relay);
    relay = NULL;
    assert_int_equal(ways.open, 0);
    queue_port_free(port);
    queue_free(queue);
    loop_free(loop);
    account_free(accounts[0]);
    account_free(accounts[1]);
}

/* Until nothing happens any more, with the clock standing still but for the loop's. */
static void settle(void)
{
    bool busy;

    do {
        busy = queue_turn(queue);
        busy |= ways_turn();
        loop_turn(loop);
    } while (busy);
}

struct accepting {
    struct envelope *envelope;
    const char *account, *text;
    struct store_body body;
    size_t pieces;
    uint64_t id;
    bool done;
};

static bool run_accept(void *data, struct store *in, uint64_t now, struct err *err)
{
    struct accepting *a = data;
    struct store_order order = wishes;
    struct store_accepted accepted;

    order.account = a->account;
    order.submitter = "me";
    order.envelope = a->envelope;
    order.last = span_of(a->text);
    order.body = a->pieces ? &a->body : NULL;

    for (size_t i = 0; i < a->pieces; i++)
        if (!store_body_add(in, &a->body, span_of(a->text), now, err))
            return false;
    if (!store_accept(in, &order, now, &accepted, err))
        return false;
    a->id = accepted.id;
    return true;
}

static void accepted(void *data, const struct err *err)
{
    assert_int_equal(err->kind, ERR_NONE);
    ((struct accepting *)data)->done = true;
}

static void dropped(void *data)
{
    envelope_free(((struct accepting *)data)->envelope);
}

static uint64_t accept_pieces(const char *account, const char *text, size_t pieces, const char *const *to)
{
    struct accepting a = { .envelope = envelope_new(), .account = account, .text = text, .pieces = pieces };
    const struct queue_job job = { .run = run_accept, .done = accepted, .drop = dropped, .data = &a };
    struct err err = { 0 };

    for (; *to; to++)
        assert_true(envelope_add_dsn(a.envelope, span_of(*to), notify, SPAN_NONE, &err));
    assert_true(queue_ask(port, &job, NULL, &err));
    while (!a.done)
        assert_true(queue_turn(queue));
    return a.id;
}

#define accept_for(account, text, ...) \
    accept_pieces(account, text, 0, (const char *const[]){ __VA_ARGS__, NULL })

static struct store_row_recipient recipient_of(uint64_t id, uint32_t number)
{
    struct store_story story = { 0 };
    struct err err = { 0 };
    struct store_row_recipient recipient;

    assert_true(store_begin(store, &err) && store_job_begin(store, &err));
    assert_true(store_show(store, id, 0, 100, queue_now(queue), &story, &err));
    recipient = story.rows.at[0].recipients[number];
    store_story_done(&story);
    assert_true(store_job_end(store, true, &err) && store_commit(store, &err));
    return recipient; /* but for its texts */
}

static enum store_state state_of(uint64_t id, uint32_t number)
{
    return recipient_of(id, number).state;
}

static unsigned wanted_of(uint64_t id, uint32_t number)
{
    return recipient_of(id, number).wanted;
}

/* ---- the tests ---- */

static void test_delivers(void **state)
{
    (void)state;
    begin();
    uint64_t before = accept_for("live", "a", "x@example.org");
    start();
    settle();
    assert_int_equal(state_of(before, 0), STORE_DELIVERED); /* it stood there before us */
    uint64_t id = accept_for("live", "b", "x@example.org", "y@example.org");
    settle();
    assert_int_equal(state_of(id, 1), STORE_DELIVERED);
    assert_string_equal(ways.order, "a1:live b2:live ");
    assert_int_equal(ways.opened, 1); /* the second found the line warm */
    assert_string_equal(told, "delivered x@example.org -;delivered x@example.org -;delivered y@example.org -;");
    end();
}

static void test_each_recipient_has_its_outcome(void **state)
{
    (void)state;
    begin();
    start();
    uint64_t id = accept_for("live", "a", "x@example.org", "no@example.org", "grey@example.org");
    settle();
    assert_int_equal(state_of(id, 0), STORE_DELIVERED);
    assert_int_equal(state_of(id, 1), STORE_FAILED);
    assert_int_equal(state_of(id, 2), STORE_DEFERRED);
    end();
}

static void nothing(void *who, uint64_t id)
{
    (void)who, (void)id;
}

/* Of a failure that is just told to whoever handed it in, nobody makes a report; of a part of it somebody does. */
static void test_who_waits_tells_of_a_failure(void **state)
{
    static const struct {
        const char *label, *to;
        bool answers;
        unsigned wanted;
    } rows[] = {
        { "nobody waits", "no@example.org", false, REPORT_FAILURE },
        { "somebody does", "no@example.org", true, 0 },
        { "and one was delivered", "x@example.org", true, REPORT_FAILURE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct queue_follow *follow;
        struct err err = { 0 };
        begin();
        uint64_t id = accept_for("live", "a", "no@example.org", rows[i].to);
        assert_true(queue_follow(port, id, nothing, NULL, &follow, &err));
        if (rows[i].answers)
            queue_follow_answers(follow);
        start();
        settle();
        check_row(rows[i].label, wanted_of(id, 0) == rows[i].wanted);
        queue_unfollow(follow);
        end();
    }
}

/* What is due and was looked for in vain is looked for again. */
static void pass_time(uint64_t ms)
{
    world.now += ms;
    relay_wake(relay, NULL);
    loop_turn(loop); /* what rings at once asks the queue */
    settle();
}

/* What was put off is a part of the message, too, and the client hears of the whole. */
static void test_who_waits_is_not_told_of_a_part(void **state)
{
    struct queue_follow *follow;
    struct err err = { 0 };

    (void)state;
    begin();
    accounts[0]->limits = (struct profile_limits){ .connections = 1, .messages_per_minute = 1, .recipients_per_message = 1 };
    uint64_t id = accept_for("live", "a", "no@example.org", "no2@example.org");
    assert_true(queue_follow(port, id, nothing, NULL, &follow, &err));
    queue_follow_answers(follow);
    start();
    settle();
    assert_int_equal(state_of(id, 1), STORE_QUEUED);
    pass_time(recipient_of(id, 1).next - queue_now(queue));
    assert_int_equal(state_of(id, 1), STORE_FAILED);
    assert_int_equal(wanted_of(id, 1), REPORT_FAILURE);
    queue_unfollow(follow);
    end();
}

static void test_no_more_channels_than_allowed(void **state)
{
    (void)state;
    begin();
    start();
    for (size_t i = 0; i < 50; i++)
        accept_for("live", "a", "x@example.org");
    settle();
    assert_int_equal(ways.sent, 50);
    assert_int_equal(ways.most_open, 2);
    end();
}

/* ---- connections that others borrow ---- */

struct borrower {
    struct relay_loan *loan;
    unsigned told;
    enum relay_lent last;
};

static void told_lent(void *who, enum relay_lent lent)
{
    struct borrower *b = who;

    b->told++;
    b->last = lent;
}

static void borrow(struct borrower *b, uint64_t patience_ms)
{
    *b = (struct borrower){ 0 };
    assert_true(relay_borrow(relay, SPAN("live"), patience_ms, told_lent, b, &b->loan, NULL));
    assert_int_equal(b->told, 0);
}

/* One message is on its only channel, and not answered yet. */
static void begin_busy(void)
{
    begin();
    accounts[0]->limits.connections = 1;
    start();
    accept_for("live", "a", "x@example.org");
    while (!ways.sent) {
        queue_turn(queue);
        loop_turn(loop);
        if (!ways.sent)
            ways_turn();
    }
}

static void test_an_idle_channel_is_let_go_for_who_borrows(void **state)
{
    struct borrower b;

    (void)state;
    begin();
    accounts[0]->limits.connections = 1;
    start();
    accept_for("live", "a", "x@example.org");
    settle();
    assert_int_equal(ways.open, 1);
    borrow(&b, 10000);
    settle();
    assert_int_equal(ways.open, 0);
    assert_true(b.told == 1 && b.last == RELAY_LENT);
    uint64_t id = accept_for("live", "b", "x@example.org");
    settle();
    assert_int_equal(state_of(id, 0), STORE_QUEUED);
    relay_give_back(b.loan);
    settle();
    assert_int_equal(state_of(id, 0), STORE_DELIVERED);
    end();
}

static void test_the_rest_of_the_channels_go_on(void **state)
{
    struct borrower b, c;

    (void)state;
    begin();
    start();
    borrow(&b, 10000);
    settle();
    assert_true(b.told == 1 && b.last == RELAY_LENT);
    for (size_t i = 0; i < 10; i++)
        accept_for("live", "a", "x@example.org");
    settle();
    assert_int_equal(ways.sent, 10);
    assert_int_equal(ways.most_open, 1); /* of two */
    borrow(&c, 10000); /* the last */
    settle();
    assert_true(c.told == 1 && c.last == RELAY_LENT && ways.open == 0);
    relay_give_back(b.loan);
    relay_give_back(c.loan);
    end();
}

static void test_who_borrows_waits_for_the_next_that_is_free(void **state)
{
    struct borrower b;

    (void)state;
    begin_busy();
    borrow(&b, 10000);
    uint64_t id = accept_for("live", "b", "x@example.org");
    queue_turn(queue);
    loop_turn(loop);
    assert_int_equal(b.told, 0);
    settle();
    assert_true(b.told == 1 && b.last == RELAY_LENT);
    assert_int_equal(ways.open, 0);
    assert_int_equal(state_of(id, 0), STORE_QUEUED);
    relay_give_back(b.loan);
    settle();
    assert_int_equal(state_of(id, 0), STORE_DELIVERED);
    end();
}

static void test_nobody_waits_for_ever(void **state)
{
    struct borrower b, c;

    (void)state;
    begin_busy();
    borrow(&b, 0);
    borrow(&c, 10000);
    loop_turn(loop);
    assert_true(b.told == 1 && b.last == RELAY_NONE_FREE);
    relay_give_back(b.loan);
    relay_give_back(c.loan); /* he did not wait for it */
    uint64_t id = accept_for("live", "b", "x@example.org");
    settle();
    assert_int_equal(c.told, 0);
    assert_int_equal(state_of(id, 0), STORE_DELIVERED);
    end();
}

static void test_a_loan_outlives_the_relay(void **state)
{
    struct borrower b, c;
    struct relay_loan *none = NULL;
    struct err err = { 0 };

    (void)state;
    begin_busy();
    assert_false(relay_borrow(relay, SPAN("nobody"), 0, told_lent, &b, &none, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    settle();
    borrow(&b, 10000);
    settle();
    borrow(&c, 0);
    relay_free(relay);
    relay = NULL;
    loop_turn(loop);
    assert_true(b.told == 1 && b.last == RELAY_LENT);
    assert_true(c.told == 1 && c.last == RELAY_NONE_FREE);
    relay_give_back(b.loan);
    relay_give_back(c.loan);
    end();
}

static void test_recipients_in_portions(void **state)
{
    (void)state;
    begin();
    accounts[0]->limits.recipients_per_message = 2;
    start();
    uint64_t id = accept_for("live", "a", "1@example.org", "2@example.org", "no@example.org", "4@example.org",
                             "5@example.org");
    settle();
    assert_string_equal(ways.order, "a2:live a2:live a1:live ");
    assert_int_equal(state_of(id, 4), STORE_DELIVERED);
    assert_int_equal(state_of(id, 2), STORE_FAILED);
    end();
}

static void test_a_body_in_pieces(void **state)
{
    (void)state;
    begin();
    start();
    uint64_t id = accept_pieces("live", "hello ", 3, (const char *const[]){ "x@example.org", NULL });
    settle();
    assert_int_equal(state_of(id, 0), STORE_DELIVERED);
    assert_string_equal(ways.order, "h1:live ");
    end();
}

static void test_a_quota_delays(void **state)
{
    struct relay_status status;

    (void)state;
    begin();
    start();
    uint64_t id = accept_for("live", "a", "quota@example.org");
    settle();
    assert_int_equal(state_of(id, 0), STORE_DEFERRED);
    uint64_t next = accept_for("live", "b", "x@example.org");
    settle();
    assert_int_equal(ways.sent, 1); /* nothing more leaves by this account */
    assert_int_equal(state_of(next, 0), STORE_QUEUED);
    assert_true(relay_status(relay, 1, &status));
    assert_int_equal(status.health, RELAY_BLOCKED);
    assert_true(status.until > queue_now(queue));
    relay_wake(relay, "live");
    settle();
    assert_int_equal(state_of(next, 0), STORE_DELIVERED);
    end();
}

static void test_a_lost_sign_in_parks(void **state)
{
    (void)state;
    begin();
    ways.fail_open = "live";
    ways.fail_stage = STAGE_AUTH;
    err_set(&ways.fail_err, ERR_SIGNIN, "refused");
    err_said(&ways.fail_err, SPAN("Username and Password not accepted"));
    ways.fail_err.reply = 535;
    ways.fail_err.enhanced[0] = 5, ways.fail_err.enhanced[1] = 7, ways.fail_err.enhanced[2] = 8;
    start();
    uint64_t one = accept_for("live", "a", "x@example.org"), two = accept_for("live", "b", "x@example.org");
    uint64_t other = accept_for("backup", "c", "x@example.org");
    settle();
    assert_int_equal(state_of(one, 0), STORE_QUEUED);
    assert_int_equal(state_of(two, 0), STORE_QUEUED);
    assert_int_equal(state_of(other, 0), STORE_DELIVERED); /* another account's mail goes on */
    assert_non_null(strstr(told, "parked live"));
    size_t opened = ways.opened;
    settle();
    assert_int_equal(ways.opened, opened); /* no storm of sign-ins */
    ways.fail_open = NULL;
    relay_wake(relay, "live");
    settle();
    assert_int_equal(state_of(one, 0), STORE_DELIVERED);
    assert_int_equal(state_of(two, 0), STORE_DELIVERED);
    assert_non_null(strstr(told, "unparked live"));
    end();
}

/* The server can't be reached, and somebody can look why. */
static void start_with_eyes_alone(void)
{
    ways.fail_open = "live";
    ways.fail_stage = STAGE_CONNECT;
    err_found(&ways.fail_err, ERR_NETWORK, "connect:timeout", "no answer");
    looker.has_eyes = true;
    start();
}

/* Before a failure is judged somebody looks around, and it is judged by what he found; once for all that goes that way. */
static void test_looked_at_before_it_is_judged(void **state)
{
    (void)state;
    begin();
    start_with_eyes_alone();
    uint64_t one = accept_for("live", "a", "x@example.org");
    uint64_t two = accept_for("live", "b", "y@example.org");
    settle();
    assert_int_equal(state_of(one, 0), STORE_SENDING);
    assert_int_equal(state_of(two, 0), STORE_SENDING);
    assert_int_equal(looker.begun, 1);
    assert_int_equal(ways.open, 0); /* the lost line is not kept for it */
    looker.is.evidence.found = looker.is.found;
    looker.is.looked(looker.is.of, &looker.is.evidence);
    settle();
    assert_int_equal(state_of(one, 0), STORE_DEFERRED);
    assert_int_equal(looker.open, 0);
    assert_non_null(strstr(told, "deferred x@example.org connect_timeout_port_blocked;"));
    assert_non_null(strstr(told, "deferred y@example.org connect_timeout_port_blocked;"));
    end();
}

static void test_the_relay_ends_while_it_is_looked_at(void **state)
{
    (void)state;
    begin();
    start_with_eyes_alone();
    accept_for("live", "a", "x@example.org");
    settle();
    assert_int_equal(looker.open, 1);
    end();
    assert_int_equal(looker.open, 0);
}

static void test_unknown_is_not_sent_at_once(void **state)
{
    (void)state;
    begin();
    start();
    uint64_t id = accept_for("live", "a", "lost@example.org");
    settle();
    assert_int_equal(state_of(id, 0), STORE_UNKNOWN);
    assert_int_equal(ways.sent, 1);
    end();
}

static void test_a_route_goes_on(void **state)
{
    static char *names[] = { (char *)(uintptr_t)"live", (char *)(uintptr_t)"backup" };
    static char *words[] = { (char *)(uintptr_t)"connect" };
    struct route_settings route = { .name = "alerts", .accounts = { names, 2 }, .advance = { words, 1 } };
    struct config_section section = { &route_part, (char *)(uintptr_t)"alerts", &route };

    (void)state;
    begin();
    config.sections = &section;
    config.section_count = 1;
    ways.fail_open = "live";
    ways.fail_stage = STAGE_CONNECT;
    err_found(&ways.fail_err, ERR_NETWORK, "connect:refused", "nobody answers");
    start();
    accept_for("alerts", "a", "x@example.org");
    settle();
    uint64_t second = accept_for("alerts", "b", "x@example.org");
    settle();
    assert_int_equal(state_of(second, 0), STORE_DELIVERED);
    assert_string_equal(ways.order, "a1:backup b1:backup "); /* also the one that found the first shut */

    /* In whose name the other may not send, waits for the first. */
    wishes.from = "me@live.example";
    uint64_t foreign = accept_for("alerts", "c", "x@example.org");
    settle();
    wishes.from = "me@backup.example";
    uint64_t own = accept_for("alerts", "d", "x@example.org");
    settle();
    assert_int_equal(state_of(foreign, 0), STORE_QUEUED);
    assert_int_equal(state_of(own, 0), STORE_DELIVERED);
    ways.fail_open = NULL;
    world.now += 61 * 1000;
    world.wall += 61 * 1000;
    relay_wake(relay, "live");
    settle();
    assert_int_equal(state_of(foreign, 0), STORE_DELIVERED);
    assert_string_equal(ways.order, "a1:backup b1:backup d1:backup c1:live ");
    end();
}

/* Who wished to hear of success hears it from whoever knows more. */
static void test_last_words(void **state)
{
    (void)state;
    begin();
    start();
    notify = NOTIFY_SUCCESS;
    uint64_t last = accept_for("live", "a", "x@example.org", "no@example.org");
    settle();
    assert_int_equal(wanted_of(last, 0), REPORT_RELAYED);
    assert_int_equal(wanted_of(last, 1), 0); /* only of success, it was said */
    ways.takes_wishes = true;
    uint64_t passed = accept_for("live", "b", "x@example.org");
    settle();
    assert_int_equal(wanted_of(passed, 0), 0);
    end();
}

/* RFC 2852: what comes back when its time is over is not sent then; what tells of it is, and tells once. */
static void test_deadlines(void **state)
{
    (void)state;
    begin();
    wishes.deadline = queue_now(queue) + 1000;
    uint64_t returns = accept_for("live", "a", "x@example.org");
    wishes.deadline_tells = true;
    uint64_t tells = accept_for("live", "b", "grey@example.org");
    uint64_t arrives = accept_for("live", "c", "x@example.org");
    wishes = (struct store_order){ .deadline = queue_now(queue) + 100000 };
    uint64_t early = accept_for("live", "d", "x@example.org");
    world.now += 2000;
    world.wall += 2000;
    start();
    settle();
    assert_int_equal(state_of(returns, 0), STORE_FAILED);
    assert_int_equal(recipient_of(returns, 0).enhanced[2], 7);
    assert_int_equal(wanted_of(returns, 0), REPORT_FAILURE);
    assert_int_equal(state_of(tells, 0), STORE_DEFERRED);
    assert_int_equal(wanted_of(tells, 0), REPORT_DELAY);
    assert_int_equal(state_of(arrives, 0), STORE_DELIVERED);
    assert_int_equal(wanted_of(arrives, 0), 0);
    assert_int_equal(state_of(early, 0), STORE_DELIVERED);
    assert_null(strchr(ways.order, 'a')); /* it was not sent */
    end();
}

static void test_our_own_disk_fails_no_message(void **state)
{
    static const struct {
        const char *label;
        unsigned after, fails; /* commits */
        size_t pieces;
    } rows[] = {
        { "the claim, which is answered before", 0, 1, 0 },
        { "leaving", 1, 1, 0 },
        { "leaving, and giving back", 1, 2, 0 },
        { "leaving, with a body in pieces", 4, 1, 3 },
        { "the word about it", 2, 1, 0 },
        { "that word, three times", 2, 3, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        start();
        settle();
        uint64_t id = accept_pieces("live", "hello ", rows[i].pieces, (const char *const[]){ "x@example.org", NULL });
        for (unsigned commits = 0; commits < rows[i].after;) {
            commits += queue_turn(queue);
            ways_turn();
            loop_turn(loop);
        }
        disk.fails = rows[i].fails;
        settle();
        for (unsigned life = 0; life < 3; life++) /* a lease may have to run out */
            pass_time(16 * 60 * 1000);
        if (state_of(id, 0) != STORE_DELIVERED || ways.sent != 1 || disk.fails)
            fail_msg("%s: sent %zu times; %s", rows[i].label, ways.sent, told);
        assert_null(strstr(told, "failed"));
        end();
    }
}

static void test_no_more_than_allowed_whatever_waits(void **state)
{
    static const struct {
        const char *label;
        struct profile_limits limits;
        size_t sent; /* transactions, of three messages with two recipients each */
    } rows[] = {
        { "on two channels at once", { .connections = 2, .messages_per_minute = 1 }, 1 },
        { "recipients count", { .connections = 2, .recipients_per_day = 3 }, 1 },
        { "of each portion", { .connections = 2, .messages_per_minute = 3, .recipients_per_message = 1 }, 3 },
        { "four recipients", { .connections = 1, .recipients_per_day = 5 }, 2 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        accounts[0]->limits = rows[i].limits;
        start();
        for (unsigned message = 0; message < 3; message++)
            accept_for("live", "a", "x@example.org", "y@example.org");
        settle();
        if (ways.sent != rows[i].sent)
            fail_msg("%s: %zu were sent", rows[i].label, ways.sent);
        end();
    }
}

static void test_what_the_server_parts_counts_as_parts(void **state)
{
    (void)state;
    begin();
    accounts[0]->limits = (struct profile_limits){ .connections = 1, .messages_per_minute = 5 };
    ways.transactions = 3;
    start();
    for (unsigned message = 0; message < 5; message++)
        accept_for("live", "a", "x@example.org", "y@example.org", "z@example.org");
    settle();
    assert_int_equal(ways.sent, 2);
    end();
}

static void test_a_crash_forgets_nothing_that_left(void **state)
{
    (void)state;
    begin();
    accounts[0]->limits = (struct profile_limits){ .connections = 2, .messages_per_minute = 1 };
    start();
    accept_for("live", "a", "x@example.org");
    while (!ways.sent) {
        queue_turn(queue);
        loop_turn(loop);
        if (!ways.sent)
            ways_turn();
    }
    relay_free(relay);
    accept_for("live", "b", "x@example.org");
    start();
    settle();
    assert_string_equal(ways.order, "a1:live ");
    end();
}

static void test_a_lost_sign_in_stays_lost_while_the_line_is_down(void **state)
{
    struct relay_status status;

    (void)state;
    begin();
    ways.fail_open = "live";
    ways.fail_stage = STAGE_AUTH;
    err_set(&ways.fail_err, ERR_SIGNIN, "refused");
    ways.fail_err.reply = 535;
    ways.fail_err.enhanced[0] = 5, ways.fail_err.enhanced[1] = 7, ways.fail_err.enhanced[2] = 8;
    start();
    accept_for("live", "a", "x@example.org");
    settle();
    ways.fail_stage = STAGE_CONNECT;
    ways.fail_err = (struct err){ 0 };
    err_found(&ways.fail_err, ERR_NETWORK, "connect:refused", "nobody answers");
    pass_time(10 * 60 * 1000);
    assert_true(relay_status(relay, 1, &status));
    assert_int_equal(status.health, RELAY_PARKED);
    assert_null(strstr(told, "waits"));
    ways.fail_stage = STAGE_MAIL; /* which nobody comes to who is not signed in */
    pass_time(10 * 60 * 1000);
    assert_non_null(strstr(told, "unparked live"));
    end();
}

static void test_what_may_have_arrived_is_not_forgotten_on_a_route(void **state)
{
    static char *names[] = { (char *)(uintptr_t)"live", (char *)(uintptr_t)"backup" };
    static char *words[] = { (char *)(uintptr_t)"connect" };
    struct route_settings route = { .name = "alerts", .accounts = { names, 2 }, .advance = { words, 1 } };
    struct config_section section = { &route_part, (char *)(uintptr_t)"alerts", &route };

    (void)state;
    begin();
    config.sections = &section;
    config.section_count = 1;
    ways.fail_open = "live";
    ways.fail_stage = STAGE_CONNECT;
    err_found(&ways.fail_err, ERR_NETWORK, "connect:refused", "nobody answers");
    start();
    accept_for("alerts", "a", "x@example.org");
    settle();
    accept_for("alerts", "l", "lost@example.org");
    settle();
    ways.fail_open = NULL;
    pass_time(10 * 60 * 1000);
    accept_for("alerts", "n", "x@example.org");
    settle();
    assert_string_equal(ways.order, "a1:backup l1:backup l1:backup n1:live ");
    end();
}

/* Its provider refuses the message: the next account, if it may send as this sender. */
static void test_a_route_goes_on_when_refused(void **state)
{
    static const struct {
        const char *label, *advance, *from, *to;
        size_t pieces;
        bool busy;           /* the next account is not to be had now */
        const char *order;
        enum store_state state;
    } rows[] = {
        { "goes on", "refused", "me@x.test", "spam@example.org", 0, false, "a1:live a1:backup ", STORE_DELIVERED },
        { "with a body in pieces", "refused", "me@x.test", "spam@example.org", 3, false, "a1:live a1:backup ",
          STORE_DELIVERED },
        { "nobody said so", "connect", "me@x.test", "spam@example.org", 0, false, "a1:live ", STORE_FAILED },
        { "not the next one's sender", "refused", "you@y.test", "spam@example.org", 0, false, "a1:live ", STORE_FAILED },
        { "there is no such recipient", "refused", "me@x.test", "no@example.org", 0, false, "a1:live ", STORE_FAILED },
        { "it waits for the next one", "refused", "me@x.test", "spam@example.org", 0, true, "b1:live a1:live ",
          STORE_DEFERRED },
    };
    static char *names[] = { (char *)(uintptr_t)"live", (char *)(uintptr_t)"backup" };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        char *words[] = { (char *)(uintptr_t)rows[i].advance };
        struct route_settings route = { .name = "alerts", .accounts = { names, 2 }, .advance = { words, 1 } };
        struct config_section section = { &route_part, (char *)(uintptr_t)"alerts", &route };
        begin();
        config.sections = &section;
        config.section_count = 1;
        ways.lenient = "backup";
        assert_true(account_set(accounts[0], "address", SPAN("me@x.test"), NULL));
        assert_true(account_set(accounts[1], "address", SPAN("me@y.test"), NULL));
        assert_true(account_set(accounts[1], "send_as", SPAN("*@x.test"), NULL));
        start();
        if (rows[i].busy) {
            ways.fail_open = "backup";
            ways.fail_stage = STAGE_CONNECT;
            err_found(&ways.fail_err, ERR_NETWORK, "connect:refused", "nobody answers");
            accept_for("backup", "x", "x@example.org");
            settle();
            accept_for("live", "b", "x@example.org");
            settle();
        }
        wishes.from = rows[i].from;
        uint64_t id = accept_pieces("alerts", "a", rows[i].pieces, (const char *const[]){ rows[i].to, NULL });
        settle();
        check_bytes(rows[i].label, span_of(ways.order), span_of(rows[i].order));
        check_row(rows[i].label, state_of(id, 0) == rows[i].state);
        end();
    }
}

/* Both refuse it: then it failed. */
static void test_a_route_ends(void **state)
{
    static char *names[] = { (char *)(uintptr_t)"live", (char *)(uintptr_t)"backup" };
    static char *words[] = { (char *)(uintptr_t)"refused" };
    struct route_settings route = { .name = "alerts", .accounts = { names, 2 }, .advance = { words, 1 } };
    struct config_section section = { &route_part, (char *)(uintptr_t)"alerts", &route };

    (void)state;
    begin();
    config.sections = &section;
    config.section_count = 1;
    start();
    uint64_t id = accept_for("alerts", "a", "spam@example.org");
    settle();
    assert_string_equal(ways.order, "a1:live a1:backup ");
    assert_int_equal(state_of(id, 0), STORE_FAILED);
    assert_int_equal(recipient_of(id, 0).tries, 1);
    assert_int_equal(wanted_of(id, 0), REPORT_FAILURE);
    end();
}

/* Its time is over while nobody knows whether it arrived: a person is asked, once, and nothing is sent. */
static void test_late_and_unknown(void **state)
{
    (void)state;
    begin();
    wishes.deadline = queue_now(queue) + 30000;
    start();
    uint64_t id = accept_for("live", "a", "lost@example.org");
    settle();
    assert_int_equal(state_of(id, 0), STORE_UNKNOWN);
    for (unsigned i = 0; i < 3; i++)
        pass_time(60 * 60 * 1000);
    assert_int_equal(state_of(id, 0), STORE_UNKNOWN);
    assert_int_equal(wanted_of(id, 0), REPORT_FAILURE);
    assert_int_equal(ways.sent, 1);
    end();
}

/* A message that is in front of the next one for a day: the account may send one. */
static void use_up_the_day(void)
{
    accounts[0]->limits = (struct profile_limits){ .connections = 1, .messages_per_day = 1 };
    start();
    accept_for("live", "-", "x@example.org");
    settle();
    assert_int_equal(ways.sent, 1);
}

/* The account waits, so nothing is claimed: what is late is found out all the same, at its time. */
static void test_late_while_a_limit_is_used_up(void **state)
{
    (void)state;
    begin();
    use_up_the_day();
    wishes.deadline = queue_now(queue) + 5000;
    uint64_t returns = accept_for("live", "a", "x@example.org");
    wishes.deadline_tells = true;
    uint64_t tells = accept_for("live", "b", "x@example.org");
    wishes = (struct store_order){ 0 };
    notify = NOTIFY_DELAY;
    uint64_t wished = accept_for("live", "c", "x@example.org");
    notify = 0;
    pass_time(4999);
    assert_int_equal(state_of(returns, 0), STORE_QUEUED);
    pass_time(1);
    assert_int_equal(state_of(returns, 0), STORE_FAILED);
    assert_int_equal(recipient_of(returns, 0).enhanced[2], 7);
    assert_int_equal(wanted_of(returns, 0), REPORT_FAILURE);
    assert_int_equal(state_of(tells, 0), STORE_QUEUED);
    assert_int_equal(wanted_of(tells, 0), REPORT_DELAY);
    assert_int_equal(wanted_of(wished, 0), 0);
    pass_time(4ull * 60 * 60 * 1000);
    assert_int_equal(wanted_of(wished, 0), REPORT_DELAY);
    assert_int_equal(state_of(wished, 0), STORE_QUEUED);
    pass_time(21ull * 60 * 60 * 1000);
    assert_int_equal(ways.sent, 2); /* the next one had its day */
    end();
}

/* It is given up when its time is over, and a moment later: who can be tried then is tried first. */
static void test_too_old_while_a_limit_is_used_up(void **state)
{
    (void)state;
    begin();
    use_up_the_day();
    uint64_t began = queue_now(queue), end_ = began + 5ull * 86400000 + 15000, id = 0;
    for (int i = 0; i < 6; i++)
        id = accept_for("live", "a", "x@example.org");
    for (int day = 0; day < 4; day++)
        pass_time(86400000 + 20ull * 60 * 1000);
    assert_int_equal(ways.sent, 5);
    pass_time(end_ - 1 - queue_now(queue));
    assert_int_equal(state_of(id, 0), STORE_QUEUED);
    pass_time(1);
    assert_int_equal(state_of(id, 0), STORE_FAILED);
    assert_int_equal(wanted_of(id, 0), REPORT_FAILURE);
    pass_time(86400000);
    assert_int_equal(ways.sent, 5);
    end();
}

/* Parked time does not age; a deadline is the client's own. */
static void test_late_while_it_is_parked(void **state)
{
    (void)state;
    begin();
    ways.fail_open = "live";
    ways.fail_stage = STAGE_AUTH;
    err_set(&ways.fail_err, ERR_SIGNIN, "refused");
    err_said(&ways.fail_err, SPAN("Username and Password not accepted"));
    ways.fail_err.reply = 535;
    start();
    uint64_t stays = accept_for("live", "a", "x@example.org");
    settle();
    assert_non_null(strstr(told, "parked live"));
    wishes.deadline = queue_now(queue) + 86400000;
    uint64_t returns = accept_for("live", "b", "x@example.org");
    for (int day = 0; day < 20; day++)
        pass_time(86400000);
    assert_int_equal(state_of(returns, 0), STORE_FAILED);
    assert_int_equal(state_of(stays, 0), STORE_QUEUED);
    end();
}

static void accept_small(size_t count)
{
    while (count--)
        accept_for("live", "s", "x@example.org");
    settle();
}

static uint64_t accept_large(size_t count)
{
    struct accepting a = { .envelope = envelope_new(), .account = "live", .text = "L" };
    const struct queue_job job = { .run = run_accept, .done = accepted, .drop = dropped, .data = &a };

    while (count--) {
        HELD(buf) to = BUF(40);
        buf_addf(&to, "r%zu@example.org", count);
        assert_true(envelope_add(a.envelope, buf_span(&to), NULL));
    }
    assert_true(queue_ask(port, &job, NULL, NULL));
    while (!a.done)
        assert_true(queue_turn(queue));
    settle();
    return a.id;
}

/* However many small ones come, a large one that finds no room has its turn. */
static void test_small_ones_pass_a_large_one_so_often(void **state)
{
    (void)state;
    begin();
    accounts[0]->limits = (struct profile_limits){ .connections = 2, .recipients_per_day = 100 };
    start();
    accept_small(40);
    uint64_t large = accept_large(70);
    accept_small(70);
    assert_int_equal(ways.sent, 40 + TURN_PASSES); /* room is left, and nobody passes any more */
    assert_int_equal(state_of(large, 0), STORE_QUEUED);
    accept_small(100);
    assert_int_equal(ways.sent, 40 + TURN_PASSES);
    pass_time(86400000 + 20ull * 60 * 1000);
    assert_int_equal(state_of(large, 69), STORE_DELIVERED);
    assert_int_equal(ways.sent, 40 + TURN_PASSES + 1 + 30); /* and the others have the rest of the day */
    end();
}

/* One that is larger than the whole limit goes when a day was empty: nobody has to stand still for that. */
static void test_nobody_waits_for_one_that_never_fits(void **state)
{
    (void)state;
    begin();
    accounts[0]->limits = (struct profile_limits){ .connections = 2, .recipients_per_day = 100 };
    start();
    accept_small(10);
    uint64_t large = accept_large(101);
    accept_small(90);
    assert_int_equal(ways.sent, 100);
    assert_int_equal(state_of(large, 0), STORE_QUEUED);
    end();
}

static bool run_remove(void *data, struct store *in, uint64_t now, struct err *err)
{
    const struct store_filter filter = { .ids = data, .id_count = 1 };
    struct store_cursor cursor = { 0 };
    struct store_changed changed = { 0 };

    return store_change(in, STORE_VERB_REMOVE, &filter, &cursor, 1000, false, "root", now, &changed, err);
}

/* Who is taken away has no turn. */
static void test_a_turn_that_is_over(void **state)
{
    (void)state;
    begin();
    accounts[0]->limits = (struct profile_limits){ .connections = 2, .recipients_per_day = 100 };
    start();
    accept_small(40);
    uint64_t large = accept_large(70);
    accept_small(70);
    const struct queue_job job = { .run = run_remove, .data = &large };
    assert_true(queue_ask(port, &job, NULL, NULL));
    settle();
    pass_time(0); /* it is found out... */
    pass_time(6000);
    assert_int_equal(ways.sent, 100); /* ...and the others use what room there is */
    end();
}

/* What waits for the network need not wait for its time when that is back; what waits for a server does. */
static void test_the_network_is_back(void **state)
{
    static const struct {
        const char *label;
        enum stage stage;
        enum err_kind kind;
        uint16_t reply;
        size_t sent;
    } rows[] = {
        { "no way to the server", STAGE_CONNECT, ERR_NETWORK, 0, 1 },
        { "nobody to ask for its name", STAGE_RESOLVE, ERR_NETWORK, 0, 1 },
        { "it is there, and has no time", STAGE_GREETING, ERR_LATER, 421, 0 },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        begin();
        ways.fail_open = "live";
        ways.fail_stage = rows[i].stage;
        ways.fail_err = (struct err){ .kind = rows[i].kind, .reply = rows[i].reply };
        start();
        uint64_t id = accept_for("live", "a", "x@example.org", "y@example.org");
        settle();
        check_row(rows[i].label, state_of(id, 1) == STORE_DEFERRED);
        check_row(rows[i].label, recipient_of(id, 0).next == recipient_of(id, 1).next);
        check_row(rows[i].label, recipient_of(id, 0).next > queue_now(queue) + 2000);
        ways.fail_open = NULL;
        for (int look = 0; look < 2; look++) {
            relay_reaches(relay);
            settle();
            world.now += 2000;
        }
        relay_reaches(relay);
        settle();
        check_row(rows[i].label, ways.sent == rows[i].sent);
        end();
    }
}

static bool drained_told;

static void drained(void *who)
{
    (void)who;
    drained_told = true;
}

static void test_draining(void **state)
{
    (void)state;
    begin();
    start();
    uint64_t one = accept_for("live", "a", "x@example.org");
    while (ways.sent == 0) {
        queue_turn(queue);
        if (!ways.sent)
            ways_turn();
        loop_turn(loop);
    }
    uint64_t two = accept_for("live", "b", "x@example.org");
    drained_told = false;
    relay_drain(relay, drained, NULL);
    loop_turn(loop);
    assert_false(drained_told); /* one is under way */
    settle();
    loop_turn(loop);
    assert_true(drained_told);
    assert_int_equal(state_of(one, 0), STORE_DELIVERED);
    assert_int_equal(state_of(two, 0), STORE_QUEUED);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_delivers),
        cmocka_unit_test(test_each_recipient_has_its_outcome),
        cmocka_unit_test(test_who_waits_tells_of_a_failure),
        cmocka_unit_test(test_who_waits_is_not_told_of_a_part),
        cmocka_unit_test(test_no_more_channels_than_allowed),
        cmocka_unit_test(test_an_idle_channel_is_let_go_for_who_borrows),
        cmocka_unit_test(test_the_rest_of_the_channels_go_on),
        cmocka_unit_test(test_who_borrows_waits_for_the_next_that_is_free),
        cmocka_unit_test(test_nobody_waits_for_ever),
        cmocka_unit_test(test_a_loan_outlives_the_relay),
        cmocka_unit_test(test_recipients_in_portions),
        cmocka_unit_test(test_a_body_in_pieces),
        cmocka_unit_test(test_a_quota_delays),
        cmocka_unit_test(test_a_lost_sign_in_parks),
        cmocka_unit_test(test_looked_at_before_it_is_judged),
        cmocka_unit_test(test_the_relay_ends_while_it_is_looked_at),
        cmocka_unit_test(test_unknown_is_not_sent_at_once),
        cmocka_unit_test(test_a_route_goes_on),
        cmocka_unit_test(test_a_route_goes_on_when_refused),
        cmocka_unit_test(test_a_route_ends),
        cmocka_unit_test(test_last_words),
        cmocka_unit_test(test_deadlines),
        cmocka_unit_test(test_late_and_unknown),
        cmocka_unit_test(test_late_while_a_limit_is_used_up),
        cmocka_unit_test(test_too_old_while_a_limit_is_used_up),
        cmocka_unit_test(test_late_while_it_is_parked),
        cmocka_unit_test(test_our_own_disk_fails_no_message),
        cmocka_unit_test(test_no_more_than_allowed_whatever_waits),
        cmocka_unit_test(test_what_the_server_parts_counts_as_parts),
        cmocka_unit_test(test_a_crash_forgets_nothing_that_left),
        cmocka_unit_test(test_a_lost_sign_in_stays_lost_while_the_line_is_down),
        cmocka_unit_test(test_what_may_have_arrived_is_not_forgotten_on_a_route),
        cmocka_unit_test(test_small_ones_pass_a_large_one_so_often),
        cmocka_unit_test(test_nobody_waits_for_one_that_never_fits),
        cmocka_unit_test(test_a_turn_that_is_over),
        cmocka_unit_test(test_the_network_is_back),
        cmocka_unit_test(test_draining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
