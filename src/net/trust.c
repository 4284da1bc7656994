#include "net/trust.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include <openssl/x509.h>

#include "base/buf.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

enum { BUNDLE_MAX = 8 * 1024 * 1024 };

/* Where systems without hashed directories keep their authorities. */
static const char *const bundles[] = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
    "/etc/ssl/ca-bundle.pem",
};

/* ---- directories ---- */

static bool is_hash_name(const char *name)
{
    return strspn(name, "0123456789abcdef") == 8 && name[8] == '.' && str_is_digit(name[9]);
}

/* Images of machines often have the links of a directory, and not what they lead to. */
static bool is_hashed_directory(struct span path)
{
    HELD(buf) terminated = BUF(PATH_MAX);
    DIR *directory;
    const struct dirent *entry = NULL;

    buf_add_span(&terminated, path);
    directory = terminated.full ? NULL : opendir(buf_text(&terminated));
    if (!directory)
        return false;
    while ((entry = readdir(directory)))
        if (is_hash_name(entry->d_name) && faccessat(dirfd(directory), entry->d_name, R_OK, 0) == 0)
            break;
    closedir(directory);
    return entry;
}

/* Does any of these directories (a list with ':' between) hold certificates named by their hashes,
 * such as 002c0b4f.0? Then each is looked up when it is needed; reading the whole bundle instead
 * takes 20 ms. */
static bool is_hashed(const char *directories)
{
    struct span rest = span_of(directories), one;

    while (span_split(&rest, ':', &one))
        if (is_hashed_directory(one))
            return true;
    return false;
}

/* ---- files ---- */

static bool holds_certificate(const char *path, struct err *err)
{
    static const char *const begins[] = { "-----BEGIN CERTIFICATE-----", "-----BEGIN TRUSTED CERTIFICATE-----",
                                          "-----BEGIN X509 CERTIFICATE-----" };
    HELD(buf) text = BUF(BUNDLE_MAX);

    if (!file_read(&disk_system, path, BUNDLE_MAX, FILE_ANY, &text, err))
        return false;
    for (size_t i = 0; i < COUNT(begins); i++)
        if (strstr(buf_text(&text), begins[i]))
            return true;
    return false;
}

static bool find_bundle(const char **ret_file, struct err *err)
{
    const char *first = X509_get_default_cert_file();

    for (size_t i = 0; i <= COUNT(bundles); i++) {
        const char *file = i ? bundles[i - 1] : first;
        struct err why = { 0 };
        if (holds_certificate(file, &why)) {
            *ret_file = file;
            return true;
        }
        if (why.kind == ERR_MEMORY)
            return err_no_memory(err);
    }
    return err_found(err, ERR_CONFIG, "cert:no-ca-bundle", "this machine has no certificate authorities installed");
}

/* ---- both ---- */

static const char *from_environment(const char *name)
{
    const char *value = secure_getenv(name);

    return value && value[0] ? value : NULL;
}

static bool find_system(struct trust *trust, struct err *err)
{
    const char *file = from_environment(X509_get_default_cert_file_env());
    const char *directory = from_environment(X509_get_default_cert_dir_env());

    if (!directory)
        directory = X509_get_default_cert_dir();
    if (file && access(file, R_OK) != 0)
        return err_found(err, ERR_CONFIG, "cert:no-ca-bundle", "%s names no file of certificates: %s",
                         X509_get_default_cert_file_env(), file);
    *trust = (struct trust){ .file = file, .directory = is_hashed(directory) ? directory : NULL };
    return trust->file || trust->directory || find_bundle(&trust->file, err);
}

bool trust_find(const char *ca_file, struct trust *ret_trust, struct err *err)
{
    if (!ca_file)
        return find_system(ret_trust, err);
    if (access(ca_file, R_OK) != 0)
        return err_found(err, ERR_CONFIG, "cert:no-ca-bundle", "the CA file %s cannot be read", ca_file);
    *ret_trust = (struct trust){ .file = ca_file, .all = true };
    return true;
}
