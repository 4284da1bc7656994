#include "doctor/clock_look.h"

#include <stdio.h>

#include "base/alloc.h"
#include "know/knowledge.h"
#include "mail/date.h"
#include "net/fetch.h"
#include "net/loop.h"
#include "net/url.h"

#include "base/banned.h"

enum {
    PATIENCE_MS = 3 * 1000,
    ANSWER_MAX = 256 * 1024, /* the page is not read, but it comes */
    WRONG_S = 5 * 60,        /* so far off, sign-ins and tokens fail, too (RFC 4120, and what OAuth servers allow) */
    URL_LEN = DIAL_HOST_MAX + 16,
};

/* ---- who is asked ---- */

static void add_host(struct clock_hosts *hosts, const char *host)
{
    for (size_t i = 0; i < hosts->count; i++)
        if (strcmp(hosts->at[i], host) == 0)
            return;
    if (hosts->count < CLOCK_HOSTS_MAX)
        hosts->at[hosts->count++] = host;
}

static void add_own(struct clock_hosts *hosts, const struct profile *profile)
{
    struct url url;

    if (profile->http_api_host) {
        add_host(hosts, profile->http_api_host);
    } else if (profile->oauth.token && url_parse(span_of(profile->oauth.token), &url, NULL)) {
        snprintf(hosts->own, sizeof hosts->own, "%s", url.host);
        add_host(hosts, hosts->own);
    }
}

void clock_hosts(const struct knowledge *know, const struct around_target *target, struct clock_hosts *ret_hosts)
{
    static const char *const references[] = { "gmail", "microsoft365" };

    *ret_hosts = (struct clock_hosts){ 0 };
    if (target->is_private)
        return;
    if (target->profile && target->profile->kind != PROFILE_BRIDGE)
        add_own(ret_hosts, target->profile);
    for (size_t i = 0; i < COUNT(references); i++) {
        const struct profile *other = know_profile(know, references[i]);
        if (other && other->http_api_host)
            add_host(ret_hosts, other->http_api_host);
    }
}

/* ---- what it means ---- */

int64_t clock_ahead(const struct clock_reading *reading)
{
    uint64_t least = reading->theirs, most = reading->theirs + 1 + reading->took;

    if (reading->ours < least)
        return -(int64_t)(least - reading->ours);
    return reading->ours > most ? (int64_t)(reading->ours - most) : 0;
}

static bool all_hold(const struct tls_description *shown, uint64_t now)
{
    for (size_t i = 0; i < shown->chain_len; i++)
        if (now < shown->chain[i].from || now > shown->chain[i].until)
            return false;
    return shown->chain_len > 0;
}

static bool is_off(const struct clock_reading *reading)
{
    int64_t ahead = clock_ahead(reading);

    return ahead > WRONG_S || ahead < -WRONG_S;
}

static bool holds_at(const struct clock_doubt *token, uint64_t now)
{
    return now >= token->from && (!token->until || now < token->until);
}

static void add(struct clock_facts *facts, bool holds, const char *fact)
{
    if (holds && facts->count < CLOCK_FACTS_MAX)
        facts->at[facts->count++] = fact;
}

void clock_judge(const struct clock_reading *reading, const struct clock_doubt *doubt, struct clock_facts *ret_facts)
{
    const struct tls_description *shown = doubt->shown;
    bool off = is_off(reading);

    *ret_facts = (struct clock_facts){ 0 };
    if (!reading->known)
        return;
    add(ret_facts, true, off ? "clock:wrong" : "clock:right");
    /* At their time, and not at ours: however little the clock is off, that is why. */
    add(ret_facts, shown && all_hold(shown, reading->theirs) && !all_hold(shown, reading->ours), "cert:dates-hold");
    /* A token is the server's to judge, by its own time: ours is why a spent one was shown, or a good one held for spent. */
    add(ret_facts, off && holds_at(doubt, reading->theirs) != holds_at(doubt, reading->ours), "token:dates-differ");
}

/* ---- asking ---- */

struct asked {
    struct clock_look *look;
    const char *host;
    char url[URL_LEN];
    uint64_t began;
    struct fetch_plan plan;
    struct fetch *fetch;
};

struct clock_look {
    struct loop *loop;
    const struct clock *clock;
    void (*done)(void *who, const struct clock_reading *reading);
    void *who;
    size_t waits;
    struct asked asked[CLOCK_HOSTS_MAX];
};

static bool read_date(const struct asked *asked, const struct fetch_answer *answer, struct clock_reading *reading)
{
    const struct clock_look *look = asked->look;

    reading->ours = clock_wall(look->clock) / 1000;
    reading->took = (loop_now(look->loop) - asked->began + 999) / 1000;
    reading->host = asked->host;
    reading->known = date_read_http(span_trim(fetch_header(answer->headers, "Date")), &reading->theirs);
    return reading->known;
}

static void hang_up(struct clock_look *look)
{
    for (size_t i = 0; i < CLOCK_HOSTS_MAX; i++)
        fetch_cancel(GIVE(look->asked[i].fetch));
}

static void fetched(void *who, const struct fetch_answer *answer, const struct err *err)
{
    struct asked *asked = who;
    struct clock_look *look = asked->look;
    struct clock_reading reading = { 0 };
    (void)err;

    asked->fetch = NULL;
    look->waits--;
    if (!(answer && read_date(asked, answer, &reading)) && look->waits)
        return;
    hang_up(look);
    look->done(look->who, &reading);
}

static bool ask(struct clock_look *look, struct asked *asked, const struct transport_world *world, const char *proxy,
                const char *host, struct err *err)
{
    asked->look = look;
    asked->host = host;
    asked->began = loop_now(look->loop);
    snprintf(asked->url, sizeof asked->url, "https://%s/", host);
    asked->plan = (struct fetch_plan){
        .url = asked->url,
        .resolver = world->credentials.resolver,
        .detours = world->credentials.detours,
        .ca_file = world->credentials.ca_file,
        .proxy = proxy,
        .body_max = ANSWER_MAX,
        .deadline = asked->began + PATIENCE_MS,
        .any_date = true,
    };
    return fetch_start(look->loop, &asked->plan, fetched, asked, &asked->fetch, err);
}

bool clock_look_start(struct loop *loop, const struct transport_world *world, const char *proxy,
                      const struct clock_hosts *hosts, void (*done)(void *who, const struct clock_reading *reading),
                      void *who, struct clock_look **ret_look, struct err *err)
{
    OWN(clock_look) look = NEW(clock_look);

    if (!look)
        return err_no_memory(err);
    *look = (struct clock_look){ .loop = loop, .clock = world->credentials.clock, .done = done, .who = who };
    for (size_t i = 0; i < hosts->count; i++)
        if (ask(look, &look->asked[i], world, proxy, hosts->at[i], err))
            look->waits++;
    if (!look->waits)
        return hosts->count ? false : err_set(err, ERR_NETWORK, "there is nobody to ask");
    *ret_look = GIVE(look);
    return true;
}

void clock_look_free(struct clock_look *look)
{
    if (!look)
        return;
    hang_up(look);
    mem_free(look);
}
