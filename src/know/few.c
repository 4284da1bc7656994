/* Knowledge of a few profiles, for those who know by which names they will ask. */
#include "know/knowledge.h"

#include "base/str.h"
#include "know/knowledge_int.h"

#include "base/banned.h"

enum { NAME_MOST = 300 }; /* none in the index is longer */

struct choice { /* of texts */
    bool *wanted;
    size_t count;
};

/* "NAME NUMBER" */
static void choose(struct choice *choice, struct span line)
{
    uint64_t number;

    if (str_to_u64(span_from(line, span_find_last(line, ' ') + 1), 0, UINT64_MAX, &number) &&
        number < choice->count)
        choice->wanted[number] = true;
}

static bool choose_named(struct choice *choice, struct span lines, struct span name, struct err *err)
{
    HELD(buf) sought = BUF(NAME_MOST + 2);

    if (name.len == 0 || name.len > NAME_MOST)
        return true;
    buf_add_char(&sought, '\n');
    for (size_t i = 0; i < name.len; i++)
        buf_add_char(&sought, str_lower(name.at[i]));
    buf_add_char(&sought, ' ');
    if (sought.full)
        return err_no_memory(err);
    while ((lines = span_from(lines, span_find_text(lines, buf_text(&sought)))).len) {
        lines = span_from(lines, 1);
        choose(choice, span_cut(lines, 0, span_find(lines, '\n')));
    }
    return true;
}

static void choose_fitting(struct choice *choice, struct span lines, struct span name)
{
    struct span line;

    while (span_split(&lines, '\n', &line)) {
        struct span pattern = span_cut(line, 0, span_find_last(line, ' '));
        if (domain_fits(name, pattern) || host_fits(name, pattern))
            choose(choice, line);
    }
}

/* What tells the profile stands before the rules. */
static struct span profile_part(struct span text)
{
    return span_cut(text, 0, span_find_text(text, "[rule "));
}

bool know_new_few(const struct knowledge_text *texts, size_t count, struct knowledge_index index,
                  const struct span *names, size_t name_count, struct knowledge **ret_know,
                  struct err *err)
{
    struct pool pool = { NULL };
    struct knowledge_text *few = pool_array(&pool, count, sizeof *few);
    struct choice choice = { pool_array(&pool, count, sizeof *choice.wanted), count };
    bool good = (few && choice.wanted) || err_no_memory(err);
    size_t kept = 0;

    for (size_t i = 0; good && i < name_count; i++) {
        struct span name = names[i];
        if (name.len && name.at[name.len - 1] == '.')
            name.len--;
        good = choose_named(&choice, index.names, name, err);
        choose_fitting(&choice, index.patterns, name);
    }
    for (size_t i = 0; good && i < count; i++)
        if (choice.wanted[i])
            few[kept++] = (struct knowledge_text){ texts[i].name, profile_part(texts[i].text) };
    good = good && knowledge_make(few, kept, ret_know, err);
    pool_done(&pool);
    return good;
}
