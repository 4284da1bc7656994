#include "support/check.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "account/config.h"
#include "base/alloc.h"
#include "know/embedded.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

/* A place in the test's own directory; good as long as that is. */
static struct place place_in(struct scratch *dir)
{
    return (struct place){
        .scope = PLACE_GIVEN,
        .config = (char *)(uintptr_t)scratch_path(dir, "outpost.conf"),
        .drop_in = (char *)(uintptr_t)scratch_path(dir, "outpost.conf.d"),
        .state = (char *)(uintptr_t)scratch_path(dir, "state"),
    };
}

static struct config *load(const struct place *place, struct err *err)
{
    struct config *config = NULL;

    *err = (struct err){ 0 };
    return config_load(place, &disk_system, NULL, &config, err) ? config : NULL;
}

static const char two_accounts[] = "[outpost]\n"
                                   "default = home\n"
                                   "[account second]\n"
                                   "address = you@home.example\n"
                                   "[account home]\n"
                                   "address = me@home.example\n"
                                   "send_as = boss@other.example, *@club.example\n"
                                   "[account work]\n"
                                   "address = Me@work.example\n";

static void test_nothing_there(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct err err;
    OWN(config) config = load(&place, &err);
    const struct account *account = NULL;

    assert_non_null(config);
    assert_int_equal(config->account_count, 0);
    assert_false(config_choose(config, NULL, SPAN_NONE, &account, &err));
    assert_string_equal(err.fact, "config:no-account");
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_non_null(strstr(err.text, "outpost.conf"));
}

static void test_main_and_drop_ins(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct err err;

    scratch_file(dir, "outpost.conf", two_accounts, 0644);
    assert_int_equal(mkdir(place.drop_in, 0700), 0);
    scratch_file(dir, "outpost.conf.d/b.conf", "[account home]\nname = Later\n", 0600);
    scratch_file(dir, "outpost.conf.d/a.conf",
                 "[outpost]\ndefault = work\n\n[account home]\nname = Earlier\nserver = a.example:25\n", 0600);
    scratch_file(dir, "outpost.conf.d/c.conf.bak", "rubbish", 0600);
    scratch_file(dir, "outpost.conf.d/.b.conf.1-0", "rubbish", 0600);
    OWN(config) config = load(&place, &err);
    assert_non_null(config);
    assert_int_equal(config->file_count, 3);
    assert_int_equal(config->account_count, 3);
    assert_string_equal(config_default(config)->name, "work");
    const struct account *home = config_account(config, "home");
    assert_string_equal(home->person, "Later");
    assert_string_equal(home->server.name, "a.example");
    assert_string_equal(home->address, "me@home.example");
    const struct setting *name = setting_find(&account_kind, SPAN("name"));
    const struct setting_origin *origin = &home->origins[name - account_kind.settings];
    assert_string_equal(origin->from, scratch_path(dir, "outpost.conf.d/b.conf"));
    assert_int_equal(origin->line, 2);
}

static void test_refused(void **state)
{
    static const struct {
        const char *label, *text;
        mode_t mode;
        const char *want, *fact;
    } rows[] = {
        { "an unknown key", "[account a]\nadress = x@y.example\n", 0600,
          "outpost.conf:2: no such key: \"adress\" (did you mean \"address\"?)", "config:bad" },
        { "an unknown section", "[acount a]\n", 0600, ":1: no such section: \"acount\" (did you mean",
          "config:bad" },
        { "a section twice", "[account a]\n[outpost]\n[account a]\n", 0600,
          ":3: the section began in line 1", "config:bad" },
        { "no name", "[account]\n", 0600, ":1: [account]: a name is missing", "config:bad" },
        { "a name that is a path", "[account ../x]\n", 0600, ":1: account: a name begins with",
          "config:bad" },
        { "a name with a slash", "[account a/b]\n", 0600, ":1: account: a name has letters",
          "config:bad" },
        { "no address", "[account a]\naddress = me\n", 0600, ":2: address: at character",
          "config:bad" },
        { "a bad mechanism", "[account a]\nmechanisms = plain, ntlm\n", 0600, ":2: mechanisms: a mech",
          "config:bad" },
        { "a bad pin", "[account a]\ntls_pin = sha256:12\n", 0600, ":2: tls_pin: sha256: and 64",
          "config:bad" },
        { "a bad source address", "[account a]\nsource_address = localhost\n", 0600, "an IP address",
          "config:bad" },
        { "a password in the file", "[account a]\nsecret = hunter2\n", 0600, ":2: secret: file, keyring, ",
          "config:bad" },
        { "a credential of no name", "[account a]\nsecret = systemd:\n", 0600, "wants the name of a credential",
          "config:bad" },
        { "a default that is not there", "[outpost]\ndefault = hme\n[account home]\n", 0600,
          ":2: default: no account is called \"hme\" (did you mean \"home\"?)", "config:no-account" },
        { "no INI at all", "hello\n", 0600, "outpost.conf:1: ", "config:bad" },
        { "others may write it", "", 0666, "chmod go-w", "config:untrusted-mode" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        const struct place place = place_in(dir);
        struct err err;
        scratch_file(dir, "outpost.conf", rows[i].text, rows[i].mode);
        check_row(rows[i].label, !load(&place, &err));
        if (!strstr(err.text, rows[i].want))
            fail_msg("case \"%s\": %s", rows[i].label, err.text);
        check_row(rows[i].label, err.kind == ERR_CONFIG);
        check_row(rows[i].label, strcmp(err.fact, rows[i].fact) == 0);
        check_row(rows[i].label, !strstr(err.text, "hunter2"));
    }
}

static void test_unreadable(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct err err;

    assert_int_equal(mkdir(place.config, 0700), 0);
    assert_null(load(&place, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_string_equal(err.fact, "config:unreadable");
}

static void test_a_name_that_speaks_to_the_terminal(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct err err;

    assert_int_equal(mkdir(place.drop_in, 0700), 0);
    scratch_file(dir, "outpost.conf.d/a\033[2J.conf", "rubbish", 0600);
    assert_null(load(&place, &err));
    assert_string_equal(err.fact, "config:bad");
    assert_null(strchr(err.text, '\033'));
}

static void test_choose(void **state)
{
    static const struct {
        const char *label, *name, *sender, *want; /* want NULL: refused */
    } rows[] = {
        { "by name", "work", "me@home.example", "work" },
        { "a name that is not there", "wrok", NULL, NULL },
        { "no sender: the default", NULL, NULL, "home" },
        { "the exact address", NULL, "you@home.example", "second" },
        { "in any case", NULL, "ME@WORK.example", "work" },
        { "an address of send_as", NULL, "boss@other.example", "home" },
        { "a pattern of send_as", NULL, "any@club.example", "home" },
        { "the domain only: the default goes first", NULL, "x@home.example", "home" },
        { "another's domain", NULL, "x@work.example", "work" },
        { "a stranger: the default", NULL, "x@nowhere.example", "home" },
        { "a longer domain is another", NULL, "x@very.work.example", "home" },
        { "a bare name: the default", NULL, "root", "home" },
    };

    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct err err;
    scratch_file(dir, "outpost.conf", two_accounts, 0644);
    OWN(config) config = load(&place, &err);
    assert_non_null(config);
    for (size_t i = 0; i < COUNT(rows); i++) {
        const struct account *account = NULL;
        bool ok = config_choose(config, rows[i].name, span_of(rows[i].sender), &account, &err);
        check_row(rows[i].label, ok == (rows[i].want != NULL));
        if (ok)
            check_row(rows[i].label, strcmp(account->name, rows[i].want) == 0);
        else
            check_row(rows[i].label, strstr(err.text, "did you mean \"work\"") &&
                                         strcmp(err.fact, "config:no-account") == 0);
    }
}

static void test_choose_without_a_default(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    const struct account *account = NULL;
    struct err err;

    scratch_file(dir, "outpost.conf", "[account a]\naddress=a@a.example\n", 0644);
    OWN(config) one = load(&place, &err);
    assert_true(config_choose(one, NULL, SPAN("x@y.example"), &account, &err));
    assert_string_equal(account->name, "a");

    scratch_file(dir, "outpost.conf", "[account a]\naddress=a@a.example\n[account b]\naddress=b@b.example\n",
                 0644);
    OWN(config) two = load(&place, &err);
    assert_true(config_choose(two, NULL, SPAN("x@b.example"), &account, &err));
    assert_false(config_choose(two, NULL, SPAN("x@y.example"), &account, &err));
    assert_string_equal(err.fact, "config:no-account");
}

static struct account *account_like_setup(void)
{
    struct account *account = NULL;
    struct err err;

    assert_true(account_new(SPAN("live"), &account, &err));
    assert_true(account_set(account, "address", SPAN("me@live.com"), &err));
    assert_true(account_set(account, "name", SPAN("  \"My\" # Name "), &err));
    assert_true(account_set(account, "server", SPAN("smtp-mail.outlook.com:587"), &err));
    assert_true(account_set(account, "limit.message_size", SPAN("35M"), &err));
    assert_true(account_set(account, "secret", SPAN("command:pass show \"a b\" # c"), &err));
    return account;
}

static void test_write_and_read_again(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    OWN(account) account = account_like_setup();
    struct err err;
    struct stat st;

    assert_true(config_write_account(&place, &disk_system, account, &err));
    assert_true(config_set_default(&place, &disk_system, "live", &err));
    assert_int_equal(stat(scratch_path(dir, "outpost.conf.d/live.conf"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(scratch_count(scratch_root(dir)), 1); /* the person's own file is not ours to make */

    OWN(config) config = load(&place, &err);
    assert_non_null(config);
    const struct account *back = config_default(config);
    assert_string_equal(back->name, "live");
    assert_string_equal(back->person, account->person);
    assert_string_equal(back->secret, account->secret);
    assert_string_equal(back->server.name, "smtp-mail.outlook.com");
    assert_int_equal(back->limits.message_size, 35 * 1024 * 1024);

    assert_true(config_remove_account(&place, &disk_system, config, "live", &err));
    assert_int_equal(scratch_count(place.drop_in), 0);
    OWN(config) empty = load(&place, &err);
    assert_int_equal(empty->account_count, 0);
}

/* The daemon, which is not root there, must be able to read what root wrote. */
static void test_write_for_the_system(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip(); /* only root may give a file to a group */
    SCRATCH(dir);
    struct place place = place_in(dir);
    OWN(account) account = account_like_setup();
    struct err err;
    struct stat st;
    mode_t before = umask(077);

    place.scope = PLACE_SYSTEM;
    bool ok = config_write_account(&place, &disk_system, account, &err);
    umask(before);
    assert_true(ok);
    assert_int_equal(stat(scratch_path(dir, "outpost.conf.d/live.conf"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(stat(place.drop_in, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
}

static void test_remove_only_what_is_ours(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    OWN(account) account = account_like_setup();
    struct err err;

    scratch_file(dir, "outpost.conf", "[account live]\nname = Mine\n", 0600);
    assert_true(config_write_account(&place, &disk_system, account, &err));
    OWN(config) config = load(&place, &err);
    assert_true(config_remove_account(&place, &disk_system, config, "live", &err)); /* ours won */

    scratch_file(dir, "outpost.conf", "[outpost]\ndefault = live\n[account live]\nca_file = /x\n", 0600);
    assert_true(config_write_account(&place, &disk_system, account, &err));
    OWN(config) mixed = load(&place, &err);
    assert_false(config_remove_account(&place, &disk_system, mixed, "live", &err));
    assert_non_null(strstr(err.text, "outpost.conf, line 4"));
    assert_int_equal(scratch_count(place.drop_in), 1);
    assert_false(config_remove_account(&place, &disk_system, mixed, "other", &err));

    scratch_file(dir, "outpost.conf", "[outpost]\ndefault = live\n", 0600);
    OWN(config) named = load(&place, &err);
    assert_false(config_remove_account(&place, &disk_system, named, "live", &err));
    assert_non_null(strstr(err.text, "the default"));
    assert_int_equal(scratch_count(place.drop_in), 1);
}

/* Filled from what is known of their names alone. */
static void test_fill(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct err err;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);
    struct span names[3 * CONFIG_NAMES];
    OWN(knowledge) few = NULL;

    scratch_file(dir, "outpost.conf",
                 "[account one]\naddress = me@gmail.com\n"
                 "[account two]\naddress = me@example.org\nserver = SMTP.fastmail.com:465\n"
                 "[account three]\naddress = me@example.com\nprovider = posteo\n",
                 0600);
    OWN(config) config = load(&place, &err);
    assert_non_null(config);
    assert_null(config->accounts[0]->server.name);
    config_names(config, names);
    assert_true(know_new_few(texts, count, know_embedded_index(), names, COUNT(names), &few, &err));
    assert_true(config_fill(config, few, &err));
    assert_string_equal(config->accounts[0]->server.name, "smtp.gmail.com");
    assert_string_equal(config->accounts[1]->provider, "fastmail");
    assert_string_equal(config->accounts[2]->server.name, "posteo.de");

    scratch_file(dir, "outpost.conf", "[account one]\naddress = me@gmail.com\nprovider = gmial\n", 0600);
    OWN(config) mistyped = load(&place, &err);
    assert_false(config_fill(mistyped, few, &err));
    assert_non_null(strstr(err.text, "outpost.conf:3: "));
}

/* Let the 1st thing fail, then the 2nd, ... while an account is written over another. */
static void test_torture(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        struct err err = { 0 };
        const struct place place = place_in(dir);
        OWN(account) account = account_like_setup();

        assert_int_equal(mkdir(place.drop_in, 0700), 0);
        scratch_file(dir, "outpost.conf.d/live.conf", "[account live]\naddress = old@live.com\n", 0600);
        world_begin(&world, n);
        bool ok = config_write_account(&place, &world.disk, account, &err);
        bool failed = world_end(&world);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        assert_int_equal(scratch_count(place.drop_in), 1);

        struct config *config = NULL;
        assert_true(config_load(&place, &disk_system, NULL, &config, &err));
        assert_true(strcmp(config->accounts[0]->address, "me@live.com") == 0 ||
                    (!ok && strcmp(config->accounts[0]->address, "old@live.com") == 0));
        config_free(config);

        world_begin(&world, n);
        config = NULL;
        ok = config_load(&place, &world.disk, NULL, &config, &err);
        bool load_failed = world_end(&world);
        config_free(config);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(ok || load_failed);
        if (!failed && !load_failed)
            break;
    }
}

static void test_names(void **state)
{
    static const struct {
        const char *name;
        bool ok;
    } rows[] = {
        { "live", true }, { "me@live.com", true }, { "a-b_c.d+1", true }, { "", false }, { ".", false },
        { "..", false },  { "-x", false },         { "a/b", false },      { "a b", false }, { "ä", false },
        { "_default", false },
        { "0123456789012345678901234567890123456789012345678901234567890123", true },
        { "01234567890123456789012345678901234567890123456789012345678901234", false },
    };
    static const struct {
        const char *address, *name;
    } made[] = {
        { "me@live.com", "live" },      { "me@example.co.uk", "example" }, { "me@mail.example.org", "example" },
        { "me@localhost", "localhost" }, { "me@[127.0.0.1]", "account" },   { "me@", "account" },
        { "Me@GMX.net", "gmx" },         { "me@web.de", "web" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++)
        check_row(rows[i].name, account_name_check(span_of(rows[i].name), NULL) == rows[i].ok);
    for (size_t i = 0; i < COUNT(made); i++) {
        char *name = account_name_from(span_of(made[i].address));
        check_bytes(made[i].address, span_of(name), span_of(made[i].name));
        mem_free(name);
    }
}

/* -- sections of other rooms -- */

struct printer {
    const char *name;
    char *paper;
    uint64_t trays;
    struct setting_origin origins[2];
};

static const struct setting printer_settings[] = {
    { .key = "paper", .type = SETTING_TEXT, .offset = offsetof(struct printer, paper), .fallback = "A4" },
    { .key = "trays", .type = SETTING_NUMBER, .offset = offsetof(struct printer, trays), .most = 9 },
};
static const struct setting_kind printer_kind = { "printer", true, printer_settings, 2, "a printer" };
static const struct setting_kind office_kind = { "office", false, printer_settings, 2, "the office" };

static bool printer_check(const void *section, const struct config *config, struct err *err)
{
    const struct printer *printer = section;

    return printer->trays != 7 || !config->account_count ||
           setting_wrong(&printer_kind, printer->origins, printer->name, "trays", err, "seven is unlucky");
}

static const struct config_part printer_part = {
    .kind = &printer_kind, .size = sizeof(struct printer), .origins = offsetof(struct printer, origins),
    .name = offsetof(struct printer, name), .check = printer_check,
};
static const struct config_part office_part = {
    .kind = &office_kind, .size = sizeof(struct printer), .origins = offsetof(struct printer, origins),
};
static const struct config_part *const parts[] = { &printer_part, &office_part, NULL };

static struct config *load_parts(const struct place *place, struct err *err)
{
    const struct knowledge_text little = { "little.ini", SPAN("[provider little]\nname = Little\n") };
    OWN(knowledge) know = NULL;
    OWN(config) config = NULL;

    *err = (struct err){ 0 };
    assert_true(know_new(&little, 1, &know, err));
    return config_load(place, &disk_system, parts, &config, err) && config_fill(config, know, err)
               ? GIVE(config)
               : NULL;
}

static void test_parts(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct err err;

    scratch_file(dir, "outpost.conf", "[printer hp]\ntrays = 2\n[printer old]\n", 0644);
    assert_int_equal(mkdir(place.drop_in, 0700), 0);
    scratch_file(dir, "outpost.conf.d/a.conf", "[printer hp]\npaper = Letter\n", 0600);
    OWN(config) config = load_parts(&place, &err);
    assert_non_null(config);
    const struct printer *hp = config_section(config, &printer_part, "hp");
    assert_string_equal(hp->name, "hp");
    assert_string_equal(hp->paper, "Letter");
    assert_int_equal(hp->trays, 2);
    assert_string_equal(hp->origins[0].from, scratch_path(dir, "outpost.conf.d/a.conf"));
    const struct printer *office = config_section(config, &office_part, NULL);
    assert_string_equal(office->paper, "A4"); /* though nobody wrote it */
    assert_true(office->origins[0].filled);
    assert_null(config_section(config, &printer_part, "hq"));
    size_t at = 0, views = 0;
    assert_ptr_equal(config_next(config, &printer_part, &at), hp);
    assert_string_equal(((const struct printer *)config_next(config, &printer_part, &at))->name, "old");
    assert_null(config_next(config, &printer_part, &at));
    static const char *const kinds[] = { "outpost", "printer", "printer", "office" };
    for (struct config_view view; config_view(config, views, &view); views++)
        assert_string_equal(view.kind->kind, kinds[views]);
    assert_int_equal(views, COUNT(kinds));
}

/* -- sections that stand where mail names an account -- */

struct group {
    const char *name;
    struct setting_list accounts;
    struct setting_origin origins[1];
};

static const struct setting group_settings[] = {
    { .key = "accounts", .type = SETTING_LIST, .offset = offsetof(struct group, accounts) },
};
static const struct setting_kind group_kind = { "group", true, group_settings, 1, "accounts" };

static const struct setting_list *group_accounts(const void *section)
{
    return &((const struct group *)section)->accounts;
}

static void test_choose_a_lane(void **state)
{
    static const struct config_part group_part = {
        .kind = &group_kind, .size = sizeof(struct group), .origins = offsetof(struct group, origins),
        .name = offsetof(struct group, name), .accounts = group_accounts,
    };
    static const struct config_part *const groups[] = { &group_part, NULL };
    static const char accounts[] = "[account a]\naddress = a@a.example\n[account b]\naddress = b@b.example\n"
                                   "[group both]\naccounts = b, a\n";
    static const struct {
        const char *label, *top, *name, *sender;
        const char *lane, *account; /* NULL: refused */
    } rows[] = {
        { "by a route's name", "", "both", NULL, "both", "b" },
        { "by a route's name, whoever sends", "", "both", "a@a.example", "both", "b" },
        { "by an account's name", "", "a", "b@b.example", "a", "a" },
        { "a name that is not there", "", "bath", NULL, NULL, NULL },
        { "by sender", "", NULL, "b@b.example", "b", "b" },
        { "nothing decides", "", NULL, "x@x.example", NULL, NULL },
        { "a route is the default", "[outpost]\ndefault = both\n", NULL, NULL, "both", "b" },
        { "and its usual account's sender goes by it", "[outpost]\ndefault = both\n", NULL, "b@b.example", "both", "b" },
        { "another's does not", "[outpost]\ndefault = both\n", NULL, "a@a.example", "a", "a" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        HELD(buf) text = BUF(1000);
        const struct place place = place_in(dir);
        struct err err = { 0 };
        const struct account *account;
        OWN(config) config = NULL;
        struct config_lane lane;

        buf_addf(&text, "%s%s", rows[i].top, accounts);
        scratch_file(dir, "outpost.conf", buf_text(&text), 0644);
        assert_true(config_load(&place, &disk_system, groups, &config, &err));
        bool ok = config_choose_lane(config, rows[i].name, span_of(rows[i].sender), &lane, &err);
        check_row(rows[i].label, ok == (rows[i].lane != NULL));
        check_row(rows[i].label, ok ? strcmp(lane.name, rows[i].lane) == 0 && strcmp(lane.account->name, rows[i].account) == 0
                                    : strcmp(err.fact, "config:no-account") == 0);
        assert_true(config_has_lane(config, "both") && config_has_lane(config, "a") && !config_has_lane(config, "bath"));
        assert_false(config_choose(config, "both", SPAN_NONE, &account, &err));
        assert_non_null(strstr(err.text, "both is a route"));
    }
}

static void test_parts_refused(void **state)
{
    static const struct {
        const char *label, *text, *want;
    } rows[] = {
        { "an unknown key", "[printer a]\ntray = 1\n", ":2: no such key: \"tray\" (did you mean \"trays\"?)" },
        { "a bad value", "[printer a]\ntrays = 10\n", ":2: trays: the number is out of range" },
        { "a bad name", "[printer a/b]\n", ":1: printer: a name has letters" },
        { "a name where none may be", "[office a]\n", ":1: [office]: this section takes no name" },
        { "a section unknown without the part", "[printr a]\n", "(did you mean \"printer\"?)" },
        { "what does not agree", "[account a]\naddress = a@b.example\nserver = a.example:25\n"
          "[printer a]\npaper = A3\ntrays = 7\n", "outpost.conf:6: trays: seven is unlucky" },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        SCRATCH(dir);
        const struct place place = place_in(dir);
        struct err err;
        scratch_file(dir, "outpost.conf", rows[i].text, 0600);
        check_row(rows[i].label, !load_parts(&place, &err));
        if (!strstr(err.text, rows[i].want) || err.kind != ERR_CONFIG)
            fail_msg("case \"%s\": %s", rows[i].label, err.text);
    }
}

static void test_write_and_remove_a_section(void **state)
{
    (void)state;
    SCRATCH(dir);
    const struct place place = place_in(dir);
    struct printer printer = { .paper = (char *)(uintptr_t)"A # 3", .trays = 4,
                               .origins = { { .from = "the command line" }, { .from = "x", .filled = true } } };
    struct err err;
    struct stat st;

    assert_true(config_write_section(&place, &disk_system, &printer_part, "hp", &printer, &err));
    assert_int_equal(stat(scratch_path(dir, "outpost.conf.d/_printer_hp.conf"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    OWN(config) config = load_parts(&place, &err);
    const struct printer *back = config_section(config, &printer_part, "hp");
    assert_string_equal(back->paper, "A # 3");
    assert_int_equal(back->trays, 0); /* it was filled in, and is not written */

    assert_false(config_remove_section(&place, &disk_system, config, &printer_part, "hq", &err));
    assert_non_null(strstr(err.text, "there is no [printer hq] (did you mean \"hp\"?)"));
    assert_true(config_remove_section(&place, &disk_system, config, &printer_part, "hp", &err));
    assert_int_equal(scratch_count(place.drop_in), 0);

    scratch_file(dir, "outpost.conf", "[printer hp]\ntrays = 2\n", 0644);
    assert_true(config_write_section(&place, &disk_system, &printer_part, "hp", &printer, &err));
    OWN(config) mixed = load_parts(&place, &err);
    assert_false(config_remove_section(&place, &disk_system, mixed, &printer_part, "hp", &err));
    assert_non_null(strstr(err.text, "outpost.conf, line 2"));
    assert_int_equal(scratch_count(place.drop_in), 1);
    assert_false(config_write_section(&place, &disk_system, &printer_part, "../x", &printer, &err));
    printer.paper = (char *)(uintptr_t)"A\n4";
    assert_false(config_write_section(&place, &disk_system, &printer_part, "hp", &printer, &err));
    assert_non_null(strstr(err.text, "no file can hold"));
}

static void test_parts_torture(void **state)
{
    (void)state;
    for (unsigned n = 1;; n++) {
        SCRATCH(dir);
        struct world world;
        struct config *config = NULL;
        struct err err = { 0 };
        const struct place place = place_in(dir);

        scratch_file(dir, "outpost.conf", "[printer hp]\ntrays = 2\n[office]\n[printer b]\n", 0644);
        world_begin(&world, n);
        bool ok = config_load(&place, &world.disk, parts, &config, &err);
        bool failed = world_end(&world);
        config_free(config);
        assert_int_equal(world_leaks(&world), 0);
        assert_true(ok || (failed && err.kind != ERR_NONE));
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_there),
        cmocka_unit_test(test_main_and_drop_ins),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_unreadable),
        cmocka_unit_test(test_a_name_that_speaks_to_the_terminal),
        cmocka_unit_test(test_choose),
        cmocka_unit_test(test_choose_without_a_default),
        cmocka_unit_test(test_write_and_read_again),
        cmocka_unit_test(test_write_for_the_system),
        cmocka_unit_test(test_remove_only_what_is_ours),
        cmocka_unit_test(test_fill),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_choose_a_lane),
        cmocka_unit_test(test_parts_refused),
        cmocka_unit_test(test_write_and_remove_a_section),
        cmocka_unit_test(test_parts_torture),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
