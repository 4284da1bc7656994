#include "account/checks.h"

#include "account/password.h"
#include "account/verdicts.h"
#include "base/alloc.h"
#include "base/str.h"
#include "net/loop.h"
#include "net/work.h"

#include "base/banned.h"

struct checks {
    struct loop *loop;
    struct verdicts verdicts;
    struct check *first, **end; /* those that wait, and where the next one goes */
    size_t waiting;
    unsigned running;
    bool gone; /* the owner let go; the last that runs frees it */
};

/* While it runs, hash and proof are the thread's. */
struct check {
    struct checks *checks;
    struct check *next;
    unsigned char digest[VERDICT_LEN];
    char *hash; /* NULL: there is no such user */
    struct secret *proof;
    bool right;
    void (*told)(void *who, bool right); /* NULL: abandoned */
    void *who;
};

static void check_free(struct check *check)
{
    if (!check)
        return;
    secret_free(check->proof);
    mem_free(check->hash);
    str_wipe((char *)check->digest, sizeof check->digest);
    mem_free(check);
}
OWNED(check);

static void tell(struct check *check)
{
    if (check->told)
        check->told(check->who, check->right);
}

/* -- on the thread -- */

static void run(void *data)
{
    struct check *check = data;

    check->right = password_is_right(check->hash, secret_bytes(check->proof));
}

/* -- on the loop -- */

static void start_next(struct checks *checks);

static void done(void *data)
{
    struct check *check = data;
    struct checks *checks = check->checks;

    verdict_keep(&checks->verdicts, check->digest, check->right, loop_now(checks->loop));
    if (!checks->gone)
        tell(check);
}

static void drop(void *data)
{
    struct check *check = data;
    struct checks *checks = check->checks;

    check_free(check);
    checks->running--;
    if (!checks->gone)
        start_next(checks);
    else if (checks->running == 0)
        mem_free(checks);
}

static struct check *take_first(struct checks *checks)
{
    struct check *check = checks->first;

    checks->first = check->next;
    if (!checks->first)
        checks->end = &checks->first;
    checks->waiting--;
    return check;
}

/* It is the worker's from then on. */
static bool start(struct check *check, struct err *err)
{
    const struct work_plan plan = { run, done, drop, check };

    if (!work_start(check->checks->loop, &plan, NULL, err))
        return false;
    check->checks->running++;
    return true;
}

static void start_next(struct checks *checks)
{
    while (checks->first && checks->running < CHECKS_AT_ONCE) {
        struct check *check = take_first(checks);
        if (check->told && start(check, NULL))
            continue;
        tell(check); /* there is no memory: nobody signs in */
        check_free(check);
    }
}

bool checks_ask(struct checks *checks, struct span user, const char *hash_or_null, struct span proof,
                void (*told)(void *who, bool right), void *who, struct check **ret_check,
                struct err *err)
{
    const struct verdict_case of = { user, span_of(hash_or_null), proof };
    OWN(check) check = NEW(check);

    if (checks->waiting >= CHECKS_WAIT_MAX)
        return err_set(err, ERR_LATER, "%d passwords wait to be compared", CHECKS_WAIT_MAX);
    if (!check || !verdict_digest(&checks->verdicts, &of, check->digest, err))
        return err_no_memory(err);
    check->checks = checks;
    check->told = told;
    check->who = who;
    *ret_check = NULL;
    if (verdict_find(&checks->verdicts, check->digest, loop_now(checks->loop), &check->right)) {
        tell(check);
        return true;
    }
    check->hash = str_copy(hash_or_null);
    check->proof = secret_new(proof);
    if ((hash_or_null && !check->hash) || !check->proof)
        return err_no_memory(err);
    if (checks->running < CHECKS_AT_ONCE) {
        if (!start(check, err))
            return false;
    } else {
        *checks->end = check;
        checks->end = &check->next;
        checks->waiting++;
    }
    *ret_check = GIVE(check);
    return true;
}

size_t checks_waiting(const struct checks *checks)
{
    return checks->waiting;
}

void check_abandon(struct check *check)
{
    if (check)
        check->told = NULL;
}

bool checks_new(struct loop *loop, const struct dice *dice, struct checks **ret_checks, struct err *err)
{
    OWN(checks) checks = NEW(checks);

    if (!checks)
        return err_no_memory(err);
    checks->loop = loop;
    checks->end = &checks->first;
    if (!random_fill(dice, checks->verdicts.key, sizeof checks->verdicts.key, err))
        return false;
    *ret_checks = GIVE(checks);
    return true;
}

void checks_free(struct checks *checks)
{
    if (!checks)
        return;
    while (checks->first)
        check_free(take_first(checks));
    str_wipe(checks->verdicts.key, sizeof checks->verdicts.key);
    checks->gone = true;
    if (checks->running == 0)
        mem_free(checks);
}
