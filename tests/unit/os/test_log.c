#include "support/check.h"

#include "os/log.h"
#include "support/world.h"

static char written[32768];

static void keep(struct log *log, struct span line)
{
    (void)log;
    assert_true(line.len < sizeof written);
    memcpy(written, line.at, line.len);
    written[line.len] = '\0';
}

static struct log log_of(struct world *world, enum log_format format)
{
    world_init(world);
    written[0] = '\0';
    return (struct log){ .most = LOG_AT_INFO, .format = format, .clock = &world->clock, .write = keep };
}

static void test_text(void **state)
{
    (void)state;
    struct world world;
    struct log log = log_of(&world, LOG_AS_TEXT);

    log_event(&log, LOG_AT_INFO, "delivered", log_text("account", "live"), log_number("ms", 412));
    assert_string_equal(written, "2026-03-01T12:00:00.000Z info delivered account=live ms=412\n");
    log_event(&log, LOG_AT_WARN, "refused", log_text("said", "no \"way\""), log_text("nothing", NULL));
    assert_string_equal(written,
                        "2026-03-01T12:00:00.000Z warn refused said=\"no \\\"way\\\"\" nothing=\"\"\n");
    written[0] = '\0';
    log_event(&log, LOG_AT_DEBUG, "chatter", log_number("n", 1));
    assert_string_equal(written, "");
}

static void test_json(void **state)
{
    (void)state;
    struct world world;
    struct log log = log_of(&world, LOG_AS_JSON);

    log_event(&log, LOG_AT_ERROR, "failed", log_text("why", "a \"b\"\n"), log_number("n", 3));
    assert_string_equal(written, "{\"time\":\"2026-03-01T12:00:00.000Z\",\"level\":\"error\","
                                 "\"event\":\"failed\",\"why\":\"a \\\"b\\\"\\\\x0a\",\"n\":3}\n");
}

/* Foreign text can't start a second line, nor speak to the terminal. */
static void test_one_safe_line(void **state)
{
    (void)state;
    struct world world;
    struct log log = log_of(&world, LOG_AS_TEXT);

    log_event(&log, LOG_AT_INFO, "said\n", log_text("text", "250 ok\r\n2026 info forged\033[2J\x9b"));
    assert_int_equal(strcspn(written, "\n"), strlen(written) - 1);
    assert_null(strchr(written, '\033'));
    assert_null(strchr(written, '\r'));
}

static void test_redacted(void **state)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        { "an initial response", "C: AUTH PLAIN AGEAYg==", "C: AUTH PLAIN ***" },
        { "in small letters", "auth login bWU=", "auth login ***" },
        { "no initial response", "C: AUTH LOGIN", "C: AUTH LOGIN" },
        { "what follows on another line", "AUTH LOGIN\r\n334 x", "AUTH LOGIN\r\n334 x" },
        { "an EHLO reply", "250-AUTH PLAIN LOGIN", "250-AUTH PLAIN LOGIN" },
        { "an HTTP header", "Authorization: Bearer ab.cd, x", "Authorization: Bearer ***, x" },
        { "XOAUTH2 decoded", "user=me\001auth=Bearer tok\001\001", "user=me\001auth=Bearer ***\001\001" },
        { "a form", "a=1&refresh_token=xyz&b=2", "a=1&refresh_token=***&b=2" },
        { "JSON", "{\"access_token\": \"xyz\"}", "{\"access_token\": \"***\"}" },
        { "an assignment", "password=hunter2 next", "password=*** next" },
        { "the word alone", "535 bad password for you", "535 bad password for you" },
        { "nothing", "", "" },
        { "the announcement only", "Bearer", "Bearer" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        HELD(buf) out = BUF(200);
        log_redact(&out, span_of(rows[i].text));
        check_bytes(rows[i].label, buf_span(&out), span_of(rows[i].want));
    }
}

static void test_secret_fields(void **state)
{
    (void)state;
    struct world world;
    struct log log = log_of(&world, LOG_AS_TEXT);

    log_event(&log, LOG_AT_INFO, "x", log_text("Access_Token", "hunter2"), log_text("password", "hunter2"),
              log_text("line", "AUTH PLAIN hunter2"));
    assert_null(strstr(written, "hunter2"));
}

static void test_long_values_and_no_memory(void **state)
{
    (void)state;
    static char much[40000];
    struct world world;
    struct log log = log_of(&world, LOG_AS_JSON);

    memset(much, '\n', sizeof much - 1);
    log_event(&log, LOG_AT_INFO, "long", log_text("a", much), log_text("b", much), log_text("c", much),
              log_text("d", much), log_text("e", much), log_text("f", much), log_text("g", much),
              log_text("h", much), log_text("i", much));
    assert_string_equal(written + strlen(written) - 2, "}\n");
    for (unsigned n = 1;; n++) {
        world_begin(&world, n);
        log_event(&log, LOG_AT_INFO, "x", log_text("a", "b"));
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        assert_int_equal(written[strlen(written) - 1], '\n');
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_one_safe_line),
        cmocka_unit_test(test_redacted),
        cmocka_unit_test(test_secret_fields),
        cmocka_unit_test(test_long_values_and_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
