#include "session/salt.h"

#include "base/alloc.h"
#include "net/work.h"

#include "base/banned.h"

struct salt {
    struct work *work;
    void (*done)(void *who, const struct secret *key);
    void *who;
    struct sasl_salting how;
    char bytes[SASL_SALT_MAX];
    struct secret *password, *key;
};

static void run(void *data)
{
    struct salt *salt = data;

    salt->key = sasl_salt(&salt->how, secret_bytes(salt->password));
}

static void done(void *data)
{
    struct salt *salt = data;

    salt->done(salt->who, salt->key);
}

static void drop(void *data)
{
    struct salt *salt = data;

    secret_free(salt->password);
    secret_free(salt->key);
    mem_free(salt);
}

bool salt_start(struct loop *loop, const struct sasl_salting *how, struct span password,
                void (*told)(void *who, const struct secret *key), void *who,
                struct salt **ret_salt, struct err *err)
{
    struct salt *salt = how->salt.len <= SASL_SALT_MAX ? NEW(salt) : NULL;
    const struct work_plan plan = { run, done, drop, salt };

    if (!salt)
        return err_no_memory(err);
    salt->done = told;
    salt->who = who;
    salt->how = *how;
    memcpy(salt->bytes, how->salt.at, how->salt.len);
    salt->how.salt.at = salt->bytes;
    salt->password = secret_new(password);
    if (!salt->password || !work_start(loop, &plan, &salt->work, err)) {
        if (!salt->password)
            err_no_memory(err);
        drop(salt);
        return false;
    }
    *ret_salt = salt;
    return true;
}

void salt_abandon(struct salt *salt)
{
    if (salt)
        work_abandon(salt->work);
}
