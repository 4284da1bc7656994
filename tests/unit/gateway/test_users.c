#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "gateway/users.h"
#include "know/knowledge.h"
#include "support/scratch.h"

static const struct config_part *const parts[] = { &listen_part, &user_part, NULL };

#define HASH  "password = $argon2id$v=19$m=19456,t=2,p=1$Y6ih2MXM2kPtFCQKtncI1w$" \
              "ouMQLDI3eJsTe4Ixa2Q2MuQ6Qv3lGE8tk1vbgxeSoBs\n"
#define SCRAM "scram_sha_256 = 4096,AAECAwQFBgcICQoLDA0ODw==,RDNsqIFpiwPXgNK9ALzAi6zMJEXVVKh9XtRXfAFnxWs=," \
              "ZaHH5sTc/SdYyzmAXoNz28uAyx8I01iwOSMs6ZcJBWM=\n"

static const char usual[] =
    "[outpost]\ndefault = live\n"
    "[account live]\naddress = me@live.example\nsend_as = sales@live.example\nserver = smtp.live.example:587\n"
    "[account work]\naddress = me@work.example\nserver = smtp.work.example:587\nother_senders = refuse\n"
    "[account shop]\naddress = me@shop.example\nserver = smtp.shop.example:587\nother_senders = keep\n"
    "[listen open]\naddress = 0.0.0.0:587\n"
    "[listen shop]\naddress = 0.0.0.0:588\naccount = shop\n"
    "[listen strict]\naddress = 0.0.0.0:589\nother_senders = refuse\n"
    "[user anybody]\n" HASH SCRAM
    "[user worker]\n" HASH SCRAM "accounts = work\n"
    "[user two]\n" HASH SCRAM "accounts = shop, work\n"
    "[user free]\n" HASH SCRAM "other_senders = keep\n";

static bool load(struct scratch *dir, const char *text, struct config **ret_config)
{
    const struct knowledge_text little = { "little.ini", SPAN("[provider little]\nname = Little\n") };
    const struct place place = {
        .scope = PLACE_GIVEN,
        .config = (char *)(uintptr_t)scratch_file(dir, "outpost.conf", text, 0600),
        .drop_in = (char *)(uintptr_t)scratch_path(dir, "outpost.conf.d"),
    };
    OWN(knowledge) know = NULL;
    struct err err = { 0 };

    assert_true(know_new(&little, 1, &know, &err));
    if (config_load(&place, &disk_system, parts, ret_config, &err) && config_fill(*ret_config, know, &err))
        return true;
    fail_msg("%s", err.text);
    return false;
}

static void test_found_by_name(void **state)
{
    static const struct {
        const char *said, *found;
    } rows[] = {
        { "worker", "worker" }, { "WORKER", "worker" }, { "work", NULL }, { "workers", NULL }, { "", NULL },
    };

    (void)state;
    SCRATCH(dir);
    OWN(config) config = NULL;
    load(dir, usual, &config);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct user_settings *user = users_find(config, span_of(rows[i].said));
        check_row(rows[i].said, (user == NULL) == (rows[i].found == NULL));
        check_row(rows[i].said, !user || strcmp(user->name, rows[i].found) == 0);
    }
}

/* -- SCRAM -- */

static void test_made_up_keys(void **state)
{
    static const char secret[USERS_SECRET_LEN] = "one", other[USERS_SECRET_LEN] = "two";
    struct password_scram real, first, again, upper, another, elsewhere;

    (void)state;
    SCRATCH(dir);
    OWN(config) config = NULL;
    load(dir, usual, &config);
    assert_true(users_scram(users_find(config, SPAN("worker")), SPAN("worker"), secret, &real, NULL));
    assert_int_equal(real.iterations, 4096);
    assert_true(users_scram(NULL, SPAN("nobody"), secret, &first, NULL));
    assert_true(users_scram(NULL, SPAN("nobody"), secret, &again, NULL));
    assert_true(users_scram(NULL, SPAN("NoBody"), secret, &upper, NULL));
    assert_true(users_scram(NULL, SPAN("nobody2"), secret, &another, NULL));
    assert_true(users_scram(NULL, SPAN("nobody"), other, &elsewhere, NULL));
    assert_int_equal(first.iterations, PASSWORD_ITERATIONS); /* as of a user that was made here */
    assert_int_equal(first.salt_len, PASSWORD_SALT_LEN);
    assert_memory_equal(&first, &again, sizeof first);
    assert_memory_equal(&first, &upper, sizeof first);
    assert_memory_not_equal(first.salt, another.salt, PASSWORD_SALT_LEN);
    assert_memory_not_equal(first.salt, elsewhere.salt, PASSWORD_SALT_LEN);
    assert_memory_not_equal(first.stored_key, first.salt, PASSWORD_SALT_LEN); /* they tell nothing of each other */
    assert_memory_not_equal(first.stored_key, first.server_key, SASL_KEY_MAX);
}

static void test_scram_for_all_or_for_none(void **state)
{
    static const struct {
        const char *label, *text;
        bool offered;
    } rows[] = {
        { "no users", "", true },
        { "all have keys", "[user a]\n" HASH SCRAM "[user b]\n" HASH SCRAM, true },
        { "one has none", "[user a]\n" HASH SCRAM "[user b]\n" HASH, false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        OWN(config) config = NULL;
        load(dir, rows[i].text, &config);
        check_row(rows[i].label, users_have_scram(config) == rows[i].offered);
    }
}

/* -- accounts -- */

static void test_whose_name_it_is_sent_in(void **state)
{
    static const struct {
        const char *label, *listen, *user, *sender;
        const char *account; /* NULL: refused, with this fact */
        unsigned other_senders;
        const char *fact;
    } rows[] = {
        { "an account's address", "open", "anybody", "me@work.example", "work", OTHER_SENDERS_REFUSE, NULL },
        { "one of its others", "open", "anybody", "sales@live.example", "live", OTHER_SENDERS_REWRITE, NULL },
        { "nobody's address", "open", "anybody", "printer@house.lan", "live", OTHER_SENDERS_REWRITE, NULL },
        { "no sender", "open", "anybody", "", "live", OTHER_SENDERS_REWRITE, NULL },
        { "nobody signed in", "open", NULL, "me@shop.example", "shop", OTHER_SENDERS_KEEP, NULL },
        { "the listener's account, whoever it is from", "shop", "anybody", "me@work.example", "shop",
          OTHER_SENDERS_KEEP, NULL },
        { "the user's only account", "open", "worker", "me@work.example", "work", OTHER_SENDERS_REFUSE, NULL },
        { "the user's account, not the sender's", "open", "worker", "me@live.example", NULL, 0, "sender:foreign" },
        { "the user's account, not the listener's", "shop", "worker", "me@work.example", "work", OTHER_SENDERS_REFUSE,
          NULL },
        { "the best of the user's", "open", "two", "me@work.example", "work", OTHER_SENDERS_REFUSE, NULL },
        { "by domain", "shop", "two", "you@shop.example", "shop", OTHER_SENDERS_KEEP, NULL },
        { "the first of the user's", "open", "two", "me@nowhere.example", "shop", OTHER_SENDERS_KEEP, NULL },
        { "the listener says before the account", "strict", "anybody", "x@nowhere.example", NULL, 0, "sender:foreign" },
        { "the listener says no to none of its own", "strict", "anybody", "sales@live.example", "live",
          OTHER_SENDERS_REFUSE, NULL },
        { "the user says before the listener", "strict", "free", "x@nowhere.example", "live",
          OTHER_SENDERS_KEEP, NULL },
        { "a bounce is nobody's", "strict", "anybody", "", "live", OTHER_SENDERS_REFUSE, NULL },
        { "a name of this machine's is rewritten", "strict", "anybody", "root", "live", OTHER_SENDERS_REFUSE, NULL },
        { "and with its host", "strict", "anybody", "root@mail.house.example", "live", OTHER_SENDERS_REFUSE, NULL },
        { "another host's is not", "strict", "anybody", "root@mail2.house.example", NULL, 0, "sender:foreign" },
    };

    (void)state;
    SCRATCH(dir);
    OWN(config) config = NULL;
    load(dir, usual, &config);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct listen_settings *listen = config_section(config, &listen_part, rows[i].listen);
        const struct user_settings *user = rows[i].user ? users_find(config, span_of(rows[i].user)) : NULL;
        struct users_choice choice;
        struct err err = { 0 };
        bool ok = users_choose(config, listen, user, span_of(rows[i].sender), "mail.house.example", &choice, &err);
        check_row(rows[i].label, ok == (rows[i].account != NULL));
        check_row(rows[i].label, ok || (err.fact && strcmp(err.fact, rows[i].fact) == 0));
        if (ok && strcmp(choice.account->name, rows[i].account) != 0)
            fail_msg("%s: %s", rows[i].label, choice.account->name);
        check_row(rows[i].label, !ok || choice.other_senders == rows[i].other_senders);
    }
}

static void test_no_account(void **state)
{
    (void)state;
    SCRATCH(dir);
    OWN(config) config = NULL;
    struct users_choice choice;
    struct err err = { 0 };

    load(dir, "[listen open]\naddress = 0.0.0.0:587\n", &config);
    assert_false(users_choose(config, config_section(config, &listen_part, "open"), NULL, SPAN("me@x.example"),
                              "mail.house.example", &choice, &err));
    assert_string_equal(err.fact, "config:no-account");
}

static void test_the_largest_message(void **state)
{
#define SMALL "[account a]\naddress = a@x.example\nserver = x.example:587\nlimit.message_size = 10M\n"
#define LARGE "[account b]\naddress = b@x.example\nserver = x.example:587\nlimit.message_size = 20M\n"
#define OPEN  "[account c]\naddress = c@x.example\nserver = x.example:587\n"
#define ANY   "[listen l]\naddress = 0.0.0.0:587\n"
    static const struct {
        const char *label, *text;
        uint64_t most;
    } rows[] = {
        { "the largest of all", SMALL LARGE ANY, 20 << 20 },
        { "of the listener's account", SMALL LARGE ANY "account = a\n", 10 << 20 },
        { "the listener's own word", SMALL LARGE ANY "message_size = 1M\n", 1 << 20 },
        { "an account that does not say", SMALL OPEN ANY, USERS_MESSAGE_SIZE },
        { "no account", ANY, USERS_MESSAGE_SIZE },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        OWN(config) config = NULL;
        load(dir, rows[i].text, &config);
        check_row(rows[i].label,
                  users_message_size(config, config_section(config, &listen_part, "l")) == rows[i].most);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_by_name),
        cmocka_unit_test(test_made_up_keys),
        cmocka_unit_test(test_scram_for_all_or_for_none),
        cmocka_unit_test(test_whose_name_it_is_sent_in),
        cmocka_unit_test(test_no_account),
        cmocka_unit_test(test_the_largest_message),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
