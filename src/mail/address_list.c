#include "mail/address_int.h"

#include "base/alloc.h"
#include "base/str.h"
#include "mail/words.h"

#include "base/banned.h"

/* The words before an "@", "<" or ":" are a local part or a display name, and it is not known which
 * until that character comes. So both are built at once. */
struct reader {
    struct scan scan;
    const char *domain; /* for bare names; or NULL */
    struct address_list *list;
    bool in_group;
    struct buf local; /* the words, without what stands between them */
    struct buf name;  /* the words without their quotes, one blank between them */
    size_t words;
    size_t words_end;     /* behind the last of them */
    const char *no_local; /* why the words can't be a local part, and where; or NULL */
    size_t no_local_at;
    bool dot_last;
};

static void reader_done(struct reader *reader)
{
    buf_done(&reader->local);
    buf_done(&reader->name);
}

/* Passes over one comment. Comments nest; a counter is enough, and no input is too deep for it. */
static bool comment_skip(struct scan *scan, struct err *err)
{
    size_t start = scan->at, depth = 0;

    do {
        char c = scan_peek(scan);
        depth += c == '(';
        depth -= c == ')';
        scan->at += c == '\\' ? 2 : 1;
        if (depth && scan->at >= scan->all.len) {
            scan->at = start;
            return address_bad(err, scan, "this comment is never closed");
        }
    } while (depth);
    return true;
}

/* Blanks, folded lines and comments (RFC 5322, 3.2.2). A line break with no blank behind it is none. */
static bool cfws_skip(struct scan *scan, struct err *err)
{
    for (;;) {
        scan_blanks(scan);
        if (scan_text(scan, "\r\n ") || scan_text(scan, "\r\n\t") || scan_text(scan, "\n ") ||
            scan_text(scan, "\n\t"))
            continue;
        if (scan_peek(scan) != '(')
            return true;
        if (!comment_skip(scan, err))
            return false;
    }
}

static void words_clear(struct reader *reader)
{
    buf_clear(&reader->local);
    buf_clear(&reader->name);
    reader->words = 0;
    reader->no_local = NULL;
    reader->dot_last = false;
}

static void no_local(struct reader *reader, size_t at, const char *why)
{
    if (reader->no_local)
        return;
    reader->no_local = why;
    reader->no_local_at = at;
}

/* In a name, whatever blanks and comments stood before this word or dot become one blank. */
static void gap_keep(struct reader *reader, size_t at)
{
    if (reader->name.len && at > reader->words_end)
        buf_add_char(&reader->name, ' ');
}

/* Takes the word into both buffers; `bare` is what it says, `raw` how it was written. */
static void word_take(struct reader *reader, struct span raw, struct span bare)
{
    bool quoted = raw.at[0] == '"';
    size_t at = reader->scan.at - raw.len;

    if (reader->words && !reader->dot_last)
        no_local(reader, at, "a blank may not stand in an address");
    gap_keep(reader, at);
    if (reader->words && (quoted || buf_text(&reader->local)[0] == '"'))
        no_local(reader, at, "quotes stand around the whole name before \"@\", or nowhere");
    buf_add_span(&reader->local, raw);
    if (quoted) {
        for (size_t i = 0; i < bare.len; i++) {
            if (bare.at[i] == '\\' && i + 1 < bare.len)
                i++;
            if (bare.at[i] != '\r' && bare.at[i] != '\n')
                buf_add_char(&reader->name, bare.at[i]);
        }
    } else {
        buf_add_span(&reader->name, bare);
    }
    reader->words++;
    reader->dot_last = false;
}

static void dot_take(struct reader *reader)
{
    if (reader->dot_last || reader->words == 0)
        no_local(reader, reader->scan.at - 1, "a dot may not stand here");
    gap_keep(reader, reader->scan.at - 1);
    buf_add_char(&reader->local, '.');
    buf_add_char(&reader->name, '.');
    reader->dot_last = true;
}

/* Atoms, quoted strings and dots (RFC 5322, 4.1: obs-phrase), until something else comes. */
static bool words_read(struct reader *reader, struct err *err)
{
    struct scan *scan = &reader->scan;
    struct span raw;

    words_clear(reader);
    for (;;) {
        if (!cfws_skip(scan, err))
            return false;
        if (scan_peek(scan) == '"') {
            if (!address_quoted_scan(scan, &raw, err))
                return false;
            word_take(reader, raw, span_cut(raw, 1, raw.len - 1));
        } else if (scan_while(scan, address_is_atext, &raw)) {
            word_take(reader, raw, raw);
        } else if (scan_char(scan, '.')) {
            dot_take(reader);
        } else {
            break;
        }
        reader->words_end = scan->at;
    }
    if (reader->dot_last)
        no_local(reader, reader->words_end - 1, "a dot may not stand here");
    return (!reader->local.full && !reader->name.full) || err_no_memory(err);
}

/* The domain behind an "@", without blanks and comments around its dots. */
static bool domain_read(struct scan *scan, struct buf *domain, struct err *err)
{
    struct span part;

    if (!cfws_skip(scan, err))
        return false;
    size_t start = scan->at;
    if (scan_char(scan, '[')) {
        if (!scan_until(scan, ']', &part))
            return address_bad(err, scan, "this bracket is never closed");
        buf_add_span(domain, span_cut(scan->all, start, scan->at));
        return cfws_skip(scan, err);
    }
    while (scan_while(scan, address_is_domain_char, &part)) {
        buf_add_span(domain, part);
        bool dot = part.at[part.len - 1] == '.';
        struct scan ahead = *scan;
        if (!cfws_skip(&ahead, err))
            return false;
        if (!dot && scan_peek(&ahead) != '.')
            break;
        *scan = ahead;
    }
    return cfws_skip(scan, err);
}

static bool list_room(struct address_list *list, struct err *err)
{
    if (list->count == ADDRESS_LIST_MAX)
        return err_found(err, ERR_LIMIT, "recipients:too-many", "more than %d addresses",
                         ADDRESS_LIST_MAX);
    if (list->count < list->room)
        return true;
    size_t room = list->room ? list->room * 2 : 4;
    struct address *at = mem_resize(list->at, room, sizeof *at);
    if (!at)
        return err_no_memory(err);
    list->at = at;
    list->room = room;
    return true;
}

/* Adds the address whose local part is in the words, and whose "@", if any, comes next. */
static bool mailbox_read(struct reader *reader, struct span name, struct err *err)
{
    struct scan *scan = &reader->scan;
    HELD(buf) domain = BUF(4 * ADDRESS_DOMAIN_MAX);
    struct address address;

    if (reader->words == 0)
        return address_unexpected(err, scan, "an address is missing");
    if (scan_peek(scan) != '@' && !reader->domain) {
        scan->at = reader->words_end;
        return address_bad(err, scan, "\"@\" and a domain are missing");
    }
    if (reader->no_local) {
        scan->at = reader->no_local_at;
        return address_bad(err, scan, reader->no_local);
    }
    bool bare = !scan_char(scan, '@');
    size_t start = scan->at;
    if (bare)
        buf_add(&domain, reader->domain);
    else if (!domain_read(scan, &domain, err))
        return false;
    if (domain.full) {
        bool long_ = scan->at - start > domain.ceiling;
        scan->at = start;
        return long_ ? address_bad(err, scan, "a domain has at most 255 characters")
                     : err_no_memory(err);
    }
    if (!list_room(reader->list, err) ||
        !address_make(scan, buf_span(&reader->local), buf_span(&domain), start, &address, err))
        return false;

    reader->list->at[reader->list->count++] = address;
    struct address *added = &reader->list->at[reader->list->count - 1];
    added->qualified = bare;
    added->end = reader->words_end;
    mem_free(added->name);
    added->name = str_copy_span(name);
    return added->name || err_no_memory(err);
}

/* What stands in angle brackets: an old route, which is passed over, and an address. */
static bool angle_read(struct reader *reader, struct err *err)
{
    struct scan *scan = &reader->scan;
    HELD(buf) name = BUF(scan->all.len);
    struct span route;

    buf_add_span(&name, buf_span(&reader->name));
    if (name.full)
        return err_no_memory(err);
    scan->at++;
    if (!cfws_skip(scan, err))
        return false;
    if (scan_peek(scan) == '@' && !scan_until(scan, ':', &route))
        return address_bad(err, scan, "a name is missing before \"@\"");
    if (!words_read(reader, err) || !mailbox_read(reader, buf_span(&name), err))
        return false;
    if (!scan_char(scan, '>'))
        return address_unexpected(err, scan, "\">\" is missing");
    return cfws_skip(scan, err);
}

/* One member, or the front of a group; what comes next is looked at by the caller. */
static bool member_read(struct reader *reader, bool *ret_group, struct err *err)
{
    struct scan *scan = &reader->scan;

    *ret_group = false;
    if (!words_read(reader, err))
        return false;
    if (scan_peek(scan) == '<')
        return angle_read(reader, err);
    if (scan_peek(scan) == ':' && reader->words && !reader->in_group) {
        scan->at++;
        *ret_group = reader->in_group = true;
        return true;
    }
    /* RFC 5322, 4.4: empty members are passed over. */
    if (reader->words == 0 && !reader->dot_last &&
        (scan_end(scan) || scan_peek(scan) == ',' || scan_peek(scan) == ';'))
        return true;
    return mailbox_read(reader, SPAN_NONE, err);
}

static bool members_read(struct reader *reader, struct err *err)
{
    struct scan *scan = &reader->scan;
    bool group;

    for (size_t member = 1;; member += !group) {
        if (!member_read(reader, &group, err))
            return err_in(err, "address %zu", member);
        if (group)
            continue;
        if (reader->in_group && scan_char(scan, ';')) {
            reader->in_group = false;
            if (!cfws_skip(scan, err))
                return false;
        }
        if (scan_end(scan) && reader->in_group)
            return address_bad(err, scan, "a group ends with a semicolon");
        if (scan_end(scan))
            return true;
        if (!scan_char(scan, ',')) {
            address_unexpected(err, scan, "a comma is missing between two addresses");
            return err_in(err, "address %zu", member);
        }
    }
}

bool address_list_parse(struct span value, const char *domain, struct address_list *list,
                        struct err *err)
{
    HELD(reader) reader = {
        .scan = scan_of(value),
        .domain = domain,
        .list = list,
        .local = BUF(value.len),
        .name = BUF(value.len),
    };
    size_t before = list->count;

    if (members_read(&reader, err))
        return true;
    while (list->count > before)
        address_done(&list->at[--list->count]);
    return false;
}

void address_list_done(struct address_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        address_done(&list->at[i]);
    mem_free(list->at);
    *list = (struct address_list){ 0 };
}

/* RFC 5322, 3.2.5: words of atoms with single blanks between, none of which looks encoded. */
static bool is_plain_phrase(struct span name)
{
    bool blank = true;

    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == ' ' ? blank : !address_is_atext(name.at[i]))
            return false;
        blank = name.at[i] == ' ';
    }
    return !blank && words_are_plain(name);
}

void address_name_add(struct buf *out, struct span name)
{
    HELD(buf) clean = BUF(name.len);

    name = span_trim(name);
    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.at[i];
        buf_add_char(&clean, c < ' ' || c == 127 ? ' ' : name.at[i]);
    }
    out->full |= clean.full;
    name = buf_span(&clean);
    if (name.len == 0 || is_plain_phrase(name)) {
        buf_add_span(out, name);
        return;
    }
    if (!words_are_plain(name)) {
        words_encode(out, name);
        return;
    }
    buf_add_char(out, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '"' || name.at[i] == '\\')
            buf_add_char(out, '\\');
        buf_add_char(out, name.at[i]);
    }
    buf_add_char(out, '"');
}

void address_add(struct buf *out, struct span name, struct span wire)
{
    size_t before = out->len;

    address_name_add(out, name);
    bool named = out->len > before;
    buf_add(out, named ? " <" : "");
    buf_add_span(out, wire);
    buf_add(out, named ? ">" : "");
}
