/* Secrets that systemd hands to the service: LoadCredential=, LoadCredentialEncrypted=, SetCredential=. */
#include "account/secret_int.h"
#include "base/alloc.h"
#include "base/str.h"
#include "os/file.h"

#include "base/banned.h"

enum { NAME_MOST = 255 };

/* systemd.exec(5): a credential is named as a file is. */
bool secret_systemd_check(struct span rest, struct err *err)
{
    bool good = rest.len > 0 && rest.len <= NAME_MOST && str_is_safe(rest) &&
                span_find(rest, '/') == rest.len && !span_is(rest, ".") && !span_is(rest, "..");

    return good || err_found(err, ERR_CONFIG, "config:bad",
                             "systemd: wants the name of a credential behind it, as the unit has it");
}

static bool read_credential(const struct secret_order *order, struct buf *ret_bytes, struct err *err)
{
    char *name = str_copy_span(order->rest);
    char *path = name ? file_path(order->world->credentials, name) : NULL;
    /* The directory is systemd's to guard: where it gives access by a list, the mode says less. */
    bool ok = path ? file_read(order->world->disk, path, SECRET_MAX, FILE_TRUSTED, ret_bytes, err)
                   : err_no_memory(err);

    mem_free(name);
    mem_free(path);
    if (!ok && err && err->kind == ERR_INPUT) {
        err->kind = ERR_CONFIG;
        err->fact = "secret:unreadable";
    }
    return ok;
}

bool secret_systemd_read(const struct secret_order *order, struct secret_fetch *fetch, struct err *err)
{
    HELD(buf) bytes = BUF(SECRET_MAX);

    if (!order->world->credentials)
        return err_found(err, ERR_LATER, "secret:locked",
                         "systemd gave us no credentials: %.*s is the service's alone",
                         SPAN_ARG(order->rest));
    if (!read_credential(order, &bytes, err))
        return false;
    secret_drop_line_end(&bytes);
    if (bytes.len == 0)
        return err_found(err, ERR_SIGNIN, "auth:empty-password", "systemd's credential %.*s is empty",
                         SPAN_ARG(order->rest));
    struct secret *secret = secret_take(&bytes);
    if (!secret)
        return err_no_memory(err);
    secret_fetch_over(fetch, secret, NULL);
    return true;
}

void secret_systemd_describe(const struct secret_order *order, struct buf *out)
{
    buf_addf(out, "systemd's credential %.*s, given to the service", SPAN_ARG(order->rest));
}
