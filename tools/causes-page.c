/* causes-page CAUSES.ini PROVIDER.ini... - docs/causes.md as the data give it, on stdout: each cause with its words, its
 * steps, at whom they are others, and the replies that show it. `make docs` writes the file; the test `causes_page` says
 * when it is not what the data give.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/str.h"
#include "cli/failure.h"
#include "know/knowledge_int.h"
#include "os/file.h"

#include "base/banned.h"

enum {
    FILE_MOST = 4 * 1024 * 1024,
    EXAMPLES_MOST = 12,       /* of a cause: the page is to be read */
    EXAMPLE_SHOWN_MOST = 220, /* bytes; some are whole exceptions */
    HEADINGS_MOST = 64,
    LOOKED_BACK = 16, /* examples compared, lest one be shown twice */
};

struct heading { /* "# ---- The server's name" in causes.ini */
    struct span words;
    unsigned line;
};

struct page {
    struct knowledge *know;
    struct heading headings[HEADINGS_MOST];
    size_t heading_count;
};

static void find_headings(struct page *page, struct span text)
{
    static const char mark[] = "# ---- ";
    struct span line;

    for (unsigned number = 1; span_split(&text, '\n', &line); number++)
        if (span_starts(line, mark) && page->heading_count < HEADINGS_MOST)
            page->headings[page->heading_count++] = (struct heading){ span_from(line, sizeof mark - 1), number };
}

static bool is_under(const struct page *page, size_t heading, const struct cause *cause)
{
    return cause->section->line > page->headings[heading].line &&
           (heading + 1 == page->heading_count || cause->section->line < page->headings[heading + 1].line);
}

/* ---- the index ---- */

static void put_index(const struct page *page)
{
    for (size_t i = 0; i < page->heading_count; i++) {
        printf("\n**%.*s**\n\n", SPAN_ARG(page->headings[i].words));
        for (size_t k = 0; k < page->know->cause_count; k++) {
            const struct cause *cause = &page->know->causes[k];
            if (is_under(page, i, cause))
                printf("- [%s](#%s): %s\n", cause->id, cause->id, cause->title);
        }
    }
}

/* ---- a cause ---- */

static const char *scope_words(enum scope scope)
{
    static const char *const words[] = {
        [SCOPE_CONNECTION] = "this connection",
        [SCOPE_ACCOUNT] = "the account: its mail waits, and none of it fails",
        [SCOPE_SENDER] = "this sender",
        [SCOPE_RECIPIENT] = "this recipient",
        [SCOPE_MESSAGE] = "this message",
    };

    return words[scope];
}

static const char *retry_words(enum retry retry)
{
    static const char *const words[] = {
        [RETRY_NOW] = "at once",
        [RETRY_LATER] = "later, by itself",
        [RETRY_NEVER] = "no: it fails for good",
        [RETRY_AFTER_FIX] = "when it has been mended",
    };

    return words[retry];
}

/* The same steps as everywhere: those that this program can take. */
static void put_steps(const struct page *page, const struct cause *cause, const char *provider, bool pasted)
{
    const struct verdict verdict = { .cause = cause };
    const struct evidence evidence = { .provider = provider, .pasted = pasted };
    const char *steps[FAILURE_STEPS_MAX];
    size_t count = failure_steps(page->know, &verdict, &evidence, steps);

    for (size_t i = 0; i < count; i++)
        printf("%zu. %s\n", i + 1, steps[i]);
}

/* A provider's name, or a family's, which only its file knows. */
static const char *owner_name(const struct page *page, const char *id)
{
    for (size_t i = 0; i < page->know->ini_count; i++) {
        const struct ini_section *head = ini_section_at(page->know->inis[i], 0);
        struct span name = ini_value(head, "name");
        if (span_is(head->name, id) && !span_is(head->kind, "cause") && name.len)
            return name.at;
    }
    return id;
}

/* Whom "fix.ID" lines are for, each once. */
static void put_steps_of_providers(const struct page *page, const struct cause *cause)
{
    static const char mark[] = "fix.";
    const struct ini_section *section = cause->section;
    const char *last = "";

    for (size_t i = 0; i < section->count; i++) {
        const char *key = section->entries[i].key.at;
        if (!span_starts(section->entries[i].key, mark) || strcmp(key, last) == 0)
            continue;
        last = key;
        printf("\nAt %s:\n\n", owner_name(page, key + sizeof mark - 1));
        put_steps(page, cause, key + sizeof mark - 1, false);
    }
}

/* What is told where another program said it. */
static void put_elsewhere(const struct page *page, const struct cause *cause)
{
    if (!ini_value(cause->section, "elsewhere.fix").len)
        return;
    printf("\nWhere another program said it: **%s.** %s\n\n", cause->elsewhere_title, cause->elsewhere_meaning);
    put_steps(page, cause, NULL, true);
}

struct shown { /* what is already on the page, of this cause */
    struct span at[LOOKED_BACK];
    size_t count;
};

static bool is_shown(struct shown *shown, struct span example)
{
    for (size_t i = 0; i < shown->count && i < LOOKED_BACK; i++)
        if (span_equal(shown->at[i], example))
            return true;
    shown->at[shown->count++ % LOOKED_BACK] = example;
    return false;
}

static void put_example(const struct page *page, const struct rule *rule, struct span example)
{
    const struct owner *owner = &page->know->owners[rule->owner];
    HELD(buf) line = BUF(2 * FILE_MOST);

    str_printable(&line, example, EXAMPLE_SHOWN_MOST);
    if (owner->generic)
        printf("    %s\n", buf_text(&line));
    else
        printf("    %s    (%s)\n", buf_text(&line), owner_name(page, owner->id));
}

/* One of each rule: what else a rule knows says the same in other words. */
static size_t put_replies(const struct page *page, const struct cause *cause)
{
    struct shown shown = { .count = 0 };
    size_t put = 0;

    for (size_t i = 0; i < page->know->rule_count && put < EXAMPLES_MOST; i++) {
        const struct rule *rule = &page->know->rules[i];
        struct span example = ini_value(rule->section, "example");
        if (rule->cause != cause || !example.len || is_shown(&shown, example))
            continue;
        if (put++ == 0)
            printf("\nShown by:\n\n");
        put_example(page, rule, example);
    }
    return put;
}

/* What outpost itself finds, where nobody says a word. */
static void put_facts(const struct page *page, const struct cause *cause)
{
    size_t put = 0;

    for (size_t i = 0; i < page->know->rule_count; i++) {
        const struct rule *rule = &page->know->rules[i];
        if (rule->cause != cause || !rule->facts.count)
            continue;
        printf("%s", put++ ? "; or " : "\nFound by outpost as ");
        for (size_t k = 0; k < rule->facts.count; k++)
            printf("%s`%s`", k ? ", " : "", rule->facts.at[k]);
        for (size_t k = 0; k < rule->found.count; k++)
            printf("%s`%s`", k ? " and " : " with ", rule->found.at[k]);
    }
    if (put)
        printf("\n");
}

static void put_cause(const struct page *page, const struct cause *cause)
{
    printf("\n### %s\n\n**%s.** %s\n\n", cause->id, cause->title, cause->meaning);
    put_steps(page, cause, NULL, false);
    put_steps_of_providers(page, cause);
    put_elsewhere(page, cause);
    printf("\n| who | how long it takes | concerns | tried again |\n|---|---|---|---|\n| %s (`%s`) | %s | %s | %s |\n",
           failure_who_words(cause->who, false), cause->who, cause->takes, scope_words(cause->scope),
           retry_words(cause->retry));
    (void)put_replies(page, cause);
    put_facts(page, cause);
}

static void put_page(const struct page *page)
{
    printf("# Why mail does not go out\n\n"
           "Every failure that outpost meets ends as one of these causes: in `outpost doctor`, `outpost explain`, the queue,\n"
           "the log, reports and exit status. What a cause is called stays; `outpost explain CAUSE` tells it on a terminal.\n\n"
           "Steps with `outpost` in them are for an account of outpost's. Words in capitals stand for one's own: ADDRESS a\n"
           "mail address, NAME an account's name, HOST a server's name. A reply may have more than one cause: which it is, its\n"
           "provider, the moment and what is around tell (`data/providers`, `docs/guides/doctor.md`).\n\n"
           "This page is made of `data/causes.ini` and `data/providers` by `make docs`.\n");
    put_index(page);
    for (size_t i = 0; i < page->heading_count; i++) {
        printf("\n## %.*s\n", SPAN_ARG(page->headings[i].words));
        for (size_t k = 0; k < page->know->cause_count; k++)
            if (is_under(page, i, &page->know->causes[k]))
                put_cause(page, &page->know->causes[k]);
    }
}

static bool read_all(char *const *paths, struct buf *texts, struct knowledge_text *files, size_t count, struct err *err)
{
    for (size_t i = 0; i < count; i++) {
        texts[i] = (struct buf)BUF(FILE_MOST);
        if (!file_read(&disk_system, paths[i], FILE_MOST, FILE_ANY, &texts[i], err))
            return false;
        files[i] = (struct knowledge_text){ paths[i], buf_span(&texts[i]) };
    }
    return true;
}

int main(int argc, char **argv)
{
    size_t count = argc > 1 ? (size_t)argc - 1 : 0;
    struct buf *texts = mem_array(count + 1, sizeof *texts);
    struct knowledge_text *files = mem_array(count + 1, sizeof *files);
    struct page page = { .heading_count = 0 };
    struct err err = { 0 };

    bool good = texts && files && count && read_all(argv + 1, texts, files, count, &err) &&
                know_new(files, count, &page.know, &err);
    if (good) {
        find_headings(&page, files[0].text);
        put_page(&page);
    } else {
        fprintf(stderr, "causes-page: %s\n", count ? err.text : "usage: causes-page CAUSES.ini PROVIDER.ini...");
    }
    knowledge_free(page.know);
    for (size_t i = 0; texts && i < count; i++)
        buf_done(&texts[i]);
    mem_free(texts);
    mem_free(files);
    return good && fflush(stdout) == 0 ? 0 : 1;
}
