#include "doctor/https.h"

#include "base/alloc.h"
#include "net/fetch.h"
#include "net/loop.h"

#include "base/banned.h"

enum { PATIENCE_MS = 8 * 1000, URL_MAX_LEN = 300, ANSWER_MAX = 256 * 1024 };

struct doctor_https {
    struct loop *loop;
    const struct transport_world *world;
    const struct account *account;
    void (*done)(void *who, const struct evidence *why);
    void *who;
    struct transport *transport;
    struct fetch *fetch;
    struct fetch_plan plan;
    struct buf url;
};

static void end(struct doctor_https *https, enum stage stage, const struct err *err)
{
    const struct evidence evidence = {
        .stage = stage,
        .err = *err,
        .provider = https->account->profile ? https->account->profile->id : NULL,
    };

    https->done(https->who, &evidence);
}

/* Any answer is one: nobody signed in. */
static void fetched(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct doctor_https *https = who;

    https->fetch = NULL;
    if (answer)
        https->done(https->who, NULL);
    else
        end(https, STAGE_HTTPS, err);
}

/* As the transport chooses it. */
static const char *host_of(const struct account *account)
{
    bool gmail = account->transport == TRANSPORT_GMAIL;
    const struct profile *profile = account->profile;

    if (profile && profile->http_api && strcmp(profile->http_api, gmail ? "gmail" : "graph") == 0)
        return profile->http_api_host;
    return gmail ? "gmail.googleapis.com" : "graph.microsoft.com";
}

static void on_ready(void *who)
{
    struct doctor_https *https = who;
    struct err err = { 0 };

    buf_addf(&https->url, "https://%s/", host_of(https->account));
    https->plan = (struct fetch_plan){
        .url = buf_text(&https->url),
        .resolver = https->world->credentials.resolver,
        .detours = https->world->credentials.detours,
        .ca_file = https->world->credentials.ca_file,
        .proxy = https->account->proxy ? https->account->proxy : https->world->credentials.proxy,
        .body_max = ANSWER_MAX,
        .deadline = loop_now(https->loop) + PATIENCE_MS,
    };
    if (!fetch_start(https->loop, &https->plan, fetched, https, &https->fetch, &err))
        end(https, STAGE_HTTPS, &err);
}

static void on_sent(void *who)
{
    (void)who; /* nothing is sent */
}

static void on_failed(void *who, const struct evidence *why)
{
    struct doctor_https *https = who;

    https->done(https->who, why);
}

bool doctor_https_start(struct loop *loop, const struct transport_world *world, const struct account *account,
                        void (*done)(void *who, const struct evidence *why), void *who,
                        struct doctor_https **ret_https, struct err *err)
{
    static const struct transport_events events = { on_ready, NULL, on_sent, on_failed };
    OWN(doctor_https) https = NEW(doctor_https);

    if (!https)
        return err_no_memory(err);
    *https = (struct doctor_https){ .loop = loop, .world = world, .account = account, .done = done, .who = who,
                                    .url = BUF(URL_MAX_LEN) };
    if (!transport_open(world, account, &events, https, &https->transport, err))
        return false;
    *ret_https = GIVE(https);
    return true;
}

void doctor_https_free(struct doctor_https *https)
{
    if (!https)
        return;
    fetch_cancel(https->fetch);
    transport_close(https->transport);
    buf_done(&https->url);
    mem_free(https);
}
