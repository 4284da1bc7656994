/* The module outpost-keyring.so: the Secret Service, by libsecret. Its functions that wait are used, each on
 * a worker thread of the caller's. */
#include <string.h>

#include <libsecret/secret.h>

#include "account/keyring_face.h"

#include "base/banned.h"

/* Not matched by its own name, which gnome-keyring does not find in a keyring that is locked: it would say
 * that there is none, and somebody would store it anew. "application" tells ours from others'. */
static const SecretSchema schema = {
    "org.outpost.Secret",
    SECRET_SCHEMA_DONT_MATCH_NAME,
    {
        { "application", SECRET_SCHEMA_ATTRIBUTE_STRING },
        { "state", SECRET_SCHEMA_ATTRIBUTE_STRING },
        { "name", SECRET_SCHEMA_ATTRIBUTE_STRING },
        { NULL, 0 },
    },
    0, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
};

#define ATTRIBUTES_OF(item) "application", "outpost", "state", (item)->state, "name", (item)->name, NULL

/* ---- to stop ---- */

static GCancellable *cancellable_of(struct keyring_stop *stop)
{
    return (GCancellable *)stop;
}

static struct keyring_stop *stop_new(void)
{
    return (struct keyring_stop *)g_cancellable_new();
}

static void stop(struct keyring_stop *stop)
{
    g_cancellable_cancel(cancellable_of(stop));
}

static void stop_free(struct keyring_stop *stop)
{
    g_object_unref(stop);
}

/* ---- what went wrong ---- */

/* Nothing of it says that the secret is lost: there may be no keyring for this user now, or a locked one. */
static bool not_now(struct err *err, GError *error)
{
    const char *why = g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED)
                          ? "the keyring is locked"
                      : g_error_matches(error, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT)
                          ? "there is no keyring that is open"
                      : g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED)
                          ? "the keyring was not waited for"
                          : "no keyring answers here";

    err_found(err, ERR_LATER, "secret:locked", "%s", why);
    err_said(err, span_of(error->message));
    g_error_free(error);
    return false;
}

/* ---- reading ---- */

/* Of what was found, the one that can be opened. */
static SecretRetrievable *open_one(GList *found)
{
    for (GList *at = found; at; at = at->next)
        if (!SECRET_IS_ITEM(at->data) || !secret_item_get_locked(at->data))
            return at->data;
    return NULL;
}

static bool take(SecretRetrievable *item, GCancellable *cancellable, char *into, size_t room,
                 size_t *ret_len, struct err *err)
{
    GError *error = NULL;
    SecretValue *value = secret_retrievable_retrieve_secret_sync(item, cancellable, &error);
    gsize len = 0;

    if (error)
        return not_now(err, error);
    const char *bytes = value ? secret_value_get(value, &len) : NULL;
    bool fits = len <= room;
    if (bytes && fits)
        memcpy(into, bytes, len);
    if (value)
        secret_value_unref(value);
    if (!fits)
        return err_set(err, ERR_LIMIT, "what the keyring has is no secret of ours: it is too long");
    if (len == 0)
        return err_found(err, ERR_SIGNIN, "auth:empty-password", "what the keyring has is empty");
    *ret_len = len;
    return true;
}

static bool read_item(const struct keyring_item *item, struct keyring_stop *stop, char *into, size_t room,
                      size_t *ret_len, struct err *err)
{
    GError *error = NULL;
    SecretSearchFlags flags = SECRET_SEARCH_LOAD_SECRETS;

    if (item->may_ask)
        flags |= SECRET_SEARCH_UNLOCK;
    GList *found = secret_password_search_sync(&schema, flags, cancellable_of(stop), &error,
                                               ATTRIBUTES_OF(item));
    if (error)
        return not_now(err, error);
    SecretRetrievable *open = open_one(found);
    bool ok = open ? take(open, cancellable_of(stop), into, room, ret_len, err)
              : found
                  ? err_found(err, ERR_LATER, "secret:locked", "the keyring is locked")
                  : err_found(err, ERR_CONFIG, "secret:unreadable", "the keyring has none");
    g_list_free_full(found, g_object_unref);
    return ok;
}

/* ---- writing ---- */

static bool keep_item(const struct keyring_item *item, struct keyring_stop *stop, struct span secret,
                      struct err *err)
{
    GError *error = NULL;
    SecretValue *value = secret_value_new(secret.at, (gssize)secret.len, "text/plain");

    secret_password_store_binary_sync(&schema, SECRET_COLLECTION_DEFAULT, item->label, value,
                                      cancellable_of(stop), &error, ATTRIBUTES_OF(item));
    secret_value_unref(value);
    return !error || not_now(err, error);
}

static bool forget_item(const struct keyring_item *item, struct keyring_stop *stop, struct err *err)
{
    GError *error = NULL;

    secret_password_clear_sync(&schema, cancellable_of(stop), &error, ATTRIBUTES_OF(item));
    return !error || not_now(err, error);
}

__attribute__((visibility("default"))) extern const struct keyring_face outpost_keyring;
const struct keyring_face outpost_keyring = { stop_new, stop, stop_free, read_item, keep_item, forget_item };
