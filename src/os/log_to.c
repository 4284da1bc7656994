#include "os/log_to.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/str.h"
#include "os/module.h"
#include "os/systemd.h"

#include "base/banned.h"

static const int priorities[] = {
    [LOG_AT_ERROR] = LOG_ERR,
    [LOG_AT_WARN] = LOG_WARNING,
    [LOG_AT_INFO] = LOG_INFO,
    [LOG_AT_DEBUG] = LOG_DEBUG,
};

/* ---- standard error ---- */

void log_to_stderr(struct log *log, struct span line)
{
    (void)log;
    while (line.len) {
        ssize_t n = write(STDERR_FILENO, line.at, line.len);
        if (n < 0 && errno != EINTR)
            return;
        if (n > 0)
            line = span_from(line, (size_t)n);
    }
}

/* systemd tells which stream its journal reads by the device and number of its end: "DEVICE:INODE". */
bool log_stderr_is_journal(void)
{
    struct span stream = span_of(secure_getenv("JOURNAL_STREAM"));
    size_t colon = span_find(stream, ':');
    uint64_t device, inode;
    struct stat is;

    return colon < stream.len && str_to_u64(span_cut(stream, 0, colon), 0, UINT64_MAX, &device) &&
           str_to_u64(span_from(stream, colon + 1), 0, UINT64_MAX, &inode) && fstat(STDERR_FILENO, &is) == 0 &&
           is.st_dev == device && is.st_ino == inode;
}

/* ---- syslog ---- */

static void put_syslog(struct log *log, const struct log_entry *entry)
{
    (void)log;
    syslog(priorities[entry->level], "%.*s", SPAN_ARG(entry->text));
}

void log_to_syslog(struct log *log)
{
    openlog("outpost", LOG_PID, LOG_MAIL);
    log->put = put_syslog;
}

/* ---- the journal ---- */

enum { FIXED = 4, NAME_MOST = 64, ENTRY_MOST = 96 * 1024 };

/* "NAME=value" each, one behind the other; where each ends. */
struct entry {
    struct buf bytes;
    size_t ends[FIXED + LOG_FIELDS_MAX];
    int count;
};

static void add(struct entry *e, const char *name, struct span value)
{
    buf_addf(&e->bytes, "%s=", name);
    buf_add_span(&e->bytes, value);
    e->ends[e->count++] = e->bytes.len;
}

/* Names are capitals, digits and underscores; ours begin as no others do. */
static void add_ours(struct entry *e, const char *key, struct span value)
{
    HELD(buf) name = BUF(NAME_MOST);

    buf_add(&name, "OUTPOST_");
    for (; *key; key++)
        buf_add_char(&name, *key >= 'a' && *key <= 'z' ? (char)(*key - 'a' + 'A')
                            : *key >= '0' && *key <= '9' ? *key : '_');
    add(e, buf_text(&name), value);
}

static bool send(const struct systemd_face *systemd, const struct entry *e)
{
    struct iovec fields[FIXED + LOG_FIELDS_MAX];
    size_t begins = 0;

    for (int i = 0; i < e->count; begins = e->ends[i++])
        fields[i] = (struct iovec){ e->bytes.at + begins, e->ends[i] - begins };
    return !e->bytes.full && systemd->journal(fields, e->count);
}

/* Where the journal is gone, standard error is better than nothing. */
static void put_journal(struct log *log, const struct log_entry *entry)
{
    struct entry e = { .bytes = BUF(ENTRY_MOST) };
    HELD(buf) priority = BUF(8);

    buf_addf(&priority, "%d", priorities[entry->level]);
    add(&e, "MESSAGE", entry->text);
    add(&e, "PRIORITY", buf_span(&priority));
    add(&e, "SYSLOG_IDENTIFIER", SPAN("outpost"));
    add_ours(&e, "event", span_of(entry->event));
    for (size_t i = 0; i < entry->count; i++)
        add_ours(&e, entry->fields[i].key, entry->fields[i].text);
    if (!send(log->of, &e)) {
        HELD(buf) line = BUF(ENTRY_MOST);
        buf_add_span(&line, entry->text);
        buf_add_char(&line, '\n');
        log_to_stderr(log, buf_span(&line));
    }
    buf_done(&e.bytes);
}

bool log_to_journal(struct log *log, struct err *err)
{
    const struct systemd_face *systemd;
    const void *loaded;

    if (!module_load(SYSTEMD_MODULE, SYSTEMD_SYMBOL, &loaded, err)) {
        if (err)
            err->kind = ERR_CONFIG;
        return err_in(err, "there is no way to a journal in this installation");
    }
    systemd = loaded;
    if (!systemd->journal_is_here())
        return err_set(err, ERR_CONFIG, "no journal runs here");
    log->of = (void *)(uintptr_t)systemd;
    log->put = put_journal;
    return true;
}
