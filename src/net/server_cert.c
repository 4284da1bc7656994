#include "net/server_cert.h"

#include <errno.h>
#include <fcntl.h>

#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

enum {
    PEM_MOST = 256 * 1024,
    DAY = 24 * 60 * 60,
    OURS_DAYS = 3650,
    FILES_MOST = 2, /* chain and key; or ours with EC and with RSA */
};

/* How a file looked when it was read. */
struct look {
    struct timespec changed;
    ino_t inode;
    off_t size;
};

struct server_cert {
    const struct server_cert_plan *plan;
    char *files[FILES_MOST];
    struct look looks[FILES_MOST];
    size_t file_count;
    struct tls_context *context;
    struct cert_description description;
};

static bool is_ours(const struct server_cert *cert)
{
    return !cert->plan->chain_file;
}

void server_cert_free(struct server_cert *cert)
{
    if (!cert)
        return;
    for (size_t i = 0; i < FILES_MOST; i++)
        mem_free(cert->files[i]);
    tls_context_free(cert->context);
    mem_free(cert);
}

/* -- looking -- */

static struct look look_at(const struct disk *disk, const char *path)
{
    struct look look = { 0 };
    struct stat about;
    int fd = disk->open(disk, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0);

    if (fd < 0)
        return look;
    if (disk->stat(disk, fd, &about) == 0)
        look = (struct look){ about.st_mtim, about.st_ino, about.st_size };
    disk->close(disk, fd);
    return look;
}

static bool is_changed(const struct server_cert *cert)
{
    for (size_t i = 0; i < cert->file_count; i++) {
        struct look now = look_at(cert->plan->disk, cert->files[i]);
        const struct look *then = &cert->looks[i];
        if (now.inode != then->inode || now.size != then->size ||
            now.changed.tv_sec != then->changed.tv_sec || now.changed.tv_nsec != then->changed.tv_nsec)
            return true;
    }
    return false;
}

/* -- making ours -- */

/* Key and certificate in one file: so that no crash leaves one without the other. */
static bool make_one(const struct server_cert *cert, const char *path, bool rsa, uint64_t now, struct err *err)
{
    const struct cert_plan plan = {
        .names = cert->plan->names,
        .from = now > DAY ? now - DAY : 0, /* devices' clocks go wrong */
        .until = now + OURS_DAYS * (uint64_t)DAY,
        .rsa = rsa,
    };
    HELD(buf) pem = BUF(PEM_MOST);
    OWN(cert) made = NULL;

    if (!cert_make(&plan, &made, err))
        return false;
    cert_add_key(made, &pem);
    cert_add_chain(made, &pem);
    if (pem.full)
        return err_no_memory(err);
    return file_write(cert->plan->disk, path, buf_span(&pem), FILE_MADE(0600), err);
}

static bool make_ours(const struct server_cert *cert, uint64_t now, struct err *err)
{
    return file_make_dirs(cert->plan->disk, cert->plan->directory, 0700, err) &&
           make_one(cert, cert->files[0], false, now, err) &&
           (cert->file_count == 1 || make_one(cert, cert->files[1], true, now, err));
}

/* -- reading -- */

static bool has_run_out(const struct server_cert *cert, uint64_t now)
{
    return is_ours(cert) && cert->description.until < now;
}

/* Whoever wrote the files, or named them, is to mend it. */
static bool is_bad(struct err *err)
{
    if (err && (err->kind == ERR_INTERNAL || err->kind == ERR_INPUT)) {
        err->kind = ERR_CONFIG;
        err->fact = "config:bad";
    }
    return false;
}

/* Nothing of the old one is touched unless the new one is good. */
static bool read_files(struct server_cert *cert, struct err *err)
{
    const struct server_cert_plan *plan = cert->plan;
    HELD(buf) first = BUF(PEM_MOST), second = BUF(PEM_MOST);
    struct look looks[FILES_MOST] = { 0 };
    struct cert_description description;
    struct tls_context *context;

    for (size_t i = 0; i < cert->file_count; i++)
        looks[i] = look_at(plan->disk, cert->files[i]);
    /* A chain is no secret; what holds a key is. */
    if (!file_read(plan->disk, cert->files[0], PEM_MOST, is_ours(cert) ? FILE_SECRET : FILE_ANY, &first, err) ||
        (cert->file_count > 1 &&
         !file_read(plan->disk, cert->files[1], PEM_MOST, FILE_SECRET, &second, err)))
        return is_bad(err);
    struct tls_server_plan tls = {
        .chain_pem = buf_span(&first),
        .key_pem = buf_span(is_ours(cert) ? &first : &second),
        .minimum = plan->minimum,
        .protocol = plan->protocol,
    };
    if (is_ours(cert))
        tls.also_chain_pem = tls.also_key_pem = buf_span(&second);
    if (!cert_describe(tls.chain_pem, &description, err) || !tls_server_context(&tls, &context, err)) {
        err_in(err, "%s", cert->files[0]);
        return is_bad(err);
    }
    tls_context_free(cert->context);
    cert->context = context;
    cert->description = description;
    memcpy(cert->looks, looks, sizeof looks);
    return true;
}

static bool name_files(struct server_cert *cert, struct err *err)
{
    const struct server_cert_plan *plan = cert->plan;

    cert->files[0] = is_ours(cert) ? file_path(plan->directory, "tls.pem") : str_copy(plan->chain_file);
    cert->files[1] = is_ours(cert) ? file_path(plan->directory, "tls-rsa.pem") : str_copy(plan->key_file);
    cert->file_count = is_ours(cert) && !plan->with_rsa ? 1 : 2;
    return (cert->files[0] && cert->files[1]) || err_no_memory(err);
}

static bool are_there(const struct server_cert *cert)
{
    for (size_t i = 0; i < cert->file_count; i++)
        if (!file_exists(cert->files[i]))
            return false;
    return true;
}

bool server_cert_open(const struct server_cert_plan *plan, uint64_t now, struct server_cert **ret_cert,
                      struct err *err)
{
    OWN(server_cert) cert = NEW(server_cert);

    if (!cert)
        return err_no_memory(err);
    cert->plan = plan;
    if (!name_files(cert, err))
        return false;
    if (is_ours(cert) && !are_there(cert) && !make_ours(cert, now, err))
        return false;
    if (!read_files(cert, err))
        return false;
    if (has_run_out(cert, now) && (!make_ours(cert, now, err) || !read_files(cert, err)))
        return false;
    *ret_cert = GIVE(cert);
    return true;
}

struct tls_context *server_cert_context(const struct server_cert *cert)
{
    return cert->context;
}

const struct cert_description *server_cert_description(const struct server_cert *cert)
{
    return &cert->description;
}

bool server_cert_renew(struct server_cert *cert, uint64_t now, bool *ret_changed, struct err *err)
{
    *ret_changed = false;
    if (has_run_out(cert, now) && !make_ours(cert, now, err))
        return false;
    if (!is_changed(cert))
        return true;
    if (!read_files(cert, err))
        return false;
    *ret_changed = true;
    return true;
}
