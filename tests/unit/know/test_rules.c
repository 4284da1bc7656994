/* The rules of data/ against themselves: every example of every rule is what the rule says. */
#include <glob.h>
#include <stdio.h>

#include "support/check.h"

#include "base/alloc.h"
#include "base/str.h"
#include "know/embedded.h"
#include "know/knowledge_int.h"
#include "know/text.h"

static struct knowledge *know;

enum { FILES_MOST = 400 };
static char *contents[FILES_MOST];
static struct knowledge_text files[FILES_MOST];
static size_t file_count;

static void read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    static char text[1 << 20];

    assert_non_null(file);
    assert_true(file_count < FILES_MOST);
    size_t len = fread(text, 1, sizeof text, file);
    assert_true(len > 0 && len < sizeof text && fclose(file) == 0);
    contents[file_count] = str_copy_span((struct span){ text, len });
    files[file_count] = (struct knowledge_text){ "data", { contents[file_count], len } };
    file_count++;
}

static int load(void **state)
{
    (void)state;
    struct err err = { 0 };
    glob_t found;

    read_file(DATA_ROOT "/causes.ini");
    assert_int_equal(glob(DATA_ROOT "/providers/*.ini", 0, NULL, &found), 0);
    for (size_t i = 0; i < found.gl_pathc; i++)
        read_file(found.gl_pathv[i]);
    globfree(&found);
    if (know_new(files, file_count, &know, &err))
        return 0;
    print_error("%s\n", err.text);
    return -1;
}

static int unload(void **state)
{
    (void)state;
    knowledge_free(know);
    for (size_t i = 0; i < file_count; i++)
        mem_free(contents[i]);
    return 0;
}

/* A provider for the rule: its own, or any that has the family. */
static const char *provider_for(const struct rule *rule)
{
    const struct owner *owner = &know->owners[rule->owner];

    if (owner->generic || know_profile(know, owner->id))
        return owner->generic ? NULL : owner->id;
    for (size_t i = 0; i < know->owner_count; i++)
        if (know->owners[i].family && strcmp(know->owners[i].family, owner->id) == 0)
            return know->owners[i].id;
    return NULL;
}

static const char *text_or_null(const struct rule *rule, const char *key)
{
    return ini_value(rule->section, key).at;
}

/* Adds what the rule's example.* keys say to the evidence. */
static void add_circumstances(const struct rule *rule, struct evidence *evidence,
                              const char *found[8], char words[256])
{
    struct span stage = ini_value(rule->section, "example.stage"), word;
    struct span rest = ini_value(rule->section, "example.found");
    uint16_t port = 0;
    size_t count = 0, used = 0;

    evidence->provider = provider_for(rule);
    evidence->mechanism = text_or_null(rule, "example.mechanism");
    evidence->host = text_or_null(rule, "example.host");
    evidence->security = text_or_null(rule, "example.security");
    if (stage.len)
        check_row(rule->name, stage_from_word(stage, &evidence->stage));
    if (ini_value(rule->section, "example.port").len)
        check_row(rule->name, str_to_u16(ini_value(rule->section, "example.port"), 1, 65535, &port));
    evidence->port = port;
    if (ini_value(rule->section, "example.code").len)
        check_row(rule->name, str_to_u16(ini_value(rule->section, "example.code"), 100, 599,
                                         &evidence->err.reply));
    while (span_split(&rest, ' ', &word)) {
        memcpy(words + used, word.at, word.len);
        words[used + word.len] = '\0';
        found[count++] = words + used;
        used += word.len + 1;
    }
    found[count] = NULL;
    evidence->found = found;
}

static unsigned check_verdict(const struct rule *rule, const struct evidence *evidence, const char *what)
{
    struct verdict verdict;

    if (!classify(know, evidence, &verdict)) {
        print_error("%s/%s: nothing known of \"%s\"\n", know->owners[rule->owner].id, rule->name, what);
        return 1;
    }
    if (verdict.cause == rule->cause)
        return 0;
    print_error("%s/%s: want %s, got %s (by %s/%s) for \"%s\"\n", know->owners[rule->owner].id,
                rule->name, rule->cause->id, verdict.cause->id, verdict.provider, verdict.rule, what);
    return 1;
}

static unsigned check_text(const struct rule *rule, const struct ini_entry *example)
{
    OWN(text_evidence) found = NULL;
    const char *findings[8];
    char words[256];

    assert_true(text_read(know, example->value, &found, NULL));
    struct evidence evidence = found->evidence;
    enum stage stage = evidence.stage;
    add_circumstances(rule, &evidence, findings, words);
    if (evidence.stage == STAGE_NONE)
        evidence.stage = stage;
    if (rule->strict) /* which wants the fact, too; without it the words may tell nothing */
        evidence.err.fact = text_or_null(rule, "example.fact");
    if (rule->strict && !evidence.err.said[0])
        err_said(&evidence.err, example->value);
    return check_verdict(rule, &evidence, example->value.at);
}

static unsigned check_fact(const struct rule *rule, const char *fact)
{
    struct evidence evidence = { .err = { .kind = ERR_NETWORK, .fact = fact } };
    const char *findings[8];
    char words[256];

    add_circumstances(rule, &evidence, findings, words);
    return check_verdict(rule, &evidence, fact ? fact : "(the stage alone)");
}

static unsigned check_rule(const struct rule *rule, unsigned *tried)
{
    struct span facts = ini_value(rule->section, "example.fact"), fact;
    const struct ini_entry *example = NULL;
    unsigned wrong = 0, before = *tried;

    for (; (example = ini_next(rule->section, example, "example")); (*tried)++)
        wrong += check_text(rule, example);
    for (; !rule->strict && span_split(&facts, ' ', &fact); (*tried)++) {
        char word[64] = { 0 };
        assert_true(fact.len < sizeof word);
        memcpy(word, fact.at, fact.len);
        wrong += check_fact(rule, word);
    }
    if (*tried == before && (rule->guess || ini_value(rule->section, "example.code").len)) {
        wrong += check_fact(rule, NULL);
        (*tried)++;
    }
    if (*tried == before)
        print_error("%s/%s: has no example\n", know->owners[rule->owner].id, rule->name);
    return wrong + (*tried == before);
}

static void test_examples(void **state)
{
    (void)state;
    unsigned wrong = 0, tried = 0;

    for (size_t i = 0; i < know->rule_count; i++)
        wrong += check_rule(&know->rules[i], &tried);
    print_message("%u examples of %zu rules\n", tried, know->rule_count);
    assert_int_equal(wrong, 0);
    assert_true(tried > 500);
}

/* Causes that no reply tells: our own gateway and daemon name them where they arise. */
static const char *const told_by_ourselves[] = {
    "daemon_unreachable",     "gateway_not_allowed",    "gateway_tls_too_old",
    "gateway_plaintext_refused", "gateway_bad_password", "gateway_sender_refused",
    "gateway_message_too_big",
};

static bool is_told_by_ourselves(const char *id)
{
    for (size_t i = 0; i < COUNT(told_by_ourselves); i++)
        if (strcmp(told_by_ourselves[i], id) == 0)
            return true;
    return false;
}

static void test_every_cause_has_a_rule(void **state)
{
    (void)state;
    unsigned without = 0;

    for (size_t i = 0; i < know_cause_count(know); i++) {
        const struct cause *cause = know_cause_at(know, i);
        bool has = is_told_by_ourselves(cause->id);
        for (size_t k = 0; k < know->rule_count; k++)
            has = has || know->rules[k].cause == cause;
        if (!has)
            print_error("%s: no rule\n", cause->id);
        without += !has;
    }
    assert_int_equal(without, 0);
}

/* What is built in is the same but for comments. */
static void test_embedded(void **state)
{
    (void)state;
    OWN(knowledge) built_in = NULL;
    size_t count;
    const struct knowledge_text *texts = know_embedded(&count);

    assert_int_equal(count, file_count);
    assert_true(know_new(texts, count, &built_in, NULL));
    assert_int_equal(built_in->rule_count, know->rule_count);
    assert_int_equal(built_in->profile_count, know->profile_count);
    assert_int_equal(built_in->cause_count, know->cause_count);
}

static void test_names_are_unique(void **state)
{
    (void)state;
    for (size_t i = 0; i < know->rule_count; i++)
        for (size_t k = 0; k < i; k++)
            check_row(know->rules[i].name, know->rules[i].owner != know->rules[k].owner ||
                                               strcmp(know->rules[i].name, know->rules[k].name) != 0);
}

/* What servers say beside what a rule nearby is about. */
static const struct {
    const char *label;
    struct evidence evidence;
    const char *cause;
} said[] = {
    { "maintenance, in the frame of a refused client",
      { .stage = STAGE_GREETING, .err = { .kind = ERR_REPLY, .reply = 421, .enhanced = { 4, 3, 2 },
        .said = "<unknown[192.0.2.7]>: Client host rejected: System is down for maintenance, please come back later" } },
      "server_busy_temporary" },
    { "one who asks to come back later", { .stage = STAGE_RCPT, .err = { .kind = ERR_REPLY, .reply = 450, .said = "Please come back later" } },
      "greylisted" },
    { "a program that fails on its own", { .stage = STAGE_END, .err = { .kind = ERR_REPLY, .reply = 500,
        .said = "Error: (AttributeError) 'NoneType' object has no attribute 'execute'" } }, "server_side_error" },
    { "too many clients", { .stage = STAGE_GREETING, .err = { .kind = ERR_REPLY, .reply = 421,
        .said = "mail.example.com Too many connected clients, try again in a moment" } }, "concurrent_limit" },
    { "Exim, and a file of its own that is not there", { .stage = STAGE_RCPT, .err = { .kind = ERR_REPLY, .reply = 451,
        .said = "Temporary local problem - please try later" } }, "server_side_error" },
    { "the same at one who says it when busy", { .provider = "sendgrid", .stage = STAGE_RCPT, .err = { .kind = ERR_REPLY, .reply = 451,
        .said = "Temporary local problem - please try later" } }, "server_busy_temporary" },
    { "an attachment's kind", { .stage = STAGE_END, .err = { .kind = ERR_REPLY, .reply = 550,
        .said = "file type not allowed for security reasons" } }, "content_rejected_spam" },
    { "a sender to whom no way leads", { .stage = STAGE_RCPT, .err = { .kind = ERR_REPLY, .reply = 550,
        .said = "Verification failed for <me@old.example.com> Unrouteable address Sender verify failed" } }, "sender_domain_invalid" },
    { "a sender whom his server does not know", { .stage = STAGE_RCPT, .err = { .kind = ERR_REPLY, .reply = 550,
        .said = "Verification failed for <me@example.com> No Such User Here Sender verify failed" } }, "sender_not_owned" },
    { "a recipient to whom no way leads", { .stage = STAGE_RCPT, .err = { .kind = ERR_REPLY, .reply = 550, .said = "Unrouteable address" } },
      "recipient_rejected" },
    { "no room for the copy", { .stage = STAGE_END, .err = { .kind = ERR_REPLY, .reply = 552,
        .said = "Your mailbox is full, the copy in Sent could not be stored. Delete some mail." } }, "account_mailbox_full" },
    { "one's own mailbox", { .stage = STAGE_MAIL, .err = { .kind = ERR_REPLY, .reply = 552, .said = "Your mailbox is full" } },
      "account_mailbox_full" },
    { "a recipient's mailbox", { .stage = STAGE_RCPT, .err = { .kind = ERR_REPLY, .reply = 552, .said = "you@example.com mailbox is full" } },
      "recipient_rejected" },
    { "Yandex of a message", { .provider = "yandex", .stage = STAGE_END, .err = { .kind = ERR_REPLY, .reply = 554, .enhanced = { 5, 7, 1 },
        .said = "[1] Message rejected under suspicion of SPAM; https://ya.cc/1IrBc" } }, "content_rejected_spam" },
    { "the same words of whomever", { .stage = STAGE_END, .err = { .kind = ERR_REPLY, .reply = 550, .enhanced = { 5, 7, 1 },
        .said = "Message rejected under suspicion of SPAM" } }, "content_rejected_spam" },
};

static void test_said(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(said); i++) {
        struct verdict verdict;
        check_row(said[i].label, classify(know, &said[i].evidence, &verdict));
        check_bytes(said[i].label, span_of(verdict.cause->id), span_of(said[i].cause));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_examples),
        cmocka_unit_test(test_every_cause_has_a_rule),
        cmocka_unit_test(test_embedded),
        cmocka_unit_test(test_names_are_unique),
        cmocka_unit_test(test_said),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
