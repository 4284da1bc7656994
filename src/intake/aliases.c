#include "intake/aliases.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/pool.h"
#include "base/scan.h"
#include "base/str.h"
#include "mail/address.h"

#include "base/banned.h"

enum { NAME_SHOWN = 64 };

enum target_kind {
    TARGET_ADDRESS, /* elsewhere or here, by its domain */
    TARGET_NAME,    /* local, to be followed */
    TARGET_FINAL,   /* local, not to be followed */
    TARGET_REFUSED,
};

struct target {
    enum target_kind kind;
    const char *text;
    unsigned line;
};

struct alias {
    const char *name; /* lower case */
    unsigned line;
    size_t first, count; /* of the targets */
};

struct aliases {
    struct pool pool;
    struct alias *aliases; /* by name */
    size_t count, room;
    struct target *targets;
    size_t target_count, target_room;
    struct alias_fault *faults;
    size_t fault_count, fault_room;
};

void aliases_free(struct aliases *aliases)
{
    if (!aliases)
        return;
    pool_done(&aliases->pool);
    mem_free(aliases->aliases);
    mem_free(aliases->targets);
    mem_free(aliases->faults);
    mem_free(aliases);
}

size_t aliases_count(const struct aliases *aliases)
{
    return aliases->count;
}

size_t aliases_fault_count(const struct aliases *aliases)
{
    return aliases->fault_count;
}

const struct alias_fault *aliases_fault(const struct aliases *aliases, size_t at)
{
    return &aliases->faults[at];
}

/* Room for one more behind `count`. */
static bool make_room(void *array_at, size_t size, size_t count, size_t *room, struct err *err)
{
    void **array = array_at;

    if (count >= ALIASES_MAX)
        return err_set(err, ERR_LIMIT, "there are more than %d aliases", ALIASES_MAX);
    if (count < *room)
        return true;
    size_t more = *room ? *room * 2 : 64;
    void *grown = mem_resize(*array, more, size);
    if (!grown)
        return err_no_memory(err);
    *array = grown;
    *room = more;
    return true;
}

/* -- reading -- */

struct reader {
    struct aliases *aliases;
    unsigned line;
    bool in_alias; /* lines that begin with a blank go on with the last one */
    struct err *err;
};

static struct alias *current(const struct reader *r)
{
    return r->in_alias ? &r->aliases->aliases[r->aliases->count - 1] : NULL;
}

static bool fault(struct reader *r, const char *why)
{
    struct aliases *a = r->aliases;
    HELD(buf) shown = BUF(4 * NAME_SHOWN + 8);

    if (!make_room(&a->faults, sizeof *a->faults, a->fault_count, &a->fault_room, r->err))
        return false;
    str_printable(&shown, span_of(r->in_alias ? current(r)->name : ""), NAME_SHOWN);
    const char *name = pool_text(&a->pool, buf_span(&shown));
    if (!name || shown.full)
        return err_no_memory(r->err);
    a->faults[a->fault_count++] = (struct alias_fault){ r->line, name, why };
    return true;
}

static bool add_target(struct reader *r, enum target_kind kind, struct span text)
{
    struct aliases *a = r->aliases;

    if (!make_room(&a->targets, sizeof *a->targets, a->target_count, &a->target_room, r->err))
        return false;
    const char *copy = pool_text(&a->pool, text);
    if (!copy)
        return err_no_memory(r->err);
    a->targets[a->target_count++] = (struct target){ kind, copy, r->line };
    current(r)->count++;
    return true;
}

/* It is there, so that whoever follows the alias hears of it, too. */
static bool refuse_target(struct reader *r, const char *why)
{
    return fault(r, why) && add_target(r, TARGET_REFUSED, span_of(why));
}

static bool is_name(struct span text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.at[i] <= ' ' || text.at[i] == 127 || memchr("\"(),:;<>[]\\", text.at[i], 11))
            return false;
    return text.len && text.len <= ADDRESS_LOCAL_MAX && str_is_utf8(text);
}

static bool take_address(struct reader *r, struct span text)
{
    struct err why = { 0 };
    struct address address;

    if (!address_parse(text, &address, &why))
        return why.kind == ERR_MEMORY ? err_no_memory(r->err) : refuse_target(r, "this is no address");
    bool ok = add_target(r, TARGET_ADDRESS, span_of(address.wire));
    address_done(&address);
    return ok;
}

static bool take_target(struct reader *r, struct span text)
{
    static const struct {
        const char *begins, *why;
    } refused[] = {
        { "|", "mail is never handed to a program: only addresses and names may stand here" },
        { "/", "mail is never written to a file: only addresses and names may stand here" },
        { ":include:", "a list in another file is not read: only addresses and names may stand here" },
    };

    for (size_t i = 0; i < COUNT(refused); i++)
        if (span_starts_word(text, refused[i].begins))
            return refuse_target(r, refused[i].why);
    if (span_find(text, '@') < text.len)
        return take_address(r, text);
    bool final = span_starts(text, "\\");
    if (!is_name(span_from(text, final)))
        return refuse_target(r, "this is neither an address nor a name");
    return add_target(r, final ? TARGET_FINAL : TARGET_NAME, span_from(text, final));
}

/* Up to `stop` outside quotes; false where a quote is left open. */
static bool take_part(struct span *rest, char stop, struct span *ret_part)
{
    bool quoted = false;
    size_t at = 0;

    for (; at < rest->len && (quoted || rest->at[at] != stop); at++) {
        if (rest->at[at] == '\\' && at + 1 < rest->len)
            at++;
        else
            quoted ^= rest->at[at] == '"';
    }
    *ret_part = span_trim(span_cut(*rest, 0, at));
    *rest = span_from(*rest, at);
    return !quoted;
}

/* "a \"b\"" becomes a "b": of what stands in quotes as a whole. */
static struct span unquote(struct span part, struct buf *out)
{
    if (part.len < 2 || part.at[0] != '"' || part.at[part.len - 1] != '"')
        return part;
    for (size_t i = 1; i + 1 < part.len; i++) {
        if (part.at[i] == '\\' && i + 2 < part.len)
            i++;
        buf_add_char(out, part.at[i]);
    }
    return buf_span(out);
}

static bool read_targets(struct reader *r, struct span rest)
{
    struct span part;

    while (rest.len) {
        HELD(buf) plain = BUF(ALIASES_TEXT_MAX);
        if (!take_part(&rest, ',', &part))
            return refuse_target(r, "a quote is not closed");
        rest = span_from(rest, 1);
        part = unquote(part, &plain);
        if (plain.full)
            return err_no_memory(r->err);
        if (part.len && !take_target(r, part))
            return false;
    }
    return true;
}

static bool begin_alias(struct reader *r, struct span name)
{
    struct aliases *a = r->aliases;

    if (!make_room(&a->aliases, sizeof *a->aliases, a->count, &a->room, r->err))
        return false;
    char *copy = pool_text(&a->pool, name);
    if (!copy)
        return err_no_memory(r->err);
    for (char *at = copy; *at; at++)
        *at = str_lower(*at);
    a->aliases[a->count++] = (struct alias){ .name = copy, .line = r->line, .first = a->target_count };
    r->in_alias = true;
    return true;
}

static bool read_alias(struct reader *r, struct span line)
{
    HELD(buf) plain = BUF(ALIASES_TEXT_MAX);
    struct span rest = line, name;

    r->in_alias = false;
    bool closed = take_part(&rest, ':', &name);
    name = unquote(name, &plain);
    if (plain.full)
        return err_no_memory(r->err);
    if (!closed || !rest.len || !name.len || name.len > ADDRESS_LOCAL_MAX || !str_is_safe(name))
        return fault(r, "this is no alias: \"name: address, address\" is wanted");
    return begin_alias(r, name) && read_targets(r, span_from(rest, 1));
}

static bool read_line(struct reader *r, struct span line)
{
    struct span text = span_trim(line);

    if (!text.len || *text.at == '#')
        return true;
    if (memchr(text.at, '\0', text.len))
        return fault(r, "there is a NUL in this line");
    if (*line.at != ' ' && *line.at != '\t')
        return read_alias(r, text);
    return r->in_alias ? read_targets(r, text) : fault(r, "this line goes on with none");
}

/* -- in order -- */

/* Of two with one name the first in the file comes first. */
static int compare(const void *a, const void *b)
{
    const struct alias *one = a, *other = b;
    int order = strcmp(one->name, other->name);

    return order ? order : one->line < other->line ? -1 : one->line > other->line;
}

static int compare_lines(const void *a, const void *b)
{
    const struct alias_fault *one = a, *other = b;

    return one->line < other->line ? -1 : one->line > other->line;
}

/* What can be said of each alias only when all were read. */
static bool look_over(struct reader *r)
{
    struct aliases *a = r->aliases;

    if (a->count)
        qsort(a->aliases, a->count, sizeof *a->aliases, compare);
    for (size_t i = 0; i < a->count; i++) {
        struct reader at = { .aliases = a, .line = a->aliases[i].line, .err = r->err };
        const char *why = i && strcmp(a->aliases[i - 1].name, a->aliases[i].name) == 0
                              ? "this name has an alias already: the first counts"
                          : a->aliases[i].count == 0 ? "this alias leads to nobody"
                                                     : NULL;
        if (why && !fault(&at, why))
            return false;
        if (why)
            a->faults[a->fault_count - 1].name = a->aliases[i].name;
    }
    if (a->fault_count)
        qsort(a->faults, a->fault_count, sizeof *a->faults, compare_lines);
    return true;
}

bool aliases_parse(struct span text, struct aliases **ret_aliases, struct err *err)
{
    OWN(aliases) aliases = NEW(aliases);
    struct reader r = { .aliases = aliases, .err = err };
    struct scan scan = scan_of(text);
    struct span line;

    if (!aliases)
        return err_no_memory(err);
    if (text.len > ALIASES_TEXT_MAX)
        return err_set(err, ERR_LIMIT, "the aliases have more than %d bytes", ALIASES_TEXT_MAX);
    while (scan_line(&scan, &line)) {
        r.line++;
        if (!read_line(&r, line))
            return false;
    }
    if (!look_over(&r))
        return false;
    *ret_aliases = GIVE(aliases);
    return true;
}

/* -- following -- */

bool aliases_is_local(struct span domain, const char *hostname)
{
    struct span host = span_of(hostname);

    return span_is_word(domain, "localhost") || span_is_word(domain, "localhost.localdomain") ||
           span_equal_word(domain, host) ||
           (host.len && span_equal_word(domain, span_cut(host, 0, span_find(host, '.'))));
}

/* The first with this name. */
static const struct alias *find(const struct aliases *aliases, struct span name)
{
    size_t low = 0, high = aliases->count;
    char lower[ADDRESS_LOCAL_MAX + 1];

    if (name.len > ADDRESS_LOCAL_MAX)
        return NULL;
    for (size_t i = 0; i < name.len; i++)
        lower[i] = str_lower(name.at[i]);
    lower[name.len] = '\0';
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (strcmp(aliases->aliases[middle].name, lower) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == aliases->count || strcmp(aliases->aliases[low].name, lower) != 0)
        return NULL;
    return &aliases->aliases[low];
}

void alias_found_done(struct alias_found *found)
{
    for (size_t i = 0; i < found->count; i++)
        mem_free(found->at[i]);
    mem_free(found->at);
    *found = (struct alias_found){ 0 };
}

/* A walk from one name: each alias is met once, so it ends. */
struct walk {
    const struct aliases *aliases;
    const struct alias_asker *asker;
    bool *met;        /* by place */
    size_t *waiting;  /* places still to be looked at */
    size_t first, last;
    bool in_circle, told_admin;
    const struct target *refused; /* the first one */
    struct alias_found *found;
    size_t room;
    struct err *err;
};

static bool add_found(struct walk *walk, const char *address)
{
    struct alias_found *found = walk->found;

    if (found->count >= ALIASES_FOUND_MAX)
        return err_found(walk->err, ERR_LIMIT, "recipients:too-many", "the aliases lead to more than %d addresses",
                         ALIASES_FOUND_MAX);
    if (!make_room(&found->at, sizeof *found->at, found->count, &walk->room, walk->err))
        return false;
    if (!(found->at[found->count] = str_copy(address)))
        return err_no_memory(walk->err);
    found->count++;
    return true;
}

static bool to_admin(struct walk *walk)
{
    if (!walk->asker->admin || walk->told_admin)
        return true;
    walk->told_admin = true;
    return add_found(walk, walk->asker->admin);
}

/* A name met on the way, from the alias at `from` (NULL: where we begin). */
static bool follow(struct walk *walk, struct span name, const struct alias *from)
{
    const struct alias *alias = find(walk->aliases, name);

    if (!alias || alias == from)
        return to_admin(walk);
    size_t place = (size_t)(alias - walk->aliases->aliases);
    walk->in_circle |= walk->met[place];
    if (!walk->met[place])
        walk->waiting[walk->last++] = place;
    walk->met[place] = true;
    return true;
}

static bool take(struct walk *walk, const struct target *target, const struct alias *from)
{
    struct span text = span_of(target->text);
    size_t at = span_find_last(text, '@');

    switch (target->kind) {
    case TARGET_ADDRESS:
        if (aliases_is_local(span_from(text, at + 1), walk->asker->hostname))
            return follow(walk, span_cut(text, 0, at), from);
        return add_found(walk, target->text);
    case TARGET_NAME:
        return follow(walk, text, from);
    case TARGET_FINAL:
        return to_admin(walk);
    case TARGET_REFUSED:
        if (!walk->refused)
            walk->refused = target;
        return true;
    }
    return true;
}

static bool walk_on(struct walk *walk)
{
    while (walk->first < walk->last) {
        const struct alias *alias = &walk->aliases->aliases[walk->waiting[walk->first++]];
        for (size_t i = 0; i < alias->count; i++)
            if (!take(walk, &walk->aliases->targets[alias->first + i], alias))
                return false;
    }
    return true;
}

static bool leads_nowhere(const struct walk *walk, struct span name)
{
    HELD(buf) shown = BUF(4 * NAME_SHOWN + 8);

    str_printable(&shown, name, NAME_SHOWN);
    if (walk->refused)
        return err_set(walk->err, ERR_RECIPIENT, "%s: line %u of the aliases: %s", buf_text(&shown),
                       walk->refused->line, walk->refused->text);
    if (walk->in_circle)
        return err_set(walk->err, ERR_RECIPIENT, "%s: the aliases go in a circle", buf_text(&shown));
    return err_set(walk->err, ERR_RECIPIENT, "%s is a name of this machine that has no alias, and [local] names no admin",
                   buf_text(&shown));
}

bool aliases_expand(const struct aliases *aliases, const struct alias_asker *asker, struct span name,
                    struct alias_found *found, struct err *err)
{
    struct walk walk = { .aliases = aliases, .asker = asker, .found = found, .err = err };

    walk.met = mem_array(aliases->count, sizeof *walk.met);
    walk.waiting = mem_array(aliases->count, sizeof *walk.waiting);
    bool ok = walk.met && walk.waiting ? true : err_no_memory(err);
    ok = ok && follow(&walk, name, NULL) && walk_on(&walk) && (found->count || leads_nowhere(&walk, name));
    mem_free(walk.met);
    mem_free(walk.waiting);
    if (!ok)
        alias_found_done(found);
    return ok;
}
