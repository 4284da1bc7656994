#include "relay/signin.h"

#include <string.h>

#include "base/own.h"

#include "base/banned.h"

/* Refusals that another token, or another name, may turn round; so may one that nobody knows. */
static bool may_turn(const char *cause)
{
    static const char *const causes[] = {
        "oauth_wrong_user",         "oauth_refresh_token_expired", "oauth_wrong_scope",
        "oauth_missing_permission", "oauth_shared_mailbox_user",   "auth_bad_credentials",
    };

    for (size_t i = 0; cause && i < COUNT(causes); i++)
        if (strcmp(cause, causes[i]) == 0)
            return true;
    return cause == NULL;
}

static enum signin_step next_user(struct signin_run *run, size_t users)
{
    if (run->user + 1 >= users)
        return SIGNIN_OVER;
    run->user++;
    return SIGNIN_NEXT_USER;
}

enum signin_step signin_run_refused(struct signin_run *run, const struct evidence *evidence,
                                    const char *cause, unsigned tries, size_t users)
{
    run->tries += tries ? tries : 1;
    if (evidence->stage != STAGE_AUTH || evidence->err.reply < 500 || run->tries >= SIGNIN_TRIES_MAX ||
        !may_turn(cause))
        return SIGNIN_OVER;
    if (!run->fresh_asked) {
        run->fresh_asked = true;
        return SIGNIN_FRESH_TOKEN;
    }
    return next_user(run, users);
}

enum signin_step signin_run_stale(struct signin_run *run, size_t users)
{
    return next_user(run, users);
}
