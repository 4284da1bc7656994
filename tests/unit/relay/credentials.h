/* Credentials of a test's own, in place of account/credential.c: included by the test, whose program then has
 * these functions and not the others. */
#ifndef OUTPOST_TESTS_CREDENTIALS_H
#define OUTPOST_TESTS_CREDENTIALS_H

#include <stdio.h>

#include "account/credential.h"
#include "support/check.h"

static struct {
    const char *tokens[4]; /* one for each time it is asked; the last one again and again */
    size_t fetched;
    const char *refused[4]; /* what it was told of */
    bool fails_fresh, fails, fails_https;
    const char *users[4];
    size_t user_count;
    char won[64];
    enum credential_purpose purpose; /* asked for last */
} credentials;

bool credential_fetch(const struct credential_world *world, const struct account *account,
                      enum credential_purpose purpose, const struct secret *refused, uint64_t deadline,
                      credential_fetched *done, void *who, struct credential_fetch **ret_fetch,
                      struct err *err)
{
    size_t at = credentials.fetched;

    (void)world, (void)account, (void)deadline;
    credentials.purpose = purpose;
    *ret_fetch = NULL;
    if (credentials.fails || (credentials.fails_https && purpose == CREDENTIAL_HTTPS) ||
        (refused && credentials.fails_fresh)) {
        const struct err why = { .kind = ERR_SIGNIN, .fact = "oauth:refused" };
        done(who, NULL, &why);
        return true;
    }
    while (at && (at >= COUNT(credentials.tokens) || !credentials.tokens[at]))
        at--;
    assert_true(credentials.fetched < COUNT(credentials.refused));
    for (size_t i = 0; refused && i < COUNT(credentials.tokens) && credentials.tokens[i]; i++)
        if (span_is(secret_bytes(refused), credentials.tokens[i]))
            credentials.refused[credentials.fetched] = credentials.tokens[i];
    struct secret *secret = secret_new(span_of(credentials.tokens[at]));
    if (!secret)
        return err_no_memory(err);
    credentials.fetched++;
    done(who, secret, NULL);
    return true;
}

void credential_fetch_cancel(struct credential_fetch *fetch)
{
    assert_null(fetch);
}

bool credential_users(const struct credential_world *world, const struct account *account,
                      struct credential_users *ret_users, struct err *err)
{
    (void)world, (void)account, (void)err;
    *ret_users = (struct credential_users){ .count = credentials.user_count };
    for (size_t i = 0; i < credentials.user_count; i++)
        snprintf(ret_users->at[i], sizeof ret_users->at[i], "%s", credentials.users[i]);
    return true;
}

bool credential_user_won(const struct credential_world *world, const struct account *account,
                         const char *user, struct err *err)
{
    (void)world, (void)account, (void)err;
    snprintf(credentials.won, sizeof credentials.won, "%s", user);
    return true;
}

static void credentials_are(const char *token, const char *user)
{
    memset(&credentials, 0, sizeof credentials);
    credentials.tokens[0] = token;
    credentials.users[0] = user;
    credentials.user_count = 1;
}

#endif
