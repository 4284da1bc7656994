#include "cli/opening.h"

#include "cli/print.h"
#include "cli/transports.h"
#include "net/loop.h"

#include "base/banned.h"

struct opening {
    struct transport *transport;
    struct evidence failure;
    bool done, good;
};

static void ready(void *who)
{
    struct opening *opening = who;

    opening->good = opening->done = true;
}

static void sent(void *who)
{
    (void)who; /* nothing was handed over */
}

static void failed(void *who, const struct evidence *why)
{
    struct opening *opening = who;

    opening->failure = *why;
    opening->done = true;
}

static bool prove(const struct signing *signing, const char **ret_way, struct evidence *ret_failure)
{
    static const struct transport_events events = { ready, NULL, sent, failed };
    struct opening opening = { .failure = { .stage = STAGE_LOCAL } };
    struct transport_world world;

    if (!cli_transport_world(signing->cli, &world, &opening.failure.err) ||
        !transport_open(&world, signing->account, &events, &opening, &opening.transport, &opening.failure.err)) {
        *ret_failure = opening.failure;
        return false;
    }
    loop_run_until(world.credentials.secrets.loop, &opening.done);
    *ret_way = transport_name(opening.transport);
    *ret_failure = opening.failure;
    transport_close(opening.transport);
    return opening.good;
}

/* What was agreed to before stays. */
static bool agree_to_https(const struct signing *signing, struct signed_in *signed_in, struct err *err)
{
    const struct signing more = { signing->cli, signing->account, 1u << CREDENTIAL_HTTPS };
    struct signed_in second = { 0 };

    note(signing->cli, "SMTP is shut for this mailbox. Sending over HTTPS has to be agreed to by itself: once more, please.");
    if (!signing_run(&more, &second, err))
        return false;
    signed_in->purposes |= second.purposes;
    return true;
}

/* SMTP's token was there: it is the other one that could not be had. */
static bool lacks_https(const struct signing *signing, const struct signed_in *signed_in, const struct evidence *why)
{
    return why->stage == STAGE_TOKEN && signing_lacks_https(signing, signed_in);
}

bool opening_prove(const struct signing *signing, struct signed_in *signed_in, const char **ret_way,
                   struct evidence *ret_failure)
{
    if (prove(signing, ret_way, ret_failure))
        return true;
    if (!lacks_https(signing, signed_in, ret_failure))
        return false;
    ret_failure->err = (struct err){ 0 };
    return agree_to_https(signing, signed_in, &ret_failure->err) && prove(signing, ret_way, ret_failure);
}
