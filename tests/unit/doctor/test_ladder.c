/* Sights of a session, written down, and the ladder that comes of them. */
#include "support/check.h"

#include "base/buf.h"
#include "doctor/ladder.h"

/* A line each: "+MS", then '*' note, '>' said, '<' heard, the stage's word and the text; or '!' and the stage where it
 * fails, '=' where it ends well, 'T' a handshake. */
struct script {
    const char *label, *sights, *steps;
    bool masked;
};

static void play_line(struct ladder *ladder, struct span line, uint64_t *now)
{
    static const struct tls_description shown = { .version = "TLSv1.3", .cipher = "C", .chain_len = 1,
                                                  .chain = { { .issuer = "CN=ours", .names = "a.example" } } };
    struct span word, mark;
    enum stage stage;
    uint64_t ms = 0;

    assert_true(span_split(&line, ' ', &word));
    for (size_t i = 1; i < word.len; i++)
        ms = 10 * ms + (uint64_t)(word.at[i] - '0');
    *now += ms;
    assert_true(span_split(&line, ' ', &mark));
    if (mark.at[0] == '=') {
        ladder_went_well(ladder, *now);
        return;
    }
    if (mark.at[0] == 'T') {
        ladder_shook(ladder, &shown, *now);
        return;
    }
    assert_true(span_split(&line, ' ', &word) && stage_from_word(word, &stage));
    if (mark.at[0] == '!') {
        struct evidence why = { .stage = stage };
        err_found(&why.err, ERR_NETWORK, span_is(line, "no-way") ? "connect:unreachable" : "some:fact", "it broke");
        ladder_failed(ladder, &why, *now);
        return;
    }
    ladder_saw(ladder, mark.at[0] == '*'   ? SESSION_NOTES
                       : mark.at[0] == '>' ? SESSION_SAYS
                                           : SESSION_HEARS,
               stage, line, *now);
}

static void write_steps(const struct ladder *ladder, struct buf *out)
{
    static const char *const states[] = { "ok", "FAILED", "-" };

    for (size_t i = 0; i < ladder->count; i++)
        buf_addf(out, "%s%s %s %u", i ? "; " : "", doctor_rung_word(ladder->steps[i].rung),
                 states[ladder->steps[i].state], (unsigned)ladder->steps[i].ms);
}

#define CONNECTED "+10 * connect connected to 192.0.2.1:587\n"
#define GREETED   CONNECTED "+20 < greeting 220 hi\n+0 > ehlo EHLO me\n+5 < ehlo 250-hi there\n+0 < ehlo 250 STARTTLS\n"
#define SECURED   GREETED "+0 > starttls STARTTLS\n+7 < starttls 220 go\n+30 T\n+0 * tls TLSv1.3\n"
#define ON_STEPS  "route ok 0; connect ok 10; banner ok 20; ehlo ok 5; starttls ok 7; tls ok 30; "

static const struct script scripts[] = {
    { "refused", "+3 ! connect\n", "route ok 0; connect FAILED 3", false },
    { "no way there", "+3 ! connect no-way\n", "route FAILED 3", false },
    { "a name", "+3 ! resolve\n", "resolve FAILED 3", false },
    { "no greeting", CONNECTED "+99 ! greeting\n", "route ok 0; connect ok 10; banner FAILED 99", false },
    { "no STARTTLS", GREETED "+0 ! starttls\n", "route ok 0; connect ok 10; banner ok 20; ehlo ok 5; starttls FAILED 0",
      false },
    { "all of it", SECURED "+0 > ehlo EHLO me\n+4 < ehlo 250 AUTH PLAIN\n+0 > auth AUTH PLAIN ***\n+50 < auth 235 yes\n"
                   "+0 > mail MAIL FROM:<me>\n+6 < rcpt 250 ok\n+0 =\n",
      ON_STEPS "ehlo ok 4; auth ok 50; sender ok 6", false },
    { "a certificate", GREETED "+0 > starttls STARTTLS\n+7 < starttls 220 go\n+30 T\n+0 ! tls\n",
      "route ok 0; connect ok 10; banner ok 20; ehlo ok 5; starttls ok 7; tls FAILED 30", false },
    { "a second line adds no second ladder",
      SECURED "+4 > auth AUTH XOAUTH2 ***\n+50 < auth 535 no\n" SECURED "+1 > auth AUTH XOAUTH2 ***\n+9 ! auth\n",
      ON_STEPS "auth FAILED 136", false },
    { "a second line that can't be had is where it broke",
      SECURED "+4 > auth AUTH XOAUTH2 ***\n+50 < auth 535 no\n+9 ! connect\n", ON_STEPS "auth ok 54; connect FAILED 9",
      false },
    { "a mask", CONNECTED "+20 < greeting 220 *****************2******\n+0 ! greeting\n",
      "route ok 0; connect ok 10; banner FAILED 20", true },
    { "a mask in EHLO", CONNECTED "+2 < greeting 220 hi\n+0 > ehlo EHLO me\n+2 < ehlo 250-hi\n+0 < ehlo 250 XXXXXXXA\n+0 =\n",
      "route ok 0; connect ok 10; banner ok 2; ehlo ok 2", true },
    { "on this machine", "+2 ! local\n", "", false },
};

static void test_scripts(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(scripts); i++) {
        struct ladder ladder;
        HELD(buf) steps = BUF(1000);
        struct span rest = span_of(scripts[i].sights), line;
        uint64_t now = 1000;
        ladder_begin(&ladder, now, NULL, NULL);
        while (span_split(&rest, '\n', &line) && line.len)
            play_line(&ladder, line, &now);
        write_steps(&ladder, &steps);
        check_bytes(scripts[i].label, buf_span(&steps), span_of(scripts[i].steps));
        check_row(scripts[i].label, ladder.masked == scripts[i].masked);
    }
}

static void told(void *who, const struct doctor_step *step)
{
    struct doctor_step *last = who;

    *last = *step;
}

/* What strangers said is safe to show, and bounded. */
static void test_details(void **state)
{
    struct ladder ladder;
    struct doctor_step last = { 0 };
    HELD(buf) flood = BUF(100 * 1024);
    struct evidence why = { .stage = STAGE_AUTH };
    uint64_t now = 0;

    (void)state;
    ladder_begin(&ladder, now, told, &last);
    play_line(&ladder, SPAN("+1 * connect connected to 192.0.2.1:587"), &now);
    play_line(&ladder, SPAN("+1 < greeting 220 \x1b[2Jboo"), &now);
    assert_string_equal(doctor_step_detail(&last, "peer"), "192.0.2.1:587");
    play_line(&ladder, SPAN("+1 > ehlo EHLO me"), &now);
    assert_string_equal(doctor_step_detail(&last, "said"), "220 \\x1b[2Jboo");
    play_line(&ladder, SPAN("+1 < ehlo 250-mx.example hello"), &now);
    while (flood.len < 64 * 1024)
        buf_add(&flood, "250-FLOOD\x07 ");
    for (int i = 0; i < 100; i++)
        ladder_saw(&ladder, SESSION_HEARS, STAGE_EHLO, i % 2 ? buf_span(&flood) : SPAN("250-SIZE 1000"), now);
    play_line(&ladder, SPAN("+1 T"), &now);
    assert_string_equal(doctor_step_detail(&last, "server"), "mx.example");
    assert_true(span_starts(span_of(doctor_step_detail(&last, "offers")), "SIZE SIZE"));
    play_line(&ladder, SPAN("+1 > auth AUTH PLAIN ***"), &now);
    assert_string_equal(doctor_step_detail(&last, "issuer"), "CN=ours");
    assert_string_equal(ladder.shown.chain[0].issuer, "CN=ours");
    err_set(&why.err, ERR_REPLY, "the server refuses the sign-in");
    why.err.reply = 535;
    err_said(&why.err, SPAN("5.7.8 no"));
    ladder_failed(&ladder, &why, now);
    assert_string_equal(doctor_step_detail(&last, "mechanism"), "PLAIN");
    assert_string_equal(doctor_step_detail(&last, "reply"), "535 5.7.8 no");
    assert_ptr_equal(ladder_broken(&ladder), &ladder.steps[ladder.count - 1]);
}

/* However much a server makes us say, the ladder ends. */
static void test_bounded(void **state)
{
    struct ladder ladder;
    uint64_t now = 0;

    (void)state;
    ladder_begin(&ladder, now, NULL, NULL);
    for (int i = 0; i < 100; i++) {
        play_line(&ladder, SPAN("+1 < greeting 220 hi"), &now);
        play_line(&ladder, SPAN("+1 < ehlo 250 hi"), &now);
    }
    assert_int_equal(ladder.count, LADDER_STEPS_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scripts),
        cmocka_unit_test(test_details),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
