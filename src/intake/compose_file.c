#include "intake/compose_int.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/span.h"
#include "mail/header.h"

#include "base/banned.h"

/* Enough for a mail program to show the right picture and open the right program; what is not here is
 * an application/octet-stream, and the recipient's machine goes by the name. */
static const struct {
    const char *suffix, *type, *subtype;
} types[] = {
    { ".txt", "text", "plain" },         { ".log", "text", "plain" },
    { ".csv", "text", "csv" },           { ".html", "text", "html" },
    { ".htm", "text", "html" },          { ".ics", "text", "calendar" },
    { ".vcf", "text", "vcard" },         { ".md", "text", "markdown" },
    { ".pdf", "application", "pdf" },    { ".json", "application", "json" },
    { ".xml", "application", "xml" },    { ".zip", "application", "zip" },
    { ".gz", "application", "gzip" },    { ".tar", "application", "x-tar" },
    { ".doc", "application", "msword" }, { ".xls", "application", "vnd.ms-excel" },
    { ".docx", "application", "vnd.openxmlformats-officedocument.wordprocessingml.document" },
    { ".xlsx", "application", "vnd.openxmlformats-officedocument.spreadsheetml.sheet" },
    { ".pptx", "application", "vnd.openxmlformats-officedocument.presentationml.presentation" },
    { ".odt", "application", "vnd.oasis.opendocument.text" },
    { ".ods", "application", "vnd.oasis.opendocument.spreadsheet" },
    { ".png", "image", "png" },          { ".jpg", "image", "jpeg" },
    { ".jpeg", "image", "jpeg" },        { ".gif", "image", "gif" },
    { ".svg", "image", "svg+xml" },      { ".webp", "image", "webp" },
    { ".mp3", "audio", "mpeg" },         { ".mp4", "video", "mp4" },
};

static void type_choose(struct compose_file *file)
{
    file->type = "application";
    file->subtype = "octet-stream";
    for (size_t i = 0; i < COUNT(types); i++)
        if (span_ends_word(span_of(file->name), types[i].suffix)) {
            file->type = types[i].type;
            file->subtype = types[i].subtype;
            return;
        }
}

bool compose_file_open(const char *path, struct compose_file *ret_file, struct err *err)
{
    const char *slash = strrchr(path, '/');
    struct compose_file file = { .path = path, .name = slash ? slash + 1 : path, .fd = -1 };
    struct stat info;

    if (!header_check_text("an attachment's name", span_of(file.name), err))
        return false;
    /* O_NONBLOCK: a pipe with nobody at its other end must be refused, not waited for. */
    file.fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (file.fd < 0)
        return err_sys(err, ERR_INPUT, errno, "%s can't be attached", path);
    if (fstat(file.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
        close(file.fd);
        return err_set(err, ERR_INPUT, "%s can't be attached: it is not a regular file", path);
    }
    file.size = (uint64_t)info.st_size;
    file.changed = info.st_mtim;
    type_choose(&file);
    *ret_file = file;
    return true;
}

bool compose_file_check(const struct compose_file *file, struct err *err)
{
    struct stat info;

    if (fstat(file->fd, &info) != 0)
        return err_sys(err, ERR_INPUT, errno, "%s can't be attached", file->path);
    if ((uint64_t)info.st_size != file->size || info.st_mtim.tv_sec != file->changed.tv_sec ||
        info.st_mtim.tv_nsec != file->changed.tv_nsec)
        return err_set(err, ERR_INPUT, "%s can't be attached: it changed while it was read", file->path);
    return true;
}

void compose_file_done(struct compose_file *file)
{
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -1;
}
