#include "support/check.h"

#include "account/password.h"
#include "support/alloc_fails.h"
#include "support/world.h"

static struct secret *secret_of(const char *text)
{
    struct secret *secret = secret_new(span_of(text));

    assert_non_null(secret);
    return secret;
}

static void test_hash(void **state)
{
    (void)state;
    OWN(secret) password = secret_of("s\xc3\xa9same 1");
    HELD(buf) hash = BUF(PASSWORD_HASH_MAX), again = BUF(PASSWORD_HASH_MAX);
    struct err err = { 0 };

    assert_true(password_hash(password, &hash, &err));
    assert_true(span_starts(buf_span(&hash), "$argon2id$v=19$m=19456,t=2,p=1$"));
    assert_true(password_hash_check(buf_span(&hash), &err));
    assert_true(password_is_right(buf_text(&hash), secret_bytes(password)));
    assert_false(password_is_right(buf_text(&hash), SPAN("s\xc3\xa9same 2")));
    assert_false(password_is_right(buf_text(&hash), SPAN("")));
    assert_true(password_hash(password, &again, &err));
    assert_string_not_equal(buf_text(&hash), buf_text(&again)); /* its own salt */
}

static void test_nobody_has_a_password(void **state)
{
    (void)state;
    assert_false(password_is_right(NULL, SPAN("anything")));
    assert_false(password_is_right(NULL, SPAN("")));
    assert_false(password_is_right("rubbish", SPAN("rubbish")));
}

#define SALT "$c29tZXNhbHRzb21lc2FsdA$"
#define SUM  "ouMQLDI3eJsTe4Ixa2Q2MuQ6Qv3lGE8tk1vbgxeSoBs"

static void test_hashes_that_are_taken(void **state)
{
    static const struct {
        const char *label, *hash;
        bool good;
    } rows[] = {
        { "ours", "$argon2id$v=19$m=19456,t=2,p=1" SALT SUM, true },
        { "cheaper, made elsewhere", "$argon2id$v=19$m=8192,t=3,p=1" SALT SUM, true },
        { "another kind", "$argon2i$v=19$m=19456,t=2,p=1" SALT SUM, false },
        { "bcrypt", "$2b$12$abcdefghijklmnopqrstuuK8OpM1Ebx8yoiIk4g3nA0tC2Hj9XK9y", false },
        { "a password", "hunter2", false },
        { "too much memory", "$argon2id$v=19$m=19457,t=2,p=1" SALT SUM, false },
        { "a number without end", "$argon2id$v=19$m=99999999999999999999,t=2,p=1" SALT SUM, false },
        { "too many passes", "$argon2id$v=19$m=19456,t=11,p=1" SALT SUM, false },
        { "no pass", "$argon2id$v=19$m=19456,t=0,p=1" SALT SUM, false },
        { "many lanes", "$argon2id$v=19$m=19456,t=2,p=4" SALT SUM, false },
        { "a short sum", "$argon2id$v=19$m=19456,t=2,p=1" SALT "ouMQ", false },
        { "no salt", "$argon2id$v=19$m=19456,t=2,p=1$$" SUM, false },
        { "something behind", "$argon2id$v=19$m=19456,t=2,p=1" SALT SUM "$", false },
        { "nothing", "", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = { 0 };
        check_row(rows[i].label, password_hash_check(span_of(rows[i].hash), &err) == rows[i].good);
        check_row(rows[i].label, rows[i].good || err.kind == ERR_CONFIG);
        check_row(rows[i].label, !strstr(err.text, "hunter2"));
    }
}

static void test_passwords_that_are_taken(void **state)
{
    static char longest[PASSWORD_MAX + 1];
    static const struct {
        const char *label;
        struct span password;
        bool good;
    } rows[] = {
        { "a word", SPAN_INIT("word"), true },
        { "blanks", SPAN_INIT(" two words "), true },
        { "beyond ASCII", SPAN_INIT("\xc3\xa4"), true },
        { "nothing", SPAN_INIT(""), false },
        { "a NUL", SPAN_INIT("a\0b"), false },
        { "a line end", SPAN_INIT("a\n"), false },
        { "no UTF-8", SPAN_INIT("\xff\xfe"), false },
        { "the longest", { longest, PASSWORD_MAX }, true },
        { "one more", { longest, PASSWORD_MAX + 1 }, false },
    };

    (void)state;
    memset(longest, 'x', sizeof longest);
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct err err = { 0 };
        check_row(rows[i].label, password_check(rows[i].password, &err) == rows[i].good);
        check_row(rows[i].label, rows[i].good || err.kind == ERR_DATA);
    }
}

static void test_made_up(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    OWN(secret) first = NULL;
    OWN(secret) second = NULL;

    world_init(&world);
    assert_true(password_make_up(&world.dice, &first, &err));
    check_bytes("counting dice", secret_bytes(first), SPAN("abcd-efgh-jkmn-pqrs"));
    world.next = 246; /* 248 to 255 are thrown again */
    assert_true(password_make_up(&world.dice, &second, &err));
    check_bytes("the last turn", secret_bytes(second), SPAN("89ab-cdef-ghjk-mnpq"));
}

/* RFC 5802's reckoning, done by another program for "pencil", 10,000 rounds and the salt 00 01 ... 0f. */
static const char pencil[] = "10000,AAECAwQFBgcICQoLDA0ODw==,RDNsqIFpiwPXgNK9ALzAi6zMJEXVVKh9XtRXfAFnxWs=,"
                             "ZaHH5sTc/SdYyzmAXoNz28uAyx8I01iwOSMs6ZcJBWM=";

static void test_scram(void **state)
{
    (void)state;
    struct world world;
    struct err err = { 0 };
    struct password_scram keys, back;
    OWN(secret) password = secret_of("pencil");
    HELD(buf) text = BUF(PASSWORD_SCRAM_MAX);

    world_init(&world);
    world.next = 0;
    assert_true(password_scram(password, &world.dice, &keys, &err));
    password_scram_write(&keys, &text);
    assert_string_equal(buf_text(&text), pencil);
    assert_true(password_scram_read(span_of(pencil), &back, &err));
    assert_memory_equal(&keys, &back, sizeof keys);

    OWN(secret) control = secret_of("\x01");
    assert_false(password_scram(control, &world.dice, &keys, &err));
    assert_int_equal(err.kind, ERR_DATA);
}

/* What is kept is enough to let its owner in, and nobody else. */
static bool signs_in(const char *with)
{
    const struct sasl_client_plan me = { .mechanism = SASL_SCRAM_SHA_256, .username = SPAN("me") };
    const struct sasl_server_plan them = { .mechanism = SASL_SCRAM_SHA_256 };
    struct password_scram keys;
    OWN(sasl_client) client = NULL;
    OWN(sasl_server) server = NULL;
    OWN(secret) password = secret_of(with);
    struct err err = { 0 };

    assert_true(password_scram_read(span_of(pencil), &keys, &err));
    assert_true(sasl_client_new(&me, &client, &err) && sasl_server_new(&them, &server, &err));
    for (unsigned turn = 0; turn < 20; turn++) {
        const struct sasl_stored_key stored = password_stored_key(&keys);
        enum sasl_need from_client = sasl_client_need(client), from_server = sasl_server_need(server);
        if (from_client == SASL_NEED_CREDENTIAL || from_client == SASL_NEED_KEY) {
            sasl_client_credential(client, password);
        } else if (from_client == SASL_NEED_SEND) {
            sasl_server_input(server, sasl_client_output(client));
            sasl_client_sent(client);
        } else if (from_server == SASL_NEED_KEY) {
            sasl_server_stored_key(server, &stored);
        } else if (from_server == SASL_NEED_SEND) {
            sasl_client_input(client, sasl_server_output(server));
            sasl_server_sent(server);
        } else if (from_server == SASL_DONE) {
            return sasl_client_accepted(client, NULL);
        } else if (from_server == SASL_FAILED) {
            return false;
        }
    }
    return false;
}

static void test_scram_signs_in(void **state)
{
    (void)state;
    assert_true(signs_in("pencil"));
    assert_false(signs_in("pencils"));
}

static void test_scram_refused(void **state)
{
#define KEY "RDNsqIFpiwPXgNK9ALzAi6zMJEXVVKh9XtRXfAFnxWs="
    static const char *const rows[] = {
        "",
        "10000",
        "10000,AAECAwQFBgcICQoLDA0ODw==," KEY,
        "10000,AAECAwQFBgcICQoLDA0ODw==," KEY "," KEY ",",
        "10000,AAECAwQFBgcICQoLDA0ODw==," KEY "," KEY "," KEY,
        "4095,AAECAwQFBgcICQoLDA0ODw==," KEY "," KEY,
        "1000001,AAECAwQFBgcICQoLDA0ODw==," KEY "," KEY,
        "-1,AAECAwQFBgcICQoLDA0ODw==," KEY "," KEY,
        "10000,AAEC," KEY "," KEY,
        "10000,AAECAwQFBgcICQoLDA0ODw," KEY "," KEY,
        "10000,AAECAwQFBgcICQoLDA0ODw==,AAEC," KEY,
        "10000,AAECAwQFBgcICQoLDA0ODw==," KEY ",AAEC",
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        struct password_scram keys;
        struct err err = { 0 };
        check_row(rows[i], !password_scram_read(span_of(rows[i]), &keys, &err) && err.kind == ERR_CONFIG);
    }
}

static void test_everything_fails_once(void **state)
{
    (void)state;
    OWN(secret) password = secret_of("pencil");

    for (unsigned n = 1;; n++) {
        struct world world;
        struct err err = { 0 };
        struct password_scram keys;
        HELD(buf) hash = BUF(PASSWORD_HASH_MAX);

        world_begin(&world, n);
        OWN(secret) made_up = NULL;
        bool ok = password_make_up(&world.dice, &made_up, &err) && password_hash(password, &hash, &err) &&
                  password_scram(password, &world.dice, &keys, &err);
        bool failed = world_end(&world);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        secret_free(GIVE(made_up));
        buf_done(&hash);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hash),
        cmocka_unit_test(test_nobody_has_a_password),
        cmocka_unit_test(test_hashes_that_are_taken),
        cmocka_unit_test(test_passwords_that_are_taken),
        cmocka_unit_test(test_made_up),
        cmocka_unit_test(test_scram),
        cmocka_unit_test(test_scram_signs_in),
        cmocka_unit_test(test_scram_refused),
        cmocka_unit_test(test_everything_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
