#include "relay/notify_told.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/json_read.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

enum { FILE_MAX = 512 * 1024, ENTRIES_MAX = 1000 };

static const char *const way_words[NOTIFY_WAYS] = { "command", "webhook", "mailbox" };

struct entry {
    char *source, *event, *account, *about; /* "" where there is none */
    bool ways[NOTIFY_WAYS];
};

struct told {
    struct entry *at;
    size_t count;
};

const char *notify_way_word(enum notify_way way)
{
    return way_words[way];
}

static void entry_done(struct entry *entry)
{
    mem_free(entry->source);
    mem_free(entry->event);
    mem_free(entry->account);
    mem_free(entry->about);
}

void told_free(struct told *told)
{
    if (!told)
        return;
    for (size_t i = 0; i < told->count; i++)
        entry_done(&told->at[i]);
    mem_free(told->at);
    mem_free(told);
}

/* ---- one of them ---- */

static const char *or_none(const char *text)
{
    return text ? text : "";
}

static bool is_of(const struct entry *entry, const char *source, const struct notice *notice)
{
    return strcmp(entry->source, source) == 0 && strcmp(entry->event, notice->event) == 0 &&
           strcmp(entry->account, or_none(notice->account)) == 0 &&
           strcmp(entry->about, or_none(notice->about)) == 0;
}

static struct entry *find(const struct told *told, const char *source, const struct notice *notice)
{
    for (size_t i = 0; i < told->count; i++)
        if (is_of(&told->at[i], source, notice))
            return &told->at[i];
    return NULL;
}

static bool add(struct told *told, const char *source, const struct notice *notice, struct entry **ret_entry,
                struct err *err)
{
    if (told->count == ENTRIES_MAX)
        return err_set(err, ERR_LIMIT, "more than %d things were told that are not over", ENTRIES_MAX);
    struct entry *more = mem_resize(told->at, told->count + 1, sizeof *more);
    if (!more)
        return err_no_memory(err);
    told->at = more;
    struct entry entry = {
        .source = str_copy(source),
        .event = str_copy(notice->event),
        .account = str_copy(or_none(notice->account)),
        .about = str_copy(or_none(notice->about)),
    };
    if (!entry.source || !entry.event || !entry.account || !entry.about) {
        entry_done(&entry);
        return err_no_memory(err);
    }
    more[told->count] = entry;
    *ret_entry = &more[told->count++];
    return true;
}

bool told_has(const struct told *told, const char *source, const struct notice *notice, enum notify_way way)
{
    const struct entry *entry = find(told, source, notice);

    return entry && entry->ways[way];
}

bool told_add(struct told *told, const char *source, const struct notice *notice, enum notify_way way,
              struct err *err)
{
    struct entry *entry = find(told, source, notice);

    if (!entry && !add(told, source, notice, &entry, err))
        return false;
    entry->ways[way] = true;
    return true;
}

static bool is_among(const struct entry *entry, const char *source, const struct notice *notices, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (is_of(entry, source, &notices[i]))
            return true;
    return false;
}

bool told_keep_only(struct told *told, const char *source, const struct notice *notices, size_t count)
{
    size_t kept = 0, before = told->count;

    for (size_t i = 0; i < before; i++) {
        struct entry *entry = &told->at[i];
        if (strcmp(entry->source, source) == 0 && !is_among(entry, source, notices, count))
            entry_done(entry);
        else
            told->at[kept++] = *entry;
    }
    told->count = kept;
    return kept < before;
}

/* ---- the file ---- */

static char *path_of(const struct notify_plan *plan)
{
    return file_path(plan->state, "notices");
}

static void take_ways(const struct json_value *ways, struct entry *entry)
{
    for (size_t i = 0; i < json_count(ways); i++)
        for (size_t way = 0; way < NOTIFY_WAYS; way++)
            entry->ways[way] |= span_is(json_as_text(json_element(ways, i)), way_words[way]);
}

/* What can't be understood is passed over: it will be told once more. */
static bool take_entries(struct told *told, const struct json_value *list, struct err *err)
{
    for (size_t i = 0; i < json_count(list) && i < ENTRIES_MAX; i++) {
        const struct json_value *one = json_element(list, i);
        const char *source = json_text_at(one, "source").at;
        const struct notice notice = {
            .event = json_text_at(one, "event").at,
            .account = json_text_at(one, "account").at,
            .about = json_text_at(one, "about").at,
        };
        struct entry *entry;
        if (!source || !notice.event || find(told, source, &notice))
            continue;
        if (!add(told, source, &notice, &entry, err))
            return false;
        take_ways(json_member(one, "ways"), entry);
    }
    return true;
}

static bool read_text(const struct notify_plan *plan, struct buf *ret_text, struct err *err)
{
    struct err why = { 0 };
    char *path = path_of(plan);
    bool ok = path ? file_read(plan->disk, path, FILE_MAX, FILE_TRUSTED, ret_text, &why) || why.sys == ENOENT
                   : err_no_memory(&why);

    mem_free(path);
    if (!ok && err)
        *err = why;
    return ok;
}

bool told_read(const struct notify_plan *plan, struct told **ret_told, struct err *err)
{
    HELD(buf) text = BUF(FILE_MAX);
    OWN(told) told = NEW(told);
    OWN(json_tree) tree = NULL;
    struct err why = { 0 };

    if (!told)
        return err_no_memory(err);
    if (!read_text(plan, &text, err))
        return false;
    if (text.len && !json_read(buf_span(&text), FILE_MAX, &tree, &why) && why.kind == ERR_MEMORY)
        return err_no_memory(err);
    if (tree && !take_entries(told, json_member(json_root(tree), "told"), err))
        return false;
    *ret_told = GIVE(told);
    return true;
}

static void write_entry(struct json *json, const struct entry *entry)
{
    json_open(json, NULL, '{');
    json_text(json, "source", entry->source);
    json_text(json, "event", entry->event);
    json_text(json, "account", entry->account);
    json_text(json, "about", entry->about);
    json_open(json, "ways", '[');
    for (size_t way = 0; way < NOTIFY_WAYS; way++)
        if (entry->ways[way])
            json_text(json, NULL, way_words[way]);
    json_close(json);
    json_close(json);
}

bool told_write(const struct notify_plan *plan, const struct told *told, struct err *err)
{
    HELD(buf) text = BUF(FILE_MAX);
    struct json json = json_to(&text);
    char *path = path_of(plan);

    json_open(&json, NULL, '{');
    json_open(&json, "told", '[');
    for (size_t i = 0; i < told->count; i++)
        write_entry(&json, &told->at[i]);
    json_close(&json);
    json_close(&json);
    bool ok = path && !text.full ? file_write(plan->disk, path, buf_span(&text), FILE_MADE(0600), err)
                                 : err_no_memory(err);
    mem_free(path);
    return ok;
}
