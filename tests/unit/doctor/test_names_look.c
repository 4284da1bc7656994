/* Where names lead, and what that shows. */
#include "support/check.h"

#include "doctor/names_look.h"
#include "net/loop.h"
#include "net/timer.h"

static void read_addresses(const char *text, struct resolve_addresses *addresses)
{
    struct span rest = span_of(text), word;

    *addresses = (struct resolve_addresses){ 0 };
    while (rest.len && span_split(&rest, ' ', &word))
        assert_true(ip_parse(word, &addresses->at[addresses->count++]));
}

/* ---- names, from the case's own list: these stand in for net/resolve.c ---- */

static struct loop *loop;
static const char *lead_to[3]; /* nobody's name, another provider's, ipv4only.arpa; NULL: there is none */
static unsigned asked;

struct resolve {
    struct timer *timer;
    resolve_addresses_done *done;
    void *data;
    const char *answer;
};

static struct resolve questions[3];

static void answer(void *who)
{
    struct resolve *question = who;
    struct resolve_addresses addresses;
    struct err err;

    timer_free(question->timer);
    question->timer = NULL;
    read_addresses(question->answer ? question->answer : "", &addresses);
    err_found(&err, ERR_NAME, "name:not-found", "no");
    question->done(question->data, question->answer ? &addresses : NULL, &err);
}

bool resolve_addresses(struct resolver *resolver, struct span host, uint64_t deadline, resolve_addresses_done *done, void *data,
                       struct resolve **ret_resolve, struct err *err)
{
    static const char *const names[] = { "nobody-has-this-name.invalid", "smtp.other.example", "ipv4only.arpa" };
    size_t i = 0;
    (void)resolver, (void)deadline, (void)err;

    while (!span_is(host, names[i]))
        assert_true(++i < COUNT(names));
    asked |= 1U << i;
    questions[i] = (struct resolve){ timer_new(loop, answer, &questions[i]), done, data, lead_to[i] };
    timer_set(questions[i].timer, 0);
    *ret_resolve = &questions[i];
    return true;
}

void resolve_cancel(struct resolve *resolve)
{
    if (resolve)
        timer_free(resolve->timer);
}

/* ---- the look ---- */

static bool done;

static void on_done(void *who)
{
    (void)who;
    assert_false(done);
    done = true;
}

static const struct {
    const char *label, *leads, *nobody, *other, *ipv4_only;
    bool is_alias;
    unsigned asks;
    struct names_seen sees;
    bool no_ipv4; /* of this machine */
} rows[] = {
    { "as it should be", "192.0.2.1", NULL, "192.0.2.20", NULL, false, 3, { 0 }, false },
    { "every name leads there", "192.0.2.1", "192.0.2.1", "192.0.2.1", NULL, false, 3, { .made_up = true, .alike = true }, false },
    { "every name leads somewhere else", "192.0.2.1", "192.0.2.9", "192.0.2.20", NULL, false, 3, { 0 }, false },
    { "one of some", "192.0.2.1 192.0.2.2", "192.0.2.2 192.0.2.3", "192.0.2.20", NULL, false, 3, { .made_up = true }, false },
    { "where another provider is", "192.0.2.1", NULL, "192.0.2.1", NULL, false, 3, { .alike = true }, false },
    { "one's own name for that provider", "192.0.2.1", NULL, "192.0.2.1", NULL, true, 3, { 0 }, false },
    { "IPv6 alone", "2001:db8::1", NULL, "192.0.2.20", NULL, false, 7, { .is_ipv6_alone = true }, false },
    { "IPv6 alone, beside a translator", "2001:db8::1", NULL, "192.0.2.20", "64:ff9b::c000:aa", false, 7, { .is_ipv6_alone = true }, false },
    { "translated", "64:ff9b::c000:201", NULL, "192.0.2.20", "64:ff9b::c000:aa 64:ff9b::c000:ab", false, 7, { .by_nat64 = true }, false },
    { "translated by a prefix of the network's own", "2001:db8:64::c000:201", NULL, "192.0.2.20", "2001:db8:64::c000:aa", false, 7,
      { .by_nat64 = true }, false },
    { "translated, and its own beside it", "64:ff9b::c000:201 192.0.2.1", NULL, "192.0.2.20", "64:ff9b::c000:aa", false, 7,
      { .by_nat64 = true }, true },
    { "both, and IPv4 alone is not here", "2001:db8::1 192.0.2.1", NULL, "192.0.2.20", NULL, false, 7, { 0 }, true },
    { "both", "2001:db8::1 192.0.2.1", NULL, "192.0.2.20", NULL, false, 3, { 0 }, false },
};

static void test_look(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct resolve_addresses leads;
        struct names_seen seen = { 0 };
        const struct names_plan plan = { .answer = &leads, .no_ipv4 = rows[i].no_ipv4, .other = "smtp.other.example" };
        OWN(names_look) look = NULL;
        struct err err;

        read_addresses(rows[i].leads, &leads);
        if (rows[i].is_alias)
            strcpy(leads.canonical, "smtp.other.example");
        lead_to[0] = rows[i].nobody;
        lead_to[1] = rows[i].other;
        lead_to[2] = rows[i].ipv4_only;
        asked = 0;
        done = false;
        assert_true(names_look_start(loop, &plan, &seen, on_done, NULL, &look, &err));
        assert_false(done);
        assert_true(loop_run_until(loop, &done));
        check_row(rows[i].label, asked == rows[i].asks);
        check_row(rows[i].label, seen.made_up == rows[i].sees.made_up && seen.alike == rows[i].sees.alike);
        check_row(rows[i].label, seen.by_nat64 == rows[i].sees.by_nat64 && seen.is_ipv6_alone == rows[i].sees.is_ipv6_alone);
    }
}

/* Nobody is told any more. */
static void test_given_up(void **state)
{
    struct resolve_addresses leads;
    struct names_seen seen = { 0 };
    const struct names_plan plan = { .answer = &leads };
    struct names_look *look;
    struct err err;

    (void)state;
    read_addresses("192.0.2.1", &leads);
    lead_to[0] = "192.0.2.1";
    done = false;
    assert_true(names_look_start(loop, &plan, &seen, on_done, NULL, &look, &err));
    names_look_free(look);
    loop_turn(loop);
    assert_false(done || seen.made_up);
}

static int begin(void **state)
{
    struct err err;

    (void)state;
    return loop_new(&loop, &err) ? 0 : 1;
}

static int end(void **state)
{
    (void)state;
    loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_look), cmocka_unit_test(test_given_up) };

    return cmocka_run_group_tests(tests, begin, end);
}
