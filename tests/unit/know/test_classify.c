/* How a verdict is found, shown with a small knowledge of its own. */
#include "support/check.h"

#include "know/classify.h"
#include "know/knowledge_int.h"
#include "support/alloc_fails.h"

#define CAUSE(id, scope, retry)                                                                  \
    "[cause " id "]\ntitle = t\nmeaning = m\nfix = f\nwho = w\ntakes = x\nscope = " scope          \
    "\nretry = " retry "\ngroup = g\n"

static const struct knowledge_text texts[] = {
    { "causes.ini",
      SPAN_INIT(CAUSE("one", "account", "after-fix") CAUSE("two", "message", "never")
                    CAUSE("three", "connection", "later") CAUSE("four", "recipient", "never")) },
    { "family.ini", SPAN_INIT("[family big]\nmarker = bigmail\n[rule f]\ncause = two\ntext = no such thing\n"
                              "[rule exact]\ncause = four\ncode = 550\nenhanced = 5.4.5\ntext = daily amount used\n"
                              "scope = account\nretry = later\nwait = 24h\nalso = one three\n") },
    { "own.ini", SPAN_INIT("[provider own.example]\nfamily = big\ndomains = own.example\n"
                           "server = smtp.own.example:587 starttls\n"
                           "[rule p]\ncause = one\ntext = thing\ncode = 550\n"
                           "[rule code]\ncause = three\ncode = 550\nenhanced = 5.7.30\n"
                           "[rule shy]\nown = yes\ncause = four\ntext = temporary trouble\n"
                           "[rule bearer]\ncause = three\nmechanism = XOAUTH2\ncode = 535\n") },
    { "other.ini", SPAN_INIT("[provider other.example]\nserver = mail.other.example:465 tls\n"
                             "[rule dkim]\ncause = two\ncode = 550\nenhanced = 5.7.30\ntext = signature is missing\n"
                             "[rule coded]\ncause = four\ncode = 535\ntext = no entry for you\n"
                             "[rule tie]\ncause = two\ntext = everybody says this\n") },
    { "generic.ini",
      SPAN_INIT("[provider generic]\nkind = generic\nserver = localhost:587 starttls\n"
                "[rule tie]\ncause = one\ntext = everybody says this\n"
                "[rule weak]\nweak = yes\ncause = three\ntext = a very long and weak text of words\n"
                "[rule strong]\ncause = one\ntext = long and weak\n"
                "[rule fact]\ncause = three\nfact = tls:weak-dh tls:closed\ntext = dh key too small\n"
                "[rule found]\ncause = four\nfact = tls:closed\nfound = a:b c:d\n"
                "[rule bad-password]\ncause = one\ncode = 535\n"
                "[rule unauthenticated]\ncause = two\ncode = 530\ntext = not signed in\n"
                "[rule trouble]\ncause = three\ntext = temporary trouble\n"
                "[rule uncoded]\ncause = one\ntext = no entry for you: the library is missing\n"
                "[rule number]\ncause = two\ntext = code 5.7.1\n"
                "[rule clear]\ncause = two\nfact = tls:plaintext\ncode = 2xx\n"
                "[rule turned-away]\ncause = one\nstage = greeting\ncode = 421\nenhanced = 4.7.0\n"
                "[rule full]\ncause = three\nstage = greeting\ntext = no more guests\n"
                "[rule kind]\nweak = yes\ncause = four\nfact = kind:usage kind:memory\n"
                "[rule speaks]\ncause = three\nnear = parcel|box big|=too heavy|weight\nscope = account\n"
                "[rule speaks-less]\ncause = four\nnear = parcel heavy\n"
                "[rule speaks-elsewhere]\ncause = two\nnear = \xe5\x8c\x85|\xec\x86\x8c\xed\x8f\xac \xe9\x87\x8d|\xeb\xac\xb4\xea\xb1\xb0\n"
                "[rule speaks-french]\ncause = one\nnear = paquet annonc\n"
                "[rule strict]\nstrict = yes\ncause = two\nfact = d:e\ntext = gone fishing\nstage = mail\ncode = 4xx\n"
                "[rule framed]\nweak = yes\ncause = one\nframe = the carrier refused\n"
                "[rule guess]\nguess = yes\ncause = two\nalso = one\ncode = 5xx\nstage = rcpt end\n") },
};

static struct knowledge *know;

static int load(void **state)
{
    (void)state;
    struct err err = { 0 };
    if (know_new(texts, COUNT(texts), &know, &err))
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int unload(void **state)
{
    (void)state;
    knowledge_free(know);
    return 0;
}

static const char *const found_one[] = { "a:b", NULL };
static const char *const found_both[] = { "c:d", "x:y", "a:b", NULL };

static const struct {
    const char *label;
    struct evidence evidence;
    const char *rule, *owner; /* NULL: nothing is known */
} cases[] = {
    { "the provider's before its family's",
      { .provider = "own.example", .err = { .reply = 550, .said = "no such thing" } }, "p", "own.example" },
    { "the family's before the generic",
      { .provider = "own.example", .err = { .said = "no such thing" } }, "f", "big" },
    { "a family by its name", { .provider = "big", .err = { .said = "no such thing" } }, "f", "big" },
    { "the provider by its host",
      { .host = "smtp.own.example", .err = { .reply = 550, .enhanced = { 5, 7, 30 } } }, "code",
      "own.example" },
    { "another provider's is none of ours",
      { .provider = "own.example", .err = { .said = "signature is missing" } }, NULL, NULL },
    { "unknown provider, known words", { .err = { .said = "no such thing" } }, "f", "big" },
    { "unknown provider, a tie is the generic rule's", { .err = { .said = "Everybody says this!" } },
      "tie", "generic" },
    { "unknown provider, a code alone proves nothing",
      { .err = { .reply = 550, .enhanced = { 5, 7, 30 } } }, NULL, NULL },
    { "a code of two providers by its words",
      { .err = { .reply = 550, .enhanced = { 5, 7, 30 }, .said = "The signature is missing" } }, "dkim",
      "other.example" },
    { "words that others say, too", { .err = { .said = "temporary trouble" } }, "trouble", "generic" },
    { "the same with the provider known",
      { .provider = "own.example", .err = { .said = "temporary trouble" } }, "shy", "own.example" },
    { "the provider's words without their code: the longer ones",
      { .provider = "other.example", .err = { .said = "no entry for you: the library is missing" } }, "uncoded",
      "generic" },
    { "the same with the code",
      { .provider = "other.example", .err = { .reply = 535, .said = "no entry for you: the library is missing" } },
      "coded", "other.example" },
    { "weak rules give way", { .err = { .said = "a very long and weak text of words" } }, "strong",
      "generic" },
    { "codes against the words", { .err = { .reply = 450, .said = "daily amount used" } }, NULL, NULL },
    { "codes not known", { .err = { .said = "daily amount used" } }, "exact", "big" },
    { "short words without their codes",
      { .provider = "own.example", .err = { .said = "a thing" } }, NULL, NULL },
    { "a mechanism that isn't known", { .provider = "own.example", .err = { .reply = 535 } },
      "bad-password", "generic" },
    { "a mechanism that is",
      { .provider = "own.example", .mechanism = "xoauth2", .err = { .reply = 535 } }, "bearer",
      "own.example" },
    { "by fact", { .err = { .fact = "tls:weak-dh" } }, "fact", "generic" },
    { "by words in place of the fact", { .err = { .said = "error: DH KEY TOO SMALL" } }, "fact",
      "generic" },
    { "another fact", { .err = { .fact = "tls:timeout" } }, NULL, NULL },
    { "a refusal where TLS was due is the greeting's",
      { .stage = STAGE_TLS, .err = { .fact = "tls:plaintext", .said = "421 4.7.0 hm" } }, "turned-away", "generic" },
    { "and is known by its words",
      { .stage = STAGE_TLS, .err = { .fact = "tls:plaintext", .said = "554-No more guests" } }, "full", "generic" },
    { "another greeting is in clear text", { .stage = STAGE_TLS, .err = { .fact = "tls:plaintext", .said = "220 hi" } },
      "clear", "generic" },
    { "with one finding of two", { .err = { .fact = "tls:closed" }, .found = found_one }, "fact",
      "generic" },
    { "with both findings", { .err = { .fact = "tls:closed" }, .found = found_both }, "found",
      "generic" },
    { "our own words where nobody spoke", { .err = { .text = "dh key too small" } }, "fact", "generic" },
    { "codes repeated in the words",
      { .err = { .reply = 550, .enhanced = { 5, 4, 5 }, .said = "daily 5.4.5 amount 550-5.4.5 used" } },
      "exact", "big" },
    { "a number is taken whole", { .err = { .said = "code 5.7.139" } }, NULL, NULL },
    { "and found whole", { .err = { .said = "code 5.7.1, they said" } }, "number", "generic" },
    { "what a refusal quotes",
      { .err = { .reply = 530, .enhanced = { 5, 7, 57 },
                 .said = "not signed in. Error: 550 5.4.5 daily amount used" } },
      "exact", "big" },
    { "what it quotes, unknown",
      { .err = { .reply = 530, .said = "not signed in. Error: 550 5.9.9 hm" } }, "unauthenticated",
      "generic" },
    { "a guess by stage and code", { .stage = STAGE_RCPT, .err = { .reply = 550, .said = "hm" } },
      "guess", "generic" },
    { "no guess at another stage", { .stage = STAGE_MAIL, .err = { .reply = 550 } }, NULL, NULL },
    { "no guess without a stage", { .err = { .reply = 550 } }, NULL, NULL },
    { "nothing at all", { .stage = STAGE_NONE }, NULL, NULL },
    { "our words on the line", { .stage = STAGE_TLS, .err = { .text = "x: dh key too small" } }, "fact", "generic" },
    { "what failed, where there is no fact", { .stage = STAGE_LOCAL, .err = { .kind = ERR_USAGE } }, "kind",
      "generic" },
    { "the same in the middle of a conversation", { .stage = STAGE_BODY, .err = { .kind = ERR_MEMORY } },
      "kind", "generic" },
    { "not where there is one", { .stage = STAGE_LOCAL, .err = { .kind = ERR_USAGE, .fact = "a:b" } }, NULL,
      NULL },
    { "nor where somebody spoke", { .stage = STAGE_AUTH, .err = { .kind = ERR_MEMORY, .reply = 535 } },
      "bad-password", "generic" },
    { "nor in a text of nowhere", { .err = { .kind = ERR_USAGE } }, NULL, NULL },
    { "words near one another, in any order", { .err = { .said = "heavy, too, is that parcel" } }, "speaks", "generic" },
    { "fewer of them", { .err = { .said = "heavy parcels" } }, "speaks-less", "generic" },
    { "written together", { .err = { .said = "HeavyParcelTooBig" } }, "speaks", "generic" },
    { "far from one another", { .err = { .said = "a parcel that came here a day or two ago is heavy" } }, NULL, NULL },
    { "words without blanks between", { .err = { .said = "\xe9\x82\xae\xe5\x8c\x85\xe5\xa4\xaa\xe9\x87\x8d\xe3\x80\x82" } },
      "speaks-elsewhere", "generic" },
    { "with endings", { .err = { .said = "\xec\x86\x8c\xed\x8f\xac\xea\xb0\x80 \xeb\x84\x88\xeb\xac\xb4 \xeb\xac\xb4\xea\xb1\xb0\xec\x9b\x8c\xec\x9a\x94" } },
      "speaks-elsewhere", "generic" },
    { "one of them alone", { .err = { .said = "\xe9\x82\xae\xe5\x8c\x85\xe3\x80\x82" } }, NULL, NULL },
    { "behind a typographer's apostrophe", { .err = { .said = "le paquet n\xe2\x80\x99" "annonce rien" } }, "speaks-french", "generic" },
    { "an address is one word of them", { .err = { .said = "a parcel from 192.0.2.7 that is not heavy" } }, "speaks-less", "generic" },
    { "a capital by itself before another", { .err = { .said = "HEavy parcels" } }, "speaks-less", "generic" },
    { "a plural in capitals", { .err = { .said = "heavy: all PARCELs" } }, "speaks-less", "generic" },
    { "a whole word is wanted", { .err = { .said = "heavy: tooth in a box" } }, NULL, NULL },
    { "known words before near ones", { .err = { .said = "a parcel too heavy: dh key too small" } }, "fact", "generic" },
    { "near ones before a guess by the code",
      { .stage = STAGE_RCPT, .err = { .reply = 550, .said = "parcel too heavy" } }, "speaks", "generic" },
    { "what is told behind a frame", { .err = { .said = "the carrier refused: parcel too heavy" } }, "speaks",
      "generic" },
    { "though the frame's code is known",
      { .stage = STAGE_AUTH, .err = { .reply = 535, .said = "the carrier refused: parcel too heavy" } }, "speaks", "generic" },
    { "and not before it", { .err = { .said = "parcel too heavy: the carrier refused" } }, "framed", "generic" },
    { "a frame and nothing that is known behind", { .err = { .said = "the carrier refused: hm" } }, "framed", "generic" },
    { "a frame alone", { .err = { .said = "the carrier refused" } }, "framed", "generic" },
    { "all that a strict rule asks for",
      { .stage = STAGE_MAIL, .err = { .reply = 450, .fact = "d:e", .said = "gone fishing" } }, "strict", "generic" },
    { "and not without the fact", { .stage = STAGE_MAIL, .err = { .reply = 450, .said = "gone fishing" } }, NULL, NULL },
    { "nor the words", { .stage = STAGE_MAIL, .err = { .reply = 450, .fact = "d:e", .said = "gone" } }, NULL, NULL },
    { "nor the code", { .stage = STAGE_MAIL, .err = { .fact = "d:e", .said = "gone fishing" } }, NULL, NULL },
    { "nor the stage", { .err = { .reply = 450, .fact = "d:e", .said = "gone fishing" } }, NULL, NULL },
    { "a path of this machine", { .stage = STAGE_LOCAL, .err = { .text = "/tmp/dh key too small: no" } }, NULL,
      NULL },
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct verdict verdict = { 0 };
        bool known = classify(know, &cases[i].evidence, &verdict);
        check_bytes(cases[i].label, span_of(known ? verdict.rule : ""), span_of(cases[i].rule));
        check_bytes(cases[i].label, span_of(known ? verdict.provider : ""), span_of(cases[i].owner));
    }
}

static void test_verdict(void **state)
{
    (void)state;
    struct verdict verdict;
    struct evidence daily = { .err = { .said = "daily amount used" } };
    struct evidence speaks = { .err = { .said = "parcel too heavy" } };
    struct evidence guess = { .stage = STAGE_END, .err = { .reply = 554 } };

    assert_true(classify(know, &daily, &verdict));
    assert_string_equal(verdict.cause->id, "four");
    assert_false(verdict.guess);
    assert_int_equal(verdict.scope, SCOPE_ACCOUNT); /* the rule's, not the cause's */
    assert_int_equal(verdict.retry, RETRY_LATER);
    assert_int_equal(verdict.wait_ms, 24 * 3600 * 1000);
    assert_int_equal(verdict.also_count, 2);
    assert_string_equal(verdict.also[0]->id, "one");
    assert_string_equal(verdict.also[1]->id, "three");

    assert_true(classify(know, &speaks, &verdict));
    assert_true(verdict.guess);

    assert_true(classify(know, &guess, &verdict));
    assert_true(verdict.guess);
    assert_int_equal(verdict.scope, SCOPE_MESSAGE); /* the cause's */
    assert_int_equal(verdict.retry, RETRY_NEVER);
    assert_int_equal(verdict.wait_ms, 0);
}

static const struct {
    const char *label, *text, *pattern;
    bool in;
} patterns[] = {
    { "anywhere",            "Error: user unknown here", "User Unknown", true  },
    { "nowhere",             "Error: user known",        "unknown",      false },
    { "a gap",               "limit of 50 is exceeded",  "limit*exceed", true  },
    { "out of order",        "exceeded limit",           "limit*exceed", false },
    { "at both ends",        "5.7.1",                    "5.7.1",        true  },
    { "front of a number",   "5.7.139",                  "5.7.1",        false },
    { "back of a number",    "15.7.1",                   "5.7.1",        false },
    { "the second is whole", "5.7.139 and 5.7.1.",       "5.7.1",        true  },
    { "a star alone",        "x",                        "*",            true  },
    { "two are a star",      "220 ***2**",               "220 ****2",    false },
    { "two are a star, there", "220 ***2**",             "220 ****",     true  },
    { "two are a star, not", "220 mail.example.com",     "220 ****",     false },
    { "a star and a gap",    "a*b and c",                "a**b*c",       true  },
    { "a star at the end",   "(RP-001)",                 "(RP-00*)",     true  },
    { "longer than all",     "ab",                       "abc",          false },
    { "nothing to look in",  "",                         "a",            false },
};

static void test_patterns(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(patterns); i++)
        check_row(patterns[i].label,
                  pattern_in(span_of(patterns[i].text), patterns[i].pattern) == patterns[i].in);
}

#define GOOD_CAUSE CAUSE("one", "account", "later")

static const struct {
    const char *label;
    struct span causes, file;
    const char *error;
} bad[] = {
    { "not INI",          SPAN_INIT(GOOD_CAUSE), SPAN_INIT("provider"),
      "in b.ini: line 1: a key is followed by = and its value" },
    { "empty",            SPAN_INIT(GOOD_CAUSE), SPAN_INIT("# nothing\n"),
      "in b.ini: nothing is told" },
    { "other section",    SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[account x]\n"),
      "in b.ini: line 1: [account] is unknown" },
    { "no name",          SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider]\n"),
      "in b.ini: line 1: [provider] has no name" },
    { "unknown key",      SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\nhost = y\n"),
      "in b.ini: line 2: [provider] has no key host" },
    { "twice",            SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\nname = y\nname = z\n"),
      "in b.ini: line 3: name: written twice" },
    { "section twice",    SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\n[limits]\n[limits]\n"),
      "in b.ini: line 3: [limits] does not belong here, or stands here twice" },
    { "no such choice",   SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\npassword = maybe\n"),
      "in b.ini: line 2: password: one of: taken app-password off" },
    { "no number",        SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\n[limits]\nconnections = 3k\n"),
      "in b.ini: line 3: connections: not a number" },
    { "no duration",      SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\n[limits]\nblock = 5\n"),
      "in b.ini: line 3: block: a duration is written 30s, 5m, 2h or 5d" },
    { "neither yes nor no", SPAN_INIT(GOOD_CAUSE),
      SPAN_INIT("[provider x]\n[capabilities]\nnull_sender = true\n"),
      "in b.ini: line 3: null_sender: yes or no" },
    { "a server without a port", SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\nserver = a tls\n"),
      "in b.ini: line 1: server: \"a tls\" is not HOST:PORT SECURITY" },
    { "no family",        SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[provider x]\nfamily = y\n"),
      "provider x: no family is called y" },
    { "rule, no cause",   SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[family x]\n[rule r]\ntext = t\n"),
      "in b.ini: line 2: rule r: cause is missing" },
    { "rule, other cause", SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[family x]\n[rule r]\ncause = two\n"),
      "in b.ini: line 2: rule r: two is no cause" },
    { "rule for all",     SPAN_INIT(GOOD_CAUSE), SPAN_INIT("[family x]\n[rule r]\ncause = one\n"),
      "in b.ini: line 2: rule r: conditions are missing" },
    { "rule, empty text", SPAN_INIT(GOOD_CAUSE),
      SPAN_INIT("[family x]\n[rule r]\ncause = one\ntext = #1\n"),
      "in b.ini: line 2: rule r: text is empty: words with a # want quotes" },
    { "cause without words", SPAN_INIT("[cause one]\ntitle = t\n"), SPAN_INIT("[family x]\n"),
      "in a.ini: line 1: meaning is missing" },
    { "cause, bad scope", SPAN_INIT(CAUSE("one", "world", "later")), SPAN_INIT("[family x]\n"),
      "in a.ini: line 1: scope is missing or no word for one" },
};

static void test_bad_files(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(bad); i++) {
        const struct knowledge_text two[] = { { "a.ini", bad[i].causes }, { "b.ini", bad[i].file } };
        struct knowledge *none = NULL;
        struct err err = { 0 };
        check_row(bad[i].label, !know_new(two, COUNT(two), &none, &err) && !none);
        check_bytes(bad[i].label, span_of(err.text), span_of(bad[i].error));
    }
}

/* A file of the machine's owner takes the whole place of the one that was built in. */
static void test_told_twice(void **state)
{
    (void)state;
    static const struct knowledge_text twice[] = {
        { "causes.ini", SPAN_INIT(GOOD_CAUSE) },
        { "x.ini", SPAN_INIT("[provider x]\nname = old\ndomains = old.example\n"
                             "[rule r]\ncause = one\ntext = some words of old\n") },
        { "x.ini", SPAN_INIT("[provider x]\nname = new\n") },
        { "causes.ini", SPAN_INIT("[cause one]\ntitle = new\nmeaning = m\nfix = f\nwho = w\ntakes = x\n"
                                  "scope = message\nretry = never\ngroup = g\n") },
    };
    OWN(knowledge) made = NULL;
    struct verdict verdict;
    struct evidence evidence = { .err = { .said = "some words of old" } };

    assert_true(know_new(twice, COUNT(twice), &made, NULL));
    assert_int_equal(know_profile_count(made), 1);
    assert_string_equal(know_profile(made, "x")->name, "new");
    assert_null(know_profile_of_domain(made, SPAN("old.example")));
    assert_false(classify(made, &evidence, &verdict));
    assert_int_equal(know_cause_count(made), 1);
    assert_string_equal(know_cause(made, "one")->title, "new");
}

static void test_no_memory(void **state)
{
    (void)state;
    size_t before = alloc_alive();

    for (unsigned n = 1; n < 1000; n++) {
        struct knowledge *made = NULL;
        struct err err = { 0 };
        alloc_fail_at(n);
        bool ok = know_new(texts, COUNT(texts), &made, &err);
        bool failed = alloc_failed();
        alloc_fail_at(0);
        assert_true(ok != failed);
        assert_true(ok || err.kind == ERR_MEMORY);
        knowledge_free(made);
        assert_int_equal(alloc_alive(), before);
        if (!failed)
            return;
    }
    fail();
}

static void test_stages(void **state)
{
    (void)state;
    enum stage stage = STAGE_NONE;

    for (int i = 0; i < STAGE_COUNT; i++) {
        assert_true(stage_from_word(span_of(stage_word((enum stage)i)), &stage));
        assert_int_equal(stage, i);
        assert_true(stage_words((enum stage)i)[0]);
    }
    assert_false(stage_from_word(SPAN("lunch"), &stage));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),     cmocka_unit_test(test_verdict),
        cmocka_unit_test(test_patterns),  cmocka_unit_test(test_bad_files),
        cmocka_unit_test(test_told_twice), cmocka_unit_test(test_no_memory),
        cmocka_unit_test(test_stages),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
