/* Who has agreed to what: codes, devices and tokens as time goes by. */
#include "support/check.h"

#include "sandbox/identity.h"

#define CLIENT "app"
#define BACK   "http://localhost:4711/"
#define SCOPE  "openid mail offline_access"

enum { SECOND = 1000, MINUTE = 60 * SECOND };

static const struct identity_rules usual = {
    .code_life_ms = 10 * MINUTE,
    .device_life_ms = 15 * MINUTE,
    .device_interval_ms = 5 * SECOND,
    .access_life_ms = 60 * MINUTE,
    .refresh_life_ms = 24 * 60 * MINUTE,
    .rotates = true,
};

static uint64_t now;
static unsigned char dice;

static const struct identity_moment *moment(void)
{
    static struct identity_moment made;

    made.now = now;
    memset(made.random, ++dice, sizeof made.random);
    return &made;
}

static struct identity *begin(struct identity_rules rules)
{
    struct identity *identity = identity_new(&rules);

    assert_non_null(identity);
    now = 1000 * MINUTE;
    dice = 0;
    return identity;
}

static struct identity_asked asked_for(const char *challenge)
{
    struct identity_asked asked = { .client = CLIENT, .redirect = BACK, .scope = SCOPE, .state = "s",
                                    .nonce = "n", .lasting = true };

    assert_true(identity_put(asked.challenge, sizeof asked.challenge, span_of(challenge)));
    return asked;
}

/* A code as the redirect has it. */
static struct span agree(struct identity *identity, const char *challenge, char into[IDENTITY_TEXT])
{
    const struct identity_asked asked = asked_for(challenge);
    char page[IDENTITY_TEXT];

    assert_true(identity_put(page, sizeof page, span_of(identity_ask(identity, &asked, moment()))));
    assert_string_equal(identity_asked(identity, span_of(page), now)->client, CLIENT);
    const char *code = identity_agree(identity, span_of(page), 3, moment());
    assert_non_null(code);
    assert_null(identity_asked(identity, span_of(page), now));
    assert_null(identity_agree(identity, span_of(page), 3, moment()));
    assert_true(identity_put(into, IDENTITY_TEXT, span_of(code)));
    return span_of(into);
}

static void test_code(void **state)
{
    (void)state;
    static const struct {
        const char *label, *challenge, *client, *redirect, *brought;
        uint64_t later;
        enum identity_answer answer;
    } cases[] = {
        { "good", "c", CLIENT, BACK, "c", 0, IDENTITY_YES },
        { "without PKCE", "", CLIENT, BACK, "", 0, IDENTITY_YES },
        { "at the last moment", "c", CLIENT, BACK, "c", 10 * MINUTE - 1, IDENTITY_YES },
        { "too late", "c", CLIENT, BACK, "c", 10 * MINUTE, IDENTITY_EXPIRED },
        { "another client", "c", "other", BACK, "c", 0, IDENTITY_UNKNOWN },
        { "another address", "c", CLIENT, "http://localhost:4712/", "c", 0, IDENTITY_UNKNOWN },
        { "another verifier", "c", CLIENT, BACK, "d", 0, IDENTITY_UNPROVEN },
        { "no verifier", "c", CLIENT, BACK, "", 0, IDENTITY_UNPROVEN },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(identity) identity = begin(usual);
        struct identity_right right;
        char text[IDENTITY_TEXT];
        struct span code = agree(identity, cases[i].challenge, text);

        now += cases[i].later;
        check_row(cases[i].label, identity_redeem_code(identity, code, span_of(cases[i].client),
                                                       span_of(cases[i].redirect), span_of(cases[i].brought),
                                                       now, &right) == cases[i].answer);
        if (cases[i].answer != IDENTITY_YES)
            continue;
        check_row(cases[i].label, right.user == 3 && right.lasting && !strcmp(right.nonce, "n"));
        check_bytes(cases[i].label, span_of(right.scope), SPAN(SCOPE));
    }
}

static void seal(struct identity_issued *issued, unsigned char mark)
{
    unsigned char hash[IDENTITY_HASH];

    memset(hash, mark, sizeof hash);
    identity_seal(issued->access, hash);
}

static const struct identity_access *access_of(const struct identity *identity, unsigned char mark)
{
    unsigned char hash[IDENTITY_HASH];

    memset(hash, mark, sizeof hash);
    return identity_access(identity, hash);
}

/* Signed in: an access token with this mark, and the refresh token. */
static struct span sign_in(struct identity *identity, unsigned char mark, char refresh[IDENTITY_TEXT])
{
    struct identity_right right;
    struct identity_issued issued;
    char text[IDENTITY_TEXT];
    struct span code = agree(identity, "", text);

    assert_int_equal(identity_redeem_code(identity, code, SPAN(CLIENT), SPAN(BACK), SPAN_NONE, now, &right),
                     IDENTITY_YES);
    identity_issue(identity, &right, SPAN("mail"), moment(), &issued);
    seal(&issued, mark);
    assert_non_null(issued.refresh);
    assert_true(identity_put(refresh, IDENTITY_TEXT, span_of(issued.refresh)));
    return span_of(refresh);
}

/* For the second time: whatever was made of it ends (RFC 6749, 4.1.2). */
static void test_code_twice(void **state)
{
    (void)state;
    OWN(identity) identity = begin(usual);
    struct identity_right right;
    struct identity_issued issued;
    char text[IDENTITY_TEXT];
    struct span code = agree(identity, "", text);

    assert_int_equal(identity_redeem_code(identity, code, SPAN(CLIENT), SPAN(BACK), SPAN_NONE, now, &right),
                     IDENTITY_YES);
    identity_issue(identity, &right, SPAN("mail"), moment(), &issued);
    seal(&issued, 7);
    assert_non_null(access_of(identity, 7));
    assert_int_equal(identity_redeem_code(identity, code, SPAN(CLIENT), SPAN(BACK), SPAN_NONE, now, &right),
                     IDENTITY_USED);
    assert_null(access_of(identity, 7));
    assert_int_equal(identity_redeem_refresh(identity, span_of(issued.refresh), SPAN(CLIENT), SPAN_NONE, now,
                                             &right), IDENTITY_REVOKED);
}

static void test_page_grows_old(void **state)
{
    (void)state;
    OWN(identity) identity = begin(usual);
    const struct identity_asked asked = asked_for("");
    char page[IDENTITY_TEXT];

    assert_true(identity_put(page, sizeof page, span_of(identity_ask(identity, &asked, moment()))));
    now += 31 * MINUTE;
    assert_null(identity_agree(identity, span_of(page), 0, moment()));

    assert_true(identity_put(page, sizeof page, span_of(identity_ask(identity, &asked, moment()))));
    identity_decline(identity, span_of(page), now);
    assert_null(identity_agree(identity, span_of(page), 0, moment()));
    assert_null(identity_asked(identity, SPAN(""), now));

    /* The page's text is no code. */
    struct identity_right right;
    assert_true(identity_put(page, sizeof page, span_of(identity_ask(identity, &asked, moment()))));
    assert_int_equal(identity_redeem_code(identity, span_of(page), SPAN(CLIENT), SPAN(BACK), SPAN_NONE, now, &right),
                     IDENTITY_UNKNOWN);
}

static void test_device(void **state)
{
    (void)state;
    OWN(identity) identity = begin(usual);
    struct identity_right right;
    const struct identity_device *device = identity_device(identity, SPAN(CLIENT), SPAN(SCOPE), moment());
    char typed[32];

    assert_int_equal(strlen(device->user_code), 9);
    assert_int_equal(device->expires, now + 15 * MINUTE);
    struct span code = span_of(device->code);

    /* Asked too soon; then five seconds more are due. */
    now += 1 * SECOND;
    assert_int_equal(identity_redeem_device(identity, code, SPAN(CLIENT), now, &right), IDENTITY_TOO_SOON);
    now += 5 * SECOND;
    assert_int_equal(identity_redeem_device(identity, code, SPAN(CLIENT), now, &right), IDENTITY_TOO_SOON);
    now += 15 * SECOND;
    assert_int_equal(identity_redeem_device(identity, code, SPAN(CLIENT), now, &right), IDENTITY_PENDING);
    assert_int_equal(identity_redeem_device(identity, code, SPAN("other"), now, &right), IDENTITY_UNKNOWN);

    /* As people type. */
    for (size_t i = 0; i < strlen(device->user_code); i++)
        typed[i] = device->user_code[i] == '-' ? ' ' : (char)(device->user_code[i] | 0x20);
    assert_ptr_equal(identity_device_typed(identity, (struct span){ typed, 9 }, now), device);
    assert_null(identity_device_typed(identity, (struct span){ typed, 8 }, now));
    assert_false(identity_device_decide(identity, SPAN("BCDF-GHJX"), 1, true, now));
    assert_true(identity_device_decide(identity, (struct span){ typed, 9 }, 1, true, now));
    assert_false(identity_device_decide(identity, (struct span){ typed, 9 }, 1, false, now));
    assert_int_equal(identity_redeem_device(identity, code, SPAN(CLIENT), now, &right), IDENTITY_YES);
    assert_int_equal(right.user, 1);
    assert_true(right.lasting);
    assert_int_equal(identity_redeem_device(identity, code, SPAN(CLIENT), now, &right), IDENTITY_USED);
}

static void test_device_ends(void **state)
{
    (void)state;
    OWN(identity) identity = begin(usual);
    struct identity_right right;

    const struct identity_device *device = identity_device(identity, SPAN(CLIENT), SPAN(SCOPE), moment());
    assert_true(identity_device_decide(identity, span_of(device->user_code), 0, false, now));
    assert_int_equal(identity_redeem_device(identity, span_of(device->code), SPAN(CLIENT), now, &right),
                     IDENTITY_DECLINED);

    device = identity_device(identity, SPAN(CLIENT), SPAN(SCOPE), moment());
    now += 15 * MINUTE;
    assert_false(identity_device_decide(identity, span_of(device->user_code), 0, true, now));
    assert_int_equal(identity_redeem_device(identity, span_of(device->code), SPAN(CLIENT), now, &right),
                     IDENTITY_EXPIRED);
    assert_int_equal(identity_redeem_device(identity, SPAN(""), SPAN(CLIENT), now, &right), IDENTITY_UNKNOWN);
}

static void test_refresh(void **state)
{
    (void)state;
    static const struct {
        const char *label, *client, *scope;
        uint64_t later;
        enum identity_answer answer;
    } cases[] = {
        { "the same again", CLIENT, "", 0, IDENTITY_YES },
        { "a part", CLIENT, "mail", 0, IDENTITY_YES },
        { "who it is costs nothing", CLIENT, "mail profile email", 0, IDENTITY_YES },
        { "more", CLIENT, "mail calendar", 0, IDENTITY_UNAGREED },
        { "another client", "other", "", 0, IDENTITY_UNKNOWN },
        { "a day later", CLIENT, "", 24 * 60 * MINUTE, IDENTITY_EXPIRED },
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        OWN(identity) identity = begin(usual);
        struct identity_right right;
        char text[IDENTITY_TEXT];
        struct span refresh = sign_in(identity, 1, text);

        now += cases[i].later;
        check_row(cases[i].label, identity_redeem_refresh(identity, refresh, span_of(cases[i].client),
                                                          span_of(cases[i].scope), now, &right) ==
                                      cases[i].answer);
    }
}

/* Used every twenty hours it lives on. */
static void test_use_keeps_alive(void **state)
{
    (void)state;
    struct identity_rules rules = usual;
    char text[IDENTITY_TEXT];
    struct identity_right right;

    rules.rotates = false;
    OWN(identity) identity = begin(rules);
    struct span refresh = sign_in(identity, 1, text);
    for (int i = 0; i < 5; i++) {
        now += 20 * 60 * MINUTE;
        assert_int_equal(identity_redeem_refresh(identity, refresh, SPAN(CLIENT), SPAN_NONE, now, &right),
                         IDENTITY_YES);
        assert_false(right.lasting);
    }
}

static void test_rotation(void **state)
{
    (void)state;
    static const bool stays[] = { false, true };

    for (size_t i = 0; i < COUNT(stays); i++) {
        struct identity_rules rules = usual;
        struct identity_right right;
        struct identity_issued issued;
        char text[IDENTITY_TEXT], next[IDENTITY_TEXT];

        rules.old_stays_valid = stays[i];
        OWN(identity) identity = begin(rules);
        struct span old = sign_in(identity, 1, text);
        assert_int_equal(identity_redeem_refresh(identity, old, SPAN(CLIENT), SPAN_NONE, now, &right), IDENTITY_YES);
        /* Until the new one is made the old one is good: who never got an answer asks again. */
        assert_int_equal(identity_redeem_refresh(identity, old, SPAN(CLIENT), SPAN_NONE, now, &right), IDENTITY_YES);
        identity_issue(identity, &right, SPAN("mail"), moment(), &issued);
        seal(&issued, 2);
        assert_true(identity_put(next, sizeof next, span_of(issued.refresh)));
        assert_string_not_equal(next, text);

        assert_int_equal(identity_redeem_refresh(identity, old, SPAN(CLIENT), SPAN_NONE, now, &right),
                         stays[i] ? IDENTITY_YES : IDENTITY_USED);
        /* An old one that comes back was stolen, or the new one was: nobody keeps anything. */
        assert_int_equal(identity_redeem_refresh(identity, span_of(next), SPAN(CLIENT), SPAN_NONE, now, &right),
                         stays[i] ? IDENTITY_YES : IDENTITY_REVOKED);
        assert_true((access_of(identity, 2) != NULL) == stays[i]);
    }
}

static void test_revocation(void **state)
{
    (void)state;
    OWN(identity) identity = begin(usual);
    struct identity_right right;
    char text[IDENTITY_TEXT], other_text[IDENTITY_TEXT];
    struct span refresh = sign_in(identity, 1, text), other = sign_in(identity, 2, other_text);
    unsigned char hash[IDENTITY_HASH];

    assert_false(identity_revoke_refresh(identity, SPAN("r.nothing")));
    assert_true(identity_revoke_refresh(identity, refresh));
    assert_null(access_of(identity, 1));
    assert_int_equal(identity_redeem_refresh(identity, refresh, SPAN(CLIENT), SPAN_NONE, now, &right), IDENTITY_REVOKED);

    assert_non_null(access_of(identity, 2));
    memset(hash, 2, sizeof hash);
    assert_true(identity_revoke_access(identity, hash));
    assert_false(identity_revoke_access(identity, hash));
    assert_null(access_of(identity, 2));
    assert_int_equal(identity_redeem_refresh(identity, other, SPAN(CLIENT), SPAN_NONE, now, &right), IDENTITY_YES);
}

static void test_application(void **state)
{
    (void)state;
    OWN(identity) identity = begin(usual);
    struct identity_right right;
    struct identity_issued issued;

    assert_int_equal(identity_application(SPAN(CLIENT), SPAN("mail"), &right), IDENTITY_YES);
    identity_issue(identity, &right, SPAN("mail"), moment(), &issued);
    seal(&issued, 9);
    assert_null(issued.refresh);
    assert_true(access_of(identity, 9)->user == IDENTITY_NOBODY);
    assert_int_equal(access_of(identity, 9)->expires, now + 60 * MINUTE);
}

/* A thousand sign-ins: the last are good, and none is another's. */
static void test_many(void **state)
{
    (void)state;
    OWN(identity) identity = begin(usual);
    struct identity_right right;
    char text[IDENTITY_TEXT];
    struct span refresh = SPAN_NONE;

    for (int i = 0; i < 250; i++)
        refresh = sign_in(identity, (unsigned char)i, text);
    assert_int_equal(identity_redeem_refresh(identity, refresh, SPAN(CLIENT), SPAN_NONE, now, &right), IDENTITY_YES);
    assert_non_null(access_of(identity, 249));
    for (int i = 0; i < 600; i++) {
        assert_int_equal(identity_application(SPAN(CLIENT), SPAN("mail"), &right), IDENTITY_YES);
        struct identity_issued issued;
        identity_issue(identity, &right, SPAN("mail"), moment(), &issued);
        seal(&issued, 255);
    }
    assert_null(access_of(identity, 249));
}

static void test_put(void **state)
{
    (void)state;
    char into[4];

    assert_true(identity_put(into, sizeof into, SPAN("abc")));
    assert_false(identity_put(into, sizeof into, SPAN("abcd")));
    assert_false(identity_put(into, sizeof into, SPAN("a\0b")));
    assert_true(identity_put(into, sizeof into, SPAN_NONE));
    assert_string_equal(into, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_code),
        cmocka_unit_test(test_code_twice),
        cmocka_unit_test(test_page_grows_old),
        cmocka_unit_test(test_device),
        cmocka_unit_test(test_device_ends),
        cmocka_unit_test(test_refresh),
        cmocka_unit_test(test_use_keeps_alive),
        cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_revocation),
        cmocka_unit_test(test_application),
        cmocka_unit_test(test_many),
        cmocka_unit_test(test_put),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
