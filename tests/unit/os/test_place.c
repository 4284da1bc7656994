#include "support/check.h"

#include "os/place.h"
#include "support/world.h"

/* The process that asks, as a row of the table tells it. */
struct asker {
    struct place_asker asker;
    const char *const *variables; /* "NAME=value" */
    const char *exists, *owns;    /* one path each */
    const char *passwd_home;
};

static const char in_vain[] = "passwd must not be asked for it";

static const char *home(const struct place_asker *of)
{
    const char *passwd_home = ((const struct asker *)of)->passwd_home;

    assert_ptr_not_equal(passwd_home, in_vain);
    return passwd_home;
}

static const char *variable(const struct place_asker *of, const char *name)
{
    const struct asker *asker = (const struct asker *)of;
    size_t len = strlen(name);

    for (const char *const *at = asker->variables; at && *at; at++)
        if (strncmp(*at, name, len) == 0 && (*at)[len] == '=')
            return *at + len + 1;
    return NULL;
}

static bool exists(const struct place_asker *of, const char *path)
{
    const struct asker *asker = (const struct asker *)of;
    return asker->exists && strcmp(asker->exists, path) == 0;
}

static bool owns(const struct place_asker *of, const char *path)
{
    const struct asker *asker = (const struct asker *)of;
    return asker->owns && strcmp(asker->owns, path) == 0;
}

#define VARIABLES(...) (const char *const[]){ __VA_ARGS__, NULL }

static const struct row {
    const char *label;
    uid_t uid;
    const char *passwd_home;
    struct place_wish wish;
    const char *const *variables;
    const char *exists, *owns;
    const char *scope, *config, *state, *providers; /* the second directory of profiles */
} rows[] = {
    { .label = "a user's own home", .uid = 1000, .passwd_home = in_vain,
      .variables = VARIABLES("HOME=/home/me"), .owns = "/home/me", .scope = "user",
      .config = "/home/me/.config/outpost/outpost.conf", .state = "/home/me/.local/state/outpost",
      .providers = "/home/me/.config/outpost/providers" },
    { .label = "$HOME is another's, as under cron", .uid = 1000, .passwd_home = "/home/me",
      .variables = VARIABLES("HOME=/root"), .owns = "/home/me", .scope = "user",
      .config = "/home/me/.config/outpost/outpost.conf", .state = "/home/me/.local/state/outpost" },
    { .label = "$HOME elsewhere, but the uid's", .uid = 1000, .passwd_home = in_vain,
      .variables = VARIABLES("HOME=/srv/me"), .owns = "/srv/me", .scope = "user",
      .config = "/srv/me/.config/outpost/outpost.conf", .state = "/srv/me/.local/state/outpost" },
    { .label = "XDG variables", .uid = 1000, .passwd_home = in_vain,
      .variables = VARIABLES("XDG_CONFIG_HOME=/c", "XDG_STATE_HOME=/s"), .scope = "user",
      .config = "/c/outpost/outpost.conf", .state = "/s/outpost" },
    { .label = "relative XDG variables are ignored", .uid = 1000, .passwd_home = "/home/me",
      .variables = VARIABLES("XDG_CONFIG_HOME=c"), .scope = "user",
      .config = "/home/me/.config/outpost/outpost.conf", .state = "/home/me/.local/state/outpost" },
    { .label = "root means system", .uid = 0, .passwd_home = in_vain, .scope = "system",
      .config = "/etc/outpost/outpost.conf", .state = "/var/lib/outpost" },
    { .label = "root as a user", .uid = 0, .passwd_home = "/root", .wish = { .user_scope = true },
      .scope = "user", .config = "/root/.config/outpost/outpost.conf",
      .state = "/root/.local/state/outpost" },
    { .label = "a user asks for the system", .uid = 1000, .passwd_home = in_vain,
      .wish = { .system_scope = true }, .scope = "system", .config = "/etc/outpost/outpost.conf",
      .state = "/var/lib/outpost" },
    { .label = "no configuration, but the system's socket", .uid = 1000, .passwd_home = "/home/me",
      .exists = "/run/outpost/submit", .scope = "system", .config = "/etc/outpost/outpost.conf",
      .state = "/var/lib/outpost" },
    { .label = "no configuration, but the system's, whose daemon is away", .uid = 1000, .passwd_home = "/home/me",
      .exists = "/etc/outpost/outpost.conf", .scope = "system", .config = "/etc/outpost/outpost.conf",
      .state = "/var/lib/outpost" },
    { .label = "the system's is only what outpost wrote", .uid = 1000, .passwd_home = "/home/me",
      .exists = "/etc/outpost/outpost.conf.d", .scope = "system", .config = "/etc/outpost/outpost.conf",
      .state = "/var/lib/outpost" },
    { .label = "a configuration of one's own begins beside the system's", .uid = 1000, .passwd_home = "/home/me",
      .wish = { .begins = true }, .exists = "/etc/outpost/outpost.conf", .scope = "user",
      .config = "/home/me/.config/outpost/outpost.conf", .state = "/home/me/.local/state/outpost" },
    { .label = "own configuration is only what outpost wrote", .uid = 1000, .passwd_home = "/home/me",
      .exists = "/home/me/.config/outpost/outpost.conf.d", .scope = "user",
      .config = "/home/me/.config/outpost/outpost.conf", .state = "/home/me/.local/state/outpost" },
    { .label = "--config", .uid = 0, .passwd_home = in_vain, .wish = { .config = "/x/my.conf" },
      .scope = "given", .config = "/x/my.conf", .state = "/x/state", .providers = "/x/providers" },
    { .label = "--config in this directory", .uid = 0, .wish = { .config = "my.conf" }, .scope = "given",
      .config = "my.conf", .state = "./state" },
    { .label = "$OUTPOST_CONFIG and $OUTPOST_STATE", .uid = 1000,
      .variables = VARIABLES("OUTPOST_CONFIG=/x/my.conf", "OUTPOST_STATE=/y"), .scope = "given",
      .config = "/x/my.conf", .state = "/y" },
    { .label = "--config goes before $OUTPOST_CONFIG", .uid = 1000, .wish = { .config = "/z/a" },
      .variables = VARIABLES("OUTPOST_CONFIG=/x/my.conf"), .scope = "given", .config = "/z/a",
      .state = "/z/state" },
    { .label = "--system goes before $OUTPOST_CONFIG", .uid = 1000, .wish = { .system_scope = true },
      .variables = VARIABLES("OUTPOST_CONFIG=/x/my.conf"), .scope = "system",
      .config = "/etc/outpost/outpost.conf", .state = "/var/lib/outpost" },
    { .label = "--state", .uid = 1000, .passwd_home = "/home/me", .wish = { .state = "/s" },
      .scope = "user", .config = "/home/me/.config/outpost/outpost.conf", .state = "/s" },
};

static bool find(const struct row *row, struct place **ret_place, struct err *err)
{
    const struct asker asker = {
        { row->uid, home, variable, exists, owns }, row->variables, row->exists, row->owns,
        row->passwd_home,
    };

    return place_find(&row->wish, &asker.asker, ret_place, err);
}

static void test_found(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(place) place = NULL;
        struct err err = { 0 };
        check_row(rows[i].label, find(&rows[i], &place, &err));
        check_bytes(rows[i].label, span_of(place_scope_word(place->scope)), span_of(rows[i].scope));
        check_bytes(rows[i].label, span_of(place->config), span_of(rows[i].config));
        check_bytes(rows[i].label, span_of(place->state), span_of(rows[i].state));
        check_bytes(rows[i].label, span_of(place->providers[0]), SPAN("/etc/outpost/providers"));
        if (rows[i].providers)
            check_bytes(rows[i].label, span_of(place->providers[1]), span_of(rows[i].providers));
        check_row(rows[i].label, span_starts(span_of(place->drop_in), rows[i].config));
        check_row(rows[i].label, strcmp(place->drop_in + strlen(rows[i].config), ".d") == 0);
    }
}

static void test_refused(void **state)
{
    (void)state;
    OWN(place) place = NULL;
    struct err err = { 0 };
    const struct row both = { .uid = 1, .wish = { .user_scope = true, .system_scope = true } };
    const struct row homeless = { .uid = 65534 };

    assert_false(find(&both, &place, &err));
    assert_int_equal(err.kind, ERR_USAGE);
    assert_false(find(&homeless, &place, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
    assert_null(place);
}

static void test_torture(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        for (unsigned n = 1;; n++) {
            struct place *place = NULL;
            struct err err = { 0 };
            struct world world;

            world_begin(&world, n);
            bool ok = find(&rows[i], &place, &err);
            bool failed = world_end(&world);
            check_row(rows[i].label, ok == !err.kind);
            place_free(place);
            assert_int_equal(world_leaks(&world), 0);
            if (!failed)
                break;
        }
    }
}

static void test_this_process(void **state)
{
    (void)state;
    const struct place_asker asker = place_asker();

    assert_true(asker.exists(&asker, "/"));
    assert_false(asker.exists(&asker, "/no/such/thing"));
    assert_true(!asker.home(&asker) || asker.home(&asker)[0] == '/');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_torture),
        cmocka_unit_test(test_this_process),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
