/* The program outpost-keyring: one question to the Secret Service, by libsecret (account/keyring_talk.h). Whoever
 * has asked waits elsewhere, and kills it when he has waited long enough. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <libsecret/secret.h>

#include "account/keyring_talk.h"
#include "base/str.h"
#include "os/private.h"

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

enum { VERB = 1, STATE, NAME, LABEL, MANNER, WORDS };

#define ATTRIBUTES_OF(argv) "application", "outpost", "state", (argv)[STATE], "name", (argv)[NAME], NULL

/* ---- answers ---- */

static void answer(const char *fact, const char *text, const char *words)
{
    printf("%s\n%s\n%s", fact, text, words);
}

static void answer_ok(const void *secret, size_t len)
{
    printf(KEYRING_OK "\n");
    fwrite(secret, 1, len, stdout);
}

/* Nothing of it says that the secret is lost: there may be no keyring for this user now, or a locked one. */
static void answer_not_now(GError *error)
{
    const char *why = g_error_matches(error, SECRET_ERROR, SECRET_ERROR_IS_LOCKED)
                          ? "the keyring is locked"
                      : g_error_matches(error, SECRET_ERROR, SECRET_ERROR_NO_SUCH_OBJECT)
                          ? "there is no keyring that is open"
                          : "no keyring answers here";

    answer(KEYRING_NOT_NOW, why, error->message);
    g_error_free(error);
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

static void hand_out(SecretRetrievable *item)
{
    GError *error = NULL;
    SecretValue *value = secret_retrievable_retrieve_secret_sync(item, NULL, &error);
    gsize len = 0;

    if (error) {
        answer_not_now(error);
        return;
    }
    const char *bytes = value ? secret_value_get(value, &len) : NULL;
    if (len > KEYRING_SECRET_MAX)
        answer(KEYRING_NONE, "what the keyring has is no secret of ours: it is too long", "");
    else if (len == 0)
        answer(KEYRING_EMPTY, "what the keyring has is empty", "");
    else
        answer_ok(bytes, len);
    if (value)
        secret_value_unref(value);
}

static void read_item(char **argv)
{
    GError *error = NULL;
    SecretSearchFlags flags = SECRET_SEARCH_LOAD_SECRETS;

    if (strcmp(argv[MANNER], "ask") == 0)
        flags |= SECRET_SEARCH_UNLOCK;
    GList *found = secret_password_search_sync(&schema, flags, NULL, &error, ATTRIBUTES_OF(argv));
    if (error) {
        answer_not_now(error);
        return;
    }
    SecretRetrievable *open = open_one(found);
    if (open)
        hand_out(open);
    else if (found)
        answer(KEYRING_NOT_NOW, "the keyring is locked", "");
    else
        answer(KEYRING_NONE, "the keyring has none", "");
    g_list_free_full(found, g_object_unref);
}

/* ---- writing ---- */

static void keep_item(char **argv)
{
    static char bytes[KEYRING_SECRET_MAX];
    size_t len = fread(bytes, 1, sizeof bytes, stdin);
    SecretValue *value = secret_value_new(bytes, (gssize)len, "text/plain");
    GError *error = NULL;

    str_wipe(bytes, sizeof bytes);
    secret_password_store_binary_sync(&schema, SECRET_COLLECTION_DEFAULT, argv[LABEL], value, NULL, &error,
                                      ATTRIBUTES_OF(argv));
    secret_value_unref(value);
    if (error)
        answer_not_now(error);
    else
        answer_ok("", 0);
}

/* None there is no failure. */
static void forget_item(char **argv)
{
    GError *error = NULL;

    secret_password_clear_sync(&schema, NULL, &error, ATTRIBUTES_OF(argv));
    if (error)
        answer_not_now(error);
    else
        answer_ok("", 0);
}

static const struct verb {
    const char *name;
    void (*run)(char **argv);
} verbs[] = { { "read", read_item }, { "keep", keep_item }, { "forget", forget_item } };

int main(int argc, char **argv)
{
    struct private_before before;

    private_process(&before);
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* nobody would hear the answer */
    for (size_t i = 0; argc == WORDS && i < COUNT(verbs); i++)
        if (strcmp(argv[VERB], verbs[i].name) == 0) {
            verbs[i].run(argv);
            return fflush(stdout) == 0 ? 0 : 74;
        }
    fputs("outpost-keyring is called by outpost\n", stderr);
    return 64;
}
