#include "support/check.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "intake/local.h"
#include "support/alloc_fails.h"
#include "support/scratch.h"
#include "support/world.h"

static const struct alias_asker asker = { "web1.example", "admin@example.org" };
static const struct alias_asker nobody = { "web1.example", NULL };

static struct aliases *parse(const char *text)
{
    struct aliases *aliases = NULL;
    struct err err = { 0 };

    if (!aliases_parse(span_of(text), &aliases, &err))
        fail_msg("%s", err.text);
    return aliases;
}

/* Whom a name leads to: addresses with blanks between, or "! " and why. */
static const struct {
    const char *label, *text, *name, *want;
} rows[] = {
    { "an alias", "root: me@example.org\n", "root", "me@example.org" },
    { "no line end", "root: me@example.org", "root", "me@example.org" },
    { "CR LF", "root: me@example.org\r\n", "root", "me@example.org" },
    { "any case", "Root: me@example.org\n", "ROOT", "me@example.org" },
    { "two", "root: me@example.org, you@example.net\n", "root", "me@example.org you@example.net" },
    { "over lines", "root: me@example.org,\n  you@example.net,\n\tx@example.net\n", "root",
      "me@example.org you@example.net x@example.net" },
    { "over lines and comments", "root: me@example.org\n# no\n\n   # nor this\n you@example.net\n", "root",
      "me@example.org you@example.net" },
    { "blanks around", "  \nroot   :   me@example.org  ,  \n", "root", "me@example.org" },
    { "no blank", "root:me@example.org,you@example.net\n", "root", "me@example.org you@example.net" },
    { "through others", "root: ops\nops: staff, me@example.org\nstaff: you@example.net\n", "root",
      "me@example.org you@example.net" },
    { "a quoted name", "\"odd name\": me@example.org\n", "odd name", "me@example.org" },
    { "a quoted address", "root: \"me@example.org\"\n", "root", "me@example.org" },
    { "a quoted local part", "root: \"odd, name\"@example.org\n", "root", "\"odd, name\"@example.org" },
    { "an international domain", "root: me@b\xc3\xbc" "cher.example\n", "root", "me@xn--bcher-kva.example" },

    { "no alias", "root: me@example.org\n", "nobody", "admin@example.org" },
    { "no aliases", "", "root", "admin@example.org" },
    { "a target without an alias", "root: me@example.org, ops\n", "root", "me@example.org admin@example.org" },
    { "two targets without", "root: ops, staff\n", "root", "admin@example.org" },
    { "a local target", "root: ops@localhost\nops: me@example.org\n", "root", "me@example.org" },
    { "a target at this host", "root: ops@web1.example, x@WEB1\nops: me@example.org\n", "root",
      "admin@example.org me@example.org" },
    { "itself: the mailbox", "root: root, me@example.org\n", "root", "admin@example.org me@example.org" },
    { "a backslash: the mailbox", "root: \\ops, me@example.org\nops: you@example.net\n", "root",
      "admin@example.org me@example.org" },

    { "a program", "root: |/bin/cat\n", "root", "! root: line 1 of the aliases: mail is never handed to a program" },
    { "a quoted program", "\n\nroot: \"|/bin/cat -a, b\"\n", "root", "! root: line 3 of the aliases: mail is never handed" },
    { "a file", "a: b@example.org\nroot: /var/mail/root\n", "root", "! root: line 2 of the aliases: mail is never written" },
    { "a list", "root: :include:/etc/list\n", "root", "! root: line 1 of the aliases: a list in another file" },
    { "on a later line", "root: \n\n  |/bin/cat\n", "root", "! root: line 3 of the aliases: mail is never handed" },
    { "a program through another", "root: ops\nops: |/bin/cat\n", "root", "! root: line 2 of the aliases" },
    { "a program beside an address", "root: |/bin/cat, me@example.org\n", "root", "me@example.org" },
    { "what is no address", "root: me@@example.org\n", "root", "! root: line 1 of the aliases: this is no address" },
    { "what is neither", "root: two words\n", "root", "! root: line 1 of the aliases: this is neither" },
    { "a circle", "a: b\nb: c\nc: a\n", "a", "! a: the aliases go in a circle" },
    { "a circle with a way out", "a: b\nb: a, me@example.org\n", "a", "me@example.org" },
    { "an open quote", "root: \"me@example.org\n", "root", "! root: line 1 of the aliases: a quote is not closed" },
    { "leads to nobody", "root:\n", "root", "! root is a name of this machine that has no alias" },
};

static void test_who_gets_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(rows); i++) {
        OWN(aliases) aliases = parse(rows[i].text);
        HELD(alias_found) found = { 0 };
        HELD(buf) got = BUF(4096);
        struct err err = { 0 };

        if (aliases_expand(aliases, &asker, span_of(rows[i].name), &found, &err))
            for (size_t k = 0; k < found.count; k++)
                buf_addf(&got, "%s%s", k ? " " : "", found.at[k]);
        else
            buf_addf(&got, "! %s", err.text);
        bool refused = rows[i].want[0] == '!';
        check_row(rows[i].label, !refused || err.kind == ERR_RECIPIENT);
        check_bytes(rows[i].label, span_cut(buf_span(&got), 0, refused ? strlen(rows[i].want) : got.len),
                    span_of(rows[i].want));
    }
}

static void test_without_an_admin(void **state)
{
    (void)state;
    OWN(aliases) aliases = parse("root: ops, me@example.org\nops: \\staff\n");
    HELD(alias_found) found = { 0 };
    struct err err = { 0 };

    assert_true(aliases_expand(aliases, &nobody, SPAN("root"), &found, &err));
    assert_int_equal(found.count, 1);
    alias_found_done(&found);
    assert_false(aliases_expand(aliases, &nobody, SPAN("ops"), &found, &err));
    assert_int_equal(err.kind, ERR_RECIPIENT);
    assert_non_null(strstr(err.text, "[local] names no admin"));
    assert_false(aliases_expand(aliases, &nobody, SPAN("x\033[2J"), &found, &err));
    assert_null(strchr(err.text, '\033'));
}

static void test_faults(void **state)
{
    static const char text[] = "  goes on with nothing\n"     /* 1 */
                               "no colon\n"                   /* 2 */
                               ": nobody@example.org\n"       /* 3 */
                               "logs: |/usr/bin/logger, me@example.org\n" /* 4 */
                               "  /var/log/mail\n"            /* 5 */
                               "logs: you@example.net\n"      /* 6 */
                               "empty: \n"                    /* 7 */
                               "Bad: :include:/x\n";          /* 8 */
    static const struct {
        unsigned line;
        const char *name, *why;
    } want[] = {
        { 1, "", "goes on with none" },       { 2, "", "this is no alias" },    { 3, "", "this is no alias" },
        { 4, "logs", "to a program" },        { 5, "logs", "to a file" },       { 6, "logs", "the first counts" },
        { 7, "empty", "leads to nobody" },    { 8, "bad", "a list in another" },
    };

    (void)state;
    OWN(aliases) aliases = parse(text);
    assert_int_equal(aliases_count(aliases), 4);
    assert_int_equal(aliases_fault_count(aliases), COUNT(want));
    for (size_t i = 0; i < COUNT(want); i++) {
        const struct alias_fault *fault = aliases_fault(aliases, i);
        check_row(want[i].why, fault->line == want[i].line && strcmp(fault->name, want[i].name) == 0);
        check_row(want[i].why, strstr(fault->why, want[i].why));
    }
    HELD(alias_found) found = { 0 };
    assert_true(aliases_expand(aliases, &asker, SPAN("logs"), &found, NULL));
    assert_int_equal(found.count, 1);
    assert_string_equal(found.at[0], "me@example.org");
}

static void test_local_domains(void **state)
{
    static const struct {
        const char *domain, *host;
        bool local;
    } cases[] = {
        { "localhost", "web1.example", true },  { "LOCALHOST.localdomain", "web1.example", true },
        { "web1.example", "web1.example", true }, { "WEB1", "web1.example", true },
        { "web1.example.org", "web1.example", false }, { "example", "web1.example", false },
        { "web1.exampl", "web1.example", false }, { "", "web1.example", false }, { "web", "web1.example", false },
        { "x", "", false },
    };

    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++)
        check_row(cases[i].domain, aliases_is_local(span_of(cases[i].domain), cases[i].host) == cases[i].local);
}

/* Wide and deep, and never more work than there are aliases. */
static void test_large(void **state)
{
    (void)state;
    HELD(buf) text = BUF(ALIASES_TEXT_MAX);
    HELD(alias_found) found = { 0 };
    struct err err = { 0 };

    for (unsigned i = 0; i < 20000; i++)
        buf_addf(&text, "a%u: a%u, a%u, u%u@example.org\n", i, (i + 1) % 20000, i / 2, i % 5000);
    OWN(aliases) deep = parse(buf_text(&text));
    assert_false(aliases_expand(deep, &asker, SPAN("a0"), &found, &err));
    assert_string_equal(err.fact, "recipients:too-many");
    assert_int_equal(found.count, 0);

    buf_clear(&text);
    for (unsigned i = 0; i < ALIASES_MAX + 1; i++)
        buf_addf(&text, "b%u:\n", i);
    struct aliases *none = NULL;
    assert_false(aliases_parse(buf_span(&text), &none, &err));
    assert_int_equal(err.kind, ERR_LIMIT);
}

static void test_the_file(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct local_settings local = { .aliases = (char *)(uintptr_t)scratch_path(dir, "aliases") };
    struct err err = { 0 };
    OWN(aliases) none = NULL;
    OWN(aliases) some = NULL;
    struct aliases *open = NULL;

    assert_true(local_aliases(&local, &disk_system, &none, &err));
    assert_int_equal(aliases_count(none), 0);
    scratch_file(dir, "aliases", "root: me@example.org\n", 0644);
    assert_true(local_aliases(&local, &disk_system, &some, &err));
    assert_int_equal(aliases_count(some), 1);
    scratch_file(dir, "aliases", "root: me@example.org\n", 0666);
    assert_false(local_aliases(&local, &disk_system, &open, &err));
    assert_int_equal(err.kind, ERR_CONFIG);
}

static void test_everything_fails_once(void **state)
{
    (void)state;
    SCRATCH(dir);
    struct local_settings local = { .aliases = (char *)(uintptr_t)scratch_path(dir, "aliases") };

    scratch_file(dir, "aliases", "root: ops, me@example.org, |x\nops: root, you@example.net\nbad\n", 0644);
    for (unsigned n = 1;; n++) {
        struct world world;
        struct err err = { 0 };
        struct aliases *aliases = NULL;
        struct alias_found found = { 0 };

        world_begin(&world, n);
        bool ok = local_aliases(&local, &world.disk, &aliases, &err) &&
                  aliases_expand(aliases, &asker, SPAN("root"), &found, &err);
        bool failed = world_end(&world);
        assert_true(ok ? found.count == 2 : failed && err.kind != ERR_NONE);
        alias_found_done(&found);
        aliases_free(aliases);
        assert_int_equal(world_leaks(&world), 0);
        if (!failed)
            break;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_gets_it),
        cmocka_unit_test(test_without_an_admin),
        cmocka_unit_test(test_faults),
        cmocka_unit_test(test_local_domains),
        cmocka_unit_test(test_large),
        cmocka_unit_test(test_the_file),
        cmocka_unit_test(test_everything_fails_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
